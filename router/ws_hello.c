/* SPDX-License-Identifier: MIT */
/* How a WebSocket connection is opened (RFC 6455 4.2, RFC 7118 4.1); see
 * ws.h. */

#include <string.h>
#include <re.h>
#include <openssl/sha.h>
#include "router/ws.h"

enum { KEY_LEN = 24 }; /* 16 bytes in base64 */

/* What of the request counts. */
struct hello {
	bool get, host, upgrade, connection, sip;
	bool version_13, has_version;
	struct pl key;
	unsigned keys;
};

static bool is_ows(char c)
{
	return c == ' ' || c == '\t';
}

static void trim(struct pl *pl)
{
	while (pl->l && is_ows(*pl->p)) {
		++pl->p;
		--pl->l;
	}
	while (pl->l && is_ows(pl->p[pl->l - 1]))
		--pl->l;
}

/* Is a word in a list with commas? */
static bool lists(struct pl val, const char *word)
{
	while (val.l) {
		const char *comma = memchr(val.p, ',', val.l);
		struct pl one = {val.p,
				 comma ? (size_t)(comma - val.p) : val.l};

		pl_advance(&val, (ssize_t)(one.l + !!comma));
		trim(&one);
		if (!pl_strcasecmp(&one, word))
			return true;
	}

	return false;
}

static void header(struct hello *h, const struct pl *name, const struct pl *val)
{
	if (!pl_strcasecmp(name, "Host"))
		h->host = val->l;
	else if (!pl_strcasecmp(name, "Upgrade"))
		h->upgrade = h->upgrade || lists(*val, "websocket");
	else if (!pl_strcasecmp(name, "Connection"))
		h->connection = h->connection || lists(*val, "upgrade");
	else if (!pl_strcasecmp(name, "Sec-WebSocket-Protocol"))
		h->sip = h->sip || lists(*val, "sip");
	else if (!pl_strcasecmp(name, "Sec-WebSocket-Version")) {
		h->has_version = true;
		h->version_13 = !pl_strcmp(val, "13");
	} else if (!pl_strcasecmp(name, "Sec-WebSocket-Key")) {
		h->key = *val;
		++h->keys;
	}
}

static bool request_line(const struct pl *line)
{
	static const char method[] = "GET ", version[] = " HTTP/1.1";
	const size_t n = sizeof(version) - 1;

	return line->l >= sizeof(method) + n &&
	       !memcmp(line->p, method, sizeof(method) - 1) &&
	       !memcmp(line->p + line->l - n, version, n);
}

static void read_hello(struct hello *h, const char *p, size_t len)
{
	const char *end = p + len;
	bool first = true;

	memset(h, 0, sizeof(*h));
	while (p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		struct pl line = {p, (size_t)((lf ? lf : end) - p)}, val;
		const char *colon;

		p = lf ? lf + 1 : end;
		if (line.l && line.p[line.l - 1] == '\r')
			--line.l;
		if (first)
			h->get = request_line(&line);
		first = false;
		colon = memchr(line.p, ':', line.l);
		if (!colon)
			continue;
		val.p = colon + 1;
		val.l = (size_t)(line.p + line.l - val.p);
		line.l = (size_t)(colon - line.p);
		trim(&val);
		header(h, &line, &val);
	}
}

static bool is_key(const struct pl *key)
{
	uint8_t bytes[KEY_LEN];
	size_t n = sizeof(bytes);

	return key->l == KEY_LEN && !base64_decode(key->p, key->l, bytes, &n) &&
	       n == 16;
}

/* Why it is refused: status line and what is wrong; NULL: it is not. */
static const char *refusal(const struct hello *h, const char **why)
{
	*why = "";
	if (!h->get || !h->host) {
		*why = "a GET of HTTP/1.1 with Host is wanted";
		return "400 Bad Request";
	}
	if (!h->upgrade || !h->connection) {
		*why = "this is SIP over WebSocket (RFC 7118)";
		return "426 Upgrade Required";
	}
	if (!h->version_13) {
		*why = "Sec-WebSocket-Version 13 is wanted";
		return h->has_version ? "426 Upgrade Required"
				      : "400 Bad Request";
	}
	if (h->keys != 1 || !is_key(&h->key)) {
		*why = "one Sec-WebSocket-Key of 16 bytes is wanted";
		return "400 Bad Request";
	}
	if (!h->sip) {
		*why = "Sec-WebSocket-Protocol: sip is wanted";
		return "400 Bad Request";
	}

	return NULL;
}

static size_t accept_it(char *answer, const struct pl *key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t text[KEY_LEN + sizeof(guid) - 1], md[SHA_DIGEST_LENGTH];
	char b64[40];
	size_t n = sizeof(b64);

	memcpy(text, key->p, KEY_LEN);
	memcpy(text + KEY_LEN, guid, sizeof(guid) - 1);
	(void)SHA1(text, sizeof(text), md);
	if (base64_encode(md, sizeof(md), b64, &n))
		n = 0;

	return (size_t)re_snprintf(answer, WS_ANSWER_MAX,
				   "HTTP/1.1 101 Switching Protocols\r\n"
				   "Upgrade: websocket\r\n"
				   "Connection: Upgrade\r\n"
				   "Sec-WebSocket-Accept: %b\r\n"
				   "Sec-WebSocket-Protocol: sip\r\n\r\n",
				   b64, n);
}

static size_t refuse(char *answer, const char *status, const char *why)
{
	return (size_t)re_snprintf(answer, WS_ANSWER_MAX,
				   "HTTP/1.1 %s\r\n"
				   "Upgrade: websocket\r\n"
				   "Connection: Upgrade, close\r\n"
				   "Sec-WebSocket-Version: 13\r\n"
				   "Content-Type: text/plain\r\n"
				   "Content-Length: %zu\r\n\r\n%s\n",
				   status, strlen(why) + 1, why);
}

enum ws_hello ws_hello(const char *p, size_t len, size_t *used, char *answer,
		       size_t *n)
{
	const char *end = len ? memmem(p, len, "\r\n\r\n", 4) : NULL;
	const char *status, *why;
	struct hello h;

	if (!end && len < WS_HELLO_MAX)
		return WS_HELLO_MORE;
	*used = end ? (size_t)(end + 4 - p) : len;
	if (!end || *used > WS_HELLO_MAX) {
		*n = refuse(answer, "431 Request Header Fields Too Large",
			    "at most 8192 bytes");
		return WS_HELLO_REFUSED;
	}
	read_hello(&h, p, *used);
	status = refusal(&h, &why);
	*n = status ? refuse(answer, status, why) : accept_it(answer, &h.key);

	return status ? WS_HELLO_REFUSED : WS_HELLO_OK;
}

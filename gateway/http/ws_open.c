/* SPDX-License-Identifier: MIT */
/* Opening a WebSocket: see ws_open.h. */

#include <errno.h>
#include <string.h>
#include <re.h>
#include <openssl/sha.h>

#include "gateway/http/problem.h"
#include "gateway/http/request.h"
#include "gateway/http/ws.h"
#include "gateway/http/ws_deflate.h"
#include "gateway/http/ws_open.h"

enum { KEY_LEN = 24, KEY_BYTES = 16, VERSION_2 = 20 };

bool ws_is_wanted(const struct web_req *req)
{
	return req && req->upgrade && !strcmp(req->upgrade, "websocket");
}

static bool is_key(const char *key)
{
	uint8_t bytes[KEY_LEN];
	size_t n = sizeof(bytes);

	return key && strlen(key) == KEY_LEN &&
	       !base64_decode(key, KEY_LEN, bytes, &n) && n == KEY_BYTES;
}

static int add_accept(struct web_req *req, const char *key)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t text[KEY_LEN + sizeof(guid) - 1], md[SHA_DIGEST_LENGTH];
	char b64[40];
	size_t n = sizeof(b64) - 1;

	memcpy(text, key, KEY_LEN);
	memcpy(text + KEY_LEN, guid, sizeof(guid) - 1);
	(void)SHA1(text, sizeof(text), md);
	if (base64_encode(md, sizeof(md), b64, &n))
		return ENOMEM;
	b64[n] = '\0';

	return web_head(req, "sec-websocket-accept", "%s", b64);
}

static bool offers(const struct web_req *req, const char *protocol)
{
	const size_t n = strlen(protocol);

	for (size_t i = 0; i < req->head.count; i++) {
		const char *p = fields_value(&req->head, i);

		if (strcmp(fields_name(&req->head, i),
			   "sec-websocket-protocol"))
			continue;
		while (*p) {
			size_t len;

			p += strspn(p, ", \t");
			len = strcspn(p, ", \t");
			if (len == n && !strncmp(p, protocol, n))
				return true;
			p += len;
		}
	}

	return false;
}

static bool offers_deflate(const struct web_req *req)
{
	for (size_t i = 0; i < req->head.count; i++) {
		if (!strcmp(fields_name(&req->head, i),
			    "sec-websocket-extensions") &&
		    ws_deflate_is_offered(fields_value(&req->head, i)))
			return true;
	}

	return false;
}

int ws_open(struct web_req *req, const char *protocol, bool *deflatep)
{
	const char *version = web_header(req, "sec-websocket-version");
	const char *key = web_header(req, "sec-websocket-key");
	int err = 0;

	if (!version || strcmp(version, "13")) {
		(void)web_head(req, "sec-websocket-version", "13");
		(void)problem(req, 426, "websocket-version",
			      "Sec-WebSocket-Version must be 13");
		return EPROTO;
	}
	if (req->version != VERSION_2 &&
	    (!is_key(key) ||
	     fields_count(&req->head, "sec-websocket-key") != 1)) {
		(void)problem(req, 400, "websocket-key", "there must be one "
			      "Sec-WebSocket-Key, of 16 bytes in base64");
		return EPROTO;
	}

	if (req->version != VERSION_2)
		err = add_accept(req, key);
	if (protocol && offers(req, protocol))
		err |= web_head(req, "sec-websocket-protocol", "%s", protocol);

	*deflatep = offers_deflate(req);
	if (*deflatep)
		err |= web_head(req, "sec-websocket-extensions", "%s",
				ws_deflate_answer);

	return err ? ENOMEM : web_upgrade(req);
}

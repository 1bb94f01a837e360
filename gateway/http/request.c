/* SPDX-License-Identifier: MIT */
/* Requests and their handlers' side: see request.h. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/request_impl.h"

static void destructor(void *arg)
{
	struct web_req *req = arg;

	list_unlink(req_le(req));
	mem_deref(req->user);
	mem_deref(req->method);
	mem_deref(req->path);
	mem_deref(req->query);
	mem_deref(req->upgrade);
	mem_deref(req->body);
	mem_deref(req->res.out);
	mem_deref(req->res.shared.owner);
	fields_reset(&req->head);
	fields_reset(&req->res.head);
	fields_reset(&req->res.trailers);
}

int web_req_alloc(struct web_req **reqp, struct engine *engine)
{
	struct web_req *req;

	if (!reqp)
		return EINVAL;

	req = mem_zalloc(sizeof(struct req_node), destructor);
	if (!req)
		return ENOMEM;

	req->engine = engine;
	req->peer = req->peer_text;
	if (engine) {
		/* Copied: the request may outlive its connection. */
		str_ncpy(req->peer_text, engine->conf.peer,
			 sizeof(req->peer_text));
		req->tls = engine->conf.tls;
	}
	*reqp = req;

	return 0;
}

static int dup_text(char **strp, const char *p, size_t len)
{
	char *str = mem_alloc(len + 1, NULL);

	if (!str)
		return ENOMEM;

	memcpy(str, p, len);
	str[len] = '\0';
	mem_deref(*strp);
	*strp = str;

	return 0;
}

/* RFC 9112 3.2.2: a server must accept the absolute form, too. */
static void skip_authority(const char **pp, size_t *lenp)
{
	static const char *const schemev[] = {"http://", "https://"};

	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(schemev[i]);
		const char *end = *pp + *lenp, *p = *pp + n;

		if (*lenp < n || strncasecmp(*pp, schemev[i], n))
			continue;

		while (p < end && *p != '/' && *p != '?')
			p++;
		*lenp = (size_t)(end - p);
		*pp = p;
		return;
	}
}

int web_req_target(struct web_req *req, const char *method, size_t mlen,
		   const char *target, size_t tlen)
{
	const char *mark;
	size_t plen;
	int err;

	if (!req || !method || !target)
		return EINVAL;

	skip_authority(&target, &tlen);
	for (size_t i = 0; i < tlen; i++) {
		if ((unsigned char)target[i] <= ' ' || target[i] == 0x7f)
			return EINVAL;
	}

	mark = memchr(target, '#', tlen);
	if (mark)
		tlen = (size_t)(mark - target);
	mark = memchr(target, '?', tlen);
	plen = mark ? (size_t)(mark - target) : tlen;

	err = dup_text(&req->method, method, mlen);
	err |= plen ? dup_text(&req->path, target, plen)
		    : dup_text(&req->path, "/", 1);
	err |= mark ? dup_text(&req->query, mark + 1, tlen - plen - 1)
		    : dup_text(&req->query, "", 0);

	return err ? ENOMEM : 0;
}

int web_req_body(struct web_req *req, const uint8_t *p, size_t len,
		 size_t max)
{
	size_t have;

	if (!req || (!p && len))
		return EINVAL;

	have = req->body ? req->body->end : 0;
	if (len > max || have > max - len)
		return EMSGSIZE;

	if (!len)
		return 0;

	if (!req->body) {
		req->body = mbuf_alloc(len);
		if (!req->body)
			return ENOMEM;
	}
	else if (req->body->size < have + len &&
		 mbuf_resize(req->body, (have + len) * 2)) {
		/* Doubling: the buffer's own growth is linear. */
		return ENOMEM;
	}

	req->body->pos = have;
	if (mbuf_write_mem(req->body, p, len))
		return ENOMEM;
	req->body->pos = 0;

	return 0;
}

size_t web_body_max(const struct web_req *req, const struct web_limits *lim)
{
	return req->body_large ? lim->large_bytes : lim->body_bytes;
}

const char *web_body_refusal(const struct web_req *req)
{
	return req->body_large ? "the body is larger than 16 MB"
			  : "the body is larger than 1 MB";
}

void web_req_detach(struct web_req *req)
{
	web_close_h *h;

	if (!req || !req->engine)
		return;

	list_unlink(req_le(req));
	req->engine = NULL;
	h = req->closeh;
	req->closeh = NULL;
	if (h)
		h(req, req->arg);
}

const uint8_t *web_body(const struct web_req *req, size_t *lenp)
{
	if (!req || !req->body) {
		*lenp = 0;
		return (const uint8_t *)"";
	}
	*lenp = req->body->end;

	return req->body->buf;
}

const char *web_header(const struct web_req *req, const char *name)
{
	return req ? fields_get(&req->head, name) : NULL;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int web_unescape(char *out, size_t size, const char *in, size_t len)
{
	size_t n = 0;

	if (!out || !size || !in)
		return EINVAL;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)in[i];

		if (c == '%') {
			if (i + 2 >= len || hex(in[i + 1]) < 0 ||
			    hex(in[i + 2]) < 0)
				return EINVAL;
			c = hex(in[i + 1]) << 4 | hex(in[i + 2]);
			i += 2;
		}
		if (!c)
			return EINVAL;
		if (n + 1 >= size)
			return EOVERFLOW;
		out[n++] = (char)c;
	}
	out[n] = '\0';

	return 0;
}

int web_query(const struct web_req *req, const char *name, char *val,
	      size_t size)
{
	const char *p = req ? req->query : NULL;
	size_t nlen = name ? strlen(name) : 0;

	if (!nlen || !val || !size)
		return EINVAL;

	while (p && *p) {
		size_t len = strcspn(p, "&");

		if (len == nlen && !strncmp(p, name, nlen)) {
			val[0] = '\0';
			return 0;
		}
		if (len > nlen && p[nlen] == '=' && !strncmp(p, name, nlen))
			return web_unescape(val, size, p + nlen + 1,
					    len - nlen - 1);
		p += len + (p[len] == '&');
	}

	return ENOENT;
}

/* SPDX-License-Identifier: MIT */
/*
 * Cookies, and what a page of another site could do with them.  A browser
 * sends our cookie with each request to us, whoever's page asks; SameSite
 * keeps most of these away, and here is the rest: the browser's own word for
 * it (Sec-Fetch-Site, Origin), and a token that only our pages can read.
 */

#include <string.h>
#include <strings.h>
#include <openssl/crypto.h>

#include "gateway/account/account.h"
#include "gateway/api/auth_impl.h"
#include "gateway/http/request.h"

/* __Host-: only over TLS, for this host and all of its paths. */
const char *auth_cookie_name(const struct web_req *req)
{
	return req->tls ? "__Host-sy-session" : "sy-session";
}

/* In one line: "a=1; b=2". */
static bool find_cookie(const char *line, const char *name, char *text,
			size_t size)
{
	const size_t len = strlen(name);

	while (*line) {
		size_t n;

		line += strspn(line, "; \t");
		n = strcspn(line, ";");
		if (n > len && line[len] == '=' &&
		    !strncmp(line, name, len) && n - len - 1 < size) {
			memcpy(text, line + len + 1, n - len - 1);
			text[n - len - 1] = '\0';
			return true;
		}
		line += n;
	}

	return false;
}

/* HTTP/2 may have a field for each cookie (RFC 9113 8.2.3). */
bool auth_cookie(const struct web_req *req, char *text, size_t size)
{
	const char *name = auth_cookie_name(req);

	for (size_t i = 0; i < req->head.count; i++) {
		if (!strcmp(fields_name(&req->head, i), "cookie") &&
		    find_cookie(fields_value(&req->head, i), name, text,
				size))
			return true;
	}

	return false;
}

bool auth_is_own_site(const struct web_req *req)
{
	const char *site = web_header(req, "sec-fetch-site");
	const char *origin = web_header(req, "origin");
	const char *host = web_header(req, "host");

	if (site && strcmp(site, "same-origin") && strcmp(site, "none"))
		return false;
	if (!origin)
		return true;
	origin = strstr(origin, "://");

	return origin && host && !strcasecmp(origin + 3, host);
}

static bool is_websocket(const struct web_req *req)
{
	return web_header(req, "upgrade") || !strcmp(req->method, "CONNECT");
}

static bool is_safe(const struct web_req *req)
{
	return !strcmp(req->method, "GET") || !strcmp(req->method, "HEAD") ||
	       !strcmp(req->method, "OPTIONS");
}

static bool has_csrf(const struct web_req *req, const char *text)
{
	const char *sent = web_header(req, "x-csrf-token");
	const char *secret = strchr(text, '.');
	char csrf[33];

	if (!sent || !secret || strlen(sent) != sizeof(csrf) - 1)
		return false;
	login_csrf(csrf, secret + 1);

	return !CRYPTO_memcmp(sent, csrf, sizeof(csrf) - 1);
}

bool auth_is_sent_by_us(const struct web_req *req, const char *text)
{
	if (is_websocket(req))
		return auth_is_own_site(req);
	if (is_safe(req))
		return true;

	return auth_is_own_site(req) && has_csrf(req, text);
}

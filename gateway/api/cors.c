/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <strings.h>

#include "gateway/api/cors.h"
#include "gateway/http/request.h"

#define METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"
#define SENT                                                                  \
	"authorization, content-type, idempotency-key, if-match, "            \
	"if-none-match, last-event-id, x-request-id"
#define SEEN                                                                  \
	"etag, location, retry-after, x-request-id, idempotency-replayed, "   \
	"ratelimit-limit, ratelimit-remaining, ratelimit-reset"
#define MAX_AGE_S "600"

/* The next one of a list; *len is 0 at its end. */
static const char *next(const char *p, size_t *len)
{
	p += strspn(p, ", ");
	*len = strcspn(p, ", ");

	return p;
}

static bool is_allowed(const char *origins, const char *origin)
{
	size_t len;

	for (const char *p = next(origins, &len); len;
	     p = next(p + len, &len)) {
		if ((len == 1 && *p == '*') ||
		    (len == strlen(origin) && !strncasecmp(p, origin, len)))
			return true;
	}

	return false;
}

void cors_answer(struct web_req *req, const char *origins)
{
	const char *origin = web_header(req, "origin");

	if (!origins || !*origins)
		return;

	(void)web_head(req, "vary", "origin");
	if (!origin || !is_allowed(origins, origin))
		return;

	(void)web_head(req, "access-control-allow-origin", "%s", origin);
	(void)web_head(req, "access-control-expose-headers", SEEN);
	if (strcmp(req->method, "OPTIONS") ||
	    !web_header(req, "access-control-request-method"))
		return;

	(void)web_head(req, "access-control-allow-methods", METHODS);
	(void)web_head(req, "access-control-allow-headers", SENT);
	(void)web_head(req, "access-control-max-age", MAX_AGE_S);
}

bool cors_is_valid(const char *origins)
{
	size_t len;

	for (const char *p = next(origins, &len); len;
	     p = next(p + len, &len)) {
		const char *host = !strncmp(p, "https://", 8) ? p + 8
				   : !strncmp(p, "http://", 7) ? p + 7
							       : NULL;

		if (len == 1 && *p == '*')
			continue;
		if (!host || host >= p + len ||
		    strcspn(host, "/?#@") < (size_t)(p + len - host))
			return false;
	}

	return true;
}

/* SPDX-License-Identifier: MIT */
/* GET /api/openapi.json: see openapi.h.  Made once, when first asked for. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>

#include "gateway/api/api.h"
#include "gateway/api/openapi.h"
#include "gateway/api/openapi_impl.h"

enum { TAG_HEX = 32, TAG_SIZE = TAG_HEX + 5 };

static json_t *info(void)
{
	return json_pack(
		"{s:s, s:s, s:s}", "title", "Switchyard", "version",
		SY_VERSION, "description",
		"Calls, nodes and configuration of a Switchyard cluster.  "
		"Any gateway answers any request.\n\n"
		"A list is {\"items\", \"nextCursor\"}; the last page's cursor "
		"is empty.  64-bit integers are strings.  Errors are problem "
		"documents (RFC 9457).  Every GET answers HEAD, too.");
}

static json_t *security_schemes(void)
{
	return json_pack(
		"{s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s, s:s}}", "bearer",
		"type", "http", "scheme", "bearer", "description",
		"A token of the API", "session", "type", "apiKey", "in",
		"cookie", "name", "__Host-sy-session", "description",
		"A session of the dashboard (sy-session without TLS); what "
		"changes something also needs X-CSRF-Token");
}

static json_t *document(const struct api_route *routev, size_t n)
{
	return json_pack(
		"{s:s, s:o, s:[{s:s}], s:o, s:{s:o, s:o, s:o}}", "openapi",
		"3.1.0", "info", info(), "servers", "url", "/", "paths",
		openapi_paths(routev, n), "components", "schemas",
		openapi_schemas(routev, n), "responses", openapi_problems(),
		"securitySchemes", security_schemes());
}

char *openapi_print(const struct api_route *routev, size_t n)
{
	json_t *j = document(routev, n);
	char *str = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);

	return str;
}

/* Weak: it is the same text compressed or not. */
static void make_tag(char tag[TAG_SIZE], const char *text)
{
	uint8_t md[EVP_MAX_MD_SIZE] = {0};
	size_t n = 0;

	(void)EVP_Digest(text, strlen(text), md, NULL, EVP_sha256(), NULL);
	tag[n++] = 'W';
	tag[n++] = '/';
	tag[n++] = '"';
	for (size_t i = 0; i < TAG_HEX / 2; i++)
		n += (size_t)snprintf(tag + n, 3, "%02x", md[i]);
	tag[n++] = '"';
	tag[n] = '\0';
}

void api_openapi_get(struct api_req *a)
{
	static char *text, tag[TAG_SIZE];
	const char *known = web_header(a->web, "if-none-match");

	if (!text) {
		size_t n;
		const struct api_route *routev = api_routes(&n);

		text = openapi_print(routev, n);
		if (!text) {
			(void)problem(a->web, 500, "internal",
				      "out of memory");
			return;
		}
		make_tag(tag, text);
	}

	(void)web_head(a->web, "etag", "%s", tag);
	(void)web_head(a->web, "cache-control", "no-cache");
	if (!known || !strstr(known, tag + 2)) {
		(void)web_reply(a->web, 200, "application/json", text,
				strlen(text));
		return;
	}
	/* As the 200 would have it (RFC 9110 15.4.5). */
	(void)web_head(a->web, "vary", "accept-encoding");
	(void)web_reply(a->web, 304, NULL, NULL, 0);
}

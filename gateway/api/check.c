/* SPDX-License-Identifier: MIT */
/* Checks of the header: see check.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "gateway/api/api.h"
#include "gateway/api/check.h"
#include "gateway/api/wire.h"

#define TYPE_JSON "application/json"

/* ---------------------------------------------------------------- query */

static bool is_parameter(const struct api_route *r, const char *name)
{
	for (const struct route_query *q = r->queryv; q && q->name; q++) {
		if (!strcmp(q->name, name))
			return true;
	}

	return r->list && (!strcmp(name, "limit") || !strcmp(name, "cursor"));
}

static void print_allowed(char *buf, size_t size, const struct api_route *r)
{
	size_t n = 0;

	buf[0] = '\0';
	for (const struct route_query *q = r->queryv;
	     q && q->name && n < size; q++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
				      n ? ", " : "", q->name);
	if (r->list && n < size)
		n += (size_t)snprintf(buf + n, size - n, "%slimit, cursor",
				      n ? ", " : "");
	if (!n)
		(void)snprintf(buf, size, "none here");
}

bool check_query(struct api_req *a)
{
	const char *p = a->web->query;
	char name[64], allowed[512];

	if (strncmp(a->route->path, "/api/", 5))
		return true;

	for (; *p; p += *p == '&') {
		size_t len = strcspn(p, "&"), nlen = strcspn(p, "=&");
		struct problem_field f = {
			.cause = "is no parameter of the query",
			.allowed = allowed,
		};

		if (nlen && web_unescape(name, sizeof(name), p, nlen))
			(void)snprintf(name, sizeof(name), "(not readable)");
		if (nlen && !is_parameter(a->route, name)) {
			f.field = name;
			print_allowed(allowed, sizeof(allowed), a->route);
			(void)problem_param(a->web, &f);
			return false;
		}
		p += len;
	}

	return true;
}

/* --------------------------------------------------------------- accept */

/* Of a media range, so that the one that says most decides. */
static int range_match(const char *p, size_t len, const char *type)
{
	const char *slash = strchr(type, '/');
	size_t main = (size_t)(slash - type) + 1;

	if (len == strlen(type) && !strncasecmp(p, type, len))
		return 3;
	if (len == main + 1 && p[len - 1] == '*' &&
	    !strncasecmp(p, type, main))
		return 2;

	return len == 3 && !memcmp(p, "*/*", 3) ? 1 : 0;
}

/* The q of a range's parameters [1/1000]. */
static unsigned range_weight(const char *p, size_t len)
{
	const char *end = p + len;

	for (; p < end; p++) {
		if (*p != ';')
			continue;
		p += 1 + strspn(p + 1, " \t");
		if (p + 2 < end && (*p | 0x20) == 'q' && p[1] == '=') {
			double q = strtod(p + 2, NULL);

			return q > 0 && q <= 1 ? (unsigned)(q * 1000 + 0.5)
					       : 0;
		}
		p--;
	}

	return 1000;
}

unsigned accept_weight(const char *accept, const char *type)
{
	unsigned weight = 0;
	int best = 0;

	if (!accept || !*accept)
		return 1000;

	while (*accept) {
		size_t len = strcspn(accept, ",");
		size_t lead = strspn(accept, " \t");
		size_t name = strcspn(accept + lead, ";, \t");
		int match = range_match(accept + lead, name, type);

		if (match > best) {
			best = match;
			weight = range_weight(accept, len);
		}
		accept += len;
		accept += *accept == ',';
	}

	return weight;
}

bool check_accept(struct api_req *a)
{
	const char *accept = web_header(a->web, "accept");
	const struct api_route *r = a->route;
	const char *json = r->reply ? TYPE_JSON : NULL;

	if (strncmp(r->path, "/api/", 5) || (!json && !r->type) ||
	    (json && accept_weight(accept, json)) ||
	    (json && accept_weight(accept, WIRE_TYPE)) ||
	    (r->type && accept_weight(accept, r->type)))
		return true;

	(void)problem(a->web, 406, "not-acceptable",
		      "what there is here is %s%s%s", json ? json : "",
		      json && r->type ? " and " : "", r->type ? r->type : "");

	return false;
}

/* ----------------------------------------------------------- type of body */

bool check_type(struct api_req *a)
{
	static const char *const typev[] = {
		TYPE_JSON, "application/merge-patch+json", WIRE_TYPE};
	const char *type = web_header(a->web, "content-type");
	size_t len = type ? strcspn(type, "; \t") : 0;

	if (!a->route->body || (!type && a->route->body_optional))
		return true;
	for (size_t i = 0; i < sizeof(typev) / sizeof(typev[0]); i++) {
		if (len == strlen(typev[i]) &&
		    !strncasecmp(type, typev[i], len))
			return true;
	}

	(void)web_head(a->web, "accept", TYPE_JSON);
	(void)problem(a->web, 415, "media-type", "the body must be sent as "
		      "Content-Type: application/json");

	return false;
}

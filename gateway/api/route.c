/* SPDX-License-Identifier: MIT */
/* Routes: see route.h.  A few dozen: they are tried one after the other. */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gateway/api/route.h"
#include "gateway/http/request.h"

/* One segment against one of the pattern; both end at '/' or zero. */
static bool match_segment(const char *pat, size_t plen, const char *str,
			  size_t slen, struct route_params *params,
			  size_t *np)
{
	if (plen && *pat == '{') {
		if (*np >= ROUTE_PARAMS || !slen)
			return false;
		return !web_unescape(params->v[(*np)++], ROUTE_PARAM_SIZE,
				     str, slen);
	}

	return plen == slen && !memcmp(pat, str, slen);
}

static bool match(const char *pat, const char *path,
		  struct route_params *params)
{
	size_t n = 0;

	for (;;) {
		size_t plen = strcspn(pat, "/"), slen = strcspn(path, "/");

		if (!match_segment(pat, plen, path, slen, params, &n))
			return false;

		pat += plen;
		path += slen;
		if (!*pat || !*path)
			return !*pat && !*path;
		pat++;
		path++;
	}
}

static void add_allow(char allow[ROUTE_ALLOW_SIZE], const char *method)
{
	size_t len = strlen(allow);

	(void)snprintf(allow + len, ROUTE_ALLOW_SIZE - len, "%s%s%s",
		       len ? ", " : "", method,
		       strcmp(method, "GET") ? "" : ", HEAD");
}

enum route_out route_find(const struct api_route **routep,
			  struct route_params *params,
			  char allow[ROUTE_ALLOW_SIZE],
			  const struct api_route *v, size_t n,
			  const char *method, const char *path)
{
	const char *want = strcmp(method, "HEAD") ? method : "GET";
	struct route_params found;

	*routep = NULL;
	allow[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		if (!match(v[i].path, path, &found))
			continue;
		add_allow(allow, v[i].method);
		if (!strcmp(v[i].method, want)) {
			*routep = &v[i];
			*params = found;
		}
	}

	if (*routep)
		return ROUTE_FOUND;

	return allow[0] ? ROUTE_NO_METHOD : ROUTE_NO_PATH;
}

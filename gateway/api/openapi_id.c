/* SPDX-License-Identifier: MIT */
/*
 * Names of operations, made of method and path: "listCalls", "getCallTrace",
 * "moveCall".  A route says `op` where that would not be a good one.
 */

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gateway/api/openapi_impl.h"

enum { SEGMENTS = 8 };

/* The segments of a path that are no parameters. */
struct words {
	struct word {
		const char *p;
		size_t len;
		bool one; /* of many: a parameter follows, or another word */
	} v[SEGMENTS];
	size_t n;
	bool item; /* the path ends with a parameter */
};

static void split(struct words *w, const char *path)
{
	if (!strncmp(path, "/api/", 5))
		path += 4;

	while (*path == '/' && w->n < SEGMENTS) {
		size_t len = strcspn(++path, "/");

		if (w->n)
			w->v[w->n - 1].one = true;
		w->item = *path == '{';
		if (!w->item)
			w->v[w->n++] = (struct word){path, len, false};
		path += len;
	}
}

static void put(char id[OPENAPI_ID_SIZE], const char *p, size_t len)
{
	bool upper = *id;
	size_t n = strlen(id);

	for (size_t i = 0; i < len && n + 1 < OPENAPI_ID_SIZE; i++) {
		if (!isalnum((unsigned char)p[i])) {
			upper = true;
			continue;
		}
		id[n++] = upper ? (char)toupper((unsigned char)p[i]) : p[i];
		upper = false;
	}
	id[n] = '\0';
}

/* "calls": "call"; "status" stays. */
static size_t singular(const struct word *w)
{
	size_t len = w->len;

	if (len > 2 && w->p[len - 1] == 's' && !strchr("us", w->p[len - 2]))
		len--;

	return len;
}

static bool is_list(const char *path, const struct api_route *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (v[i].list && !strcmp(v[i].path, path))
			return true;
	}

	return false;
}

void openapi_operation_id(char id[OPENAPI_ID_SIZE],
			  const struct api_route *route,
			  const struct api_route *routev, size_t n)
{
	static const struct {
		const char *method, *verb;
	} verbv[] = {
		{"GET", "get"},	  {"PUT", "put"},      {"PATCH", "update"},
		{"DELETE", "delete"}, {"POST", "create"},
	};
	struct words w = {.n = 0};
	bool post = !strcmp(route->method, "POST");
	bool made = post && is_list(route->path, routev, n);

	id[0] = '\0';
	if (route->op) {
		(void)snprintf(id, OPENAPI_ID_SIZE, "%s", route->op);
		return;
	}

	split(&w, route->path);
	if (route->list) {
		put(id, "list", 4);
	} else if (post && !made && w.n && !w.item) {
		w.n--; /* the last word is what is done */
		put(id, w.v[w.n].p, w.v[w.n].len);
	} else {
		for (size_t i = 0; i < sizeof(verbv) / sizeof(*verbv); i++) {
			if (!strcmp(verbv[i].method, route->method))
				put(id, verbv[i].verb, strlen(verbv[i].verb));
		}
	}

	for (size_t i = 0; i < w.n; i++) {
		const struct word *word = &w.v[i];
		bool one = word->one || (made && i == w.n - 1);

		put(id, word->p, one ? singular(word) : word->len);
	}
}

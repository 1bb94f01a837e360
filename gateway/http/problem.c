/* SPDX-License-Identifier: MIT */
/* Problem documents: see problem.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "gateway/http/problem.h"
#include "gateway/http/request.h"

#define TYPE_PREFIX "urn:switchyard:problem:"
#define CONTENT_TYPE "application/problem+json"

enum { POINTER_SIZE = 320 };

/* Text that is not UTF-8 (a path, say) must not lose us the document. */
static json_t *text(const char *str)
{
	json_t *j = json_string(str ? str : "");

	return j ? j : json_string("(not UTF-8)");
}

static json_t *document(const struct web_req *req, unsigned status,
			const char *slug, const char *detail)
{
	const char *id = fields_get(&req->res.head, "x-request-id");
	char type[128];
	json_t *j;

	(void)snprintf(type, sizeof(type), TYPE_PREFIX "%s", slug);
	j = json_pack("{s:s, s:s, s:i, s:o, s:o}", "type", type, "title",
		      web_status_text(status), "status", (int)status,
		      "detail", text(detail), "instance", text(req->path));
	if (j && id)
		(void)json_object_set_new(j, "requestId", text(id));

	return j;
}

/* Takes the document. */
static int answer(struct web_req *req, unsigned status, json_t *j)
{
	char *str = j ? json_dumps(j, JSON_COMPACT) : NULL;
	int err;

	(void)web_head(req, "cache-control", "no-store");
	err = web_reply(req, status, str ? CONTENT_TYPE : NULL, str,
			str ? strlen(str) : 0);
	free(str);
	json_decref(j);

	return err;
}

int problem(struct web_req *req, unsigned status, const char *slug,
	    const char *detail, ...)
{
	char buf[1024];
	va_list ap;

	if (!req || !slug || !detail)
		return EINVAL;

	va_start(ap, detail);
	(void)vsnprintf(buf, sizeof(buf), detail, ap);
	va_end(ap);

	return answer(req, status, document(req, status, slug, buf));
}

/* A path as a JSON pointer (RFC 6901 6): "devices[3].id" is "#/devices/3/id".
 * One that is too long is cut. */
static void print_pointer(char *str, size_t size, const char *field)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz"
				    "0123456789-._$";
	size_t n = (size_t)snprintf(str, size, "%s", *field ? "#/" : "#");

	for (; *field && n + 4 < size; field++) {
		const unsigned char c = (unsigned char)*field;

		if (c == ']')
			continue;
		if (c == '.' || c == '[')
			str[n++] = '/';
		else if (c == '~' || c == '/')
			n += (size_t)snprintf(str + n, size - n, "~%c",
					      c == '~' ? '0' : '1');
		else if (strchr(plain, c))
			str[n++] = (char)c;
		else
			n += (size_t)snprintf(str + n, size - n, "%%%02X", c);
	}
	if (n < size)
		str[n] = '\0';
}

static json_t *field_json(const struct problem_field *v, bool in_body)
{
	json_t *f = json_pack("{s:o, s:o}", "field", text(v->field), "cause",
			      text(v->cause));
	char pointer[POINTER_SIZE];

	if (v->allowed)
		(void)json_object_set_new(f, "allowed", text(v->allowed));
	if (in_body) {
		print_pointer(pointer, sizeof(pointer), v->field);
		(void)json_object_set_new(f, "pointer", text(pointer));
	}

	return f;
}

static int refuse(struct web_req *req, const struct problem_field *v, size_t n,
		  bool in_body)
{
	char detail[512], more[32] = "";
	json_t *j, *list;

	if (!req || !v || !n)
		return EINVAL;

	if (n > 1)
		(void)snprintf(more, sizeof(more), "; and %zu more", n - 1);
	(void)snprintf(detail, sizeof(detail), "%s%s%s%s", v[0].field,
		       *v[0].field ? " " : "", v[0].cause, more);
	j = document(req, 400, "validation", detail);
	list = json_array();
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, field_json(&v[i], in_body));
	(void)json_object_set_new(j, "errors", list);

	return answer(req, 400, j);
}

int problem_fields(struct web_req *req, const struct problem_field *v,
		   size_t n)
{
	size_t len = 0;

	if (req)
		(void)web_body(req, &len);

	return refuse(req, v, n, len > 0);
}

int problem_param(struct web_req *req, const struct problem_field *f)
{
	return refuse(req, f, 1, false);
}

int problem_json(struct web_req *req, int line, int column, const char *why)
{
	char detail[512];
	json_t *j;

	if (!req || !why)
		return EINVAL;

	if (line > 0)
		(void)snprintf(detail, sizeof(detail), "the body is not "
			       "JSON: line %d, column %d: %s", line, column,
			       why);
	else
		(void)snprintf(detail, sizeof(detail),
			       "the body is not JSON: %s", why);
	j = document(req, 400, "json", detail);
	if (line > 0) {
		(void)json_object_set_new(j, "line", json_integer(line));
		(void)json_object_set_new(j, "column", json_integer(column));
	}

	return answer(req, 400, j);
}

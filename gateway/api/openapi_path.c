/* SPDX-License-Identifier: MIT */
/* Routes as operations of OpenAPI 3.1. */

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "gateway/api/openapi_impl.h"
#include "gateway/api/wire.h"

/* ------------------------------------------------------------- problems */

/* When a status may be the answer. */
enum when {
	NEVER = 0,
	API = 1 << 0,     /* of all below /api                         */
	SCOPE = 1 << 1,   /* where somebody is asked who he is         */
	PATH = 1 << 2,    /* where the path names something            */
	JSON = 1 << 3,    /* where the answer is JSON                  */
	BODY = 1 << 4,
	CHANGE = 1 << 5,
	POST = 1 << 6,
	ETAG = 1 << 7,    /* a change of what has an ETag              */
	ALWAYS = 1 << 8,
};

static const struct problem_def {
	unsigned status;
	int when;
	const char *name, *text;
} problemv[] = {
	{400, API, "BadRequest", "Something of the request is wrong: `errors` "
	 "names the fields"},
	{401, SCOPE, "Unauthorized", "No token or session, or one that is not "
	 "known (any more)"},
	{403, SCOPE, "Forbidden", "The token or session may not do this"},
	{404, PATH | BODY, "NotFound", "There is no such thing"},
	{406, JSON, "NotAcceptable", "Accept leaves out what there is"},
	{409, CHANGE, "Conflict", "The state of things does not allow it"},
	{412, ETAG, "Changed", "It is not as If-Match says (any more)"},
	{413, BODY, "TooLarge", "The body is too large"},
	{415, BODY, "MediaType", "The body must be JSON"},
	{422, POST, "KeyReused", "The Idempotency-Key was used for another "
	 "request"},
	{429, SCOPE, "TooManyRequests", "Retry-After says when to go on"},
	{500, ALWAYS, "Internal", "An error of the gateway"},
	{501, CHANGE, "NotSetUp", "The cluster is not set up for this"},
	{502, CHANGE, "NodeFailed", "The node failed"},
	{503, ALWAYS, "Unavailable", "Redis or a node is away: nothing was "
	 "done; Retry-After says when to try again"},
	{504, CHANGE, "Timeout", "No answer in time: whether it was done is "
	 "not known"},
};

enum { PROBLEMS = sizeof(problemv) / sizeof(problemv[0]) };

json_t *openapi_problems(void)
{
	json_t *all = json_object();

	for (size_t i = 0; i < PROBLEMS; i++)
		(void)json_object_set_new(
			all, problemv[i].name,
			json_pack("{s:s, s:{s:{s:{s:s}}}}", "description",
				  problemv[i].text, "content",
				  "application/problem+json", "schema", "$ref",
				  "#/components/schemas/Problem"));

	return all;
}

static int occasions(const struct api_route *r)
{
	bool change = strcmp(r->method, "GET");
	int when = ALWAYS;

	when |= strncmp(r->path, "/api/", 5) ? NEVER : API;
	/* Whom anybody may ask to change something asks who it is. */
	when |= r->scope || (change && when & API) ? SCOPE : NEVER;
	when |= strchr(r->path, '{') ? PATH : NEVER;
	when |= r->reply ? JSON : NEVER;
	when |= r->body ? BODY : NEVER;
	when |= change ? CHANGE : NEVER;
	when |= change && r->etag ? ETAG : NEVER;
	when |= strcmp(r->method, "POST") ? NEVER : POST;

	return when;
}

/* ------------------------------------------------------------ responses */

static void set(json_t *obj, const char *name, json_t *val)
{
	(void)json_object_set_new(obj, name, val);
}

static json_t *reply_schema(const struct api_route *r)
{
	if (!r->list)
		return openapi_ref(r->reply);

	return json_pack("{s:s, s:[s,s], s:{s:{s:s, s:o}, s:{s:s, s:s}}, "
			 "s:b}",
			 "type", "object", "required", "items", "nextCursor",
			 "properties", "items", "type", "array", "items",
			 openapi_ref(r->reply), "nextCursor", "type", "string",
			 "description", "for the next page; empty: this was "
			 "the last one", "additionalProperties", 0);
}

/* The message itself: switchyard.proto. */
static json_t *wire(void)
{
	return json_pack("{s:{s:s, s:s}}", "schema", "type", "string",
			 "format", "binary");
}

static json_t *success(const struct api_route *r)
{
	json_t *res = json_pack("{s:s}", "description",
				r->status == 201   ? "Made; Location names it"
				: r->status == 202 ? "Accepted"
				: r->status == 204 ? "Done"
						   : "As asked for");
	json_t *content = json_object();

	if (r->reply) {
		set(content, "application/json",
		    json_pack("{s:o}", "schema", reply_schema(r)));
		set(content, WIRE_TYPE, wire());
	}
	if (r->type)
		set(content, r->type,
		    json_pack("{s:{s:s}}", "schema", "type",
			      strcmp(r->type, "application/json")
				      ? "string" : "object"));
	if (json_object_size(content))
		(void)json_object_set(res, "content", content);
	json_decref(content);

	return res;
}

static json_t *responses(const struct api_route *r)
{
	json_t *all = json_object();
	int when = occasions(r);
	char status[16];

	(void)snprintf(status, sizeof(status), "%u",
		       r->status ? r->status : 200);
	set(all, status, success(r));
	if (!strcmp(r->method, "PUT") && r->etag)
		set(all, "201", success(r));
	if (r->etag && !strcmp(r->method, "GET"))
		set(all, "304", json_pack("{s:s}", "description",
					  "As If-None-Match says"));
	for (size_t i = 0; i < PROBLEMS; i++) {
		if (!(problemv[i].when & when))
			continue;
		(void)snprintf(status, sizeof(status), "%u",
			       problemv[i].status);
		set(all, status,
		    json_pack("{s:s+}", "$ref", "#/components/responses/",
			      problemv[i].name));
	}

	return all;
}

/* ----------------------------------------------------------- parameters */

static json_t *parameter(const char *in, const char *name, const char *doc,
			 json_t *schema)
{
	json_t *p = json_pack("{s:s, s:s, s:o}", "name", name, "in", in,
			      "schema", schema);

	if (!strcmp(in, "path"))
		set(p, "required", json_true());
	if (doc)
		set(p, "description", json_string(doc));

	return p;
}

static json_t *string_schema(void)
{
	return json_pack("{s:s}", "type", "string");
}

static void add_path_parameters(json_t *all, const char *path)
{
	while ((path = strchr(path, '{'))) {
		size_t len = strcspn(++path, "}");
		char name[ROUTE_PARAM_SIZE];

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
		(void)json_array_append_new(
			all, parameter("path", name, NULL, string_schema()));
	}
}

static void add_query(json_t *all, const struct api_route *r)
{
	for (const struct route_query *q = r->queryv; q && q->name; q++)
		(void)json_array_append_new(
			all,
			parameter("query", q->name, q->doc, string_schema()));
	if (!r->list)
		return;

	(void)json_array_append_new(
		all, parameter("query", "limit", "items of a page, at most",
			       json_pack("{s:s, s:i, s:i, s:i}", "type",
					 "integer", "minimum", 1, "maximum",
					 1000, "default", 100)));
	(void)json_array_append_new(
		all, parameter("query", "cursor",
			       "the nextCursor of the page before",
			       string_schema()));
}

static void add_headers(json_t *all, const struct api_route *r)
{
	bool get = !strcmp(r->method, "GET");

	if (!strcmp(r->method, "POST") && r->scope)
		(void)json_array_append_new(
			all, parameter("header", "Idempotency-Key",
				       "the same key within 24 hours: the "
				       "same answer, done once",
				       json_pack("{s:s, s:i, s:i}", "type",
						 "string", "minLength", 1,
						 "maxLength", 255)));
	if (r->etag)
		(void)json_array_append_new(
			all, parameter("header",
				       get ? "If-None-Match" : "If-Match",
				       NULL, string_schema()));
}

static json_t *parameters(const struct api_route *r)
{
	json_t *all = json_array();

	add_path_parameters(all, r->path);
	add_query(all, r);
	add_headers(all, r);

	return all;
}

/* ----------------------------------------------------------- operations */

static json_t *security(const struct api_route *r)
{
	if (!r->scope)
		return json_array();

	return json_pack("[{s:[s]}, {s:[s]}]", "bearer", r->scope, "session",
			 r->scope);
}

static json_t *tag(const char *path)
{
	const char *name = !strcmp(path, "/ws")		? "events"
			   : strncmp(path, "/api/", 5) ? "probes"
						       : path + 5;

	return json_stringn(name, strcspn(name, "/."));
}

static json_t *operation(const struct api_route *r,
			 const struct api_route *routev, size_t n)
{
	char id[OPENAPI_ID_SIZE];
	json_t *op;

	openapi_operation_id(id, r, routev, n);
	op = json_pack("{s:s, s:s, s:[o], s:o, s:o}", "operationId", id,
		       "summary", r->summary, "tags", tag(r->path),
		       "responses", responses(r), "security", security(r));
	if (r->scope)
		set(op, "x-scope", json_string(r->scope));

	json_t *params = parameters(r);

	if (json_array_size(params))
		(void)json_object_set(op, "parameters", params);
	json_decref(params);
	if (r->body)
		set(op, "requestBody",
		    json_pack("{s:b, s:{s:{s:o}, s:o}}", "required",
			      !r->body_optional, "content",
			      "application/json", "schema",
			      openapi_ref(r->body), WIRE_TYPE, wire()));

	return op;
}

json_t *openapi_paths(const struct api_route *routev, size_t n)
{
	json_t *all = json_object();

	for (size_t i = 0; i < n; i++) {
		const struct api_route *r = &routev[i];
		json_t *path = json_object_get(all, r->path);
		char method[16];
		size_t k = 0;

		if (!path) {
			path = json_object();
			set(all, r->path, path);
		}
		for (; r->method[k] && k + 1 < sizeof(method); k++)
			method[k] = (char)tolower((unsigned char)r->method[k]);
		method[k] = '\0';
		set(path, method, operation(r, routev, n));
	}

	return all;
}

/* libs: sy_gateway_core sy_gateway_http sy_proto jansson */
/* SPDX-License-Identifier: MIT */
/* The description of the API, and what headers are refused for.  Strangers
 * validate the description, and answers against it: tests/cluster. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "gateway/api/check.h"
#include "gateway/api/openapi.h"
#include "gateway/api/openapi_impl.h"
#include "proto/doc.h"
#include "proto/schema.h"

static json_t *document(void)
{
	size_t n;
	const struct api_route *routev = api_routes(&n);
	char *text = openapi_print(routev, n);
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);

	free(text);
	assert_non_null(j);

	return j;
}

/* A member by its path. */
static json_t *at(json_t *j, const char *path)
{
	char name[128];

	while (*path) {
		size_t len = strcspn(path, " ");

		(void)snprintf(name, sizeof(name), "%.*s", (int)len, path);
		j = json_object_get(j, name);
		path += len + (path[len] == ' ');
	}

	return j;
}

static void test_all_routes(void **state)
{
	json_t *doc = document(), *ids = json_object(), *op;
	char path[256], method[16];
	size_t n;
	const struct api_route *v = api_routes(&n);
	(void)state;

	for (size_t i = 0; i < n; i++) {
		const char *id;
		size_t k = 0;

		for (; v[i].method[k]; k++)
			method[k] = (char)(v[i].method[k] | 0x20);
		method[k] = '\0';
		(void)snprintf(path, sizeof(path), "paths %s %s", v[i].path,
			       method);
		op = at(doc, path);
		if (!op || !v[i].summary)
			fail_msg("%s is not described", path);
		id = json_string_value(json_object_get(op, "operationId"));
		if (json_object_get(ids, id))
			fail_msg("two operations are %s", id);
		json_object_set_new(ids, id, json_true());
		if (v[i].scope)
			assert_string_equal(json_string_value(at(op,
								 "x-scope")),
					    v[i].scope);
	}
	json_decref(ids);
	json_decref(doc);
}

static void test_ids(void **state)
{
	static const struct {
		const char *method, *path, *id;
		bool list;
	} v[] = {
		{"GET", "/api/calls", "listCalls", true},
		{"GET", "/api/status", "getStatus", false},
		{"GET", "/api/calls/{id}", "getCall", false},
		{"POST", "/api/calls", "createCall", false},
		{"POST", "/api/calls/{id}/move", "moveCall", false},
		{"GET", "/api/calls/{id}/trace", "getCallTrace", false},
		{"GET", "/api/calls/{id}/legs", "listCallLegs", true},
		{"POST", "/api/calls/{id}/legs", "createCallLeg", false},
		{"PATCH", "/api/calls/{id}/legs/{leg}", "updateCallLeg",
		 false},
		{"POST", "/api/transfer", "transfer", false},
		{"PUT", "/api/config/devices/{id}", "putConfigDevice", false},
		{"GET", "/healthz", "getHealthz", false},
	};
	struct api_route routev[sizeof(v) / sizeof(v[0])] = {{0}};
	char id[OPENAPI_ID_SIZE];
	const size_t n = sizeof(v) / sizeof(v[0]);
	(void)state;

	for (size_t i = 0; i < n; i++) {
		routev[i].method = v[i].method;
		routev[i].path = v[i].path;
		routev[i].list = v[i].list;
	}
	for (size_t i = 0; i < n; i++) {
		openapi_operation_id(id, &routev[i], routev, n);
		assert_string_equal(id, v[i].id);
	}
}

static void test_schemas(void **state)
{
	json_t *doc = document(), *s = at(doc, "components schemas");
	(void)state;

#define IS(path, text)                                                        \
	assert_string_equal(json_string_value(at(s, path)), text)
	IS("Leg properties startedAt format", "date-time");
	IS("Leg properties state $ref", "#/components/schemas/LegState");
	IS("Leg properties mos type", "number");
	IS("Call properties legs items $ref", "#/components/schemas/Leg");
	IS("Call properties called description", "number dialled");
	/* We print all of a call; of a body what is absent stays. */
	assert_non_null(at(s, "Call required"));
	assert_null(at(s, "UpdateLeg required"));
	assert_null(at(s, "UpdateLeg allOf"));
	assert_true(json_is_false(at(s, "Call additionalProperties")));
#undef IS
	json_decref(doc);
}

static void test_docs(void **state)
{
	(void)state;

	for (size_t i = 1; i < doc_textc; i++)
		assert_true(strcmp(doc_texts[i - 1].name, doc_texts[i].name) <
			    0);
	assert_string_equal(doc_find("Call", "called"), "number dialled");
	assert_non_null(doc_find("Call", NULL));
	assert_null(doc_find("Call", "no_such"));
	/* Lines below go on in the same column. */
	assert_non_null(strstr(doc_find("Device", "codecs"), "the default"));
}

static void test_accept(void **state)
{
	static const struct {
		const char *accept;
		unsigned weight;
	} v[] = {
		{NULL, 1000},
		{"", 1000},
		{"*/*", 1000},
		{"application/json", 1000},
		{"Application/JSON; charset=utf-8", 1000},
		{"application/*;q=0.5", 500},
		{"text/html, application/json;q=0.9, */*;q=0.1", 900},
		{"text/html, */*;q=0.1", 100},
		{"text/html", 0},
		{"application/json;q=0", 0},
		{"*/*, application/json;q=0", 0},
		{"application/json;q=2", 0},
		{"application/jsonx", 0},
		{"application/problem+json", 0},
		{";;,,q=", 0},
		{"application/json ; q=0.25", 250},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (accept_weight(v[i].accept, "application/json") !=
		    v[i].weight)
			fail_msg("%s: %u", v[i].accept,
				 accept_weight(v[i].accept,
					       "application/json"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_routes),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_schemas),
		cmocka_unit_test(test_docs),
		cmocka_unit_test(test_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

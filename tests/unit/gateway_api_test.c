/* libs: sy_gateway_core sy_gateway_http sy_proto jansson */
/* SPDX-License-Identifier: MIT */
/* What the API decides without I/O: routes, tokens, queries, problems. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "gateway/api/auth.h"
#include "gateway/api/route.h"
#include "gateway/http/problem.h"
#include "gateway/http/request.h"

/* libre's header would collide with jansson's. */
void *mem_deref(void *data);

/* ---------------------------------------------------------------- routes */

static void handler(struct api_req *a)
{
	(void)a;
}

static const struct api_route routev[] = {
	{.method = "GET", .path = "/api/calls", .scope = "calls:read",
	 .handler = handler},
	{.method = "POST", .path = "/api/calls", .scope = "calls:write",
	 .handler = handler},
	{.method = "GET", .path = "/api/calls/{id}", .scope = "calls:read",
	 .handler = handler},
	{.method = "PATCH", .path = "/api/calls/{id}/legs/{leg}", .scope = "calls:write",
	 .handler = handler},
	{.method = "GET", .path = "/healthz", .scope = NULL,
	 .handler = handler},
};

static void test_routes(void **state)
{
	static const struct {
		const char *method, *path;
		enum route_out out;
		int route;
		const char *p0, *p1, *allow;
	} v[] = {
		{"GET", "/api/calls", ROUTE_FOUND, 0, "", "", NULL},
		{"HEAD", "/api/calls", ROUTE_FOUND, 0, "", "", NULL},
		{"POST", "/api/calls", ROUTE_FOUND, 1, "", "", NULL},
		{"GET", "/api/calls/abc", ROUTE_FOUND, 2, "abc", "", NULL},
		{"GET", "/api/calls/a%2Fb%20c", ROUTE_FOUND, 2, "a/b c", "",
		 NULL},
		{"PATCH", "/api/calls/1/legs/2", ROUTE_FOUND, 3, "1", "2",
		 NULL},
		{"PUT", "/api/calls", ROUTE_NO_METHOD, -1, NULL, NULL,
		 "GET, HEAD, POST"},
		{"get", "/api/calls", ROUTE_NO_METHOD, -1, NULL, NULL,
		 "GET, HEAD, POST"},
		{"GET", "/api/calls/1/legs/2", ROUTE_NO_METHOD, -1, NULL,
		 NULL, "PATCH"},
		{"GET", "/api/calls/", ROUTE_NO_PATH, -1, NULL, NULL, NULL},
		{"GET", "/api/calls//", ROUTE_NO_PATH, -1, NULL, NULL, NULL},
		{"GET", "/api//calls", ROUTE_NO_PATH, -1, NULL, NULL, NULL},
		{"GET", "/api/calls/1/legs", ROUTE_NO_PATH, -1, NULL, NULL,
		 NULL},
		{"GET", "/api/calls/%", ROUTE_NO_PATH, -1, NULL, NULL, NULL},
		{"GET", "/api/calls/%00", ROUTE_NO_PATH, -1, NULL, NULL,
		 NULL},
		{"GET", "/", ROUTE_NO_PATH, -1, NULL, NULL, NULL},
		{"GET", "", ROUTE_NO_PATH, -1, NULL, NULL, NULL},
		{"OPTIONS", "*", ROUTE_NO_PATH, -1, NULL, NULL, NULL},
		{"GET", "/healthzz", ROUTE_NO_PATH, -1, NULL, NULL, NULL},
	};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const struct api_route *r;
		struct route_params p = {{""}};
		char allow[ROUTE_ALLOW_SIZE];

		assert_int_equal(route_find(&r, &p, allow, routev, 5,
					    v[i].method, v[i].path),
				 v[i].out);
		if (v[i].route >= 0) {
			assert_ptr_equal(r, &routev[v[i].route]);
			if (*v[i].p0)
				assert_string_equal(p.v[0], v[i].p0);
			if (*v[i].p1)
				assert_string_equal(p.v[1], v[i].p1);
		}
		if (v[i].allow)
			assert_string_equal(allow, v[i].allow);
	}
}

/* ---------------------------------------------------------------- tokens */

static void sha256_hex(char *hex, const char *str)
{
	unsigned char md[32];

	assert_int_equal(EVP_Digest(str, strlen(str), md, NULL, EVP_sha256(),
				    NULL), 1);
	for (int i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02X", md[i]);
}

static const Sy__Config *config_of(void *arg)
{
	return *(const Sy__Config **)arg;
}

static enum auth_out check(struct auth *au, struct principal *who,
			   const char *header)
{
	struct web_req *req;
	enum auth_out out;

	assert_int_equal(web_req_alloc(&req, NULL), 0);
	if (header)
		assert_int_equal(fields_addf(&req->head, "authorization", "%s",
					     header), 0);
	out = auth_request(au, req, who, NULL, NULL, NULL);
	mem_deref(req);

	return out;
}

static void test_tokens(void **state)
{
	char hash[65];
	char *scopev[] = {"calls:read", "nodes:read"}, *allv[] = {"*"};
	Sy__ApiToken some = SY__API_TOKEN__INIT, all = SY__API_TOKEN__INIT;
	Sy__ApiToken broken = SY__API_TOKEN__INIT;
	Sy__ApiToken *tokenv[] = {&broken, &some, &all};
	Sy__Config conf = SY__CONFIG__INIT;
	const Sy__Config *faked = &conf;
	struct principal who;
	char all_hash[65];
	struct auth au;
	(void)state;

	sha256_hex(hash, "sesame");
	sha256_hex(all_hash, "open");
	broken.id = "broken";
	broken.hash = "12";
	some.id = "some";
	some.hash = hash;
	some.scopes = scopev;
	some.n_scopes = 2;
	all.id = "all";
	all.hash = all_hash;
	all.scopes = allv;
	all.n_scopes = 1;
	conf.tokens = tokenv;
	conf.n_tokens = 3;
	assert_int_equal(auth_init(&au, config_of, &faked, "root"), 0);

	assert_int_equal(check(&au, &who, "Bearer sesame"), AUTH_OK);
	assert_string_equal(who.id, "token:some");
	assert_string_equal(principal_source(&who), "some");
	assert_true(principal_may(&who, "calls:read"));
	assert_true(principal_may(&who, SCOPE_ANY));
	assert_false(principal_may(&who, "calls:write"));
	assert_false(principal_may(&who, "calls"));
	assert_true(auth_valid(&au, &who));
	some.n_scopes = 1;
	assert_true(principal_may(&who, "nodes:read"));
	assert_true(auth_valid(&au, &who));
	assert_false(principal_may(&who, "nodes:read"));
	conf.n_tokens = 1;
	assert_false(auth_valid(&au, &who));
	conf.n_tokens = 3;
	assert_int_equal(check(&au, &who, "bearer  sesame"), AUTH_OK);
	assert_int_equal(check(&au, &who, "Bearer open"), AUTH_OK);
	assert_true(principal_may(&who, "calls:write"));
	assert_int_equal(check(&au, &who, "Bearer root"), AUTH_OK);
	assert_string_equal(who.id, "admin");
	assert_true(principal_may(&who, "anything"));
	assert_int_equal(check(&au, &who, "Bearer roo"), AUTH_UNKNOWN);
	assert_string_equal(who.id, "");
	assert_false(principal_may(&who, SCOPE_ANY));
	assert_true(principal_may(&who, NULL));
	assert_int_equal(check(&au, &who, "Bearer sesame "), AUTH_UNKNOWN);
	assert_int_equal(check(&au, &who, "Bearer "), AUTH_MISSING);
	assert_int_equal(check(&au, &who, "Bearer"), AUTH_MISSING);
	assert_int_equal(check(&au, &who, "Basic cm9vdDpyb290"), AUTH_MISSING);
	assert_int_equal(check(&au, &who, NULL), AUTH_MISSING);

	/* No configuration yet; no administrator: an empty token is none. */
	faked = NULL;
	assert_int_equal(check(&au, &who, "Bearer sesame"), AUTH_UNKNOWN);
	assert_int_equal(auth_init(&au, config_of, &faked, ""), 0);
	assert_int_equal(check(&au, &who, "Bearer x"), AUTH_UNKNOWN);
}

/* ------------------------------------------------------- query, problems */

static struct web_req *make(const char *target)
{
	struct web_req *req;

	assert_int_equal(web_req_alloc(&req, NULL), 0);
	assert_int_equal(web_req_target(req, "GET", 3, target,
					strlen(target)), 0);

	return req;
}

static void test_query(void **state)
{
	struct web_req *req = make("/p?limit=5&x&cur=a%2Bb&limits=7&bad=%z");
	char val[8];
	(void)state;

	assert_string_equal(req->path, "/p");
	assert_int_equal(web_query(req, "limit", val, sizeof(val)), 0);
	assert_string_equal(val, "5");
	assert_int_equal(web_query(req, "x", val, sizeof(val)), 0);
	assert_string_equal(val, "");
	assert_int_equal(web_query(req, "cur", val, sizeof(val)), 0);
	assert_string_equal(val, "a+b");
	assert_int_equal(web_query(req, "cur", val, 3), EOVERFLOW);
	assert_int_equal(web_query(req, "lim", val, sizeof(val)), ENOENT);
	assert_int_equal(web_query(req, "bad", val, sizeof(val)), EINVAL);
	mem_deref(req);
}

static void test_problem(void **state)
{
	const struct problem_field fv[] = {
		{"from", "is missing", "a device"},
		{"to", "is odd", NULL},
	};
	struct web_req *req = make("/a/\xff\"b");
	char text[1024];
	size_t n;
	json_t *j, *e;
	(void)state;

	assert_int_equal(problem_fields(req, fv, 2), 0);
	assert_int_equal(req->res.status, 400);
	assert_string_equal(fields_get(&req->res.head, "content-type"),
			    "application/problem+json");
	n = web_res_pull(req, (uint8_t *)text, sizeof(text));
	j = json_loadb(text, n, 0, NULL);
	assert_non_null(j);
	assert_int_equal(json_integer_value(json_object_get(j, "status")),
			 400);
	assert_string_equal(json_string_value(json_object_get(j, "title")),
			    "Bad Request");
	e = json_object_get(j, "errors");
	assert_int_equal(json_array_size(e), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(e, 0), "allowed")),
			    "a device");
	assert_null(json_object_get(json_array_get(e, 1), "allowed"));
	json_decref(j);
	mem_deref(req);
}

static void test_no_splitting(void **state)
{
	struct web_req *req = make("/a");
	(void)state;

	assert_int_equal(web_head(req, "location", "/x\r\nset-cookie: a"),
			 EINVAL);
	assert_int_equal(web_head(req, "a b", "x"), EINVAL);
	assert_int_equal(web_head(req, "Location", "/x"), 0);
	assert_string_equal(fields_get(&req->res.head, "location"), "/x");
	mem_deref(req);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_query),
		cmocka_unit_test(test_problem),
		cmocka_unit_test(test_no_splitting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

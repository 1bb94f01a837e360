/* libs: sy_gateway_site sy_gateway_http */
/* SPDX-License-Identifier: MIT */
/* Files for browsers: which one a name gets, in which form, with which
 * headers; and what no name ever reaches. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include <re.h>

#include "gateway/http/coding.h"
#include "gateway/http/request.h"
#include "gateway/site/site.h"
#include "gateway/site/table.h"

static char folder[64];

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void make_folder(void)
{
	char path[256];

	(void)snprintf(folder, sizeof(folder), "/tmp/sy-site-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/assets", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/sdk", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	put("index.html", "<!doctype html>one");
	put("assets/index-Bx3kPq9z.js", "plain");
	put("assets/index-Bx3kPq9z.js.br", "brotli");
	put("assets/index-Bx3kPq9z.js.gz", "gzip");
	put("assets/logo.svg", "<svg/>");
	put("sdk/index.js", "export {};");
	put(".secret", "secret");
}

static void remove_folder(void)
{
	static const char *const namev[] = {
		"index.html", "assets/index-Bx3kPq9z.js",
		"assets/index-Bx3kPq9z.js.br", "assets/index-Bx3kPq9z.js.gz",
		"assets/logo.svg", "sdk/index.js", ".secret", "link",
		"assets", "sdk", ""};
	char path[256];

	for (size_t i = 0; i < sizeof(namev) / sizeof(namev[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, namev[i]);
		(void)remove(path);
	}
}

static struct site *load(void)
{
	char errbuf[512];
	struct site *s;

	make_folder();
	assert_int_equal(site_alloc(&s, folder, errbuf, sizeof(errbuf)), 0);

	return s;
}

static struct web_req *ask(const struct site *s, const char *method,
			   const char *path, const char *name,
			   const char *value, bool *answeredp)
{
	struct web_req *req;

	assert_int_equal(web_req_alloc(&req, NULL), 0);
	assert_int_equal(web_req_target(req, method, strlen(method), path,
					strlen(path)), 0);
	if (name)
		assert_int_equal(fields_add(&req->head, name, strlen(name),
					    value, strlen(value)), 0);
	*answeredp = site_answer(s, req);

	return req;
}

/* @param body  NULL: it is not answered. */
static void expect(const struct site *s, const char *path, const char *body)
{
	bool answered;
	struct web_req *req = ask(s, "GET", path, NULL, NULL, &answered);
	uint8_t buf[512] = {0};

	assert_int_equal(answered, body != NULL);
	if (body) {
		assert_int_equal(req->res.status, 200);
		(void)web_res_pull(req, buf, sizeof(buf) - 1);
		assert_string_equal((char *)buf, body);
		assert_true(web_res_is_done(req));
	}
	mem_deref(req);
}

static void test_names(void **state)
{
	static const struct {
		const char *path, *body;
	} v[] = {
		{"/", "<!doctype html>one"},
		{"/index.html", "<!doctype html>one"},
		{"/calls/01ABC?x=1", "<!doctype html>one"},
		{"/%69ndex.html", "<!doctype html>one"},
		{"/assets/logo.svg", "<svg/>"},
		{"/assets/index-Bx3kPq9z.js", "plain"},
		{"/sdk/index.js", "export {};"},
		/* of others, or nowhere */
		{"/api/nothing", NULL},
		{"/api", NULL},
		{"/ws", NULL},
		{"/ws/x", NULL},
		{"/assets/gone-12345678.js", NULL},
		{"/sdk/gone.js", NULL},
		{"/grpc.health.v1.Health/Check", NULL},
		{"/switchyard.v1.Calls/List", NULL},
		{"/%zz", NULL},
		{"/a%00b", NULL},
		/* a path is a name: there is nothing to climb */
		{"/.secret", "<!doctype html>one"},
		{"/../../../../etc/passwd", "<!doctype html>one"},
		{"/assets/../.secret", NULL},
		{"/%2e%2e/%2e%2e/etc/passwd", "<!doctype html>one"},
		{"//etc/passwd", "<!doctype html>one"},
	};
	struct site *s = load();
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		expect(s, v[i].path, v[i].body);
	assert_int_equal(site_count(s), 4);
	mem_deref(s);
	remove_folder();
}

static void test_methods(void **state)
{
	struct site *s = load();
	struct web_req *req;
	bool answered;
	(void)state;

	req = ask(s, "HEAD", "/", NULL, NULL, &answered);
	assert_true(answered);
	assert_int_equal(web_res_waiting(req), strlen("<!doctype html>one"));
	mem_deref(req);
	req = ask(s, "POST", "/", NULL, NULL, &answered);
	assert_false(answered);
	mem_deref(req);
	mem_deref(s);
	remove_folder();
}

static void test_forms(void **state)
{
	static const struct {
		const char *accept, *coding, *body;
	} v[] = {
		{"gzip, deflate, br", "br", "brotli"},
		{"gzip", "gzip", "gzip"},
		{"GZIP;q=0.5", "gzip", "gzip"},
		{"br;q=0, gzip;q=1.0", "gzip", "gzip"},
		{"br ; q=0.0,gzip;q=0", NULL, "plain"},
		{"*", "br", "brotli"},
		{"*;q=0", NULL, "plain"},
		{"identity", NULL, "plain"},
		{"brx, xgzip", NULL, "plain"},
		{"", NULL, "plain"},
		{",,;", NULL, "plain"},
	};
	struct site *s = load();
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t buf[64] = {0};
		bool answered;
		struct web_req *req = ask(s, "GET",
					  "/assets/index-Bx3kPq9z.js",
					  "accept-encoding", v[i].accept,
					  &answered);
		const char *coding = fields_get(&req->res.head,
						"content-encoding");

		assert_true(answered);
		if (v[i].coding)
			assert_string_equal(coding, v[i].coding);
		else
			assert_null(coding);
		(void)web_res_pull(req, buf, sizeof(buf) - 1);
		assert_string_equal((char *)buf, v[i].body);
		assert_string_equal(fields_get(&req->res.head, "vary"),
				    "accept-encoding");
		mem_deref(req);
	}
	mem_deref(s);
	remove_folder();
}

static void expect_head(const struct site *s, const char *path,
			const char *name, const char *value)
{
	bool answered;
	struct web_req *req = ask(s, "GET", path, NULL, NULL, &answered);
	const char *got = fields_get(&req->res.head, name);

	assert_true(answered);
	if (value)
		assert_string_equal(got, value);
	else
		assert_null(got);
	mem_deref(req);
}

static void test_caching(void **state)
{
	struct site *s = load();
	struct web_req *req;
	char etag[SITE_ETAG_SIZE], list[128];
	bool answered;
	(void)state;

	expect_head(s, "/assets/index-Bx3kPq9z.js", "cache-control",
		    "public, max-age=31536000, immutable");
	expect_head(s, "/assets/logo.svg", "cache-control", "no-cache");
	expect_head(s, "/", "cache-control", "no-cache");
	expect_head(s, "/", "content-type", "text/html; charset=utf-8");
	expect_head(s, "/assets/logo.svg", "content-type", "image/svg+xml");
	expect_head(s, "/sdk/index.js", "access-control-allow-origin", "*");
	expect_head(s, "/", "access-control-allow-origin", NULL);

	req = ask(s, "GET", "/", NULL, NULL, &answered);
	str_ncpy(etag, fields_get(&req->res.head, "etag"), sizeof(etag));
	mem_deref(req);
	(void)snprintf(list, sizeof(list), "\"other\", W/%s", etag);
	req = ask(s, "GET", "/", "if-none-match", list, &answered);
	assert_int_equal(req->res.status, 304);
	assert_int_equal(web_res_waiting(req), 0);
	assert_string_equal(fields_get(&req->res.head, "etag"), etag);
	mem_deref(req);
	req = ask(s, "GET", "/", "if-none-match", "\"other\"", &answered);
	assert_int_equal(req->res.status, 200);
	mem_deref(req);
	mem_deref(s);
	remove_folder();
}

static void test_reload(void **state)
{
	struct site *s = load();
	uint8_t buf[64] = {0};
	char errbuf[512], path[256];
	struct web_req *req;
	bool answered;
	(void)state;

	/* An answer that is under way keeps what it began with. */
	req = ask(s, "GET", "/", NULL, NULL, &answered);
	put("index.html", "two");
	assert_int_equal(site_reload(s, errbuf, sizeof(errbuf)), 0);
	expect(s, "/", "two");
	(void)web_res_pull(req, buf, sizeof(buf) - 1);
	assert_string_equal((char *)buf, "<!doctype html>one");
	mem_deref(req);

	/* What is wrong is not taken. */
	(void)snprintf(path, sizeof(path), "%s/index.html", folder);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(site_reload(s, errbuf, sizeof(errbuf)), ENOENT);
	assert_non_null(strstr(errbuf, "index.html"));
	expect(s, "/", "two");
	mem_deref(s);
	remove_folder();
}

static void test_bad_folders(void **state)
{
	struct site *s = NULL;
	char errbuf[512], path[256];
	(void)state;

	assert_int_equal(site_alloc(&s, "/does/not/exist", errbuf,
				    sizeof(errbuf)), ENOENT);
	assert_non_null(strstr(errbuf, "/does/not/exist"));

	/* A link leads nowhere, wherever it points. */
	make_folder();
	(void)snprintf(path, sizeof(path), "%s/link", folder);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(site_alloc(&s, folder, errbuf, sizeof(errbuf)), 0);
	expect(s, "/link", "<!doctype html>one");
	mem_deref(s);
	remove_folder();
}

static void test_no_site(void **state)
{
	struct site *s = NULL;
	struct web_req *req;
	char errbuf[512];
	bool answered;
	(void)state;

	assert_int_equal(site_alloc(&s, "", errbuf, sizeof(errbuf)), 0);
	req = ask(s, "GET", "/", NULL, NULL, &answered);
	assert_true(answered);
	assert_int_equal(req->res.status, 200);
	assert_non_null(strstr((char *)req->res.out->buf, "--web"));
	mem_deref(req);
	expect(s, "/index.html", NULL);
	expect(s, "/calls", NULL);
	mem_deref(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_caching),
		cmocka_unit_test(test_reload),
		cmocka_unit_test(test_bad_folders),
		cmocka_unit_test(test_no_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_gateway_core sy_gateway_http sy_services sy_proto z */
/* SPDX-License-Identifier: MIT */
/* gRPC's parts without I/O: framing, codes, requests from messages; and that
 * each route has its method. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <zlib.h>
#include <services.pb-c.h>

#include "gateway/api/route.h"
#include "gateway/grpc/bind.h"
#include "gateway/grpc/files.h"
#include "gateway/grpc/frame.h"
#include "gateway/grpc/inflate.h"
#include "gateway/grpc/status.h"
#include "gateway/http/fields.h"
#include "proto/services.h"

/* libre's header would collide with zlib's. */
void *mem_deref(void *data);

/* ---------------------------------------------------------------- framing */

struct seen {
	char text[64];
	unsigned n;
	int err;            /* to give back */
};

static int on_frame(bool compressed, const uint8_t *p, size_t len, void *arg)
{
	struct seen *s = arg;
	size_t have = strlen(s->text);

	(void)snprintf(s->text + have, sizeof(s->text) - have, "%s%.*s;",
		       compressed ? "z:" : "", (int)len, p ? (char *)p : "");
	s->n++;

	return s->err;
}

static void test_frames(void **state)
{
	static const uint8_t wire[] = "\0\0\0\0\3abc\0\0\0\0\0\1\0\0\0\2de";
	const size_t len = sizeof(wire) - 1;
	(void)state;

	for (size_t step = 1; step <= len; step++) {
		struct frame f = {.max = 3};
		struct seen s = {.n = 0};

		for (size_t i = 0; i < len; i += step) {
			size_t n = len - i < step ? len - i : step;

			assert_int_equal(frame_feed(&f, wire + i, n, on_frame,
						    &s), 0);
		}
		assert_true(frame_is_empty(&f));
		assert_string_equal(s.text, "abc;;z:de;");
		frame_reset(&f);
	}
}

static void test_bad_frames(void **state)
{
	static const struct {
		const char *wire;
		size_t len;
		int err;
	} v[] = {
		{"\0\0\0\0\4", 5, EMSGSIZE},
		{"\0\xff\xff\xff\xff", 5, EMSGSIZE},
		{"\2\0\0\0\1a", 6, EBADMSG},
		{"\xff\0\0\0\1a", 6, EBADMSG},
		{"\0\0\0\0\3ab", 7, 0},
	};
	struct seen s = {.err = EPIPE};
	struct frame f = {.max = 3};
	(void)state;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct frame bad = {.max = 3};

		assert_int_equal(frame_feed(&bad, (uint8_t *)v[i].wire,
					    v[i].len, on_frame, &s),
				 v[i].err);
		assert_false(frame_is_empty(&bad));
		frame_reset(&bad);
	}
	assert_int_equal(s.n, 0);

	/* What the handler says ends it. */
	assert_int_equal(frame_feed(&f, (uint8_t *)"\0\0\0\0\1a\0\0\0\0\1b", 12,
				    on_frame, &s), EPIPE);
	assert_int_equal(s.n, 1);
	frame_reset(&f);
}

/* --------------------------------------------------------------- inflating */

static size_t zip(uint8_t *out, size_t size, const uint8_t *p, size_t len)
{
	z_stream z = {.next_in = (uint8_t *)p, .avail_in = (unsigned)len,
		      .next_out = out, .avail_out = (unsigned)size};

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	(void)deflateEnd(&z);

	return size - z.avail_out;
}

static void test_inflate(void **state)
{
	enum { LONG = 1 << 20 };
	uint8_t *text = calloc(1, LONG), *out = NULL;
	uint8_t packed[8192];
	size_t n, outlen;
	(void)state;

	for (size_t i = 0; i < LONG; i++)
		text[i] = (uint8_t)(i >> 12);
	n = zip(packed, sizeof(packed), text, LONG);
	assert_int_equal(inflate_gzip(&out, &outlen, packed, n, LONG), 0);
	assert_int_equal(outlen, LONG);
	assert_memory_equal(out, text, LONG);
	free(out);

	/* A bomb is found before it is held; half of it, and what is none. */
	assert_int_equal(inflate_gzip(&out, &outlen, packed, n, LONG - 1),
			 EMSGSIZE);
	assert_int_equal(inflate_gzip(&out, &outlen, packed, n - 9, LONG),
			 EBADMSG);
	assert_int_equal(inflate_gzip(&out, &outlen, (uint8_t *)"hello", 5,
				      LONG), EBADMSG);
	n = zip(packed, sizeof(packed), text, 0);
	assert_int_equal(inflate_gzip(&out, &outlen, packed, n, LONG), 0);
	assert_int_equal(outlen, 0);
	free(out);
	free(text);
}

/* ------------------------------------------------------------------- codes */

static void test_codes(void **state)
{
	struct fields f = {0};
	(void)state;

	assert_int_equal(status_code(204, NULL), GRPC_OK);
	assert_int_equal(status_code(409, "conflict"),
			 GRPC_FAILED_PRECONDITION);
	assert_int_equal(status_code(409, "idempotency"), GRPC_ABORTED);
	assert_int_equal(status_code(409, NULL), GRPC_ABORTED);
	assert_int_equal(status_code(418, ""), GRPC_UNKNOWN);
	for (unsigned http = 400; http < 600; http++)
		assert_int_not_equal(status_code(http, ""), GRPC_OK);

	assert_int_equal(status_put(&f, GRPC_NOT_FOUND, "50 % \xc3\xbc\n"), 0);
	assert_string_equal(fields_get(&f, "grpc-status"), "5");
	assert_string_equal(fields_get(&f, "grpc-message"),
			    "50 %25 %C3%BC%0A");
	fields_reset(&f);
}

/* ----------------------------------------------------------------- binding */

static void test_bind(void **state)
{
	Sy__ListLegsRequest list = SY__LIST_LEGS_REQUEST__INIT;
	Sy__UpdateLegRequest update = SY__UPDATE_LEG_REQUEST__INIT;
	Sy__UpdateLeg body = SY__UPDATE_LEG__INIT;
	const char *field = NULL;
	char text[200];
	struct bound b;
	(void)state;

	list.id = "a/b c?&=\xc3\xbc";
	assert_int_equal(bind_request(&b, "/api/calls/{id}/legs", &list.base,
				      &field), 0);
	assert_string_equal(b.target,
			    "/api/calls/a%2Fb%20c%3F%26%3D%C3%BC/legs");
	assert_string_equal(b.params.v[0], list.id);
	assert_null(b.body);

	list.limit = 20;
	list.cursor = "x&y";
	assert_int_equal(bind_request(&b, "/api/calls/{id}/legs", &list.base,
				      &field), 0);
	assert_non_null(strstr(b.target, "/legs?limit=20&cursor=x%26y"));

	update.id = "1";
	update.leg = "2";
	update.body = &body;
	assert_int_equal(bind_request(&b, "/api/calls/{id}/legs/{leg}",
				      &update.base, &field), 0);
	assert_string_equal(b.target, "/api/calls/1/legs/2");
	assert_string_equal(b.params.v[1], "2");
	assert_ptr_equal(b.body, &body);

	update.leg = "";
	assert_int_equal(bind_request(&b, "/api/calls/{id}/legs/{leg}",
				      &update.base, &field), EINVAL);
	assert_string_equal(field, "leg");

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	update.id = text;
	assert_int_equal(bind_request(&b, "/api/calls/{id}/legs/{leg}",
				      &update.base, &field), EINVAL);
	assert_string_equal(field, "id");
}

/* ---------------------------------------------------------- every route */

/* What is none of gRPC's, and why. */
static bool is_left_out(const struct api_route *r)
{
	static const char *const v[] = {
		"/api/transfer",     /* the same as /api/calls/{id}/transfer */
		"/api/openapi.json", /* it describes REST                    */
		"/api/session",      /* cookies are for browsers             */
	};

	if (r->type)
		return true; /* no message: probes, metrics, event streams */
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (!strncmp(r->path, v[i], strlen(v[i])))
			return true;
	}

	return false;
}

/* The short form of a route of the configuration: it has the long one's
 * method. */
static bool is_short_form(const struct api_route *r)
{
	static const char lead[] = "/api/config/";
	const size_t len = sizeof(lead) - 1;
	size_t n;
	const struct api_route *v = api_routes(&n);

	for (size_t i = 0; i < n; i++) {
		if (v[i].handler == r->handler &&
		    !strcmp(v[i].method, r->method) &&
		    !strncmp(v[i].path, lead, len) &&
		    !strcmp(v[i].path + len, r->path + strlen("/api/")))
			return true;
	}

	return false;
}

static const struct service_method *method_of(const struct api_route *r)
{
	for (const struct service_method *m = service_methods; m->path; m++) {
		if (!strcmp(m->method, r->method) && !strcmp(m->route, r->path))
			return m;
	}

	return NULL;
}

static const ProtobufCFieldDescriptor *
field_of(const ProtobufCMessageDescriptor *d, const char *name, size_t len)
{
	for (unsigned i = 0; i < d->n_fields; i++) {
		if (strlen(d->fields[i].name) == len &&
		    !memcmp(d->fields[i].name, name, len))
			return &d->fields[i];
	}

	return NULL;
}

/* "callerName" is caller_name. */
static void to_snake(char *out, size_t size, const char *name)
{
	size_t n = 0;

	for (; *name && n + 2 < size; name++) {
		if (*name >= 'A' && *name <= 'Z') {
			out[n++] = '_';
			out[n++] = (char)(*name | 0x20);
		}
		else {
			out[n++] = *name;
		}
	}
	out[n] = '\0';
}

static void check_request(const struct api_route *r,
			  const struct service_method *m)
{
	const ProtobufCFieldDescriptor *f;
	char name[64];

	for (const char *p = r->path; (p = strchr(p, '{')); p++) {
		size_t len = strcspn(p, "}") - 1;

		f = field_of(m->in, p + 1, len);
		if (!f || f->type != PROTOBUF_C_TYPE_STRING)
			fail_msg("%s: %s has no string %.*s", m->path,
				 m->in->name, (int)len, p + 1);
	}
	f = field_of(m->in, "body", 4);
	if (r->body && (!f || f->descriptor != r->body))
		fail_msg("%s: %s has no body %s", m->path, m->in->name,
			 r->body->name);
	if (!r->body && f)
		fail_msg("%s takes no body", m->path);
	for (const struct route_query *q = r->queryv; q && q->name; q++) {
		to_snake(name, sizeof(name), q->name);
		if (!field_of(m->in, name, strlen(name)))
			fail_msg("%s: %s lacks %s", m->path, m->in->name, name);
	}
	if (r->list && (!field_of(m->in, "limit", 5) ||
			!field_of(m->in, "cursor", 6)))
		fail_msg("%s: %s lacks limit or cursor", m->path, m->in->name);
}

static void check_answer(const struct api_route *r,
			 const struct service_method *m)
{
	const ProtobufCFieldDescriptor *f;

	if (!r->reply) {
		assert_string_equal(m->out->name, "google.protobuf.Empty");
		return;
	}
	if (!r->list) {
		if (m->out != r->reply)
			fail_msg("%s answers %s, the route %s", m->path,
				 m->out->name, r->reply->name);
		return;
	}
	f = field_of(m->out, "items", 5);
	if (!f || f->id != 1 || f->descriptor != r->reply ||
	    f->label != PROTOBUF_C_LABEL_REPEATED)
		fail_msg("%s: field 1 of %s is not: repeated %s items", m->path,
			 m->out->name, r->reply->name);
	f = field_of(m->out, "next_cursor", 11);
	if (!f || f->id != 2 || f->type != PROTOBUF_C_TYPE_STRING)
		fail_msg("%s: field 2 of %s is not: string next_cursor",
			 m->path, m->out->name);
}

static void test_every_route_has_a_method(void **state)
{
	size_t n;
	const struct api_route *routev = api_routes(&n);
	(void)state;

	for (size_t i = 0; i < n; i++) {
		const struct api_route *r = &routev[i];
		const struct service_method *m = method_of(r);

		if (is_left_out(r) || is_short_form(r))
			continue;
		if (!m)
			fail_msg("%s %s has no method in services.proto",
				 r->method, r->path);
		check_request(r, m);
		check_answer(r, m);
	}
}

static void test_every_method_has_a_route(void **state)
{
	size_t n;
	const struct api_route *routev = api_routes(&n);
	(void)state;

	for (const struct service_method *m = service_methods; m->path; m++) {
		bool found = false;

		for (size_t i = 0; i < n; i++)
			found |= method_of(&routev[i]) == m;
		if (!found)
			fail_msg("%s: there is no %s %s", m->path, m->method,
				 m->route);
	}
}

/* --------------------------------------------------------------- the schema */

static void test_files(void **state)
{
	static const struct {
		const char *symbol, *file;
	} v[] = {
		{"switchyard.v1.Call", "switchyard.proto"},
		{"switchyard.v1.Call.legs", "switchyard.proto"},
		{"switchyard.v1.CallState", "switchyard.proto"},
		{"switchyard.v1.CALL_RINGING", "switchyard.proto"},
		{"switchyard.v1.Calls", "services.proto"},
		{"switchyard.v1.Calls.Get", "services.proto"},
		{"google.protobuf.Timestamp", "google/protobuf/timestamp.proto"},
		{"google.rpc.BadRequest.FieldViolation",
		 "google/rpc/status.proto"},
		{"grpc.reflection.v1alpha.ServerReflection",
		 "grpc/reflection/v1alpha/reflection.proto"},
		{"switchyard.v1", NULL},
		{"switchyard.v1.", NULL},
		{"switchyard.v1.Cal", NULL},
		{"switchyard.v1.Calls.Nothing", NULL},
		{"switchyard.v1.Call.", NULL},
		{"", NULL},
	};
	struct files *f;
	struct file file;
	int indexv[32];
	size_t n;
	(void)state;

	assert_int_equal(files_alloc(&f), 0);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		int index = files_find_symbol(f, v[i].symbol);

		if (!v[i].file) {
			if (index >= 0)
				fail_msg("%s is found", v[i].symbol);
			continue;
		}
		if (index < 0)
			fail_msg("%s is not found", v[i].symbol);
		files_get(f, index, &file);
		assert_string_equal(file.name, v[i].file);
	}

	/* What is imported goes first, once. */
	n = files_with_imports(f, files_find(f, "services.proto"), indexv);
	assert_int_equal(n, 5);
	files_get(f, indexv[4], &file);
	assert_string_equal(file.name, "services.proto");
	assert_true(files_has_service(f, "grpc.health.v1.Health"));
	assert_false(files_has_service(f, "grpc.health.v1"));
	mem_deref(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_bad_frames),
		cmocka_unit_test(test_inflate),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_every_route_has_a_method),
		cmocka_unit_test(test_every_method_has_a_route),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

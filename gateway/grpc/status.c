/* SPDX-License-Identifier: MIT */
/* Problems as gRPC's status: see status.h. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <google/rpc/status.pb-c.h>

#include "gateway/grpc/status.h"
#include "gateway/http/fields.h"
#include "gateway/http/request.h"

/* A header's list is limited (8 KB in grpc-js): better fewer details. */
enum { MESSAGE_MAX = 1024, FIELDS_MAX = 16, DETAILS_MAX = 4096 };

#define TYPE_PREFIX "urn:switchyard:problem:"
#define ANY_PREFIX "type.googleapis.com/google.rpc."

enum grpc_code status_code(unsigned http, const char *slug)
{
	static const struct {
		unsigned http;
		const char *slug;  /* NULL: any                       */
		enum grpc_code code;
	} v[] = {
		{400, NULL, GRPC_INVALID_ARGUMENT},
		{401, NULL, GRPC_UNAUTHENTICATED},
		{403, NULL, GRPC_PERMISSION_DENIED},
		{404, NULL, GRPC_NOT_FOUND},
		{405, NULL, GRPC_UNIMPLEMENTED},
		{408, NULL, GRPC_DEADLINE_EXCEEDED},
		{409, "conflict", GRPC_FAILED_PRECONDITION},
		{409, "exists", GRPC_ALREADY_EXISTS},
		{409, NULL, GRPC_ABORTED},
		{412, NULL, GRPC_ABORTED},
		{413, NULL, GRPC_RESOURCE_EXHAUSTED},
		{422, NULL, GRPC_INVALID_ARGUMENT},
		{428, NULL, GRPC_FAILED_PRECONDITION},
		{429, NULL, GRPC_RESOURCE_EXHAUSTED},
		{431, NULL, GRPC_RESOURCE_EXHAUSTED},
		{500, NULL, GRPC_INTERNAL},
		{501, NULL, GRPC_UNIMPLEMENTED},
		{502, NULL, GRPC_INTERNAL},
		{503, NULL, GRPC_UNAVAILABLE},
		{504, NULL, GRPC_DEADLINE_EXCEEDED},
	};

	if (http >= 200 && http < 300)
		return GRPC_OK;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (v[i].http == http &&
		    (!v[i].slug || (slug && !strcmp(v[i].slug, slug))))
			return v[i].code;
	}

	return GRPC_UNKNOWN;
}

/* What is not printable ASCII, and "%", is percent-encoded. */
static void escape(char *out, size_t size, const char *in)
{
	size_t n = 0;

	for (; *in && n + 4 < size; in++) {
		unsigned char c = (unsigned char)*in;

		if (c >= ' ' && c <= '~' && c != '%')
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, size - n, "%%%02X", c);
	}
	out[n] = '\0';
}

int status_put(struct fields *f, enum grpc_code code, const char *message)
{
	char text[MESSAGE_MAX];
	int err;

	err = fields_addf(f, "grpc-status", "%u", (unsigned)code);
	if (!err && message && *message) {
		escape(text, sizeof(text), message);
		err = fields_addf(f, "grpc-message", "%s", text);
	}

	return err;
}

/* ---------------------------------------------------------------- details */

struct details {
	Google__Rpc__Status st;
	Google__Protobuf__Any anyv[4], *anypv[4];
};

static void add(struct details *d, const char *type,
		const ProtobufCMessage *msg)
{
	Google__Protobuf__Any *any = &d->anyv[d->st.n_details];
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *p = malloc(len + 1);

	if (!p)
		return; /* an error with fewer details is one, too */

	google__protobuf__any__init(any);
	any->type_url = (char *)type;
	any->value.len = protobuf_c_message_pack(msg, p);
	any->value.data = p;
	d->anypv[d->st.n_details++] = any;
}

static int put_details(struct fields *f, struct details *d)
{
	size_t len = google__rpc__status__get_packed_size(&d->st);
	uint8_t *p = malloc(len + 1);
	char *text = malloc(len * 4 / 3 + 8);
	int err = p && text ? 0 : ENOMEM;

	if (!err && len <= DETAILS_MAX) {
		(void)google__rpc__status__pack(&d->st, p);
		(void)EVP_EncodeBlock((unsigned char *)text, p, (int)len);
		/* Without padding, as gRPC's own do. */
		text[strcspn(text, "=")] = '\0';
		err = fields_addf(f, "grpc-status-details-bin", "%s", text);
	}
	for (size_t i = 0; i < d->st.n_details; i++)
		free(d->anyv[i].value.data);
	free(p);
	free(text);

	return err;
}

static void details_init(struct details *d, enum grpc_code code,
			 const char *message)
{
	google__rpc__status__init(&d->st);
	d->st.code = (int32_t)code;
	d->st.message = (char *)message;
	d->st.details = d->anypv;
}

static const char *member(const json_t *j, const char *name)
{
	const char *str = json_string_value(json_object_get(j, name));

	return str ? str : "";
}

static void add_fields(struct details *d, const json_t *errors)
{
	typedef Google__Rpc__BadRequest__FieldViolation violation;
	Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
	violation v[FIELDS_MAX], *pv[FIELDS_MAX];
	char text[FIELDS_MAX][256];
	size_t n = json_array_size(errors);

	for (size_t i = 0; i < n && i < FIELDS_MAX; i++) {
		const json_t *e = json_array_get(errors, i);
		const char *allowed = member(e, "allowed");

		(void)snprintf(text[i], sizeof(text[i]), "%s%s%s",
			       member(e, "cause"),
			       *allowed ? "; allowed: " : "", allowed);
		google__rpc__bad_request__field_violation__init(&v[i]);
		v[i].field = (char *)member(e, "field");
		v[i].description = text[i];
		pv[bad.n_field_violations++] = &v[i];
	}
	bad.field_violations = pv;
	if (bad.n_field_violations)
		add(d, ANY_PREFIX "BadRequest", &bad.base);
}

static void add_info(struct details *d, const char *slug)
{
	Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
	char reason[64];
	size_t n;

	for (n = 0; slug[n] && n + 1 < sizeof(reason); n++)
		reason[n] = slug[n] == '-'
				? '_'
				: (char)toupper((unsigned char)slug[n]);
	reason[n] = '\0';
	info.reason = reason;
	info.domain = "switchyard";
	if (n)
		add(d, ANY_PREFIX "ErrorInfo", &info.base);
}

static void add_retry(struct details *d, const char *after)
{
	Google__Rpc__RetryInfo info = GOOGLE__RPC__RETRY_INFO__INIT;
	Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;

	if (!after)
		return;
	delay.seconds = strtol(after, NULL, 10);
	info.retry_delay = &delay;
	add(d, ANY_PREFIX "RetryInfo", &info.base);
}

static void add_request(struct details *d, const char *id)
{
	Google__Rpc__RequestInfo info = GOOGLE__RPC__REQUEST_INFO__INIT;

	if (!id)
		return;
	info.request_id = (char *)id;
	add(d, ANY_PREFIX "RequestInfo", &info.base);
}

int status_put_problem(struct fields *f, const struct web_req *req)
{
	size_t len;
	const uint8_t *p = web_res_peek(req, &len);
	json_t *j = json_loadb((const char *)p, len, 0, NULL);
	const char *type = member(j, "type"), *slug = "";
	const char *message = member(j, "detail");
	struct details d;
	enum grpc_code code;
	int err;

	if (!strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)))
		slug = type + strlen(TYPE_PREFIX);
	if (!*message)
		message = web_status_text(req->res.status);

	code = status_code(req->res.status, slug);
	details_init(&d, code, message);
	add_fields(&d, json_object_get(j, "errors"));
	add_info(&d, slug);
	add_retry(&d, fields_get(&req->res.head, "retry-after"));
	add_request(&d, fields_get(&req->res.head, "x-request-id"));

	err = status_put(f, code, message);
	if (!err)
		err = put_details(f, &d);
	json_decref(j);

	return err;
}

int status_put_field(struct fields *f, const char *field, const char *cause)
{
	typedef Google__Rpc__BadRequest__FieldViolation violation;
	Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;
	violation v = GOOGLE__RPC__BAD_REQUEST__FIELD_VIOLATION__INIT, *pv = &v;
	char message[MESSAGE_MAX];
	struct details d;
	int err;

	(void)snprintf(message, sizeof(message), "%s%s%s", field,
		       *field ? " " : "", cause);
	details_init(&d, GRPC_INVALID_ARGUMENT, message);
	v.field = (char *)field;
	v.description = (char *)cause;
	bad.field_violations = &pv;
	bad.n_field_violations = 1;
	add(&d, ANY_PREFIX "BadRequest", &bad.base);
	add_info(&d, "validation");

	err = status_put(f, GRPC_INVALID_ARGUMENT, message);

	return err ? err : put_details(f, &d);
}

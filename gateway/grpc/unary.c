/* SPDX-License-Identifier: MIT */
/*
 * Methods that are routes of the API.  With its header such a call becomes a
 * request of our own (inner.h) for the route's pattern, so that who may not is
 * refused before a message is read; with its message it gets the path, the
 * query and the body.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/wire.h"
#include "gateway/grpc/bind.h"
#include "gateway/grpc/call.h"
#include "gateway/grpc/convert.h"
#include "gateway/grpc/inner.h"
#include "gateway/http/engine.h"

enum { MESSAGE_MAX = 4 * 1024 * 1024 };

/* Of a call's header, and of the answer's. */
static const char *const askv[] = {
	"authorization", "x-request-id", "idempotency-key", "if-match",
	"if-none-match", "user-agent", NULL,
};
static const char *const tellv[] = {
	"x-request-id", "etag", "location", "retry-after", "ratelimit-limit",
	"ratelimit-remaining", "ratelimit-reset", NULL,
};

static void tell(struct call *c, const struct web_req *req)
{
	for (const char *const *n = tellv; *n; n++) {
		const char *value = fields_get(&req->res.head, *n);

		if (value)
			(void)fields_addf(&c->web->res.head, *n, "%s", value);
	}
}

static void on_answer(struct inner *in, void *arg)
{
	struct call *c = arg;
	struct web_req *req = inner_request(in);
	uint8_t *made = NULL;
	const uint8_t *p;
	size_t len;

	if (c->ended)
		return;
	tell(c, req);
	if (req->res.status >= 300) {
		call_end_problem(c, req);
		return;
	}
	p = web_res_peek(req, &len);
	if (convert_answer(&made, &len, req, c->method->out)) {
		call_end(c, GRPC_INTERNAL, "the answer is no %s",
			 c->method->out->name);
		return;
	}
	call_reply(c, made ? made : p, len);
	free(made);
}

static void start(struct call *c)
{
	struct inner *in;
	struct web_req *req;
	int err;

	err = inner_alloc(&in, c->web, c->method->method, c->method->route,
			  askv, on_answer, c);
	if (err) {
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}

	c->state = in;
	req = inner_request(in);
	err = fields_addf(&req->head, "content-type", "%s", WIRE_TYPE);
	err |= fields_addf(&req->head, "accept", "%s", WIRE_TYPE);
	if (err) {
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	/* An answer ends the call, which releases the request. */
	(void)mem_ref(in);
	api_head(req, c->g->api);
	mem_deref(in);
}

static int put_body(struct web_req *req, const ProtobufCMessage *body)
{
	size_t len = body ? protobuf_c_message_get_packed_size(body) : 0;
	uint8_t *p;
	int err;

	if (!len)
		return 0;
	p = malloc(len);
	if (!p)
		return ENOMEM;
	(void)protobuf_c_message_pack(body, p);
	err = web_req_body(req, p, len, MESSAGE_MAX);
	free(p);

	return err;
}

/* The inner request becomes what the message says. False: was ended. */
static bool fill(struct call *c, struct web_req *req,
		 const ProtobufCMessage *msg)
{
	struct api_req *a = req->user;
	const char *field = "";
	struct bound b;
	int err;

	err = bind_request(&b, c->method->route, msg, &field);
	if (err) {
		call_end_field(c, field, err == EINVAL
			       ? "must have 1 to 127 characters"
			       : "the request has too much text");
		return false;
	}

	a->params = b.params;
	err = web_req_target(req, c->method->method,
			     strlen(c->method->method), b.target,
			     strlen(b.target));
	if (!err)
		err = put_body(req, b.body);
	if (err)
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");

	return !err;
}

static void on_message(struct call *c, const uint8_t *p, size_t len)
{
	struct inner *in = c->state;
	ProtobufCMessage *msg;
	char path[256] = "";

	msg = protobuf_c_message_unpack(c->method->in, NULL, len, p);
	if (!msg) {
		call_end(c, GRPC_INVALID_ARGUMENT, "this is no %s",
			 c->method->in->name);
		return;
	}
	if (!wire_check(msg, path, sizeof(path))) {
		call_end_field(c, path, "is not UTF-8");
	}
	else if (fill(c, inner_request(in), msg)) {
		(void)mem_ref(in);
		api_request(inner_request(in), c->g->api);
		mem_deref(in);
	}
	protobuf_c_message_free_unpacked(msg, NULL);
}

const struct call_ops unary_ops = {
	.max_bytes = MESSAGE_MAX,
	.start = start,
	.message = on_message,
};

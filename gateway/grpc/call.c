/* SPDX-License-Identifier: MIT */
/* Calls: see call.h. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <re.h>

#include "gateway/grpc/call.h"
#include "gateway/grpc/inflate.h"
#include "gateway/http/problem.h"
#include "proto/loop.h"

#define TYPE "application/grpc"

/* --------------------------------------------------------------- answering */

static void release(struct call *c)
{
	c->ended = true;
	c->deadline = mem_deref(c->deadline);
	c->state = mem_deref(c->state);
}

/* Without a message before it the status is in the header. */
static void finish(struct call *c, const struct fields *f)
{
	struct web_req *web = c->web;

	release(c);
	if (web->res.status) {
		(void)web_end(web, f);
		return;
	}
	for (size_t i = 0; i < f->count; i++)
		(void)fields_addf(&web->res.head, fields_name(f, i), "%s",
				  fields_value(f, i));
	(void)web_reply(web, 200, TYPE, "", 0);
}

void call_end(struct call *c, enum grpc_code code, const char *fmt, ...)
{
	struct fields f = {0};
	char text[512];
	va_list ap;

	if (c->ended)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)status_put(&f, code, text);
	finish(c, &f);
	fields_reset(&f);
}

void call_end_problem(struct call *c, const struct web_req *req)
{
	struct fields f = {0};

	if (c->ended)
		return;
	(void)status_put_problem(&f, req);
	finish(c, &f);
	fields_reset(&f);
}

void call_end_field(struct call *c, const char *field, const char *cause)
{
	struct fields f = {0};

	if (c->ended)
		return;
	(void)status_put_field(&f, field, cause);
	finish(c, &f);
	fields_reset(&f);
}

void call_reply(struct call *c, const uint8_t *p, size_t len)
{
	struct web_req *web = c->web;
	uint8_t *buf;

	if (c->ended)
		return;
	buf = malloc(FRAME_HEAD + len);
	if (!buf || status_put(&web->res.trailers, GRPC_OK, NULL)) {
		free(buf);
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}

	frame_head(buf, len);
	if (len)
		memcpy(buf + FRAME_HEAD, p, len);
	release(c);
	(void)web_reply(web, 200, TYPE, buf, FRAME_HEAD + len);
	free(buf);
}

/* A message with its head. @return NULL: no memory. */
static uint8_t *pack(const ProtobufCMessage *msg, size_t *lenp)
{
	size_t len = protobuf_c_message_get_packed_size(msg);
	uint8_t *p = malloc(FRAME_HEAD + len);

	if (!p)
		return NULL;
	frame_head(p, len);
	(void)protobuf_c_message_pack(msg, p + FRAME_HEAD);
	*lenp = FRAME_HEAD + len;

	return p;
}

void call_reply_message(struct call *c, const ProtobufCMessage *msg)
{
	size_t len;
	uint8_t *p = pack(msg, &len);

	if (p)
		call_reply(c, p + FRAME_HEAD, len - FRAME_HEAD);
	else
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
	free(p);
}

int call_send(struct call *c, const ProtobufCMessage *msg)
{
	size_t len;
	uint8_t *p;
	int err = 0;

	if (c->ended)
		return EPIPE;
	p = pack(msg, &len);
	if (!p)
		return ENOMEM;
	if (!c->web->res.status)
		err = web_start(c->web, 200, TYPE);
	if (!err)
		err = web_write(c->web, p, len);
	free(p);

	return err;
}

/* ------------------------------------------------------------------- input */

static int hand_over(struct call *c, bool compressed, const uint8_t *p,
		     size_t len)
{
	int err = 0;

	if (compressed) {
		free(c->plain);
		c->plain = NULL;
		err = inflate_gzip(&c->plain, &len, p, len, c->ops->max_bytes);
		p = c->plain;
	}
	if (err)
		return err;
	if (c->ops->streams) {
		c->ops->message(c, p, len);
		return 0;
	}
	c->p = p;
	c->len = len;

	return 0;
}

static int on_message(bool compressed, const uint8_t *p, size_t len, void *arg)
{
	struct call *c = arg;
	const char *encoding = web_header(c->web, "grpc-encoding");

	if (c->ended)
		return 0;
	if (c->has_message && !c->ops->streams) {
		call_end(c, GRPC_INVALID_ARGUMENT,
			 "this method takes one message");
		return 0;
	}
	c->has_message = true;
	if (compressed && (!encoding || strcmp(encoding, "gzip"))) {
		call_end(c, GRPC_INTERNAL, "a message is compressed, and "
			 "grpc-encoding does not say gzip");
		return 0;
	}

	return hand_over(c, compressed, p, len);
}

static void refuse(struct call *c, int err)
{
	if (err == EMSGSIZE)
		call_end(c, GRPC_RESOURCE_EXHAUSTED,
			 "the message is larger than %zu bytes",
			 c->ops->max_bytes);
	else if (err == ENOMEM)
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
	else
		call_end(c, GRPC_INTERNAL, "the message is not framed as gRPC");
}

/* The client has said all. */
static void on_end(struct call *c)
{
	if (!frame_is_empty(&c->frame)) {
		call_end(c, GRPC_INTERNAL, "the message is cut off");
		return;
	}
	if (c->ops->streams) {
		if (c->ops->said)
			c->ops->said(c);
		else
			call_end(c, GRPC_OK, "%s", "");
		return;
	}
	if (c->has_message)
		c->ops->message(c, c->p, c->len);
	else
		call_end(c, GRPC_INVALID_ARGUMENT, "there is no message");
}

static void on_data(struct web_req *req, const uint8_t *p, size_t len,
		    void *arg)
{
	struct call *c = arg;
	int err;
	(void)req;

	if (c->ended)
		return;
	if (!len) {
		on_end(c);
		return;
	}
	err = frame_feed(&c->frame, p, len, on_message, c);
	if (err)
		refuse(c, err);
}

/* --------------------------------------------------------------- beginning */

static void on_deadline(void *arg)
{
	struct call *c = arg;

	c->late = true;
	if (c->stoph)
		c->stoph(c);
	call_end(c, GRPC_DEADLINE_EXCEEDED, "the deadline has come; whether it "
		 "was done is not known");
}

/* grpc-timeout: at most eight digits and a unit. @return 0, EINVAL. */
static int read_timeout(uint64_t *msp, const char *str)
{
	static const struct {
		char unit;
		uint64_t mul, div;
	} v[] = {
		{'H', 3600000, 1}, {'M', 60000, 1}, {'S', 1000, 1},
		{'m', 1, 1},	   {'u', 1, 1000},  {'n', 1, 1000000},
	};
	size_t n = strspn(str, "0123456789");
	uint64_t value = strtoull(str, NULL, 10);

	if (!n || n > 8 || strlen(str) != n + 1)
		return EINVAL;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (str[n] != v[i].unit)
			continue;
		*msp = value * v[i].mul / v[i].div;
		return 0;
	}

	return EINVAL;
}

/* False: it was ended. */
static bool set_deadline(struct call *c)
{
	const char *text = web_header(c->web, "grpc-timeout");
	uint64_t ms;

	if (!text)
		return true;
	if (read_timeout(&ms, text)) {
		call_end(c, GRPC_INVALID_ARGUMENT,
			 "grpc-timeout is up to eight digits and one of "
			 "H M S m u n");
		return false;
	}
	if (ms < UINT32_MAX &&
	    loop_timer_start(&c->deadline, c->g->loop, (uint32_t)ms,
			     on_deadline, c)) {
		call_end(c, GRPC_RESOURCE_EXHAUSTED, "out of memory");
		return false;
	}

	return true;
}

static void destructor(void *arg)
{
	struct call *c = arg;

	release(c);
	frame_reset(&c->frame);
	free(c->plain);
}

static const struct {
	const char *path;
	const struct call_ops *ops;
} otherv[] = {
	{"/switchyard.v1.Events/Stream", &events_ops},
	{"/grpc.health.v1.Health/Check", &health_check_ops},
	{"/grpc.health.v1.Health/Watch", &health_watch_ops},
	{"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	 &reflect_ops},
	{"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
	 &reflect_ops},
};

static void find_method(struct call *c)
{
	const char *path = c->web->path;

	for (const struct service_method *m = service_methods; m->path; m++) {
		if (strcmp(m->path, path))
			continue;
		c->method = m;
		c->ops = &unary_ops;
		return;
	}
	for (size_t i = 0; i < sizeof(otherv) / sizeof(otherv[0]); i++) {
		if (!strcmp(otherv[i].path, path))
			c->ops = otherv[i].ops;
	}
}

static bool check_encoding(struct call *c)
{
	const char *encoding = web_header(c->web, "grpc-encoding");

	if (!encoding || !strcmp(encoding, "identity") ||
	    !strcmp(encoding, "gzip"))
		return true;

	call_end(c, GRPC_UNIMPLEMENTED,
		 "grpc-encoding may be identity or gzip");

	return false;
}

static void begin(struct call *c)
{
	(void)web_head(c->web, "grpc-accept-encoding", "identity,gzip");
	find_method(c);
	if (!c->ops) {
		call_end(c, GRPC_UNIMPLEMENTED,
			 "there is no method %.200s; server reflection lists "
			 "all", c->web->path);
		return;
	}
	if (!check_encoding(c) || !set_deadline(c))
		return;

	c->frame.max = c->ops->max_bytes;
	if (c->ops->start)
		c->ops->start(c);
}

bool grpc_is(const struct web_req *req)
{
	const char *type = web_header(req, "content-type");

	return type && !strncasecmp(type, TYPE, strlen(TYPE)) &&
	       strchr("+; ", type[strlen(TYPE)]);
}

/* application/grpc, or with +proto. */
static bool is_proto(const struct web_req *req)
{
	const char *type = web_header(req, "content-type") + strlen(TYPE);
	size_t len = strcspn(type, "; ");

	return !len || (len == 6 && !strncasecmp(type, "+proto", 6));
}

void grpc_head(struct web_req *req, void *arg)
{
	struct call *c;

	if (req->version < 20) {
		(void)problem(req, 505, "http-version", "gRPC needs HTTP/2");
		return;
	}
	if (strcmp(req->method, "POST")) {
		(void)web_head(req, "allow", "POST");
		(void)problem(req, 405, "method-not-allowed",
			      "a gRPC call is a POST");
		return;
	}
	if (!is_proto(req)) {
		(void)web_head(req, "accept", TYPE);
		(void)problem(req, 415, "media-type",
			      "messages are application/grpc+proto");
		return;
	}

	c = mem_zalloc(sizeof(*c), destructor);
	if (!c) {
		(void)problem(req, 500, "internal", "out of memory");
		return;
	}
	c->g = arg;
	c->web = req;
	req->user = c;
	req->datah = on_data;
	req->arg = c;
	begin(c);
}

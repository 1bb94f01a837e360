/* sources: gateway/grpc/frame.c gateway/grpc/inflate.c gateway/grpc/bind.c gateway/api/wire.c gateway/http/request.c gateway/http/response.c gateway/http/coding.c gateway/http/compressor.c gateway/http/engine.c gateway/http/fields.c build/debug/proto/gen/services_table.c build/debug/proto/gen/services.pb-c.c build/debug/proto/gen/switchyard.pb-c.c build/debug/proto/gen/google/protobuf/timestamp.pb-c.c build/debug/proto/gen/google/protobuf/empty.pb-c.c build/debug/proto/gen/google/protobuf/field_mask.pb-c.c */
/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the messages of a gRPC call.  The first byte names the
 * method, the second the size of the pieces.  Each message is read, looked
 * through for UTF-8, and made a request; whole and in pieces must be the same.
 */

#include <stdlib.h>
#include <string.h>

#include "gateway/api/once.h"
#include "gateway/api/wire.h"
#include "gateway/grpc/bind.h"
#include "gateway/grpc/frame.h"
#include "gateway/grpc/inflate.h"
#include "proto/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 65536 };

struct seen {
	const struct service_method *m;
	uint64_t hash;            /* of what was bound */
	int err;
};

/* In place of the documents: no JSON here. */
int problem(struct web_req *req, unsigned status, const char *slug,
	    const char *detail, ...)
{
	(void)slug;
	(void)detail;

	return web_reply(req, status, NULL, NULL, 0);
}

int problem_fields(struct web_req *req, const struct problem_field *v,
		   size_t n)
{
	(void)v;
	(void)n;

	return web_reply(req, 400, NULL, NULL, 0);
}

/* Nothing is answered here, so nothing is kept. */
void once_keep(struct api_req *a, const char *type, const void *p, size_t len)
{
	(void)a;
	(void)type;
	(void)p;
	(void)len;
}

static void mix(struct seen *s, const char *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		s->hash = (s->hash ^ (uint8_t)p[i]) * 1099511628211u;
}

/* The body of a request is one of the message's own. */
static bool is_part(const ProtobufCMessage *msg, const ProtobufCMessage *body)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;

	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (!strcmp(f->name, "body") &&
		    f->type == PROTOBUF_C_TYPE_MESSAGE &&
		    body == *(ProtobufCMessage *const *)(
			    (const uint8_t *)msg + f->offset))
			return true;
	}

	return false;
}

static void take(struct seen *s, const uint8_t *p, size_t len)
{
	const char *field = NULL;
	char path[128] = "";
	ProtobufCMessage *msg;
	struct bound b;
	int err;

	msg = protobuf_c_message_unpack(s->m->in, NULL, len, p);
	if (!msg)
		return;

	if (wire_check(msg, path, sizeof(path))) {
		err = bind_request(&b, s->m->route, msg, &field);
		if (!err && b.target[0] != '/')
			abort();
		if (!err)
			mix(s, b.target, strlen(b.target));
		if (b.body && !is_part(msg, b.body))
			abort();
	}
	else if (!*path) {
		abort();
	}
	protobuf_c_message_free_unpacked(msg, NULL);
}

static int on_frame(bool compressed, const uint8_t *p, size_t len, void *arg)
{
	struct seen *s = arg;
	uint8_t *plain = NULL;

	mix(s, compressed ? "z" : "m", 1);
	if (!compressed) {
		take(s, p, len);
		return 0;
	}
	if (inflate_gzip(&plain, &len, p, len, MESSAGE_MAX))
		return 0;
	if (len > MESSAGE_MAX)
		abort();
	take(s, plain, len);
	free(plain);

	return 0;
}

static void play(struct seen *s, const uint8_t *p, size_t size, size_t step)
{
	struct frame f = {.max = MESSAGE_MAX};

	s->hash = 0;
	s->err = 0;
	for (size_t i = 0; i < size && !s->err; i += step)
		s->err = frame_feed(&f, p + i,
				    size - i < step ? size - i : step,
				    on_frame, s);
	frame_reset(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = {0}, pieces = {0};
	size_t n = 0;

	if (size < 2)
		return 0;

	while (service_methods[n].path)
		n++;
	whole.m = pieces.m = &service_methods[data[0] % n];
	play(&whole, data + 2, size - 2, size);
	play(&pieces, data + 2, size - 2, 1 + data[1] % 32);
	if (whole.hash != pieces.hash || whole.err != pieces.err)
		abort();

	return 0;
}

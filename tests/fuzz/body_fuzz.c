/* sources: proto/json.c proto/json_read.c proto/json_scalar.c proto/json_value.c proto/json_write.c build/debug/proto/gen/services_table.c build/debug/proto/gen/services.pb-c.c build/debug/proto/gen/switchyard.pb-c.c build/debug/proto/gen/google/protobuf/timestamp.pb-c.c build/debug/proto/gen/google/protobuf/empty.pb-c.c build/debug/proto/gen/google/protobuf/field_mask.pb-c.c */
/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the JSON body of a request.  The first byte names the
 * route; what was read, printed (in two ways) and read again must be the same
 * message.
 */

#include <stdlib.h>
#include <string.h>
#include <google/protobuf/timestamp.pb-c.h>

#include "proto/json.h"
#include "proto/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODIES = 256 };

/* Those of all routes. @return how many. */
static size_t list_bodies(const ProtobufCMessageDescriptor **v)
{
	size_t n = 0;

	for (const struct service_method *m = service_methods; m->path; m++) {
		const ProtobufCFieldDescriptor *f =
			protobuf_c_message_descriptor_get_field_by_name(m->in,
									"body");

		if (f && n < BODIES)
			v[n++] = f->descriptor;
	}

	return n;
}

static uint8_t *pack(const ProtobufCMessage *msg, size_t *lenp)
{
	uint8_t *p;

	*lenp = protobuf_c_message_get_packed_size(msg);
	p = malloc(*lenp + 1);
	if (!p || protobuf_c_message_pack(msg, p) != *lenp)
		abort();

	return p;
}

static void again(const ProtobufCMessageDescriptor *d,
		  const ProtobufCMessage *msg)
{
	char *text = json_print(msg, JSON_DEFAULTS), errbuf[256] = "";
	json_t *values = json_from_message(msg, JSON_DEFAULTS);
	char *slow = json_dumps(values, JSON_DUMP_FLAGS);
	ProtobufCMessage *other;
	uint8_t *p, *q;
	size_t plen, qlen;

	if (!text || !slow)
		abort();
	if (strcmp(text, slow)) {
		fprintf(stderr, "%s\n%s\n", text, slow);
		abort();
	}
	free(slow);
	json_decref(values);
	if (json_read(&other, d, text, strlen(text), errbuf, sizeof(errbuf))) {
		fprintf(stderr, "%s: %s\n", text, errbuf);
		abort();
	}

	p = pack(msg, &plen);
	q = pack(other, &qlen);
	if (plen != qlen || memcmp(p, q, plen)) {
		fprintf(stderr, "%s is another message\n", text);
		abort();
	}
	free(p);
	free(q);
	free(text);
	protobuf_c_message_free_unpacked(other, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *v[BODIES];
	ProtobufCMessage *msg;
	char errbuf[256] = "";
	size_t n = list_bodies(v);

	if (!size)
		return 0;

	if (json_read(&msg, v[data[0] % n], (const char *)data + 1, size - 1,
		      errbuf, sizeof(errbuf))) {
		if (!*errbuf || strlen(errbuf) >= sizeof(errbuf))
			abort();
		return 0;
	}
	again(v[data[0] % n], msg);
	protobuf_c_message_free_unpacked(msg, NULL);

	return 0;
}

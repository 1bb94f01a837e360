/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <jansson.h>

#include "gateway/api/audit.h"
#include "proto/json_scalar.h"

enum { DEPTH_MAX = 2 };

static bool is_set(const ProtobufCMessage *msg,
		   const ProtobufCFieldDescriptor *f)
{
	static const uint64_t zero;
	const uint8_t *p = (const uint8_t *)msg + f->offset;
	const uint8_t *q = (const uint8_t *)msg + f->quantifier_offset;

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)(const void *)q == f->id;
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(const void *)q;

	switch (f->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		return *(const void *const *)(const void *)p;
	case PROTOBUF_C_TYPE_STRING: {
		const char *s = *(const char *const *)(const void *)p;

		return s && *s;
	}
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)(const void *)p)->len;
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return memcmp(p, &zero, 8);
	default:
		return memcmp(p, &zero, 4);
	}
}

static bool is_inside(const ProtobufCFieldDescriptor *f, int depth)
{
	return f->type == PROTOBUF_C_TYPE_MESSAGE &&
	       f->label != PROTOBUF_C_LABEL_REPEATED && depth < DEPTH_MAX &&
	       !json_is_timestamp(f->descriptor);
}

static void add(struct audit_fields *out, const ProtobufCMessage *msg,
		const char *lead, int depth)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;

	for (unsigned i = 0; i < d->n_fields && out->n < AUDIT_FIELDS; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];
		char name[AUDIT_FIELD_SIZE], own[JSON_NAME_MAX];
		int n;

		if (!is_set(msg, f))
			continue;
		n = snprintf(name, sizeof(name), "%s%s%s", lead,
			     *lead ? "." : "", json_name(own, f));
		if (n < 0 || (size_t)n >= sizeof(name))
			continue;
		if (is_inside(f, depth)) {
			const void *const *sub = (const void *const *)(
				const void *)((const uint8_t *)msg +
					      f->offset);
			size_t had = out->n;

			add(out, *sub, name, depth + 1);
			if (out->n > had)
				continue;
		}
		if (out->n < AUDIT_FIELDS)
			(void)snprintf(out->v[out->n++], AUDIT_FIELD_SIZE,
				       "%s", name);
	}
}

void audit_fields_add(struct audit_fields *f, const ProtobufCMessage *msg)
{
	if (msg)
		add(f, msg, "", 0);
}

static void add_json(struct audit_fields *out, json_t *obj, const char *lead,
		     int depth)
{
	const char *key;
	json_t *val;

	json_object_foreach(obj, key, val) {
		char name[AUDIT_FIELD_SIZE];
		int n = snprintf(name, sizeof(name), "%s%s%s", lead,
				 *lead ? "." : "", key);

		if (n < 0 || (size_t)n >= sizeof(name))
			continue;
		if (json_object_size(val) && depth < DEPTH_MAX)
			add_json(out, val, name, depth + 1);
		else if (out->n < AUDIT_FIELDS)
			(void)snprintf(out->v[out->n++], AUDIT_FIELD_SIZE,
				       "%s", name);
	}
}

void audit_fields_add_json(struct audit_fields *f, const void *p, size_t len)
{
	json_t *j = json_loadb(p, len, 0, NULL);

	add_json(f, j, "", 0);
	json_decref(j);
}

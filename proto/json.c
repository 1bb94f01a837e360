/* SPDX-License-Identifier: MIT */
/*
 * Message to JSON's values.  To its text: json_write.c; the other way:
 * json_read.c.
 *
 * Real numbers: a float is turned into the shortest decimal number that is
 * read back as that float, so that 15 digits print it as people wrote it
 * (0.1, not 0.100000001490116).
 */

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/json_field.h"
#include "proto/json_scalar.h"
#include "proto/schema.h"

enum { DEPTH_MAX = 64 };

struct printer {
	int flags;
	int depth;
};

static json_t *print_message(struct printer *p, const ProtobufCMessage *msg);

static json_t *print_string(const char *s)
{
	json_t *j;
	char *clean;

	j = json_string(s ? s : "");
	if (j)
		return j;

	/* Text from outside (a display name) need not be UTF-8. */
	clean = json_utf8_clean(s);
	if (!clean)
		return NULL;
	j = json_string(clean);
	free(clean);

	return j;
}

static json_t *print_bytes(const ProtobufCBinaryData *b)
{
	char *text;
	json_t *j;

	text = json_base64_print(b->data, b->len);
	if (!text)
		return NULL;
	j = json_string(text);
	free(text);

	return j;
}

static json_t *print_enum(const ProtobufCEnumDescriptor *d, int value)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(
		d, value);

	return v ? json_string(v->name) : json_integer(value);
}

static json_t *print_real(double v, bool single)
{
	char text[40];
	int digits;

	if (isnan(v) || isinf(v))
		return json_string(isnan(v) ? "NaN" :
				   v > 0 ? "Infinity" : "-Infinity");

	for (digits = 6; single && digits < 9; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtof(text, NULL) == (float)v)
			break;
	}
	if (single) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, v);
		return json_real(strtod(text, NULL));
	}

	return json_real(v);
}

static json_t *print_u64(uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);

	return json_string(text);
}

static json_t *print_i64(int64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)v);

	return json_string(text);
}

/* @param at  Where the value lies (in the message, or in an array). */
static json_t *print_value(struct printer *p,
			   const ProtobufCFieldDescriptor *f, const void *at)
{
	switch (f->type) {

	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		return json_integer(*(const int32_t *)at);

	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		return json_integer(*(const uint32_t *)at);

	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		return print_i64(*(const int64_t *)at);

	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		return print_u64(*(const uint64_t *)at);

	case PROTOBUF_C_TYPE_FLOAT:
		return print_real(*(const float *)at, true);

	case PROTOBUF_C_TYPE_DOUBLE:
		return print_real(*(const double *)at, false);

	case PROTOBUF_C_TYPE_BOOL:
		return json_boolean(*(const protobuf_c_boolean *)at);

	case PROTOBUF_C_TYPE_ENUM:
		return print_enum(f->descriptor, *(const int *)at);

	case PROTOBUF_C_TYPE_STRING:
		return print_string(*(const char *const *)at);

	case PROTOBUF_C_TYPE_BYTES:
		return print_bytes(at);

	case PROTOBUF_C_TYPE_MESSAGE:
		return print_message(p, *(const ProtobufCMessage *const *)at);
	}

	return NULL;
}

const void *json_member(const ProtobufCMessage *msg, unsigned offset)
{
	return (const uint8_t *)msg + offset;
}

static bool is_default(const ProtobufCFieldDescriptor *f, const void *at)
{
	static const uint64_t zero;
	const char *s;

	switch (f->type) {

	case PROTOBUF_C_TYPE_STRING:
		s = *(const char *const *)at;
		return !s || !*s;

	case PROTOBUF_C_TYPE_BYTES:
		return !((const ProtobufCBinaryData *)at)->len;

	/* By value: what -0.0 is made of is not all zero, and it is not
	 * the default. */
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return !memcmp(at, &zero, 8);

	default:
		return !memcmp(at, &zero, 4);
	}
}

/* Is this field printed at all? */
bool json_is_shown(const ProtobufCMessage *msg,
		     const ProtobufCFieldDescriptor *f, int flags)
{
	const void *at = json_member(msg, f->offset);

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
		return *(const uint32_t *)json_member(msg, f->quantifier_offset) ==
		       f->id;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return flags & JSON_DEFAULTS ||
		       *(const size_t *)json_member(msg, f->quantifier_offset);

	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		return *(const ProtobufCMessage *const *)at != NULL;

	return flags & JSON_DEFAULTS || !is_default(f, at);
}

size_t json_element_size(const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {

	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;

	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);

	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);

	default:
		return 4;
	}
}

static json_t *print_array(struct printer *p, const ProtobufCMessage *msg,
			   const ProtobufCFieldDescriptor *f)
{
	const size_t n = *(const size_t *)json_member(msg, f->quantifier_offset);
	const uint8_t *v = *(uint8_t *const *)json_member(msg, f->offset);
	json_t *j;
	size_t i;

	j = json_array();
	for (i = 0; j && i < n; i++) {
		if (json_array_append_new(j, print_value(
				p, f, v + i * json_element_size(f)))) {
			json_decref(j);
			return NULL;
		}
	}

	return j;
}

static json_t *print_fields(struct printer *p, const ProtobufCMessage *msg)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	char name[JSON_NAME_MAX];
	json_t *obj, *val;
	unsigned i;

	obj = json_object();
	for (i = 0; obj && i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (!json_is_shown(msg, f, p->flags))
			continue;

		val = f->label == PROTOBUF_C_LABEL_REPEATED ?
		      print_array(p, msg, f) :
		      print_value(p, f, json_member(msg, f->offset));
		if (json_object_set_new(obj, json_name(name, f), val)) {
			json_decref(obj);
			return NULL;
		}
	}

	return obj;
}

static json_t *print_time(const Google__Protobuf__Timestamp *ts)
{
	char text[JSON_TIME_MAX];

	if (!json_time_print(text, ts->seconds, ts->nanos))
		return json_null();

	return json_string(text);
}

static json_t *print_message(struct printer *p, const ProtobufCMessage *msg)
{
	json_t *j;

	if (!msg)
		return json_null();
	if (json_is_timestamp(msg->descriptor))
		return print_time((const Google__Protobuf__Timestamp *)msg);
	if (p->depth >= DEPTH_MAX)
		return NULL;

	p->depth++;
	j = print_fields(p, msg);
	p->depth--;

	return j;
}

json_t *json_from_message(const ProtobufCMessage *msg, int flags)
{
	struct printer p = {.flags = flags};

	return msg ? print_message(&p, msg) : NULL;
}

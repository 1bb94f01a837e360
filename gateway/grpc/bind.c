/* SPDX-License-Identifier: MIT */
/* From fields to path, query and body: see bind.h. */

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "gateway/grpc/bind.h"
#include <google/protobuf/field_mask.pb-c.h>

enum { NUMBER_SIZE = 32 };

/* google.protobuf.FieldMask is its paths, separated by commas. */
static const Google__Protobuf__FieldMask *
mask_of(const ProtobufCFieldDescriptor *f, const void *value)
{
	return f->type == PROTOBUF_C_TYPE_MESSAGE &&
			       f->descriptor ==
				       &google__protobuf__field_mask__descriptor
		       ? *(Google__Protobuf__FieldMask *const *)value
		       : NULL;
}

/* The target as it is written. */
struct out {
	char *buf;
	size_t len;
	bool full;
};

static void put(struct out *o, const char *str, size_t len)
{
	if (o->len + len >= BIND_TARGET_SIZE) {
		o->full = true;
		return;
	}
	memcpy(o->buf + o->len, str, len);
	o->len += len;
	o->buf[o->len] = '\0';
}

/* RFC 3986 2.3: all but unreserved characters are escaped. */
static void put_escaped(struct out *o, const char *str)
{
	for (; *str; str++) {
		unsigned char c = (unsigned char)*str;
		char text[4];

		if (isalnum(c) || strchr("-._~", c))
			put(o, str, 1);
		else
			put(o, text, (size_t)snprintf(text, sizeof(text),
						      "%%%02X", c));
	}
}

/* A value as text; NULL: it is none that a query can have. */
static const char *print(char buf[NUMBER_SIZE],
			 const ProtobufCFieldDescriptor *f, const void *value)
{
	const ProtobufCEnumValue *name;

	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		return *(char *const *)value;
	case PROTOBUF_C_TYPE_BOOL:
		return *(const protobuf_c_boolean *)value ? "true" : "";
	case PROTOBUF_C_TYPE_ENUM:
		name = protobuf_c_enum_descriptor_get_value(
			f->descriptor, *(const int *)value);
		if (name && name->value)
			return name->name;
		(void)snprintf(buf, NUMBER_SIZE, "%d", *(const int *)value);
		return name ? "" : buf;
	case PROTOBUF_C_TYPE_UINT32:
		(void)snprintf(buf, NUMBER_SIZE, "%" PRIu32,
			       *(const uint32_t *)value);
		return strcmp(buf, "0") ? buf : "";
	case PROTOBUF_C_TYPE_UINT64:
		(void)snprintf(buf, NUMBER_SIZE, "%" PRIu64,
			       *(const uint64_t *)value);
		return strcmp(buf, "0") ? buf : "";
	default:
		return NULL;
	}
}

/* ------------------------------------------------------------------- path */

static const char *text_of(const ProtobufCMessage *msg, const char *name,
			   size_t len)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;

	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (f->type == PROTOBUF_C_TYPE_STRING &&
		    strlen(f->name) == len && !memcmp(f->name, name, len))
			return *(char *const *)((const uint8_t *)msg +
						f->offset);
	}

	return "";
}

static int put_path(struct out *o, struct bound *b, const char *route,
		    const ProtobufCMessage *msg, const char **field)
{
	size_t n = 0;

	while (*route) {
		size_t len = strcspn(route, "{"), end;
		const char *value;

		put(o, route, len);
		route += len;
		if (!*route)
			break;

		end = strcspn(route, "}");
		value = text_of(msg, route + 1, end - 1);
		if (!*value || strlen(value) >= ROUTE_PARAM_SIZE ||
		    n >= ROUTE_PARAMS) {
			*field = n ? "leg" : "id";
			for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
				const char *name =
					msg->descriptor->fields[i].name;

				if (strlen(name) == end - 1 &&
				    !memcmp(name, route + 1, end - 1))
					*field = name;
			}
			return EINVAL;
		}
		(void)strcpy(b->params.v[n++], value);
		put_escaped(o, value);
		route += end + 1;
	}

	return 0;
}

/* ------------------------------------------------------------------ query */

static bool is_in_path(const char *route, const char *name)
{
	size_t len = strlen(name);
	const char *p = route;

	while ((p = strchr(p, '{'))) {
		p++;
		if (!strncmp(p, name, len) && p[len] == '}')
			return true;
	}

	return false;
}

static void put_name(struct out *o, const char *name)
{
	for (; *name; name++) {
		char c = *name;

		if (c == '_' && name[1])
			c = (char)toupper((unsigned char)*++name);
		put(o, &c, 1);
	}
}

static size_t value_size(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_UINT64:
		return 8;
	default:
		return 4;
	}
}

static void put_mask(struct out *o, const Google__Protobuf__FieldMask *mask,
		     const char *name, char *mark)
{
	for (size_t i = 0; i < mask->n_paths; i++) {
		if (!i) {
			put(o, mark, 1);
			put_name(o, name);
		}
		put(o, i ? "," : "=", 1);
		put_escaped(o, mask->paths[i]);
		*mark = '&';
	}
}

static void put_field(struct out *o, const ProtobufCMessage *msg,
		      const ProtobufCFieldDescriptor *f, char *mark)
{
	const uint8_t *base = (const uint8_t *)msg;
	const uint8_t *value = base + f->offset;
	bool many = f->label == PROTOBUF_C_LABEL_REPEATED, begun = false;
	size_t n = 1;

	if (many) {
		n = *(const size_t *)(base + f->quantifier_offset);
		value = *(uint8_t *const *)value;
	}
	for (size_t i = 0; i < n; i++, value += value_size(f->type)) {
		char buf[NUMBER_SIZE];
		const char *text = print(buf, f, value);

		if (!text || !*text)
			continue;
		if (!begun) {
			put(o, mark, 1);
			put_name(o, f->name);
		}
		put(o, begun ? "," : "=", 1);
		put_escaped(o, text);
		begun = true;
		*mark = '&';
	}
}

int bind_request(struct bound *b, const char *route,
		 const ProtobufCMessage *msg, const char **field)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	struct out o = {.buf = b->target};
	char mark = '?';
	int err;

	b->body = NULL;
	err = put_path(&o, b, route, msg, field);
	for (unsigned i = 0; i < d->n_fields && !err; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (!strcmp(f->name, "body"))
			b->body = *(ProtobufCMessage *const *)(
				(const uint8_t *)msg + f->offset);
		else if (is_in_path(route, f->name))
			continue;
		else if (mask_of(f, (const uint8_t *)msg + f->offset))
			put_mask(&o, mask_of(f, (const uint8_t *)msg +
						f->offset), f->name, &mark);
		else
			put_field(&o, msg, f, &mark);
	}

	return err ? err : o.full ? EOVERFLOW : 0;
}

/* SPDX-License-Identifier: MIT */
/* Messages to text: see json_write.h. */

#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/json_field.h"
#include "proto/json_scalar.h"
#include "proto/json_write.h"
#include "proto/schema.h"

enum {
	DEPTH_MAX = 64,
	FIRST_BYTES = 1024,
	NUMBER_SIZE = 40,
	WHOLE_MAX = 1000000,  /* whole numbers that %g writes plainly, too */
};

/* ---------------------------------------------------------------------- text */

static bool reserve(struct json_text *t, size_t more)
{
	size_t size = t->size ? t->size : FIRST_BYTES;
	char *p;

	if (t->failed)
		return false;
	if (t->len + more < t->size)
		return true;
	while (size <= t->len + more)
		size *= 2;
	p = realloc(t->p, size);
	if (!p) {
		t->failed = true;
		return false;
	}
	t->p = p;
	t->size = size;

	return true;
}

void json_write_raw(struct json_text *t, const char *str, size_t len)
{
	if (!reserve(t, len))
		return;
	memcpy(t->p + t->len, str, len);
	t->len += len;
	t->p[t->len] = '\0';
}

static void put(struct json_text *t, const char *str)
{
	json_write_raw(t, str, strlen(str));
}

/* Bytes from here on that need nothing. */
static size_t plain(const char *str)
{
	size_t n = 0;

	while ((unsigned char)str[n] >= ' ' && str[n] != '"' &&
	       str[n] != '\\')
		n++;

	return n;
}

static void put_escape(struct json_text *t, char c)
{
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *at = strchr(from, c);
	char text[8];

	if (at)
		(void)snprintf(text, sizeof(text), "\\%c", to[at - from]);
	else
		(void)snprintf(text, sizeof(text), "\\u%04X",
			       (unsigned)(unsigned char)c);
	put(t, text);
}

static void put_quoted(struct json_text *t, const char *str)
{
	json_write_raw(t, "\"", 1);
	while (*str) {
		size_t n = plain(str);

		json_write_raw(t, str, n);
		str += n;
		if (*str)
			put_escape(t, *str++);
	}
	json_write_raw(t, "\"", 1);
}

/* Text from outside (a display name) need not be UTF-8. */
void json_write_string(struct json_text *t, const char *str)
{
	const char *p = str;
	char *clean;

	while (*p && !(*p & 0x80))
		p++;
	if (!*p) {
		put_quoted(t, str);
		return;
	}
	clean = json_utf8_clean(str);
	if (clean)
		put_quoted(t, clean);
	else
		t->failed = true;
	free(clean);
}

/* -------------------------------------------------------------------- values */

/* As %.*g writes it, but a whole number has ".0", and an exponent neither "+"
 * nor zeros in front. */
static void put_number(struct json_text *t, int digits, double v)
{
	char text[NUMBER_SIZE], *e;
	int n = snprintf(text, sizeof(text), "%.*g", digits, v);

	e = strchr(text, 'e');
	if (!e) {
		json_write_raw(t, text, (size_t)n);
		if (!strchr(text, '.'))
			put(t, ".0");
		return;
	}
	e++;
	json_write_raw(t, text, (size_t)(e - text));
	if (*e == '-')
		put(t, "-");
	e += strspn(e, "+-");
	e += strspn(e, "0");
	put(t, e);
}

/* The shortest decimal number that is read back as that float. */
static double shortest(float v)
{
	char text[NUMBER_SIZE];
	int digits = 6;

	do
		(void)snprintf(text, sizeof(text), "%.*g", digits, (double)v);
	while (digits++ < 9 && strtof(text, NULL) != v);

	return strtod(text, NULL);
}

static void put_real(struct json_text *t, double v, bool single)
{
	char text[NUMBER_SIZE];

	if (isnan(v) || isinf(v)) {
		put(t, isnan(v) ? "\"NaN\""
		       : v > 0  ? "\"Infinity\"" : "\"-Infinity\"");
		return;
	}
	if (v > -WHOLE_MAX && v < WHOLE_MAX && v == (int)v &&
	    (v != 0 || !signbit(v))) {
		(void)snprintf(text, sizeof(text), "%d.0", (int)v);
		put(t, text);
		return;
	}
	if (single)
		v = shortest((float)v);
	(void)snprintf(text, sizeof(text), "%.15g", v);
	put_number(t, strtod(text, NULL) == v ? 15 : 17, v);
}

static void put_int(struct json_text *t, const char *quote, uint64_t v,
		    bool negative)
{
	char text[NUMBER_SIZE], *p = text + sizeof(text);

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	if (negative)
		*--p = '-';

	put(t, quote);
	json_write_raw(t, p, (size_t)(text + sizeof(text) - p));
	put(t, quote);
}

static void put_signed(struct json_text *t, const char *quote, int64_t v)
{
	put_int(t, quote, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

static void put_bytes(struct json_text *t, const ProtobufCBinaryData *b)
{
	char *text = json_base64_print(b->data, b->len);

	if (text)
		put_quoted(t, text);
	else
		t->failed = true;
	free(text);
}

static void put_enum(struct json_text *t, const ProtobufCEnumDescriptor *d,
		     int value)
{
	const ProtobufCEnumValue *v =
		protobuf_c_enum_descriptor_get_value(d, value);

	if (v)
		put_quoted(t, v->name);
	else
		put_signed(t, "", value);
}

/* @param at  Where the value lies (in the message, or in an array). */
static void put_value(struct json_text *t, const ProtobufCFieldDescriptor *f,
		      const void *at, int flags)
{
	switch (f->type) {

	case PROTOBUF_C_TYPE_INT32:
	case PROTOBUF_C_TYPE_SINT32:
	case PROTOBUF_C_TYPE_SFIXED32:
		put_signed(t, "", *(const int32_t *)at);
		break;

	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		put_int(t, "", *(const uint32_t *)at, false);
		break;

	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		put_signed(t, "\"", *(const int64_t *)at);
		break;

	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		put_int(t, "\"", *(const uint64_t *)at, false);
		break;

	case PROTOBUF_C_TYPE_FLOAT:
		put_real(t, *(const float *)at, true);
		break;

	case PROTOBUF_C_TYPE_DOUBLE:
		put_real(t, *(const double *)at, false);
		break;

	case PROTOBUF_C_TYPE_BOOL:
		put(t, *(const protobuf_c_boolean *)at ? "true" : "false");
		break;

	case PROTOBUF_C_TYPE_ENUM:
		put_enum(t, f->descriptor, *(const int *)at);
		break;

	case PROTOBUF_C_TYPE_STRING:
		json_write_string(t, *(const char *const *)at
				     ? *(const char *const *)at
				     : "");
		break;

	case PROTOBUF_C_TYPE_BYTES:
		put_bytes(t, at);
		break;

	case PROTOBUF_C_TYPE_MESSAGE:
		json_write(t, *(const ProtobufCMessage *const *)at, flags);
		break;
	}
}

/* ------------------------------------------------------------------ messages */

static void put_array(struct json_text *t, const ProtobufCMessage *msg,
		      const ProtobufCFieldDescriptor *f, int flags)
{
	const size_t n = *(const size_t *)json_member(msg,
						      f->quantifier_offset);
	const uint8_t *v = *(uint8_t *const *)json_member(msg, f->offset);

	put(t, "[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			put(t, ",");
		put_value(t, f, v + i * json_element_size(f), flags);
	}
	put(t, "]");
}

static void put_fields(struct json_text *t, const ProtobufCMessage *msg,
		       int flags)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	char name[JSON_NAME_MAX];
	const char *comma = "";

	put(t, "{");
	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];

		if (!json_is_shown(msg, f, flags))
			continue;

		put(t, comma);
		put(t, "\"");
		put(t, json_name(name, f));
		put(t, "\":");
		comma = ",";
		if (f->label == PROTOBUF_C_LABEL_REPEATED)
			put_array(t, msg, f, flags);
		else
			put_value(t, f, json_member(msg, f->offset), flags);
	}
	put(t, "}");
}

static void put_time(struct json_text *t, const Google__Protobuf__Timestamp *ts)
{
	char text[JSON_TIME_MAX];

	if (json_time_print(text, ts->seconds, ts->nanos))
		put_quoted(t, text);
	else
		put(t, "null");
}

void json_write(struct json_text *t, const ProtobufCMessage *msg, int flags)
{
	if (!msg) {
		put(t, "null");
		return;
	}
	if (json_is_timestamp(msg->descriptor)) {
		put_time(t, (const Google__Protobuf__Timestamp *)msg);
		return;
	}
	if (t->depth >= DEPTH_MAX)
		t->failed = true;
	if (t->failed)
		return;

	t->depth++;
	put_fields(t, msg, flags);
	t->depth--;
}

char *json_print(const ProtobufCMessage *msg, int flags)
{
	struct json_text t = {0};

	if (!msg)
		return NULL;

	json_write(&t, msg, flags);
	if (t.failed) {
		free(t.p);
		return NULL;
	}

	return t.p;
}

/* SPDX-License-Identifier: MIT */
/*
 * JSON to message.  A message under construction is at every moment one that
 * protobuf_c_message_free_unpacked() can free: counts are raised after their
 * element is there, and a oneof's case is set before its member, which is
 * NULL until then.
 */

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/json_scalar.h"
#include "proto/schema.h"

enum {
	DEPTH_MAX = 32,
	PATH_MAX_BYTES = 256,
	SHOWN_MAX_BYTES = 40,  /* of a wrong value that is quoted */
	FIELDS_MAX = 64,       /* of a message                    */
};

/* Where we are; lives on the stack of the recursion. */
struct path {
	const struct path *up;
	const char *name;      /* NULL: an index */
	size_t index;
	int depth;
};

struct reader {
	char *errbuf;
	size_t errsize;
};

static int read_message(struct reader *r, const struct path *at,
			ProtobufCMessage **msgp,
			const ProtobufCMessageDescriptor *d, const json_t *j);

/* ----------------------------------------------------------------- errors */

static size_t print_path(char *buf, size_t size, const struct path *at)
{
	size_t n;
	int w;

	if (!at->up)
		return 0;

	n = print_path(buf, size, at->up);
	if (n >= size)
		return n;
	if (at->name)
		w = snprintf(buf + n, size - n, "%s%s", n ? "." : "",
			     at->name);
	else
		w = snprintf(buf + n, size - n, "[%zu]", at->index);

	return n + (size_t)(w > 0 ? w : 0);
}

static int fail(struct reader *r, const struct path *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct reader *r, const struct path *at, const char *fmt, ...)
{
	char path[PATH_MAX_BYTES] = "";
	va_list ap;
	int n;

	if (!r->errbuf || !r->errsize)
		return EBADMSG;

	(void)print_path(path, sizeof(path), at);
	n = snprintf(r->errbuf, r->errsize, "%s%s", path,
		     path[0] ? ": " : "");
	if (n < 0 || (size_t)n >= r->errsize)
		return EBADMSG;

	va_start(ap, fmt);
	(void)vsnprintf(r->errbuf + n, r->errsize - (size_t)n, fmt, ap);
	va_end(ap);

	return EBADMSG;
}

/* Text from outside within a line of ours: one line, and not long. */
static const char *shown(char *buf, size_t size, const char *s)
{
	size_t i;

	(void)snprintf(buf, size, "%s", s);
	for (i = 0; buf[i]; i++) {
		if ((unsigned char)buf[i] < 0x20 || buf[i] == 0x7f)
			buf[i] = '?';
	}
	/* Do not end within a character. */
	while (i && strlen(s) >= size && (buf[i - 1] & 0x80))
		buf[--i] = '\0';

	return buf;
}

static const char *kind(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:  return "an object";
	case JSON_ARRAY:   return "an array";
	case JSON_STRING:  return "a string";
	case JSON_INTEGER: return "a number";
	case JSON_REAL:    return "a number with a fraction or exponent";
	case JSON_TRUE:
	case JSON_FALSE:   return "a boolean";
	default:           return "null";
	}
}

static int wrong_kind(struct reader *r, const struct path *at,
		      const char *must, const json_t *j)
{
	return fail(r, at, "must be %s, is %s", must, kind(j));
}

/* ---------------------------------------------------------------- numbers */

/* Any JSON form of an integer; sign and magnitude, so that both 64-bit
 * ranges fit. @return false: none. */
static bool integer(const json_t *j, bool *neg, uint64_t *mag)
{
	const char *s;
	char *end;
	double d;

	if (json_is_integer(j)) {
		const json_int_t n = json_integer_value(j);

		*neg = n < 0;
		*mag = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
		return true;
	}

	if (json_is_real(j)) { /* 1e3, 5.0 */
		d = json_real_value(j);
		*neg = d < 0;
		d = fabs(d);
		if (d > 9007199254740992.0)
			return false;
		*mag = (uint64_t)d;
		return (double)*mag == d;
	}

	s = json_string_value(j);
	if (!s)
		return false;
	*neg = *s == '-';
	s += *neg;
	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*mag = strtoull(s, &end, 10);

	return !errno && !*end;
}

static int read_signed(struct reader *r, const struct path *at, int64_t *vp,
		       const json_t *j, int64_t min, int64_t max)
{
	uint64_t mag;
	bool neg;

	if (!integer(j, &neg, &mag) ||
	    mag > (neg ? 0 - (uint64_t)min : (uint64_t)max))
		return fail(r, at, "must be a whole number from %lld to %lld",
			    (long long)min, (long long)max);

	*vp = (int64_t)(neg ? 0 - mag : mag);

	return 0;
}

static int read_unsigned(struct reader *r, const struct path *at,
			 uint64_t *vp, const json_t *j, uint64_t max)
{
	uint64_t mag;
	bool neg;

	if (!integer(j, &neg, &mag) || (neg && mag) || mag > max)
		return fail(r, at, "must be a whole number from 0 to %llu",
			    (unsigned long long)max);

	*vp = mag;

	return 0;
}

static int read_real(struct reader *r, const struct path *at, double *vp,
		     const json_t *j, double max)
{
	const char *s = json_string_value(j);
	char *end;

	if (json_is_number(j)) {
		*vp = json_number_value(j);
	} else if (s && !strcmp(s, "NaN")) {
		*vp = NAN;
		return 0;
	} else if (s && (!strcmp(s, "Infinity") || !strcmp(s, "-Infinity"))) {
		*vp = *s == '-' ? -INFINITY : INFINITY;
		return 0;
	} else if (s && (isdigit((unsigned char)*s) || *s == '-')) {
		*vp = strtod(s, &end);
		if (*end)
			return wrong_kind(r, at, "a number", j);
	} else {
		return wrong_kind(r, at, "a number", j);
	}

	if (!(fabs(*vp) <= max))
		return fail(r, at, "must be a number up to %g", max);

	return 0;
}

static int read_enum(struct reader *r, const struct path *at, int *vp,
		     const ProtobufCEnumDescriptor *d, const json_t *j)
{
	const char *s = json_string_value(j);
	const ProtobufCEnumValue *v;
	char allowed[512] = "", buf[SHOWN_MAX_BYTES];
	size_t n = 0;
	int64_t num = 0;
	unsigned i;
	int err;

	if (json_is_integer(j)) {
		err = read_signed(r, at, &num, j, INT32_MIN, INT32_MAX);
		if (!err)
			*vp = (int)num;
		return err;
	}

	v = s ? protobuf_c_enum_descriptor_get_value_by_name(d, s) : NULL;
	if (v) {
		*vp = v->value;
		return 0;
	}

	for (i = 0; i < d->n_value_names && n < sizeof(allowed); i++)
		n += (size_t)snprintf(allowed + n, sizeof(allowed) - n,
				      "%s%s", i ? ", " : "",
				      d->values[i].name);
	if (!s)
		return fail(r, at, "must be one of %s, is %s", allowed,
			    kind(j));

	return fail(r, at, "unknown value \"%s\"; allowed: %s",
		    shown(buf, sizeof(buf), s), allowed);
}

/* ----------------------------------------------------------- text, bytes */

/* @param at  In the member: what is there is the shared empty string. */
static int read_string(struct reader *r, const struct path *at, char **sp,
		       const json_t *j)
{
	const char *s = json_string_value(j);
	char *copy;

	if (!s)
		return wrong_kind(r, at, "a string", j);
	if (strlen(s) != json_string_length(j))
		return fail(r, at, "must not contain a zero byte");

	copy = strdup(s);
	if (!copy)
		return ENOMEM;
	*sp = copy;

	return 0;
}

static int read_bytes(struct reader *r, const struct path *at,
		      ProtobufCBinaryData *b, const json_t *j)
{
	const char *s = json_string_value(j);
	int err;

	if (!s)
		return wrong_kind(r, at, "a string of base64", j);

	err = json_base64_read(&b->data, &b->len, s);

	return err == EBADMSG ? fail(r, at, "must be base64") : err;
}

static int read_time(struct reader *r, const struct path *at,
		     ProtobufCMessage **msgp, const json_t *j)
{
	const char *s = json_string_value(j);
	Google__Protobuf__Timestamp *ts;
	int64_t seconds;
	int32_t nanos;

	if (!s || !json_time_read(&seconds, &nanos, s))
		return fail(r, at, "must be a time as "
			    "\"2026-01-31T12:00:00Z\"");

	ts = malloc(sizeof(*ts));
	if (!ts)
		return ENOMEM;
	google__protobuf__timestamp__init(ts);
	ts->seconds = seconds;
	ts->nanos = nanos;
	*msgp = &ts->base;

	return 0;
}

/* ----------------------------------------------------------------- values */

static int read_number(struct reader *r, const struct path *at,
		       ProtobufCType type, void *dst, const json_t *j)
{
	int64_t i = 0;
	uint64_t u = 0;
	double d = 0;
	int err;

	switch (type) {

	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		err = read_unsigned(r, at, &u, j, UINT32_MAX);
		*(uint32_t *)dst = (uint32_t)u;
		return err;

	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		err = read_unsigned(r, at, &u, j, UINT64_MAX);
		*(uint64_t *)dst = u;
		return err;

	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		err = read_signed(r, at, &i, j, INT64_MIN, INT64_MAX);
		*(int64_t *)dst = i;
		return err;

	case PROTOBUF_C_TYPE_FLOAT:
		err = read_real(r, at, &d, j, 3.4028234663852886e38);
		if (!err)
			*(float *)dst = (float)d;
		return err;

	case PROTOBUF_C_TYPE_DOUBLE:
		err = read_real(r, at, &d, j, 1.7976931348623157e308);
		*(double *)dst = d;
		return err;

	default:
		err = read_signed(r, at, &i, j, INT32_MIN, INT32_MAX);
		*(int32_t *)dst = (int32_t)i;
		return err;
	}
}

/* @param dst  Where it goes; all zero, or a default. */
static int read_value(struct reader *r, const struct path *at,
		      const ProtobufCFieldDescriptor *f, void *dst,
		      const json_t *j)
{
	switch (f->type) {

	case PROTOBUF_C_TYPE_BOOL:
		if (!json_is_boolean(j))
			return wrong_kind(r, at, "true or false", j);
		*(protobuf_c_boolean *)dst = json_is_true(j);
		return 0;

	case PROTOBUF_C_TYPE_ENUM:
		return read_enum(r, at, dst, f->descriptor, j);

	case PROTOBUF_C_TYPE_STRING:
		return read_string(r, at, dst, j);

	case PROTOBUF_C_TYPE_BYTES:
		return read_bytes(r, at, dst, j);

	case PROTOBUF_C_TYPE_MESSAGE:
		return read_message(r, at, dst, f->descriptor, j);

	default:
		return read_number(r, at, f->type, dst, j);
	}
}

static size_t value_size(ProtobufCType type)
{
	switch (type) {

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

static int read_array(struct reader *r, const struct path *at,
		      const ProtobufCFieldDescriptor *f, void **arrayp,
		      size_t *np, const json_t *j)
{
	const size_t size = value_size(f->type);
	uint8_t *v;
	size_t i;
	int err;

	if (!json_is_array(j))
		return wrong_kind(r, at, "an array", j);
	if (!json_array_size(j))
		return 0;

	v = calloc(json_array_size(j), size);
	if (!v)
		return ENOMEM;
	*arrayp = v;

	for (i = 0; i < json_array_size(j); i++) {
		const json_t *el = json_array_get(j, i);
		const struct path here = {at, NULL, i, at->depth + 1};

		if (json_is_null(el))
			return fail(r, &here, "must not be null");
		err = read_value(r, &here, f, v + i * size, el);
		if (err)
			return err;
		++*np;
	}

	return 0;
}

/* --------------------------------------------------------------- messages */

static const ProtobufCFieldDescriptor *
find_field(const ProtobufCMessageDescriptor *d, const char *key)
{
	char name[JSON_NAME_MAX];
	unsigned i;

	for (i = 0; i < d->n_fields; i++) {
		if (!strcmp(d->fields[i].name, key) ||
		    !strcmp(json_name(name, &d->fields[i]), key))
			return &d->fields[i];
	}

	return NULL;
}

static int unknown_field(struct reader *r, const struct path *at,
			 const ProtobufCMessageDescriptor *d, const char *key)
{
	char allowed[768] = "", name[JSON_NAME_MAX], buf[SHOWN_MAX_BYTES];
	size_t n = 0;
	unsigned i;

	for (i = 0; i < d->n_fields && n < sizeof(allowed); i++)
		n += (size_t)snprintf(allowed + n, sizeof(allowed) - n,
				      "%s%s", i ? ", " : "",
				      json_name(name, &d->fields[i]));

	return fail(r, at, "unknown field \"%s\"; allowed: %s",
		    shown(buf, sizeof(buf), key), n ? allowed : "none");
}

/* Another member of the same oneof is set already. */
static int oneof_taken(struct reader *r, const struct path *at,
		       const ProtobufCMessageDescriptor *d, uint32_t id)
{
	const ProtobufCFieldDescriptor *other =
		protobuf_c_message_descriptor_get_field(d, id);
	char name[JSON_NAME_MAX];

	return fail(r, at, "cannot be set together with \"%s\": one of them",
		    other ? json_name(name, other) : "?");
}

static int read_field(struct reader *r, const struct path *at,
		      ProtobufCMessage *msg,
		      const ProtobufCFieldDescriptor *f, const json_t *j)
{
	uint8_t *base = (uint8_t *)msg;
	void *dst = base + f->offset;
	void *quantifier = base + f->quantifier_offset;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return read_array(r, at, f, dst, quantifier, j);

	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t *which = quantifier;

		if (*which)
			return oneof_taken(r, at, msg->descriptor, *which);
		memset(dst, 0, value_size(f->type));
		*which = f->id;
	}

	return read_value(r, at, f, dst, j);
}

static int read_fields(struct reader *r, const struct path *at,
		       ProtobufCMessage *msg, const json_t *j)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	const ProtobufCFieldDescriptor *f;
	uint64_t seen = 0;
	const char *key;
	json_t *val;
	int err;

	json_object_foreach((json_t *)j, key, val) {
		char name[JSON_NAME_MAX];
		struct path here = {at, name, 0, at->depth + 1};

		f = find_field(d, key);
		if (!f)
			return unknown_field(r, at, d, key);
		(void)json_name(name, f);
		if (json_is_null(val))
			continue;

		/* Both spellings of one name. */
		if (seen & 1ull << (f - d->fields))
			return fail(r, &here, "is there twice");
		seen |= 1ull << (f - d->fields);

		err = read_field(r, &here, msg, f, val);
		if (err)
			return err;
	}

	return 0;
}

static int read_message(struct reader *r, const struct path *at,
			ProtobufCMessage **msgp,
			const ProtobufCMessageDescriptor *d, const json_t *j)
{
	ProtobufCMessage *msg;
	int err;

	if (json_is_timestamp(d))
		return read_time(r, at, msgp, j);
	if (!json_is_object(j))
		return wrong_kind(r, at, "an object", j);
	if (at->depth > DEPTH_MAX || d->n_fields > FIELDS_MAX)
		return fail(r, at, "is nested too deeply");

	msg = malloc(d->sizeof_message);
	if (!msg)
		return ENOMEM;
	protobuf_c_message_init(d, msg);

	err = read_fields(r, at, msg, j);
	if (err)
		protobuf_c_message_free_unpacked(msg, NULL);
	else
		*msgp = msg;

	return err;
}

int json_to_message(ProtobufCMessage **msgp,
		    const ProtobufCMessageDescriptor *desc, const json_t *j,
		    char *errbuf, size_t errsize)
{
	struct reader r = {errbuf, errsize};
	const struct path root = {NULL, NULL, 0, 0};
	ProtobufCMessage *msg = NULL;
	int err;

	if (errbuf && errsize)
		errbuf[0] = '\0';
	if (!msgp || !desc || !j)
		return EBADMSG;

	err = read_message(&r, &root, &msg, desc, j);
	if (err == ENOMEM)
		(void)fail(&r, &root, "out of memory");
	if (!err)
		*msgp = msg;

	return err;
}

int json_read(ProtobufCMessage **msgp, const ProtobufCMessageDescriptor *desc,
	      const char *text, size_t len, char *errbuf, size_t errsize)
{
	json_error_t e;
	json_t *j;
	int err;

	j = json_loadb(text ? text : "", text ? len : 0,
		       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!j) {
		char buf[JSON_ERROR_TEXT_LENGTH];

		if (errbuf && errsize)
			(void)snprintf(errbuf, errsize, "line %d, column %d: "
				       "not JSON: %s", e.line, e.column,
				       shown(buf, sizeof(buf), e.text));
		return EBADMSG;
	}

	err = json_to_message(msgp, desc, j, errbuf, errsize);
	json_decref(j);

	return err;
}

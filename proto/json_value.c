/* SPDX-License-Identifier: MIT */
/* JSON to the values of a message that are not messages, and the errors. */

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json_scalar.h"
#include "proto/json_value.h"
#include "proto/schema.h"

enum { PATH_MAX_BYTES = 256, TEXT_MAX_BYTES = 1152 };

/* ----------------------------------------------------------------- errors */

static size_t print_path(char *buf, size_t size, const struct json_path *at)
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

int json_fail(struct json_reader *r, const struct json_path *at,
	      const char *fmt, ...)
{
	char path[PATH_MAX_BYTES] = "", text[TEXT_MAX_BYTES];
	va_list ap;
	int n;

	if (r->told++ >= JSON_WRONG_MAX || !r->h)
		return EBADMSG;

	(void)print_path(path, sizeof(path), at);
	n = snprintf(text, sizeof(text), "%s%s", path, path[0] ? ": " : "");
	if (n < 0 || (size_t)n >= sizeof(text))
		return EBADMSG;

	va_start(ap, fmt);
	(void)vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	r->h(text, r->arg);

	return EBADMSG;
}

/* Text from outside within a line of ours: one line, and not long. */
const char *json_shown(char *buf, size_t size, const char *s)
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

int json_wrong_kind(struct json_reader *r, const struct json_path *at,
		    const char *must, const json_t *j)
{
	return json_fail(r, at, "must be %s, is %s", must, kind(j));
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

static int read_signed(struct json_reader *r, const struct json_path *at,
		       int64_t *vp, const json_t *j, int64_t min, int64_t max)
{
	uint64_t mag;
	bool neg;

	if (!integer(j, &neg, &mag) ||
	    mag > (neg ? 0 - (uint64_t)min : (uint64_t)max))
		return json_fail(r, at,
				 "must be a whole number from %lld to %lld",
				 (long long)min, (long long)max);

	*vp = (int64_t)(neg ? 0 - mag : mag);

	return 0;
}

static int read_unsigned(struct json_reader *r, const struct json_path *at,
			 uint64_t *vp, const json_t *j, uint64_t max)
{
	uint64_t mag;
	bool neg;

	if (!integer(j, &neg, &mag) || (neg && mag) || mag > max)
		return json_fail(r, at,
				 "must be a whole number from 0 to %llu",
				 (unsigned long long)max);

	*vp = mag;

	return 0;
}

static int read_real(struct json_reader *r, const struct json_path *at,
		     double *vp, const json_t *j, double max)
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
			return json_wrong_kind(r, at, "a number", j);
	} else {
		return json_wrong_kind(r, at, "a number", j);
	}

	if (!(fabs(*vp) <= max))
		return json_fail(r, at, "must be a number up to %g", max);

	return 0;
}

int json_value_enum(struct json_reader *r, const struct json_path *at, int *vp,
		    const ProtobufCEnumDescriptor *d, const json_t *j)
{
	const char *s = json_string_value(j);
	const ProtobufCEnumValue *v;
	char allowed[512] = "", buf[JSON_SHOWN_MAX];
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
		return json_fail(r, at, "must be one of %s, is %s", allowed,
				 kind(j));

	return json_fail(r, at, "unknown value \"%s\"; allowed: %s",
			 json_shown(buf, sizeof(buf), s), allowed);
}

/* ----------------------------------------------------------- text, bytes */

/* @param at  In the member: what is there is the shared empty string. */
int json_value_string(struct json_reader *r, const struct json_path *at,
		      char **sp, const json_t *j)
{
	const char *s = json_string_value(j);
	char *copy;

	if (!s)
		return json_wrong_kind(r, at, "a string", j);
	if (strlen(s) != json_string_length(j))
		return json_fail(r, at, "must not contain a zero byte");

	copy = strdup(s);
	if (!copy)
		return ENOMEM;
	*sp = copy;

	return 0;
}

int json_value_bytes(struct json_reader *r, const struct json_path *at,
		     ProtobufCBinaryData *b, const json_t *j)
{
	const char *s = json_string_value(j);
	int err;

	if (!s)
		return json_wrong_kind(r, at, "a string of base64", j);

	err = json_base64_read(&b->data, &b->len, s);

	return err == EBADMSG ? json_fail(r, at, "must be base64") : err;
}

int json_value_time(struct json_reader *r, const struct json_path *at,
		    ProtobufCMessage **msgp, const json_t *j)
{
	const char *s = json_string_value(j);
	Google__Protobuf__Timestamp *ts;
	int64_t seconds;
	int32_t nanos;

	if (!s || !json_time_read(&seconds, &nanos, s))
		return json_fail(r, at,
				 "must be a time as \"2026-01-31T12:00:00Z\"");

	ts = malloc(sizeof(*ts));
	if (!ts)
		return ENOMEM;
	google__protobuf__timestamp__init(ts);
	ts->seconds = seconds;
	ts->nanos = nanos;
	*msgp = &ts->base;

	return 0;
}

int json_value_number(struct json_reader *r, const struct json_path *at,
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

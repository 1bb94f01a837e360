/* SPDX-License-Identifier: MIT */
/*
 * JSON to message.  A message under construction is at every moment one that
 * protobuf_c_message_free_unpacked() can free: counts are raised after their
 * element is there, and a oneof's case is set before its member, which is
 * NULL until then.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/json_field.h"
#include "proto/json_scalar.h"
#include "proto/json_value.h"

enum {
	DEPTH_MAX = 32,
	FIELDS_MAX = 64,       /* of a message */
};

static int read_message(struct json_reader *r, const struct json_path *at,
			ProtobufCMessage **msgp,
			const ProtobufCMessageDescriptor *d, const json_t *j);

/* @param dst  Where it goes; all zero, or a default. */
static int read_value(struct json_reader *r, const struct json_path *at,
		      const ProtobufCFieldDescriptor *f, void *dst,
		      const json_t *j)
{
	switch (f->type) {

	case PROTOBUF_C_TYPE_BOOL:
		if (!json_is_boolean(j))
			return json_wrong_kind(r, at, "true or false", j);
		*(protobuf_c_boolean *)dst = json_is_true(j);
		return 0;

	case PROTOBUF_C_TYPE_ENUM:
		return json_value_enum(r, at, dst, f->descriptor, j);

	case PROTOBUF_C_TYPE_STRING:
		return json_value_string(r, at, dst, j);

	case PROTOBUF_C_TYPE_BYTES:
		return json_value_bytes(r, at, dst, j);

	case PROTOBUF_C_TYPE_MESSAGE:
		return read_message(r, at, dst, f->descriptor, j);

	default:
		return json_value_number(r, at, f->type, dst, j);
	}
}

static int read_array(struct json_reader *r, const struct json_path *at,
		      const ProtobufCFieldDescriptor *f, void **arrayp,
		      size_t *np, const json_t *j)
{
	const size_t size = json_element_size(f);
	uint8_t *v;
	size_t i;
	int err = 0;

	if (!json_is_array(j))
		return json_wrong_kind(r, at, "an array", j);
	if (!json_array_size(j))
		return 0;

	v = calloc(json_array_size(j), size);
	if (!v)
		return ENOMEM;
	*arrayp = v;

	for (i = 0; i < json_array_size(j); i++) {
		const json_t *el = json_array_get(j, i);
		const struct json_path here = {at, NULL, i, at->depth + 1};

		int e = json_is_null(el)
				? json_fail(r, &here, "must not be null")
				: read_value(r, &here, f, v + *np * size, el);

		if (e == ENOMEM)
			return e;
		if (e)
			err = e;
		else
			++*np;
	}

	return err;
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

static int unknown_field(struct json_reader *r, const struct json_path *at,
			 const ProtobufCMessageDescriptor *d, const char *key)
{
	char allowed[768] = "", name[JSON_NAME_MAX], buf[JSON_SHOWN_MAX];
	size_t n = 0;
	unsigned i;

	for (i = 0; i < d->n_fields && n < sizeof(allowed); i++)
		n += (size_t)snprintf(allowed + n, sizeof(allowed) - n,
				      "%s%s", i ? ", " : "",
				      json_name(name, &d->fields[i]));

	return json_fail(r, at, "unknown field \"%s\"; allowed: %s",
			 json_shown(buf, sizeof(buf), key),
			 n ? allowed : "none");
}

/* Another member of the same oneof is set already. */
static int oneof_taken(struct json_reader *r, const struct json_path *at,
		       const ProtobufCMessageDescriptor *d, uint32_t id)
{
	const ProtobufCFieldDescriptor *other =
		protobuf_c_message_descriptor_get_field(d, id);
	char name[JSON_NAME_MAX];

	return json_fail(r, at,
			 "cannot be set together with \"%s\": one of them",
			 other ? json_name(name, other) : "?");
}

static int read_field(struct json_reader *r, const struct json_path *at,
		      ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f,
		      const json_t *j)
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
		memset(dst, 0, json_element_size(f));
		*which = f->id;
	}

	return read_value(r, at, f, dst, j);
}

/* @param seen  Fields that were there. */
static int read_member(struct json_reader *r, const struct json_path *at,
		       ProtobufCMessage *msg, uint64_t *seen, const char *key,
		       const json_t *val)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	const ProtobufCFieldDescriptor *f = find_field(d, key);
	char name[JSON_NAME_MAX];
	struct json_path here = {at, name, 0, at->depth + 1};

	if (!f)
		return unknown_field(r, at, d, key);
	(void)json_name(name, f);
	if (json_is_null(val))
		return 0;

	/* Both spellings of one name. */
	if (*seen & 1ull << (f - d->fields))
		return json_fail(r, &here, "is there twice");
	*seen |= 1ull << (f - d->fields);

	return read_field(r, &here, msg, f, val);
}

static int read_fields(struct json_reader *r, const struct json_path *at,
		       ProtobufCMessage *msg, const json_t *j)
{
	uint64_t seen = 0;
	const char *key;
	json_t *val;
	int err = 0;

	json_object_foreach((json_t *)j, key, val) {
		int e = read_member(r, at, msg, &seen, key, val);

		if (e == ENOMEM)
			return e;
		if (e)
			err = e;
	}

	return err;
}

static int read_message(struct json_reader *r, const struct json_path *at,
			ProtobufCMessage **msgp,
			const ProtobufCMessageDescriptor *d, const json_t *j)
{
	ProtobufCMessage *msg;
	int err;

	if (json_is_timestamp(d))
		return json_value_time(r, at, msgp, j);
	if (!json_is_object(j))
		return json_wrong_kind(r, at, "an object", j);
	if (at->depth > DEPTH_MAX || d->n_fields > FIELDS_MAX)
		return json_fail(r, at, "is nested too deeply");

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

int json_to_message_all(ProtobufCMessage **msgp,
			const ProtobufCMessageDescriptor *desc,
			const json_t *j, json_wrong_h *h, void *arg)
{
	struct json_reader r = {.h = h, .arg = arg};
	const struct json_path root = {NULL, NULL, 0, 0};
	ProtobufCMessage *msg = NULL;
	int err;

	if (!msgp || !desc || !j)
		return EBADMSG;

	err = read_message(&r, &root, &msg, desc, j);
	if (err == ENOMEM)
		(void)json_fail(&r, &root, "out of memory");
	if (!err)
		*msgp = msg;

	return err;
}

/* Where the first error goes. */
struct first {
	char *buf;
	size_t size;
};

static void keep_first(const char *text, void *arg)
{
	struct first *f = arg;

	if (f->buf && f->size)
		(void)snprintf(f->buf, f->size, "%s", text);
	f->buf = NULL;
}

int json_to_message(ProtobufCMessage **msgp,
		    const ProtobufCMessageDescriptor *desc, const json_t *j,
		    char *errbuf, size_t errsize)
{
	struct first first = {.buf = errbuf, .size = errsize};

	if (errbuf && errsize)
		errbuf[0] = '\0';

	return json_to_message_all(msgp, desc, j, keep_first, &first);
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
				       json_shown(buf, sizeof(buf), e.text));
		return EBADMSG;
	}

	err = json_to_message(msgp, desc, j, errbuf, errsize);
	json_decref(j);

	return err;
}

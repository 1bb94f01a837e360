/* SPDX-License-Identifier: MIT */
/*
 * Values out of JSON, with errors that name their path.  Internal to json*.c.
 * Each reader returns 0, EBADMSG (the error was told) or ENOMEM.
 */

#ifndef SY_PROTO_JSON_VALUE_H
#define SY_PROTO_JSON_VALUE_H

#include <stddef.h>
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>
#include "proto/json.h"

enum { JSON_SHOWN_MAX = 40 }; /* of a wrong value that is quoted [bytes] */

/** Where we are; lives on the stack of the recursion. */
struct json_path {
	const struct json_path *up;
	const char *name;      /* NULL: an index */
	size_t index;
	int depth;
};

/** Where errors go. */
struct json_reader {
	json_wrong_h *h;
	void *arg;
	size_t told;           /* errors so far */
};

/** Tell of an error. @return EBADMSG. */
int json_fail(struct json_reader *r, const struct json_path *at,
	      const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** "must be ..., is ...". @return EBADMSG. */
int json_wrong_kind(struct json_reader *r, const struct json_path *at,
		    const char *must, const json_t *j);

/** Text from outside for a line of ours: one line, cut to size. */
const char *json_shown(char *buf, size_t size, const char *s);

/** Any of protobuf's numeric types. @param dst  Of that type. */
int json_value_number(struct json_reader *r, const struct json_path *at,
		      ProtobufCType type, void *dst, const json_t *j);

/** By name, or by number. */
int json_value_enum(struct json_reader *r, const struct json_path *at,
		    int *vp, const ProtobufCEnumDescriptor *d,
		    const json_t *j);

/** @param sp  Set on success; what was there is not freed. */
int json_value_string(struct json_reader *r, const struct json_path *at,
		      char **sp, const json_t *j);

int json_value_bytes(struct json_reader *r, const struct json_path *at,
		     ProtobufCBinaryData *b, const json_t *j);

/** @param msgp  Set to a new Timestamp. */
int json_value_time(struct json_reader *r, const struct json_path *at,
		    ProtobufCMessage **msgp, const json_t *j);

#endif

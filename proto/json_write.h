/* SPDX-License-Identifier: MIT */
/*
 * Messages straight to JSON text, byte for byte what json_from_message() and
 * json_dumps() would give, without the values in between: for what is asked
 * for often, or is long.
 */

#ifndef SY_PROTO_JSON_WRITE_H
#define SY_PROTO_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

/** Text that grows; zeroed to begin. */
struct json_text {
	char *p;         /* zero-terminated; free() is the owner's        */
	size_t len, size;
	int depth;       /* of messages                                   */
	bool failed;     /* no memory, or too deep: p is of no use        */
};

/** Append as it is. */
void json_write_raw(struct json_text *t, const char *str, size_t len);

/** Append a string, quoted. */
void json_write_string(struct json_text *t, const char *str);

/** Append a message. @param flags  Of json_flags. */
void json_write(struct json_text *t, const ProtobufCMessage *msg, int flags);

#endif

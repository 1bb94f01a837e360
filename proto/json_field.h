/* SPDX-License-Identifier: MIT */
/* Fields of a message, as JSON has them: for json*.c, and who prints messages in
 * another way. */

#ifndef SY_PROTO_JSON_FIELD_H
#define SY_PROTO_JSON_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

/** Where something lies in a message. */
const void *json_member(const ProtobufCMessage *msg, unsigned offset);

/** Is this field printed at all? @param flags  Of json_flags. */
bool json_is_shown(const ProtobufCMessage *msg,
		   const ProtobufCFieldDescriptor *f, int flags);

/** Bytes of an element of a repeated field. */
size_t json_element_size(const ProtobufCFieldDescriptor *f);

#endif

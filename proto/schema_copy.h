/* SPDX-License-Identifier: MIT */
/* Messages of the schema, of whatever type: copied and compared. */

#ifndef SY_PROTO_SCHEMA_COPY_H
#define SY_PROTO_SCHEMA_COPY_H

#include <stdbool.h>
#include "proto/schema.h"

/**
 * A deep copy.  What lies in between is wiped: it may have secrets.
 *
 * @param msg  &m->base of a Sy__... m.
 *
 * @return a message of the same type, owned by the caller
 *         (protobuf_c_message_free_unpacked()); NULL: no memory.
 */
void *schema_copy(const ProtobufCMessage *msg);

/** Do two messages of one type say the same?  false also without memory. */
bool schema_equal(const ProtobufCMessage *a, const ProtobufCMessage *b);

#endif

/* SPDX-License-Identifier: MIT */
/* Bodies: JSON to the message that a route wants. */

#ifndef SY_GATEWAY_API_BODY_H
#define SY_GATEWAY_API_BODY_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

struct api_req;

/** Set a->body. @return true, or false: was answered (400). */
bool body_read(struct api_req *a);

/** A message as one line of JSON, owned by the caller (free()); NULL: no
 * memory. */
char *body_print(const ProtobufCMessage *msg);

#endif

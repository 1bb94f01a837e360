/* SPDX-License-Identifier: MIT */
/* Bodies: JSON to the message that a route wants. */

#ifndef SY_GATEWAY_API_BODY_H
#define SY_GATEWAY_API_BODY_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

struct api_req;

/** Set a->body. @return true, or false: was answered (400). */
bool body_read(struct api_req *a);

/** Does the body, as JSON, have a member of that name that is an empty array?
 * Of a message nobody can tell. */
bool body_has_empty(const struct api_req *a, const char *name);

/** Answer with a message without the fields that have their default. */
void body_reply_brief(struct api_req *a, unsigned status,
		      const ProtobufCMessage *msg);

/**
 * The body as a merge patch (RFC 7396) of a message.
 *
 * @param msgp  Set to the message as it would be; owned by the caller.
 * @param old   Its secrets are not to be in it.
 *
 * @return true, or false: was answered.
 */
bool body_merge(struct api_req *a, ProtobufCMessage **msgp,
		const ProtobufCMessage *old);

/** A message as one line of JSON, owned by the caller (free()); NULL: no
 * memory. */
char *body_print(const ProtobufCMessage *msg);

#endif

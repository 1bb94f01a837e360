/* SPDX-License-Identifier: MIT */
/*
 * Bodies and answers as the messages themselves, not as JSON: for who sends
 * Content-Type or Accept: application/protobuf, gRPC above all.  A list is a
 * message with the items as field 1 and the next cursor as field 2.  Errors
 * stay problem documents.
 */

#ifndef SY_GATEWAY_API_WIRE_H
#define SY_GATEWAY_API_WIRE_H

#include "gateway/api/api.h"

#define WIRE_TYPE "application/protobuf"

/** The body is such a message. */
bool wire_is_sent(const struct api_req *a);

/** Such an answer is wanted. */
bool wire_is_wanted(const struct api_req *a);

/** Read a->body. @return false: was answered. */
bool wire_read(struct api_req *a);

/**
 * Find text that is not UTF-8, which no message of proto3 may have.
 *
 * @param path  Set to the field: "legs.display_name".
 *
 * @return true: there is none.
 */
bool wire_check(const ProtobufCMessage *msg, char *path, size_t size);

/** As api_reply(). */
void wire_reply(struct api_req *a, unsigned status,
		const ProtobufCMessage *msg);

/** A list. @return owned by the caller (free()); NULL: no memory. */
uint8_t *wire_list(const ProtobufCMessage *const *msgv, size_t msgc,
		   const char *next, size_t *lenp);

#endif

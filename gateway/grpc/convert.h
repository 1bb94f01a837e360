/* SPDX-License-Identifier: MIT */
/* An answer of the API as the bytes of a message. */

#ifndef SY_GATEWAY_GRPC_CONVERT_H
#define SY_GATEWAY_GRPC_CONVERT_H

#include <stddef.h>
#include <stdint.h>
#include <protobuf-c/protobuf-c.h>

struct web_req;

/**
 * Convert what a request was answered with.
 *
 * @param madep  Set to the message, owned by the caller (free()), where the
 *               answer is JSON; left alone where it is the message already,
 *               or is empty.
 * @param lenp   Changed with it [bytes].
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int convert_answer(uint8_t **madep, size_t *lenp, const struct web_req *req,
		   const ProtobufCMessageDescriptor *out);

#endif

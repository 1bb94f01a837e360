/* SPDX-License-Identifier: MIT */
/*
 * A request message as the route that it stands for wants it: fields that are
 * named in the path go there, `body` is the body, others are parameters of the
 * query (lowerCamelCase; what has its default value is left out).
 */

#ifndef SY_GATEWAY_GRPC_BIND_H
#define SY_GATEWAY_GRPC_BIND_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

#include "gateway/api/route.h"

enum { BIND_TARGET_SIZE = 4096 };

struct bound {
	char target[BIND_TARGET_SIZE];  /* "/api/calls/X?limit=2"         */
	struct route_params params;
	const ProtobufCMessage *body;   /* borrowed of the message; or NULL */
};

/**
 * Bind a message.
 *
 * @param route  "/api/calls/{id}".
 * @param field  On EINVAL set to the name of the field that is wrong.
 *
 * @return 0, EINVAL (a field of the path is empty or too long), EOVERFLOW (the
 *         target is too long).
 */
int bind_request(struct bound *b, const char *route,
		 const ProtobufCMessage *msg, const char **field);

#endif

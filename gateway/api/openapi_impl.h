/* SPDX-License-Identifier: MIT */
/* The parts of the API's description: internal to openapi*.c. */

#ifndef SY_GATEWAY_API_OPENAPI_IMPL_H
#define SY_GATEWAY_API_OPENAPI_IMPL_H

#include <jansson.h>

#include "gateway/api/route.h"

/** The messages and enums that the routes speak of, as components.schemas.
 * @return a new reference, or NULL (no memory). */
json_t *openapi_schemas(const struct api_route *routev, size_t n);

/** A reference to one of them. */
json_t *openapi_ref(const ProtobufCMessageDescriptor *d);

/** The operations by path and method, as paths. */
json_t *openapi_paths(const struct api_route *routev, size_t n);

/** What all operations may answer when they do not do it, as
 * components.responses. */
json_t *openapi_problems(void);

enum { OPENAPI_ID_SIZE = 96 };

/** The operationId of a route: "listCalls". */
void openapi_operation_id(char id[OPENAPI_ID_SIZE],
			  const struct api_route *route,
			  const struct api_route *routev, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The description of the API (OpenAPI 3.1), made of the table of routes and
 * the schema.  Any thread.
 */

#ifndef SY_GATEWAY_API_OPENAPI_H
#define SY_GATEWAY_API_OPENAPI_H

#include <stddef.h>

struct api_route;

/** @return the document as JSON, owned by the caller (free()), or NULL: no
 * memory. */
char *openapi_print(const struct api_route *routev, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the header of a request alone can be refused for, once its route is
 * known.  Each function returns true, or false: it has answered.
 */

#ifndef SY_GATEWAY_API_CHECK_H
#define SY_GATEWAY_API_CHECK_H

#include <stdbool.h>

struct api_req;

/** Parameters of the query that the route does not have: 400. */
bool check_query(struct api_req *a);

/** Accept leaves out all that the route has: 406. */
bool check_accept(struct api_req *a);

/** A body of another type than JSON: 415. */
bool check_type(struct api_req *a);

/**
 * Does a request accept a type (RFC 9110 12.5.1)?
 *
 * @param accept  Value of Accept; NULL: none, so it does.
 * @param type    "application/json"
 *
 * @return its weight in thousandths; 0: no.
 */
unsigned accept_weight(const char *accept, const char *type);

#endif

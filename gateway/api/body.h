/* SPDX-License-Identifier: MIT */
/* Bodies: JSON to the message that a route wants. */

#ifndef SY_GATEWAY_API_BODY_H
#define SY_GATEWAY_API_BODY_H

#include <stdbool.h>

struct api_req;

/** Set a->body. @return true, or false: was answered (400). */
bool body_read(struct api_req *a);

#endif

/* SPDX-License-Identifier: MIT */
/* Checks of tokens, for making and for changing them.  Each returns true, or
 * has answered. */

#ifndef SY_GATEWAY_API_TOKENS_H
#define SY_GATEWAY_API_TOKENS_H

#include "gateway/api/api.h"

/** When it ends. @param endp  Set [ms since 1970]; 0: never. */
bool token_read_end(struct api_req *a, uint64_t *endp,
		    const Google__Protobuf__Timestamp *at, uint32_t in_s);

/** A phone needs a device, else it could be any. */
bool token_check_phone(struct api_req *a, char *const *scopev, size_t n,
		       const char *device);

/** There is such a device; and who is for one alone gives no other away. */
bool token_check_device(struct api_req *a, const char *device);

#endif

/* SPDX-License-Identifier: MIT */
/* Checks of tokens, for making and for changing them. */

#ifndef SY_GATEWAY_API_TOKENS_H
#define SY_GATEWAY_API_TOKENS_H

#include "gateway/api/api.h"
#include "gateway/api/faults.h"

/** When it ends. @param endp  Set [ms since 1970]; 0: never. */
void token_read_end(struct faults *bad, uint64_t *endp,
		    const Google__Protobuf__Timestamp *at, uint32_t in_s);

/** A phone needs a device, else it could be any. */
void token_check_phone(struct faults *bad, char *const *scopev, size_t n,
		       const char *device);

/** Who is for one device alone gives no other away. @return true; false:
 * answered. */
bool token_may_name(struct api_req *a, const char *device);

#endif

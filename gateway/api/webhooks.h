/* SPDX-License-Identifier: MIT */
/* What the files of webhooks share. */

#ifndef SY_GATEWAY_API_WEBHOOKS_H
#define SY_GATEWAY_API_WEBHOOKS_H

#include "gateway/api/account.h"

/** The webhook that the path names. NULL: answered. */
const struct directory_entry *webhook_find(struct api_req *a);

#endif

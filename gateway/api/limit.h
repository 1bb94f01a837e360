/* SPDX-License-Identifier: MIT */
/* How often somebody may ask: by token or user, at each gateway; and who sends
 * wrong credentials, by address. */

#ifndef SY_GATEWAY_API_LIMIT_H
#define SY_GATEWAY_API_LIMIT_H

#include <stdbool.h>

struct api;
struct api_req;

enum { LIMIT_PER_S = 100 }; /* default; twice as many at once */

/** @return 0 or ENOMEM. */
int limit_init(struct api *api);

void limit_close(struct api *api);

/** Count a request of who is known.  @return true, or false: was answered
 * (429). */
bool limit_request(struct api_req *a);

/** Count credentials that were wrong.  @return as limit_request(). */
bool limit_wrong(struct api_req *a);

#endif

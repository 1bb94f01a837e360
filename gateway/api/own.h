/* SPDX-License-Identifier: MIT */
/* Requests that the gateway makes of its own API, for what it tells to all
 * who watch: nobody has to be asked who sends them. */

#ifndef SY_GATEWAY_API_OWN_H
#define SY_GATEWAY_API_OWN_H

struct web_req;

/** Serve a GET with every scope. @param arg  The struct api. */
void api_own_get(struct web_req *req, void *arg);

#endif

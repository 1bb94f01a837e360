/* SPDX-License-Identifier: MIT */
/* A name for each request: in the answer, in problems, logs and the audit. */

#ifndef SY_GATEWAY_API_REQUEST_ID_H
#define SY_GATEWAY_API_REQUEST_ID_H

struct web_req;

enum { REQUEST_ID_SIZE = 65 };

/**
 * Name a request, and say so in its answer (X-Request-Id).
 *
 * @param id  Set to the client's own id, if it is 1 to 64 of
 *            [A-Za-z0-9._-]; else to a new ULID.
 */
void request_id_set(char id[REQUEST_ID_SIZE], struct web_req *req);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Lists that many ask for at once are read once for all of them.  A request
 * that comes while a read for the same list is under way does not get what that
 * one finds, which may be older than the request: it waits for the next read,
 * with all that came meanwhile.  So everybody sees at least what was so when he
 * asked, and the store sees one read at a time of each list.
 */

#ifndef SY_GATEWAY_API_SHARE_H
#define SY_GATEWAY_API_SHARE_H

#include "gateway/api/api.h"

struct share_job;

/**
 * Read for a request and those that wait with it.
 *
 * @param a  One of them; they have the same query.
 *
 * @return 0: share_done() will be called, not from within; or an errno.
 */
typedef int(share_read_h)(struct share_job *job, struct api_req *a);

/** Answer a request for a list by its query, now or with the next read. */
void share_ask(struct api_req *a, share_read_h *readh, const char *what);

/** The answer for all; as api_listed(). */
void share_done(struct share_job *job, int err,
		const ProtobufCMessage *const *msgv, size_t n,
		const char *next);

/** Borrowed. */
struct api *share_api(struct share_job *job);

#endif

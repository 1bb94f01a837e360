/* SPDX-License-Identifier: MIT */
/*
 * Answers that the router gives itself, as a stateless server: RFC 3261
 * 8.2.7.  The To tag is keyed, so that any router recognises the ACK.
 */

#ifndef SY_ROUTER_ANSWER_H
#define SY_ROUTER_ANSWER_H

#include "router/msg.h"

enum { ANSWER_TAG_LEN = 13, ANSWER_RETRY_S = 5 };

/**
 * Answer a request; counts it.  An ACK is never answered, only counted.
 *
 * @param code    Status code.
 * @param reason  Reason phrase, or NULL: the usual one.
 * @param fmt     Further header lines, each with its CRLF, or NULL; printed
 *                by libre's rules (%b, %J ...).
 */
void answer(struct msg *m, uint16_t code, const char *reason, const char *fmt,
	    ...);

/** 503 with Retry-After. */
void answer_later(struct msg *m, const char *reason);

/**
 * Refuse a request that needs what we do not know: 420, with all of it in
 * Unsupported (RFC 3261 8.2.2.3, 16.3 5).
 *
 * @param id     VIEW_REQUIRE or VIEW_PROXY_REQUIRE.
 * @param known  Option tags that are fine, "a,b", or NULL.
 *
 * @return true: answered.
 */
bool answer_unsupported(struct msg *m, enum view_hdr id, const char *known);

/** Is the To tag of this request one of our own answers? */
bool answer_is_ours(const struct msg *m);

#endif

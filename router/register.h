/* SPDX-License-Identifier: MIT */
/*
 * What a REGISTER asks for: RFC 3261 10.3 without the database.  No I/O; any
 * thread.
 */

#ifndef SY_ROUTER_REGISTER_H
#define SY_ROUTER_REGISTER_H

#include "router/view.h"

enum { REGISTER_CONTACTS_MAX = 16 };

struct register_contact {
	struct pl uri;
	uint32_t expires_s;      /* 0: remove it                          */
	uint32_t q_permille;     /* 0..1000                               */
	struct pl instance;      /* +sip.instance, unquoted; unset: none  */
	uint32_t reg_id;         /* RFC 5626; 0: none, or no outbound     */
};

struct register_req {
	struct register_contact v[REGISTER_CONTACTS_MAX];
	size_t n;                /* 0 and not star: only a question       */
	bool star;               /* Contact: *, remove all                */
	bool outbound;           /* RFC 5626: a Contact is a flow         */
};

enum register_err {
	REGISTER_OK,
	REGISTER_BAD,       /* 400: a Contact that cannot be, or * among
			       others, or * without Expires: 0            */
	REGISTER_BRIEF,     /* 423: expires sooner than min_s              */
	REGISTER_TOO_MANY,  /* 403                                         */
	REGISTER_LACKS,     /* 439: a proxy between does not know RFC 5626 */
};

/**
 * Read a REGISTER.
 *
 * @param r      Set; borrows from the view.
 * @param min_s  Shorter is refused.
 * @param max_s  Longer is cut to this; also the default.
 */
enum register_err register_read(struct register_req *r, const struct view *v,
				uint32_t min_s, uint32_t max_s);

/** "0.7" as permille; 1000 if it is no q value. */
uint32_t register_q(const struct pl *pl);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Session timers (RFC 4028): what the headers of a message say, and what is
 * agreed on.  No dialog, no clock: dialog_timer.c has both.
 */

#ifndef SY_NODE_SIP_SESTIMER_H
#define SY_NODE_SIP_SESTIMER_H

#include <re.h>

enum {
	SESTIMER_MIN_S = 90,	 /* RFC 4028 5: nobody may want less        */
	SESTIMER_MAX_S = 604800, /* who wants more than a week wants no end */
};

/** The refresher parameter. */
enum sestimer_refresher { SESTIMER_ANY, SESTIMER_UAC, SESTIMER_UAS };

/** What a message says. */
struct sestimer_said {
	uint32_t expires_s; /* Session-Expires; 0: none                */
	uint32_t min_s;	    /* Min-SE; 0: none                         */
	bool supported;	    /* timer, in Supported or Require          */
	enum sestimer_refresher refresher;
};

/** What two parties have agreed on. */
struct sestimer {
	uint32_t interval_s; /* 0: the session does not expire          */
	bool ours;	     /* we refresh it, not the peer             */
};

/** What we want. */
struct sestimer_wish {
	uint32_t expires_s; /* 0: what the peer wants                  */
	uint32_t min_s;
};

/** Read a message. Numbers that are none, or 0, count as not said. */
void sestimer_read(struct sestimer_said *said, const struct sip_msg *msg);

/**
 * Must a request be refused by 422 (RFC 4028 6, 9)?
 *
 * @return true: its interval is too small, and its sender can ask again.
 */
bool sestimer_is_small(const struct sestimer_said *said, uint32_t min_s);

/**
 * What our 2xx says (RFC 4028 9, table 2).  The peer's interval is taken, or
 * ours where that is shorter.  We refresh wherever that is left to us: then
 * the call does not depend on a peer that forgets to.
 *
 * @param t     As it was before; changed to what is agreed on now.
 * @param said  By the request.
 */
void sestimer_accept(struct sestimer *t, const struct sestimer_said *said,
		     const struct sestimer_wish *wish);

/** What the peer's 2xx to a request of ours means (RFC 4028 7.2). */
void sestimer_accepted(struct sestimer *t, const struct sestimer_said *said);

/** When a session that was not refreshed ends: seconds after the last refresh,
 * RFC 4028 10. */
uint32_t sestimer_end_s(const struct sestimer *t);

#endif

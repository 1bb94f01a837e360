/* SPDX-License-Identifier: MIT */
/*
 * A hunt: several contacts ring at once, the first answer wins and the others
 * are cancelled; when all have failed the best of their codes tells why.
 *
 *   hunt_alloc() -> hunt_add() each leg -> hunt_seal()
 *       -> HUNT_STARTED -> HUNT_PROGRESS, HUNT_EARLY ...
 *       -> HUNT_ANSWERED or HUNT_FAILED
 *
 * Before the answer a hunt with a caller lets one branch be heard, the first
 * that has early media; the others are silent until they answer.  When that
 * branch fails the next one with early media takes its place.
 *
 * Several hunts may ring for one caller, as a family (HuntState.family): a
 * branch that is redirected leads to a further one, and its own goes on.  One
 * of them is heard; the first answer ends the others; of all that fail only
 * the last tells.
 *
 * A hunt belongs to its hub until its last event; whoever waits for something
 * on its behalf (a look at the registrations) holds a reference and asks
 * hunt_is_on().
 */

#ifndef SY_NODE_HUB_HUNT_H
#define SY_NODE_HUB_HUNT_H

#include "node/hub/leg.h"
#include "node/hub/alarm.h"

/** Why the others end when one has answered. */
#define HUNT_ELSEWHERE "answered elsewhere"

enum hunt_event {
	HUNT_STARTED,  /* all branches are known; leg: the first           */
	HUNT_PROGRESS, /* leg rings; code 180 ...                          */
	HUNT_EARLY,    /* leg is heard before the answer; NULL: nobody is
			  any more                                         */
	HUNT_ANSWERED, /* leg won; last event                              */
	HUNT_FAILED,   /* nobody did; code says why; last event            */
};

/**
 * @param leg   The leg, or NULL.
 * @param code  SIP status, or 0.
 */
typedef void(hunt_h)(struct hunt *hunt, enum hunt_event ev, struct leg *leg,
		     uint16_t code, void *arg);

struct hunt_conf {
	struct leg *caller;  /* rings for this leg: ends when it leaves; or
				NULL. Borrowed.                           */
	bool origin;         /* the hub lives for it before any leg does  */
	uint32_t ring_ms;    /* give up after                             */
	const Sy__HuntState *what; /* how another node would ring on: kind,
				target, from, to; copied; or NULL         */
	hunt_h *h;
	void *arg;           /* taken: mem_deref()ed with the hunt        */
};

/**
 * The last branch has failed: is there more to try?
 *
 * @param code  Its failure.
 *
 * @return true: branches come, and hunt_seal() after them; later.
 */
typedef bool(hunt_more_h)(struct hunt *hunt, uint16_t code, void *arg);

/** Where a call goes on; set by who adds branches.  Nothing of it may be
 * called with a hunt that has no HuntState. */
struct hunt_follow {
	/** A branch was answered by 3xx.
	 * @return true: it is followed, and that is no failure. */
	bool (*redirected)(struct hunt *hunt, struct leg *leg, uint16_t code);

	/**
	 * It has failed, and is out of its hub.
	 *
	 * @param sibling  Another of its family that still rings, or NULL.
	 *
	 * @return true: nobody is to be told.
	 */
	bool (*failed)(struct hunt *hunt, struct hub *hub,
		       struct hunt *sibling);
};

struct hunt {
	struct le le;        /* in hub->hunts                             */
	struct hub *hub;     /* NULL: it is over                          */
	struct hunt_conf conf;
	Sy__HuntState *what; /* owned; NULL: nobody can ring on           */
	uint64_t until_ms;   /* since 1970: it gives up                   */
	struct alarm timer;
	struct leg *heard;   /* branch heard before the answer, or NULL   */
	uint32_t branches;   /* legs that may still answer                */
	uint32_t lookups;    /* questions whose answers add branches      */
	uint16_t best;       /* best failure so far, 0: none              */
	bool sealed;         /* no more branches come                     */
	bool rang;           /* somebody's phone did                      */
	bool diverted;       /* nobody was to be rung: the call goes on   */
	hunt_more_h *moreh;  /* set by who adds its branches, or NULL     */
	void *more_arg;      /* borrowed                                  */
	const struct hunt_follow *follow; /* static; NULL: nowhere        */
};

/**
 * Begin to ring.
 *
 * @param hp    Set on success; borrowed (mem_ref() it to keep it).
 * @param conf  Copied; on error its arg is still the caller's.
 *
 * @return 0, ENOMEM.
 */
int hunt_alloc(struct hunt **hp, struct hub *hub,
	       const struct hunt_conf *conf);

/** True until its last event, or until its hub or its caller went. */
bool hunt_is_on(const struct hunt *hunt);

/** Add a branch: a leg that is in the hub already. */
void hunt_add(struct hunt *hunt, struct leg *leg);

/** A branch that could not even be tried. @param code  As if answered. */
void hunt_failed(struct hunt *hunt, uint16_t code);

/**
 * All branches were added.  Without any it fails at once.
 *
 * @param code  Why, if there was no branch at all.
 */
void hunt_seal(struct hunt *hunt, uint16_t code);

/** Give up sooner, or later. @param ms  From now. */
void hunt_limit(struct hunt *hunt, uint32_t ms);

/**
 * Somebody else answers in place of its branches, which are hung up.
 *
 * @param leg  In the hub, answered, of no hunt.
 */
void hunt_pick(struct hunt *hunt, struct leg *leg);

/** Another hunt of its family; NULL: none. */
struct hunt *hunt_sibling(const struct hub *hub, const struct hunt *hunt);

/** Is a branch of it, or of its family, heard before the answer? */
bool hunt_is_heard(const struct hunt *hunt);

/** Stop it without an event; its legs are hung up. */
void hunt_cancel(struct hunt *hunt);

/** The better of two codes to tell the caller (RFC 3261 16.7 step 6);
 * 0: none. */
uint16_t hunt_better(uint16_t a, uint16_t b);

/** A branch's failure as the caller should see it: a back-to-back user agent
 * cannot hand on a redirection, a challenge, or what is said about its own
 * request. */
uint16_t hunt_code(uint16_t code);

/* Called by leg.c. */
void hunt_leg_progress(struct hunt *hunt, struct leg *leg, uint16_t code);
void hunt_leg_sounding(struct hunt *hunt, struct leg *leg);
void hunt_leg_answered(struct hunt *hunt, struct leg *leg);
void hunt_leg_ended(struct hunt *hunt, struct leg *leg, uint16_t code);

#endif

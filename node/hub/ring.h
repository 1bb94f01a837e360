/* SPDX-License-Identifier: MIT */
/*
 * Ringing several contacts at once: the first answer wins and the others are
 * cancelled; when all have failed the best of their codes tells why.
 *
 *   ring_alloc() -> ring_add() each leg -> ring_seal()
 *       -> RING_STARTED -> RING_PROGRESS ... -> RING_ANSWERED or RING_FAILED
 *
 * A ring belongs to its hub until its last event; whoever waits for something
 * on its behalf (a look at the registrations) holds a reference and asks
 * ring_is_on().
 */

#ifndef SY_NODE_HUB_RING_H
#define SY_NODE_HUB_RING_H

#include "node/hub/leg.h"
#include "node/hub/alarm.h"

enum ring_event {
	RING_STARTED,  /* all branches are known; leg: the first           */
	RING_PROGRESS, /* leg rings; code 180 ...                          */
	RING_ANSWERED, /* leg won; last event                              */
	RING_FAILED,   /* nobody did; code says why; last event            */
};

/**
 * @param leg   The leg, or NULL.
 * @param code  SIP status, or 0.
 */
typedef void(ring_h)(struct ring *ring, enum ring_event ev, struct leg *leg,
		     uint16_t code, void *arg);

struct ring_conf {
	struct leg *caller;  /* rings for this leg: ends when it leaves; or
				NULL. Borrowed.                           */
	bool origin;         /* the hub lives for it before any leg does  */
	uint32_t ring_ms;    /* give up after                             */
	ring_h *h;
	void *arg;           /* taken: mem_deref()ed with the ring        */
};

struct ring {
	struct le le;        /* in hub->rings                             */
	struct hub *hub;     /* NULL: it is over                          */
	struct ring_conf conf;
	struct alarm timer;
	uint32_t branches;   /* legs that may still answer                */
	uint16_t best;       /* best failure so far, 0: none              */
	bool sealed;         /* no more branches come                     */
};

/**
 * Begin to ring.
 *
 * @param rp    Set on success; borrowed (mem_ref() it to keep it).
 * @param conf  Copied; on error its arg is still the caller's.
 *
 * @return 0, ENOMEM.
 */
int ring_alloc(struct ring **rp, struct hub *hub,
	       const struct ring_conf *conf);

/** True until its last event, or until its hub or its caller went. */
bool ring_is_on(const struct ring *ring);

/** Add a branch: a leg that is in the hub already. */
void ring_add(struct ring *ring, struct leg *leg);

/** A branch that could not even be tried. @param code  As if answered. */
void ring_failed(struct ring *ring, uint16_t code);

/**
 * All branches were added.  Without any it fails at once.
 *
 * @param code  Why, if there was no branch at all.
 */
void ring_seal(struct ring *ring, uint16_t code);

/** Stop it without an event; its legs are hung up. */
void ring_cancel(struct ring *ring);

/** The better of two codes to tell the caller (RFC 3261 16.7 step 6);
 * 0: none. */
uint16_t ring_better(uint16_t a, uint16_t b);

/** A branch's failure as the caller should see it: a B2BUA cannot hand on
 * a redirection or another server's challenge. */
uint16_t ring_code(uint16_t code);

/* Called by leg.c. */
void ring_leg_progress(struct ring *ring, struct leg *leg, uint16_t code);
void ring_leg_answered(struct ring *ring, struct leg *leg);
void ring_leg_ended(struct ring *ring, struct leg *leg, uint16_t code);

#endif

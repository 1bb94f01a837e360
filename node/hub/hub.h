/* SPDX-License-Identifier: MIT */
/*
 * A hub: one call with its legs.  It decides who hears of what: when the call
 * counts as answered, when it is over, who is told.  It knows no SIP, no
 * media, no Redis: legs bring the first two (struct leg_ops), the observer
 * the third.
 *
 *   SETUP --> RINGING --> ANSWERED --> ENDED      never backwards
 *
 * Invariants
 *   - a leg is in exactly one hub, from hub_add() until hub_purge();
 *   - a hub ends exactly once; an ended hub has no leg, no ring and no
 *     expected INVITE;
 *   - a conference ends with its last party; every other call when fewer
 *     than two are left of its parties and players, and nobody is being rung;
 *   - only hub_purge() and the destructor free legs: no function here frees
 *     a leg or a hub that its caller may stand in.
 *
 * All on the signalling thread.
 */

#ifndef SY_NODE_HUB_HUB_H
#define SY_NODE_HUB_HUB_H

#include "node/hub/leg.h"
#include "node/hub/hunt.h"

/* Why a hub ends for those who stay, when a leg of it is not resumed. */
#define HUB_PARTY_LOST "the other party was not resumed"

enum {
	HUB_PAST_MAX = 64,       /* ended legs kept for the call's record   */
	HUB_TOLLS_MAX = 16,      /* costly calls that it makes          */
	HUB_EXPECT_MS = 10000,   /* an INVITE that was announced must come  */
};

/** A digit that came from a leg. */
struct hub_digit {
	char digit;              /* 0-9 * # A-D                         */
	uint32_t duration_ms;
	const char *method;      /* "rfc4733", "inband", "info"; static */
};

/** Who is told of what.  Each may be NULL; none may free the hub. */
struct hub_observer {
	/** Something of it is to be written: call hub_purge() soon, and not
	 * from here. Comes with every other event too. */
	void (*touched)(struct hub *hub, void *arg);
	void (*state)(struct hub *hub, void *arg);
	void (*leg_added)(struct hub *hub, struct leg *leg, void *arg);
	void (*leg_state)(struct hub *hub, struct leg *leg, void *arg);
	void (*leg_removed)(struct hub *hub, struct leg *leg, void *arg);
	void (*dtmf)(struct hub *hub, struct leg *leg,
		     const struct hub_digit *digit, void *arg);
	/** Its last event. */
	void (*ended)(struct hub *hub, void *arg);
};

/** What all hubs of a node share. */
struct hub_env {
	struct alarms *alarms;
	uint64_t (*wall_ms)(void);           /* since 1970             */
	const struct hub_observer *observer;
	void *arg;
};

/** An INVITE that a router announced (PlaceHub) and that has not come. */
struct hub_expect {
	struct le le;
	struct hub *hub;
	struct alarm timer;
	uint32_t ref;
	Sy__PlaceHub *place;   /* a copy; owned                        */
};

/** A leg that is gone, for the call's record. */
struct leg_past {
	struct le le;
	struct leg_info info;
};

struct hub {
	struct le le;          /* in the node's table                  */
	struct le dirty_le;    /* in the node's list of what to write  */
	const struct hub_env *env;
	char id[ULID_LEN + 1];
	uint32_t epoch;
	Sy__CallState state;
	bool conference;
	bool met;              /* parking place: two were there: from then
				  on it is their call                  */
	Sy__Destination *dest; /* owned; may be NULL                   */
	Sy__Toll *tollv[HUB_TOLLS_MAX]; /* owned: what is counted of it */
	size_t tollc;
	Sy__Source *source;    /* owned: who called; NULL: not known   */
	bool private;          /* who is called is not told by whom    */
	char destination[160]; /* the same as text: "device:1002"      */
	char caller[LEG_TEXT_MAX];
	char called[LEG_TEXT_MAX];
	uint64_t started_ms;   /* since 1970                           */
	uint64_t answered_ms;  /* 0: not yet                           */
	uint64_t ended_ms;     /* 0: not yet                           */
	uint16_t end_code;
	char end_reason[LEG_TEXT_MAX];
	Sy__Trail *trail;      /* owned; NULL: nobody has sent it on   */
	const char *because;   /* while a leg ends: what its peer said of
				  why, for the others; or NULL        */
	struct list legs;      /* struct leg                           */
	struct list gone;      /* struct leg, ended, until hub_purge() */
	struct list past;      /* struct leg_past, oldest first        */
	struct list hunts;
	struct list expects;
	struct list call_ids;  /* struct hub_call_id: its placements   */
	void *mix;             /* struct mix; owned; freed after the legs */
	void *music;           /* struct media_leg; owned: who waits hears it;
				  freed before the mix                 */
	void *park;            /* struct park; owned: who waits at a parking
				  place, and who is called back        */
	bool watched;          /* the mix tells who talks              */
	uint64_t talk_ms;      /* since when talk_told are counted     */
	uint32_t talk_told;    /* events of talk                       */
	void *restore;         /* struct restore; owned: while it is
				  taken over; freed after the legs     */
	uint64_t state_sum;    /* of the HubState last written; 0: none */
	uint32_t ref_last;     /* references given                     */
	uint8_t hops;          /* Max-Forwards of its own INVITEs; 0: as
				  many as usual                        */
	uint32_t awaited;      /* transfers that will bring somebody: it
				  does not end meanwhile               */
	bool owned;            /* the ownership protocol knows of it   */
	bool came;             /* somebody came or is being called:
				  until then it is only a placement    */
	bool dirty;            /* what is shown of the call changed    */
	bool shown;            /* observers outside know of it         */
};

/** A Call-ID whose placement names this hub. */
struct hub_call_id {
	struct le le;
	char text[];
};

struct hub_conf {
	const char *id;        /* NULL: a new one                      */
	uint32_t epoch;
	const Sy__Destination *dest; /* copied; or NULL                */
	const Sy__Source *source;    /* copied; or NULL                */
	bool private;
	const char *caller, *called; /* or NULL                        */
	const Sy__Toll *toll;        /* copied; or NULL                */
};

/** @return 0, ENOMEM, EINVAL (id). */
int hub_alloc(struct hub **hp, const struct hub_env *env,
	      const struct hub_conf *conf);

/** Print a destination as it is shown: "device:1002", "echo". */
void hub_destination_print(char *buf, size_t size,
			   const Sy__Destination *dest);

/** A deep copy; @param dp  Set on success; the caller frees it.
 * @return 0, ENOMEM. */
int hub_destination_copy(Sy__Destination **dp, const Sy__Destination *dest);

/** A copy of what counts it, if it is not there. @param toll  NULL: nothing.
 * @return 0, ENOMEM, ENOSPC. */
int hub_add_toll(struct hub *hub, const Sy__Toll *toll);

/** Is it counted by that account as that call? */
bool hub_has_toll(const struct hub *hub, const char *account,
		  const char *call);

/** Is not counted any more. @param i  Index of it. */
void hub_drop_toll(struct hub *hub, size_t i);

/** What is counted of a hub whose legs go to another one goes there, too. */
void hub_move_tolls(struct hub *into, struct hub *from);

/** Is it a parking place (Destination.park)? */
bool hub_is_park(const struct hub *hub);

/** The same of a source. */
int hub_source_copy(Sy__Source **sp, const Sy__Source *src);

/** Expect the INVITE of a PlaceHub (copied); dropped after HUB_EXPECT_MS. */
int hub_expect(struct hub *hub, const Sy__PlaceHub *place);

/** The expected INVITE of a leg reference. NULL: none. */
struct hub_expect *hub_expect_find(const struct hub *hub, uint32_t ref);

/** Remember a Call-ID whose placement must be dropped at the end. */
int hub_call_id_add(struct hub *hub, const char *call_id);

/** Forget a Call-ID: its placement was dropped. */
void hub_call_id_remove(struct hub *hub, const char *call_id);

/** A leg reference that no other leg of this hub has. */
uint32_t hub_ref(struct hub *hub);

/** Take a leg in. @param leg  Taken. */
void hub_add(struct hub *hub, struct leg *leg);

/** By id; NULL: none, or ended. */
struct leg *hub_leg(const struct hub *hub, const char *id);

/** The other party of a leg, if just one has answered; NULL. */
const struct leg *hub_other(const struct leg *leg);

/** Legs that are not ended. */
uint32_t hub_legs(const struct hub *hub);

/** Keep what is shown of a leg that ended, for the call's record. */
void hub_remember(struct hub *hub, const struct leg_info *info);

/** A digit came from a leg: hand it to the others. */
void hub_dtmf(struct hub *hub, struct leg *from,
	      const struct hub_digit *digit);

/**
 * A party writes to the others that have answered and take texts.
 *
 * @param ctype  Content-Type: "text/plain;charset=utf-8".
 *
 * @return to how many.
 */
unsigned hub_message(struct hub *hub, struct leg *from, const char *ctype,
		     const struct mbuf *text);

/**
 * End the call: every leg is hung up.
 *
 * @param code    For inbound legs without an answer; kept as the reason.
 * @param reason  Text, or NULL.
 */
void hub_end(struct hub *hub, uint16_t code, const char *reason);

/** Let go in silence (another node owns it): no BYE, no write. */
void hub_abandon(struct hub *hub);

/** Free the legs that are gone; never from within a leg's or hub's event. */
void hub_purge(struct hub *hub);

/** Look again at the state of the call; called by leg.c. */
void hub_update(struct hub *hub);

/**
 * Somebody left: is it over?  Called by leg.c and hunt.c.
 *
 * @param code, reason  Of who left last.
 */
void hub_check(struct hub *hub, uint16_t code, const char *reason);

/** Tell the observer that there is something to write. */
void hub_touch(struct hub *hub);

static inline bool hub_is_over(const struct hub *hub)
{
	return hub->state == SY__CALL_STATE__CALL_ENDED;
}

#endif

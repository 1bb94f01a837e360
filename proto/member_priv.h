/* SPDX-License-Identifier: MIT */
/* What the files of the membership share; nobody else includes it. */

#ifndef SY_PROTO_MEMBER_PRIV_H
#define SY_PROTO_MEMBER_PRIV_H

#include "proto/member_table.h"
#include "proto/member_watch.h"
#include "proto/script.h"

#define MEMBER_KEY "sy:{members}"
#define MEMBER_KEY_LEASE "sy:{members}:lease"
#define MEMBER_KEY_INSTANCE "sy:{members}:instance"

/* What commands under way hold instead of us: they may outlive us. */
struct member_link {
	struct members *ms; /* NULL: gone */
};

struct members {
	struct member_table table;
	struct member_watch watch;
	struct member_link *link;
	struct loop *loop;
	struct bus *bus;
	struct loop_timer *tick;
	struct loop_timer *look;
	Sy__Member *self; /* NULL: only watch                    */
	member_load_h *loadh;
	member_change_h *changeh;
	member_forgotten_h *forgottenh;
	void *arg;
	uint32_t beat_ms, lease_ms;
	uint32_t tick_ms; /* looks at leases and at our own beat */
	uint64_t beaten_us;
	uint64_t looked_us; /* when the look under way began       */
	bool beating;	    /* a beat is under way                 */
	bool again;	    /* beat once more when it is answered  */
	bool known;	    /* a beat with our instance was answered */
	bool listing;
	bool looking;
	bool ready;
	bool conn_up; /* as the bus said at the last tick    */
	bool left;
	bool listens;
	bool refused; /* a newer process bears our id        */
	bool expiring; /* leases that are over are looked for */
};

/** The members behind a link, with a reference for the handler; the link's
 * own reference is given back.  NULL: gone. */
struct members *member_link_take(struct member_link *link);

/** script_run() with the link as argument. */
int member_run(struct members *ms, enum script script, uint32_t deadline_ms,
	       redis_reply_h *h, int keyc, int argc, const char **argv,
	       const size_t *lenv);

/** How a Heartbeat is meant. */
enum member_news { MEMBER_BEATS, MEMBER_LEAVES, MEMBER_DIED };

/** The packed Member and the packed Envelope around it, in one block.
 * @param silent_ms  MEMBER_DIED: see Heartbeat. */
uint8_t *member_pack(const Sy__Member *m, const char *from,
		     enum member_news news, uint32_t silent_ms, size_t *mlen,
		     size_t *elen);

/** Beat, or ask whether Redis is there, when it is time. member_beat.c */
void member_beat_run(struct members *ms, uint64_t now_us);

/** Why a member is gone whose lease was over. */
#define MEMBER_EXPIRED "its lease is over"

/** Write an event of a member. @param id  Whose. member_event.c */
void member_tell(struct members *ms, Sy__EventType type, const char *id,
		 const char *reason);

/** Run a script that removes another's record, of these keys and arguments, as
 * script_run() has them; tell it, if it was there. @param reason  Static.
 * member_event.c */
void member_remove(struct members *ms, enum script script, const char *id,
		   const char *reason, int argc, const char **argv,
		   const size_t *lenv);

/** The lease of another one is over, as far as we know: remove its record, and
 * tell it if we are the first. member_event.c */
void member_expired(struct members *ms, const Sy__Member *m);

/** Start to look after our neighbours: a node does. member_look.c */
int member_look_start(struct members *ms);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Typed records in Redis.  Every change is one script (see script.h), so it
 * is atomic; keys of one hub share the hash tag {hub-id}.
 *
 *   sy:hub:{H}               hash   epoch, owner (instance), node (member id),
 *                                   call (Call without legs), leg:<id> (Leg),
 *                                   dlg:<id> (DialogState), state (HubState)
 *   sy:gone:{H}              string tombstone of an ended hub: its last
 *                                   epoch and owner; expires after STORE_GONE_TTL_S
 *   sy:merged:{H}            string the hub that has its legs now
 *   sy:end:{H}               string what is left to do for an ended hub
 *                                   (HubEnd); removed when it is done
 *   sy:owned:{INSTANCE}      set    hubs of one process: names each before it
 *                                   is written or claimed, until it is
 *                                   dropped; so it may name hubs that are
 *                                   gone or another's, and misses none
 *   sy:owners                hash   instance -> member id, of every process
 *                                   that may own hubs
 *   sy:hubs                  zset   every hub id, score 0 (ULIDs sort by time)
 *   sy:call:{K}              hash   placement of a dialog-forming INVITE:
 *                                   hub, node, instance, epoch, leg; expires
 *                                   after STORE_CALL_TTL_S.  K is the hex of
 *                                   the first 16 bytes of SHA-256(Call-ID).
 *   sy:quality:{H}           list   HubSample, oldest first; bounded, expires
 *   sy:trace:{H}             list   bytes, TraceMessage ...; bounded, expires
 *   sy:room:{NAME}           hash   hub, node, instance, epoch of a named hub
 *                                   (conference); refreshed by its owner
 *   sy:reg:{DEVICE}          hash   field: store_reg_field(), value: Binding
 *   sy:unreg:{DEVICE}        hash   contacts that were removed just now
 *   sy:device:{ID}, sy:turn, sy:idle   see store_device.h
 *   sy:{subs}..., sy:mwi:{DEVICE}  see store_sub.h
 *   sy:qual:{DEVICE}, sy:{qual}:due...  see store_qual.h
 *   sy:regs:life             string of life.h, for registrations
 *   sy:regs                  zset   device ids, score 0
 *   sy:regs:expiry           zset   device ids by when the first of their
 *                                   bindings expires [ms]
 *   sy:{members}, sy:{members}:lease, sy:{members}:instance
 *   sy:{config}:...          see config.h
 *   sy:events, sy:cdr        streams, capped
 *   {sy:cdr}:seen            zset   ids of the hubs that have a record, an
 *                                   hour long
 *
 * All calls answer by their handler on the loop's thread, exactly once,
 * unless the call itself returned an error.  err is as in redis_reply_h;
 * ENOENT: no such record; ESTALE: the epoch fence said no (somebody else
 * owns the hub by now: let go in silence).
 */

#ifndef SY_PROTO_STORE_H
#define SY_PROTO_STORE_H

#include "proto/redis.h"
#include "proto/schema.h"
#include "proto/ulid.h"

enum {
	STORE_CALL_TTL_S = 300,   /* of a placement, while unanswered      */
	STORE_HUB_TTL_S = 86400,  /* of a hub whose owner vanished         */
	STORE_GONE_TTL_S = 120,   /* longer than any command is under way  */
	STORE_EVENTS_MAX = 20000, /* entries of sy:events, approximately   */
	STORE_UNREG_TTL_S = 60,   /* a removed binding is not given back   */
	STORE_SWEEP_MAX = 500,    /* devices looked at together            */
	STORE_LAPSE_MS = 5000,    /* by then a lapsed binding was swept    */
	STORE_CDR_MAX = 200000,
	STORE_CDR_SEEN_MS = 3600000, /* a record is not written twice within */
	STORE_QUALITY_MAX = 360,  /* samples of a hub: an hour's           */
	STORE_QUALITY_TTL_S = 900, /* after the last one                   */
};

typedef void(store_h)(int err, void *arg);

/* ---------------------------------------------------------- placement */

/** Where a call was placed. */
struct store_place {
	char hub[ULID_LEN + 1];
	char node[64];        /* member id          */
	uint32_t instance;
	uint32_t epoch;
	uint32_t leg;         /* leg reference of this Call-ID          */
	bool fresh;           /* placed by this very call: send PlaceHub */
};

typedef void(store_place_h)(int err, const struct store_place *pl,
			    void *arg);

/** What to place; strings borrowed for the call. */
struct store_place_req {
	const char *call_id;   /* of the INVITE                              */
	const char *room;      /* name of a shared hub, or NULL              */
	const char *hub;       /* proposed new hub id                        */
	const char *node;      /* proposed node                              */
	uint32_t instance;     /* of that node                               */
	uint32_t leg;          /* leg reference                              */
	const char *not_node;  /* this node refused or is dead: a placement
				  that names it is replaced, epoch + 1; or NULL */
	uint32_t not_instance; /* its instance                               */
	const char *not_hub;   /* this hub is gone, or was never made: a
				  placement that names it is replaced, and
				  not_node says nothing; or NULL            */
};

/**
 * Place a call, or get where it was placed before (by any router).
 * One script: of two routers that ask at once, both get the same answer.
 */
int store_place(struct redis *r, const struct store_place_req *req,
		store_place_h *h, void *arg);

/** Where a Call-ID was placed; ENOENT if nowhere. Changes nothing. */
int store_place_get(struct redis *r, const char *call_id, store_place_h *h,
		    void *arg);

/** Forget a placement, if it still names this hub.  No handler. */
int store_place_drop(struct redis *r, const char *call_id, const char *hub);

/** Write a placement again where Redis has lost it.  Its owner's; no handler:
 * one that stands there stays. @param pl  Its leg is not 0. */
int store_place_put(struct redis *r, const char *call_id,
		    const struct store_place *pl);

/** Refresh (owner alive) or drop a room, if it still names this hub. */
int store_room_keep(struct redis *r, const char *room, const char *hub);

/** store_room_keep() that also writes the room again where Redis has lost it,
 * and who owns the hub now where an elder epoch stands.  No handler: should
 * another hub stand there, that one stays. */
int store_room_put(struct redis *r, const char *room, const char *hub,
		   const char *node, uint32_t instance, uint32_t epoch);

int store_room_drop(struct redis *r, const char *room, const char *hub);

/**
 * A hub rings in a room of DIALPLAN_RINGING, or does so at another node by now.
 * Of several the room names the one that rings longest.  No handler.
 */
int store_ring_put(struct redis *r, const char *room, const char *hub,
		   const char *node, uint32_t instance, uint32_t epoch);

/** It rings no more: the next one takes its place.  No handler. */
int store_ring_drop(struct redis *r, const char *room, const char *hub);

/* --------------------------------------------------------------- hubs */

/**
 * A write has replaced another owner: Redis had lost that we claimed the hub.
 * Should that one live it does not know yet.
 *
 * @param instance  Of the other owner.
 */
typedef void(store_replaced_h)(uint32_t instance, void *arg);

/** A checkpoint: what changed.  Borrowed for the call. */
struct store_hub_put {
	const char *hub;
	uint32_t epoch;              /* fence                              */
	const char *node;
	uint32_t instance;
	bool first;                  /* all of it: the hub is new, or Redis
					may have lost it                   */
	const Sy__Call *call;        /* its legs are ignored here; NULL:
					unchanged                          */
	const Sy__HubState *state;   /* NULL: unchanged                    */
	const Sy__Leg *const *legv;  /* legs that changed                  */
	size_t legc;
	const Sy__DialogState *const *dlgv;
	size_t dlgc;
	const char *const *dropv;    /* ids of legs that are gone: their
					leg: and dlg: fields               */
	size_t dropc;
	store_replaced_h *replacedh; /* with the handler's argument, before
					it; or NULL                        */
};

/**
 * Write it.  The handler's err: ESTALE, or ENOENT: the hub has ended (a drop
 * overtook us); either way it is not ours any more.  ENODATA: Redis has lost
 * it, write it whole.
 */
int store_hub_put(struct redis *r, const struct store_hub_put *put,
		  store_h *h, void *arg);

/**
 * The hub has ended: remove its record, leave a tombstone.  Then, in other
 * slots: append its CallRecord to sy:cdr, once, forget its placements and its
 * room, take it from the hubs of its owner.  What is to be done stands in
 * Redis meanwhile: should we die, then whoever claims the hub finds it and does
 * the rest (store_hub_claim()).
 *
 * @param node      Member id of its owner.
 * @param instance  Its owner; 0: whoever has this epoch.
 * @param end       Borrowed; NULL: nothing but what stands there from a drop
 *                  before this.
 */
int store_hub_drop(struct redis *r, const char *hub, uint32_t epoch,
		   const char *node, uint32_t instance, const Sy__HubEnd *end, store_h *h,
		   void *arg);

/** A hub that was claimed: all that its last owner wrote. */
struct store_claim {
	uint32_t epoch;             /* ours from now on                    */
	uint32_t owner;             /* with ESTALE: who owns it instead    */
	Sy__Call *call;             /* with its legs; `node` and `epoch` are
				       the last owner's                    */
	Sy__HubState *state;        /* NULL: never written                 */
	Sy__DialogState **dlgv;
	size_t dlgc;
};

/**
 * @param err  0; ESTALE: another owns it (cl->owner); ENOENT: it has ended (and
 *             what its owner left undone is done now), or never was;
 *             EBADMSG: it is ours, and its record cannot be read (cl->epoch
 *             tells which to drop).
 * @param cl   Borrowed for the call; NULL unless err is one of 0, ESTALE,
 *             EBADMSG.
 */
typedef void(store_claim_h)(int err, const struct store_claim *cl, void *arg);

/**
 * Take a hub over; it is named among our hubs first, and once it is ours no
 * more among the former owner's.  A claim that failed leaves our name there:
 * see store_owned_remove().  When the reply does not
 * come (ENOTCONN, ETIMEDOUT) the claim may have been done, or be done yet.
 *
 * @param from      Instance that owns it; may be our own (a claim whose reply
 *                  was lost).
 * @param dead      It is no more: should there be no record, then its first
 *                  write, which may still be under way, is not taken either.
 * @param node      Member id that claims.
 * @param instance  Its instance.
 */
int store_hub_claim(struct redis *r, const char *hub, uint32_t from, bool dead,
		    const char *node, uint32_t instance, store_claim_h *h,
		    void *arg);

/** @param call  With its legs; owned by the handler; NULL on error. */
typedef void(store_call_h)(int err, Sy__Call *call, void *arg);

int store_hub_get(struct redis *r, const char *hub, store_call_h *h,
		  void *arg);

/**
 * @param callv  In ascending order of id; borrowed for the call.
 * @param next   Cursor of the next page, or NULL.
 */
typedef void(store_calls_h)(int err, Sy__Call *const *callv, size_t callc,
			    const char *next, void *arg);

/** List calls. @param cursor  As returned, or NULL. @param limit 1..1000. */
int store_hub_list(struct redis *r, const char *cursor, size_t limit,
		   store_calls_h *h, void *arg);

/** Who owns a hub. */
struct store_where {
	char node[64];        /* member id */
	uint32_t instance;
	uint32_t epoch;
};

/**
 * @param err    ENOENT: it has no record, not yet or not any more.
 * @param where  Borrowed for the call.  With ENOENT: who ended it, without
 *               node; NULL: nobody did lately.  With other errors NULL.
 */
typedef void(store_where_h)(int err, const struct store_where *where,
			    void *arg);

/**
 * Who owns a hub, as its record says: the owner may be dead by now.
 *
 * @param deadline_ms  As of redis_command().
 */
int store_hub_where(struct redis *r, const char *hub, uint32_t deadline_ms,
		    store_where_h *h, void *arg);

enum { STORE_MERGED_TTL_S = 12 * 3600 };

/** A hub was merged into another one: tags that its legs keep still name it,
 * for STORE_MERGED_TTL_S.  No handler. */
int store_merged_put(struct redis *r, const char *hub, const char *into);

/** @param into  Borrowed for the call; err ENOENT: it was not merged. */
typedef void(store_merged_h)(int err, const char *into, void *arg);

int store_merged_get(struct redis *r, const char *hub, store_merged_h *h,
		     void *arg);

typedef void(store_count_h)(int err, uint64_t count, void *arg);

int store_hub_count(struct redis *r, store_count_h *h, void *arg);

/* ------------------------------------------------------------- owners */

/**
 * The hubs of one process, in no order; ids that are no ULID are left out.
 *
 * @param hubv  Borrowed for the call.
 */
typedef void(store_owned_h)(int err, const char *const *hubv, size_t hubc,
			    void *arg);

int store_owned_list(struct redis *r, uint32_t instance, store_owned_h *h,
		     void *arg);

/**
 * Name a hub among those of a process, and the process among the owners: a
 * command that arrives long after its sender died must not leave a hub where
 * nobody looks.  No handler.
 *
 * @param node  Member id of the process.
 */
int store_owned_add(struct redis *r, uint32_t instance, const char *node,
		    const char *hub);

/** Undo it: the hub is not this process'.  No handler. */
int store_owned_remove(struct redis *r, uint32_t instance, const char *hub);

/** A process that may own hubs. */
struct store_owner {
	uint32_t instance;
	const char *node;      /* member id */
};

/** @param ownerv  In no order; borrowed for the call. */
typedef void(store_owners_h)(int err, const struct store_owner *ownerv,
			     size_t ownerc, void *arg);

int store_owners_list(struct redis *r, store_owners_h *h, void *arg);

/** A process may own hubs from now on.  No handler. */
int store_owners_put(struct redis *r, uint32_t instance, const char *node);

/** A process is dead, and no hub is left of it.  No handler. */
int store_owners_drop(struct redis *r, uint32_t instance);

/* ------------------------------------------------------------- quality */

/** Append a sample of a hub's legs.  No handler: what is lost is lost. */
int store_quality_put(struct redis *r, const char *hub,
		      const Sy__HubSample *sample);

/** The samples of a hub; mem_deref() frees it. */
struct store_series {
	size_t n;
	Sy__HubSample *samplev[]; /* oldest first */
};

/** @param series  Owned by the handler; NULL on error; none is no error. */
typedef void(store_quality_h)(int err, struct store_series *series,
			      void *arg);

int store_quality_get(struct redis *r, const char *hub, store_quality_h *h,
		      void *arg);

/** Set the figures that are shown of a leg. */
void store_quality_show(Sy__Leg *leg, const Sy__Quality *q);

/* ------------------------------------------------------ registrations */

/** One REGISTER's changes to one device, done all or not at all. */
struct store_reg_put {
	const char *device;
	const Sy__Binding *const *bindv; /* add or refresh; expires_at set  */
	size_t bindc;
	const char *const *dropv;        /* fields to remove                */
	size_t dropc;
	bool drop_all;                   /* Contact: *                      */
	const char *call_id;             /* RFC 3261 10.3: same Call-ID     */
	uint32_t cseq;                   /* must come with a higher CSeq    */
	uint32_t max_contacts;
	const char *member;              /* id of who tells of it in events;
					    NULL: nobody                    */
	const char *why;                 /* ... why bindings went           */
};

/**
 * What tells one binding of a device from another: instance and reg-id of
 * RFC 5626, whatever its Contact is; else the Contact.
 *
 * @param instance  Or "".
 * @param reg_id    0: none.
 *
 * @return its length, or a negative number: buf is too small.
 */
int store_reg_field(char *buf, size_t size, const char *contact,
		    const char *instance, uint32_t reg_id);

/**
 * @param err  ESTALE: a binding with this Call-ID has a higher CSeq (an equal
 *             one is a retransmission, and done again: no error);
 *             ENOSPC: too many contacts.
 * @param reg  All current bindings afterwards; borrowed for the call.
 */
typedef void(store_reg_h)(int err, const Sy__Registration *reg, void *arg);

/** A binding that was not there before, and one that is removed, is told of in
 * an event each (REGISTERED, UNREGISTERED); one that is refreshed is not. */
int store_reg_put(struct redis *r, const struct store_reg_put *put,
		  store_reg_h *h, void *arg);

/** @param device  Some of its bindings have lapsed; borrowed for the call. */
typedef void(store_reg_lapsed_h)(const char *device, void *arg);

/**
 * Look for bindings that have lapsed: each is removed, and told of in an event
 * (UNREGISTERED), by one of all that look.  STORE_SWEEP_MAX devices at most,
 * those that lapsed first; what fails is found by the next look.
 *
 * @param member  Id of the process that looks.
 * @param h       Called for each device that lost one; arg is not owned.
 *
 * @return 0, EINVAL, ENOTCONN, ENOMEM.
 */
int store_reg_sweep(struct redis *r, const char *member,
		    store_reg_lapsed_h *h, void *arg);

/**
 * Give Redis back what it may have lost of a device: what is there stays, what
 * lapsed or was removed within STORE_UNREG_TTL_S is left out.
 *
 * @param reg  Borrowed for the call.
 * @param h    Without a count: nothing missing is no error.
 */
int store_reg_again(struct redis *r, const Sy__Registration *reg, store_h *h,
		    void *arg);

/** Current bindings of a device, best q first, with what is known of their
 * contacts (store_qual.h); none is no error. */
int store_reg_get(struct redis *r, const char *device, store_reg_h *h,
		  void *arg);

/** Is it of use to ring a contact?  Not, if it did not answer when it was
 * asked and has not registered since. */
bool store_reg_is_reachable(const Sy__Binding *b);

typedef void(store_regs_h)(int err, Sy__Registration *const *regv,
			   size_t regc, const char *next, void *arg);

int store_reg_list(struct redis *r, const char *cursor, size_t limit,
		   store_regs_h *h, void *arg);

/** Devices that are registered, within STORE_LAPSE_MS (store_reg_sweep()). */
int store_reg_count(struct redis *r, store_count_h *h, void *arg);

/* -------------------------------------------------------------- history */

/** Append to sy:events and publish on BUS_CHANNEL_EVENTS. No handler. */
int store_event(struct redis *r, const Sy__Event *ev);

enum { STORE_EVENT_ID_SIZE = 48 };

/** An entry of sy:events.  Ids ascend with time, also past a Redis that was
 * emptied. */
struct store_entry {
	char id[STORE_EVENT_ID_SIZE]; /* "1700000000000-0"                */
	Sy__Event *event;             /* NULL: it cannot be read          */
};

/** @param v  Oldest first; borrowed for the call. */
typedef void(store_events_h)(int err, const struct store_entry *v, size_t n,
			     void *arg);

/** @return true for what may be the id of an entry. */
bool store_event_id_is_valid(const char *id);

/**
 * Read events.
 *
 * @param after  Id of the last one known ("0-0": none); NULL: the newest
 *               one alone, to know where to begin.
 */
int store_event_list(struct redis *r, const char *after, size_t limit,
		     store_events_h *h, void *arg);

/** Read events from this one on; when the first that comes is another one,
 * it is no more, and others may be missing with it. */
int store_event_list_from(struct redis *r, const char *from, size_t limit,
			  store_events_h *h, void *arg);

#endif

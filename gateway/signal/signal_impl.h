/* SPDX-License-Identifier: MIT */
/*
 * What the files of gateway/signal share; nobody else includes it.
 *
 *   signal.c    the table of pages; what comes from them, and from nodes
 *   phone.c     one page: its connection, its legs, what waits for it
 *   enlist.c    it is registered, and everybody is told where it is
 *   leave.c     its connection is lost
 *   place.c     it calls
 *   about.c     it says something of a leg
 *   owner.c     ... which goes to the node that has the call
 *   text.c      it writes
 *   ice.c       STUN and TURN servers, with credentials for a while
 *   trace.c     what is said is kept with the call's trace
 */

#ifndef SY_GATEWAY_SIGNAL_SIGNAL_IMPL_H
#define SY_GATEWAY_SIGNAL_SIGNAL_IMPL_H

#include <re.h>

#include "gateway/signal/signal.h"
#include "proto/loop.h"
#include "proto/token.h"
#include "proto/trace_batch.h"
#include "proto/ulid.h"

enum {
	PHONE_NAME_SIZE = 33,      /* hex of half a SHA-256               */
	PHONE_LEGS_MAX = 32,       /* calls of a page that we keep in mind */
	PHONE_WAITING_MAX = 64,    /* messages, until it is registered    */
	PHONE_SDP_MAX = 32768,
	PHONE_EXPIRES_S = 60,      /* of its contact                      */
	PHONE_REFRESH_MS = 20000,
	PHONE_GRACE_S = 20,        /* its socket is lost: it may come back */
	PHONE_CALLS_BURST = 10,    /* calls at once,                      */
	PHONE_CALLS_S = 2,         /* and a second                        */
	SIGNAL_PHONES_MAX = 20000,
};

struct signal {
	struct view *view;         /* borrowed                            */
	const struct token_key *key; /* borrowed; NULL: none              */
	struct hash *phones;       /* struct phone, by name               */
	uint32_t phonec;
	uint64_t calls;
	const char *http, *https;  /* borrowed; ours, or ""               */
	struct trace_batch *trace;
	struct loop_timer *trace_tmr; /* it is written                    */
};

/* A call of a page. */
struct phone_leg {
	struct le le;
	char leg[ULID_LEN + 1];
	char call[ULID_LEN + 1];
	char node[64];             /* that spoke of it last; "": not known */
};

struct phone {
	struct le le;              /* in signal->phones                   */
	struct signal *signal;     /* NULL: it is over                    */
	struct ws_client *client;  /* NULL: its socket is lost            */
	char name[PHONE_NAME_SIZE];
	char device[PRINCIPAL_NAME_SIZE];
	char agent[128];
	char received[96];         /* "wss:host:port"                     */
	char call_id[ULID_LEN + 1]; /* of its registration                */
	uint32_t cseq;
	uint64_t since_ms;         /* since 1970                          */
	struct list legs;          /* struct phone_leg                    */
	struct list waiting;       /* messages until it is registered     */
	struct enlisting *enlisting; /* borrowed; NULL: it is registered  */
	struct loop_timer *refresh;
	float calls_left;          /* token bucket                        */
	uint64_t calls_us;         /* ... as of then                      */
};

/* --- signal.c */

struct phone *signal_find(const struct signal *s, const char *name);

/* --- phone.c */

/** A new one in the table. @param pp  Set on success; owned by the table.
 * @return 0, ENOSPC, ENOMEM. */
int phone_alloc(struct phone **pp, struct signal *s, const char *name,
		const char *device);

/** Out of the table; whoever waits on its behalf finds signal NULL. */
void phone_end(struct phone *ph);

/** It has this connection now; another one that it had is told so. */
void phone_attach(struct phone *ph, struct ws_client *c);

/** It is served elsewhere: its page is told, if it is here. */
void phone_replaced(struct phone *ph);

/** Tell its page, now or once it is registered. @return 0; EPIPE: it is not
 * there; ENOMEM, ENOBUFS. */
int phone_say(struct phone *ph, const Sy__WsServer *msg);

/** Say what has waited. */
void phone_flush(struct phone *ph);

/** Remember a leg. @param node  That has it; NULL: not known. */
void phone_leg_add(struct phone *ph, const char *leg, const char *call,
		   const char *node);
void phone_leg_remove(struct phone *ph, const char *leg);
struct phone_leg *phone_leg_find(const struct phone *ph, const char *leg);

/** May it call, by its rate? */
bool phone_may_call(struct phone *ph);

/* --- enlist.c */

/**
 * Register it, and tell nodes and gateways.  Answers PhoneRegistered, or an
 * error.
 *
 * @param id    Of the message to answer.
 * @param legs  That the page says are running.
 */
void enlist(struct phone *ph, uint32_t id, char *const *legv, size_t legc);

/** Its contact goes on for a while: its socket is lost. */
void enlist_linger(struct phone *ph);

/** Its contact goes. */
void enlist_drop(struct phone *ph);

/* --- leave.c */

/** Its connection is lost, and maybe comes back. */
void leave(struct phone *ph);

/* --- place.c */
void place_call(struct phone *ph, const Sy__WsClient *msg);

/* --- text.c */
void text_write(struct phone *ph, const Sy__WsClient *msg);

/* --- about.c */
void take_about_leg(struct phone *ph, const Sy__WsClient *msg);

/* --- owner.c */

/**
 * Send a command to the node that owns the call of a leg; the page is
 * answered.
 *
 * @param id   Of its message.
 * @param pl   The leg; borrowed for the call.
 * @param env  Body; copied.
 */
void owner_send(struct phone *ph, uint32_t id, const struct phone_leg *pl,
		const Sy__Envelope *env);

/* --- trace.c */

/** Of which leg a message is. */
struct trace_about {
	const char *call, *leg;
	uint64_t at_ms;            /* since 1970; 0: now                  */
	bool ended;                /* ... by this message                 */
};

/** Keep a message of a page, or to it, with its call's trace. @param msg
 * WsClient or WsServer. */
void trace(struct phone *ph, const struct trace_about *about,
	   const ProtobufCMessage *msg);

/** The same of the answers to what a page says. */
void trace_refused(struct phone *ph, const struct trace_about *about,
		   const char *type, const char *why);
void trace_done(struct phone *ph, const struct trace_about *about);

/** A call was placed: only now it is known which one it is.
 * @param at_ms  Since 1970: when it was wanted. */
void trace_placed(struct phone *ph, Sy__PhonePlaced *placed, char *to,
		  char *sdp, uint64_t at_ms);

/** Write what was collected. */
void trace_flush(struct signal *s);

/* --- ice.c */

/** @param out  Filled in; ice_free() it. @return until when it holds
 * [ms since 1970]. */
uint64_t ice_servers(Sy__PhoneRegistered *out, const struct signal *s,
		     const char *device);
void ice_free(Sy__PhoneRegistered *out);

#endif

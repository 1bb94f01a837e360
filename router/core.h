/* SPDX-License-Identifier: MIT */
/*
 * One thread of the router and what it is made of.  Nothing here is shared
 * between threads except struct router, which nobody changes after start
 * (but for the marked members).
 */

#ifndef SY_ROUTER_CORE_H
#define SY_ROUTER_CORE_H

#include <re.h>
#include "proto/bus.h"
#include "proto/config.h"
#include "proto/loop.h"
#include "proto/member.h"
#include "proto/token.h"
#include "router/msg.h"
#include "router/trace.h"
#include "router/wire.h"

struct attempts;
struct cache;
struct couriers;
struct domains;
struct guard;
struct keep;
struct locate;
struct pendings;
struct qualify;
struct replay;
struct seeks;
struct subs;
struct trials;
struct trunk_marks;
struct trunks;
struct uacs;

enum { WORKER_GONE_MAX = 256, WORKER_FALLEN_MAX = 64 };

/** How the router was told to run.  RO after start. */
struct router_conf {
	const char *id;
	const char *redis;
	uint32_t threads;
	uint32_t tcp_max;         /* connections of each thread            */
	uint32_t tcp_idle_s;
	uint32_t coalesce_us;     /* see wire_udp.c                        */
	uint32_t pending_max;     /* requests of each thread that wait     */
	uint32_t nonce_s;         /* a nonce is stale after                */
	const char *dns;          /* its servers; "": /etc/resolv.conf's    */
	uint32_t grace_ms;        /* from SIGTERM to the end               */
};

struct router {
	struct router_conf conf;
	struct token_key *key;
	struct wire_set wires;    /* its instance: thread 0 writes         */
	struct tracer *tracer;    /* NULL: there is none                   */
	bool leaving;             /* thread 0: it ends, others were told   */
	_Atomic bool reload;      /* certificates; a signal's handler sets */
};

struct worker {
	struct router *router;    /* borrowed                              */
	unsigned index;
	struct wire *wire;        /* NULL: it does not serve yet           */
	struct stats stats;
	struct trace trace;
	struct loop *loop;
	struct bus *bus;
	struct members *members;
	struct config *config;
	struct pendings *pendings;
	struct seeks *seeks;
	struct cache *cache;
	struct uacs *uacs;        /* requests of our own                   */
	struct couriers *couriers; /* MESSAGEs that are brought            */
	struct locate *locate;    /* where names are                       */
	struct attempts *attempts; /* ... and what was tried               */
	struct subs *subs;        /* thread 0: subscriptions served here   */
	struct trunks *trunks;    /* thread 0: work for trunks             */
	struct trials *trials;    /* thread 0: trunks that are tried out   */
	struct qualify *qualify;  /* thread 0: whether contacts are there  */
	struct trunk_marks *marks; /* how their calls are known            */
	struct keep *keep;        /* registrations that were answered      */
	struct guard *guard;      /* who is listened to                    */
	struct domains *domains;  /* addresses of all routers              */
	struct replay *replay;    /* credentials that were used            */
	struct list probes;       /* requests that wait for a connection   */
	uint64_t serve_ms;        /* when it serves, come what may          */
	uint64_t back_ms;         /* when Redis returned; 0: never away    */
	bool met;                 /* Redis was there once                  */
	uint32_t gonev[WORKER_GONE_MAX];     /* instances that went last   */
	uint32_t gonec;
	uint32_t fallenv[WORKER_FALLEN_MAX]; /* ... and came back          */
	uint32_t fallenc;
	struct tmr tick;          /* once a second                         */
	bool ready;               /* sockets, Redis and configuration      */
};

/** Start a thread's work; on that thread, before its loop. */
int worker_alloc(struct worker **wp, struct router *r, unsigned index);

/** A message came; wire_recv_h of each worker. */
void worker_receive(const struct flow *from, enum wire_flaw flaw,
		    const char *p, size_t len, void *arg);

/** Deal with a request that was looked over already: again, after it had to
 * wait.  See request.c. */
void request_handle(struct msg *m);

/**
 * The node that a token leads to, without asking: a live one that never was
 * taken for dead.  (Of one that was, and came back, others may have the hubs:
 * the record tells.)
 *
 * @return NULL: ask the record.
 */
const Sy__Member *worker_node(const struct worker *w, uint32_t instance);

/** True once thread 0 can do all that a router does. */
bool router_is_ready(const struct worker *w);

#endif

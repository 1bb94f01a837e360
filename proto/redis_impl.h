/* SPDX-License-Identifier: MIT */
/*
 * The inside of a connection, for redis.c (comes and goes), redis_command.c
 * (commands, replies, deadlines) and redis_subscribe.c (channels).
 */

#ifndef SY_PROTO_REDIS_IMPL_H
#define SY_PROTO_REDIS_IMPL_H

#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/loop.h"
#include "proto/redis.h"
#include "proto/redis_sock.h"
#include "proto/redis_url.h"

enum redis_conn { WAITING, CONNECTING, GREETING, SUBSCRIBING, UP };

/* A command sent, in the order of the replies. */
struct cmd {
	struct le le;
	redis_reply_h *h;     /* NULL: nobody (any more) wants the reply */
	void *arg;
	uint64_t sent_us;
	uint64_t deadline_us;
	bool owned;           /* arg goes with us if nobody was called   */
};

struct sub {
	struct le le;
	redis_message_h *h;
	void *arg;
	char *channel;
};

struct redis {
	struct loop *loop;
	struct redis_url *url;
	struct redis_url *master; /* whom we talk to, by the sentinels;
				     NULL: not told, or there are none  */
	struct redis_sentinel *sentinel; /* NULL: url is the server     */
	redis_state_h *h;
	void *arg;
	struct redis_sock *sock;
	redisReader *reader;
	struct list cmdl;
	struct list subl;
	struct loop_timer *connect_timer, *sweep_timer;
	struct redis_stat stat;
	uint64_t heard_us;        /* when the last bytes came         */
	uint64_t pinged_us;       /* subscriber: when we last asked   */
	uint64_t sweep_due_us;    /* when deadlines are looked at next */
	uint32_t backoff_ms;
	uint32_t generation;      /* of the connection                */
	unsigned attempt;         /* to connect, since it was lost    */
	unsigned unconfirmed;     /* subscriptions, while SUBSCRIBING */
	int said;                 /* the cause that was logged last   */
	bool quiet;               /* see redis_quiet()                */
	enum redis_conn state;
	bool subscriber;
	bool stalled;             /* the last sweep was late, and judged nothing */
};

/* ---- redis.c */

/** True if the owner has let go: the caller's own reference is the last. */
bool redis_abandoned(const struct redis *r);

/** The connection is no more: answer what is pending, connect again.  While it
 * is up the caller holds a reference, exactly one. */
void redis_lost(struct redis *r, int err);

/** Greeted, and every channel confirmed. */
void redis_now_up(struct redis *r);

/* ---- redis_command.c */

/** Send a command in any state. */
int redis_send(struct redis *r, redis_reply_h *h, void *arg, int argc,
	       const char **argv, const size_t *lenv);

/** A reply came: to the oldest command, or for a subscriber. */
void redis_replied(struct redis *r, const redisReply *reply);

/** Answer each outstanding command; handlers may send new ones (which fail,
 * we are not up) or let go of us. */
void redis_fail_commands(struct redis *r, int err);

/** Is an error reply one of a server that is not well: it would do the same
 * command at another time, or another server would? */
bool redis_is_refusal(const redisReply *reply);

/** See to it that deadlines are looked at, if there are any. */
void redis_sweep_later(struct redis *r);

/* ---- redis_subscribe.c */

/** Send a subscriber's command; it has no reply of its own. */
int redis_send_plain(struct redis *r, const char *name, const char *channel);

/** What a subscriber hears: messages, and confirmations of its own. */
void redis_published(struct redis *r, const redisReply *reply);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The bus: motion between processes, over Redis pub/sub, one Envelope a
 * message.  It may lose; so a request has an id, a deadline, a reply and one
 * retry at half of its deadline, and a receiver remembers the ids of the last
 * 30 s with their replies: a retry is answered again, never done twice.
 *
 * Channels
 *   sy:bus:member:<id>     commands to one process
 *   sy:bus:reply:<ulid>    replies to one process (a new name at each start)
 *   sy:bus:members         heartbeats
 *   sy:bus:config          ConfigChanged
 *   sy:bus:events          Event, live
 *   sy:bus:regs            Registration that has lost contacts, to routers
 *   sy:bus:guard           BanChanged, to routers
 *   sy:bus:trunks          TrunkState
 *   sy:bus:accounts        AccountsChanged, to gateways
 *   sy:bus:subs            Subscription, resource_changed, to routers
 */

#ifndef SY_PROTO_BUS_H
#define SY_PROTO_BUS_H

#include "proto/redis.h"
#include "proto/schema.h"

struct bus;
struct bus_request; /* a request received, not yet answered */

#define BUS_CHANNEL_MEMBER "sy:bus:member:"
#define BUS_CHANNEL_REPLY "sy:bus:reply:"
#define BUS_CHANNEL_MEMBERS "sy:bus:members"
#define BUS_CHANNEL_CONFIG "sy:bus:config"
#define BUS_CHANNEL_EVENTS "sy:bus:events"
#define BUS_CHANNEL_REGS "sy:bus:regs"
#define BUS_CHANNEL_GUARD "sy:bus:guard"
#define BUS_CHANNEL_TRUNKS "sy:bus:trunks"
#define BUS_CHANNEL_SUBS "sy:bus:subs"
#define BUS_CHANNEL_ACCOUNTS "sy:bus:accounts"

enum {
	BUS_DEADLINE_MS = 2000,
	BUS_REMEMBER_MS = 30000,
};

/**
 * The outcome of a request, called exactly once.
 *
 * @param res  The reply; borrowed for the call; never NULL: when there is
 *             none, its code is TIMED_OUT, NO_SUBSCRIBER or UNAVAILABLE (no
 *             Redis), and its error says so.
 */
typedef void(bus_result_h)(const Sy__Result *res, void *arg);

/**
 * A command for us.  Answer it by bus_reply(), now or later.
 *
 * @param req  Owned by the handler from here on: bus_reply() takes it.
 * @param env  The command; borrowed for the call.
 */
typedef void(bus_command_h)(struct bus_request *req, const Sy__Envelope *env,
			    void *arg);

/** A message on a channel that was listened to; borrowed for the call. */
typedef void(bus_message_h)(const Sy__Envelope *env, void *arg);

struct bus_conf {
	struct loop *loop;      /* borrowed, outlives the bus             */
	const char *url;        /* of Redis                               */
	const char *id;         /* member id; names our command channel;
				   NULL: send requests only               */
	bus_command_h *commandh; /* NULL: takes no commands               */
	redis_state_h *stateh;  /* both connections up, or one lost       */
	void *arg;
	bool quiet;             /* another bus of this process says in the log
				   that Redis cannot be reached           */
};

/** Open a bus: one connection for commands, one for subscriptions. */
int bus_alloc(struct bus **bp, const struct bus_conf *conf);

/** The connection for commands, for the store; borrowed. */
struct redis *bus_redis(const struct bus *b);

/** True while both connections are up and subscribed. */
bool bus_is_up(const struct bus *b);

/**
 * Send a command and await its Result.
 *
 * @param channel      Where to.
 * @param env          Body; id, reply_to, deadline_ms and from are set here.
 *                     Borrowed for the call.
 * @param deadline_ms  0: BUS_DEADLINE_MS.
 * @param h            Called once, never from within this call.
 *
 * @return 0, ENOMEM.  (No Redis is a Result, not an error.)
 */
int bus_request(struct bus *b, const char *channel, Sy__Envelope *env,
		uint32_t deadline_ms, bus_result_h *h, void *arg);

/** bus_request() to the command channel of a member. */
int bus_request_member(struct bus *b, const char *member, Sy__Envelope *env,
		       uint32_t deadline_ms, bus_result_h *h, void *arg);

/**
 * Answer a command.
 *
 * @param req  Taken: freed here.
 * @param res  Borrowed for the call; kept in packed form for a retry.
 */
void bus_reply(struct bus_request *req, const Sy__Result *res);

/** Shorthand: a Result of code and text (printf). */
void bus_replyf(struct bus_request *req, Sy__ResultCode code, const char *fmt,
		...) __attribute__((format(printf, 3, 4)));

/** Send without a reply, also a command to a member's channel.  Lost when
 * Redis is away. @return 0 or ENOTCONN. */
int bus_publish(struct bus *b, const char *channel, Sy__Envelope *env);

/** Listen to a channel. */
int bus_listen(struct bus *b, const char *channel, bus_message_h *h,
	       void *arg);

/** Undo bus_listen(); also from within its handler. */
void bus_unlisten(struct bus *b, const char *channel);

#endif

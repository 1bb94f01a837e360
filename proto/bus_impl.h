/* SPDX-License-Identifier: MIT */
/*
 * What the files of the bus share; nobody else includes it.
 *
 *   bus.c          the connections, channels that are listened to, publishing
 *   bus_request.c  requests of ours, that await their Result
 *   bus_command.c  commands of others, remembered with our Result
 */

#ifndef SY_PROTO_BUS_IMPL_H
#define SY_PROTO_BUS_IMPL_H

#include <re.h>
#include "proto/bus.h"
#include "proto/loop.h"
#include "proto/ulid.h"

enum {
	BUS_SWEEP_MS = 20,    /* grain of deadlines and retries            */
	BUS_FORGET_MS = 1000, /* grain of what is remembered               */
};

struct bus {
	struct loop *loop;
	struct redis *cmd, *sub;
	struct hash *pending; /* bus_request.c: by id                      */
	struct hash *seen;    /* bus_command.c: by id                      */
	struct list seenl;    /* ... oldest first                          */
	struct list listenl;
	struct loop_timer *sweep;
	bus_command_h *commandh;
	redis_state_h *stateh;
	void *arg;
	char *id;
	char reply_channel[sizeof(BUS_CHANNEL_REPLY) + ULID_LEN];
	uint32_t pendingc, seenc;
	uint32_t sweep_ms;   /* what the sweep was started with; 0: is not */
	bool loaded; /* the scripts, on this connection */
	bool up;
};

/** Packed, owned by the caller; NULL: no memory. */
uint8_t *bus_pack(const Sy__Envelope *env, size_t *lenp);

/** PUBLISH what is packed. @return as redis_command() */
int bus_send(struct bus *b, const char *channel, const uint8_t *p, size_t len,
	     redis_reply_h *h, void *arg);

/** One timer for all that waits; with nothing to look at, none. */
void bus_sweep_within(struct bus *b, uint32_t ms);

/** A Result came: whose request it is for is told, if it still waits. */
void bus_request_result(struct bus *b, const char *id, const Sy__Result *res);

/** Retries, and requests whose time is over; stops when a handler has let go
 * of the bus but for the caller's reference. */
void bus_request_sweep(struct bus *b);

/** A command for us: a retry is answered again, never done twice. */
void bus_command_take(struct bus *b, const Sy__Envelope *env);

/** What is remembered long enough. */
void bus_command_forget(struct bus *b, uint64_t now_us);

/** The bus goes: commands that are at work outlive it, and reply to nobody. */
void bus_command_close(struct bus *b);

#endif

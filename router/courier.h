/* SPDX-License-Identifier: MIT */
/*
 * A MESSAGE is brought to devices: to each contact by its flow, as a request
 * of our own (uac.h), to a browser page by the bus, through its gateway; or to
 * a trunk, whose challenge is answered.  Who sent it hears the best of what they
 * say.
 *
 *   courier_start --> bindings of each device (Redis) --> a MESSAGE each
 *   courier_bring          |  none: 480                     |
 *                          |  no answer: 503                v
 *   200, 202 as soon as one phone has taken it <----- answers, 8 s at most
 *   else what they say; 480 where nobody could be reached
 *
 * What was answered is remembered for COURIER_KEEP_MS: a copy of the request is
 * answered again, and not brought twice.  At another thread or router it would
 * be.  One thread's; bounded.
 */

#ifndef SY_ROUTER_COURIER_H
#define SY_ROUTER_COURIER_H

#include "proto/schema.h"
#include "router/msg.h"

struct couriers;

enum {
	COURIER_DEVICES_MAX = 100,
	COURIER_BYTES_MAX = 1300, /* of what we send: RFC 3428 8           */
	COURIER_MAX = 2000,       /* of a thread                           */
	COURIER_KEEP_MS = 32000,  /* 64 * T1                               */
	COURIER_WAIT_MS = 8000,   /* for a phone's answer                  */
};

/** What is to be brought; borrowed for the call. */
struct courier_conf {
	const char *devicev[COURIER_DEVICES_MAX];
	size_t devicec;
	const char *from_user, *from_name;
	const char *to_user;
	const Sy__Trunk *trunk; /* it goes out by this one, to to_user as a
				   number; no devices then. NULL: to devices */
	const Sy__Device *device; /* ... and this one writes              */
	uint8_t hops;          /* Max-Forwards of what is sent             */
};

/** The table of a thread. @param tp  Owned by the caller. */
int couriers_alloc(struct couriers **tp, struct worker *w);

/** Was this very request seen before?  Then it was dealt with. */
bool courier_again(struct msg *m);

/** Bring the message of a request; it is answered now or later. */
void courier_start(struct msg *m, const struct courier_conf *conf);

/** @param code    As a SIP response has it.
 * @param phrase  Borrowed for the call; "": that of the code. */
typedef void(courier_h)(uint16_t code, const char *phrase, void *arg);

/**
 * Bring a text that came by the bus.
 *
 * @param text  UTF-8; copied.
 * @param h     Called once, later; unless the thread ends before.
 *
 * @return 0, EMSGSIZE, ENOBUFS (too many are under way), ENOTCONN (Redis is
 *         away), ENOMEM: h is not called.
 */
int courier_bring(struct worker *w, const struct courier_conf *conf,
		  const char *text, courier_h *h, void *arg);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Webhooks: events are sent to servers of others, signed.  One gateway has
 * the lease to do it, another takes over within seconds of its death.  What is
 * to be sent is written down before anything is sent, with the place in the
 * stream of events: each delivery comes at least once.
 *
 * All on the loop's thread.
 */

#ifndef SY_GATEWAY_HOOK_HOOK_H
#define SY_GATEWAY_HOOK_HOOK_H

#include <stdbool.h>

#include "proto/schema.h"

struct account;
struct hooks;
struct loop;
struct uv_loop_s;

struct hooks_conf {
	struct loop *loop;        /* borrowed, as the next three          */
	struct uv_loop_s *uv;
	struct account *account;
	const char *id;           /* of this gateway                      */
	bool loopback;            /* this machine may be sent to          */
};

/** @param hp  Owned by the caller. */
int hooks_alloc(struct hooks **hp, const struct hooks_conf *conf);

/** A new delivery of an event. @param event_id  "": a test.
 * @return owned by the caller (sy__webhook_delivery__free_unpacked); NULL: no
 * memory. */
Sy__WebhookDelivery *hook_delivery(const char *webhook_id,
				   const char *event_id, const Sy__Event *ev);

/** Does a webhook want events of this type? */
bool hook_wants(const Sy__WebhookRecord *w, Sy__EventType type);

/**
 * "t=1700000000,v1=HEX": HMAC-SHA256 over t, a dot, and the body.
 *
 * @param text  HOOK_SIGNATURE_SIZE bytes.
 */
enum { HOOK_SIGNATURE_SIZE = 96 };
int hook_sign(char *text, const char *secret, uint64_t now_s,
	      const void *body, size_t len);

#endif

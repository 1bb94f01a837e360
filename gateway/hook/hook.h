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
#include <stddef.h>
#include <stdint.h>

#include "proto/schema.h"

struct account;
struct hooks;
struct loop;
struct token_key;
struct uv_loop_s;

struct hooks_conf {
	struct loop *loop;        /* borrowed, as the next three          */
	struct uv_loop_s *uv;
	struct account *account;
	const char *id;           /* of this gateway                      */
	const struct token_key *key; /* of the cluster; borrowed; or NULL */
	bool loopback;            /* this machine may be sent to          */
};

/** @param hp  Owned by the caller. */
int hooks_alloc(struct hooks **hp, const struct hooks_conf *conf);

/** A new delivery of an event. @param event_id  "": a test.
 * @return owned by the caller (sy__webhook_delivery__free_unpacked); NULL: no
 * memory. */
Sy__WebhookDelivery *hook_delivery(const char *webhook_id,
				   const char *event_id, const Sy__Event *ev);

/**
 * Seal the key of a webhook's signatures.
 *
 * @param out  strlen(secret) + SEAL_EXTRA_BYTES bytes.
 * @param key  Of the cluster; borrowed.
 * @param id   Of the webhook.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int hook_secret_seal(uint8_t *out, const struct token_key *key,
		     const char *id, const char *secret);

enum { HOOK_SECRET_SIZE = 128, HOOK_SEALED_MAX = 192 };

/**
 * Seal the secret of a record that has it as it is, for the cluster had no key
 * then.
 *
 * @param buf  Room for the seal; the record borrows it.
 * @param key  Of the cluster; borrowed; NULL: the record stays as it is.
 * @param w    Has its id.  Its secret is "" then, and is not freed here.
 *
 * @return 0 (also where nothing is plain), EINVAL (too long), ENOMEM.
 */
int hook_record_seal(uint8_t buf[HOOK_SEALED_MAX], const struct token_key *key,
		     Sy__WebhookRecord *w);

/**
 * The key of its signatures; plain where it was made without a cluster key.
 *
 * @param secret  Set, never to ""; wipe it after use.
 * @param key     Borrowed; NULL: none.
 *
 * @return 0, ENOENT (it has none), ENOKEY (it is sealed, and there is no key),
 *         EBADMSG (sealed under another key, or for another webhook), ENOMEM.
 */
int hook_secret_open(char secret[HOOK_SECRET_SIZE],
		     const struct token_key *key, const Sy__WebhookRecord *w);

/** Why nothing can be signed. @param err  Of hook_secret_open().
 * @return static; NULL: it can, or may the next time. */
const char *hook_secret_why(int err);

enum { HOOK_GIVE_UP_MS = 24 * 3600 * 1000 };

/**
 * How long a delivery waits after it was tried: 2, 4, 8 s ... an hour, and up
 * to a fifth more, so that those of one failure do not all come back at once.
 *
 * @param attempts  So far, at least 1.
 * @param rnd       Random.
 */
uint64_t hook_wait_ms(uint32_t attempts, uint16_t rnd);

/** Does a webhook want events of this type? */
bool hook_wants(const Sy__WebhookRecord *w, Sy__EventType type);

enum { HOOK_SIGNATURE_SIZE = 96 };

/**
 * "t=1700000000,v1=HEX": HMAC-SHA256 over t, a dot, and the body.
 *
 * @param text  HOOK_SIGNATURE_SIZE bytes.
 */
int hook_sign(char *text, const char *secret, uint64_t now_s,
	      const void *body, size_t len);

#endif

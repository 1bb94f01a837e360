/* SPDX-License-Identifier: MIT */
/*
 * The directory: users, lasting tokens and webhooks, all of them in memory,
 * as Redis has them.  Each is changed by one script, which fences by the
 * record's revision, and announced to all gateways.  A Redis that has lost
 * them gets them back from a gateway.
 *
 *   sy:{acct}           hash  revision; again: it was given back, or made by
 *                             a start
 *   sy:{acct}:users     hash  id -> "revision mark\nUserRecord"
 *   sy:{acct}:tokens    hash  likewise, ApiToken
 *   sy:{acct}:webhooks  hash  likewise, WebhookRecord
 *
 * All on the loop's thread.
 */

#ifndef SY_GATEWAY_ACCOUNT_DIRECTORY_H
#define SY_GATEWAY_ACCOUNT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bus.h"

struct directory;
struct loop;

enum directory_section {
	DIRECTORY_USERS,
	DIRECTORY_TOKENS,
	DIRECTORY_WEBHOOKS,
	DIRECTORY_SECTIONS,
};

enum {
	DIRECTORY_USERS_MAX = 10000,
	DIRECTORY_TOKENS_MAX = 10000,
	DIRECTORY_WEBHOOKS_MAX = 100,
};

/** One record.  Borrowed until the loop's next turn. */
struct directory_entry {
	char *id;
	uint64_t revision;      /* when it was written last               */
	ProtobufCMessage *msg;  /* Sy__UserRecord, Sy__ApiToken ...       */
	char mark;              /* 'A': an administrator                  */
};

/** Called when something has changed, or is known for the first time. */
typedef void(directory_h)(void *arg);

/** Called for each ticket that ended by will, at any gateway. */
typedef void(directory_ended_h)(const char *ticket, void *arg);

struct directory_conf {
	struct loop *loop;          /* borrowed                           */
	struct bus *bus;            /* borrowed; listened to for ever     */
	directory_h *changedh;      /* or NULL                            */
	directory_ended_h *endedh;  /* or NULL                            */
	directory_h *losth;         /* or NULL: Redis has lost what it had */
	void *arg;
};

/** @param dp  Set on success; owned by the caller. */
int directory_alloc(struct directory **dp, const struct directory_conf *conf);

/** It was read once, or there is none yet.  Before, nobody is known. */
bool directory_is_loaded(const struct directory *d);

/** Redis has been there for some seconds, and has what it is to have: what is
 * missing there is missing. */
bool directory_is_settled(const struct directory *d);

/** Nobody and nothing was ever written into it. */
bool directory_is_empty(const struct directory *d);

uint64_t directory_revision(const struct directory *d);

/** @return NULL: there is none of that id. */
const struct directory_entry *directory_find(const struct directory *d,
					     enum directory_section section,
					     const char *id);

/** All of a section by ascending id. @param np  Set to their number. */
const struct directory_entry *directory_list(const struct directory *d,
					     enum directory_section section,
					     size_t *np);

/** A user, or NULL. */
const Sy__UserRecord *directory_user(const struct directory *d,
				     const char *id);

/** The lasting token of this SHA-256, or NULL. */
const Sy__ApiToken *directory_token(const struct directory *d,
				    const uint8_t hash[32]);

/** A token is used. @return true if that is to be noted: once a minute. */
bool directory_token_used(struct directory *d, const uint8_t hash[32]);

/**
 * The outcome of a change.
 *
 * @param err  0; EEXIST; ENOENT; ESTALE (it changed meanwhile: read again);
 *             ENOSPC (there are as many as may be, or, of the first, some);
 *             EPERM (the last administrator must stay); else of Redis.
 */
typedef void(directory_put_h)(int err, void *arg);

struct directory_put {
	enum directory_section section;
	const char *id;
	const ProtobufCMessage *msg; /* NULL: remove it                   */
	uint64_t revision;           /* of the record; 0: a new one       */
	bool first;                  /* only where nothing ever was       */
};

/**
 * Change one record.  This gateway's directory has it a moment after the
 * handler was called, see directory_look().
 *
 * @param put  Borrowed for the call.
 */
int directory_put(struct directory *d, const struct directory_put *put,
		  directory_put_h *h, void *arg);

/** Tell all gateways, this one too, that tickets hold no more. */
void directory_end(struct directory *d, char *const *idv, size_t n);

#endif

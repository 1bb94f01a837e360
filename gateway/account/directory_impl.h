/* SPDX-License-Identifier: MIT */
/* What the files of the directory share; nobody else includes it. */

#ifndef SY_GATEWAY_ACCOUNT_DIRECTORY_IMPL_H
#define SY_GATEWAY_ACCOUNT_DIRECTORY_IMPL_H

#include <re.h>

#include "gateway/account/directory.h"

struct redisReply;

#define DIRECTORY_KEYS                                                        \
	"sy:{acct}", "sy:{acct}:users", "sy:{acct}:tokens",                   \
	"sy:{acct}:webhooks"

enum { DIRECTORY_KEYC = 1 + DIRECTORY_SECTIONS };

struct directory_hash {
	uint8_t md[32];
	const Sy__ApiToken *token;
	uint64_t used_us;       /* when that was noted                    */
};

/* As once loaded. */
struct directory_state {
	uint64_t revision;      /* 0: there was nothing                   */
	struct directory_entry *entryv[DIRECTORY_SECTIONS]; /* by id      */
	size_t countv[DIRECTORY_SECTIONS];
	struct directory_hash *hashv;  /* of the tokens, ascending        */
	size_t hashc;
};

struct directory {
	struct directory_conf conf;
	struct loop *loop;      /* borrowed */
	struct bus *bus;        /* borrowed */
	struct directory_state *now;
	struct directory_state *old; /* until the next load: may be borrowed */
	struct look *look;      /* NULL: none under way                   */
	struct loop_timer *timer;
	struct loop_timer *give; /* NULL: Redis has what we have          */
	struct list putl;       /* changes not yet answered               */
	uint64_t looks;         /* started                                */
	uint64_t looked_us;     /* when the last look started             */
	uint64_t up_us;         /* since when the bus is up               */
	bool was_up;
	bool again;             /* changed while a look was under way     */
};

/** Read the reply of acct_get.lua; of no elements: of nothing.
 * @param sp  Owned by the caller. */
int directory_state_read(struct directory_state **sp,
			 const struct redisReply *r);

struct directory_hash *directory_state_hash(const struct directory_state *s,
					    const uint8_t hash[32]);

/** Look now, or once more after the look under way. @return its number. */
uint64_t directory_look(struct directory *d);

/** Give Redis what we have. */
int directory_give(struct directory *d);

/** The look of number d->looks has ended. */
void directory_puts_looked(struct directory *d);

/** The directory goes: nobody will be called. */
void directory_puts_drop(struct directory *d);

#endif

/* SPDX-License-Identifier: MIT */
/* Tries of passwords: see backoff.h. */

#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "gateway/account/backoff.h"
#include "proto/script.h"
#include "proto/store_guard.h"

#define KEY "sy:{acct}:try:"

enum { KEYS = 3, KEY_SIZE = 256, USER_MAX = 64 };

/* Of the user from there, of the user, of the source: free tries, first wait
 * and longest wait [ms], and how long that is remembered.  One source cannot
 * lock a user out for others: his own waits are short. */
#define LIMITS "5", "1000", "900000", "20", "1000", "10000", "50", "1000",    \
	       "60000", "3600000"

struct keys {
	char v[KEYS][KEY_SIZE];
	const char *argv[KEYS];
};

struct asking {
	backoff_h *h;
	void *arg;
};

/* Names are as long as somebody likes; of too long ones there is no user. */
static void fill(struct keys *k, const char *user, const char *peer)
{
	char source[STORE_BAN_SOURCE_SIZE] = "?", name[USER_MAX + 1];
	struct sa sa;

	if (!sa_decode(&sa, peer, strlen(peer)))
		store_ban_source(source, &sa);
	str_ncpy(name, user, sizeof(name));
	(void)re_snprintf(k->v[0], KEY_SIZE, KEY "b:%s:%s", source, name);
	(void)re_snprintf(k->v[1], KEY_SIZE, KEY "u:%s", name);
	(void)re_snprintf(k->v[2], KEY_SIZE, KEY "s:%s", source);
	for (size_t i = 0; i < KEYS; i++)
		k->argv[i] = k->v[i];
}

static void try_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;
	uint64_t wait_ms = 0;

	if (!err && (r->type != REDIS_REPLY_ARRAY || r->elements != 1 ||
		     r->element[0]->type != REDIS_REPLY_INTEGER))
		err = EBADMSG;
	if (!err && r->element[0]->integer > 0)
		wait_ms = (uint64_t)r->element[0]->integer;
	q->h(err, wait_ms, q->arg);
	mem_deref(q);
}

int backoff_try(struct redis *r, const char *user, const char *peer,
		backoff_h *h, void *arg)
{
	struct keys k;
	struct asking *q;
	int err;

	if (!r || !user || !peer || !h)
		return EINVAL;
	q = mem_alloc(sizeof(*q), NULL);
	if (!q)
		return ENOMEM;
	q->h = h;
	q->arg = arg;
	fill(&k, user, peer);
	const char *argv[] = {k.argv[0], k.argv[1], k.argv[2], LIMITS};

	err = script_run_owned(r, SCRIPT_ACCT_TRY, 0, try_handler, q, KEYS,
			       ARRAY_SIZE(argv), argv, NULL);
	if (err)
		mem_deref(q);

	return err;
}

int backoff_forget(struct redis *r, const char *user, const char *peer)
{
	struct keys k;

	fill(&k, user, peer);

	return script_run(r, SCRIPT_ACCT_TRIED, 0, NULL, NULL, KEYS, KEYS,
			  k.argv, NULL);
}

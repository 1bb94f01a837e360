/* SPDX-License-Identifier: MIT */
/*
 * Who is banned.
 *
 *   wrong passwords of one user from one address: that user, from there
 *   ... of several users:                         the address
 *   a scanner's User-Agent, users that do not exist: the address
 *
 * So a phone with an old password, that tries every minute, is held off, and
 * its office goes on.  A request without a password never counts as a failure.
 * Over UDP whoever forges an address can make it look like a scanner's: a
 * known address is banned for wrong passwords only, which takes a nonce that
 * was sent to it.
 */

#include <errno.h>
#include <string.h>
#include <strings.h>
#include "router/guard_impl.h"

enum { DOUBLINGS_MAX = 30 };

static const char *const names[GUARD_REASON_COUNT] = {
	[GUARD_PASSWORD] = "password",
	[GUARD_SCANNER] = "scanner",
	[GUARD_PROBE] = "probe",
	[GUARD_MANUAL] = "manual",
};

const char *guard_reason_name(enum guard_reason reason)
{
	return names[reason];
}

enum guard_reason guard_reason_read(const char *name)
{
	unsigned i = 0;

	while (i < GUARD_MANUAL && strcmp(names[i], name))
		++i;

	return (enum guard_reason)i;
}

/* Here and now; the cluster may make it longer. */
static void ban(struct guard *g, struct guard_entry *e,
		const struct guard_ban *what, uint64_t now_ms)
{
	const unsigned n = e->bans < DOUBLINGS_MAX ? e->bans : DOUBLINGS_MAX;
	const uint64_t ms = g->rules.ban_ms << n;
	struct guard_ban b = *what;

	if (e->until_ms > now_ms)
		return;
	e->until_ms =
		now_ms + (ms < g->rules.ban_max_ms ? ms : g->rules.ban_max_ms);
	e->bans += e->bans < UINT8_MAX;
	e->shared = false;
	b.first_ms = g->rules.ban_ms;
	b.max_ms = g->rules.ban_max_ms;
	g->banh(&b, g->arg);
}

bool guard_scanner(struct guard *g, const struct sa *from,
		   const struct pl *agent, uint64_t now_ms)
{
	const struct guard_ban b = {
		.source = from,
		.agent = *agent,
		.reason = GUARD_SCANNER,
	};
	struct guard_entry *e;
	size_t i;

	for (i = 0; i < g->rules.agentc; i++) {
		const size_t len = strlen(g->rules.agentv[i]);

		if (agent->l >= len &&
		    !strncasecmp(agent->p, g->rules.agentv[i], len))
			break;
	}
	if (i == g->rules.agentc)
		return false;
	e = guard_source(g, from, now_ms);
	if (guard_is_exempt(g, e, from))
		return false;
	if (!guard_is_known(e, now_ms))
		ban(g, e, &b, now_ms);

	return true;
}

/* ------------------------------------------------------------- guesses */

static void user_key(const struct guard *g, struct guard_key *key,
		     const struct sa *from, const struct pl *user)
{
	guard_key_source(key, from);
	key->kind = GUARD_USER;
	key->name = guard_hash(g->table, user->p, user->l);
}

bool guard_user_is_banned(struct guard *g, const struct sa *from,
			  const struct pl *user, uint64_t now_ms)
{
	const struct guard_entry *e;
	struct guard_key key;

	user_key(g, &key, from, user);
	e = guard_table_find(g->table, &key);
	if (!e || e->until_ms <= now_ms)
		return false;

	return !guard_is_exempt(g, guard_source(g, from, now_ms), from);
}

static void open_window(struct guard_entry *src, uint64_t now_ms)
{
	if (src->window_ms && now_ms - src->window_ms < GUARD_WINDOW_MS)
		return;
	src->window_ms = now_ms;
	src->guessed = src->probed = 0;
}

void guard_failed(struct guard *g, const struct sa *from,
		  const struct pl *user, uint64_t now_ms)
{
	struct guard_ban b = {.source = from, .reason = GUARD_PASSWORD};
	struct guard_entry *src = guard_source(g, from, now_ms), *e;
	uint64_t window_ms;
	struct guard_key key;
	bool first, empty;

	if (guard_is_exempt(g, src, from))
		return;
	open_window(src, now_ms);
	window_ms = src->window_ms;
	user_key(g, &key, from, user);
	e = guard_table_get(g->table, &key, now_ms);
	first = e->guessed_ms < window_ms;
	e->guessed_ms = now_ms;
	(void)bucket_take(&e->tries, &g->rules.tries, now_ms);
	empty = bucket_is_empty(&e->tries, &g->rules.tries, now_ms);
	if (empty) {
		b.user = *user;
		ban(g, e, &b, now_ms);
	}

	src = guard_source(g, from, now_ms); /* it may have moved */
	src->guessed += first;
	if (src->guessed >= g->rules.users * (guard_is_known(src, now_ms)
						      ? GUARD_KNOWN_FACTOR
						      : 1)) {
		b.user = pl_null;
		src->guessed = 0;
		src->window_ms = 0;
		ban(g, src, &b, now_ms);
	}
}

void guard_probe(struct guard *g, const struct sa *from,
		 const struct pl *user, uint64_t now_ms)
{
	const struct guard_ban b = {.source = from, .reason = GUARD_PROBE};
	struct guard_entry *src = guard_source(g, from, now_ms), *e;
	uint64_t window_ms;
	struct guard_key key;
	bool first;

	if (guard_is_exempt(g, src, from) || guard_is_known(src, now_ms))
		return;
	open_window(src, now_ms);
	window_ms = src->window_ms;
	user_key(g, &key, from, user);
	e = guard_table_get(g->table, &key, now_ms);
	first = e->probed_ms < window_ms;
	e->probed_ms = now_ms;
	src = guard_source(g, from, now_ms);
	src->probed += first;
	if (src->probed >= GUARD_PROBES)
		ban(g, src, &b, now_ms);
}

/* ------------------------------------------------------ bans of others */

static int key_of(const struct guard *g, struct guard_key *key,
		  const char *source, const char *user)
{
	struct sa sa;
	struct pl pl;

	if (sa_set_str(&sa, source, 0))
		return EINVAL;
	pl_set_str(&pl, user);
	if (*user)
		user_key(g, key, &sa, &pl);
	else
		guard_key_source(key, &sa);

	return 0;
}

void guard_set(struct guard *g, const struct guard_shared *shared,
	       uint64_t now_ms)
{
	struct guard_entry *e;
	struct guard_key key;

	if (key_of(g, &key, shared->source, shared->user))
		return;
	e = guard_table_get(g->table, &key, now_ms);
	e->round = g->round;
	e->shared = true;
	if ((shared->reason == GUARD_SCANNER ||
	     shared->reason == GUARD_PROBE) &&
	    key.kind == GUARD_SOURCE && guard_is_known(e, now_ms))
		return;
	e->until_ms = now_ms + shared->left_ms;
	e->bans = (uint8_t)(shared->count < UINT8_MAX ? shared->count
						      : UINT8_MAX);
}

static void forget(struct guard_entry *e)
{
	e->until_ms = 0;
	e->shared = false;
	e->bans = 0;
	e->window_ms = 0;
	e->guessed = e->probed = 0;
	e->guessed_ms = e->probed_ms = 0;
	if (e->key.kind == GUARD_USER)
		memset(&e->tries, 0, sizeof(e->tries));
}

struct lifting {
	struct guard_key key;
};

static void lift_users(struct guard_entry *e, void *arg)
{
	const struct lifting *l = arg;

	if (e->key.kind != GUARD_ACCOUNT &&
	    !memcmp(e->key.addr, l->key.addr, sizeof(e->key.addr)))
		forget(e);
}

void guard_lift(struct guard *g, const char *source, const char *user)
{
	struct guard_entry *e;
	struct lifting l;

	if (key_of(g, &l.key, source, user))
		return;
	if (!*user) {
		guard_table_apply(g->table, lift_users, &l);
		return;
	}
	e = guard_table_find(g->table, &l.key);
	if (e)
		forget(e);
}

void guard_list_begin(struct guard *g)
{
	++g->round;
}

static void drop_absent(struct guard_entry *e, void *arg)
{
	const struct guard *g = arg;

	if (e->shared && e->round != g->round)
		forget(e);
}

void guard_list_end(struct guard *g)
{
	guard_table_apply(g->table, drop_absent, g);
}

/* SPDX-License-Identifier: MIT */
/*
 * The directory: see directory.h.  It looks at Redis when the bus tells of a
 * change, when the bus came up (again), after an own change, and by its own
 * timer, since a message may be lost.  A look reads all in one atomic step, or
 * nothing when the revision is the same.
 *
 * What it had last it keeps, whatever happens to Redis.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "gateway/account/directory_impl.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/random.h"
#include "proto/script.h"

enum {
	TICK_MS = 50,     /* how soon a bus that came up is noticed         */
	LOOK_MS = 2000,   /* between looks, should a message be lost        */
	LOAD_DEADLINE_MS = 10000,
	GIVE_MS = 300,    /* within which what Redis lost is given back     */
	NOTE_US = 60 * 1000000, /* between notes that a token is used       */
	SETTLE_US = 5 * 1000000, /* that takes no longer, with all else     */
};

/* A look under way; outlives the directory if need be. */
struct look {
	struct directory *d;   /* NULL: it is gone */
};

static void look(struct directory *d, bool whole);

static void destructor(void *arg)
{
	struct directory *d = arg;

	bus_unlisten(d->bus, BUS_CHANNEL_ACCOUNTS);
	if (d->look)
		d->look->d = NULL;
	directory_puts_drop(d);
	mem_deref(d->timer);
	mem_deref(d->give);
	mem_deref(d->now);
	mem_deref(d->old);
}

/* ----------------------------------------------------------------- loading */

static bool is_shape(const redisReply *r)
{
	if (r->type != REDIS_REPLY_ARRAY ||
	    (r->elements > 1 && r->elements != DIRECTORY_SECTIONS + 2))
		return false;
	for (size_t i = 0; i < r->elements; i++) {
		const int want = i < 2 ? REDIS_REPLY_STRING
				       : REDIS_REPLY_ARRAY;

		if (r->element[i]->type != want)
			return false;
	}

	return true;
}

static void give_handler(void *arg)
{
	struct directory *d = arg;

	d->give = mem_deref(d->give);
	log_warn("Redis has lost the accounts: it gets ours",
		 LOG_U("revision", d->now->revision));
	(void)directory_give(d);
	if (d->conf.losth)
		d->conf.losth(d->conf.arg);
}

static void give_later(struct directory *d)
{
	uint16_t rnd;

	if (d->give)
		return;
	random_bytes(&rnd, sizeof(rnd));
	(void)loop_timer_start(&d->give, d->loop, rnd % GIVE_MS, give_handler,
			       d);
}

/* Lost, or less that somebody remembered or a start has made? */
static bool is_lost(const struct directory *d, const redisReply *r)
{
	if (!d->now || !d->now->revision)
		return false;
	if (!r->elements)
		return true;

	return r->elements > 1 && r->element[1]->len && d->now->revision >
	       strtoull(r->element[0]->str, NULL, 10);
}

static int load(struct directory *d, const redisReply *r)
{
	struct directory_state *s;
	int err;

	if (!is_shape(r))
		return EBADMSG;
	if (is_lost(d, r)) {
		give_later(d);
		return 0;
	}
	d->give = mem_deref(d->give);
	/* Another gateway was faster. */
	if (r->elements > 1 && r->element[1]->len && d->now &&
	    !directory_is_settled(d) && d->conf.losth)
		d->conf.losth(d->conf.arg);
	if (r->elements == 1 || (!r->elements && d->now))
		return 0; /* what we have */

	err = directory_state_read(&s, r);
	if (err)
		return err;
	mem_deref(d->old);
	d->old = d->now;
	d->now = s;
	log_debug("accounts loaded", LOG_U("revision", s->revision),
		  LOG_U("users", s->countv[DIRECTORY_USERS]),
		  LOG_U("tokens", s->countv[DIRECTORY_TOKENS]));
	if (d->conf.changedh)
		d->conf.changedh(d->conf.arg);

	return 0;
}

static void look_handler(int err, const redisReply *reply, void *arg)
{
	struct look *l = arg;
	struct directory *d = l->d;

	if (!d) {
		mem_deref(l);
		return;
	}

	d->look = NULL;
	mem_deref(l);
	mem_ref(d); /* a handler may let go of us */
	if (!err)
		err = load(d, reply);
	if (err)
		log_warn("accounts not loaded", LOG_E(err));
	directory_puts_looked(d);
	if (d->again && mem_nrefs(d) > 1)
		look(d, true);
	mem_deref(d);
}

static void look_destructor(void *arg)
{
	struct look *l = arg;

	if (l->d)
		l->d->look = NULL; /* the connection went first */
}

/* @param whole  Also if it is the revision that we have. */
static void look(struct directory *d, bool whole)
{
	const char *argv[] = {DIRECTORY_KEYS, NULL};
	char revision[24] = "";
	struct look *l;

	if (d->look) {
		d->again |= whole;
		return;
	}
	d->again = false;
	d->looked_us = loop_now_us();

	l = mem_zalloc(sizeof(*l), look_destructor);
	if (!l)
		return;
	if (d->now && !whole)
		(void)re_snprintf(revision, sizeof(revision), "%llu",
				  d->now->revision);
	argv[DIRECTORY_KEYC] = revision;

	if (script_run_owned(bus_redis(d->bus), SCRIPT_ACCT_GET,
			     LOAD_DEADLINE_MS, look_handler, l,
			     DIRECTORY_KEYC, DIRECTORY_KEYC + 1, argv, NULL)) {
		mem_deref(l);
		return; /* the timer tries again */
	}
	d->looks++;
	l->d = d;
	d->look = l;
}

uint64_t directory_look(struct directory *d)
{
	const uint64_t next = d->looks + 1;

	look(d, true);

	return next;
}

/* ------------------------------------------------------------------ events */

static void on_changed(const Sy__Envelope *env, void *arg)
{
	struct directory *d = arg;
	const Sy__AccountsChanged *c = env->accounts_changed;

	if (env->body_case != SY__ENVELOPE__BODY_ACCOUNTS_CHANGED)
		return;

	for (size_t i = 0; d->conf.endedh && i < c->n_ended; i++)
		d->conf.endedh(c->ended[i], d->conf.arg);
	if (c->revision && (!d->now || d->now->revision != c->revision))
		look(d, true);
}

static void on_tick(void *arg)
{
	struct directory *d = arg;
	const bool up = bus_is_up(d->bus);

	if (up && !d->was_up)
		d->up_us = loop_now_us();
	if (up && (!d->was_up ||
		   loop_now_us() - d->looked_us > LOOK_MS * 1000ull))
		look(d, !d->was_up);
	d->was_up = up;

	d->timer = mem_deref(d->timer);
	(void)loop_timer_start(&d->timer, d->loop, TICK_MS, on_tick, d);
}

int directory_alloc(struct directory **dp, const struct directory_conf *conf)
{
	struct directory *d;
	int err;

	if (!dp || !conf || !conf->loop || !conf->bus)
		return EINVAL;

	d = mem_zalloc(sizeof(*d), destructor);
	if (!d)
		return ENOMEM;

	d->conf = *conf;
	d->loop = conf->loop;
	d->bus = conf->bus;
	err = loop_timer_start(&d->timer, d->loop, 0, on_tick, d);
	if (!err)
		err = bus_listen(d->bus, BUS_CHANNEL_ACCOUNTS, on_changed, d);
	if (err)
		mem_deref(d);
	else
		*dp = d;

	return err;
}

/* ----------------------------------------------------------------- lookups */

bool directory_is_loaded(const struct directory *d)
{
	return d && d->now;
}

bool directory_is_settled(const struct directory *d)
{
	return d->was_up && bus_is_up(d->bus) && !d->give &&
	       loop_now_us() - d->up_us > SETTLE_US;
}

bool directory_is_empty(const struct directory *d)
{
	return directory_is_loaded(d) && !d->now->revision;
}

uint64_t directory_revision(const struct directory *d)
{
	return directory_is_loaded(d) ? d->now->revision : 0;
}

const struct directory_entry *directory_list(const struct directory *d,
					     enum directory_section section,
					     size_t *np)
{
	*np = directory_is_loaded(d) ? d->now->countv[section] : 0;

	return *np ? d->now->entryv[section] : NULL;
}

static int cmp_id(const void *id, const void *entry)
{
	return strcmp(id, ((const struct directory_entry *)entry)->id);
}

const struct directory_entry *directory_find(const struct directory *d,
					     enum directory_section section,
					     const char *id)
{
	size_t n;
	const struct directory_entry *v = directory_list(d, section, &n);

	return n ? bsearch(id, v, n, sizeof(*v), cmp_id) : NULL;
}

const Sy__UserRecord *directory_user(const struct directory *d, const char *id)
{
	const struct directory_entry *e =
		directory_find(d, DIRECTORY_USERS, id);

	return e ? (const Sy__UserRecord *)e->msg : NULL;
}

static struct directory_hash *find_hash(const struct directory *d,
					const uint8_t hash[32])
{
	return directory_is_loaded(d) ? directory_state_hash(d->now, hash)
				      : NULL;
}

const Sy__ApiToken *directory_token(const struct directory *d,
				    const uint8_t hash[32])
{
	const struct directory_hash *h = find_hash(d, hash);

	return h ? h->token : NULL;
}

bool directory_token_used(struct directory *d, const uint8_t hash[32])
{
	struct directory_hash *h = find_hash(d, hash);
	const uint64_t now = loop_now_us();

	if (!h || (h->used_us && now - h->used_us < NOTE_US))
		return false;
	h->used_us = now;

	return true;
}

/* SPDX-License-Identifier: MIT */
/*
 * The watcher.  Three things make it look at Redis: ConfigChanged on the bus,
 * the bus coming up (again), and its own timer, since a message may be lost.
 * A look reads all sections in one atomic step.  That of the timer gives the
 * revision that it has, and gets nothing if it is the same; the others get
 * all of it: a Redis that lost its data counts its revisions anew.  Where the
 * message has the one item that was changed of just what we have, it is taken
 * from there, and nothing is read.
 *
 * What it had last it keeps, whatever happens to Redis.  A Redis that has
 * none any more, or only an older one that somebody else remembered, gets it
 * back: from the first whose timer runs out, for all of them look at once.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "proto/config.h"
#include "proto/config_keys.h"
#include "proto/config_state.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/script.h"

enum {
	TICK_MS = 50,          /* how soon a bus that came up is noticed   */
	EMPTY_MS = 500,        /* between looks while there is none        */
	LOOK_MS = 2000,        /* between looks, should a message be lost  */
	LOAD_DEADLINE_MS = 10000,
	GIVE_MS = 300,         /* within which what Redis lost is given back */
};

/* A look under way; outlives the watcher if need be. */
struct look {
	struct config *c;      /* NULL: the watcher is gone */
};

struct config {
	struct loop *loop;
	struct bus *bus;       /* borrowed */
	config_h *h;
	void *arg;
	struct config_state now;
	struct config_state old; /* until the next load: may be borrowed */
	struct look *look;     /* NULL: none under way                  */
	struct loop_timer *timer;
	struct loop_timer *give;   /* NULL: Redis has what we have     */
	uint64_t looked_us;    /* when the last look started            */
	bool was_up;
	bool again;            /* changed while a look was under way    */
};

static void destructor(void *arg)
{
	struct config *c = arg;

	bus_unlisten(c->bus, BUS_CHANNEL_CONFIG);
	if (c->look)
		c->look->c = NULL;
	mem_deref(c->timer);
	mem_deref(c->give);
	config_state_free(&c->old); /* it may have passed on to the other one */
	config_state_free(&c->now);
}

/* ----------------------------------------------------------------- loading */

static bool reply_shape(const redisReply *r)
{
	return r->type == REDIS_REPLY_ARRAY &&
	       (!r->elements || ((r->elements == 1 || r->elements == 9) &&
				 r->element[0]->type == REDIS_REPLY_STRING));
}

static void give_handler(void *arg)
{
	struct config *c = arg;

	c->give = mem_deref(c->give);
	log_warn("Redis has lost the configuration: it gets ours",
		 LOG_U("revision", c->now.conf->revision));
	(void)config_put_again(bus_redis(c->bus), c->now.conf);
}

static void give_later(struct config *c)
{
	uint32_t rnd = 0;

	if (c->give)
		return;
	if (getrandom(&rnd, sizeof(rnd), GRND_NONBLOCK) != sizeof(rnd))
		rnd = (uint32_t)loop_now_us();
	(void)loop_timer_start(&c->give, c->loop, rnd % GIVE_MS, give_handler,
			       c);
}

/* Lost, or an older one that somebody remembered? */
static bool is_lost(const struct config *c, const redisReply *r)
{
	if (!c->now.conf)
		return false;
	if (!r->elements)
		return true;

	return r->elements == 9 && r->element[7]->type == REDIS_REPLY_STRING &&
	       r->element[7]->len && c->now.conf->revision >
	       strtoull(r->element[0]->str, NULL, 10);
}

/* Another revision is what there is. */
static void follow(struct config *c, const struct config_state *s)
{
	config_state_free(&c->old);
	c->old = c->now;
	c->now = *s;
	if (c->h)
		c->h(s->conf, c->arg);
}

static void load(struct config *c, const redisReply *r)
{
	struct config_state s = {NULL};
	int err;

	err = reply_shape(r) ? 0 : EBADMSG;
	if (!err && is_lost(c, r)) {
		give_later(c);
		return;
	}
	c->give = mem_deref(c->give);
	if (!err && r->elements != 9)
		return; /* none yet, or what we have */
	if (!err)
		err = config_state_read(&s, r);
	if (err) {
		log_error("configuration in Redis cannot be read",
			  LOG_E(err));
		return;
	}

	log_info("configuration loaded", LOG_U("revision", s.conf->revision),
		 LOG_U("devices", s.conf->n_devices),
		 LOG_U("trunks", s.conf->n_trunks),
		 LOG_U("routes", s.conf->n_routes));
	follow(c, &s);
}

static void look(struct config *c, bool whole);

static void look_handler(int err, const redisReply *reply, void *arg)
{
	struct look *l = arg;
	struct config *c = l->c;

	if (!c) {
		mem_deref(l);
		return;
	}

	c->look = NULL;
	mem_deref(l);
	mem_ref(c); /* the handler may let go of us */
	if (err)
		log_warn("configuration not loaded", LOG_E(err),
			 LOG_S("reply", reply ? reply->str : ""));
	else
		load(c, reply);
	if (c->again && mem_nrefs(c) > 1)
		look(c, true);
	mem_deref(c);
}

static void look_destructor(void *arg)
{
	struct look *l = arg;

	if (l->c)
		l->c->look = NULL; /* the connection went first */
}

/* @param whole  Also if it is the revision that we have. */
static void look(struct config *c, bool whole)
{
	static const char *const keyv[] = {CONFIG_KEYS};
	const char *argv[CONFIG_KEYC + 1];
	char revision[24] = "";
	struct look *l;

	if (c->look) {
		c->again |= whole;
		return;
	}
	c->again = false;
	c->looked_us = loop_now_us();

	l = mem_zalloc(sizeof(*l), look_destructor);
	if (!l)
		return;
	memcpy(argv, keyv, sizeof(keyv));
	if (c->now.conf && !whole)
		(void)re_snprintf(revision, sizeof(revision), "%llu",
				  c->now.conf->revision);
	argv[CONFIG_KEYC] = revision;

	if (script_run_owned(bus_redis(c->bus), SCRIPT_CONFIG_GET,
			     LOAD_DEADLINE_MS, look_handler, l, CONFIG_KEYC,
			     CONFIG_KEYC + 1, argv, NULL)) {
		mem_deref(l);
		return; /* the timer tries again */
	}
	l->c = c;
	c->look = l;
}

/* ------------------------------------------------------------------ events */

/* One item of just what we have? @return true: we have the change, too. */
static bool change(struct config *c, const Sy__ConfigChanged *cc)
{
	struct config_state s = {NULL};

	if (!c->now.conf || !*cc->stamp || !*c->now.stamp)
		return false;
	if (cc->revision == c->now.conf->revision &&
	    !strcmp(cc->stamp, c->now.stamp))
		return true; /* a look was faster */
	if (cc->revision != c->now.conf->revision + 1 || c->look || c->give ||
	    strcmp(cc->before, c->now.stamp) != 0)
		return false;
	if (config_state_change(&s, &c->now, cc))
		return false;

	log_info("configuration changed", LOG_U("revision", cc->revision),
		 LOG_S("section", cc->section), LOG_S("id", cc->id));
	follow(c, &s);

	return true;
}

static void changed_handler(const Sy__Envelope *env, void *arg)
{
	struct config *c = arg;

	if (env->body_case != SY__ENVELOPE__BODY_CONFIG_CHANGED)
		return;
	mem_ref(c); /* the handler may let go of us */
	if (!change(c, env->config_changed))
		look(c, true);
	mem_deref(c);
}

static void tick_handler(void *arg)
{
	struct config *c = arg;
	const uint32_t wait_ms = c->now.conf ? LOOK_MS : EMPTY_MS;
	const bool up = bus_is_up(c->bus);

	if (up && (!c->was_up ||
		   loop_now_us() - c->looked_us > wait_ms * 1000ull))
		look(c, !c->was_up);
	c->was_up = up;

	c->timer = mem_deref(c->timer);
	(void)loop_timer_start(&c->timer, c->loop, TICK_MS, tick_handler, c);
}

int config_alloc(struct config **cp, struct loop *loop, struct bus *bus,
		 config_h *h, void *arg)
{
	struct config *c;
	int err;

	if (!cp || !loop || !bus)
		return EINVAL;

	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;

	c->loop = loop;
	c->bus = bus;
	c->h = h;
	c->arg = arg;

	err = loop_timer_start(&c->timer, loop, 0, tick_handler, c);
	if (!err)
		err = bus_listen(bus, BUS_CHANNEL_CONFIG, changed_handler, c);

	if (err)
		mem_deref(c);
	else
		*cp = c;

	return err;
}

const Sy__Config *config_get(const struct config *c)
{
	return c ? c->now.conf : NULL;
}

const Sy__Device *config_device(const struct config *c, const char *id,
				size_t len)
{
	return c ? config_index_device(c->now.index, id, len) : NULL;
}

const Sy__Trunk *config_trunk(const struct config *c, const char *id)
{
	return c ? config_index_trunk(c->now.index, id) : NULL;
}

const Sy__Group *config_group(const struct config *c, const char *id)
{
	return c ? config_index_group(c->now.index, id) : NULL;
}

const Sy__Trunk *config_trunk_by_source(const struct config *c,
					const struct sa *addr)
{
	return c ? config_index_source(c->now.index, addr) : NULL;
}

/* SPDX-License-Identifier: MIT */
/* Which trunks this router works for; see trunks.h. */

#include <errno.h>
#include <string.h>
#include "proto/log.h"
#include "proto/store_lease.h"
#include "proto/store_trunk.h"
#include "router/core.h"
#include "router/named.h"
#include "router/trunk_job.h"
#include "router/trunk_stat.h"
#include "router/trunks.h"
#include "router/uac.h"

enum {
	TICK_MS = STORE_LEASE_RENEW_MS,
	OTHERS_TICKS = 3,     /* who is not named tries so often           */
	RETURN_TICKS = 30,    /* another one is named for so long: it gets it */
	RETIRE_TICKS = 10,    /* to unregister                             */
	NAME_SIZE = 80,
};

enum phase {
	FREE,      /* not ours                                     */
	READING,   /* ours; how it is, is being read               */
	WORKING,
	RETIRING,  /* not in the configuration any more            */
};

/* A trunk.  It stays until nothing is under way that names it. */
struct slot {
	struct le le;
	struct trunks *t;
	char *id;
	enum phase phase;
	bool wanted;            /* there is work for it               */
	bool asking;            /* for the lease                      */
	bool reading;           /* its state                          */
	unsigned others;        /* ticks that another one was named   */
	unsigned ticks;         /* of this phase                      */
	struct trunk_job *job;  /* owned                              */
	struct trunk_job *old;  /* owned; unregisters                 */
};

struct trunks {
	struct worker *w;       /* borrowed                           */
	struct list l;
	struct tmr tmr;
	unsigned ticks;
	bool leaving;
};

static void slot_destructor(void *arg)
{
	struct slot *s = arg;

	list_unlink(&s->le);
	mem_deref(s->job);
	mem_deref(s->old);
	mem_deref(s->id);
}

static void lease_name(char name[NAME_SIZE], const struct slot *s)
{
	(void)re_snprintf(name, NAME_SIZE, "trunk:%s", s->id);
}

static uint32_t instance(const struct trunks *t)
{
	return t->w->router->wires.instance;
}

static void enter(struct slot *s, enum phase phase)
{
	s->phase = phase;
	s->ticks = 0;
	s->others = 0;
}

static void let_go(struct slot *s)
{
	s->job = mem_deref(s->job);
	s->old = mem_deref(s->old);
	trunk_stat_clear(s->id);
	enter(s, FREE);
}

static void give(struct slot *s)
{
	char name[NAME_SIZE];

	lease_name(name, s);
	let_go(s);
	(void)store_lease_give(bus_redis(s->t->w->bus), name, instance(s->t));
}

/* ---------------------------------------------------------------- working */

static const Sy__Trunk *configured(const struct slot *s)
{
	return config_trunk(s->t->w->config, s->id);
}

static void start(struct slot *s, const Sy__TrunkState *past)
{
	const Sy__Trunk *conf = configured(s);
	int err;

	if (!conf || !s->wanted) {
		give(s);
		return;
	}
	err = trunk_job_alloc(&s->job, s->t->w, conf, past);
	if (err) {
		log_error("cannot work for trunk", LOG_S("trunk", s->id),
			  LOG_E(err));
		enter(s, READING); /* the next tick begins again */
		return;
	}
	log_info("works for trunk", LOG_S("trunk", s->id));
	enter(s, WORKING);
}

/* Who asked; the slot outlives it. */
struct reader {
	struct slot *s;
};

static void on_state(int err, Sy__TrunkState *const *v, size_t n, void *arg)
{
	struct reader *rd = arg;
	struct slot *s = rd->s;

	mem_deref(rd);
	s->reading = false;
	if (err || s->phase != READING)
		return;
	start(s, n ? v[0] : NULL);
}

static void read_state(struct slot *s)
{
	struct reader *rd;

	if (s->reading)
		return;
	rd = mem_zalloc(sizeof(*rd), NULL);
	if (!rd)
		return;
	rd->s = s;
	if (store_trunk_get(bus_redis(s->t->w->bus), s->id, on_state, rd))
		mem_deref(rd);
	else
		s->reading = true;
}

/* ------------------------------------------------------------------- lease */

static void on_lease(int err, void *arg)
{
	struct slot *s = arg;

	s->asking = false;
	if (s->t->leaving)
		return;
	if (err == EBUSY && s->phase != FREE) {
		log_info("another router works for trunk",
			 LOG_S("trunk", s->id));
		let_go(s);
	}
	if (err || s->phase != FREE)
		return;
	enter(s, READING);
	read_state(s);
}

static void ask(struct slot *s)
{
	char name[NAME_SIZE];

	if (s->asking)
		return;
	lease_name(name, s);
	s->asking = !store_lease_take(bus_redis(s->t->w->bus), name,
				      instance(s->t), on_lease, s);
}

/* ------------------------------------------------------------------- time */

static void tick_free(struct slot *s)
{
	if (s->wanted &&
	    (named_is_us(s->t->w, s->id) ||
	     s->t->ticks % OTHERS_TICKS == OTHERS_TICKS - 1))
		ask(s);
}

static void tick_working(struct slot *s)
{
	s->others = named_is_us(s->t->w, s->id) ? 0 : s->others + 1;
	if (s->old && (trunk_job_is_done(s->old) ||
		       s->ticks > RETIRE_TICKS))
		s->old = mem_deref(s->old);
	if (s->others > RETURN_TICKS && !s->old) {
		give(s);
		return;
	}
	ask(s);
}

static void tick_retiring(struct slot *s)
{
	if (s->job && !trunk_job_is_done(s->job) && s->ticks <= RETIRE_TICKS) {
		ask(s);
		return;
	}
	give(s);
	(void)store_trunk_drop(s->t->w->bus, s->id);
}

static void tick_slot(struct slot *s)
{
	++s->ticks;

	switch (s->phase) {

	case FREE:
		tick_free(s);
		break;

	case READING:
		ask(s);
		read_state(s);
		break;

	case WORKING:
		tick_working(s);
		break;

	case RETIRING:
		tick_retiring(s);
		break;
	}
}

static void tick(void *arg)
{
	struct trunks *t = arg;
	struct le *le;

	tmr_start(&t->tmr, TICK_MS, tick, t);
	if (!t->w->wire || !instance(t) || !bus_is_up(t->w->bus))
		return;
	++t->ticks;
	for (le = t->l.head; le;) {
		struct slot *s = le->data;

		le = le->next;
		tick_slot(s);
		if (s->phase == FREE && !s->wanted && !s->asking &&
		    !s->reading)
			mem_deref(s);
	}
}

/* --------------------------------------------------------- configuration */

static struct slot *find(const struct trunks *t, const char *id)
{
	for (struct le *le = t->l.head; le; le = le->next) {
		struct slot *s = le->data;

		if (!strcmp(s->id, id))
			return s;
	}

	return NULL;
}

static struct slot *add(struct trunks *t, const char *id)
{
	struct slot *s = mem_zalloc(sizeof(*s), slot_destructor);

	if (!s)
		return NULL;
	s->t = t;
	if (str_dup(&s->id, id)) {
		mem_deref(s);
		return NULL;
	}
	list_append(&t->l, &s->le, s);

	return s;
}

/* It is configured otherwise now.  The same account goes on with its Call-ID;
 * another one begins anew, and the one before is given up. */
static void change(struct slot *s, const Sy__Trunk *conf)
{
	struct trunk_job *old = s->job;

	if (trunk_job_is_for(old, conf))
		return;
	s->job = NULL;
	if (trunk_job_same_account(old, conf)) {
		start(s, trunk_job_state(old));
		mem_deref(old);
		return;
	}
	mem_deref(s->old);
	s->old = old;
	trunk_job_retire(old);
	start(s, NULL);
}

static void unwanted(struct slot *s)
{
	s->wanted = false;
	if (s->phase != WORKING)
		return;
	trunk_job_retire(s->job);
	enter(s, RETIRING);
}

void trunks_config(struct trunks *t, const Sy__Config *conf)
{
	struct le *le;

	if (!t)
		return;
	for (size_t i = 0; i < conf->n_trunks; i++) {
		const Sy__Trunk *c = conf->trunks[i];
		struct slot *s;

		if (!trunk_job_is_wanted(c))
			continue;
		s = find(t, c->id);
		if (!s)
			s = add(t, c->id);
		if (!s)
			continue;
		s->wanted = true;
		if (s->phase == RETIRING) /* it came back */
			let_go(s);
		if (s->phase == WORKING)
			change(s, c);
	}
	for (le = t->l.head; le;) {
		struct slot *s = le->data;
		const Sy__Trunk *c = configured(s);

		le = le->next;
		if (!c || !trunk_job_is_wanted(c))
			unwanted(s);
	}
	tmr_start(&t->tmr, 0, tick, t);
}

void trunks_redis_up(struct trunks *t)
{
	for (struct le *le = t ? t->l.head : NULL; le; le = le->next) {
		struct slot *s = le->data;

		if (s->phase == WORKING)
			trunk_job_write(s->job);
	}
}

/* -------------------------------------------------------------------- life */

void trunks_leave(struct trunks *t)
{
	struct le *le;

	if (!t)
		return;
	t->leaving = true;
	tmr_cancel(&t->tmr);
	for (le = t->l.head; le; le = le->next) {
		struct slot *s = le->data;

		if (s->phase != FREE)
			give(s);
	}
}

static void destructor(void *arg)
{
	struct trunks *t = arg;

	tmr_cancel(&t->tmr);
	list_flush(&t->l);
}

int trunks_alloc(struct trunks **tp, struct worker *w)
{
	struct trunks *t = mem_zalloc(sizeof(*t), destructor);

	if (!t)
		return ENOMEM;
	t->w = w;
	tmr_init(&t->tmr);
	tmr_start(&t->tmr, TICK_MS, tick, t);
	*tp = t;

	return 0;
}

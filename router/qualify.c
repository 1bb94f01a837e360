/* SPDX-License-Identifier: MIT */
/* Whose turn it is to be asked; see qualify.h. */

#include <errno.h>
#include <string.h>
#include "router/qualify_impl.h"

enum {
	AFTER_REDIS_MS = 5000, /* others give back what it lost first     */
	AFTER_OTHERS_MS = 2000,
};

/* ----------------------------------------------------------------- devices */

static uint32_t every_s(const Sy__Config *conf, const Sy__Device *dev)
{
	if (dev->set_qualify_case == SY__DEVICE__SET_QUALIFY_QUALIFY_S)
		return dev->qualify_s;

	return conf->settings ? conf->settings->qualify_s : 0;
}

uint32_t qual_every_s(const struct worker *w, const char *device)
{
	const Sy__Config *conf = config_get(w->config);
	const Sy__Device *dev =
		conf ? config_device(w->config, device, strlen(device)) : NULL;

	return dev ? every_s(conf, dev) : 0;
}

static bool is_any_asked(const Sy__Config *conf)
{
	for (size_t i = 0; i < conf->n_devices; i++) {
		if (every_s(conf, conf->devices[i]))
			return true;
	}

	return false;
}

const char *qual_holder(const Sy__Binding *b)
{
	return b->path[0] ? b->router : "";
}

static void add(struct worker *w, const char *device, const Sy__Binding *b)
{
	char field[2048];
	const struct store_contact c = {.device = device, .field = field};

	if (b->phone[0] || /* a browser page: its gateway knows */
	    store_reg_field(field, sizeof(field), b->contact, b->instance_id,
			    b->reg_id) < 0)
		return;
	(void)store_qual_due(bus_redis(w->bus), qual_holder(b),
			     STORE_QUAL_NEW, QUAL_FIRST_MS, &c);
}

void qual_add(struct worker *w, const Sy__Registration *reg)
{
	for (size_t i = 0; i < reg->n_bindings; i++)
		add(w, reg->device, reg->bindings[i]);
}

void qualify_registered(struct worker *w, const Sy__Registration *reg)
{
	if (qual_every_s(w, reg->device))
		qual_add(w, reg);
}

/* ------------------------------------------------------------------ taking */

static void on_taken(int err, const struct store_qual_taken *v, size_t n,
		     void *arg)
{
	struct qualify *q = arg;

	q->taking = false;
	for (size_t i = 0; !err && i < n; i++)
		(void)qual_look(q, &v[i]); /* else when it is due again */
}

struct living {
	const char *v[STORE_QUAL_ROUTERS_MAX];
	size_t n;
};

static bool add_living(const Sy__Member *m, void *arg)
{
	struct living *l = arg;

	if (l->n == STORE_QUAL_ROUTERS_MAX)
		return true;
	l->v[l->n++] = m->id;

	return false;
}

static void take(struct qualify *q)
{
	struct worker *w = q->w;
	const unsigned room = qual_room(list_count(&q->looks));
	struct living l = {.v = {w->router->conf.id}, .n = 1};

	if (q->taking || !room)
		return;
	member_apply(w->members, SY__MEMBER_KIND__ROUTER, add_living, &l);
	q->taking = !store_qual_take(bus_redis(w->bus), room, l.v, l.n,
				     on_taken, q);
}

static void tick(void *arg)
{
	struct qualify *q = arg;
	struct worker *w = q->w;

	tmr_start(&q->tmr, QUAL_TAKE_MS, tick, q);
	if (!w->wire || !w->router->wires.instance || !bus_is_up(w->bus))
		return;
	take(q);
	qual_walk(q);
}

/* -------------------------------------------------------------------- life */

static void walk_in(struct qualify *q, uint32_t ms)
{
	if (q && q->on)
		q->walk_ms = tmr_jiffies() + ms;
}

void qualify_config(struct qualify *q, const Sy__Config *conf)
{
	if (!q)
		return;
	q->on = is_any_asked(conf);
	if (!q->on) {
		tmr_cancel(&q->tmr);
		return;
	}
	walk_in(q, 0);
	tmr_start(&q->tmr, QUAL_TAKE_MS, tick, q);
}

void qualify_redis_up(struct qualify *q)
{
	walk_in(q, AFTER_REDIS_MS);
}

void qualify_router_gone(struct qualify *q)
{
	walk_in(q, AFTER_OTHERS_MS);
}

void qualify_leave(struct qualify *q)
{
	if (!q)
		return;
	q->on = false;
	tmr_cancel(&q->tmr);
}

static void destructor(void *arg)
{
	struct qualify *q = arg;

	tmr_cancel(&q->tmr);
	list_flush(&q->looks);
	mem_deref(q->cursor);
}

int qualify_alloc(struct qualify **qp, struct worker *w)
{
	struct qualify *q = mem_zalloc(sizeof(*q), destructor);

	if (!q)
		return ENOMEM;
	q->w = w;
	tmr_init(&q->tmr);
	list_init(&q->looks);
	*qp = q;

	return 0;
}

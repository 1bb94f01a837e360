/* SPDX-License-Identifier: MIT */
/* The ways to devices: their bindings, and the flow to each. */

#include <string.h>
#include "proto/random.h"
#include "proto/store.h"
#include "router/courier_impl.h"
#include "router/way.h"

enum { SENDS_MAX = 40 }; /* contacts of all devices together */

static void send_destructor(void *data)
{
	struct courier_send *s = data;

	list_unlink(&s->le);
	mem_deref(s->uac);
	mem_deref(s->uri);
	mem_deref(s->headers);
	mem_deref(s->gateway);
	mem_deref(s->device);
	mem_deref(s->phone);
}

/* Of a phone's flows (RFC 5626) the youngest. */
static bool is_elder(const Sy__Registration *reg, const Sy__Binding *b)
{
	for (size_t i = 0; i < reg->n_bindings; i++) {
		const Sy__Binding *o = reg->bindings[i];

		if (o != b && b->reg_id && o->reg_id &&
		    !strcmp(o->instance_id, b->instance_id) &&
		    timestamp_ms(o->registered_at) >
			timestamp_ms(b->registered_at))
			return true;
	}

	return false;
}

struct courier_send *courier_send_alloc(struct courier *c)
{
	struct courier_send *s = mem_zalloc(sizeof(*s), send_destructor);

	if (!s)
		return NULL;
	s->c = c;
	list_append(&c->sends, &s->le, s);

	return s;
}

void courier_add(struct courier *c, const struct flow *f, const char *uri)
{
	struct courier_send *s = courier_send_alloc(c);
	uint8_t rnd[16];

	if (!s)
		return;
	random_bytes(rnd, sizeof(rnd));
	(void)re_snprintf(s->call_id, sizeof(s->call_id), "%w", rnd,
			  sizeof(rnd));
	(void)re_snprintf(s->tag, sizeof(s->tag), "%w", rnd, (size_t)6);
	s->flow = *f;
	if (str_dup(&s->uri, uri))
		mem_deref(s);
}

static void add(struct courier *c, const Sy__Registration *reg,
		const Sy__Binding *b)
{
	struct flow f;

	if (list_count(&c->sends) >= SENDS_MAX || is_elder(reg, b))
		return;
	if (b->phone[0])
		courier_page_add(c, reg->device, b);
	else if (!way_to_binding(&f, c->t->w, b))
		courier_add(c, &f, b->contact);
}

static void reg_handler(int err, const Sy__Registration *reg, void *arg)
{
	const uint64_t now_ms = timestamp_now_ms();
	struct courier *c = arg;

	c->lookups--;
	if (err)
		c->err = err;
	for (size_t i = 0; !err && reg && i < reg->n_bindings; i++) {
		if (timestamp_ms(reg->bindings[i]->expires_at) > now_ms)
			add(c, reg, reg->bindings[i]);
	}
	if (!c->lookups)
		courier_found(c);
}

int courier_find(struct courier *c, const struct courier_conf *conf)
{
	struct redis *r = bus_redis(c->t->w->bus);
	int err = 0;

	if (c->trunk)
		return courier_trunk_find(c);
	/* no answer comes from within */
	for (size_t i = 0; i < conf->devicec && !err; i++) {
		err = store_reg_get(r, conf->devicev[i], reg_handler, c);
		c->lookups += !err;
	}
	if (err)
		c->err = err;

	return c->lookups ? 0 : ENOTCONN;
}

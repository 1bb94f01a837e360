/* SPDX-License-Identifier: MIT */
/* Hubs of others are claimed and built: see adopt.h. */

#include <string.h>
#include "node/adopt_impl.h"
#include "node/restore.h"
#include "proto/log.h"

enum {
	DEATHS_MAX = 64, /* remembered */
};

/* ----------------------------------------------------------------- deaths */

void adopt_note_death(struct adopt *a, uint32_t instance)
{
	struct death *d;

	if (list_count(&a->deaths) >= DEATHS_MAX) {
		d = list_head(&a->deaths)->data;
		list_unlink(&d->le);
		mem_deref(d);
	}

	d = mem_zalloc(sizeof(*d), NULL);
	if (!d)
		return;

	d->instance = instance;
	d->alive_ms = timestamp_now_ms() - member_gone_ms(a->node->members);
	list_append(&a->deaths, &d->le, d);
}

/* 0: it is not known when it died. */
static uint64_t alive_ms(const struct adopt *a, uint32_t instance)
{
	const struct le *le;

	for (le = list_head(&a->deaths); le; le = le->next) {
		const struct death *d = le->data;

		if (d->instance == instance)
			return d->alive_ms;
	}

	return 0;
}

/* --------------------------------------------------------------- claiming */

void adopt_say_taken(const struct adopt *a, const char *hub, uint32_t epoch,
		     const char *node)
{
	const struct node *n = a->node;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__HubTaken msg = SY__HUB_TAKEN__INIT;
	char channel[128];

	if (re_snprintf(channel, sizeof(channel), BUS_CHANNEL_MEMBER "%s",
			node) < 0)
		return;

	msg.hub = (char *)hub;
	msg.epoch = epoch;
	msg.node = (char *)n->conf.id;
	msg.instance = member_instance(n->members);
	env.body_case = SY__ENVELOPE__BODY_HUB_TAKEN;
	env.hub_taken = &msg;
	(void)bus_publish(n->bus, channel, &env);
}

static int build(struct adopt *a, const char *id, const struct store_claim *cl,
		 uint32_t from)
{
	struct node *n = a->node;
	const struct restore_conf conf = {
	    .call = cl->call,
	    .state = cl->state,
	    .dlgv = cl->dlgv,
	    .dlgc = cl->dlgc,
	    .epoch = cl->epoch,
	    .alive_ms = alive_ms(a, from),
	};
	struct hub *hub = node_hub(n, id);
	int err;

	if (strcmp(cl->call->id, id))
		return EBADMSG;

	if (hub) { /* of an ownership that was lost and came back */
		hub_abandon(hub);
		node_hub_close(n, hub);
	}

	err = node_restore(&hub, n, &conf);
	if (err)
		return err;

	n->adopted_total++;
	metric_inc(n->met.adopted_calls);
	return 0;
}

static void claim_handler(int err, const struct store_claim *cl, void *arg)
{
	struct asked *q = arg;
	struct adopt *a = q->a;
	struct node *n = a->node;

	owner_claimed(a->owner, q->hub, err, cl ? cl->epoch : 0,
		      cl ? cl->owner : 0);
	if (!err) {
		/* Should it be alive, it hears of it at once. */
		adopt_say_taken(a, q->hub, cl->epoch, cl->call->node);
		err = build(a, q->hub, cl, q->instance);
	}

	if (err == EBADMSG && cl) {
		log_error("record of a call cannot be read: it is lost",
			  LOG_S("call", q->hub));
		owner_ended(a->owner, q->hub);
		(void)store_hub_drop(bus_redis(n->bus), q->hub, cl->epoch, n->conf.id,
				     member_instance(n->members), NULL, NULL,
				     NULL);
	} else if (err && err != ESTALE && err != ENOENT) {
		log_warn("call not adopted", LOG_S("call", q->hub), LOG_E(err));
		owner_released(a->owner, q->hub);
	}

	mem_deref(q);
	adopt_kick(a);
}

int adopt_claim(const char *hub, uint32_t from, void *arg)
{
	struct adopt *a = arg;
	const struct node *n = a->node;
	const uint32_t us = member_instance(n->members);
	struct asked *q = adopt_ask(a, hub, from);
	int err = q ? store_hub_claim(bus_redis(n->bus), hub, from, from != us,
				      n->conf.id, us, claim_handler, q)
		    : ENOMEM;

	if (err)
		mem_deref(q);

	return err;
}

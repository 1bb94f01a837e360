/* SPDX-License-Identifier: MIT */
/* Room for calls: see limit.h. */

#include <string.h>
#include "node/app/limit.h"
#include "proto/log.h"

/* A leg that came in and waits for the store's answer. */
struct waiting {
	struct le le; /* in node->lookups */
	struct node *node;
	char hub[ULID_LEN + 1];
	char leg[ULID_LEN + 1];
	uint32_t ring_ms;
	bool device;
};

static void waiting_destructor(void *data)
{
	struct waiting *w = data;

	list_unlink(&w->le);
}

static void set(struct limit *lim, const char *kind, const char *id,
		const char *holder, uint32_t calls, uint32_t per_second)
{
	(void)re_snprintf(lim->name, sizeof(lim->name), "%s:%s", kind, id);
	lim->l.name = lim->name;
	lim->l.holder = holder;
	lim->l.calls = calls;
	lim->l.per_second = per_second;
}

bool limit_of_trunk(struct limit *lim, const Sy__Trunk *trunk,
		    const char *leg)
{
	if (!trunk || (!trunk->max_calls && !trunk->max_calls_per_second))
		return false;

	set(lim, "trunk", trunk->id, leg, trunk->max_calls,
	    trunk->max_calls_per_second);

	return true;
}

bool limit_of_device(struct limit *lim, const Sy__Device *dev,
		     const char *hub)
{
	if (!dev || !dev->max_calls)
		return false;

	set(lim, "device", dev->id, hub, dev->max_calls, 0);

	return true;
}

static bool limit_of_leg(struct limit *lim, const struct node *n,
			 const struct hub *hub, const struct leg *leg)
{
	const struct leg_info *info = &leg->info;

	if (info->trunk[0])
		return limit_of_trunk(
		    lim, config_trunk(n->config, info->trunk), info->id);

	return leg_is_device(info) &&
	       limit_of_device(lim,
			       config_device(n->config, info->user,
					     strlen(info->user)),
			       hub->id);
}

/* ------------------------------------------------------------------ coming in */

static uint16_t refusal(const struct waiting *w, int err)
{
	return w->device && err == EBUSY ? 486 : 503;
}

static void wait_handler(int err, void *arg)
{
	struct waiting *w = arg;
	struct hub *hub = node_hub(w->node, w->hub);
	struct leg *leg = hub ? hub_leg(hub, w->leg) : NULL;
	struct app_call call = {
		.hub = hub, .leg = leg, .ring_ms = w->ring_ms};
	uint16_t code;

	if (!leg || hub_is_over(hub) ||
	    !leg_is(leg, SY__LEG_STATE__LEG_SETUP))
		goto out; /* limit_leg_removed() gave its room back */

	if (err) {
		log_info("call over a limit", LOG_S("call", hub->id),
			 LOG_S("trunk", leg->info.trunk), LOG_E(err));
		leg_hangup(leg, refusal(w, err), "Too Many Calls");
		goto out;
	}

	call.dest = hub->dest;
	code = app_run(w->node, &call);
	if (code)
		leg_hangup(leg, code, "destination cannot be reached");

out:
	mem_deref(w);
}

bool limit_wait(struct node *n, const struct app_call *call)
{
	struct waiting *w;
	struct limit lim;

	if (!limit_of_leg(&lim, n, call->hub, call->leg))
		return false;

	w = mem_zalloc(sizeof(*w), waiting_destructor);
	if (!w)
		goto full;

	w->node = n;
	w->ring_ms = call->ring_ms;
	w->device = !call->leg->info.trunk[0];
	str_ncpy(w->hub, call->hub->id, sizeof(w->hub));
	str_ncpy(w->leg, call->leg->info.id, sizeof(w->leg));
	if (store_limit_take(bus_redis(n->bus), &lim.l, wait_handler, w)) {
		mem_deref(w);
		goto full;
	}
	list_append(&n->lookups, &w->le, w);

	return true;

full: /* Redis is away: new calls wait until it is back */
	leg_hangup(call->leg, 503, "limits not known");

	return true;
}

/* -------------------------------------------------------------- while it lasts */

static bool has_leg_of(const struct hub *hub, const char *device)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg_info *info = &((struct leg *)le->data)->info;

		if (!info->trunk[0] && leg_is_device(info) &&
		    !strcmp(info->user, device))
			return true;
	}

	return false;
}

void limit_device_unused(struct node *n, const char *hub_id,
			 const char *device)
{
	const struct hub *hub = node_hub(n, hub_id);
	struct limit lim;

	if ((!hub || !has_leg_of(hub, device)) &&
	    limit_of_device(&lim,
			    config_device(n->config, device, strlen(device)),
			    hub_id))
		(void)store_limit_give(bus_redis(n->bus), lim.name, hub_id);
}

/* It is out of the list of the call's legs; its other phones of the same call
 * hold the same room. */
void limit_leg_removed(struct node *n, struct hub *hub,
		       const struct leg *leg)
{
	struct limit lim;

	if (!leg->info.trunk[0] && leg_is_device(&leg->info)) {
		limit_device_unused(n, hub->id, leg->info.user);
		return;
	}
	if (limit_of_leg(&lim, n, hub, leg) && lim.l.calls)
		(void)store_limit_give(bus_redis(n->bus), lim.name,
				       lim.l.holder);
}

static bool renew_hub(struct le *le, void *arg)
{
	const struct hub *hub = le->data;
	const struct le *l;
	struct node *n = arg;
	struct limit lim;

	for (l = list_head(&hub->legs); l; l = l->next) {
		if (limit_of_leg(&lim, n, hub, l->data) && lim.l.calls)
			(void)store_limit_renew(bus_redis(n->bus), lim.name,
						&lim.l.holder, 1);
	}

	return false;
}

static void renew_handler(void *arg)
{
	struct node *n = arg;

	tmr_start(&n->limit_tmr, STORE_LIMIT_RENEW_MS, renew_handler, n);
	(void)hash_apply(n->hubs, renew_hub, n);
}

void limit_start(struct node *n)
{
	tmr_start(&n->limit_tmr, STORE_LIMIT_RENEW_MS, renew_handler, n);
}

/* SPDX-License-Identifier: MIT */
/* Bindings that lapse: see lapse.h.  Two routers that both think that it is
 * theirs do no harm: each binding goes once. */

#include "proto/store.h"
#include "router/core.h"
#include "router/lapse.h"
#include "router/named.h"
#include "router/subs.h"

static void lapsed(const char *device, void *arg)
{
	struct worker *w = arg;

	subs_resource_changed(w->bus, device);
}

void lapse_tick(struct worker *w)
{
	/* a Redis that is back may be older: others give back what they know */
	if (!w->router->wires.instance || !bus_is_up(w->bus) ||
	    !member_redis_is_well(w->members) || !named_is_us(w, "lapses"))
		return;
	(void)store_reg_sweep(bus_redis(w->bus), w->router->conf.id, lapsed,
			      w);
}

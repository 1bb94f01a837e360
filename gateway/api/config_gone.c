/* SPDX-License-Identifier: MIT */
/*
 * A device is out of the configuration: its phones are registered no more, and
 * what its user had changed is forgotten, so that who gets its number next
 * begins anew.  Calls that it has go on.
 */

#include <re.h>

#include "gateway/api/config.h"
#include "proto/store_device.h"

struct gone {
	struct bus *bus;  /* borrowed: its connection drops us when it goes */
};

/* Routers remember who is registered, and tell who watches. */
static void on_dropped(int err, const Sy__Registration *reg, void *arg)
{
	struct gone *g = arg;
	Sy__Envelope env = SY__ENVELOPE__INIT;

	if (!err) {
		env.body_case = SY__ENVELOPE__BODY_UNREGISTERED;
		env.unregistered = (Sy__Registration *)(uintptr_t)reg;
		(void)bus_publish(g->bus, BUS_CHANNEL_REGS, &env);
		env.body_case = SY__ENVELOPE__BODY_RESOURCE_CHANGED;
		env.resource_changed = reg->device;
		(void)bus_publish(g->bus, BUS_CHANNEL_SUBS, &env);
	}
	mem_deref(g);
}

static void on_forgotten(int err, const struct store_device *st, void *arg)
{
	(void)err;
	(void)st;
	(void)arg;
}

void config_device_gone(const struct view *v, const char *id)
{
	const struct store_reg_put put = {
		.device = id,
		.drop_all = true,
		.call_id = "removed",
		.max_contacts = 1,
		.member = view_id(v),
		.why = "device removed",
	};
	const struct store_device_change change = {
		.dnd = "unset",
		.forward = {"unset", "unset", "unset", "unset"},
		.no_answer_s = "unset",
	};
	struct gone *g = mem_zalloc(sizeof(*g), NULL);

	if (!g)
		return; /* they lapse */
	g->bus = view_bus(v);
	(void)store_device_change(view_redis(v), id, &change,
				  on_forgotten, NULL);
	if (store_reg_put(view_redis(v), &put, on_dropped, g))
		mem_deref(g);
}

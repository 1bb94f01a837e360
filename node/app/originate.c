/* SPDX-License-Identifier: MIT */
/* A call that the API makes: see originate.h. */

#include "node/app/app.h"
#include "node/app/dial.h"
#include "node/app/hunts.h"
#include "node/app/originate.h"

/* Its first party is being rung. */
struct origin {
	struct node *node;
	struct hub *hub;     /* alive while the hunt is       */
	Sy__Destination *to; /* owned: what runs then         */
	uint32_t ring_ms;
	bool rang; /* there was somebody to be rung */
};

static void destructor(void *data)
{
	struct origin *o = data;

	if (o->to)
		sy__destination__free_unpacked(o->to, NULL);
}

const char *originate_why(uint16_t code)
{
	return code == 404   ? "not known"
	       : code == 480 ? "not registered"
			     : "cannot be called";
}

/* A call that was made for a device is that device's: what it may not call by
 * itself nobody calls for it. */
static bool payer_of(Sy__Source *src, const struct leg *leg)
{
	sy__source__init(src);
	if (!leg_is_device(&leg->info))
		return false;

	src->kind_case = SY__SOURCE__KIND_DEVICE;
	src->device = (char *)(uintptr_t)leg->info.user;

	return true;
}

void app_origin_handler(struct hunt *hunt, enum hunt_event ev, struct leg *leg,
			uint16_t code, void *arg)
{
	struct origin *o = arg;
	struct app_call call = {.hub = o->hub, .leg = leg};
	Sy__Source payer;

	(void)hunt;
	o->rang |= ev == HUNT_STARTED;
	if (ev == HUNT_FAILED)
		hub_end(o->hub, code,
			o->rang ? "no answer" : originate_why(code));
	if (ev != HUNT_ANSWERED)
		return;

	call.dest = o->to ? o->to : o->hub->dest;
	call.ring_ms = o->ring_ms;
	call.payer = payer_of(&payer, leg) ? &payer : NULL;
	code = app_run(o->node, &call);
	if (code)
		hub_end(o->hub, code, "destination cannot be reached");
}

int app_origin_arg(void **argp, struct node *n, struct hub *hub,
		   const Sy__HuntState *what)
{
	struct origin *o = mem_zalloc(sizeof(*o), destructor);

	if (!o)
		return ENOMEM;

	o->node = n;
	o->hub = hub;
	if (what) {
		o->ring_ms = node_ring_ms(n, what->ring_seconds);
		o->rang = what->n_legs != 0;
	}
	if (what && what->to && hub_destination_copy(&o->to, what->to)) {
		mem_deref(o);
		return ENOMEM;
	}

	*argp = o;
	return 0;
}

int originate(struct node *n, struct hub *hub, const Sy__Originate *msg)
{
	struct dial_conf conf = {
	    .hub = hub,
	    .dest = msg->from,
	    .from_user = hub->called,
	    .from_name = msg->caller_name,
	    .kind = SY__HUNT_KIND__HUNT_ORIGIN,
	    .ring_ms = node_ring_ms(n, msg->ring_seconds),
	    .to = msg->to,
	};
	Sy__HuntState what = SY__HUNT_STATE__INIT;
	int err;

	what.to = msg->to;
	what.ring_seconds = conf.ring_ms / 1000;
	err = app_origin_arg(&conf.arg, n, hub, &what);
	if (err)
		return err;

	err = dial_start(n, &conf);
	if (err)
		mem_deref(conf.arg);

	return err;
}

/* SPDX-License-Identifier: MIT */
/*
 * Parking places: see park.h.  What is to be done is decided in a turn of its
 * own: park_update() is called from within changes of the hub.
 */

#include <string.h>
#include "node/app/dial.h"
#include "node/app/hunts.h"
#include "node/app/number.h"
#include "node/app/park.h"
#include "node/mover.h"
#include "proto/log.h"

enum {
	PARK_S = 120,     /* default of Settings.park_seconds               */
	LATER_MS = 200,   /* the call is just being given to another node   */
};

struct park {
	struct node *node;   /* borrowed, as the hub                        */
	struct hub *hub;
	char by[LEG_TEXT_MAX];
	uint64_t since_ms;   /* since 1970; 0: nobody waits                 */
	uint64_t recall_ms;  /* since 1970; 0: nobody is to be called       */
	bool overflow;       /* the next hunt is, or was, for the overflow  */
	struct tmr look;     /* next turn                                   */
	struct alarm recall;
};

static void destructor(void *data)
{
	struct park *p = data;

	tmr_cancel(&p->look);
	alarm_stop(p->hub->env->alarms, &p->recall);
}

static uint32_t answered(const struct hub *hub, const struct leg *but,
			 struct leg **legp)
{
	const struct le *le;
	uint32_t n = 0;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg == but || !leg->ops->party ||
		    !leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
			continue;
		n++;
		if (legp)
			*legp = leg;
	}

	return n;
}

/* Who waits alone; NULL: nobody does, or it is a call of two by now. */
static struct leg *waiting(const struct hub *hub)
{
	struct leg *leg = NULL;

	if (hub_is_over(hub) || hub->met || answered(hub, NULL, &leg) != 1)
		return NULL;

	return leg;
}

bool park_is_taken(const struct hub *hub, const struct leg *but)
{
	return hub_is_park(hub) && answered(hub, but, NULL) > 0;
}

static struct hunt *hunt_of(const struct hub *hub)
{
	const struct le *le;

	for (le = list_head(&hub->hunts); le; le = le->next) {
		struct hunt *hunt = le->data;

		if (hunt->what &&
		    hunt->what->kind == SY__HUNT_KIND__HUNT_PARK)
			return hunt;
	}

	return NULL;
}

static void changed(struct park *p)
{
	p->hub->dirty = true;
	hub_touch(p->hub);
}

static uint64_t park_ms(const struct node *n)
{
	const Sy__Settings *set = node_settings(n);

	return 1000ull * (set && set->park_seconds ? set->park_seconds :
						     PARK_S);
}

static void look_handler(void *arg);

static void look(struct park *p)
{
	if (!tmr_isrunning(&p->look))
		tmr_start(&p->look, 0, look_handler, p);
}

/* ------------------------------------------------------------ calling back */

static int ring(struct park *p, const struct leg *leg,
		const Sy__Destination *dest, uint32_t ring_ms)
{
	struct dial_conf conf = {
		.hub = p->hub,
		.dest = dest,
		.from_user = leg->info.user,
		.from_name = leg->info.name,
		.kind = SY__HUNT_KIND__HUNT_PARK,
		.ring_ms = ring_ms,
	};
	int err = park_arg(&conf.arg, p->node, p->hub, NULL);

	if (err)
		return err;

	err = dial_start(p->node, &conf);
	if (err)
		mem_deref(conf.arg);

	return err;
}

static int ring_parker(struct park *p, const struct leg *leg)
{
	Sy__Destination dest = SY__DESTINATION__INIT;

	dest.kind_case = SY__DESTINATION__KIND_DEVICE;
	dest.device = p->by;

	return ring(p, leg, &dest, node_ring_ms(p->node, 0));
}

/* As a call of who parked it: so what that one may not call is not called. */
static int ring_overflow(struct park *p, const struct leg *leg)
{
	const Sy__Settings *set = node_settings(p->node);
	Sy__Source src = SY__SOURCE__INIT;
	struct dialplan_match m;
	uint32_t ring_ms;
	uint16_t code;

	if (!set || !set->park_overflow[0])
		return ENOENT;

	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = p->by;
	code = app_number(&m, &ring_ms, p->node, set->park_overflow, &src);
	if (!code && !dial_can(&m.dest))
		code = 404;
	if (code) {
		log_warn("parked call: its overflow leads nowhere",
			 LOG_S("call", p->hub->id), LOG_U("code", code));
		return ENOENT;
	}

	return ring(p, leg, &m.dest, ring_ms);
}

static void recall_handler(void *arg)
{
	struct park *p = arg;
	const struct leg *leg = waiting(p->hub);

	if (!leg || hunt_of(p->hub))
		return;
	if (mover_moves(p->node->mover, p->hub->id)) {
		alarm_start(p->hub->env->alarms, &p->recall, LATER_MS,
			    recall_handler, p);
		return;
	}

	log_info("parked call: who parked it is called",
		 LOG_S("call", p->hub->id), LOG_S("leg", leg->info.id),
		 LOG_S("by", p->by));
	p->recall_ms = 0;
	p->overflow = false;
	if (ring_parker(p, leg))
		look(p);
	changed(p);
}

/* ------------------------------------------------------------- what is due */

static void wait_on(struct park *p)
{
	struct hub *hub = p->hub;
	const uint64_t now_ms = hub->env->wall_ms();

	if (!p->since_ms) {
		p->since_ms = now_ms;
		changed(p);
	}
	if (!p->by[0] || hunt_of(hub))
		return;
	if (!p->recall_ms) {
		p->recall_ms = now_ms + park_ms(p->node);
		changed(p);
	}
	alarm_stop(hub->env->alarms, &p->recall);
	alarm_start(hub->env->alarms, &p->recall,
		    p->recall_ms > now_ms ? p->recall_ms - now_ms : 0,
		    recall_handler, p);
}

/* Somebody took it, or it is gone. */
static void leave(struct park *p)
{
	struct hunt *hunt = hunt_of(p->hub);

	alarm_stop(p->hub->env->alarms, &p->recall);
	if (!p->since_ms)
		return;

	p->since_ms = p->recall_ms = 0;
	p->by[0] = '\0';
	if (hunt)
		hunt_cancel(hunt);
	changed(p);
}

static void look_handler(void *arg)
{
	struct park *p = arg;

	if (hub_is_over(p->hub))
		return;
	if (waiting(p->hub))
		wait_on(p);
	else
		leave(p);
}

static struct park *get(struct node *n, struct hub *hub)
{
	struct park *p = hub->park;

	if (p)
		return p;

	p = mem_zalloc(sizeof(*p), destructor);
	if (!p)
		return NULL;
	p->node = n;
	p->hub = hub;
	tmr_init(&p->look);
	hub->park = p;

	return p;
}

void park_update(struct node *n, struct hub *hub)
{
	struct park *p;

	if (!hub_is_park(hub) || hub_is_over(hub))
		return;

	p = get(n, hub);
	if (p && (!p->since_ms) == (waiting(hub) != NULL))
		look(p);
}

void park_by(struct node *n, struct hub *hub, const char *device)
{
	struct park *p = get(n, hub);

	if (!p)
		return;
	str_ncpy(p->by, device, sizeof(p->by));
	hub->met = false; /* he may still be there, to go */
	look(p);
}

void park_stop(struct hub *hub)
{
	hub->park = mem_deref(hub->park);
}

/* -------------------------------------------------------------- the outcome */

/* A hunt's argument: its hub's park goes with the hub, and so does a hunt. */
struct recall {
	struct node *node;
	struct hub *hub;
};

int park_arg(void **argp, struct node *n, struct hub *hub,
	     const Sy__HuntState *what)
{
	struct recall *r = mem_zalloc(sizeof(*r), NULL);

	(void)what;
	if (!r)
		return ENOMEM;

	r->node = n;
	r->hub = hub;
	*argp = r;

	return 0;
}

static void failed(struct park *p, uint16_t code)
{
	const struct leg *leg = waiting(p->hub);
	const bool was = p->overflow;

	log_info("parked call: nobody took it", LOG_S("call", p->hub->id),
		 LOG_S("by", p->by), LOG_U("overflow", was),
		 LOG_U("code", code));
	p->overflow = leg && !was && !ring_overflow(p, leg);
	changed(p);
	look(p); /* it waits on, unless that rings */
}

void park_handler(struct hunt *hunt, enum hunt_event ev, struct leg *leg,
		  uint16_t code, void *arg)
{
	const struct recall *r = arg;
	struct park *p = r->hub->park;

	(void)hunt;
	if (ev == HUNT_ANSWERED)
		log_info("parked call: taken back", LOG_S("call", r->hub->id),
			 LOG_S("leg", leg->info.id));
	else if (ev == HUNT_FAILED && p && !hub_is_over(r->hub))
		failed(p, code);
}

/* ------------------------------------------------------------- the record */

static Google__Protobuf__Timestamp *stamp(Google__Protobuf__Timestamp *ts,
					  uint64_t ms)
{
	google__protobuf__timestamp__init(ts);
	timestamp_set_ms(ts, ms);

	return ms ? ts : NULL;
}

Sy__Parked *park_show(struct park_record *rec, const struct hub *hub)
{
	struct park *p = hub->park;

	if (!p || !p->since_ms)
		return NULL;

	sy__parked__init(&rec->msg);
	rec->msg.by = p->by;
	rec->msg.since = stamp(&rec->since, p->since_ms);
	rec->msg.recall_at = stamp(&rec->recall, p->recall_ms);
	rec->msg.overflow = p->overflow;

	return &rec->msg;
}

void park_restore(struct node *n, struct hub *hub, const Sy__Parked *msg)
{
	struct park *p = msg && hub_is_park(hub) ? get(n, hub) : NULL;

	if (!p)
		return;

	str_ncpy(p->by, msg->by, sizeof(p->by));
	p->since_ms = timestamp_ms(msg->since);
	p->recall_ms = timestamp_ms(msg->recall_at);
	p->overflow = msg->overflow;
	look(p);
}

/* SPDX-License-Identifier: MIT */
/* Events of calls: see history.h. */

#include "node/history.h"
#include "node/record.h"
#include "proto/store.h"

static void append(struct node *n, const struct hub *hub, Sy__Event *ev)
{
	Google__Protobuf__Timestamp at;

	google__protobuf__timestamp__init(&at);
	timestamp_set_ms(&at, timestamp_now_ms());
	ev->at = &at;
	ev->member = (char *)n->conf.id;
	ev->call_id = (char *)hub->id;
	(void)store_event(bus_redis(n->bus), ev);
}

static void call_event(struct node *n, const struct hub *hub,
		       Sy__EventType type, enum record_legs what)
{
	Sy__Event ev = SY__EVENT__INIT;
	struct record_call rec;

	if (!record_call_init(&rec, hub, n->conf.id, what)) {
		ev.type = type;
		ev.call = &rec.msg;
		append(n, hub, &ev);
	}
	record_call_close(&rec);
}

static void leg_event(struct node *n, const struct hub *hub,
		      const struct leg *leg, Sy__EventType type)
{
	Sy__Event ev = SY__EVENT__INIT;
	struct record_leg rec;

	record_leg_init(&rec, &leg->info);
	ev.type = type;
	ev.leg = &rec.msg;
	append(n, hub, &ev);
}

static bool legs_changed(const struct hub *hub)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;

		if (leg->dirty)
			return true;
	}

	return false;
}

static void leg_events(struct node *n, struct hub *hub)
{
	struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;

		if (leg->dirty)
			leg_event(n, hub, leg,
				  leg->shown ? SY__EVENT_TYPE__LEG_CHANGED :
					       SY__EVENT_TYPE__LEG_ADDED);
	}
}

static void removed_events(struct node *n, struct hub *hub)
{
	struct le *le;

	for (le = list_head(&hub->gone); le; le = le->next) {
		const struct leg *leg = le->data;

		if (leg->shown)
			leg_event(n, hub, leg, SY__EVENT_TYPE__LEG_REMOVED);
	}
}

static void set_shown(struct hub *hub)
{
	struct le *le;

	hub->shown = true;
	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		leg->shown = true;
	}
}

/* One event tells of a call and its legs where both changed: half of the
 * work of Redis for a call would be events otherwise. */
void history_hub(struct node *n, struct hub *hub)
{
	if (!redis_is_up(bus_redis(n->bus)))
		return;

	if (hub_is_over(hub)) {
		call_event(n, hub, SY__EVENT_TYPE__CALL_FINISHED,
			   RECORD_PAST);
		return;
	}

	if (!hub->shown || hub->dirty)
		call_event(n, hub,
			   hub->shown ? SY__EVENT_TYPE__CALL_CHANGED :
					SY__EVENT_TYPE__CALL_STARTED,
			   legs_changed(hub) ? RECORD_LIVE : RECORD_BARE);
	else
		leg_events(n, hub);

	removed_events(n, hub);
	set_shown(hub);
}

void history_digit(struct node *n, const struct hub *hub,
		   const struct leg *leg, const struct hub_digit *digit)
{
	Sy__Event ev = SY__EVENT__INIT;
	struct record_leg rec;
	char text[2] = {digit->digit, '\0'};

	record_leg_init(&rec, &leg->info);
	ev.type = SY__EVENT_TYPE__DTMF_RECEIVED;
	ev.leg = &rec.msg;
	ev.digit = text;
	ev.duration_ms = digit->duration_ms;
	ev.dtmf_method = (char *)digit->method;
	append(n, hub, &ev);
}

void history_talk(struct node *n, const struct hub *hub,
		  const struct leg *leg, Sy__EventType type)
{
	if (redis_is_up(bus_redis(n->bus)))
		leg_event(n, hub, leg, type);
}

void history_restored(struct node *n, const struct hub *hub,
		      const char *from, bool moved)
{
	Sy__Event ev = SY__EVENT__INIT;
	struct record_call rec;

	if (!record_call_init(&rec, hub, n->conf.id, RECORD_BARE)) {
		ev.type = moved ? SY__EVENT_TYPE__CALL_MOVED :
				  SY__EVENT_TYPE__CALL_ADOPTED;
		ev.call = &rec.msg;
		ev.from_node = (char *)from;
		append(n, hub, &ev);
	}
	record_call_close(&rec);
}

void history_resumed(struct node *n, const struct hub *hub,
		     const struct leg *leg, uint32_t gap_ms)
{
	Sy__Event ev = SY__EVENT__INIT;
	struct record_leg rec;

	record_leg_init(&rec, &leg->info);
	ev.type = SY__EVENT_TYPE__LEG_RESUMED;
	ev.leg = &rec.msg;
	ev.gap_ms = gap_ms;
	append(n, hub, &ev);
}

void history_lost(struct node *n, const struct hub *hub,
		  const struct leg_info *info, const char *reason)
{
	Sy__Event ev = SY__EVENT__INIT;
	struct record_leg rec;

	record_leg_init(&rec, info);
	ev.type = SY__EVENT_TYPE__LEG_LOST;
	ev.leg = &rec.msg;
	ev.reason = (char *)reason;
	append(n, hub, &ev);
}

void history_transferred(struct node *n, const struct hub *hub,
			 const struct leg *leg)
{
	if (redis_is_up(bus_redis(n->bus)))
		leg_event(n, hub, leg, SY__EVENT_TYPE__TRANSFERRED);
}

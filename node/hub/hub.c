/* SPDX-License-Identifier: MIT */
/* A call from its begin to its end: see hub.h. */

#include <string.h>
#include "node/hub/hub.h"
#include "proto/dialplan.h"

static void close_rings(struct hub *hub)
{
	while (hub->hunts.head)
		hunt_cancel(hub->hunts.head->data);
}

static void destructor(void *data)
{
	struct hub *hub = data;

	close_rings(hub);
	list_flush(&hub->expects);
	list_flush(&hub->legs);
	list_flush(&hub->gone);
	list_flush(&hub->past);
	list_flush(&hub->call_ids);
	list_unlink(&hub->dirty_le);
	hash_unlink(&hub->le);
	mem_deref(hub->restore);
	mem_deref(hub->music);
	mem_deref(hub->park);
	mem_deref(hub->mix);
	if (hub->dest)
		sy__destination__free_unpacked(hub->dest, NULL);
	if (hub->source)
		sy__source__free_unpacked(hub->source, NULL);
	while (hub->tollc)
		hub_drop_toll(hub, hub->tollc - 1);
	if (hub->trail)
		sy__trail__free_unpacked(hub->trail, NULL);
}

int hub_alloc(struct hub **hp, const struct hub_env *env,
	      const struct hub_conf *conf)
{
	struct hub *hub;
	int err = 0;

	if (!hp || !env || !conf)
		return EINVAL;
	if (conf->id && !ulid_is_valid(conf->id))
		return EINVAL;

	hub = mem_zalloc(sizeof(*hub), destructor);
	if (!hub)
		return ENOMEM;

	hub->env = env;
	hub->epoch = conf->epoch;
	hub->state = SY__CALL_STATE__CALL_SETUP;
	hub->started_ms = env->wall_ms();
	hub->dirty = true;
	if (conf->id)
		str_ncpy(hub->id, conf->id, sizeof(hub->id));
	else
		ulid_make(hub->id);
	str_ncpy(hub->caller, conf->caller ? conf->caller : "",
		 sizeof(hub->caller));
	str_ncpy(hub->called, conf->called ? conf->called : "",
		 sizeof(hub->called));

	if (conf->dest) {
		hub_destination_print(hub->destination,
				      sizeof(hub->destination), conf->dest);
		hub->conference = conf->dest->kind_case ==
				  SY__DESTINATION__KIND_CONFERENCE;
		err = hub_destination_copy(&hub->dest, conf->dest);
	}
	if (!err)
		err = hub_add_toll(hub, conf->toll);
	hub->private = conf->private;
	if (!err && conf->source)
		err = hub_source_copy(&hub->source, conf->source);

	if (err)
		mem_deref(hub);
	else
		*hp = hub;

	return err;
}

bool hub_is_park(const struct hub *hub)
{
	return hub->conference && hub->dest &&
	       !strncmp(hub->dest->conference, DIALPLAN_PARK,
			sizeof(DIALPLAN_PARK) - 1);
}

void hub_touch(struct hub *hub)
{
	if (hub->env->observer->touched)
		hub->env->observer->touched(hub, hub->env->arg);
}

/* ------------------------------------------------------- state and the end */

struct census {
	uint32_t parties;  /* legs that are parties and not being rung    */
	uint32_t players;  /* legs that are none                          */
	uint32_t answered; /* of either                                   */
	bool ringing;      /* somebody's phone rings                      */
};

static struct census count(const struct hub *hub)
{
	struct census c = {0};
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;

		if (!leg->ops->party)
			c.players++;
		else if (!leg->hunt)
			c.parties++;

		if (leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
			c.answered++;
		else if (leg_is(leg, SY__LEG_STATE__LEG_RINGING))
			c.ringing = true;
	}

	return c;
}

static void set_state(struct hub *hub, Sy__CallState state)
{
	hub->state = state;
	if (state == SY__CALL_STATE__CALL_ANSWERED)
		hub->answered_ms = hub->env->wall_ms();

	hub->dirty = true;
	if (hub->env->observer->state)
		hub->env->observer->state(hub, hub->env->arg);
	hub_touch(hub);
}

void hub_update(struct hub *hub)
{
	const struct census c = count(hub);

	if (c.answered >= 2 && hub_is_park(hub))
		hub->met = true;
	if (hub->state >= SY__CALL_STATE__CALL_ANSWERED)
		return;

	if (c.answered >= 2 || (hub->conference && c.answered))
		set_state(hub, SY__CALL_STATE__CALL_ANSWERED);
	else if (c.ringing && hub->state < SY__CALL_STATE__CALL_RINGING)
		set_state(hub, SY__CALL_STATE__CALL_RINGING);
}

static bool has_origin(const struct hub *hub)
{
	const struct le *le;

	for (le = list_head(&hub->hunts); le; le = le->next) {
		const struct hunt *hunt = le->data;

		if (hunt->conf.origin)
			return true;
	}

	return false;
}

void hub_check(struct hub *hub, uint16_t code, const char *reason)
{
	const struct census c = count(hub);

	if (hub_is_over(hub) || hub->expects.head || hub->awaited ||
	    has_origin(hub))
		return;

	if (!c.parties)
		hub_end(hub, code, reason);
	else if ((!hub->conference || hub->met) &&
		 c.parties + c.players < 2 && !hub->hunts.head)
		hub_end(hub, code, reason);
}

void hub_end(struct hub *hub, uint16_t code, const char *reason)
{
	if (hub_is_over(hub))
		return;

	hub->ended_ms = hub->env->wall_ms();
	hub->end_code = code;
	str_ncpy(hub->end_reason, reason ? reason : "",
		 sizeof(hub->end_reason));
	set_state(hub, SY__CALL_STATE__CALL_ENDED);

	close_rings(hub);
	list_flush(&hub->expects);
	while (hub->legs.head)
		leg_finish(hub->legs.head->data, code, reason, true);

	if (hub->env->observer->ended)
		hub->env->observer->ended(hub, hub->env->arg);
}

void hub_abandon(struct hub *hub)
{
	struct le *le;

	if (hub_is_over(hub))
		return;

	/* First silence, then all else: what is cancelled below says no
	 * word any more. */
	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg->ops->abandon)
			leg->ops->abandon(leg);
	}

	hub->state = SY__CALL_STATE__CALL_ENDED;
	list_flush(&hub->expects);
	while (hub->legs.head) {
		struct leg *leg = hub->legs.head->data;

		leg->hunt = NULL;
		leg->info.state = SY__LEG_STATE__LEG_ENDED;
		list_unlink(&leg->le);
		list_append(&hub->gone, &leg->le, leg);
	}
	close_rings(hub);
}

void hub_purge(struct hub *hub)
{
	list_flush(&hub->gone);
}

/* SPDX-License-Identifier: MIT */
/* What all kinds of legs have in common: states, and who hears of them. */

#include <string.h>
#include "node/hub/hub.h"

static uint64_t wall_ms(const struct leg *leg)
{
	return leg->hub->env->wall_ms();
}

static void set_state(struct leg *leg, Sy__LegState state)
{
	struct hub *hub = leg->hub;
	const struct hub_observer *obs = hub->env->observer;

	leg->info.state = state;
	if (state == SY__LEG_STATE__LEG_ANSWERED)
		leg->info.answered_ms = wall_ms(leg);

	leg->dirty = leg->dirty_dialog = true;
	if (obs->leg_state)
		obs->leg_state(hub, leg, hub->env->arg);
	hub_touch(hub);
	hub_update(hub);
}

void leg_init(struct leg *leg, struct hub *hub, const struct leg_conf *conf)
{
	struct leg_info *info = &leg->info;

	leg->hub = hub;
	leg->ops = conf->ops;
	leg->ref = conf->ref;
	if (conf->id)
		str_ncpy(info->id, conf->id, sizeof(info->id));
	else
		ulid_make(info->id);
	info->kind = conf->kind;
	info->state = SY__LEG_STATE__LEG_SETUP;
	info->direction = conf->direction;
	info->started_ms = leg->here_ms = wall_ms(leg);
	str_ncpy(info->user, conf->user ? conf->user : "",
		 sizeof(info->user));
	str_ncpy(info->name, conf->name ? conf->name : "",
		 sizeof(info->name));
	str_ncpy(info->router, conf->router ? conf->router : "",
		 sizeof(info->router));
	str_ncpy(info->trunk, conf->trunk ? conf->trunk : "",
		 sizeof(info->trunk));
}

void leg_restore(struct leg *leg, struct hub *hub, const struct leg_ops *ops,
		 const struct leg_info *info, uint32_t ref)
{
	leg->hub = hub;
	leg->ops = ops;
	leg->ref = ref;
	leg->info = *info;
	leg->here_ms = wall_ms(leg);
	leg->shown = true;
}

void leg_close(struct leg *leg)
{
	leg->spare = mem_deref(leg->spare);
	leg->redirected = mem_deref(leg->redirected);
	list_unlink(&leg->le);
}

int leg_progress(struct leg *leg, uint16_t code)
{
	int err = 0;

	if (!leg_is(leg, SY__LEG_STATE__LEG_SETUP))
		return 0;

	if (leg->ops->progress)
		err = leg->ops->progress(leg, code);
	if (!err)
		set_state(leg, SY__LEG_STATE__LEG_RINGING);

	return err;
}

void leg_forwarded(struct leg *leg)
{
	if (leg->info.direction == SY__DIRECTION__INBOUND &&
	    (leg_is(leg, SY__LEG_STATE__LEG_SETUP) ||
	     leg_is(leg, SY__LEG_STATE__LEG_RINGING)) &&
	    leg->ops->progress)
		(void)leg->ops->progress(leg, 181);
}

int leg_early(struct leg *leg)
{
	int err;

	if (leg_is(leg, SY__LEG_STATE__LEG_ENDED))
		return ENOTCONN;
	if (leg->early || leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
		return 0;

	err = leg->ops->early ? leg->ops->early(leg) : ENOTSUP;
	if (!err && leg_is(leg, SY__LEG_STATE__LEG_SETUP))
		set_state(leg, SY__LEG_STATE__LEG_RINGING);

	return err;
}

bool leg_talks(const struct leg *leg)
{
	return leg_is(leg, SY__LEG_STATE__LEG_ANSWERED) ||
	       (leg->early && !leg->silent &&
		leg_is(leg, SY__LEG_STATE__LEG_RINGING));
}

int leg_answer(struct leg *leg)
{
	int err = 0;

	if (leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
		return 0;
	if (leg_is(leg, SY__LEG_STATE__LEG_ENDED))
		return ENOTCONN;

	if (leg->ops->answer)
		err = leg->ops->answer(leg);
	if (!err)
		set_state(leg, SY__LEG_STATE__LEG_ANSWERED);

	return err;
}

void leg_ringing(struct leg *leg, uint16_t code)
{
	if (leg_is(leg, SY__LEG_STATE__LEG_SETUP))
		set_state(leg, SY__LEG_STATE__LEG_RINGING);

	if (leg->hunt)
		hunt_leg_progress(leg->hunt, leg, code);
}

void leg_sounding(struct leg *leg)
{
	if (leg_is(leg, SY__LEG_STATE__LEG_SETUP))
		set_state(leg, SY__LEG_STATE__LEG_RINGING);

	if (leg->hunt)
		hunt_leg_sounding(leg->hunt, leg);
}

void leg_unsilence(struct leg *leg)
{
	if (!leg->silent)
		return;

	leg->silent = false;
	if (leg->ops->mute)
		(void)leg->ops->mute(leg);
}

void leg_answered(struct leg *leg)
{
	if (leg_is(leg, SY__LEG_STATE__LEG_ENDED))
		return;

	leg_unsilence(leg);
	set_state(leg, SY__LEG_STATE__LEG_ANSWERED);
	if (leg->hunt)
		hunt_leg_answered(leg->hunt, leg);
}

static struct hunt *hunt_of(const struct hub *hub, const struct leg *caller)
{
	struct le *le;

	for (le = list_head(&hub->hunts); le; le = le->next) {
		struct hunt *hunt = le->data;

		if (hunt->conf.caller == caller)
			return hunt;
	}

	return NULL;
}

void leg_finish(struct leg *leg, uint16_t code, const char *reason,
		bool local)
{
	struct hub *hub = leg->hub;
	const struct hub_observer *obs = hub->env->observer;
	struct leg_info *info = &leg->info;
	struct hunt *hunt;

	if (leg_is(leg, SY__LEG_STATE__LEG_ENDED))
		return;

	if (leg->ops->stat)
		leg->ops->stat(leg);

	info->state = SY__LEG_STATE__LEG_ENDED;
	info->ended_ms = wall_ms(leg);
	info->end_code = code;
	str_ncpy(info->end_reason, reason ? reason : "",
		 sizeof(info->end_reason));
	leg->hunt = NULL;
	leg->dirty = true;

	list_unlink(&leg->le);
	list_append(&hub->gone, &leg->le, leg);
	hub_remember(hub, info);

	if (local && leg->ops->hangup)
		leg->ops->hangup(leg, code, reason);
	if (obs->leg_removed)
		obs->leg_removed(hub, leg, hub->env->arg);

	/* A ring for a leg that left rings for nobody. */
	while ((hunt = hunt_of(hub, leg)))
		hunt_cancel(hunt);
	hub_touch(hub);
}

/* @param why  Should the hub end with it: the others' reason. */
static void leave(struct leg *leg, uint16_t code, const char *reason,
		  const char *why, bool local)
{
	struct hub *hub = leg->hub;
	struct hunt *hunt;

	if (leg_is(leg, SY__LEG_STATE__LEG_ENDED))
		return;

	hunt = mem_ref(leg->hunt);
	leg_finish(leg, code, reason, local);
	if (hunt)
		hunt_leg_ended(hunt, leg, code);
	mem_deref(hunt);
	hub_check(hub, code, why);
}

void leg_hangup(struct leg *leg, uint16_t code, const char *reason)
{
	leave(leg, code, reason, reason, true);
}

void leg_lost(struct leg *leg, uint16_t code, const char *reason, bool local)
{
	leave(leg, code, reason, HUB_PARTY_LOST, local);
}

void leg_ended(struct leg *leg, uint16_t code, const char *reason)
{
	leave(leg, code, reason, reason, false);
}

int leg_mute(struct leg *leg, bool muted, bool deaf)
{
	leg->info.muted = muted;
	leg->info.deaf = deaf;
	leg_changed(leg);

	return leg->ops->mute ? leg->ops->mute(leg) : ENOTSUP;
}

int leg_voice_set(struct leg *leg, const struct leg_voice *voice)
{
	const struct leg_voice was = leg->info.voice;
	int err;

	leg->info.voice = *voice;
	err = leg->ops->voice ? leg->ops->voice(leg) : ENOTSUP;
	if (err)
		leg->info.voice = was;
	else
		leg_changed(leg);

	return err;
}

void leg_changed(struct leg *leg)
{
	leg->dirty = true;
	leg_touched(leg);
}

void leg_touched(struct leg *leg)
{
	leg->dirty_dialog = true;
	hub_touch(leg->hub);
}

void leg_dialog_set(struct leg_dialog *d, const char *call_id,
		    const char *local_tag, const char *remote_tag)
{
	const char *rtag = remote_tag ? remote_tag : "";

	memset(d, 0, sizeof(*d));
	if (strlen(call_id) >= LEG_ID_MAX || strlen(local_tag) >= LEG_ID_MAX ||
	    strlen(rtag) >= LEG_ID_MAX)
		return;
	strcpy(d->call_id, call_id);
	strcpy(d->local_tag, local_tag);
	strcpy(d->remote_tag, rtag);
}

bool leg_is_hidden(const struct leg *leg)
{
	return leg->hub->private &&
	       leg->info.direction == SY__DIRECTION__INBOUND;
}

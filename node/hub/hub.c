/* SPDX-License-Identifier: MIT */
/* A call with its legs: see hub.h. */

#include <string.h>
#include "node/hub/hub.h"
#include "proto/dialplan.h"
#include "proto/schema_copy.h"

static void expect_destructor(void *data)
{
	struct hub_expect *ex = data;

	alarm_stop(ex->hub->env->alarms, &ex->timer);
	list_unlink(&ex->le);
	if (ex->place)
		sy__place_hub__free_unpacked(ex->place, NULL);
}

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

bool hub_has_toll(const struct hub *hub, const char *account, const char *call)
{
	for (size_t i = 0; i < hub->tollc; i++) {
		if (!strcmp(hub->tollv[i]->account, account) &&
		    !strcmp(hub->tollv[i]->call, call))
			return true;
	}

	return false;
}

int hub_add_toll(struct hub *hub, const Sy__Toll *toll)
{
	Sy__Toll *copy;

	if (!toll || hub_has_toll(hub, toll->account, toll->call))
		return 0;
	if (hub->tollc == HUB_TOLLS_MAX)
		return ENOSPC;

	copy = schema_copy(&toll->base);
	if (!copy)
		return ENOMEM;
	hub->tollv[hub->tollc++] = copy;

	return 0;
}

void hub_drop_toll(struct hub *hub, size_t i)
{
	sy__toll__free_unpacked(hub->tollv[i], NULL);
	hub->tollv[i] = hub->tollv[--hub->tollc];
}

void hub_move_tolls(struct hub *into, struct hub *from)
{
	size_t left = 0;

	for (size_t i = 0; i < from->tollc; i++) {
		if (into->tollc == HUB_TOLLS_MAX)
			from->tollv[left++] = from->tollv[i];
		else
			into->tollv[into->tollc++] = from->tollv[i];
	}
	from->tollc = left;
}

int hub_destination_copy(Sy__Destination **dp, const Sy__Destination *dest)
{
	*dp = schema_copy(&dest->base);

	return *dp ? 0 : ENOMEM;
}

int hub_source_copy(Sy__Source **sp, const Sy__Source *src)
{
	*sp = schema_copy(&src->base);

	return *sp ? 0 : ENOMEM;
}

void hub_destination_print(char *buf, size_t size,
			   const Sy__Destination *dest)
{
	switch (dest ? dest->kind_case : SY__DESTINATION__KIND__NOT_SET) {

	case SY__DESTINATION__KIND_DEVICE:
		re_snprintf(buf, size, "device:%s", dest->device);
		break;
	case SY__DESTINATION__KIND_CONFERENCE:
		re_snprintf(buf, size, "conference:%s", dest->conference);
		break;
	case SY__DESTINATION__KIND_ECHO:
		re_snprintf(buf, size, "echo");
		break;
	case SY__DESTINATION__KIND_TONE:
		re_snprintf(buf, size, "tone:%u",
			    (unsigned)dest->tone->hz);
		break;
	case SY__DESTINATION__KIND_FILE:
		re_snprintf(buf, size, "file:%s", dest->file);
		break;
	case SY__DESTINATION__KIND_EXTERNAL:
		re_snprintf(buf, size, "external:%s/%s",
			    dest->external->trunk, dest->external->number);
		break;
	case SY__DESTINATION__KIND_GROUP:
		re_snprintf(buf, size, "group:%s", dest->group);
		break;
	case SY__DESTINATION__KIND_PICKUP:
		re_snprintf(buf, size, "pickup:%s", dest->pickup);
		break;
	case SY__DESTINATION__KIND_FEATURE:
		re_snprintf(buf, size, "feature:%d", dest->feature->code);
		break;
	default:
		re_snprintf(buf, size, "");
		break;
	}
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

/* ------------------------------------------------- INVITEs that will come */

static void expect_timeout(void *arg)
{
	struct hub_expect *ex = arg;
	struct hub *hub = ex->hub;

	mem_deref(ex);
	hub_check(hub, 408, "no INVITE came");
}

static bool ref_in(const struct list *legs, uint32_t ref)
{
	const struct le *le;

	for (le = list_head(legs); le; le = le->next) {
		const struct leg *leg = le->data;

		if (leg->ref == ref)
			return true;
	}

	return false;
}

int hub_expect(struct hub *hub, const Sy__PlaceHub *place)
{
	struct hub_expect *ex;

	if (hub_is_over(hub))
		return EINVAL;
	if (hub_expect_find(hub, place->leg_ref) ||
	    ref_in(&hub->legs, place->leg_ref) ||
	    ref_in(&hub->gone, place->leg_ref))
		return 0; /* told twice */

	ex = mem_zalloc(sizeof(*ex), expect_destructor);
	if (!ex)
		return ENOMEM;

	ex->hub = hub;
	ex->ref = place->leg_ref;
	ex->place = schema_copy(&place->base);
	if (!ex->place) {
		mem_deref(ex);
		return ENOMEM;
	}

	list_append(&hub->expects, &ex->le, ex);
	alarm_start(hub->env->alarms, &ex->timer, HUB_EXPECT_MS,
		    expect_timeout, ex);
	return 0;
}

struct hub_expect *hub_expect_find(const struct hub *hub, uint32_t ref)
{
	const struct le *le;

	for (le = list_head(&hub->expects); le; le = le->next) {
		struct hub_expect *ex = le->data;

		if (ex->ref == ref)
			return ex;
	}

	return NULL;
}

static void call_id_destructor(void *data)
{
	struct hub_call_id *cid = data;

	list_unlink(&cid->le);
}

static struct hub_call_id *call_id_find(const struct hub *hub,
					const char *call_id)
{
	const struct le *le;

	for (le = list_head(&hub->call_ids); le; le = le->next) {
		struct hub_call_id *cid = le->data;

		if (!strcmp(cid->text, call_id))
			return cid;
	}

	return NULL;
}

int hub_call_id_add(struct hub *hub, const char *call_id)
{
	const size_t len = str_len(call_id);
	struct hub_call_id *cid;

	if (call_id_find(hub, call_id))
		return 0;

	cid = mem_zalloc(sizeof(*cid) + len + 1, call_id_destructor);
	if (!cid)
		return ENOMEM;

	memcpy(cid->text, call_id, len);
	list_append(&hub->call_ids, &cid->le, cid);
	return 0;
}

void hub_call_id_remove(struct hub *hub, const char *call_id)
{
	mem_deref(call_id_find(hub, call_id));
}

/* -------------------------------------------------------------------- legs */

uint32_t hub_ref(struct hub *hub)
{
	uint32_t ref;

	do {
		ref = ++hub->ref_last;
	} while (!ref || ref_in(&hub->legs, ref) ||
		 ref_in(&hub->gone, ref) || hub_expect_find(hub, ref));

	return ref;
}

void hub_add(struct hub *hub, struct leg *leg)
{
	list_append(&hub->legs, &leg->le, leg);
	hub->came = true;
	leg->dirty = leg->dirty_dialog = true;
	if (hub->env->observer->leg_added)
		hub->env->observer->leg_added(hub, leg, hub->env->arg);
	hub_touch(hub);
	hub_update(hub);
}

struct leg *hub_leg(const struct hub *hub, const char *id)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (!strcmp(leg->info.id, id))
			return leg;
	}

	return NULL;
}

const struct leg *hub_other(const struct leg *leg)
{
	const struct leg *other = NULL;

	for (const struct le *le = list_head(&leg->hub->legs); le;
	     le = le->next) {
		const struct leg *x = le->data;

		if (x == leg || !x->ops->party ||
		    !leg_is(x, SY__LEG_STATE__LEG_ANSWERED))
			continue;
		if (other)
			return NULL;
		other = x;
	}

	return other;
}

uint32_t hub_legs(const struct hub *hub)
{
	return list_count(&hub->legs);
}

void hub_remember(struct hub *hub, const struct leg_info *info)
{
	struct leg_past *past;

	if (list_count(&hub->past) >= HUB_PAST_MAX) {
		past = list_head(&hub->past)->data;
		list_unlink(&past->le);
		mem_deref(past);
	}

	past = mem_zalloc(sizeof(*past), NULL);
	if (!past)
		return; /* the record is the poorer, the call is not */

	past->info = *info;
	list_append(&hub->past, &past->le, past);
}

void hub_dtmf(struct hub *hub, struct leg *from,
	      const struct hub_digit *digit)
{
	struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg != from && leg->ops->dtmf && leg_talks(leg))
			(void)leg->ops->dtmf(leg, digit->digit,
					     digit->duration_ms);
	}

	if (hub->env->observer->dtmf)
		hub->env->observer->dtmf(hub, from, digit, hub->env->arg);
}

unsigned hub_message(struct hub *hub, struct leg *from, const char *ctype,
		     const struct mbuf *text)
{
	unsigned n = 0;
	struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg != from && leg->ops->message &&
		    leg_is(leg, SY__LEG_STATE__LEG_ANSWERED) &&
		    !leg->ops->message(leg, ctype, text))
			++n;
	}

	return n;
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

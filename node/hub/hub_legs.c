/* SPDX-License-Identifier: MIT */
/* The legs of a hub: who is in it, and what one says to the others. */

#include <string.h>
#include "node/hub/hub.h"

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

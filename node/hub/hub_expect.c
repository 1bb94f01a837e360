/* SPDX-License-Identifier: MIT */
/*
 * INVITEs that routers have announced to a hub, and that will come: by the leg
 * reference in their token, within HUB_EXPECT_MS.  A reference is given once;
 * the Call-IDs name the placements that are to be dropped at the end.
 */

#include <string.h>
#include "node/hub/hub.h"
#include "proto/schema_copy.h"

static void expect_destructor(void *data)
{
	struct hub_expect *ex = data;

	alarm_stop(ex->hub->env->alarms, &ex->timer);
	list_unlink(&ex->le);
	if (ex->place)
		sy__place_hub__free_unpacked(ex->place, NULL);
}

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

uint32_t hub_ref(struct hub *hub)
{
	uint32_t ref;

	do {
		ref = ++hub->ref_last;
	} while (!ref || ref_in(&hub->legs, ref) ||
		 ref_in(&hub->gone, ref) || hub_expect_find(hub, ref));

	return ref;
}

/* ---------------------------------------------- Call-IDs of its placements */

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

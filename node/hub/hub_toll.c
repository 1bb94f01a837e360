/* SPDX-License-Identifier: MIT */
/* Costly calls that a hub makes, and that are counted of it: see hub.h. */

#include <string.h>
#include "node/hub/hub.h"
#include "proto/schema_copy.h"

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

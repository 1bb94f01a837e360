/* SPDX-License-Identifier: MIT */
/* The trail of a call: see trail.h. */

#include <stdlib.h>
#include "node/hub/trail.h"
#include "proto/schema_copy.h"

/* @return NULL: no memory. */
static Sy__Trail *trail_of(struct hub *hub)
{
	if (!hub->trail) {
		hub->trail = calloc(1, sizeof(*hub->trail));
		if (hub->trail)
			sy__trail__init(hub->trail);
	}

	return hub->trail;
}

void trail_add(struct hub *hub, const Sy__Diversion *d)
{
	Sy__Trail *t = trail_of(hub);
	Sy__Diversion **v;

	if (!t || t->n_diversions >= TRAIL_MAX)
		return;
	v = realloc(t->diversions, (t->n_diversions + 1) * sizeof(*v));
	if (!v)
		return;
	t->diversions = v;
	v[t->n_diversions] = schema_copy(&d->base);
	if (v[t->n_diversions])
		++t->n_diversions;
	hub->dirty = true;
	hub_touch(hub);
}

/* SPDX-License-Identifier: MIT */
/* The trail of a call: see trail.h. */

#include <stdlib.h>
#include "node/hub/trail.h"

Sy__Diversion *diversion_copy(const Sy__Diversion *d)
{
	const size_t len = sy__diversion__get_packed_size(d);
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);
	Sy__Diversion *copy;

	if (!buf)
		return NULL;

	sy__diversion__pack(d, buf);
	copy = sy__diversion__unpack(NULL, len, buf);
	mem_deref(buf);

	return copy;
}

int trail_copy(Sy__Trail **tp, const Sy__Trail *trail)
{
	const size_t len = sy__trail__get_packed_size(trail);
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);

	if (!buf)
		return ENOMEM;

	sy__trail__pack(trail, buf);
	*tp = sy__trail__unpack(NULL, len, buf);
	mem_deref(buf);

	return *tp ? 0 : ENOMEM;
}

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
	v[t->n_diversions] = diversion_copy(d);
	if (v[t->n_diversions])
		++t->n_diversions;
	hub->dirty = true;
	hub_touch(hub);
}

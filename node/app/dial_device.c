/* SPDX-License-Identifier: MIT */
/*
 * A device is rung: what it wants of its calls, then its contacts
 * (dial_contact.c).  Both are asked for in one turn, and Redis answers in
 * that order.
 */

#include <string.h>
#include "node/app/dial_impl.h"
#include "node/app/next.h"
#include "proto/store.h"

static const Sy__Device *device(const struct dial_lookup *dl)
{
	return config_device(dl->node->config, dl->target,
			     strlen(dl->target));
}

/* @return false: nobody is to be rung; *codep says why. */
static bool wanted(struct dial_lookup *dl, uint16_t *codep)
{
	const struct store_device *st = dl->known ? &dl->state : NULL;
	const Sy__Device *dev = device(dl);
	Sy__Forward fwd;

	store_device_forward(&fwd, dev, st);
	if (dl->member) { /* a group's calls stay in the group */
		*codep = 480;
		return !fwd.always[0] && !store_device_dnd(dev, st);
	}

	next_forward(dl->hunt, &fwd);
	if (fwd.always[0]) {
		dl->hunt->diverted = true;
		*codep = 480;
		return false;
	}
	*codep = 486;

	return !store_device_dnd(dev, st);
}

static void room_handler(int err, void *arg)
{
	struct dial_lookup *dl = arg;

	dl->full = err;
}

static void reg_handler(int err, const Sy__Registration *reg, void *arg)
{
	struct dial_lookup *dl = arg;
	uint16_t code = 480; /* known, not here */

	if (!hunt_is_on(dl->hunt))
		code = 487;
	else if (!wanted(dl, &code))
		;
	else if (dl->full)
		code = dl->full == EBUSY ? 486 : 503;
	else if (err)
		code = 503;
	else {
		code = device(dl) ? 480 : 404;
		if (reg && reg->n_bindings)
			dial_contacts(dl, reg);
	}

	if (dl->limited && !dl->full)
		limit_device_unused(dl->node, dl->hub, dl->target);
	dial_lookup_end(dl, code);
}

static void state_handler(int err, const struct store_device *st, void *arg)
{
	struct dial_lookup *dl = arg;

	if (!err) {
		dl->state = *st;
		dl->known = true;
	}
	if (dl->unasked)
		dial_lookup_end(dl, 503);
}

/* The reply to each question needs the lookup as long as that to the last:
 * they come in order. */
static int ask(struct dial_lookup *dl)
{
	struct redis *r = bus_redis(dl->node->bus);
	struct limit lim;
	int err;

	err = store_device_get(r, dl->target, state_handler, dl);
	if (err)
		return err;
	dl->limited = limit_of_device(&lim, device(dl), dl->hub);
	if (dl->limited)
		dl->full = store_limit_take(r, &lim.l, room_handler, dl);
	dl->unasked = store_reg_get(r, dl->target, reg_handler, dl) != 0;

	return 0;
}

static uint16_t later(struct dial_lookup *dl)
{
	(void)dl;

	return 503;
}

const struct dial_row dial_device = {.ask = ask, .later = later};

/* SPDX-License-Identifier: MIT */
/*
 * /api/devices/{id}: do not disturb and forwarding of a device.  The state is
 * that which phones change by star codes (store_device.h); where nobody
 * changed it, the configuration's holds.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <re.h>

#include "gateway/api/devices.h"
#include "gateway/api/target.h"
#include "proto/callee.h"

enum { NO_ANSWER_MAX_S = 300 };

/* Names as the API shows them, in the order of the store's four numbers. */
static const char *const forward_fields[STORE_FORWARDS] = {
	"forward.always", "forward.busy", "forward.noAnswer",
	"forward.unreachable",
};
#define DND_FIELD "doNotDisturb"
#define NO_ANSWER_S_FIELD "forward.noAnswerS"

/* The device that the path names. NULL: answered. */
static const Sy__Device *device(struct api_req *a)
{
	const char *id = a->params.v[0];
	const Sy__Device *dev;

	if (!view_config(a->api->view)) {
		api_unavailable(a, "no configuration was loaded yet");
		return NULL;
	}
	dev = config_device(view_config_table(a->api->view), id, strlen(id));
	if (!dev)
		api_reply_err(a, ENOENT, "device");

	return dev;
}

/* ------------------------------------------------------------------- show */

void device_show(struct device_shown *s, const Sy__Device *dev,
		 const struct store_device *st)
{
	Sy__DeviceState *ds = &s->msg;

	sy__device_state__init(ds);
	store_device_forward(&s->forward, dev, st);
	ds->id = dev->id;
	ds->display_name = dev->display_name;
	ds->pickup_group = dev->pickup_group;
	ds->do_not_disturb = store_device_dnd(dev, st);
	ds->forward = &s->forward;
	ds->changed = s->changed;
	if (st->dnd_set)
		s->changed[ds->n_changed++] = DND_FIELD;
	for (size_t i = 0; i < STORE_FORWARDS; i++) {
		if (st->set[i])
			s->changed[ds->n_changed++] =
			    (char *)(uintptr_t)forward_fields[i];
	}
	if (st->no_answer_s_set)
		s->changed[ds->n_changed++] = NO_ANSWER_S_FIELD;
}

static void reply(struct api_req *a, const Sy__Device *dev,
		  const struct store_device *st)
{
	struct device_shown s;

	device_show(&s, dev, st);
	api_reply(a, 200, &s.msg.base);
}

static void on_state(int err, const struct store_device *st, void *arg)
{
	struct api_req *a = arg;
	const Sy__Device *dev;

	if (err) {
		api_reply_err(a, err, "device");
	}
	else {
		dev = device(a); /* it may have been removed meanwhile */
		if (dev)
			reply(a, dev, st);
	}
	api_release(a);
}

void api_devices_get(struct api_req *a)
{
	const Sy__Device *dev = device(a);
	int err;

	if (!dev)
		return;

	api_hold(a);
	err = store_device_get(view_redis(a->api->view), dev->id, on_state,
			       a);
	if (err) {
		api_reply_err(a, err, "device");
		api_release(a);
	}
}

/* ----------------------------------------------------------------- change */

/* What a body says, read into the store's terms. */
struct update {
	struct store_device_change change;
	char no_answer_s[12];
	size_t n;
};

/* A number must lead somewhere when this device calls it. */
static void check_forward(struct complaints *bad, const struct api_req *a,
			  const Sy__Device *dev, const char *field,
			  const char *number)
{
	const size_t before = bad->n;
	struct dialplan_match m;
	Sy__Source src = SY__SOURCE__INIT;

	if (!*number)
		return;
	check_number(bad, field, number);
	if (bad->n != before)
		return;
	if (!strcmp(number, dev->id)) {
		complaints_add(bad, field, "is the device itself",
			       "another number; empty: none");
		return;
	}
	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = dev->id;
	complaints_target(bad, field,
			  callee_find(&m, view_config_table(a->api->view),
				      number, &src));
}

static void read_forward(struct update *u, struct complaints *bad,
			 const struct api_req *a, const Sy__Device *dev,
			 const Sy__UpdateForward *f)
{
	const struct {
		bool set;
		const char *number;
	} v[STORE_FORWARDS] = {
		{f->set_always_case, f->always},
		{f->set_busy_case, f->busy},
		{f->set_no_answer_case, f->no_answer},
		{f->set_unreachable_case, f->unreachable},
	};

	for (size_t i = 0; i < STORE_FORWARDS; i++) {
		if (!v[i].set)
			continue;
		check_forward(bad, a, dev, forward_fields[i], v[i].number);
		u->change.forward[i] = v[i].number;
		u->n++;
	}
	if (!f->set_no_answer_s_case)
		return;
	if (f->no_answer_s > NO_ANSWER_MAX_S)
		complaints_add(bad, NO_ANSWER_S_FIELD, "is too long",
			       "1 to 300; 0: 20");
	(void)snprintf(u->no_answer_s, sizeof(u->no_answer_s), "%u",
		       f->no_answer_s);
	u->change.no_answer_s = u->no_answer_s;
	u->n++;
}

/* Where the value of a field goes; NULL: there is no such field. */
static const char **value_of(struct store_device_change *c, const char *field)
{
	if (!strcmp(field, DND_FIELD))
		return &c->dnd;
	if (!strcmp(field, NO_ANSWER_S_FIELD))
		return &c->no_answer_s;
	for (size_t i = 0; i < STORE_FORWARDS; i++) {
		if (!strcmp(field, forward_fields[i]))
			return &c->forward[i];
	}

	return NULL;
}

static void read_reset(struct update *u, struct complaints *bad,
		       const Sy__UpdateDevice *body)
{
	for (size_t i = 0; i < body->n_reset; i++) {
		const char **value = value_of(&u->change, body->reset[i]);

		if (!value)
			complaints_add(bad, "reset", "names no such field",
				       DND_FIELD ", forward.always, "
				       "forward.busy, forward.noAnswer, "
				       "forward.unreachable, "
				       NO_ANSWER_S_FIELD);
		else if (*value && strcmp(*value, "unset"))
			complaints_add(bad, "reset",
				       "names a field that is set as well",
				       "one of both");
		else
			*value = "unset";
		u->n++;
	}
}

static bool read_update(struct update *u, const struct api_req *a,
			const Sy__Device *dev)
{
	const Sy__UpdateDevice *body = (const Sy__UpdateDevice *)a->body;
	struct complaints bad = {.n = 0};

	if (body->set_do_not_disturb_case) {
		u->change.dnd = body->do_not_disturb ? "1" : "0";
		u->n++;
	}
	if (body->forward)
		read_forward(u, &bad, a, dev, body->forward);
	read_reset(u, &bad, body);
	if (!u->n)
		complaints_add(&bad, "", "nothing is to be changed",
			       DND_FIELD ", forward, reset");

	return !complaints_answer(&bad, a->web);
}

void api_devices_update(struct api_req *a)
{
	const Sy__Device *dev = device(a);
	struct update u = {.n = 0};
	int err;

	if (!dev || !read_update(&u, a, dev))
		return;

	api_hold(a);
	err = store_device_change(view_redis(a->api->view), dev->id,
				  &u.change, on_state, a);
	if (err) {
		api_reply_err(a, err, "device");
		api_release(a);
	}
}

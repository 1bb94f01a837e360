/* SPDX-License-Identifier: MIT */
/*
 * MESSAGE outside of calls: see message.h.
 *
 *   known source? --> whom the number means --> courier.c
 *        |                   |
 *       407          404; 403: by a trunk that takes none
 */

#include <string.h>
#include "proto/costly.h"
#include "proto/dialplan.h"
#include "router/answer.h"
#include "router/auth.h"
#include "router/caller.h"
#include "router/core.h"
#include "router/courier.h"
#include "router/guard_share.h"
#include "router/message.h"
#include "router/toll.h"
#include "router/trunk_mark.h"
#include "router/wire_impl.h"

enum { HOPS_MAX = 70 };

/* Who writes, and as what. */
struct writer {
	Sy__Source src;
	char user[NUMBER_SIZE];  /* shown */
	const char *name;
	const Sy__Trunk *trunk;  /* NULL: a device writes */
	const Sy__Device *dev;
};

/* A trunk's are taken where it is configured so: they cost nothing, and
 * nobody is there to be asked for a password.
 * @return false: answered */
static bool from_trunk(struct msg *m, struct writer *wr, const Sy__Trunk *t)
{
	struct caller who;

	if (!t->messages) {
		answer(m, 403, "This Trunk May Not Send Messages", NULL);
		return false;
	}
	if (!guard_account(m->w->guard, t->id, GUARD_MESSAGE, wire_now_ms())) {
		answer_later(m, "Too Many Messages");
		return false;
	}
	caller_read(&who, m->v, t);
	wr->trunk = t;
	wr->src.kind_case = SY__SOURCE__KIND_TRUNK;
	wr->src.trunk = t->id;
	wr->name = "";
	str_ncpy(wr->user, who.number[0] && !who.private ? who.number :
							   "anonymous",
		 sizeof(wr->user));

	return true;
}

/* From is what was authenticated, whatever it says else.
 * @return false: answered */
static bool identify(struct msg *m, struct writer *wr)
{
	const Sy__Trunk *trunk = NULL;
	const Sy__Device *dev;

	sy__source__init(&wr->src);
	if (!view_first(m->v, VIEW_PROXY_AUTHORIZATION))
		trunk = trunk_of(m);
	if (trunk)
		return from_trunk(m, wr, trunk);
	if (caller_user(wr->user, sizeof(wr->user), &m->v->from.uri)) {
		answer(m, 403, NULL, NULL);
		return false;
	}
	dev = auth_device(m, wr->user);
	if (!dev || guard_share_limited(m, dev, GUARD_MESSAGE))
		return false;
	str_ncpy(wr->user, dev->id, sizeof(wr->user));
	wr->name = dev->display_name;
	wr->dev = dev;
	wr->src.kind_case = SY__SOURCE__KIND_DEVICE;
	wr->src.device = dev->id;

	return true;
}

/* ------------------------------------------------------------ whom to reach */

static bool one(struct courier_conf *conf, const struct msg *m,
		const char *device)
{
	const Sy__Device *dev =
	    config_device(m->w->config, device, strlen(device));

	if (!dev)
		return false;
	conf->devicev[conf->devicec++] = dev->id;

	return true;
}

static bool members(struct courier_conf *conf, const struct msg *m,
		    const char *group)
{
	const Sy__Group *g = config_group(m->w->config, group);

	for (size_t i = 0; g && i < g->n_members &&
			   conf->devicec < COURIER_DEVICES_MAX; i++)
		(void)one(conf, m, g->members[i]);

	return conf->devicec > 0;
}

/* What a device may not call it may not write to.
 * @return false: answered */
static bool by_trunk(struct msg *m, const struct writer *wr,
		     struct courier_conf *conf, char number[NUMBER_SIZE],
		     const Sy__External *ext)
{
	const Sy__Trunk *t = config_trunk(m->w->config, ext->trunk);
	Sy__Destination dest = SY__DESTINATION__INIT;
	struct costly costly;

	if (!t || !t->enabled || !t->messages_out || wr->trunk) {
		answer(m, 403, "This Trunk Takes No Messages", NULL);
		return false;
	}
	dest.kind_case = SY__DESTINATION__KIND_EXTERNAL;
	dest.external = (Sy__External *)(uintptr_t)ext;
	if (costly_check(&costly, m->w->config, &dest, &wr->src) ==
	    COSTLY_DENIED) {
		toll_refuse(m, costly.account, COSTLY_NO_PERMISSION);
		return false;
	}
	conf->trunk = t;
	conf->device = wr->dev;
	str_ncpy(number, ext->number, NUMBER_SIZE);

	return true;
}

/* @return false: answered */
static bool resolve(struct msg *m, const struct writer *wr,
		    struct courier_conf *conf, char number[NUMBER_SIZE])
{
	struct dialplan_match match;

	if (caller_user(number, NUMBER_SIZE, trunk_called(m)) ||
	    (wr->trunk && number_called_in(number, wr->trunk, number)))
		goto unknown;
	if (dialplan_find(&match, config_get(m->w->config), number,
			  &wr->src)) {
		if (wr->trunk || !one(conf, m, number))
			goto unknown;
		return true;
	}

	switch (match.dest.kind_case) {

	case SY__DESTINATION__KIND_DEVICE:
		if (!one(conf, m, match.dest.device))
			goto unknown;
		return true;

	case SY__DESTINATION__KIND_GROUP:
		if (!members(conf, m, match.dest.group))
			goto unknown;
		return true;

	case SY__DESTINATION__KIND_EXTERNAL:
		return by_trunk(m, wr, conf, number, match.dest.external);

	default:
		answer(m, 404, "Nobody Takes Messages There", NULL);
		return false;
	}

unknown:
	answer(m, 404, NULL, NULL);

	return false;
}

/* ------------------------------------------------------------------- handle */

/* It goes on with one hop less, or not at all. @return false: answered */
static bool hops(struct msg *m, uint8_t *hopsp)
{
	const int n = m->v->max_forwards;

	if (!n)
		answer(m, 483, NULL, NULL);
	*hopsp = n < 0 || n > HOPS_MAX ? HOPS_MAX : (uint8_t)(n - 1);

	return n != 0;
}

void message_handle(struct msg *m)
{
	struct courier_conf conf = {.devicec = 0};
	struct writer wr = {.trunk = NULL};
	char number[NUMBER_SIZE];

	if (courier_again(m) || !hops(m, &conf.hops))
		return;
	/* before a challenge: who is asked for a password expects an answer */
	if (!config_get(m->w->config) || !bus_is_up(m->w->bus)) {
		answer_later(m, NULL);
		return;
	}
	if (answer_unsupported(m, VIEW_REQUIRE, NULL) || !identify(m, &wr) ||
	    !resolve(m, &wr, &conf, number))
		return;
	conf.from_user = wr.user;
	conf.from_name = wr.name;
	conf.to_user = number;
	courier_start(m, &conf);
}

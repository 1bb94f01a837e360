/* SPDX-License-Identifier: MIT */
/*
 * Star codes: a phone changes what becomes of its own calls.  The change is
 * made first; then the caller hears that it was, or gets an error.
 */

#include "node/app/app.h"
#include "node/leg_player.h"
#include "proto/log.h"
#include "proto/store_device.h"

enum { HEARD_MS = 900 };

/* One that is under way; the hub may be over when Redis has answered. */
struct feature {
	struct node *node;        /* borrowed */
	char hub[ULID_LEN + 1];
	char leg[ULID_LEN + 1];
	struct tmr tmr;
};

static void destructor(void *data)
{
	struct feature *f = data;

	tmr_cancel(&f->tmr);
}

static struct hub *hub_of(const struct feature *f)
{
	struct hub *hub = node_hub(f->node, f->hub);

	return hub && !hub_is_over(hub) ? hub : NULL;
}

static void heard_handler(void *arg)
{
	struct feature *f = arg;
	struct hub *hub = hub_of(f);

	if (hub)
		hub_end(hub, 200, "done");
	mem_deref(f);
}

/* Two short tones up: done. */
static int confirm(struct node *n, struct hub *hub, struct leg *leg)
{
	Sy__Destination dest = SY__DESTINATION__INIT;
	Sy__Tone tone = SY__TONE__INIT;
	struct leg *player;
	int err;

	tone.hz = 950;
	dest.kind_case = SY__DESTINATION__KIND_TONE;
	dest.tone = &tone;
	err = leg_player_add(&player, n, hub, &dest);

	return err ? err : leg_answer(leg);
}

static void changed_handler(int err, const struct store_device *st, void *arg)
{
	struct feature *f = arg;
	struct hub *hub = hub_of(f);
	struct leg *leg = hub ? hub_leg(hub, f->leg) : NULL;

	(void)st;
	if (!leg) {
		mem_deref(f);
		return;
	}
	if (!err)
		err = confirm(f->node, hub, leg);
	if (err) {
		log_warn("star code not done", LOG_S("call", hub->id),
			 LOG_E(err));
		leg_hangup(leg, 503, "not changed");
		mem_deref(f);
		return;
	}

	tmr_start(&f->tmr, HEARD_MS, heard_handler, f);
}

/* @return false: no such code. */
static bool change_of(struct store_device_change *change, struct node *n,
		      const Sy__Feature *f, const char *user)
{
	const Sy__Device *dev = config_device(n->config, user, str_len(user));
	const char *number = f->number ? f->number : "";

	switch (f->code) {

	case SY__FEATURE_CODE__DND_ON:
		change->dnd = "1";
		return true;
	case SY__FEATURE_CODE__DND_OFF:
		change->dnd = "0";
		return true;
	case SY__FEATURE_CODE__DND_TOGGLE:
		change->dnd = dev && dev->do_not_disturb ? "toggle1" :
							   "toggle0";
		return true;
	case SY__FEATURE_CODE__FORWARD_NONE:
		for (size_t i = 0; i < STORE_FORWARDS; i++)
			change->forward[i] = "";
		return true;
	case SY__FEATURE_CODE__FORWARD_ALWAYS:
	case SY__FEATURE_CODE__FORWARD_BUSY:
	case SY__FEATURE_CODE__FORWARD_NO_ANSWER:
	case SY__FEATURE_CODE__FORWARD_UNREACHABLE:
		change->forward[f->code - SY__FEATURE_CODE__FORWARD_ALWAYS] =
			number;
		return true;
	default:
		return false;
	}
}

uint16_t app_feature(struct node *n, const struct app_call *call)
{
	struct store_device_change change = {0};
	const struct leg_info *who = &call->leg->info;
	struct feature *f;

	if (!leg_is_device(who))
		return 403; /* it is nobody's phone */
	if (!change_of(&change, n, call->dest->feature, who->user))
		return 404;

	f = mem_zalloc(sizeof(*f), destructor);
	if (!f)
		return 500;
	f->node = n;
	str_ncpy(f->hub, call->hub->id, sizeof(f->hub));
	str_ncpy(f->leg, who->id, sizeof(f->leg));
	tmr_init(&f->tmr);
	if (store_device_change(bus_redis(n->bus), who->user, &change,
				changed_handler, f)) {
		mem_deref(f);
		return 503;
	}

	return 0;
}

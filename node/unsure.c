/* SPDX-License-Identifier: MIT */
/*
 * Cut off from Redis: see unsure.h.
 *
 *   Redis answers --1.5 s without--> legs are looked at --a lease--> unsure
 *        ^                                                             |
 *        +--- it answers, and so has every write: the rest is ours ----+
 */

#include "node/checkpoint.h"
#include "node/unsure.h"
#include "proto/log.h"

enum {
	LOOK_MS = 200,
	SILENT_MS = 1500,   /* Redis may be away: begin to look            */
	QUIET_LOOKS = 5,    /* without RTP, until a peer is thought gone   */
	STEADY_PPS = 40,    /* packets a second of who sends without pause */
};

struct unsure {
	struct node *node;  /* borrowed: its owner */
	struct tmr tmr;
};

static void destructor(void *data)
{
	struct unsure *u = data;

	tmr_cancel(&u->tmr);
}

static void set(struct node *n, bool unsure)
{
	sipua_set_unsure(n->ua, unsure);
	if (unsure)
		log_info("cut off from Redis for longer than a lease: calls "
			 "may be another node's", LOG_U("hubs", n->hubc));
	else
		log_info("calls are known to be ours", LOG_U("hubs", n->hubc));
}

static void stop_sending(struct leg *leg, bool stop)
{
	if (leg->stopped != stop && leg->ops->stop_sending &&
	    !leg->ops->stop_sending(leg, stop))
		leg->stopped = stop;
}

/* Only of who sent without pause its silence says something: others are
 * silent while they listen (VAD, DTX), and must go on hearing. */
static bool is_steady(const struct leg *leg, uint32_t rx_packets)
{
	const struct leg_info *info = &leg->info;
	const uint64_t since_ms = MAX(info->answered_ms, leg->here_ms);
	const uint64_t now_ms = leg->hub->env->wall_ms();

	return now_ms > since_ms &&
	       rx_packets * 1000ull >= (now_ms - since_ms) * STEADY_PPS;
}

static void look_leg(struct leg *leg, bool unsure)
{
	const uint32_t before = leg->info.rx_packets;
	uint32_t now;

	if (!leg->ops->stat || !leg->ops->stop_sending)
		return;

	leg->ops->stat(leg);
	now = leg->info.rx_packets;
	if (now != before) {
		leg->quiet = 0;
		leg->steady = is_steady(leg, now);
		stop_sending(leg, false);
	}
	else if (leg->quiet < QUIET_LOOKS) {
		leg->quiet++;
	}

	if (unsure && leg->steady && leg->quiet == QUIET_LOOKS &&
	    !leg->info.held)
		stop_sending(leg, true);
}

static bool look_hub(struct le *le, void *arg)
{
	const struct hub *hub = le->data;
	const struct node *n = arg;
	struct le *l;

	for (l = list_head(&hub->legs); l; l = l->next)
		look_leg(l->data, sipua_is_unsure(n->ua));

	return false;
}

static bool send_hub(struct le *le, void *arg)
{
	const struct hub *hub = le->data;
	struct le *l;

	(void)arg;
	for (l = list_head(&hub->legs); l; l = l->next)
		stop_sending(l->data, false);

	return false;
}

static void look_handler(void *arg)
{
	struct unsure *u = arg;
	struct node *n = u->node;
	const uint64_t silent_ms = member_silent_ms(n->members);
	const bool unsure = sipua_is_unsure(n->ua);

	tmr_start(&u->tmr, LOOK_MS, look_handler, u);
	if (silent_ms < SILENT_MS && !unsure)
		return;

	if (unsure && silent_ms < SILENT_MS && bus_is_up(n->bus) &&
	    checkpoint_is_whole(n->checkpoint)) {
		set(n, false);
		hash_apply(n->hubs, send_hub, NULL);
		return;
	}

	if (!unsure && silent_ms >= MEMBER_LEASE_MS)
		set(n, true);
	hash_apply(n->hubs, look_hub, n);
}

int unsure_alloc(struct unsure **up, struct node *n)
{
	struct unsure *u = mem_zalloc(sizeof(*u), destructor);

	if (!u)
		return ENOMEM;

	u->node = n;
	tmr_init(&u->tmr);
	tmr_start(&u->tmr, LOOK_MS, look_handler, u);
	*up = u;

	return 0;
}

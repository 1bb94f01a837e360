/* SPDX-License-Identifier: MIT */
/* Cut off from Redis: see unsure.h. */

#include "node/checkpoint.h"
#include "node/unsure.h"
#include "proto/log.h"

enum {
	LOOK_MS = 500,
	QUIET_LOOKS = 2, /* without RTP, until a peer is thought to be gone */
};

struct unsure {
	struct node *node; /* borrowed: its owner                       */
	struct tmr tmr;	   /* runs from the loss until all is known     */
	uint64_t lost_ms;  /* monotonic; since when Redis is away       */
	bool away;
};

static void destructor(void *data)
{
	struct unsure *u = data;

	tmr_cancel(&u->tmr);
}

static void set(struct node *n, bool unsure)
{
	if (n->unsure == unsure)
		return;

	n->unsure = unsure;
	sipua_set_unsure(n->ua, unsure);
	if (unsure)
		log_warn("cut off from Redis for longer than a lease: calls "
			 "may be another node's",
			 LOG_U("hubs", n->hubc));
	else
		log_info("calls are known to be ours", LOG_U("hubs", n->hubc));
}

static void stop_sending(struct leg *leg, bool stop)
{
	if (leg->stopped != stop && leg->ops->stop_sending &&
	    !leg->ops->stop_sending(leg, stop))
		leg->stopped = stop;
}

/* One whose RTP never came says nothing by its silence. */
static void look_leg(struct leg *leg, bool unsure)
{
	const uint32_t before = leg->info.rx_packets;

	if (!leg->ops->stat || !leg->ops->stop_sending)
		return;

	leg->ops->stat(leg);
	if (leg->info.rx_packets != before) {
		leg->quiet = 0;
		stop_sending(leg, false);
	} else if (before && leg->quiet < QUIET_LOOKS) {
		leg->quiet++;
	}

	if (unsure && leg->quiet == QUIET_LOOKS && !leg->info.held)
		stop_sending(leg, true);
}

static bool look_hub(struct le *le, void *arg)
{
	struct hub *hub = le->data;
	struct node *n = arg;
	struct le *l;

	for (l = list_head(&hub->legs); l; l = l->next)
		look_leg(l->data, n->unsure);

	return false;
}

static bool send_hub(struct le *le, void *arg)
{
	struct hub *hub = le->data;
	struct le *l;

	(void)arg;
	for (l = list_head(&hub->legs); l; l = l->next) {
		struct leg *leg = l->data;

		stop_sending(leg, false);
		leg->quiet = 0;
	}

	return false;
}

/* Back: what is another's has been let go of once all writes were answered. */
static void look_handler(void *arg)
{
	struct unsure *u = arg;
	struct node *n = u->node;

	if (!u->away && !checkpoint_pending(n->checkpoint)) {
		set(n, false);
		hash_apply(n->hubs, send_hub, NULL);
		return;
	}

	if (u->away && tmr_jiffies() - u->lost_ms >= MEMBER_LEASE_MS)
		set(n, true);
	hash_apply(n->hubs, look_hub, n);
	tmr_start(&u->tmr, LOOK_MS, look_handler, u);
}

int unsure_alloc(struct unsure **up, struct node *n)
{
	struct unsure *u = mem_zalloc(sizeof(*u), destructor);

	if (!u)
		return ENOMEM;

	u->node = n;
	tmr_init(&u->tmr);
	*up = u;

	return 0;
}

void unsure_redis(struct unsure *u, bool up)
{
	if (!up && !u->away)
		u->lost_ms = tmr_jiffies();
	u->away = !up;
	if (!tmr_isrunning(&u->tmr) && !up)
		tmr_start(&u->tmr, LOOK_MS, look_handler, u);
}

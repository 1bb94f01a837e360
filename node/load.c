/* SPDX-License-Identifier: MIT */
/* How loaded this node is: see load.h. */

#include "node/load.h"
#include "node/mover.h"
#include "node/node.h"
#include "node/trunk_load.h"
#include "proto/log.h"

/* Above the limit it closes, well below it opens again: no flapping. */
static bool is_overloaded(const struct node *n, const struct media_load *load)
{
	const float limit = n->overloaded ? NODE_RELIEF_PERCENT :
					    NODE_OVERLOAD_PERCENT;

	if (load->tick_used_percent > limit || load->ports_free < 2)
		return true;

	return n->conf.capacity && load->legs >= n->conf.capacity;
}

/* Said once, and whenever it is another. */
static void tell_workers(struct node *n, const struct media_load *load)
{
	if (n->shed != load->shed)
		log_warn("media sheds load", LOG_U("level", load->shed),
			 LOG_U("before", n->shed));
	n->shed = load->shed;

	if (n->workers_told || !load->ticks)
		return;

	n->workers_told = true;
	log_info("media workers", LOG_U("workers", load->workers),
		 LOG_U("realtime", load->realtime),
		 LOG_S("denoisers",
		       media_denoise_have(MEDIA_DENOISE_RNNOISE) ?
			       "speex, rnnoise" : "speex"));
}

void load_tell(Sy__Member *me, void *arg)
{
	struct node *n = arg;
	struct media_load load;
	bool overloaded;

	media_load(n->media, &load);
	tell_workers(n, &load);
	overloaded = is_overloaded(n, &load);
	if (overloaded != n->overloaded)
		log_warn(overloaded ? "overloaded" : "no longer overloaded",
			 LOG_F("tick_used_percent",
			       (double)load.tick_used_percent),
			 LOG_U("legs", load.legs),
			 LOG_U("ports_free", load.ports_free));
	n->overloaded = overloaded;

	me->state = n->draining ? SY__MEMBER_STATE__DRAINING :
		    overloaded ? SY__MEMBER_STATE__OVERLOADED :
				 SY__MEMBER_STATE__LIVE;
	if (!me->load)
		return;

	me->load->legs = load.legs;
	me->load->hubs = n->hubc;
	me->load->tick_used_percent = load.tick_used_percent;
	me->load->late_ticks = load.late_ticks;
	me->load->ports_free = load.ports_free;
	me->load->tick_p99_us = load.tick_p99_us;
	me->load->shed = load.shed;
	me->load->wake_p99_us = load.wake_p99_us;
	me->load->placed_total = n->placed_total;
	me->load->adopted_total = n->adopted_total;
	me->load->lost_legs_total = n->lost_legs_total;
	me->load->moved_total = n->mover->moved;
	me->load->move_failures_total = n->mover->failures;
	trunk_load_fill(me->load, n);
	me->load->drain_started_ms = mover_drain_started_ms(n->mover);
}

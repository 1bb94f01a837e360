/* SPDX-License-Identifier: MIT */
/*
 * What becomes of the legs of hubs that another node had: see restore.h.  They
 * wait in one queue of the node, in the order in which their hubs came, so that
 * thousands of re-INVITEs do not leave in one burst.
 */

#include <string.h>
#include "node/history.h"
#include "node/restore_impl.h"
#include "proto/log.h"

enum {
	PACE_MS = 10,
};

static void restores_destructor(void *data)
{
	struct restores *r = data;

	tmr_cancel(&r->tmr);
	list_clear(&r->queue);
	list_clear(&r->list);
}

static void leg_destructor(void *data)
{
	struct restore_leg *rl = data;

	list_unlink(&rl->le);
	list_unlink(&rl->qle);
}

static void restore_destructor(void *data)
{
	struct restore *rs = data;

	list_unlink(&rs->le);
	list_flush(&rs->legs);
}

/* ------------------------------------------------------------ what is told */

static void tell(struct restore *rs, const char *leg, enum restore_event ev)
{
	if (rs->h)
		rs->h(rs->hub, leg, ev, rs->arg);
}

/* Who is not heard has been without us until it knew where we are.  0: not
 * known, since nobody knows when the last owner died. */
static uint32_t gap_ms(const struct restore_leg *rl, bool heard)
{
	const struct restore *rs = rl->rs;
	const uint64_t at_ms =
	    heard ? rs->hub->env->wall_ms() : rl->answered_ms;
	/* Who gave it was heard, and heard it, until then. */
	const uint64_t from_ms = rs->moved ? rl->answered_ms : rs->alive_ms;

	return from_ms && at_ms > from_ms ? (uint32_t)(at_ms - from_ms) : 0;
}

static bool is_done(const struct restore *rs)
{
	const struct le *le;

	for (le = list_head(&rs->legs); le; le = le->next) {
		const struct restore_leg *rl = le->data;

		if (rl->step != STEP_OVER || rl->gone)
			return false;
	}

	return true;
}

static void check_done(struct restore *rs)
{
	if (!rs->le.list || !is_done(rs))
		return;

	list_unlink(&rs->le);
	tell(rs, "", RESTORE_DONE);
}

static void over(struct restore_leg *rl)
{
	rl->step = STEP_OVER;
	rl->gone = false;
	list_unlink(&rl->qle);
}

static void count_lost(const struct restore *rs, uint16_t code)
{
	struct node *n = rs->all->node;

	n->lost_legs_total++;
	metric_inc(code == 408 || code == 481 ? n->met.lost_silent
		   : code == 503	      ? n->met.lost_no_room
					      : n->met.lost_refused);
}

static void resumed(struct restore_leg *rl, struct leg *leg, bool heard)
{
	struct restore *rs = rl->rs;
	struct node *n = rs->all->node;
	const uint32_t gap = gap_ms(rl, heard);

	if (!rs->moved)
		metric_inc(n->met.adopted_legs);
	if (rs->moved && heard)
		histogram_put(n->met.move_gap, gap / 1000.0);
	else if (!rs->moved && gap)
		histogram_put(n->met.adoption_gap, gap / 1000.0);
	history_resumed(n, rs->hub, leg, gap);
	log_debug("leg resumed", LOG_S("call", rs->hub->id),
		  LOG_S("leg", rl->id), LOG_U("gap_ms", gap));
}

static struct restore_leg *find(const struct restore *rs, const char *id)
{
	const struct le *le;

	for (le = list_head(&rs->legs); le; le = le->next) {
		struct restore_leg *rl = le->data;

		if (!strcmp(rl->id, id))
			return rl;
	}

	return NULL;
}

void restore_lost(struct restore *rs, const struct leg_info *info,
		  uint16_t code, const char *reason)
{
	struct node *n = rs->all->node;

	log_warn("leg lost", LOG_S("call", rs->hub->id), LOG_S("leg", info->id),
		 LOG_S("reason", reason));
	count_lost(rs, code);
	history_lost(n, rs->hub, info, reason);
}

/* Legs that ring are told of only where they are lost. */
void restore_leg_handler(struct leg *leg, enum leg_sip_resume_event ev,
			 uint16_t code, const char *reason, void *arg)
{
	struct restore *rs = arg;
	struct restore_leg *rl = find(rs, leg->info.id);

	if (ev == LEG_SIP_LOST && code >= 300)
		restore_lost(rs, &leg->info, code, reason);
	if (!rl || rl->step == STEP_OVER)
		return;

	switch (ev) {

	case LEG_SIP_ANSWERED:
		rl->step = STEP_ANSWERED;
		rl->answered_ms = rs->hub->env->wall_ms();
		list_unlink(&rl->qle);
		tell(rs, rl->id, RESTORE_ANSWERED);
		break;

	case LEG_SIP_HEARD:
		over(rl);
		resumed(rl, leg, code != 0);
		tell(rs, rl->id, RESTORE_HEARD);
		break;

	case LEG_SIP_LOST:
		over(rl);
		tell(rs, rl->id, RESTORE_LOST);
		break;
	}

	check_done(rs);
}

void restore_leg_removed(struct hub *hub, const struct leg *leg)
{
	struct restore *rs = hub->restore;
	struct restore_leg *rl = rs ? find(rs, leg->info.id) : NULL;

	if (!rl || rl->step == STEP_OVER)
		return;

	over(rl);
	tell(rs, rl->id, RESTORE_LOST);
	check_done(rs);
}

/* --------------------------------------------------------------- the pace */

static void fill(struct restores *r)
{
	const uint64_t now_ms = tmr_jiffies();
	const uint64_t more = (now_ms - r->filled_ms) * r->rate;
	const uint64_t full = RESTORE_BURST * 1000;

	r->tokens = (uint32_t)MIN(r->tokens + more, full);
	r->filled_ms = now_ms;
}

static void ask(struct restore_leg *rl)
{
	struct leg *leg = hub_leg(rl->rs->hub, rl->id);

	rl->step = STEP_ASKED;
	list_unlink(&rl->qle);
	if (leg)
		(void)leg_sip_reoffer(leg);
}

/* What was lost from the begin is told here, never from node_restore(). */
static void tell_gone(struct restore *rs)
{
	struct le *le = list_head(&rs->legs);

	while (le) {
		struct restore_leg *rl = le->data;

		le = le->next;
		if (!rl->gone)
			continue;

		over(rl);
		tell(rs, rl->id, RESTORE_LOST);
	}

	check_done(rs);
}

static void pace_handler(void *arg)
{
	struct restores *r = arg;
	struct le *le = list_head(&r->list);

	fill(r);
	while (r->queue.head && r->tokens >= 1000) {
		r->tokens -= 1000;
		ask(r->queue.head->data);
	}

	while (le) {
		struct restore *rs = le->data;

		le = le->next;
		tell_gone(rs);
	}

	if (r->queue.head)
		tmr_start(&r->tmr, PACE_MS, pace_handler, r);
}

int restores_alloc(struct restores **rp, struct node *n, uint32_t rate)
{
	struct restores *r = mem_zalloc(sizeof(*r), restores_destructor);

	if (!r)
		return ENOMEM;

	r->node = n;
	r->rate = rate ? rate : RESTORE_RATE;
	r->tokens = RESTORE_BURST * 1000;
	r->filled_ms = tmr_jiffies();
	tmr_init(&r->tmr);
	*rp = r;

	return 0;
}

uint32_t restores_count(const struct restores *r)
{
	return list_count(&r->list);
}

void restores_kick(struct restores *r)
{
	tmr_start(&r->tmr, 0, pace_handler, r);
}

/* -------------------------------------------------------------- life */

int restore_add_leg(struct restore *rs, const char *id, bool gone)
{
	struct restore_leg *rl = mem_zalloc(sizeof(*rl), leg_destructor);

	if (!rl)
		return ENOMEM;

	rl->rs = rs;
	rl->gone = gone;
	rl->step = gone ? STEP_OVER : STEP_WAITS;
	str_ncpy(rl->id, id, sizeof(rl->id));
	list_append(&rs->legs, &rl->le, rl);
	if (!gone && !rs->waits)
		list_append(&rs->all->queue, &rl->qle, rl);

	return 0;
}

void restore_go(struct hub *hub)
{
	struct restore *rs = hub->restore;

	if (!rs || !rs->waits)
		return;

	rs->waits = false;
	for (struct le *le = list_head(&rs->legs); le; le = le->next) {
		struct restore_leg *rl = le->data;

		if (rl->step == STEP_WAITS)
			list_append(&rs->all->queue, &rl->qle, rl);
	}
	restores_kick(rs->all);
}

int restore_alloc(struct restore **rsp, struct node *n, struct hub *hub,
		  const struct restore_conf *conf)
{
	struct restore *rs = mem_zalloc(sizeof(*rs), restore_destructor);

	if (!rs)
		return ENOMEM;

	rs->all = n->restores;
	rs->hub = hub;
	rs->alive_ms = conf->alive_ms;
	rs->moved = conf->moved;
	rs->waits = conf->waits;
	rs->h = conf->h;
	rs->arg = conf->arg;
	str_ncpy(rs->from, conf->call->node, sizeof(rs->from));
	list_append(&n->restores->list, &rs->le, rs);
	*rsp = rs;

	return 0;
}

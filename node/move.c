/* SPDX-License-Identifier: MIT */
/*
 * A hub goes to another node: the giver's side, see mover.h.
 *
 *   QUIET --all dialogs quiet--> ASKED --OK------------------> it went
 *     |                            |  \--refused-------------> thawed
 *     |                            \---no answer--> UNSURE --> either
 *     \--never---> refused
 */

#include <string.h>
#include "node/adopt.h"
#include "node/checkpoint.h"
#include "node/leg_sip.h"
#include "node/merge.h"
#include "node/mover.h"
#include "node/whole.h"
#include "proto/log.h"
#include "proto/owner.h"
#include "proto/store.h"

enum {
	POLL_MS = 50,
	RECORD_MS = 500,    /* for the record; the dialogs are frozen */
};

enum move_state { MOVE_QUIET, MOVE_ASKED, MOVE_UNSURE };

struct move {
	struct le le; /* in mover->moves, or ->orphans      */
	struct mover *m;
	struct hub *hub;       /* borrowed; NULL: it is over         */
	char id[ULID_LEN + 1]; /* of the hub                         */
	enum move_state state;
	bool awaits; /* a handler has it as its argument   */
	bool chosen; /* the target was asked for           */
	bool again;  /* move_conf.again                    */
	char not_id[64];
	char target[64];
	uint32_t instance;     /* of the target                      */
	struct sa sip;	       /* ... and its address                */
	struct departure *dep; /* owned while ASKED or UNSURE        */
	struct list held;      /* struct held: commands that wait    */
	struct tmr tmr;
	uint64_t start_ms, quiet_by_ms;
	uint32_t legs;
	move_h *h;
	void *arg;
};

static void destructor(void *data)
{
	struct move *mv = data;

	tmr_cancel(&mv->tmr);
	list_unlink(&mv->le);
	mem_deref(mv->dep);
	list_flush(&mv->held);
}

static struct move *move_find(const struct mover *m, const char *hub)
{
	const struct le *le;

	for (le = list_head(&m->moves); le; le = le->next) {
		struct move *mv = le->data;

		if (!strcmp(mv->id, hub))
			return mv;
	}

	return NULL;
}

bool mover_moves(const struct mover *m, const char *hub)
{
	return move_find(m, hub) != NULL;
}

struct list *move_held(const struct mover *m, const char *hub)
{
	struct move *mv = move_find(m, hub);

	return mv && mv->state != MOVE_QUIET ? &mv->held : NULL;
}

uint32_t move_count(const struct mover *m)
{
	return list_count(&m->moves);
}

/* ------------------------------------------------------------ how it ended */

static void count_failure(struct mover *m, const char *reason)
{
	char label[64];

	++m->failures;
	(void)re_snprintf(label, sizeof(label), "reason=\"%s\"", reason);
	metric_inc(metric_add(METRIC_COUNTER, "sy_node_move_failures_total",
			      "Hubs that could not be given to another node, "
			      "by reason",
			      label));
}

static void finish(struct move *mv, const struct move_result *res)
{
	move_h *h = mv->h;
	void *arg = mv->arg;

	/* Another move of the same hub may begin from here. */
	mv->id[0] = '\0';
	mv->h = NULL;
	list_unlink(&mv->le);
	tmr_cancel(&mv->tmr);
	mv->dep = mem_deref(mv->dep);
	mover_release(mv->m, &mv->held);
	if (mv->awaits)
		list_append(&mv->m->orphans, &mv->le, mv);
	if (h)
		h(res, arg);
	if (!mv->awaits)
		mem_deref(mv);
}

/* @param reason  For the counter: a word. */
static void fail(struct move *mv, Sy__ResultCode code, const char *reason,
		 const char *error)
{
	const struct move_result res = {
	    .code = code,
	    .error = error,
	    .node = mv->target,
	};

	if (!mv->again) {
		count_failure(mv->m, reason);
		log_info("call not moved", LOG_S("call", mv->id),
			 LOG_S("to", mv->target), LOG_S("why", error));
	}
	finish(mv, &res);
}

static void thaw_all(const struct list *legs)
{
	struct le *le = list_head(legs);

	while (le) {
		struct leg *leg = le->data;

		le = le->next;
		leg_sip_thaw(leg);
	}
}

/* What was held may end its leg, and with it others, which are frozen yet. */
static void thaw(const struct hub *hub)
{
	thaw_all(&hub->legs);
	thaw_all(&hub->gone);
}

/* As if nothing had happened. */
static void refused(struct move *mv, Sy__ResultCode code, const char *reason,
		    const char *error)
{
	struct hub *hub = mv->hub;

	mv->hub = NULL;
	mv->dep = mem_deref(mv->dep);
	if (hub)
		thaw(hub);
	fail(mv, code, reason, error);
}

/* ----------------------------------------------------------------- it went */

static bool link_read(struct sa *addr, const Sy__LinkEnd *link)
{
	return link && link->key.len == MEDIA_LINK_KEY_BYTES &&
	       !sa_decode(addr, link->address, strlen(link->address));
}

static void went(struct move *mv, const Sy__LinkEnd *link, const Sy__Call *call)
{
	struct node *n = mv->m->node;
	struct hub *hub = mv->hub;
	struct departure *dep = mv->dep;
	const struct move_result res = {
	    .code = SY__RESULT_CODE__OK,
	    .error = "",
	    .node = mv->target,
	    .call = call,
	};
	struct sa addr;
	const bool linked = link_read(&addr, link);

	mv->hub = NULL;
	mv->dep = NULL;
	++mv->m->moved;
	metric_inc(n->met.moved_calls);
	metric_count(n->met.moved_legs, mv->legs);
	log_info("call moved", LOG_S("call", mv->id), LOG_S("to", mv->target),
		 LOG_U("legs", mv->legs),
		 LOG_U("ms", tmr_jiffies() - mv->start_ms));

	departure_go(dep, hub, mv->instance, &mv->sip, linked ? &addr : NULL,
		     linked ? link->key.data : NULL);
	owner_departed(adopt_owner(n->adopt), mv->id);
	mover_remember(mv->m, mv->id, mv->target);
	node_hub_close(n, hub);
	finish(mv, &res);
}

/* No answer: the record knows whether the claim was made. */
static void where_handler(int err, const struct store_where *where, void *arg)
{
	struct move *mv = arg;
	const bool theirs = !err && where->instance == mv->instance;

	mv->awaits = false;
	if (!mv->hub)
		mem_deref(mv); /* it ended meanwhile */
	else if (theirs)
		went(mv, NULL, NULL);
	else
		refused(mv, SY__RESULT_CODE__TIMED_OUT, "timeout",
			"the other node does not answer");
}

static void ask_record(struct move *mv)
{
	mv->state = MOVE_UNSURE;
	mv->awaits = !store_hub_where(bus_redis(mv->m->node->bus), mv->id,
				      RECORD_MS, where_handler, mv);
	if (!mv->awaits)
		refused(mv, SY__RESULT_CODE__TIMED_OUT, "timeout",
			"the other node does not answer");
}

/* It was sent twice: the first one may have been done by who has died. */
static bool may_be_done(Sy__ResultCode code)
{
	return code == SY__RESULT_CODE__TIMED_OUT ||
	       code == SY__RESULT_CODE__NO_SUBSCRIBER;
}

static void reply_handler(const Sy__Result *res, void *arg)
{
	struct move *mv = arg;
	const bool up = redis_is_up(bus_redis(mv->m->node->bus));

	mv->awaits = false;
	if (!mv->hub)
		mem_deref(mv); /* it ended meanwhile */
	else if (res->code == SY__RESULT_CODE__OK)
		went(mv, res->link, res->call);
	else if (may_be_done(res->code) || !up)
		ask_record(mv);
	else
		refused(mv, res->code, "refused", res->error);
}

/* ------------------------------------------------------------------ asking */

static bool is_quiet(const struct hub *hub)
{
	const struct le *le;

	if (!hub->came || hub->expects.head || hub->awaited)
		return false;

	for (le = list_head(&hub->hunts); le; le = le->next) {
		const struct hunt *hunt = le->data;

		if (!hunt->sealed)
			return false;
	}

	for (le = list_head(&hub->legs); le; le = le->next) {
		if (!leg_sip_is_quiet(le->data))
			return false;
	}

	return true;
}

static bool is_heard(const struct hub *hub)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		if (leg_talks(le->data))
			return true;
	}

	return false;
}

static int freeze(const struct hub *hub)
{
	struct le *le;
	int err = 0;

	for (le = list_head(&hub->legs); le && !err; le = le->next)
		err = leg_sip_freeze(le->data);

	return err;
}

static int ask(struct move *mv)
{
	struct node *n = mv->m->node;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	struct whole w;
	uint8_t key[MEDIA_LINK_KEY_BYTES];
	struct sa addr;
	int err;

	/* Who claims it reads the record. */
	checkpoint_save_whole(n->checkpoint, mv->hub);
	err = whole_init(&w, n, mv->hub);
	if (!err) {
		if (departure_link(mv->dep, &addr, key))
			whole_link(&w, &addr, key);
		env.body_case = SY__ENVELOPE__BODY_TAKE_HUB;
		env.take_hub = &w.msg;
		err = bus_request_member(n->bus, mv->target, &env, 0,
					 reply_handler, mv);
		mv->awaits = !err;
	}

	whole_close(&w);
	return err;
}

/* Who takes it. @return false: nobody, and the move is over. */
static bool choose(struct move *mv)
{
	struct members *members = mv->m->node->members;
	const Sy__Member *to = mv->chosen ? member_find(members, mv->target)
					  : member_place(members, mv->not_id);

	if (!to || sa_decode(&mv->sip, to->address, strlen(to->address))) {
		fail(mv, SY__RESULT_CODE__UNAVAILABLE, "no_node",
		     "no other node takes calls");
		return false;
	}

	mv->instance = to->instance;
	if (!mv->chosen)
		str_ncpy(mv->target, to->id, sizeof(mv->target));

	return true;
}

static void quiet_handler(void *arg)
{
	struct move *mv = arg;
	const struct node_conf *conf = &mv->m->node->conf;
	int err;

	if (hub_is_over(mv->hub)) {
		fail(mv, SY__RESULT_CODE__NOT_FOUND, "ended", "call has ended");
		return;
	}
	if (!is_quiet(mv->hub)) {
		if (tmr_jiffies() > mv->quiet_by_ms)
			fail(mv, SY__RESULT_CODE__CONFLICT, "busy",
			     "a request within the call waits for its "
			     "answer");
		else
			tmr_start(&mv->tmr, POLL_MS, quiet_handler, mv);
		return;
	}
	if (!choose(mv))
		return;

	mv->state = MOVE_ASKED;
	mv->legs = hub_legs(mv->hub);
	err = departure_alloc(&mv->dep, &mv->m->departures, mv->hub,
			      is_heard(mv->hub) ? &conf->media_addrv[0] : NULL);
	if (!err)
		err = freeze(mv->hub);
	if (!err)
		err = ask(mv);
	if (err)
		refused(mv, SY__RESULT_CODE__INTERNAL, "resources",
			err == EADDRINUSE ? "no RTP port is left"
					  : strerror(err));
}

int move_start(struct mover *m, struct hub *hub, const struct move_conf *conf)
{
	struct move *mv;

	if (move_find(m, hub->id))
		return EALREADY;

	mv = mem_zalloc(sizeof(*mv), destructor);
	if (!mv)
		return ENOMEM;

	mv->m = m;
	mv->hub = hub;
	mv->h = conf->h;
	mv->arg = conf->arg;
	mv->start_ms = tmr_jiffies();
	mv->quiet_by_ms = mv->start_ms + conf->wait_ms;
	mv->chosen = conf->target != NULL;
	mv->again = conf->again;
	str_ncpy(mv->id, hub->id, sizeof(mv->id));
	str_ncpy(mv->target, conf->target ? conf->target : "",
		 sizeof(mv->target));
	str_ncpy(mv->not_id, conf->not_id ? conf->not_id : m->node->conf.id,
		 sizeof(mv->not_id));
	list_append(&m->moves, &mv->le, mv);
	tmr_start(&mv->tmr, 0, quiet_handler, mv);

	return 0;
}

void mover_hub_closed(struct mover *m, const struct hub *hub)
{
	const struct move_result res = {
	    .code = SY__RESULT_CODE__NOT_FOUND,
	    .error = "call has ended",
	};
	struct move *mv = move_find(m, hub->id);

	/* Who ends here goes nowhere: it is for us what its peers answer. */
	thaw(hub);
	arrival_hub_closed(m, hub);
	merge_hub_closed(m->node, hub);
	if (!mv || mv->hub != hub)
		return;

	mv->hub = NULL;
	if (!mv->again)
		count_failure(m, "ended");
	finish(mv, &res);
}

void moves_close(struct mover *m)
{
	const struct move_result res = {
	    .code = SY__RESULT_CODE__UNAVAILABLE,
	    .error = "node ends",
	};

	while (m->moves.head) {
		struct move *mv = m->moves.head->data;
		move_h *h = mv->h;
		void *arg = mv->arg;

		mem_deref(mv);
		if (h)
			h(&res, arg);
	}
	list_flush(&m->orphans);
}

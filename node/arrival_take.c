/* SPDX-License-Identifier: MIT */
/*
 * A hub that came from another node is ours: it is restored, linked to what
 * the giver still has of it, and the giver hears of each leg that is here.
 *
 * Peers are told of us when the link is heard: who came before would miss
 * those who are still there.
 *
 * A leg with media before its answer still has it by the giver and the link:
 * its peer can be told of us only by an answer.
 */

#include <string.h>
#include <openssl/crypto.h>
#include "node/adopt.h"
#include "node/arrival_impl.h"
#include "node/record.h"
#include "node/restore.h"
#include "proto/log.h"
#include "proto/owner.h"

enum {
	LOOK_MS = 100,
	/* The giver's media of a leg outlives HEARD: so does the link. */
	LINGER_MS = DEPARTURE_LINGER_MS + 20,
	HEARD_MS = 1000, /* after the answer of an early leg           */
};

/* A leg that is heard before its answer. */
struct early {
	struct le le;
	char leg[ULID_LEN + 1];
	uint64_t answered_ms; /* 0: not yet                            */
};

static void early_destructor(void *data)
{
	struct early *e = data;

	list_unlink(&e->le);
}

/* ---------------------------------------------------- what the giver hears */

void arrival_tell(const struct arrival *a, const char *leg, Sy__MoveStep step)
{
	leg_moved_tell(a->m, a->msg, leg, step);
}

static void done_handler(void *arg)
{
	struct arrival *a = arg;

	arrival_tell(a, "", SY__MOVE_STEP__MOVE_DONE);
	arrival_end(a);
}

static void check_done(struct arrival *a)
{
	if (a->done && !a->early.head)
		tmr_start(&a->tmr, LINGER_MS, done_handler, a);
}

/* @return false: it is over with this leg. */
static bool look_early(struct arrival *a, struct early *e, uint64_t now)
{
	const struct leg *leg = hub_leg(a->hub, e->leg);

	if (!leg)
		return false;
	if (e->answered_ms)
		return now < e->answered_ms + HEARD_MS;
	if (!leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
		return true;

	e->answered_ms = now;
	a->until_ms = now + DEPARTURE_MS;
	arrival_tell(a, e->leg, SY__MOVE_STEP__MOVE_ANSWERED);
	return true;
}

/* Giver gone, time over: the link carries nothing any more. */
static void look_handler(void *arg)
{
	struct arrival *a = arg;
	const uint64_t now = tmr_jiffies();
	struct le *le = list_head(&a->early);

	tmr_start(&a->tmr, LOOK_MS, look_handler, a);
	restore_go(a->hub); /* the link has had time enough */
	while (le) {
		struct early *e = le->data;

		le = le->next;
		if (look_early(a, e, now))
			continue;
		arrival_tell(a, e->leg, SY__MOVE_STEP__MOVE_HEARD);
		mem_deref(e);
	}

	if (now >= a->until_ms ||
	    !member_by_instance(a->m->node->members, a->msg->instance)) {
		a->link = mem_deref(a->link);
		list_flush(&a->early);
	}

	check_done(a);
}

static void restore_handler(struct hub *hub, const char *leg,
			    enum restore_event ev, void *arg)
{
	struct arrival *a = arg;

	(void)hub;
	switch (ev) {

	case RESTORE_ANSWERED:
		arrival_tell(a, leg, SY__MOVE_STEP__MOVE_ANSWERED);
		break;
	case RESTORE_HEARD:
	case RESTORE_LOST:
		arrival_tell(a, leg, SY__MOVE_STEP__MOVE_HEARD);
		break;
	case RESTORE_DONE:
		a->done = true;
		check_done(a);
		break;
	}
}

/* ------------------------------------------------------------ it is ours */

static void add_early(struct arrival *a)
{
	for (size_t i = 0; i < a->msg->n_dialogs; i++) {
		const Sy__DialogState *ds = a->msg->dialogs[i];
		struct early *e;

		if (!ds->early || ds->state == SY__LEG_STATE__LEG_ANSWERED)
			continue;

		e = mem_zalloc(sizeof(*e), early_destructor);
		if (!e)
			return;

		str_ncpy(e->leg, ds->leg, sizeof(e->leg));
		list_append(&a->early, &e->le, e);
	}

	a->until_ms =
	    tmr_jiffies() + (a->early.head ? DEPARTURE_EARLY_MS : DEPARTURE_MS);
}

/* Our address of the family of the other end. */
static const struct sa *link_addr(const struct node_conf *conf,
				  const struct sa *raddr)
{
	for (size_t i = 0; i < conf->media_addrc; i++) {
		if (sa_af(&conf->media_addrv[i]) == sa_af(raddr))
			return &conf->media_addrv[i];
	}

	return NULL;
}

/* From now on those who are here hear those who are still there. */
static void link_handler(struct media_leg *link, const struct media_event *ev,
			 void *arg)
{
	struct arrival *a = arg;

	(void)link;
	if (ev->type == MEDIA_EV_RTP_START && a->hub)
		restore_go(a->hub);
}

/* Without it the legs are heard all the same, each when it is here. */
static void link_up(struct arrival *a, uint8_t key[MEDIA_LINK_KEY_BYTES])
{
	struct node *n = a->m->node;
	const Sy__LinkEnd *theirs = a->msg->link;
	const struct sa *laddr;
	struct sa raddr;
	struct mix *mix;
	int err;

	if (!theirs || theirs->key.len != MEDIA_LINK_KEY_BYTES ||
	    sa_decode(&raddr, theirs->address, strlen(theirs->address)))
		return;

	laddr = link_addr(&n->conf, &raddr);
	err = laddr ? node_mix(&mix, n, a->hub) : EAFNOSUPPORT;
	if (!err)
		err = media_leg_link_alloc(&a->link, mix, laddr, link_handler,
					   a);
	if (!err)
		err =
		    media_leg_link_set(a->link, &raddr, key, theirs->key.data);
	if (err) {
		log_warn("no link to the other node", LOG_S("call", a->id),
			 LOG_S("node", a->msg->node), LOG_E(err));
		a->link = mem_deref(a->link);
	}
}

static void reply_ok(struct arrival *a, uint8_t key[MEDIA_LINK_KEY_BYTES])
{
	Sy__Result res = SY__RESULT__INIT;
	Sy__LinkEnd link = SY__LINK_END__INIT;
	struct record_call rec;
	char addr[64];

	if (!a->req)
		return;

	res.code = SY__RESULT_CODE__OK;
	if (!record_call_init(&rec, a->hub, a->m->node->conf.id, RECORD_LIVE))
		res.call = &rec.msg;
	if (a->link && re_snprintf(addr, sizeof(addr), "%J",
				   media_leg_laddr(a->link)) > 0) {
		link.address = addr;
		link.key.data = key;
		link.key.len = MEDIA_LINK_KEY_BYTES;
		res.link = &link;
	}

	bus_reply(a->req, &res);
	a->req = NULL;
	record_call_close(&rec);
}

/* The record is as new as the message, or newer: if that came late. */
void arrival_take(struct arrival *a, const struct store_claim *cl)
{
	struct node *n = a->m->node;
	uint8_t key[MEDIA_LINK_KEY_BYTES];
	struct restore_conf conf = {
	    .call = a->msg->call,
	    .state = a->msg->state,
	    .dlgv = a->msg->dialogs,
	    .dlgc = a->msg->n_dialogs,
	    .epoch = cl->epoch,
	    .alive_ms = timestamp_now_ms(),
	    .moved = true,
	    .waits = true,
	    .h = restore_handler,
	    .arg = a,
	};
	int err;

	if (cl->call) {
		conf.call = cl->call;
		conf.state = cl->state;
		conf.dlgv = cl->dlgv;
		conf.dlgc = cl->dlgc;
	}

	err = node_restore(&a->hub, n, &conf);
	if (err) {
		owner_released(adopt_owner(n->adopt), a->id);
		log_error("call not taken over", LOG_S("call", a->id),
			  LOG_S("from", a->msg->node), LOG_E(err));
		arrival_refuse(a, SY__RESULT_CODE__INTERNAL, strerror(err));
		arrival_end(a);
		return;
	}

	add_early(a);
	rand_bytes(key, sizeof(key));
	if (a->req && !hub_is_over(a->hub))
		link_up(a, key);
	if (!a->link)
		restore_go(a->hub);
	reply_ok(a, key);
	/* In case that it has given up waiting. */
	adopt_say_taken(n->adopt, a->id, cl->epoch, a->msg->node);
	OPENSSL_cleanse(key, sizeof(key));

	tmr_start(&a->tmr, LOOK_MS, look_handler, a);
}

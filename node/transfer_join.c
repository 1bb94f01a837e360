/* SPDX-License-Identifier: MIT */
/*
 * Attended transfers: two calls become one, see transfer.h.
 *
 *   find the other hub: here --> both quiet --> merge_hubs() --> both legs of
 *     |                                                    the transferor end
 *     \-- at another node --MoveCall--> it comes here
 *
 * While it lasts neither hub ends for want of a party: the transferor may say
 * BYE at once.
 */

#include <string.h>
#include "node/app/dial.h"
#include "node/app/park.h"
#include "node/leg_sip.h"
#include "node/merge.h"
#include "node/mover.h"
#include "node/transfer_impl.h"
#include "proto/log.h"
#include "proto/store.h"

enum {
	LOOK_MS = 20,
	WITHIN_MS = 10000,
	WHERE_MS = 1000,
	YOUNG_MS = 300, /* a call that just began has no record yet */
};

struct joining {
	struct le le; /* in node->transfers                   */
	struct node *node;
	char hub[ULID_LEN + 1];	  /* where the transferor asked           */
	char leg[ULID_LEN + 1];	  /* ... its leg there                    */
	char other[ULID_LEN + 1]; /* the other call                       */
	struct replaces replaces; /* its leg there; call_id "": none      */
	char user[LEG_TEXT_MAX];  /* ... or whose it is; "": none leaves  */
	char by[LEG_TEXT_MAX];    /* the transferor's device, or ""       */
	struct bus_request *req;  /* owned; NULL: answered, or a REFER    */
	bool kept;		  /* hub->awaited counts us               */
	bool kept_other;
	bool awaits; /* a handler has it as its argument     */
	bool over;
	struct tmr tmr;
	uint64_t until_ms;
};

static void destructor(void *data)
{
	struct joining *j = data;

	tmr_cancel(&j->tmr);
	list_unlink(&j->le);
	if (j->req)
		bus_replyf(j->req, SY__RESULT_CODE__UNAVAILABLE, "node ends");
}

static void let_end(struct node *n, const char *id, bool *kept)
{
	struct hub *hub = node_hub(n, id);

	if (!*kept || !hub)
		return;

	*kept = false;
	if (hub->awaited)
		--hub->awaited;
	hub_check(hub, 480, "transfer failed");
}

static void end(struct joining *j)
{
	j->over = true;
	tmr_cancel(&j->tmr);
	let_end(j->node, j->hub, &j->kept);
	let_end(j->node, j->other, &j->kept_other);
	if (!j->awaits)
		mem_deref(j);
}

static struct leg *transferor(const struct joining *j)
{
	const struct hub *hub = node_hub(j->node, j->hub);

	return hub ? hub_leg(hub, j->leg) : NULL;
}

static void fail(struct joining *j, uint16_t code, const char *why)
{
	struct leg *leg = transferor(j);

	log_info("calls not joined", LOG_S("call", j->hub),
		 LOG_S("other", j->other), LOG_S("why", why));
	if (j->req)
		bus_replyf(j->req,
			   code == 404 ? SY__RESULT_CODE__NOT_FOUND
				       : SY__RESULT_CODE__CONFLICT,
			   "call: %s", why);
	j->req = NULL;
	if (leg)
		leg_sip_refer_over(leg, code);
	end(j);
}

/* ------------------------------------------------------------------ merging */

/* Its leg there: as its Replaces names it, or who has the same name. */
static bool is_its_leg(const struct leg *leg, const struct joining *j)
{
	if (j->replaces.call_id[0])
		return leg_sip_is(leg, &j->replaces);

	return leg->ops->party && j->user[0] &&
	       !strcmp(leg->info.user, j->user);
}

static struct leg *replaced(const struct hub *other, const struct joining *j)
{
	const struct le *le;

	for (le = list_head(&other->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (is_its_leg(leg, j))
			return leg;
	}

	return NULL;
}

/* Its party still rings: it is rung in the other call, and gives up here. */
static bool ring_instead(struct joining *j, struct hub *other, struct leg *leg)
{
	struct transfer_conf conf = {.leg = transferor(j), .by = ""};

	if (!leg || !conf.leg || !other->hunts.head || !other->dest ||
	    !dial_can(other->dest))
		return false;

	conf.req = j->req;
	if (transfer_ring(j->node, &conf, other->dest,
			  node_ring_ms(j->node, 0)))
		return false;

	j->req = NULL;
	leg_hangup(leg, 200, "transferred");
	end(j);
	return true;
}

/* A conference stays what it is, whoever asks. */
static void merge(struct joining *j, struct hub *hub, struct hub *other,
		  struct leg *mine, struct leg *leg)
{
	struct hub *into = other->conference ? other : hub;
	struct hub *from = into == hub ? other : hub;
	struct leg *gone = from == hub ? mine : leg;
	struct leg *stays = from == hub ? leg : mine;
	int err;

	if (park_is_taken(into, stays)) {
		fail(j, 486, "somebody is at this place");
		return;
	}
	if (!merge_is_quiet(from, gone)) {
		tmr_start(&j->tmr, LOOK_MS, joining_look, j);
		return;
	}

	if (mine)
		transfer_told(j->node, mine);
	err = merge_hubs(j->node, into, from, gone);
	if (err) {
		fail(j, 500, strerror(err));
		return;
	}

	if (j->req)
		control_reply_call(j->node, j->req, into, NULL);
	j->req = NULL;
	if (hub_is_park(into))
		park_by(j->node, into, j->by);
	if (stays)
		leg_hangup(stays, 200, "transferred");
	end(j);
}

static bool has_leg(struct le *le, void *arg)
{
	const struct hub *hub = le->data;

	return !hub_is_over(hub) && replaced(hub, arg);
}

/* A tag names the hub that made it, which may have been merged since. */
static struct hub *other_hub(struct joining *j)
{
	struct hub *hub = node_hub(j->node, j->other);
	struct le *le;

	if (hub && !hub_is_over(hub))
		return hub;
	if (!j->replaces.call_id[0])
		return NULL;

	le = hash_apply(j->node->hubs, has_leg, j);
	hub = le ? le->data : NULL;
	if (hub)
		str_ncpy(j->other, hub->id, sizeof(j->other));

	return hub;
}

static void ask_where(struct joining *j);

void joining_look(void *arg)
{
	struct joining *j = arg;
	struct hub *hub = node_hub(j->node, j->hub);
	struct hub *other = other_hub(j);
	struct leg *leg;

	if (!hub || hub_is_over(hub)) {
		fail(j, 404, "call has ended");
		return;
	}
	if (tmr_jiffies() > j->until_ms) {
		fail(j, 503, "a request within a call waits for its answer");
		return;
	}
	if (!other) {
		ask_where(j);
		return;
	}
	if (hub == other || (hub->conference && other->conference)) {
		fail(j, 488, "the two calls cannot be one");
		return;
	}

	if (!j->kept_other) {
		++other->awaited;
		j->kept_other = true;
	}
	leg = replaced(other, j);
	if (ring_instead(j, other, leg))
		return;

	merge(j, hub, other, transferor(j), leg);
}

/* --------------------------------------------------------- it is elsewhere */

static void moved_handler(const Sy__Result *res, void *arg)
{
	struct joining *j = arg;

	j->awaits = false;
	if (j->over)
		mem_deref(j);
	else if (res->code == SY__RESULT_CODE__OK ||
		 node_hub(j->node, j->other))
		tmr_start(&j->tmr, LOOK_MS, joining_look, j);
	else
		fail(j, res->code == SY__RESULT_CODE__NOT_FOUND ? 404 : 503,
		     res->error[0] ? res->error : "it cannot be moved here");
}

static void where_handler(int err, const struct store_where *where, void *arg)
{
	struct joining *j = arg;
	struct node *n = j->node;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__MoveCall msg = SY__MOVE_CALL__INIT;

	j->awaits = false;
	if (j->over) {
		mem_deref(j);
		return;
	}
	if (err == ENOENT &&
	    tmr_jiffies() + WITHIN_MS < j->until_ms + YOUNG_MS) {
		tmr_start(&j->tmr, LOOK_MS, joining_look, j);
		return;
	}
	if (err) {
		fail(j, err == ENOENT ? 404 : 503,
		     err == ENOENT ? "no such call" : "no Redis");
		return;
	}

	msg.call = j->other;
	msg.node = (char *)n->conf.id;
	env.body_case = SY__ENVELOPE__BODY_MOVE_CALL;
	env.move_call = &msg;
	if (bus_request_member(n->bus, where->node, &env, WITHIN_MS,
			       moved_handler, j))
		fail(j, 503, "no Redis");
	else
		j->awaits = true;
}

static void ask_where(struct joining *j)
{
	if (store_hub_where(bus_redis(j->node->bus), j->other, WHERE_MS,
			    where_handler, j))
		fail(j, 503, "no Redis");
	else
		j->awaits = true;
}

/* --------------------------------------------------------------------- begin
 */

uint16_t transfer_join(struct node *n, const struct transfer_conf *conf,
		       const char *other)
{
	struct hub *hub = conf->hub ? conf->hub : conf->leg->hub;
	struct joining *j = mem_zalloc(sizeof(*j), destructor);

	if (!j)
		return 500;

	j->node = n;
	str_ncpy(j->hub, hub->id, sizeof(j->hub));
	if (conf->leg)
		str_ncpy(j->leg, conf->leg->info.id, sizeof(j->leg));
	if (conf->leg && leg_is_device(&conf->leg->info))
		str_ncpy(j->by, conf->leg->info.user, sizeof(j->by));
	str_ncpy(j->other, other, sizeof(j->other));
	if (conf->replaces)
		j->replaces = *conf->replaces;
	else if (conf->leg && conf->hub)
		str_ncpy(j->user, conf->leg->info.user, sizeof(j->user));
	j->req = conf->req;
	j->until_ms = tmr_jiffies() + WITHIN_MS;
	++hub->awaited;
	j->kept = true;
	list_append(&n->transfers, &j->le, j);
	tmr_init(&j->tmr);
	tmr_start(&j->tmr, 0, joining_look, j);

	return 0;
}

/* Our own tag tells the hub: which of the two it is depends on who wrote it. */
static bool hub_of(char id[ULID_LEN + 1], const struct node *n,
		   const struct replaces *r)
{
	const char *const tagv[] = {r->to_tag, r->from_tag};
	struct token tok;

	for (size_t i = 0; i < ARRAY_SIZE(tagv); i++) {
		if (token_read(&tok, n->key, TOKEN_TAG, tagv[i],
			       strlen(tagv[i]), NULL, 0))
			continue;
		ulid_print(id, tok.hub);
		return true;
	}

	return false;
}

uint16_t transfer_attended(struct node *n, const struct transfer_conf *conf)
{
	char other[ULID_LEN + 1];

	if (!hub_of(other, n, conf->replaces))
		return 481;

	return transfer_join(n, conf, other);
}

void transfers_close(struct node *n)
{
	list_flush(&n->transfers);
}

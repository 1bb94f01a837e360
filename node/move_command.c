/* SPDX-License-Identifier: MIT */
/* Commands and moves: what waits while a hub may go, and MoveCall. */

#include <string.h>
#include "node/mover.h"
#include "proto/schema_copy.h"

enum {
	API_WAIT_MS = 3000, /* for what is under way within the call */
};

/* ------------------------------------------------------------ what waits */

struct held {
	struct le le;
	struct bus_request *req; /* owned                              */
	Sy__Envelope *env;
};

static void held_destructor(void *data)
{
	struct held *held = data;

	list_unlink(&held->le);
	if (held->req)
		bus_replyf(held->req, SY__RESULT_CODE__UNAVAILABLE,
			   "node ends");
	if (held->env)
		sy__envelope__free_unpacked(held->env, NULL);
}

/* The call that a command is for; NULL: none, or it harms no move. */
static const char *call_of(const Sy__Envelope *env)
{
	switch (env->body_case) {

	case SY__ENVELOPE__BODY_PLACE_HUB:
		return env->place_hub->hub;
	case SY__ENVELOPE__BODY_ORIGINATE:
		return env->originate->hub;
	case SY__ENVELOPE__BODY_HANGUP_CALL:
		return env->hangup_call->call;
	case SY__ENVELOPE__BODY_ADD_LEG:
		return env->add_leg->call;
	case SY__ENVELOPE__BODY_UPDATE_LEG:
		return env->update_leg->call;
	case SY__ENVELOPE__BODY_REMOVE_LEG:
		return env->remove_leg->call;
	case SY__ENVELOPE__BODY_TRANSFER_CALL:
		return env->transfer_call->call;
	case SY__ENVELOPE__BODY_BROWSER_CALL:
		return env->browser_call->place ?
			       env->browser_call->place->hub : NULL;
	case SY__ENVELOPE__BODY_BROWSER_SIGNAL:
		return env->browser_signal->call;
	case SY__ENVELOPE__BODY_SEND_DTMF:
		return env->send_dtmf->call;
	default:
		return NULL;
	}
}

bool mover_holds(struct mover *m, struct bus_request *req,
		 const Sy__Envelope *env)
{
	const char *call = call_of(env);
	struct list *list = call ? move_held(m, call) : NULL;
	struct held *held;

	if (!list)
		return false;

	held = mem_zalloc(sizeof(*held), held_destructor);
	if (held)
		held->env = schema_copy(&env->base);
	if (!held || !held->env) {
		mem_deref(held);
		bus_replyf(req, SY__RESULT_CODE__INTERNAL, "no memory");
		return true;
	}

	held->req = req;
	list_append(list, &held->le, held);
	return true;
}

void mover_release(struct mover *m, struct list *list)
{
	while (list->head) {
		struct held *held = list->head->data;
		struct bus_request *req = held->req;

		held->req = NULL;
		node_command(req, held->env, m->node);
		mem_deref(held);
	}
}

/* --------------------------------------------------------------- MoveCall */

static void moved_handler(const struct move_result *mr, void *arg)
{
	struct bus_request *req = arg;
	Sy__Result res = SY__RESULT__INIT;

	if (mr->code != SY__RESULT_CODE__OK) {
		bus_replyf(req, mr->code, "%s", mr->error);
		return;
	}

	res.code = SY__RESULT_CODE__OK;
	res.call = (Sy__Call *)mr->call;
	bus_reply(req, &res);
}

static bool node_id(const Sy__Member *mb, void *arg)
{
	struct mbuf *mb_ids = arg;

	(void)mbuf_printf(mb_ids, "%s%s", mb_ids->pos ? ", " : "", mb->id);
	return false;
}

/* @return false: it is answered. */
static bool target_ok(struct node *n, struct bus_request *req,
		      const char *target)
{
	const Sy__Member *to = member_find(n->members, target);
	struct mbuf *ids;

	if (!strcmp(target, n->conf.id)) {
		bus_replyf(req, SY__RESULT_CODE__CONFLICT,
			   "call is on node %s already", target);
		return false;
	}
	if (to && to->kind == SY__MEMBER_KIND__NODE)
		return true;

	ids = mbuf_alloc(256);
	if (ids)
		member_apply(n->members, SY__MEMBER_KIND__NODE, node_id, ids);
	bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
		   "node: %s is not live; nodes: %.*s", target,
		   ids ? (int)ids->pos : 0, ids ? (char *)ids->buf : "");
	mem_deref(ids);

	return false;
}

void control_move_call(struct node *n, struct bus_request *req,
		       const Sy__Envelope *env)
{
	const Sy__MoveCall *msg = env->move_call;
	const struct move_conf conf = {
	    .target = msg->node[0] ? msg->node : NULL,
	    .wait_ms = API_WAIT_MS,
	    .h = moved_handler,
	    .arg = req,
	};
	struct hub *hub = node_hub(n, msg->call);
	int err;

	if (!hub || hub_is_over(hub)) {
		bus_replyf(req, SY__RESULT_CODE__NOT_FOUND,
			   "no such call here");
		return;
	}
	if (conf.target && !target_ok(n, req, conf.target))
		return;

	err = move_start(n->mover, hub, &conf);
	if (err)
		bus_replyf(req,
			   err == EALREADY ? SY__RESULT_CODE__CONFLICT
					   : SY__RESULT_CODE__INTERNAL,
			   "%s",
			   err == EALREADY ? "call is being moved"
					   : strerror(err));
}

/* SPDX-License-Identifier: MIT */
/*
 * A hub comes from another node that lives: the taker's side, see mover.h.
 *
 *   TakeHub -> claim --done-----> hub, link, OK -> LegMoved ... DONE
 *                |  \--refused--> refused
 *                \---unknown----> refused; when Redis answers again we claim it
 *                                 from ourselves: it may have been done
 *
 * What is done with a hub that is ours: arrival_take.c.
 */

#include <string.h>
#include <openssl/crypto.h>
#include "node/adopt.h"
#include "node/arrival_impl.h"
#include "proto/owner.h"
#include "proto/schema_copy.h"
#include "proto/store.h"

enum {
	SPARE_PORTS = 2,
	RECOVER_MS = 100,    /* looks for Redis, after an unknown claim ... */
	RECOVER_TRIES = 600, /* ... so often                               */
};

static void destructor(void *data)
{
	struct arrival *a = data;

	tmr_cancel(&a->tmr);
	list_unlink(&a->le);
	list_flush(&a->early);
	mem_deref(a->link);
	if (a->req)
		bus_replyf(a->req, SY__RESULT_CODE__UNAVAILABLE, "node ends");
	if (a->msg) {
		if (a->msg->link && a->msg->link->key.data)
			OPENSSL_cleanse(a->msg->link->key.data,
					a->msg->link->key.len);
		sy__take_hub__free_unpacked(a->msg, NULL);
	}
}

static struct arrival *arrival_find(const struct mover *m, const char *hub)
{
	const struct le *le;

	for (le = list_head(&m->arrivals); le; le = le->next) {
		struct arrival *a = le->data;

		if (!strcmp(a->id, hub))
			return a;
	}

	return NULL;
}

void arrivals_close(struct mover *m)
{
	list_flush(&m->arrivals);
}

void arrival_end(struct arrival *a)
{
	tmr_cancel(&a->tmr);
	a->link = mem_deref(a->link);
	a->hub = NULL;
	if (!a->awaits)
		mem_deref(a);
}

void arrival_refuse(struct arrival *a, Sy__ResultCode code, const char *why)
{
	if (a->req)
		bus_replyf(a->req, code, "%s", why);
	a->req = NULL;
}

/* ------------------------------------------------------------- the claim */

static void recover_handler(void *arg);

static void claim_handler(int err, const struct store_claim *cl, void *arg)
{
	struct arrival *a = arg;

	a->awaits = false;
	if (!err || err == EBADMSG) {
		arrival_take(a, cl);
		return;
	}

	if (err == ESTALE || err == ENOENT) {
		arrival_refuse(a, SY__RESULT_CODE__CONFLICT,
			       err == ENOENT ? "call has ended"
					     : "another node owns the call");
		owner_released(adopt_owner(a->m->node->adopt), a->id);
		arrival_end(a);
		return;
	}

	arrival_refuse(a, SY__RESULT_CODE__UNAVAILABLE, "no Redis");
	tmr_start(&a->tmr, RECOVER_MS, recover_handler, a);
}

static int claim_from(struct arrival *a, uint32_t instance)
{
	const struct node *n = a->m->node;
	int err =
	    store_hub_claim(bus_redis(n->bus), a->id, instance, false,
			    n->conf.id, member_instance(n->members),
			    claim_handler, a);

	a->awaits = !err;
	return err;
}

/* If the claim was done the giver must let go, and nobody else serves it. */
static void recover_handler(void *arg)
{
	struct arrival *a = arg;
	const struct node *n = a->m->node;

	if (++a->tries > RECOVER_TRIES) {
		owner_released(adopt_owner(n->adopt), a->id);
		arrival_end(a);
	} else if (!redis_is_up(bus_redis(n->bus)) ||
		   claim_from(a, member_instance(n->members))) {
		tmr_start(&a->tmr, RECOVER_MS, recover_handler, a);
	}
}

static int claim(struct arrival *a)
{
	struct node *n = a->m->node;
	struct owner *owner = adopt_owner(n->adopt);
	int err = owner_take(owner, a->id);

	if (err)
		return err;

	err = claim_from(a, a->msg->instance);
	if (err)
		owner_released(owner, a->id);

	return err;
}

/* --------------------------------------------------------------- TakeHub */

/* @return false: it is answered. */
static bool check(struct node *n, struct bus_request *req,
		  const Sy__TakeHub *msg)
{
	struct media_load load;

	if (!ulid_is_valid(msg->hub) || !msg->call || !msg->instance) {
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
			   "hub, call and instance are wanted");
		return false;
	}
	if (node_hub(n, msg->hub) || arrival_find(n->mover, msg->hub)) {
		bus_replyf(req, SY__RESULT_CODE__CONFLICT,
			   "call is on node %s already", n->conf.id);
		return false;
	}
	if (!control_has_room(n, req))
		return false;

	media_load(n->media, &load);
	if (load.ports_free < msg->n_dialogs + SPARE_PORTS) {
		bus_replyf(req, SY__RESULT_CODE__UNAVAILABLE,
			   "node %s has too few RTP ports left", n->conf.id);
		return false;
	}

	return true;
}

void control_take_hub(struct node *n, struct bus_request *req,
		      const Sy__Envelope *env)
{
	const Sy__TakeHub *msg = env->take_hub;
	struct arrival *a;

	if (!check(n, req, msg))
		return;

	a = mem_zalloc(sizeof(*a), destructor);
	if (a) {
		a->m = n->mover;
		a->req = req;
		tmr_init(&a->tmr);
		str_ncpy(a->id, msg->hub, sizeof(a->id));
		list_append(&n->mover->arrivals, &a->le, a);
		a->msg = schema_copy(&msg->base);
	}
	if (!a || !a->msg) {
		if (a)
			a->req = NULL;
		mem_deref(a);
		bus_replyf(req, SY__RESULT_CODE__INTERNAL, "no memory");
		return;
	}

	if (claim(a)) {
		arrival_refuse(a, SY__RESULT_CODE__UNAVAILABLE,
			       "the call cannot be claimed now");
		arrival_end(a);
	}
}

void arrival_hub_closed(struct mover *m, const struct hub *hub)
{
	struct arrival *a = arrival_find(m, hub->id);

	if (!a || a->hub != hub)
		return;

	arrival_tell(a, "", SY__MOVE_STEP__MOVE_DONE);
	arrival_end(a);
}

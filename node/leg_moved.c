/* SPDX-License-Identifier: MIT */
/*
 * LegMoved: what the taker of a hub tells its giver of the legs, until it was
 * heard: a giver that does not know that the taker sends would go on sending.
 */

#include <string.h>
#include "node/mover.h"

enum {
	AGAIN_MS = 200,
	PATIENCE_MS = DEPARTURE_MS, /* by then the giver has let go anyhow */
};

struct telling {
	struct le le; /* in mover->tellings                */
	struct mover *m;
	char hub[ULID_LEN + 1];
	char leg[ULID_LEN + 1];
	char node[64];	   /* the giver                         */
	uint32_t instance; /* ... and its process               */
	Sy__MoveStep step;
	struct tmr tmr;
	uint64_t until_ms;
};

static void destructor(void *data)
{
	struct telling *t = data;

	tmr_cancel(&t->tmr);
	list_unlink(&t->le);
}

static void say(struct telling *t);

static void again_handler(void *arg)
{
	say(arg);
}

static void reply_handler(const Sy__Result *res, void *arg)
{
	struct telling *t = arg;
	const struct members *members = t->m->node->members;

	if (res->code == SY__RESULT_CODE__OK || tmr_jiffies() >= t->until_ms ||
	    !member_by_instance(members, t->instance))
		mem_deref(t);
	else
		tmr_start(&t->tmr, AGAIN_MS, again_handler, t);
}

static void say(struct telling *t)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__LegMoved msg = SY__LEG_MOVED__INIT;

	msg.hub = t->hub;
	msg.leg = t->leg;
	msg.step = t->step;
	env.body_case = SY__ENVELOPE__BODY_LEG_MOVED;
	env.leg_moved = &msg;
	if (bus_request_member(t->m->node->bus, t->node, &env, 0, reply_handler,
			       t))
		mem_deref(t);
}

void leg_moved_tell(struct mover *m, const Sy__TakeHub *take, const char *leg,
		    Sy__MoveStep step)
{
	struct telling *t = mem_zalloc(sizeof(*t), destructor);

	if (!t)
		return;

	t->m = m;
	t->instance = take->instance;
	t->step = step;
	t->until_ms = tmr_jiffies() + PATIENCE_MS;
	tmr_init(&t->tmr);
	str_ncpy(t->hub, take->hub, sizeof(t->hub));
	str_ncpy(t->leg, leg, sizeof(t->leg));
	str_ncpy(t->node, take->node, sizeof(t->node));
	list_append(&m->tellings, &t->le, t);
	say(t);
}

void control_leg_moved(struct node *n, struct bus_request *req,
		       const Sy__Envelope *env)
{
	const Sy__LegMoved *msg = env->leg_moved;
	struct departure *d = departure_find(&n->mover->departures, msg->hub);

	if (d)
		departure_step(d, msg->leg, msg->step);
	bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

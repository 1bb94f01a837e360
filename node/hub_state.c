/* SPDX-License-Identifier: MIT */
/* HubState of a hub: see hub_state.h. */

#include <string.h>
#include "node/hub/trail.h"
#include "node/hub_state.h"
#include "node/record.h"
#include "proto/schema_copy.h"

/* One hunt; its branches are at most all legs of the hub. */
struct hunt_part {
	Sy__HuntState msg;
	Google__Protobuf__Timestamp until;
};

struct player_part {
	Sy__PlayerState msg;
	Google__Protobuf__Timestamp started;
};

/* Everything that a state points to, in one block. */
struct parts {
	char **call_idv;
	Sy__HuntState **huntv;
	struct hunt_part *hpv;
	char **branchv;
	Sy__PlayerState **playerv;
	struct player_part *ppv;
	Sy__Leg **pastv;
	struct record_leg *recv;
};

static void parts_destructor(void *data)
{
	struct parts *p = data;

	mem_deref((void *)p->call_idv);
	mem_deref((void *)p->huntv);
	mem_deref(p->hpv);
	mem_deref((void *)p->branchv);
	mem_deref((void *)p->playerv);
	mem_deref(p->ppv);
	mem_deref((void *)p->pastv);
	mem_deref(p->recv);
}

static void *zeros(size_t n, size_t size)
{
	return mem_zalloc((n + 1) * size, NULL);
}

static struct parts *parts_alloc(const struct hub *hub)
{
	const size_t legs = list_count(&hub->legs);
	const size_t hunts = list_count(&hub->hunts);
	const size_t past = list_count(&hub->past);
	struct parts *p = mem_zalloc(sizeof(*p), parts_destructor);

	if (!p)
		return NULL;

	p->call_idv = zeros(list_count(&hub->call_ids), sizeof(char *));
	p->huntv = zeros(hunts, sizeof(*p->huntv));
	p->hpv = zeros(hunts, sizeof(*p->hpv));
	p->branchv = zeros(legs, sizeof(char *));
	p->playerv = zeros(legs, sizeof(*p->playerv));
	p->ppv = zeros(legs, sizeof(*p->ppv));
	p->pastv = zeros(past, sizeof(*p->pastv));
	p->recv = zeros(past, sizeof(*p->recv));
	if (!p->call_idv || !p->huntv || !p->hpv || !p->branchv ||
	    !p->playerv || !p->ppv || !p->pastv || !p->recv)
		return mem_deref(p);

	return p;
}

static void fill_call_ids(Sy__HubState *msg, struct parts *p,
			  const struct hub *hub)
{
	const struct le *le;

	msg->call_ids = p->call_idv;
	for (le = list_head(&hub->call_ids); le; le = le->next) {
		struct hub_call_id *cid = le->data;

		msg->call_ids[msg->n_call_ids++] = cid->text;
	}
}

static char *leg_id(struct leg *leg)
{
	return leg ? leg->info.id : (char *)protobuf_c_empty_string;
}

/* @return how many branches; each leg is one of a single hunt. */
static size_t fill_hunt(struct hunt_part *hp, char **legv,
			const struct hunt *hunt)
{
	Sy__HuntState *msg = &hp->msg;
	const struct le *le;

	if (hunt->what)
		*msg = *hunt->what;
	else
		sy__hunt_state__init(msg);

	msg->caller = leg_id(hunt->conf.caller);
	msg->heard = leg_id(hunt->heard);
	msg->best = hunt->best;
	msg->sealed = hunt->sealed;
	timestamp_set_ms(&hp->until, hunt->until_ms);
	msg->until = &hp->until;
	msg->legs = legv;
	msg->n_legs = 0;
	for (le = list_head(&hunt->hub->legs); le; le = le->next) {
		struct leg *leg = le->data;

		if (leg->hunt == hunt)
			legv[msg->n_legs++] = leg->info.id;
	}

	return msg->n_legs;
}

static void fill_hunts(Sy__HubState *msg, struct parts *p,
		       const struct hub *hub)
{
	char **legv = p->branchv;
	const struct le *le;

	msg->hunts = p->huntv;
	for (le = list_head(&hub->hunts); le; le = le->next) {
		struct hunt_part *hp = &p->hpv[msg->n_hunts];

		legv += fill_hunt(hp, legv, le->data);
		msg->hunts[msg->n_hunts++] = &hp->msg;
	}
}

static void fill_players(Sy__HubState *msg, struct parts *p,
			 const struct hub *hub)
{
	const struct le *le;

	msg->players = p->playerv;
	for (le = list_head(&hub->legs); le; le = le->next) {
		struct player_part *pp = &p->ppv[msg->n_players];
		const struct leg *leg = le->data;

		if (!leg->ops->played)
			continue;

		sy__player_state__init(&pp->msg);
		pp->msg.started_at = &pp->started;
		leg->ops->played(leg, &pp->msg);
		msg->players[msg->n_players++] = &pp->msg;
	}
}

static void fill_past(Sy__HubState *msg, struct parts *p, const struct hub *hub)
{
	const struct le *le;

	msg->past = p->pastv;
	for (le = list_head(&hub->past); le; le = le->next) {
		const struct leg_past *past = le->data;
		struct record_leg *rec = &p->recv[msg->n_past];

		record_leg_init(rec, &past->info);
		msg->past[msg->n_past++] = &rec->msg;
	}
}

int hub_state_init(struct hub_state *st, const struct hub *hub)
{
	Sy__HubState *msg = &st->msg;
	struct parts *p = parts_alloc(hub);

	sy__hub_state__init(msg);
	st->mem = p;
	if (!p)
		return ENOMEM;

	msg->destination = hub->dest;
	msg->hops = hub->hops;
	msg->source = hub->source;
	msg->private_ = hub->private;
	msg->ref_last = hub->ref_last;
	msg->tolls = (Sy__Toll **)(uintptr_t)hub->tollv;
	msg->n_tolls = hub->tollc;
	msg->trail = hub->trail;
	fill_call_ids(msg, p, hub);
	fill_hunts(msg, p, hub);
	fill_players(msg, p, hub);
	fill_past(msg, p, hub);

	return 0;
}

void hub_state_close(struct hub_state *st)
{
	st->mem = mem_deref(st->mem);
}

/* FNV-1a; 0 means "not written". */
struct summing {
	ProtobufCBuffer base; /* first */
	uint64_t sum;
};

static void sum_append(ProtobufCBuffer *buf, size_t len, const uint8_t *data)
{
	struct summing *s = (struct summing *)buf;

	for (size_t i = 0; i < len; i++)
		s->sum = (s->sum ^ data[i]) * 0x100000001b3ull;
}

uint64_t hub_state_sum(const struct hub_state *st)
{
	struct summing s = {{sum_append}, 0xcbf29ce484222325ull};

	sy__hub_state__pack_to_buffer(&st->msg, &s.base);

	return s.sum ? s.sum : 1;
}

void hub_state_restore(struct hub *hub, const Sy__Call *call,
		       const Sy__HubState *st)
{
	struct leg_info info;

	hub->state = call->state;
	hub->started_ms = timestamp_ms(call->started_at);
	hub->answered_ms = timestamp_ms(call->answered_at);
	hub->came = true;
	hub->shown = true;
	if (!st)
		return;

	hub->hops = (uint8_t)st->hops;
	hub->private = st->private_;
	if (st->source && !hub->source)
		(void)hub_source_copy(&hub->source, st->source);
	hub->ref_last = st->ref_last;
	for (size_t i = 0; i < st->n_tolls; i++)
		(void)hub_add_toll(hub, st->tolls[i]);
	if (st->trail && !hub->trail)
		hub->trail = schema_copy(&st->trail->base);
	for (size_t i = 0; i < st->n_call_ids; i++)
		(void)hub_call_id_add(hub, st->call_ids[i]);
	for (size_t i = 0; i < st->n_past; i++) {
		record_leg_read(&info, st->past[i]);
		info.state = SY__LEG_STATE__LEG_ENDED;
		hub_remember(hub, &info);
	}
}

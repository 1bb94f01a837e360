/* SPDX-License-Identifier: MIT */
/* Who is in which call: see calls.h. */

#include <string.h>
#include <re.h>
#include "proto/log.h"
#include "proto/store.h"
#include "router/calls.h"

enum { PAGE = 200, BUCKETS = 1024, TEXT = 96, ID = 160 };

struct party {
	struct le le;          /* in call->parties */
	char id[ULID_LEN + 1];
	char user[TEXT];
	char name[TEXT];
	char call_id[ID];      /* of its dialog with us; "": not known */
	char tag[ID], our_tag[ID];
	bool device;
	bool initiator;
	Sy__LegState state;
};

struct call {
	struct le le;          /* in calls->table, by id */
	char id[ULID_LEN + 1];
	char caller[TEXT], called[TEXT];
	char room[TEXT];       /* conference or parking place; "": none */
	struct list parties;
	uint32_t round;        /* of reading in which it was seen */
};

struct calls {
	struct bus *bus;       /* borrowed */
	calls_h *h;
	void *arg;
	struct hash *table;
	uint32_t round;        /* of reading all records */
	bool following, reading;
	bool ready;            /* they were read once */
};

static void call_destructor(void *data)
{
	struct call *call = data;

	hash_unlink(&call->le);
	list_flush(&call->parties);
}

static void party_destructor(void *data)
{
	struct party *p = data;

	list_unlink(&p->le);
}

static void destructor(void *data)
{
	struct calls *c = data;

	if (c->following)
		bus_unlisten(c->bus, BUS_CHANNEL_EVENTS);
	hash_flush(c->table);
	mem_deref(c->table);
}

int calls_alloc(struct calls **cp, struct bus *bus, calls_h *h, void *arg)
{
	struct calls *c = mem_zalloc(sizeof(*c), destructor);
	int err;

	if (!c)
		return ENOMEM;
	c->bus = bus;
	c->h = h;
	c->arg = arg;
	err = hash_alloc(&c->table, BUCKETS);
	if (err)
		mem_deref(c);
	else
		*cp = c;

	return err;
}

/* ------------------------------------------------------------------- table */

static bool is_call(struct le *le, void *arg)
{
	const struct call *call = le->data;

	return !strcmp(call->id, arg);
}

static struct call *find(const struct calls *c, const char *id)
{
	return list_ledata(hash_lookup(c->table, hash_joaat_str(id), is_call,
				       (void *)(uintptr_t)id));
}

static struct call *get(struct calls *c, const char *id)
{
	struct call *call = find(c, id);

	if (call || !id[0])
		return call;
	call = mem_zalloc(sizeof(*call), call_destructor);
	if (!call)
		return NULL;
	str_ncpy(call->id, id, sizeof(call->id));
	call->round = c->round;
	hash_append(c->table, hash_joaat_str(id), &call->le, call);

	return call;
}

static struct party *party(const struct call *call, const char *id)
{
	for (struct le *le = list_head(&call->parties); le; le = le->next) {
		struct party *p = le->data;

		if (!strcmp(p->id, id))
			return p;
	}

	return NULL;
}

static void tell(const struct calls *c, const struct call *call,
		 const struct party *p)
{
	if (p && p->device)
		c->h(p->user, c->arg);
	if (call->room[0])
		c->h(call->room, c->arg);
}

/* @return false: as they were */
static bool set_names(struct party *p, const Sy__LegDialog *d)
{
	if (!d || !strcmp(p->tag, d->remote_tag) ||
	    strlen(d->call_id) >= ID || strlen(d->remote_tag) >= ID ||
	    strlen(d->local_tag) >= ID)
		return false;
	strcpy(p->call_id, d->call_id);
	strcpy(p->tag, d->remote_tag);
	strcpy(p->our_tag, d->local_tag);

	return true;
}

static void set_leg(struct calls *c, struct call *call, const Sy__Leg *leg)
{
	struct party *p = party(call, leg->id);
	bool named;

	if (leg->kind != SY__LEG_KIND__DEVICE &&
	    leg->kind != SY__LEG_KIND__TRUNK &&
	    leg->kind != SY__LEG_KIND__BROWSER)
		return;
	if (!p) {
		p = mem_zalloc(sizeof(*p), party_destructor);
		if (!p)
			return;
		str_ncpy(p->id, leg->id, sizeof(p->id));
		list_append(&call->parties, &p->le, p);
	}
	named = set_names(p, leg->dialog);
	if (!named && p->state == leg->state)
		return;
	str_ncpy(p->user, leg->user, sizeof(p->user));
	str_ncpy(p->name, leg->display_name, sizeof(p->name));
	p->device = leg->kind != SY__LEG_KIND__TRUNK;
	p->initiator = leg->direction == SY__DIRECTION__INBOUND;
	p->state = leg->state;
	tell(c, call, p);
}

static void drop_leg(struct calls *c, struct call *call, const char *id)
{
	struct party *p = party(call, id);

	if (!p)
		return;
	mem_ref(p);
	list_unlink(&p->le);
	tell(c, call, p);
	mem_deref(p); /* of the list */
	mem_deref(p);
}

static void drop_call(struct calls *c, struct call *call)
{
	struct party *p;

	while ((p = list_ledata(list_head(&call->parties))))
		drop_leg(c, call, p->id);
	mem_deref(call);
}

static void room_of(struct call *call, const char *destination)
{
	static const char *const heads[] = {"conference:park:", "conference:",
					    "group:"};

	call->room[0] = '\0';
	for (size_t i = 0; destination && i < ARRAY_SIZE(heads); i++) {
		const size_t n = strlen(heads[i]);

		if (strncmp(destination, heads[i], n))
			continue;
		str_ncpy(call->room, destination + n, sizeof(call->room));
		return;
	}
}

static void set_call(struct calls *c, struct call *call, const Sy__Call *rec)
{
	str_ncpy(call->caller, rec->caller, sizeof(call->caller));
	str_ncpy(call->called, rec->called, sizeof(call->called));
	room_of(call, rec->destination);
	for (size_t i = 0; i < rec->n_legs; i++) {
		if (rec->legs[i]->state == SY__LEG_STATE__LEG_ENDED)
			drop_leg(c, call, rec->legs[i]->id);
		else
			set_leg(c, call, rec->legs[i]);
	}
}

/* ------------------------------------------------------------------ events */

static void event(const Sy__Envelope *env, void *arg)
{
	struct calls *c = arg;
	const Sy__Event *ev = env->event;
	struct call *call;

	if (env->body_case != SY__ENVELOPE__BODY_EVENT || !ev->call_id[0])
		return;

	switch (ev->type) {

	case SY__EVENT_TYPE__CALL_STARTED:
	case SY__EVENT_TYPE__CALL_CHANGED:
	case SY__EVENT_TYPE__CALL_ADOPTED:
	case SY__EVENT_TYPE__CALL_MOVED:
		call = ev->call ? get(c, ev->call_id) : NULL;
		if (call)
			set_call(c, call, ev->call);
		break;
	case SY__EVENT_TYPE__LEG_ADDED:
	case SY__EVENT_TYPE__LEG_CHANGED:
		call = ev->leg ? get(c, ev->call_id) : NULL;
		if (call)
			set_leg(c, call, ev->leg);
		break;
	case SY__EVENT_TYPE__LEG_REMOVED:
	case SY__EVENT_TYPE__LEG_LOST:
		call = ev->leg ? find(c, ev->call_id) : NULL;
		if (call)
			drop_leg(c, call, ev->leg->id);
		break;
	case SY__EVENT_TYPE__CALL_FINISHED:
		call = find(c, ev->call_id);
		if (call)
			drop_call(c, call);
		break;
	default:
		break;
	}
}

/* ----------------------------------------------------------------- reading */

static bool is_unseen(struct le *le, void *arg)
{
	const struct calls *c = arg;
	const struct call *call = le->data;

	return call->round != c->round;
}

/* What no record has any more has ended while nobody told us. */
static void sweep(struct calls *c)
{
	struct le *le;

	while ((le = hash_apply(c->table, is_unseen, c)))
		drop_call(c, le->data);
}

static void page(int err, Sy__Call *const *callv, size_t n, const char *next,
		 void *arg)
{
	struct calls *c = arg;

	for (size_t i = 0; !err && i < n; i++) {
		struct call *call = get(c, callv[i]->id);

		if (!call)
			continue;
		call->round = c->round;
		set_call(c, call, callv[i]);
	}
	if (!err && next && next[0] &&
	    !store_hub_list(bus_redis(c->bus), next, PAGE, page, c))
		return;
	c->reading = false;
	if (err)
		return;
	c->ready = true;
	sweep(c);
}

void calls_again(struct calls *c)
{
	if (!c->following || c->reading)
		return;
	c->round++;
	c->reading = !store_hub_list(bus_redis(c->bus), NULL, PAGE, page, c);
}

bool calls_is_ready(const struct calls *c)
{
	return c->ready;
}

void calls_follow(struct calls *c)
{
	if (c->following)
		return;
	c->following = !bus_listen(c->bus, BUS_CHANNEL_EVENTS, event, c);
	calls_again(c);
}

/* ------------------------------------------------------------------ asking */

struct asking {
	const struct calls *c;
	const char *resource;
	calls_dialog_h *h;
	void *arg;
};

static enum calls_state state_of(Sy__LegState state)
{
	return state == SY__LEG_STATE__LEG_ANSWERED ? CALLS_CONFIRMED :
	       state == SY__LEG_STATE__LEG_RINGING  ? CALLS_EARLY :
						      CALLS_TRYING;
}

static const char *name_of(const struct call *call, const struct party *me)
{
	const struct le *le;

	for (le = list_head(&call->parties); le; le = le->next) {
		const struct party *p = le->data;

		if (p != me && p->initiator != me->initiator)
			return p->name;
	}

	return "";
}

static bool apply(struct le *le, void *arg)
{
	const struct call *call = le->data;
	const struct asking *a = arg;
	struct calls_dialog d = {
		.id = call->id,
		.remote = "",
		.name = "",
		.call_id = "",
	};
	const bool room = !strcmp(call->room, a->resource);

	for (le = list_head(&call->parties); le; le = le->next) {
		const struct party *p = le->data;

		if (room && state_of(p->state) > d.state)
			d.state = state_of(p->state);
		if (!p->device || strcmp(p->user, a->resource))
			continue;
		a->h(&(struct calls_dialog){
			.id = p->id,
			.remote = p->initiator ? call->called : call->caller,
			.name = name_of(call, p),
			.call_id = p->call_id,
			.tag = p->tag,
			.our_tag = p->our_tag,
			.state = state_of(p->state),
			.initiator = p->initiator,
		}, a->arg);
	}
	if (room && list_head(&call->parties))
		a->h(&d, a->arg);

	return false;
}

void calls_apply(const struct calls *c, const char *resource,
		 calls_dialog_h *h, void *arg)
{
	struct asking a = {c, resource, h, arg};

	(void)hash_apply(c->table, apply, &a);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a page says of a leg goes to the node that owns its call: the one that
 * spoke of it last, or who the record in Redis names.  A call whose node died,
 * or that moves just then, is looked for again for a while; what may have been
 * done is not sent twice.  The record of a call that has just begun may not be
 * written yet.
 */

#include <errno.h>
#include <string.h>

#include "gateway/signal/signal_impl.h"
#include "proto/schema.h"
#include "proto/store.h"

enum { AGAIN_MS = 100, LIMIT_MS = 5000, YOUNG_MS = 1000 };

struct order {
	struct phone *ph;         /* reference                            */
	struct ws_client *client; /* that asked; compared, never used     */
	uint32_t id;
	char call[ULID_LEN + 1];
	char leg[ULID_LEN + 1];
	Sy__Envelope *env;        /* owned                                */
	struct loop_timer *timer;
	uint64_t until_us;
	uint64_t young_us;        /* until then it may have no record yet */
};

static void destructor(void *arg)
{
	struct order *o = arg;

	mem_deref(o->timer);
	if (o->env)
		sy__envelope__free_unpacked(o->env, NULL);
	mem_deref(o->ph);
}

static bool is_there(const struct order *o)
{
	return o->ph->client && o->ph->client == o->client;
}

static void refuse(struct order *o, const char *type, const char *why)
{
	if (is_there(o)) {
		trace_refused(o->ph, &(struct trace_about){o->call, o->leg, 0, false},
			      type, why);
		(void)ws_refuse(o->ph->client, o->id, type, "%s", why);
	}
	mem_deref(o);
}

static void done(struct order *o)
{
	if (is_there(o)) {
		trace_done(o->ph, &(struct trace_about){o->call, o->leg, 0, false});
		(void)ws_done(o->ph->client, o->id);
	}
	mem_deref(o);
}

static void look(struct order *o);

static void again_handler(void *arg)
{
	look(arg);
}

static void again(struct order *o)
{
	if (!o->ph->signal || loop_now_us() > o->until_us) {
		refuse(o, "unavailable", "the node of this call is gone, and "
					 "no other one has taken it yet");
		return;
	}
	o->timer = mem_deref(o->timer);
	if (loop_timer_start(&o->timer, view_loop(o->ph->signal->view),
			     AGAIN_MS, again_handler, o))
		refuse(o, "internal", "out of memory");
}

static void result_handler(const Sy__Result *res, void *arg)
{
	struct order *o = arg;

	switch (res->code) {

	case SY__RESULT_CODE__OK:
		done(o);
		break;
	case SY__RESULT_CODE__NOT_FOUND:
		o->young_us = 0;
		again(o);
		break;
	case SY__RESULT_CODE__NO_SUBSCRIBER:
	case SY__RESULT_CODE__UNAVAILABLE:
		again(o);
		break;
	case SY__RESULT_CODE__BAD_REQUEST:
		refuse(o, "bad-request", res->error);
		break;
	case SY__RESULT_CODE__CONFLICT:
		refuse(o, "conflict", res->error);
		break;
	case SY__RESULT_CODE__TIMED_OUT:
		refuse(o, "timeout", "the node did not answer in time: "
				     "whether it was done is not known");
		break;
	default:
		refuse(o, "internal", res->error);
		break;
	}
}

/* What the bus has put into the envelope is its own. */
static int send_order(struct order *o, const char *node)
{
	char *none = (char *)(uintptr_t)protobuf_c_empty_string;
	int err = bus_request_member(view_bus(o->ph->signal->view), node,
				     o->env, 0, result_handler, o);

	o->env->id = o->env->reply_to = o->env->from = none;

	return err;
}

static void record_handler(int err, Sy__Call *call, void *arg)
{
	struct order *o = arg;
	struct signal *s = o->ph->signal;

	if (err == ENOENT && s && loop_now_us() < o->young_us) {
		again(o);
	} else if (err == ENOENT || !s) {
		refuse(o, "not-found", "the call has ended");
	} else if (err || !view_serves(s->view, call)) {
		again(o);
	} else if (send_order(o, call->node)) {
		refuse(o, "internal", "out of memory");
	}
	if (call)
		sy__call__free_unpacked(call, NULL);
}

static void look(struct order *o)
{
	struct signal *s = o->ph->signal;

	if (!s || store_hub_get(view_redis(s->view), o->call, record_handler,
				o))
		refuse(o, "unavailable", "Redis is not reachable");
}

static Sy__Envelope *copy(const Sy__Envelope *env)
{
	const size_t len = sy__envelope__get_packed_size(env);
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);
	Sy__Envelope *dup = NULL;

	if (buf)
		dup = sy__envelope__unpack(NULL, sy__envelope__pack(env, buf),
					   buf);
	mem_deref(buf);

	return dup;
}

void owner_send(struct phone *ph, uint32_t id, const struct phone_leg *pl,
		const Sy__Envelope *env)
{
	struct order *o = mem_zalloc(sizeof(*o), destructor);

	if (o) {
		o->ph = mem_ref(ph);
		o->client = ph->client;
		o->id = id;
		str_ncpy(o->call, pl->call, sizeof(o->call));
		str_ncpy(o->leg, pl->leg, sizeof(o->leg));
		o->env = copy(env);
		o->until_us = loop_now_us() + LIMIT_MS * 1000ull;
		o->young_us = loop_now_us() + YOUNG_MS * 1000ull;
	}
	if (!o || !o->env) {
		(void)ws_refuse(ph->client, id, "internal", "out of memory");
		mem_deref(o);
		return;
	}
	if (!pl->node[0] || send_order(o, pl->node))
		look(o);
}

/* SPDX-License-Identifier: MIT */
/* Records of the process before us: see sweep.h. */

#include <string.h>
#include "node/checkpoint.h"
#include "node/sweep.h"
#include "proto/log.h"
#include "proto/store.h"

enum { TRY_MS = 500, PAGE = 200 };

struct sweep {
	struct node *node;      /* borrowed: its owner                */
	struct alarm alarm;
	char cursor[ULID_LEN + 1]; /* of the next page; "": the first */
	uint32_t found;
};

static void destructor(void *data)
{
	struct sweep *s = data;

	alarm_stop(&s->node->alarms, &s->alarm);
}

static void end_call(struct sweep *s, Sy__Call *call)
{
	struct node *n = s->node;
	struct redis *r = bus_redis(n->bus);
	Google__Protobuf__Timestamp now = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__CallRecord rec = SY__CALL_RECORD__INIT;
	Sy__Event ev = SY__EVENT__INIT;
	Sy__Call copy = *call;
	const uint64_t answered_ms = timestamp_ms(call->answered_at);

	timestamp_set_ms(&now, timestamp_now_ms());
	copy.state = SY__CALL_STATE__CALL_ENDED;
	copy.ended_at = &now;
	copy.end_reason = (char *)"node died";
	rec.call = &copy;
	if (answered_ms)
		rec.duration_ms =
			(uint32_t)(timestamp_ms(&now) - answered_ms);

	if (store_hub_drop(r, copy.id, copy.epoch, 0, &rec, NULL, NULL))
		return;

	ev.at = &now;
	ev.type = SY__EVENT_TYPE__CALL_FINISHED;
	ev.member = (char *)n->conf.id;
	ev.call_id = copy.id;
	ev.call = &copy;
	(void)store_event(r, &ev);
	s->found++;
}

static void next(struct sweep *s);

static void page_handler(int err, Sy__Call *const *callv, size_t callc,
			 const char *cursor, void *arg)
{
	struct sweep *s = arg;
	struct node *n = s->node;
	size_t i;

	for (i = 0; !err && i < callc; i++) {
		Sy__Call *call = callv[i];

		if (!strcmp(call->node, n->conf.id) &&
		    !node_hub(n, call->id) &&
		    !checkpoint_is_leaving(n->checkpoint, call->id))
			end_call(s, call);
	}

	if (!err && !cursor) {
		if (s->found)
			log_warn("ended the calls of a process that died",
				 LOG_U("calls", s->found));
		return;
	}

	if (!err)
		str_ncpy(s->cursor, cursor, sizeof(s->cursor));
	next(s);
}

static void try_handler(void *arg)
{
	struct sweep *s = arg;

	if (!node_is_ready(s->node) ||
	    store_hub_list(bus_redis(s->node->bus),
			   s->cursor[0] ? s->cursor : NULL, PAGE,
			   page_handler, s))
		next(s);
}

/* A page at a time, and time for calls in between. */
static void next(struct sweep *s)
{
	alarm_start(&s->node->alarms, &s->alarm, TRY_MS, try_handler, s);
}

int sweep_alloc(struct sweep **sp, struct node *n)
{
	struct sweep *s = mem_zalloc(sizeof(*s), destructor);

	if (!s)
		return ENOMEM;

	s->node = n;
	next(s);

	*sp = s;
	return 0;
}

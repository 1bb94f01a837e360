/* SPDX-License-Identifier: MIT */
/* Samples of the calls' quality: see quality.h. */

#include <string.h>
#include "node/quality.h"
#include "node/record.h"
#include "proto/log.h"
#include "proto/store.h"

enum { STEP_MS = 1000 };

struct quality {
	struct node *node;        /* borrowed: its owner                */
	struct alarm alarm;
	unsigned turn;            /* of QUALITY_EVERY_S                 */
	struct histogram *mos, *loss, *jitter, *round_trip, *concealed;
};

/* A hub's sample while it is put together. */
struct sample {
	Sy__HubSample msg;
	Google__Protobuf__Timestamp at;
	Sy__LegSample *legs;      /* [cap]                              */
	Sy__Quality *figures;     /* [cap]                              */
	Sy__LegSample **legv;     /* [cap]                              */
};

static void destructor(void *data)
{
	struct quality *q = data;

	alarm_stop(&q->node->alarms, &q->alarm);
}

/* ------------------------------------------------------------------ a sample */

static void sample_close(struct sample *s)
{
	mem_deref(s->legs);
	mem_deref(s->figures);
	mem_deref(s->legv);
}

static int sample_init(struct sample *s, size_t cap)
{
	memset(s, 0, sizeof(*s));
	sy__hub_sample__init(&s->msg);
	google__protobuf__timestamp__init(&s->at);
	timestamp_set_ms(&s->at, timestamp_now_ms());
	s->msg.at = &s->at;

	s->legs = mem_alloc(cap * sizeof(*s->legs), NULL);
	s->figures = mem_alloc(cap * sizeof(*s->figures), NULL);
	s->legv = mem_alloc(cap * sizeof(*s->legv), NULL);
	s->msg.legs = s->legv;

	return s->legs && s->figures && s->legv ? 0 : ENOMEM;
}

static void sample_add(struct sample *s, const struct leg_info *info,
		       const struct leg_quality *q)
{
	const size_t i = s->msg.n_legs++;
	Sy__LegSample *msg = &s->legs[i];

	record_quality(&s->figures[i], q);
	sy__leg_sample__init(msg);
	msg->leg = (char *)info->id;
	msg->user = (char *)info->user;
	msg->codec = (char *)info->codec;
	msg->quality = &s->figures[i];
	s->legv[i] = msg;
}

static void sample_put(struct node *n, const struct hub *hub,
		       const struct sample *s)
{
	struct redis *r = bus_redis(n->bus);

	if (s->msg.n_legs && redis_is_up(r))
		(void)store_quality_put(r, hub->id, &s->msg);
}

/* --------------------------------------------------------------------- turns */

static void count(const struct quality *q, const struct leg_quality *l)
{
	histogram_put(q->mos, (double)l->mos);
	histogram_put(q->loss, (double)l->loss_percent);
	histogram_put(q->jitter, (double)l->jitter_ms);
	histogram_put(q->concealed, (double)l->concealed_percent);
	if (l->round_trip_ms > 0)
		histogram_put(q->round_trip, (double)l->round_trip_ms);
}

static void look_at(const struct quality *q, const struct hub *hub)
{
	const size_t cap = list_count(&hub->legs);
	struct leg_quality figures;
	const struct le *le;
	struct sample s;

	if (!cap)
		return;

	if (!sample_init(&s, cap)) {
		for (le = list_head(&hub->legs); le; le = le->next) {
			struct leg *leg = le->data;

			if (!leg->ops->sample ||
			    !leg->ops->sample(leg, &figures))
				continue;

			count(q, &figures);
			sample_add(&s, &leg->info, &figures);
		}
		sample_put(q->node, hub, &s);
	}

	sample_close(&s);
}

static bool turn_handler(struct le *le, void *arg)
{
	const struct quality *q = arg;
	const struct hub *hub = le->data;

	if (!hub_is_over(hub) &&
	    hash_joaat_str(hub->id) % QUALITY_EVERY_S == q->turn)
		look_at(q, hub);

	return false;
}

static void alarm_handler(void *arg)
{
	struct quality *q = arg;

	alarm_start(&q->node->alarms, &q->alarm, STEP_MS, alarm_handler, q);
	q->turn = (q->turn + 1) % QUALITY_EVERY_S;
	hash_apply(q->node->hubs, turn_handler, q);
}

void quality_hub_ended(struct node *n, const struct hub *hub)
{
	const size_t cap = list_count(&hub->past);
	const struct le *le;
	struct sample s;

	if (!cap || !hub->answered_ms || !redis_is_up(bus_redis(n->bus)))
		return;

	if (!sample_init(&s, cap)) {
		s.msg.total = true;
		for (le = list_head(&hub->past); le; le = le->next) {
			const struct leg_past *past = le->data;

			if (past->info.quality.valid)
				sample_add(&s, &past->info,
					   &past->info.quality);
		}
		sample_put(n, hub, &s);
	}

	sample_close(&s);
}

/* ------------------------------------------------------------------- metrics */

#define HISTOGRAM(name, help, bounds)                                          \
	histogram_add(name, help, NULL, bounds, ARRAY_SIZE(bounds))

static int metrics_init(struct quality *q)
{
	static const double mos[] = {1.5, 2, 2.5, 3, 3.5, 3.8, 4, 4.2, 4.4};
	static const double percent[] = {0, 0.1, 0.5, 1, 2, 5, 10, 20, 50};
	static const double ms[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};

	q->mos = HISTOGRAM("sy_node_leg_mos",
			   "Conversational MOS (E-model), a leg and 10 s", mos);
	q->loss = HISTOGRAM("sy_node_leg_loss_percent",
			    "RTP packets lost, a leg and 10 s", percent);
	q->concealed = HISTOGRAM("sy_node_leg_concealed_percent",
				 "Audio made up for lost, a leg and 10 s",
				 percent);
	q->jitter = HISTOGRAM("sy_node_leg_jitter_ms",
			      "Interarrival jitter, a leg and 10 s", ms);
	q->round_trip = HISTOGRAM("sy_node_leg_round_trip_ms",
				  "Round trip by RTCP, a leg and 10 s", ms);

	return q->mos && q->loss && q->concealed && q->jitter &&
			       q->round_trip ? 0 : ENOMEM;
}

int quality_alloc(struct quality **qp, struct node *n)
{
	struct quality *q = mem_zalloc(sizeof(*q), destructor);

	if (!q)
		return ENOMEM;

	q->node = n;
	if (metrics_init(q)) {
		mem_deref(q);
		return ENOMEM;
	}

	alarm_start(&n->alarms, &q->alarm, STEP_MS, alarm_handler, q);
	*qp = q;

	return 0;
}

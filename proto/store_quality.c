/* SPDX-License-Identifier: MIT */
/* The series of quality figures of a hub: see store.h. */

#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"
#include "proto/store_ask.h"
#include "proto/store_impl.h"

enum {
	/* A big hub keeps fewer entries: its list stays below some 600 kB. */
	LEGS_WHOLE = 16,
	KEEP_MIN = 12,
	PACKED_ON_STACK = 2048,
};

void store_quality_key(char key[STORE_HUB_KEY_SIZE], const char *hub)
{
	(void)re_snprintf(key, STORE_HUB_KEY_SIZE, "sy:quality:{%s}", hub);
}

static unsigned keep_of(size_t legs)
{
	if (legs <= LEGS_WHOLE)
		return STORE_QUALITY_MAX;

	return (unsigned)MAX(STORE_QUALITY_MAX * LEGS_WHOLE / legs,
			     (size_t)KEEP_MIN);
}

int store_quality_put(struct redis *r, const char *hub,
		      const Sy__HubSample *sample)
{
	char key[STORE_HUB_KEY_SIZE], keep[16], ttl[16];
	uint8_t small[PACKED_ON_STACK], *big = NULL, *buf = small;
	const char *argv[] = {key, NULL, keep, ttl};
	size_t lenv[4];
	int err;

	if (!r || !hub || !sample)
		return EINVAL;

	lenv[1] = sy__hub_sample__get_packed_size(sample);
	if (lenv[1] > sizeof(small)) {
		buf = big = mem_alloc(lenv[1], NULL);
		if (!big)
			return ENOMEM;
	}

	(void)sy__hub_sample__pack(sample, buf);
	store_quality_key(key, hub);
	(void)re_snprintf(keep, sizeof(keep), "%u", keep_of(sample->n_legs));
	(void)re_snprintf(ttl, sizeof(ttl), "%u", STORE_QUALITY_TTL_S);
	argv[1] = (const char *)buf;
	lenv[0] = str_len(key);
	lenv[2] = str_len(keep);
	lenv[3] = str_len(ttl);

	err = script_run(r, SCRIPT_QUALITY_PUT, 0, NULL, NULL, 1, 4, argv,
			 lenv);
	mem_deref(big);

	return err;
}

/* -------------------------------------------------------------- reading */

Sy__HubSample *store_quality_read(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING)
		return NULL;

	return sy__hub_sample__unpack(NULL, (size_t)reply->len,
				      (const uint8_t *)reply->str);
}

static void series_destructor(void *arg)
{
	struct store_series *series = arg;

	for (size_t i = 0; i < series->n; i++)
		sy__hub_sample__free_unpacked(series->samplev[i], NULL);
}

static struct store_series *series_read(const redisReply *reply)
{
	size_t all = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
	struct store_series *series;

	series = mem_zalloc(sizeof(*series) + all * sizeof(*series->samplev),
			    series_destructor);

	for (size_t i = 0; i < all && series; i++) {
		Sy__HubSample *s = store_quality_read(reply->element[i]);

		if (s)
			series->samplev[series->n++] = s;
	}

	return series;
}

static void read_handler(int err, const redisReply *reply, void *arg)
{
	struct store_series *series = err ? NULL : series_read(reply);
	struct ask *a = arg;

	((store_quality_h *)a->h)(err || series ? err : ENOMEM, series, a->arg);
	mem_deref(a);
}

int store_quality_get(struct redis *r, const char *hub, store_quality_h *h,
		      void *arg)
{
	char key[STORE_HUB_KEY_SIZE];

	if (!r || !hub || !h)
		return EINVAL;

	store_quality_key(key, hub);

	return ask_command(r, read_handler, ask_alloc((ask_h *)h, arg),
			   "LRANGE %s 0 -1", key);
}

/* ------------------------------------------------- the latest, into a leg */

static const Sy__LegSample *sample_of(const Sy__HubSample *s, const char *leg)
{
	for (size_t i = 0; i < s->n_legs; i++) {
		if (!strcmp(s->legs[i]->leg, leg))
			return s->legs[i];
	}

	return NULL;
}

void store_quality_show(Sy__Leg *leg, const Sy__Quality *q)
{
	leg->mos = q->mos;
	leg->mos_listening = q->mos_listening;
	leg->r_factor = q->r_factor;
	leg->loss_percent = q->loss_percent;
	leg->discarded_percent = q->discarded_percent;
	leg->concealed_percent = q->concealed_percent;
	leg->recovered_percent = q->recovered_percent;
	leg->jitter_ms = q->jitter_ms;
	leg->round_trip_ms = q->round_trip_ms;
	leg->jitter_buffer_ms = q->jitter_buffer_ms;
	leg->peer_loss_percent = q->peer_loss_percent;
	leg->peer_jitter_ms = q->peer_jitter_ms;
	leg->peer_mos = q->peer_mos;
}

void store_quality_merge(Sy__Call *call, const Sy__HubSample *latest)
{
	for (size_t i = 0; i < call->n_legs; i++) {
		const Sy__LegSample *s =
			sample_of(latest, call->legs[i]->id);

		if (s && s->quality)
			store_quality_show(call->legs[i], s->quality);
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * GET /api/calls/{id}/stats: how its legs sound, over time and now.
 *
 * The series lies in Redis, and for a while after the call has ended; the
 * present is what the call's owner tells (or its record, without figures).
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/command.h"
#include "proto/store.h"

/* A CallStats being put together; all of it in flat arrays. */
struct stats {
	Sy__CallStats msg;
	Sy__LegStats *legs;     /* [legcap]; owned, as all arrays       */
	Sy__LegStats **legv;
	Sy__Quality *points;    /* [pointcap]                            */
	Sy__Quality **pointv;   /* [pointcap], a run for each leg        */
	size_t legcap;
};

static void stats_close(struct stats *s)
{
	free(s->legs);
	free(s->legv);
	free(s->points);
	free(s->pointv);
}

static Sy__LegStats *leg_of(struct stats *s, const char *id)
{
	Sy__LegStats *leg;

	for (size_t i = 0; i < s->msg.n_legs; i++) {
		if (!strcmp(s->legv[i]->leg, id))
			return s->legv[i];
	}

	leg = &s->legs[s->msg.n_legs];
	sy__leg_stats__init(leg);
	leg->leg = (char *)id;
	s->legv[s->msg.n_legs++] = leg;

	return leg;
}

static void count_points(struct stats *s, Sy__HubSample *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i]->n_legs; k++) {
			const Sy__LegSample *ls = v[i]->legs[k];
			Sy__LegStats *leg = leg_of(s, ls->leg);

			leg->user = ls->user;
			leg->codec = ls->codec;
			leg->n_samples += !v[i]->total;
		}
	}
}

/* Each leg gets its run of pointv. */
static void place_points(struct stats *s)
{
	size_t pos = 0;

	for (size_t i = 0; i < s->msg.n_legs; i++) {
		Sy__LegStats *leg = s->legv[i];

		leg->samples = s->pointv + pos;
		pos += leg->n_samples;
		leg->n_samples = 0;
	}
}

static void put_points(struct stats *s, Sy__HubSample *const *v, size_t n)
{
	size_t pos = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < v[i]->n_legs; k++) {
			const Sy__LegSample *ls = v[i]->legs[k];
			Sy__LegStats *leg = leg_of(s, ls->leg);
			Sy__Quality *point = &s->points[pos++];

			if (ls->quality)
				*point = *ls->quality;
			else
				sy__quality__init(point);
			point->at = v[i]->at;
			if (v[i]->total)
				leg->total = point;
			else
				leg->samples[leg->n_samples++] = point;
		}
	}
}

static void put_present(struct stats *s, const Sy__Call *call)
{
	for (size_t i = 0; call && i < call->n_legs; i++) {
		Sy__LegStats *leg = leg_of(s, call->legs[i]->id);

		leg->now = call->legs[i];
		if (*call->legs[i]->user)
			leg->user = call->legs[i]->user;
		if (*call->legs[i]->codec)
			leg->codec = call->legs[i]->codec;
	}
}

static int stats_init(struct stats *s, Sy__HubSample *const *v, size_t n,
		      const Sy__Call *call)
{
	size_t points = 0;

	memset(s, 0, sizeof(*s));
	sy__call_stats__init(&s->msg);
	for (size_t i = 0; i < n; i++)
		points += v[i]->n_legs;

	s->legcap = points + (call ? call->n_legs : 0);
	s->legs = calloc(s->legcap + 1, sizeof(*s->legs));
	s->legv = calloc(s->legcap + 1, sizeof(*s->legv));
	s->points = calloc(points + 1, sizeof(*s->points));
	s->pointv = calloc(points + 1, sizeof(*s->pointv));
	s->msg.legs = s->legv;

	return s->legs && s->legv && s->points && s->pointv ? 0 : ENOMEM;
}

static void reply(struct command *c, const struct store_series *series,
		  const Sy__Call *call)
{
	struct stats s;

	if (stats_init(&s, series->samplev, series->n, call)) {
		api_reply_err(c->a, ENOMEM, "call");
	}
	else {
		s.msg.call = c->call;
		count_points(&s, series->samplev, series->n);
		place_points(&s);
		put_points(&s, series->samplev, series->n);
		put_present(&s, call);
		api_reply(c->a, 200, &s.msg.base);
	}

	stats_close(&s);
}

/* Neither a call nor what it left: there was none, or long ago. */
static void on_call(struct command *c, const Sy__Result *res)
{
	const struct store_series *series = c->data;

	if (!res->call && !series->n)
		api_reply_err(c->a, ENOENT, "call");
	else
		reply(c, series, res->call);
}

static void on_series(int err, struct store_series *series, void *arg)
{
	struct command *c = arg;

	if (err) {
		api_reply_err(c->a, err, "call");
		command_drop(c);
		return;
	}

	c->data = series;
	command_to_owner(c, on_call);
}

void api_calls_stats(struct api_req *a)
{
	struct command *c = command_for_call(a);
	int err;

	if (!c)
		return;

	c->bare = true;
	command_get(c);

	err = store_quality_get(view_redis(a->api->view), c->call, on_series,
				c);
	if (err) {
		api_reply_err(a, err, "call");
		command_drop(c);
	}
}

/* SPDX-License-Identifier: MIT */
/* The targets of a trunk are asked whether they live; see trunk_job.h. */

#include <errno.h>
#include <string.h>
#include "proto/store.h"
#include "router/core.h"
#include "router/trunk_ask.h"
#include "router/trunk_job_impl.h"

enum {
	LOOK_AGAIN_MS = 5000, /* no target was found */
	PUT_MS = 10000,       /* figures alone are told so often */
};

int trunk_job_start_checks(struct trunk_job *j, uint32_t every_ms,
			   const Sy__TrunkState *past)
{
	const char *hop = trunk_job_hop(j->conf);

	j->every_ms = hop[0] ? every_ms : 0;
	if (!j->every_ms)
		return 0;
	if (past) {
		j->known = past->checked;
		j->up = past->reachable;
		j->since_ms = timestamp_ms(past->since);
		j->checked_ms = timestamp_ms(past->checked_at);
	}
	j->look_ms = tmr_jiffies();

	return trunk_where_init(&j->at, j->w, hop);
}

void trunk_job_close_checks(struct trunk_job *j)
{
	for (size_t i = 0; i < j->checkc; i++)
		mem_deref(j->checkv[i].uac);
	trunk_where_close(&j->at);
}

/* ---------------------------------------------------------------- targets */

static bool same_target(const struct locate_target *a,
			const struct locate_target *b)
{
	return a->transport == b->transport && sa_cmp(&a->sa, &b->sa, SA_ALL);
}

static bool is_among(const struct locate_found *f, size_t n,
		     const struct locate_target *t)
{
	for (size_t i = 0; i < n; i++) {
		if (same_target(&f->v[i], t))
			return true;
	}

	return false;
}

/* The memory of failures reorders a list: only who is in it counts. */
static bool same_targets(const struct trunk_job *j, size_t n)
{
	if (n != j->checkc)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!is_among(&j->at.found, n, &j->checkv[i].target))
			return false;
	}

	return true;
}

static void take_targets(struct trunk_job *j)
{
	const uint64_t now_ms = tmr_jiffies();
	size_t n = j->at.found.n;

	j->look_ms = now_ms + (n ? j->every_ms : LOOK_AGAIN_MS);
	if (n > TRUNK_JOB_TARGETS_MAX)
		n = TRUNK_JOB_TARGETS_MAX;
	if (!n || same_targets(j, n))
		return;
	for (size_t i = 0; i < j->checkc; i++)
		j->checkv[i].uac = mem_deref(j->checkv[i].uac);
	j->checkc = n;
	for (size_t i = 0; i < n; i++) {
		struct trunk_job_check *c = &j->checkv[i];

		c->job = j;
		c->target = j->at.found.v[i];
		trunk_check_init(&c->check, j->every_ms, now_ms);
	}
}

static void located(void *arg)
{
	struct trunk_job *j = arg;

	take_targets(j);
	trunk_job_soon(j);
}

/* ------------------------------------------------------------------ asking */

static void answered(struct trunk_job_check *c, uint16_t code, bool heard)
{
	struct trunk_job *j = c->job;
	const bool alive = code != 408 && code != 503;
	const uint64_t now_ms = tmr_jiffies();

	j->checked_ms = timestamp_now_ms();
	if (trunk_check_answer(&c->check, code,
			       (float)(loop_now_us() - c->sent_us) / 1000.0f,
			       now_ms))
		j->put_ms = 0;
	if (alive || !heard)
		trunk_target_tell(j->w, &c->target, alive);
	trunk_job_tell_checks(j);
	if (!j->put_ms || now_ms - j->put_ms >= PUT_MS)
		trunk_job_write(j);
	trunk_job_soon(j);
}

static void on_answer(uint16_t code, const struct view *v, void *arg)
{
	struct trunk_job_check *c = arg;

	c->uac = mem_deref(c->uac);
	answered(c, code, v != NULL);
}

static int send_options(struct trunk_job_check *c)
{
	struct trunk_job *j = c->job;
	const struct trunk_ask ask = {.conf = j->conf,
				      .text = j->at.text,
				      .target = &c->target,
				      .cseq = ++j->cseq,
				      .timeout_ms = TRUNK_CHECK_TIMEOUT_MS};

	return trunk_ask_options(&c->uac, j->w, &ask, on_answer, c);
}

void trunk_job_work_checks(struct trunk_job *j)
{
	const uint64_t now_ms = tmr_jiffies();

	if (j->look_ms && now_ms >= j->look_ms && !j->at.query &&
	    !trunk_where_find(&j->at, located, j))
		take_targets(j);
	for (size_t i = 0; i < j->checkc; i++) {
		struct trunk_job_check *c = &j->checkv[i];

		if (trunk_check_due(&c->check) > now_ms)
			continue;
		trunk_check_sent(&c->check);
		c->sent_us = loop_now_us();
		if (send_options(c))
			answered(c, 503, false);
	}
}

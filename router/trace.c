/* SPDX-License-Identifier: MIT */
/* See trace.h. */

#include <string.h>
#include <time.h>
#include "router/trace.h"
#include "router/tracer.h"

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Messages of which there may be a call, whose or not is not known yet. */
static bool may_be_of_call(enum view_method method)
{
	return method == VIEW_INVITE || method == VIEW_ACK ||
	       method == VIEW_CANCEL;
}

static bool is_wanted(const struct trace *t)
{
	return t->ring && (tracer_wants_all(t->tracer) ||
			   (tracer_wants_calls(t->tracer) &&
			    (t->rec.called || may_be_of_call(t->method))));
}

static void forget(struct trace *t)
{
	t->busy = t->kept = t->inner = false;
	t->rec.called = false;
	t->method = VIEW_UNKNOWN;
}

/* Of calls that are known later it is not known yet either, so all that is
 * received is put, and taken back if it is not wanted. */
void trace_received(struct trace *t, const struct flow *from,
		    const struct view *v)
{
	const struct iovec iov = {(char *)(uintptr_t)v->p, v->len};

	forget(t);
	t->busy = true;
	t->method = v->method;
	trace_stat_received(&t->stat, v);
	if (!t->ring ||
	    !(tracer_wants_all(t->tracer) || tracer_wants_calls(t->tracer)))
		return;
	t->rec.type = TRACE_IN;
	t->rec.at_us = now_us();
	t->rec.port = from->listener;
	t->rec.peer = from->peer;
	t->mark = trace_ring_mark(t->ring);
	t->kept = trace_ring_put(t->ring, &t->rec, &iov, 1);
	t->end = trace_ring_mark(t->ring);
}

static void set_call(struct trace_rec *rec, const struct token *tok)
{
	static const uint8_t none[ULID_BYTES];

	rec->called = memcmp(tok->hub, none, sizeof(none)) != 0;
	memcpy(rec->hub, tok->hub, sizeof(rec->hub));
	rec->leg = tok->leg;
}

void trace_call(struct trace *t, const struct token *tok)
{
	if (t->busy)
		set_call(&t->rec, tok);
}

void trace_about(struct trace *t, const struct view *v)
{
	t->method = v->method;
}

void trace_inner(struct trace *t)
{
	if (!t->busy || t->inner)
		return;
	t->inner = true;
	trace_stat_undo(&t->stat);
	/* nothing was sent yet */
	if (t->kept)
		trace_ring_undo(t->ring, t->mark);
	t->kept = false;
}

void trace_claim(struct trace *t, const struct view *v, const struct token *tok)
{
	struct iovec iov = {(char *)(uintptr_t)v->call_id.p, v->call_id.l};
	struct trace_rec rec;

	if (!t->ring || !tracer_wants_calls(t->tracer))
		return;
	memset(&rec, 0, sizeof(rec));
	rec.type = TRACE_CLAIM;
	rec.at_us = now_us();
	set_call(&rec, tok);
	if (rec.called)
		(void)trace_ring_put(t->ring, &rec, &iov, 1);
	if (!t->busy)
		trace_ring_commit(t->ring);
}

void trace_sent(const struct flow *to, const struct iovec *iov, size_t n,
		void *arg)
{
	struct trace *t = arg;
	struct trace_rec rec = t->rec;

	if (to->node)
		return;
	trace_stat_sent(&t->stat, iov, n, t->method);
	if (!is_wanted(t) && (t->busy || !t->ring))
		return;
	rec.type = TRACE_OUT;
	rec.at_us = now_us();
	rec.port = to->listener;
	rec.peer = to->peer;
	(void)trace_ring_put(t->ring, &rec, iov, n);
	if (!t->busy)
		trace_ring_commit(t->ring);
}

void trace_handled(struct trace *t)
{
	if (t->kept && !is_wanted(t) && trace_ring_mark(t->ring) == t->end)
		trace_ring_undo(t->ring, t->mark);
	else if (t->kept && t->rec.called)
		trace_ring_alter(t->ring, t->mark, &t->rec);
	if (t->ring)
		trace_ring_commit(t->ring);
	forget(t);
}

/* SPDX-License-Identifier: MIT */
/* The trace of a call: see store_trace.h and lua/trace_put.lua. */

#include <errno.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_ask.h"
#include "proto/store_impl.h"
#include "proto/store_trace.h"

enum { ARGS = 6 }; /* key and numbers, ahead of the messages */

static void trace_key(char key[STORE_HUB_KEY_SIZE], const char *hub)
{
	(void)re_snprintf(key, STORE_HUB_KEY_SIZE, "sy:trace:{%s}", hub);
}

/* -------------------------------------------------------------- writing */

struct writing {
	store_h *h;
	void *arg;
};

static void writing_destructor(void *arg)
{
	struct writing *w = arg;

	mem_deref(w->arg);
}

static void written(int err, const redisReply *reply, void *arg)
{
	struct writing *w = arg;
	void *above = w->arg;
	(void)reply;

	w->arg = NULL;
	w->h(err, above);
	mem_deref(w);
}

static int run(struct redis *r, int argc, const char **argv, const size_t *lenv,
	       store_h *h, void *arg)
{
	struct writing *w;
	int err;

	if (!h)
		return script_run(r, SCRIPT_TRACE_PUT, 0, NULL, NULL, 1, argc,
				  argv, lenv);
	w = mem_zalloc(sizeof(*w), writing_destructor);
	if (!w)
		return ENOMEM;
	w->h = h;
	w->arg = arg;
	err = script_run_owned(r, SCRIPT_TRACE_PUT, 0, written, w, 1, argc,
			       argv, lenv);
	if (err) {
		w->arg = NULL;
		mem_deref(w);
	}

	return err;
}

int store_trace_put(struct redis *r, const struct store_trace_put *put,
		    store_h *h, void *arg)
{
	char key[STORE_HUB_KEY_SIZE], num[ARGS - 1][16];
	const uint32_t numv[ARGS - 1] = {
	    put ? put->ttl_s : 0, put ? put->running_s : 0, STORE_TRACE_MAX,
	    STORE_TRACE_FIRST, STORE_TRACE_BYTES};
	const char *argv[ARGS + STORE_TRACE_BATCH] = {key};
	size_t lenv[ARGS + STORE_TRACE_BATCH];

	if (!r || !put || !put->hub || !put->n || put->n > STORE_TRACE_BATCH)
		return EINVAL;

	trace_key(key, put->hub);
	lenv[0] = str_len(key);
	for (size_t i = 0; i < ARGS - 1; i++) {
		(void)re_snprintf(num[i], sizeof(num[i]), "%u", numv[i]);
		argv[1 + i] = num[i];
		lenv[1 + i] = str_len(num[i]);
	}
	for (size_t i = 0; i < put->n; i++) {
		argv[ARGS + i] = put->itemv[i].p;
		lenv[ARGS + i] = put->itemv[i].len;
	}

	return run(r, (int)(ARGS + put->n), argv, lenv, h, arg);
}

/* -------------------------------------------------------------- reading */

static void trace_destructor(void *arg)
{
	struct store_trace *trace = arg;

	for (size_t i = 0; i < trace->n; i++)
		sy__trace_message__free_unpacked(trace->messagev[i], NULL);
}

static int by_time(const void *a, const void *b)
{
	const Sy__TraceMessage *const *x = a, *const *y = b;
	const Google__Protobuf__Timestamp *s = (*x)->at, *t = (*y)->at;

	if (!s || !t)
		return !s - !t;
	if (s->seconds != t->seconds)
		return s->seconds < t->seconds ? -1 : 1;

	return (s->nanos > t->nanos) - (s->nanos < t->nanos);
}

static struct store_trace *trace_read(const redisReply *reply)
{
	size_t all = reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;
	struct store_trace *trace;

	trace = mem_zalloc(sizeof(*trace) + all * sizeof(*trace->messagev),
			   trace_destructor);

	for (size_t i = 0; i < all && trace; i++) {
		const redisReply *e = reply->element[i];
		Sy__TraceMessage *m = NULL;

		if (e->type == REDIS_REPLY_STRING)
			m = sy__trace_message__unpack(NULL, (size_t)e->len,
						      (uint8_t *)e->str);
		if (m)
			trace->messagev[trace->n++] = m;
	}
	if (trace)
		qsort(trace->messagev, trace->n, sizeof(*trace->messagev),
		      by_time);

	return trace;
}

static void read_handler(int err, const redisReply *reply, void *arg)
{
	struct store_trace *trace = err ? NULL : trace_read(reply);
	struct ask *a = arg;

	((store_trace_h *)a->h)(err || trace ? err : ENOMEM, trace, a->arg);
	mem_deref(a);
}

int store_trace_get(struct redis *r, const char *hub, store_trace_h *h,
		    void *arg)
{
	char key[STORE_HUB_KEY_SIZE];

	if (!r || !hub || !h)
		return EINVAL;

	trace_key(key, hub);

	return ask_command(r, read_handler, ask_alloc((ask_h *)h, arg),
			   "LRANGE %s 1 -1", key);
}

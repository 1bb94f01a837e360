/* SPDX-License-Identifier: MIT */
/*
 * See tracer.h.
 *
 *   rings --drain()--> deal() --call known--> show() --> trace_batch --> Redis
 *                        |                      +------> HEP ----------> Homer
 *                        +--unknown--> trace_hold --later--^
 */

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "proto/bus.h"
#include "proto/config.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/metrics.h"
#include "proto/trace_batch.h"
#include "proto/trace_mask.h"
#include "router/trace_hep.h"
#include "router/trace_hold.h"
#include "router/tracer.h"
#include "router/utf8.h"

enum {
	RING_BYTES = 1 << 22, /* of a thread: a tenth of a second's worth
				 at several thousand calls a second      */
	DRAIN_MS = 50,
	DRAIN_MAX = 4096, /* records of a ring in one turn           */
	KEEP_S = 900,
	STOP_MS = 300, /* for the last words to Redis             */
	ADDR_LEN = 72,
};

struct tracer {
	struct tracer_conf conf; /* RO after start        */
	struct trace_ring *ringv[WIRE_THREADS_MAX];
	struct sa localv[WIRE_PORTS_MAX]; /* as others know them   */
	_Atomic bool calls, all;	  /* the thread writes     */
	_Atomic bool stop;		  /* tracer_stop() writes  */
	pthread_t thread;
	bool started;

	/* all that follows is the thread's own */
	struct loop *loop;
	struct bus *bus;
	struct config *config;
	struct trace_hold *hold;
	struct trace_batch *batch;
	struct tmr tmr;
	uint64_t stop_ms;
	uint32_t keep_s;
	char hep_at[256]; /* as configured         */
	int hep_fd;	  /* connected; -1: none   */
	uint32_t hep_id;
	uint64_t hep_sent, hep_dropped;
	char text[TRACE_TEXT_MAX];
	uint8_t datagram[TRACE_HEP_MAX];
	struct metric *kept, *lost_ring, *lost_redis, *told, *untold;
};

/* ------------------------------------------------------------- one message */

static const struct sa *local(const struct tracer *t,
			      const struct trace_rec *rec)
{
	return &t->localv[rec->port < t->conf.wires->portc ? rec->port : 0];
}

static enum wire_kind kind(const struct tracer *t, const struct trace_rec *rec)
{
	return t->conf.wires
	    ->portv[rec->port < t->conf.wires->portc ? rec->port : 0]
	    .kind;
}

static void tell_homer(struct tracer *t, const struct trace_rec *rec,
		       const struct view *v, const struct sa *source,
		       const struct sa *target)
{
	struct trace_hep m = {
	    .source = source,
	    .target = target,
	    .tcp = kind(t, rec) != WIRE_UDP,
	    .at_us = rec->at_us,
	    .capture_id = t->hep_id,
	    .correlation = v->call_id.p,
	    .correlation_len = v->call_id.l,
	    .text = v->p,
	    .len = rec->len,
	};
	char hub[ULID_LEN + 1];
	size_t n;

	if (rec->called) {
		ulid_print(hub, rec->hub);
		m.correlation = hub;
		m.correlation_len = ULID_LEN;
	}
	n = trace_hep_print(t->datagram, sizeof(t->datagram), &m);
	if (n && send(t->hep_fd, t->datagram, n, MSG_DONTWAIT) == (ssize_t)n)
		++t->hep_sent;
	else
		++t->hep_dropped;
}

/* Does the call go on, or end? */
static enum trace_tells tells(const struct view *v)
{
	switch (v->method) {
	case VIEW_BYE:
	case VIEW_CANCEL:
		return TRACE_TELLS_END;
	case VIEW_ACK:
		return TRACE_TELLS_NOTHING;
	case VIEW_INVITE:
		return !v->is_request && v->code >= 300 ? TRACE_TELLS_END
							: TRACE_TELLS_RUNNING;
	default:
		return TRACE_TELLS_NOTHING;
	}
}

static void keep(struct tracer *t, const struct trace_rec *rec,
		 const struct view *v, const struct sa *source,
		 const struct sa *target)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__TraceMessage msg = SY__TRACE_MESSAGE__INIT;
	char from[ADDR_LEN], to[ADDR_LEN], leg[16];
	char text[TRACE_TEXT_MAX + 1];

	memcpy(text, v->p, rec->len);
	text[utf8_repair(text, rec->len)] = '\0';
	(void)re_snprintf(from, sizeof(from), "%J", source);
	(void)re_snprintf(to, sizeof(to), "%J", target);
	(void)re_snprintf(leg, sizeof(leg), "%08x", rec->leg);
	at.seconds = (int64_t)(rec->at_us / 1000000);
	at.nanos = (int32_t)(rec->at_us % 1000000) * 1000;
	msg.at = &at;
	msg.direction = rec->type == TRACE_IN ? "in" : "out";
	msg.router = (char *)(uintptr_t)t->conf.id;
	msg.transport = (char *)(uintptr_t)wire_kind_name(kind(t, rec));
	msg.source = from;
	msg.target = to;
	if (rec->leg)
		msg.leg = leg;
	msg.text = text;
	msg.cut_bytes = rec->cut;
	trace_batch_put(t->batch, rec->hub, &msg, tells(v));
}

/* A message whose call is known, or that has none. */
static void show(const struct trace_rec *rec, const struct view *v, void *arg)
{
	struct tracer *t = arg;
	const bool in = rec->type == TRACE_IN;
	const struct sa *source = in ? &rec->peer : local(t, rec);
	const struct sa *target = in ? local(t, rec) : &rec->peer;

	if (t->hep_fd >= 0)
		tell_homer(t, rec, v, source, target);
	if (rec->called && t->calls)
		keep(t, rec, v, source, target);
}

static bool may_be_of_call(const struct view *v)
{
	return v->call_id.l &&
	       (v->method == VIEW_INVITE || v->method == VIEW_ACK ||
		v->method == VIEW_CANCEL);
}

static void deal(struct tracer *t, const struct trace_rec *rec, uint64_t now_us)
{
	struct view v;

	if (rec->type == TRACE_CLAIM) {
		trace_hold_claim(t->hold, rec, t->text, rec->len, now_us);
		return;
	}
	trace_mask(t->text, rec->len);
	memset(&v, 0, sizeof(v));
	(void)view_read(&v, t->text, rec->len);
	v.p = t->text;
	if (!rec->called && may_be_of_call(&v))
		trace_hold_put(t->hold, rec, &v, now_us);
	else
		show(rec, &v, t);
}

/* ---------------------------------------------------------- from time to time
 */

static void publish(struct tracer *t)
{
	const struct trace_batch_stat *st = trace_batch_stat(t->batch);
	uint64_t lost = 0;

	for (unsigned i = 0; i < t->conf.threads; i++)
		lost += trace_ring_dropped(t->ringv[i]);
	metric_set(t->kept, (double)st->written);
	metric_set(t->lost_ring, (double)lost);
	metric_set(t->lost_redis, (double)st->dropped);
	metric_set(t->told, (double)t->hep_sent);
	metric_set(t->untold, (double)t->hep_dropped);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static bool drain(struct tracer *t)
{
	bool more = false;

	for (unsigned i = 0; i < t->conf.threads; i++) {
		struct trace_rec rec;
		unsigned n = 0;

		while (n < DRAIN_MAX &&
		       trace_ring_get(t->ringv[i], &rec, t->text)) {
			deal(t, &rec, now_us());
			++n;
		}
		more = more || n == DRAIN_MAX;
	}
	trace_hold_tick(t->hold, now_us());
	trace_batch_write(t->batch, bus_redis(t->bus), t->keep_s);
	publish(t);

	return more;
}

static void tick(void *arg)
{
	struct tracer *t = arg;
	const bool more = drain(t);

	if (t->stop && !t->stop_ms) {
		t->stop_ms = tmr_jiffies() + STOP_MS;
		trace_hold_flush(t->hold);
		trace_batch_write(t->batch, bus_redis(t->bus), t->keep_s);
	}
	if (t->stop && !more &&
	    (!trace_batch_under_way(t->batch) || tmr_jiffies() >= t->stop_ms)) {
		re_cancel();
		return;
	}
	tmr_start(&t->tmr, more ? 1 : DRAIN_MS, tick, t);
}

/* ------------------------------------------------------------ configuration */

static void configured(const Sy__Config *conf, void *arg)
{
	static const Sy__Settings none = SY__SETTINGS__INIT;
	const Sy__Settings *s = conf->settings ? conf->settings : &none;
	struct tracer *t = arg;

	t->keep_s = s->trace_seconds ? s->trace_seconds : KEEP_S;
	t->calls = strcmp(s->trace, "off") != 0;
	t->hep_id = s->hep_capture_id;
	if (strcmp(s->hep, t->hep_at) || (*s->hep && t->hep_fd < 0)) {
		if (t->hep_fd >= 0)
			(void)close(t->hep_fd);
		str_ncpy(t->hep_at, s->hep, sizeof(t->hep_at));
		t->hep_fd = *s->hep ? trace_hep_open(s->hep) : -1;
		if (*s->hep && t->hep_fd < 0)
			log_warn("Homer cannot be reached",
				 LOG_S("hep", s->hep));
	}
	t->all = t->hep_fd >= 0;
}

/* -------------------------------------------------------------- the thread */

static int open_all(struct tracer *t)
{
	struct bus_conf bus = {.url = t->conf.redis, .quiet = true};
	int err = loop_re_alloc(&t->loop);

	bus.loop = t->loop;
	if (!err)
		err = trace_hold_alloc(&t->hold, show, t);
	if (!err)
		err = trace_batch_alloc(&t->batch);
	if (!err)
		err = bus_alloc(&t->bus, &bus);
	if (!err)
		err = config_alloc(&t->config, t->loop, t->bus, configured, t);

	return err;
}

static void close_all(struct tracer *t)
{
	tmr_cancel(&t->tmr);
	t->config = mem_deref(t->config);
	t->bus = mem_deref(t->bus);
	t->batch = mem_deref(t->batch);
	t->hold = mem_deref(t->hold);
	t->loop = mem_deref(t->loop);
	if (t->hep_fd >= 0)
		(void)close(t->hep_fd);
	t->hep_fd = -1;
}

static void *run(void *arg)
{
	struct tracer *t = arg;
	int err = re_thread_init();

	if (err) {
		log_error("tracer did not start", LOG_E(err));
		return NULL;
	}
	err = open_all(t);
	if (!err) {
		tmr_start(&t->tmr, DRAIN_MS, tick, t);
		err = re_main(NULL);
	}
	if (err)
		log_error("tracer ended", LOG_E(err));
	t->calls = t->all = false;
	close_all(t);
	re_thread_close();

	return NULL;
}

static void destructor(void *arg)
{
	struct tracer *t = arg;

	for (unsigned i = 0; i < t->conf.threads; i++)
		mem_deref(t->ringv[i]);
}

static int add_metrics(struct tracer *t)
{
	static const char lost[] = "sy_trace_dropped_total";
	static const char lost_help[] =
	    "SIP messages that did not get into a trace, by reason";
	static const char hep[] = "sy_hep_packets_total";
	static const char hep_help[] = "SIP messages told to Homer, by result";

	t->kept = metric_add(METRIC_COUNTER, "sy_trace_messages_total",
			     "SIP messages written to traces", NULL);
	t->lost_ring =
	    metric_add(METRIC_COUNTER, lost, lost_help, "reason=\"full\"");
	t->lost_redis =
	    metric_add(METRIC_COUNTER, lost, lost_help, "reason=\"redis\"");
	t->told = metric_add(METRIC_COUNTER, hep, hep_help, "result=\"sent\"");
	t->untold =
	    metric_add(METRIC_COUNTER, hep, hep_help, "result=\"failed\"");

	return t->kept && t->lost_ring && t->lost_redis && t->told && t->untold
		   ? 0
		   : ENOMEM;
}

/* What others are told, if it is an address; else what we are bound to. */
static void locals(struct tracer *t)
{
	for (size_t i = 0; i < t->conf.wires->portc; i++) {
		const struct wire_port *p = &t->conf.wires->portv[i];

		if (sa_decode(&t->localv[i], p->adv, p->advlen))
			t->localv[i] = p->sa;
	}
}

int tracer_alloc(struct tracer **tp, const struct tracer_conf *conf)
{
	struct tracer *t = mem_zalloc(sizeof(*t), destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->conf = *conf;
	t->hep_fd = -1;
	t->keep_s = KEEP_S;
	t->calls = true;
	tmr_init(&t->tmr);
	locals(t);
	err = add_metrics(t);
	for (unsigned i = 0; i < conf->threads && !err; i++)
		err = trace_ring_alloc(&t->ringv[i], RING_BYTES);

	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

int tracer_start(struct tracer *t)
{
	int err = pthread_create(&t->thread, NULL, run, t);

	t->started = !err;

	return err;
}

void tracer_stop(struct tracer *t)
{
	if (!t || !t->started)
		return;
	t->stop = true;
	(void)pthread_join(t->thread, NULL);
	t->started = false;
}

struct trace_ring *tracer_ring(const struct tracer *t, unsigned thread)
{
	return t && thread < t->conf.threads ? t->ringv[thread] : NULL;
}

bool tracer_wants_all(const struct tracer *t)
{
	return t && t->all;
}

bool tracer_wants_calls(const struct tracer *t)
{
	return t && t->calls;
}

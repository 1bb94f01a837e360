/* SPDX-License-Identifier: MIT */
/* switchyard-router: threads, signals, start and end. */

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <re.h>
#define DEBUG_MODULE "router" /* re_dbg.h insists */
#define DEBUG_LEVEL 0
#include <re_dbg.h>
#include "proto/log.h"
#include "proto/random.h"
#include "router/core.h"
#include "router/health.h"
#include "router/options.h"
#include "router/qualify.h"
#include "router/tracer.h"
#include "router/trunks.h"

enum {
	FDS_MAX = 65536,
	LEAVE_MS = 100,  /* for the last word to the cluster       */
	LINGER_MS = 200, /* for the end of TCP connections         */
};

/* libre's table is indexed by descriptor, and they are the process's. */
static int thread_init(void)
{
	struct rlimit lim;
	int n = FDS_MAX;

	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
		if (lim.rlim_cur < FDS_MAX)
			n = (int)lim.rlim_cur;
	}

	/* short pauses are meant to be short, see wire_udp.c */
	(void)prctl(PR_SET_TIMERSLACK, 1000L);

	return fd_setsize(n);
}

/* -------------------------------------------------------------- threads */

struct thread {
	pthread_t id;
	struct router *router;
	unsigned index;
};

static void *run(void *arg)
{
	struct thread *t = arg;
	struct worker *w = NULL;
	int err;

	err = re_thread_init();
	if (!err)
		err = thread_init();
	if (!err)
		err = worker_alloc(&w, t->router, t->index);
	if (!err)
		err = re_main(NULL);
	if (err)
		log_error("thread ended", LOG_U("thread", t->index),
			  LOG_E(err));
	mem_deref(w);
	re_thread_close();

	return NULL;
}

static int start_threads(struct thread *tv, struct router *r)
{
	sigset_t all, old;
	unsigned n;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	for (n = 1; n < r->conf.threads; n++) {
		tv[n] = (struct thread){.router = r, .index = n};
		if (pthread_create(&tv[n].id, NULL, run, &tv[n]))
			break;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (n == r->conf.threads)
		return 0;

	wire_stop(&r->wires);
	while (--n)
		(void)pthread_join(tv[n].id, NULL);

	return EAGAIN;
}

/* --------------------------------------------------------------- ending */

static volatile sig_atomic_t signalled;
static struct router router; /* its sockets are 4 KB of numbers */

/* Certificates: thread 0 looks within a second. */
static void on_hangup(int sig)
{
	(void)sig;
	router.reload = true;
}

static void on_signal(int sig)
{
	signalled = sig;
	re_cancel();
}

static void time_over(void *arg)
{
	(void)arg;
	re_cancel();
}

/* Go on for a while. @return false: a signal came meanwhile */
static bool run_for(uint32_t ms)
{
	struct tmr tmr;

	signalled = 0;
	tmr_init(&tmr);
	tmr_start(&tmr, ms, time_over, NULL);
	(void)re_main(on_signal);
	tmr_cancel(&tmr);

	return !signalled;
}

/*
 * SIGTERM: the others are told to choose another router, what still comes is
 * served for the grace, then connections are ended in order.  SIGINT, or a
 * second signal: at once, but not without a word.
 */
static void leave(struct worker *w)
{
	uint32_t grace_ms = w->router->conf.grace_ms;

	if (signalled != SIGTERM || grace_ms < LEAVE_MS)
		grace_ms = LEAVE_MS;
	log_info("leaving", LOG_I("signal", signalled),
		 LOG_U("grace_ms", grace_ms));
	w->router->leaving = true;
	trunks_leave(w->trunks);
	qualify_leave(w->qualify);
	if (bus_is_up(w->bus))
		member_leave(w->members);
	if (!run_for(grace_ms))
		return;
	if (!w->wire)
		return;
	wire_leave(w->wire);
	if (wire_connections(w->wire) || w->router->conf.threads > 1)
		(void)run_for(LINGER_MS);
}

static int start_tracer(struct router *r)
{
	const struct tracer_conf conf = {
		.id = r->conf.id,
		.redis = r->conf.redis,
		.wires = &r->wires,
		.threads = r->conf.threads,
	};
	sigset_t all, old;
	int err = tracer_alloc(&r->tracer, &conf);

	if (err)
		return err;
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	err = tracer_start(r->tracer);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);

	return err;
}

static void say_started(const struct router *r)
{
	char addrs[256] = "";
	size_t at = 0;

	for (size_t i = 0; i < r->wires.portc; i++) {
		const struct wire_port *p = &r->wires.portv[i];
		int n = re_snprintf(addrs + at, sizeof(addrs) - at, "%s%s:%J",
				    at ? "," : "", wire_kind_name(p->kind),
				    &p->sa);
		if (n > 0)
			at += (size_t)n;
	}
	log_info("router started", LOG_S("listen", addrs),
		 LOG_U("threads", r->conf.threads));
}

static int serve(struct router *r, const struct options *o)
{
	struct thread tv[WIRE_THREADS_MAX];
	struct health *health = NULL;
	struct worker *w = NULL;
	int err;

	err = start_tracer(r);
	if (!err)
		err = worker_alloc(&w, r, 0);
	if (err) {
		(void)options_complain("start", strerror(err));
		goto out;
	}
	if (*o->metrics) {
		err = health_alloc(&health, o->metrics, w);
		if (err) {
			char what[160];

			(void)re_snprintf(what, sizeof(what),
					  "cannot listen on metrics %s",
					  o->metrics);
			(void)options_complain(what, strerror(err));
			goto out;
		}
	}
	err = start_threads(tv, r);
	if (err) {
		(void)options_complain("threads", strerror(err));
		goto out;
	}
	say_started(r);
	err = re_main(on_signal);
	leave(w);
	wire_stop(&r->wires);
	for (unsigned i = 1; i < r->conf.threads; i++)
		(void)pthread_join(tv[i].id, NULL);
	log_info("router stopped", LOG_S("id", r->conf.id));
out:
	mem_deref(health);
	mem_deref(w);
	tracer_stop(r->tracer);
	r->tracer = mem_deref(r->tracer);

	return err;
}

static void init_log(const struct options *o)
{
	struct log_conf conf = {.proc = o->id};

	(void)log_level_read(&conf.level, o->log_level);
	(void)log_format_read(&conf.format, o->log_format);
	log_init(&conf);
}

/* libre, and what every thread counts in. */
static int init(const struct options *o)
{
	int err;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGHUP, on_hangup);
	dbg_init(DBG_EMERG, DBG_NONE); /* libre tells us by return values */
	random_serve_openssl();
	err = libre_init();
	if (!err)
		err = thread_init();
	if (!err)
		err = stat_init(o->threads);
	if (!err)
		err = trace_stat_init();

	return err;
}

int main(int argc, char **argv)
{
	struct wire_listen listen;
	struct options o;
	char errbuf[256] = "";
	int err;

	memset(&o, 0, sizeof(o));
	err = options_read(&o, argc, argv);
	if (err)
		return err == 1 ? 0 : 2;
	if (options_key(&router.key, &o))
		return 2;
	if (!*o.udp) {
		(void)options_complain("--udp", "nodes are reached by UDP: at least "
					"one address is needed");
		return 2;
	}
	if (options_listen(&listen, &o))
		return 2;
	init_log(&o);
	router.conf = (struct router_conf){
		.id = o.id,
		.redis = o.redis,
		.threads = o.threads,
		.tcp_max = o.tcp_max,
		.tcp_idle_s = o.tcp_idle_s,
		.coalesce_us = o.coalesce_us,
		.pending_max = o.pending_max,
		.nonce_s = o.nonce_s,
		.dns = o.dns,
		.grace_ms = o.grace_ms,
	};
	if (init(&o))
		return 1;
	err = wire_open(&router.wires, &listen, o.threads, errbuf,
			sizeof(errbuf));
	if (err) {
		(void)fprintf(stderr, "switchyard-router: %s\n", errbuf);
	} else {
		err = serve(&router, &o);
		wire_close(&router.wires);
	}
	mem_deref(listen.certs);
	mem_deref(router.key);
	libre_close();
	tmr_debug();
	mem_debug();

	return err ? 1 : 0;
}

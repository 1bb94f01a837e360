/* SPDX-License-Identifier: MIT */
/* switchyard-router: options, threads, signals. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "proto/log.h"
#include "proto/option.h"
#include "router/core.h"
#include "router/health.h"
#include "router/nonce.h"

enum { FDS_MAX = 65536, KEY_MAX = 4096 };

struct options {
	const char *id, *redis, *udp, *tcp, *advertise, *metrics;
	const char *key_file, *key;
	const char *log_level, *log_format;
	uint32_t threads, tcp_max, tcp_idle_s, coalesce_us, pending_max;
	uint32_t nonce_s;
};

static int read_options(struct options *o, int argc, char **argv)
{
	const struct option_def defs[] = {
		{.name = "id", .type = OPTION_STRING, .value = &o->id,
		 .def = "router-1", .metavar = "NAME",
		 .help = "name of this router in the cluster"},
		{.name = "redis", .type = OPTION_STRING, .value = &o->redis,
		 .def = "redis://127.0.0.1:6379", .metavar = "URL",
		 .help = "redis://, rediss:// or unix:// URL",
		 .check = redis_url_check, .secret = true},
		{.name = "udp", .type = OPTION_STRING, .value = &o->udp,
		 .def = "127.0.0.1:5060", .metavar = "ADDR:PORT,...",
		 .help = "SIP over UDP on these addresses; \"\": none"},
		{.name = "tcp", .type = OPTION_STRING, .value = &o->tcp,
		 .def = "127.0.0.1:5060", .metavar = "ADDR:PORT,...",
		 .help = "SIP over TCP on these addresses; \"\": none"},
		{.name = "advertise", .type = OPTION_STRING,
		 .value = &o->advertise, .def = "", .metavar = "HOST",
		 .help = "host to tell peers and nodes instead of the "
			 "address listened on"},
		{.name = "cluster-key-file", .type = OPTION_STRING,
		 .value = &o->key_file, .def = "", .metavar = "FILE",
		 .help = "file with the cluster's secret, at least 16 bytes"},
		{.name = "cluster-key", .type = OPTION_STRING,
		 .value = &o->key, .def = "", .metavar = "SECRET",
		 .help = "the secret itself, instead of a file; better as a "
			 "variable than as a flag",
		 .secret = true},
		{.name = "threads", .type = OPTION_UINT, .value = &o->threads,
		 .def = "1", .min = 1, .max = WIRE_THREADS_MAX,
		 .metavar = "N", .help = "worker threads"},
		{.name = "tcp-max", .type = OPTION_UINT, .value = &o->tcp_max,
		 .def = "4096", .min = 1, .max = 60000, .metavar = "N",
		 .help = "TCP connections of each thread"},
		{.name = "tcp-idle", .type = OPTION_UINT,
		 .value = &o->tcp_idle_s, .def = "4000", .min = 10,
		 .max = 86400, .metavar = "SECONDS",
		 .help = "close a TCP connection after so long without a "
			 "message or keep-alive [s]"},
		{.name = "coalesce-us", .type = OPTION_UINT,
		 .value = &o->coalesce_us, .def = "1000", .min = 0,
		 .max = 10000, .metavar = "MICROSECONDS",
		 .help = "above 4000 datagrams a second, look for new ones "
			 "only so often: less CPU, more delay; 0: at once "
			 "[us]"},
		{.name = "pending-max", .type = OPTION_UINT,
		 .value = &o->pending_max, .def = "2000", .min = 1,
		 .max = 100000, .metavar = "N",
		 .help = "requests of each thread that may wait for Redis or "
			 "a node"},
		{.name = "nonce-age", .type = OPTION_UINT,
		 .value = &o->nonce_s, .def = "300", .min = 10, .max = 86400,
		 .metavar = "SECONDS",
		 .help = "a digest nonce is stale after so long [s]"},
		{.name = "metrics", .type = OPTION_STRING,
		 .value = &o->metrics, .def = "", .metavar = "ADDR:PORT",
		 .help = "HTTP: /metrics, /healthz, /readyz; \"\": none"},
		{.name = "log-level", .type = OPTION_CHOICE,
		 .value = &o->log_level, .def = "info",
		 .choices = "debug|info|warn|error",
		 .help = "what to log to stderr"},
		{.name = "log-format", .type = OPTION_CHOICE,
		 .value = &o->log_format, .def = "logfmt",
		 .choices = "logfmt|json", .help = "how"},
	};

	return option_read("switchyard-router",
			   "SIP edge of a Switchyard cluster", defs,
			   sizeof(defs) / sizeof(defs[0]), argc, argv);
}

static int complain(const char *what, const char *why)
{
	(void)fprintf(stderr, "switchyard-router: %s: %s\n", what, why);

	return EINVAL;
}

/* The secret as it is in the file, but for line ends behind it. */
static ssize_t read_secret(char *buf, size_t size, const char *path)
{
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	n = read(fd, buf, size);
	(void)close(fd);
	while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == '\r'))
		--n;

	return n;
}

static int read_key(struct token_key **keyp, const struct options *o)
{
	char buf[KEY_MAX];
	const char *secret = o->key;
	ssize_t n = (ssize_t)strlen(secret);
	int err;

	if (*o->key_file) {
		n = read_secret(buf, sizeof(buf), o->key_file);
		if (n < 0)
			return complain(o->key_file, strerror(errno));
		secret = buf;
	} else if (!n) {
		return complain("--cluster-key-file",
				"is needed (or SWITCHYARD_CLUSTER_KEY)");
	}
	err = token_key_alloc(keyp, secret, (size_t)n);
	if (err == EINVAL)
		(void)complain("cluster key", "at least 16 bytes are wanted");
	explicit_bzero(buf, sizeof(buf));

	return err;
}

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

static void on_signal(int sig)
{
	(void)sig;
	re_cancel();
}

/* Let what was sent to Redis go out: our place in the table is given up. */
static void leave_done(void *arg)
{
	(void)arg;
	re_cancel();
}

static void leave(struct worker *w)
{
	struct tmr tmr;

	if (!bus_is_up(w->bus))
		return;
	member_leave(w->members);
	tmr_init(&tmr);
	tmr_start(&tmr, 100, leave_done, NULL);
	(void)re_main(on_signal);
	tmr_cancel(&tmr);
}

static int serve(struct router *r, const struct options *o)
{
	struct thread tv[WIRE_THREADS_MAX];
	struct health *health = NULL;
	struct worker *w = NULL;
	char addrs[256] = "";
	size_t at = 0;
	int err;

	err = worker_alloc(&w, r, 0);
	if (err) {
		(void)complain("start", strerror(err));
		return err;
	}
	if (*o->metrics) {
		err = health_alloc(&health, o->metrics, w);
		if (err) {
			char what[160];

			(void)re_snprintf(what, sizeof(what),
					  "cannot listen on metrics %s",
					  o->metrics);
			(void)complain(what, strerror(err));
			goto out;
		}
	}
	err = start_threads(tv, r);
	if (err) {
		(void)complain("threads", strerror(err));
		goto out;
	}
	for (size_t i = 0; i < r->wires.portc; i++) {
		const struct wire_port *p = &r->wires.portv[i];
		int n = re_snprintf(addrs + at, sizeof(addrs) - at, "%s%s:%J",
				    at ? "," : "", p->tcp ? "tcp" : "udp",
				    &p->sa);
		if (n > 0)
			at += (size_t)n;
	}
	log_info("router started", LOG_S("listen", addrs),
		 LOG_U("threads", r->conf.threads));

	err = re_main(on_signal);
	leave(w);
	wire_stop(&r->wires);
	for (unsigned i = 1; i < r->conf.threads; i++)
		(void)pthread_join(tv[i].id, NULL);
	log_info("router stopped", LOG_S("id", r->conf.id));
out:
	mem_deref(health);
	mem_deref(w);

	return err;
}

static void init_log(const struct options *o)
{
	struct log_conf conf = {.proc = o->id};

	(void)log_level_read(&conf.level, o->log_level);
	(void)log_format_read(&conf.format, o->log_format);
	log_init(&conf);
}

int main(int argc, char **argv)
{
	static struct router router; /* its sockets are 4 KB of numbers */
	struct options o;
	char errbuf[256] = "";
	int err;

	memset(&o, 0, sizeof(o));
	err = read_options(&o, argc, argv);
	if (err)
		return err == 1 ? 0 : 2;
	if (read_key(&router.key, &o))
		return 2;
	if (!*o.udp) {
		(void)complain("--udp", "nodes are reached by UDP: at least "
					"one address is needed");
		return 2;
	}
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
	};
	(void)signal(SIGPIPE, SIG_IGN);

	err = libre_init();
	if (!err)
		err = thread_init();
	if (!err)
		err = stat_init(o.threads);
	if (err)
		return 1;
	err = wire_open(&router.wires, o.udp, o.tcp, o.advertise, o.threads,
			errbuf, sizeof(errbuf));
	if (err) {
		(void)fprintf(stderr, "switchyard-router: %s\n", errbuf);
	} else {
		err = serve(&router, &o);
		wire_close(&router.wires);
	}
	mem_deref(router.key);
	libre_close();
	tmr_debug();
	mem_debug();

	return err ? 1 : 0;
}

/* SPDX-License-Identifier: MIT */
/* switchyard-node: a media server of the cluster. */

#include <signal.h>
#include <sys/resource.h>
#include "node/node.h"
#include "node/options.h"
#include "proto/log.h"
#include "proto/random.h"

enum {
	FILES_MAX = 65536,
	DRAIN_POLL_MS = 50,
	END_POLL_MS = 20,
	END_MAX_MS = 4000, /* for the last words of all calls  */
	LEAVE_MS = 100,    /* for the last word to the cluster */
};

/* See the chapter on ending. */
enum phase { PHASE_RUNNING, PHASE_DRAINING, PHASE_ENDING };

struct program {
	struct node *node;
	struct tmr tmr;
	enum phase phase;
	bool left_behind;   /* calls, for others to adopt        */
	uint32_t drain_ms;
	uint64_t end_at;    /* when patience ends, in this phase */
};

static void raise_files(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim))
		return;

	lim.rlim_cur = lim.rlim_max < FILES_MAX ? lim.rlim_max : FILES_MAX;
	(void)setrlimit(RLIMIT_NOFILE, &lim);
}

/* ------------------------------------------------------------------- ending */

/*
 *   RUNNING --SIGTERM--> DRAINING --empty-----------------> gone
 *      |                    |  \--drain-s over: resign---> gone
 *      | SIGINT             | any signal
 *      v                    v
 *   ENDING: all calls end with BYE --last words said------> gone
 *
 * One more signal while it ends: gone at once.
 */

static void leave_handler(void *arg)
{
	(void)arg;
	re_cancel();
}

static void end_handler(void *arg)
{
	struct program *p = arg;

	if (!node_is_idle(p->node) && tmr_jiffies() < p->end_at) {
		tmr_start(&p->tmr, END_POLL_MS, end_handler, p);
		return;
	}

	node_leave(p->node);
	tmr_start(&p->tmr, LEAVE_MS, leave_handler, p);
}

static void end(struct program *p)
{
	p->phase = PHASE_ENDING;
	p->end_at = tmr_jiffies() + END_MAX_MS;
	node_drain(p->node, true);
	node_hangup_all(p->node, "node ends");
	tmr_start(&p->tmr, END_POLL_MS, end_handler, p);
}

static void drain_handler(void *arg)
{
	struct program *p = arg;

	if (node_is_idle(p->node)) {
		node_leave(p->node);
	}
	else if (tmr_jiffies() < p->end_at) {
		tmr_start(&p->tmr, DRAIN_POLL_MS, drain_handler, p);
		return;
	}
	else {
		log_warn("not empty in time: calls are left to other nodes",
			 LOG_U("hubs", p->node->hubc));
		p->left_behind = true;
		node_resign(p->node);
	}

	p->phase = PHASE_ENDING;
	tmr_start(&p->tmr, LEAVE_MS, leave_handler, p);
}

static void drain(struct program *p)
{
	p->phase = PHASE_DRAINING;
	p->end_at = tmr_jiffies() + p->drain_ms;
	node_drain(p->node, true);
	tmr_start(&p->tmr, 0, drain_handler, p);
}

/* The program of this process, for the signal handler that has no argument. */
static struct program *running;

static void signal_handler(int sig)
{
	struct program *p = running;

	if (p->phase == PHASE_ENDING) {
		re_cancel();
		return;
	}

	log_info("ending", LOG_I("signal", sig),
		 LOG_U("hubs", p->node->hubc));
	if (sig == SIGTERM && p->phase == PHASE_RUNNING)
		drain(p);
	else
		end(p);
}

static int run(const struct options *o, const char *key)
{
	struct program p = {.drain_ms = o->drain_s * 1000};
	struct node_conf conf;
	int err;

	err = options_conf(&conf, o);
	if (err)
		return err;

	conf.cluster_key = key;
	tmr_init(&p.tmr);
	err = node_alloc(&p.node, &conf);
	if (err)
		return err;

	running = &p;
	log_info("node is up", LOG_S("version", SY_VERSION));
	err = re_main(signal_handler);
	tmr_cancel(&p.tmr);
	if (p.left_behind)
		node_abandon_all(p.node);
	mem_deref(p.node);

	return err;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	struct log_conf lc = {0};
	char key[OPTIONS_KEY_SIZE];
	int err;

	err = options_read(&o, argc, argv);
	if (err)
		return err == 1 ? 0 : 2;
	if (options_key(key, &o))
		return 2;

	lc.proc = o.id;
	(void)log_level_read(&lc.level, o.log_level);
	(void)log_format_read(&lc.format, o.log_format);
	log_init(&lc);

	(void)signal(SIGPIPE, SIG_IGN);
	raise_files();
	random_serve_openssl();
	err = libre_init();
	if (!err)
		err = fd_setsize(FILES_MAX);
	if (!err)
		err = run(&o, key);
	if (err)
		log_error("node failed", LOG_E(err));

	libre_close();
	return err ? 1 : 0;
}

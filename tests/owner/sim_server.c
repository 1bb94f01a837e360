/* SPDX-License-Identifier: MIT */
/* The server: what comes is done in order, unless it is stalled or down. */
#include <stdlib.h>
#include <string.h>
#include "tests/owner/sim.h"

enum { BUCKETS = 256, BUCKETS_SCALE = 1 << 17 };

/* A change that the replica does not have yet. */
struct change {
	struct le le;
	uint64_t at_us;
	int argc;
	char **argv;
	size_t *lenv;
};

/* -------------------------------------------------------------- replication */

static void change_destructor(void *arg)
{
	struct change *c = arg;

	list_unlink(&c->le);
	for (int i = 0; c->argv && i < c->argc; i++)
		mem_deref(c->argv[i]);
	mem_deref(c->argv);
	mem_deref(c->lenv);
}

static void changed(int argc, const char *const *argv, const size_t *lenv,
		    void *arg)
{
	struct sim *s = arg;
	struct change *c = mem_zalloc(sizeof(*c), change_destructor);

	c->at_us = s->now_us;
	c->argc = argc;
	c->argv = mem_zalloc((size_t)argc * sizeof(*c->argv), NULL);
	c->lenv = mem_zalloc((size_t)argc * sizeof(*c->lenv), NULL);
	for (int i = 0; i < argc; i++) {
		c->lenv[i] = lenv ? lenv[i] : strlen(argv[i]);
		c->argv[i] = mem_zalloc(c->lenv[i] + 1, NULL);
		memcpy(c->argv[i], argv[i], c->lenv[i]);
	}
	list_append(&s->server.log, &c->le, c);
}

static void replicate(struct sim *s, uint64_t until_us)
{
	const struct db_env env = {.now_us = s->now_us};

	while (s->server.log.head) {
		struct change *c = s->server.log.head->data;

		if (c->at_us > until_us)
			break;
		mem_deref(db_exec(s->server.replica, &env, c->argc,
				  (const char *const *)c->argv, c->lenv));
		mem_deref(c);
	}
}

/* ------------------------------------------------------------------ pub/sub */

static bool hears(const struct wire *w, const char *channel)
{
	const size_t n = strlen(BUS_CHANNEL_MEMBER);

	return w->subscribed && (strncmp(channel, BUS_CHANNEL_MEMBER, n) ||
				 !strcmp(channel + n, w->n->id));
}

static void publish(const char *channel, const char *p, size_t len, void *arg)
{
	struct sim *s = arg;

	for (struct le *le = s->server.wires.head; le; le = le->next) {
		struct wire *w = le->data;

		if (hears(w, channel))
			wire_answer(s, w, NULL, val_str(p, len), channel);
	}
	s->server.published++;
}

static unsigned listeners(const char *channel, void *arg)
{
	struct sim *s = arg;
	unsigned n = 0;

	for (struct le *le = s->server.wires.head; le; le = le->next)
		n += hears(le->data, channel);

	return n;
}

/* ----------------------------------------------------------------- commands */

/* A command of so many elements answered takes about so long [us]. */
static uint64_t cost(const struct cmd *cmd, const struct val *v)
{
	return (cmd->script >= 0 ? 12 : 2) + v->c / 8;
}

static void count(struct sim *s, struct server *sv)
{
	sv->ops++;
	if (s->now_us - sv->window_us >= 100 * SIM_MS) {
		sv->window_us = s->now_us;
		sv->window_ops = 0;
	}
	if (++sv->window_ops > sv->peak)
		sv->peak = sv->window_ops;
}

static struct val *run(struct sim *s, struct cmd *cmd)
{
	struct server *sv = &s->server;
	const struct db_env env = {
	    .now_us = s->now_us,
	    .publish = publish,
	    .listeners = listeners,
	    .changed = sv->lag_us ? changed : NULL,
	    .arg = s,
	};

	if (cmd->script >= 0)
		return sim_lua_run(s->lua, sv->db, &env,
				   (enum script)cmd->script, cmd->keyc,
				   cmd->argc, cmd->argv, cmd->lenv);
	if (!strcmp(cmd->argv[0], "SUBSCRIBE")) {
		cmd->w->subscribed = true;
		return val_int(1);
	}

	return db_exec(sv->db, &env, cmd->argc, cmd->argv, cmd->lenv);
}

/* All that concerns a hub or an owner. */
static void tell(struct sim *s, const struct cmd *cmd, const struct val *v)
{
	static const char *const script[SCRIPT_COUNT] = {
	    [SCRIPT_HUB_PUT] = "put",
	    [SCRIPT_HUB_DROP] = "drop",
	    [SCRIPT_HUB_CLAIM] = "claim",
	};
	const char *name = cmd->script < 0 ? cmd->argv[0] : script[cmd->script];
	const struct val *first = v->c ? v->v[0] : v;

	if (name && (cmd->script >= 0 || strstr(cmd->argv[1], "sy:own")))
		sim_trace(s, "%s%s %s %s %s %s %s: %lld", cmd->w->n->id,
			  cmd->w->open ? "" : " (late)", name,
			  cmd->argc > 0 ? cmd->argv[cmd->script < 0] : "",
			  cmd->argc > 2 ? cmd->argv[2] : "",
			  cmd->argc > 3 ? cmd->argv[3] : "",
			  cmd->argc > 4 ? cmd->argv[4] : "",
			  first->type == VAL_STR ? atoll(first->s) : first->n);
}

static void execute(struct sim *s, struct cmd *cmd)
{
	struct server *sv = &s->server;
	struct wire *w = cmd->w;
	struct val *v;

	if (!w->le.list)
		return; /* it was reset meanwhile */
	if (!cmd->argc) {
		list_unlink(&w->le);
		mem_deref(w);
		return;
	}

	if (sv->lag_us && s->now_us > sv->lag_us)
		replicate(s, s->now_us - sv->lag_us);
	count(s, sv);
	v = run(s, cmd);
	truth_executed(s, cmd, v);
	if (s->trace && cmd->argc > 1)
		tell(s, cmd, v);
	if (sv->counts_time) {
		sv->busy_us =
		    (sv->busy_us > s->now_us ? sv->busy_us : s->now_us) +
		    cost(cmd, v);
	}
	wire_answer(s, w, cmd->call, v, NULL);
}

void server_receive(struct sim *s, struct cmd *cmd)
{
	struct server *sv = &s->server;

	if (!sv->up)
		return;
	if (sv->stalled)
		list_append(&sv->backlog, &cmd->le, mem_ref(cmd));
	else
		execute(s, cmd);
}

/* ---------------------------------------------------------------- trouble */

void server_stall(struct sim *s, bool stalled)
{
	struct server *sv = &s->server;

	sv->stalled = stalled;
	while (!stalled && sv->backlog.head) {
		struct cmd *cmd = sv->backlog.head->data;

		list_unlink(&cmd->le);
		execute(s, cmd);
		mem_deref(cmd);
	}
}

void server_down(struct sim *s)
{
	s->server.up = s->server.stalled = false;
	list_flush(&s->server.backlog);
	wire_reset_all(s);
}

void server_up(struct sim *s, bool empty)
{
	struct server *sv = &s->server;

	if (empty) {
		list_flush(&sv->log);
		mem_deref(sv->db);
		sv->db = db_alloc(BUCKETS);
		/* its replica takes over what it has: nothing */
		if (sv->replica) {
			mem_deref(sv->replica);
			sv->replica = db_alloc(BUCKETS);
		}
		truth_lost_data(s);
	}
	sv->up = true;
}

void server_failover(struct sim *s)
{
	struct server *sv = &s->server;

	server_down(s);
	if (!sv->replica)
		return;

	replicate(s, s->now_us > sv->lag_us ? s->now_us - sv->lag_us : 0);
	list_flush(&sv->log);
	mem_deref(sv->db);
	sv->db = sv->replica;
	sv->replica = NULL;
	sv->lag_us = 0;
	truth_lost_data(s);
}

void server_alloc(struct sim *s)
{
	struct server *sv = &s->server;

	sv->db = db_alloc(s->shared ? BUCKETS_SCALE : BUCKETS);
	if (sv->lag_us)
		sv->replica = db_alloc(BUCKETS);
	sv->up = true;
}

void server_close(struct sim *s)
{
	struct server *sv = &s->server;

	while (sv->wires.head) {
		struct wire *w = sv->wires.head->data;

		list_unlink(&w->le);
		mem_deref(w);
	}
	list_flush(&sv->backlog);
	list_flush(&sv->log);
	mem_deref(sv->db);
	mem_deref(sv->replica);
}

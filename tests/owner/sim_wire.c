/* SPDX-License-Identifier: MIT */
/*
 * Connections to Redis, as redis.h describes them, on a network that delays,
 * and that can be cut: then what is under way waits in the sockets, as TCP
 * has it.  Who dies may leave half of what he sent; what he closed may be
 * read long after.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "tests/owner/sim.h"

enum {
	BACKOFF_MIN_MS = 50,
	BACKOFF_MAX_MS = 2000,
	DEADLINE_US = 2000000,
	SILENT_US = 2500000,
	PING_US = 5000000,
	CONNECT_US = 2500000, /* until nobody answers */
};

/* Something on its way to a node: an answer, a message, or the end. */
struct parcel {
	struct wire *w;
	struct call *call;
	struct val *val; /* NULL: the connection was reset */
	char *channel;	 /* of a message                   */
	uint64_t seq;
};

/* ----------------------------------------------------------------- memory */

static void wire_destructor(void *arg)
{
	list_flush(&((struct wire *)arg)->pending);
}

static void call_destructor(void *arg)
{
	list_unlink(&((struct call *)arg)->le);
}

static void cmd_destructor(void *arg)
{
	struct cmd *cmd = arg;

	list_unlink(&cmd->le);
	mem_deref(cmd->call);
	mem_deref(cmd->w);
}

static void parcel_destructor(void *arg)
{
	struct parcel *p = arg;

	mem_deref(p->w);
	mem_deref(p->call);
	mem_deref(p->val);
	mem_deref(p->channel);
}

/* ----------------------------------------------------------------- to Redis */

static void arrive(struct sim *s, void *arg)
{
	struct cmd *cmd = arg;
	struct wire *w = cmd->w;

	/* the host is cut off: TCP tries on; and keeps the order */
	if (w->n->cut_us > s->now_us) {
		sim_at(s, w->n->cut_us + 1, arrive, mem_ref(cmd));
		return;
	}
	if (cmd->seq != w->arrived + 1) {
		sim_at(s, s->now_us + SIM_MS, arrive, mem_ref(cmd));
		return;
	}
	w->arrived++;
	if (cmd->argc && (cmd->seq >= w->stop_seq || (!w->open && !w->late)))
		return;
	server_receive(s, cmd);
}

static void dispatch(struct sim *s, struct cmd *cmd)
{
	struct wire *w = cmd->w;
	uint64_t at = s->now_us + sim_delay(s);

	if (at < w->out_us)
		at = w->out_us;
	w->out_us = at;
	cmd->seq = ++w->seq;
	sim_at(s, at, arrive, cmd);
}

static struct cmd *cmd_alloc(struct wire *w, const struct send *snd)
{
	size_t size = 0;
	struct cmd *cmd;
	char *p;

	for (int i = 0; i < snd->argc; i++)
		size += (snd->lenv ? snd->lenv[i] : strlen(snd->argv[i])) + 1;
	cmd = mem_zalloc(sizeof(*cmd) + size, cmd_destructor);
	if (!cmd || snd->argc > (int)ARRAY_SIZE(cmd->argv))
		abort();

	cmd->w = mem_ref(w);
	cmd->script = snd->script;
	cmd->keyc = snd->keyc;
	cmd->argc = snd->argc;
	p = (char *)(cmd + 1);
	for (int i = 0; i < snd->argc; i++) {
		const size_t len =
		    snd->lenv ? snd->lenv[i] : strlen(snd->argv[i]);

		memcpy(p, snd->argv[i], len);
		p[len] = '\0';
		cmd->argv[i] = p;
		cmd->lenv[i] = len;
		p += len + 1;
	}

	return cmd;
}

static void send_on(struct wire *w, const struct send *snd)
{
	struct sim *s = w->n->s;
	struct cmd *cmd = cmd_alloc(w, snd);
	struct call *c = mem_zalloc(sizeof(*c), call_destructor);

	c->h = snd->h;
	c->a = snd->a;
	c->b = snd->b;
	c->sent_us = s->now_us;
	if (snd->hub)
		str_ncpy(c->hub, snd->hub, sizeof(c->hub));
	if (snd->who)
		str_ncpy(c->who, snd->who, sizeof(c->who));
	cmd->call = mem_ref(c);
	list_append(&w->pending, &c->le, c);
	dispatch(s, cmd);
}

int wire_send(struct snode *n, enum wire_kind kind, const struct send *snd)
{
	struct wire *w = n->w[kind];

	if (!w || !w->up)
		return ENOTCONN;
	send_on(w, snd);

	return 0;
}

/* -------------------------------------------------------------- to a node */

static void answer(struct snode *n, struct call *c, const struct val *v)
{
	const bool late = c->done; /* it was given up */

	c->done = true;
	if (!late && c->h)
		c->h(n, 0, v, c);
	if (c->le.list) {
		list_unlink(&c->le);
		mem_deref(c);
	}
}

static void deliver(struct sim *s, void *arg)
{
	struct parcel *p = arg;
	struct wire *w = p->w;
	struct snode *n = w->n;
	const uint64_t later =
	    n->cut_us > n->paused_us ? n->cut_us : n->paused_us;

	if (n->life != w->life || !w->open)
		return;
	if (later > s->now_us) {
		sim_at(s, later + 1, deliver, mem_ref(p));
		return;
	}
	if (p->seq != w->delivered + 1) {
		sim_at(s, s->now_us + SIM_MS, deliver, mem_ref(p));
		return;
	}
	w->delivered++;

	w->heard_us = s->now_us;
	if (!p->val) {
		wire_close(w, ENOTCONN);
		return;
	}
	if (!p->call) {
		node_message(n, p->channel, p->val->s, p->val->len);
		return;
	}
	answer(n, p->call, p->val);
}

static void dispatch_back(struct sim *s, struct wire *w, struct parcel *p)
{
	uint64_t at = s->now_us + sim_delay(s);

	if (s->server.busy_us > s->now_us)
		at += s->server.busy_us - s->now_us;
	if (at < w->in_us)
		at = w->in_us;
	w->in_us = at;
	p->seq = ++w->answered;
	sim_at(s, at, deliver, p);
}

void wire_answer(struct sim *s, struct wire *w, struct call *call,
		 struct val *val, const char *channel)
{
	struct parcel *p = mem_zalloc(sizeof(*p), parcel_destructor);

	p->w = mem_ref(w);
	p->call = mem_ref(call);
	p->val = val;
	if (channel)
		(void)str_dup(&p->channel, channel);
	dispatch_back(s, w, p);
}

void wire_reset_all(struct sim *s)
{
	while (s->server.wires.head) {
		struct wire *w = s->server.wires.head->data;

		list_unlink(&w->le);
		wire_answer(s, w, NULL, NULL, NULL);
		mem_deref(w);
	}
}

/* ------------------------------------------------------------ come and go */

struct attempt {
	struct snode *n; /* borrowed: nodes stay */
	unsigned life;
	enum wire_kind kind;
};

static void greeted(struct snode *n, int err, const struct val *v,
		    const struct call *c)
{
	struct wire *w = n->w[c->a];
	(void)v;

	if (!w)
		return;
	if (err) {
		wire_close(w, err);
		return;
	}

	w->up = true;
	n->backoff_ms[c->a] = 0;
	node_bus(n);
}

static void greet(struct wire *w)
{
	static const char *const ping[] = {"PING"};
	static const char *const sub[] = {"SUBSCRIBE"};
	const struct send snd = {.script = -1,
				 .argc = 1,
				 .argv = w->kind == WIRE_SUB ? sub : ping,
				 .h = greeted,
				 .a = w->kind};

	send_on(w, &snd);
}

static void try_again(struct snode *n, enum wire_kind kind, uint64_t wait_us);

static void attempt(struct sim *s, void *arg)
{
	struct attempt *at = arg;
	struct snode *n = at->n;
	struct wire *w;

	if (n->life != at->life || n->w[at->kind])
		return;
	if (n->paused_us > s->now_us) {
		sim_at(s, n->paused_us + 1, attempt, mem_ref(at));
		return;
	}
	if (n->cut_us > s->now_us) {
		try_again(n, at->kind, CONNECT_US);
		return;
	}
	if (!s->server.up) {
		try_again(n, at->kind, 0);
		return;
	}

	w = mem_zalloc(sizeof(*w), wire_destructor);
	w->n = n;
	w->life = n->life;
	w->kind = at->kind;
	w->open = true;
	w->stop_seq = UINT64_MAX;
	w->heard_us = s->now_us;
	n->w[at->kind] = w;
	list_append(&s->server.wires, &w->le, mem_ref(w));
	greet(w);
}

static void try_again(struct snode *n, enum wire_kind kind, uint64_t wait_us)
{
	struct attempt *at = mem_zalloc(sizeof(*at), NULL);
	unsigned ms = n->backoff_ms[kind] * 2;

	if (ms < BACKOFF_MIN_MS)
		ms = BACKOFF_MIN_MS;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	n->backoff_ms[kind] = ms;
	at->n = n;
	at->life = n->life;
	at->kind = kind;
	sim_at(n->s,
	       n->s->now_us + wait_us +
		   (ms - sim_random(n->s, ms / 2)) * SIM_MS,
	       attempt, at);
}

void wire_open(struct snode *n, enum wire_kind kind)
{
	struct attempt *at = mem_zalloc(sizeof(*at), NULL);

	at->n = n;
	at->life = n->life;
	at->kind = kind;
	sim_at(n->s, n->s->now_us, attempt, at);
}

bool wire_is_up(const struct snode *n)
{
	const struct wire *cmd = n->w[WIRE_CMD], *sub = n->w[WIRE_SUB];

	return cmd && cmd->up && (n->s->shared || (sub && sub->up));
}

static void fin(struct wire *w)
{
	const struct send snd = {.script = -1};

	dispatch(w->n->s, cmd_alloc(w, &snd));
}

/* Nothing more is sent by it; the rest may be read, or lost. */
static void shut(struct wire *w, bool late)
{
	w->open = w->up = false;
	w->late = late;
	w->n->w[w->kind] = NULL;
}

void wire_close(struct wire *w, int err)
{
	struct snode *n = w->n;
	const unsigned life = n->life;

	shut(w, sim_chance(n->s, 500));
	fin(w);
	try_again(n, w->kind, 0);
	node_bus(n);
	while (w->pending.head && n->life == life) {
		struct call *c = w->pending.head->data;

		list_unlink(&c->le);
		if (!c->done && c->h)
			c->h(n, err, NULL, c);
		mem_deref(c);
	}
	mem_deref(w);
}

void wire_die(struct snode *n, bool quietly)
{
	for (int i = 0; i < WIRE_COUNT; i++) {
		struct wire *w = n->w[i];

		if (!w)
			continue;
		shut(w, true);
		/* of the last few commands some were not sent any more */
		w->stop_seq = w->seq + 1 - sim_random(n->s, 4);
		if (!quietly)
			fin(w);
		list_flush(&w->pending);
		mem_deref(w);
	}
}

/* -------------------------------------------------------------- deadlines */

static void overdue(struct wire *w, uint64_t now_us)
{
	struct le *le = w->pending.head;

	while (le && w->open) {
		struct call *c = le->data;

		le = le->next;
		if (c->done || now_us - c->sent_us < DEADLINE_US)
			continue;
		c->done = true;
		mem_ref(c);
		if (c->h)
			c->h(w->n, ETIMEDOUT, NULL, c);
		mem_deref(c);
	}
}

static void tick(struct wire *w, uint64_t now_us)
{
	static const char *const argv[] = {"PING"};
	const struct send ping = {.script = -1, .argc = 1, .argv = argv};
	const struct call *first = list_ledata(w->pending.head);

	if (first && now_us - first->sent_us > SILENT_US &&
	    now_us - w->heard_us > SILENT_US) {
		wire_close(w, ETIMEDOUT);
		return;
	}
	overdue(w, now_us);
	if (w->open && w->kind == WIRE_SUB && !w->pending.head &&
	    now_us - w->heard_us > PING_US)
		send_on(w, &ping);
}

void wire_tick(struct snode *n)
{
	const unsigned life = n->life;

	for (int i = 0; i < WIRE_COUNT && n->life == life; i++) {
		struct wire *w = mem_ref(n->w[i]);

		if (w)
			tick(w, n->s->now_us);
		mem_deref(w);
	}
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include "proto/redis_impl.h"

enum {
	SWEEP_MS = 50,         /* how often deadlines are looked at       */
	DEAD_MS = 2500,        /* a command waits, and nothing was heard,
				  for so long: connect anew               */
	SWEEP_IDLE_MS = 250,   /* a subscriber's                          */
	LATE_MS = 100,         /* a sweep that is later finds us stalled  */
	IDLE_PING_MS = 1000,   /* it asks whether Redis lives             */
};

static void cmd_destructor(void *arg)
{
	struct cmd *c = arg;

	list_unlink(&c->le);
	if (c->owned)
		mem_deref(c->arg);
}

void redis_fail_commands(struct redis *r, int err)
{
	struct list l = r->cmdl;
	struct le *le;

	list_init(&r->cmdl);
	for (le = l.head; le; le = le->next)
		le->list = &l;

	while (l.head) {
		struct cmd *c = l.head->data;
		redis_reply_h *h = c->h;
		void *arg = c->arg;

		if (h && !redis_abandoned(r)) {
			c->owned = false;
			mem_deref(c);
			h(err, NULL, arg);
		}
		else {
			mem_deref(c);
		}
	}
}

/* -------------------------------------------------------------- sending */

static int send_formatted(struct redis *r, uint32_t deadline_ms,
			  redis_reply_h *h, void *arg, const char *p,
			  size_t len)
{
	struct cmd *c;
	int err;

	c = mem_zalloc(sizeof(*c), cmd_destructor);
	if (!c)
		return ENOMEM;

	c->h = h;
	c->arg = arg;
	c->sent_us = loop_now_us();
	c->deadline_us = c->sent_us + 1000ull * (deadline_ms ? deadline_ms :
						 REDIS_DEADLINE_MS);
	err = redis_sock_send(r->sock, p, len);
	if (err) {
		mem_deref(c);
		return err;
	}
	list_append(&r->cmdl, &c->le, c);
	r->stat.commands++;
	redis_sweep_later(r);

	return 0;
}

int redis_send(struct redis *r, redis_reply_h *h, void *arg,
			int argc, const char **argv, const size_t *lenv)
{
	char *p = NULL;
	int err, len;

	len = (int)redisFormatCommandArgv(&p, argc, argv, lenv);
	if (len < 0 || !p)
		return ENOMEM;
	err = send_formatted(r, 0, h, arg, p, (size_t)len);
	redisFreeCommand(p);

	return err;
}

int redis_vcommand(struct redis *r, uint32_t deadline_ms, redis_reply_h *h,
		   void *arg, const char *fmt, va_list ap)
{
	char *p = NULL;
	int err, len;

	if (!r || !fmt || r->subscriber)
		return EINVAL;
	if (r->state != UP)
		return ENOTCONN;

	len = redisvFormatCommand(&p, fmt, ap);
	if (len < 0)
		return len == -1 ? ENOMEM : EINVAL;
	err = send_formatted(r, deadline_ms, h, arg, p, (size_t)len);
	redisFreeCommand(p);

	return err;
}

int redis_command(struct redis *r, uint32_t deadline_ms, redis_reply_h *h,
		  void *arg, const char *fmt, ...)
{
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = redis_vcommand(r, deadline_ms, h, arg, fmt, ap);
	va_end(ap);

	return err;
}

int redis_command_argv(struct redis *r, uint32_t deadline_ms,
		       redis_reply_h *h, void *arg, int argc,
		       const char **argv, const size_t *lenv)
{
	char *p = NULL;
	int err, len;

	if (!r || argc < 1 || !argv || r->subscriber)
		return EINVAL;
	if (r->state != UP)
		return ENOTCONN;

	len = (int)redisFormatCommandArgv(&p, argc, argv, lenv);
	if (len < 0 || !p)
		return ENOMEM;
	err = send_formatted(r, deadline_ms, h, arg, p, (size_t)len);
	redisFreeCommand(p);

	return err;
}

void redis_arg_owned(struct redis *r)
{
	struct cmd *c = list_ledata(list_tail(&r->cmdl));

	if (c && c->h)
		c->owned = true;
}

bool redis_is_refusal(const redisReply *reply)
{
	static const char *const codes[] = {
		"LOADING ", "READONLY ", "OOM ", "MISCONF ", "MASTERDOWN ",
		"NOREPLICAS ", "BUSY ", "TRYAGAIN ", "CLUSTERDOWN ",
	};

	if (!reply || reply->type != REDIS_REPLY_ERROR)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (!strncmp(reply->str, codes[i], strlen(codes[i])))
			return true;
	}

	return false;
}

void redis_replied(struct redis *r, const redisReply *reply)
{
	struct cmd *c = list_ledata(r->cmdl.head);
	uint32_t generation = r->generation;
	redis_reply_h *h;
	void *arg;
	int err = 0;

	if (!c) {
		if (r->subscriber)
			redis_published(r, reply);
		return;
	}

	if (reply->type == REDIS_REPLY_ERROR) {
		r->stat.errors++;
		err = redis_is_refusal(reply) ? EAGAIN : EPROTO;
	}
	h = c->h;
	arg = c->arg;
	c->owned = false;
	mem_deref(c);
	if (h)
		h(err, reply, arg);

	/* a master no more: look for the one that is */
	if (err == EAGAIN && !strncmp(reply->str, "READONLY", 8) &&
	    generation == r->generation && !redis_abandoned(r))
		redis_lost(r, EROFS);
}

/* ------------------------------------------------------------ deadlines */

/* A subscriber has no replies to wait for: it asks, and something must come
 * within DEAD_MS; not if we stood still before we asked.
 * @return true: the connection is dead. */
static bool subscriber_dead(struct redis *r, uint64_t now)
{
	if (now - r->heard_us > DEAD_MS * 1000ull &&
	    r->pinged_us > r->heard_us)
		return true;

	if (now - r->heard_us > IDLE_PING_MS * 1000ull &&
	    now - r->pinged_us > IDLE_PING_MS * 1000ull) {
		r->pinged_us = now;
		(void)redis_send_plain(r, "PING", NULL);
	}

	return false;
}

static bool commands_dead(const struct redis *r, const struct cmd *oldest,
			  uint64_t now)
{
	uint64_t since = oldest->sent_us > r->heard_us ? oldest->sent_us
						       : r->heard_us;

	return now - since > DEAD_MS * 1000ull;
}

/* Take out what is past its deadline, then call: a handler may do anything
 * to the list. */
static void expire_commands(struct redis *r, uint64_t now)
{
	bool again = true;

	while (again && !redis_abandoned(r)) {
		struct le *le;

		again = false;
		for (le = r->cmdl.head; le; le = le->next) {
			struct cmd *c = le->data;
			redis_reply_h *h = c->h;

			if (!h || c->deadline_us > now)
				continue;
			c->h = NULL; /* the late reply is dropped */
			c->owned = false;
			r->stat.timeouts++;
			again = true;
			h(ETIMEDOUT, NULL, c->arg);
			break;
		}
	}
}

/* It was us who stood still, stopped or at work, or all of the machine: what
 * came meanwhile is read first, and the next sweep calls late what is. */
static bool was_stalled(struct redis *r, uint64_t now)
{
	r->stalled = !r->stalled &&
		     now > r->sweep_due_us + LATE_MS * 1000ull;

	return r->stalled;
}

static void sweep_handler(void *arg)
{
	struct redis *r = mem_ref(arg);
	uint64_t now = loop_now_us();
	struct cmd *oldest;
	bool dead = false;

	r->sweep_timer = mem_deref(r->sweep_timer);
	if (was_stalled(r, now)) {
		redis_sweep_later(r);
		mem_deref(r);
		return;
	}
	expire_commands(r, now);

	if (!redis_abandoned(r)) {
		oldest = list_ledata(r->cmdl.head);
		if (r->state == UP && r->subscriber)
			dead = subscriber_dead(r, now);
		else if (oldest)
			dead = commands_dead(r, oldest, now);
		if (dead)
			redis_lost(r, ETIMEDOUT);
		redis_sweep_later(r);
	}

	mem_deref(r);
}

void redis_sweep_later(struct redis *r)
{
	const uint32_t ms = r->subscriber && !r->stalled ? SWEEP_IDLE_MS
							 : SWEEP_MS;

	if (r->sweep_timer ||
	    (!r->cmdl.head && !(r->subscriber && r->state == UP)))
		return;

	r->sweep_due_us = loop_now_us() + ms * 1000ull;
	(void)loop_timer_start(&r->sweep_timer, r->loop, ms, sweep_handler, r);
}

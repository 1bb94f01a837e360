/* SPDX-License-Identifier: MIT */
/*
 * The states of a connection:
 *
 *   WAITING --timer--> CONNECTING --open--> GREETING --PONG--> UP
 *      ^                   |                  |    |           ^ |
 *      |                   |               PONG    |        all| |
 *      |                   |                  v    |           | |
 *      |                   |              SUBSCRIBING ---------+ |
 *      +-------------------+-------------------+-----------------+  lost
 *
 * GREETING sends AUTH, SELECT and PING; only the answer to PING proves that
 * a server is at work behind the socket (a stopped one still accepts).  A
 * subscriber is up once all its channels are confirmed: who is told so may
 * count on hearing them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/redis.h"
#include "proto/redis_sock.h"
#include "proto/redis_url.h"

enum {
	BACKOFF_MIN_MS = 50,
	BACKOFF_MAX_MS = 2000,
	GREETING_MS = 2000,    /* to connect and be greeted               */
	SWEEP_MS = 50,         /* how often deadlines are looked at       */
	DEAD_MS = 2500,        /* a command overdue, nothing heard for so
				  long: connect anew                      */
	IDLE_PING_MS = 2000,   /* a subscriber asks whether Redis lives   */
	IDLE_DEAD_MS = 5000,   /* and nothing came: connect anew          */
};

enum redis_conn { WAITING, CONNECTING, GREETING, SUBSCRIBING, UP };

/* A command sent, in the order of the replies. */
struct cmd {
	struct le le;
	redis_reply_h *h;     /* NULL: nobody (any more) wants the reply */
	void *arg;
	uint64_t sent_us;
	uint64_t deadline_us;
	bool owned;           /* arg goes with us if nobody was called   */
};

struct sub {
	struct le le;
	redis_message_h *h;
	void *arg;
	char *channel;
};

struct redis {
	struct loop *loop;
	struct redis_url *url;
	redis_state_h *h;
	void *arg;
	struct redis_sock *sock;
	redisReader *reader;
	struct list cmdl;
	struct list subl;
	struct loop_timer *connect_timer, *sweep_timer;
	struct redis_stat stat;
	uint64_t heard_us;        /* when the last bytes came         */
	uint64_t pinged_us;       /* subscriber: when we last asked   */
	uint32_t backoff_ms;
	uint32_t generation;      /* of the connection                */
	unsigned attempt;         /* to connect, since it was lost    */
	unsigned unconfirmed;     /* subscriptions, while SUBSCRIBING */
	int said;                 /* the cause that was logged last   */
	enum redis_conn state;
	bool subscriber;
};

static void connect_later(struct redis *r);
static void sweep_later(struct redis *r);

static void cmd_destructor(void *arg)
{
	struct cmd *c = arg;

	list_unlink(&c->le);
	if (c->owned)
		mem_deref(c->arg);
}

static void sub_destructor(void *arg)
{
	struct sub *s = arg;

	list_unlink(&s->le);
	mem_deref(s->channel);
}

static void redis_destructor(void *arg)
{
	struct redis *r = arg;

	mem_deref(r->connect_timer);
	mem_deref(r->sweep_timer);
	mem_deref(r->sock);
	if (r->reader)
		redisReaderFree(r->reader);
	list_flush(&r->cmdl);
	list_flush(&r->subl);
	mem_deref(r->url);
}

/* The caller of a handler holds a reference of its own; when that is the
 * last one, the owner has let go from within the handler. */
static bool abandoned(const struct redis *r)
{
	return mem_nrefs(r) <= 1;
}

/* Answer each outstanding command; handlers may send new ones (which fail,
 * we are not up) or let go of us. */
static void fail_commands(struct redis *r, int err)
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

		if (h && !abandoned(r)) {
			c->owned = false;
			mem_deref(c);
			h(err, NULL, arg);
		}
		else {
			mem_deref(c);
		}
	}
}

/* Once a cause: it is tried for ever. */
static void say(struct redis *r, bool was_up, int err)
{
	if (was_up)
		log_warn("redis connection lost", LOG_E(err));
	else if (err != r->said)
		log_warn("redis cannot be reached", LOG_E(err));
	r->said = err;
}

/* While we are up, whoever calls this holds a reference, exactly one: see
 * abandoned(). */
static void lost(struct redis *r, int err)
{
	bool was_up = r->state == UP;

	r->state = WAITING;
	r->generation++;
	r->sock = mem_deref(r->sock);
	if (r->reader) {
		redisReaderFree(r->reader);
		r->reader = NULL;
	}
	if (was_up)
		r->stat.disconnects++;
	say(r, was_up, err);
	connect_later(r);
	fail_commands(r, ENOTCONN);
	if (was_up && r->h && !abandoned(r))
		r->h(false, err, r->arg);
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
	sweep_later(r);

	return 0;
}

static int send_command(struct redis *r, redis_reply_h *h, void *arg,
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

int redis_command(struct redis *r, uint32_t deadline_ms, redis_reply_h *h,
		  void *arg, const char *fmt, ...)
{
	char *p = NULL;
	va_list ap;
	int err, len;

	if (!r || !fmt || r->subscriber)
		return EINVAL;
	if (r->state != UP)
		return ENOTCONN;

	va_start(ap, fmt);
	len = redisvFormatCommand(&p, fmt, ap);
	va_end(ap);
	if (len < 0)
		return len == -1 ? ENOMEM : EINVAL;
	err = send_formatted(r, deadline_ms, h, arg, p, (size_t)len);
	redisFreeCommand(p);

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

/* A subscriber's commands have no replies of their own. */
static int send_plain(struct redis *r, const char *name, const char *channel)
{
	const char *argv[] = {name, channel};
	char *p = NULL;
	int len, err;

	len = (int)redisFormatCommandArgv(&p, channel ? 2 : 1, argv, NULL);
	if (len < 0 || !p)
		return ENOMEM;
	err = redis_sock_send(r->sock, p, (size_t)len);
	redisFreeCommand(p);

	return err;
}

/* ------------------------------------------------------------ deadlines */

/* A subscriber has no replies to wait for: it asks, and something must come
 * within IDLE_DEAD_MS. @return true: the connection is dead. */
static bool subscriber_dead(struct redis *r, uint64_t now)
{
	if (now - r->heard_us > IDLE_DEAD_MS * 1000ull)
		return true;

	if (now - r->heard_us > IDLE_PING_MS * 1000ull &&
	    now - r->pinged_us > IDLE_PING_MS * 1000ull) {
		r->pinged_us = now;
		(void)send_plain(r, "PING", NULL);
	}

	return false;
}

static bool commands_dead(const struct redis *r, const struct cmd *oldest,
			  uint64_t now)
{
	uint64_t since = oldest->sent_us > r->heard_us ? oldest->sent_us
						       : r->heard_us;

	return now >= oldest->deadline_us && now - since > DEAD_MS * 1000ull;
}

/* Take out what is past its deadline, then call: a handler may do anything
 * to the list. */
static void expire_commands(struct redis *r, uint64_t now)
{
	bool again = true;

	while (again && !abandoned(r)) {
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

static void sweep_handler(void *arg)
{
	struct redis *r = mem_ref(arg);
	uint64_t now = loop_now_us();
	struct cmd *oldest;
	bool dead = false;

	r->sweep_timer = mem_deref(r->sweep_timer);
	expire_commands(r, now);

	if (!abandoned(r)) {
		oldest = list_ledata(r->cmdl.head);
		if (r->state == UP && r->subscriber)
			dead = subscriber_dead(r, now);
		else if (oldest)
			dead = commands_dead(r, oldest, now);
		if (dead)
			lost(r, ETIMEDOUT);
		sweep_later(r);
	}

	mem_deref(r);
}

static void sweep_later(struct redis *r)
{
	if (r->sweep_timer ||
	    (!r->cmdl.head && !(r->subscriber && r->state == UP)))
		return;

	(void)loop_timer_start(&r->sweep_timer, r->loop,
			       r->subscriber ? 500 : SWEEP_MS, sweep_handler,
			       r);
}

/* ------------------------------------------------------------ receiving */

static struct sub *sub_find(const struct redis *r, const char *channel)
{
	for (struct le *le = r->subl.head; le; le = le->next) {
		struct sub *s = le->data;

		if (!strcmp(s->channel, channel))
			return s;
	}

	return NULL;
}

static void now_up(struct redis *r);

/* What a subscriber hears: messages, and confirmations of its own. */
static void handle_published(struct redis *r, const redisReply *reply)
{
	redisReply **el = reply->element;
	struct sub *s;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
	    el[0]->type != REDIS_REPLY_STRING ||
	    el[1]->type != REDIS_REPLY_STRING)
		return;

	if (r->state == SUBSCRIBING && !strcmp(el[0]->str, "subscribe")) {
		if (!--r->unconfirmed)
			now_up(r);
		return;
	}
	if (strcmp(el[0]->str, "message") ||
	    el[2]->type != REDIS_REPLY_STRING)
		return;

	s = sub_find(r, el[1]->str);
	if (!s)
		return;

	mem_ref(s);
	s->h(s->channel, (const uint8_t *)el[2]->str, (size_t)el[2]->len,
	     s->arg);
	mem_deref(s);
}

static void handle_reply(struct redis *r, const redisReply *reply)
{
	struct cmd *c = list_ledata(r->cmdl.head);
	redis_reply_h *h;
	void *arg;
	int err = 0;

	if (!c) {
		if (r->subscriber)
			handle_published(r, reply);
		return;
	}

	if (reply->type == REDIS_REPLY_ERROR) {
		r->stat.errors++;
		err = EPROTO;
	}
	h = c->h;
	arg = c->arg;
	c->owned = false;
	mem_deref(c);
	if (h)
		h(err, reply, arg);
}

static void sock_recv(const char *p, size_t len, void *arg)
{
	struct redis *r = mem_ref(arg);
	uint32_t generation = r->generation;
	void *reply = NULL;
	int bad;

	r->heard_us = loop_now_us();
	bad = redisReaderFeed(r->reader, p, len);

	while (!bad) {
		bad = redisReaderGetReply(r->reader, &reply);
		if (bad || !reply)
			break;
		handle_reply(r, reply);
		freeReplyObject(reply);
		if (abandoned(r) || generation != r->generation)
			goto out;
	}
	if (bad)
		lost(r, EBADMSG);
out:
	mem_deref(r);
}

/* ----------------------------------------------------------- connecting */

static void now_up(struct redis *r)
{
	r->state = UP;
	r->backoff_ms = 0;
	r->said = 0;
	r->attempt--; /* this address is the first to be tried again */
	r->connect_timer = mem_deref(r->connect_timer);
	r->stat.connects++;
	sweep_later(r);
	if (r->h)
		r->h(true, 0, r->arg);
}

static void greeted(struct redis *r)
{
	if (!r->subl.head) {
		now_up(r);
		return;
	}

	r->state = SUBSCRIBING;
	r->unconfirmed = 0;
	for (struct le *le = r->subl.head; le; le = le->next) {
		struct sub *s = le->data;

		r->unconfirmed++;
		(void)send_plain(r, "SUBSCRIBE", s->channel);
	}
}

/* Why a server that we reached does not let us in. */
static int greeting_error(int err, const redisReply *reply)
{
	if (err != EPROTO || !reply)
		return err;

	return strncmp(reply->str, "LOADING", 7) &&
	       strncmp(reply->str, "MASTERDOWN", 10) ? EACCES : EBUSY;
}

/* AUTH and SELECT: only their failure matters. */
static void greeting_handler(int err, const redisReply *reply, void *arg)
{
	if (err && err != ENOTCONN)
		lost(arg, greeting_error(err, reply));
}

static void ping_handler(int err, const redisReply *reply, void *arg)
{
	if (!err)
		greeted(arg);
	else if (err != ENOTCONN)
		lost(arg, greeting_error(err, reply));
}

static void sock_open(void *arg)
{
	struct redis *r = arg;
	const struct redis_url *u = r->url;
	char db[16];
	int err = 0;

	r->state = GREETING;
	if (u->password) {
		const char *argv[] = {"AUTH", u->user ? u->user : u->password,
				      u->password};

		err = send_command(r, greeting_handler, r, u->user ? 3 : 2,
				   argv, NULL);
	}
	if (!err && u->db) {
		const char *argv[] = {"SELECT", db};

		snprintf(db, sizeof(db), "%u", u->db);
		err = send_command(r, greeting_handler, r, 2, argv, NULL);
	}
	if (!err) {
		const char *argv[] = {"PING"};

		err = send_command(r, ping_handler, r, 1, argv, NULL);
	}
	if (err)
		lost(r, err);
}

static void sock_close(int err, void *arg)
{
	struct redis *r = mem_ref(arg);

	lost(r, err);
	mem_deref(r);
}

static const struct redis_sock_handlers sock_handlers = {
	.open = sock_open,
	.recv = sock_recv,
	.close = sock_close,
};

static void greeting_timeout(void *arg)
{
	lost(arg, ETIMEDOUT);
}

static void connect_now(void *arg)
{
	struct redis *r = arg;
	int err;

	r->connect_timer = mem_deref(r->connect_timer);
	r->reader = redisReaderCreate();
	if (!r->reader) {
		connect_later(r);
		return;
	}
	/* hiredis gives back its buffer after 16 KB; ours are larger */
	r->reader->maxbuf = 1 << 20;

	r->state = CONNECTING;
	err = redis_sock_connect(&r->sock, r->loop, r->url, r->attempt++,
				 &sock_handlers, r);
	if (!err)
		err = loop_timer_start(&r->connect_timer, r->loop,
				       GREETING_MS, greeting_timeout, r);
	if (err)
		lost(r, err);
}

/* Doubling, each with up to half of it taken off by chance, so that a whole
 * cluster does not come back in the same millisecond. */
static void connect_later(struct redis *r)
{
	uint32_t rnd = 0, delay;

	r->connect_timer = mem_deref(r->connect_timer);
	r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : BACKOFF_MIN_MS;
	if (r->backoff_ms > BACKOFF_MAX_MS)
		r->backoff_ms = BACKOFF_MAX_MS;
	if (getrandom(&rnd, sizeof(rnd), GRND_NONBLOCK) != sizeof(rnd))
		rnd = (uint32_t)loop_now_us();
	delay = r->backoff_ms - rnd % (r->backoff_ms / 2);

	(void)loop_timer_start(&r->connect_timer, r->loop, delay, connect_now,
			       r);
}

int redis_alloc(struct redis **rp, struct loop *loop, const char *url,
		redis_state_h *h, void *arg)
{
	struct redis *r;
	int err;

	if (!rp || !loop || !url)
		return EINVAL;

	r = mem_zalloc(sizeof(*r), redis_destructor);
	if (!r)
		return ENOMEM;

	r->loop = loop;
	r->h = h;
	r->arg = arg;
	err = redis_url_read(&r->url, url, NULL);
	if (!err)
		err = loop_timer_start(&r->connect_timer, loop, 0,
				       connect_now, r);

	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

bool redis_is_up(const struct redis *r)
{
	return r && r->state == UP;
}

int redis_subscribe(struct redis *r, const char *channel, redis_message_h *h,
		    void *arg)
{
	struct sub *s;

	if (!r || !channel || !h || sub_find(r, channel))
		return EINVAL;

	s = mem_zalloc(sizeof(*s), sub_destructor);
	if (!s)
		return ENOMEM;
	if (str_dup(&s->channel, channel)) {
		mem_deref(s);
		return ENOMEM;
	}

	s->h = h;
	s->arg = arg;
	list_append(&r->subl, &s->le, s);
	r->subscriber = true;
	r->heard_us = loop_now_us();
	sweep_later(r);

	if (r->state < SUBSCRIBING)
		return 0;
	r->unconfirmed++;

	return send_plain(r, "SUBSCRIBE", channel);
}

int redis_unsubscribe(struct redis *r, const char *channel)
{
	struct sub *s = r && channel ? sub_find(r, channel) : NULL;

	if (!s)
		return ENOENT;

	mem_deref(s);

	return r->state >= SUBSCRIBING
		       ? send_plain(r, "UNSUBSCRIBE", channel) : 0;
}

void redis_stat(const struct redis *r, struct redis_stat *st)
{
	*st = r->stat;
	st->pending = list_count(&r->cmdl);
}

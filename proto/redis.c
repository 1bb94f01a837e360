/* SPDX-License-Identifier: MIT */
/*
 * The states of a connection:
 *
 *   WAITING --timer--> CONNECTING --open--> GREETING --ROLE--> UP
 *      ^                   |                  |    |           ^ |
 *      |                   |               ROLE    |        all| |
 *      |                   |                  v    |           | |
 *      |                   |              SUBSCRIBING ---------+ |
 *      +-------------------+-------------------+-----------------+  lost
 *
 * GREETING sends AUTH, SELECT, PING and ROLE; only an answer proves that a
 * server is at work behind the socket (a stopped one still accepts), and ROLE
 * that it takes writes.  A subscriber is up once all its channels are
 * confirmed: who is told so may count on hearing them.
 *
 * With sentinels WAITING also waits for the address of the master, which is
 * forgotten when the connection is lost; a new address ends a connection.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include "proto/log.h"
#include "proto/redis_impl.h"
#include "proto/redis_sentinel.h"

enum {
	BACKOFF_MIN_MS = 50,
	BACKOFF_MAX_MS = 200,      /* a server that starts is found soon   */
	BACKOFF_REFUSED_MS = 2000, /* one that does not want us            */
	GREETING_MS = 2000,    /* to connect and be greeted */
};

static void connect_later(struct redis *r);

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
	mem_deref(r->sentinel);
	mem_deref(r->master);
	mem_deref(r->url);
}

/* The caller of a handler holds a reference of its own; when that is the
 * last one, the owner has let go from within the handler. */
bool redis_abandoned(const struct redis *r)
{
	return mem_nrefs(r) <= 1;
}

/* It is not there, and nothing more can be said of it. */
static bool is_absent(int err)
{
	return err == ECONNREFUSED || err == ENOENT || err == ENOTCONN ||
	       err == ECONNRESET || err == ETIMEDOUT || err == EPIPE ||
	       err == EHOSTUNREACH || err == ENETUNREACH;
}

/* Once a cause: it is tried for ever.  That a server that was there is gone
 * says who is told of it, with what that means. */
static void say(struct redis *r, bool was_up, int err)
{
	const bool known = r->quiet || (r->h && r->stat.connects);

	if (err == EROFS && (was_up || err != r->said))
		log_warn("redis server is a replica, a master is wanted");
	else if (known && (was_up || is_absent(err)))
		log_debug("redis is not there", LOG_E(err));
	else if (was_up)
		log_warn("redis connection lost", LOG_E(err));
	else if (err != r->said)
		log_warn("redis cannot be reached", LOG_E(err));
	r->said = err;
}

void redis_quiet(struct redis *r)
{
	r->quiet = true;
}

void redis_lost(struct redis *r, int err)
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
	r->master = mem_deref(r->master);
	redis_sentinel_hurry(r->sentinel);
	connect_later(r);
	redis_fail_commands(r, ENOTCONN);
	if (was_up && r->h && !redis_abandoned(r))
		r->h(false, err, r->arg);
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
		redis_replied(r, reply);
		freeReplyObject(reply);
		if (redis_abandoned(r) || generation != r->generation)
			goto out;
	}
	if (bad)
		redis_lost(r, EBADMSG);
out:
	mem_deref(r);
}

/* ----------------------------------------------------------- connecting */

void redis_now_up(struct redis *r)
{
	r->state = UP;
	r->backoff_ms = 0;
	r->said = 0;
	r->attempt--; /* this address is the first to be tried again */
	redis_sentinel_calm(r->sentinel);
	r->connect_timer = mem_deref(r->connect_timer);
	r->stat.connects++;
	redis_sweep_later(r);
	if (r->h)
		r->h(true, 0, r->arg);
}

static void greeted(struct redis *r)
{
	if (!r->subl.head) {
		redis_now_up(r);
		return;
	}

	r->state = SUBSCRIBING;
	r->unconfirmed = 0;
	for (struct le *le = r->subl.head; le; le = le->next) {
		struct sub *s = le->data;

		r->unconfirmed++;
		(void)redis_send_plain(r, "SUBSCRIBE", s->channel);
	}
}

/* Why a server that we reached does not let us in. */
static int greeting_error(int err, const redisReply *reply)
{
	if (err != EPROTO || !reply)
		return err;

	return redis_is_refusal(reply) ? EBUSY : EACCES;
}

/* AUTH, SELECT, PING: only their failure matters. */
static void greeting_handler(int err, const redisReply *reply, void *arg)
{
	if (err && err != ENOTCONN)
		redis_lost(arg, greeting_error(err, reply));
}

/* Who may not ask for its role, or a proxy, is taken for a master: a write
 * tells (READONLY). */
static void role_handler(int err, const redisReply *reply, void *arg)
{
	if (!err && reply->type == REDIS_REPLY_ARRAY && reply->elements &&
	    reply->element[0]->type == REDIS_REPLY_STRING &&
	    strcmp(reply->element[0]->str, "master"))
		redis_lost(arg, EROFS);
	else if (!err || err == EPROTO)
		greeted(arg);
	else if (err != ENOTCONN)
		redis_lost(arg, greeting_error(err, reply));
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

		err = redis_send(r, greeting_handler, r, u->user ? 3 : 2,
				   argv, NULL);
	}
	if (!err && u->db) {
		const char *argv[] = {"SELECT", db};

		snprintf(db, sizeof(db), "%u", u->db);
		err = redis_send(r, greeting_handler, r, 2, argv, NULL);
	}
	if (!err) {
		const char *argv[] = {"PING"};

		err = redis_send(r, greeting_handler, r, 1, argv, NULL);
	}
	if (!err) {
		const char *argv[] = {"ROLE"};

		err = redis_send(r, role_handler, r, 1, argv, NULL);
	}
	if (err)
		redis_lost(r, err);
}

static void sock_close(int err, void *arg)
{
	struct redis *r = mem_ref(arg);

	redis_lost(r, err);
	mem_deref(r);
}

static const struct redis_sock_handlers sock_handlers = {
	.open = sock_open,
	.recv = sock_recv,
	.close = sock_close,
};

static void greeting_timeout(void *arg)
{
	redis_lost(arg, ETIMEDOUT);
}

static void connect_now(void *arg)
{
	struct redis *r = arg;
	int err;

	r->connect_timer = mem_deref(r->connect_timer);
	if (r->sentinel && !r->master)
		return; /* until we are told */

	r->reader = redisReaderCreate();
	if (!r->reader) {
		connect_later(r);
		return;
	}
	/* hiredis gives back its buffer after 16 KB; ours are larger */
	r->reader->maxbuf = 1 << 20;

	r->state = CONNECTING;
	err = redis_sock_connect(&r->sock, r->loop,
				 r->master ? r->master : r->url,
				 r->attempt++, &sock_handlers, r);
	if (!err)
		err = loop_timer_start(&r->connect_timer, r->loop,
				       GREETING_MS, greeting_timeout, r);
	if (err)
		redis_lost(r, err);
}

/* Doubling, each with up to half of it taken off by chance, so that a whole
 * cluster does not come back in the same millisecond. */
static void connect_later(struct redis *r)
{
	const uint32_t max_ms = r->said == EACCES || r->said == EKEYREJECTED
				? BACKOFF_REFUSED_MS : BACKOFF_MAX_MS;
	uint32_t rnd = 0, delay;

	r->connect_timer = mem_deref(r->connect_timer);
	r->backoff_ms = r->backoff_ms ? r->backoff_ms * 2 : BACKOFF_MIN_MS;
	if (r->backoff_ms > max_ms)
		r->backoff_ms = max_ms;
	if (getrandom(&rnd, sizeof(rnd), GRND_NONBLOCK) != sizeof(rnd))
		rnd = (uint32_t)loop_now_us();
	delay = r->backoff_ms - rnd % (r->backoff_ms / 2);

	(void)loop_timer_start(&r->connect_timer, r->loop, delay, connect_now,
			       r);
}

/* A sentinel told who is master. */
static void master_handler(const char *host, uint16_t port, void *arg)
{
	struct redis *r = mem_ref(arg);
	bool moved = r->master && (r->master->port != port ||
				   strcmp(r->master->host, host));

	if (r->state != WAITING && moved) {
		log_info("redis master moved", LOG_S("host", host),
			 LOG_U("port", port));
		redis_lost(r, EREMCHG);
	}
	if (r->state == WAITING && !redis_abandoned(r)) {
		r->master = mem_deref(r->master);
		if (!redis_url_at(&r->master, r->url, host, port) &&
		    !r->connect_timer)
			connect_now(r);
	}
	mem_deref(r);
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
	if (!err && r->url->sentinelc)
		err = redis_sentinel_alloc(&r->sentinel, loop, r->url,
					   master_handler, r);
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

int redis_error(const struct redis *r)
{
	if (!r)
		return 0;

	return r->said ? r->said : redis_sentinel_error(r->sentinel);
}

void redis_stat(const struct redis *r, struct redis_stat *st)
{
	*st = r->stat;
	st->pending = list_count(&r->cmdl);
}

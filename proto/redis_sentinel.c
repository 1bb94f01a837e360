/* SPDX-License-Identifier: MIT */
/*
 * One sentinel at a time:
 *
 *   PAUSE --timer--> CONNECT --open--> ASKED --answer--> REST --timer--> ASKED
 *     ^                 |                |                 |
 *     +-----------------+----------------+-----------------+  lost, silent,
 *                    the next of the list                     no such master
 *
 * One timer serves all of it: in PAUSE and REST it is how long to wait, in
 * CONNECT and ASKED how long an answer may take.  Polling instead of a
 * subscription to +switch-master: the answer is the same after a connection
 * that was lost as before it, and it proves that the sentinel lives.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/redis_sentinel.h"
#include "proto/redis_sock.h"
#include "proto/redis_url.h"

enum {
	ANSWER_MS = 1000, /* a sentinel that is silent for so long is left */
	POLL_MS = 1000,
	HURRY_MS = 200,
	PAUSE_MS = 200, /* after the whole list was of no use            */
};

enum state { PAUSE, CONNECT, ASKED, REST };

struct redis_sentinel {
	struct loop *loop;
	const struct redis_url *url; /* borrowed                          */
	redis_master_h *h;
	void *arg;
	struct redis_sock *sock;
	redisReader *reader;
	struct loop_timer *timer;
	size_t at;	/* of the list                       */
	size_t useless; /* sentinels tried since an answer   */
	unsigned skip;	/* replies that come before the one  */
	enum state state;
	int saidv[REDIS_SENTINELS_MAX]; /* of each, what was logged last  */
	int err;			/* of the last one; 0: it answered   */
	bool hurry;
};

static void timer_handler(void *arg);

static void destructor(void *arg)
{
	struct redis_sentinel *s = arg;

	mem_deref(s->timer);
	mem_deref(s->sock);
	if (s->reader)
		redisReaderFree(s->reader);
}

static void go(struct redis_sentinel *s, enum state state, uint32_t ms)
{
	s->state = state;
	s->timer = mem_deref(s->timer);
	(void)loop_timer_start(&s->timer, s->loop, ms, timer_handler, s);
}

static uint32_t jitter(uint32_t ms)
{
	uint32_t rnd = 0;

	if (getrandom(&rnd, sizeof(rnd), GRND_NONBLOCK) != sizeof(rnd))
		rnd = (uint32_t)loop_now_us();

	return ms - rnd % (ms / 2);
}

static void hang_up(struct redis_sentinel *s)
{
	s->sock = mem_deref(s->sock);
	if (s->reader)
		redisReaderFree(s->reader);
	s->reader = NULL;
}

/* This one is of no use. */
static void next(struct redis_sentinel *s, int err)
{
	const struct redis_url *u = s->url->sentinelv[s->at];

	if (err != s->saidv[s->at])
		log_warn(err == ENXIO ? "sentinel knows no such master"
				      : "sentinel does not help",
			 LOG_S("host", u->host), LOG_U("port", u->port),
			 LOG_S("master", s->url->master), LOG_E(err));
	s->saidv[s->at] = s->err = err;
	hang_up(s);
	s->at = (s->at + 1) % s->url->sentinelc;
	go(s, PAUSE, ++s->useless % s->url->sentinelc ? 0 : jitter(PAUSE_MS));
}

static int send_command(struct redis_sentinel *s, int argc, const char **argv)
{
	char *p = NULL;
	int err, len = (int)redisFormatCommandArgv(&p, argc, argv, NULL);

	if (len < 0 || !p)
		return ENOMEM;
	err = redis_sock_send(s->sock, p, (size_t)len);
	redisFreeCommand(p);

	return err;
}

static void ask(struct redis_sentinel *s)
{
	const char *argv[] = {"SENTINEL", "get-master-addr-by-name",
			      s->url->master};
	int err = send_command(s, 3, argv);

	if (err)
		next(s, err);
	else
		go(s, ASKED, ANSWER_MS);
}

/* ---------------------------------------------------------------- answers */

static void answered(struct redis_sentinel *s, const redisReply *reply)
{
	redisReply *const *el = reply->element;

	if (s->skip) { /* of AUTH */
		s->skip--;
		if (reply->type == REDIS_REPLY_ERROR)
			next(s, EACCES);
		return;
	}
	if (s->state != ASKED)
		return;
	if (reply->type == REDIS_REPLY_NIL) {
		next(s, ENXIO);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
	    el[0]->type != REDIS_REPLY_STRING ||
	    el[1]->type != REDIS_REPLY_STRING) {
		next(s, reply->type == REDIS_REPLY_ERROR ? EACCES : EBADMSG);
		return;
	}

	s->useless = 0;
	s->saidv[s->at] = s->err = 0;
	go(s, REST, jitter(s->hurry ? HURRY_MS : POLL_MS));
	s->h(el[0]->str, (uint16_t)strtoul(el[1]->str, NULL, 10), s->arg);
}

/* ----------------------------------------------------------------- socket */

static void sock_open(void *arg)
{
	struct redis_sentinel *s = arg;
	const struct redis_url *u = s->url->sentinelv[s->at];

	s->skip = 0;
	if (u->password) {
		const char *argv[] = {"AUTH", u->user ? u->user : u->password,
				      u->password};
		int err = send_command(s, u->user ? 3 : 2, argv);

		if (err) {
			next(s, err);
			return;
		}
		s->skip = 1;
	}
	ask(s);
}

static void sock_recv(const char *p, size_t len, void *arg)
{
	struct redis_sentinel *s = mem_ref(arg);
	redisReader *reader = s->reader;
	void *reply = NULL;
	int bad = redisReaderFeed(reader, p, len);

	while (!bad) {
		bad = redisReaderGetReply(reader, &reply);
		if (bad || !reply)
			break;
		answered(s, reply);
		freeReplyObject(reply);
		if (mem_nrefs(s) <= 1 || s->reader != reader)
			goto out; /* let go, or on to the next */
	}
	if (bad)
		next(s, EBADMSG);
out:
	mem_deref(s);
}

static void sock_close(int err, void *arg)
{
	next(arg, err);
}

static const struct redis_sock_handlers sock_handlers = {
    .open = sock_open,
    .recv = sock_recv,
    .close = sock_close,
};

static void connect_now(struct redis_sentinel *s)
{
	int err = 0;

	s->reader = redisReaderCreate();
	if (!s->reader)
		err = ENOMEM;
	if (!err)
		err = redis_sock_connect(
		    &s->sock, s->loop, s->url->sentinelv[s->at],
		    (unsigned)(s->useless / s->url->sentinelc), &sock_handlers,
		    s);
	if (err)
		next(s, err);
	else
		go(s, CONNECT, ANSWER_MS);
}

static void timer_handler(void *arg)
{
	struct redis_sentinel *s = arg;

	s->timer = mem_deref(s->timer);
	switch (s->state) {
	case PAUSE:
		connect_now(s);
		break;
	case CONNECT:
	case ASKED:
		next(s, ETIMEDOUT);
		break;
	case REST:
		ask(s);
		break;
	}
}

/* ------------------------------------------------------------------- life */

int redis_sentinel_alloc(struct redis_sentinel **sp, struct loop *loop,
			 const struct redis_url *url, redis_master_h *h,
			 void *arg)
{
	struct redis_sentinel *s;
	uint32_t rnd = 0;

	if (!sp || !loop || !url || !url->sentinelc || !h)
		return EINVAL;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	/* a cluster's processes do not all ask the first */
	if (getrandom(&rnd, sizeof(rnd), GRND_NONBLOCK) == sizeof(rnd))
		s->at = rnd % url->sentinelc;
	s->loop = loop;
	s->url = url;
	s->h = h;
	s->arg = arg;
	s->hurry = true;
	s->state = PAUSE;
	if (loop_timer_start(&s->timer, loop, 0, timer_handler, s)) {
		mem_deref(s);
		return ENOMEM;
	}
	*sp = s;

	return 0;
}

void redis_sentinel_hurry(struct redis_sentinel *s)
{
	if (!s)
		return;

	s->hurry = true;
	if (s->state != REST)
		return;

	/* another opinion: this one may be cut off from the rest */
	hang_up(s);
	s->at = (s->at + 1) % s->url->sentinelc;
	go(s, PAUSE, jitter(HURRY_MS / 2));
}

void redis_sentinel_calm(struct redis_sentinel *s)
{
	if (s)
		s->hurry = false;
}

int redis_sentinel_error(const struct redis_sentinel *s)
{
	return s ? s->err : 0;
}

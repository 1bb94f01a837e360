/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/bus.h"
#include "proto/loop.h"
#include "proto/script.h"
#include "proto/ulid.h"

enum {
	HASH_SIZE = 1024,
	SWEEP_MS = 20,        /* grain of deadlines and retries            */
	FORGET_MS = 1000,     /* grain of what is remembered               */
	REMEMBER_MAX = 65536, /* ids remembered at most                    */
};

/* A request of ours, awaiting its Result. */
struct pending {
	struct le he;             /* in bus->pending, by id                */
	struct bus *bus;
	bus_result_h *h;
	void *arg;
	char *channel;
	uint8_t *packed;          /* for the retry                         */
	size_t len;
	uint64_t retry_us;        /* 0: was tried twice                    */
	uint64_t deadline_us;
	char id[ULID_LEN + 1];
};

/* A command of somebody else: being handled, then remembered with its reply. */
struct bus_request {
	struct le he;             /* in bus->seen, by id                   */
	struct le le;             /* in bus->seenl, oldest first           */
	struct bus *bus;          /* NULL: the bus is gone                 */
	char *reply_to;
	uint8_t *reply;           /* packed; NULL: not yet answered        */
	size_t reply_len;
	uint64_t seen_us;
	char id[ULID_LEN + 1];
};

struct bus {
	struct loop *loop;
	struct redis *cmd, *sub;
	struct hash *pending, *seen;
	struct list seenl;
	struct list listenl;
	struct loop_timer *sweep;
	bus_command_h *commandh;
	redis_state_h *stateh;
	void *arg;
	char *id;
	char reply_channel[sizeof(BUS_CHANNEL_REPLY) + ULID_LEN];
	uint32_t pendingc, seenc;
	uint32_t sweep_ms;   /* what the sweep was started with; 0: is not */
	bool loaded; /* the scripts, on this connection */
	bool up;
};

struct listener {
	struct le le;
	char *channel;
	bus_message_h *h;
	void *arg;
};

static void sweep_handler(void *arg);

/* One timer for all; with nothing to look at, none. */
static void sweep_within(struct bus *b, uint32_t ms)
{
	if (b->sweep_ms && b->sweep_ms <= ms)
		return;

	b->sweep = mem_deref(b->sweep);
	b->sweep_ms = ms;
	if (loop_timer_start(&b->sweep, b->loop, ms, sweep_handler, b))
		b->sweep_ms = 0;
}

static uint8_t *pack(const Sy__Envelope *env, size_t *lenp)
{
	size_t len = sy__envelope__get_packed_size(env);
	uint8_t *p = mem_alloc(len ? len : 1, NULL);

	if (p)
		*lenp = sy__envelope__pack(env, p);

	return p;
}

static int publish(struct bus *b, const char *channel, const uint8_t *p,
		   size_t len, redis_reply_h *h, void *arg)
{
	const char *argv[] = {"PUBLISH", channel, (const char *)p};
	const size_t lenv[] = {7, strlen(channel), len};

	return redis_command_argv(b->cmd, 0, h, arg, 3, argv, lenv);
}

/* ------------------------------------------------------------- requests */

static void pending_destructor(void *arg)
{
	struct pending *p = arg;

	hash_unlink(&p->he);
	mem_deref(p->channel);
	mem_deref(p->packed);
}

static void finish(struct pending *p, const Sy__Result *res)
{
	bus_result_h *h = p->h;
	void *arg = p->arg;

	p->bus->pendingc--;
	hash_unlink(&p->he);
	mem_deref(p);
	if (h)
		h(res, arg);
}

static void finish_with(struct pending *p, Sy__ResultCode code,
			const char *text)
{
	Sy__Result res = SY__RESULT__INIT;

	res.code = code;
	res.error = (char *)text;
	finish(p, &res);
}

static bool pending_is(struct le *le, void *arg)
{
	const struct pending *p = le->data;

	return !strcmp(p->id, arg);
}

static struct pending *pending_find(struct bus *b, const char *id)
{
	return list_ledata(hash_lookup(b->pending, hash_joaat_str(id),
				       pending_is, (void *)id));
}

/* The id of the request travels as a string of its own: by the time of the
 * answer the request may be over. */
struct published {
	struct bus *bus;
	char id[ULID_LEN + 1];
};

static void published_handler(int err, const redisReply *reply, void *arg)
{
	struct published *pub = arg;
	struct pending *p = pending_find(pub->bus, pub->id);

	mem_deref(pub);
	if (!p)
		return;

	if (err == ENOTCONN)
		finish_with(p, SY__RESULT_CODE__UNAVAILABLE,
			    "Redis is not there");
	else if (!err && reply->type == REDIS_REPLY_INTEGER &&
		 !reply->integer)
		finish_with(p, SY__RESULT_CODE__NO_SUBSCRIBER,
			    "nobody listens there");
	/* any other trouble ends with the deadline */
}

static int pending_send(struct pending *p)
{
	struct published *pub = mem_zalloc(sizeof(*pub), NULL);
	int err;

	if (!pub)
		return ENOMEM;

	pub->bus = p->bus;
	memcpy(pub->id, p->id, sizeof(pub->id));
	err = publish(p->bus, p->channel, p->packed, p->len,
		      published_handler, pub);
	if (err)
		mem_deref(pub);
	else
		redis_arg_owned(p->bus->cmd);

	return err;
}

int bus_request(struct bus *b, const char *channel, Sy__Envelope *env,
		uint32_t deadline_ms, bus_result_h *h, void *arg)
{
	struct pending *p;
	uint64_t now = loop_now_us();

	if (!b || !channel || !env)
		return EINVAL;

	p = mem_zalloc(sizeof(*p), pending_destructor);
	if (!p)
		return ENOMEM;

	if (!deadline_ms)
		deadline_ms = BUS_DEADLINE_MS;
	ulid_make(p->id);
	env->id = p->id;
	env->reply_to = b->reply_channel;
	env->deadline_ms = deadline_ms;
	env->from = b->id ? b->id : "";
	p->bus = b;
	p->h = h;
	p->arg = arg;
	p->packed = pack(env, &p->len);
	if (!p->packed || str_dup(&p->channel, channel)) {
		mem_deref(p);
		return ENOMEM;
	}
	p->retry_us = now + deadline_ms * 500ull;
	p->deadline_us = now + deadline_ms * 1000ull;

	hash_append(b->pending, hash_joaat_str(p->id), &p->he, p);
	b->pendingc++;
	/* Not up: the sweep tells, since no handler runs from within here. */
	if (!b->up || pending_send(p))
		p->deadline_us = 0;
	sweep_within(b, SWEEP_MS);

	return 0;
}

int bus_request_member(struct bus *b, const char *member, Sy__Envelope *env,
		       uint32_t deadline_ms, bus_result_h *h, void *arg)
{
	char channel[128];

	if (!member || re_snprintf(channel, sizeof(channel), "%s%s",
				   BUS_CHANNEL_MEMBER, member) < 0)
		return EINVAL;

	return bus_request(b, channel, env, deadline_ms, h, arg);
}

static bool due(struct le *le, void *arg)
{
	struct pending *p = le->data;
	uint64_t now = *(uint64_t *)arg;

	return p->deadline_us <= now || (p->retry_us && p->retry_us <= now);
}

static void sweep_pending(struct bus *b)
{
	uint64_t now = loop_now_us();
	struct le *le;

	/* from the start each time: a handler may have changed anything */
	while (b->pendingc &&
	       (le = hash_apply(b->pending, due, &now)) != NULL) {
		struct pending *p = le->data;

		if (!p->deadline_us)
			finish_with(p, SY__RESULT_CODE__UNAVAILABLE,
				    "Redis is not there");
		else if (p->deadline_us <= now)
			finish_with(p, SY__RESULT_CODE__TIMED_OUT,
				    "no reply within the deadline");
		else {
			p->retry_us = 0;
			(void)pending_send(p);
		}
		if (mem_nrefs(b) <= 1)
			return;
	}
}

/* ------------------------------------------------------------- commands */

static void request_destructor(void *arg)
{
	struct bus_request *req = arg;

	hash_unlink(&req->he);
	list_unlink(&req->le);
	mem_deref(req->reply_to);
	mem_deref(req->reply);
}

static void forget(struct bus *b, struct bus_request *req)
{
	b->seenc--;
	hash_unlink(&req->he);
	list_unlink(&req->le);
	mem_deref(req);
}

/* Two references: one of the memory, one of the handler until it replies. */
static void forget_old(struct bus *b, uint64_t now)
{
	struct bus_request *req;

	while ((req = list_ledata(b->seenl.head)) != NULL &&
	       (now - req->seen_us > BUS_REMEMBER_MS * 1000ull ||
		b->seenc > REMEMBER_MAX))
		forget(b, req);
}

static bool request_is(struct le *le, void *arg)
{
	const struct bus_request *req = le->data;

	return !strcmp(req->id, arg);
}

static void send_reply(struct bus_request *req)
{
	if (req->bus && req->reply && str_isset(req->reply_to))
		(void)publish(req->bus, req->reply_to, req->reply,
			      req->reply_len, NULL, NULL);
}

static void handle_command(struct bus *b, const Sy__Envelope *env)
{
	struct bus_request *req;

	req = list_ledata(hash_lookup(b->seen, hash_joaat_str(env->id),
				      request_is, env->id));
	if (req) {
		send_reply(req); /* a retry; NULL reply: still at work */
		return;
	}

	req = mem_zalloc(sizeof(*req), request_destructor);
	if (!req)
		return;
	if (str_dup(&req->reply_to, env->reply_to)) {
		mem_deref(req);
		return;
	}
	str_ncpy(req->id, env->id, sizeof(req->id));
	req->bus = b;
	req->seen_us = loop_now_us();
	hash_append(b->seen, hash_joaat_str(req->id), &req->he, req);
	list_append(&b->seenl, &req->le, req);
	b->seenc++;
	if (b->seenc > REMEMBER_MAX)
		forget_old(b, req->seen_us);
	sweep_within(b, FORGET_MS);

	b->commandh(mem_ref(req), env, b->arg);
}

void bus_reply(struct bus_request *req, const Sy__Result *res)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;

	if (!req || !res)
		return;

	env.id = req->id;
	env.from = req->bus && req->bus->id ? req->bus->id : "";
	env.body_case = SY__ENVELOPE__BODY_RESULT;
	env.result = (Sy__Result *)res;
	req->reply = mem_deref(req->reply);
	req->reply = pack(&env, &req->reply_len);
	send_reply(req);
	mem_deref(req);
}

void bus_replyf(struct bus_request *req, Sy__ResultCode code, const char *fmt,
		...)
{
	Sy__Result res = SY__RESULT__INIT;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	res.code = code;
	res.error = text;
	bus_reply(req, &res);
}

/* ------------------------------------------------------------ receiving */

static void reply_message(const char *channel, const uint8_t *p, size_t len,
			  void *arg)
{
	Sy__Envelope *env = sy__envelope__unpack(NULL, len, p);
	struct bus *b = arg;
	struct pending *pend;
	(void)channel;

	if (env && env->body_case == SY__ENVELOPE__BODY_RESULT) {
		pend = pending_find(b, env->id);
		if (pend)
			finish(pend, env->result);
	}
	if (env)
		sy__envelope__free_unpacked(env, NULL);
}

static void command_message(const char *channel, const uint8_t *p,
			    size_t len, void *arg)
{
	Sy__Envelope *env = sy__envelope__unpack(NULL, len, p);
	struct bus *b = arg;
	(void)channel;

	if (env && ulid_is_valid(env->id) && b->commandh)
		handle_command(b, env);
	if (env)
		sy__envelope__free_unpacked(env, NULL);
}

static void listen_message(const char *channel, const uint8_t *p, size_t len,
			   void *arg)
{
	Sy__Envelope *env = sy__envelope__unpack(NULL, len, p);
	struct listener *l = arg;
	(void)channel;

	if (!env)
		return;
	l->h(env, l->arg);
	sy__envelope__free_unpacked(env, NULL);
}

static void listener_destructor(void *arg)
{
	struct listener *l = arg;

	list_unlink(&l->le);
	mem_deref(l->channel);
}

int bus_listen(struct bus *b, const char *channel, bus_message_h *h,
	       void *arg)
{
	struct listener *l;
	int err;

	if (!b || !channel || !h)
		return EINVAL;

	l = mem_zalloc(sizeof(*l), listener_destructor);
	if (!l)
		return ENOMEM;

	l->h = h;
	l->arg = arg;
	err = str_dup(&l->channel, channel);
	if (!err)
		err = redis_subscribe(b->sub, channel, listen_message, l);
	if (err) {
		mem_deref(l);
		return err;
	}
	list_append(&b->listenl, &l->le, l);

	return 0;
}

void bus_unlisten(struct bus *b, const char *channel)
{
	struct le *le = b && channel ? b->listenl.head : NULL;

	while (le) {
		struct listener *l = le->data;

		le = le->next;
		if (strcmp(l->channel, channel))
			continue;
		(void)redis_unsubscribe(b->sub, channel);
		mem_deref(l);
	}
}

int bus_publish(struct bus *b, const char *channel, Sy__Envelope *env)
{
	char id[ULID_LEN + 1], *before;
	uint8_t *p;
	size_t len = 0;
	int err;

	if (!b || !channel || !env)
		return EINVAL;

	/* Without one it would be no command for who takes commands. */
	before = env->id;
	ulid_make(id);
	env->id = id;
	env->from = b->id ? b->id : "";
	p = pack(env, &len);
	env->id = before;
	if (!p)
		return ENOMEM;
	err = publish(b, channel, p, len, NULL, NULL);
	mem_deref(p);

	return err;
}

/* ----------------------------------------------------------------- life */

static void sweep_handler(void *arg)
{
	struct bus *b = mem_ref(arg);

	b->sweep = mem_deref(b->sweep);
	b->sweep_ms = 0;
	sweep_pending(b);
	if (mem_nrefs(b) > 1) {
		forget_old(b, loop_now_us());
		if (b->pendingc)
			sweep_within(b, SWEEP_MS);
		else if (b->seenc)
			sweep_within(b, FORGET_MS);
	}
	mem_deref(b);
}

static void state_handler(bool conn_up, int err, void *arg)
{
	struct bus *b = arg;
	bool up = redis_is_up(b->cmd) && redis_is_up(b->sub);

	if (conn_up && redis_is_up(b->cmd) && !b->loaded)
		script_load_all(b->cmd);
	b->loaded = redis_is_up(b->cmd);

	if (up == b->up)
		return;

	b->up = up;
	if (b->stateh)
		b->stateh(up, err, b->arg);
}

static bool orphan(struct le *le, void *arg)
{
	struct bus_request *req = le->data;
	(void)arg;

	req->bus = NULL;

	return false;
}

static void bus_destructor(void *arg)
{
	struct bus *b = arg;

	mem_deref(b->sweep);
	mem_deref(b->cmd);
	mem_deref(b->sub);
	if (b->seen)
		(void)hash_apply(b->seen, orphan, NULL);
	while (b->seenl.head)
		forget(b, b->seenl.head->data);
	hash_flush(b->pending);
	mem_deref(b->pending);
	mem_deref(b->seen);
	list_flush(&b->listenl);
	mem_deref(b->id);
}

static int bus_subscribe(struct bus *b)
{
	char id[ULID_LEN + 1], channel[128];
	int err;

	ulid_make(id);
	(void)re_snprintf(b->reply_channel, sizeof(b->reply_channel), "%s%s",
			  BUS_CHANNEL_REPLY, id);
	err = redis_subscribe(b->sub, b->reply_channel, reply_message, b);
	if (err || !b->id)
		return err;

	if (re_snprintf(channel, sizeof(channel), "%s%s", BUS_CHANNEL_MEMBER,
			b->id) < 0)
		return EINVAL;

	return redis_subscribe(b->sub, channel, command_message, b);
}

int bus_alloc(struct bus **bp, const struct bus_conf *conf)
{
	struct bus *b;
	int err;

	if (!bp || !conf || !conf->loop || !conf->url)
		return EINVAL;

	b = mem_zalloc(sizeof(*b), bus_destructor);
	if (!b)
		return ENOMEM;

	b->loop = conf->loop;
	b->commandh = conf->commandh;
	b->stateh = conf->stateh;
	b->arg = conf->arg;
	err = conf->id ? str_dup(&b->id, conf->id) : 0;
	err |= hash_alloc(&b->pending, HASH_SIZE);
	err |= hash_alloc(&b->seen, HASH_SIZE);
	if (!err)
		err = redis_alloc(&b->cmd, conf->loop, conf->url,
				  state_handler, b);
	if (!err)
		err = redis_alloc(&b->sub, conf->loop, conf->url,
				  state_handler, b);
	if (!err)
		err = bus_subscribe(b);
	if (err) {
		mem_deref(b);
		return err;
	}

	redis_quiet(b->sub);
	if (conf->quiet)
		redis_quiet(b->cmd);
	*bp = b;

	return err;
}

struct redis *bus_redis(const struct bus *b)
{
	return b ? b->cmd : NULL;
}

bool bus_is_up(const struct bus *b)
{
	return b && b->up;
}

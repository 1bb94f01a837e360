/* SPDX-License-Identifier: MIT */
/* The bus: see bus.h; what is where: bus_impl.h. */
#include <errno.h>
#include <string.h>
#include "proto/bus_impl.h"
#include "proto/script.h"

enum { HASH_SIZE = 1024 };

struct listener {
	struct le le;
	char *channel;
	bus_message_h *h;
	void *arg;
};

static void sweep_handler(void *arg);

void bus_sweep_within(struct bus *b, uint32_t ms)
{
	if (b->sweep_ms && b->sweep_ms <= ms)
		return;

	b->sweep = mem_deref(b->sweep);
	b->sweep_ms = ms;
	if (loop_timer_start(&b->sweep, b->loop, ms, sweep_handler, b))
		b->sweep_ms = 0;
}

uint8_t *bus_pack(const Sy__Envelope *env, size_t *lenp)
{
	size_t len = sy__envelope__get_packed_size(env);
	uint8_t *p = mem_alloc(len ? len : 1, NULL);

	if (p)
		*lenp = sy__envelope__pack(env, p);

	return p;
}

int bus_send(struct bus *b, const char *channel, const uint8_t *p, size_t len,
	     redis_reply_h *h, void *arg)
{
	const char *argv[] = {"PUBLISH", channel, (const char *)p};
	const size_t lenv[] = {7, strlen(channel), len};

	return redis_command_argv(b->cmd, 0, h, arg, 3, argv, lenv);
}

/* ------------------------------------------------------------ receiving */

static void reply_message(const char *channel, const uint8_t *p, size_t len,
			  void *arg)
{
	Sy__Envelope *env = sy__envelope__unpack(NULL, len, p);
	struct bus *b = arg;
	(void)channel;

	if (env && env->body_case == SY__ENVELOPE__BODY_RESULT)
		bus_request_result(b, env->id, env->result);
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
		bus_command_take(b, env);
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
	p = bus_pack(env, &len);
	env->id = before;
	if (!p)
		return ENOMEM;
	err = bus_send(b, channel, p, len, NULL, NULL);
	mem_deref(p);

	return err;
}

/* ----------------------------------------------------------------- life */

static void sweep_handler(void *arg)
{
	struct bus *b = mem_ref(arg);

	b->sweep = mem_deref(b->sweep);
	b->sweep_ms = 0;
	bus_request_sweep(b);
	if (mem_nrefs(b) > 1) {
		bus_command_forget(b, loop_now_us());
		if (b->pendingc)
			bus_sweep_within(b, BUS_SWEEP_MS);
		else if (b->seenc)
			bus_sweep_within(b, BUS_FORGET_MS);
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

static void bus_destructor(void *arg)
{
	struct bus *b = arg;

	mem_deref(b->sweep);
	mem_deref(b->cmd);
	mem_deref(b->sub);
	bus_command_close(b);
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

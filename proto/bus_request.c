/* SPDX-License-Identifier: MIT */
/*
 * Requests of ours: sent, sent once more at half of the deadline, and told
 * their Result, or why there is none.
 */
#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include "proto/bus_impl.h"

/* One that awaits its Result. */
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
	err = bus_send(p->bus, p->channel, p->packed, p->len,
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
	p->packed = bus_pack(env, &p->len);
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
	bus_sweep_within(b, BUS_SWEEP_MS);

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

static bool is_due(struct le *le, void *arg)
{
	struct pending *p = le->data;
	uint64_t now = *(uint64_t *)arg;

	return p->deadline_us <= now || (p->retry_us && p->retry_us <= now);
}

void bus_request_sweep(struct bus *b)
{
	uint64_t now = loop_now_us();
	struct le *le;

	/* from the start each time: a handler may have changed anything */
	while (b->pendingc &&
	       (le = hash_apply(b->pending, is_due, &now)) != NULL) {
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

void bus_request_result(struct bus *b, const char *id, const Sy__Result *res)
{
	struct pending *p = pending_find(b, id);

	if (p)
		finish(p, res);
}

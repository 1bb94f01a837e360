/* SPDX-License-Identifier: MIT */
/*
 * A node's looks at its neighbours: one PUBSUB NUMSUB of up to three channels
 * every 75 ms, while Redis is settled; member_watch.c decides, and
 * member_died.lua looks once more.
 */
#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/member_priv.h"

static void channel_of(char *buf, size_t size, const char *id)
{
	(void)re_snprintf(buf, size, "%s%s", BUS_CHANNEL_MEMBER, id);
}

/* ------------------------------------------------------------------- dead */


static void declare(struct members *ms, const Sy__Member *m)
{
	const uint64_t seen_us =
	    member_watch_seen_us(&ms->watch, m->id, m->instance);
	const uint64_t silent_us = seen_us ? loop_now_us() - seen_us : 0;
	size_t mlen = 0, elen = 0;
	char instance[16], channel[128];
	uint8_t *p = member_pack(m, ms->self->id, MEMBER_DIED,
				 (uint32_t)(silent_us / 1000), &mlen, &elen);

	if (!p)
		return;

	log_warn("nobody listens to a node's commands", LOG_S("node", m->id));
	channel_of(channel, sizeof(channel), m->id);
	(void)re_snprintf(instance, sizeof(instance), "%u", m->instance);
	{
		const char *argv[] = {MEMBER_KEY,
				      MEMBER_KEY_LEASE,
				      m->id,
				      instance,
				      channel,
				      BUS_CHANNEL_MEMBERS,
				      (const char *)p + mlen};
		const size_t lenv[] = {strlen(MEMBER_KEY),
				       strlen(MEMBER_KEY_LEASE),
				       strlen(m->id),
				       strlen(instance),
				       strlen(channel),
				       strlen(BUS_CHANNEL_MEMBERS),
				       elen};

		member_remove(ms, SCRIPT_MEMBER_DIED, m->id,
			      "nobody listens to its commands",
			      ARRAY_SIZE(argv), argv, lenv);
	}
	mem_deref(p);
}

/* ------------------------------------------------------------------ looks */

/* channel, number, channel, number ... */
static void saw(struct members *ms, const redisReply *reply)
{
	const size_t prefix = strlen(BUS_CHANNEL_MEMBER);

	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const char *id = reply->element[i]->str + prefix;
		const struct member_entry *e =
		    member_table_find(&ms->table, id);

		if (e &&
		    member_watch_saw(&ms->watch, id, e->m->instance,
				     (uint64_t)reply->element[i + 1]->integer,
				     ms->looked_us))
			declare(ms, e->m);
	}
}

static void look_handler(int err, const redisReply *reply, void *arg)
{
	struct members *ms = member_link_take(arg);

	if (!ms)
		return;

	ms->looking = false;
	if (!err && reply->type == REDIS_REPLY_ARRAY &&
	    member_table_is_settled(&ms->table, loop_now_us()))
		saw(ms, reply);
	else
		member_watch_reset(&ms->watch);
	mem_deref(ms);
}

static void look(struct members *ms)
{
	char channel[MEMBER_WATCH_MAX][128];
	const char *argv[2 + MEMBER_WATCH_MAX] = {"PUBSUB", "NUMSUB"};
	size_t n = member_watch_pick(&ms->watch, &ms->table, ms->self->id);

	if (!n)
		return;

	for (size_t i = 0; i < n; i++) {
		channel_of(channel[i], sizeof(channel[i]), ms->watch.v[i].id);
		argv[2 + i] = channel[i];
	}
	ms->looked_us = loop_now_us();
	ms->looking =
	    !redis_command_argv(bus_redis(ms->bus), 0, look_handler,
				mem_ref(ms->link), (int)n + 2, argv, NULL);
	if (ms->looking)
		redis_arg_owned(bus_redis(ms->bus));
	else
		mem_deref(ms->link);
}

static void timer_handler(void *arg)
{
	struct members *ms = arg;

	ms->look = mem_deref(ms->look);
	(void)member_look_start(ms);

	if (ms->left || ms->looking || !ms->self->instance)
		return;
	if (bus_is_up(ms->bus) &&
	    member_table_is_settled(&ms->table, loop_now_us()))
		look(ms);
	else
		member_watch_reset(&ms->watch);
}

int member_look_start(struct members *ms)
{
	return loop_timer_start(&ms->look, ms->loop, MEMBER_WATCH_MS,
				timer_handler, ms);
}

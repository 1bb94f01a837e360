/* SPDX-License-Identifier: MIT */
/* Our own heartbeat, our end, and what the others' messages look like. */
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/member_priv.h"

uint8_t *member_pack(const Sy__Member *m, const char *from,
		     enum member_news news, uint32_t silent_ms, size_t *mlen,
		     size_t *elen)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__Heartbeat hb = SY__HEARTBEAT__INIT;
	uint8_t *p;

	hb.member = (Sy__Member *)m;
	hb.leaving = news == MEMBER_LEAVES;
	hb.died = news == MEMBER_DIED;
	hb.silent_ms = silent_ms;
	env.from = (char *)from;
	env.body_case = SY__ENVELOPE__BODY_HEARTBEAT;
	env.heartbeat = &hb;
	*mlen = sy__member__get_packed_size(m);
	*elen = sy__envelope__get_packed_size(&env);
	p = mem_alloc(*mlen + *elen, NULL);
	if (p) {
		sy__member__pack(m, p);
		sy__envelope__pack(&env, p + *mlen);
	}

	return p;
}

/* Somebody else took our id: it beats, we do not.  Said once. */
static void refused(struct members *ms, bool is)
{
	if (is && !ms->refused)
		log_error("another process bears our member id",
			  LOG_S("id", ms->self->id));
	ms->refused = is;
}

/* The first record of ours could not be missed by anybody. */
static void forgotten(struct members *ms)
{
	const bool before = ms->known;

	ms->known = true;
	member_tell(ms, SY__EVENT_TYPE__MEMBER_JOINED, ms->self->id,
		    before ? "it was held to be dead, or Redis was emptied"
			   : "");
	if (before && ms->forgottenh)
		ms->forgottenh(ms->arg);
}

static void answered(struct members *ms, const redisReply *reply)
{
	const uint32_t instance = (uint32_t)reply->element[0]->integer;

	refused(ms, !instance);
	if (!ms->self->instance) {
		ms->self->instance = instance;
		ms->again = instance != 0;
	} else if (instance && reply->element[1]->integer) {
		forgotten(ms);
	} else if (instance) {
		ms->known = true;
	}
}

static void beat_handler(int err, const redisReply *reply, void *arg)
{
	struct members *ms = member_link_take(arg);

	if (!ms)
		return;

	ms->beating = false;
	if (!err)
		member_table_answered(&ms->table, loop_now_us());
	if (!err && ms->self && reply->type == REDIS_REPLY_ARRAY &&
	    reply->elements == 2)
		answered(ms, reply);
	if (ms->again && mem_nrefs(ms) > 1)
		member_beat(ms);
	mem_deref(ms);
}

/* Who only watches asks once a beat whether Redis is there. */
static void ask(struct members *ms)
{
	ms->beating = !redis_command(bus_redis(ms->bus), ms->beat_ms,
				     beat_handler, mem_ref(ms->link), "PING");
	if (ms->beating) {
		redis_arg_owned(bus_redis(ms->bus));
		ms->beaten_us = loop_now_us();
	} else {
		mem_deref(ms->link);
	}
}

static int beat_send(struct members *ms, const uint8_t *p, size_t mlen,
		     size_t elen)
{
	char instance[16], lease[16];
	const char *argv[] = {MEMBER_KEY,
			      MEMBER_KEY_LEASE,
			      MEMBER_KEY_INSTANCE,
			      ms->self->id,
			      instance,
			      (const char *)p,
			      lease,
			      BUS_CHANNEL_MEMBERS,
			      (const char *)p + mlen};
	size_t lenv[ARRAY_SIZE(argv)];

	(void)re_snprintf(lease, sizeof(lease), "%u", ms->lease_ms);
	(void)re_snprintf(instance, sizeof(instance), "%u", ms->self->instance);
	for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
		lenv[i] = i == 5 ? mlen : i == 8 ? elen : strlen(argv[i]);

	return member_run(ms, SCRIPT_MEMBER_BEAT, ms->beat_ms, beat_handler, 3,
			  ARRAY_SIZE(argv), argv, lenv);
}

void member_beat(struct members *ms)
{
	size_t mlen = 0, elen = 0;
	uint8_t *p;

	if (!ms || !ms->self || ms->left || !bus_is_up(ms->bus))
		return;
	ms->again = ms->beating;
	if (ms->beating)
		return;

	if (ms->loadh)
		ms->loadh(ms->self, ms->arg);
	ms->self->beat++;
	p = member_pack(ms->self, ms->self->id, MEMBER_BEATS, 0, &mlen, &elen);
	if (!p)
		return;

	ms->beating = !beat_send(ms, p, mlen, elen);
	if (ms->beating)
		ms->beaten_us = loop_now_us();
	mem_deref(p);
}

void member_beat_run(struct members *ms, uint64_t now_us)
{
	if (!ms->conn_up || ms->beating ||
	    now_us - ms->beaten_us < ms->beat_ms * 1000ull)
		return;

	if (ms->self)
		member_beat(ms);
	else
		ask(ms);
}

/* -------------------------------------------------------------------- end */

static void leave(struct members *ms, enum member_news news)
{
	size_t mlen = 0, elen = 0;
	char instance[16];
	uint8_t *p;

	if (!ms || !ms->self || ms->left || !ms->self->instance)
		return;

	ms->left = true;
	/* who resigns was there a moment ago */
	p = member_pack(ms->self, ms->self->id, news, news == MEMBER_DIED,
			&mlen, &elen);
	if (!p)
		return;

	(void)re_snprintf(instance, sizeof(instance), "%u", ms->self->instance);
	{
		const char *argv[] = {
		    MEMBER_KEY, MEMBER_KEY_LEASE,    ms->self->id,
		    instance,	BUS_CHANNEL_MEMBERS, (const char *)p + mlen};
		const size_t lenv[] = {
		    strlen(MEMBER_KEY),		 strlen(MEMBER_KEY_LEASE),
		    strlen(ms->self->id),	 strlen(instance),
		    strlen(BUS_CHANNEL_MEMBERS), elen};

		(void)script_run(bus_redis(ms->bus), SCRIPT_MEMBER_LEAVE, 0,
				 NULL, NULL, 2, 6, argv, lenv);
	}
	member_tell(ms, SY__EVENT_TYPE__MEMBER_LEFT, ms->self->id,
		    news == MEMBER_DIED ? "it ended before it was empty"
					: "it ended in order");
	mem_deref(p);
}

void member_leave(struct members *ms)
{
	leave(ms, MEMBER_LEAVES);
}

void member_resign(struct members *ms)
{
	leave(ms, MEMBER_DIED);
}

/* SPDX-License-Identifier: MIT */
/* The guard's Redis and bus; see guard_share.h. */

#include <stdlib.h>
#include <string.h>
#include "proto/log.h"
#include "proto/random.h"
#include "proto/store_guard.h"
#include "router/answer.h"
#include "router/core.h"
#include "router/guard_share.h"
#include "router/nets.h"
#include "router/replay.h"
#include "router/wire_impl.h"

enum {
	PAGE = 500,
	USER_SIZE = 100,
	AGENT_SIZE = 100,
	MEMBERS_MAX = 4096,
	LIMITED_RETRY_S = 10,
};

/* ------------------------------------------------------------ bans of ours */

/* What strangers sent, as text that anybody may be shown. */
static void plain(char *buf, size_t size, const struct pl *pl)
{
	size_t n = 0;

	for (size_t i = 0; i < pl->l && n + 1 < size; i++) {
		const unsigned char c = (unsigned char)pl->p[i];

		buf[n++] = c >= ' ' && c < 0x7f ? (char)c : '?';
	}
	buf[n] = 0;
}

static uint64_t left_ms(const Sy__Ban *ban)
{
	const uint64_t until = timestamp_ms(ban->until);
	const uint64_t now = timestamp_now_ms();

	return until > now ? until - now : 0;
}

static void apply(struct worker *w, const Sy__Ban *ban)
{
	const struct guard_shared s = {
		.source = ban->source,
		.user = ban->user,
		.reason = guard_reason_read(ban->reason),
		.left_ms = ban->until ? left_ms(ban) : 0,
		.count = ban->count,
	};

	guard_set(w->guard, &s, wire_now_ms());
}

static void tell(struct worker *w, const Sy__Ban *ban)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__BanChanged changed = SY__BAN_CHANGED__INIT;
	Sy__Event ev = SY__EVENT__INIT;
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

	changed.ban = (Sy__Ban *)(uintptr_t)ban;
	env.body_case = SY__ENVELOPE__BODY_BAN_CHANGED;
	env.ban_changed = &changed;
	(void)bus_publish(w->bus, BUS_CHANNEL_GUARD, &env);

	timestamp_set_ms(&at, timestamp_now_ms());
	ev.at = &at;
	ev.type = SY__EVENT_TYPE__BANNED;
	ev.member = (char *)(uintptr_t)w->router->conf.id;
	ev.ban = changed.ban;
	(void)store_event(bus_redis(w->bus), &ev);
	log_warn("banned", LOG_S("source", ban->source),
		 LOG_S("user", ban->user), LOG_S("reason", ban->reason),
		 LOG_U("seconds", (unsigned)(left_ms(ban) / 1000)));
}

/* Of routers that found it at once, the first one tells. */
static void on_put(int err, const Sy__Ban *ban, bool fresh, void *arg)
{
	struct worker *w = arg;

	if (err)
		return;
	apply(w, ban);
	if (fresh)
		tell(w, ban);
}

static void on_ban(const struct guard_ban *b, void *arg)
{
	struct worker *w = arg;
	char source[STORE_BAN_SOURCE_SIZE], id[STORE_BAN_ID_SIZE];
	char user[USER_SIZE], agent[AGENT_SIZE];
	Sy__Ban ban = SY__BAN__INIT;
	const struct store_ban_put put = {
		.ban = &ban,
		.first_ms = b->first_ms,
		.max_ms = b->max_ms,
	};

	stat_inc(&w->stats, STAT_GUARD_BAN + b->reason);
	store_ban_source(source, b->source);
	plain(user, sizeof(user), &b->user);
	plain(agent, sizeof(agent), &b->agent);
	if (store_ban_id(id, source, user))
		return;
	ban.id = id;
	ban.source = source;
	ban.user = user;
	ban.reason = (char *)(uintptr_t)guard_reason_name(b->reason);
	ban.router = (char *)(uintptr_t)w->router->conf.id;
	ban.comment = agent;
	if (store_ban_put(bus_redis(w->bus), &put, on_put, w))
		log_warn("banned here only", LOG_S("source", source),
			 LOG_S("user", user), LOG_S("reason", ban.reason));
}

static bool is_trunk(const struct sa *sa, void *arg)
{
	const struct worker *w = arg;

	return config_trunk_by_source(w->config, sa) != NULL;
}

/* --------------------------------------------------------- bans of others */

static void on_changed(const Sy__Envelope *env, void *arg)
{
	struct worker *w = arg;
	const Sy__Ban *ban;

	if (env->body_case != SY__ENVELOPE__BODY_BAN_CHANGED ||
	    !env->ban_changed->ban)
		return;
	ban = env->ban_changed->ban;
	if (env->ban_changed->removed)
		guard_lift(w->guard, ban->source, ban->user);
	else
		apply(w, ban);
}

static void on_list(int err, const Sy__Ban *const *banv, size_t banc,
		    const char *next, void *arg)
{
	struct worker *w = arg;

	if (err)
		return; /* once Redis is well again it is read again */
	for (size_t i = 0; i < banc; i++)
		apply(w, banv[i]);
	if (next)
		(void)store_ban_list(bus_redis(w->bus), next, PAGE, on_list,
				     w);
	else
		guard_list_end(w->guard);
}

void guard_share_redis_up(struct worker *w)
{
	if (!w->guard)
		return;
	guard_list_begin(w->guard);
	(void)store_ban_list(bus_redis(w->bus), NULL, PAGE, on_list, w);
}

/* ------------------------------------------------------------------ setup */

struct addresses {
	struct config_net *v;
	size_t n;
};

static bool add_member(const Sy__Member *m, void *arg)
{
	struct addresses *a = arg;
	struct sa sa;

	if (a->n < MEMBERS_MAX &&
	    !sa_decode(&sa, m->address, strlen(m->address)) &&
	    !config_net_from_sa(&a->v[a->n], &sa))
		++a->n;

	return false;
}

void guard_share_members(struct worker *w)
{
	struct addresses a = {.n = 0};
	struct nets *nets;

	if (!w->guard || !w->members)
		return;
	a.v = calloc(MEMBERS_MAX, sizeof(*a.v));
	if (!a.v)
		return;
	member_apply(w->members, SY__MEMBER_KIND__NODE, add_member, &a);
	member_apply(w->members, SY__MEMBER_KIND__ROUTER, add_member, &a);
	if (!nets_alloc(&nets, a.v, a.n))
		guard_members(w->guard, nets);
	free(a.v);
}

void guard_share_configure(struct worker *w, const Sy__Config *conf)
{
	if (w->guard && guard_configure(w->guard, conf))
		log_error("no memory for the guard's lists");
}

int guard_share_start(struct worker *w)
{
	uint64_t seed;
	int err;

	random_bytes(&seed, sizeof(seed));
	err = guard_alloc(&w->guard, seed, on_ban, is_trunk, w);
	if (!err)
		err = replay_alloc(&w->replay, seed);

	return err ? err : bus_listen(w->bus, BUS_CHANNEL_GUARD, on_changed, w);
}

void guard_share_stop(struct worker *w)
{
	if (w->guard && w->bus)
		bus_unlisten(w->bus, BUS_CHANNEL_GUARD);
	w->guard = mem_deref(w->guard);
	w->replay = mem_deref(w->replay);
}

/* --------------------------------------------------------------- requests */

static bool is_drop(struct worker *w, enum guard_look look)
{
	static const enum stat_id ids[] = {
		[GUARD_DROP_DENIED] = STAT_GUARD_DENIED,
		[GUARD_DROP_BANNED] = STAT_GUARD_BANNED,
		[GUARD_DROP_RATE] = STAT_GUARD_RATE,
	};

	if (look == GUARD_READ)
		return false;
	stat_inc(&w->stats, ids[look]);

	return true;
}

bool guard_share_look(struct worker *w, const struct flow *from)
{
	return !is_drop(w, guard_look(w->guard, &from->peer, wire_now_ms()));
}

bool guard_share_spend(struct worker *w, const struct flow *from)
{
	return !is_drop(w, guard_work(w->guard, &from->peer, false,
				      wire_now_ms()));
}

bool guard_share_keepalive(struct worker *w, const struct flow *from)
{
	return !is_drop(w, guard_keepalive(w->guard, &from->peer,
					   wire_now_ms()));
}

bool guard_share_admit(struct msg *m)
{
	const struct view_field *f = view_first(m->v, VIEW_USER_AGENT);
	const bool credentials =
		view_first(m->v, VIEW_AUTHORIZATION) ||
		view_first(m->v, VIEW_PROXY_AUTHORIZATION);
	struct worker *w = m->w;
	const uint64_t now_ms = wire_now_ms();
	struct pl agent;

	if (is_drop(w, guard_work(w->guard, &m->from.peer, credentials,
				  now_ms)))
		return false;
	if (!f)
		return true;
	view_val(m->v, f, &agent);
	if (!guard_scanner(w->guard, &m->from.peer, &agent, now_ms))
		return true;
	stat_inc(&w->stats, STAT_GUARD_SCANNER);

	return false;
}

bool guard_share_limited(struct msg *m, const Sy__Device *dev,
			 enum guard_act act)
{
	if (guard_account(m->w->guard, dev->id, act, wire_now_ms()))
		return false;
	stat_inc(&m->w->stats, STAT_GUARD_ACCOUNT);
	answer(m, 503, "Too Many Requests",
	       "Retry-After: %d\r\n", LIMITED_RETRY_S);

	return true;
}

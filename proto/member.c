/* SPDX-License-Identifier: MIT */
/*
 * The membership's life: see member.h.
 *
 *   member_table.c  who is live, without I/O
 *   member_beat.c   our own heartbeat
 *   member_look.c   a node's looks at its neighbours (member_watch.c)
 *   member_event.c  what everybody can read of it
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/loop.h"
#include "proto/member_priv.h"
#include "proto/schema_copy.h"

enum { TICK_MAX_MS = 200 };

/* Whoever gets here from a handler of the loop holds a reference of its own:
 * when that is the last one, the owner has let go from within changeh. */
static void changed(const Sy__Member *m, bool gone, void *arg)
{
	struct members *ms = arg;

	if (gone && ms->expiring)
		member_expired(ms, m);
	if (ms->changeh && mem_nrefs(ms) > 1)
		ms->changeh(m, gone, ms->arg);
}

struct members *member_link_take(struct member_link *link)
{
	struct members *ms = mem_ref(link->ms);

	mem_deref(link);

	return ms;
}

int member_run(struct members *ms, enum script script, uint32_t deadline_ms,
	       redis_reply_h *h, int keyc, int argc, const char **argv,
	       const size_t *lenv)
{
	int err = script_run_owned(bus_redis(ms->bus), script, deadline_ms, h,
				   mem_ref(ms->link), keyc, argc, argv, lenv);

	if (err)
		mem_deref(ms->link);

	return err;
}

/* -------------------------------------------------------------- reading */

/* Since its last beat, which began the lease. */
static uint64_t age_us(const struct members *ms, int64_t left_ms)
{
	const int64_t left_us = left_ms * 1000;
	const int64_t lease_us = (int64_t)ms->table.lease_us;

	return left_us < lease_us ? (uint64_t)(lease_us - left_us) : 0;
}

static void list_read(struct members *ms, const redisReply *reply)
{
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const redisReply *el = reply->element[i];
		const redisReply *left = reply->element[i + 1];
		const int64_t left_ms = left->type == REDIS_REPLY_INTEGER
					    ? left->integer : 0;
		Sy__Member *m = sy__member__unpack(NULL, (size_t)el->len,
						   (const uint8_t *)el->str);

		if (m && left_ms < 0)
			member_tell(ms, SY__EVENT_TYPE__MEMBER_LEFT, m->id,
				    MEMBER_EXPIRED);
		else if (m)
			member_table_learn(&ms->table, m, loop_now_us(),
					   age_us(ms, left_ms));
		if (m)
			sy__member__free_unpacked(m, NULL);
	}
	ms->ready = true;
}

static void list_handler(int err, const redisReply *reply, void *arg)
{
	struct members *ms = member_link_take(arg);

	if (!ms)
		return;

	ms->listing = false;
	if (!err && reply->type == REDIS_REPLY_ARRAY)
		list_read(ms, reply);
	mem_deref(ms);
}

static void read_table(struct members *ms)
{
	const char *argv[] = {MEMBER_KEY, MEMBER_KEY_LEASE};

	if (ms->listing)
		return;

	ms->listing = !member_run(ms, SCRIPT_MEMBER_LIST, 0, list_handler, 2, 2,
				  argv, NULL);
}

/* That we are dead, we deny. */
static void gone(struct members *ms, const Sy__Heartbeat *hb)
{
	const Sy__Member *m = hb->member;
	const uint64_t silent_us = hb->silent_ms * 1000ull;
	const bool us = ms->self && ms->self->instance == m->instance &&
			!strcmp(ms->self->id, m->id);

	if (us && hb->died)
		member_beat(ms);
	if (hb->died)
		member_table_died(&ms->table, m->id, m->instance,
				  silent_us ? loop_now_us() - silent_us : 0);
	else
		member_table_forget(&ms->table, m->id, m->instance);
}

static void heartbeat(const Sy__Envelope *env, void *arg)
{
	struct members *ms = mem_ref(arg);
	const Sy__Heartbeat *hb = env->body_case == SY__ENVELOPE__BODY_HEARTBEAT
				      ? env->heartbeat
				      : NULL;

	if (hb && hb->member && (hb->leaving || hb->died))
		gone(ms, hb);
	else if (hb && hb->member)
		member_table_learn(&ms->table, hb->member, loop_now_us(), 0);
	mem_deref(ms);
}

/* ----------------------------------------------------------------- life */

/* Redis comes and goes. */
static void watch_redis(struct members *ms, uint64_t now_us)
{
	const bool up = bus_is_up(ms->bus);

	if (up && !ms->conn_up) {
		/* first we ask, then we know */
		ms->beaten_us = 0;
		read_table(ms);
	}
	ms->conn_up = up;
	member_table_redis(&ms->table, up, now_us);
	if (up && !ms->ready)
		read_table(ms);
}

static void tick_handler(void *arg)
{
	struct members *ms = mem_ref(arg);
	uint64_t now_us = loop_now_us();

	ms->tick = mem_deref(ms->tick);
	(void)loop_timer_start(&ms->tick, ms->loop, ms->tick_ms, tick_handler,
			       ms);

	watch_redis(ms, now_us);
	member_beat_run(ms, now_us);
	ms->expiring = true;
	member_table_expire(&ms->table, now_us);
	ms->expiring = false;
	mem_deref(ms);
}

static void members_destructor(void *arg)
{
	struct members *ms = arg;

	mem_deref(ms->tick);
	mem_deref(ms->look);
	if (ms->listens)
		bus_unlisten(ms->bus, BUS_CHANNEL_MEMBERS);
	if (ms->link)
		ms->link->ms = NULL;
	mem_deref(ms->link);
	member_table_close(&ms->table);
	if (ms->self)
		sy__member__free_unpacked(ms->self, NULL);
}

static int start(struct members *ms, const struct member_conf *conf)
{
	int err;

	ms->link = mem_zalloc(sizeof(*ms->link), NULL);
	if (!ms->link)
		return ENOMEM;

	ms->link->ms = ms;
	if (conf->self) {
		ms->self = schema_copy(&conf->self->base);
		if (!ms->self)
			return ENOMEM;
	}
	err = bus_listen(conf->bus, BUS_CHANNEL_MEMBERS, heartbeat, ms);
	ms->listens = !err;
	if (!err)
		err = loop_timer_start(&ms->tick, conf->loop, 0, tick_handler,
				       ms);
	if (!err && ms->self && ms->self->kind == SY__MEMBER_KIND__NODE)
		err = member_look_start(ms);

	return err;
}

int member_alloc(struct members **mp, const struct member_conf *conf)
{
	struct members *ms;
	int err;

	if (!mp || !conf || !conf->loop || !conf->bus)
		return EINVAL;

	ms = mem_zalloc(sizeof(*ms), members_destructor);
	if (!ms)
		return ENOMEM;

	ms->loop = conf->loop;
	ms->bus = conf->bus;
	ms->loadh = conf->loadh;
	ms->changeh = conf->changeh;
	ms->forgottenh = conf->forgottenh;
	ms->arg = conf->arg;
	ms->beat_ms = conf->beat_ms ? conf->beat_ms : MEMBER_BEAT_MS;
	ms->lease_ms = conf->lease_ms ? conf->lease_ms : MEMBER_LEASE_MS;
	ms->tick_ms =
	    ms->beat_ms / 5 < TICK_MAX_MS ? ms->beat_ms / 5 : TICK_MAX_MS;
	member_table_init(&ms->table, ms->lease_ms, ms->beat_ms * 3 / 2,
			  changed, ms);
	err = start(ms, conf);
	if (err)
		mem_deref(ms);
	else
		*mp = ms;

	return err;
}

/* -------------------------------------------------------------- questions */

uint32_t member_instance(const struct members *ms)
{
	return ms && ms->self ? ms->self->instance : 0;
}

bool member_is_ready(const struct members *ms)
{
	return ms && ms->ready;
}

bool member_is_settled(const struct members *ms)
{
	return ms && ms->ready && bus_is_up(ms->bus) &&
	       member_table_is_settled(&ms->table, loop_now_us());
}

bool member_redis_is_well(const struct members *ms)
{
	return ms && ms->table.up_us;
}

uint64_t member_silent_ms(const struct members *ms)
{
	const uint64_t at_us = ms ? ms->table.answered_us : 0;

	return at_us ? (loop_now_us() - at_us) / 1000 : 0;
}

uint64_t member_gone_ms(const struct members *ms)
{
	const uint64_t now_us = loop_now_us();

	return now_us > ms->table.gone_us ? (now_us - ms->table.gone_us) / 1000
					  : 0;
}

const Sy__Member *member_find(const struct members *ms, const char *id)
{
	struct member_entry *e = NULL;

	if (ms && id)
		e = member_table_find(&ms->table, id);

	return e ? e->m : NULL;
}

const Sy__Member *member_by_instance(const struct members *ms,
				     uint32_t instance)
{
	return ms && instance ? member_table_instance(&ms->table, instance)
			      : NULL;
}

void member_apply(const struct members *ms, Sy__MemberKind kind, member_h *h,
		  void *arg)
{
	struct le *le = ms ? ms->table.l.head : NULL;

	while (le) {
		struct member_entry *e = le->data;

		le = le->next;
		if ((kind == SY__MEMBER_KIND__MEMBER_UNKNOWN ||
		     e->m->kind == kind) &&
		    h(e->m, arg))
			return;
	}
}

const Sy__Member *member_place(struct members *ms, const char *not_id)
{
	uint64_t rnd = 0;

	if (!ms)
		return NULL;

	while (getrandom(&rnd, sizeof(rnd), 0) != sizeof(rnd))
		;

	return member_table_place(&ms->table, not_id, rnd);
}

size_t member_peers(const struct members *ms, struct owner_peer *peerv,
		    size_t max)
{
	return ms ? member_table_peers(&ms->table, loop_now_us(), peerv, max)
		  : 0;
}

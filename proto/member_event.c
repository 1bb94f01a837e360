/* SPDX-License-Identifier: MIT */
/*
 * What everybody can read of the membership (sy:events): who came, who went,
 * and why.  Each is told once, by whom Redis says that it was the one who
 * changed the record.
 */
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/member_priv.h"
#include "proto/store.h"

void member_tell(struct members *ms, Sy__EventType type, const char *id,
		 const char *reason)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Event ev = SY__EVENT__INIT;

	timestamp_set_ms(&at, timestamp_now_ms());
	ev.at = &at;
	ev.type = type;
	ev.member = (char *)(uintptr_t)id;
	ev.reason = (char *)(uintptr_t)reason;
	(void)store_event(bus_redis(ms->bus), &ev);
}

/* ------------------------------------------------------------ others' ends */

struct removal {
	struct member_link *link;
	const char *reason;
	char id[];
};

static void removal_destructor(void *arg)
{
	struct removal *x = arg;

	mem_deref(x->link);
}

static void removed(int err, const redisReply *reply, void *arg)
{
	struct removal *x = arg;
	struct members *ms = mem_ref(x->link->ms);

	if (ms && !err && reply->type == REDIS_REPLY_INTEGER && reply->integer)
		member_tell(ms, SY__EVENT_TYPE__MEMBER_LEFT, x->id, x->reason);
	mem_deref(ms);
	mem_deref(x);
}

void member_remove(struct members *ms, enum script script, const char *id,
		   const char *reason, int argc, const char **argv,
		   const size_t *lenv)
{
	const size_t size = strlen(id) + 1;
	struct removal *x = mem_zalloc(sizeof(*x) + size, removal_destructor);

	if (!x)
		return;

	x->link = mem_ref(ms->link);
	x->reason = reason;
	memcpy(x->id, id, size);
	if (script_run_owned(bus_redis(ms->bus), script, 0, removed, x, 2,
			     argc, argv, lenv))
		mem_deref(x);
}

void member_expired(struct members *ms, const Sy__Member *m)
{
	char instance[16];
	const char *argv[] = {MEMBER_KEY, MEMBER_KEY_LEASE, m->id, instance};

	(void)re_snprintf(instance, sizeof(instance), "%u", m->instance);
	member_remove(ms, SCRIPT_MEMBER_EXPIRED, m->id, MEMBER_EXPIRED,
		      ARRAY_SIZE(argv), argv, NULL);
}

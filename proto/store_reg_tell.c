/* SPDX-License-Identifier: MIT */
/* Bindings that came and went, told in events, and those that lapse without a
 * word. */
#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"
#include "proto/store_impl.h"

static void tell_one(struct redis *r, const char *member, const char *device,
		     Sy__Binding *b, Sy__EventType type, const char *why)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Registration reg = SY__REGISTRATION__INIT;
	Sy__Event ev = SY__EVENT__INIT;

	timestamp_set_ms(&at, timestamp_now_ms());
	reg.device = (char *)(uintptr_t)device;
	reg.bindings = &b;
	reg.n_bindings = 1;
	ev.at = &at;
	ev.type = type;
	ev.member = (char *)(uintptr_t)member;
	ev.registration = &reg;
	ev.reason = (char *)(uintptr_t)why;
	(void)store_event(r, &ev);
}

void store_reg_tell(struct redis *r, const char *member, const char *device,
		    const redisReply *packed, Sy__EventType type,
		    const char *why)
{
	for (size_t i = 0; i < packed->elements; i++) {
		const redisReply *el = packed->element[i];
		Sy__Binding *b = NULL;

		if (el->type == REDIS_REPLY_STRING)
			b = sy__binding__unpack(NULL, (size_t)el->len,
						(const uint8_t *)el->str);
		if (!b)
			continue;
		tell_one(r, member, device, b, type, why);
		sy__binding__free_unpacked(b, NULL);
	}
}

/* --------------------------------------------------------------- sweeping */

struct sweep {
	struct redis *redis; /* borrowed: drops us when it goes */
	store_reg_lapsed_h *h;
	void *arg;
	char *member;
	char *device;        /* NULL: it is the list            */
};

static void destructor(void *arg)
{
	struct sweep *s = arg;

	mem_deref(s->member);
	mem_deref(s->device);
}

static struct sweep *sweep_alloc(struct redis *r, const char *member,
				 const char *device, store_reg_lapsed_h *h,
				 void *arg)
{
	struct sweep *s = mem_zalloc(sizeof(*s), destructor);

	if (!s)
		return NULL;

	s->redis = r;
	s->h = h;
	s->arg = arg;
	if (str_dup(&s->member, member) ||
	    (device && str_dup(&s->device, device)))
		return mem_deref(s);

	return s;
}

/* The index may say less than the truth, which is right from now on. */
static void lapse_handler(int err, const redisReply *reply, void *arg)
{
	struct sweep *s = arg;

	if (!err && reply->type == REDIS_REPLY_ARRAY && reply->elements &&
	    reply->element[0]->type == REDIS_REPLY_INTEGER) {
		store_reg_index(s->redis, s->device,
				(uint64_t)reply->element[0]->integer);
		store_reg_tell(s->redis, s->member, s->device, reply,
			       SY__EVENT_TYPE__UNREGISTERED, "expired");
		if (reply->elements > 1)
			s->h(s->device, s->arg);
	}
	mem_deref(s);
}

static int lapse(const struct sweep *list, const char *device)
{
	char key[STORE_REG_KEY_SIZE], qual[STORE_REG_KEY_SIZE];
	const char *argv[] = {key, qual};
	struct sweep *s;
	int err;

	err = store_reg_key(key, device);
	if (!err)
		err = store_qual_key(qual, device);
	if (err)
		return err;

	s = sweep_alloc(list->redis, list->member, device, list->h,
			list->arg);
	if (!s)
		return ENOMEM;

	err = script_run_owned(list->redis, SCRIPT_REG_LAPSE, 0,
			       lapse_handler, s, 2, 2, argv, NULL);
	if (err)
		mem_deref(s);

	return err;
}

static void due_handler(int err, const redisReply *reply, void *arg)
{
	struct sweep *s = arg;
	const size_t n =
		!err && reply->type == REDIS_REPLY_ARRAY ? reply->elements : 0;

	for (size_t i = 0; i < n; i++) {
		if (reply->element[i]->type == REDIS_REPLY_STRING &&
		    lapse(s, reply->element[i]->str))
			break;
	}
	mem_deref(s);
}

int store_reg_sweep(struct redis *r, const char *member,
		    store_reg_lapsed_h *h, void *arg)
{
	struct sweep *s;
	int err;

	if (!r || !member || !h)
		return EINVAL;

	s = sweep_alloc(r, member, NULL, h, arg);
	if (!s)
		return ENOMEM;

	err = redis_command(r, 0, due_handler, s,
			    "ZRANGEBYSCORE " STORE_KEY_REGS_EXPIRY
			    " -inf %llu LIMIT 0 %d",
			    (unsigned long long)timestamp_now_ms(),
			    STORE_SWEEP_MAX);
	if (err)
		mem_deref(s);
	else
		redis_arg_owned(r);

	return err;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store_ask.h"
#include "proto/store_impl.h"

static void count_handler(int err, const redisReply *reply, void *arg)
{
	struct ask *a = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	((store_count_h *)a->h)(err, err ? 0 : (uint64_t)reply->integer,
				a->arg);
	mem_deref(a);
}

int store_zcard(struct redis *r, const char *key, store_count_h *h, void *arg)
{
	if (!r || !h)
		return EINVAL;

	return ask_command(r, count_handler, ask_alloc((ask_h *)h, arg),
			   "ZCARD %s", key);
}

int store_zcount_from(struct redis *r, const char *key, uint64_t min,
		      store_count_h *h, void *arg)
{
	if (!r || !h)
		return EINVAL;

	return ask_command(r, count_handler, ask_alloc((ask_h *)h, arg),
			   "ZCOUNT %s %llu +inf", key,
			   (unsigned long long)min);
}

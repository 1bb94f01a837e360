/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store_impl.h"

struct counting {
	store_count_h *h;
	void *arg;
};

static void count_handler(int err, const redisReply *reply, void *arg)
{
	struct counting *c = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	c->h(err, err ? 0 : (uint64_t)reply->integer, c->arg);
	mem_deref(c);
}

int store_zcard(struct redis *r, const char *key, store_count_h *h, void *arg)
{
	struct counting *c;
	int err;

	if (!r || !h)
		return EINVAL;

	c = mem_zalloc(sizeof(*c), NULL);
	if (!c)
		return ENOMEM;

	c->h = h;
	c->arg = arg;
	err = redis_command(r, 0, count_handler, c, "ZCARD %s", key);
	if (err)
		mem_deref(c);
	else
		redis_arg_owned(r);

	return err;
}

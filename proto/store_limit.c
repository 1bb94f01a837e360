/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_limit.h"

enum { KEY_SIZE = 192, HEAD = 5 };

struct asking {
	store_limit_h *h;
	void *arg;
};

static int make_keys(char calls[KEY_SIZE], char rate[KEY_SIZE],
		     const char *name)
{
	return re_snprintf(calls, KEY_SIZE, "sy:limit:{%s}", name) < 0 ||
		       re_snprintf(rate, KEY_SIZE, "sy:limit:{%s}:rate", name) <
			   0
		   ? ENAMETOOLONG
		   : 0;
}

static void take_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	if (!err && reply->integer != 1)
		err = reply->integer ? EAGAIN : EBUSY;
	a->h(err, a->arg);
	mem_deref(a);
}

int store_limit_take(struct redis *r, const struct store_limit *l,
		     store_limit_h *h, void *arg)
{
	char calls[KEY_SIZE], rate[KEY_SIZE], lease[16], max[16], cps[16];
	const char *argv[] = {calls, rate, lease,
			      max,   cps,  l ? l->holder : NULL};
	struct asking *a;
	int err;

	if (!r || !l || !l->name || !l->holder || !h)
		return EINVAL;
	err = make_keys(calls, rate, l->name);
	if (err)
		return err;

	(void)re_snprintf(lease, sizeof(lease), "%u", STORE_LIMIT_LEASE_MS);
	(void)re_snprintf(max, sizeof(max), "%u", l->calls);
	(void)re_snprintf(cps, sizeof(cps), "%u", l->per_second);
	a = mem_zalloc(sizeof(*a), NULL);
	if (!a)
		return ENOMEM;

	a->h = h;
	a->arg = arg;
	err = script_run_owned(r, SCRIPT_LIMIT_TAKE, 0, take_handler, a, 2,
			       HEAD + 1, argv, NULL);
	if (err)
		mem_deref(a);

	return err;
}

int store_limit_renew(struct redis *r, const char *name,
		      const char *const *holderv, size_t holderc)
{
	const char *argv[HEAD + STORE_LIMIT_BATCH];
	char calls[KEY_SIZE], rate[KEY_SIZE], lease[16];
	int err;

	if (!r || !name || !holderv || holderc > STORE_LIMIT_BATCH)
		return EINVAL;
	if (!holderc)
		return 0;
	err = make_keys(calls, rate, name);
	if (err)
		return err;

	(void)re_snprintf(lease, sizeof(lease), "%u", STORE_LIMIT_LEASE_MS);
	argv[0] = calls;
	argv[1] = rate;
	argv[2] = lease;
	argv[3] = argv[4] = "";
	for (size_t i = 0; i < holderc; i++)
		argv[HEAD + i] = holderv[i];

	return script_run(r, SCRIPT_LIMIT_TAKE, 0, NULL, NULL, 2,
			  HEAD + (int)holderc, argv, NULL);
}

int store_limit_give(struct redis *r, const char *name, const char *holder)
{
	char calls[KEY_SIZE], rate[KEY_SIZE];
	int err;

	if (!r || !name || !holder)
		return EINVAL;
	err = make_keys(calls, rate, name);
	if (err)
		return err;

	return redis_command(r, 0, NULL, NULL, "ZREM %s %s", calls, holder);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_lease.h"

/* Longer than that, and the lease may be over before we know that we have
 * it. */
enum { KEY_SIZE = 192, DEADLINE_MS = STORE_LEASE_MS / 2 };

struct asking {
	store_lease_h *h;
	void *arg;
};

static void take_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	if (!err && reply->integer != 1)
		err = EBUSY;
	a->h(err, a->arg);
	mem_deref(a);
}

static int run(struct redis *r, const char *what, const char *name,
	       uint32_t instance, struct asking *a)
{
	char key[KEY_SIZE], who[16], ms[16];
	const char *argv[] = {key, what, who, ms};
	size_t lenv[4];

	if (re_snprintf(key, sizeof(key), "sy:lease:{%s}", name) < 0)
		return ENAMETOOLONG;
	(void)re_snprintf(who, sizeof(who), "%u", instance);
	(void)re_snprintf(ms, sizeof(ms), "%u", STORE_LEASE_MS);
	for (size_t i = 0; i < 4; i++)
		lenv[i] = strlen(argv[i]);

	return a ? script_run_owned(r, SCRIPT_LEASE, DEADLINE_MS, take_handler,
				    a, 1, 4, argv, lenv)
		 : script_run(r, SCRIPT_LEASE, 0, NULL, NULL, 1, 4, argv,
			      lenv);
}

int store_lease_take(struct redis *r, const char *name, uint32_t instance,
		     store_lease_h *h, void *arg)
{
	struct asking *a;
	int err;

	if (!r || !name || !instance || !h)
		return EINVAL;

	a = mem_zalloc(sizeof(*a), NULL);
	if (!a)
		return ENOMEM;
	a->h = h;
	a->arg = arg;
	err = run(r, "take", name, instance, a);
	if (err)
		mem_deref(a);

	return err;
}

int store_lease_give(struct redis *r, const char *name, uint32_t instance)
{
	if (!r || !name || !instance)
		return EINVAL;

	return run(r, "give", name, instance, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Costly calls, counted by account: see store_guard.h. */

#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_guard.h"

enum { KEY_SIZE = 200 };

struct taking {
	store_h *h;
	void *arg;
};

static int make_key(char key[KEY_SIZE], const char *account, const char *what)
{
	return re_snprintf(key, KEY_SIZE, "sy:costly:{%s}:%s", account,
			   what) < 0
		       ? ENAMETOOLONG
		       : 0;
}

static void taken(int err, const redisReply *reply, void *arg)
{
	struct taking *t = arg;

	if (!err && reply->type != REDIS_REPLY_STRING)
		err = EBADMSG;
	else if (!err && !strcmp(reply->str, "hour"))
		err = EDQUOT;
	else if (!err && !strcmp(reply->str, "now"))
		err = EBUSY;
	t->h(err, t->arg);
	mem_deref(t);
}

int store_costly_take(struct redis *r, const struct store_costly *c,
		      store_h *h, void *arg)
{
	char hour[KEY_SIZE], now[KEY_SIZE], per[16], at[16], lease[16];
	const char *argv[] = {hour, now, c->call, per, at, lease};
	struct taking *t;
	int err;

	if (!r || !h)
		return EINVAL;
	err = make_key(hour, c->account, "hour");
	err |= make_key(now, c->account, "now");
	if (err)
		return ENAMETOOLONG;
	(void)re_snprintf(per, sizeof(per), "%u", c->calls_per_hour);
	(void)re_snprintf(at, sizeof(at), "%u", c->calls_at_a_time);
	(void)re_snprintf(lease, sizeof(lease), "%u", STORE_COSTLY_LEASE_MS);
	t = mem_alloc(sizeof(*t), NULL);
	if (!t)
		return ENOMEM;
	t->h = h;
	t->arg = arg;
	err = script_run_owned(r, SCRIPT_COSTLY_TAKE, 0, taken, t, 2,
			       ARRAY_SIZE(argv), argv, NULL);
	if (err)
		mem_deref(t);

	return err;
}

int store_costly_give(struct redis *r, const char *account, const char *call)
{
	char now[KEY_SIZE];
	const char *argv[] = {now, call};
	int err = make_key(now, account, "now");

	return err ? err
		   : script_run(r, SCRIPT_COSTLY_GIVE, 0, NULL, NULL, 1,
				ARRAY_SIZE(argv), argv, NULL);
}

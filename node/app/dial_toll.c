/* SPDX-License-Identifier: MIT */
/*
 * Costly calls that this node dials for somebody: the same permissions and
 * counts as of those that a router places.
 *
 *   payer may not ------------------------------------> 403
 *   counted? -> store_costly_take() ... one too many -> 403
 *                                   ... room: HubState.tolls, go on
 *
 * A hunt that another node goes on with has its toll in the hub, and is not
 * counted again.
 */

#include <errno.h>
#include "node/app/dial_impl.h"
#include "node/toll.h"
#include "proto/store_guard.h"

enum { CALL_SIZE = 200 };

/* By what it is counted: the same again is the same call. */
static void name_call(char call[CALL_SIZE], const struct dial_lookup *dl)
{
	(void)re_snprintf(call, CALL_SIZE, "%s:%s", dl->hub, dl->target);
}

static void refuse(struct dial_lookup *dl, const char *why)
{
	toll_refused(dl->node, dl->hunt->hub, dl->account, dl->target, why);
	dl->code = 403;
}

static int note(struct dial_lookup *dl, const char *call)
{
	Sy__Toll toll = SY__TOLL__INIT;
	int err;

	toll.account = dl->account;
	toll.call = (char *)(uintptr_t)call;
	toll.number = dl->target;
	err = hub_add_toll(dl->hunt->hub, &toll);
	if (!err)
		hub_touch(dl->hunt->hub);

	return err;
}

static void taken(int err, void *arg)
{
	struct dial_lookup *dl = arg;
	const bool counted = !err;
	char call[CALL_SIZE];

	name_call(call, dl);
	if (!err && !hunt_is_on(dl->hunt))
		err = ECANCELED;
	if (!err)
		err = note(dl, call);
	if (err && counted)
		(void)store_costly_give(bus_redis(dl->node->bus), dl->account,
					call);

	if (err == EDQUOT || err == EBUSY)
		refuse(dl, costly_why(err));
	else if (err)
		dl->code = 503;
	dial_trunk_go(dl);
}

bool dial_toll(struct dial_lookup *dl)
{
	const Sy__HuntState *what = dl->hunt->what;
	struct store_costly take;
	enum costly_verdict verdict;
	char call[CALL_SIZE];
	struct costly k;

	if (!what->payer)
		return false;
	verdict = costly_check(&k, dl->node->config, what->target, what->payer);
	str_ncpy(dl->account, k.account, sizeof(dl->account));
	if (verdict == COSTLY_DENIED)
		refuse(dl, COSTLY_NO_PERMISSION);
	if (verdict != COSTLY_COUNT)
		return false;

	name_call(call, dl);
	if (hub_has_toll(dl->hunt->hub, dl->account, call))
		return false;
	take = (struct store_costly){
		.account = dl->account,
		.call = call,
		.calls_per_hour = k.calls_per_hour,
		.calls_at_a_time = k.calls_at_a_time,
	};
	if (!store_costly_take(bus_redis(dl->node->bus), &take, taken, dl))
		return true;
	dl->code = 503; /* Redis is away: nobody knows */

	return false;
}

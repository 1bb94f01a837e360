/* SPDX-License-Identifier: MIT */
/* GET /api/registrations: devices with their current contacts. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/query.h"
#include "gateway/api/sieve.h"
#include "proto/store.h"

static void on_list(int err, Sy__Registration *const *regv, size_t regc,
		    const char *next, void *arg)
{
	api_listed(arg, err, "registration", regv, regc, next);
}

/* --------------------------------------------------- those of one device */

static void on_device(int err, const Sy__Registration *reg, void *arg)
{
	api_listed(arg, err, "registration", &reg,
		   !err && reg && reg->n_bindings ? 1 : 0, NULL);
}

static void list_device(struct api_req *a, const char *device)
{
	int err;

	api_hold(a);
	err = store_reg_get(view_redis(a->api->view), device, on_device, a);
	if (err)
		api_listed(a, err, "registration", NULL, 0, NULL);
}

/* ------------------------------------------ those that are there, or not */

static void on_page(int err, Sy__Registration *const *regv, size_t regc,
		    const char *next, void *arg)
{
	sieve_page(arg, err, regv, regc, next);
}

static int ask(struct redis *r, const char *cursor, size_t limit,
	       struct sieve *s)
{
	return store_reg_list(r, cursor, limit, on_page, s);
}

/* One of its contacts is as asked for, as far as that is known. */
static bool is_wanted(ProtobufCMessage *msg, const void *filter,
		      struct api *api)
{
	const Sy__Registration *reg = (const Sy__Registration *)msg;
	const bool *reachable = filter;
	(void)api;

	for (size_t i = 0; i < reg->n_bindings; i++) {
		const Sy__Binding *b = reg->bindings[i];

		if (b->checked_at && !!b->reachable == *reachable)
			return true;
	}

	return false;
}

static const char *cursor_of(const ProtobufCMessage *msg)
{
	return ((const Sy__Registration *)msg)->device;
}

static const struct sieve_def wanted_registrations = {
	.what = "registration",
	.askh = ask,
	.wantedh = is_wanted,
	.cursorh = cursor_of,
};

/* ------------------------------------------------------------------- list */

void api_registrations_list(struct api_req *a)
{
	char cursor[ROUTE_PARAM_SIZE], device[ROUTE_PARAM_SIZE], reachable[8];
	bool wanted;
	size_t limit;
	int err;

	if (!api_page(a, &limit, cursor, sizeof(cursor)) ||
	    !query_text(a, "device", device, sizeof(device)) ||
	    !query_choice(a, "reachable", reachable, sizeof(reachable),
			  "true|false"))
		return;
	if (*device) {
		list_device(a, device);
		return;
	}
	if (*reachable) {
		wanted = !strcmp(reachable, "true");
		sieve_list(a, &wanted_registrations, limit, cursor, &wanted,
			   sizeof(wanted));
		return;
	}

	api_hold(a);
	err = store_reg_list(view_redis(a->api->view),
			     *cursor ? cursor : NULL, limit, on_list, a);
	if (err)
		api_listed(a, err, "registration", NULL, 0, NULL);
}

/* SPDX-License-Identifier: MIT */
/* GET /api/registrations: devices with their current contacts. */

#include <errno.h>
#include <re.h>

#include "gateway/api/api.h"
#include "proto/store.h"

static void on_list(int err, Sy__Registration *const *regv, size_t regc,
		    const char *next, void *arg)
{
	api_listed(arg, err, "registration", regv, regc, next);
}

void api_registrations_list(struct api_req *a)
{
	char cursor[ROUTE_PARAM_SIZE];
	size_t limit;
	int err;

	if (!api_page(a, &limit, cursor, sizeof(cursor)))
		return;

	api_hold(a);
	err = store_reg_list(view_redis(a->api->view),
			     *cursor ? cursor : NULL, limit, on_list, a);
	if (err)
		api_listed(a, err, "registration", NULL, 0, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Requests of our own: see own.h. */

#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/own.h"
#include "proto/scope.h"

void api_own_get(struct web_req *req, void *arg)
{
	struct api_req *a = mem_zalloc(sizeof(*a), NULL);
	char allow[ROUTE_ALLOW_SIZE];
	size_t n;
	const struct api_route *routev = api_routes(&n);

	if (!a) {
		(void)problem(req, 500, "internal", "out of memory");
		return;
	}
	req->user = a;
	a->api = arg;
	a->web = req;
	a->counted = true; /* nobody's */
	principal_init(&a->who, PRINCIPAL_ADMIN, "feed");
	a->who.scopes = SCOPE_ALL;
	if (route_find(&a->route, &a->params, allow, routev, n, "GET",
		       req->path) != ROUTE_FOUND) {
		(void)problem(req, 404, "not-found",
			      "there is nothing at this path");
		return;
	}
	api_hold(a);
	a->route->handler(a);
	api_release(a);
}

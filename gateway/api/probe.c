/* SPDX-License-Identifier: MIT */
/*
 * GET /healthz and /readyz, for who runs the process.  Liveness is the loop
 * itself: a Redis that is away must never have a gateway restarted.
 */

#include <string.h>

#include "gateway/account/account.h"
#include "gateway/api/api.h"

static void plain(struct api_req *a, const char *text)
{
	(void)web_head(a->web, "cache-control", "no-store");
	(void)web_reply(a->web, 200, "text/plain; charset=utf-8", text,
			strlen(text));
}

void api_healthz(struct api_req *a)
{
	plain(a, "ok\n");
}

void api_readyz(struct api_req *a)
{
	const char *why;

	if (!view_is_ready(a->api->view, &why))
		api_unavailable(a, why);
	else if (a->api->account && !account_is_ready(a->api->account))
		api_unavailable(a, "the users were not read yet, or the "
				   "first one is being made");
	else
		plain(a, "ready\n");
}

/* SPDX-License-Identifier: MIT */
/* Limits: see limit.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/limit.h"
#include "gateway/api/rate.h"
#include "proto/loop.h"

enum {
	SENDERS = 8192,      /* buckets of those who are known             */
	STRANGERS = 8192,    /* ... and of addresses with wrong credentials */
	WRONG_PER_S = 20,
	WRONG_BURST = 200,
};

int limit_init(struct api *api)
{
	api->per_s = LIMIT_PER_S;
	api->met.limited = metric_add(
	    METRIC_COUNTER, "sy_gateway_limited_total",
	    "Requests refused because there were too many of their sender",
	    NULL);
	if (!api->met.limited || rate_alloc(&api->senders, SENDERS) ||
	    rate_alloc(&api->strangers, STRANGERS)) {
		limit_close(api);
		return ENOMEM;
	}

	return 0;
}

void limit_close(struct api *api)
{
	api->senders = mem_deref(api->senders);
	api->strangers = mem_deref(api->strangers);
}

static bool refuse(struct api_req *a, const struct rate_state *st,
		   const char *who)
{
	metric_inc(a->api->met.limited);
	(void)web_head(a->web, "retry-after", "%u", max(st->retry_s, 1u));
	(void)problem(a->web, 429, "rate-limit",
		      "there are too many requests of %s", who);

	return false;
}

bool limit_request(struct api_req *a)
{
	const uint32_t per_s = a->who.per_s ? a->who.per_s : a->api->per_s;
	struct rate_state st;
	bool passed;

	if (a->who.kind == PRINCIPAL_ADMIN || !per_s || !a->api->senders)
		return true;

	passed = rate_take(a->api->senders, a->who.id, per_s, 2 * per_s,
			   loop_now_us(), &st);
	(void)web_head(a->web, "ratelimit-limit", "%u", st.limit);
	(void)web_head(a->web, "ratelimit-remaining", "%u", st.remaining);
	(void)web_head(a->web, "ratelimit-reset", "%u", st.reset_s);

	return passed || refuse(a, &st, a->who.id);
}

bool limit_wrong(struct api_req *a)
{
	const char *port = strrchr(a->web->peer, ':');
	struct rate_state st;
	char host[64];

	if (!a->api->strangers)
		return true;

	(void)snprintf(host, sizeof(host), "%.*s",
		       port ? (int)(port - a->web->peer) : 0, a->web->peer);

	return rate_take(a->api->strangers, host, WRONG_PER_S, WRONG_BURST,
			 loop_now_us(), &st) ||
	       refuse(a, &st, "this address with wrong credentials");
}

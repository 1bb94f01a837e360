/* SPDX-License-Identifier: MIT */
/* GET /metrics: Prometheus' text format. */

#include <stdlib.h>
#include <string.h>

#include "gateway/api/api.h"

void api_metrics_get(struct api_req *a)
{
	char *text;

	if (a->api->metrics == API_METRICS_OFF) {
		(void)problem(a->web, 404, "not-found",
			      "metrics are switched off (--metrics-access)");
		return;
	}

	if (a->api->sample)
		a->api->sample(a->api->arg);
	text = metrics_print();
	if (!text) {
		(void)problem(a->web, 500, "internal", "out of memory");
		return;
	}
	(void)web_head(a->web, "cache-control", "no-store");
	(void)web_reply(a->web, 200, "text/plain; version=0.0.4", text,
			strlen(text));
	free(text);
}

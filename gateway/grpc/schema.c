/* SPDX-License-Identifier: MIT */
/* GET /api/switchyard.proto, /api/services.proto: the schema for those who
 * generate code from it. */

#include <string.h>

#include "gateway/api/api.h"
#include "proto/services.h"

static void answer(struct api_req *a, const char *text)
{
	(void)web_head(a->web, "cache-control", "no-cache");
	(void)web_reply(a->web, 200, "text/plain; charset=utf-8", text,
			strlen(text));
}

void api_schema_messages(struct api_req *a)
{
	answer(a, service_schema_text);
}

void api_schema_services(struct api_req *a)
{
	answer(a, service_services_text);
}

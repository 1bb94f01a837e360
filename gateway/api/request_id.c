/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "gateway/api/request_id.h"
#include "gateway/http/request.h"
#include "proto/ulid.h"

void request_id_set(char id[REQUEST_ID_SIZE], struct web_req *req)
{
	static const char chars[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789._-";
	const char *own = web_header(req, "x-request-id");
	size_t len = own ? strlen(own) : 0;

	if (len && len < REQUEST_ID_SIZE && strspn(own, chars) == len)
		(void)snprintf(id, REQUEST_ID_SIZE, "%s", own);
	else
		ulid_make(id);
	(void)web_head(req, "x-request-id", "%s", id);
}

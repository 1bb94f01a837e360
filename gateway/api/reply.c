/* SPDX-License-Identifier: MIT */
/* Answers and parameters that all resources share: see api.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/api.h"

enum { RETRY_S = 2 }; /* a Redis or a node that is restarted is back then */

void api_reply_empty(struct api_req *a)
{
	(void)web_reply(a->web, 204, NULL, NULL, 0);
}

void api_unavailable(struct api_req *a, const char *detail)
{
	(void)web_head(a->web, "retry-after", "%d", RETRY_S);
	(void)problem(a->web, 503, "unavailable", "%s", detail);
}

void api_reply_err(struct api_req *a, int err, const char *what)
{
	switch (err) {
	case ENOENT:
		(void)problem(a->web, 404, "not-found", "no such %s", what);
		break;
	case ENOMEM:
		(void)problem(a->web, 500, "internal", "out of memory");
		break;
	case ETIMEDOUT:
		api_unavailable(a, "Redis did not answer in time");
		break;
	case ENOTCONN:
		api_unavailable(a, "Redis is not reachable");
		break;
	default:
		api_unavailable(a, "Redis cannot serve this now");
		break;
	}
}

void api_reply_result(struct api_req *a, const Sy__Result *res)
{
	static const struct {
		Sy__ResultCode code;
		unsigned status;
		const char *slug, *detail;
	} v[] = {
		{SY__RESULT_CODE__BAD_REQUEST, 400, "bad-request",
		 "the node refused it"},
		{SY__RESULT_CODE__NOT_FOUND, 404, "not-found",
		 "there is no such call or leg (any more)"},
		{SY__RESULT_CODE__CONFLICT, 409, "conflict",
		 "the call is in no state for this"},
		{SY__RESULT_CODE__TIMED_OUT, 504, "timeout",
		 "the node did not answer in time; whether it was done is "
		 "not known"},
	};
	const char *error = res->error;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (v[i].code != res->code)
			continue;
		(void)problem(a->web, v[i].status, v[i].slug, "%s",
			      *error ? error : v[i].detail);
		return;
	}

	if (res->code == SY__RESULT_CODE__INTERNAL)
		(void)problem(a->web, 502, "node", "the node failed: %s",
			      *error ? error : "it does not say why");
	else
		api_unavailable(a, *error ? error : "no node can do this now");
}

bool api_page(struct api_req *a, size_t *limitp, char *cursor, size_t size)
{
	static const struct problem_field bad_limit = {
		.field = "limit",
		.cause = "is not a number in range",
		.allowed = "1 to 1000",
	};
	static const struct problem_field bad_cursor = {
		.field = "cursor",
		.cause = "is not one that this list gave",
		.allowed = "the nextCursor of a list",
	};
	char text[16], *end;
	unsigned long n;
	int err;

	*limitp = API_LIMIT_DEFAULT;
	err = web_query(a->web, "limit", text, sizeof(text));
	if (!err) {
		n = strtoul(text, &end, 10);
		if (*end || text[0] < '0' || text[0] > '9' || n < 1 ||
		    n > API_LIMIT_MAX)
			err = EINVAL;
		*limitp = n;
	}
	if (err && err != ENOENT) {
		(void)problem_param(a->web, &bad_limit);
		return false;
	}

	err = web_query(a->web, "cursor", cursor, size);
	if (err)
		cursor[0] = '\0';
	if (err && err != ENOENT) {
		(void)problem_param(a->web, &bad_cursor);
		return false;
	}

	return true;
}

bool api_ulid(struct api_req *a, size_t i, char id[ULID_LEN + 1],
	      const char *what)
{
	uint8_t bytes[ULID_BYTES];
	const char *str = a->params.v[i];

	if (ulid_read(bytes, str, strlen(str))) {
		(void)problem(a->web, 404, "not-found",
			      "no such %s: its id would be a ULID", what);
		return false;
	}
	ulid_print(id, bytes);

	return true;
}

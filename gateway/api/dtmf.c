/* SPDX-License-Identifier: MIT */
/* POST /api/calls/{id}/dtmf: send digits to one leg, or to all parties. */

#include <string.h>
#include <strings.h>
#include <re.h>

#include "gateway/api/command.h"
#include "gateway/api/target.h"

enum { DIGITS_MAX = 32, DIGIT_MIN_MS = 40, DIGIT_MAX_MS = 8000 };

static const char digits[] = "0123456789*#ABCDabcd";

static bool check(const struct command *c, const Sy__SendDtmf *body)
{
	const size_t n = strlen(body->digits);
	struct complaints bad = {.n = 0};

	if (*body->call && strcasecmp(body->call, c->call))
		complaints_add(&bad, "call", "is not the one in the path",
			       "leave it out");
	if (*body->leg && !ulid_is_valid(body->leg))
		complaints_add(&bad, "leg", "is not an id",
			       "the id of a leg; absent: all parties");
	if (!n)
		complaints_add(&bad, "digits", "is missing",
			       "1 to 32 of 0-9 * # A-D");
	else if (n > DIGITS_MAX)
		complaints_add(&bad, "digits", "is too long",
			       "1 to 32 of 0-9 * # A-D");
	else if (strspn(body->digits, digits) != n)
		complaints_add(&bad, "digits", "has what is not a digit",
			       "1 to 32 of 0-9 * # A-D");
	if (body->duration_ms && (body->duration_ms < DIGIT_MIN_MS ||
				  body->duration_ms > DIGIT_MAX_MS))
		complaints_add(&bad, "durationMs", "is out of range",
			       "40 to 8000; absent: 100");

	return !complaints_answer(&bad, c->a->web);
}

static void on_sent(struct command *c, const Sy__Result *res)
{
	api_reply(c->a, 202, &res->call->base);
}

void api_calls_dtmf(struct api_req *a)
{
	const Sy__SendDtmf *body = (const Sy__SendDtmf *)a->body;
	struct command *c = command_for_call(a);

	if (!c)
		return;
	if (!check(c, body)) {
		command_drop(c);
		return;
	}

	/* A copy whose strings are borrowed: the body outlives the command. */
	c->u.dtmf = *body;
	c->u.dtmf.call = c->call;
	c->env.body_case = SY__ENVELOPE__BODY_SEND_DTMF;
	c->env.send_dtmf = &c->u.dtmf;
	command_to_owner(c, on_sent);
}

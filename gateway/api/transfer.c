/* SPDX-License-Identifier: MIT */
/*
 * POST /api/calls/{id}/transfer, POST /api/transfer: somebody else in the place
 * of a leg.
 *
 *   blind     {"leg","to"}           the target is rung; 202 once it is
 *   attended  {"leg","call"}         two calls become one; 202 once they are
 *   refer     {"leg","to"}           its peer calls there itself; 202 once
 *                                    asked.  A URI may hold a Replaces: so
 *                                    two peers talk without us
 */

#include <string.h>
#include <strings.h>
#include <re.h>

#include "gateway/api/command.h"
#include "gateway/api/target.h"

enum {
	JOIN_MS = 12000,   /* until both calls are on one node, and quiet */
	URI_MAX_LEN = 480, /* of Refer-To                                 */
};

static const struct {
	const char *name;
	Sy__TransferMode mode;
} modes[] = {
    {"", SY__TRANSFER_MODE__TRANSFER_BLIND},
    {"blind", SY__TRANSFER_MODE__TRANSFER_BLIND},
    {"attended", SY__TRANSFER_MODE__TRANSFER_ATTENDED},
    {"refer", SY__TRANSFER_MODE__TRANSFER_REFER},
};

static bool read_mode(Sy__TransferMode *mode, const Sy__NewTransfer *body)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(modes[i].name, body->mode))
			continue;
		*mode = modes[i].mode;
		/* Who names a call and no way means the only one there is. */
		if (!*body->mode && *body->call)
			*mode = SY__TRANSFER_MODE__TRANSFER_ATTENDED;
		return true;
	}

	return false;
}

static void check_call(struct complaints *bad, const struct command *c,
		       const Sy__NewTransfer *body)
{
	if (!*body->call)
		complaints_add(bad, "call", "is missing",
			       "the id of the other call");
	else if (!ulid_is_valid(body->call))
		complaints_add(bad, "call", "is not an id",
			       "the id of the other call");
	else if (!strcasecmp(body->call, c->call))
		complaints_add(bad, "call", "is the same call",
			       "the id of the other call");
	if (*body->to)
		complaints_add(bad, "to", "means nothing with a call",
			       "leave it out");
}

/* A peer is sent to a number of ours, or anywhere. */
static void check_refer_to(struct complaints *bad, const char *to)
{
	if (strncasecmp(to, "sip:", 4) && strncasecmp(to, "sips:", 5))
		check_number(bad, "to", to);
	else if (strlen(to) > URI_MAX_LEN)
		complaints_add(bad, "to", "is too long",
			       "a URI of up to 480 characters");
	else if (strpbrk(to, " \t\r\n<>\""))
		complaints_add(bad, "to", "is no URI",
			       "what must be escaped in a URI as %HH");
}

static void check_to(struct complaints *bad, const struct command *c,
		     const Sy__NewTransfer *body, Sy__TransferMode mode)
{
	struct dialplan_match m;

	if (*body->call)
		complaints_add(bad, "call", "means nothing in this mode",
			       "leave it out, or mode attended");
	if (mode == SY__TRANSFER_MODE__TRANSFER_REFER)
		check_refer_to(bad, body->to);
	else
		check_number(bad, "to", body->to);
	if (!bad->n && mode == SY__TRANSFER_MODE__TRANSFER_BLIND)
		complaints_target(bad, "to", target_number(&m, c->a, body->to));
}

/* Answers when it returns false. */
static bool check(const struct command *c, const Sy__NewTransfer *body,
		  Sy__TransferMode *mode)
{
	struct complaints bad = {.n = 0};
	bool known = read_mode(mode, body);

	if (!known)
		complaints_add(&bad, "mode", "is not known",
			       "blind, attended, refer");
	if (*body->leg && !ulid_is_valid(body->leg))
		complaints_add(&bad, "leg", "is not an id",
			       "the id of the leg that leaves");
	if (known && *mode == SY__TRANSFER_MODE__TRANSFER_ATTENDED) {
		check_call(&bad, c, body);
	} else if (known) {
		if (!*body->leg)
			complaints_add(&bad, "leg", "is missing",
				       "the id of the leg that leaves");
		check_to(&bad, c, body, *mode);
	}

	return !complaints_answer(&bad, c->a->web);
}

static void on_done(struct command *c, const Sy__Result *res)
{
	const Sy__Call *call = res->call ? res->call : c->record;

	(void)web_head(c->a->web, "location", "/api/calls/%s", call->id);
	api_reply(c->a, 202, &call->base);
}

static void pass(struct command *c, const Sy__NewTransfer *body,
		 Sy__TransferMode mode)
{
	Sy__TransferCall *msg = &c->u.transfer;

	/* Strings are borrowed: the body outlives the command. */
	sy__transfer_call__init(msg);
	msg->call = c->call;
	msg->leg = body->leg;
	msg->to = body->to;
	msg->other = body->call;
	msg->mode = mode;
	sy__source__init(&c->source);
	c->source.kind_case = SY__SOURCE__KIND_API;
	c->source.api = (char *)(uintptr_t)principal_source(&c->a->who);
	msg->source = &c->source;
	c->env.body_case = SY__ENVELOPE__BODY_TRANSFER_CALL;
	c->env.transfer_call = msg;
	if (mode == SY__TRANSFER_MODE__TRANSFER_ATTENDED)
		c->deadline_ms = JOIN_MS;
	command_to_owner(c, on_done);
}

void api_calls_transfer(struct api_req *a)
{
	const Sy__NewTransfer *body = (const Sy__NewTransfer *)a->body;
	struct command *c = command_for_call(a);
	Sy__TransferMode mode = SY__TRANSFER_MODE__TRANSFER_BLIND;

	if (!c)
		return;
	if (!check(c, body, &mode)) {
		command_drop(c);
		return;
	}

	pass(c, body, mode);
}

void api_transfer(struct api_req *a)
{
	const Sy__NewTransfer *body = (const Sy__NewTransfer *)a->body;
	struct complaints bad = {.n = 0};
	struct command *c = command_alloc(a);
	Sy__TransferMode mode = SY__TRANSFER_MODE__TRANSFER_BLIND;

	if (!c)
		return;
	if (!ulid_is_valid(body->from)) {
		complaints_add(&bad, "from", "is not an id",
			       "the id of the call that the leg is in");
		(void)complaints_answer(&bad, a->web);
		command_drop(c);
		return;
	}

	str_ncpy(c->call, body->from, sizeof(c->call));
	if (check(c, body, &mode))
		pass(c, body, mode);
	else
		command_drop(c);
}

/* SPDX-License-Identifier: MIT */
/* POST /api/calls/{id}/move: to the node that is named, or a good one. */

#include <string.h>
#include <strings.h>
#include <re.h>

#include "gateway/api/command.h"
#include "gateway/api/nodes.h"
#include "gateway/api/target.h"

enum {
	MOVE_MS = 7500, /* until the other node has the call */
	NAMES_SIZE = 400,
};

/* Of a node that takes no calls: why. */
static const char *closed_because(Sy__MemberState state)
{
	switch (state) {
	case SY__MEMBER_STATE__LIVE:
		return NULL;
	case SY__MEMBER_STATE__DRAINING:
		return "is draining";
	case SY__MEMBER_STATE__OVERLOADED:
		return "is overloaded";
	default:
		return "is not ready yet";
	}
}

/* Answers when it returns false. */
static bool check(const struct command *c, const Sy__MoveCall *body)
{
	struct members *members = view_members(c->a->api->view);
	struct complaints bad = {.n = 0};
	char names[NAMES_SIZE];
	const Sy__Member *m = NULL;
	const char *why;

	if (*body->call && strcasecmp(body->call, c->call))
		complaints_add(&bad, "call", "is not the one in the path",
			       "leave it out");
	if (*body->node) {
		m = member_find(members, body->node);
		if (m && m->kind != SY__MEMBER_KIND__NODE)
			m = NULL;
		if (!m) {
			nodes_names(members, true, names, sizeof(names));
			complaints_add(&bad, "node", "is no node that is there",
				       names);
		}
	}
	if (complaints_answer(&bad, c->a->web))
		return false;

	why = m ? closed_because(m->state) : NULL;
	if (why)
		(void)problem(c->a->web, 409, "conflict",
			      "%s %s: it takes no calls now", m->id, why);

	return !why;
}

static void on_moving(struct command *c, const Sy__Result *res)
{
	const Sy__Call *call = res->call ? res->call : c->record;

	(void)web_head(c->a->web, "location", "/api/calls/%s", c->call);
	api_reply(c->a, 202, &call->base);
}

void api_calls_move(struct api_req *a)
{
	static const Sy__MoveCall none = SY__MOVE_CALL__INIT;
	const Sy__MoveCall *body =
	    a->body ? (const Sy__MoveCall *)a->body : &none;
	struct command *c = command_for_call(a);

	if (!c)
		return;
	if (!check(c, body)) {
		command_drop(c);
		return;
	}

	/* A copy whose strings are borrowed: the body outlives the command. */
	c->u.move = *body;
	c->u.move.call = c->call;
	c->env.body_case = SY__ENVELOPE__BODY_MOVE_CALL;
	c->env.move_call = &c->u.move;
	c->deadline_ms = MOVE_MS;
	c->once = true;
	command_to_owner(c, on_moving);
}

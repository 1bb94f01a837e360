/* SPDX-License-Identifier: MIT */
/* /api/nodes: list, from the live table, so also without Redis; drain. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/nodes.h"
#include "gateway/api/query.h"

enum { NAMES_SIZE = 400 };

static void show_load(struct shown_node *node, const Sy__Load *load)
{
	Sy__Node *msg = &node->msg;

	msg->legs = load->legs;
	msg->hubs = load->hubs;
	msg->tick_used_percent = load->tick_used_percent;
	msg->late_ticks = (uint32_t)load->late_ticks;
	msg->shed = load->shed;
	msg->moved = load->moved_total;
	msg->move_failures = load->move_failures_total;
	msg->adopted = load->adopted_total;
	msg->lost_legs = load->lost_legs_total;
	if (load->drain_started_ms) {
		google__protobuf__timestamp__init(&node->drain);
		timestamp_set_ms(&node->drain, load->drain_started_ms);
		msg->drain_started_at = &node->drain;
	}
}

void node_from_member(struct shown_node *node, const Sy__Member *m)
{
	Sy__Node *msg = &node->msg;

	sy__node__init(msg);
	msg->id = m->id;
	msg->state = m->state;
	msg->version = m->version;
	msg->started_at = m->started_at;
	msg->address = m->address;
	msg->instance = m->instance;
	if (m->load)
		show_load(node, m->load);
}

struct names {
	bool live;
	char *text;
	size_t size;
};

static bool add_name(const Sy__Member *m, void *arg)
{
	const struct names *n = arg;
	const size_t len = strlen(n->text);

	if (n->live && m->state != SY__MEMBER_STATE__LIVE)
		return false;

	if (len + strlen(m->id) + sizeof(", ...") > n->size) {
		(void)snprintf(n->text + len, n->size - len, "...");
		return true;
	}
	(void)snprintf(n->text + len, n->size - len, "%s%s", len ? ", " : "",
		       m->id);

	return false;
}

void nodes_names(struct members *members, bool live, char *buf, size_t size)
{
	struct names names = {.live = live, .text = buf, .size = size};

	buf[0] = '\0';
	member_apply(members, SY__MEMBER_KIND__NODE, add_name, &names);
}

struct page {
	const char *cursor;
	char state[32];       /* "": any */
	size_t limit, n;
	bool more;
	struct shown_node *nodev;
	const ProtobufCMessage **msgv;
};

static const char *state_name(Sy__MemberState state)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(
		&sy__member_state__descriptor, (int)state);

	return v ? v->name : "";
}

static bool on_member(const Sy__Member *m, void *arg)
{
	struct page *p = arg;

	if (*p->cursor && strcmp(m->id, p->cursor) <= 0)
		return false;
	if (*p->state && strcmp(p->state, state_name(m->state)))
		return false;

	if (p->n == p->limit) {
		p->more = true;
		return true;
	}
	node_from_member(&p->nodev[p->n], m);
	p->msgv[p->n] = &p->nodev[p->n].msg.base;
	p->n++;

	return false;
}

void api_nodes_list(struct api_req *a)
{
	char cursor[ROUTE_PARAM_SIZE];
	struct page p = {.cursor = cursor};

	if (!api_page(a, &p.limit, cursor, sizeof(cursor)) ||
	    !query_enum(a, "state", p.state, sizeof(p.state),
			&sy__member_state__descriptor))
		return;

	p.nodev = calloc(p.limit, sizeof(*p.nodev));
	p.msgv = calloc(p.limit, sizeof(*p.msgv));
	if (!p.nodev || !p.msgv) {
		api_reply_err(a, ENOMEM, "node");
		goto out;
	}

	member_apply(view_members(a->api->view), SY__MEMBER_KIND__NODE,
		     on_member, &p);
	api_reply_list(a, p.msgv, p.n,
		       p.more ? p.nodev[p.n - 1].msg.id : NULL);

out:
	free(p.nodev);
	free(p.msgv);
}

/* ------------------------------------------------------------------ drain */

struct draining {
	struct api_req *a;
	Sy__DrainNode msg;
};

static const Sy__Member *find_node(const struct api_req *a)
{
	const Sy__Member *m = member_find(view_members(a->api->view),
					  a->params.v[0]);

	return m && m->kind == SY__MEMBER_KIND__NODE ? m : NULL;
}

/* Its next heartbeat tells everybody; we know already. */
static void show_drain(struct shown_node *node, bool drain)
{
	node->msg.state = drain ? SY__MEMBER_STATE__DRAINING
				: SY__MEMBER_STATE__LIVE;
	if (!drain) {
		node->msg.drain_started_at = NULL;
	}
	else if (!node->msg.drain_started_at) {
		google__protobuf__timestamp__init(&node->drain);
		timestamp_set_ms(&node->drain, timestamp_now_ms());
		node->msg.drain_started_at = &node->drain;
	}
}

static void no_such_node(struct api_req *a)
{
	char names[NAMES_SIZE];

	nodes_names(view_members(a->api->view), false, names, sizeof(names));
	(void)problem(a->web, 404, "not-found",
		      "no such node: %s; there are: %s", a->params.v[0],
		      *names ? names : "none");
}

static void on_drained(const Sy__Result *res, void *arg)
{
	struct draining *d = arg;
	struct api_req *a = d->a;
	const Sy__Member *m = find_node(a);
	struct shown_node node;

	if (res->code != SY__RESULT_CODE__OK) {
		api_reply_result(a, res);
	}
	else if (!m) {
		no_such_node(a);
	}
	else {
		node_from_member(&node, m);
		show_drain(&node, d->msg.drain);
		api_reply(a, 202, &node.msg.base);
	}
	mem_deref(d);
	api_release(a);
}

static void set_drain(struct api_req *a, bool drain)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	struct draining *d;
	int err;

	if (!find_node(a)) {
		no_such_node(a);
		return;
	}

	d = mem_zalloc(sizeof(*d), NULL);
	if (!d) {
		api_reply_err(a, ENOMEM, "node");
		return;
	}

	d->a = a;
	sy__drain_node__init(&d->msg);
	d->msg.drain = drain;
	env.body_case = SY__ENVELOPE__BODY_DRAIN_NODE;
	env.drain_node = &d->msg;
	api_hold(a);
	err = bus_request_member(view_bus(a->api->view), a->params.v[0], &env,
				 0, on_drained, d);
	if (err) {
		api_reply_err(a, err, "node");
		mem_deref(d);
		api_release(a);
	}
}

void api_nodes_drain(struct api_req *a)
{
	set_drain(a, true);
}

void api_nodes_undrain(struct api_req *a)
{
	set_drain(a, false);
}

/* SPDX-License-Identifier: MIT */
/* /api/nodes: list, from the live table, so also without Redis; drain. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/nodes.h"

void node_from_member(Sy__Node *node, const Sy__Member *m)
{
	sy__node__init(node);
	node->id = m->id;
	node->state = m->state;
	node->version = m->version;
	node->started_at = m->started_at;
	node->address = m->address;
	if (m->load) {
		node->legs = m->load->legs;
		node->hubs = m->load->hubs;
		node->tick_used_percent = m->load->tick_used_percent;
		node->late_ticks = (uint32_t)m->load->late_ticks;
		node->shed = m->load->shed;
		node->moved = m->load->moved_total;
		node->move_failures = m->load->move_failures_total;
		node->adopted = m->load->adopted_total;
		node->lost_legs = m->load->lost_legs_total;
	}
}

struct page {
	const char *cursor;
	size_t limit, n;
	bool more;
	Sy__Node *nodev;
	const ProtobufCMessage **msgv;
};

static bool on_member(const Sy__Member *m, void *arg)
{
	struct page *p = arg;

	if (*p->cursor && strcmp(m->id, p->cursor) <= 0)
		return false;

	if (p->n == p->limit) {
		p->more = true;
		return true;
	}
	node_from_member(&p->nodev[p->n], m);
	p->msgv[p->n] = &p->nodev[p->n].base;
	p->n++;

	return false;
}

void api_nodes_list(struct api_req *a)
{
	char cursor[ROUTE_PARAM_SIZE];
	struct page p = {.cursor = cursor};

	if (!api_page(a, &p.limit, cursor, sizeof(cursor)))
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
		       p.more ? p.nodev[p.n - 1].id : NULL);

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

static void on_drained(const Sy__Result *res, void *arg)
{
	struct draining *d = arg;
	struct api_req *a = d->a;
	const Sy__Member *m = find_node(a);
	Sy__Node node;

	if (res->code != SY__RESULT_CODE__OK) {
		api_reply_result(a, res);
	}
	else if (!m) {
		api_reply_err(a, ENOENT, "node");
	}
	else {
		/* Its next heartbeat tells everybody; we know already. */
		node_from_member(&node, m);
		node.state = d->msg.drain ? SY__MEMBER_STATE__DRAINING
					  : SY__MEMBER_STATE__LIVE;
		api_reply(a, 202, &node.base);
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
		api_reply_err(a, ENOENT, "node");
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

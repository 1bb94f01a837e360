/* SPDX-License-Identifier: MIT */
/* GET /api/nodes: from the live table, so also without Redis. */

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
		node->late_ticks = m->load->late_ticks;
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

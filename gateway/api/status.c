/* SPDX-License-Identifier: MIT */
/*
 * GET /api/status: the cluster at a glance.  It is what one looks at when
 * something is wrong, so it always answers: without Redis from memory, with
 * "redis": false and the time when it was so.
 */

#include <errno.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/nodes.h"
#include "proto/store.h"

enum { MEMBERS_MAX = 256 }; /* shown, of each kind */

struct glance {
	struct api_req *a;
	Sy__Status st;
	struct shown_node nodev[MEMBERS_MAX];
	Sy__Node *nodepv[MEMBERS_MAX];
	Sy__Member *routerv[MEMBERS_MAX];
	Sy__Member *gatewayv[MEMBERS_MAX];
	Google__Protobuf__Timestamp as_of;
	uint32_t hubs;
	bool counted;  /* by Redis: it is there */
};

static bool on_node(const Sy__Member *m, void *arg)
{
	struct glance *g = arg;
	size_t i = g->st.n_nodes;

	if (i == MEMBERS_MAX)
		return true;

	node_from_member(&g->nodev[i], m);
	g->nodepv[i] = &g->nodev[i].msg;
	g->st.legs += g->nodev[i].msg.legs;
	g->hubs += g->nodev[i].msg.hubs;
	g->st.n_nodes++;

	return false;
}

static bool on_router(const Sy__Member *m, void *arg)
{
	struct glance *g = arg;

	if (g->st.n_routers == MEMBERS_MAX)
		return true;
	g->routerv[g->st.n_routers++] = (Sy__Member *)m;

	return false;
}

static bool on_gateway(const Sy__Member *m, void *arg)
{
	struct glance *g = arg;

	if (g->st.n_gateways == MEMBERS_MAX)
		return true;
	g->gatewayv[g->st.n_gateways++] = (Sy__Member *)m;

	return false;
}

/* The table is read in the turn that answers: its members are borrowed. */
static void answer(struct glance *g)
{
	struct view *view = g->a->api->view;
	const Sy__Config *conf = view_config(view);
	struct members *members = view_members(view);

	member_apply(members, SY__MEMBER_KIND__NODE, on_node, g);
	member_apply(members, SY__MEMBER_KIND__ROUTER, on_router, g);
	member_apply(members, SY__MEMBER_KIND__GATEWAY, on_gateway, g);
	g->st.nodes = g->nodepv;
	g->st.routers = g->routerv;
	g->st.gateways = g->gatewayv;
	g->st.version = SY_VERSION;
	g->st.redis = g->counted;
	if (!g->counted)
		g->st.registrations = view_registrations(view);
	if (!g->counted && view_seen_ms(view)) {
		google__protobuf__timestamp__init(&g->as_of);
		timestamp_set_ms(&g->as_of, view_seen_ms(view));
		g->st.as_of = &g->as_of;
	}
	g->st.config_revision = conf ? (uint32_t)conf->revision : 0;
	if (!g->counted)
		g->st.calls = g->hubs;

	api_reply(g->a, 200, &g->st.base);
	api_release(g->a);
	mem_deref(g);
}

static void on_regs(int err, uint64_t count, void *arg)
{
	struct glance *g = arg;

	g->counted = !err;
	if (!err)
		g->st.registrations = (uint32_t)count;
	answer(g);
}

static void on_hubs(int err, uint64_t count, void *arg)
{
	struct glance *g = arg;

	if (!err)
		g->st.calls = (uint32_t)count;
	if (err || store_reg_count(view_redis(g->a->api->view), on_regs, g))
		answer(g);
}

void api_status_get(struct api_req *a)
{
	struct glance *g = mem_zalloc(sizeof(*g), NULL);

	if (!g) {
		api_reply_err(a, ENOMEM, "status");
		return;
	}

	g->a = a;
	sy__status__init(&g->st);
	api_hold(a);
	if (!view_has_redis(a->api->view) ||
	    store_hub_count(view_redis(a->api->view), on_hubs, g))
		answer(g);
}

/* SPDX-License-Identifier: MIT */
/*
 * A gateway's view and API on the loop of a Redis fixture, two nodes that do
 * as they are told, and requests without a socket.
 */

#ifndef SY_TESTS_UNIT_GATEWAY_FAKE_H
#define SY_TESTS_UNIT_GATEWAY_FAKE_H

#include "redis_fixture.h"
#include "gateway/api/api.h"
#include "proto/config.h"
#include "proto/store.h"

enum { FAKE_NODES = 2, FAKE_SILENT = 999 };

#define FAKE_CALL "01ARZ3NDEKTSV4RRFFQ69G5FAV" /* what heirs get */

#define FAKE_CONFIG                                                           \
	"{\"settings\":{\"realm\":\"r\"},\"devices\":[{\"id\":\"1001\","      \
	"\"password\":\"a\"},{\"id\":\"1002\",\"password\":\"b\"}],"          \
	"\"trunks\":[{\"id\":\"loop\",\"target\":\"127.0.0.1:9\","            \
	"\"sources\":[\"127.0.0.9\"],\"enabled\":true}],\"routes\":["         \
	"{\"id\":\"a\",\"order\":1,\"pattern\":\"600\",\"target\":"           \
	"{\"echo\":true}},{\"id\":\"b\",\"order\":2,\"pattern\":\"601\","     \
	"\"target\":{\"conference\":\"lobby\"}},{\"id\":\"c\",\"order\":3,"   \
	"\"pattern\":\"7XX\",\"target\":{\"external\":{\"trunk\":\"loop\","   \
	"\"number\":\"$0\"}}},{\"id\":\"d\",\"order\":4,\"pattern\":"         \
	"\"10XX\",\"target\":{\"device\":\"$0\"},\"ringSeconds\":33}]}"

struct fake_world;

struct fake_node {
	struct fake_world *w;
	char id[16];
	struct bus *bus;
	struct members *members;
	int code;                 /* of its Results; FAKE_SILENT: none    */
	bool crowd;               /* its calls have three legs            */
	uint64_t drain_ms;        /* since when it drains; 0: it does not */
	struct fake_node *heir;   /* has the call by the time it answers  */
	unsigned commands;
	struct bus_request *silent; /* not answered                       */
	Sy__Envelope *last;       /* command as received                  */
};

struct fake_world {
	struct fixture *f;
	struct view *view;
	struct api api;
	struct fake_node nodev[FAKE_NODES];
	int stored;               /* answers of config_put, store_hub_put */
	uint32_t epoch;           /* of the call's record, as last put    */
};

static inline void fake_stored(int err, void *arg)
{
	struct fake_world *w = arg;

	assert_int_equal(err, 0);
	w->stored++;
}

/* ------------------------------------------------------------------ nodes */

/* Write a call's record; its owner is a process of that node. */
static inline void fake_put(struct fake_world *w, struct redis *r,
			    const char *id, const char *node,
			    uint32_t instance)
{
	Sy__Call call = SY__CALL__INIT;
	struct store_hub_put put = {
		.first = true,
		.hub = id,
		.epoch = ++w->epoch,
		.node = node,
		.instance = instance,
		.call = &call,
	};

	call.id = (char *)id;
	call.node = (char *)node;
	call.epoch = w->epoch;
	call.destination = "stored";
	w->stored = 0;
	assert_int_equal(store_hub_put(r, &put, fake_stored, w), 0);
}

static inline void fake_command(struct bus_request *req,
				const Sy__Envelope *env, void *arg)
{
	struct fake_node *n = arg;
	Sy__Result res = SY__RESULT__INIT;
	Sy__Call call = SY__CALL__INIT;
	Sy__Leg leg = SY__LEG__INIT, leg2 = leg, leg3 = leg;
	Sy__Leg *legv[] = {&leg3, &leg, &leg2};
	uint8_t *p = malloc(sy__envelope__get_packed_size(env));
	size_t len = sy__envelope__pack(env, p);

	if (n->last)
		sy__envelope__free_unpacked(n->last, NULL);
	n->last = sy__envelope__unpack(NULL, len, p);
	free(p);
	n->commands++;

	/* On the connection of the answer, so before it. */
	if (n->heir)
		fake_put(n->w, bus_redis(n->bus), FAKE_CALL, n->heir->id,
			 member_instance(n->heir->members));
	call.node = n->id;
	call.epoch = 1;
	call.destination = "live";
	leg.id = "01ARZ3NDEKTSV4RRFFQ69G5FAA";
	leg.mos = 4.2f;
	leg2.id = "01ARZ3NDEKTSV4RRFFQ69G5FAB";
	leg3.id = "01ARZ3NDEKTSV4RRFFQ69G5FAC";
	call.legs = n->crowd ? legv : legv + 1;
	call.n_legs = n->crowd ? 3 : 1;
	switch (env->body_case) {
	case SY__ENVELOPE__BODY_ORIGINATE:
		call.id = env->originate->hub;
		break;
	case SY__ENVELOPE__BODY_ADD_LEG:
		call.id = env->add_leg->call;
		res.leg = leg.id;
		break;
	case SY__ENVELOPE__BODY_UPDATE_LEG:
		call.id = env->update_leg->call;
		leg.id = env->update_leg->leg;
		leg.muted = env->update_leg->muted;
		break;
	case SY__ENVELOPE__BODY_MOVE_CALL:
		call.id = env->move_call->call;
		call.node = env->move_call->node;
		call.epoch = 7;
		break;
	default:
		break;
	}
	res.code = (Sy__ResultCode)n->code;
	if (!n->code)
		res.call = &call;
	if (n->code == FAKE_SILENT)
		n->silent = req;
	else
		bus_reply(req, &res);
}

/* Before each beat. */
static inline void fake_load(Sy__Member *self, void *arg)
{
	const struct fake_node *n = arg;

	self->state = n->drain_ms ? SY__MEMBER_STATE__DRAINING
				  : SY__MEMBER_STATE__LIVE;
	self->load->drain_started_ms = n->drain_ms;
	self->load->moved_total = 3;
	self->load->move_failures_total = 2;
	self->load->adopted_total = 4;
	self->load->lost_legs_total = 1;
}

static inline void fake_node_start(struct fake_world *w, unsigned i)
{
	struct fake_node *n = &w->nodev[i];
	Sy__Load load = SY__LOAD__INIT;
	Sy__Member self = SY__MEMBER__INIT;
	struct bus_conf bconf = {
		.loop = w->f->loop,
		.url = w->f->url,
		.id = n->id,
		.commandh = fake_command,
		.arg = n,
	};
	struct member_conf mconf = {
		.loop = w->f->loop,
		.self = &self,
		.loadh = fake_load,
		.arg = n,
	};

	n->w = w;
	(void)snprintf(n->id, sizeof(n->id), "node-%u", i + 1);
	assert_int_equal(bus_alloc(&n->bus, &bconf), 0);
	load.ports_free = 100;
	load.legs = 7;
	self.id = n->id;
	self.kind = SY__MEMBER_KIND__NODE;
	self.state = SY__MEMBER_STATE__LIVE;
	self.load = &load;
	mconf.bus = n->bus;
	assert_int_equal(member_alloc(&n->members, &mconf), 0);
}

static inline void fake_node_stop(struct fake_node *n)
{
	if (n->silent)
		bus_replyf(n->silent, SY__RESULT_CODE__INTERNAL, "late");
	n->silent = NULL;
	n->members = mem_deref(n->members);
	n->bus = mem_deref(n->bus);
	if (n->last)
		sy__envelope__free_unpacked(n->last, NULL);
	n->last = NULL;
}

/* ------------------------------------------------------------------ world */

static inline bool fake_is_ready(void *arg)
{
	struct fake_world *w = arg;
	struct members *m = view_members(w->view);

	return view_is_ready(w->view, NULL) && member_find(m, "node-1") &&
	       member_find(m, "node-2");
}

static inline bool fake_has_redis(void *arg)
{
	struct fake_world *w = arg;

	return view_has_redis(w->view);
}

static inline bool fake_is_free(void *arg)
{
	const struct fake_world *w = arg;

	return !w->api.held;
}

static inline void fake_config_put(int err, uint64_t revision, void *arg)
{
	struct fake_world *w = arg;

	assert_int_equal(err, 0);
	assert_true(revision > 0);
	w->stored++;
}

static inline void fake_start(struct fake_world *w, void **state)
{
	const char *addressv[] = {"http:127.0.0.1:1"};
	struct view_conf vconf = {
		.id = "gateway-1",
		.addressv = addressv,
		.addressc = 1,
	};
	char errbuf[256] = "";
	Sy__Config *conf;

	memset(w, 0, sizeof(*w));
	w->f = *state;
	vconf.loop = w->f->loop;
	vconf.redis_url = w->f->url;
	assert_int_equal(view_alloc(&w->view, &vconf), 0);
	assert_int_equal(api_init(&w->api, w->view, "sesame"), 0);
	view_listening(w->view);
	for (unsigned i = 0; i < FAKE_NODES; i++)
		fake_node_start(w, i);

	run_until(w->f, fake_has_redis, w);
	if (config_read(&conf, "test", FAKE_CONFIG, strlen(FAKE_CONFIG),
			errbuf, sizeof(errbuf)))
		fail_msg("%s", errbuf);
	assert_int_equal(config_put(view_redis(w->view), conf, 0,
				    fake_config_put, w), 0);
	sy__config__free_unpacked(conf, NULL);
	run_until(w->f, fake_is_ready, w);
}

static inline void fake_stop(struct fake_world *w)
{
	for (unsigned i = 0; i < FAKE_NODES; i++)
		fake_node_stop(&w->nodev[i]);
	mem_deref(w->view);
	api_close(&w->api);
}

/* A call's record in Redis, owned by a node; by a process that is not there,
 * if the node is none of ours. */
static inline void fake_call(struct fake_world *w, const char *id,
			     const char *node)
{
	uint32_t instance = 5;

	for (unsigned i = 0; i < FAKE_NODES; i++) {
		if (!strcmp(w->nodev[i].id, node))
			instance = member_instance(w->nodev[i].members);
	}
	fake_put(w, view_redis(w->view), id, node, instance);
	run_until(w->f, is_nonzero, &w->stored);
}

/* ---------------------------------------------------------------- requests */

struct fake_answer {
	unsigned status;
	char body[8192];
	char location[128];
	char retry[16];
};

static inline bool fake_ended(void *arg)
{
	const struct web_req *req = arg;

	return req->res.ended;
}

static inline void fake_ask(struct fake_world *w, struct fake_answer *ans,
			    const char *method, const char *target,
			    const char *json)
{
	struct web_req *req;
	const char *str;
	size_t n;

	assert_int_equal(web_req_alloc(&req, NULL), 0);
	assert_int_equal(web_req_target(req, method, strlen(method), target,
					strlen(target)), 0);
	assert_int_equal(fields_addf(&req->head, "authorization",
				     "Bearer sesame"), 0);
	if (json) {
		assert_int_equal(fields_addf(&req->head, "content-type",
					     "application/json"), 0);
		assert_int_equal(web_req_body(req, (const uint8_t *)json,
					      strlen(json), 1 << 20), 0);
	}
	api_head(req, &w->api);
	if (!req->res.status)
		api_request(req, &w->api);
	run_until(w->f, fake_ended, req);

	memset(ans, 0, sizeof(*ans));
	ans->status = req->res.status;
	n = web_res_pull(req, (uint8_t *)ans->body, sizeof(ans->body) - 1);
	ans->body[n] = '\0';
	str = fields_get(&req->res.head, "location");
	(void)snprintf(ans->location, sizeof(ans->location), "%s",
		       str ? str : "");
	str = fields_get(&req->res.head, "retry-after");
	(void)snprintf(ans->retry, sizeof(ans->retry), "%s", str ? str : "");
	mem_deref(req);
}

#define has(ans, text)                                                        \
	do {                                                                  \
		if (!strstr((ans).body, text))                                \
			fail_msg("no '%s' in %s", text, (ans).body);          \
	} while (0)

#endif

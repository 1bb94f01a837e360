/* SPDX-License-Identifier: MIT */
/*
 * A thread of the router: its transports, its view of the cluster (bus,
 * members, configuration), its tables.  Thread 0 also beats.
 */

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "proto/log.h"
#include "router/cache.h"
#include "router/certs.h"
#include "router/core.h"
#include "router/courier.h"
#include "router/domain.h"
#include "router/guard_share.h"
#include "router/keep.h"
#include "router/lapse.h"
#include "router/message.h"
#include "router/pending.h"
#include "router/qualify.h"
#include "router/seek.h"
#include "router/tracer.h"
#include "router/target.h"
#include "router/subs.h"
#include "router/trunk_mark.h"
#include "router/trials.h"
#include "router/trunks.h"
#include "router/uac.h"
#include "router/wire_impl.h"

enum {
	TICK_MS = 1000,
	TICK_FAST_MS = 10,  /* until we serve                          */
	SERVE_MS = 2000,    /* what comes waits in the sockets so long
			       for Redis, the configuration and nodes  */
	ADDRESSES_MAX = WIRE_PORTS_MAX,
	ADDRESS_LEN = WIRE_ADV_LEN + 8,
};

static void destructor(void *arg)
{
	struct worker *w = arg;

	tmr_cancel(&w->tick);
	w->subs = mem_deref(w->subs);
	mem_deref(w->trials);
	mem_deref(w->trunks);
	mem_deref(w->qualify);
	mem_deref(w->marks);
	mem_deref(w->members);
	mem_deref(w->keep);
	mem_deref(w->config);
	guard_share_stop(w);
	w->domains = mem_deref(w->domains);
	mem_deref(w->bus);
	mem_deref(w->couriers);
	mem_deref(w->uacs);
	mem_deref(w->pendings);
	mem_deref(w->seeks);
	mem_deref(w->cache);
	mem_deref(w->wire);
	mem_deref(w->locate);
	mem_deref(w->attempts);
	mem_deref(w->loop);
}

static void redis_state(bool up, int err, void *arg)
{
	struct worker *w = arg;

	if (up && w->met)
		w->back_ms = wire_now_ms();
	w->met = w->met || up;
	if (up)
		keep_redis_up(w->keep);
	if (up)
		trunks_redis_up(w->trunks);
	if (up)
		qualify_redis_up(w->qualify);
	if (up)
		guard_share_redis_up(w);
	if (w->index)
		return;
	if (up)
		subs_again(w->subs);
	if (up)
		log_info("redis connected", LOG_S("id", w->router->conf.id));
	else
		log_warn("redis lost", LOG_E(err));
}

static void load(Sy__Member *self, void *arg)
{
	struct worker *w = arg;

	self->state = config_get(w->config) ? SY__MEMBER_STATE__LIVE
					    : SY__MEMBER_STATE__STARTING;
}

static bool has(const uint32_t *v, uint32_t n, uint32_t max, uint32_t instance)
{
	if (n > max)
		n = max;
	for (uint32_t i = 0; i < n; i++) {
		if (v[i] == instance)
			return true;
	}

	return false;
}

static bool count(const Sy__Member *m, void *arg)
{
	(void)m;
	++*(uint32_t *)arg;

	return false;
}

static void tell_members(const struct worker *w)
{
	uint32_t routers = 0, nodes = 0;

	member_apply(w->members, SY__MEMBER_KIND__ROUTER, count, &routers);
	member_apply(w->members, SY__MEMBER_KIND__NODE, count, &nodes);
	stat_members(w->index, STAT_ROUTERS, routers);
	stat_members(w->index, STAT_NODES, nodes);
}

/* Who went may come back under the same instance: it was paused, or cut off.
 * The ring remembers the last ones that went. */
static void changed(const Sy__Member *m, bool gone, void *arg)
{
	struct worker *w = arg;

	guard_share_members(w);
	if (m->kind == SY__MEMBER_KIND__ROUTER)
		domain_members(w);
	subs_member(w->subs, m, gone);
	if (gone && m->kind == SY__MEMBER_KIND__ROUTER)
		qualify_router_gone(w->qualify);
	if (m->kind != SY__MEMBER_KIND__NODE)
		return;
	if (gone) {
		w->gonev[w->gonec++ % WORKER_GONE_MAX] = m->instance;
		return;
	}
	if (has(w->gonev, w->gonec, WORKER_GONE_MAX, m->instance) &&
	    !has(w->fallenv, w->fallenc, WORKER_FALLEN_MAX, m->instance))
		w->fallenv[w->fallenc++ % WORKER_FALLEN_MAX] = m->instance;
}

const Sy__Member *worker_node(const struct worker *w, uint32_t instance)
{
	const Sy__Member *m = member_by_instance(w->members, instance);

	if (!m || m->kind != SY__MEMBER_KIND__NODE ||
	    has(w->fallenv, w->fallenc, WORKER_FALLEN_MAX, instance))
		return NULL;

	return m;
}

static int join(struct worker *w)
{
	Sy__Member self = SY__MEMBER__INIT;
	Google__Protobuf__Timestamp started =
		GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	const struct wire_set *set = &w->router->wires;
	char text[ADDRESSES_MAX][ADDRESS_LEN], *addrv[ADDRESSES_MAX];
	char pub[ADDRESSES_MAX][ADDRESS_LEN], *pubv[ADDRESSES_MAX];
	struct member_conf conf = {
		.loop = w->loop,
		.bus = w->bus,
		.loadh = load,
		.changeh = changed,
		.arg = w,
	};

	if (w->index)
		return member_alloc(&w->members, &conf);

	for (size_t i = 0; i < set->portc; i++) {
		const struct wire_port *p = &set->portv[i];

		(void)re_snprintf(text[i], sizeof(text[i]), "%s:%s",
				  wire_kind_name(p->kind), p->adv);
		addrv[i] = text[i];
		if (p->publen) {
			char *s = pub[self.n_public_addresses];

			(void)re_snprintf(s, sizeof(pub[0]), "%s:%s",
					  wire_kind_name(p->kind), p->pub);
			pubv[self.n_public_addresses++] = s;
		}
		if (p->kind == WIRE_UDP && !self.address[0])
			self.address = (char *)(uintptr_t)p->adv;
	}
	timestamp_set_ms(&started, timestamp_now_ms());
	self.id = (char *)(uintptr_t)w->router->conf.id;
	self.kind = SY__MEMBER_KIND__ROUTER;
	self.state = SY__MEMBER_STATE__STARTING;
	self.version = (char *)(uintptr_t)SY_VERSION;
	self.started_at = &started;
	self.addresses = addrv;
	self.n_addresses = set->portc;
	self.public_addresses = pubv;
	self.pid = (uint32_t)getpid();
	conf.self = &self;

	return member_alloc(&w->members, &conf);
}

static void config_loaded(const Sy__Config *conf, void *arg)
{
	struct worker *w = arg;

	guard_share_configure(w, conf);
	w->marks = mem_deref(w->marks);
	if (trunk_marks_alloc(&w->marks, w->router->key, conf))
		log_error("trunks that register are not known",
			  LOG_E(ENOMEM));
	trunks_config(w->trunks, conf);
	qualify_config(w->qualify, conf);
	guard_share_members(w);
	if (!w->index && w->members)
		member_beat(w->members); /* ready now */
}

static bool knows_enough(const struct worker *w)
{
	return bus_is_up(w->bus) && config_get(w->config) &&
	       w->router->wires.instance && member_is_ready(w->members) &&
	       member_redis_is_well(w->members);
}

bool router_is_ready(const struct worker *w)
{
	return w->wire && !w->router->leaving && knows_enough(w);
}

/* Who was just started knows nothing yet: what was sent to its predecessor,
 * and is sent to it now, is better dealt with a little later. */
static int serve(struct worker *w)
{
	const struct wire_conf conf = {
		.set = &w->router->wires,
		.thread = w->index,
		.tcp_max = w->router->conf.tcp_max,
		.tcp_idle_s = w->router->conf.tcp_idle_s,
		.coalesce_us = w->router->conf.coalesce_us,
		.stats = &w->stats,
		.recvh = worker_receive,
		.senth = trace_sent,
		.sentarg = &w->trace,
		.reachh = target_reached,
		.arg = w,
	};

	if (!knows_enough(w) && wire_now_ms() < w->serve_ms)
		return 0;

	return wire_alloc(&w->wire, &conf);
}

static void tick(void *arg)
{
	struct worker *w = arg;
	struct wire_set *set = &w->router->wires;
	int err;

	if (!w->index)
		set->instance = member_instance(w->members);
	if (!w->wire) {
		if (set->stopping) { /* nobody wakes us but this */
			re_cancel();
			return;
		}
		err = serve(w);
		if (err) {
			log_error("cannot serve", LOG_E(err));
			re_cancel();
			return;
		}
	}
	if (!w->index && set->certs)
		certs_check(set->certs, wire_now_ms(),
			  atomic_exchange(&w->router->reload, false));
	if (w->wire) {
		wire_tick(w->wire);
		keep_tick(w->keep);
	}
	if (w->wire && !w->index)
		lapse_tick(w);
	stat_publish(&w->stats);
	trace_stat_publish(&w->trace.stat);
	tell_members(w);
	stat_gauges(w->index, pendings_count(w->pendings),
		    w->wire ? wire_connections(w->wire) : 0);
	tmr_start(&w->tick, w->wire && set->instance ? TICK_MS : TICK_FAST_MS,
		  tick, w);
}

/* What others ask of this router; on thread 0. */
static void command(struct bus_request *req, const Sy__Envelope *env,
		    void *arg)
{
	struct worker *w = arg;

	if (env->body_case == SY__ENVELOPE__BODY_TEST_TRUNK && env->test_trunk)
		trials_start(w->trials, req, env->test_trunk);
	else if (env->body_case == SY__ENVELOPE__BODY_BRING_MESSAGE &&
		 env->bring_message)
		message_bring(w, req, env->bring_message);
	else
		bus_replyf(req, SY__RESULT_CODE__BAD_REQUEST,
			   "a router does not do this");
}

static int start(struct worker *w)
{
	struct bus_conf bus = {
		.url = w->router->conf.redis,
		.stateh = redis_state,
		.arg = w,
		.quiet = w->index != 0,
	};
	int err;

	err = cache_alloc(&w->cache);
	err |= pendings_alloc(&w->pendings, w->router->conf.pending_max);
	err |= seek_alloc(&w->seeks, w);
	err |= uacs_alloc(&w->uacs, w);
	err |= couriers_alloc(&w->couriers, w);
	if (!w->index)
		err |= trunks_alloc(&w->trunks, w) |
		       trials_alloc(&w->trials, w) |
		       qualify_alloc(&w->qualify, w);
	if (err)
		return ENOMEM;
	err = target_start(w, w->router->conf.dns);
	if (!err)
		err = loop_re_alloc(&w->loop);
	if (err)
		return err;
	bus.loop = w->loop;
	if (!w->index) {
		bus.id = w->router->conf.id;
		bus.commandh = command;
	}
	err = bus_alloc(&w->bus, &bus);
	if (!err)
		err = guard_share_start(w);
	if (!err)
		err = config_alloc(&w->config, w->loop, w->bus, config_loaded,
				   w);
	if (!err) {
		const struct keep_conf keep = {
			.bus = w->bus,
			.config = w->config,
			.max = KEEP_MAX / w->router->conf.threads,
		};

		err = keep_alloc(&w->keep, &keep);
	}
	if (!err)
		err = join(w);
	if (!err && !w->index)
		err = subs_alloc(&w->subs, w);

	return err;
}

int worker_alloc(struct worker **wp, struct router *r, unsigned index)
{
	struct worker *w = mem_zalloc(sizeof(*w), destructor);
	int err;

	if (!w)
		return ENOMEM;
	w->router = r;
	w->index = index;
	w->serve_ms = wire_now_ms() + SERVE_MS;
	w->trace.tracer = r->tracer;
	w->trace.ring = tracer_ring(r->tracer, index);
	tmr_init(&w->tick);
	err = start(w);
	if (err) {
		mem_deref(w);
		return err;
	}
	tmr_start(&w->tick, TICK_FAST_MS, tick, w);
	*wp = w;

	return 0;
}

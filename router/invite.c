/* SPDX-License-Identifier: MIT */
/*
 * Placing an initial INVITE.
 *
 *   known source? --> dial plan --> store_place() --fresh--> PlaceHub --ok--+
 *        |               |             ^    \                   |           |
 *       407             404            |     placed before      | refused   |
 *                                      +--- not that node <-----+           v
 *                                      three times, then 503         forwarded
 *
 * Any router gives the same answer to the same INVITE, for the record of
 * the placement decides; this thread's cache only saves the question.
 */

#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "proto/dialplan.h"
#include "proto/log.h"
#include "proto/store.h"
#include "router/answer.h"
#include "router/auth.h"
#include "router/cache.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/invite.h"
#include "router/pending.h"
#include "router/wire_impl.h"

enum { TRIES = 3, NAME_MAX_LEN = 128, DIALPLAN_CODECS = 16 };

/* An INVITE that is being placed. */
struct placing {
	struct pending *p;   /* owns this                          */
	uint8_t key[CACHE_KEY_BYTES];
	char *call_id;
	char *room;          /* NULL: a hub of its own             */
	uint8_t *packed;     /* PlaceHub but for hub, epoch, leg   */
	size_t packedlen;
	uint32_t leg;
	unsigned tries;
	struct store_place pl;
};

static void destructor(void *arg)
{
	struct placing *pg = arg;

	mem_deref(pg->call_id);
	mem_deref(pg->room);
	free(pg->packed);
}

/* What an INVITE and its CANCEL share, and nobody else knows. */
static void make_key(uint8_t key[CACHE_KEY_BYTES], const struct msg *m)
{
	uint8_t mac[32];
	char ctx[2048];
	size_t n;

	n = msg_branch_ctx(ctx, sizeof(ctx), m->v, &m->v->via);
	token_mac(mac, m->w->router->key, 'K', ctx, n);
	memcpy(key, mac, CACHE_KEY_BYTES);
}

static int place_token(struct token *tok, const struct store_place *pl)
{
	tok->kind = TOKEN_BRANCH;
	tok->instance = pl->instance;
	tok->leg = pl->leg;
	tok->epoch = pl->epoch;

	return ulid_read(tok->hub, pl->hub, strlen(pl->hub));
}

/* ------------------------------------------------------------- placing */

static void place(struct placing *pg, const char *not_node,
		  uint32_t not_instance);

static void finish(struct placing *pg)
{
	pending_end(pg->p); /* frees pg */
}

static void fail(struct placing *pg)
{
	struct worker *w = pg->p->w;

	stat_inc(&w->stats, STAT_PLACE_FAILED);
	if (pg->pl.fresh && bus_is_up(w->bus))
		(void)store_place_drop(bus_redis(w->bus), pg->call_id,
				       pg->pl.hub);
	answer_later(&pg->p->m, NULL);
	finish(pg);
}

static void go_on(struct placing *pg)
{
	struct worker *w = pg->p->w;
	const Sy__Member *node = member_by_instance(w->members,
						    pg->pl.instance);
	struct token tok;

	if (!node || place_token(&tok, &pg->pl)) {
		fail(pg);
		return;
	}
	stat_inc(&w->stats, STAT_PLACED);
	cache_put(w->cache, pg->key, &tok, wire_now_ms());
	forward_to_node(&pg->p->m, &tok, node, true);
	finish(pg);
}

static void again(struct placing *pg)
{
	struct store_place pl = pg->pl;

	if (++pg->tries == TRIES) {
		fail(pg);
		return;
	}
	stat_inc(&pg->p->w->stats, STAT_PLACE_AGAIN);
	place(pg, pl.node, pl.instance);
}

static void hub_placed(const Sy__Result *res, void *arg)
{
	struct placing *pg = arg;

	pending_resume(pg->p);
	log_debug("hub placed", LOG_S("call", pg->pl.hub),
		  LOG_S("node", pg->pl.node), LOG_U("result", res->code));
	switch (res->code) {
	case SY__RESULT_CODE__OK:
		go_on(pg);
		break;
	case SY__RESULT_CODE__NO_SUBSCRIBER:
	case SY__RESULT_CODE__UNAVAILABLE:
	case SY__RESULT_CODE__TIMED_OUT:
		again(pg);
		break;
	case SY__RESULT_CODE__NOT_FOUND:
		answer(&pg->p->m, 404, NULL, NULL);
		finish(pg);
		break;
	default:
		answer(&pg->p->m, 500, NULL, NULL);
		finish(pg);
		break;
	}
}

static int send_place_hub(struct placing *pg)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__PlaceHub *ph;
	int err;
	char *hub;

	ph = sy__place_hub__unpack(NULL, pg->packedlen, pg->packed);
	if (!ph)
		return ENOMEM;
	hub = ph->hub;
	ph->hub = pg->pl.hub;
	ph->epoch = pg->pl.epoch;
	ph->leg_ref = pg->pl.leg;
	env.body_case = SY__ENVELOPE__BODY_PLACE_HUB;
	env.place_hub = ph;
	err = bus_request_member(pg->p->w->bus, pg->pl.node, &env, 0,
				 hub_placed, pg);
	ph->hub = hub;
	sy__place_hub__free_unpacked(ph, NULL);

	return err;
}

static void stored(int err, const struct store_place *pl, void *arg)
{
	struct placing *pg = arg;

	pending_resume(pg->p);
	if (err) {
		pg->pl.fresh = false;
		fail(pg);
		return;
	}
	pg->pl = *pl;
	if (!member_by_instance(pg->p->w->members, pl->instance))
		again(pg);
	else if (!pl->fresh)
		go_on(pg);
	else if (send_place_hub(pg))
		fail(pg);
}

static void place(struct placing *pg, const char *not_node,
		  uint32_t not_instance)
{
	struct worker *w = pg->p->w;
	const Sy__Member *node = member_place(w->members, not_node);
	char hub[ULID_LEN + 1];
	struct store_place_req req = {
		.call_id = pg->call_id,
		.room = pg->room,
		.hub = hub,
		.leg = pg->leg,
		.not_node = not_node,
		.not_instance = not_instance,
	};

	if (!node || !bus_is_up(w->bus)) {
		fail(pg);
		return;
	}
	ulid_make(hub);
	req.node = node->id;
	req.instance = node->instance;
	if (store_place(bus_redis(w->bus), &req, stored, pg))
		fail(pg);
}

/* ------------------------------------------------------- what is called */

/* Who calls, and what. */
struct call {
	Sy__Source src;
	char caller[NAME_MAX_LEN];
	char name[NAME_MAX_LEN];
	char number[NAME_MAX_LEN];
	char **codecv;
	size_t codecc;
};

static uint32_t leg_reference(const struct msg *m)
{
	uint8_t mac[32];

	token_mac(mac, m->w->router->key, 'L', m->v->call_id.p,
		  m->v->call_id.l);

	return (uint32_t)mac[0] << 24 | (uint32_t)mac[1] << 16 |
	       (uint32_t)mac[2] << 8 | mac[3];
}

static int pack(struct placing *pg, struct msg *m, const struct call *c,
		struct dialplan_match *match)
{
	Sy__PlaceHub ph = SY__PLACE_HUB__INIT;
	Sy__Source src = c->src;

	ph.destination = &match->dest;
	ph.source = &src;
	ph.call_id = pg->call_id;
	ph.caller = (char *)(uintptr_t)c->caller;
	ph.caller_name = (char *)(uintptr_t)c->name;
	ph.called = (char *)(uintptr_t)c->number;
	ph.ring_seconds = match->ring_seconds;
	ph.router = (char *)(uintptr_t)m->w->router->conf.id;
	ph.codecs = c->codecv;
	ph.n_codecs = c->codecc;
	pg->packed = malloc(sy__place_hub__get_packed_size(&ph));
	if (!pg->packed)
		return ENOMEM;
	pg->packedlen = sy__place_hub__pack(&ph, pg->packed);

	return 0;
}

static void start(struct msg *m, const struct call *c,
		  struct dialplan_match *match)
{
	struct placing *pg;
	int err;

	pg = mem_zalloc(sizeof(*pg), destructor);
	if (!pg) {
		answer_later(m, NULL);
		return;
	}
	make_key(pg->key, m);
	pg->leg = leg_reference(m);
	err = pl_strdup(&pg->call_id, &m->v->call_id);
	if (!err && match->dest.kind_case ==
			    SY__DESTINATION__KIND_CONFERENCE)
		err = str_dup(&pg->room, match->dest.conference);
	if (!err)
		err = pack(pg, m, c, match);
	if (!err)
		err = pending_hold(&pg->p, m);
	if (err) {
		answer_later(m, NULL);
		mem_deref(pg);
		return;
	}
	pg->p->state = pg;
	place(pg, NULL, 0);
}

/* User part of a URI, without its parameters, unescaped. */
static int user_of(char *buf, size_t size, const struct pl *uri)
{
	struct view_uri u;
	const char *semi;

	buf[0] = 0;
	if (view_uri_read(&u, uri) || !u.user.l)
		return ENOENT;
	semi = memchr(u.user.p, ';', u.user.l);
	if (semi)
		u.user.l = (size_t)(semi - u.user.p);

	return view_unescape(buf, size, &u.user) > 0 ? 0 : ENOENT;
}

/* A display name without its quoting; only what is plain text. */
static void name_of(char *buf, size_t size, const struct pl *dname)
{
	size_t n = 0;

	for (size_t i = 0; i < dname->l && n + 1 < size; i++) {
		if (dname->p[i] == '\\' && i + 1 < dname->l)
			++i;
		if ((unsigned char)dname->p[i] >= ' ')
			buf[n++] = dname->p[i];
	}
	buf[n] = 0;
}

/* @return false: answered */
static bool identify(struct msg *m, struct call *c)
{
	const Sy__Device *dev;
	const Sy__Trunk *trunk = NULL;

	sy__source__init(&c->src);
	if (!view_first(m->v, VIEW_PROXY_AUTHORIZATION))
		trunk = config_trunk_by_source(m->w->config, &m->from.peer);
	if (user_of(c->caller, sizeof(c->caller), &m->v->from.uri))
		strcpy(c->caller, trunk ? "anonymous" : "");
	name_of(c->name, sizeof(c->name), &m->v->from.dname);

	if (trunk) {
		c->src.kind_case = SY__SOURCE__KIND_TRUNK;
		c->src.trunk = trunk->id;
		c->codecv = trunk->codecs;
		c->codecc = trunk->n_codecs;
		return true;
	}
	dev = auth_device(m, c->caller);
	if (!dev)
		return false;
	c->src.kind_case = SY__SOURCE__KIND_DEVICE;
	c->src.device = dev->id;
	c->codecv = dev->codecs;
	c->codecc = dev->n_codecs;
	if (!c->name[0] && dev->display_name)
		str_ncpy(c->name, dev->display_name, sizeof(c->name));

	return true;
}

/* @return false: answered */
static bool route(struct msg *m, struct call *c, struct dialplan_match *match)
{
	const Sy__Config *conf = config_get(m->w->config);

	if (user_of(c->number, sizeof(c->number), &m->v->uri) ||
	    dialplan_find(match, conf, c->number, &c->src)) {
		answer(m, 404, NULL, NULL);
		return false;
	}
	if (match->dest.kind_case == SY__DESTINATION__KIND_DEVICE &&
	    !config_device(m->w->config, match->dest.device,
			   strlen(match->dest.device))) {
		answer(m, 404, NULL, NULL);
		return false;
	}

	return true;
}

/* Placed a moment ago, and its node lives: a retransmission. */
static bool cached(struct msg *m, bool record_route)
{
	uint8_t key[CACHE_KEY_BYTES];
	const Sy__Member *node;
	struct token tok;

	make_key(key, m);
	if (!cache_get(m->w->cache, key, &tok, wire_now_ms()))
		return false;
	node = member_by_instance(m->w->members, tok.instance);
	if (!node)
		return false;
	stat_inc(&m->w->stats, STAT_PLACE_CACHED);
	forward_to_node(m, &tok, node, record_route);

	return true;
}

void invite_handle(struct msg *m)
{
	struct dialplan_match match;
	struct call c;

	if (!m->v->max_forwards) {
		answer(m, 483, NULL, NULL);
		return;
	}
	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	if (!config_get(m->w->config)) {
		answer_later(m, NULL);
		return;
	}
	memset(&c, 0, sizeof(c));
	if (!identify(m, &c) || !route(m, &c, &match))
		return;
	if (!cached(m, true))
		start(m, &c, &match);
}

/* --------------------------------------------------------------- CANCEL */

static void cancel_found(int err, const struct store_place *pl, void *arg)
{
	struct pending *p = arg;
	struct token tok;

	pending_resume(p);
	if (err == ENOENT || (!err && place_token(&tok, pl)))
		answer(&p->m, 481, NULL, NULL);
	else if (err)
		answer_later(&p->m, NULL);
	else
		forward_to_owner(&p->m, &tok);
	pending_end(p);
}

void invite_cancel(struct msg *m)
{
	struct pending *p;
	char *call_id;
	int err;

	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	if (pending_cancel(m) || cached(m, false))
		return;

	err = bus_is_up(m->w->bus) ? pending_hold(&p, m) : ENOTCONN;
	if (err) {
		answer_later(m, NULL);
		return;
	}
	err = pl_strdup(&call_id, &m->v->call_id);
	if (!err) {
		err = store_place_get(bus_redis(m->w->bus), call_id,
				      cancel_found, p);
		mem_deref(call_id);
	}
	if (err) {
		answer_later(m, NULL);
		pending_end(p);
	}
}

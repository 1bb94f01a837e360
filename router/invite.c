/* SPDX-License-Identifier: MIT */
/*
 * An initial INVITE, and its CANCEL.
 *
 *   known source? --> dial plan --> placed a moment ago? --> placing.c
 *        |               |             | (this thread's cache)
 *       407             404         forwarded
 */

#include <string.h>
#include <re.h>
#include "proto/costly.h"
#include "proto/dialplan.h"
#include "proto/store.h"
#include "router/answer.h"
#include "router/auth.h"
#include "router/cache.h"
#include "router/caller.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/guard_share.h"
#include "router/invite.h"
#include "router/orphan.h"
#include "router/placing.h"
#include "router/replaces.h"
#include "router/toll.h"
#include "router/trunk_mark.h"
#include "router/wire_impl.h"

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

/* ------------------------------------------------------- what is called */

/* Who calls, and what. */
struct call {
	Sy__Source src;
	const Sy__Device *dev;     /* NULL: a trunk calls     */
	const Sy__Trunk *trunk;    /* that it comes by, or NULL */
	struct caller who;
	char number[NUMBER_SIZE];  /* called */
	struct costly costly;
	bool counts;               /* as a costly call */
	const struct pl *replaces; /* NULL: a call of its own */
	uint8_t hub[ULID_BYTES];   /* ... else that of whom it replaces */
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

static void fill(Sy__PlaceHub *ph, const struct msg *m, const struct call *c)
{
	ph->caller = (char *)(uintptr_t)c->who.number;
	ph->caller_name = (char *)(uintptr_t)c->who.name;
	ph->private_ = c->who.private;
	ph->called = (char *)(uintptr_t)c->number;
	ph->router = (char *)(uintptr_t)m->w->router->conf.id;
	ph->codecs = c->codecv;
	ph->n_codecs = c->codecc;
}

/* Whose group is picked up from is told by the caller, not by the number. */
static void pickup_group(char *buf, size_t size, const struct msg *m,
			 const struct call *c, struct dialplan_match *match)
{
	const Sy__Device *dev = NULL;

	if (strcmp(match->dest.pickup, "group"))
		return;
	if (c->src.kind_case == SY__SOURCE__KIND_DEVICE)
		dev = config_device(m->w->config, c->src.device,
				    strlen(c->src.device));
	(void)re_snprintf(buf, size, "group:%s", dev ? dev->pickup_group : "");
	match->dest.pickup = buf;
}

static void start(struct msg *m, const struct call *c,
		  struct dialplan_match *match)
{
	char room[2 * NUMBER_SIZE], group[NUMBER_SIZE];
	Sy__PlaceHub ph = SY__PLACE_HUB__INIT;
	Sy__Source src = c->src;
	struct placing_conf conf = {
		.hub = &ph,
		.leg = leg_reference(m),
		.costly = c->counts ? &c->costly : NULL,
	};
	Sy__Toll toll = SY__TOLL__INIT;
	char *call_id = NULL, *replaces = NULL;

	if (pl_strdup(&call_id, &m->v->call_id) ||
	    (c->replaces && pl_strdup(&replaces, c->replaces))) {
		answer_later(m, NULL);
		goto out;
	}
	make_key(conf.key, m);
	if (replaces) {
		conf.known = c->hub;
		ph.replaces = replaces;
	} else {
		ph.destination = &match->dest;
		ph.ring_seconds = match->ring_seconds;
		if (match->dest.kind_case == SY__DESTINATION__KIND_PICKUP)
			pickup_group(group, sizeof(group), m, c, match);
		if (dialplan_room(room, sizeof(room), &match->dest))
			conf.room = room;
	}
	ph.source = &src;
	ph.call_id = call_id;
	if (c->counts) {
		toll.account = (char *)(uintptr_t)c->costly.account;
		toll.call = call_id;
		ph.toll = &toll;
	}
	fill(&ph, m, c);
	placing_start(m, &conf);

out:
	mem_deref(replaces);
	mem_deref(call_id);
}

/* @return false: answered */
static bool identify(struct msg *m, struct call *c)
{
	const Sy__Device *dev;
	const Sy__Trunk *trunk = NULL;

	sy__source__init(&c->src);
	if (!view_first(m->v, VIEW_PROXY_AUTHORIZATION))
		trunk = trunk_of(m);
	caller_read(&c->who, m->v, trunk);
	if (trunk) {
		if (!c->who.number[0])
			strcpy(c->who.number, "anonymous");
		c->trunk = trunk;
		c->src.kind_case = SY__SOURCE__KIND_TRUNK;
		c->src.trunk = trunk->id;
		c->codecv = trunk->codecs;
		c->codecc = trunk->n_codecs;
		return true;
	}
	dev = auth_device(m, c->who.private && !c->who.number[0]
				     ? NULL
				     : c->who.number);
	if (!dev)
		return false;
	c->dev = dev;
	str_ncpy(c->who.number, dev->id, sizeof(c->who.number));
	c->src.kind_case = SY__SOURCE__KIND_DEVICE;
	c->src.device = dev->id;
	c->codecv = dev->codecs;
	c->codecc = dev->n_codecs;
	if (!c->who.name[0] && dev->display_name)
		str_ncpy(c->who.name, dev->display_name,
			 sizeof(c->who.name));

	return true;
}

/* @return false: answered */
static bool route(struct msg *m, struct call *c, struct dialplan_match *match)
{
	const Sy__Config *conf = config_get(m->w->config);

	if (caller_user(c->number, sizeof(c->number), trunk_called(m)) ||
	    (c->trunk &&
	     number_called_in(c->number, c->trunk, c->number)) ||
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
	switch (costly_check(&c->costly, m->w->config, &match->dest, &c->src)) {
	case COSTLY_DENIED:
		toll_refuse(m, c->costly.account, COSTLY_NO_PERMISSION);
		return false;
	case COSTLY_COUNT:
		c->counts = true;
		return true;
	case COSTLY_FREE:
	default:
		return true;
	}
}

/* Whom it replaces decides where it goes, whatever it has dialled.
 * @return false: answered */
static bool replace(struct msg *m, struct call *c)
{
	int err = replaces_hub(c->hub, m->w->router->key, c->replaces);

	(void)caller_user(c->number, sizeof(c->number), &m->v->uri);
	if (err)
		answer(m, err == ENOENT ? 481 : 400, NULL, NULL);

	return !err;
}

/* Where it was placed a moment ago. */
static bool recall(struct msg *m, struct token *tok)
{
	uint8_t key[CACHE_KEY_BYTES];

	make_key(key, m);

	return cache_get(m->w->cache, key, tok, wire_now_ms());
}

/* A retransmission whose node lives. */
static bool cached(struct msg *m)
{
	const Sy__Member *node;
	struct token tok;

	if (!recall(m, &tok))
		return false;
	node = worker_node(m->w, tok.instance);
	if (!node)
		return false;
	stat_inc(&m->w->stats, STAT_PLACE_CACHED);
	forward_to_node(m, &tok, node, true);

	return true;
}

void invite_handle(struct msg *m)
{
	const struct view_field *field;
	struct dialplan_match match;
	struct pl replaces;
	struct token tok;
	struct call c;

	if (!m->v->max_forwards) {
		answer(m, 483, NULL, NULL);
		return;
	}
	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	/* before a challenge: who is asked for a password expects a call */
	if (!config_get(m->w->config) ||
	    (!bus_is_up(m->w->bus) && !recall(m, &tok))) {
		answer_later(m, NULL);
		return;
	}
	memset(&c, 0, sizeof(c));
	if (!identify(m, &c))
		return;
	field = view_first(m->v, VIEW_REPLACES);
	if (field) {
		view_val(m->v, field, &replaces);
		c.replaces = &replaces;
	}
	if (field ? !replace(m, &c) : !route(m, &c, &match))
		return;
	if (cached(m) ||
	    (c.dev && guard_share_limited(m, c.dev, GUARD_CALL)))
		return;
	start(m, &c, &match);
}

/* --------------------------------------------------------------- CANCEL */

/* Its token is as old as the call, which may ring at another node by now. */
static void cancel_placed(struct pending *p, const struct token *tok)
{
	if (worker_node(p->w, tok->instance))
		orphan_look(p, tok);
	else
		orphan_wait(p, tok);
}

static void cancel_found(int err, const struct store_place *pl, void *arg)
{
	struct pending *p = arg;
	struct token tok;

	if (pending_resume(p)) {
		if (!err && !placing_token(&tok, pl)) {
			cancel_placed(p, &tok);
			return;
		}
		if (!err || err == ENOENT)
			answer(&p->m, 481, NULL, NULL);
		else
			answer_later(&p->m, NULL);
	}
	pending_end(p);
}

void invite_cancel(struct msg *m)
{
	struct pending *p;
	struct token tok;
	char *call_id;
	int err;

	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	if (pending_cancel(m))
		return;

	err = pending_hold(&p, m);
	if (err) {
		answer_later(m, NULL);
		return;
	}
	if (recall(m, &tok)) {
		stat_inc(&m->w->stats, STAT_PLACE_CACHED);
		cancel_placed(p, &tok);
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

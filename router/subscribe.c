/* SPDX-License-Identifier: MIT */
/*
 * SUBSCRIBE: see subscribe.h.  The id of a subscription is made of Call-ID and
 * From tag: a copy of a SUBSCRIBE makes no second one, at any router.
 */

#include <string.h>
#include "proto/dialplan.h"
#include "proto/store_sub.h"
#include "router/answer.h"
#include "router/auth.h"
#include "router/core.h"
#include "router/domain.h"
#include "router/pending.h"
#include "router/registrar.h"
#include "router/subs.h"
#include "router/subscribe.h"

enum {
	MIN_S = 60,
	DEFAULT_S = 3600,
	MAX_S = 7200,
	ID_BYTES = 12,
	TEXT_MAX = 256,
	HEADER_MAX = 128,
};

/* What one SUBSCRIBE says, with the strings that its record points to. */
struct asked {
	Sy__Subscription sub;
	Google__Protobuf__Timestamp expires, since;
	char id[2 * ID_BYTES + 1];
	char own_tag[2 * ID_BYTES + 3];
	char event[HEADER_MAX], name[32];
	char user[TEXT_MAX], resource[TEXT_MAX];
	char call_id[TEXT_MAX], tag[TEXT_MAX];
	char local[TEXT_MAX], remote[TEXT_MAX], contact[TEXT_MAX];
	char path[TEXT_MAX], own[TEXT_MAX], agent[HEADER_MAX];
	uint32_t expires_s;
	bool within;          /* it has our tag */
};

/* What waits for Redis. */
struct state {
	struct asked a;
	struct worker *w;
};

/* No white space and no control characters: it goes into our requests. */
static bool copy(char *buf, size_t size, const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++) {
		if ((unsigned char)pl->p[i] <= ' ' || pl->p[i] == 0x7f)
			return false;
	}

	return pl->l && pl_strcpy(pl, buf, size) == 0;
}

/* --------------------------------------------------------------- reading */

/* @return false: answered */
static bool read_event(struct asked *a, struct msg *m)
{
	const struct view_field *f = view_named(m->v, "Event", NULL);
	struct pl val, name;
	const char *end;

	if (!f)
		f = view_named(m->v, "o", NULL);
	if (f)
		view_val(m->v, f, &val);
	if (!f || !copy(a->event, sizeof(a->event), &val))
		goto bad;
	end = strchr(a->event, ';');
	name.p = a->event;
	name.l = end ? (size_t)(end - a->event) : strlen(a->event);
	for (size_t i = 0; i < SUBS_EVENTS; i++) {
		if (pl_strcasecmp(&name, subs_event_names[i]))
			continue;
		str_ncpy(a->name, subs_event_names[i], sizeof(a->name));
		return true;
	}

bad:
	answer(m, 489, NULL, SUBSCRIBE_ALLOW);

	return false;
}

static uint32_t number(const struct pl *pl)
{
	uint32_t n = 0;

	for (size_t i = 0; i < pl->l; i++) {
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return DEFAULT_S;
		if (n < MAX_S * 10)
			n = n * 10 + (uint32_t)(pl->p[i] - '0');
	}

	return n;
}

/* @return false: answered */
static bool read_expires(struct asked *a, struct msg *m)
{
	const struct view_field *f = view_first(m->v, VIEW_EXPIRES);
	struct pl val;

	a->expires_s = DEFAULT_S;
	if (f) {
		view_val(m->v, f, &val);
		a->expires_s = number(&val);
	}
	if (a->expires_s && a->expires_s < MIN_S) {
		answer(m, 423, NULL, "Min-Expires: %d\r\n", MIN_S);
		return false;
	}
	if (a->expires_s > MAX_S)
		a->expires_s = MAX_S;

	return true;
}

static bool read_contact(struct asked *a, const struct msg *m)
{
	const struct view_field *f = view_first(m->v, VIEW_CONTACT);
	struct view_addr addr;
	struct view_uri uri;
	struct pl val;

	if (!f)
		return false;
	view_val(m->v, f, &val);

	return !view_addr_read(&addr, &val) &&
	       !view_uri_read(&uri, &addr.uri) &&
	       copy(a->contact, sizeof(a->contact), &addr.uri);
}

/* The user part, unescaped and without its parameters. */
static bool user_of(char *buf, size_t size, const struct pl *uri)
{
	struct view_uri u;
	const char *semi;

	if (view_uri_read(&u, uri) || !u.user.l)
		return false;
	semi = memchr(u.user.p, ';', u.user.l);
	if (semi)
		u.user.l = (size_t)(semi - u.user.p);

	return view_unescape(buf, size, &u.user) > 0;
}

static void make_id(struct asked *a, const struct msg *m)
{
	char ctx[2 * TEXT_MAX + 2];
	uint8_t mac[32];
	int n = re_snprintf(ctx, sizeof(ctx), "%r%c%r", &m->v->call_id, 1,
			    &m->v->from_tag);

	token_mac(mac, m->w->router->key, 'S', ctx, n > 0 ? (size_t)n : 0);
	for (size_t i = 0; i < ID_BYTES; i++)
		(void)re_snprintf(a->id + 2 * i, 3, "%02x", mac[i]);
	(void)re_snprintf(a->own_tag, sizeof(a->own_tag), "s-%s", a->id);
}

/* @return false: answered */
static bool read_dialog(struct asked *a, struct msg *m)
{
	const struct view *v = m->v;

	if (!copy(a->call_id, sizeof(a->call_id), &v->call_id) ||
	    !copy(a->tag, sizeof(a->tag), &v->from_tag) ||
	    !copy(a->local, sizeof(a->local), &v->to.uri) ||
	    !copy(a->remote, sizeof(a->remote), &v->from.uri) ||
	    !read_contact(a, m)) {
		answer(m, 400, "Bad Contact, From Or Call-ID", NULL);
		return false;
	}
	make_id(a, m);
	a->within = v->to_tag.p != NULL;
	if (a->within && pl_strcmp(&v->to_tag, a->own_tag)) {
		answer(m, 481, NULL, NULL);
		return false;
	}
	if (!user_of(a->user, sizeof(a->user), &v->from.uri) ||
	    !user_of(a->resource, sizeof(a->resource), &v->to.uri)) {
		answer(m, 404, NULL, NULL);
		return false;
	}

	return true;
}

/* Somebody's lamp: a device, or a number that the dial plan could know. */
static bool is_known(const struct asked *a, const struct msg *m)
{
	const Sy__Config *conf = config_get(m->w->config);
	struct dialplan_match match;
	Sy__Source src = SY__SOURCE__INIT;

	if (config_device(m->w->config, a->resource, strlen(a->resource)))
		return true;
	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = (char *)(uintptr_t)a->user;

	return !dialplan_find(&match, conf, a->resource, &src);
}

static void fill(struct asked *a, struct msg *m)
{
	Sy__Subscription *s = &a->sub;
	const struct wire_port *port =
	    &m->w->router->wires.portv[m->from.listener];
	const struct view_field *f = view_first(m->v, VIEW_USER_AGENT);
	const struct pl told =
	    wire_told(&m->w->router->wires, port, &m->from);
	const uint64_t now_ms = timestamp_now_ms();
	struct pl agent = PL_INIT;

	if (f)
		view_val(m->v, f, &agent);
	if (agent.l >= sizeof(a->agent))
		agent.l = sizeof(a->agent) - 1;
	(void)pl_strcpy(&agent, a->agent, sizeof(a->agent));
	registrar_path(m, a->path, sizeof(a->path));
	(void)re_snprintf(a->own, sizeof(a->own), "sip:s-%s@%r%s", a->id,
			  &told, wire_kind_param(port->kind));
	google__protobuf__timestamp__init(&a->expires);
	google__protobuf__timestamp__init(&a->since);
	timestamp_set_ms(&a->expires, now_ms + a->expires_s * 1000ULL);
	timestamp_set_ms(&a->since, now_ms);

	sy__subscription__init(s);
	s->id = a->id;
	s->event = a->name;
	s->event_header = a->event;
	s->resource = a->resource;
	s->device = a->user;
	s->call_id = a->call_id;
	s->local_uri = a->local;
	s->remote_uri = a->remote;
	s->remote_tag = a->tag;
	s->contact = a->contact;
	s->path = a->path;
	s->local_contact = a->own;
	s->expires_at = &a->expires;
	s->since = &a->since;
	s->router = (char *)(uintptr_t)m->w->router->conf.id;
	s->user_agent = a->agent;
}

/* --------------------------------------------------------------- answering */

/* The router that serves it is told, be it ourselves. */
static void tell(struct state *st)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;

	env.body_case = SY__ENVELOPE__BODY_SUBSCRIBED;
	env.subscribed = &st->a.sub;
	st->a.sub.instance = st->w->router->wires.instance;
	(void)bus_publish(st->w->bus, BUS_CHANNEL_SUBS, &env);
}

static void stored(int err, void *arg)
{
	struct pending *p = arg;
	struct state *st = p->state;
	const struct asked *a = &st->a;

	if (!pending_resume(p)) {
		pending_end(p);
		return;
	}
	switch (err) {
	case 0:
		stat_inc(&p->w->stats, STAT_SUBSCRIBED);
		p->m.tag = a->own_tag;
		answer(&p->m, 200, NULL,
		       "Expires: %u\r\nContact: <%s>\r\n" SUBSCRIBE_ALLOW,
		       a->expires_s, a->own);
		tell(st);
		break;
	case ENOENT:
		answer(&p->m, 481, NULL, NULL);
		break;
	case ENOSPC:
		answer(&p->m, 403, "Too Many Subscriptions", NULL);
		break;
	default:
		answer_later(&p->m, NULL);
		break;
	}
	pending_end(p);
}

static void put(struct msg *m, struct state *st)
{
	struct pending *p;
	int err = pending_hold(&p, m);

	if (err) {
		mem_deref(st);
		answer_later(m, NULL);
		return;
	}
	p->state = st;
	err = store_sub_put(bus_redis(m->w->bus), &st->a.sub,
			    m->w->router->wires.instance, st->a.within, stored,
			    p);
	if (err) {
		answer_later(m, NULL);
		pending_end(p);
	}
}

void subscribe_handle(struct msg *m)
{
	struct state *st;
	struct asked *a;

	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	/* before a challenge, as in invite.c */
	if (!config_get(m->w->config) || !bus_is_up(m->w->bus)) {
		answer_later(m, NULL);
		return;
	}
	st = mem_zalloc(sizeof(*st), NULL);
	if (!st) {
		answer_later(m, NULL);
		return;
	}
	st->w = m->w;
	a = &st->a;
	if (answer_unsupported(m, VIEW_REQUIRE, NULL) || !read_event(a, m) ||
	    !read_expires(a, m) || !read_dialog(a, m) ||
	    !auth_device(m, a->user)) {
		mem_deref(st);
		return;
	}
	if (!is_known(a, m)) {
		mem_deref(st);
		answer(m, 404, NULL, NULL);
		return;
	}
	fill(a, m);
	put(m, st);
}

/* SPDX-License-Identifier: MIT */
/*
 * The registrar (RFC 3261 10.3).  Bindings live in Redis and are changed by
 * one script, so any router may take any REGISTER.  A phone that is reached
 * only by its connection, or through a NAT, gets a Path to the router that
 * holds it (RFC 3327): its URI carries the flow.
 */

#include <stddef.h>
#include <string.h>
#include "proto/store.h"
#include "router/answer.h"
#include "router/auth.h"
#include "router/core.h"
#include "router/domain.h"
#include "router/guard_share.h"
#include "router/keep.h"
#include "router/pending.h"
#include "router/qualify.h"
#include "router/registrar.h"
#include "router/subs.h"
#include "router/register.h"

enum {
	PATH_MAX_LEN = 256,
	TEXT_MAX = 8192,
	AGENT_MAX = 128,
	MAX_CONTACTS = 10,
	MIN_S = 60,
	MAX_S = 3600,
};

/* A NAT forgets a UDP flow soon, a connection not for minutes [s]. */
#define FLOW_TIMER_UDP_S "25"
#define FLOW_TIMER_TCP_S "120"

/* Who is registered: the user of To, at a domain of ours.
 * @return false: answered */
static bool address_of_record(struct msg *m, char *user, size_t size)
{
	struct view_uri to, uri;

	/* an address of record is a SIP or SIPS URI, RFC 3261 10.3 */
	if (view_uri_read(&to, &m->v->to.uri)) {
		answer(m, 400, "Bad To", NULL);
		return false;
	}
	if (view_uri_read(&uri, &m->v->uri) || !domain_is_ours(m->w, &to.host) ||
	    !domain_is_ours(m->w, &uri.host)) {
		answer(m, 404, "Not A Domain Of Ours", NULL);
		return false;
	}
	if (!to.user.l || view_unescape(user, size, &to.user) <= 0) {
		answer(m, 404, NULL, NULL);
		return false;
	}

	return true;
}

/* ------------------------------------------------------------ bindings */

/* What one REGISTER changes, with the strings that it points to. */
struct changes {
	Sy__Binding v[REGISTER_CONTACTS_MAX];
	const Sy__Binding *pv[REGISTER_CONTACTS_MAX];
	Google__Protobuf__Timestamp expiresv[REGISTER_CONTACTS_MAX];
	Google__Protobuf__Timestamp now;
	const char *dropv[REGISTER_CONTACTS_MAX];
	size_t n, dropc;
	char path[PATH_MAX_LEN];
	char received[64];
	char *call_id, *agent;
	char text[TEXT_MAX];
	size_t textlen;
	bool full;              /* text was too small */
};

static char *keep(struct changes *ch, const struct pl *pl)
{
	char *s = ch->text + ch->textlen;

	if (ch->textlen + pl->l + 1 > sizeof(ch->text)) {
		ch->full = true;
		return ch->text;
	}
	if (pl->l)
		memcpy(s, pl->p, pl->l);
	s[pl->l] = 0;
	ch->textlen += pl->l + 1;

	return s;
}

/* The field of a contact that leaves. */
static char *keep_field(struct changes *ch, const struct register_contact *c)
{
	const char *contact = keep(ch, &c->uri), *instance;
	char *s;
	int n;

	if (!c->reg_id)
		return (char *)(uintptr_t)contact;
	instance = keep(ch, &c->instance);
	s = ch->text + ch->textlen;
	n = store_reg_field(s, sizeof(ch->text) - ch->textlen, contact,
			    instance, c->reg_id);
	ch->full = ch->full || n < 0;
	ch->textlen += n < 0 ? 0 : (size_t)n + 1;

	return s;
}

/* Can later requests reach this contact by its URI alone? */
static bool is_direct(const struct msg *m, const struct register_contact *c)
{
	struct view_uri u;
	struct sa sa;

	/* who asks for a flow gets it */
	if (m->from.tcp || c->reg_id || view_uri_read(&u, &c->uri))
		return false;
	/* a name that only its own network knows is no address */
	return !msg_host_sa(&sa, &u.host, u.port ? u.port : 5060) &&
	       sa_cmp(&sa, &m->from.peer, SA_ADDR);
}

void registrar_path(const struct msg *m, char *path, size_t size)
{
	struct token tok = {.kind = TOKEN_ROUTE,
			    .instance = m->w->router->wires.instance};
	const struct wire_port *port =
		&m->w->router->wires.portv[m->from.listener];
	const struct pl told =
		wire_told(&m->w->router->wires, port, &m->from);
	char str[TOKEN_LEN], fl[FLOW_LEN_MAX];
	size_t n;

	token_print(str, m->w->router->key, &tok, NULL, 0);
	n = flow_print(fl, m->w->router->key, &m->from);
	(void)re_snprintf(path, size, "sip:%b.%b@%r%s;lr", str,
			  sizeof(str), fl, n, &told,
			  wire_kind_param(port->kind));
}

static void add(struct changes *ch, struct msg *m,
		const struct register_contact *c, uint64_t now_ms)
{
	Sy__Binding *b = &ch->v[ch->n];

	if (!c->expires_s) {
		ch->dropv[ch->dropc++] = keep_field(ch, c);
		return;
	}
	sy__binding__init(b);
	google__protobuf__timestamp__init(&ch->expiresv[ch->n]);
	timestamp_set_ms(&ch->expiresv[ch->n],
			 now_ms + c->expires_s * 1000ULL);
	b->contact = keep(ch, &c->uri);
	b->call_id = ch->call_id;
	b->cseq = m->v->cseq;
	b->expires_at = &ch->expiresv[ch->n];
	b->registered_at = &ch->now;
	if (!is_direct(m, c))
		b->path = ch->path;
	b->router = (char *)(uintptr_t)m->w->router->conf.id;
	b->received = ch->received;
	b->user_agent = ch->agent;
	b->instance_id = keep(ch, &c->instance);
	b->q_permille = c->q_permille;
	b->reg_id = c->reg_id;
	ch->pv[ch->n++] = b;
}

/* @return 0, ENOSPC (its strings are too long) */
static int make_changes(struct changes *ch, struct msg *m,
			const struct register_req *r)
{
	const uint64_t now_ms = timestamp_now_ms();
	const struct view_field *f = view_first(m->v, VIEW_USER_AGENT);
	struct pl agent = pl_null;

	memset(ch, 0, offsetof(struct changes, text));
	ch->textlen = 0;
	ch->full = false;
	google__protobuf__timestamp__init(&ch->now);
	timestamp_set_ms(&ch->now, now_ms);
	registrar_path(m, ch->path, sizeof(ch->path));
	if (r->outbound) /* RFC 5626 5.1 */
		(void)strncat(ch->path, ";ob",
			      sizeof(ch->path) - strlen(ch->path) - 1);
	(void)re_snprintf(ch->received, sizeof(ch->received), "%s:%J",
			  wire_kind_name(msg_kind(m)), &m->from.peer);
	if (f)
		view_val(m->v, f, &agent);
	if (agent.l > AGENT_MAX)
		agent.l = AGENT_MAX;
	ch->agent = keep(ch, &agent);
	ch->call_id = keep(ch, &m->v->call_id);
	for (size_t i = 0; i < r->n; i++)
		add(ch, m, &r->v[i], now_ms);

	return ch->full ? ENOSPC : 0;
}

/* --------------------------------------------------------------- answers */

static int print_contacts(struct re_printf *pf, const Sy__Registration *reg)
{
	const uint64_t now_ms = timestamp_now_ms();
	int err = 0;

	for (size_t i = 0; i < reg->n_bindings && !err; i++) {
		const Sy__Binding *b = reg->bindings[i];
		const uint64_t at_ms = timestamp_ms(b->expires_at);

		if (at_ms <= now_ms)
			continue;
		err = re_hprintf(pf, "Contact: <%s>;expires=%u", b->contact,
				 (uint32_t)((at_ms - now_ms + 999) / 1000));
		if (!err && b->q_permille < 1000)
			err = re_hprintf(pf, ";q=0.%03u", b->q_permille);
		if (!err && b->instance_id[0])
			err = re_hprintf(pf, ";+sip.instance=\"%s\"",
					 b->instance_id);
		if (!err && b->reg_id)
			err = re_hprintf(pf, ";reg-id=%u", b->reg_id);
		if (!err)
			err = re_hprintf(pf, "\r\n");
	}

	return err;
}

/* What the phone learns of its flow, RFC 5626 4.4: that we know of flows, and
 * how often it shall show that it is there [s]. */
static const char *flow_headers(const struct pending *p)
{
	struct register_req r;

	if (register_read(&r, &p->view, 0, MAX_S) || !r.outbound)
		return "Supported: path, outbound\r\n";

	return p->m.from.tcp
		   ? "Require: outbound\r\nFlow-Timer: " FLOW_TIMER_TCP_S "\r\n"
		   : "Require: outbound\r\nFlow-Timer: " FLOW_TIMER_UDP_S
		     "\r\n";
}

/* How long bindings may last. */
static uint32_t min_s(const struct worker *w)
{
	const Sy__Settings *set = config_get(w->config)->settings;

	return set->register_min_s ? set->register_min_s : MIN_S;
}

static uint32_t max_s(const struct worker *w)
{
	const Sy__Settings *set = config_get(w->config)->settings;

	return set->register_max_s ? set->register_max_s : MAX_S;
}

/* A connection that its phone is called by is not idle while it may be. */
static void hold_connection(const struct pending *p)
{
	struct register_req r;
	uint32_t s = 0;

	if (!p->m.from.tcp ||
	    register_read(&r, &p->view, min_s(p->w), max_s(p->w)))
		return;
	for (size_t i = 0; i < r.n; i++) {
		if (r.v[i].expires_s > s)
			s = r.v[i].expires_s;
	}
	if (r.n || r.star)
		wire_hold(p->w->wire, &p->m.from, s);
}

static void stored(int err, const Sy__Registration *reg, void *arg)
{
	struct pending *p = arg;

	if (!pending_resume(p)) {
		pending_end(p);
		return;
	}
	switch (err) {
	case 0:
		stat_inc(&p->w->stats, STAT_REGISTERED);
		hold_connection(p);
		answer(&p->m, 200, NULL, "%s%H", flow_headers(p),
		       print_contacts, reg);
		break;
	case ESTALE:
		answer(&p->m, 500, "Out Of Order", NULL);
		break;
	case ENOSPC:
		answer(&p->m, 403, "Too Many Contacts", NULL);
		break;
	default:
		answer_later(&p->m, NULL);
		break;
	}
	pending_end(p);
}

static void learnt(int err, const Sy__Registration *reg, void *arg)
{
	const struct pending *p = arg;

	if (!err)
		qualify_registered(p->w, reg);
	if (!err && keep_learn(p->w->keep, reg, false))
		subs_resource_changed(p->w->bus, reg->device);
	stored(err, reg, arg);
}

static void removed(int err, const Sy__Registration *reg, void *arg)
{
	const struct pending *p = arg;

	if (!err)
		qualify_registered(p->w, reg);
	if (!err && keep_learn(p->w->keep, reg, true))
		subs_resource_changed(p->w->bus, reg->device);
	stored(err, reg, arg);
}

static int ask(struct msg *m, const Sy__Device *dev,
	       const struct register_req *r, struct pending *p)
{
	struct redis *redis = bus_redis(m->w->bus);
	struct changes ch;
	struct store_reg_put put = {
		.device = dev->id,
		.bindv = ch.pv,
		.dropv = ch.dropv,
		.drop_all = r->star,
		.cseq = m->v->cseq,
		.max_contacts = dev->max_contacts ? dev->max_contacts
						  : MAX_CONTACTS,
		.member = m->w->router->conf.id,
		.why = "unregistered",
	};
	int err;

	if (!r->n && !r->star)
		return store_reg_get(redis, dev->id, stored, p);
	err = make_changes(&ch, m, r);
	if (err)
		return err;
	put.bindc = ch.n;
	put.dropc = ch.dropc;
	put.call_id = ch.call_id;

	return store_reg_put(redis, &put,
			     ch.dropc || r->star ? removed : learnt, p);
}

/* @return false: answered */
static bool read_request(struct msg *m, struct register_req *r)
{
	switch (register_read(r, m->v, min_s(m->w), max_s(m->w))) {
	case REGISTER_OK:
		return true;
	case REGISTER_BAD:
		answer(m, 400, "Bad Contact", NULL);
		return false;
	case REGISTER_BRIEF:
		answer(m, 423, NULL, "Min-Expires: %u\r\n", min_s(m->w));
		return false;
	case REGISTER_LACKS:
		answer(m, 439, NULL, NULL);
		return false;
	case REGISTER_TOO_MANY:
	default:
		answer(m, 403, "Too Many Contacts", NULL);
		return false;
	}
}

void registrar_handle(struct msg *m)
{
	struct register_req r;
	const Sy__Device *dev;
	struct pending *p;
	char user[128];
	int err;

	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	/* before a challenge, as in invite.c */
	if (!config_get(m->w->config) || !bus_is_up(m->w->bus)) {
		answer_later(m, NULL);
		return;
	}
	/* we know no extensions but these */
	if (answer_unsupported(m, VIEW_REQUIRE, "path,outbound") ||
	    !address_of_record(m, user, sizeof(user)))
		return;
	dev = auth_device(m, user);
	if (!dev || guard_share_limited(m, dev, GUARD_REGISTER) ||
	    !read_request(m, &r))
		return;

	err = bus_is_up(m->w->bus) ? pending_hold(&p, m) : ENOTCONN;
	if (err) {
		answer_later(m, NULL);
		return;
	}
	err = ask(m, dev, &r, p);
	if (err == ENOSPC)
		answer(m, 513, NULL, NULL);
	else if (err)
		answer_later(m, NULL);
	if (err)
		pending_end(p);
}

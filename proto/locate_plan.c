/* SPDX-License-Identifier: MIT */
/*
 * RFC 3263 as a walk over what is known; see locate_impl.h.  It is begun anew
 * with each answer that came: what is missing is told, and asked, until
 * nothing is.
 */

#include <stdio.h>
#include <string.h>
#include "proto/config_net.h"
#include "proto/locate_impl.h"

enum { CNAMES_MAX = 8 };

struct walk {
	struct locate_plan *p;
	struct locate_cache *c;
	const uint8_t *canv;
	const struct locate_uri *uri;
	uint64_t now_ms;
	const struct locate_rand *rnd;
};

const char *locate_transport_name(enum locate_transport t)
{
	static const char *const v[] = {"", "udp", "tcp", "tls"};

	return t < LOCATE_TRANSPORTS ? v[t] : "";
}

static uint16_t default_port(enum locate_transport t)
{
	return t == LOCATE_TLS ? 5061 : 5060;
}

static bool can(const struct walk *w, enum locate_transport t)
{
	/* a SIPS URI by nothing but TLS (4.1) */
	return w->canv[t] && (!w->uri->sips || t == LOCATE_TLS);
}

/* The transport if there is neither NAPTR nor SRV to tell it. */
static enum locate_transport plain_transport(const struct locate_uri *u)
{
	if (u->sips)
		return LOCATE_TLS;

	return u->transport ? u->transport : LOCATE_UDP;
}

static void ask(struct walk *w, const char *name, uint16_t type)
{
	struct locate_question *q;

	for (size_t i = 0; i < w->p->askc; i++) {
		q = &w->p->askv[i];
		if (q->type == type && !str_casecmp(q->name, name))
			return;
	}
	if (w->p->askc == LOCATE_ASK_MAX)
		return;
	q = &w->p->askv[w->p->askc++];
	str_ncpy(q->name, name, sizeof(q->name));
	q->type = type;
}

/* Records of a name; asks for them if they are not known.
 * @return NULL: none, or none yet */
static struct locate_entry *look(struct walk *w, const char *name,
				 uint16_t type)
{
	for (int i = 0; i < CNAMES_MAX; i++) {
		struct locate_entry *e =
		    locate_cache_get(w->c, name, type, w->now_ms);

		if (!e) {
			ask(w, name, type);
			return NULL;
		}
		if (e->answer == LOCATE_MUTE)
			w->p->mute = true;
		if (e->n)
			return e;
		if (!e->cname)
			return NULL;
		name = e->cname;
	}

	return NULL;
}

static void add(struct walk *w, enum locate_transport t, const struct sa *sa,
		uint16_t port)
{
	struct locate_found *f = &w->p->found;
	struct locate_target *last = &f->v[f->n];

	if (f->n == LOCATE_TARGETS_MAX)
		return;
	memset(last, 0, sizeof(*last));
	last->transport = t;
	last->sa = *sa;
	sa_set_port(&last->sa, port);
	for (size_t i = 0; i < f->n; i++) {
		if (f->v[i].transport == t &&
		    sa_cmp(&f->v[i].sa, &last->sa, SA_ALL))
			return;
	}
	++f->n;
}

static void add_records(struct walk *w, enum locate_transport t,
			const char *name, uint16_t type, uint16_t port)
{
	struct locate_entry *e = look(w, name, type);

	if (!e)
		return;
	locate_shuffle(e->u.sav, e->n, w->rnd);
	for (size_t i = 0; i < e->n; i++)
		add(w, t, &e->u.sav[i], port);
}

/* All addresses of a host. */
static void add_host(struct walk *w, enum locate_transport t, const char *name,
		     uint16_t port)
{
	struct sa sa;

	if (!str_casecmp(name, "localhost")) {
		(void)sa_set_str(&sa, w->canv[t] & LOCATE_IP4 ? "127.0.0.1"
							      : "::1",
				 port);
		add(w, t, &sa, port);
		return;
	}
	if (w->canv[t] & LOCATE_IP4)
		add_records(w, t, name, DNS_TYPE_A, port);
	if (w->canv[t] & LOCATE_IP6)
		add_records(w, t, name, DNS_TYPE_AAAA, port);
}

/* The servers of a service. @return true: there are SRV records */
static bool add_srv(struct walk *w, enum locate_transport t, const char *name)
{
	struct locate_entry *e = look(w, name, DNS_TYPE_SRV);

	if (!e)
		return false;
	locate_srv_order(e->u.srvv, e->n, w->rnd);
	for (size_t i = 0; i < e->n; i++) {
		const struct locate_srv *s = &e->u.srvv[i];

		if (s->target[0]) /* "." says: not here */
			add_host(w, t, s->target, s->port);
	}

	return true;
}

static bool add_service(struct walk *w, enum locate_transport t,
			const char *host)
{
	static const char *const prefix[] = {[LOCATE_UDP] = "_sip._udp.",
					     [LOCATE_TCP] = "_sip._tcp.",
					     [LOCATE_TLS] = "_sips._tcp."};
	char name[LOCATE_NAME_SIZE];

	if (!can(w, t))
		return false;
	if (snprintf(name, sizeof(name), "%s%s", prefix[t], host) >=
	    (int)sizeof(name))
		return false;

	return add_srv(w, t, name);
}

/* @return true: there is a NAPTR record that we can use */
static bool add_naptr(struct walk *w, const char *host)
{
	struct locate_entry *e = look(w, host, DNS_TYPE_NAPTR);
	bool some = false;

	if (!e)
		return false;
	locate_naptr_order(e->u.naptrv, e->n);
	for (size_t i = 0; i < e->n; i++) {
		const struct locate_naptr *n = &e->u.naptrv[i];

		if (can(w, n->transport))
			some = add_srv(w, n->transport, n->replace) || some;
	}

	return some;
}

/* A name without a port: 4.1 for the transport, 4.2 for address and port. */
static void walk_name(struct walk *w, const char *host)
{
	const struct locate_uri *u = w->uri;
	enum locate_transport plain = plain_transport(u);
	bool some = false;

	if (u->transport) {
		some = add_service(w, plain, host);
	} else {
		some = add_naptr(w, host);
		if (!some && !w->p->askc) {
			for (int t = LOCATE_UDP; t < LOCATE_TRANSPORTS; t++)
				some = add_service(w, t, host) || some;
		}
	}
	if (some || w->p->askc)
		return;
	if (!w->canv[plain] && !u->transport && !u->sips)
		plain = LOCATE_TCP;
	if (w->canv[plain])
		add_host(w, plain, host, default_port(plain));
}

static bool read_address(struct sa *sa, const struct pl *host, uint16_t port)
{
	struct pl in = *host;

	if (in.l > 2 && in.p[0] == '[' && in.p[in.l - 1] == ']') {
		++in.p;
		in.l -= 2;
	}

	return !sa_set(sa, &in, port);
}

static bool can_family(const struct walk *w, enum locate_transport t,
		       const struct sa *sa)
{
	return w->canv[t] &
	       (sa_af(sa) == AF_INET6 ? LOCATE_IP6 : LOCATE_IP4);
}

static int walk_uri(struct walk *w)
{
	const struct locate_uri *u = w->uri;
	const enum locate_transport plain = plain_transport(u);
	const uint16_t port = u->port ? u->port : default_port(plain);
	char host[LOCATE_NAME_SIZE];
	struct sa sa;

	if (u->sips && u->transport == LOCATE_UDP)
		return EPROTONOSUPPORT;
	if (read_address(&sa, &u->host, port)) {
		if (!can_family(w, plain, &sa))
			return EPROTONOSUPPORT;
		add(w, plain, &sa, port);
		return 0;
	}
	if (!config_host_valid(u->host.p, u->host.l) ||
	    pl_strcpy(&u->host, host, sizeof(host)))
		return EINVAL;
	if ((u->port || u->transport || u->sips) && !w->canv[plain])
		return EPROTONOSUPPORT;
	if (u->port)
		add_host(w, plain, host, port);
	else
		walk_name(w, host);

	return 0;
}

int locate_plan(struct locate_plan *p, struct locate_cache *c,
		const uint8_t canv[LOCATE_TRANSPORTS],
		const struct locate_uri *uri, uint64_t now_ms,
		const struct locate_rand *rnd)
{
	struct walk w = {p, c, canv, uri, now_ms, rnd};
	int err;

	p->found.n = 0;
	p->askc = 0;
	p->mute = false;
	err = walk_uri(&w);
	if (err)
		return err;
	if (p->askc)
		return EAGAIN;
	if (p->found.n)
		return 0;

	return p->mute ? ETIMEDOUT : ENOENT;
}

/* SPDX-License-Identifier: MIT */
/* The names of this cluster; see domain.h. */

#include <string.h>
#include "router/core.h"
#include "router/domain.h"

enum { ADDRESSES_MAX = 1024 };

/* An address of another router, as its record has it.  Strangers make us look
 * for theirs among all of them: it is read once, here. */
struct address {
	char host[WIRE_ADV_LEN]; /* without brackets and port */
	size_t len;
	struct sa sa;            /* unset: the host is a name */
	enum wire_kind kind;
	uint16_t port;
};

/* A host that is asked for. */
struct asked {
	const struct pl *host;
	struct sa sa;            /* unset: it is a name       */
};

struct domains {
	size_t n;
	struct address v[];
};

/* ------------------------------------------------------- other routers */

static uint16_t port_of(const char *at)
{
	const char *colon = strrchr(at, ':');
	struct pl pl;

	pl_set_str(&pl, colon ? colon + 1 : "0");

	return (uint16_t)pl_u32(&pl);
}

/* "host:port" or "[host6]:port" */
static bool read_address(struct address *a, const char *at)
{
	const char *colon = strrchr(at, ':');
	struct pl host = {at, colon ? (size_t)(colon - at) : 0};

	if (host.l > 2 && *host.p == '[') {
		++host.p;
		host.l -= 2;
	}
	if (!host.l || host.l >= sizeof(a->host))
		return false;
	memcpy(a->host, host.p, host.l);
	a->len = host.l;
	a->port = port_of(at);
	if (msg_host_sa(&a->sa, &host, 0))
		sa_init(&a->sa, AF_UNSPEC);

	return true;
}

/* "tls:host:port"; what cannot be read is left out. */
static void add(struct domains *d, const char *text)
{
	struct address *a = &d->v[d->n];

	if (d->n == ADDRESSES_MAX)
		return;
	for (int kind = WIRE_UDP; kind <= WIRE_WSS; kind++) {
		const char *name = wire_kind_name(kind);
		const size_t len = strlen(name);

		if (strncmp(text, name, len) || text[len] != ':')
			continue;
		a->kind = kind;
		d->n += read_address(a, text + len + 1);
		return;
	}
}

static bool add_router(const Sy__Member *m, void *arg)
{
	struct domains *d = arg;

	for (size_t i = 0; i < m->n_addresses; i++)
		add(d, m->addresses[i]);
	for (size_t i = 0; i < m->n_public_addresses; i++)
		add(d, m->public_addresses[i]);

	return d->n == ADDRESSES_MAX;
}

static bool count_router(const Sy__Member *m, void *arg)
{
	size_t *n = arg;

	*n += m->n_addresses + m->n_public_addresses;

	return false;
}

void domain_members(struct worker *w)
{
	struct domains *d;
	size_t n = 1; /* one to try in */

	if (!w->members)
		return;
	member_apply(w->members, SY__MEMBER_KIND__ROUTER, count_router, &n);
	d = mem_zalloc(sizeof(*d) + (n < ADDRESSES_MAX ? n : ADDRESSES_MAX) *
					    sizeof(d->v[0]), NULL);
	if (!d)
		return;
	member_apply(w->members, SY__MEMBER_KIND__ROUTER, add_router, d);
	mem_deref(w->domains);
	w->domains = d;
}

/* ------------------------------------------------------------- questions */

static void ask(struct asked *as, const struct pl *host)
{
	as->host = host;
	if (msg_host_sa(&as->sa, host, 0))
		sa_init(&as->sa, AF_UNSPEC);
}

static bool is_at(const struct address *a, const struct asked *as)
{
	const struct pl host = {a->host, a->len};

	if (sa_isset(&as->sa, SA_ADDR))
		return sa_cmp(&as->sa, &a->sa, SA_ADDR);

	return !pl_casecmp(as->host, &host);
}

static bool is_port(uint16_t port, uint16_t of, enum wire_kind kind)
{
	return (port ? port : wire_kind_port(kind)) == of;
}

/* The port that peers outside reach it at. */
static uint16_t public_port(const struct wire_port *p)
{
	return p->publen ? port_of(p->pub) : sa_port(&p->sa);
}

bool domain_is_router(const struct worker *w, const struct pl *host,
		      uint16_t port)
{
	const struct wire_set *set = &w->router->wires;
	const struct domains *d = w->domains;
	struct asked as;

	for (size_t i = 0; i < set->portc; i++) {
		const struct wire_port *p = &set->portv[i];

		if ((is_port(port, sa_port(&p->sa), p->kind) ||
		     is_port(port, public_port(p), p->kind)) &&
		    msg_host_is_port(host, p))
			return true;
	}
	ask(&as, host);
	for (size_t i = 0; d && i < d->n; i++) {
		const struct address *a = &d->v[i];

		if (is_port(port, a->port, a->kind) && is_at(a, &as))
			return true;
	}

	return false;
}

bool domain_is_ours(const struct worker *w, const struct pl *host)
{
	const Sy__Settings *set = config_get(w->config)->settings;
	const struct wire_set *wires = &w->router->wires;
	const struct domains *d = w->domains;
	struct asked as;

	if (!pl_strcasecmp(host, set->realm))
		return true;
	for (size_t i = 0; i < set->n_domains; i++) {
		if (!pl_strcasecmp(host, set->domains[i]))
			return true;
	}
	for (size_t i = 0; i < wires->portc; i++) {
		if (msg_host_is_port(host, &wires->portv[i]))
			return true;
	}
	ask(&as, host);
	for (size_t i = 0; d && i < d->n; i++) {
		if (is_at(&d->v[i], &as))
			return true;
	}

	return false;
}

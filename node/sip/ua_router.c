/* SPDX-License-Identifier: MIT */
/* The live routers: which to send through, and which a message came by. */

#include <string.h>
#include <strings.h>
#include <re.h>

#include "node/sip/ua.h"

void sipua_set_routers(struct sipua *ua, const Sy__Member *const *routerv,
		       size_t routerc, uint32_t instance)
{
	ua->routerv = routerv;
	ua->routerc = routerc;
	ua->instance = instance;
}

uint32_t ua_instance(const struct sipua *ua)
{
	return ua->conf.members ? member_instance(ua->conf.members)
				: ua->instance;
}

static void apply_routers(const struct sipua *ua, member_h *h, void *arg)
{
	size_t i;

	if (ua->conf.members) {
		member_apply(ua->conf.members, SY__MEMBER_KIND__ROUTER, h,
			     arg);
		return;
	}

	for (i = 0; i < ua->routerc; i++) {
		if (h(ua->routerv[i], arg))
			return;
	}
}

struct pick {
	const char *id;
	const Sy__Member *m;
	unsigned n;
};

/* The preferred one, else each with the same chance. */
static bool pick_handler(const Sy__Member *m, void *arg)
{
	struct pick *p = arg;

	if (p->id && p->id[0] && !strcmp(m->id, p->id)) {
		p->m = m;
		return true;
	}

	if (rand_u32() % ++p->n == 0)
		p->m = m;

	return false;
}

static const struct {
	const char *name;
	const char *prefix; /* of the router's addresses for it */
	const char *param;
} transports[] = {
	[UA_UDP] = {"udp", "udp:", ""},
	[UA_TCP] = {"tcp", "tcp:", ";transport=tcp"},
	[UA_TLS] = {"tls", "tls:", ";transport=tls"},
	[UA_WS] = {"ws", "ws", ";transport=ws"},
	[UA_WSS] = {"wss", "wss:", ";transport=ws"},
	[UA_SIPS] = {"sips", "tls:", ";transport=tls"},
};

enum ua_transport ua_transport_of(const struct pl *uri)
{
	enum ua_transport tp;
	struct pl val;

	if (uri->l > 5 && !strncasecmp(uri->p, "sips:", 5))
		return UA_SIPS;
	if (re_regex(uri->p, uri->l, ";transport=[a-zA-Z]+", &val))
		return UA_UDP;
	for (tp = UA_WS; tp > UA_UDP; tp--) {
		if (!pl_strcasecmp(&val, transports[tp].name))
			break;
	}

	return tp;
}

const char *ua_transport_name(enum ua_transport tp)
{
	return transports[tp].name;
}

enum ua_transport ua_transport_read(const char *name)
{
	enum ua_transport tp = UA_SIPS;

	while (tp > UA_UDP && strcmp(transports[tp].name, name ? name : ""))
		--tp;

	return tp;
}

/* The "host:port" of "tls:host:port", if it is one for this transport and
 * family; a name is of any. */
static const char *address_for(const char *text, enum ua_transport tp, int af)
{
	const char *at = strchr(text, ':');
	struct sa sa;

	if (!at || strncmp(text, transports[tp].prefix,
			   strlen(transports[tp].prefix)))
		return NULL;

	++at;
	if (af != AF_UNSPEC && !sa_decode(&sa, at, strlen(at)) &&
	    sa_af(&sa) != af)
		return NULL;

	return at;
}

static const char *find_address(char *const *v, size_t n, enum ua_transport tp,
				int af)
{
	const char *at = NULL;
	size_t i;

	for (i = 0; i < n && !at; i++)
		at = address_for(v[i], tp, af);

	return at;
}

/* Of a family for which there is no public address nothing is translated. */
static const char *choose_address(const Sy__Member *m,
				  const struct ua_reach *reach)
{
	const enum ua_transport tp = reach->tp;
	const char *at = NULL;

	if (!reach->inside)
		at = find_address(m->public_addresses, m->n_public_addresses,
				  tp, reach->af);
	if (!at)
		at = find_address(m->addresses, m->n_addresses, tp, reach->af);

	return at ? at
		  : find_address(m->addresses, m->n_addresses, tp, AF_UNSPEC);
}

int ua_contact(const struct sipua *ua, char *buf, size_t size, const char *id,
	       const struct ua_reach *reach)
{
	struct pick p = {.id = id};
	const char *at;

	apply_routers(ua, pick_handler, &p);
	if (!p.m)
		return EHOSTUNREACH;

	at = choose_address(p.m, reach);
	(void)re_snprintf(buf, size, "%s%s", at ? at : p.m->address,
			  at ? transports[reach->tp].param : "");

	return 0;
}

int ua_router(const struct sipua *ua, struct ua_router *r, const char *id)
{
	struct pick p = {.id = id};

	apply_routers(ua, pick_handler, &p);
	if (!p.m || sa_decode(&r->addr, p.m->address, strlen(p.m->address)))
		return EHOSTUNREACH;

	str_ncpy(r->id, p.m->id, sizeof(r->id));

	return 0;
}

struct at {
	const struct pl *addr;
	const Sy__Member *m;
};

static bool at_handler(const Sy__Member *m, void *arg)
{
	struct at *at = arg;

	if (pl_strcmp(at->addr, m->address))
		return false;

	at->m = m;
	return true;
}

static const Sy__Member *find_at(const struct sipua *ua, const struct pl *addr)
{
	struct at at = {.addr = addr};

	apply_routers(ua, at_handler, &at);

	return at.m;
}

const char *ua_router_at(const struct sipua *ua, const struct pl *addr)
{
	const Sy__Member *m = find_at(ua, addr);

	return m ? m->id : NULL;
}

void ua_way(struct sa *dst, const char *sentby, void *arg)
{
	const struct sipua *ua = arg;
	struct ua_router r;
	struct pl addr;

	pl_set_str(&addr, sentby);
	if (!find_at(ua, &addr) && !ua_router(ua, &r, NULL))
		*dst = r.addr;
}

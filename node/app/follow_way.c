/* SPDX-License-Identifier: MIT */
/* Where a Contact leads to, and whether it may: see follow.h. */

#include <string.h>
#include "node/app/follow_way.h"
#include "node/app/trunk.h"
#include "proto/config_net.h"
#include "proto/costly.h"

/* ------------------------------------------------------------ who is there */

/* "host[:port]", as a Contact has it; what follows is not looked at. */
static bool is_at(const struct redirect_contact *c, const char *text)
{
	struct pl pl, host, port = PL_INIT;
	uint32_t n = 0;
	struct sa a, b;

	pl_set_str(&pl, text);
	pl.l = strcspn(text, ";");
	if (uri_decode_hostport(&pl, &host, &port))
		return false;
	if (pl_isset(&port))
		n = pl_u32(&port);
	if ((n ? n : 5060) != (c->port ? c->port : 5060u))
		return false;
	if (!sa_set(&a, &host, 0) && !sa_set_str(&b, c->host, 0))
		return sa_cmp(&a, &b, SA_ADDR);

	return !pl_strcasecmp(&host, c->host);
}

struct place {
	const struct redirect_contact *c;
	bool ours;
};

/* "udp:host:port" */
static bool is_one(const struct redirect_contact *c, char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *colon = strchr(v[i], ':');

		if (colon && is_at(c, colon + 1))
			return true;
	}

	return false;
}

static bool router_handler(const Sy__Member *m, void *arg)
{
	struct place *p = arg;

	p->ours = is_one(p->c, m->addresses, m->n_addresses) ||
		  is_one(p->c, m->public_addresses, m->n_public_addresses);

	return p->ours;
}

/* A name of this cluster, or where a router of it is reached. */
static bool is_ours(const struct node *n, const struct redirect_contact *c)
{
	const Sy__Settings *set = node_settings(n);
	struct place p = {.c = c};

	if (set && !str_casecmp(c->host, set->realm))
		return true;
	for (size_t i = 0; set && i < set->n_domains; i++) {
		if (!str_casecmp(c->host, set->domains[i]))
			return true;
	}
	member_apply(n->members, SY__MEMBER_KIND__ROUTER, router_handler, &p);

	return p.ours;
}

static bool is_source(const struct redirect_contact *c, const char *source)
{
	struct config_net net, one;
	const char *why;
	struct sa sa;

	return !sa_set_str(&sa, c->host, c->port ? c->port : 5060) &&
	       !config_net_read(&net, source, &why) &&
	       !config_net_from_sa(&one, &sa) && config_net_has(&net, &one);
}

/* Where the trunk is, as far as its configuration knows. */
static bool is_of(const Sy__Trunk *t, const struct redirect_contact *c)
{
	if (is_at(c, t->target))
		return true;
	for (size_t i = 0; i < t->n_sources; i++) {
		if (is_source(c, t->sources[i]))
			return true;
	}

	return false;
}

static const Sy__Trunk *trunk_at(const struct node *n,
				 const struct redirect_contact *c)
{
	const Sy__Config *conf = config_get(n->config);

	for (size_t i = 0; conf && i < conf->n_trunks; i++) {
		if (conf->trunks[i]->enabled && is_of(conf->trunks[i], c))
			return conf->trunks[i];
	}

	return NULL;
}

/* ----------------------------------------------------------------- refusals */

static bool refuse(struct follow_way *way, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (re_vsnprintf(way->why, sizeof(way->why), fmt, ap) < 0)
		way->why[sizeof(way->why) - 1] = '\0';
	va_end(ap);

	return false;
}

static bool is_in_call(const struct hub *hub, const char *device)
{
	const struct le *le;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg_info *info = &((struct leg *)le->data)->info;

		if (leg_is_device(info) &&
		    !strcmp(info->user, device))
			return true;
	}

	return false;
}

/* Has the call been there? */
static bool is_loop(const struct follow_way *way, const struct hub *hub,
		    Sy__Diversion *const *chain, size_t chainc,
		    const struct redirect_contact *c)
{
	const Sy__Destination *dest = &way->match.dest;
	const bool device = dest->kind_case == SY__DESTINATION__KIND_DEVICE;

	for (size_t i = 0; i < chainc; i++) {
		if (device ? !strcmp(chain[i]->device, dest->device)
			   : !strcmp(chain[i]->target, c->uri))
			return true;
	}

	return device && is_in_call(hub, dest->device);
}

/* ------------------------------------------------------------------ resolve */

static bool leads_out_by(const Sy__Destination *dest, const Sy__Trunk *t)
{
	const char *id;

	if (dest->kind_case != SY__DESTINATION__KIND_EXTERNAL)
		return false;
	for (uint32_t i = 0; (id = trunk_attempt(dest->external, i)); i++) {
		if (!strcmp(id, t->id))
			return true;
	}

	return false;
}

/* As if the device had called it. */
static bool as_device(struct follow_way *way, struct node *n,
		      const char *device, const struct redirect_contact *c)
{
	const bool ours = !c->host[0] || is_ours(n, c);
	const Sy__Trunk *t = ours ? NULL : trunk_at(n, c);
	Sy__Source *src = &way->payer;
	char number[NUMBER_SIZE];
	uint16_t code;

	src->kind_case = SY__SOURCE__KIND_DEVICE;
	src->device = (char *)(uintptr_t)device;
	if (!ours && !t)
		return refuse(way, "foreign host %s", c->host);
	str_ncpy(number, c->user, sizeof(number));
	if (t && number_called_in(number, t, c->user))
		return refuse(way, "number too long");
	code = app_number(&way->match, &way->ring_ms, n, number, src);
	if (code)
		return refuse(way, "%u for this number", code);
	if (t && !leads_out_by(&way->match.dest, t))
		return refuse(way, "no route by trunk %s", t->id);

	return true;
}

/* Who pays: the last device that sent the call on, else who called. */
static void set_payer(Sy__Source *src, const struct hub *hub,
		      Sy__Diversion *const *chain, size_t chainc)
{
	if (hub->source)
		*src = *hub->source;
	for (size_t i = 0; i < chainc; i++) {
		if (!chain[i]->device[0])
			continue;
		src->kind_case = SY__SOURCE__KIND_DEVICE;
		src->device = chain[i]->device;
	}
}

static bool by_trunk(struct follow_way *way, struct node *n,
		     const struct hub *hub, Sy__Diversion *const *chain,
		     size_t chainc, const struct redirect_contact *c)
{
	const char *id = chain[chainc - 1]->trunk;
	const Sy__Trunk *t = config_trunk(n->config, id);
	struct dialplan_match *m = &way->match;
	struct costly costly;

	if (!t || !t->enabled)
		return refuse(way, "trunk %s is off", id);
	if (c->host[0] && !is_of(t, c))
		return refuse(way, "foreign host %s", c->host);

	memset(m, 0, sizeof(*m));
	sy__destination__init(&m->dest);
	sy__external__init(&m->external);
	if (number_called_in(m->text[0], t, c->user))
		return refuse(way, "number too long");
	m->dest.kind_case = SY__DESTINATION__KIND_EXTERNAL;
	m->dest.external = &m->external;
	m->external.trunk = t->id;
	m->external.number = m->text[0];
	way->ring_ms = node_ring_ms(n, 0);
	if (c->host[0])
		way->uri = c->uri;

	set_payer(&way->payer, hub, chain, chainc);
	if (costly_check(&costly, n->config, &m->dest,
			 way->payer.kind_case ? &way->payer : NULL) ==
	    COSTLY_DENIED)
		return refuse(way, "not permitted");

	return true;
}

bool follow_resolve(struct follow_way *way, struct node *n,
		    const struct hub *hub, Sy__Diversion *const *chain,
		    size_t chainc, const struct redirect_contact *c)
{
	const Sy__Diversion *by = chain[chainc - 1];

	memset(way, 0, sizeof(*way));
	sy__source__init(&way->payer);
	way->uri = "";
	if (by->trunk[0] ? !by_trunk(way, n, hub, chain, chainc, c)
			 : !as_device(way, n, by->device, c))
		return false;
	if (is_loop(way, hub, chain, chainc, c))
		return refuse(way, "the call has been there");

	return true;
}

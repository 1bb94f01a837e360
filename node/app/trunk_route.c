/* SPDX-License-Identifier: MIT */
/* Preloaded Route of a trunk's calls; see trunk_route.h. */

#include <string.h>
#include <strings.h>
#include <re.h>
#include "node/app/trunk_route.h"

static bool add(struct trunk_route *way, const struct pl *uri)
{
	char *text = way->text[way->n];

	if (way->n == TRUNK_ROUTES_MAX ||
	    re_snprintf(text, sizeof(way->text[0]), "<%r>", uri) < 0)
		return false;
	way->v[way->n++] = text;

	return true;
}

/* What would end the value, or the line. */
static bool is_clean(const struct pl *uri)
{
	for (size_t i = 0; i < uri->l; i++) {
		const unsigned char c = (unsigned char)uri->p[i];

		if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"')
			return false;
	}

	return uri->l > 0 && uri->l < TRUNK_URI_MAX;
}

/* Parameters behind the brackets belong to Service-Route, not to Route. */
static bool read_value(struct sip_addr *addr, const char *value)
{
	struct pl pl;

	pl_set_str(&pl, value);

	return !sip_addr_decode(addr, &pl) && is_clean(&addr->auri);
}

static bool is_same_hop(const struct uri *a, const struct uri *b)
{
	return !pl_casecmp(&a->host, &b->host) &&
	       (a->port ? a->port : SIP_PORT) ==
		       (b->port ? b->port : SIP_PORT);
}

/* @return true: all of it is in */
static bool add_service(struct trunk_route *way, const Sy__TrunkState *ts,
			const struct uri *proxy)
{
	for (size_t i = 0; i < ts->n_service_route; i++) {
		struct sip_addr addr;

		if (!read_value(&addr, ts->service_route[i]))
			return false;
		if (!i && proxy && is_same_hop(&addr.uri, proxy))
			continue;
		if (!add(way, &addr.auri))
			return false;
	}

	return true;
}

static void set_hop(struct trunk_route *way)
{
	const size_t len = strlen(way->v[0]);

	memcpy(way->hop, way->v[0] + 1, len - 2);
	way->hop[len - 2] = '\0';
}

void trunk_route_init(struct trunk_route *way, const Sy__Trunk *trunk,
		      const Sy__TrunkState *ts)
{
	char proxy[TRUNK_URI_MAX];
	struct uri uri;
	struct pl pl;
	bool proxied = false;

	way->n = 0;
	way->hop[0] = '\0';
	if (trunk->proxy[0] && re_snprintf(proxy, sizeof(proxy), "sip:%s;lr",
					   trunk->proxy) > 0) {
		pl_set_str(&pl, proxy);
		proxied = !uri_decode(&uri, &pl) && add(way, &pl);
	}
	if (ts && ts->registered && trunk->registration &&
	    !add_service(way, ts, proxied ? &uri : NULL))
		way->n = proxied;
	if (way->n)
		set_hop(way);
}

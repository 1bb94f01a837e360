/* SPDX-License-Identifier: MIT */
/* What the settings say, made ready to be asked for each message. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "router/guard_impl.h"

enum {
	RATE = 100,
	BURST = 2000,
	FAILURES = 10,
	USERS = 5,
	BAN_S = 60,
	BAN_MAX_S = 86400,
	REGISTERS = 120,
	CALLS = 6000,
	MESSAGES = 600,
	THOUSAND = 1000, /* rates are in thousandths a second */
};

/* Beginnings of User-Agents, without regard to case. */
static const char *const scanners[] = {
	"friendly-scanner", "friendly-request", "sipvicious", "sip-scan",
	"sipcli", "sundayddr", "pplsip", "iwar", "sipsak", "smap", "sivus",
	"siparmyknife", "vaxsipuseragent", "vaxasip", "gulp", "test agent",
	"eyebeam release 3006o", "custom sip phone", "sipptk", "mr.sip",
};

static uint32_t or_default(uint32_t v, uint32_t dflt)
{
	return v ? v : dflt;
}

static void set_agents(struct guard_rules *r, const Sy__Guard *s)
{
	const size_t known = sizeof(scanners) / sizeof(scanners[0]);
	const size_t n = s->n_scanners ? s->n_scanners : known;

	for (size_t i = 0; i < n && i < GUARD_AGENTS_MAX; i++)
		str_ncpy(r->agentv[r->agentc++],
			 s->n_scanners ? s->scanners[i] : scanners[i],
			 GUARD_AGENT_SIZE);
}

static void set_rules(struct guard_rules *r, const Sy__Guard *s)
{
	memset(r, 0, sizeof(*r));
	r->source.per_s = or_default(s->rate, RATE) * THOUSAND;
	r->source.burst = or_default(s->burst, BURST);
	r->keepalives = (struct bucket_rate){
		.per_s = GUARD_KNOWN_FACTOR * r->source.per_s,
		.burst = GUARD_KNOWN_FACTOR * r->source.burst,
	};
	r->tries.per_s = THOUSAND * THOUSAND / GUARD_FORGIVE_MS;
	r->tries.burst = or_default(s->failures, FAILURES);
	r->registers.burst = or_default(s->registers_per_minute, REGISTERS);
	r->registers.per_s =
		(uint32_t)((uint64_t)r->registers.burst * THOUSAND / 60);
	r->calls.burst = or_default(s->calls_per_minute, CALLS);
	r->calls.per_s =
		(uint32_t)((uint64_t)r->calls.burst * THOUSAND / 60);
	r->messages.burst = or_default(s->messages_per_minute, MESSAGES);
	r->messages.per_s =
		(uint32_t)((uint64_t)r->messages.burst * THOUSAND / 60);
	r->users = or_default(s->users, USERS);
	r->ban_ms = or_default(s->ban_seconds, BAN_S) * 1000ULL;
	r->ban_max_ms = or_default(s->ban_max_seconds, BAN_MAX_S) * 1000ULL;
	r->off = s->off;
	set_agents(r, s);
}

static int make_nets(struct nets **np, char *const *strv, size_t n)
{
	struct config_net *netv = calloc(n + 1, sizeof(*netv));
	size_t netc = 0;
	int err;

	if (!netv)
		return ENOMEM;
	for (size_t i = 0; i < n; i++)
		netc += !config_net_read(&netv[netc], strv[i], NULL);
	err = nets_alloc(np, netv, netc);
	free(netv);

	return err;
}

/* @param ports  Only sources with a port, or only those without. */
static int make_trunks(struct nets **np, const Sy__Config *conf, bool ports)
{
	struct config_net *netv;
	size_t n = 0, netc = 0;
	int err;

	for (size_t t = 0; t < conf->n_trunks; t++)
		n += conf->trunks[t]->n_sources;
	netv = calloc(n + 1, sizeof(*netv));
	if (!netv)
		return ENOMEM;
	for (size_t t = 0; t < conf->n_trunks; t++) {
		const Sy__Trunk *tr = conf->trunks[t];

		for (size_t i = 0; tr->enabled && i < tr->n_sources; i++) {
			if (!config_net_read(&netv[netc], tr->sources[i],
					     NULL) &&
			    !netv[netc].port == !ports)
				++netc;
		}
	}
	err = nets_alloc(np, netv, netc);
	free(netv);

	return err;
}

static void replace(struct nets **np, struct nets *n)
{
	mem_deref(*np);
	*np = n;
}

int guard_configure(struct guard *g, const Sy__Config *conf)
{
	static const Sy__Guard none = SY__GUARD__INIT;
	const Sy__Guard *s = conf->settings && conf->settings->guard
				     ? conf->settings->guard
				     : &none;
	struct nets *allow = NULL, *deny = NULL, *trunks = NULL, *ports = NULL;
	int err;

	err = make_nets(&allow, s->allow, s->n_allow);
	err |= make_nets(&deny, s->deny, s->n_deny);
	err |= make_trunks(&trunks, conf, false);
	err |= make_trunks(&ports, conf, true);
	if (err) {
		mem_deref(allow);
		mem_deref(deny);
		mem_deref(trunks);
		mem_deref(ports);
		return ENOMEM;
	}
	set_rules(&g->rules, s);
	replace(&g->allow, allow);
	replace(&g->deny, deny);
	replace(&g->trunks, trunks);
	replace(&g->ports, ports);
	++g->generation;

	return 0;
}

void guard_members(struct guard *g, struct nets *n)
{
	replace(&g->members, n);
	++g->generation;
}

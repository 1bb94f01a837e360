/* SPDX-License-Identifier: MIT */
/* What came with a call of its way before us: see chain.h. */

#include <stdlib.h>
#include <string.h>
#include "node/app/chain.h"
#include "node/app/dial_impl.h"
#include "node/hub/trail.h"
#include "proto/schema_copy.h"

static void history_of(Sy__HistoryEntry *to, struct histinfo_entry *e)
{
	sy__history_entry__init(to);
	to->uri = e->uri;
	to->index = e->index;
	to->how = e->how;
	to->from = e->from;
	to->cause = e->cause;
	to->reason = e->reason;
	to->count = e->count;
	to->hidden = e->hidden;
}

/* As the API shows it: who sent it on, to where. */
static void show(struct hub *hub, const struct histinfo *h)
{
	for (size_t i = 1; i < h->n; i++) {
		const struct histinfo_entry *e = &h->v[i];
		const struct histinfo_entry *by = histinfo_before(h, e);
		Sy__Diversion d = SY__DIVERSION__INIT;

		if (!e->cause || !by)
			continue;
		d.uri = (char *)(uintptr_t)(by->hidden ? histinfo_nobody
						       : by->uri);
		d.target = (char *)(uintptr_t)(e->hidden ? histinfo_nobody
							 : e->uri);
		d.reason = (char *)(uintptr_t)histinfo_reason(e->cause);
		d.code = e->cause;
		trail_add(hub, &d);
	}
}

static bool is_trusted(const struct node *n, const Sy__Source *src)
{
	const Sy__Trunk *t = src && src->kind_case == SY__SOURCE__KIND_TRUNK
				     ? config_trunk(n->config, src->trunk)
				     : NULL;

	return t && t->trusted;
}

static void take(struct hub *hub, struct histinfo *h, bool hidden)
{
	Sy__HistoryEntry v[HISTINFO_ENTRIES], *pv[HISTINFO_ENTRIES];
	Sy__Trail t = SY__TRAIL__INIT;

	for (size_t i = 0; i < h->n; i++) {
		history_of(&v[i], &h->v[i]);
		pv[i] = &v[i];
	}
	t.came = pv;
	t.n_came = h->n;
	t.hidden = hidden;
	hub->trail = schema_copy(&t.base);
	if (hub->trail)
		show(hub, h);
}

void chain_came(struct node *n, struct hub *hub, const struct sip_msg *msg,
		const Sy__PlaceHub *place)
{
	const bool hidden = histinfo_is_private(msg);
	char called[HISTINFO_URI];
	struct histinfo h = {.n = 0};

	if (hub->trail || !dial_can(hub->dest))
		return;
	if (is_trusted(n, place->source) &&
	    !dial_uri(called, sizeof(called), hub->called, dial_domain(n)))
		(void)histinfo_read(&h, msg, called);
	if (h.n || hidden)
		take(hub, &h, hidden);
}

uint32_t chain_before(const struct hub *hub)
{
	uint32_t n = 0;

	for (size_t i = 0; hub->trail && i < hub->trail->n_came; i++)
		n += hub->trail->came[i]->count;

	return n;
}

/* SPDX-License-Identifier: MIT */
/*
 * Two arrays: the free ports in no order (one is taken from anywhere, the
 * last fills its place) and the resting ones as a queue, oldest first, which
 * the constant quarantine keeps sorted by time.
 */

#include <re.h>

#include "node/media/port.h"

struct rest {
	uint64_t until_ms;
	uint16_t port;
};

struct portset {
	uint64_t quarantine_ms;
	uint32_t total;
	uint32_t freec;
	uint32_t restc;
	uint32_t rest_first;  /* index of the oldest in restv */
	uint16_t *freev;      /* [total]                      */
	struct rest *restv;   /* [total], a circle            */
};

static void destructor(void *arg)
{
	struct portset *p = arg;

	mem_deref(p->freev);
	mem_deref(p->restv);
}

int port_alloc(struct portset **pp, uint16_t min, uint16_t max,
	       uint32_t quarantine_ms)
{
	uint32_t first = (min + 1u) & ~1u;
	struct portset *p;

	if (!pp || !min || first + 1 > max)
		return EINVAL;

	p = mem_zalloc(sizeof(*p), destructor);
	if (!p)
		return ENOMEM;

	p->quarantine_ms = quarantine_ms;
	p->total = (max + 1u - first) / 2;
	p->freev = mem_alloc(p->total * sizeof(*p->freev), NULL);
	p->restv = mem_alloc(p->total * sizeof(*p->restv), NULL);
	if (!p->freev || !p->restv) {
		mem_deref(p);
		return ENOMEM;
	}

	for (p->freec = 0; p->freec < p->total; ++p->freec)
		p->freev[p->freec] = (uint16_t)(first + 2 * p->freec);

	*pp = p;

	return 0;
}

static void wake(struct portset *p, uint64_t now_ms)
{
	while (p->restc && p->restv[p->rest_first].until_ms <= now_ms) {

		p->freev[p->freec++] = p->restv[p->rest_first].port;
		p->rest_first = (p->rest_first + 1) % p->total;
		--p->restc;
	}
}

uint16_t port_get(struct portset *p, uint64_t now_ms, uint32_t rnd)
{
	uint32_t i;
	uint16_t port;

	wake(p, now_ms);
	if (!p->freec)
		return 0;

	i = rnd % p->freec;
	port = p->freev[i];
	p->freev[i] = p->freev[--p->freec];

	return port;
}

void port_put(struct portset *p, uint16_t port, uint64_t now_ms)
{
	struct rest *rest;

	if (!port || p->freec + p->restc >= p->total)
		return;

	rest = &p->restv[(p->rest_first + p->restc++) % p->total];
	rest->port = port;
	rest->until_ms = now_ms + p->quarantine_ms;
}

void port_count(struct portset *p, uint64_t now_ms, struct port_count *n)
{
	wake(p, now_ms);

	n->free = p->freec;
	n->quarantined = p->restc;
	n->used = p->total - p->freec - p->restc;
}

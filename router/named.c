/* SPDX-License-Identifier: MIT */
/* Which router a piece of work is for; see named.h. */

#include "router/core.h"
#include "router/named.h"

struct naming {
	const char *work;
	const Sy__Member *best;
	uint32_t weight;
};

static bool weigh(const Sy__Member *m, void *arg)
{
	struct naming *n = arg;
	char text[160];
	uint32_t weight;

	if (m->state != SY__MEMBER_STATE__LIVE)
		return false;
	(void)re_snprintf(text, sizeof(text), "%s %s", m->id, n->work);
	weight = hash_joaat_str(text);
	if (!n->best || weight > n->weight) {
		n->best = m;
		n->weight = weight;
	}

	return false;
}

bool named_is_us(const struct worker *w, const char *work)
{
	struct naming n = {.work = work};

	member_apply(w->members, SY__MEMBER_KIND__ROUTER, weigh, &n);

	return !n.best || n.best->instance == w->router->wires.instance;
}

/* SPDX-License-Identifier: MIT */
/*
 * A group is rung: all of its members in one hunt; or the first one by its
 * order, and the hunt remembers the others for when it has failed (next.c).
 */

#include <stdlib.h>
#include <string.h>
#include "node/app/dial_impl.h"
#include "node/app/next.h"

enum { MEMBERS_MAX = 100 };

static const Sy__Group *group(const struct dial_lookup *dl)
{
	return config_group(dl->node->config, dl->target);
}

static uint16_t ring_all(struct dial_lookup *dl, const Sy__Group *g)
{
	(void)next_group(dl->hunt, g->id, NULL, 0, 0);
	for (size_t i = 0; i < g->n_members && hunt_is_on(dl->hunt); i++)
		(void)dial_lookup_member(dl, g->members[i], true);

	return 480;
}

static uint16_t ring_first(struct dial_lookup *dl, const Sy__Group *g,
			   char *const *memberv)
{
	if (next_group(dl->hunt, g->id, memberv, g->n_members,
		       next_member_ms(g)) ||
	    dial_lookup_member(dl, memberv[0], true))
		return 500;

	return 480;
}

/* Who was idle longest comes first; of two, who stands first. */
struct idle {
	uint64_t since;
	size_t index;
};

static int idle_cmp(const void *a, const void *b)
{
	const struct idle *x = a, *y = b;

	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;

	return x->index < y->index ? -1 : 1;
}

static void order(char **out, const Sy__Group *g, const uint64_t *v, size_t n)
{
	struct idle idlev[MEMBERS_MAX];

	if (!strcmp(g->strategy, "longestIdle") && n == g->n_members) {
		for (size_t i = 0; i < n; i++)
			idlev[i] = (struct idle){v[i], i};
		qsort(idlev, n, sizeof(*idlev), idle_cmp);
		for (size_t i = 0; i < n; i++)
			out[i] = g->members[idlev[i].index];
		return;
	}

	for (size_t i = 0; i < g->n_members; i++) {
		const uint64_t turn = n == 1 ? v[0] - 1 : 0;

		out[i] = g->members[(turn + i) % g->n_members];
	}
}

static uint16_t begin(struct dial_lookup *dl, const uint64_t *v, size_t n)
{
	const Sy__Group *g = group(dl);
	char *memberv[MEMBERS_MAX];

	if (!g || !g->n_members || g->n_members > MEMBERS_MAX)
		return 404;
	if (!g->strategy[0] || !strcmp(g->strategy, "all"))
		return ring_all(dl, g);

	order(memberv, g, v, n);

	return ring_first(dl, g, memberv);
}

static void group_handler(int err, const uint64_t *v, size_t n, void *arg)
{
	struct dial_lookup *dl = arg;
	uint16_t code = 487;

	if (hunt_is_on(dl->hunt))
		code = begin(dl, v, err ? 0 : n);
	dial_lookup_end(dl, code);
}

static int ask(struct dial_lookup *dl)
{
	struct redis *r = bus_redis(dl->node->bus);
	const Sy__Group *g = group(dl);

	if (g && !strcmp(g->strategy, "roundRobin"))
		return store_group_turn(r, g->id, group_handler, dl);
	if (g && !strcmp(g->strategy, "longestIdle"))
		return store_group_idle(r, g->members, g->n_members,
					group_handler, dl);

	return ENOENT; /* nobody needs to be asked */
}

static uint16_t later(struct dial_lookup *dl)
{
	return begin(dl, NULL, 0);
}

const struct dial_row dial_group = {.ask = ask, .later = later};

static bool is_idle_member(const Sy__Config *conf, const char *device)
{
	for (size_t i = 0; conf && i < conf->n_groups; i++) {
		const Sy__Group *g = conf->groups[i];

		for (size_t m = 0; m < g->n_members; m++) {
			if (!strcmp(g->strategy, "longestIdle") &&
			    !strcmp(g->members[m], device))
				return true;
		}
	}

	return false;
}

void next_member_left(struct node *n, const struct leg *leg)
{
	const struct leg_info *info = &leg->info;

	if (leg_is_device(info) && info->answered_ms &&
	    is_idle_member(config_get(n->config), info->user))
		(void)store_device_idle(bus_redis(n->bus), info->user,
					info->ended_ms);
}

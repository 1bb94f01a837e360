/* SPDX-License-Identifier: MIT */
#include "proto/place.h"

/* A hub on its way weighs as a typical call: two legs. */
enum { LEGS_PER_HUB = 2, LEGS_FULL = 2000 };

/* place_load() of a node that is full in both ways. */
enum { LOAD_FULL = 200, ROOM_STEPS = 16 };

double place_load(const struct place_node *n)
{
	double legs = (double)n->legs + (double)n->placed * LEGS_PER_HUB;

	return (double)n->tick_used_percent + 100.0 * legs / LEGS_FULL;
}

unsigned place_room(const struct place_node *n)
{
	const double load = place_load(n);

	return load < LOAD_FULL
		   ? 1 + (unsigned)((LOAD_FULL - load) * ROOM_STEPS / LOAD_FULL)
		   : 1;
}

/* Index of the k-th open node. */
static int nth_open(const struct place_node *nodev, size_t nodec, size_t k)
{
	for (size_t i = 0; i < nodec; i++) {
		if (nodev[i].open && !k--)
			return (int)i;
	}

	return -1;
}

int place_choose(const struct place_node *nodev, size_t nodec, uint64_t rnd)
{
	size_t open = 0, a, b;
	int ia, ib;

	for (size_t i = 0; i < nodec; i++)
		open += nodev[i].open;
	if (!open)
		return -1;

	a = (uint32_t)rnd % open;
	ia = nth_open(nodev, nodec, a);
	if (open == 1)
		return ia;

	/* a different one: skip over a */
	b = (uint32_t)(rnd >> 32) % (open - 1);
	ib = nth_open(nodev, nodec, b + (b >= a));

	return place_load(&nodev[ib]) < place_load(&nodev[ia]) ? ib : ia;
}

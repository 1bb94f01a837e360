/* SPDX-License-Identifier: MIT */
/* Weighted rendezvous hashing: see owner_share.h. */
#include <math.h>
#include "proto/owner_share.h"

static uint64_t hash_text(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;

	return h;
}

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull; /* splitmix64 */
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;

	return x ^ (x >> 31);
}

/* Time of the first event of a process whose rate is the room: the node whose
 * event comes first has the hub.  So shares are as rooms are, and when a node
 * goes, only its hubs move. */
static double score(uint64_t hub, const struct owner_peer *peer)
{
	const uint64_t bits = mix(hub ^ mix(peer->instance));
	const double u = ((double)(bits >> 11) + 0.5) / 9007199254740992.0;

	return -log(u) / (double)peer->room;
}

static bool takes(const struct owner_peer *peer, bool last)
{
	return peer->room > 0 && peer->last == last;
}

/* Overloaded nodes come into it when nobody else is there. */
static bool only_last(const struct owner_peer *peerv, size_t peerc)
{
	for (size_t i = 0; i < peerc; i++) {
		if (takes(&peerv[i], false))
			return false;
	}

	return true;
}

size_t owner_share_rank(const struct owner_peer *peerv, size_t peerc,
			const char *hub, uint32_t self, size_t limit)
{
	const bool last = only_last(peerv, peerc);
	const struct owner_peer *us = NULL;
	const uint64_t h = hash_text(hub);
	size_t rank = 0;
	double ours;

	for (size_t i = 0; i < peerc && !us; i++) {
		if (peerv[i].instance == self && takes(&peerv[i], last))
			us = &peerv[i];
	}
	if (!us)
		return limit;

	ours = score(h, us);
	for (size_t i = 0; i < peerc && rank < limit; i++) {
		if (&peerv[i] != us && takes(&peerv[i], last) &&
		    score(h, &peerv[i]) < ours)
			rank++;
	}

	return rank;
}

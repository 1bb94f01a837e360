/* SPDX-License-Identifier: MIT */
/* Uses of nonces; see replay.h. */

#include <errno.h>
#include <string.h>
#include <re.h>
#include "router/replay.h"

enum { WAYS = 4, SETS = REPLAY_ENTRIES / WAYS };

struct use {
	uint64_t nonce;              /* 0: free                         */
	uint32_t top;                /* highest count                   */
	uint32_t txv[REPLAY_WINDOW]; /* of top, top - 1 ...; 0: not seen */
};

struct replay {
	uint64_t seed;
	uint8_t handv[SETS];         /* which one goes next             */
	struct use v[REPLAY_ENTRIES];
};

int replay_alloc(struct replay **rp, uint64_t seed)
{
	struct replay *r = mem_zalloc(sizeof(*r), NULL);

	if (!r)
		return ENOMEM;
	r->seed = seed | 1;
	*rp = r;

	return 0;
}

static struct use *find(struct replay *r, uint64_t nonce)
{
	const size_t set = ((nonce * r->seed) >> 32) % SETS;
	struct use *u = r->v + set * WAYS;

	for (unsigned i = 0; i < WAYS; i++) {
		if (u[i].nonce == nonce)
			return &u[i];
	}
	u += r->handv[set];
	r->handv[set] = (uint8_t)((r->handv[set] + 1) % WAYS);
	memset(u, 0, sizeof(*u));

	return u;
}

/* The window moves up to a higher count. */
static void move(struct use *u, uint32_t nc)
{
	const uint32_t by = nc - u->top;

	for (unsigned i = REPLAY_WINDOW; i-- > 0;)
		u->txv[i] = i >= by ? u->txv[i - by] : 0;
	u->top = nc;
}

bool replay_check(struct replay *r, uint64_t nonce, uint32_t nc, uint32_t tx)
{
	struct use *u = find(r, nonce);
	uint32_t back;

	if (!u->nonce) {
		u->nonce = nonce;
		u->top = nc;
	}
	if (nc > u->top)
		move(u, nc);
	back = u->top - nc;
	if (back >= REPLAY_WINDOW)
		return false;
	if (!u->txv[back])
		u->txv[back] = tx;

	return u->txv[back] == tx;
}

/* SPDX-License-Identifier: MIT */
/* A set-associative table; see attempt.h. */

#include <string.h>
#include "router/attempt.h"
#include "router/core.h"

enum { SETS = 512, WAYS = 4, CTX_MAX = 2048 };

struct attempts {
	struct attempt v[SETS][WAYS];
};

int attempts_alloc(struct attempts **ap)
{
	*ap = mem_zalloc(sizeof(**ap), NULL);

	return *ap ? 0 : ENOMEM;
}

/* What a branch is made of: CANCEL and ACK to a failure have it as well. */
static void make_key(uint8_t key[ATTEMPT_KEY_BYTES], const struct msg *m)
{
	uint8_t mac[32];
	char ctx[CTX_MAX];
	const size_t n =
	    msg_branch_ctx(ctx, sizeof(ctx), m->v, &m->v->via);

	token_mac(mac, m->w->router->key, 'A', ctx, n);
	memcpy(key, mac, ATTEMPT_KEY_BYTES);
}

struct attempt *attempt_get(struct attempts *t, const struct msg *m,
			    uint64_t now_ms)
{
	uint8_t key[ATTEMPT_KEY_BYTES];
	struct attempt *set, *a;
	uint32_t n;

	make_key(key, m);
	memcpy(&n, key, sizeof(n));
	set = a = t->v[n % SETS];
	for (int i = 0; i < WAYS; i++) {
		if (set[i].used_ms &&
		    !memcmp(set[i].key, key, sizeof(key))) {
			set[i].used_ms = now_ms;
			return &set[i];
		}
		if (set[i].used_ms < a->used_ms)
			a = &set[i];
	}
	memset(a, 0, sizeof(*a));
	memcpy(a->key, key, sizeof(key));
	a->used_ms = now_ms;
	a->method = m->v->method;

	return a;
}

const struct locate_target *attempt_target(const struct attempt *a)
{
	return a->tried ? &a->triedv[a->tried - 1] : NULL;
}

bool attempt_has(const struct attempt *a, const struct locate_target *t)
{
	for (uint8_t i = 0; i < a->tried; i++) {
		if (a->triedv[i].transport == t->transport &&
		    sa_cmp(&a->triedv[i].sa, &t->sa, SA_ALL))
			return true;
	}

	return false;
}

void attempt_next(struct attempt *a, const struct locate_target *t,
		  uint64_t now_ms)
{
	if (a->tried == ATTEMPT_TRIED_MAX)
		--a->tried;
	a->triedv[a->tried++] = *t;
	a->copies = 0;
	a->sent_ms = now_ms;
}

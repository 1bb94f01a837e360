/* SPDX-License-Identifier: MIT */
/* Token buckets: see rate.h. */

#include <errno.h>
#include <re.h>

#include "gateway/api/rate.h"
#include "proto/random.h"

enum {
	WAYS = 8,        /* buckets that a name may be in            */
	UNIT = 1000000,  /* of what a bucket holds, of one request   */
};

struct bucket {
	uint64_t name;    /* its hash; 0: none                       */
	uint64_t at_us;   /* when it held that                       */
	uint64_t held;    /* [UNIT]                                  */
	uint32_t per_s, burst;
};

struct rate {
	uint64_t seed;
	size_t sets;
	struct bucket *v; /* sets of WAYS                            */
};

static void destructor(void *arg)
{
	struct rate *r = arg;

	mem_deref(r->v);
}

int rate_alloc(struct rate **rp, size_t buckets)
{
	struct rate *r;

	if (!rp || buckets < WAYS)
		return EINVAL;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;

	r->sets = buckets / WAYS;
	r->v = mem_zalloc(r->sets * WAYS * sizeof(*r->v), NULL);
	if (!r->v) {
		mem_deref(r);
		return ENOMEM;
	}
	random_bytes(&r->seed, sizeof(r->seed));
	*rp = r;

	return 0;
}

/* FNV-1a from a random start: nobody can choose names that meet. */
static uint64_t hash(const struct rate *r, const char *name)
{
	uint64_t h = r->seed;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	h ^= h >> 29;

	return h ? h : 1;
}

static uint64_t held(const struct bucket *b, uint64_t now_us)
{
	const uint64_t full = (uint64_t)b->burst * UNIT;
	uint64_t us = now_us > b->at_us ? now_us - b->at_us : 0;

	/* What comes in a microsecond is per_s of the unit. */
	if (us > full / b->per_s)
		return full;

	return min(full, b->held + us * b->per_s);
}

/* A name's bucket, or the one that it gets: an unused one, else the one that
 * misses the least. */
static struct bucket *find(struct rate *r, uint64_t name, uint64_t now_us)
{
	struct bucket *v = r->v + name % r->sets * WAYS, *best = v;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < WAYS; i++) {
		uint64_t missing;

		if (v[i].name == name)
			return &v[i];
		missing = !v[i].name ? 0
				     : 1 + (uint64_t)v[i].burst * UNIT -
					   held(&v[i], now_us);
		if (missing < least) {
			least = missing;
			best = &v[i];
		}
	}

	return best;
}

static uint32_t seconds(uint64_t units, uint32_t per_s)
{
	const uint64_t a_second = (uint64_t)per_s * UNIT;

	return (uint32_t)((units + a_second - 1) / a_second);
}

bool rate_take(struct rate *r, const char *name, uint32_t per_s,
	       uint32_t burst, uint64_t now_us, struct rate_state *st)
{
	const uint64_t h = hash(r, name);
	struct bucket *b = find(r, h, now_us);
	bool taken;

	if (b->name != h)
		*b = (struct bucket){.name = h,
				     .held = (uint64_t)burst * UNIT};
	b->held = b->per_s ? held(b, now_us) : b->held;
	b->per_s = per_s;
	b->burst = burst;
	b->at_us = now_us;
	b->held = min(b->held, (uint64_t)burst * UNIT);
	taken = b->held >= UNIT;
	if (taken)
		b->held -= UNIT;

	if (st)
		*st = (struct rate_state){
		    .limit = burst,
		    .remaining = (uint32_t)(b->held / UNIT),
		    .reset_s = seconds((uint64_t)burst * UNIT - b->held,
				       per_s),
		    .retry_s = b->held >= UNIT
				   ? 0
				   : seconds(UNIT - b->held, per_s),
		};

	return taken;
}

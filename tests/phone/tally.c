/* SPDX-License-Identifier: MIT */
/* Counters and percentiles; see tally.h. */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/phone/base.h"
#include "tests/phone/tally.h"

void series_add(struct series *s, double ms)
{
	if (s->n == s->size) {
		const size_t size = s->size ? 2 * s->size : 64;
		double *v = mem_reallocarray(s->v, size, sizeof(*v), NULL);

		if (!v)
			return;
		s->v = v;
		s->size = size;
	}

	s->v[s->n++] = ms;
}

static int cmp(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Nearest rank: the smallest value with p of all at or below it. */
static json_t *rank_json(const struct series *s, double p)
{
	const size_t rank = ceil(p * s->n);

	return s->n ? json_real(s->v[rank ? rank - 1 : 0]) : json_null();
}

json_t *series_json(struct series *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), cmp);

	return json_pack("{s:I s:o s:o s:o s:o}", "n", (json_int_t)s->n, "p50",
			 rank_json(s, 0.50), "p90", rank_json(s, 0.90), "p99",
			 rank_json(s, 0.99), "max", rank_json(s, 1.0));
}

void series_reset(struct series *s)
{
	mem_deref(s->v);
	memset(s, 0, sizeof(*s));
}

json_t *tally_failed_json(const uint32_t failed[TALLY_CODES])
{
	json_t *obj = json_object();
	char key[8];

	for (unsigned i = 0; i < TALLY_CODES; i++) {
		if (!failed[i])
			continue;

		snprintf(key, sizeof(key), "%u", i);
		json_object_set_new(obj, key, json_integer(failed[i]));
	}

	return obj;
}

void tally_fail(uint32_t failed[TALLY_CODES], unsigned code)
{
	++failed[code < TALLY_CODES ? code : 0];
}

void tally_reset(struct tally *t)
{
	series_reset(&t->setup);
	series_reset(&t->ring);
	memset(t, 0, sizeof(*t));
}

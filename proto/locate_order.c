/* SPDX-License-Identifier: MIT */
/* In which order targets are tried; RFC 2782, RFC 2915; see locate_impl.h. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "proto/locate_impl.h"

static int by_priority(const void *a, const void *b)
{
	const struct locate_srv *x = a, *y = b;

	if (x->pri != y->pri)
		return x->pri < y->pri ? -1 : 1;
	/* weight 0 first: so it has a small chance (RFC 2782) */
	return (x->weight != 0) - (y->weight != 0);
}

static void swap(struct locate_srv *a, struct locate_srv *b)
{
	const struct locate_srv t = *a;

	*a = *b;
	*b = t;
}

/* Which of n is next: a random number up to the sum of weights, and the
 * first whose running sum reaches it. */
static size_t pick(const struct locate_srv *v, size_t n,
		   const struct locate_rand *rnd)
{
	uint32_t sum = 0, at;
	size_t i;

	for (i = 0; i < n; i++)
		sum += v[i].weight;
	at = rnd->h(rnd->arg) % (sum + 1);
	for (i = 0, sum = 0; i < n; i++) {
		sum += v[i].weight;
		if (sum >= at)
			break;
	}

	return i;
}

static void order_group(struct locate_srv *v, size_t n,
			const struct locate_rand *rnd)
{
	for (; n > 1; v++, n--) {
		size_t i = pick(v, n, rnd);

		for (; i > 0; i--) /* the others keep their order */
			swap(&v[i], &v[i - 1]);
	}
}

void locate_srv_order(struct locate_srv *v, size_t n,
		      const struct locate_rand *rnd)
{
	size_t from = 0;

	qsort(v, n, sizeof(*v), by_priority);
	for (size_t i = 1; i <= n; i++) {
		if (i < n && v[i].pri == v[from].pri)
			continue;
		order_group(v + from, i - from, rnd);
		from = i;
	}
}

static int by_order(const void *a, const void *b)
{
	const struct locate_naptr *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;

	return (x->pref > y->pref) - (x->pref < y->pref);
}

void locate_naptr_order(struct locate_naptr *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_order);
}

void locate_shuffle(struct sa *v, size_t n, const struct locate_rand *rnd)
{
	for (; n > 1; n--) {
		const size_t i = rnd->h(rnd->arg) % n;
		const struct sa t = v[i];

		v[i] = v[n - 1];
		v[n - 1] = t;
	}
}

enum locate_transport locate_service(const char *service)
{
	static const struct {
		const char *name;
		enum locate_transport transport;
	} v[] = {
		{"SIP+D2U", LOCATE_UDP},
		{"SIP+D2T", LOCATE_TCP},
		{"SIPS+D2T", LOCATE_TLS},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		if (!strcasecmp(service, v[i].name))
			return v[i].transport;
	}

	return LOCATE_NONE;
}

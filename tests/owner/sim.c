/* SPDX-License-Identifier: MIT */
/* Events in the order of time, and chance: see sim.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/owner/sim.h"

struct event {
	uint64_t at_us, seq; /* of the same time: first come, first run */
	sim_event_h *h;
	void *arg;
};

static bool before(const struct event *a, const struct event *b)
{
	return a->at_us < b->at_us || (a->at_us == b->at_us && a->seq < b->seq);
}

void sim_at(struct sim *s, uint64_t at_us, sim_event_h *h, void *arg)
{
	struct event e = {.at_us = at_us > s->now_us ? at_us : s->now_us,
			  .seq = s->event_seq++,
			  .h = h,
			  .arg = arg};
	size_t i = s->heapc++;

	if (s->heapc > s->heapmax) {
		s->heapmax = s->heapmax ? 2 * s->heapmax : 1024;
		s->heap = realloc(s->heap, s->heapmax * sizeof(e));
		if (!s->heap)
			abort();
	}
	for (; i && before(&e, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = e;
}

static struct event pop(struct sim *s)
{
	struct event first = s->heap[0], last = s->heap[--s->heapc];
	size_t i = 0, kid;

	for (; (kid = 2 * i + 1) < s->heapc; i = kid) {
		if (kid + 1 < s->heapc &&
		    before(&s->heap[kid + 1], &s->heap[kid]))
			kid++;
		if (!before(&s->heap[kid], &last))
			break;
		s->heap[i] = s->heap[kid];
	}
	s->heap[i] = last;

	return first;
}

void sim_run(struct sim *s, uint64_t until_us)
{
	while (s->heapc && s->heap[0].at_us <= until_us && !*s->failure) {
		struct event e = pop(s);

		s->now_us = e.at_us;
		s->events++;
		e.h(s, e.arg);
		mem_deref(e.arg);
	}
	if (s->now_us < until_us)
		s->now_us = until_us;
}

void sim_forget_all(struct sim *s)
{
	for (size_t i = 0; i < s->heapc; i++)
		mem_deref(s->heap[i].arg);
	free(s->heap);
	s->heap = NULL;
	s->heapc = s->heapmax = 0;
}

uint32_t sim_random(struct sim *s, uint32_t max)
{
	uint64_t x = s->rnd += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;

	return (uint32_t)((x ^ (x >> 31)) >> 32) % max;
}

uint64_t sim_between(struct sim *s, uint64_t from, uint64_t to)
{
	return from + sim_random(s, (uint32_t)(to - from + 1));
}

bool sim_chance(struct sim *s, unsigned permille)
{
	return sim_random(s, 1000) < permille;
}

void sim_trace(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->trace)
		return;

	fprintf(stderr, "%9.3f ", (double)s->now_us / 1e6);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

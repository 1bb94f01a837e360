/* SPDX-License-Identifier: MIT */
/* See trace_ring.h. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "router/trace_ring.h"

struct trace_ring {
	uint32_t mask;		  /* RO                                  */
	char *buf;		  /* RO; mask + 1 bytes                  */
	char apart[64];		  /* of what is written all the time     */
	_Atomic uint32_t head;	  /* the writer writes: committed        */
	uint32_t put;		  /* the writer's own                    */
	_Atomic uint64_t dropped; /* the writer writes                   */
	char apart2[64];
	_Atomic uint32_t tail; /* the reader writes                   */
};

static void destructor(void *arg)
{
	struct trace_ring *r = arg;

	free(r->buf);
}

int trace_ring_alloc(struct trace_ring **rp, uint32_t bytes)
{
	struct trace_ring *r;

	if (!bytes || (bytes & (bytes - 1)))
		return EINVAL;
	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;
	r->mask = bytes - 1;
	r->buf = malloc(bytes);
	if (!r->buf) {
		mem_deref(r);
		return ENOMEM;
	}
	*rp = r;

	return 0;
}

static void copy_in(struct trace_ring *r, uint32_t at, const void *p, size_t n)
{
	const uint32_t off = at & r->mask;
	const size_t first = MIN(n, (size_t)r->mask + 1 - off);

	memcpy(r->buf + off, p, first);
	memcpy(r->buf, (const char *)p + first, n - first);
}

static void copy_out(const struct trace_ring *r, uint32_t at, void *p, size_t n)
{
	const uint32_t off = at & r->mask;
	const size_t first = MIN(n, (size_t)r->mask + 1 - off);

	memcpy(p, r->buf + off, first);
	memcpy((char *)p + first, r->buf, n - first);
}

bool trace_ring_put(struct trace_ring *r, struct trace_rec *rec,
		    const struct iovec *iov, size_t n)
{
	const uint32_t tail =
	    atomic_load_explicit(&r->tail, memory_order_acquire);
	uint32_t at = r->put + (uint32_t)sizeof(*rec), left;
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += iov[i].iov_len;
	rec->len = (uint32_t)MIN(sum, (size_t)TRACE_TEXT_MAX);
	rec->cut = (uint32_t)(sum - rec->len);
	if (r->put - tail + sizeof(*rec) + rec->len > (size_t)r->mask + 1) {
		atomic_fetch_add_explicit(&r->dropped, 1, memory_order_relaxed);
		return false;
	}

	copy_in(r, r->put, rec, sizeof(*rec));
	left = rec->len;
	for (size_t i = 0; i < n && left; i++) {
		const uint32_t k = (uint32_t)MIN(iov[i].iov_len, (size_t)left);

		copy_in(r, at, iov[i].iov_base, k);
		at += k;
		left -= k;
	}
	r->put = at;

	return true;
}

uint32_t trace_ring_mark(const struct trace_ring *r)
{
	return r->put;
}

void trace_ring_alter(struct trace_ring *r, uint32_t mark,
		      const struct trace_rec *rec)
{
	copy_in(r, mark, rec, sizeof(*rec));
}

void trace_ring_undo(struct trace_ring *r, uint32_t mark)
{
	r->put = mark;
}

void trace_ring_commit(struct trace_ring *r)
{
	atomic_store_explicit(&r->head, r->put, memory_order_release);
}

bool trace_ring_get(struct trace_ring *r, struct trace_rec *rec, char *text)
{
	const uint32_t tail =
	    atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;
	copy_out(r, tail, rec, sizeof(*rec));
	copy_out(r, tail + (uint32_t)sizeof(*rec), text, rec->len);
	atomic_store_explicit(&r->tail,
			      tail + (uint32_t)sizeof(*rec) + rec->len,
			      memory_order_release);

	return true;
}

uint64_t trace_ring_dropped(const struct trace_ring *r)
{
	return atomic_load_explicit(&r->dropped, memory_order_relaxed);
}

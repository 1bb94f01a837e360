/* SPDX-License-Identifier: MIT */
/*
 * head and tail only grow; their difference is the fill.  Each is written by
 * one side (release) and read by the other (acquire), and lies on a cache
 * line of its own (by padding: the allocator aligns to 16 only).
 */

#include <string.h>
#include <stdatomic.h>
#include <stdint.h>
#include <re.h>

#include "node/media/ring.h"

enum { LINE = 64 };

struct ring {
	size_t size;                       /* RO                    */
	size_t mask;                       /* RO                    */
	uint8_t *data;                     /* RO: slots: see head   */
	uint8_t pad0[LINE];
	atomic_size_t head;                /* producer writes       */
	uint8_t pad1[LINE];
	atomic_size_t tail;                /* consumer writes       */
	uint8_t pad2[LINE];
};

static void destructor(void *arg)
{
	struct ring *r = arg;

	mem_deref(r->data);
}

int ring_alloc(struct ring **rp, size_t size, size_t n)
{
	struct ring *r;

	if (!rp || !size || !n || (n & (n - 1)))
		return EINVAL;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;

	r->size = size;
	r->mask = n - 1;
	r->data = mem_alloc(size * n, NULL);
	if (!r->data) {
		mem_deref(r);
		return ENOMEM;
	}

	*rp = r;

	return 0;
}

bool ring_put(struct ring *r, const void *elem)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (!ring_space(r))
		return false;

	memcpy(r->data + (head & r->mask) * r->size, elem, r->size);
	atomic_store_explicit(&r->head, head + 1, memory_order_release);

	return true;
}

bool ring_get(struct ring *r, void *elem)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
		return false;

	memcpy(elem, r->data + (tail & r->mask) * r->size, r->size);
	atomic_store_explicit(&r->tail, tail + 1, memory_order_release);

	return true;
}

size_t ring_space(const struct ring *r)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);

	return r->mask + 1 - (head - tail);
}

/* SPDX-License-Identifier: MIT */
/*
 * A ring of fixed-size elements between exactly two threads: one puts, one
 * gets.  No locks, no system calls, no allocation after ring_alloc().
 */

#ifndef SY_NODE_MEDIA_RING_H
#define SY_NODE_MEDIA_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring;

/**
 * Allocate a ring.
 *
 * @param rp    Set on success; mem_deref() frees it, when both are done.
 * @param size  Size of an element [bytes].
 * @param n     Number of elements; a power of two.
 *
 * @return 0, EINVAL or ENOMEM.
 */
int ring_alloc(struct ring **rp, size_t size, size_t n);

/** Put a copy of an element; false when the ring is full.  Producer only. */
bool ring_put(struct ring *r, const void *elem);

/** Get the oldest element; false when the ring is empty.  Consumer only. */
bool ring_get(struct ring *r, void *elem);

/** Number of elements that can surely be put.  Producer only. */
size_t ring_space(const struct ring *r);

#endif

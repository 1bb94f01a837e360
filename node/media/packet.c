/* SPDX-License-Identifier: MIT */
#include <re.h>

#include "node/media/packet.h"

struct pool_chunk *pool_chunk_alloc(size_t n)
{
	struct pool_chunk *c;

	c = mem_alloc(sizeof(*c) + n * sizeof(c->packetv[0]), NULL);
	if (!c)
		return NULL;

	c->next = NULL;
	c->n = n;
	c->fresh = n;

	return c;
}

void pool_add(struct pool *p, struct pool_chunk *chunk)
{
	chunk->next = p->chunks;
	p->chunks = chunk;
}

struct packet *pool_get(struct pool *p)
{
	struct packet *pkt = p->free;
	struct pool_chunk *c = p->chunks;

	if (pkt) {
		p->free = pkt->next;
		++p->used;
		return pkt;
	}

	while (c && !c->fresh)
		c = c->next;

	if (!c)
		return NULL;

	++p->used;

	return &c->packetv[c->n - c->fresh--];
}

void pool_put(struct pool *p, struct packet *pkt)
{
	if (!pkt)
		return;

	pkt->next = p->free;
	p->free = pkt;
	--p->used;
}

/* SPDX-License-Identifier: MIT */
/*
 * Packets and the pool that a worker takes them from.  The pool is used by
 * one thread; its memory is allocated elsewhere and handed in as chunks.
 * What was freed last is taken first, so the packets in flight stay in the
 * cache and memory that was never needed is never touched.
 */

#ifndef SY_NODE_MEDIA_PACKET_H
#define SY_NODE_MEDIA_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKET_BYTES = 2032, /* more than an Ethernet frame; L16 48 kHz 20 ms */
};

/** An RTP packet, received or about to be sent. */
struct packet {
	struct packet *next;    /* pool                                      */
	uint64_t arrival_us;    /* CLOCK_MONOTONIC                           */
	uint32_t ts;            /* RTP timestamp                             */
	uint32_t ssrc;
	uint32_t dur_ts;        /* duration, in units of ts                  */
	uint16_t seq;
	uint8_t pt;
	bool marker;
	uint16_t len;           /* of all in data [bytes]                    */
	uint16_t payload_off;   /* in data [bytes]                           */
	uint16_t payload_len;   /* [bytes]                                   */
	uint8_t data[PACKET_BYTES];
};

/** Memory of packets; mem_deref() frees it. */
struct pool_chunk {
	struct pool_chunk *next; /* pool                                     */
	size_t n;                /* packets in it                            */
	size_t fresh;            /* packets never used yet                   */
	struct packet packetv[];
};

struct pool {
	struct packet *free;
	struct pool_chunk *chunks; /* borrowed                               */
	size_t used;               /* packets out of the pool                */
};

/** Allocate memory for n packets; NULL without memory. */
struct pool_chunk *pool_chunk_alloc(size_t n);

/** Add a chunk to a pool; the chunk must outlive the pool's use. */
void pool_add(struct pool *p, struct pool_chunk *chunk);

/** Take a packet, its content undefined; NULL when the pool is empty. */
struct packet *pool_get(struct pool *p);

/** Give a packet back; NULL is allowed. */
void pool_put(struct pool *p, struct packet *pkt);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What comes to an RTP leg's socket and is no RTP: STUN and DTLS, told by
 * their first byte (RFC 7983 7).  The worker puts a copy aside and wakes
 * signalling, which does what they ask for in its own time.
 *
 *   worker     aside_takes() -> aside_put() --ring--> NOTE_ASIDE
 *   signalling aside_drain() -> the leg's handler
 *
 * A leg that expects none has no ring and pays nothing.  A full ring drops:
 * both protocols ask again.  Engine only.
 */

#ifndef SY_NODE_MEDIA_ASIDE_H
#define SY_NODE_MEDIA_ASIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct aside;
struct leg;
struct media_leg;
struct worker;

/** What a datagram is, by its first byte. */
enum aside_kind {
	ASIDE_STUN,  /* 0..3                                              */
	ASIDE_DTLS,  /* 20..63                                            */
	ASIDE_MEDIA, /* 128..191: RTP, RTCP                               */
	ASIDE_NONE,  /* ZRTP, TURN channels, anything: nobody asked for it */
};

/** Tell by the first byte. */
enum aside_kind aside_kind(uint8_t first);

/**
 * Worker: a datagram came.
 *
 * @param a    NULL: the leg expects media only.
 * @param leg  Whose it is, for the note.
 * @param src  struct sockaddr_in or sockaddr_in6.
 *
 * @return true: it was no media, and is done with.
 */
bool aside_take(struct aside *a, struct leg *leg, struct worker *w,
		const struct sockaddr *src, const uint8_t *p, size_t len);

/** Signalling: there is something for the leg. Its handler may mem_deref() the
 * handle. */
void aside_drain(struct media_leg *handle);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A UDP port that many WebRTC peers come to.  Whom a peer is looking for is
 * told by the user name of its checks (RFC 8445 7.1.1): "ours:theirs"; all else
 * that it sends, DTLS above all, by the address that a check came from
 * (door_guest()).  Once a peer has its keys its datagrams go to the leg's own
 * socket (media_leg_join()), and the worker reads them as any others; what
 * comes here is of peers that are new, or elsewhere by now.
 *
 * Signalling thread.
 */

#ifndef SY_NODE_WEBRTC_DOOR_H
#define SY_NODE_WEBRTC_DOOR_H

#include <re.h>

struct door;
struct door_name;

enum { DOOR_GUESTS = 4 }; /* addresses of a name */

/** A check for a name came, or something else of a guest's; borrowed for the
 * call. */
typedef void(door_h)(const struct sa *src, const uint8_t *p, size_t len,
		     void *arg);

/** @param dp  Set on success; owned. @return 0, ENOMEM, errno of the socket. */
int door_alloc(struct door **dp, const struct sa *laddr);

const struct sa *door_laddr(const struct door *d);

/**
 * Be told of checks for a name.
 *
 * @param np     Set on success; owned: mem_deref() ends it.  A reference to
 *               the door is kept.
 * @param ufrag  Ours (a=ice-ufrag); copied.
 *
 * @return 0, ENOMEM.
 */
int door_name(struct door_name **np, struct door *d, const char *ufrag,
	      door_h *h, void *arg);

/** Is it that one's? @param n  NULL: no. */
bool door_name_is(const struct door_name *n, const char *ufrag);

/**
 * Be told of all that comes from an address: its check was good.  Of more than
 * DOOR_GUESTS the first are forgotten.
 *
 * @return 0, ENOMEM.
 */
int door_guest(struct door_name *n, const struct sa *peer);

/** Of none any more. */
void door_guests_leave(struct door_name *n);

/** Send from this port. @return 0 or errno. */
int door_send(const struct door *d, const struct sa *dst, const uint8_t *p,
	      size_t len);

/**
 * The first half of a check's USERNAME.
 *
 * @param ufrag  Set; points into p.
 *
 * @return false: it is no STUN, or has none.
 */
bool door_ufrag(struct pl *ufrag, const uint8_t *p, size_t len);

/** Datagrams that were for nobody. */
uint64_t door_strays(const struct door *d);

#endif

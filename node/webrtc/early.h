/* SPDX-License-Identifier: MIT */
/*
 * DTLS of a peer whose answer is not here yet: it has our offer, its checks
 * were answered (ice_expect()), and it begins at once.  Whether its certificate
 * is the right one only its answer tells, so its first datagrams wait for that;
 * what does not fit the peer sends again.
 *
 * Bytes in, bytes out.  One thread.
 */

#ifndef SY_NODE_WEBRTC_EARLY_H
#define SY_NODE_WEBRTC_EARLY_H

#include <re.h>

enum {
	EARLY_MAX = 4, /* datagrams: a ClientHello has one or two */
	EARLY_BYTES = 1500,
};

typedef void(early_h)(const struct sa *src, const uint8_t *p, size_t len,
		      void *arg);

/** Keep a copy; one that is longer is dropped, of too many the oldest.
 * @param lst  list_flush() forgets all. */
void early_keep(struct list *lst, const struct sa *src, const uint8_t *p,
		size_t len);

/** Hand out all in their order, and forget them; what the handler keeps stays. */
void early_play(struct list *lst, early_h *h, void *arg);

#endif

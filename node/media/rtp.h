/* SPDX-License-Identifier: MIT */
/* The RTP header (RFC 3550 5.1, 5.3.1): bytes in, numbers out, and back. */

#ifndef SY_NODE_MEDIA_RTP_H
#define SY_NODE_MEDIA_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RTP_PT_CN = 13,     /* RFC 3389, at 8 kHz clocks */
	RTP_HDR_BYTES = 12, /* without CSRCs and extension */
};

struct packet;

/**
 * Read the header of a received packet.
 *
 * @param pkt  data and len are read; the RTP members, payload_off and
 *             payload_len are set.  CSRCs, extension and padding are left
 *             out of the payload.
 *
 * @return 0, or EBADMSG: not RTP, or RTCP (RFC 5761 4), or cut.
 */
int rtp_parse(struct packet *pkt);

/**
 * Write a plain header, RTP_HDR_BYTES long, at the start of data.
 *
 * @param pkt  marker, pt, seq, ts and ssrc are read.
 */
void rtp_print(struct packet *pkt);

#endif

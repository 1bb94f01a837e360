/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg's RTCP: when something is sent, and what becomes of what came.
 *
 * A leg without RTCP has none of this (r->rtcp is NULL).  One that has it
 * pays a comparison a tick, some nanoseconds a packet, and a look at its
 * RTCP socket every RTCP_LOOK_MS, staggered over the legs; with rtcp-mux
 * (RFC 5761) there is no such socket.
 *
 * Made by signalling with the first set that wants it, then the worker's; it
 * lives as long as its leg.  Engine only.
 */

#ifndef SY_NODE_MEDIA_RTP_RTCP_H
#define SY_NODE_MEDIA_RTP_RTCP_H

#include "node/media/adapt.h"
#include "node/media/rtcp_source.h"
#include "node/media/rtp_leg.h"

enum {
	RTCP_LOOK_MS = 200, /* some ten ticks */
	RTCP_UDP_BYTES = 28, /* IPv4 and UDP, for the share of bandwidth */
};

struct rtp_rtcp {
	char cname[RTCP_CNAME_BYTES + 1]; /* RO                              */
	int fd;		    /* signalling's; -1: muxed, or none         */
	uint32_t rnd;	    /* state of its random numbers; not 0       */
	uint64_t next_us;   /* next time that there is something to do  */
	uint64_t due_us;    /* next report; 0: not set yet              */
	uint32_t avg_bytes; /* of packets sent and received, with UDP   */
	int64_t epoch_us;   /* wall clock less CLOCK_MONOTONIC, fixed   */
	struct sa dst;	    /* where to send                            */
	struct rtcp_source source;
	struct adapt adapt;

	uint32_t packets, bytes; /* of RTP sent                              */
	uint32_t packets_told;	 /* at the last report                       */
	bool told;		 /* something was sent                       */
	uint32_t lsr;		 /* of the peer's last SR; 0: none           */
	uint64_t lsr_us;	 /* when it came                             */
};

/**
 * Signalling: make it.
 *
 * @param cname  Of this process (RFC 7022); copied.
 *
 * @return owned; NULL without memory.
 */
struct rtp_rtcp *rtp_rtcp_alloc(const char *cname);

/** A new set is in force. */
void rtp_rtcp_set(struct rtp_leg *r);

/** Look at the socket, send what is due. Call when next_us is reached. */
void rtp_rtcp_tick(struct rtp_leg *r, const struct tick *t);

/**
 * A datagram came on the RTP socket.
 *
 * @return true: it was RTCP, and is done with.
 */
bool rtp_rtcp_muxed(struct rtp_leg *r, struct msghdr *hdr, struct packet *pkt,
		    const struct tick *t);

/** The leg ends: say so to the peer. */
void rtp_rtcp_bye(struct rtp_leg *r);

/* Between its two files; worker. */

/** Send a report now, or the last one. */
void rtp_rtcp_transmit(struct rtp_leg *r, bool bye);

/** Whether there is something to be said, and somebody to say it to. */
bool rtp_rtcp_may_send(const struct rtp_leg *r);

/** Set when the next report is due. */
void rtp_rtcp_schedule(struct rtp_leg *r, uint64_t from_us);

/** Count a packet's size, sent or received, into the mean. */
void rtp_rtcp_count(struct rtp_rtcp *c, size_t len);

uint32_t rtp_rtcp_rnd(struct rtp_rtcp *c);

/** NTP time of a time on the clock of the ticks. */
uint64_t rtp_rtcp_ntp(const struct rtp_rtcp *c, uint64_t mono_us);

/** The codec that arrives, or NULL. */
const struct codec *rtp_rtcp_codec_in(const struct rtp_leg *r);

/** An RTP packet of the peer came. @param late  Too late to be played. */
static inline void rtp_rtcp_came(struct rtp_leg *r, uint32_t ssrc, uint16_t seq,
				 bool late)
{
	if (r->rtcp)
		rtcp_source_put(&r->rtcp->source, ssrc, seq, late);
}

/** An RTP packet was sent. */
static inline void rtp_rtcp_sent(struct rtp_leg *r, uint32_t payload_bytes)
{
	if (!r->rtcp)
		return;

	++r->rtcp->packets;
	r->rtcp->bytes += payload_bytes;
}

#endif

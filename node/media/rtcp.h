/* SPDX-License-Identifier: MIT */
/*
 * RTCP packets: numbers to bytes and back (RFC 3550 6, RFC 3611 4.7), and
 * when the next one is due (RFC 3550 6.2, 6.3).  No I/O, no allocation; time
 * and randomness are passed in.
 *
 * A stream has two parties, so a packet has one report block at most, and a
 * received one is read for the block that is about us.
 */

#ifndef SY_NODE_MEDIA_RTCP_H
#define SY_NODE_MEDIA_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RTCP_CNAME_BYTES = 32, /* longest CNAME, without its NUL            */
	RTCP_BYTES = 192,      /* room that rtcp_print() needs              */
	RTCP_FIRST_MS = 1000,  /* the first packet, on average              */
	RTCP_MIN_MS = 5000,    /* RFC 3550 6.2: the least interval          */
};

/** A report block (RFC 3550 6.4.1): how one stream arrives. */
struct rtcp_report {
	uint32_t ssrc;	    /* of the stream                             */
	uint8_t fraction;   /* lost since the last report, of 256        */
	int32_t lost;	    /* since the start; -2^23 .. 2^23 - 1        */
	uint32_t seq;	    /* highest, extended by wraps                */
	uint32_t jitter_ts; /* [timestamp units]                         */
	uint32_t lsr;	    /* middle of the last SR's NTP time; 0: none */
	uint32_t dlsr;	    /* since it came [1/65536 s]                 */
};

/** What a sender says of itself (RFC 3550 6.4.1). */
struct rtcp_sender {
	uint64_t ntp; /* 32.32 s since 1900                        */
	uint32_t ts;  /* RTP timestamp of that moment              */
	uint32_t packets;
	uint32_t bytes; /* of payload                                */
};

/** VoIP metrics (RFC 3611 4.7); 127 where a level is not known. */
struct rtcp_voip {
	uint32_t ssrc; /* of the stream                             */
	uint8_t loss;  /* of 256, since the start                   */
	uint8_t discard;
	uint8_t burst_density;
	uint8_t gap_density;
	uint16_t burst_ms; /* mean duration                             */
	uint16_t gap_ms;
	uint16_t round_trip_ms;
	uint16_t end_system_ms;
	int8_t signal_dbm;
	int8_t noise_dbm;
	uint8_t rerl_db;
	uint8_t gmin;
	uint8_t r; /* 127: not known                            */
	uint8_t ext_r;
	uint8_t mos_lq; /* 10..50: MOS * 10; 127: not known          */
	uint8_t mos_cq;
	uint8_t config; /* RX config byte                            */
	uint16_t jb_nominal_ms;
	uint16_t jb_maximum_ms;
	uint16_t jb_abs_max_ms;
};

/** A compound packet to send: SR or RR, SDES, and what is set. */
struct rtcp_out {
	uint32_t ssrc; /* ours                                      */
	const char *cname;
	const struct rtcp_sender *sender; /* NULL: RR                     */
	const struct rtcp_report *report; /* NULL: nothing was received   */
	const struct rtcp_voip *voip;	  /* NULL: none                   */
	bool bye;
};

/** What a received packet tells us. */
struct rtcp_in {
	uint32_t ssrc; /* of its sender                             */
	bool has_sender, has_report, has_voip;
	bool bye; /* of that sender                            */
	struct rtcp_sender sender;
	struct rtcp_report report; /* about us                            */
	struct rtcp_voip voip;	   /* about us                            */
};

/**
 * Whether a datagram on a port shared with RTP is RTCP (RFC 5761 4): the
 * second byte is 192..223.
 */
bool rtcp_is(const uint8_t *buf, size_t len);

/**
 * Write a compound packet.
 *
 * @param buf  RTCP_BYTES of room.
 *
 * @return its length [bytes]; 0: no CNAME, or one that is too long.
 */
size_t rtcp_print(uint8_t *buf, const struct rtcp_out *out);

/**
 * Read a packet: compound, or of reduced size (RFC 5506).  Unknown types
 * (feedback, APP) are passed over.  A packet is taken whole or not at all.
 *
 * @param in    Written on success.
 * @param ssrc  Ours: reports about others are passed over.
 *
 * @return 0, or EBADMSG.
 */
int rtcp_parse(struct rtcp_in *in, const uint8_t *buf, size_t len,
	       uint32_t ssrc);

/**
 * Time to the next packet (RFC 3550 A.7, two members).
 *
 * @param bw_bps      Of the session, one direction; RTCP has 5 % of it.
 * @param avg_bytes   Average size of packets, with IP and UDP.
 * @param first       Nothing was sent yet: soon (6.2: a session of two need
 *                    not wait).
 * @param rnd         A random number.
 */
uint32_t rtcp_interval_ms(uint32_t bw_bps, uint32_t avg_bytes, bool first,
			  uint32_t rnd);

/** NTP time of the wall clock [us since 1970]. */
uint64_t rtcp_ntp(uint64_t realtime_us);

/** Its middle 32 bits, as in LSR. */
uint32_t rtcp_ntp_mid(uint64_t ntp);

/**
 * Round trip of a report about us (RFC 3550 6.4.1).
 *
 * @param now_ntp  When it came.
 *
 * @return [us], or -1: it names no SR of ours, or one in the future.
 */
int64_t rtcp_round_trip_us(const struct rtcp_report *rep, uint64_t now_ntp);

#endif

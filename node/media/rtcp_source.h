/* SPDX-License-Identifier: MIT */
/*
 * How a stream arrives: what goes into a report block (RFC 3550 A.1, A.3)
 * and the bursts of loss (RFC 3611 4.7.2).  Pure; a packet costs some
 * nanoseconds.
 *
 * A packet's fate is settled when it is RTCP_WINDOW numbers old: until then
 * it may come late.  So bursts are known a second later than loss.
 */

#ifndef SY_NODE_MEDIA_RTCP_SOURCE_H
#define SY_NODE_MEDIA_RTCP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "node/media/rtcp.h"

enum {
	RTCP_WINDOW = 64, /* numbers that are not settled yet             */
	RTCP_GMIN = 16,	  /* RFC 3611 4.7.2: so many in a row end a burst */
};

/** Sums over packets that are settled. */
struct rtcp_loss {
	uint64_t packets; /* that should have come                     */
	uint64_t missing; /* lost, or came too late                    */
	uint64_t runs;	  /* of missing packets in a row               */
	uint64_t bursts;  /* RFC 3611                                  */
	uint64_t burst_packets;
	uint64_t burst_missing;
};

struct rtcp_source {
	bool valid; /* a packet was seen                         */
	uint32_t ssrc;
	uint32_t base;	    /* extended number of the first packet       */
	uint32_t max;	    /* highest                                   */
	uint16_t bad;	    /* would prove a jump                        */
	bool jump;	    /* bad is set                                */
	uint64_t received;  /* duplicates too                            */
	uint64_t discarded; /* of these came too late                    */
	uint64_t before;    /* expected, of streams before this one      */
	uint64_t expected_prior;
	uint64_t received_prior;
	uint64_t seen; /* bit n: number max - n came in time        */

	/* bursts: since the last missing packet */
	bool missing_last;
	uint32_t good_run; /* packets in a row that came                */
	uint32_t in_burst; /* packets of the burst at hand              */
	uint32_t in_burst_missing;
	struct rtcp_loss loss;
};

/**
 * A packet came.
 *
 * @param late  It came too late to be played.
 */
void rtcp_source_put(struct rtcp_source *s, uint32_t ssrc, uint16_t seq,
		     bool late);

/** Packets that should have come since the start. */
uint64_t rtcp_source_expected(const struct rtcp_source *s);

/** Lost since the start, as RFC 3550 counts: duplicates lower it. */
int64_t rtcp_source_lost(const struct rtcp_source *s);

/**
 * Fill ssrc, fraction, lost and seq of a report block, and begin the next
 * interval.
 *
 * @return false: nothing was received, there is nothing to report.
 */
bool rtcp_source_report(struct rtcp_source *s, struct rtcp_report *r);

/**
 * The burst ratio of G.107 7.5: mean run of missing packets against that of
 * random loss; 1 while nothing is missing.
 */
float rtcp_burst_ratio(const struct rtcp_loss *l);

/**
 * Fill loss, discard, densities, durations and gmin of a VoIP metrics block.
 *
 * @param ptime_ms  Duration of a packet.
 */
void rtcp_source_voip(const struct rtcp_source *s, struct rtcp_voip *v,
		      uint32_t ptime_ms);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg, playing: what its three parts share.
 *
 *   rtp_play.c   jitter buffer -> decoder -> a tick at the bus's rate
 *   rtp_made.c   what is heard while nothing comes
 *   rtp_scale.c  shorter or longer, as the jitter buffer wants it
 */

#ifndef SY_NODE_MEDIA_RTP_PLAY_H
#define SY_NODE_MEDIA_RTP_PLAY_H

#include "node/media/rtp_leg.h"

/** Audio of a tick in the making, at rx->rate_hz. */
struct mix_in {
	float *pcm;
	size_t n;    /* samples so far                     */
	bool sound;  /* not all of them are zeros          */
	bool packet; /* the last piece came from a packet  */
};

static inline size_t ms_smp(const struct rtp_rx *rx, uint32_t ms)
{
	return rx->rate_hz / 1000 * ms;
}

static inline size_t ts_smp(const struct rtp_rx *rx, uint32_t ts)
{
	return (size_t)ts * rx->rate_hz / rx->jitter.clock_hz;
}

static inline uint32_t smp_ts(const struct rtp_rx *rx, size_t n)
{
	return (uint32_t)(n * rx->jitter.clock_hz / rx->rate_hz);
}

static inline const struct codec *codec_now(const struct rtp_leg *r)
{
	return r->rx.codec < 0 ? NULL : &r->set->rxv[r->rx.codec];
}

/** Nothing was heard of the peer so far, or for long. */
void rtp_made_none(struct rtp_rx *rx);

/** Audio at another rate, or of another talkspurt: no past to go on from. */
void rtp_made_begin(struct rtp_leg *r);

/** Nothing came, or nothing was sent: n samples, or some more. */
void rtp_made_fill(struct rtp_leg *r, struct mix_in *in, size_t n, bool lost);

/** The latest audio made shorter or longer, if the jitter buffer wants it. */
void rtp_scale(struct rtp_leg *r, struct mix_in *in);

#endif

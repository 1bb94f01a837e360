/* SPDX-License-Identifier: MIT */
/*
 * From the bus to what an encoder takes: a tick of 48 kHz goes in, pieces of
 * a packet's length at the codec's rate come out.  No I/O; time is passed in.
 *
 * Packets over a tick long begin at ticks whose number is a multiple of their
 * period, whoever sends them.  So all encoders of a worker cut at the same
 * place, and a leg can change from one to another between two packets
 * without a gap.
 */

#ifndef SY_NODE_MEDIA_CUT_H
#define SY_NODE_MEDIA_CUT_H

#include "node/media/codec.h"
#include "node/media/resample.h"

enum {
	CUT_PIECES = 2, /* packets of 10 ms in a tick */
	CUT_FIFO_SMP =
	    MEDIA_RATE_HZ / 1000 * CODEC_PTIME_MAX_MS + MEDIA_FRAME_SMP,
};

/** The state; copied as a whole, with its fifo, where an encoder is forked. */
struct cut {
	struct resample down;
	uint32_t rate_hz; /* of the fifo; 0: not yet set                  */
	uint32_t from;	  /* first sample of the fifo that is not cut yet */
	uint32_t have;	  /* samples from there                           */
	uint32_t quiet;	  /* ticks of silence in a row, kept from a wrap  */
};

/** What goes into one packet. */
struct cut_piece {
	const float *pcm;   /* valid until the next cut_put()               */
	size_t n;	    /* samples                                      */
	uint32_t before_ts; /* how long before this tick's begin the piece
			       began [RTP timestamp units]; wraps           */
	bool silent;	    /* all zeros                                    */
};

/** Set the codec's rate; the filter starts anew when it is another one. */
void cut_init(struct cut *c, uint32_t rate_hz);

/** Forget what was gathered: time has jumped, or something else was sent. */
void cut_reset(struct cut *c);

/** True between two packets: nothing is gathered. */
bool cut_between(const struct cut *c);

/**
 * Put a tick of the bus.
 *
 * @param c        State.
 * @param fifo     Its memory, CUT_FIFO_SMP samples.
 * @param codec    Codec: rate, clock and ptime are read.
 * @param frame    MEDIA_FRAME_SMP samples; NULL: silence.
 * @param scratch  Room for MEDIA_FRAME_SMP samples.
 * @param now_us   The tick's deadline.
 * @param piecev   Set to what is to be encoded.
 *
 * @return number of pieces.
 */
size_t cut_put(struct cut *c, float *fifo, const struct codec *codec,
	       const float *frame, float *scratch, uint64_t now_us,
	       struct cut_piece piecev[CUT_PIECES]);

#endif

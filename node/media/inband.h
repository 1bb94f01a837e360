/* SPDX-License-Identifier: MIT */
/*
 * A leg's DTMF in the band: it listens where the peer negotiated no events,
 * and says digits as tones.  Made by signalling for legs that need it only;
 * part of struct rtp_set.  Engine only.
 */

#ifndef SY_NODE_MEDIA_INBAND_H
#define SY_NODE_MEDIA_INBAND_H

#include "node/media/dtmf.h"
#include "node/media/event.h"
#include "node/media/media.h"

struct inband {
	bool listens, says; /* RO after inband_alloc()                      */
	uint32_t quiet;	    /* ticks without audio                          */
	struct dtmf_rx rx;  /* worker, as the rest                          */
	struct dtmf_tx tx;
};

/**
 * Make what was negotiated needs.
 *
 * @param ibp  Set to it, or to NULL: nothing is needed.
 *
 * @return 0, ENOMEM.
 */
int inband_alloc(struct inband **ibp, const struct media_rtp_params *prm);

/** A new set takes the place of an old one; either may be NULL; worker. */
void inband_keep(struct inband *ib, const struct inband *old);

/**
 * Listen to a tick of the peer's audio; worker.
 *
 * @param pcm      n samples.
 * @param n        20 ms at rate_hz, or 0: silence.
 * @param rate_hz  8000, 16000 or 48000.
 * @param digit    Set when true is returned.
 *
 * @return true: a digit has ended.
 */
bool inband_hear(struct inband *ib, const float *pcm, size_t n,
		 uint32_t rate_hz, struct dtmf_digit *digit);

/** True: the audio just heard is a digit's; nobody else should hear it. */
bool inband_sounds(const struct inband *ib);

/**
 * Say what waits in the queue; worker.
 *
 * @param queue  Digits; those that are said are taken out.
 * @param frame  48 kHz, MEDIA_FRAME_SMP samples; written when true.
 *
 * @return true: frame takes the place of the audio.
 */
bool inband_say(struct inband *ib, struct event_tx *queue, float *frame);

#endif

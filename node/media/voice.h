/* SPDX-License-Identifier: MIT */
/*
 * What is done to one leg's voice: denoise, automatic gain, gain on the way
 * in; gain and comfort noise on the way out.  A leg that wants none of it has
 * no struct voice and pays one branch.
 *
 * The signalling thread makes a new one for each change and hands it over
 * whole (CMD_LEG_VOICE); the worker moves what goes on into it (gains, the
 * denoiser that runs) and hands the old one back.  So any change is heard as
 * a fade: gains go over a frame; a denoiser first runs beside the voice until
 * it has found its feet, then takes over in a frame, and leaves the same way.
 *
 * Engine only.
 */

#ifndef SY_NODE_MEDIA_VOICE_H
#define SY_NODE_MEDIA_VOICE_H

#include "node/media/agc.h"
#include "node/media/denoise.h"
#include "node/media/leg.h"
#include "node/media/noise.h"

enum { VOICE_RATES = 3 }; /* 8, 16, 48 kHz */

/** A kind of denoiser, ready for each rate that it is good at. */
struct voice_denoise {
	enum media_denoise kind;	/* resolved                         */
	struct denoise *v[VOICE_RATES]; /* owned; NULL: not at this rate    */
};

struct voice {
	/* RO */
	float to_in, to_out; /* gains                                   */
	float noise_rms;     /* 0: none                                 */
	bool agc_on;

	/* worker; before it is handed over, signalling */
	struct voice_denoise run;  /* the one in use                         */
	struct voice_denoise next; /* takes over when run has faded out      */
	bool switching;
	bool narrow;		 /* this frame was denoised at its codec's
				    rate                                    */
	uint8_t rate;		 /* index of the rate in use                */
	uint8_t warm;		 /* frames that run has heard               */
	uint8_t tail;		 /* frames that it may still sound          */
	float wet;		 /* weight of the denoised, at the end of
				    the last frame                          */
	float gain_in, gain_out; /* the same of the gains                   */
	float noise_now;	 /* and of the noise                        */
	struct agc agc;
	struct noise noise;
	float dry[MEDIA_FRAME_SMP];
	float out[MEDIA_FRAME_SMP];
};

/**
 * Make one; signalling thread.
 *
 * @return 0, EINVAL (out of bounds), ENOTSUP (denoiser not in this build),
 *         ENOMEM.
 */
int voice_alloc(struct voice **vp, const struct media_voice *prm);

/** Worker: go on where the old one is; NULL: from nothing. */
void voice_take(struct voice *v, struct voice *old);

/**
 * Worker: audio at the rate of its codec, before it goes up to 48 kHz.
 * Denoises there if that is cheaper; voice_in() then does not.
 *
 * @param pcm  n samples, changed in place; room for 20 ms.
 * @param n    Samples of 20 ms; 0: silence.
 *
 * @return n; or the samples of 20 ms, if silence has become the denoiser's
 *         last words.
 */
size_t voice_narrow(struct voice *v, float *pcm, size_t n, uint32_t rate_hz,
		    const struct tick *t);

/**
 * Worker: what a leg gives.
 *
 * @param frame  What it gives; NULL: silence.
 * @param buf    Room for a frame; may be frame.
 *
 * @return frame, buf or NULL.
 */
const float *voice_in(struct voice *v, const float *frame, float *buf,
		      const struct tick *t);

/**
 * Worker: what a leg hears.
 *
 * @return frame, or the voice's own until the next call, or NULL.
 */
const float *voice_out(struct voice *v, const float *frame);

/** Worker: it should be denoised, but is not for now. */
bool voice_is_shed(const struct voice *v, const struct tick *t);

/** Worker: whether it hears something else than the others do. */
static inline bool voice_hears_own(const struct voice *v)
{
	return v->to_out != 1 || v->gain_out != 1 || v->noise_rms > 0 ||
	       v->noise_now > 0;
}

#endif

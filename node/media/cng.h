/* SPDX-License-Identifier: MIT */
/*
 * Comfort noise: made of an RFC 3389 payload or at a plain level, and the
 * payload made of what is heard.  One thread at a time; no call allocates.
 *
 * Levels are dBov: 0 is the power of a square wave of full scale (RFC 3389
 * 3.1), that is a mean square of 1.  Reflection coefficients are those of
 * lpc.h, quantised as RFC 3389 3.2 has it.  They belong to a sampling rate,
 * the one of the CN payload type's clock.
 */

#ifndef SY_NODE_MEDIA_CNG_H
#define SY_NODE_MEDIA_CNG_H

#include <stddef.h>
#include <stdint.h>

#include "node/media/lpc.h"

enum {
	CNG_PAYLOAD_MAX = 1 + LPC_ORDER_MAX,
};

/** A generator. */
struct cng {
	uint32_t rnd;
	uint32_t order;
	float gain;    /* of the excitation, now    */
	float gain_to; /* ... and where it is going */
	float av[LPC_ORDER_MAX];
	float memv[LPC_ORDER_MAX];
};

/** What is heard while nobody talks, measured. */
struct cng_enc {
	uint32_t order;
	float r[LPC_ORDER_MAX + 1]; /* smoothed; r[0]: mean square */
};

/** White noise, -1..1, all values alike; rnd is its state. */
static inline float cng_white(uint32_t *rnd)
{
	*rnd = *rnd * 1664525u + 1013904223u;

	return (float)(int32_t)*rnd * (1.0f / 2147483648.0f);
}

/**
 * Begin, silent.
 *
 * @param seed  Any number; two with the same seed make the same noise.
 */
void cng_init(struct cng *c, uint32_t seed);

/**
 * Noise of a level without a payload, duller than white as rooms are.
 *
 * @param level_db  Level [dBov]; below -96: silence.
 * @param rate_hz   Rate that cng_get() is used at.
 */
void cng_level_set(struct cng *c, float level_db, uint32_t rate_hz);

/**
 * Noise as a payload describes it; coefficients beyond LPC_ORDER_MAX are
 * left out.
 *
 * @param rate_hz  Rate that cng_get() is used at; a payload without
 *                 coefficients gives the noise of cng_level_set().
 *
 * @return 0, or EBADMSG: empty payload, nothing changed.
 */
int cng_put(struct cng *c, const uint8_t *buf, size_t len, uint32_t rate_hz);

/** Noise as it was heard; silence if nothing was. */
void cng_match(struct cng *c, const struct cng_enc *e);

/** n samples of noise; a changed level is reached within the call. */
void cng_get(struct cng *c, float *pcm, size_t n);

/**
 * Begin measuring.
 *
 * @param order  Coefficients of the payload, 0..LPC_ORDER_MAX; 0: level only.
 */
void cng_enc_init(struct cng_enc *e, uint32_t order);

/** Hear n samples of a pause, of at least 10 ms. */
void cng_enc_put(struct cng_enc *e, const float *pcm, size_t n);

/** What was heard; level [dBov]. */
float cng_enc_level_db(const struct cng_enc *e);

/**
 * The payload of what was heard.
 *
 * @param buf  Room for CNG_PAYLOAD_MAX bytes.
 *
 * @return its length, 1 + order.
 */
size_t cng_enc_make(const struct cng_enc *e, uint8_t *buf);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Tones: made once, and measured.
 *
 * A sine of whole hertz repeats after one second, so a phone sends out of a
 * table of one second; phones with the same tone share it.  Levels are in dB
 * below a full-scale sine.
 */
#ifndef PHONE_TONE_H
#define PHONE_TONE_H

#include "tests/phone/codec.h"

struct tones;

/* One second of a tone, as samples or as the payload of a simple codec. */
struct tone {
	const uint8_t *payload; /* for PCMU, PCMA, L16; else NULL */
	const int16_t *pcm;	/* for the others; else NULL      */
	unsigned rate_hz;
	size_t frame_bytes;	/* of payload, 20 ms */
};

/** All tables of one process; free with mem_deref after the tones. */
int tones_alloc(struct tones **tonesp);

/**
 * Get a tone for a codec.
 *
 * @param tonep  On success a tone to be freed with mem_deref.
 * @param hz     0 is silence.
 * @param db     Level; 0 is full scale.
 *
 * @return 0, EINVAL (hz above half the sample rate), ENOMEM
 */
int tones_get(const struct tone **tonep, struct tones *tones,
	      enum codec_id codec, unsigned hz, double db);

/** What is returned for silence, instead of minus infinity [dB]. */
#define TONE_FLOOR_DB (-120.0)

/**
 * Level of one frequency in a window, by Goertzel's algorithm with a Hann
 * window: another tone more than 2 / length away is not seen.
 *
 * @return [dB]; TONE_FLOOR_DB at least, also for n of 0
 */
double tone_level_db(const int16_t *pcm, size_t n, unsigned rate_hz,
		     double hz);

/** Level of all that is in a window [dB below a full-scale sine]. */
double tone_rms_db(const int16_t *pcm, size_t n);

#endif

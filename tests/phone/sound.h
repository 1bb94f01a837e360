/* SPDX-License-Identifier: MIT */
/*
 * Sounds instead of tones: a WAV file that is sent, and a tape that writes
 * what is heard.  Files are mono, 16 bits, at the codec's rate.
 *
 * The tape hides nothing and invents nothing: every packet that came is put
 * where its RTP timestamp says, whenever it came; what never came stays
 * silent.  Both ends tell the wall clock of their first sample, so that the
 * way from mouth to ear can be measured.
 */
#ifndef PHONE_SOUND_H
#define PHONE_SOUND_H

#include "tests/phone/base.h"
#include "tests/phone/codec.h"

struct sound;
struct tape;

/* A sound was sent, or a tape is full; from the tick. */
struct sound_done {
	double start_ms;  /* wall clock of the first sample          */
	double ms;        /* length                                  */
	unsigned packets; /* tape: put on it                         */
};
typedef void(sound_done_h)(const struct sound_done *done, void *arg);

/**
 * Read a file to be sent with a codec.
 *
 * @return 0; ENOENT and the like; EBADMSG no mono WAV of 16 bits; EDOM its
 *         rate is not the codec's
 */
int sound_alloc(struct sound **sp, const char *path, enum codec_id codec,
		sound_done_h *h, void *arg);

/**
 * Encode the next frame.
 *
 * @param now_ms  Wall clock.
 *
 * @return bytes of the payload; 0: it is at its end, the handler was called
 */
size_t sound_frame(struct sound *s, uint8_t *buf, double now_ms);

/**
 * Make a tape of a length for a codec.
 *
 * @param path  Written when it is full; checked at once.
 *
 * @return 0 or errno of the file
 */
int tape_alloc(struct tape **tp, const char *path, enum codec_id codec,
	       unsigned ms, double now_ms, sound_done_h *h, void *arg);

/** Put a packet on the tape; at_ms is when the kernel got it. */
void tape_put(struct tape *t, const uint8_t *payload, size_t len, uint32_t ts,
	      double at_ms);

/** Each tick: true when its time is over; it was written and told. */
bool tape_over(struct tape *t, double now_ms);

#endif

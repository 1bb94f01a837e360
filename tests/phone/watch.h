/* SPDX-License-Identifier: MIT */
/*
 * Listening to a stream: once (a window, many frequencies), or until a tone
 * is there or gone.
 */
#ifndef PHONE_WATCH_H
#define PHONE_WATCH_H

#include "tests/phone/stream.h"

enum {
	WATCH_FREQS_MAX = 64,
};

struct watch_result {
	bool ok; /* the window is complete; the tone came or went in time */
	unsigned hzv[WATCH_FREQS_MAX];
	double dbv[WATCH_FREQS_MAX];
	size_t n;
	double rms_db;
	double took_ms;
};

/* Called once, from the tick or when the stream goes away. */
typedef void(watch_h)(const struct watch_result *res, void *arg);

struct watch_param {
	const unsigned *hzv;
	size_t hzc;
	unsigned window_ms;
	bool until;	     /* repeat the window until it fits         */
	bool present;	     /* until: the first frequency is there     */
	double threshold_db; /* until: at or above; below when absent   */
	unsigned within_ms;  /* until: give up after this               */
};

/**
 * Begin to listen.  The watch belongs to the stream and goes after its
 * handler was called.
 *
 * @return 0, EINVAL, ENOMEM
 */
int watch_start(struct stream *s, const struct watch_param *prm, watch_h *h,
		void *arg);

/** End all watches of a handler argument, without calling the handler. */
void watch_cancel(struct stream *s, const void *arg);

/** From the stream: samples that were received, in order. */
void watch_feed(struct list *watchl, const int16_t *pcm, size_t n,
		unsigned rate_hz);

/** From the stream, each tick: time that passes. */
void watch_tick(struct list *watchl, uint64_t now_ms);

/** From the stream: it ends; every watch is told that it failed. */
void watch_flush(struct list *watchl);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The RTP of one call (RFC 3550), and the tick that drives all of them.
 *
 * No stream has a timer or a wake-up of its own: every 5 ms the clock of the
 * process serves a quarter of the streams, so each is served every 20 ms.
 * Then a stream reads all that its socket holds (the kernel's timestamps tell
 * when it came) and sends one packet.  What it hears is decoded only while
 * somebody listens.
 */
#ifndef PHONE_STREAM_H
#define PHONE_STREAM_H

#include "tests/phone/base.h"
#include "tests/phone/desc.h"
#include "tests/phone/gap.h"
#include "tests/phone/tone.h"

struct media;
struct sound;
struct stream;
struct tape;
struct watch;

/* What a stream tells its call; from the tick. */
struct stream_handlers {
	/* The first packet from a source. */
	void (*sourceh)(const struct sa *src, enum codec_id codec, void *arg);
	/* A digit ended; its length [ms]. */
	void (*digith)(char digit, unsigned ms, void *arg);
	/* All queued digits are sent. */
	void (*senth)(void *arg);
	void *arg;
};

/* Counted since the stream was opened; gap_max since stream_gap_reset. */
struct stream_stats {
	uint64_t tx, rx;     /* packets                                    */
	uint64_t lost;	     /* sequence numbers that never came           */
	uint64_t late;	     /* out of order or twice: not decoded         */
	uint64_t stray;	     /* other address or payload than signalled    */
	uint64_t forged;     /* SRTP: not authentic, or again              */
	double jitter_ms;    /* RFC 3550 6.4.1                             */
	double gap_max_ms;   /* longest time without a packet, until now   */
	uint64_t rtcp_tx, rtcp_rx; /* packets                              */
	uint64_t told_lost;  /* of ours, by the peer's last report         */
	double rtt_ms;	     /* the same: round trip; 0: not known         */
};

/** The clock of all streams; totals are kept over their lives. */
int media_alloc(struct media **mediap);

/* How well the clock kept its time: steps of 5 ms. */
struct media_lateness {
	uint64_t steps, late; /* late: by more than a frame, 20 ms  */
	double max_ms;
};

void media_lateness(const struct media *media, struct media_lateness *late);

/** Totals of all streams, past and present. */
void media_totals(const struct media *media, struct stream_stats *total);

struct tones *media_tones(struct media *media);

/**
 * Open a stream: an even port of its own, nothing sent yet.
 *
 * @param laddr  Address to bind; its port is ignored.
 *
 * @return 0 or errno of the socket calls
 */
int stream_alloc(struct stream **sp, struct media *media,
		 const struct sa *laddr, const struct stream_handlers *h);

/** Move to another local address and port; on failure all stays. */
int stream_rebind(struct stream *s, const struct sa *laddr);

/** Local RTP address. */
const struct sa *stream_laddr(const struct stream *s);

/**
 * What was negotiated: take it into use.
 *
 * @param local   What we said: our payload types and direction.
 * @param remote  What they said: their address, their payload types.
 *
 * @return 0; ENOTSUP without a common codec; errno
 */
int stream_start(struct stream *s, const struct desc *local,
		 const struct desc *remote);

/** Set the tone that is sent. */
int stream_set_tone(struct stream *s, unsigned hz, double db);

/** Lose so much of what is sent, at random [%]. */
void stream_set_loss(struct stream *s, double percent);

/**
 * Watch for how long a tone is not heard, from now on; instead of the watch
 * before.  See gap.h.
 */
int stream_watch_tone(struct stream *s, unsigned hz, double threshold_db);

/** What that watch found until now; false without one. */
bool stream_tone_gaps(const struct stream *s, struct gap_result *res);

/** Send silence instead of the tone. */
void stream_mute(struct stream *s, bool on);

/** Send a sound once instead of the tone; taken.  NULL: no more. */
void stream_play(struct stream *s, struct sound *sound);

/** Record what comes; taken.  NULL: no more. */
void stream_record(struct stream *s, struct tape *tape);

/** Neither read nor send; to hold only a place in a description. */
void stream_stop(struct stream *s);

/**
 * Queue digits to be sent as RFC 4733 events.
 *
 * @return 0; EINVAL a character that is no digit; ENOTSUP not negotiated
 */
int stream_send_digits(struct stream *s, const char *digits, unsigned ms);

/** The SRTP suite in use; NULL: plain. */
const char *stream_suite(const struct stream *s);

enum codec_id stream_codec(const struct stream *s);
const struct sa *stream_raddr(const struct stream *s);
void stream_stats(const struct stream *s, struct stream_stats *st);
void stream_gap_reset(struct stream *s);

/** The real-time clock, as in the kernel's packet timestamps [ms]. */
double stream_clock_ms(void);

/** Watches of this stream; watch.c puts them in and takes them out. */
struct list *stream_watches(struct stream *s);

#endif

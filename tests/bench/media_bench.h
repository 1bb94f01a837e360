/* SPDX-License-Identifier: MIT */
/*
 * What the files of media-bench share.
 *
 *   media_bench.c   options, the table of figures, the lines that are printed
 *   media_script.c  what peers say: a voice, encoded ahead
 *   media_peers.c   the peers: sockets, and the process that sends and drains
 *   media_run.c     the engine under load: real worker, real sockets
 *   media_webrtc.c  legs of browsers: ICE and DTLS before the load
 *   media_floor.c   what cannot be saved, in one warm loop
 *   media_crypto.c  the floor of SRTP
 *   media_loops.c   parts alone, without sockets
 *   media_common.c  clock, median, a hard end
 *   media_soak.c    many legs for long, every packet accounted for
 *   media_gen.c     the peers as a program of their own, for other servers
 */

#ifndef SY_BENCH_MEDIA_BENCH_H
#define SY_BENCH_MEDIA_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <re.h>

#include "node/media/media.h"
#include "node/media/srtp.h"

enum {
	LEGS_MAX = 2000,
	SCRIPT = 100, /* packets that a peer repeats: 2 s            */
	SCRIPT_BYTES = 1275,
	ROUNDS_MAX = 32,
};

/* ------------------------------------------------------------ script */

/** Packets of one talker, and of one who is silent with an open line. */
struct script {
	struct media_codec codec;
	size_t lenv[SCRIPT];
	uint8_t datav[SCRIPT][SCRIPT_BYTES];
	size_t silence_len;
	uint8_t silence[SCRIPT_BYTES];
};

/** Something like a voice, at 48 kHz. */
void script_voice(float *v, size_t n);

/** Encode the voice; exits the program on failure. */
void script_make(struct script *s, const struct media_codec *codec);

/* ------------------------------------------------------------- peers */

/** Counted by the peers' process; read by anybody, also after its end. */
struct peers_count {
	_Atomic uint64_t sent;
	_Atomic uint64_t send_errors;
	_Atomic uint64_t received;
	_Atomic uint64_t rounds;      /* of 20 ms                            */
	_Atomic uint64_t late_rounds; /* began over 10 ms late, or missed    */
	atomic_bool quiet;	      /* set by the parent: send no more     */
};

struct peers {
	size_t n;
	size_t talkers;	 /* the first so many talk              */
	bool open_lines; /* the others send silence             */
	const struct script *script;
	struct media_srtp keys; /* of all of them; no suite: plain  */
	struct srtp_ctx *srtpv[LEGS_MAX];
	uint8_t ptv[LEGS_MAX]; /* payload type that each sends        */
	int fdv[LEGS_MAX];
	struct sa addrv[LEGS_MAX];
	struct sa dstv[LEGS_MAX];  /* set by the caller                   */
	struct peers_count *count; /* shared memory                       */
	pid_t pid;
};

/** Open n sockets on an address; exits the program on failure. */
void peers_open(struct peers *p, size_t n, const char *host);

/** Send and drain in a process of its own, until peers_stop(). */
void peers_start(struct peers *p);

/** Send no more, but drain; then, a while later, end the process. */
void peers_quiet(struct peers *p);
void peers_stop(struct peers *p);

/** In this process, until standard input ends. */
void peers_run(struct peers *p);

void peers_close(struct peers *p);

/** Packets that the kernel dropped at the peers' sockets. */
uint64_t peers_dropped(const struct peers *p);

/** A packet of peer i in round n; returns its length. */
size_t peers_packet(const struct peers *p, size_t i, uint32_t n, uint8_t *buf);

/* --------------------------------------------------------------- run */

/** A load on the engine. */
struct load {
	const char *name;
	struct media_codec codec;
	enum media_srtp_suite suite;
	size_t legs;
	size_t hub_min, hub_max; /* sizes of hubs, in turn                   */
	size_t talkers;		 /* 0: everybody                             */
	bool open_lines;
	bool held; /* nobody sends, nobody listens             */
	bool webrtc; /* keys by DTLS, address by ICE           */
	unsigned workers;
};

/** Its legs in an engine. */
struct call {
	struct mix *mixv[LEGS_MAX];
	struct media_leg *legv[LEGS_MAX];
	size_t mixc, legc;
};

enum {
	DRAIN_MS = 120, /* until all that was sent has come */
	PORT_MIN = 20000,
	PORT_MAX = 31999,
};

/** Add the legs of a load, and tell the peers where to send. */
void call_build(struct call *c, struct media *m, const struct load *load,
		struct peers *p);

/** What its legs are told of what they send and take, without address and
 * keys. */
void call_params(struct media_rtp_params *prm, const struct load *load);

struct webrtc;

/** Let every leg and its peer find each other and agree on keys; exits the
 * program on failure. */
struct webrtc *webrtc_start(struct call *c, const struct load *load,
			    struct peers *p);

/** Before call_close(). */
void webrtc_stop(struct webrtc *w);

/** Packets that the legs took from their sockets. */
uint64_t call_received(const struct call *c);

void call_close(struct call *c);

/** What a round of it gave. */
struct outcome {
	double tick_us;	     /* CPU of all workers a tick                */
	double late;	     /* share of ticks that were late            */
	double peer_late;    /* share of the peers' rounds               */
	uint64_t sent, lost; /* packets towards the engine               */
	uint64_t echoed, lost_back; /* packets from it                       */
	uint64_t unplayed; /* frames that a listener missed            */
};

/** One round: an engine of its own, warmed up, then watched. */
void run_round(const struct load *load, const struct script *script,
	       unsigned ms, struct outcome *out);

/* ------------------------------------------------------------- floor */

/** Median cost of the whole load a tick, in a warm loop [us]. */
double floor_round(const struct load *load, const struct script *script);

struct crypto;

/** Made for a suite; mem_deref() frees it. */
struct crypto *crypto_alloc(enum media_srtp_suite suite);

/** What the cipher and the authentication of a packet cost; it stays. */
void crypto_packet(struct crypto *c, const uint8_t *pkt, size_t len);

/* ------------------------------------------------------------- loops */

/** A part alone: its cost and its floor a frame [us]; floor 0: none. */
struct loop {
	const char *name;
	bool (*measure)(double *value_us, double *floor_us);
};

extern const struct loop loopv[];
extern const size_t loopc;

/* Of media_dsp.c; without floors. */
bool dsp_good_8k(double *value_us, double *floor_us);
bool dsp_good_16k(double *value_us, double *floor_us);
bool dsp_loss_8k(double *value_us, double *floor_us);
bool dsp_loss_16k(double *value_us, double *floor_us);
bool dsp_stretch_8k(double *value_us, double *floor_us);
bool dsp_cng_8k(double *value_us, double *floor_us);

/* Of media_voice.c. */
bool voice_speex_8k(double *value_us, double *floor_us);
bool voice_speex_16k(double *value_us, double *floor_us);
bool voice_speex(double *value_us, double *floor_us);
bool voice_rnnoise(double *value_us, double *floor_us);
bool voice_agc(double *value_us, double *floor_us);
bool voice_limit(double *value_us, double *floor_us);
bool voice_talk(double *value_us, double *floor_us);

/* ------------------------------------------------------------ common */

void die(const char *what, int err);
void sleep_ms(unsigned ms);
double thread_cpu_us(void);
double median(double *v, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The media engine: what the signalling thread may ask of it.
 *
 * The engine runs worker threads.  A worker wakes every 20 ms and does all
 * that its mixes need in one pass: read the sockets, jitter buffers, decode,
 * resample to the bus (48 kHz, float, 960 samples), mix-minus, resample,
 * encode, send.  Nothing on that pass allocates, locks, logs or makes text.
 *
 *   signalling thread                          worker thread
 *   media_*()  -- commands, one SPSC ring -->  applied at the next tick
 *   handlers   <-- events, one SPSC ring ----  DTMF, end of file, silence
 *
 * Ownership: the signalling thread allocates and frees every object; a
 * worker only borrows.  mem_deref() of a mix or a leg takes it from its
 * worker first; the memory is given back when the worker has let go.
 * Handlers are called on the signalling thread (from its libre loop), never
 * after the object's mem_deref() has returned.
 *
 * The engine knows no SIP, no Redis and no hub.  All functions here are for
 * the signalling thread that called media_alloc(), unless they say otherwise.
 */

#ifndef SY_NODE_MEDIA_MEDIA_H
#define SY_NODE_MEDIA_MEDIA_H

#include <re.h>

#include "node/media/srtp.h"

struct media;
struct mix;
struct media_leg;

enum {
	MEDIA_RATE_HZ = 48000, /* the bus */
	MEDIA_TICK_MS = 20,
	MEDIA_FRAME_SMP = 960, /* MEDIA_RATE_HZ * MEDIA_TICK_MS / 1000 */
	MEDIA_CODECS_MAX = 8,  /* payload types accepted at a time */
};

/** Codecs of the engine. */
enum media_codec_id {
	MEDIA_PCMU, /* RFC 3551, 8 kHz */
	MEDIA_PCMA, /* RFC 3551, 8 kHz */
	MEDIA_G722, /* RFC 3551: 16 kHz audio, RTP clock of 8 kHz */
	MEDIA_OPUS, /* RFC 7587: RTP clock always 48 kHz */
	MEDIA_L16,  /* RFC 3551 4.5.11, network order, mono */
	MEDIA_CODEC_COUNT,
};

/** Suppression of noise in what a leg says. */
enum media_denoise {
	MEDIA_DENOISE_OFF,
	MEDIA_DENOISE_SPEEX,   /* speexdsp: cheap; steady noise              */
	MEDIA_DENOISE_RNNOISE, /* where the build has it: dear; any noise    */
	MEDIA_DENOISE_AUTO,    /* the best one that this build has           */
};

/** Its name: "off", "speex", "rnnoise", "auto"; static. */
const char *media_denoise_name(enum media_denoise kind);

/** By name. @return 0, or ENOENT. */
int media_denoise_find(enum media_denoise *kindp, const char *name);

/** True if this build has it. */
bool media_denoise_have(enum media_denoise kind);

/** One codec with its payload type, as negotiated. */
struct media_codec {
	enum media_codec_id id;
	uint8_t pt;           /* RTP payload type, 0..127                   */
	uint32_t clock_hz;    /* RTP clock                                  */
	uint32_t ptime_ms;    /* frame length to send; 0: 20 ms             */
	uint32_t bitrate_bps; /* Opus: 0: the engine's default              */
	int complexity;       /* Opus: 0..10; -1: the engine's default      */
	bool fec;             /* Opus: the peer can use in-band FEC         */
	bool stereo;          /* Opus: unused, always mono for now          */
	bool dtx;             /* Opus: in silence nothing need be sent
				 (RFC 7587 6.1, usedtx)                     */
};

/** The name of a codec as in SDP's rtpmap ("PCMU", "opus" ...); static. */
const char *media_codec_name(enum media_codec_id id);

/** How a leg's RTCP goes. */
enum media_rtcp {
	MEDIA_RTCP_OFF,
	MEDIA_RTCP_PORT, /* on the port above RTP's                      */
	MEDIA_RTCP_MUX,  /* on RTP's port (RFC 5761)                     */
};

/** How digits go. */
enum media_dtmf {
	MEDIA_DTMF_AUTO,      /* events where negotiated, else in the band   */
	MEDIA_DTMF_EVENTS,    /* RFC 4733 only                               */
	MEDIA_DTMF_INBAND,    /* said, and listened for, in the band         */
	MEDIA_DTMF_ELSEWHERE, /* not said (SIP INFO does); events are heard  */
};

/** How an RTP leg sends and receives; a whole set replaces the former one. */
struct media_rtp_params {
	struct sa raddr;                        /* where to send; unset: don't */
	struct media_codec tx;                  /* what to send                */
	struct media_codec rxv[MEDIA_CODECS_MAX]; /* what may arrive           */
	size_t rxc;
	int event_pt_tx;       /* RFC 4733 payload type; -1: not negotiated   */
	int event_pt_rx;       /* the same, receiving                         */
	uint32_t event_clock_hz; /* clock of the events, both directions      */
	int event2_pt_rx;      /* a second one that may arrive; 0: none       */
	uint32_t event2_clock_hz;
	enum media_dtmf dtmf;
	bool send;             /* direction (RFC 3264): false: send nothing   */
	bool recv;             /* false: what arrives is dropped, not played  */
	bool cn_rx;            /* comfort noise (RFC 3389) may arrive, PT 13  */
	uint32_t jitter_ms;    /* > 0: the jitter buffer holds so much, and
				  neither adapts nor scales the time          */
	uint32_t jitter_min_ms; /* else: it never holds less ...              */
	uint32_t jitter_max_ms; /* ... nor more; 0: 300 ms                    */
	uint32_t jitter_start_ms; /* what it holds until it knows the way; 0:
				     40 ms                                */
	bool relearn;          /* the peer's source is to be found anew, also
				  when raddr has not changed (source.h)       */
	bool asymmetric;       /* send to raddr, not to where the peer's media
				  comes from (RFC 4961 for phones behind NAT) */
	struct media_srtp srtp_tx; /* keys; no suite: plain RTP. The same as  */
	struct media_srtp srtp_rx; /* before: the context goes on             */
	bool srtp_seek;        /* the peer sent under srtp_rx before: its
				  rollover counter is to be found           */
	enum media_rtcp rtcp;
	struct sa rtcp_raddr;  /* where the peer wants its RTCP (RFC 3605);
				  unset: the port above raddr's          */
	bool rtcp_xr;          /* the peer reads VoIP metrics (RFC 3611)  */
};

/** What happened to a leg. */
enum media_event_type {
	MEDIA_EV_DTMF,      /* a digit began and ended                     */
	MEDIA_EV_END,       /* a player came to its end                    */
	MEDIA_EV_RTP_START, /* first packet of the peer                    */
	MEDIA_EV_TALK_START, /* it talks (mix_watch())                     */
	MEDIA_EV_TALK_STOP,  /* ... and has ended, 400 ms ago              */
	MEDIA_EV_SPEAKER,    /* it is the speaker of its mix from now on   */
	MEDIA_EV_RTP_STOP,  /* no packet for media_conf.rtp_silence_ms     */
	MEDIA_EV_FOREIGN,   /* others send here, too; once a leg           */
	MEDIA_EV_UNUSABLE,  /* the peer sends what nobody can play (but for
			       comfort noise), 50 times by now; once a leg */
};

struct media_event {
	enum media_event_type type;
	char digit;           /* MEDIA_EV_DTMF: 0-9 * # A-D               */
	bool inband;          /* MEDIA_EV_DTMF: a tone, not an event       */
	uint32_t duration_ms; /* MEDIA_EV_DTMF                            */
	uint8_t pt;           /* MEDIA_EV_UNUSABLE: of the last packet     */
	uint16_t len;         /* MEDIA_EV_UNUSABLE: its payload [bytes]    */
};

/**
 * Event handler of a leg; called on the signalling thread.
 *
 * @param leg  The leg; borrowed.  The handler may mem_deref() it.
 * @param ev   The event; borrowed for the call.
 * @param arg  Handler argument.
 */
typedef void(media_event_h)(struct media_leg *leg,
			    const struct media_event *ev, void *arg);

struct media_conf {
	unsigned workers;        /* threads; 0: one a core                  */
	uint16_t rtp_port_min;   /* range of RTP ports, even ports are used  */
	uint16_t rtp_port_max;   /* inclusive                                */
	uint32_t quarantine_ms;  /* a port rests so long after use; 0: 30 s  */
	uint32_t rtp_silence_ms; /* MEDIA_EV_RTP_STOP after; 0: never        */
	int opus_complexity;     /* default 5                                */
	uint32_t opus_bitrate_bps; /* default 32000                          */
	int rt_priority;         /* SCHED_FIFO priority; 0: none             */
	bool never_shed;         /* nothing is left out under load, so that
				    a measurement is of the whole work        */
	uint32_t jitter_ms;      /* of media_rtp_params, for legs that say    */
	uint32_t jitter_min_ms;  /* nothing of it                             */
	uint32_t jitter_max_ms;
};

/**
 * Start an engine and its workers.
 *
 * @param mp    Set to the engine on success; owned by the caller.
 *              mem_deref() stops the workers; every mix must be gone before.
 * @param conf  Configuration; borrowed for the call.
 *
 * @return 0, or EINVAL (bad range), ENOMEM, or the errno of thread creation.
 */
int media_alloc(struct media **mp, const struct media_conf *conf);

/** Load of an engine, for the heartbeat. */
struct media_load {
	uint32_t mixes;
	uint32_t legs;
	uint32_t ports_free;        /* RTP ports not in use, not quarantined */
	uint32_t ports_used;
	uint32_t ports_quarantined;
	uint32_t tick_p99_us;       /* work of a tick, p99 over 10 s,
				       of the worst worker                   */
	float tick_used_percent;    /* the same, of MEDIA_TICK_MS            */
	uint64_t ticks;             /* all workers, since start              */
	uint64_t late_ticks;        /* woke more than 5 ms late or were
				       missed, since start                   */
	uint64_t cpu_us;            /* CPU time of all workers, since start  */
	uint64_t rx_invalid;        /* packets of the peer dropped: not RTP or
				       RTCP, a payload type that was not
				       agreed, longer than 120 ms            */
	uint64_t rx_refused;        /* SRTP that was not authentic, or came
				       before                                */
	uint64_t rx_foreign;        /* packets dropped as not from the peer,
				       since start                           */
	uint64_t rx_dropped;        /* packets for which there was no room in
				       memory, since start                   */
	uint32_t wake_p99_us;       /* how late ticks begin, p99 over 10 s,
				       of the worst worker                   */
	uint32_t shed;              /* what is left out, of the worst worker:
				       0 nothing, 1 denoising, 2 Opus
				       complexity too, 3 real-time priority  */
	uint32_t workers;           /* threads                               */
	uint32_t realtime;          /* of them at real-time priority         */
	uint64_t encodes;           /* packets that went through an encoder:
				       fewer than were sent, since listeners
				       share them; since start               */
};

/** Read the load of an engine. */
void media_load(const struct media *m, struct media_load *load);

/**
 * Create a mix (the audio of one hub) on the least used worker.
 *
 * @param mixp  Set on success; owned by the caller.
 * @param m     Engine; borrowed, outlives the mix.
 *
 * @return 0, ENOMEM, or EAGAIN when the engine's command ring is full.
 */
int mix_alloc(struct mix **mixp, struct media *m);

/**
 * Add an RTP leg to a mix: takes a port of the range and opens its socket.
 * Nothing is sent or played before media_leg_rtp_set().
 *
 * @param lp     Set on success; owned by the caller.  mem_deref() closes
 *               the socket and quarantines the port.
 * @param mix    Mix; borrowed, outlives the leg.
 * @param laddr  Local address to bind (the port in it is ignored).
 * @param h      Event handler, or NULL.
 * @param arg    Handler argument.
 *
 * @return 0, EADDRINUSE (no port left), ENOMEM, EAGAIN, or socket errno.
 */
int media_leg_rtp_alloc(struct media_leg **lp, struct mix *mix,
			const struct sa *laddr, media_event_h *h, void *arg);

/**
 * The same with a port that many legs have (SO_REUSEPORT): the kernel tells
 * them apart by their peers.  Somebody else listens there for those that are
 * not known yet, and tells who they are: nothing comes, and nothing may be
 * sent, before media_leg_join().
 *
 * @param laddr  With the port.
 *
 * @return as media_leg_rtp_alloc(), but for EADDRINUSE.
 */
int media_leg_shared_alloc(struct media_leg **lp, struct mix *mix,
			   const struct sa *laddr, media_event_h *h,
			   void *arg);

/** What this peer sends to the port that is shared is this leg's, and no more
 * what another peer sends. @return 0, EINVAL, or errno of bind(), connect(). */
int media_leg_join(struct media_leg *leg, const struct sa *peer);

/** The local address and port of an RTP leg, for SDP. */
const struct sa *media_leg_laddr(const struct media_leg *leg);

/**
 * Set how an RTP leg sends and receives (first answer, hold, resume, new
 * codec, new address).  The stream's SSRC, sequence and clock go on.
 *
 * @return 0, EINVAL (unknown codec, clock that does not fit), EAGAIN.
 */
int media_leg_rtp_set(struct media_leg *leg,
		      const struct media_rtp_params *prm);

enum { MEDIA_LINK_KEY_BYTES = 16 + 12 }; /* master key, master salt */

/**
 * Add a leg that carries what one mix says to a mix of another engine, and
 * back: L16 at 48 kHz in RTP, under AES-GCM (RFC 7714).  To each mix the link
 * is one of its legs that says what the others there say.  It is nobody: its
 * digits are not heard, and who talks there is not told here.  Two mixes may
 * have one link at a time only: a second one would be an echo.
 *
 * @param lp     Set on success; owned by the caller.
 * @param mix    Mix; borrowed, outlives the leg.
 * @param laddr  Local address to bind (the port in it is ignored).
 * @param h      Event handler, or NULL: MEDIA_EV_RTP_START.
 * @param arg    Handler argument.
 *
 * @return as media_leg_rtp_alloc().
 */
int media_leg_link_alloc(struct media_leg **lp, struct mix *mix,
			 const struct sa *laddr, media_event_h *h, void *arg);

/**
 * Connect a link with its other end.
 *
 * @param leg    What media_leg_link_alloc() made.
 * @param raddr  media_leg_laddr() of the other end.
 * @param tx     Key of what this end sends, MEDIA_LINK_KEY_BYTES random bytes.
 * @param rx     Key of what the other end sends.
 *
 * @return 0, EINVAL (not a link), ENOMEM, EAGAIN.
 */
int media_leg_link_set(struct media_leg *leg, const struct sa *raddr,
		       const uint8_t *tx, const uint8_t *rx);

/** Add a leg that gives back what the others of its mix say (echo test). */
int media_leg_echo_alloc(struct media_leg **lp, struct mix *mix);

/** One period of a tone: up to two frequencies on, then silence. */
struct media_tone {
	float hz[2];       /* 0: unused                                   */
	float level_db;    /* dBFS of each frequency (RMS of a full sine = -3) */
	uint32_t on_ms;    /* 0: for ever                                 */
	uint32_t off_ms;
	uint32_t repeat;   /* number of periods; 0: for ever              */
};

/** Add a leg that plays a tone; MEDIA_EV_END after the last period. */
int media_leg_tone_alloc(struct media_leg **lp, struct mix *mix,
			 const struct media_tone *tone, media_event_h *h,
			 void *arg);

/**
 * Add a leg that plays a sound file (what libsndfile reads; any rate, first
 * channel).  The file is read and resampled here, at once, not on the tick.
 *
 * @param loop     Start again at the end, no MEDIA_EV_END.
 * @param from_ms  Where to begin; in a loop it may be beyond the end: so long
 *                 it has played already.
 *
 * @return 0, ENOENT, EBADMSG (not a sound file), EFBIG (over 10 minutes),
 *         ENOMEM, EAGAIN.
 */
int media_leg_file_alloc(struct media_leg **lp, struct mix *mix,
			 const char *path, bool loop, uint64_t from_ms,
			 media_event_h *h, void *arg);

/**
 * Mute a leg.
 *
 * @param in   True: the others no longer hear it.
 * @param out  True: it no longer hears the others.
 */
int media_leg_mute(struct media_leg *leg, bool in, bool out);

enum {
	MEDIA_GAIN_MIN_DB = -40,
	MEDIA_GAIN_MAX_DB = 40,
	MEDIA_NOISE_MIN_DB = -90,
	MEDIA_NOISE_MAX_DB = -30,
};

/** What is done to a leg's voice; all zero: nothing. */
struct media_voice {
	float gain_in_db;      /* of what it says                            */
	float gain_out_db;     /* of what it hears                           */
	bool agc;              /* what it says comes to about -20 dBFS       */
	enum media_denoise denoise; /* of what it says                       */
	float comfort_noise_db; /* dBFS (RMS) of what it hears where nobody
				   talks; 0: nothing                         */
};

/**
 * Set how a leg's voice is processed, at any time; heard as a fade of 20 to
 * 80 ms.  A leg that hears at a level of its own, or comfort noise, has its
 * own encoder.
 *
 * @param prm  A whole set; replaces the former one.
 *
 * @return 0, EINVAL (out of bounds), ENOTSUP (the denoiser is not in this
 *         build), ENOMEM, EAGAIN.
 */
int media_leg_voice_set(struct media_leg *leg, const struct media_voice *prm);

/**
 * Watch who talks in a mix, or no longer: MEDIA_EV_TALK_*, MEDIA_EV_SPEAKER
 * and the meters of media_stat.  Costs some 0.1 us a leg and tick, so it is
 * off until somebody asks.
 *
 * @return 0, EINVAL, EAGAIN.
 */
int mix_watch(struct mix *mix, bool on);

/**
 * Send a DTMF digit as media_rtp_params.dtmf says (the audio pauses
 * meanwhile); digits queue.
 *
 * @return 0, EINVAL (not a digit), ENOTSUP (no events negotiated and none in
 *         the band), EAGAIN.
 */
int media_leg_dtmf(struct media_leg *leg, char digit, uint32_t duration_ms);

/**
 * Freeze what an RTP leg plays, as a modem or a fax needs it: its delay stays
 * what it is, nothing is made shorter or longer; or let it adapt again.  It
 * lasts over media_leg_rtp_set().
 *
 * @return 0, EINVAL (not an RTP leg), EAGAIN.
 */
int media_leg_freeze(struct media_leg *leg, bool on);

/**
 * Send nothing on an RTP leg, whatever was negotiated: its peer is sent to by
 * somebody else, or is yet to hear of us; or send again.  It lasts over
 * media_leg_rtp_set().  What it hears and plays is the same.
 *
 * @return 0, EINVAL (not an RTP leg), EAGAIN.
 */
int media_leg_send(struct media_leg *leg, bool on);

/**
 * Told of a datagram that came to an RTP leg's socket and is STUN or DTLS by
 * its first byte (RFC 7983); called on the signalling thread.
 *
 * @param src  Who sent it.
 * @param p    The datagram, len bytes; borrowed for the call.
 * @param arg  Handler argument.  The handler may mem_deref() the leg.
 */
typedef void(media_aside_h)(const struct sa *src, const uint8_t *p,
			    size_t len, void *arg);

/**
 * Expect STUN and DTLS on an RTP leg's socket, whoever sends them; media is
 * not touched by it.
 *
 * @param h  NULL: nobody is told any more.
 *
 * @return 0, EINVAL (not an RTP leg), ENOMEM, EAGAIN.
 */
int media_leg_aside(struct media_leg *leg, media_aside_h *h, void *arg);

/** Send a datagram from an RTP leg's socket, now. @return 0, EINVAL, or the
 * errno of sendto(). */
int media_leg_aside_send(struct media_leg *leg, const struct sa *dst,
			 const uint8_t *p, size_t len);

/** Let another one be told of a leg's events. @param h  NULL: nobody. */
void media_leg_set_handler(struct media_leg *leg, media_event_h *h, void *arg);

/** Who sent what MEDIA_EV_FOREIGN tells of; valid from that event on. */
const struct sa *media_leg_foreign(const struct media_leg *leg);

/** Counters of a leg since its start; a consistent enough snapshot. */
struct media_stat {
	uint64_t rx_datagrams; /* read from the socket, whatever they are   */
	uint64_t rx_packets;   /* accepted by the jitter buffer             */
	uint64_t rx_late;      /* discarded: came too late to be played     */
	uint64_t rx_duplicate;
	uint64_t rx_invalid;   /* see media_load                            */
	uint64_t rx_lost;      /* by sequence number                        */
	uint64_t rx_foreign;   /* not from the peer's source: dropped       */
	uint64_t rx_auth_failed; /* SRTP: wrong key or tag, or plain        */
	uint64_t rx_replayed;  /* SRTP: came before                         */
	uint64_t tx_packets;
	uint64_t tx_errors;
	uint64_t frames_played;
	uint64_t frames_concealed; /* nothing to play while it should have  */
	uint64_t rx_recovered; /* lost, but brought back by FEC             */
	uint64_t rx_resyncs;   /* playing began anew                        */
	uint64_t audio_ms;     /* played and concealed, since start         */
	uint64_t concealed_ms; /* of these made up for what was lost or late */
	uint64_t shorter_ms;   /* taken out to come to a lower delay        */
	uint64_t longer_ms;    /* put in to come to a higher one            */
	uint32_t depth_ms;     /* of the jitter buffer, now                 */
	uint32_t target_ms;    /* delay it aims at, from the fastest packet */
	float delay_ms;        /* from arrival to being heard, mean         */
	float jitter_ms;       /* RFC 3550 6.4.1                            */
	float level_in_db;     /* last frame from the peer, dBFS RMS        */
	float level_out_db;
	bool denoise_shed;     /* it should be denoised, but the worker has
				  too much to do                            */
	/* Only while mix_watch() is on. */
	bool talking;
	float vu_in_db;        /* what it says, dBFS RMS over 300 ms        */
	float vu_out_db;       /* what it hears                             */
	float peak_in_db;      /* what it says, dBFS; falls 12 dB/s         */

	/* With RTCP only; up to date within RTCP_LOOK_MS. */
	uint64_t loss_packets; /* whose fate is settled                     */
	uint64_t loss_missing; /* of these lost or late                     */
	uint64_t loss_runs;    /* of missing packets in a row               */
	float round_trip_ms;   /* the last; 0: not known yet                */
	float peer_loss_percent; /* of what we send: its last report        */
	float peer_jitter_ms;
	float peer_mos_lq;     /* what it says it hears (XR); 0: not told   */
	uint32_t rtcp_rx, rtcp_tx; /* packets                               */
	int codec_in;          /* enum media_codec_id; -1: not known        */
};

/** Read the counters of a leg. */
void media_leg_stat(const struct media_leg *leg, struct media_stat *st);

/** How a leg sounds to the others of its mix, in a span of time. */
struct media_quality {
	bool valid;            /* packets were due in that span             */
	float loss_percent;    /* lost on the way                           */
	float discard_percent; /* came too late                             */
	float concealed_percent; /* of what was played                      */
	float recovered_percent; /* lost, but brought back by FEC           */
	float burst_ratio;     /* G.107: 1 is random loss                   */
	float delay_ms;        /* one way: half the round trip, a packet,
				  the jitter buffer                         */
	float r;               /* E-model; 0..93.2, wideband 0..129         */
	float mos_lq, mos_cq;  /* listening; conversational: with delay     */
};

/**
 * Judge what happened between two readings of a leg's counters.
 *
 * @param q       Written; without valid, R and MOS are 0.
 * @param now     The later reading.
 * @param before  The earlier one; NULL: the start of the leg.
 */
void media_quality(struct media_quality *q, const struct media_stat *now,
		   const struct media_stat *before);

#endif

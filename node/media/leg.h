/* SPDX-License-Identifier: MIT */
/*
 * A leg from within: what every kind has, and what a kind must bring.
 *
 * There are two objects.  struct media_leg is the handle that the signalling
 * thread holds; struct leg is what the worker works on.  The handle's
 * destructor asks the worker to let go; when it has, struct leg comes back
 * and is freed.  So no thread ever waits for the other.
 */

#ifndef SY_NODE_MEDIA_LEG_H
#define SY_NODE_MEDIA_LEG_H

#include <stdatomic.h>

#include "node/media/media.h"
#include "node/media/talk.h"

struct aside;
struct cmd;
struct leg;
struct worker;

/** One pass of a worker. */
struct tick {
	struct worker *w;
	uint64_t now_us;         /* its deadline, CLOCK_MONOTONIC            */
	int64_t realtime_us;     /* CLOCK_REALTIME less CLOCK_MONOTONIC      */
	uint32_t steps;          /* ticks since the last: 1, unless missed   */
};

/** What a kind of leg does; all but the destructor on the worker. */
struct leg_ops {
	const char *name;

	/**
	 * Read the socket watch_fd, and run timers; before any leg's get().
	 * It sets active_us when something came.  While the leg is cold
	 * there is nothing to be read, and the call comes once a second.
	 * NULL: nothing to read.
	 */
	void (*rx)(struct leg *leg, const struct tick *t);

	/**
	 * Give a frame to the mix.  NULL: it never does.
	 *
	 * @param buf  Room for MEDIA_FRAME_SMP samples, the leg's own during
	 *             this tick.
	 *
	 * @return buf, or NULL: silence.
	 */
	const float *(*get)(struct leg *leg, float *buf, const struct tick *t);

	/**
	 * Take what it hears.  NULL: it never does.
	 *
	 * @param frame  MEDIA_FRAME_SMP samples, shared with others; NULL:
	 *               silence.
	 */
	void (*put)(struct leg *leg, const float *frame, const struct tick *t);

	/**
	 * Whether it will hear the common frame of its mix (no frame of its
	 * own, not deaf) in this tick; after all get(), before any put(), and
	 * only while leg->shared says otherwise.  The kind may set
	 * leg->shared: to non-NULL only when common is true.  NULL: no
	 * matter.
	 */
	void (*plan)(struct leg *leg, bool common, const struct tick *t);

	/**
	 * Do what is common to all legs with the same leg->shared, before any
	 * put() of them, if it was not done in this tick.  Where several
	 * workers send for a mix, it is called for one of the legs before the
	 * others start; else their put() sees to it.  Not NULL where plan() is not.
	 */
	void (*share)(struct leg *leg, const float *frame,
		      const struct tick *t);

	/** Do a command of this kind; a pointer in it is the leg's now.
	 *  Returns an object that the signalling thread shall mem_deref(). */
	void *(*cmd)(struct leg *leg, const struct cmd *cmd);

	/** Whether neither get() nor put() does anything until a packet or a
	 *  command comes.  A mix of such legs leaves the tick; t->steps tells
	 *  how long.  NULL: it always does something. */
	bool (*idle)(const struct leg *leg);

	/** The worker lets go: give back what is the worker's.  May be NULL. */
	void (*stop)(struct leg *leg, struct worker *w);
};

/** Counters: the worker writes, anybody reads. */
struct leg_stat {
	_Atomic uint64_t rx_datagrams;
	_Atomic uint64_t rx_packets;
	_Atomic uint64_t rx_late;
	_Atomic uint64_t rx_duplicate;
	_Atomic uint64_t rx_invalid;
	_Atomic uint64_t rx_lost;
	_Atomic uint64_t rx_foreign;
	_Atomic uint64_t rx_auth_failed;
	_Atomic uint64_t rx_replayed;
	_Atomic uint64_t tx_packets;
	_Atomic uint64_t tx_errors;
	_Atomic uint64_t frames_played;
	_Atomic uint64_t frames_concealed;
	_Atomic uint64_t rx_recovered;
	_Atomic uint64_t rx_resyncs;
	_Atomic uint64_t audio_us;
	_Atomic uint64_t concealed_us;
	_Atomic uint64_t shorter_us;
	_Atomic uint64_t longer_us;
	_Atomic uint64_t delay_sum_us;
	_Atomic uint64_t delay_packets;
	_Atomic uint32_t target_ms;
	_Atomic uint32_t depth_ms;
	_Atomic float jitter_ms;
	_Atomic uint64_t loss_packets;
	_Atomic uint64_t loss_missing;
	_Atomic uint64_t loss_runs;
	_Atomic uint32_t round_trip_us;    /* 0: not known                */
	_Atomic float peer_loss_percent;
	_Atomic float peer_jitter_ms;
	_Atomic float peer_mos_lq;
	_Atomic uint32_t rtcp_rx;
	_Atomic uint32_t rtcp_tx;
	_Atomic uint32_t codec_in;         /* id + 1; 0: not known        */
	_Atomic float power_in;
	_Atomic float power_out;
	_Atomic float vu_in;       /* mean squares; see meter.h              */
	_Atomic float vu_out;
	_Atomic float peak_in;
	atomic_bool talking;
	atomic_bool denoise_shed;
};

/** Store to a counter that one thread only writes. */
#define stat_set(c, v) atomic_store_explicit(&(c), (v), memory_order_relaxed)
#define stat_get(c) atomic_load_explicit(&(c), memory_order_relaxed)
#define stat_inc(c) stat_set(c, stat_get(c) + 1)

/** An object's way back from its worker, when the ring was full. */
struct release {
	struct le le;              /* in media->pending                      */
	struct worker *w;
	int type;                  /* CMD_LEG_DEL or CMD_MIX_DEL             */
	void *obj;
};

/** The worker's side of a leg; first member of every kind. */
struct leg {
	struct le le;              /* worker: in mixbus->legs                */
	struct release release;    /* signalling                             */
	const struct leg_ops *ops; /* RO                                     */
	struct mixbus *bus;        /* RO after leg_attach(); borrowed        */
	struct media_leg *handle;  /* signalling; NULL once it is gone       */
	const float *frame;        /* worker: what it gives in this tick     */
	bool mute_in, mute_out;    /* worker                                 */
	bool link;                 /* RO: the mix of another engine          */
	const void *shared;        /* worker: it needs the common frame, and
				      its share() is done for all that have
				      the same pointer                       */
	bool cold;                 /* worker: see watch.h                    */
	struct le watch_le;        /* worker: in worker->watch               */
	int watch_fd;              /* RO after leg_attach(), with ops->rx    */
	uint64_t active_us;        /* worker: when something came            */
	struct voice *voice;       /* worker; owned; NULL: nothing to do     */
	struct talk_party talker;     /* worker                                 */
	struct leg_stat stat;
};

/** The handle; signalling thread only. */
struct media_leg {
	struct leg *leg;           /* owned, until the worker gives it back  */
	struct mix *mix;           /* borrowed                               */
	media_event_h *h;
	void *arg;
	struct sa laddr;           /* RTP only                               */
	bool dtmf;                 /* RTP only: digits can be sent           */
	struct aside *aside;       /* RTP only: reference; NULL: media only  */
};

/**
 * Make the handle of a new leg and give the leg to its worker.
 *
 * @param lp    Set on success; owned by the caller.
 * @param mix   Mix; borrowed.
 * @param leg   Leg, its ops set; taken, also on failure.
 *
 * @return 0, ENOMEM, EAGAIN.
 */
int leg_attach(struct media_leg **lp, struct mix *mix, struct leg *leg,
	       media_event_h *h, void *arg);

/** For the destructor of a kind: free what all kinds have. */
void leg_dispose(struct leg *leg);

/** Worker: tell signalling of an event; dropped when the ring is full. */
void leg_event(struct leg *leg, struct worker *w, const struct media_event *ev);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A worker: one thread, its clock, and all that the legs share on a pass.
 * Inside the engine only.
 */

#ifndef SY_NODE_MEDIA_WORKER_H
#define SY_NODE_MEDIA_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include "node/media/codec.h"
#include "node/media/crew.h"
#include "node/media/leg.h"
#include "node/media/media.h"
#include "node/media/packet.h"
#include "node/media/ring.h"
#include "node/media/shed.h"
#include "node/media/watch.h"

enum {
	WORKER_CMDS = 8192,     /* ring to the worker                        */
	WORKER_EVENTS = 16384,  /* ring from the worker                      */
	WORKER_EVENTS_KEEP = 8200, /* of these for what must not be lost     */
	WORKER_RX = 4,          /* packets of one recvmmsg()                 */
	WORKER_TX = 128,         /* packets that wait to be sent              */
	WORKER_WINDOW = 500,    /* ticks of the p99: 10 s                    */
	WORKER_LATE_US = 5000,  /* a tick that begins so late is late        */
	WORKER_PCM_SMP = CODEC_FRAME_MAX_SMP + MEDIA_FRAME_SMP,
	POOL_LEG = 28,          /* packets that a leg adds to the pool: what
				   a jitter buffer holds after a stall of all;
				   memory only once it was needed            */
};

/** What signalling wants; done at the begin of the next tick. */
enum cmd_type {
	CMD_MIX_ADD,   /* obj: mixbus                                        */
	CMD_MIX_DEL,   /* obj: mixbus; comes back                            */
	CMD_LEG_ADD,   /* obj: leg                                           */
	CMD_LEG_DEL,   /* obj: leg; comes back                               */
	CMD_LEG_MUTE,  /* obj: leg; a: in, b: out                            */
	CMD_LEG_SET,   /* obj: leg; ptr: the kind's, taken; the old comes back */
	CMD_LEG_VOICE, /* obj: leg; ptr: voice, taken; the old comes back    */
	CMD_MIX_WATCH, /* obj: mixbus; a: on                                 */
	CMD_LEG_DTMF,  /* obj: leg; a: digit, b: duration [ms]               */
	CMD_LEG_FREEZE, /* obj: leg; a: on                                   */
	CMD_LEG_SEND,  /* obj: leg; a: on                                    */
	CMD_LEG_ASIDE, /* obj: leg; ptr: aside, taken; once a leg            */
	CMD_POOL,      /* ptr: pool_chunk, taken                             */
	CMD_FRAMES,    /* ptr: frames, taken; the old comes back             */
};

struct cmd {
	enum cmd_type type;
	uint32_t a, b;
	void *obj;
	void *ptr;
};

/** What comes back. */
enum note_type {
	NOTE_FREE,     /* obj: signalling shall mem_deref() it               */
	NOTE_EVENT,    /* obj: leg                                           */
	NOTE_ASIDE,    /* obj: leg; see aside.h                              */
};

struct note {
	enum note_type type;
	struct media_event ev;
	void *obj;
};

/** A frame for each leg of the mix at hand, used by one mix after another. */
struct frames {
	size_t cap;                        /* legs                           */
	const float **talkv;               /* [cap]                          */
	struct leg **legv;                 /* [cap]: in the order of the mix */
	struct leg **jobv;                 /* [cap]: in the order of sending */
	float (*framev)[MEDIA_FRAME_SMP];  /* [cap + 1]: sum, legs           */
};

/** Receiving: buffers for one recvmmsg(). */
struct rxbatch {
	struct mmsghdr msgv[WORKER_RX];
	struct iovec iovv[WORKER_RX];
	struct packet *pktv[WORKER_RX];
	struct sockaddr_in6 srcv[WORKER_RX];
	_Alignas(8) uint8_t ctlv[WORKER_RX][64];
};

/** Sending: packets that wait for the end of the pass. */
struct txent {
	struct leg *leg;
	struct packet *pkt;
	const struct sa *dst;
	int fd;
};

struct worker {
	pthread_t thread;
	bool running;              /* signalling                             */
	atomic_bool stop;          /* signalling writes, worker reads        */
	atomic_bool full;          /* signalling waits for room in cmds: it
				      sets this, the worker clears it        */
	unsigned index;            /* RO                                     */
	unsigned count;            /* RO: of workers                         */
	int rt_priority;           /* RO                                     */
	int event_fd;              /* RO: wakes signalling; borrowed         */
	bool never_shed;           /* RO after start                         */
	struct crew *crew;         /* RO; borrowed; NULL: works alone        */
	struct ring *cmds;         /* signalling puts, worker gets           */
	struct ring *notes;        /* worker puts, signalling gets           */

	/* signalling */
	uint32_t mixes;
	uint32_t legs;
	size_t pool_cap;           /* packets given                          */
	size_t frames_cap;

	/* worker */
	struct list busl;          /* struct mixbus, those with work to do   */
	struct list idlel;         /* struct mixbus, the others              */
	struct watch watch;
	struct pool pool;
	struct frames *frames;     /* owned, from signalling                 */
	struct rxbatch rx;
	struct txent txv[WORKER_TX];
	size_t txc;
	unsigned helps;            /* index + 1 of whom it helps; 0: nobody  */
	bool noted;                /* wake signalling after this tick        */
	uint32_t objs;             /* legs and mixes                         */
	struct shed shed_state;
	uint8_t shed;              /* what is left out: enum shed_level      */
	float pcm[WORKER_PCM_SMP]; /* decoded, or about to be encoded        */
	float limited[MEDIA_FRAME_SMP]; /* the sum as it is heard            */
	float minus[MEDIA_FRAME_SMP]; /* what a leg hears       */

	/* worker writes, signalling reads */
	_Atomic uint64_t ticks;
	_Atomic uint64_t late_ticks;
	_Atomic uint64_t events_dropped;
	_Atomic uint64_t rx_dropped; /* packets for which there was no room  */
	_Atomic uint64_t rx_polls; /* sockets asked for a packet             */
	_Atomic uint64_t helped;   /* times that it helped another worker    */
	_Atomic uint64_t passes;   /* mixes run                              */
	_Atomic uint64_t encodes;  /* packets that went through an encoder   */
	_Atomic uint64_t cpu_us;   /* of the thread, sampled every tick      */
	_Atomic uint64_t rx_foreign; /* packets that were not of the peer    */
	_Atomic uint64_t rx_invalid; /* not RTP, or what nobody can play     */
	_Atomic uint64_t rx_refused; /* SRTP: not authentic, or replayed     */
	_Atomic uint32_t work_us[WORKER_WINDOW];
	_Atomic uint32_t wake_us[WORKER_WINDOW]; /* from deadline to begin    */
	_Atomic uint32_t mean_us;  /* work of a tick, mean of a second       */
	_Atomic uint32_t mean_objs; /* legs and mixes, the same mean, x 16   */
	_Atomic uint8_t level;     /* shed, for others                       */
	_Atomic int8_t realtime;   /* priority that it has; 0: none          */
};

/** Allocate a worker, not yet running. */
int worker_alloc(struct worker **wp, unsigned index, unsigned count,
		 int event_fd, int rt_priority);

/** Start and stop its thread. */
int worker_start(struct worker *w);
void worker_stop(struct worker *w);

/** Worker: send a packet at the end of the pass. */
void worker_send(struct worker *w, struct leg *leg, int fd,
		 const struct sa *dst, struct packet *pkt);

/** Worker: do what signalling has asked for. */
void worker_commands(struct worker *w, const struct tick *t);

/** Worker: wake signalling if there is a note for it. */
void worker_wake_signalling(struct worker *w);

/** Worker: a tick is done that was due at, and began at [us]. */
void worker_account(struct worker *w, uint64_t due_us, uint64_t begin_us,
		    uint64_t cpu_begin_us);

/** Worker: take real-time priority, as far as RLIMIT_RTPRIO lets us, or give
 *  it back; without the right to it we run as we are. */
void worker_realtime(struct worker *w, bool on);

/** Worker: tell signalling; an event is dropped when the ring is full. */
void worker_note(struct worker *w, const struct note *note);

/** Worker: send what waits, now. */
void worker_flush(struct worker *w);

struct codec;
struct cut_piece;

/** Worker: encode a piece; returns the payload's length, 0: send nothing. */
size_t worker_encode(struct worker *w, const struct codec *c, uint8_t *buf,
		     size_t size, const struct cut_piece *piece);

/** Allocate frames for cap legs. */
struct frames *frames_alloc(size_t cap);

/** p99 of the work of a tick in the last 10 s [us]. */
uint32_t worker_p99_us(const struct worker *w);

/** p99 of how late a tick began in the last 10 s [us]. */
uint32_t worker_wake_p99_us(const struct worker *w);

/** What a tick costs, with those whom it was given but has not shown in its
 *  mean yet [us]; where a new mix is placed. */
uint32_t worker_load_us(const struct worker *w);

#endif

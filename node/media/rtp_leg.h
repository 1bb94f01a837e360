/* SPDX-License-Identifier: MIT */
/* The RTP leg: what its files share.  Engine only. */

#ifndef SY_NODE_MEDIA_RTP_LEG_H
#define SY_NODE_MEDIA_RTP_LEG_H

#include <sys/socket.h>

#include "node/media/codec.h"
#include "node/media/cut.h"
#include "node/media/event.h"
#include "node/media/flood.h"
#include "node/media/inband.h"
#include "node/media/jitter.h"
#include "node/media/leg.h"
#include "node/media/resample.h"
#include "node/media/source.h"

enum {
	PT_UNKNOWN = -1,
	PT_EVENT = -2,
	PT_EVENT2 = -3,
	PT_CN = -4,
};

/** The contexts of SRTP; NULL: plain. */
struct rtp_srtp {
	struct srtp_ctx *tx, *rx;
	struct srtp_ctx *prev;   /* the rx before, until rx was first used    */
	bool settled;            /* it was: prev is heard no more             */
};

struct packet;
struct rtp_rtcp;

/** What was negotiated, with the codecs ready.  Made by signalling, handed
 *  over whole, handed back when the next one comes. */
struct rtp_set {
	struct media_rtp_params prm;
	struct codec tx;                     /* no ops: sends nothing         */
	struct encgroup *group;              /* reference, or NULL            */
	struct codec rxv[MEDIA_CODECS_MAX];
	int8_t ptv[128];                     /* index of rxv, or PT_*         */
	struct rtp_srtp srtp;
	struct rtp_rtcp *rtcp;               /* the leg's first; owned, or NULL */
	int rtcp_fd;                         /* borrowed; -1: none            */
	struct inband *inband;               /* owned; NULL: not needed       */
	struct plc *plc;                     /* for codecs without; or NULL   */
	size_t plc_bytes;
	bool plc_new;                        /* nothing is in it yet          */
	struct cng *cng;                     /* the peer's noise; or NULL     */
};

/** Receiving; worker. */
struct rtp_rx {
	struct jitter jitter;
	struct resample up;
	struct event_rx event;
	struct source source;
	struct flood flood;
	bool foreign_told;       /* MEDIA_EV_FOREIGN was told                */
	uint8_t unusable;        /* packets, up to when that was told        */
	uint32_t rate_hz;        /* of the audio in fifo and up              */
	int codec;               /* index of set->rxv in use, or -1          */
	uint64_t last_us;        /* last packet of the peer                  */
	bool heard;              /* MEDIA_EV_RTP_START was told              */
	bool stopped;            /* MEDIA_EV_RTP_STOP was told               */
	bool steady;             /* no need to read on in this tick          */
	uint64_t deaf_until_us;  /* a digit is not to be heard               */
	uint32_t made_smp;       /* made up since the last packet played     */
	uint32_t fifoc;          /* samples of fifo                          */
	uint16_t fec_left;       /* packets until FEC is no longer expected  */
	bool silent;             /* the last sample was a zero               */
	bool noise;              /* the peer's comfort noise is on           */
	bool paused;             /* the peer said that it pauses             */
	bool hollow;             /* what is in the fifo was not decoded      */
	bool anew;               /* what comes is another stream             */
	uint32_t next_ts;        /* end of the last packet decoded           */
};

/** Sending; worker. */
struct rtp_tx {
	struct cut cut;          /* of its own encoder                       */
	struct event_tx event;
	uint32_t ssrc;           /* RO                                       */
	uint32_t ts;             /* of the first sample of this tick         */
	uint32_t clock_hz;       /* of ts; 0: nothing was ever to be sent    */
	uint16_t seq;            /* of the next packet                       */
	bool latched;            /* the peer is not where it says: to latch  */
	struct sa latch;
	bool off;                /* see media_leg_send()                     */
	bool marker;             /* of the next packet: first after silence  */
	bool virgin;             /* the peer did not hear its own encoder    */
	uint32_t common;         /* ticks that it could have shared          */
};

struct rtp_leg {
	struct leg leg;
	struct media *m;         /* signalling; borrowed                     */
	int fd;                  /* signalling opens and closes, worker uses */
	uint16_t port;           /* signalling; 0: it shares one             */
	bool joined;             /* signalling: it has a peer at that one    */
	uint32_t silence_ms;     /* RO: MEDIA_EV_RTP_STOP after              */
	struct rtp_set *set;     /* worker; owned                            */
	struct aside *aside;     /* worker; owned; NULL: media only          */
	struct sa foreign;       /* worker writes once, before the event     */
	struct rtp_rtcp *rtcp;   /* worker; owned; NULL: never wanted        */
	int rtcp_fd;             /* signalling opens and closes; -1: none    */
	bool rtcp_made;          /* signalling: a set with rtcp was sent     */
	struct rtp_rx rx;
	struct rtp_tx tx;

	/* Not zeroed, so that what is not needed is never touched. */
	float rx_fifo[CODEC_FRAME_MAX_SMP]; /* rx: decoded, for later ticks  */
	float tx_fifo[CUT_FIFO_SMP];       /* tx: for a packet over a tick   */
};

/** Where to send; worker, set is there. */
static inline const struct sa *rtp_leg_dst(const struct rtp_leg *r)
{
	return r->tx.latched ? &r->tx.latch : &r->set->prm.raddr;
}

/** Make the contexts of a new set; signalling. @return 0, EINVAL, ENOMEM. */
int rtp_srtp_init(struct rtp_srtp *s, const struct media_rtp_params *prm);
void rtp_srtp_close(struct rtp_srtp *s, struct media_rtp_params *prm);

/** Move what goes on from the old set to the new one; worker. */
void rtp_srtp_keep(struct rtp_set *set, struct rtp_set *old);

/** Unprotect a packet; worker. False: drop it, it is counted. */
bool rtp_srtp_receive(struct rtp_leg *r, struct packet *pkt,
		      struct worker *w);

/** Protect a packet; worker. False: don't send it. */
bool rtp_srtp_send(struct rtp_leg *r, struct packet *pkt);

/** True: digits are said, or wait to be, and take the place of audio. */
static inline bool rtp_leg_says(const struct rtp_leg *r)
{
	return event_tx_busy(&r->tx.event) ||
	       (r->set && r->set->inband && dtmf_tx_busy(&r->set->inband->tx));
}

/** Tell signalling of a digit of the peer; worker. */
void rtp_rx_digit(struct rtp_leg *r, char digit, uint32_t dur_ms, bool inband,
		  const struct tick *t);

/** Read the socket. */
void rtp_rx_read(struct leg *leg, const struct tick *t);

/** Count what the peer sent and nobody can use. */
void rtp_rx_invalid(struct rtp_leg *r, struct worker *w);


/** When the kernel got a packet [us], on the clock of the ticks. */
uint64_t rtp_rx_arrival_us(struct msghdr *hdr, const struct tick *t);

/** A frame for the mix. */
const float *rtp_rx_get(struct leg *leg, float *buf, const struct tick *t);

/** Bring the rx part in line with a new set. */
void rtp_rx_set(struct rtp_leg *r, const struct rtp_set *old);

/** Send what the leg hears. */
void rtp_tx_put(struct leg *leg, const float *frame, const struct tick *t);

/** Choose the encoder: its own, or the group's. */
void rtp_tx_plan(struct leg *leg, bool common, const struct tick *t);

/** Do what is common to all legs of its group in this tick. */
void rtp_tx_share(struct leg *leg, const float *frame, const struct tick *t);

/** Bring the tx part in line with a new set. */
void rtp_tx_set(struct rtp_leg *r, const struct rtp_set *old);

/** Put a set into force; worker. @return the old one, for signalling. */
void *rtp_set_take(struct rtp_leg *r, struct rtp_set *set);

extern const struct leg_ops rtp_leg_ops;

/** How a leg has its socket. */
enum rtp_leg_kind {
	RTP_LEG_OWN,    /* a port of the range                             */
	RTP_LEG_LINK,   /* the same; see struct leg                        */
	RTP_LEG_SHARED, /* one that others have, too: media_leg_join()     */
};

/** Signalling: as media_leg_rtp_alloc(), or media_leg_shared_alloc(). */
int rtp_leg_alloc(struct media_leg **lp, struct mix *mix,
		  const struct sa *laddr, enum rtp_leg_kind kind,
		  media_event_h *h, void *arg);

/** Signalling: open a socket for RTP or RTCP. @return 0 or errno. */
int rtp_leg_open(int *fdp, const struct sa *laddr);

#endif

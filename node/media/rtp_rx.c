/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg, receiving: socket -> jitter buffer, and events.
 */

#include <string.h>
#include <time.h>
#include <re.h>

#include "node/media/aside.h"
#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"
#include "node/media/rtp_rtcp.h"
#include "node/media/worker.h"

enum {
	NOISE_CLOCK_HZ = 8000, /* of payload type 13, also with G.722 */
	ROUNDS_MAX = 8,      /* recvmmsg() calls a tick: a flood's limit */
	FOREIGN_MANY = 10,   /* packets of strangers that are a warning  */
	UNUSABLE_MANY = 50,  /* a keep-alive now and then is none        */
};

uint64_t rtp_rx_arrival_us(struct msghdr *hdr, const struct tick *t)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(hdr);
	struct timespec ts;
	uint64_t us;

	if (!c || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_TIMESTAMPNS)
		return t->now_us;

	memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	us = (uint64_t)((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 -
			t->realtime_us);

	/* The wall clock may be set at any time. */
	return (int64_t)(t->now_us - us) > 1000000 || us > t->now_us + 1000000
		       ? t->now_us
		       : us;
}

void rtp_rx_invalid(struct rtp_leg *r, struct worker *w)
{
	stat_inc(r->leg.stat.rx_invalid);
	stat_inc(w->rx_invalid);
}

static void unusable(struct rtp_leg *r, const struct packet *pkt,
		     const struct tick *t)
{
	const struct media_event ev = {
		.type = MEDIA_EV_UNUSABLE,
		.pt = pkt->pt,
		.len = pkt->payload_len,
	};

	rtp_rx_invalid(r, t->w);

	/* Many send comfort noise that they did not offer: in silence only. */
	if (pkt->pt != RTP_PT_CN && r->rx.unusable < UNUSABLE_MANY &&
	    ++r->rx.unusable == UNUSABLE_MANY)
		leg_event(&r->leg, t->w, &ev);
}

static void alive(struct rtp_leg *r, const struct tick *t)
{
	const struct media_event ev = {.type = MEDIA_EV_RTP_START};

	r->rx.last_us = t->now_us;
	if (r->rx.heard)
		return;

	r->rx.heard = true;
	r->rx.stopped = false;
	leg_event(&r->leg, t->w, &ev);
}

static void check_silence(struct rtp_leg *r, const struct tick *t)
{
	const struct media_event ev = {.type = MEDIA_EV_RTP_STOP};

	if (!r->silence_ms || r->rx.stopped || !r->set)
		return;

	/* Who need not send is not missed. */
	if (!r->set->prm.recv || !r->rx.last_us) {
		r->rx.last_us = t->now_us;
		return;
	}

	if (t->now_us - r->rx.last_us < r->silence_ms * 1000ull)
		return;

	r->rx.stopped = true;
	r->rx.heard = false;
	leg_event(&r->leg, t->w, &ev);
}

void rtp_rx_digit(struct rtp_leg *r, char digit, uint32_t dur_ms, bool inband,
		  const struct tick *t)
{
	const struct media_event ev = {
		.type = MEDIA_EV_DTMF,
		.digit = digit,
		.duration_ms = dur_ms,
		.inband = inband,
	};

	leg_event(&r->leg, t->w, &ev);
}

/* What was said in the band meanwhile is still in the jitter buffer. */
static void deafen(struct rtp_leg *r, const struct tick *t)
{
	r->rx.deaf_until_us = t->now_us + jitter_lag_us(&r->rx.jitter);
}

static void receive_event(struct rtp_leg *r, const struct packet *pkt,
			  const struct tick *t)
{
	const struct media_rtp_params *prm = &r->set->prm;
	const struct event_clock clock = {
		.event_hz = r->set->ptv[pkt->pt] == PT_EVENT
				    ? prm->event_clock_hz
				    : prm->event2_clock_hz,
		.audio_hz = prm->tx.clock_hz,
	};
	struct event_done donev[EVENT_DONE_MAX];
	size_t i, n;

	n = event_rx_put(&r->rx.event, donev, &clock, pkt->ts,
			 pkt->data + pkt->payload_off, pkt->payload_len,
			 t->now_us);
	for (i = 0; i < n; i++)
		rtp_rx_digit(r, donev[i].digit, donev[i].dur_ms, false, t);

	deafen(r, t);
	jitter_skip(&r->rx.jitter, pkt->seq, pkt->ssrc);
	rtp_rtcp_came(r, pkt->ssrc, pkt->seq, false);
}

/* True: the jitter buffer took the packet. */
static bool receive_packet(struct rtp_leg *r, struct packet *pkt,
			   uint32_t clock_hz, const struct tick *t)
{
	struct leg_stat *st = &r->leg.stat;
	enum jitter_put put = jitter_put(&r->rx.jitter, pkt, clock_hz);

	rtp_rtcp_came(r, pkt->ssrc, pkt->seq, put == JITTER_LATE);

	switch (put) {

	case JITTER_RESYNC:
		r->rx.anew = true;
		/* fall through */
	case JITTER_STORED:
		/* One that waited since the last tick has others behind it. */
		r->rx.steady = pkt->arrival_us + JITTER_TICK_US > t->now_us &&
			       jitter_in_time(&r->rx.jitter, pkt, t->now_us);
		stat_inc(st->rx_packets);
		return true;

	case JITTER_STRAY:
		rtp_rx_invalid(r, t->w);
		return false;

	default:
		return false;
	}
}

/* Comfort noise begins, or changes; of Opus it is not (RFC 3389 4). */
static bool receive_noise(struct rtp_leg *r, struct packet *pkt,
			  const struct tick *t)
{
	struct jitter *j = &r->rx.jitter;

	if (j->clock_hz != NOISE_CLOCK_HZ || !pkt->payload_len) {
		jitter_skip(j, pkt->seq, pkt->ssrc);
		rtp_rtcp_came(r, pkt->ssrc, pkt->seq, false);
		return false;
	}

	pkt->dur_ts = j->dur_ts ? j->dur_ts
				: NOISE_CLOCK_HZ / 1000 * MEDIA_TICK_MS;

	return receive_packet(r, pkt, NOISE_CLOCK_HZ, t);
}

static bool receive_audio(struct rtp_leg *r, const struct codec *c,
			  struct packet *pkt, const struct tick *t)
{
	size_t n = c->ops->samples(c->st, pkt->data + pkt->payload_off,
				   pkt->payload_len);

	if (!n) {
		unusable(r, pkt, t);
		return false;
	}

	pkt->dur_ts = (uint32_t)(n * c->clock_hz / c->rate_hz);

	return receive_packet(r, pkt, c->clock_hz, t);
}

/* Send to where the peer proved to be (RFC 4961), not to what it believes. */
static void latch(struct rtp_leg *r, const struct sockaddr *src)
{
	r->tx.latched = source_latches(&r->rx.source) &&
			!r->set->prm.asymmetric &&
			!sa_set_sa(&r->tx.latch, src);
}

static bool learn(struct rtp_leg *r, const struct sockaddr *src,
		  const struct packet *pkt, const struct tick *t)
{
	const bool moved = r->rx.source.rank != SOURCE_NONE;

	if (!r->set->prm.recv ||
	    !source_learn(&r->rx.source, src, pkt->ssrc, pkt->seq, t->now_us))
		return false;

	/* What waits to be played is of somebody else. */
	if (moved) {
		jitter_flush(&r->rx.jitter);
		r->rx.anew = true;
		flood_open(&r->rx.flood, r->fd, &r->rx.source);
	}
	latch(r, src);

	return true;
}

/* A few strays are normal when a peer moves: they are no warning yet. */
static void foreign(struct rtp_leg *r, const struct sockaddr *src,
		    const struct tick *t)
{
	const struct media_event ev = {.type = MEDIA_EV_FOREIGN};

	++r->rx.flood.seen;
	if (r->rx.foreign_told || r->rx.source.foreign < FOREIGN_MANY)
		return;

	r->rx.foreign_told = true;
	(void)sa_set_sa(&r->foreign, src);
	leg_event(&r->leg, t->w, &ev);
}

/* True: the packet was taken. */
static bool receive(struct rtp_leg *r, struct msghdr *hdr, struct packet *pkt,
		    const struct tick *t)
{
	const struct rtp_set *set = r->set;
	enum source_is is;
	int i;

	stat_inc(r->leg.stat.rx_datagrams);
	if (aside_take(r->aside, &r->leg, t->w, hdr->msg_name, pkt->data,
		       pkt->len) ||
	    !set)
		return false;

	is = source_look(&r->rx.source, hdr->msg_name, t->now_us);
	if (is == SOURCE_FOREIGN) {
		foreign(r, hdr->msg_name, t);
		return false;
	}

	if (rtp_rtcp_muxed(r, hdr, pkt, t))
		return false;

	if (set->srtp.rx && !rtp_srtp_receive(r, pkt, t->w))
		return false;

	if ((hdr->msg_flags & MSG_TRUNC) || rtp_parse(pkt)) {
		rtp_rx_invalid(r, t->w);
		return false;
	}

	if (set->ptv[pkt->pt] == PT_UNKNOWN) {
		unusable(r, pkt, t);
		return false;
	}

	if (is == SOURCE_MAYBE && !learn(r, hdr->msg_name, pkt, t))
		return false;

	alive(r, t);
	if (!set->prm.recv) {
		rtp_rtcp_came(r, pkt->ssrc, pkt->seq, false);
		return false;
	}

	pkt->arrival_us = rtp_rx_arrival_us(hdr, t);
	i = set->ptv[pkt->pt];
	if (i == PT_EVENT || i == PT_EVENT2) {
		receive_event(r, pkt, t);
		return false;
	}

	if (i == PT_CN)
		return receive_noise(r, pkt, t);

	return receive_audio(r, &set->rxv[i], pkt, t);
}

/* One message of a batch; its slot gets a fresh packet if need be. */
static void receive_slot(struct rtp_leg *r, struct rxbatch *rx, size_t i,
			 const struct tick *t)
{
	struct msghdr *hdr = &rx->msgv[i].msg_hdr;
	struct packet *fresh = pool_get(&t->w->pool);

	rx->pktv[i]->len = (uint16_t)rx->msgv[i].msg_len;

	/* Without a packet to take its place it cannot be kept. */
	if (fresh && receive(r, hdr, rx->pktv[i], t)) {
		rx->pktv[i] = fresh;
		rx->iovv[i].iov_base = fresh->data;
	}
	else {
		pool_put(&t->w->pool, fresh);
	}

	if (!fresh) {
		stat_inc(r->leg.stat.rx_datagrams);
		stat_inc(t->w->rx_dropped);
	}

	hdr->msg_namelen = sizeof(rx->srcv[i]);
	hdr->msg_controllen = sizeof(rx->ctlv[i]);
}

static void publish_foreign(struct rtp_leg *r, struct worker *w)
{
	uint64_t n = r->rx.source.foreign - stat_get(r->leg.stat.rx_foreign);

	if (!n)
		return;

	stat_set(r->leg.stat.rx_foreign, r->rx.source.foreign);
	stat_set(w->rx_foreign, stat_get(w->rx_foreign) + n);
}

static void publish(struct rtp_leg *r)
{
	const struct jitter *j = &r->rx.jitter;
	struct leg_stat *st = &r->leg.stat;

	stat_set(st->rx_lost, j->lost);
	stat_set(st->rx_late, j->late);
	stat_set(st->rx_duplicate, j->duplicate);
	stat_set(st->jitter_ms, jitter_jitter_ms(j));
}

/*
 * One packet a tick is what comes from a steady peer.  To ask for it alone
 * is cheaper by a fifth than to be told each time that there is no second
 * one.  It must prove that any second one may wait for the next tick.
 *
 * True: read on.
 */
static bool read_one(struct rtp_leg *r, const struct tick *t)
{
	struct rxbatch *rx = &t->w->rx;
	ssize_t n = recvmsg(r->fd, &rx->msgv[0].msg_hdr, 0);

	stat_inc(t->w->rx_polls);
	if (n < 0)
		return false;

	r->leg.active_us = t->now_us;

	rx->msgv[0].msg_len = (unsigned)n;
	r->rx.steady = false;
	receive_slot(r, rx, 0, t);

	return !r->rx.steady;
}

static void read_all(struct rtp_leg *r, const struct tick *t)
{
	struct rxbatch *rx = &t->w->rx;
	int i, n, round = 0;

	do {
		n = recvmmsg(r->fd, rx->msgv, WORKER_RX, 0, NULL);
		for (i = 0; i < n; i++)
			receive_slot(r, rx, (size_t)i, t);

	} while (n == WORKER_RX && ++round < ROUNDS_MAX);
}

void rtp_rx_read(struct leg *leg, const struct tick *t)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;
	struct event_done done;

	if (!leg->cold && read_one(r, t))
		read_all(r, t);

	if (r->rx.flood.seen || r->rx.flood.on)
		flood_tick(&r->rx.flood, r->fd, &r->rx.source, t->now_us);

	if (r->rtcp && t->now_us >= r->rtcp->next_us)
		rtp_rtcp_tick(r, t);

	if (event_rx_tick(&r->rx.event, &done, t->now_us))
		rtp_rx_digit(r, done.digit, done.dur_ms, false, t);
	if (r->rx.event.active)
		deafen(r, t);

	check_silence(r, t);
	publish_foreign(r, t->w);
	publish(r);
}

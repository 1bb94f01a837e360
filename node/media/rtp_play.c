/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg, playing: jitter buffer -> decoder -> bus rate, what is played
 * when nothing came, and the stretching and squeezing that the buffer wants.
 *
 *   jitter_get   PLAY           LOST        EMPTY      WAIT
 *                 |              |            |          |
 *                 v              v            v          v
 *               decode      FEC of the     concealment, for a while,
 *                 |         next packet    then silence; or the
 *                 |              |         peer's comfort noise
 *                 +--------------+------------+----------+
 *                                |
 *                  shorter or longer, if the buffer wants it
 *                                |
 *                        one tick, the rest waits
 *
 * What a muted leg says is not decoded; its clock goes on.
 */

#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "node/media/cng.h"
#include "node/media/level.h"
#include "node/media/plc.h"
#include "node/media/rtp_leg.h"
#include "node/media/seam.h"
#include "node/media/stretch.h"
#include "node/media/voice.h"
#include "node/media/worker.h"

enum {
	RATE_DEFAULT_HZ = 8000,
	MADE_FROM_MS = 80,    /* made up audio fades out from here ...        */
	MADE_TO_MS = 120,     /* ... to here; then it is silent               */
	PERIOD_MIN_US = 2500, /* stretch.h never takes less out               */
	PIECE_MS = 60, /* what it takes at a time                       */
	PIECE_MIN_MS = 20,
	NOISE_SEAM_MS = 10,  /* from audio to the peer's comfort noise       */
	FEC_PACKETS = 250,   /* no redundancy for so long: there is none     */
	OPUS_UNIT_SMP = 120, /* it makes up multiples of 2.5 ms only         */
};

#define QUIET_POWER 1e-5f /* -50 dBFS */

/* Audio of a tick in the making, at rx->rate_hz. */
struct mix_in {
	float *pcm;
	size_t n;    /* samples so far                     */
	bool sound;  /* not all of them are zeros          */
	bool packet; /* the last piece came from a packet  */
};

static size_t ms_smp(const struct rtp_rx *rx, uint32_t ms)
{
	return rx->rate_hz / 1000 * ms;
}

static size_t ts_smp(const struct rtp_rx *rx, uint32_t ts)
{
	return (size_t)ts * rx->rate_hz / rx->jitter.clock_hz;
}

static uint32_t smp_ts(const struct rtp_rx *rx, size_t n)
{
	return (uint32_t)(n * rx->jitter.clock_hz / rx->rate_hz);
}

static const struct codec *codec_now(const struct rtp_leg *r)
{
	return r->rx.codec < 0 ? NULL : &r->set->rxv[r->rx.codec];
}

/* Nothing was heard of the peer so far, or for long. */
static void fall_silent(struct rtp_rx *rx)
{
	rx->made_smp = (uint32_t)ms_smp(rx, MADE_TO_MS);
	rx->silent = true;
}

/* The codecs of the set may all have another rate than what is played. */
static void plc_begin(struct rtp_leg *r)
{
	const struct rtp_set *set = r->set;

	if (set->plc && plc_size(r->rx.rate_hz) <= set->plc_bytes)
		plc_start(set->plc, r->rx.rate_hz);
}

/* Audio at another rate, or of another talkspurt: nothing to go on from. */
static void begin(struct rtp_leg *r)
{
	const struct codec *c = codec_now(r);

	if (c && c->ops->dec_reset)
		c->ops->dec_reset(c->st);
	plc_begin(r);

	r->rx.fifoc = 0;
	r->rx.hollow = false;
	r->rx.noise = false;
	fall_silent(&r->rx);
}

static void rate_set(struct rtp_leg *r, uint32_t rate_hz)
{
	r->rx.rate_hz = rate_hz;
	r->rx.codec = -1;
	(void)resample_up_init(&r->rx.up, rate_hz);
	begin(r);
}

/* As if audio had gone on; returns what was made, which may be more. */
static size_t make_up(struct rtp_leg *r, float *pcm, size_t n)
{
	const struct codec *c = codec_now(r);
	struct rtp_rx *rx = &r->rx;
	size_t got = 0;

	if (c && c->ops->conceal) {
		got = (n + OPUS_UNIT_SMP - 1) / OPUS_UNIT_SMP * OPUS_UNIT_SMP;
		got = c->ops->conceal(c->st, pcm, got);
	} else if (c && r->set->plc) {
		got = MIN(n, ms_smp(rx, CODEC_FRAME_MAX_MS));
		plc_conceal(r->set->plc, pcm, got);
		if (c->ops->missed)
			c->ops->missed(c->st, pcm, got);
	}

	if (!got) {
		memset(pcm, 0, n * sizeof(*pcm));
		got = n;
	}

	seam_out(pcm, got, rx->made_smp, ms_smp(rx, MADE_FROM_MS),
		 ms_smp(rx, MADE_TO_MS));
	rx->made_smp += (uint32_t)got;

	return got;
}

/* The peer's comfort noise; where it begins, out of what was heard. */
static void noise(struct rtp_leg *r, float *pcm, size_t n)
{
	struct rtp_rx *rx = &r->rx;
	float head[MEDIA_RATE_HZ / 1000 * NOISE_SEAM_MS + OPUS_UNIT_SMP];
	size_t i, len = MIN(n, ms_smp(rx, NOISE_SEAM_MS));

	cng_get(r->set->cng, pcm, n);
	if (rx->made_smp >= ms_smp(rx, MADE_TO_MS))
		return;

	len = MIN(len, make_up(r, head, len));
	for (i = 0; i < len; i++) {
		float w = ((float)i + 0.5f) / (float)len;

		pcm[i] = w * pcm[i] + (1 - w) * head[i];
	}
	rx->made_smp = (uint32_t)ms_smp(rx, MADE_TO_MS);
}

/* Nothing came, or nothing was sent: n samples, or some more. */
static void fill(struct rtp_leg *r, struct mix_in *in, size_t n, bool lost)
{
	struct rtp_rx *rx = &r->rx;
	float *pcm = in->pcm + in->n;

	in->packet = false;

	if (rx->noise && r->set->cng) {
		noise(r, pcm, n);
		rx->silent = false;
		in->sound = true;
	} else if (rx->made_smp < ms_smp(rx, MADE_TO_MS)) {
		n = make_up(r, pcm, n);
		rx->silent = rx->made_smp >= ms_smp(rx, MADE_TO_MS);
		in->sound = true;
		if (lost && !rx->paused)
			stat_inc(r->leg.stat.frames_concealed);
	} else {
		memset(pcm, 0, n * sizeof(*pcm));
		rx->silent = true;
	}

	in->n += n;
}

/* n samples of audio from a packet are at the end. */
static void heard(struct rtp_leg *r, struct mix_in *in, size_t n, size_t skip)
{
	struct rtp_rx *rx = &r->rx;
	const struct codec *c = codec_now(r);
	float *pcm = in->pcm + in->n;

	if (skip && skip < n) {
		n -= skip;
		memmove(pcm, pcm + skip, n * sizeof(*pcm));
	}

	if (!c->ops->conceal && r->set->plc)
		plc_put(r->set->plc, pcm, n);
	if (rx->silent || (skip && c->ops->conceal))
		seam_in(pcm, n, rx->rate_hz);

	rx->silent = false;
	rx->noise = false;
	rx->paused = false;
	rx->made_smp = 0;
	in->n += n;
	in->sound = true;
	in->packet = true;
}

/* What the packets carry for the case that the one before is lost. */
static void look_for_fec(struct rtp_leg *r, const struct codec *c,
			 const uint8_t *buf, size_t len)
{
	struct rtp_rx *rx = &r->rx;

	if (!c->ops->redundant)
		return;

	if (c->ops->redundant(buf, len))
		rx->fec_left = FEC_PACKETS;
	else if (rx->fec_left)
		--rx->fec_left;

	jitter_redundant(&rx->jitter, rx->fec_left);
}

static void play_noise(struct rtp_leg *r, struct mix_in *in,
		       const struct packet *pkt)
{
	struct rtp_rx *rx = &r->rx;

	if (r->set->cng && !cng_put(r->set->cng, pkt->data + pkt->payload_off,
				    pkt->payload_len, rx->rate_hz))
		rx->noise = true;

	rx->paused = true;
	fill(r, in, ts_smp(rx, pkt->dur_ts), false);
}

static void play_audio(struct rtp_leg *r, struct mix_in *in,
		       const struct jitter_item *it)
{
	struct rtp_rx *rx = &r->rx;
	const struct codec *c = codec_now(r);
	const struct packet *pkt = it->pkt;
	const uint8_t *buf = pkt->data + pkt->payload_off;
	size_t n, len = pkt->payload_len;

	/* The sender is silent: so are we, once the last sound has faded. */
	if (c->ops->dtx_bytes >= len) {
		rx->paused = true;
		fill(r, in, ts_smp(rx, pkt->dur_ts - it->skip_ts), false);
		return;
	}

	look_for_fec(r, c, buf, len);

	n = c->ops->decode(c->st, in->pcm + in->n, buf, len);
	if (!n) {
		fill(r, in, ts_smp(rx, pkt->dur_ts - it->skip_ts), true);
		return;
	}

	heard(r, in, n, ts_smp(rx, it->skip_ts));
	stat_inc(r->leg.stat.frames_played);
}

/* At another rate nothing is kept. */
static void play(struct rtp_leg *r, struct mix_in *in,
		 const struct jitter_item *it)
{
	struct rtp_rx *rx = &r->rx;
	int i = r->set->ptv[it->pkt->pt];

	if (i == PT_CN) {
		play_noise(r, in, it->pkt);
		return;
	}

	/* Negotiated away while it waited. */
	if (i < 0) {
		fill(r, in, ts_smp(rx, it->pkt->dur_ts - it->skip_ts), true);
		return;
	}

	if (r->set->rxv[i].rate_hz != rx->rate_hz) {
		rate_set(r, r->set->rxv[i].rate_hz);
		in->n = 0;
		in->sound = false;
	}
	rx->codec = i;

	play_audio(r, in, it);
}

/* A packet is lost; the one after it may tell what was in it. */
static void recover(struct rtp_leg *r, struct mix_in *in,
		    const struct jitter_item *it)
{
	const struct codec *c = codec_now(r);
	const struct packet *next = it->next;
	size_t got = 0, n = ts_smp(&r->rx, it->dur_ts);

	if (c && c->ops->fec && next && r->set->ptv[next->pt] == r->rx.codec &&
	    n <= ms_smp(&r->rx, CODEC_FRAME_MAX_MS))
		got = c->ops->fec(c->st, in->pcm + in->n, n,
				  next->data + next->payload_off,
				  next->payload_len);

	if (!got) {
		fill(r, in, n, true);
		return;
	}

	heard(r, in, got, 0);
	jitter_recovered(&r->rx.jitter, it->dur_ts);
}

static void next_piece(struct rtp_leg *r, struct mix_in *in,
		       const struct tick *t)
{
	struct rtp_rx *rx = &r->rx;
	struct jitter_item it;

	switch (jitter_get(&rx->jitter, &it, t->now_us, smp_ts(rx, in->n))) {

	case JITTER_PLAY:
		play(r, in, &it);
		pool_put(&t->w->pool, it.pkt);
		break;

	case JITTER_LOST:
		recover(r, in, &it);
		break;

	case JITTER_EMPTY:
		fill(r, in, ts_smp(rx, it.dur_ts), true);
		break;

	case JITTER_WAIT:
		fill(r, in, ts_smp(rx, it.dur_ts), false);
		break;
	}
}

/* By not more than k samples. */
static size_t shorten(float *pcm, size_t n, size_t k, uint32_t rate_hz)
{
	float keep[MEDIA_RATE_HZ / 1000 * PIECE_MS];
	size_t now;

	if (k < rate_hz / 1000 * PERIOD_MIN_US / 1000)
		return n;

	memcpy(keep, pcm, n * sizeof(*pcm));
	now = stretch_shorten(pcm, n, rate_hz);
	if (n - now <= k)
		return now;

	memcpy(pcm, keep, n * sizeof(*pcm));

	return n;
}

/* The latest audio made shorter or longer, if the jitter buffer wants it. */
static void adjust(struct rtp_leg *r, struct mix_in *in)
{
	struct rtp_rx *rx = &r->rx;
	int32_t want_us = jitter_want_us(&rx->jitter);
	size_t n = MIN(in->n, ms_smp(rx, PIECE_MS)), k, now = n, cap;
	float *pcm = in->pcm + in->n - n;

	if (!want_us || n < ms_smp(rx, PIECE_MIN_MS))
		return;

	k = (size_t)((uint64_t)abs(want_us) * (rx->rate_hz / 100) / 10000);
	cap = MIN(n + n, (size_t)CODEC_FRAME_MAX_SMP - (in->n - n));

	if (level_power(pcm, n & ~(size_t)7) < QUIET_POWER)
		now = want_us > 0
			  ? seam_cut(pcm, n, MIN(k, n / 2), rx->rate_hz)
			  : seam_insert(pcm, n, k + 1, cap, rx->rate_hz);
	else if (want_us < 0)
		now = stretch_lengthen(pcm, n, cap, rx->rate_hz);
	else
		now = shorten(pcm, n, k, rx->rate_hz);

	in->n = in->n - n + now;
	jitter_moved(&rx->jitter, now > n ? -(int32_t)smp_ts(rx, now - n)
					  : (int32_t)smp_ts(rx, n - now));
}

/* Fill pcm with a tick of audio at rx->rate_hz; 0: silence. */
static size_t pull(struct rtp_leg *r, float *pcm, const struct tick *t)
{
	struct rtp_rx *rx = &r->rx;
	struct mix_in in = {.pcm = pcm, .n = rx->fifoc, .sound = rx->fifoc};
	size_t need = ms_smp(rx, MEDIA_TICK_MS);
	bool adjusted = false;

	memcpy(pcm, r->rx_fifo, in.n * sizeof(*pcm));

	while (in.n < need) {

		next_piece(r, &in, t);
		need = ms_smp(rx, MEDIA_TICK_MS);

		if (in.packet && in.n >= need && !adjusted) {
			adjust(r, &in);
			adjusted = true;
		}
	}

	rx->fifoc = (uint32_t)(in.n - need);
	memcpy(r->rx_fifo, pcm + need, rx->fifoc * sizeof(*pcm));

	return in.sound ? need : 0;
}

/* Nobody hears it: the clock goes on, nothing is decoded. */
static void pull_unheard(struct rtp_leg *r, const struct tick *t)
{
	struct rtp_rx *rx = &r->rx;
	size_t need = ms_smp(rx, MEDIA_TICK_MS), n = rx->fifoc;
	struct jitter_item it;

	while (n < need) {

		if (jitter_get(&rx->jitter, &it, t->now_us, smp_ts(rx, n)) ==
		    JITTER_PLAY) {
			it.dur_ts = it.pkt->dur_ts - it.skip_ts;
			pool_put(&t->w->pool, it.pkt);
		}
		n += MAX(ts_smp(rx, it.dur_ts), (size_t)1);
	}

	rx->fifoc = (uint32_t)(n - need);
	rx->hollow = true;
}

/* Heard again: what waited was not decoded. */
static void unmute(struct rtp_leg *r)
{
	uint32_t n = r->rx.fifoc;

	begin(r);
	memset(r->rx_fifo, 0, n * sizeof(*r->rx_fifo));
	r->rx.fifoc = n;
}

static void publish(struct rtp_leg *r, const struct tick *t)
{
	const struct jitter *j = &r->rx.jitter;
	struct leg_stat *st = &r->leg.stat;

	stat_set(st->depth_ms, jitter_depth_ms(j, t->now_us));
	stat_set(st->target_ms, jitter_target_ms(j));
	stat_set(st->audio_us, j->played_us + j->concealed_us);
	stat_set(st->concealed_us, j->concealed_us);
	stat_set(st->shorter_us, j->shorter_us);
	stat_set(st->longer_us, j->longer_us);
	stat_set(st->delay_sum_us, j->delay_sum_us);
	stat_set(st->delay_packets, j->played);
	stat_set(st->rx_recovered, j->recovered);
	stat_set(st->rx_resyncs, j->resyncs);
}

/* Who is muted may dial. */
static bool listens(const struct rtp_leg *r)
{
	return r->set->inband && r->set->inband->listens;
}

/* A digit in the band is told, and not heard.  Its first 10 to 20 ms are. */
static size_t listen_inband(struct rtp_leg *r, size_t n, const struct tick *t)
{
	struct inband *ib = r->set->inband;
	struct dtmf_digit d;

	if (!ib->listens)
		return n;

	if (inband_hear(ib, t->w->pcm, n, r->rx.rate_hz, &d))
		rtp_rx_digit(r, d.digit, d.dur_ms, true, t);

	return inband_sounds(ib) ? 0 : n;
}

const float *rtp_rx_get(struct leg *leg, float *buf, const struct tick *t)
{
	struct rtp_leg *r = (struct rtp_leg *)leg;
	const float *out;
	size_t n = 0;

	if (!r->set)
		return NULL;

	if (r->set->prm.recv) {
		if (leg->mute_in && !listens(r)) {
			pull_unheard(r, t);
		} else {
			if (r->rx.hollow)
				unmute(r);
			n = pull(r, t->w->pcm, t);
		}
		publish(r, t);
	}

	if (t->now_us < r->rx.deaf_until_us)
		n = 0;

	if (r->set->inband && r->set->prm.recv)
		n = listen_inband(r, n, t);

	if (leg->voice)
		n = voice_narrow(leg->voice, t->w->pcm, n, r->rx.rate_hz, t);

	out = resample_up(&r->rx.up, buf, n ? t->w->pcm : NULL,
			  r->rx.rate_hz / 1000 * MEDIA_TICK_MS);
	if (!out || out == buf)
		return out;

	/* Already at the bus's rate; the scratch is needed by the next. */
	memcpy(buf, out, MEDIA_FRAME_SMP * sizeof(*buf));

	return buf;
}

void rtp_rx_set(struct rtp_leg *r, const struct rtp_set *old)
{
	struct rtp_rx *rx = &r->rx;
	const struct media_rtp_params *prm = &r->set->prm;
	const struct jitter_conf conf = {
	    .min_ms = prm->jitter_min_ms,
	    .max_ms = prm->jitter_max_ms,
	    .fixed_ms = prm->jitter_ms,
	};
	int i = rx->codec;

	/* The codec in use may have got another place. */
	if (i >= 0)
		i = old ? r->set->ptv[old->rxv[i].prm.pt] : -1;
	if (i >= 0 && r->set->rxv[i].rate_hz != rx->rate_hz)
		i = -1;

	rx->codec = i;
	if (!rx->rate_hz) {
		rate_set(r, RATE_DEFAULT_HZ);
	} else if (!prm->recv) {
		jitter_flush(&rx->jitter);
		begin(r);
	} else if (r->set->plc_new) {
		plc_begin(r);
	}
	r->set->plc_new = false;

	jitter_conf_set(&rx->jitter, &conf);
}

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

#include <string.h>
#include <re.h>

#include "node/media/cng.h"
#include "node/media/plc.h"
#include "node/media/rtp_play.h"
#include "node/media/seam.h"
#include "node/media/voice.h"
#include "node/media/worker.h"

enum {
	RATE_DEFAULT_HZ = 8000,
	FEC_PACKETS = 250, /* no redundancy for so long: there is none */
	BREAK_MS = 10,     /* so much left out is heard */
};

/* Audio at another rate, or of another talkspurt: nothing to go on from. */
static void begin(struct rtp_leg *r)
{
	const struct codec *c = codec_now(r);

	if (c && c->ops->dec_reset)
		c->ops->dec_reset(c->st);
	rtp_made_begin(r);

	r->rx.fifoc = 0;
	r->rx.hollow = false;
	r->rx.noise = false;
	rtp_made_none(&r->rx);
}

static void rate_set(struct rtp_leg *r, uint32_t rate_hz)
{
	r->rx.rate_hz = rate_hz;
	r->rx.codec = -1;
	(void)resample_up_init(&r->rx.up, rate_hz);
	begin(r);
}

/* Samples are not those that follow the last ones: what would have followed
 * is made up, and goes over into them. */
static void joint(struct rtp_leg *r, float *pcm, size_t n)
{
	struct rtp_rx *rx = &r->rx;
	float first;

	if (codec_now(r)->ops->conceal)
		seam_in(pcm, n, rx->rate_hz);
	else if (r->set->plc)
		plc_conceal(r->set->plc, &first, 1);
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
		       const struct jitter_item *it)
{
	struct rtp_rx *rx = &r->rx;
	const struct packet *pkt = it->pkt;

	if (r->set->cng && !cng_put(r->set->cng, pkt->data + pkt->payload_off,
				    pkt->payload_len, rx->rate_hz))
		rx->noise = true;

	rx->paused = true;
	rtp_made_fill(r, in, ts_smp(rx, pkt->dur_ts - it->skip_ts), false);
}

/* Whether packets between the last one and this were left out, not made up.
 * Of another stream the decoder must remember nothing. */
static bool breaks_off(struct rtp_leg *r, const struct codec *c,
		       const struct packet *pkt)
{
	struct rtp_rx *rx = &r->rx;
	int32_t left_ts = (int32_t)(pkt->ts - rx->next_ts -
				    smp_ts(rx, rx->made_smp));
	bool breaks =
	    !rx->silent && left_ts > (int32_t)smp_ts(rx, ms_smp(rx, BREAK_MS));

	if (rx->anew && c->ops->dec_reset)
		c->ops->dec_reset(c->st);

	rx->anew = false;
	rx->next_ts = pkt->ts + pkt->dur_ts;

	return breaks;
}

static void play_audio(struct rtp_leg *r, struct mix_in *in,
		       const struct jitter_item *it)
{
	struct rtp_rx *rx = &r->rx;
	const struct codec *c = codec_now(r);
	const struct packet *pkt = it->pkt;
	const uint8_t *buf = pkt->data + pkt->payload_off;
	size_t n, len = pkt->payload_len;
	bool breaks;

	/* The sender is silent: so are we, once the last sound has faded. */
	if (c->ops->dtx_bytes >= len) {
		rx->paused = true;
		rtp_made_fill(r, in, ts_smp(rx, pkt->dur_ts - it->skip_ts), false);
		return;
	}

	look_for_fec(r, c, buf, len);
	breaks = breaks_off(r, c, pkt);

	n = c->ops->decode(c->st, in->pcm + in->n, buf, len);
	if (!n) {
		rtp_made_fill(r, in, ts_smp(rx, pkt->dur_ts - it->skip_ts), true);
		return;
	}

	if (breaks)
		joint(r, in->pcm + in->n, n);
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
		play_noise(r, in, it);
		return;
	}

	/* Negotiated away while it waited. */
	if (i < 0) {
		rtp_made_fill(r, in, ts_smp(rx, it->pkt->dur_ts - it->skip_ts), true);
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
		rtp_made_fill(r, in, n, true);
		return;
	}

	r->rx.next_ts = next->ts;
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
		rtp_made_fill(r, in, ts_smp(rx, it.dur_ts), true);
		break;

	case JITTER_WAIT:
		rtp_made_fill(r, in, ts_smp(rx, it.dur_ts), false);
		break;
	}
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
			rtp_scale(r, &in);
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
	    .start_ms = prm->jitter_start_ms,
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
		rtp_made_begin(r);
	}
	r->set->plc_new = false;

	jitter_conf_set(&rx->jitter, &conf);
}

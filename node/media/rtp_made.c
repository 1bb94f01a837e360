/* SPDX-License-Identifier: MIT */
/* What is heard while nothing comes: concealment for a while, the peer's
 * comfort noise, silence. */

#include <string.h>
#include <re.h>

#include "node/media/cng.h"
#include "node/media/plc.h"
#include "node/media/rtp_play.h"
#include "node/media/seam.h"

enum {
	MADE_FROM_MS = 80,   /* made up audio fades out from here ... */
	MADE_TO_MS = 120,    /* ... to here; then it is silent        */
	ROOM_FROM_MS = 1000, /* the same, when the room is known      */
	ROOM_TO_MS = 1100,
	NOISE_SEAM_MS = 10,  /* from audio to the peer's comfort noise */
	OPUS_UNIT_SMP = 120, /* it makes up multiples of 2.5 ms only  */
};

#define ROOM_MIN_DB (-70) /* below is silence */

/*
 * Made up periods are over soon; what plc.h goes on with is the noise of the
 * room, as it was heard in pauses.  The peer is not gone yet: it is heard for
 * as long as that may be hoped.  A peer that says that it pauses is silent.
 */
static bool has_room(const struct rtp_leg *r)
{
	const struct codec *c = codec_now(r);

	return c && !c->ops->conceal && r->set->plc && !r->rx.paused &&
	       plc_floor_db(r->set->plc) > ROOM_MIN_DB;
}

static size_t made_to_smp(const struct rtp_leg *r)
{
	return ms_smp(&r->rx, has_room(r) ? ROOM_TO_MS : MADE_TO_MS);
}

void rtp_made_none(struct rtp_rx *rx)
{
	rx->made_smp = (uint32_t)ms_smp(rx, ROOM_TO_MS);
	rx->silent = true;
}

void rtp_made_begin(struct rtp_leg *r)
{
	const struct rtp_set *set = r->set;

	if (set->plc && plc_size(r->rx.rate_hz) <= set->plc_bytes)
		plc_start(set->plc, r->rx.rate_hz);
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
		if (c->ops->missed && rx->made_smp < ms_smp(rx, MADE_TO_MS))
			c->ops->missed(c->st, pcm, got);
	}

	if (!got) {
		memset(pcm, 0, n * sizeof(*pcm));
		got = n;
	}

	seam_out(pcm, got, rx->made_smp,
		 ms_smp(rx, has_room(r) ? ROOM_FROM_MS : MADE_FROM_MS),
		 made_to_smp(r));
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
	if (rx->made_smp >= made_to_smp(r))
		return;

	len = MIN(len, make_up(r, head, len));
	for (i = 0; i < len; i++) {
		float w = ((float)i + 0.5f) / (float)len;

		pcm[i] = w * pcm[i] + (1 - w) * head[i];
	}
	rx->made_smp = (uint32_t)ms_smp(rx, ROOM_TO_MS);
}

void rtp_made_fill(struct rtp_leg *r, struct mix_in *in, size_t n, bool lost)
{
	struct rtp_rx *rx = &r->rx;
	float *pcm = in->pcm + in->n;

	in->packet = false;

	if (rx->noise && r->set->cng) {
		noise(r, pcm, n);
		rx->silent = false;
		in->sound = true;
	} else if (!rx->silent && rx->made_smp < made_to_smp(r)) {
		n = make_up(r, pcm, n);
		rx->silent = rx->made_smp >= made_to_smp(r);
		in->sound = true;
		if (lost && !rx->paused)
			stat_inc(r->leg.stat.frames_concealed);
	} else {
		memset(pcm, 0, n * sizeof(*pcm));
		rx->silent = true;
	}

	in->n += n;
}

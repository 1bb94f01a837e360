/* SPDX-License-Identifier: MIT */
/* What all kinds of legs have in common, on the signalling thread. */

#include <string.h>
#include <re.h>

#include "node/media/engine.h"
#include "node/media/level.h"
#include "node/media/mix.h"
#include "node/media/voice.h"

enum {
	FRAMES_MIN = 16,
	POOL_STEP = 16, /* legs whose packets are allocated at once */
};

static void destructor(void *arg)
{
	struct media_leg *handle = arg;
	struct mix *mix = handle->mix;
	struct leg *leg = handle->leg;

	mem_deref(handle->aside);
	if (!leg)
		return;

	leg->handle = NULL;
	--mix->legs;
	--mix->w->legs;
	media_release(mix->m, mix->w, &leg->release, CMD_LEG_DEL, leg);
}

/* The worker gets more packets before it gets the leg that needs them. */
static int pool_grow(const struct mix *mix)
{
	struct cmd cmd = {.type = CMD_POOL};
	struct worker *w = mix->w;
	int err;

	if (w->pool_cap >= (w->legs + 1) * (size_t)POOL_LEG)
		return 0;

	cmd.ptr = pool_chunk_alloc((size_t)POOL_LEG * POOL_STEP);
	if (!cmd.ptr)
		return ENOMEM;

	err = media_cmd(mix->m, w, &cmd);
	if (err)
		mem_deref(cmd.ptr);
	else
		w->pool_cap += (size_t)POOL_LEG * POOL_STEP;

	return err;
}

/* And room for a frame of each leg of its largest mix. */
static int frames_grow(const struct mix *mix)
{
	struct cmd cmd = {.type = CMD_FRAMES};
	struct worker *w = mix->w;
	size_t cap = MAX(2 * w->frames_cap, (size_t)FRAMES_MIN);
	int err;

	if (w->frames_cap > mix->legs)
		return 0;

	cmd.ptr = frames_alloc(cap);
	if (!cmd.ptr)
		return ENOMEM;

	err = media_cmd(mix->m, w, &cmd);
	if (err)
		mem_deref(cmd.ptr);
	else
		w->frames_cap = cap;

	return err;
}

int leg_attach(struct media_leg **lp, struct mix *mix, struct leg *leg,
	       media_event_h *h, void *arg)
{
	struct cmd cmd = {.type = CMD_LEG_ADD, .obj = leg};
	struct media_leg *handle;
	int err;

	handle = mem_zalloc(sizeof(*handle), destructor);
	if (!handle) {
		err = ENOMEM;
		goto out;
	}

	handle->mix = mix;
	handle->h = h;
	handle->arg = arg;
	leg->handle = handle;
	leg->bus = mix->bus;
	talk_party_init(&leg->talker);

	err = pool_grow(mix);
	if (err)
		goto out;

	err = frames_grow(mix);
	if (err)
		goto out;

	err = media_cmd(mix->m, mix->w, &cmd);
	if (err)
		goto out;

	++mix->legs;
	++mix->w->legs;
	handle->leg = leg;
	leg = NULL;
	*lp = handle;

out:
	if (err) {
		mem_deref(leg);
		mem_deref(handle);
	}

	return err;
}

void leg_dispose(struct leg *leg)
{
	leg->voice = mem_deref(leg->voice);
}

int media_leg_mute(struct media_leg *leg, bool in, bool out)
{
	struct cmd cmd = {.type = CMD_LEG_MUTE, .a = in, .b = out};

	if (!leg)
		return EINVAL;

	cmd.obj = leg->leg;

	return media_cmd(leg->mix->m, leg->mix->w, &cmd);
}

void media_leg_set_handler(struct media_leg *leg, media_event_h *h, void *arg)
{
	if (!leg)
		return;

	leg->h = h;
	leg->arg = arg;
}

const struct sa *media_leg_laddr(const struct media_leg *leg)
{
	return leg ? &leg->laddr : NULL;
}

static float mean_ms(uint64_t sum_us, uint64_t n)
{
	return n ? (float)sum_us / (float)n / 1000.0f : 0;
}

void media_leg_stat(const struct media_leg *leg, struct media_stat *st)
{
	const struct leg_stat *s;

	if (!leg || !st)
		return;

	s = &leg->leg->stat;
	memset(st, 0, sizeof(*st));

	st->rx_datagrams = stat_get(s->rx_datagrams);
	st->rx_packets = stat_get(s->rx_packets);
	st->rx_late = stat_get(s->rx_late);
	st->rx_duplicate = stat_get(s->rx_duplicate);
	st->rx_invalid = stat_get(s->rx_invalid);
	st->rx_lost = stat_get(s->rx_lost);
	st->rx_foreign = stat_get(s->rx_foreign);
	st->rx_auth_failed = stat_get(s->rx_auth_failed);
	st->rx_replayed = stat_get(s->rx_replayed);
	st->tx_packets = stat_get(s->tx_packets);
	st->tx_errors = stat_get(s->tx_errors);
	st->frames_played = stat_get(s->frames_played);
	st->frames_concealed = stat_get(s->frames_concealed);
	st->rx_recovered = stat_get(s->rx_recovered);
	st->rx_resyncs = stat_get(s->rx_resyncs);
	st->audio_ms = stat_get(s->audio_us) / 1000;
	st->concealed_ms = stat_get(s->concealed_us) / 1000;
	st->shorter_ms = stat_get(s->shorter_us) / 1000;
	st->longer_ms = stat_get(s->longer_us) / 1000;
	st->depth_ms = stat_get(s->depth_ms);
	st->target_ms = stat_get(s->target_ms);
	st->delay_ms = mean_ms(stat_get(s->delay_sum_us),
			       stat_get(s->delay_packets));
	st->jitter_ms = stat_get(s->jitter_ms);
	st->loss_packets = stat_get(s->loss_packets);
	st->loss_missing = stat_get(s->loss_missing);
	st->loss_runs = stat_get(s->loss_runs);
	st->round_trip_ms = (float)stat_get(s->round_trip_us) / 1000;
	st->peer_loss_percent = stat_get(s->peer_loss_percent);
	st->peer_jitter_ms = stat_get(s->peer_jitter_ms);
	st->peer_mos_lq = stat_get(s->peer_mos_lq);
	st->rtcp_rx = stat_get(s->rtcp_rx);
	st->rtcp_tx = stat_get(s->rtcp_tx);
	st->codec_in = (int)stat_get(s->codec_in) - 1;
	st->level_in_db = level_db(stat_get(s->power_in));
	st->level_out_db = level_db(stat_get(s->power_out));
	st->denoise_shed = stat_get(s->denoise_shed);
	st->talking = stat_get(s->talking);
	st->vu_in_db = level_db(stat_get(s->vu_in));
	st->vu_out_db = level_db(stat_get(s->vu_out));
	st->peak_in_db = level_db(stat_get(s->peak_in) * stat_get(s->peak_in));
}

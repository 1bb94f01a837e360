/* SPDX-License-Identifier: MIT */
/* What a leg's counters mean: signalling thread, no state. */

#include <string.h>

#include "node/media/emodel.h"
#include "node/media/media.h"
#include "node/media/rtcp_source.h"

static float percent(uint64_t part, uint64_t all)
{
	return all ? 100.0f * (float)part / (float)all : 0;
}

static float burst_ratio(const struct media_stat *now,
			 const struct media_stat *before)
{
	const struct rtcp_loss l = {
	    .packets = now->loss_packets - before->loss_packets,
	    .missing = now->loss_missing - before->loss_missing,
	    .runs = now->loss_runs - before->loss_runs,
	};

	return rtcp_burst_ratio(&l);
}

void media_quality(struct media_quality *q, const struct media_stat *now,
		   const struct media_stat *before)
{
	static const struct media_stat none;
	struct emodel_in in = {0};
	struct emodel_out out;
	uint64_t came, lost, late, played, concealed;

	if (!q || !now)
		return;

	if (!before)
		before = &none;

	memset(q, 0, sizeof(*q));
	came = now->rx_packets - before->rx_packets;
	lost = now->rx_lost - before->rx_lost;
	late = now->rx_late - before->rx_late;
	played = now->frames_played - before->frames_played;
	concealed = now->frames_concealed - before->frames_concealed;

	q->burst_ratio = 1;
	q->delay_ms =
	    now->round_trip_ms / 2 + (float)now->depth_ms + MEDIA_TICK_MS;
	q->valid = came + lost + late > 0;
	if (!q->valid)
		return;

	q->loss_percent = percent(lost, came + lost + late);
	q->discard_percent = percent(late, came + lost + late);
	q->concealed_percent = percent(concealed, played + concealed);
	q->burst_ratio = burst_ratio(now, before);

	in.codec =
	    now->codec_in < 0 ? MEDIA_PCMU : (enum media_codec_id)now->codec_in;
	in.fec = now->fec_in;
	in.loss_percent = q->loss_percent + q->discard_percent;
	in.burst_ratio = q->burst_ratio;
	in.delay_ms = q->delay_ms;
	emodel_rate(&out, &in);
	q->r = out.r;
	q->mos_lq = out.mos_lq;
	q->mos_cq = out.mos_cq;
}

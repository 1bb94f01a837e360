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
	uint64_t came, lost, late, back;

	if (!q || !now)
		return;

	if (!before)
		before = &none;

	memset(q, 0, sizeof(*q));
	came = now->rx_packets - before->rx_packets;
	lost = now->rx_lost - before->rx_lost;
	late = now->rx_late - before->rx_late;
	back = now->rx_recovered - before->rx_recovered;

	q->burst_ratio = 1;
	q->delay_ms =
	    now->round_trip_ms / 2 + MEDIA_TICK_MS +
	    (now->delay_ms > 0 ? now->delay_ms : (float)now->depth_ms);
	q->valid = came + lost + late > 0;
	if (!q->valid)
		return;

	q->loss_percent = percent(lost, came + lost + late);
	q->discard_percent = percent(late, came + lost + late);
	q->recovered_percent =
	    percent(MIN(back, lost + late), came + lost + late);
	q->concealed_percent = percent(now->concealed_ms - before->concealed_ms,
				       now->audio_ms - before->audio_ms);
	q->burst_ratio = burst_ratio(now, before);

	in.codec =
	    now->codec_in < 0 ? MEDIA_PCMU : (enum media_codec_id)now->codec_in;
	/* What FEC brought back was not heard as lost. */
	in.loss_percent =
	    percent(lost + late - MIN(back, lost + late), came + lost + late);
	in.burst_ratio = q->burst_ratio;
	in.delay_ms = q->delay_ms;
	emodel_rate(&out, &in);
	q->r = out.r;
	q->mos_lq = out.mos_lq;
	q->mos_cq = out.mos_cq;
}

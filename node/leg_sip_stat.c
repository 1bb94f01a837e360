/* SPDX-License-Identifier: MIT */
/* How a SIP leg sounds: the engine's counters as the hub's figures. */

#include <string.h>
#include "node/leg_sip_priv.h"

static void figures(struct leg_quality *out, const struct media_stat *now,
		    const struct media_stat *before)
{
	struct media_quality q;

	media_quality(&q, now, before);
	*out = (struct leg_quality){
		.valid = q.valid,
		.mos = q.mos_cq,
		.mos_listening = q.mos_lq,
		.r = q.r,
		.loss_percent = q.loss_percent,
		.discarded_percent = q.discard_percent,
		.concealed_percent = q.concealed_percent,
		.recovered_percent = q.recovered_percent,
		.jitter_ms = now->jitter_ms,
		.round_trip_ms = now->round_trip_ms,
		/* what it holds at one moment may be nothing */
		.jitter_buffer_ms = now->delay_ms > 0 ?
					    (uint32_t)(now->delay_ms + 0.5f) :
					    now->depth_ms,
		.peer_loss_percent = now->peer_loss_percent,
		.peer_jitter_ms = now->peer_jitter_ms,
		.peer_mos = now->peer_mos_lq,
	};
}

void leg_sip_stat(struct leg *leg)
{
	struct leg_sip *ls = (struct leg_sip *)leg;
	struct media_stat st;

	if (!ls->media)
		return;

	media_leg_stat(ls->media, &st);
	figures(&leg->info.quality, &st, NULL);
	leg->info.level_in_db = st.level_in_db;
	leg->info.level_out_db = st.level_out_db;
	leg->info.rx_packets = (uint32_t)st.rx_packets;
	leg->info.rx_foreign = (uint32_t)st.rx_foreign;
	leg->info.tx_packets = (uint32_t)st.tx_packets;
}

bool leg_sip_sample(struct leg *leg, struct leg_quality *q)
{
	struct leg_sip *ls = (struct leg_sip *)leg;
	struct media_stat st;

	if (!ls->media)
		return false;

	media_leg_stat(ls->media, &st);
	figures(q, &st, &ls->sampled);
	ls->sampled = st;

	return q->valid;
}

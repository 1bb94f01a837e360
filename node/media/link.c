/* SPDX-License-Identifier: MIT */
/*
 * A link: the RTP leg that joins two mixes of two engines, for as long as a
 * call's parties are spread over both.  Both ends are ours and near to each
 * other: so no compression, no reports, nothing to learn of the source, and a
 * jitter buffer that begins with next to nothing.
 */

#include <string.h>
#include <re.h>

#include "node/media/mix.h"
#include "node/media/rtp_leg.h"

enum {
	PT = 96,
	PTIME_MS = 10, /* 20 ms would not fit into an Ethernet frame        */
	START_MS = 15, /* with what the ticks add: 5 to 25 ms               */
	MOST_MS = 100,
	KEY_BYTES = 16, /* of MEDIA_LINK_KEY_BYTES; the rest is the salt     */
};

int media_leg_link_alloc(struct media_leg **lp, struct mix *mix,
			 const struct sa *laddr, media_event_h *h, void *arg)
{
	return rtp_leg_alloc(lp, mix, laddr, RTP_LEG_LINK, h, arg);
}

static void key_set(struct media_srtp *s, const uint8_t *bytes)
{
	s->suite = MEDIA_SRTP_AEAD_AES_128_GCM;
	memcpy(s->key, bytes, KEY_BYTES);
	memcpy(s->salt, bytes + KEY_BYTES, MEDIA_LINK_KEY_BYTES - KEY_BYTES);
}

int media_leg_link_set(struct media_leg *leg, const struct sa *raddr,
		       const uint8_t *tx, const uint8_t *rx)
{
	const struct media_codec l16 = {
	    .id = MEDIA_L16,
	    .pt = PT,
	    .clock_hz = MEDIA_RATE_HZ,
	    .ptime_ms = PTIME_MS,
	};
	struct media_rtp_params prm = {
	    .tx = l16,
	    .rxv = {l16},
	    .rxc = 1,
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	    .dtmf = MEDIA_DTMF_ELSEWHERE,
	    .send = true,
	    .recv = true,
	    .jitter_max_ms = MOST_MS,
	    .jitter_start_ms = START_MS,
	    .asymmetric = true,
	};
	int err;

	if (!leg || !leg->leg->link || !raddr || !tx || !rx)
		return EINVAL;

	prm.raddr = *raddr;
	key_set(&prm.srtp_tx, tx);
	key_set(&prm.srtp_rx, rx);
	err = media_leg_rtp_set(leg, &prm);
	media_srtp_wipe(&prm.srtp_tx);
	media_srtp_wipe(&prm.srtp_rx);

	return err;
}

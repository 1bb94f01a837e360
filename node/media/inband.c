/* SPDX-License-Identifier: MIT */
#include <re.h>

#include "node/media/inband.h"

enum {
	TICK_SMP = DTMF_RATE_HZ / 1000 * MEDIA_TICK_MS,
	QUIET_TICKS = 3, /* after so many, silence tells nothing new */
};

int inband_alloc(struct inband **ibp, const struct media_rtp_params *prm)
{
	const bool always = prm->dtmf == MEDIA_DTMF_INBAND;
	const bool never =
	    prm->dtmf == MEDIA_DTMF_EVENTS || prm->dtmf == MEDIA_DTMF_ELSEWHERE;
	const bool listens = always || (!never && prm->event_pt_rx < 0);
	const bool says = always || (!never && prm->event_pt_tx < 0);
	struct inband *ib;

	*ibp = NULL;
	if (!listens && !says)
		return 0;

	ib = mem_zalloc(sizeof(*ib), NULL);
	if (!ib)
		return ENOMEM;

	dtmf_tables();
	dtmf_rx_init(&ib->rx);
	ib->listens = listens;
	ib->says = says;
	*ibp = ib;

	return 0;
}

void inband_keep(struct inband *ib, const struct inband *old)
{
	if (!ib || !old)
		return;

	ib->quiet = old->quiet;
	ib->rx = old->rx;
	ib->tx = old->tx;
}

/* The mean of the samples in between: it dampens what would be mirrored, and
 * 1633 Hz by 0.6 dB. */
static void decimate(float *out, const float *in, size_t ratio)
{
	size_t i, k;

	for (i = 0; i < TICK_SMP; i++, in += ratio) {
		float sum = 0;

		for (k = 0; k < ratio; k++)
			sum += in[k];
		out[i] = sum / (float)ratio;
	}
}

bool inband_hear(struct inband *ib, const float *pcm, size_t n,
		 uint32_t rate_hz, struct dtmf_digit *digit)
{
	float narrow[TICK_SMP];

	if (!n) {
		if (ib->quiet >= QUIET_TICKS)
			return false;

		++ib->quiet;
		return dtmf_rx_put(&ib->rx, NULL, TICK_SMP, digit);
	}

	ib->quiet = 0;
	if (rate_hz != DTMF_RATE_HZ) {
		decimate(narrow, pcm, rate_hz / DTMF_RATE_HZ);
		pcm = narrow;
	}

	return dtmf_rx_put(&ib->rx, pcm, TICK_SMP, digit);
}

bool inband_sounds(const struct inband *ib)
{
	return dtmf_rx_sounds(&ib->rx);
}

bool inband_say(struct inband *ib, struct event_tx *queue, float *frame)
{
	uint32_t dur_ms;
	char digit;

	if (!dtmf_tx_busy(&ib->tx)) {
		if (!event_tx_take(queue, &digit, &dur_ms))
			return false;
		(void)dtmf_tx_start(&ib->tx, digit, dur_ms, MEDIA_RATE_HZ);
	}

	dtmf_tx_get(&ib->tx, frame, MEDIA_FRAME_SMP);

	return true;
}

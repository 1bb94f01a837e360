/* SPDX-License-Identifier: MIT */
#include "node/media/adapt.h"

static const float rise = 0.5f, fall = 0.2f;   /* a report's weight  */
static const float less = 0.75f, more = 1.15f; /* a step of bitrate  */

/* Coarse steps: telling the encoder of each tenth would be for nothing. */
static uint32_t step_of(float percent)
{
	static const uint32_t stepv[] = {20, 10, 5};
	unsigned i;

	for (i = 0; i < sizeof(stepv) / sizeof(stepv[0]); i++) {
		if (percent >= (float)stepv[i])
			return stepv[i];
	}

	return ADAPT_FEC_ON_PERCENT;
}

/* Up at once, down when it is clearly below the step. */
static uint32_t percent_of(const struct adapt *a)
{
	uint32_t step = step_of(a->loss_percent);
	uint32_t calm = step_of(a->loss_percent * 1.4f);

	if (!a->fec)
		return 0;

	return step > a->percent ? step : calm < a->percent ? calm : a->percent;
}

static uint32_t bitrate_of(const struct adapt *a, uint32_t base_bps)
{
	uint32_t now = a->bitrate_bps ? a->bitrate_bps : base_bps;

	if (a->loss_percent >= ADAPT_CONGESTED_PERCENT &&
	    now > ADAPT_BITRATE_MIN_BPS) {
		now = (uint32_t)((float)now * less);
		return now < ADAPT_BITRATE_MIN_BPS ? ADAPT_BITRATE_MIN_BPS
						   : now;
	}

	if (a->bitrate_bps && a->loss_percent <= ADAPT_RELIEVED_PERCENT)
		now = (uint32_t)((float)now * more);

	return now >= base_bps ? 0 : a->bitrate_bps ? now : 0;
}

bool adapt_report(struct adapt *a, uint8_t fraction, uint32_t base_bps)
{
	const struct adapt before = *a;
	float loss = (float)fraction * 100 / 256;

	a->loss_percent +=
	    (loss - a->loss_percent) * (loss > a->loss_percent ? rise : fall);

	a->fec = a->loss_percent >=
		 (a->fec ? ADAPT_FEC_OFF_PERCENT : ADAPT_FEC_ON_PERCENT);
	a->percent = percent_of(a);
	a->bitrate_bps = bitrate_of(a, base_bps);

	return a->fec != before.fec || a->percent != before.percent ||
	       a->bitrate_bps != before.bitrate_bps;
}

/* SPDX-License-Identifier: MIT */
/*
 * What a sender does about the loss that its peer reports: forward error
 * correction, and its bitrate.  Pure; called once a report, some 5 s apart.
 *
 * The loss is smoothed: it rises fast, since speech is being lost, and falls
 * slowly, since loss comes in waves.  Each threshold has another one on the
 * way back, so that nothing flaps.
 */

#ifndef SY_NODE_MEDIA_ADAPT_H
#define SY_NODE_MEDIA_ADAPT_H

#include <stdbool.h>
#include <stdint.h>

enum {
	ADAPT_FEC_ON_PERCENT = 2,
	ADAPT_FEC_OFF_PERCENT = 1,
	ADAPT_CONGESTED_PERCENT = 12,  /* a queue overflows: send less      */
	ADAPT_RELIEVED_PERCENT = 4,    /* send more again                   */
	ADAPT_BITRATE_MIN_BPS = 16000, /* FEC needs some of it             */
	ADAPT_PERCENT_MAX = 30,
};

struct adapt {
	float loss_percent; /* smoothed                                */

	/* for the encoder */
	uint32_t percent;     /* loss to be ready for; 0: none            */
	uint32_t bitrate_bps; /* 0: as configured                         */
	bool fec;
};

/**
 * A report came.
 *
 * @param a         Zeroed before the first one.
 * @param fraction  Lost since the last report, of 256.
 * @param base_bps  Bitrate as configured.
 *
 * @return true: what is for the encoder has changed.
 */
bool adapt_report(struct adapt *a, uint8_t fraction, uint32_t base_bps);

#endif

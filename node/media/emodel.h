/* SPDX-License-Identifier: MIT */
/*
 * The E-model: what a listener would say of a connection, from what was
 * measured of it (ITU-T G.107 for narrowband, G.107.1 for wideband).  Pure;
 * some microseconds a call, so for the signalling thread, not for the tick.
 *
 * Two scales.  A narrowband connection without any fault has R = 93.2, a
 * wideband one 129.  MOS maps both to 1..4.5 (G.107 Annex B; G.107.1 Annex A
 * divides R by 1.29 first), but a 4.4 of a narrowband call was given by
 * people who heard narrowband only.
 */

#ifndef SY_NODE_MEDIA_EMODEL_H
#define SY_NODE_MEDIA_EMODEL_H

#include <stdbool.h>

#include "node/media/media.h"

/** How a codec sounds, and how it bears loss. */
struct emodel_codec {
	bool wide;	/* judged on the wideband scale                  */
	float ie;	/* equipment impairment factor without loss      */
	float bpl;	/* packet-loss robustness factor                 */
	float delay_ms; /* of the algorithm, without the packet itself   */
};

/** What was measured. */
struct emodel_in {
	enum media_codec_id codec;
	float loss_percent; /* packets lost or discarded and not brought back
			       by FEC, of those sent                      */
	float burst_ratio;  /* mean run of lost packets against that of
			       random loss; below 1 counts as 1           */
	float delay_ms;	    /* one way, mouth to ear, without the codec's */
};

struct emodel_out {
	float r;      /* with delay: 0..93.2, or 0..129 if wide        */
	float mos_cq; /* conversational: with delay                    */
	float mos_lq; /* listening: without delay                      */
};

/** The table's entry; a codec that is not known counts as PCMU. */
struct emodel_codec emodel_codec(enum media_codec_id id);

/** Judge a connection. */
void emodel_rate(struct emodel_out *out, const struct emodel_in *in);

/**
 * R of a narrowband connection (G.107 7), all other parameters at the
 * defaults of its table 2.
 *
 * @param delay_ms  One way [ms].
 * @param ie_eff    Effective equipment impairment.
 */
float emodel_r_narrow(float delay_ms, float ie_eff);

/** R of a wideband connection (G.107.1), echo cancelled, no noise. */
float emodel_r_wide(float delay_ms, float ie_eff);

/** Effective equipment impairment under loss (G.107 7-29). */
float emodel_ie_eff(float ie, float bpl, float loss_percent, float burst_ratio);

/** MOS of an R on the narrowband scale (G.107 Annex B): 1..4.5. */
float emodel_mos(float r);

#endif

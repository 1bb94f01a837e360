/* SPDX-License-Identifier: MIT */
/*
 * G.107 with the defaults of its table 2 but for delay and codec; each
 * function is an equation of clause 7, its letters are the standard's.
 */

#include <math.h>

#include "node/media/emodel.h"

/* G.107 table 2: the defaults. */
static const float slr_db = 8, rlr_db = 2; /* loudness, send and receive */
static const float stmr_db = 15;	   /* sidetone                    */
static const float ds = 3, dr = 3;	   /* D-value of the telephones   */
static const float telr_db = 65, wepl_db = 110; /* echo                    */
static const float qdu = 1; /* quantizing distortion units */
static const float nc_dbm0p = -70, nfor_dbmp = -64; /* noise: line, floor  */
static const float ps_dba = 35, pr_dba = 35; /* noise of the rooms         */

/* G.107.1: R of a wideband connection with all at its defaults. */
static const float ro_wide = 129;

static float db_sum(float a, float b)
{
	return 10 * log10f(powf(10, a / 10) + powf(10, b / 10));
}

/* 7.2: the noises, referred to the 0 dBr point. */
static float noise_no(void)
{
	float olr = slr_db + rlr_db, lstr = stmr_db + dr;
	float nos = ps_dba - slr_db - ds - 100 +
		    0.004f * powf(ps_dba - olr - ds - 14, 2);
	float pre = pr_dba + 10 * log10f(1 + powf(10, (10 - lstr) / 10));
	float nor = rlr_db - 121 + pre + 0.008f * powf(pre - 35, 2);
	float nfo = nfor_dbmp + rlr_db;

	return db_sum(db_sum(nc_dbm0p, nos), db_sum(nor, nfo));
}

static float sidetone(float t_ms)
{
	return -10 * log10f(powf(10, -stmr_db / 10) +
			    expf(-t_ms / 4) * powf(10, -telr_db / 10));
}

/* 7.3: what comes with the voice: loudness, sidetone, quantizing. */
static float simultaneous_is(float ro, float no, float t_ms)
{
	float olr = slr_db + rlr_db;
	float xolr = olr + 0.2f * (64 + no - rlr_db);
	float iolr = 20 * (powf(1 + powf(xolr / 8, 8), 1 / 8.0f) - xolr / 8);
	float st = sidetone(t_ms);
	float ist = 12 * powf(1 + powf((st - 13) / 6, 8), 1 / 8.0f) -
		    28 * powf(1 + powf((st + 1) / 19.4f, 35), 1 / 35.0f) -
		    13 * powf(1 + powf((st - 3) / 33, 13), 1 / 13.0f) + 29;
	float q = 37 - 15 * log10f(qdu);
	float g = 1.07f + 0.258f * q + 0.0602f * q * q;
	float y = (ro - 100) / 15 + 46 / 8.4f - g / 9;
	float z = 46 / 30.0f - g / 40;
	float iq = 15 * log10f(1 + powf(10, y) + powf(10, z));

	return iolr + ist + iq;
}

/* 7-27: delay alone; nothing below 100 ms. */
static float delay_idd(float ta_ms)
{
	float x;

	if (ta_ms <= 100)
		return 0;

	x = log2f(ta_ms / 100);

	return 25 * (powf(1 + powf(x, 6), 1 / 6.0f) -
		     3 * powf(1 + powf(x / 3, 6), 1 / 6.0f) + 2);
}

/* 7.4: talker's echo, listener's echo, delay. */
static float delay_id(float ro, float no, float t_ms)
{
	float roe = -1.5f * (no - rlr_db);
	float terv = telr_db - 40 * log10f((1 + t_ms / 10) / (1 + t_ms / 150)) +
		     6 * expf(-0.3f * t_ms * t_ms);
	float re = 80 + 2.5f * (terv - 14);
	float rle = 10.5f * (wepl_db + 7) * powf(2 * t_ms + 1, -0.25f);
	float idte = 0;
	float idle = (ro - rle) / 2 + sqrtf(powf(ro - rle, 2) / 4 + 169);

	if (t_ms >= 1)
		idte =
		    ((roe - re) / 2 + sqrtf(powf(roe - re, 2) / 4 + 100) - 1) *
		    (1 - expf(-t_ms));

	return idte + idle + delay_idd(t_ms);
}

float emodel_r_narrow(float delay_ms, float ie_eff)
{
	float no = noise_no();
	float ro = 15 - 1.5f * (slr_db + no);
	float t = fmaxf(delay_ms, 0);
	float r =
	    ro - simultaneous_is(ro, no, t) - delay_id(ro, no, t) - ie_eff;

	return fmaxf(r, 0);
}

float emodel_r_wide(float delay_ms, float ie_eff)
{
	return fmaxf(ro_wide - delay_idd(delay_ms) - ie_eff, 0);
}

float emodel_ie_eff(float ie, float bpl, float loss_percent, float burst_ratio)
{
	float ppl = fminf(fmaxf(loss_percent, 0), 100);
	float burst = fmaxf(burst_ratio, 1);

	if (ppl <= 0)
		return ie;

	return ie + (95 - ie) * ppl / (ppl / burst + bpl);
}

float emodel_mos(float r)
{
	if (r <= 0)
		return 1;
	if (r >= 100)
		return 4.5f;

	/* The polynomial dips a little below 1 near R = 0. */
	return fmaxf(1, 1 + 0.035f * r + r * (r - 60) * (100 - r) * 7e-6f);
}

/*
 * G.711: Ie = 0, Bpl = 25.1 with the concealment of its Appendix I
 * (G.113 Appendix I; 4.3 without any).  G.722 at 64 kbit/s: Ie,WB = 13
 * (G.113 Appendix IV).
 *
 * Ours, for want of a recommendation's value: Bpl of G.722, taken between
 * G.711 without concealment and with it; Opus at 24 to 40 kbit/s, which
 * listeners put above AMR-WB at 23.85 kbit/s (Ie,WB = 8), its robustness
 * with its own concealment (what FEC brings back is no loss here); L16 at
 * 48 kHz as a wideband connection without a codec.
 *
 * delay_ms: G.722's filters 3 ms (coder and decoder together), Opus'
 * look-ahead 6.5 ms (RFC 6716 2).
 */
struct emodel_codec emodel_codec(enum media_codec_id id)
{
	static const struct emodel_codec table[MEDIA_CODEC_COUNT] = {
	    [MEDIA_PCMU] = {false, 0, 25.1f, 0},
	    [MEDIA_PCMA] = {false, 0, 25.1f, 0},
	    [MEDIA_G722] = {true, 13, 12, 3},
	    [MEDIA_OPUS] = {true, 5, 14, 6.5f},
	    [MEDIA_L16] = {true, 0, 12, 0},
	};

	return table[(unsigned)id < MEDIA_CODEC_COUNT ? id : MEDIA_PCMU];
}

void emodel_rate(struct emodel_out *out, const struct emodel_in *in)
{
	struct emodel_codec c = emodel_codec(in->codec);
	float ie =
	    emodel_ie_eff(c.ie, c.bpl, in->loss_percent, in->burst_ratio);
	float delay = fmaxf(in->delay_ms, 0) + c.delay_ms;

	if (c.wide) {
		out->r = emodel_r_wide(delay, ie);
		out->mos_cq = emodel_mos(out->r / 1.29f);
		out->mos_lq = emodel_mos(emodel_r_wide(0, ie) / 1.29f);
	} else {
		out->r = emodel_r_narrow(delay, ie);
		out->mos_cq = emodel_mos(out->r);
		out->mos_lq = emodel_mos(emodel_r_narrow(0, ie));
	}
}

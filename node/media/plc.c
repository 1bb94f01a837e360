/* SPDX-License-Identifier: MIT */
/*
 * What is made up is the sum of two parts: pitch periods of the past, as far
 * as the past was periodic, and noise through the filter of its spectral
 * envelope, for the rest.  The filter's memory is set to what the periods
 * leave of the last good samples; so the sum goes on exactly where the good
 * audio broke off, with its slopes.
 *
 * The past is kept as it was put; while audio is made up it stays as it is,
 * since it is the source.  When good audio comes again, the gap is filled
 * with periods, so that the past is in time with itself again.
 */

#include <math.h>
#include <string.h>

#include "node/media/cng.h"
#include "node/media/level.h"
#include "node/media/pitch.h"
#include "node/media/plc.h"

enum {
	HIST_US = 50000,     /* three longest periods and a seam  */
	WINDOW_US = 8000,    /* where pitch is looked for         */
	TREND_US = 5000,     /* at least, to hear it fade         */
	ENVELOPE_US = 20000, /* where the spectrum is looked at   */
	HOLD_US = 10000,     /* at full strength                  */
	FADE_US = 60000,     /* until nothing is left             */
	WIDEN_US = 15000,    /* until one more period is in turn  */
	BLEND_US = 4000,     /* back to good audio, at least      */
	BLEND_MAX_US = 10000,
	PERIODS_MAX = 3,
	ORDER_8K = 12,
	ORDER = 16,
	STEADY_FRAMES = 10,
	FLOOR_ORDER = 6, /* of the pauses' spectrum           */
	BLOCK = 64,
	BLEND_MAX_SMP = 480,
	ENVELOPE_MAX_SMP = 960,
	HIST_MAX_SMP = 2400,
};

/* Correlations of what is all noise, all voice. */
#define CORR_NOISE 0.1f
#define CORR_VOICE 0.6f

#define TREND_MIN 0.5f

/* The floor falls at once and rises by 1.5 dB a second of audio; but what is
 * of one loudness for long is a room, not a voice.  What is not above the
 * double of the floor is a pause. */
#define FLOOR_RISE_PER_S 1.41f
#define FLOOR_SHARE 0.3f
#define FLOOR_START 3e-6f /* -55 dBov */
#define FLOOR_MIN 1e-9f
#define FLOOR_MAX 5e-4f /* -33 dBov: no room is louder, that is speech */
#define PAUSE_RATIO 2.0f
#define STEADY_RATIO 1.4f

#define SANE 8.0f

struct plc {
	uint32_t rate_hz;
	uint32_t hist_smp;    /* length of hist                            */
	uint32_t order;	      /* of the filter                             */
	uint32_t lost_smp;    /* made up since the last good audio         */
	float floor;	      /* power that pauses have                    */
	float smooth;	      /* power, smoothed                           */
	uint32_t steady;      /* frames of one loudness, till now */
	struct cng_enc pause; /* what pauses sound like               */

	/* Valid while lost_smp > 0. */
	uint32_t lag;	/* one period                                */
	uint32_t seam;	/* overlap at the end of a round of periods  */
	uint32_t span;	/* periods of this round, in samples         */
	uint32_t pos;	/* where the round is in hist                */
	float voiced;	/* gain of the periods                       */
	float gain;	/* of both parts, beside the fade            */
	float trend;	/* ... from one sample to the next           */
	float unvoiced; /* amplitude of the noise's excitation       */
	float av[LPC_ORDER_MAX];
	float memv[LPC_ORDER_MAX];
	struct cng rest; /* what is heard at the end                  */

	uint32_t rnd;
	float hist[]; /* the past, newest last                     */
};

static uint32_t smp(uint32_t us, uint32_t rate_hz)
{
	return us * (rate_hz / 1000) / 1000;
}

size_t plc_size(uint32_t rate_hz)
{
	if (rate_hz != 8000 && rate_hz != 16000 && rate_hz != 48000)
		return 0;

	return sizeof(struct plc) + smp(HIST_US, rate_hz) * sizeof(float);
}

void plc_start(struct plc *p, uint32_t rate_hz)
{
	memset(p, 0, plc_size(rate_hz));
	p->rate_hz = rate_hz;
	p->hist_smp = smp(HIST_US, rate_hz);
	p->order = rate_hz > 8000 ? ORDER : ORDER_8K;
	p->rnd = 1;
	p->floor = FLOOR_START;
	p->smooth = FLOOR_START;
	cng_init(&p->rest, rate_hz);
	cng_enc_init(&p->pause, FLOOR_ORDER);
}

/* ------------------------------------------------------------- analysis */

static void sanitise(float *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		v[i] = v[i] > -SANE && v[i] < SANE ? v[i] : 0;
}

/* Envelope of the end of the past; more weight on what came last. */
static float envelope(struct plc *p)
{
	uint32_t n = smp(ENVELOPE_US, p->rate_hz), i;
	const float *x = p->hist + p->hist_smp - n;
	float v[ENVELOPE_MAX_SMP], r[LPC_ORDER_MAX + 1], k[LPC_ORDER_MAX];
	float peak = 0.8f * (float)n;

	for (i = 0; i < n; i++) {
		float t = (float)i < peak
			      ? 1 - (float)i / peak
			      : ((float)i - peak) / ((float)n - peak);

		t = 1 - t * t;
		v[i] = x[i] * t;
	}

	lpc_autocorr(r, v, n, p->order);

	return lpc_solve(p->av, k, r, p->order);
}

/* A voice that was fading goes on to: the gain from sample to sample, from
 * the last periods and those before them. */
static float trend(const struct plc *p, size_t lag)
{
	size_t n = (smp(TREND_US, p->rate_hz) + lag - 1) / lag * lag;
	const float *last = p->hist + p->hist_smp - n;
	float a = pitch_dot(last, last, n), b;

	b = pitch_dot(last - n, last - n, n);
	if (!(a < b))
		return 1;

	a = sqrtf(a / b);

	return powf(a > TREND_MIN ? a : TREND_MIN, 1 / (float)n);
}

static void begin(struct plc *p)
{
	uint32_t win = smp(WINDOW_US, p->rate_hz), n = p->hist_smp, i;
	const float *end = p->hist + n;
	struct pitch_search s = {
	    .x = p->hist,
	    .n = n,
	    .win = win,
	    .win_min = win,
	    .lag_min = smp(PITCH_MIN_US, p->rate_hz),
	    .lag_max = smp(PITCH_MAX_US, p->rate_hz),
	    .rate_hz = p->rate_hz,
	};
	struct pitch pitch;
	float v, left;

	sanitise(p->hist, n);
	pitch = pitch_find(&s);
	left = envelope(p);

	v = (pitch.corr - CORR_NOISE) / (CORR_VOICE - CORR_NOISE);
	v = v < 0 ? 0 : v > 1 ? 1 : v;
	p->voiced = v;
	p->trend = trend(p, pitch.lag);
	p->gain = 1;
	p->unvoiced = sqrtf(3 * left * (1 - v * v) *
			    pitch_dot(end - win, end - win, win) / (float)win);

	p->lag = (uint32_t)pitch.lag;
	p->seam = p->lag / 2;
	p->span = p->lag;
	p->pos = n - p->lag;
	for (i = 0; i < p->order; i++)
		p->memv[i] =
		    end[-1 - (int)i] - v * end[-1 - (int)i - (int)p->lag];

	cng_match(&p->rest, &p->pause);
}

/* ------------------------------------------------------------ synthesis */

/* The next sample of the periods.  Near the end of a round, its start is
 * already blended in. */
static float period(struct plc *p)
{
	uint32_t left = p->hist_smp - p->pos;
	float x = p->hist[p->pos];

	if (left <= p->seam) {
		float w = (float)left / (float)(p->seam + 1);

		x = w * x + (1 - w) * p->hist[p->pos - p->span];
	}

	if (++p->pos == p->hist_smp)
		p->pos -= p->span;

	return x;
}

/* Each round takes one period more, so that no short one repeats into a
 * buzz; from the start of a round, where the change is not heard. */
static void widen(struct plc *p)
{
	uint32_t periods = 1 + p->lost_smp / smp(WIDEN_US, p->rate_hz);
	uint32_t span;

	if (periods > PERIODS_MAX)
		periods = PERIODS_MAX;

	span = periods * p->lag;
	if (span > p->span && span + p->seam <= p->hist_smp &&
	    p->hist_smp - p->pos > p->seam)
		p->span = span;
}

static float fade(const struct plc *p, uint32_t lost_smp)
{
	float t = (float)lost_smp - (float)smp(HOLD_US, p->rate_hz);
	float g = 1 - t / (float)smp(FADE_US, p->rate_hz);

	return g > 1 ? 1 : g < 0 ? 0 : g;
}

static void block(struct plc *p, float *pcm, size_t n)
{
	float from = fade(p, p->lost_smp), to;
	float rest[BLOCK];
	size_t i;

	cng_get(&p->rest, rest, n);
	p->lost_smp += (uint32_t)n;
	to = fade(p, p->lost_smp);
	if (from <= 0) {
		memcpy(pcm, rest, n * sizeof(*pcm));
		return;
	}

	widen(p);
	for (i = 0; i < n; i++)
		pcm[i] = p->unvoiced * cng_white(&p->rnd);
	lpc_synth(pcm, n, p->av, p->memv, p->order);

	for (i = 0; i < n; i++) {
		float g = from + (to - from) * (float)i / (float)n;

		g *= p->gain;
		p->gain *= p->trend;
		pcm[i] = g * (pcm[i] + p->voiced * period(p)) +
			 sqrtf(1 - g * g) * rest[i];
	}
}

static void make(struct plc *p, float *pcm, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i += len) {
		len = n - i < BLOCK ? n - i : BLOCK;
		block(p, pcm + i, len);
	}
}

void plc_conceal(struct plc *p, float *pcm, size_t n)
{
	if (!p->lost_smp)
		begin(p);

	make(p, pcm, n);
}

/* ------------------------------------------------------------ good audio */

static void remember(struct plc *p, const float *pcm, size_t n)
{
	size_t all = p->hist_smp;

	if (n >= all) {
		memcpy(p->hist, pcm + n - all, all * sizeof(*pcm));
		return;
	}

	memmove(p->hist, p->hist + n, (all - n) * sizeof(*pcm));
	memcpy(p->hist + all - n, pcm, n * sizeof(*pcm));
}

/* Put into the past what was heard instead of the lost, roughly. */
static void fill(struct plc *p, uint32_t lost_smp)
{
	float v[HIST_MAX_SMP];
	uint32_t n = lost_smp < p->hist_smp ? lost_smp : p->hist_smp, i;
	float g = p->voiced * fade(p, lost_smp);

	for (i = 0; i < n; i++)
		v[i] = g * p->hist[p->hist_smp - p->lag + i % p->lag];

	remember(p, v, n);
}

static void recover(struct plc *p, float *pcm, size_t n)
{
	uint32_t lost = p->lost_smp;
	uint32_t len = smp(BLEND_US, p->rate_hz) + lost / 4;
	float v[BLEND_MAX_SMP];
	size_t i;

	if (len > smp(BLEND_MAX_US, p->rate_hz))
		len = smp(BLEND_MAX_US, p->rate_hz);
	if (len > n)
		len = (uint32_t)n;

	make(p, v, len);
	for (i = 0; i < len; i++) {
		float w = ((float)i + 0.5f) / (float)len;

		pcm[i] = w * pcm[i] + (1 - w) * v[i];
	}

	fill(p, lost);
	p->lost_smp = 0;
}

static void floor_follow(struct plc *p, const float *pcm, size_t n)
{
	float power = level_power(pcm, n & ~(size_t)7);
	float s = (float)n / (float)p->rate_hz;

	if (!(power < FLOOR_MAX))
		power = FLOOR_MAX;

	if (power < FLOOR_MAX && power < STEADY_RATIO * p->smooth &&
	    p->smooth < STEADY_RATIO * power)
		++p->steady;
	else
		p->steady = 0;

	p->smooth += FLOOR_SHARE * (power - p->smooth);
	p->floor *= 1 + (FLOOR_RISE_PER_S - 1) * s;
	if (p->smooth < p->floor || p->steady >= STEADY_FRAMES)
		p->floor = p->smooth > FLOOR_MIN ? p->smooth : FLOOR_MIN;

	/* What was taken for a pause was none. */
	if (p->pause.r[0] > 2 * PAUSE_RATIO * p->floor)
		cng_enc_init(&p->pause, FLOOR_ORDER);

	if (power < PAUSE_RATIO * p->floor && power < FLOOR_MAX)
		cng_enc_put(&p->pause, pcm, n);
}

void plc_put(struct plc *p, float *pcm, size_t n)
{
	if (n < 8)
		return;

	if (p->lost_smp)
		recover(p, pcm, n);

	remember(p, pcm, n);
	floor_follow(p, pcm, n);
}

float plc_floor_db(const struct plc *p)
{
	return cng_enc_level_db(&p->pause);
}

/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <string.h>
#include <re.h>

#include "node/media/clones.h"
#include "node/media/dtmf.h"

enum {
	TONES = 8,
	LOST_MS = 5, /* of a tone, in windows that it hardly touches    */
	HOP_MS = DTMF_HOP_SMP * 1000 / DTMF_RATE_HZ,
	GAP_HOPS = 3, /* windows that fail: it is over                   */
	EDGE_US = 2000,
	LOW_DBM0 = -8,
	HIGH_DBM0 = -6,
};

static const float hz_of[TONES] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
static const char digit_of[4][5] = {"123A", "456B", "789C", "*0#D"};

/* A full-scale sine is +3.14 dBm0 (G.711). */
static const float full_dbm0 = 3.14f;

static const float purity_min = 0.75f;	 /* both tones, of all power  */
static const float level_min_dbm0 = -40; /* of each tone              */
static const float twist_max_db = 9.5f;
static const float off_max = 0.024f; /* Q.24: 1.5 % and 3.5 %     */
static const float drop_db = 10;     /* under its peak: it is over */

/* Window times cosine and sine, the eight tones beside each other. */
static struct {
	float cos[DTMF_WINDOW_SMP][TONES];
	float sin[DTMF_WINDOW_SMP][TONES];
	float window[DTMF_WINDOW_SMP];
	float turn_cos[TONES], turn_sin[TONES]; /* of a hop, backwards */
	float power_min, twist_max, drop;
	bool made;
} tab;

void dtmf_tables(void)
{
	size_t i, k;

	if (tab.made)
		return;

	for (i = 0; i < DTMF_WINDOW_SMP; i++) {
		double w = 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) /
					   DTMF_WINDOW_SMP);

		tab.window[i] = (float)w;
		for (k = 0; k < TONES; k++) {
			double a = 2 * M_PI * (double)hz_of[k] * (double)i /
				   DTMF_RATE_HZ;

			tab.cos[i][k] = (float)(w * cos(a));
			tab.sin[i][k] = (float)(-w * sin(a));
		}
	}

	for (k = 0; k < TONES; k++) {
		double a =
		    2 * M_PI * (double)hz_of[k] * DTMF_HOP_SMP / DTMF_RATE_HZ;

		tab.turn_cos[k] = (float)cos(a);
		tab.turn_sin[k] = (float)-sin(a);
	}

	/* Powers are those of squares: a full-scale sine has 1/2. */
	tab.power_min = 0.5f * powf(10, (level_min_dbm0 - full_dbm0) / 10);
	tab.twist_max = powf(10, twist_max_db / 10);
	tab.drop = powf(10, -drop_db / 10);
	tab.made = true;
}

void dtmf_rx_init(struct dtmf_rx *rx)
{
	memset(rx, 0, sizeof(*rx));
}

/* Correlate a window with all eight; returns its power. */
SY_CLONES
static float correlate(const float *x, float re[TONES], float im[TONES])
{
	v8f r = {0}, m = {0};
	float power = 0;
	size_t i;

	for (i = 0; i < DTMF_WINDOW_SMP; i++) {
		v8f v = {x[i], x[i], x[i], x[i], x[i], x[i], x[i], x[i]};

		r += v * V8_LOAD(tab.cos[i]);
		m += v * V8_LOAD(tab.sin[i]);
		power += tab.window[i] * x[i] * x[i];
	}

	V8_SAVE(re, r);
	V8_SAVE(im, m);

	return power / (DTMF_WINDOW_SMP / 2.0f);
}

static size_t loudest(const float power[TONES], size_t from)
{
	size_t i, best = from;

	for (i = from + 1; i < from + TONES / 2; i++) {
		if (power[i] > power[best])
			best = i;
	}

	return best;
}

/*
 * How far a tone is off its frequency [Hz]: what its phase turned in a hop
 * more than it should.  Right within +-50 Hz.
 */
static float off_hz(const struct dtmf_rx *rx, const float *re, const float *im,
		    size_t k)
{
	/* now times the conjugate of before, turned back by a hop */
	float a = re[k] * rx->re[k] + im[k] * rx->im[k];
	float b = im[k] * rx->re[k] - re[k] * rx->im[k];
	float c = a * tab.turn_cos[k] - b * tab.turn_sin[k];
	float s = b * tab.turn_cos[k] + a * tab.turn_sin[k];

	return atan2f(s, c) / (2 * (float)M_PI) *
	       (DTMF_RATE_HZ / (float)DTMF_HOP_SMP);
}

/* What the window takes off a power that is off its middle. */
static float window_loss(float hz)
{
	float x = hz * DTMF_WINDOW_SMP / DTMF_RATE_HZ, y;

	x = fabsf(x);
	if (x < 0.01f)
		return 1;

	y = sinf((float)M_PI * x) / ((float)M_PI * x * (1 - x * x));

	return y * y;
}

/* The digit of a window, or 0; *powerp: of both tones. */
static char judge(const struct dtmf_rx *rx, const float *re, const float *im,
		  float total, float *powerp)
{
	float power[TONES], off[2];
	size_t k, best[2], i;

	/* Two sines of |amplitude| have half its square. */
	for (k = 0; k < TONES; k++)
		power[k] = 2 * (re[k] * re[k] + im[k] * im[k]) /
			   (DTMF_WINDOW_SMP / 2.0f * DTMF_WINDOW_SMP / 2.0f);

	best[0] = loudest(power, 0);
	best[1] = loudest(power, TONES / 2);

	/* Most of what is said ends here. */
	if (power[best[0]] + power[best[1]] < 0.5f * total)
		return 0;

	for (i = 0; i < 2; i++) {
		k = best[i];
		off[i] = off_hz(rx, re, im, k);
		if (fabsf(off[i]) > off_max * hz_of[k])
			return 0;

		power[k] /= window_loss(off[i]);
		if (power[k] < tab.power_min)
			return 0;
	}

	*powerp = power[best[0]] + power[best[1]];
	if (*powerp < purity_min * total)
		return 0;

	if (power[best[0]] > tab.twist_max * power[best[1]] ||
	    power[best[1]] > tab.twist_max * power[best[0]])
		return 0;

	return digit_of[best[0]][best[1] - TONES / 2];
}

static bool finish(struct dtmf_rx *rx, struct dtmf_digit *digit)
{
	const bool told = rx->confirmed;

	if (told) {
		digit->digit = rx->cand;
		digit->dur_ms =
		    LOST_MS + (uint32_t)(rx->energy / rx->peak * HOP_MS);
	}

	rx->cand = 0;
	rx->confirmed = false;
	rx->misses = 0;
	rx->energy = rx->peak = 0;

	return told;
}

static void grow(struct dtmf_rx *rx, float power)
{
	rx->misses = 0;
	rx->energy += power;
	rx->peak = MAX(rx->peak, power);
	if (rx->energy * HOP_MS > rx->peak * (DTMF_MIN_MS - LOST_MS))
		rx->confirmed = true;
}

/* A window is complete. */
static bool window(struct dtmf_rx *rx, struct dtmf_digit *digit)
{
	float re[TONES], im[TONES], total, power = 0;
	bool told = false;
	char c;

	total = correlate(rx->hist, re, im);
	c = judge(rx, re, im, total, &power);
	memcpy(rx->re, re, sizeof(re));
	memcpy(rx->im, im, sizeof(im));

	/* What fades away is not on any longer. */
	if (c && c == rx->cand && power < tab.drop * rx->peak)
		c = 0;

	if (rx->cand && c != rx->cand && (c || ++rx->misses >= GAP_HOPS))
		told = finish(rx, digit);

	if (c) {
		rx->cand = c;
		grow(rx, power);
	}

	return told;
}

bool dtmf_rx_put(struct dtmf_rx *rx, const float *pcm, size_t n,
		 struct dtmf_digit *digit)
{
	enum { KEPT = DTMF_WINDOW_SMP - DTMF_HOP_SMP };
	bool told = false;
	size_t i;

	for (i = 0; i + DTMF_HOP_SMP <= n; i += DTMF_HOP_SMP) {
		memmove(rx->hist, rx->hist + DTMF_HOP_SMP,
			KEPT * sizeof(float));
		if (pcm)
			memcpy(rx->hist + KEPT, pcm + i,
			       DTMF_HOP_SMP * sizeof(float));
		else
			memset(rx->hist + KEPT, 0,
			       DTMF_HOP_SMP * sizeof(float));

		told |= window(rx, digit);
	}

	return told;
}

bool dtmf_rx_sounds(const struct dtmf_rx *rx)
{
	return rx->cand;
}

/* ------------------------------------------------------------------ sending */

int dtmf_tx_start(struct dtmf_tx *tx, char digit, uint32_t dur_ms,
		  uint32_t rate_hz)
{
	static const int dbm0[2] = {LOW_DBM0, HIGH_DBM0};
	float hz[2] = {0, 0};
	size_t i, k;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');

	for (i = 0; i < 4; i++) {
		for (k = 0; k < 4; k++) {
			if (digit && digit_of[i][k] == digit) {
				hz[0] = hz_of[i];
				hz[1] = hz_of[4 + k];
			}
		}
	}
	if (hz[0] <= 0 || !rate_hz)
		return EINVAL;

	for (i = 0; i < 2; i++) {
		double step = 2 * M_PI * (double)hz[i] / rate_hz;

		tx->cos[i] = cos(step);
		tx->sin[i] = sin(step);
		tx->x[i] = pow(10, (dbm0[i] - (double)full_dbm0) / 20);
		tx->y[i] = 0;
	}

	tx->rate_hz = rate_hz;
	tx->pos_smp = 0;
	tx->len_smp = rate_hz / 1000 * dur_ms;
	tx->end_smp = tx->len_smp + rate_hz / 1000 * DTMF_PAUSE_MS;

	return 0;
}

bool dtmf_tx_busy(const struct dtmf_tx *tx)
{
	return tx->pos_smp < tx->end_smp;
}

static float edge(const struct dtmf_tx *tx)
{
	uint32_t len = tx->rate_hz / 1000 * (EDGE_US / 1000);
	uint32_t d = MIN(tx->pos_smp, tx->len_smp - 1 - tx->pos_smp);

	return d < len ? ((float)d + 0.5f) / (float)len : 1;
}

void dtmf_tx_get(struct dtmf_tx *tx, float *pcm, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i++, tx->pos_smp += dtmf_tx_busy(tx)) {
		double sum = 0;

		pcm[i] = 0;
		if (tx->pos_smp >= tx->len_smp)
			continue;

		for (k = 0; k < 2; k++) {
			double x =
			    tx->x[k] * tx->cos[k] - tx->y[k] * tx->sin[k];

			tx->y[k] =
			    tx->x[k] * tx->sin[k] + tx->y[k] * tx->cos[k];
			tx->x[k] = x;
			sum += tx->y[k];
		}

		pcm[i] = (float)sum * edge(tx);
	}
}

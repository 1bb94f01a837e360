/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "node/media/cng.h"

enum {
	LEVEL_MASK = 0x7f, /* the byte's first bit is unused */
	K_ZERO = 127,
	K_LAST = 254,
};

#define K_STEP (258.0f / 32768.0f)
#define LEFT_MIN 1e-4f
#define FLOOR_DB -96.0f
#define DULL_HZ 800.0f /* above it, the plain noise gets weaker */
#define SMOOTH 0.15f   /* share of a new frame in what is measured */

void cng_init(struct cng *c, uint32_t seed)
{
	memset(c, 0, sizeof(*c));
	c->rnd = seed | 1;
}

/* Amplitude of the excitation that becomes a level behind the filter, whose
 * power gain is 1 / left.  An even distribution's mean square is 1/3. */
static float excitation(float level_db, float left)
{
	if (level_db < FLOOR_DB)
		return 0;

	return sqrtf(3 * left) * powf(10, level_db / 20);
}

static void shape(struct cng *c, const float *k, uint32_t order, float level_db)
{
	float left = lpc_reflect(c->av, k, order);
	bool fresh = c->order != order;

	c->order = order;
	c->gain_to = excitation(level_db, left);

	/* Another filter's memory would be a click in this one. */
	if (fresh) {
		memset(c->memv, 0, sizeof(c->memv));
		c->gain = c->gain_to;
	}
}

void cng_level_set(struct cng *c, float level_db, uint32_t rate_hz)
{
	float k = -expf(-2 * (float)M_PI * DULL_HZ / (float)rate_hz);

	shape(c, &k, 1, level_db);
}

/* 255 is reserved: read as no correlation.  Once the noise is foreseeable to
 * 40 dB, more would only make the filter ring. */
static void coefficients(float *k, const uint8_t *buf, size_t n)
{
	float left = 1;
	size_t i;

	for (i = 0; i < n; i++) {
		k[i] = buf[i] > K_LAST ? 0 : K_STEP * (float)(buf[i] - K_ZERO);
		if (left * (1 - k[i] * k[i]) < LEFT_MIN)
			k[i] = 0;
		left *= 1 - k[i] * k[i];
	}
}

int cng_put(struct cng *c, const uint8_t *buf, size_t len, uint32_t rate_hz)
{
	float k[LPC_ORDER_MAX], level_db;
	size_t order;

	if (!len)
		return EBADMSG;

	level_db = -(float)(buf[0] & LEVEL_MASK);
	order = len - 1 < LPC_ORDER_MAX ? len - 1 : LPC_ORDER_MAX;
	if (!order) {
		cng_level_set(c, level_db, rate_hz);
		return 0;
	}

	coefficients(k, buf + 1, order);
	shape(c, k, (uint32_t)order, level_db);

	return 0;
}

void cng_match(struct cng *c, const struct cng_enc *e)
{
	float a[LPC_ORDER_MAX], k[LPC_ORDER_MAX];

	(void)lpc_solve(a, k, e->r, e->order);
	shape(c, k, e->order, cng_enc_level_db(e));
}

void cng_get(struct cng *c, float *pcm, size_t n)
{
	float step = n ? (c->gain_to - c->gain) / (float)n : 0;
	size_t i;

	if (c->gain == 0 && c->gain_to == 0) {
		memset(pcm, 0, n * sizeof(*pcm));
		return;
	}

	for (i = 0; i < n; i++) {
		c->gain += step;
		pcm[i] = c->gain * cng_white(&c->rnd);
	}

	c->gain = c->gain_to;
	lpc_synth(pcm, n, c->av, c->memv, c->order);
}

void cng_enc_init(struct cng_enc *e, uint32_t order)
{
	memset(e, 0, sizeof(*e));
	e->order = order < LPC_ORDER_MAX ? order : LPC_ORDER_MAX;
}

void cng_enc_put(struct cng_enc *e, const float *pcm, size_t n)
{
	float r[LPC_ORDER_MAX + 1], share = e->r[0] > 0 ? SMOOTH : 1;
	size_t i;

	if (!n)
		return;

	lpc_autocorr(r, pcm, n, e->order);
	if (!(r[0] >= 0 && r[0] <= (float)n * 16))
		return;

	for (i = 0; i <= e->order; i++)
		e->r[i] += share * (r[i] / (float)n - e->r[i]);
}

float cng_enc_level_db(const struct cng_enc *e)
{
	float db = e->r[0] > 0 ? 10 * log10f(e->r[0]) : -LEVEL_MASK;

	return db > 0 ? 0 : db < -LEVEL_MASK ? -LEVEL_MASK : db;
}

size_t cng_enc_make(const struct cng_enc *e, uint8_t *buf)
{
	float a[LPC_ORDER_MAX], k[LPC_ORDER_MAX];
	size_t i;

	(void)lpc_solve(a, k, e->r, e->order);

	buf[0] = (uint8_t)lrintf(-cng_enc_level_db(e));
	for (i = 0; i < e->order; i++)
		buf[1 + i] = (uint8_t)(K_ZERO + lrintf(k[i] / K_STEP));

	return 1 + e->order;
}

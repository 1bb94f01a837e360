/* SPDX-License-Identifier: MIT */
/*
 * Most of RNNoise's time goes into one function: weights of 8 bits times
 * inputs of 8 bits, in blocks of 8 outputs and 4 inputs.  wasm2c makes scalar
 * code of it; this is the same for AVX2.  cmake/rnnoise.py puts the call in
 * front of the scalar one, which does what this declines.
 *
 * The sums are integers that a float holds exactly: the results are equal bit
 * by bit.
 */

#include <math.h>
#include <stdint.h>
#include <string.h>

int rnn_linear(uint8_t *mem, uint32_t layer, uint32_t out, uint32_t in);

#ifdef __x86_64__
#include <immintrin.h>

enum { IN_MAX = 2048, BLOCK_OUT = 8, BLOCK_IN = 4, BLOCK_BYTES = 32 };

/* A layer in the module's memory; addresses there, 0: it has none. */
struct layer {
	uint32_t bias, subias, weights, float_weights, index, diag, scale;
	int32_t n_in, n_out;
};

/* Inputs -1..1 as -127..127, wide enough for the multiplication. */
static void quantise(int16_t *xv, const float *in, int32_t n)
{
	int32_t i;

	for (i = 0; i < n; i++)
		xv[i] = (int8_t)(int32_t)floorf(in[i] * 127 + 0.5f);
	for (; i % BLOCK_IN; i++)
		xv[i] = 0;
}

/* Eight outputs: the sums of n blocks; their inputs are named by index, or
 * follow each other. */
__attribute__((target("avx2"))) static const int8_t *
rows(float *out, const int8_t *w, const int16_t *xv, const int32_t *index,
     int32_t n, const float *scale)
{
	__m256i lo = _mm256_setzero_si256(), hi = lo, sum;
	int32_t i;

	for (i = 0; i < n; i++, w += BLOCK_BYTES) {
		__m256i wl =
		    _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)w));
		__m256i wh = _mm256_cvtepi8_epi16(
		    _mm_loadu_si128((const void *)(w + 16)));
		long long four;
		__m256i x;

		memcpy(&four, xv + (index ? index[i] : i * BLOCK_IN),
		       sizeof(four));
		x = _mm256_set1_epi64x(four);
		lo = _mm256_add_epi32(lo, _mm256_madd_epi16(wl, x));
		hi = _mm256_add_epi32(hi, _mm256_madd_epi16(wh, x));
	}

	sum = _mm256_permute4x64_epi64(_mm256_hadd_epi32(lo, hi), 0xd8);
	_mm256_storeu_ps(out, _mm256_mul_ps(_mm256_cvtepi32_ps(sum),
					    _mm256_loadu_ps(scale)));

	return w;
}

static void add_bias(float *out, const float *bias, int32_t n)
{
	int32_t i;

	for (i = 0; i < n; i++)
		out[i] += bias[i];
}

/* Three gates, each with a weight of its own for each input. */
static void add_diag(float *out, const float *diag, const float *in, int32_t n)
{
	int32_t i, k;

	for (k = 0; k < 3; k++) {
		for (i = 0; i < n; i++)
			out[k * n + i] += diag[k * n + i] * in[i];
	}
}

int rnn_linear(uint8_t *mem, uint32_t layer, uint32_t out, uint32_t in)
{
	const int32_t *index = NULL;
	const float *scale, *inv = (const void *)(mem + in);
	float *outv = (void *)(mem + out);
	int16_t xv[IN_MAX + BLOCK_IN];
	const int8_t *w;
	struct layer l;
	int32_t i;

	memcpy(&l, mem + layer, sizeof(l));
	if (l.float_weights || !l.weights || l.n_in > IN_MAX || l.n_in < 0 ||
	    l.n_out % BLOCK_OUT || !__builtin_cpu_supports("avx2"))
		return 0;

	w = (const void *)(mem + l.weights);
	scale = (const void *)(mem + l.scale);
	if (l.index)
		index = (const void *)(mem + l.index);

	quantise(xv, inv, l.n_in);
	for (i = 0; i < l.n_out; i += BLOCK_OUT) {
		int32_t n =
		    index ? *index++ : (l.n_in + BLOCK_IN - 1) / BLOCK_IN;

		w = rows(outv + i, w, xv, index, n, scale + i);
		if (index)
			index += n;
	}

	if (l.bias)
		add_bias(outv, (const void *)(mem + l.bias), l.n_out);
	if (l.diag)
		add_diag(outv, (const void *)(mem + l.diag), inv, l.n_in);

	return 1;
}

#else

int rnn_linear(uint8_t *mem, uint32_t layer, uint32_t out, uint32_t in)
{
	(void)mem;
	(void)layer;
	(void)out;
	(void)in;

	return 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Speech for tests: a fixed text by espeak-ng, made once and kept in build/,
 * and measures of what became of it.  Needs sy_media.
 */

#ifndef SY_TESTS_UNIT_MEDIA_SPEECH_H
#define SY_TESTS_UNIT_MEDIA_SPEECH_H

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sndfile.h>

#include "media_test.h"

#include "node/media/resample.h"

#define SPEECH_TEXT                                                            \
	"The quick brown fox jumps over the lazy dog, while six wizards mix "   \
	"jugs of liquid oxygen. How much wood would a woodchuck chuck? We "     \
	"were away a year ago. Please hold the line, somebody will be with "    \
	"you shortly. She sells sea shells by the sea shore, and the thin "     \
	"sheep think they should have had a bath."

/* ThreadSanitizer is slow, and learns nothing from more speech. */
#ifdef __SANITIZE_THREAD__
#define VOICES 1
#else
#define VOICES 2
#endif

enum {
	SPEECH_FFT_MAX = 2048,
};

/* The file with the text as a voice of espeak-ng says it.  Tests run side by
 * side: each makes its own, the last one stays. */
static inline void speech_make(const char *path, const char *voice)
{
	char tmp[256], cmd[1024];

	(void)mkdir("build", 0777);
	(void)snprintf(tmp, sizeof(tmp), "%s.%d", path, (int)getpid());
	(void)snprintf(cmd, sizeof(cmd),
		       "espeak-ng -v %s -s 150 -w %s '%s'", voice, tmp,
		       SPEECH_TEXT);
	if (system(cmd) != 0 || rename(tmp, path) != 0)
		fail_msg("espeak-ng is missing (deploy/deps test)");
}

/**
 * Some 20 s of speech.
 *
 * @param voice  Voice of espeak-ng: "en" (a man), "en+f3" (a woman).
 * @param np     Set to the number of samples.
 *
 * @return samples at rate_hz, active level -26 dBFS; free() them.
 */
static inline float *speech_load(const char *voice, uint32_t rate_hz,
				 size_t *np)
{
	SF_INFO info = {0};
	double sum = 0;
	char path[128];
	size_t n, i;
	float *raw, *out;
	SNDFILE *f;

	(void)snprintf(path, sizeof(path), "build/speech-%s.wav", voice);
	if (access(path, R_OK) != 0)
		speech_make(path, voice);

	f = sf_open(path, SFM_READ, &info);
	assert_non_null(f);
	n = (size_t)info.frames;
	raw = malloc(n * sizeof(*raw));
	assert_non_null(raw);
	assert_int_equal(sf_readf_float(f, raw, (sf_count_t)n), n);
	sf_close(f);

	assert_int_equal(resample_sound(&out, np, rate_hz, raw, n,
					(uint32_t)info.samplerate),
			 0);
	free(raw);

	for (i = 0; i < *np; i++)
		sum += (double)out[i] * out[i];
	for (i = 0; i < *np; i++)
		out[i] *= (float)(0.05 / sqrt(sum / (double)*np));

	return out;
}

/* Noise of an even distribution, rms as given; added. */
static inline void speech_noise(float *v, size_t n, double rms, uint32_t seed)
{
	size_t i;

	seed |= 1;
	for (i = 0; i < n; i++)
		v[i] += (float)(rms * sqrt(3) *
				((double)test_rand(&seed) / 2147483648.0 - 1));
}

/* Power spectrum under a Hann window: n / 2 + 1 values; n a power of 2. */
static inline void speech_spectrum(double *pow, const float *x, size_t n)
{
	static double re[SPEECH_FFT_MAX], im[SPEECH_FFT_MAX];
	static double c[SPEECH_FFT_MAX], s[SPEECH_FFT_MAX];
	static size_t last;
	size_t i, j, k, len;

	for (i = 0; i < n && last != n; i++) {
		c[i] = cos(2 * M_PI * (double)i / (double)n);
		s[i] = -sin(2 * M_PI * (double)i / (double)n);
	}
	last = n;

	for (i = 0, j = 0; i < n; i++) {
		re[j] = x[i] * (0.5 - 0.5 * c[i]);
		im[j] = 0;
		for (k = n >> 1; k && j & k; k >>= 1)
			j ^= k;
		j |= k;
	}

	for (len = 2; len <= n; len *= 2) {
		for (i = 0; i < n; i += len) {
			for (k = 0; k < len / 2; k++) {
				size_t a = i + k, b = a + len / 2;
				size_t t = k * (n / len);
				double r = re[b] * c[t] - im[b] * s[t];
				double m = re[b] * s[t] + im[b] * c[t];

				re[b] = re[a] - r;
				im[b] = im[a] - m;
				re[a] += r;
				im[a] += m;
			}
		}
	}

	for (i = 0; i <= n / 2; i++)
		pow[i] = (re[i] * re[i] + im[i] * im[i]) / (double)n;
}

/* Distance of two pieces' spectra [dB]; parts that are 50 dB below a talker's
 * mean are as good as equal. */
static inline double speech_lsd_frame(const float *a, const float *b, size_t n)
{
	static double pa[SPEECH_FFT_MAX], pb[SPEECH_FFT_MAX];
	double sum = 0, floor = 0.0025 * 1e-5;
	size_t i;

	speech_spectrum(pa, a, n);
	speech_spectrum(pb, b, n);
	for (i = 0; i <= n / 2; i++) {
		double d = 10 * log10((pa[i] + floor) / (pb[i] + floor));

		sum += d * d;
	}

	return sqrt(sum / (double)(n / 2 + 1));
}

/**
 * Log-spectral distance: mean over pieces of 32 ms, every 16 ms, in which
 * the undamaged signal is not a pause.
 *
 * @param ref   Undamaged.
 * @param x     Damaged; pieces where both are the same are not counted.
 *
 * @return [dB]; 0: they are the same.
 */
static inline double speech_lsd_db(const float *ref, const float *x, size_t n,
				   uint32_t rate_hz)
{
	size_t len = rate_hz == 8000 ? 256 : rate_hz == 16000 ? 512 : 2048;
	size_t i, k, count = 0;
	double sum = 0;

	for (i = 0; i + len <= n; i += len / 2) {
		double p = 0;

		for (k = 0; k < len; k++)
			p += (double)ref[i + k] * ref[i + k];
		if (p / (double)len < 1e-5 ||
		    !memcmp(ref + i, x + i, len * sizeof(*x)))
			continue;

		sum += speech_lsd_frame(ref + i, x + i, len);
		++count;
	}

	return count ? sum / (double)count : 0;
}

/**
 * Segmental signal to noise ratio: mean over the damaged pieces of 10 ms in
 * which the undamaged signal is not a pause, each within -10..35 dB.
 */
static inline double speech_segsnr_db(const float *ref, const float *x,
				      size_t n, uint32_t rate_hz)
{
	size_t len = rate_hz / 100, i, k, count = 0;
	double sum = 0;

	for (i = 0; i + len <= n; i += len) {
		double s = 0, e = 0, db;

		for (k = 0; k < len; k++) {
			double d = (double)x[i + k] - ref[i + k];

			s += (double)ref[i + k] * ref[i + k];
			e += d * d;
		}
		if (s / (double)len < 1e-5 || e == 0)
			continue;

		db = 10 * log10(s / e);
		sum += db < -10 ? -10 : db > 35 ? 35 : db;
		++count;
	}

	return count ? sum / (double)count : 35;
}

/* The largest second difference: a click sticks out. */
static inline double speech_click(const float *x, size_t n)
{
	double max = 0;
	size_t i;

	for (i = 2; i < n; i++) {
		double d = fabs((double)x[i] - 2.0 * x[i - 1] + x[i - 2]);

		max = d > max ? d : max;
	}

	return max;
}

#endif

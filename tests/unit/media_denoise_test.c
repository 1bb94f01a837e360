/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * What the denoisers take away, of the noise and of the voice: a table, and
 * bounds on its figures.  What they cost is media-bench's business; the time
 * shown here is that of a build with sanitizers.
 */

#include <re.h>

#include "media_noise.h"

#include "node/media/denoise.h"
#include "node/media/gain.h"

enum { LEAD_MS = 2000, SKIP_MS = 1000, SPEECH_MS = 4000 };

struct figures {
	double segsnr_db; /* gain of segmental SNR while there is speech */
	double pause_db;  /* noise less in the pause at the begin        */
	double lsd_before, lsd_db; /* distance to the clean speech        */
};

/* A pause, then speech; noise of all kinds. */
struct material {
	uint32_t rate;
	size_t n, lead;
	float *clean, *noisev[NOISE_KINDS], *noisy, *out;
};

static float *zeros(size_t n)
{
	float *v = calloc(n, sizeof(*v));

	assert_non_null(v);

	return v;
}

/* Of a voice and noise that the line has cut to band_hz. */
static void band(float *v, size_t n, uint32_t rate, uint32_t band_hz)
{
	float *lo, *hi;
	size_t lon, hin;

	if (band_hz == rate)
		return;

	assert_int_equal(resample_sound(&lo, &lon, band_hz, v, n, rate), 0);
	assert_int_equal(resample_sound(&hi, &hin, rate, lo, lon, band_hz), 0);
	memcpy(v, hi, MIN(n, hin) * sizeof(*v));
	free(lo);
	free(hi);
}

static void material_make(struct material *m, uint32_t rate, uint32_t band_hz)
{
	size_t n, k;
	float *v = speech_load("en", rate, &n);

	n = MIN(n, (size_t)rate / 1000 * SPEECH_MS);

	m->rate = rate;
	m->lead = rate / 1000 * LEAD_MS;
	m->n = (m->lead + n) / (rate / 50) * (rate / 50);
	m->clean = zeros(m->n);
	m->noisy = zeros(m->n);
	m->out = zeros(m->n);
	memcpy(m->clean + m->lead, v, (m->n - m->lead) * sizeof(float));
	band(m->clean, m->n, rate, band_hz);
	for (k = 0; k < NOISE_KINDS; k++) {
		m->noisev[k] = zeros(m->n);
		noise_make(m->noisev[k], m->n, k, rate);
		band(m->noisev[k], m->n, rate, band_hz);
	}
	free(v);
}

static void material_free(struct material *m)
{
	free(m->clean);
	for (size_t k = 0; k < NOISE_KINDS; k++)
		free(m->noisev[k]);
	free(m->noisy);
	free(m->out);
}

/* out = what becomes of noisy, brought back in time. */
static double pass(struct material *m, enum media_denoise kind)
{
	size_t i, frame = m->rate / 50, delay;
	struct denoise *d;
	struct timespec a, b;

	assert_int_equal(denoise_alloc(&d, kind, m->rate), 0);
	memcpy(m->out, m->noisy, m->n * sizeof(float));
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	for (i = 0; i + frame <= m->n; i += frame)
		denoise_run(d, m->out + i, frame);
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);

	delay = denoise_delay_smp(d);
	memmove(m->out, m->out + delay, (m->n - delay) * sizeof(float));
	memset(m->out + m->n - delay, 0, delay * sizeof(float));
	mem_deref(d);

	return ((double)(b.tv_sec - a.tv_sec) * 1e6 +
		(double)(b.tv_nsec - a.tv_nsec) / 1e3) /
	       ((double)m->n / (double)frame);
}

static struct figures measure(const struct material *m)
{
	size_t from = m->rate / 1000 * SKIP_MS, n = m->n - m->lead;
	const float *c = m->clean + m->lead;
	struct figures f;

	f.segsnr_db = speech_segsnr_db(c, m->out + m->lead, n, m->rate) -
		      speech_segsnr_db(c, m->noisy + m->lead, n, m->rate);
	f.pause_db =
	    10 * log10(noise_power(m->noisy + from, m->lead - from) /
		       (noise_power(m->out + from, m->lead - from) + 1e-12));
	f.lsd_before = speech_lsd_db(c, m->noisy + m->lead, n, m->rate);
	f.lsd_db = speech_lsd_db(c, m->out + m->lead, n, m->rate);

	return f;
}

/* What must hold whatever the noise; the table tells more. */
struct bounds {
	double clean_lsd_db; /* clean speech may be moved by               */
	double pause_db[NOISE_KINDS]; /* less noise in a pause, at least   */
	double lsd_less[NOISE_KINDS]; /* distance to the clean speech, at
					 most so much of what it was       */
};

static void table(enum media_denoise kind, uint32_t rate, uint32_t band_hz,
		  const struct bounds *b)
{
	static const int snrv[] = {5, 10, 15};
	struct material m;
	struct figures f;
	double us, moved;
	size_t i, k;

	material_make(&m, rate, band_hz);

	memcpy(m.noisy, m.clean, m.n * sizeof(float));
	us = pass(&m, kind);
	moved = speech_lsd_db(m.clean, m.out, m.n, m.rate);
	printf("%s at %u Hz, band of %u (%.0f us a frame here): clean speech "
	       "moved by %.2f dB\n",
	       media_denoise_name(kind), rate, band_hz, us, moved);
	assert_true(moved < b->clean_lsd_db);

	for (k = 0; k < NOISE_KINDS; k++) {
		for (i = 0; i < 3; i++) {
			noise_add(m.noisy, m.clean, m.noisev[k], m.n, snrv[i]);
			(void)pass(&m, kind);
			f = measure(&m);
			printf("  %-6s %2d dB: segSNR %+5.1f, pause -%4.1f, "
			       "LSD %5.2f -> %5.2f\n",
			       noise_names[k], snrv[i], f.segsnr_db, f.pause_db,
			       f.lsd_before, f.lsd_db);
			assert_true(f.pause_db > b->pause_db[k]);
			assert_true(f.lsd_db < f.lsd_before * b->lsd_less[k]);
		}
	}

	material_free(&m);
}

static void speex(void **state)
{
	/* Babble is no steady noise: it stays. */
	static const struct bounds b = {3.5, {10, 1, 10}, {0.8, 1, 1}};

	(void)state;
	table(MEDIA_DENOISE_SPEEX, 8000, 8000, &b);
	table(MEDIA_DENOISE_SPEEX, 16000, 16000, &b);
	table(MEDIA_DENOISE_SPEEX, 48000, 48000, &b);
}

static void rnnoise(void **state)
{
	static const struct bounds b = {3, {30, 3, 20}, {0.5, 1.1, 0.9}};
	static const struct bounds narrow = {3, {30, 3, 20}, {0.95, 1.2, 1.2}};

	(void)state;
	if (!denoise_have(MEDIA_DENOISE_RNNOISE)) {
		print_message("skipped: this build has no RNNoise (npm)\n");
		skip();
	}
	table(MEDIA_DENOISE_RNNOISE, 48000, 48000, &b);
	table(MEDIA_DENOISE_RNNOISE, 48000, 8000, &narrow);
}

/* States are apart: what one hears does not change another. */
static void apart(void **state)
{
	static const enum media_denoise kindv[] = {MEDIA_DENOISE_SPEEX,
						   MEDIA_DENOISE_RNNOISE};
	float a[960], b[960], other[960];
	struct denoise *d[3];
	size_t i, k;

	(void)state;
	for (k = 0; k < 2 && denoise_have(kindv[k]); k++) {
		for (i = 0; i < 3; i++)
			assert_int_equal(denoise_alloc(&d[i], kindv[k], 48000),
					 0);
		for (i = 0; i < 50; i++) {
			tone_make(a, 960, i * 960, 300, 48000, 0.2);
			memcpy(b, a, sizeof(a));
			memset(other, 0, sizeof(other));
			speech_noise(other, 960, 0.3, (uint32_t)i);
			denoise_run(d[0], a, 960);
			denoise_run(d[2], other, 960);
			denoise_run(d[1], b, 960);
			assert_memory_equal(a, b, sizeof(a));
		}
		for (i = 0; i < 3; i++)
			mem_deref(d[i]);
	}
}

static void names(void **state)
{
	enum media_denoise kind;
	struct denoise *d = NULL;
	unsigned i;

	(void)state;
	for (i = 0; i <= MEDIA_DENOISE_AUTO; i++) {
		assert_int_equal(
		    media_denoise_find(&kind, media_denoise_name(i)), 0);
		assert_int_equal(kind, i);
	}
	assert_int_equal(media_denoise_find(&kind, "loud"), ENOENT);
	assert_int_equal(denoise_alloc(&d, MEDIA_DENOISE_OFF, 48000), ENOTSUP);
	assert_int_equal(denoise_alloc(&d, MEDIA_DENOISE_RNNOISE, 8000),
			 ENOTSUP);
	assert_int_equal(denoise_alloc(&d, MEDIA_DENOISE_SPEEX, 44100),
			 ENOTSUP);
	assert_true(denoise_have(denoise_resolve(MEDIA_DENOISE_AUTO)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(speex),
	    cmocka_unit_test(rnnoise),
	    cmocka_unit_test(apart),
	    cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

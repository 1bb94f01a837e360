/* SPDX-License-Identifier: MIT */
/*
 * Speech, prepared and compared.
 *
 *   speech-measure prepare IN.wav OUT.wav RATE SECONDS
 *   speech-measure compare CLEAN.wav HEARD.wav
 *
 * compare finds how much later each half second of CLEAN is in HEARD, by
 * cross-correlation; a buffer that stretches time moves, so each has a delay
 * of its own.  Then it takes the log-spectral distance of both, frame by
 * frame of 32 ms where CLEAN has speech, from 200 to 3,400 Hz, both brought
 * to the same level and cut off 45 dB below the loudest.
 */

#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/media/resample.h"

enum {
	RATE_HZ = 8000,
	FFT = 256,
	HOP = FFT / 2,
	SEGMENT = RATE_HZ / 2,
	COARSE = 4,                /* decimation of the first search */
	LAG_MIN = -RATE_HZ / 4,
	LAG_MAX = RATE_HZ,
	LAG_NEAR = RATE_HZ / 8,    /* of a segment around the whole's */
	SEGMENTS_MAX = 1000,
	BIN_MIN = 200 * FFT / RATE_HZ,
	BIN_MAX = 3400 * FFT / RATE_HZ,
};
#define RANGE_DB 45.0
#define SPEECH_DB 35.0  /* below the loudest frame it is a pause     */
#define SURE 0.5        /* correlation that proves a segment's delay */

struct sound {
	float *v;
	size_t n;
};

static void die(const char *what)
{
	fprintf(stderr, "speech-measure: %s\n", what);
	exit(1);
}

static void sound_read(struct sound *s, const char *path, unsigned rate_hz)
{
	SF_INFO info = {0};
	SNDFILE *f = sf_open(path, SFM_READ, &info);
	float *v;

	if (!f || info.channels != 1 || info.frames < 1)
		die(path);

	v = malloc((size_t)info.frames * sizeof(*v));
	if (!v || sf_readf_float(f, v, info.frames) != info.frames ||
	    resample_sound(&s->v, &s->n, rate_hz, v, (size_t)info.frames,
			   (unsigned)info.samplerate))
		die(path);

	free(v);
	(void)sf_close(f);
}

static int prepare(const char *in, const char *out, unsigned rate_hz,
		   double seconds)
{
	SF_INFO info = {
		.channels = 1,
		.samplerate = (int)rate_hz,
		.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16,
	};
	size_t n = (size_t)(seconds * rate_hz), i;
	float peak = 0;
	struct sound s;
	SNDFILE *f;

	sound_read(&s, in, rate_hz);
	if (s.n < n)
		die("the speech is too short");

	for (i = 0; i < n; i++)
		peak = fmaxf(peak, fabsf(s.v[i]));
	for (i = 0; i < n && peak > 0; i++)
		s.v[i] *= 0.5f / peak;

	f = sf_open(out, SFM_WRITE, &info);
	if (!f || sf_writef_float(f, s.v, (sf_count_t)n) != (sf_count_t)n)
		die(out);

	return sf_close(f);
}

/* Normalised correlation of a piece of c with h, shifted by lag. */
static double correlate(const struct sound *c, size_t pos, size_t n,
			const struct sound *h, long lag, size_t step)
{
	double xy = 0, xx = 1e-9, yy = 1e-9;
	size_t i;

	for (i = pos; i < pos + n && i < c->n; i += step) {
		const long k = (long)i + lag;
		const float y = k < 0 || (size_t)k >= h->n ? 0 : h->v[k];

		xy += c->v[i] * y;
		xx += c->v[i] * c->v[i];
		yy += y * y;
	}

	return xy / sqrt(xx * yy);
}

static long best_lag(const struct sound *c, size_t pos, size_t n,
		     const struct sound *h, long from, long to, long step,
		     double *best)
{
	long lag, found = from;

	*best = -2;
	for (lag = from; lag <= to; lag += step) {
		const double r = correlate(c, pos, n, h, lag, (size_t)step);

		if (r > *best) {
			*best = r;
			found = lag;
		}
	}

	return found;
}

static void fft(double *re, double *im)
{
	size_t i, j, k, len;

	for (i = 1, j = 0; i < FFT; i++) {
		size_t bit = FFT / 2;

		for (; j & bit; bit /= 2)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			const double t = re[i], u = im[i];

			re[i] = re[j];
			im[i] = im[j];
			re[j] = t;
			im[j] = u;
		}
	}

	for (len = 2; len <= FFT; len *= 2) {
		for (i = 0; i < FFT; i += len) {
			for (k = 0; k < len / 2; k++) {
				const double a = -2 * M_PI * k / len;
				const size_t p = i + k, q = p + len / 2;
				const double tr =
					re[q] * cos(a) - im[q] * sin(a);
				const double ti =
					re[q] * sin(a) + im[q] * cos(a);

				re[q] = re[p] - tr;
				im[q] = im[p] - ti;
				re[p] += tr;
				im[p] += ti;
			}
		}
	}
}

/* Power of the bins of a frame; returns their sum. */
static double spectrum(double *power, const struct sound *s, long pos,
		       double gain)
{
	double re[FFT], im[FFT] = {0}, sum = 0;
	int i;

	for (i = 0; i < FFT; i++) {
		const long k = pos + i;
		const double w = 0.5 - 0.5 * cos(2 * M_PI * i / FFT);

		re[i] = k < 0 || (size_t)k >= s->n ? 0 : gain * w * s->v[k];
	}

	fft(re, im);
	for (i = BIN_MIN; i <= BIN_MAX; i++) {
		power[i] = re[i] * re[i] + im[i] * im[i];
		sum += power[i];
	}

	return sum;
}

static double rms(const struct sound *s)
{
	double sum = 1e-12;
	size_t i;

	for (i = 0; i < s->n; i++)
		sum += s->v[i] * s->v[i];

	return sqrt(sum / s->n);
}

struct distance {
	double lsd_db;    /* mean over the frames with speech           */
	double silent;    /* share of these in which nothing was heard  */
	size_t frames;
};

/* lagv: of each segment. */
static void distance(struct distance *d, const struct sound *c,
		     const struct sound *h, const long *lagv)
{
	const double gain = rms(c) / rms(h);
	double x[FFT], y[FFT], loud = 0, peak = 0, floor_p, sum = 0;
	size_t pos;
	int i;

	for (pos = 0; pos + FFT <= c->n; pos += HOP) {
		loud = fmax(loud, spectrum(x, c, (long)pos, 1));
		for (i = BIN_MIN; i <= BIN_MAX; i++)
			peak = fmax(peak, x[i]);
	}
	floor_p = peak * pow(10, -RANGE_DB / 10);

	for (pos = 0; pos + FFT <= c->n; pos += HOP) {
		const long lag = lagv[pos / SEGMENT];
		double heard, frame = 0;

		if (spectrum(x, c, (long)pos, 1) <
		    loud * pow(10, -SPEECH_DB / 10))
			continue;

		heard = spectrum(y, h, (long)pos + lag, gain);
		for (i = BIN_MIN; i <= BIN_MAX; i++) {
			const double db = 10 * log10(fmax(x[i], floor_p) /
						     fmax(y[i], floor_p));

			frame += db * db;
		}

		sum += sqrt(frame / (BIN_MAX - BIN_MIN + 1));
		d->silent += heard < floor_p;
		++d->frames;
	}

	if (!d->frames)
		die("no speech");

	d->lsd_db = sum / d->frames;
	d->silent /= d->frames;
}

static int cmp(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int compare(const char *clean, const char *heard)
{
	long lagv[SEGMENTS_MAX + 1], surev[SEGMENTS_MAX], whole, last;
	struct distance d = {0};
	struct sound c, h;
	size_t pos, n = 0, surec = 0;
	double best;

	sound_read(&c, clean, RATE_HZ);
	sound_read(&h, heard, RATE_HZ);
	if (c.n > (size_t)SEGMENT * SEGMENTS_MAX)
		die("too long");

	whole = best_lag(&c, 0, c.n, &h, LAG_MIN, LAG_MAX, COARSE, &best);
	last = whole;

	for (pos = 0; pos < c.n; pos += SEGMENT) {
		const long lag = best_lag(&c, pos, SEGMENT, &h,
					  whole - LAG_NEAR, whole + LAG_NEAR,
					  1, &best);

		if (best >= SURE) {
			surev[surec++] = lag;
			last = lag;
		}
		lagv[n++] = last;
	}

	if (!surec)
		die("nothing of the one is in the other");

	distance(&d, &c, &h, lagv);
	qsort(surev, surec, sizeof(surev[0]), cmp);
	printf("{\"delay_ms\":%.1f,\"delay_min_ms\":%.1f,"
	       "\"delay_max_ms\":%.1f,\"segments\":%zu,\"found\":%zu,"
	       "\"lsd_db\":%.2f,\"silent\":%.4f,\"frames\":%zu}\n",
	       1e3 * surev[surec / 2] / RATE_HZ, 1e3 * surev[0] / RATE_HZ,
	       1e3 * surev[surec - 1] / RATE_HZ, n, surec, d.lsd_db, d.silent,
	       d.frames);
	free(c.v);
	free(h.v);

	return 0;
}

int main(int argc, char *argv[])
{
	resample_tables();

	if (argc == 6 && !strcmp(argv[1], "prepare") && atoi(argv[4]) > 0)
		return prepare(argv[2], argv[3], (unsigned)atoi(argv[4]),
			       atof(argv[5]));
	if (argc == 4 && !strcmp(argv[1], "compare"))
		return compare(argv[2], argv[3]);

	fprintf(stderr, "usage: speech-measure prepare IN OUT RATE SECONDS | "
			"compare CLEAN HEARD\n");
	return 2;
}

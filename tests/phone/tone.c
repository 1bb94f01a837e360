/* SPDX-License-Identifier: MIT */
/* Tones made and measured; see tone.h. */

#include <math.h>
#include "tests/phone/base.h"
#include "tests/phone/tone.h"

struct tones {
	struct list entryl; /* struct entry, not owned: they unlink themselves */
};

struct entry {
	struct tone tone; /* first: what callers hold */
	struct le le;
	enum codec_id codec; /* or the first with the same samples */
	unsigned hz;
	double db;
	void *data;
};

static void entry_destructor(void *arg)
{
	struct entry *e = arg;

	list_unlink(&e->le);
	mem_deref(e->data);
}

static void tones_destructor(void *arg)
{
	struct tones *tones = arg;

	list_clear(&tones->entryl);
}

int tones_alloc(struct tones **tonesp)
{
	struct tones *tones = mem_zalloc(sizeof(*tones), tones_destructor);

	if (!tones)
		return ENOMEM;

	*tonesp = tones;
	return 0;
}

static bool is_simple(enum codec_id codec)
{
	return !codec_info(codec)->stateful;
}

/* Payloads of one second, for codecs where each sample stands alone. */
static int fill_payload(struct entry *e, const int16_t *pcm, size_t n)
{
	const size_t frame = n / (1000 / CODEC_FRAME_MS);
	struct codec_enc *enc;
	uint8_t *buf;
	size_t len = 0;
	int err;

	err = codec_enc_alloc(&enc, e->codec);
	if (err)
		return err;

	buf = mem_alloc(2 * n, NULL);
	if (!buf) {
		err = ENOMEM;
		goto out;
	}

	for (size_t i = 0; i < n; i += frame)
		len += codec_encode(enc, buf + len, pcm + i);

	e->data = buf;
	e->tone.payload = buf;
	e->tone.frame_bytes = len / (1000 / CODEC_FRAME_MS);

out:
	mem_deref(enc);
	return err;
}

static int entry_fill(struct entry *e)
{
	const unsigned rate = codec_info(e->codec)->rate_hz;
	const double amp = 32767.0 * pow(10.0, e->db / 20.0);
	int16_t *pcm;
	int err;

	e->tone.rate_hz = rate;
	pcm = mem_alloc(rate * sizeof(*pcm), NULL);
	if (!pcm)
		return ENOMEM;

	/* Whole turns are taken off first: a large phase loses precision. */
	for (unsigned i = 0; i < rate; i++) {
		const uint64_t turn = (uint64_t)i * e->hz % rate;

		pcm[i] = lrint(amp * sin(2.0 * M_PI * turn / rate));
	}

	if (is_simple(e->codec)) {
		err = fill_payload(e, pcm, rate);
		mem_deref(pcm);
		return err;
	}

	e->data = pcm;
	e->tone.pcm = pcm;
	return 0;
}

int tones_get(const struct tone **tonep, struct tones *tones,
	      enum codec_id codec, unsigned hz, double db)
{
	struct entry *e;
	struct le *le;
	int err;

	if (!tonep || !tones || !codec_info(codec))
		return EINVAL;

	if (hz * 2 >= codec_info(codec)->rate_hz)
		return EINVAL;

	LIST_FOREACH(&tones->entryl, le) {
		e = le->data;
		if (e->codec == codec && e->hz == hz &&
		    fabs(e->db - db) < 1e-6) {
			*tonep = mem_ref(&e->tone);
			return 0;
		}
	}

	e = mem_zalloc(sizeof(*e), entry_destructor);
	if (!e)
		return ENOMEM;

	e->codec = codec;
	e->hz = hz;
	e->db = db;
	err = entry_fill(e);
	if (err) {
		mem_deref(e);
		return err;
	}

	list_append(&tones->entryl, &e->le, e);
	*tonep = &e->tone;
	return 0;
}

static double to_db(double amplitude)
{
	const double db = amplitude > 0.0 ? 20.0 * log10(amplitude / 32767.0)
					  : TONE_FLOOR_DB;

	return fmax(db, TONE_FLOOR_DB);
}

double tone_level_db(const int16_t *pcm, size_t n, unsigned rate_hz, double hz)
{
	const double w = 2.0 * M_PI * hz / rate_hz;
	const double coeff = 2.0 * cos(w);
	const double turn_c = cos(2.0 * M_PI / n), turn_s = sin(2.0 * M_PI / n);
	double c = 1.0, s = 0.0; /* the angle of the window, by rotation */
	double s1 = 0.0, s2 = 0.0, sum = 0.0;

	for (size_t i = 0; i < n; i++) {
		const double hann = 0.5 - 0.5 * c;
		const double s0 = hann * pcm[i] + coeff * s1 - s2;
		const double c0 = c * turn_c - s * turn_s;

		s = s * turn_c + c * turn_s;
		c = c0;
		s2 = s1;
		s1 = s0;
		sum += hann;
	}

	if (sum <= 0.0)
		return TONE_FLOOR_DB;

	return to_db(2.0 / sum *
		     sqrt(fmax(s1 * s1 + s2 * s2 - coeff * s1 * s2, 0.0)));
}

double tone_rms_db(const int16_t *pcm, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];

	return n ? to_db(sqrt(2.0 * sum / n)) : TONE_FLOOR_DB;
}

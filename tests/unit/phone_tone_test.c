/* libs: sy_phone */
/* SPDX-License-Identifier: MIT */
/* The test phone's ears and voice: levels, codecs, and what they do to a tone. */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/phone/base.h"
#include "tests/phone/tone.h"

#define NEAR(a, b, eps) assert_true(fabs((a) - (b)) < (eps))

static void sine(int16_t *pcm, size_t n, unsigned rate, double hz, double db)
{
	const double amp = 32767.0 * pow(10.0, db / 20.0);

	for (size_t i = 0; i < n; i++)
		pcm[i] += lrint(amp * sin(2 * M_PI * hz * i / rate + 0.3));
}

static void test_level_of_a_sine(void **state)
{
	static const unsigned rates[] = {8000, 16000, 48000};
	int16_t pcm[24000];
	(void)state;

	for (size_t r = 0; r < 3; r++) {
		for (double db = -3; db > -60; db -= 8) {
			const size_t n = rates[r] / 10;

			memset(pcm, 0, sizeof(pcm));
			sine(pcm, n, rates[r], 440, db);
			NEAR(tone_level_db(pcm, n, rates[r], 440), db, 0.1);
			NEAR(tone_rms_db(pcm, n), db, 0.1);
		}
	}
}

/* 100 ms tell 50 Hz apart, 500 ms 30 Hz. */
static void test_neighbours_are_told_apart(void **state)
{
	int16_t pcm[4000] = {0};
	(void)state;

	sine(pcm, 800, 8000, 440, -20);
	assert_true(tone_level_db(pcm, 800, 8000, 490) < -45);
	assert_true(tone_level_db(pcm, 800, 8000, 390) < -45);

	memset(pcm, 0, sizeof(pcm));
	for (int i = 0; i < 12; i++)
		sine(pcm, 4000, 8000, 400 + 30 * i, -22);
	for (int i = 0; i < 12; i++)
		NEAR(tone_level_db(pcm, 4000, 8000, 400 + 30 * i), -22, 0.2);
	assert_true(tone_level_db(pcm, 4000, 8000, 400 - 30) < -60);
	assert_true(tone_level_db(pcm, 4000, 8000, 400 + 12 * 30) < -60);
}

static void test_silence_has_a_floor(void **state)
{
	int16_t pcm[800] = {0};
	(void)state;

	NEAR(tone_level_db(pcm, 800, 8000, 440), TONE_FLOOR_DB, 1e-9);
	NEAR(tone_rms_db(pcm, 800), TONE_FLOOR_DB, 1e-9);
	NEAR(tone_rms_db(pcm, 0), TONE_FLOOR_DB, 1e-9);
}

/* Known codes of ITU-T G.711, tables 1a and 2a (both ends, and zero). */
static void test_g711_known_levels(void **state)
{
	(void)state;

	assert_int_equal(codec_g711_decode(false, 0x80), 32124);
	assert_int_equal(codec_g711_decode(false, 0x00), -32124);
	assert_int_equal(codec_g711_decode(false, 0xff), 0);
	assert_int_equal(codec_g711_decode(false, 0xfe), 8);
	assert_int_equal(codec_g711_decode(true, 0xaa), 32256);
	assert_int_equal(codec_g711_decode(true, 0x2a), -32256);
	assert_int_equal(codec_g711_decode(true, 0xd5), 8);
	assert_int_equal(codec_g711_decode(true, 0x55), -8);
	assert_int_equal(codec_g711_encode(false, 0), 0xff);
}

/* The code chosen is the nearest of all 256, for every sample. */
static void test_g711_is_the_nearest(void **state)
{
	(void)state;

	for (int law = 0; law < 2; law++) {
		for (int v = -32768; v < 32768; v += 7) {
			const uint8_t c = codec_g711_encode(law, v);
			const int d = abs(codec_g711_decode(law, c) - v);

			for (int k = 0; k < 256; k++)
				assert_true(abs(codec_g711_decode(law, k) -
						v) >= d);
		}
	}
}

/* A second of a tone through encoder and decoder is that tone, alone. */
static void codec_keeps_tone(enum codec_id id)
{
	static int16_t pcm[48000], out[48000 + CODEC_DECODE_SMP_MAX];
	const unsigned rate = codec_info(id)->rate_hz;
	const size_t frame = rate / 50;
	uint8_t buf[CODEC_PACKET_MAX];
	struct codec_enc *enc;
	struct codec_dec *dec;
	size_t n = 0;

	memset(pcm, 0, sizeof(pcm));
	sine(pcm, rate, rate, 1000, -20);
	assert_int_equal(codec_enc_alloc(&enc, id), 0);
	assert_int_equal(codec_dec_alloc(&dec, id), 0);
	for (size_t i = 0; i + frame <= rate; i += frame) {
		const size_t len = codec_encode(enc, buf, pcm + i);

		assert_true(len > 0);
		n += codec_decode(dec, out + n, buf, len);
	}
	assert_int_equal(n, rate);
	NEAR(tone_level_db(out + rate / 2, rate / 2, rate, 1000), -20, 0.7);
	assert_true(tone_level_db(out + rate / 2, rate / 2, rate, 700) < -55);
	mem_deref(enc);
	mem_deref(dec);
}

static void test_codecs_keep_a_tone(void **state)
{
	(void)state;

	for (unsigned i = 0; i < CODEC_COUNT; i++)
		codec_keeps_tone(i);
}

static void test_codec_refuses_junk(void **state)
{
	static int16_t out[CODEC_DECODE_SMP_MAX];
	uint8_t buf[4000];
	struct codec_dec *dec;
	(void)state;

	srand(1);
	for (unsigned id = 0; id < CODEC_COUNT; id++) {
		assert_int_equal(codec_dec_alloc(&dec, id), 0);
		for (int i = 0; i < 200; i++) {
			const size_t len = rand() % sizeof(buf);

			for (size_t k = 0; k < len; k++)
				buf[k] = rand();
			assert_true(codec_decode(dec, out, buf, len) <=
				    CODEC_DECODE_SMP_MAX);
		}
		mem_deref(dec);
	}
}

/* Phones share a table, and it goes with the last of them. */
static void test_tables_are_shared(void **state)
{
	const struct tone *a, *b, *c;
	struct tones *tones;
	(void)state;

	assert_int_equal(tones_alloc(&tones), 0);
	assert_int_equal(tones_get(&a, tones, CODEC_PCMU, 440, -20), 0);
	assert_int_equal(tones_get(&b, tones, CODEC_PCMU, 440, -20), 0);
	assert_int_equal(tones_get(&c, tones, CODEC_OPUS, 440, -20), 0);
	assert_ptr_equal(a, b);
	assert_int_equal(a->frame_bytes, 160);
	assert_null(c->payload);
	assert_int_equal(c->rate_hz, 48000);
	assert_int_equal(tones_get(&c, tones, CODEC_PCMU, 4000, -20), EINVAL);
	mem_deref((void *)a);
	mem_deref((void *)b);
	mem_deref((void *)c);
	mem_deref(tones);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_level_of_a_sine),
		cmocka_unit_test(test_neighbours_are_told_apart),
		cmocka_unit_test(test_silence_has_a_floor),
		cmocka_unit_test(test_g711_known_levels),
		cmocka_unit_test(test_g711_is_the_nearest),
		cmocka_unit_test(test_codecs_keep_a_tone),
		cmocka_unit_test(test_codec_refuses_junk),
		cmocka_unit_test(test_tables_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

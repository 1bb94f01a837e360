/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * What an Opus encoder does when it is told of loss: forward error correction
 * in its packets, fewer bytes; and that a copy of another encoder keeps its
 * own mind.
 */

#include "media_test.h"

#include <re.h>

#include "node/media/adapt.h"
#include "node/media/codec.h"

enum { FRAMES = 50, SMP = 960 };

struct seen {
	unsigned silk; /* packets that could have FEC */
	unsigned fec;  /* packets that have it        */
	size_t bytes;
};

/* Vowels of a kind: harmonics that come and go four times a second. */
static void speak(float *pcm, size_t i0)
{
	int h;

	for (size_t i = 0; i < SMP; i++) {
		double t = (double)(i0 + i) / 48000;
		double v = 0;

		for (h = 1; h <= 12; h++)
			v += sin(2 * M_PI * 140 * h * t) / h;
		pcm[i] = (float)(0.12 * v * (1.2 + sin(2 * M_PI * 4 * t)));
	}
}

/*
 * RFC 6716 3.1, 4.2.4: configurations below 16 have a SILK part; a mono frame
 * of 20 ms begins with a bit of voice activity and a bit of FEC (LBRR).
 */
static void look(struct seen *s, const uint8_t *p, size_t len)
{
	s->bytes += len;
	if (len < 2 || p[0] >> 3 >= 16)
		return;

	++s->silk;
	s->fec += p[1] >> 6 & 1;
}

static struct seen run(struct codec *c, size_t *pos)
{
	struct seen s = {0};
	uint8_t buf[1500];
	float pcm[SMP];
	int i;

	for (i = 0; i < FRAMES; i++) {
		speak(pcm, *pos);
		*pos += SMP;
		look(&s, buf,
		     c->ops->encode(c->st, buf, sizeof(buf), pcm, SMP));
	}

	return s;
}

static void make(struct codec *c)
{
	const struct media_codec prm = {.id = MEDIA_OPUS,
					.pt = 96,
					.clock_hz = 48000,
					.bitrate_bps = 24000,
					.complexity = 5,
					.fec = true};

	assert_int_equal(codec_init(c, &prm), 0);
	assert_int_equal(codec_enc_alloc(c), 0);
}

static void test_fec(void **state)
{
	struct codec c = {0};
	struct seen s;
	size_t pos = 0;

	(void)state;

	make(&c);
	s = run(&c, &pos);
	assert_int_equal(s.silk, FRAMES);
	assert_int_equal(s.fec, 0); /* negotiated, not needed */

	c.ops->adapt(c.st, 20, true, 24000);
	(void)run(&c, &pos);
	s = run(&c, &pos);
	/* where there is voice, that is */
	printf("fec: %u of %u packets\n", s.fec, s.silk);
	assert_true(s.fec > FRAMES / 2);

	c.ops->adapt(c.st, 0, false, 24000);
	(void)run(&c, &pos);
	s = run(&c, &pos);
	assert_int_equal(s.fec, 0);

	codec_close(&c);
}

/* The least that adapt.h switches it on for, at our bitrates, whichever
 * complexity the load allows. */
static void test_fec_of_little(void **state)
{
	static const uint32_t bpsv[] = {24000, 32000, 40000};
	struct codec c = {0};
	size_t i, pos = 0;
	struct seen s;
	int x;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(bpsv); i++) {
		for (x = 5; x >= 3; x--) {
			make(&c);
			c.ops->complexity(c.st, x);
			c.ops->adapt(c.st, ADAPT_FEC_ON_PERCENT, true,
				     bpsv[i]);
			(void)run(&c, &pos);
			s = run(&c, &pos);
			printf("fec: %u of %u packets, %u bit/s, %d\n", s.fec,
			       s.silk, bpsv[i], x);
			assert_true(s.fec > FRAMES / 2);
			codec_close(&c);
		}
	}
}

static void test_bitrate(void **state)
{
	struct codec c = {0};
	size_t pos = 0, before;

	(void)state;

	make(&c);
	(void)run(&c, &pos);
	before = run(&c, &pos).bytes;
	c.ops->adapt(c.st, 0, false, 16000);
	(void)run(&c, &pos);
	assert_true(run(&c, &pos).bytes < before * 85 / 100);
	codec_close(&c);
}

/* Told before it was ever used; and a copy of one that was told nothing. */
static void test_fork(void **state)
{
	struct codec told = {0}, plain = {0};
	size_t pos = 0;

	(void)state;

	make(&told);
	make(&plain);
	told.ops->adapt(told.st, 20, true, 24000);
	(void)run(&plain, &pos);
	told.ops->fork(told.st, plain.st);
	(void)run(&told, &pos);
	assert_true(run(&told, &pos).fec > FRAMES / 2);

	plain.ops->fork(plain.st, told.st);
	(void)run(&plain, &pos);
	assert_int_equal(run(&plain, &pos).fec, 0);

	codec_close(&told);
	codec_close(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fec),
	    cmocka_unit_test(test_fec_of_little),
	    cmocka_unit_test(test_bitrate),
	    cmocka_unit_test(test_fork),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_phone */
/* SPDX-License-Identifier: MIT */
/* Sounds of the test phone: what is sent is what the tape gets, in whatever
 * order the packets come. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/phone/sound.h"

enum {
	RATE = 16000,
	FRAME = RATE / 50,
	FRAMES = 10,
	BEGIN_MS = 1000,
	HDR = 44,
};

static char in[] = "/tmp/sy-sound-in-XXXXXX";
static char out[] = "/tmp/sy-sound-out-XXXXXX";
static struct sound_done told;
static unsigned tellings;

static void done_handler(const struct sound_done *done, void *arg)
{
	assert_ptr_equal(arg, in);
	told = *done;
	++tellings;
}

static void put(FILE *f, uint32_t v, int bytes)
{
	while (bytes--) {
		fputc(v & 0xff, f);
		v >>= 8;
	}
}

static void wav_make(int rate, int channels, int frames)
{
	FILE *f = fopen(in, "wb");

	assert_non_null(f);
	fputs("RIFF", f);
	put(f, 36 + 2 * FRAME * frames, 4);
	fputs("WAVEfmt ", f);
	put(f, 16, 4);
	put(f, 1, 2);
	put(f, channels, 2);
	put(f, rate, 4);
	put(f, 2 * rate, 4);
	put(f, 2, 2);
	put(f, 16, 2);
	fputs("data", f);
	put(f, 2 * FRAME * frames, 4);
	for (int i = 0; i < FRAME * frames; i++)
		put(f, (uint16_t)(i * 7 - 9000), 2);
	fclose(f);
}

static int setup(void **state)
{
	(void)state;
	tellings = 0;
	close(mkstemp(in));
	close(mkstemp(out));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(in);
	unlink(out);
	memcpy(in + sizeof(in) - 7, "XXXXXX", 6);
	memcpy(out + sizeof(out) - 7, "XXXXXX", 6);
	return 0;
}

static int16_t sample(const uint8_t *wav, int i)
{
	return (int16_t)(wav[HDR + 2 * i] | wav[HDR + 2 * i + 1] << 8);
}

static void test_there_and_back(void **state)
{
	/* The third is late and out of order, the sixth never comes. */
	static const int orderv[] = {0, 1, 3, 2, 4, 6, 7, 8, 9};
	static uint8_t payloadv[FRAMES + 1][CODEC_PACKET_MAX];
	static uint8_t wav[HDR + 2 * FRAME * FRAMES + 1];
	size_t lenv[FRAMES];
	struct sound *s;
	struct tape *t;
	FILE *f;

	(void)state;
	wav_make(RATE, 1, FRAMES);
	assert_int_equal(sound_alloc(&s, in, CODEC_L16_16K, done_handler, in),
			 0);

	for (int i = 0; i < FRAMES; i++) {
		lenv[i] = sound_frame(s, payloadv[i], BEGIN_MS + 20 * i);
		assert_int_equal(lenv[i], 2 * FRAME);
		assert_int_equal(tellings, 0);
	}
	assert_int_equal(sound_frame(s, payloadv[FRAMES], 0), 0);
	assert_int_equal(tellings, 1);
	assert_true(told.start_ms == BEGIN_MS - 20 && told.ms == 20 * FRAMES);
	mem_deref(s);

	assert_int_equal(tape_alloc(&t, out, CODEC_L16_16K, 20 * FRAMES, 0,
				    done_handler, in), 0);
	for (size_t k = 0; k < ARRAY_SIZE(orderv); k++) {
		const int i = orderv[k];

		/* The fastest packet, the fifth, waits 5 ms, the others 9. */
		tape_put(t, payloadv[i], lenv[i], 0xfffffff0u + FRAME * i,
			 BEGIN_MS + 20 * i + (i == 4 ? 5 : 9));
	}
	assert_false(tape_over(t, 20 * FRAMES));
	assert_true(tape_over(t, 1e6));
	assert_int_equal(tellings, 2);
	assert_true(told.start_ms == BEGIN_MS + 5);
	assert_int_equal(told.packets, FRAMES - 1);
	mem_deref(t);

	f = fopen(out, "rb");
	assert_non_null(f);
	assert_int_equal(fread(wav, 1, sizeof(wav), f), sizeof(wav) - 1);
	fclose(f);
	for (int i = 0; i < FRAME * FRAMES; i++)
		assert_int_equal(sample(wav, i),
				 i / FRAME == 5 ? 0 : (int16_t)(i * 7 - 9000));
}

static void test_files_refused(void **state)
{
	struct sound *s = NULL;
	struct tape *t = NULL;

	(void)state;
	wav_make(8000, 1, 1);
	assert_int_equal(sound_alloc(&s, in, CODEC_G722, done_handler, in),
			 EDOM);
	wav_make(RATE, 2, 1);
	assert_int_equal(sound_alloc(&s, in, CODEC_G722, done_handler, in),
			 EBADMSG);
	assert_int_equal(truncate(in, 30), 0);
	assert_int_equal(sound_alloc(&s, in, CODEC_G722, done_handler, in),
			 EBADMSG);
	assert_int_equal(sound_alloc(&s, "/nowhere/x", CODEC_G722,
				     done_handler, in), ENOENT);
	assert_int_equal(tape_alloc(&t, "/nowhere/x", CODEC_G722, 20, 0,
				    done_handler, in), ENOENT);
	assert_null(s);
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_there_and_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_files_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

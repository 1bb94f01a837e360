/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <errno.h>
#include <re.h>

#include "node/media/codec.h"

/* Values of ITU-T G.711, tables 1a and 2a, on the 16 bit scale: the first
 * level of each segment, both signs. */
static const struct {
	uint8_t code;
	int value;
} ulaw_itu[] = {
	{0xff, 0},     {0xef, 132},    {0xdf, 396},    {0xcf, 924},
	{0xbf, 1980},  {0xaf, 4092},   {0x9f, 8316},   {0x8f, 16764},
	{0x80, 32124}, {0x7f, 0},      {0x6f, -132},   {0x5f, -396},
	{0x4f, -924},  {0x3f, -1980},  {0x2f, -4092},  {0x1f, -8316},
	{0x0f, -16764}, {0x00, -32124},
}, alaw_itu[] = {
	{0xd5, 8},     {0xc5, 264},    {0xf5, 528},    {0xe5, 1056},
	{0x95, 2112},  {0x85, 4224},   {0xb5, 8448},   {0xa5, 16896},
	{0xaa, 32256}, {0x55, -8},     {0x45, -264},   {0x75, -528},
	{0x65, -1056}, {0x15, -2112},  {0x05, -4224},  {0x35, -8448},
	{0x25, -16896}, {0x2a, -32256},
};

/* The ITU's reference (G.191), as its text has it: loops, no tricks. */
static uint8_t ulaw_reference(int v)
{
	int neg = v < 0, mag = ((neg ? ~v : v) >> 2) + 33, seg = 1, i, code;

	if (mag > 0x1fff)
		mag = 0x1fff;
	for (i = mag >> 6; i; i >>= 1)
		++seg;
	code = ((8 - seg) << 4) | (0x0f - ((mag >> seg) & 0x0f));

	return (uint8_t)(neg ? code : code | 0x80);
}

static uint8_t alaw_reference(int v)
{
	int neg = v < 0, mag = (neg ? ~v : v) >> 4, exp = 1;

	if (mag > 15) {
		while (mag > 16 + 15) {
			mag >>= 1;
			++exp;
		}
		mag = (mag - 16) + (exp << 4);
	}

	return (uint8_t)((neg ? mag : mag | 0x80) ^ 0x55);
}

static uint8_t encode_one(const struct codec_ops *ops, int v)
{
	float pcm[16] = {(float)v / 32768.0f};
	uint8_t buf[16];

	assert_int_equal(ops->encode(NULL, buf, sizeof(buf), pcm, 16), 16);

	return buf[0];
}

static int decode_one(const struct codec_ops *ops, uint8_t code)
{
	float pcm[1];

	assert_int_equal(ops->decode(NULL, pcm, &code, 1), 1);

	return (int)(pcm[0] * 32768.0f);
}

static void test_g711_itu(void **state)
{
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(ulaw_itu); i++)
		assert_int_equal(decode_one(&codec_pcmu, ulaw_itu[i].code),
				 ulaw_itu[i].value);
	for (i = 0; i < ARRAY_SIZE(alaw_itu); i++)
		assert_int_equal(decode_one(&codec_pcma, alaw_itu[i].code),
				 alaw_itu[i].value);
}

static void test_g711_round_trip(void **state)
{
	int i;

	(void)state;

	for (i = 0; i < 256; i++) {
		uint8_t code = (uint8_t)i;

		assert_int_equal(
			encode_one(&codec_pcma, decode_one(&codec_pcma, code)),
			code);
		if (code == 0x7f) /* -0 */
			continue;
		assert_int_equal(
			encode_one(&codec_pcmu, decode_one(&codec_pcmu, code)),
			code);
	}
}

static void test_g711_reference(void **state)
{
	int v;

	(void)state;

	for (v = -32768; v < 32768; v++) {
		assert_int_equal(encode_one(&codec_pcmu, v),
				 ulaw_reference(v));
		assert_int_equal(encode_one(&codec_pcma, v),
				 alaw_reference(v));
	}
}

/* Beyond full scale there is full scale. */
static void test_overload(void **state)
{
	float pcm[16] = {5, -5};
	uint8_t buf[64];

	(void)state;

	codec_pcmu.encode(NULL, buf, sizeof(buf), pcm, 16);
	assert_int_equal(buf[0], 0x80);
	assert_int_equal(buf[1], 0x00);
	codec_pcma.encode(NULL, buf, sizeof(buf), pcm, 16);
	assert_int_equal(buf[0], 0xaa);
	assert_int_equal(buf[1], 0x2a);
	codec_l16.encode(NULL, buf, sizeof(buf), pcm, 16);
	assert_memory_equal(buf, "\x7f\xff\x80\x00", 4);
}

/* Signal to noise after encode and decode, the codec's delay searched. */
static double snr_db(const struct media_codec *prm, uint32_t ptime_ms)
{
	static float in[48000], out[60000];
	struct codec enc, dec;
	size_t n, i, pos = 0, got = 0, delay, best_n;
	double best = -100;
	uint8_t buf[2048];

	assert_int_equal(codec_init(&enc, prm), 0);
	assert_int_equal(codec_init(&dec, prm), 0);
	assert_int_equal(codec_enc_alloc(&enc), 0);
	assert_int_equal(codec_dec_alloc(&dec), 0);

	n = enc.rate_hz / 1000 * ptime_ms;
	best_n = enc.rate_hz / 2;
	tone_make(in, enc.rate_hz, 0, 1000, enc.rate_hz, 0.3);

	while (pos + n <= enc.rate_hz) {
		size_t len = enc.ops->encode(enc.st, buf, sizeof(buf),
					     in + pos, n);

		assert_true(len > 0);
		assert_int_equal(dec.ops->samples(dec.st, buf, len), n);
		got += dec.ops->decode(dec.st, out + got, buf, len);
		pos += n;
		assert_int_equal(got, pos);
	}

	for (delay = 0; delay < enc.rate_hz / 100; delay++) {
		double s = 0, e = 0;

		for (i = enc.rate_hz / 4; i < best_n; i++) {
			double d = out[i + delay] - in[i];

			s += in[i] * in[i];
			e += d * d;
		}
		if (10 * log10(s / e) > best)
			best = 10 * log10(s / e);
	}

	codec_close(&enc);
	codec_close(&dec);

	return best;
}

static void test_snr(void **state)
{
	static const struct {
		struct media_codec prm;
		double min_db;
	} v[] = {
		{{.id = MEDIA_PCMU, .clock_hz = 8000}, 36},
		{{.id = MEDIA_PCMA, .clock_hz = 8000}, 36},
		{{.id = MEDIA_G722, .clock_hz = 8000}, 30},
		{{.id = MEDIA_L16, .clock_hz = 8000}, 75},
		{{.id = MEDIA_L16, .clock_hz = 16000}, 75},
		{{.id = MEDIA_L16, .clock_hz = 48000}, 75},
		{{.id = MEDIA_OPUS, .clock_hz = 48000, .complexity = 5,
		  .bitrate_bps = 32000},
		 15},
	};
	static const uint32_t ptimes[] = {10, 20, 40, 60};
	size_t i, k;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		for (k = 0; k < ARRAY_SIZE(ptimes); k++) {
			if (v[i].prm.clock_hz == 48000 && ptimes[k] > 20 &&
			    v[i].prm.id == MEDIA_L16)
				continue;
			assert_true(snr_db(&v[i].prm, ptimes[k]) >
				    v[i].min_db);
		}
	}
}

static void test_params(void **state)
{
	struct media_codec prm = {.id = MEDIA_OPUS, .clock_hz = 48000,
				  .ptime_ms = 30};
	struct codec c;

	(void)state;

	assert_int_equal(codec_init(&c, &prm), 0);
	assert_int_equal(c.prm.ptime_ms, 20);
	prm.ptime_ms = 60;
	assert_int_equal(codec_init(&c, &prm), 0);
	assert_int_equal(c.prm.ptime_ms, 60);
	prm.ptime_ms = 50;
	assert_int_equal(codec_init(&c, &prm), 0);
	assert_int_equal(c.prm.ptime_ms, 40);
	prm.clock_hz = 16000;
	assert_int_equal(codec_init(&c, &prm), EINVAL);
	prm = (struct media_codec){.id = MEDIA_G722, .clock_hz = 16000};
	assert_int_equal(codec_init(&c, &prm), EINVAL);
	prm = (struct media_codec){.id = MEDIA_PCMU, .clock_hz = 8000,
				   .pt = 128};
	assert_int_equal(codec_init(&c, &prm), EINVAL);
	assert_string_equal(media_codec_name(MEDIA_OPUS), "opus");
	assert_string_equal(media_codec_name(MEDIA_CODEC_COUNT), "?");
}

/* G.722: 100 ms of a tone's onset are missing and perfectly made up; how well
 * the first packet after it is decoded. */
static double after_gap_db(bool tell)
{
	struct media_codec prm = {.id = MEDIA_G722, .clock_hz = 8000};
	float in[320], whole[320], pcm[320];
	struct codec enc, dec, gap;
	double s = 0, e = 0;
	uint8_t buf[160];
	size_t i, k;

	assert_int_equal(codec_init(&enc, &prm), 0);
	dec = gap = enc;
	assert_int_equal(codec_enc_alloc(&enc), 0);
	assert_int_equal(codec_dec_alloc(&dec), 0);
	assert_int_equal(codec_dec_alloc(&gap), 0);

	for (i = 0; i < 10; i++) {
		tone_make(in, 320, i * 320, 700, 16000, i < 3 ? 0.001 : 0.4);
		enc.ops->encode(enc.st, buf, sizeof(buf), in, 320);
		dec.ops->decode(dec.st, whole, buf, 160);
		if (i < 3 || i > 7)
			gap.ops->decode(gap.st, pcm, buf, 160);
		else if (tell)
			gap.ops->missed(gap.st, whole, 320);
		if (i != 8)
			continue;
		for (k = 0; k < 320; k++) {
			double d = (double)pcm[k] - whole[k];

			s += (double)whole[k] * whole[k];
			e += d * d;
		}
	}

	codec_close(&enc);
	codec_close(&dec);
	codec_close(&gap);

	return 10 * log10(s / e);
}

static void test_missed(void **state)
{
	double with = after_gap_db(true), without = after_gap_db(false);

	(void)state;

	printf("G722 after a gap: snr %.1f dB, %.1f dB if the decoder is not "
	       "told\n",
	       with, without);
	assert_true(with > without + 6);
}

/* One silence after the other with DTX: what is sent of them. */
static void pauses(uint32_t ptime_ms)
{
	const struct media_codec prm = {.id = MEDIA_OPUS,
					.clock_hz = 48000,
					.bitrate_bps = 32000,
					.complexity = 5,
					.ptime_ms = ptime_ms,
					.dtx = true};
	const size_t smp = 48 * ptime_ms;
	unsigned i, whole = 0, empty = 0;
	struct codec c;
	uint8_t buf[1500];
	size_t len, last = 0;

	assert_int_equal(codec_init(&c, &prm), 0);
	assert_int_equal(codec_enc_alloc(&c), 0);
	for (i = 0; i < 100; i++) {
		len = c.ops->silence(c.st, buf, sizeof(buf), smp);
		if (len) {
			assert_int_equal(c.ops->samples(c.st, buf, len), smp);
			whole += len > c.ops->dtx_bytes;
			empty += len <= c.ops->dtx_bytes;
		} else {
			/* nobody takes it for a loss */
			assert_in_range(last, 0, c.ops->dtx_bytes);
		}
		last = len ? len : last;
	}
	/* ten to begin with, then one in twenty, and a pause behind each */
	assert_int_equal(whole, 10 + 5);
	assert_int_equal(empty, 5);
	codec_close(&c);
}

static void test_pauses(void **state)
{
	static const uint32_t msv[] = {10, 20, 40, 60};
	size_t i;

	(void)state;

	for (i = 0; i < sizeof(msv) / sizeof(*msv); i++)
		pauses(msv[i]);
}

/* Any bytes are survived; the number of samples is kept to, and full scale. */
static void test_garbage(void **state)
{
	static float pcm[CODEC_FRAME_MAX_SMP];
	uint32_t rnd = test_seed() | 1;
	struct media_codec prm = {0};
	uint8_t buf[2048];
	int round;
	size_t i;

	(void)state;

	for (round = 0; round < 3000; round++) {
		struct codec c;
		size_t len = test_rand(&rnd) % (round % 8 ? 200 : 2048), n, m;

		prm.id = (enum media_codec_id)(round % MEDIA_CODEC_COUNT);
		prm.clock_hz = prm.id >= MEDIA_OPUS ? 48000 : 8000;
		for (i = 0; i < len; i++)
			buf[i] = (uint8_t)test_rand(&rnd);

		assert_int_equal(codec_init(&c, &prm), 0);
		assert_int_equal(codec_dec_alloc(&c), 0);
		n = c.ops->samples(c.st, buf, len);
		assert_true(n <= CODEC_FRAME_MAX_SMP);
		if (n) {
			m = c.ops->decode(c.st, pcm, buf, len);
			assert_true(m == n || m == 0);
			for (i = 0; i < m; i++)
				assert_true(fabsf(pcm[i]) <= 1);
		}
		codec_close(&c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_g711_itu),
		cmocka_unit_test(test_g711_round_trip),
		cmocka_unit_test(test_g711_reference),
		cmocka_unit_test(test_overload),
		cmocka_unit_test(test_snr),
		cmocka_unit_test(test_params),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

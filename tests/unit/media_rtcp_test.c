/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <errno.h>
#include <re.h>

#include "node/media/rtcp.h"

#define US 0x11223344u    /* our SSRC   */
#define PEER 0xa1b2c3d4u  /* the peer's */

/* By hand, from RFC 3550 6.4.1, 6.5, 6.6 and RFC 3611 4.7. */
static const uint8_t sr[] = {
	0x82, 200, 0, 18,
	0xa1, 0xb2, 0xc3, 0xd4,             /* sender               */
	0xe1, 0x02, 0x03, 0x04, 5, 6, 7, 8, /* NTP                  */
	0, 0, 0x10, 0,                      /* RTP                  */
	0, 0, 1, 0,                         /* packets              */
	0, 0, 0xa0, 0,                      /* bytes                */
	9, 9, 9, 9,                         /* block: of another    */
	255, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1,
	0x11, 0x22, 0x33, 0x44,             /* block: ours          */
	64, 0xff, 0xff, 0xfe,               /* a quarter; -2        */
	0, 1, 0xff, 0xf0,                   /* highest: a wrap      */
	0, 0, 0, 80, 0x01, 0x02, 0x03, 0x04, 0, 1, 0, 0,
};
static const uint8_t sdes[] = {
	0x81, 202, 0, 3, 0xa1, 0xb2, 0xc3, 0xd4, 1, 2, 'a', 'b', 0, 0, 0, 0,
};
static const uint8_t xr[] = {
	0x80, 207, 0, 13,
	0xa1, 0xb2, 0xc3, 0xd4,
	4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, /* reference time: passed over */
	7, 0, 0, 8,
	0x11, 0x22, 0x33, 0x44,
	13, 26, 128, 2,
	0x01, 0x40, 0x27, 0x10,             /* 320, 10000 ms */
	0, 45, 0, 60,
	0xec, 0xb0, 127, 16,                /* -20, -80 dBm  */
	85, 127, 41, 40,
	0x30, 0, 0, 40, 0, 60, 1, 0,
};
static const uint8_t bye[] = {
	0x81, 203, 0, 3, 0xa1, 0xb2, 0xc3, 0xd4, 4, 'b', 'y', 'e', '!', 0, 0,
	0,
};

static size_t join(uint8_t *buf, const uint8_t *a, size_t an,
		   const uint8_t *b, size_t bn)
{
	memcpy(buf, a, an);
	if (bn)
		memcpy(buf + an, b, bn);

	return an + bn;
}

static void test_vector_sr(void **state)
{
	uint8_t buf[200];
	struct rtcp_in in;
	size_t n;

	(void)state;

	n = join(buf, sr, sizeof(sr), sdes, sizeof(sdes));
	assert_true(rtcp_is(buf, n));
	assert_int_equal(rtcp_parse(&in, buf, n, US), 0);
	assert_int_equal(in.ssrc, PEER);
	assert_true(in.has_sender && in.has_report && !in.has_voip && !in.bye);
	assert_true(in.sender.ntp == 0xe102030405060708ull);
	assert_int_equal(in.sender.ts, 0x1000);
	assert_int_equal(in.sender.packets, 256);
	assert_int_equal(in.sender.bytes, 0xa000);
	assert_int_equal(in.report.ssrc, US);
	assert_int_equal(in.report.fraction, 64);
	assert_int_equal(in.report.lost, -2);
	assert_int_equal(in.report.seq, 0x1fff0);
	assert_int_equal(in.report.jitter_ts, 80);
	assert_int_equal(in.report.lsr, 0x01020304);
	assert_int_equal(in.report.dlsr, 65536);

	/* To somebody else it says nothing of him. */
	assert_int_equal(rtcp_parse(&in, buf, n, 77), 0);
	assert_true(in.has_sender && !in.has_report);
}

/* RFC 5506: alone. */
static void test_vector_reduced(void **state)
{
	struct rtcp_in in;

	(void)state;

	assert_int_equal(rtcp_parse(&in, bye, sizeof(bye), US), 0);
	assert_true(in.bye);
	assert_int_equal(in.ssrc, PEER);

	assert_int_equal(rtcp_parse(&in, xr, sizeof(xr), US), 0);
	assert_true(in.has_voip);
	assert_int_equal(in.voip.loss, 13);
	assert_int_equal(in.voip.discard, 26);
	assert_int_equal(in.voip.burst_density, 128);
	assert_int_equal(in.voip.gap_density, 2);
	assert_int_equal(in.voip.burst_ms, 320);
	assert_int_equal(in.voip.gap_ms, 10000);
	assert_int_equal(in.voip.round_trip_ms, 45);
	assert_int_equal(in.voip.end_system_ms, 60);
	assert_int_equal(in.voip.signal_dbm, -20);
	assert_int_equal(in.voip.noise_dbm, -80);
	assert_int_equal(in.voip.gmin, 16);
	assert_int_equal(in.voip.r, 85);
	assert_int_equal(in.voip.mos_lq, 41);
	assert_int_equal(in.voip.mos_cq, 40);
	assert_int_equal(in.voip.config, 0x30);
	assert_int_equal(in.voip.jb_nominal_ms, 40);
	assert_int_equal(in.voip.jb_maximum_ms, 60);
	assert_int_equal(in.voip.jb_abs_max_ms, 256);
}

/* PLI, FIR, NACK, APP: passed over. Padding: in the last part only. */
static void test_passed_over(void **state)
{
	static const uint8_t pli[] = {0x81, 206, 0, 2, 1, 1, 1, 1, 2, 2, 2, 2};
	static const uint8_t nack[] = {0x81, 205, 0, 3, 1, 1, 1, 1,
				       2,    2,   2, 2, 0, 1, 0, 0};
	static const uint8_t app[] = {0x80, 204, 0, 2, 1,   1,
				      1,    1,   'n', 'a', 'm', 'e'};
	static const uint8_t pad[] = {0xa1, 203, 0, 2, 0xa1, 0xb2,
				      0xc3, 0xd4, 0, 0, 0, 4};
	static const uint8_t *const v[] = {pli, nack, app};
	static const size_t lenv[] = {sizeof(pli), sizeof(nack), sizeof(app)};
	uint8_t buf[200];
	struct rtcp_in in;
	size_t i, n;

	(void)state;

	for (i = 0; i < 3; i++) {
		n = join(buf, sr, sizeof(sr), v[i], lenv[i]);
		assert_int_equal(rtcp_parse(&in, buf, n, US), 0);
		assert_true(in.has_report);
		assert_int_equal(rtcp_parse(&in, v[i], lenv[i], US), 0);
		assert_false(in.has_report);
	}

	n = join(buf, sr, sizeof(sr), pad, sizeof(pad));
	assert_int_equal(rtcp_parse(&in, buf, n, US), 0);
	assert_true(in.bye);
	n = join(buf, pad, sizeof(pad), sr, sizeof(sr));
	assert_int_equal(rtcp_parse(&in, buf, n, US), EBADMSG);
	memcpy(buf, pad, sizeof(pad));
	buf[11] = 0;
	assert_int_equal(rtcp_parse(&in, buf, sizeof(pad), US), EBADMSG);
	buf[11] = 12;
	assert_int_equal(rtcp_parse(&in, buf, sizeof(pad), US), EBADMSG);
}

/* Any cut but between two parts is refused, and changes nothing. */
static void test_cut(void **state)
{
	uint8_t buf[300], *exact;
	struct rtcp_in in;
	size_t i, n, cut[4];

	(void)state;

	n = cut[0] = join(buf, sr, sizeof(sr), NULL, 0);
	n = cut[1] = n + join(buf + n, sdes, sizeof(sdes), NULL, 0);
	n = cut[2] = n + join(buf + n, xr, sizeof(xr), NULL, 0);
	n = cut[3] = n + join(buf + n, bye, sizeof(bye), NULL, 0);

	for (i = 0; i <= n; i++) {
		bool whole = i == cut[0] || i == cut[1] || i == cut[2] ||
			     i == cut[3];

		exact = malloc(i ? i : 1); /* so that ASan sees the end */
		memcpy(exact, buf, i);
		memset(&in, 0x55, sizeof(in));
		assert_int_equal(rtcp_parse(&in, exact, i, US),
				 whole ? 0 : EBADMSG);
		if (!whole)
			assert_int_equal(in.ssrc, 0x55555555);
		free(exact);
	}
}

static void test_bad(void **state)
{
	uint8_t buf[200];
	struct rtcp_in in;

	(void)state;

	memcpy(buf, sr, sizeof(sr));
	buf[0] = 0x42; /* version 1 */
	assert_int_equal(rtcp_parse(&in, buf, sizeof(sr), US), EBADMSG);
	buf[0] = 0x83; /* a block more than there is */
	assert_int_equal(rtcp_parse(&in, buf, sizeof(sr), US), EBADMSG);
	memcpy(buf, sr, sizeof(sr));
	buf[1] = 96; /* RTP */
	assert_int_equal(rtcp_parse(&in, buf, sizeof(sr), US), EBADMSG);
	memcpy(buf, xr, sizeof(xr));
	buf[11] = 200; /* a block longer than its packet */
	assert_int_equal(rtcp_parse(&in, buf, sizeof(xr), US), EBADMSG);
	memcpy(buf, bye, sizeof(bye));
	buf[0] = 0x84;
	assert_int_equal(rtcp_parse(&in, buf, sizeof(bye), US), EBADMSG);

	/* RFC 5761 4 */
	assert_false(rtcp_is((const uint8_t *)"\x80\x00", 2));
	assert_false(rtcp_is((const uint8_t *)"\x80\xbf", 2)); /* 191 */
	assert_true(rtcp_is((const uint8_t *)"\x80\xc0", 2));
	assert_true(rtcp_is((const uint8_t *)"\x80\xdf", 2));
	assert_false(rtcp_is((const uint8_t *)"\x80\xe0", 2)); /* 96, marker */
	assert_false(rtcp_is((const uint8_t *)"\x00\xc8", 2)); /* STUN */
	assert_false(rtcp_is((const uint8_t *)"\x80", 1));
}

/* What is printed is read as it was, for every shape of a packet. */
static void test_round(void **state)
{
	const struct rtcp_sender snd = {0x0102030405060708ull, 9, 10, 11};
	const struct rtcp_report rep = {US,  200, -8388608, 0xfffffffe,
					123, 456, 789};
	const struct rtcp_voip voip = {
		US, 1,  2,  3,  4,  500, 600, 700, 800, -9, -10, 11,
		16, 93, 127, 44, 43, 0x2c, 40, 60, 500,
	};
	char cname[RTCP_CNAME_BYTES + 2];
	uint8_t buf[RTCP_BYTES + 8], again[RTCP_BYTES];
	struct rtcp_in in;
	unsigned shape;
	size_t n, len;

	(void)state;

	memset(cname, 'x', sizeof(cname));
	cname[sizeof(cname) - 1] = 0;

	for (len = 1; len <= RTCP_CNAME_BYTES; len++) {
		for (shape = 0; shape < 16; shape++) {
			struct rtcp_out out = {
				.ssrc = PEER,
				.cname = cname + sizeof(cname) - 1 - len,
				.sender = shape & 1 ? &snd : NULL,
				.report = shape & 2 ? &rep : NULL,
				.voip = shape & 4 ? &voip : NULL,
				.bye = shape & 8,
			};

			memset(buf, 0xee, sizeof(buf));
			n = rtcp_print(buf, &out);
			assert_true(n && n <= RTCP_BYTES && n % 4 == 0);
			assert_int_equal(buf[n], 0xee);
			assert_int_equal(buf[1], shape & 1 ? 200 : 201);
			assert_int_equal(rtcp_parse(&in, buf, n, US), 0);
			assert_int_equal(in.ssrc, PEER);
			assert_int_equal(in.has_sender, shape & 1);
			assert_int_equal(in.has_report, !!(shape & 2));
			assert_int_equal(in.has_voip, !!(shape & 4));
			assert_int_equal(in.bye, !!(shape & 8));
			out.sender = shape & 1 ? &in.sender : NULL;
			out.report = shape & 2 ? &in.report : NULL;
			out.voip = shape & 4 ? &in.voip : NULL;
			assert_int_equal(rtcp_print(again, &out), n);
			assert_memory_equal(again, buf, n);
		}
	}

	assert_int_equal(
		rtcp_print(buf, &(struct rtcp_out){.cname = cname}), 0);
	assert_int_equal(rtcp_print(buf, &(struct rtcp_out){.cname = ""}), 0);
	assert_int_equal(rtcp_print(buf, &(struct rtcp_out){.ssrc = 1}), 0);
}

/* The bytes themselves: what we print is what the RFC's picture says. */
static void test_print_bytes(void **state)
{
	static const uint8_t expect[] = {
		0x81, 201, 0, 7, 0xa1, 0xb2, 0xc3, 0xd4,
		0x11, 0x22, 0x33, 0x44, 64, 0xff, 0xff, 0xfe,
		0, 1, 0xff, 0xf0, 0, 0, 0, 80, 1, 2, 3, 4, 0, 1, 0, 0,
		0x81, 202, 0, 3, 0xa1, 0xb2, 0xc3, 0xd4,
		1, 2, 'a', 'b', 0, 0, 0, 0,
		0x81, 203, 0, 1, 0xa1, 0xb2, 0xc3, 0xd4,
	};
	const struct rtcp_report rep = {US,  64, -2, 0x1fff0,
					80, 0x01020304, 65536};
	const struct rtcp_out out = {
		.ssrc = PEER, .cname = "ab", .report = &rep, .bye = true};
	uint8_t buf[RTCP_BYTES];

	(void)state;

	assert_int_equal(rtcp_print(buf, &out), sizeof(expect));
	assert_memory_equal(buf, expect, sizeof(expect));
}

static void test_garbage(void **state)
{
	uint32_t rnd = test_seed() | 1;
	uint8_t buf[200];
	struct rtcp_in in;
	size_t n;
	int i;

	(void)state;

	for (i = 0; i < 100000; i++) {
		n = join(buf, sr, sizeof(sr), xr, sizeof(xr));
		buf[test_rand(&rnd) % n] = (uint8_t)test_rand(&rnd);
		buf[test_rand(&rnd) % n] = (uint8_t)test_rand(&rnd);
		(void)rtcp_parse(&in, buf, test_rand(&rnd) % (n + 1), US);
	}
}

static void test_interval(void **state)
{
	uint32_t i, ms, min = UINT32_MAX, max = 0;
	double sum = 0;

	(void)state;

	for (i = 0; i < 1000; i++) {
		ms = rtcp_interval_ms(64000, 120, false, i * 4294967u);
		min = MIN(min, ms);
		max = MAX(max, ms);
		sum += ms;
	}

	/* 5 s * (0.5 .. 1.5) / 1.21828 */
	assert_in_range(min, 2050, 2060);
	assert_in_range(max, 6140, 6157);
	assert_in_range((int)(sum / 1000), 4080, 4130);

	/* the first: about a second */
	assert_int_equal(rtcp_interval_ms(64000, 120, true, 0), 500);
	assert_in_range(rtcp_interval_ms(64000, 120, true, UINT32_MAX), 1499,
			1501);

	/* A thin stream: 5 % of 6 kbit/s are 37.5 bytes/s, two of 150 bytes
	 * take 8 s. */
	assert_int_equal(rtcp_interval_ms(6000, 150, false, 0x80000000u),
			 (int)(8000 / 1.21828 + 0.5));
	/* and never more than a minute */
	assert_true(rtcp_interval_ms(1, 150, false, UINT32_MAX) < 75000);
}

static void test_time(void **state)
{
	uint64_t ntp = rtcp_ntp(1000000);
	struct rtcp_report rep = {0};
	uint64_t sent, now;

	(void)state;

	assert_true(ntp >> 32 == 2208988801u);
	assert_int_equal((uint32_t)rtcp_ntp(1500000), 0x80000000u);
	assert_int_equal(rtcp_ntp_mid(0x1122334455667788ull), 0x33445566);

	/* no SR of ours was seen */
	assert_true(rtcp_round_trip_us(&rep, ntp) == -1);

	/* 80 ms on the way, 3 s with the peer; also where the middle of NTP
	 * wraps */
	for (sent = 1; sent < 1ull << 62;
	     sent += 0x0123456789abcdefull) {
		now = sent + (3080 * (1ull << 32)) / 1000;
		rep.lsr = rtcp_ntp_mid(sent);
		if (!rep.lsr)
			continue;
		rep.dlsr = 3 * 65536;
		assert_in_range(rtcp_round_trip_us(&rep, now), 79950, 80050);
	}
	rep.lsr = rtcp_ntp_mid(0x00001fffff000000ull);
	now = 0x00001fffff000000ull + (3080 * (1ull << 32)) / 1000;
	assert_in_range(rtcp_round_trip_us(&rep, now), 79950, 80050);

	/* a hair too short is zero, a lie is none */
	rep.dlsr = 3 * 65536 + 6000;
	assert_true(rtcp_round_trip_us(&rep, now - (80 << 22)) == -1);
	rep.lsr = rtcp_ntp_mid(now);
	rep.dlsr = 3;
	assert_true(rtcp_round_trip_us(&rep, now) == 0);
	rep.dlsr = 65536;
	assert_true(rtcp_round_trip_us(&rep, now) == -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vector_sr),
		cmocka_unit_test(test_vector_reduced),
		cmocka_unit_test(test_passed_over),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_print_bytes),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

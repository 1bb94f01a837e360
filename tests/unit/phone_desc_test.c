/* libs: sy_phone */
/* SPDX-License-Identifier: MIT */
/* The test phone's descriptions: offers and answers of strangers. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/phone/desc.h"

static const enum codec_id all[] = {CODEC_PCMU, CODEC_PCMA, CODEC_G722,
				    CODEC_OPUS};

static const char stranger[] =
	"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n"
	"t=0 0\r\na=sendrecv\r\n"
	"m=audio 4000 RTP/AVP 107 3 8 0 9 101\r\n"
	"a=rtpmap:107 OPUS/48000/2\r\na=fmtp:107 useinbandfec=1\r\n"
	"a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
	"a=sendonly\r\n"
	"m=video 5000 RTP/AVP 96\r\nc=IN IP4 192.0.2.9\r\n"
	"a=rtpmap:96 H264/90000\r\na=inactive\r\n";

static void test_reads_a_stranger(void **state)
{
	struct desc d;
	(void)state;

	assert_int_equal(desc_decode(&d, stranger, strlen(stranger)), 0);
	assert_true(d.has_audio);
	assert_int_equal(d.codecc, 4); /* GSM is not ours */
	assert_int_equal(d.codecv[0].id, CODEC_OPUS);
	assert_int_equal(d.codecv[0].pt, 107);
	assert_int_equal(d.codecv[1].id, CODEC_PCMA);
	assert_int_equal(d.codecv[2].id, CODEC_PCMU);
	assert_int_equal(d.codecv[3].id, CODEC_G722);
	assert_int_equal(d.event_pt, 101);
	assert_int_equal(d.event48_pt, -1);
	assert_int_equal(d.dir, DESC_SENDONLY);
	assert_int_equal(sa_port(&d.rtp), 4000);
	assert_int_equal(sa_in(&d.rtp), 0xc0000201);
}

static void test_answers_it(void **state)
{
	static const enum codec_id mine[] = {CODEC_PCMU, CODEC_PCMA};
	struct desc offer, ans;
	struct sa rtp;
	(void)state;

	sa_set_str(&rtp, "127.0.0.1", 6000);
	assert_int_equal(desc_decode(&offer, stranger, strlen(stranger)), 0);
	assert_int_equal(desc_answer(&ans, &offer, mine, 2, &rtp,
				     DESC_SENDRECV), 0);
	assert_int_equal(ans.codecc, 2);
	assert_int_equal(ans.codecv[0].id, CODEC_PCMA); /* their order */
	assert_int_equal(ans.dir, DESC_RECVONLY);
	assert_int_equal(ans.event_pt, 101);

	assert_int_equal(desc_answer(&ans, &offer,
				     (enum codec_id[]){CODEC_L16}, 1, &rtp,
				     DESC_SENDRECV), ENOTSUP);
}

/* What is written is read again, for each direction and both families. */
static void test_round_trip(void **state)
{
	static const char *addrs[] = {"127.0.0.1", "::1"};
	(void)state;

	for (int i = 0; i < 8; i++) {
		struct mbuf *mb = mbuf_alloc(512);
		struct desc d, e;
		struct sa rtp;

		sa_set_str(&rtp, addrs[i / 4], 5004);
		desc_offer(&d, all, ARRAY_SIZE(all), &rtp, i % 4);
		assert_int_equal(desc_encode(mb, &d, 1, 1), 0);
		assert_int_equal(desc_decode(&e, (char *)mb->buf, mb->end), 0);
		assert_true(sa_cmp(&d.rtp, &e.rtp, SA_ALL));
		assert_int_equal(e.dir, i % 4);
		assert_int_equal(e.codecc, ARRAY_SIZE(all));
		assert_int_equal(e.event_pt, d.event_pt);
		assert_int_equal(e.event48_pt, d.event48_pt);
		for (size_t k = 0; k < e.codecc; k++) {
			assert_int_equal(e.codecv[k].id, d.codecv[k].id);
			assert_int_equal(e.codecv[k].pt, d.codecv[k].pt);
		}
		mem_deref(mb);
	}
}

static void test_refused_stream(void **state)
{
	static const char text[] = "v=0\r\nc=IN IP4 192.0.2.1\r\n"
				   "m=audio 0 RTP/AVP 0\r\n";
	struct desc d, ans;
	struct sa rtp;
	(void)state;

	sa_set_str(&rtp, "127.0.0.1", 6000);
	assert_int_equal(desc_decode(&d, text, strlen(text)), 0);
	assert_int_equal(sa_port(&d.rtp), 0);
	assert_int_equal(desc_answer(&ans, &d, all, 4, &rtp, DESC_SENDRECV),
			 ENOTSUP);
}

/* Cut anywhere, or with a byte changed: an answer or an error, no more. */
static void test_cut_and_changed(void **state)
{
	char text[sizeof(stranger)];
	struct desc d;
	(void)state;

	for (size_t n = 0; n < strlen(stranger); n++) {
		char *copy = malloc(n + 1);

		memcpy(copy, stranger, n);
		(void)desc_decode(&d, copy, n);
		free(copy);
	}

	srand(7);
	for (int i = 0; i < 5000; i++) {
		memcpy(text, stranger, sizeof(text));
		for (int k = 0; k < 4; k++)
			text[rand() % (sizeof(text) - 1)] = rand();
		(void)desc_decode(&d, text, sizeof(text) - 1);
		assert_true(d.codecc <= DESC_CODECS_MAX);
	}

	assert_int_equal(desc_decode(&d, "hello", 5), EBADMSG);
	assert_int_equal(desc_decode(&d, "", 0), EBADMSG);
}

static void test_direction_reversed(void **state)
{
	(void)state;

	assert_int_equal(desc_dir_reverse(DESC_SENDONLY), DESC_RECVONLY);
	assert_int_equal(desc_dir_reverse(DESC_RECVONLY), DESC_SENDONLY);
	assert_int_equal(desc_dir_reverse(DESC_SENDRECV), DESC_SENDRECV);
	assert_int_equal(desc_dir_reverse(DESC_INACTIVE), DESC_INACTIVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_a_stranger),
		cmocka_unit_test(test_answers_it),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refused_stream),
		cmocka_unit_test(test_cut_and_changed),
		cmocka_unit_test(test_direction_reversed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

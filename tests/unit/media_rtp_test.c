/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
#include "media_test.h"

#include <errno.h>
#include <re.h>

#include "node/media/packet.h"
#include "node/media/rtp.h"

static struct packet pkt;

static int parse(const char *bytes, size_t len)
{
	memset(&pkt, 0, sizeof(pkt));
	memcpy(pkt.data, bytes, len);
	pkt.len = (uint16_t)len;

	return rtp_parse(&pkt);
}

#define PLAIN "\x80\xe0\x12\x34\xde\xad\xbe\xef\x01\x02\x03\x04"
#define WITH(first) first "\x60\x12\x34\xde\xad\xbe\xef\x01\x02\x03\x04"
#define PARSE(bytes) parse(bytes, sizeof(bytes) - 1)

static void test_plain(void **state)
{
	(void)state;

	assert_int_equal(PARSE(PLAIN "abc"), 0);
	assert_true(pkt.marker);
	assert_int_equal(pkt.pt, 96);
	assert_int_equal(pkt.seq, 0x1234);
	assert_int_equal(pkt.ts, 0xdeadbeef);
	assert_int_equal(pkt.ssrc, 0x01020304);
	assert_int_equal(pkt.payload_off, 12);
	assert_int_equal(pkt.payload_len, 3);

	memset(pkt.data, 0, 12);
	rtp_print(&pkt);
	assert_memory_equal(pkt.data, PLAIN, 12);
}

static void test_extras(void **state)
{
	(void)state;

	/* two CSRCs, an extension of one word, padding of 3 */
	assert_int_equal(PARSE(WITH("\xb2") "ccccCCCC"
					    "\xbe\xde\0\1xxxx"
					    "ab"
					    "\0\0\3"),
			 0);
	assert_int_equal(pkt.payload_off, 12 + 8 + 8);
	assert_int_equal(pkt.payload_len, 2);

	/* only padding */
	assert_int_equal(PARSE(WITH("\xa0") "\0\0\3"), 0);
	assert_int_equal(pkt.payload_len, 0);
}

static void test_bad(void **state)
{
	size_t i;

	(void)state;

	for (i = 0; i < 12; i++)
		assert_int_equal(parse(PLAIN, i), EBADMSG);

	assert_int_equal(PARSE(WITH("\x40") "abc"), EBADMSG); /* version 1 */
	assert_int_equal(PARSE(WITH("\x81") "abc"), EBADMSG); /* CSRC cut */
	assert_int_equal(PARSE(WITH("\x90") "abc"), EBADMSG); /* ext. cut */
	assert_int_equal(PARSE(WITH("\x90") "\0\0\0\1abc"), EBADMSG);
	assert_int_equal(PARSE(WITH("\xa0")), EBADMSG);
	assert_int_equal(PARSE(WITH("\xa0") "a\0"), EBADMSG);
	assert_int_equal(PARSE(WITH("\xa0") "a\3"), EBADMSG);
	assert_int_equal(PARSE("\x80\xc8\0\6aaaabbbbcccc"), EBADMSG); /* RTCP */
}

static void test_garbage(void **state)
{
	uint32_t rnd = test_seed() | 1;
	int round;
	size_t i;

	(void)state;

	for (round = 0; round < 100000; round++) {
		pkt.len = (uint16_t)(test_rand(&rnd) % 80);
		for (i = 0; i < pkt.len; i++)
			pkt.data[i] = (uint8_t)test_rand(&rnd);
		if (!rtp_parse(&pkt))
			assert_true(pkt.payload_off + pkt.payload_len <=
				    pkt.len);
	}
}

static void test_pool(void **state)
{
	struct pool_chunk *a = pool_chunk_alloc(2), *b = pool_chunk_alloc(1);
	struct packet *v[3], *again;
	struct pool pool = {0};
	size_t i;

	(void)state;

	assert_null(pool_get(&pool));
	pool_add(&pool, a);
	pool_add(&pool, b);
	for (i = 0; i < 3; i++) {
		v[i] = pool_get(&pool);
		assert_non_null(v[i]);
		memset(v[i], (int)i, sizeof(*v[i]));
	}
	assert_true(v[0] != v[1] && v[1] != v[2] && v[0] != v[2]);
	assert_null(pool_get(&pool));
	assert_int_equal(pool.used, 3);

	pool_put(&pool, v[1]);
	pool_put(&pool, v[2]);
	again = pool_get(&pool);
	assert_ptr_equal(again, v[2]); /* the last is still in the cache */

	mem_deref(a);
	mem_deref(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),   cmocka_unit_test(test_extras),
		cmocka_unit_test(test_bad),     cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

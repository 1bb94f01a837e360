/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* STUN on the SIP port: the vectors of RFC 5769, what is refused, what gets
 * no answer, and each message cut short and with each bit turned. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>
#include "router/stun.h"

#define COOKIE 0x21, 0x12, 0xa4, 0x42
#define TID 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae
#define BINDING(len) 0x00, 0x01, 0x00, len, COOKIE, TID

/* RFC 5769 2.1: a check of ICE, so it has PRIORITY */
static const uint8_t sample[] = {
	BINDING(0x58),
	0x80, 0x22, 0x00, 0x10, 'S', 'T', 'U', 'N', ' ', 't', 'e', 's', 't',
	' ', 'c', 'l', 'i', 'e', 'n', 't',
	0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
	0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36,
	0x00, 0x06, 0x00, 0x09, 'e', 'v', 't', 'j', ':', 'h', '6', 'v', 'Y',
	' ', ' ', ' ',
	0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56,
	0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2,
	0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};

/* XOR-MAPPED-ADDRESS of RFC 5769 2.2 and 2.3, for the same transaction */
static const uint8_t mapped4[] = {0x00, 0x20, 0x00, 0x08, 0x00, 0x01,
				  0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
static const uint8_t mapped6[] = {
	0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
	0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9};

static const uint8_t bare[] = {BINDING(0)};

static struct sa from4, from6;
static uint8_t out[STUN_ANSWER_MAX];
static size_t outlen;

static int setup(void **state)
{
	(void)state;

	return sa_set_str(&from4, "192.0.2.1", 32853) ||
	       sa_set_str(&from6, "2001:db8:1234:5678:11:2233:4455:6677",
			  32853);
}

static enum stun_result ask(const void *p, size_t len, const struct sa *from)
{
	memset(out, 0xee, sizeof(out));

	return stun_answer(out, &outlen, p, len, from);
}

static void assert_header(uint16_t type, const uint8_t *request)
{
	assert_int_equal(out[0] << 8 | out[1], type);
	assert_int_equal(out[2] << 8 | out[3], outlen - 20);
	assert_memory_equal(out + 4, request + 4, 16);
}

/* CRC-32 bit by bit, as it is defined. */
static uint32_t crc(const uint8_t *p, size_t len)
{
	uint32_t n = UINT32_MAX;

	for (size_t i = 0; i < 8 * len; i++) {
		n ^= p[i / 8] >> i % 8 & 1;
		n = n >> 1 ^ (n & 1 ? 0xedb88320 : 0);
	}

	return ~n;
}

/* Ends with the right FINGERPRINT? */
static void assert_printed(void)
{
	const uint8_t *p = out + outlen - 8;
	const uint32_t sum = crc(out, outlen - 8) ^ 0x5354554e;

	assert_int_equal(p[0] << 8 | p[1], 0x8028);
	assert_int_equal(p[2] << 8 | p[3], 4);
	assert_int_equal((uint32_t)p[4] << 24 | p[5] << 16 | p[6] << 8 | p[7],
			 sum);
}

static void test_is_message(void **state)
{
	static const uint8_t old[20] = {0x00, 0x01};
	static const char sip[] = "OPTIONS sip:a@b SIP/2.0\r\n\r\n";

	(void)state;
	assert_true(stun_is_message(sample, sizeof(sample)));
	assert_true(stun_is_message(bare, sizeof(bare)));
	assert_false(stun_is_message(bare, sizeof(bare) - 1));
	assert_false(stun_is_message(old, sizeof(old))); /* RFC 3489 */
	assert_false(stun_is_message(sip, sizeof(sip) - 1));
	assert_false(stun_is_message("\0\0\0\0", 4));
	assert_false(stun_is_message("", 0));
}

static void test_mapped(void **state)
{
	(void)state;
	assert_int_equal(ask(bare, sizeof(bare), &from4), STUN_MAPPED);
	assert_int_equal(outlen, 20 + sizeof(mapped4));
	assert_header(0x0101, bare);
	assert_memory_equal(out + 20, mapped4, sizeof(mapped4));

	assert_int_equal(ask(bare, sizeof(bare), &from6), STUN_MAPPED);
	assert_int_equal(outlen, 20 + sizeof(mapped6));
	assert_header(0x0101, bare);
	assert_memory_equal(out + 20, mapped6, sizeof(mapped6));
}

/* PRIORITY must be understood, and is not; the FINGERPRINT of the vector is
 * right, so the answer has one. */
static void test_sample(void **state)
{
	(void)state;
	assert_int_equal(ask(sample, sizeof(sample), &from4), STUN_REFUSED);
	assert_header(0x0111, sample);
	assert_memory_equal(out + 20, "\x00\x09\x00\x15\x00\x00\x04\x14"
				      "Unknown Attribute\0\0\0",
			    28);
	assert_memory_equal(out + 48, "\x00\x0a\x00\x02\x00\x24", 6);
	assert_printed();
	assert_int_equal(outlen, 20 + 28 + 8 + 8);
}

/* What a client may send besides: SOFTWARE, a user and its MAC, and behind
 * that what does not count. */
static void test_ignored(void **state)
{
	static const uint8_t msg[] = {
		BINDING(0x34),
		0x80, 0x22, 0x00, 0x02, 'x', 'y', 0, 0,
		0x00, 0x06, 0x00, 0x01, 'u', 0, 0, 0,
		0x00, 0x08, 0x00, 0x14, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
		0x00, 0x24, 0x00, 0x04, 1, 2, 3, 4,
		0xc0, 0x01, 0x00, 0x00,
	};

	(void)state;
	assert_int_equal(sizeof(msg), 20 + 0x38 - 4);
	assert_int_equal(ask(msg, sizeof(msg), &from4), STUN_MAPPED);
	assert_memory_equal(out + 20, mapped4, sizeof(mapped4));
}

static void test_many_unknown(void **state)
{
	uint8_t msg[20 + 4 * 40] = {BINDING(4 * 40)};

	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		msg[20 + 4 * i] = 0x7f;
		msg[21 + 4 * i] = (uint8_t)i;
	}
	assert_int_equal(ask(msg, sizeof(msg), &from6), STUN_REFUSED);
	assert_in_range(outlen, 20, STUN_ANSWER_MAX);
	assert_header(0x0111, msg);
	assert_memory_equal(out + 48, "\x00\x0a\x00\x10\x7f\x00\x7f\x01", 8);
	assert_int_equal(outlen, 48 + 4 + 2 * STUN_UNKNOWN_MAX);
}

static void test_silent(void **state)
{
	static const struct {
		uint8_t type[2];
	} types[] = {
		{{0x00, 0x11}}, /* indication                */
		{{0x01, 0x01}}, /* responses                 */
		{{0x01, 0x11}},
		{{0x00, 0x03}}, /* a request of TURN         */
		{{0x00, 0x02}},
		{{0x00, 0x00}},
	};
	uint8_t msg[28];

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		memcpy(msg, bare, sizeof(bare));
		memcpy(msg, types[i].type, 2);
		assert_int_equal(ask(msg, sizeof(bare), &from4), STUN_SILENT);
		assert_int_equal(outlen, 0);
	}

	/* FINGERPRINT: not the last one; of the wrong size */
	memcpy(msg, bare, sizeof(bare));
	msg[3] = 8;
	memcpy(msg + 20, "\x80\x28\x00\x00\x80\x22\x00\x00", 8);
	assert_int_equal(ask(msg, 28, &from4), STUN_SILENT);
	/* longer than the message */
	memcpy(msg + 20, "\x80\x22\x00\x05\x80\x22\x00\x00", 8);
	assert_int_equal(ask(msg, 28, &from4), STUN_SILENT);
	memcpy(msg + 20, "\x80\x22\xff\xff\x80\x22\x00\x00", 8);
	assert_int_equal(ask(msg, 28, &from4), STUN_SILENT);
}

/* Cut anywhere, longer than it says, or with any bit turned: its FINGERPRINT
 * is wrong, or it is no STUN.  Where a bit makes an attribute so long that
 * the FINGERPRINT is within it, there is none. */
static void test_broken(void **state)
{
	uint8_t msg[sizeof(sample) + 4] = {0};
	unsigned answered = 0;

	(void)state;
	for (size_t n = 0; n < sizeof(sample); n++)
		assert_int_equal(ask(sample, n, &from4), STUN_SILENT);
	memcpy(msg, sample, sizeof(sample));
	assert_int_equal(ask(msg, sizeof(msg), &from4), STUN_SILENT);
	for (size_t bit = 0; bit < 8 * (sizeof(sample) - 8); bit++) {
		memcpy(msg, sample, sizeof(sample));
		msg[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (ask(msg, sizeof(sample), &from4) == STUN_SILENT)
			continue;
		++answered;
		assert_int_not_equal(out[outlen - 8], 0x80);
	}
	assert_in_range(answered, 1, 3);
}

/* No answer is more than three times what it answers. */
static void test_no_lever(void **state)
{
	uint8_t msg[24] = {BINDING(4), 0x00, 0x24, 0x00, 0x00};

	(void)state;
	assert_int_equal(ask(bare, sizeof(bare), &from6), STUN_MAPPED);
	assert_true(outlen <= 3 * sizeof(bare));
	assert_int_equal(ask(msg, sizeof(msg), &from6), STUN_REFUSED);
	assert_true(outlen <= 3 * sizeof(msg));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_message),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_many_unknown),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_no_lever),
	};

	return cmocka_run_group_tests_name("router_stun", tests, setup, NULL);
}

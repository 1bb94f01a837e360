/* libs: sy_gateway_core sy_proto_uv sy_proto uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Webhooks without Redis: signatures, times, who wants what. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include <re.h>

#include "gateway/hook/hook.h"
#include "proto/seal.h"

/* By another's HMAC: printf 1700000000.BODY | openssl dgst -sha256 -hmac ... */
static void test_sign(void **state)
{
	static const char body[] = "{\"type\":\"CALL_STARTED\"}";
	char text[HOOK_SIGNATURE_SIZE], other[HOOK_SIGNATURE_SIZE];
	(void)state;

	assert_int_equal(hook_sign(text, "whsec-1", 1700000000, body,
				   strlen(body)), 0);
	assert_string_equal(text, "t=1700000000,v1="
			    "0994a89d4cd279720d7ded400abc834f"
			    "dadbfd03e0777833e6fc2b4d9c64d614");
	assert_int_equal(hook_sign(text, "whsec-1", 1700000000, "", 0), 0);
	assert_string_equal(text, "t=1700000000,v1="
			    "47d78b9e6a6f1953d17c1e5bed0586e3"
			    "93d7882555ac0816daf937c593d7615e");

	/* The time, the secret and each byte of the body count. */
	assert_int_equal(hook_sign(text, "whsec-1", 1, "a", 1), 0);
	assert_int_equal(hook_sign(other, "whsec-1", 2, "a", 1), 0);
	assert_string_not_equal(strchr(text, ','), strchr(other, ','));
	assert_int_equal(hook_sign(other, "whsec-2", 1, "a", 1), 0);
	assert_string_not_equal(strchr(text, ','), strchr(other, ','));
	assert_int_equal(hook_sign(other, "whsec-1", 1, "b", 1), 0);
	assert_string_not_equal(strchr(text, ','), strchr(other, ','));

	/* Not that of another time with another body. */
	assert_int_equal(hook_sign(text, "s", 12, "3.x", 3), 0);
	assert_int_equal(hook_sign(other, "s", 123, "x", 1), 0);
	assert_string_not_equal(strchr(text, ','), strchr(other, ','));
}

/* 2, 4, 8 s ... an hour; never longer than a fifth more, never less. */
static void test_wait(void **state)
{
	uint64_t want = 2000, sum = 0;
	unsigned tries = 0;
	(void)state;

	for (uint32_t n = 1; n < 40; n++) {
		assert_int_equal(hook_wait_ms(n, 0), want);
		assert_int_equal(hook_wait_ms(n, UINT16_MAX), want + want / 5);
		assert_in_range(hook_wait_ms(n, 0x8000), want,
				want + want / 5);
		want = want * 2 < 3600000 ? want * 2 : 3600000;
	}
	assert_int_equal(hook_wait_ms(UINT32_MAX, 0), 3600000);

	/* So many in the day that it is tried: none of them is the last by
	 * chance alone. */
	while (sum <= HOOK_GIVE_UP_MS)
		sum += hook_wait_ms(++tries, 0);
	assert_int_equal(tries, 34);
}

/* What Redis has of a secret: nothing of it, and good for one webhook. */
static void test_secret(void **state)
{
	static const char secret[] = "0123456789abcdefABCDEF";
	uint8_t sealed[sizeof(secret) - 1 + SEAL_EXTRA_BYTES];
	Sy__WebhookRecord w = SY__WEBHOOK_RECORD__INIT;
	struct token_key *key, *other;
	char got[HOOK_SECRET_SIZE], id[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
	(void)state;

	assert_int_equal(token_key_alloc(&key, "0123456789abcdef", 16), 0);
	assert_int_equal(token_key_alloc(&other, "0123456789abcdeF", 16), 0);
	assert_int_equal(hook_secret_seal(sealed, key, id, secret), 0);
	assert_null(memmem(sealed, sizeof(sealed), secret, 8));
	w.id = id;
	w.secret_sealed.data = sealed;
	w.secret_sealed.len = sizeof(sealed);
	assert_int_equal(hook_secret_open(got, key, &w), 0);
	assert_string_equal(got, secret);
	assert_int_equal(hook_secret_open(got, other, &w), EBADMSG);
	assert_int_equal(hook_secret_open(got, NULL, &w), ENOKEY);
	assert_string_not_equal(hook_secret_why(EBADMSG),
				hook_secret_why(ENOKEY));
	id[25] = 'W';
	assert_int_equal(hook_secret_open(got, key, &w), EBADMSG);

	/* Of a cluster without a key. */
	w.secret_sealed.len = 0;
	w.secret = (char *)(uintptr_t)secret;
	assert_int_equal(hook_secret_open(got, NULL, &w), 0);
	assert_string_equal(got, secret);

	/* None at all: "" is a key that everybody has. */
	w.secret = (char *)(uintptr_t)protobuf_c_empty_string;
	assert_int_equal(hook_secret_open(got, key, &w), ENOENT);
	assert_int_equal(hook_secret_open(got, NULL, &w), ENOENT);
	assert_non_null(hook_secret_why(ENOENT));
	assert_int_equal(hook_secret_seal(sealed, key, id, ""), 0);
	w.secret_sealed.len = SEAL_EXTRA_BYTES;
	assert_int_equal(hook_secret_open(got, key, &w), ENOENT);
	assert_null(hook_secret_why(ENOMEM));
	mem_deref(key);
	mem_deref(other);
}

/* One that was made without a key, sealed later: once, and for its id. */
static void test_sealed_later(void **state)
{
	static char id[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV", secret[] = "whsec-1";
	char got[HOOK_SECRET_SIZE], big[HOOK_SECRET_SIZE + 1];
	uint8_t buf[HOOK_SEALED_MAX];
	Sy__WebhookRecord w = SY__WEBHOOK_RECORD__INIT;
	struct token_key *key;
	(void)state;

	assert_int_equal(token_key_alloc(&key, "0123456789abcdef", 16), 0);
	w.id = id;
	w.secret = secret;
	assert_int_equal(hook_record_seal(buf, NULL, &w), 0);
	assert_ptr_equal(w.secret, secret);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(hook_record_seal(buf, key, &w), 0);
		assert_string_equal(w.secret, "");
		assert_int_equal(w.secret_sealed.len, 7 + SEAL_EXTRA_BYTES);
		assert_int_equal(hook_secret_open(got, key, &w), 0);
		assert_string_equal(got, secret);
	}

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	w.secret_sealed.len = 0;
	w.secret = big;
	assert_int_equal(hook_record_seal(buf, key, &w), EINVAL);
	w.secret = big + 1; /* the longest */
	assert_int_equal(hook_record_seal(buf, key, &w), 0);
	assert_int_equal(hook_secret_open(got, key, &w), 0);
	assert_string_equal(got, big + 1);
	mem_deref(key);
}

static void test_wants(void **state)
{
	Sy__EventType banned = SY__EVENT_TYPE__BANNED;
	Sy__WebhookRecord w = SY__WEBHOOK_RECORD__INIT;
	(void)state;

	assert_true(hook_wants(&w, SY__EVENT_TYPE__CALL_STARTED));
	assert_true(hook_wants(&w, SY__EVENT_TYPE__TRANSFERRED));
	assert_false(hook_wants(&w, SY__EVENT_TYPE__BANNED));
	w.events = &banned;
	w.n_events = 1;
	assert_true(hook_wants(&w, SY__EVENT_TYPE__BANNED));
	assert_false(hook_wants(&w, SY__EVENT_TYPE__CALL_STARTED));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_sealed_later),
		cmocka_unit_test(test_wants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

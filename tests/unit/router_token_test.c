/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* What the router gives away and takes back: flow tokens and nonces. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "router/flow.h"
#include "router/nonce.h"

static struct token_key *key, *other;

static int setup(void **state)
{
	(void)state;

	return token_key_alloc(&key, "0123456789abcdef", 16) ||
	       token_key_alloc(&other, "fedcba9876543210", 16);
}

static int teardown(void **state)
{
	(void)state;
	key = mem_deref(key);
	other = mem_deref(other);

	return 0;
}

static struct flow make(const char *addr, bool tcp)
{
	struct flow f;

	memset(&f, 0, sizeof(f));
	assert_int_equal(sa_decode(&f.peer, addr, strlen(addr)), 0);
	f.router = 0xfedcba98;
	f.listener = 3;
	f.tcp = tcp;
	if (tcp) {
		f.thread = 7;
		f.slot = 0x01020304;
		f.gen = 0xffffffff;
	}

	return f;
}

static void test_flow(void **state)
{
	static const char *const addrs[] = {"192.0.2.1:5060",
					    "[2001:db8::1]:65535"};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct flow in = make(addrs[i & 1], i & 2), out;
		char str[FLOW_LEN_MAX];
		size_t n = flow_print(str, key, &in);

		assert_true(n <= FLOW_LEN_MAX);
		for (size_t k = 0; k < n; k++)
			assert_non_null(strchr(
				"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
				"qrstuvwxyz0123456789-_",
				str[k]));
		assert_int_equal(flow_read(&out, key, str, n), 0);
		assert_true(sa_cmp(&in.peer, &out.peer, SA_ALL));
		assert_int_equal(out.router, in.router);
		assert_int_equal(out.listener, in.listener);
		assert_int_equal(out.tcp, in.tcp);
		assert_int_equal(out.thread, in.thread);
		assert_int_equal(out.slot, in.slot);
		assert_int_equal(out.gen, in.gen);
	}
}

/* A peer sees the token of a node's flow, but not where the node is. */
static void test_flow_of_a_node(void **state)
{
	static const uint8_t ip[] = {192, 0, 2, 1};
	struct flow f = make("192.0.2.1:5060", false), out;
	uint8_t raw[64];
	char str[FLOW_LEN_MAX], again[FLOW_LEN_MAX];
	size_t n;
	long len;

	(void)state;
	f.node = true;
	n = flow_print(str, key, &f);
	len = base64url_read(raw, sizeof(raw), str, n);
	assert_true(len > 0);
	for (long i = 0; i + (long)sizeof(ip) <= len; i++)
		assert_memory_not_equal(raw + i, ip, sizeof(ip));
	/* the branch of a copy is the same: so is the token */
	assert_int_equal(flow_print(again, key, &f), n);
	assert_memory_equal(again, str, n);
	assert_int_equal(flow_read(&out, key, str, n), 0);
	assert_true(out.node && sa_cmp(&out.peer, &f.peer, SA_ALL));
	assert_int_equal(out.router, f.router);
	assert_int_equal(flow_read(&out, other, str, n), EBADMSG);
	for (size_t i = 0; i + 1 < n; i++) {
		const char c = str[i];

		str[i] = c == 'A' ? 'Q' : 'A';
		assert_int_not_equal(flow_read(&out, key, str, n), 0);
		str[i] = c;
	}
}

static void test_flow_forged(void **state)
{
	struct flow f = make("192.0.2.1:5060", true), out;
	char str[FLOW_LEN_MAX];
	size_t n = flow_print(str, key, &f);

	(void)state;
	assert_int_equal(flow_read(&out, other, str, n), EBADMSG);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_not_equal(flow_read(&out, key, str, cut), 0);
	for (size_t i = 0; i < n; i++) {
		const char c = str[i];

		/* the last character has bits that mean nothing */
		str[i] = c == 'A' ? 'Q' : 'A';
		assert_int_not_equal(flow_read(&out, key, str, n), 0);
		str[i] = c;
	}
	assert_int_equal(flow_read(&out, key, NULL, 0), EINVAL);
}

static void test_nonce(void **state)
{
	const uint32_t now = 1800000000;
	const struct nonce na = {now, 1, 7}, nb = {now, 2, 7};
	char a[NONCE_LEN], b[NONCE_LEN];
	struct nonce n;

	(void)state;
	nonce_print(a, key, &na);
	nonce_print(b, key, &nb);
	assert_memory_not_equal(a, b, NONCE_LEN);
	assert_int_equal(nonce_check(&n, key, a, NONCE_LEN, now, 300),
			 NONCE_GOOD);
	assert_memory_equal(&n, &na, sizeof(n));
	assert_int_equal(nonce_check(&n, key, a, NONCE_LEN, now + 300, 300),
			 NONCE_GOOD);
	assert_int_equal(nonce_check(&n, key, a, NONCE_LEN, now + 301, 300),
			 NONCE_STALE);
	/* made by a router whose clock is ahead */
	assert_int_equal(nonce_check(&n, key, a, NONCE_LEN,
				     now - NONCE_SKEW_S, 300),
			 NONCE_GOOD);
	assert_int_equal(nonce_check(&n, key, a, NONCE_LEN,
				     now - NONCE_SKEW_S - 1, 300),
			 NONCE_STALE);
	assert_int_equal(nonce_check(&n, other, a, NONCE_LEN, now, 300),
			 NONCE_FORGED);
	assert_int_equal(nonce_check(&n, key, a, NONCE_LEN - 1, now, 300),
			 NONCE_FORGED);
	a[3] ^= 1;
	assert_int_equal(nonce_check(&n, key, a, NONCE_LEN, now, 300),
			 NONCE_FORGED);
}

static void test_nonce_source(void **state)
{
	struct sa a, b, c;

	(void)state;
	assert_int_equal(sa_set_str(&a, "192.0.2.1", 5060), 0);
	assert_int_equal(sa_set_str(&b, "192.0.2.1", 5062), 0);
	assert_int_equal(sa_set_str(&c, "192.0.2.2", 5060), 0);
	assert_int_equal(nonce_source(key, &a), nonce_source(key, &b));
	assert_int_not_equal(nonce_source(key, &a), nonce_source(key, &c));
	assert_int_not_equal(nonce_source(key, &a), nonce_source(other, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flow),
		cmocka_unit_test(test_flow_of_a_node),
		cmocka_unit_test(test_flow_forged),
		cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_nonce_source),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

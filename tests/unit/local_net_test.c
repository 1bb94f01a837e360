/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* Who is inside: --local-net. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "proto/local_net.h"

static bool has(const char *nets, const char *addr)
{
	struct local_nets l;
	struct sa sa;

	assert_int_equal(local_nets_read(&l, nets, NULL), 0);
	assert_int_equal(sa_set_str(&sa, addr, 5060), 0);

	return local_nets_have(&l, &sa);
}

static void test_has(void **state)
{
	static const char nets[] = "10.0.0.0/8,192.168.7.0/28,fd00::/8,::1";
	struct local_nets l;
	struct sa sa;

	(void)state;
	assert_true(has(nets, "10.255.0.1"));
	assert_false(has(nets, "11.0.0.1"));
	assert_true(has(nets, "192.168.7.15"));
	assert_false(has(nets, "192.168.7.16"));
	assert_true(has(nets, "fd12::9"));
	assert_false(has(nets, "fe80::9"));
	assert_true(has(nets, "::1"));
	assert_false(has(nets, "127.0.0.1"));

	/* nobody is inside unless it is said */
	assert_false(has("", "127.0.0.1"));
	assert_false(has("", "10.0.0.1"));
	assert_int_equal(local_nets_read(&l, nets, NULL), 0);
	sa_init(&sa, AF_UNSPEC);
	assert_false(local_nets_have(&l, &sa));
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"x", "10.0.0.0/33", "10.0.0.0/8,", ",10.0.0.0/8",
		"10.0.0.0/8,,::1", "10.0.0.1:5060", "[::1]:5060", "lan.example",
		"10.0.0.0/0", "10.0.0.0/8 ",
	};
	char many[1024] = "";
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why = NULL;
		assert_int_equal(local_nets_check(bad[i], &why), EINVAL);
		assert_non_null(why);
	}
	for (int i = 0; i < LOCAL_NETS_MAX; i++)
		(void)strcat(many, i ? ",10.0.0.1" : "10.0.0.1");
	assert_int_equal(local_nets_check(many, &why), 0);
	(void)strcat(many, ",10.0.0.1");
	assert_int_equal(local_nets_check(many, &why), EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_has),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

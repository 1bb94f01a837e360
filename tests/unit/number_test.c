/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* Numbers as trunks write them: tables of what is written and meant. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proto/number.h"

static Sy__Trunk germany(void)
{
	Sy__Trunk t = SY__TRUNK__INIT;

	t.country_code = "49";
	t.national_prefix = "0";
	t.international_prefix = "00";

	return t;
}

static void test_e164(void **state)
{
	static const struct {
		const char *number, *want; /* want NULL: it is none */
	} v[] = {
	    {"+4930123456", "+4930123456"},
	    {"+49 (30) 123-456", "+4930123456"},
	    {"004930123456", "+4930123456"},
	    {"030123456", "+4930123456"},
	    {"0012125550100", "+12125550100"},
	    {"110", NULL},
	    {"1001", NULL},
	    {"alice", NULL},
	    {"*97", NULL},
	    {"", NULL},
	    {"+", NULL},
	    {"+0301234567", NULL},
	    {"+1234567890123456", NULL}, /* sixteen digits */
	    {"00", NULL},
	    {"030x12345", NULL},
	    {"30123456", NULL}, /* of this town: which? */
	};
	const Sy__Trunk t = germany();
	char out[NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const int err = number_e164(out, &t, v[i].number);

		assert_int_equal(err, v[i].want ? 0 : ENOENT);
		assert_string_equal(out, v[i].want ? v[i].want : v[i].number);
	}
}

static void test_e164_plain(void **state)
{
	Sy__Trunk t = germany(), none = SY__TRUNK__INIT;
	char out[NUMBER_SIZE], far[NUMBER_SIZE + 1];

	(void)state;
	t.number_format = "plain";
	assert_int_equal(number_e164(out, &t, "4930123456"), 0);
	assert_string_equal(out, "+4930123456");
	assert_int_equal(number_e164(out, &t, "1001"), ENOENT);

	assert_int_equal(number_e164(out, &none, "030123456"), ENOENT);
	assert_int_equal(number_e164(out, &none, "+4930123456"), 0);

	memset(far, '1', NUMBER_SIZE);
	far[NUMBER_SIZE] = '\0';
	assert_int_equal(number_e164(out, &t, far), ENAMETOOLONG);
}

static void test_format(void **state)
{
	static const struct {
		const char *format, *number, *want;
	} v[] = {
	    {"", "+4930123456", "+4930123456"},
	    {"", "030123456", "030123456"},
	    {"e164", "030123456", "+4930123456"},
	    {"e164", "0012125550100", "+12125550100"},
	    {"plain", "030123456", "4930123456"},
	    {"plain", "+12125550100", "12125550100"},
	    {"national", "+4930123456", "030123456"},
	    {"national", "+12125550100", "0012125550100"},
	    {"national", "030123456", "030123456"},
	    {"international", "030123456", "004930123456"},
	    {"international", "110", "110"},
	    {"e164", "1001", "1001"},
	    {"national", "alice", "alice"},
	};
	Sy__Trunk t = germany();
	char out[NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		t.number_format = (char *)(uintptr_t)v[i].format;
		assert_int_equal(number_format(out, &t, v[i].number), 0);
		assert_string_equal(out, v[i].want);
		assert_true(number_format_valid(v[i].format));
	}
	assert_false(number_format_valid("E164"));
}

static void test_rewrite(void **state)
{
	Sy__Rewrite a = SY__REWRITE__INIT, b = SY__REWRITE__INIT,
		    all = SY__REWRITE__INIT;
	Sy__Rewrite *v[] = {&a, &b, &all};
	char n[NUMBER_SIZE];

	(void)state;
	a.pattern = "9.";
	a.strip = 1;
	b.pattern = "1XXX";
	b.prefix = "+4930555";
	all.strip = 99;
	all.prefix = "0";

	strcpy(n, "9110");
	assert_int_equal(number_rewrite(n, v, 3), 0);
	assert_string_equal(n, "110"); /* the first only */
	strcpy(n, "1002");
	assert_int_equal(number_rewrite(n, v, 3), 0);
	assert_string_equal(n, "+49305551002");
	strcpy(n, "77");
	assert_int_equal(number_rewrite(n, v, 2), 0);
	assert_string_equal(n, "77");
	assert_int_equal(number_rewrite(n, v, 3), 0);
	assert_string_equal(n, "0");

	memset(n, '1', NUMBER_SIZE - 1);
	n[NUMBER_SIZE - 1] = '\0';
	all.strip = 0;
	assert_int_equal(number_rewrite(n, v + 2, 1), ENAMETOOLONG);
	assert_int_equal(n[0], '1');
	assert_int_equal(number_rewrite(n, NULL, 0), 0);
}

static void test_ways(void **state)
{
	Sy__Rewrite in = SY__REWRITE__INIT, out = SY__REWRITE__INIT;
	Sy__Rewrite *inv[] = {&in}, *outv[] = {&out};
	Sy__Trunk t = germany();
	char n[NUMBER_SIZE];

	(void)state;
	in.pattern = "+4930555XXXX";
	in.strip = 8;
	out.pattern = "1XXX";
	out.prefix = "+4930555";
	t.called_in = inv;
	t.n_called_in = 1;
	t.caller_out = outv;
	t.n_caller_out = 1;
	t.number_format = "national";

	assert_int_equal(number_called_in(n, &t, "0305551002"), 0);
	assert_string_equal(n, "1002");
	assert_int_equal(number_caller_in(n, &t, "0305551002"), 0);
	assert_string_equal(n, "+49305551002");
	assert_int_equal(number_caller_out(n, &t, "1002"), 0);
	assert_string_equal(n, "0305551002");
	assert_int_equal(number_called_out(n, &t, "+12125550100"), 0);
	assert_string_equal(n, "0012125550100");
}

static void test_ours(void **state)
{
	Sy__TrunkNumber one = SY__TRUNK_NUMBER__INIT,
			range = SY__TRUNK_NUMBER__INIT;
	Sy__TrunkNumber *v[] = {&one, &range};
	Sy__Trunk t = SY__TRUNK__INIT;

	(void)state;
	assert_true(number_may_show(&t, "anything"));
	one.number = "+4930555";
	range.first = "+493055500";
	range.last = "+493055549";
	t.numbers = v;
	t.n_numbers = 2;

	assert_ptr_equal(number_ours(&t, "4930555"), &one);
	assert_ptr_equal(number_ours(&t, "+493055500"), &range);
	assert_ptr_equal(number_ours(&t, "493055549"), &range);
	assert_null(number_ours(&t, "+493055550"));
	assert_null(number_ours(&t, "+4930555"
				    "5"));
	assert_null(number_ours(&t, "+4930555000"));
	assert_null(number_ours(&t, ""));
	assert_null(number_ours(NULL, "1"));

	assert_string_equal(number_extension(&range, "+493055517"), "17");
	assert_string_equal(number_extension(&one, "+4930555"), "");

	assert_true(number_may_show(&t, "+493055517"));
	assert_false(number_may_show(&t, "1001"));
	t.default_number = "+4940";
	assert_true(number_may_show(&t, "4940"));
	t.any_caller = true;
	assert_true(number_may_show(&t, "1001"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_e164),   cmocka_unit_test(test_e164_plain),
	    cmocka_unit_test(test_format), cmocka_unit_test(test_rewrite),
	    cmocka_unit_test(test_ways),   cmocka_unit_test(test_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* Numbers that cost, however they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "proto/costly_number.h"

enum kind { BARE, GERMAN, AMERICAN, PLAIN, NINE, ZEROS, KINDS };

static Sy__Rewrite nine = SY__REWRITE__INIT, zeros = SY__REWRITE__INIT;
static Sy__Rewrite *ninev[] = {&nine}, *zerosv[] = {&zeros};
static Sy__Trunk trunks[KINDS];

static int prepare(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++)
		sy__trunk__init(&trunks[i]);
	trunks[GERMAN].country_code = "49";
	trunks[GERMAN].national_prefix = "0";
	trunks[GERMAN].international_prefix = "00";
	trunks[GERMAN].number_format = "national";
	trunks[AMERICAN].country_code = "1";
	trunks[AMERICAN].national_prefix = "1";
	trunks[AMERICAN].international_prefix = "011";
	trunks[PLAIN].number_format = "plain";
	nine.pattern = "9.";
	nine.strip = 1;
	nine.prefix = "+";
	trunks[NINE].called_out = ninev;
	trunks[NINE].n_called_out = 1;
	zeros.pattern = "882.";
	zeros.prefix = "00";
	trunks[ZEROS].called_out = zerosv;
	trunks[ZEROS].n_called_out = 1;

	return 0;
}

static size_t match(const Sy__Trunk *trunk, const char *number,
		    const char *prefix)
{
	struct costly_number num;

	costly_number_init(&num, trunk, number);

	return costly_number_match(&num, trunk, prefix);
}

static void test_spellings(void **state)
{
	static const struct {
		enum kind kind;
		const char *number, *prefix;
		size_t len;
	} v[] = {
		{BARE, "+88212345678", "+882", 4},
		{BARE, "0088212345678", "+882", 4},
		{BARE, "+88212345678", "00882", 4},
		{BARE, "+8-8 2(12)345.678", "+882", 4},
		{BARE, "00-882 12345678", "+882", 4},
		{BARE, "0088212345678#", "+882", 4},
		{BARE, "0088212", "+882", 4},
		{BARE, "88212345678", "+882", 0},
		{BARE, "88212345678", "882", 3},
		{BARE, "+88312345678", "+882", 0},
		{PLAIN, "88212345678", "+882", 4},
		{PLAIN, "112", "+1", 0},
		{NINE, "988212345678", "+882", 4},
		{NINE, "88212345678", "+882", 0},
		{ZEROS, "88212345678", "+882", 4},
		{GERMAN, "0900123456", "0900", 6},
		{GERMAN, "+49900123456", "0900", 6},
		{GERMAN, "0049900123456", "0900", 6},
		{GERMAN, "0900123456", "+49900", 6},
		{GERMAN, "0301234567", "+49900", 0},
		{GERMAN, "110", "+1", 0},
		{AMERICAN, "01188212345678", "+882", 4},
		{AMERICAN, "0088212345678", "+882", 0},
		{AMERICAN, "19005551234", "+1900", 5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		const size_t len =
			match(&trunks[v[i].kind], v[i].number, v[i].prefix);

		if (len != v[i].len)
			print_message("%s, %s, trunk %d\n", v[i].number,
				      v[i].prefix, v[i].kind);
		assert_int_equal(len, v[i].len);
	}
}

static void test_unknown_trunk(void **state)
{
	(void)state;
	assert_int_equal(match(NULL, "0088212345678", "+882"), 4);
	assert_int_equal(match(NULL, "88212345678", "+882"), 0);
}

static void test_long(void **state)
{
	char number[3 * NUMBER_SIZE];

	(void)state;
	memset(number, '9', sizeof(number));
	memcpy(number, "00882", 5);
	number[sizeof(number) - 1] = '\0';
	assert_int_equal(match(&trunks[BARE], number, "+882"), 4);
	memset(number, '-', NUMBER_SIZE + 4);
	memcpy(number + NUMBER_SIZE, "00882", 5);
	assert_int_equal(match(&trunks[BARE], number, "+882"), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_unknown_trunk),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, prepare, NULL);
}

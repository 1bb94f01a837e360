/* libs: sy_router_core */
/* SPDX-License-Identifier: MIT */
/* What a REGISTER asks for: RFC 3261 10.3 without the database. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "router/register.h"

enum { MIN_S = 60, MAX_S = 3600 };

static struct view v;
static struct register_req r;

static enum register_err rd(const char *hdrs)
{
	static char buf[4096];

	snprintf(buf, sizeof(buf),
		 "REGISTER sip:example.com SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
		 "From: <sip:1001@example.com>;tag=1\r\n"
		 "To: <sip:1001@example.com>\r\nCall-ID: 1\r\n"
		 "CSeq: 1 REGISTER\r\n%s\r\n",
		 hdrs);
	assert_int_equal(view_read(&v, buf, strlen(buf)), VIEW_OK);

	return register_read(&r, &v, MIN_S, MAX_S);
}

static void assert_pl(const struct pl *pl, const char *s)
{
	assert_int_equal(pl->l, strlen(s));
	assert_memory_equal(pl->p, s, pl->l);
}

static void test_fetch(void **state)
{
	(void)state;
	assert_int_equal(rd(""), REGISTER_OK);
	assert_int_equal(r.n, 0);
	assert_false(r.star);
}

static void test_expires(void **state)
{
	static const struct {
		const char *hdrs;
		enum register_err err;
		uint32_t expires_s;
	} tv[] = {
		{"Contact: <sip:a@h>\r\n", REGISTER_OK, MAX_S},
		{"Contact: <sip:a@h>\r\nExpires: 120\r\n", REGISTER_OK, 120},
		{"m: <sip:a@h>;expires=90\r\nExpires: 120\r\n", REGISTER_OK,
		 90},
		{"m: <sip:a@h>;expires=0\r\n", REGISTER_OK, 0},
		{"m: <sip:a@h>\r\nExpires: 0\r\n", REGISTER_OK, 0},
		{"m: <sip:a@h>;expires=60\r\n", REGISTER_OK, 60},
		{"m: <sip:a@h>;expires=59\r\n", REGISTER_BRIEF, 0},
		{"m: <sip:a@h>;expires=3601\r\n", REGISTER_OK, MAX_S},
		{"m: <sip:a@h>;expires=10000000000000\r\n", REGISTER_OK,
		 MAX_S},
		{"m: <sip:a@h>;expires=junk\r\n", REGISTER_OK, MAX_S},
		{"m: sip:a@h;expires=61\r\n", REGISTER_OK, 61},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(tv) / sizeof(tv[0]); i++) {
		assert_int_equal(rd(tv[i].hdrs), tv[i].err);
		if (tv[i].err)
			continue;
		assert_int_equal(r.n, 1);
		assert_int_equal(r.v[0].expires_s, tv[i].expires_s);
	}
}

static void test_several(void **state)
{
	(void)state;
	assert_int_equal(
		rd("Contact: \"A, <b>\" <sip:a@h;x=1,2>;q=0.7, <sip:b@h>\r\n"
		   "Contact: <sip:c@h>;+sip.instance=\"<urn:uuid:1>\";q=0\r\n"),
		REGISTER_OK);
	assert_int_equal(r.n, 3);
	assert_pl(&r.v[0].uri, "sip:a@h;x=1,2");
	assert_int_equal(r.v[0].q_permille, 700);
	assert_int_equal(r.v[1].q_permille, 1000);
	assert_int_equal(r.v[2].q_permille, 0);
	assert_pl(&r.v[2].instance, "<urn:uuid:1>");
}

static void test_star(void **state)
{
	(void)state;
	assert_int_equal(rd("Contact: *\r\nExpires: 0\r\n"), REGISTER_OK);
	assert_true(r.star);
	assert_int_equal(rd("Contact: *\r\n"), REGISTER_BAD);
	assert_int_equal(rd("Contact: *\r\nExpires: 60\r\n"), REGISTER_BAD);
	assert_int_equal(rd("Contact: *, <sip:a@h>\r\nExpires: 0\r\n"),
			 REGISTER_BAD);
}

static void test_bad(void **state)
{
	char many[2048] = "";

	(void)state;
	/* RFC 4475 3.1.2.13 */
	assert_int_equal(
		rd("Contact: sip:user@example.com?Route=%3Csip:x%3E\r\n"),
		REGISTER_BAD);
	assert_int_equal(rd("Contact: <sip:a@h\r\n"), REGISTER_BAD);
	assert_int_equal(rd("Contact:\r\n"), REGISTER_BAD);
	assert_int_equal(rd("Contact: <sip:a@h\r\n X: y>\r\n"), REGISTER_BAD);

	/* in brackets it may: RFC 4475 3.3.13 */
	assert_int_equal(
		rd("Contact: <sip:user@example.com?Route=%3Csip:x%3E>\r\n"),
		REGISTER_OK);
	for (int i = 0; i <= REGISTER_CONTACTS_MAX; i++)
		sprintf(many + strlen(many), "m: <sip:%d@h>\r\n", i);
	assert_int_equal(rd(many), REGISTER_TOO_MANY);
}

static void test_q(void **state)
{
	static const struct {
		const char *s;
		uint32_t q;
	} tv[] = {{"1", 1000},   {"0", 0},       {"0.5", 500},
		  {"0.123", 123}, {"1.000", 1000}, {"1.5", 1000},
		  {"2", 1000},   {"", 1000},     {"0.x", 1000},
		  {"0,5", 1000}, {"0.1234", 1000}};

	(void)state;
	for (size_t i = 0; i < sizeof(tv) / sizeof(tv[0]); i++) {
		struct pl pl;

		pl_set_str(&pl, tv[i].s);
		assert_int_equal(register_q(&pl), tv[i].q);
	}
}

/* RFC 5626 6: reg-id counts with an instance, from who supports outbound. */
static void test_flows(void **state)
{
	static const char both[] =
		"m: <sip:a@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=2\r\n";
	(void)state;

	assert_int_equal(rd("m: <sip:a@h>;+sip.instance=\"<urn:uuid:1>\""
			    ";reg-id=2\r\nk: path, outbound\r\n"),
			 REGISTER_OK);
	assert_true(r.outbound);
	assert_int_equal(r.v[0].reg_id, 2);
	assert_int_equal(rd(both), REGISTER_OK);
	assert_false(r.outbound);
	assert_int_equal(r.v[0].reg_id, 0);
	assert_int_equal(rd("m: <sip:a@h>;reg-id=2\r\nSupported: outbound\r\n"),
			 REGISTER_OK);
	assert_false(r.outbound);
	/* one flow at a time; and no proxy between that knows nothing of it */
	assert_int_equal(rd("m: <sip:a@h>;+sip.instance=\"<urn:uuid:1>\""
			    ";reg-id=2, <sip:b@h>\r\nSupported: outbound\r\n"),
			 REGISTER_BAD);
	assert_int_equal(rd("m: <sip:a@h>;+sip.instance=\"<urn:uuid:1>\""
			    ";reg-id=2\r\nSupported: outbound\r\n"
			    "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK9\r\n"),
			 REGISTER_LACKS);
	assert_int_equal(rd("m: <sip:a@h>\r\nSupported: outbound\r\n"
			    "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK9\r\n"),
			 REGISTER_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch),   cmocka_unit_test(test_expires),
		cmocka_unit_test(test_several), cmocka_unit_test(test_star),
		cmocka_unit_test(test_bad),     cmocka_unit_test(test_q),
		cmocka_unit_test(test_flows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

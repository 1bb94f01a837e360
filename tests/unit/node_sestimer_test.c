/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* What session timers agree on: RFC 4028, table 2 and 7.2. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/sestimer.h"

#define US true
#define PEER false

static struct sestimer_said read_hdrs(const char *hdrs)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct sestimer_said said;
	struct sip_msg *msg;

	assert_non_null(mb);
	(void)mbuf_printf(mb,
			  "INVITE sip:a@b SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
			  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
			  "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s"
			  "Content-Length: 0\r\n\r\n",
			  hdrs);
	mb->pos = 0;
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	sestimer_read(&said, msg);
	mem_deref(msg);
	mem_deref(mb);

	return said;
}

#define T "Supported: timer\r\n"
#define SE(x) "Session-Expires: " x "\r\n"

static void test_read(void **state)
{
	static const struct {
		const char *hdrs;
		struct sestimer_said said;
	} v[] = {
	    {"", {0}},
	    {"x: 120;refresher=uac\r\nk: 100rel, timer\r\n",
	     {120, 0, true, SESTIMER_UAC}},
	    {SE("120 ; REFRESHER=UAS") "Min-SE: 95;x=y\r\n",
	     {120, 95, false, SESTIMER_UAS}},
	    {"Require: timer\r\n" SE("99999999999"),
	     {SESTIMER_MAX_S, 0, true, SESTIMER_ANY}},
	    {SE("soon") "Min-SE: -5\r\nSupported: timers\r\n", {0}},
	    {SE("120;refresher=me"), {120, 0, false, SESTIMER_ANY}},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		const struct sestimer_said s = read_hdrs(v[i].hdrs);

		print_message("%s\n", v[i].hdrs);
		assert_int_equal(s.expires_s, v[i].said.expires_s);
		assert_int_equal(s.min_s, v[i].said.min_s);
		assert_int_equal(s.supported, v[i].said.supported);
		assert_int_equal(s.refresher, v[i].said.refresher);
	}
}

static void test_small(void **state)
{
	struct sestimer_said s;

	(void)state;

	s = read_hdrs(T SE("89"));
	assert_true(sestimer_is_small(&s, 90));
	s = read_hdrs(T SE("90"));
	assert_false(sestimer_is_small(&s, 90));
	s = read_hdrs(SE("89")); /* it could not understand the 422 */
	assert_false(sestimer_is_small(&s, 90));
	s = read_hdrs(T);
	assert_false(sestimer_is_small(&s, 90));
}

static void test_accept(void **state)
{
	static const struct {
		const char *hdrs;
		uint32_t wish_s;
		struct sestimer before, after;
	} v[] = {
	    /* RFC 4028, table 2; the last row of each leaves us the choice */
	    {SE("600"), 1800, {0, PEER}, {600, US}},
	    {T SE("600;refresher=uac"), 1800, {0, PEER}, {600, PEER}},
	    {T SE("600;refresher=uas"), 1800, {0, PEER}, {600, US}},
	    {T SE("600"), 1800, {0, PEER}, {600, US}},

	    /* it is made shorter, but not below what they can do */
	    {T SE("3600"), 1800, {0, PEER}, {1800, US}},
	    {T SE("3600") "Min-SE: 2000\r\n", 1800, {0, PEER}, {2000, US}},
	    {T SE("3600"), 0, {0, PEER}, {3600, US}},

	    /* nobody asked */
	    {T, 1800, {0, PEER}, {1800, US}},
	    {T, 0, {0, PEER}, {0, US}},
	    {"", 1800, {0, PEER}, {0, US}},

	    /* within a call: who refreshes goes on */
	    {T SE("600"), 1800, {600, PEER}, {600, PEER}},
	    {T, 1800, {600, PEER}, {600, PEER}},
	    {T SE("600;refresher=uas"), 1800, {600, PEER}, {600, US}},
	    {"", 1800, {600, PEER}, {600, US}},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		const struct sestimer_wish wish = {v[i].wish_s, 90};
		const struct sestimer_said s = read_hdrs(v[i].hdrs);
		struct sestimer t = v[i].before;

		print_message("%zu: %s\n", i, v[i].hdrs);
		sestimer_accept(&t, &s, &wish);
		assert_int_equal(t.interval_s, v[i].after.interval_s);
		if (t.interval_s)
			assert_int_equal(t.ours, v[i].after.ours);
	}
}

static void test_accepted(void **state)
{
	struct sestimer t = {600, PEER};
	struct sestimer_said s;

	(void)state;

	s = read_hdrs(SE("300;refresher=uas"));
	sestimer_accepted(&t, &s);
	assert_int_equal(t.interval_s, 300);
	assert_false(t.ours);
	s = read_hdrs(SE("300"));
	sestimer_accepted(&t, &s);
	assert_true(t.ours);
	s = read_hdrs("");
	sestimer_accepted(&t, &s);
	assert_int_equal(t.interval_s, 0);
}

static void test_end(void **state)
{
	(void)state;

	assert_int_equal(sestimer_end_s(&(struct sestimer){90, US}), 60);
	assert_int_equal(sestimer_end_s(&(struct sestimer){1800, US}), 1768);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read),   cmocka_unit_test(test_small),
	    cmocka_unit_test(test_accept), cmocka_unit_test(test_accepted),
	    cmocka_unit_test(test_end),
	};
	int err = libre_init();

	if (err)
		return err;
	err = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return err;
}

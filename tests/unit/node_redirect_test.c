/* libs: sy_node_sip */
/* SPDX-License-Identifier: MIT */
/* Contacts of a 3xx: which can be called, in which order. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/redirect.h"

static struct redirect *read_contacts(const char *contacts)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct redirect *r = NULL;
	struct sip_msg *msg;

	assert_non_null(mb);
	assert_int_equal(mbuf_printf(mb,
				     "SIP/2.0 302 Moved\r\n"
				     "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
				     "From: <sip:a@h>;tag=1\r\n"
				     "To: <sip:b@h>;tag=2\r\n"
				     "Call-ID: a\r\nCSeq: 1 INVITE\r\n%s"
				     "Content-Length: 0\r\n\r\n",
				     contacts),
			 0);
	mb->pos = 0;
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	assert_int_equal(redirect_alloc(&r, msg), 0);
	mem_deref(msg);
	mem_deref(mb);

	return r;
}

static void test_order(void **state)
{
	static const char *const userv[] = {"a", "d", "b", "c", "e"};
	struct redirect *r = read_contacts(
		"Contact: <sip:c@h>;q=0.5, <sip:a@h>;q=1.0\r\n"
		"m: \"B, b\" <sips:b@h:5061;transport=tcp>;expires=3;Q=0.51\r\n"
		"Contact: sip:d@h\r\nContact: <tel:e;phone-context=x>;q=0.123\r\n");

	(void)state;
	assert_int_equal(r->n, 5);
	for (size_t i = 0; i < r->n; i++)
		assert_string_equal(r->v[i].user, userv[i]);
	assert_int_equal(r->v[2].q, 510);
	assert_int_equal(r->v[2].port, 5061);
	assert_string_equal(r->v[2].uri, "sips:b@h:5061;transport=tcp");
	assert_string_equal(r->v[4].host, "");
	assert_string_equal(r->v[4].uri, "tel:e;phone-context=x");
	mem_deref(r);
}

static void test_left_out(void **state)
{
	struct redirect *r = read_contacts(
		"Contact: *\r\nContact: <mailto:a@h>\r\nContact: <sip:h>\r\n"
		"Contact: <sip:%00a@h>\r\nContact: <sip:a%0d%0aX@h>\r\n"
		"Contact: <sip:a@h;method=BYE>\r\nContact: <tel:>\r\n"
		"Contact: <sip:a\"b@h>\r\nContact:\r\n"
		"Contact: <sip:%2a1@[::1]?Replaces=x>\r\n");

	(void)state;
	assert_int_equal(r->n, 1);
	assert_string_equal(r->v[0].user, "*1");
	assert_string_equal(r->v[0].host, "::1");
	assert_string_equal(r->v[0].uri, "sip:%2a1@[::1]");
	mem_deref(r);
}

static void test_bounds(void **state)
{
	char text[4096], user[400];
	struct redirect *r;
	int n = 0;

	(void)state;
	for (int i = 0; i < 20; i++)
		n += re_snprintf(text + n, sizeof(text) - (size_t)n,
				 "Contact: <sip:%d@h>;q=9\r\n", i);
	r = read_contacts(text);
	assert_int_equal(r->n, REDIRECT_CONTACTS);
	assert_string_equal(r->v[7].user, "7");
	assert_int_equal(r->v[7].q, 1000);
	mem_deref(r);

	memset(user, 'u', sizeof(user) - 1);
	user[sizeof(user) - 1] = '\0';
	(void)re_snprintf(text, sizeof(text), "Contact: <sip:%s@h>\r\n", user);
	r = read_contacts(text);
	assert_int_equal(r->n, 0);
	mem_deref(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* Vias of nodes: which can be kept from peers, and that they come back. */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "router/hide.h"

static char text[1024];

/* A message with these Via lines. */
static void read_msg(struct view *v, const char *start, const char *vias)
{
	const int n = re_snprintf(text, sizeof(text),
				  "%s\r\n%s"
				  "From: <sip:a@x>;tag=1\r\n"
				  "To: <sip:b@x>;tag=2\r\n"
				  "Call-ID: c\r\nCSeq: 1 BYE\r\n"
				  "Max-Forwards: 70\r\n"
				  "Content-Length: 0\r\n\r\n",
				  start, vias);

	assert_true(n > 0);
	assert_int_equal(view_read(v, text, (size_t)n), VIEW_OK);
}

static struct flow node_at(const char *addr)
{
	struct flow f;

	memset(&f, 0, sizeof(f));
	assert_int_equal(sa_decode(&f.peer, addr, strlen(addr)), 0);
	f.node = true;

	return f;
}

static bool fits(const char *vias, const struct flow *reply)
{
	struct view v;

	read_msg(&v, "BYE sip:b@x SIP/2.0", vias);

	return hide_fits(&v, reply);
}

static void test_fits(void **state)
{
	static const char *const no[] = {
		/* would not come back as it was */
		"Via: SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bKab\r\n",
		"Via: SIP/2.0/UDP 192.0.2.2:5070;branch=z9hG4bKab\r\n",
		"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKab\r\n",
		"Via: SIP/2.0/UDP node.example:5070;branch=z9hG4bKab\r\n",
		"Via: SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bKab\r\n",
		"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKab;ttl=1\r\n",
		"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK\r\n",
		"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=abcdefgh\r\n",
		"Via: SIP/2.0/UDP 192.0.2.1:5070\r\n",
		/* somebody is below */
		"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKab\r\n"
		"Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKcd\r\n",
	};
	static const char plain[] =
		"Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKab\r\n";
	struct flow f = node_at("192.0.2.1:5070");
	struct flow f6 = node_at("[2001:db8::1]:5070");

	(void)state;
	assert_true(fits(plain, &f));
	assert_true(fits("v: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKab"
			 ";rport\r\n", &f));
	assert_true(fits("Via: SIP/2.0/UDP [2001:db8::1]:5070"
			 ";branch=z9hG4bKab\r\n", &f6));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(fits(no[i], &f));
	f.node = false;
	assert_false(fits(plain, &f));
}

static void test_long_branch(void **state)
{
	struct flow f = node_at("192.0.2.1:5070");
	char via[256], branch[HIDE_BRANCH_MAX + 2] = "";

	(void)state;
	memset(branch, 'a', HIDE_BRANCH_MAX);
	for (int i = 0; i < 2; i++) {
		re_snprintf(via, sizeof(via),
			    "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK"
			    "%s\r\n", branch);
		assert_int_equal(fits(via, &f), !i);
		branch[HIDE_BRANCH_MAX] = 'a';
	}
}

static void test_comes_back(void **state)
{
	static const char *const addrs[] = {"192.0.2.1:5070",
					    "[2001:db8::1]:65535"};
	char vias[256], str[HIDE_VALUE_MAX], sentby[64], branch[64];
	struct view_via via;
	struct view v;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct flow f = node_at(addrs[i]);

		re_snprintf(vias, sizeof(vias),
			    "Via: SIP/2.0/UDP %s;branch=z9hG4bKa-b_c;rport\r\n",
			    addrs[i]);
		read_msg(&v, "BYE sip:b@x SIP/2.0", vias);
		assert_true(hide_fits(&v, &f));
		assert_false(hide_is(&v));
		pl_strcpy(&v.via.sentby, sentby, sizeof(sentby));
		pl_strcpy(&v.via.branch, branch, sizeof(branch));
		re_snprintf(vias, sizeof(vias),
			    "Via: SIP/2.0/TCP r.example;branch=z9hG4bKr"
			    ";fl=x;nb=%s\r\n", branch + 7);

		read_msg(&v, "SIP/2.0 200 OK", vias);
		assert_true(hide_is(&v));
		assert_int_equal(hide_read(&via, str, &v, &f), 0);
		assert_int_equal(pl_strcmp(&via.sentby, sentby), 0);
		assert_int_equal(pl_strcmp(&via.branch, branch), 0);
		assert_int_equal(pl_strcmp(&via.transport, "UDP"), 0);
	}
}

static void test_refused(void **state)
{
	char vias[256], str[HIDE_VALUE_MAX];
	char branch[HIDE_BRANCH_MAX + 2] = "";
	struct flow f = node_at("192.0.2.1:5070");
	struct view_via via;
	struct view v;

	(void)state;
	read_msg(&v, "SIP/2.0 200 OK",
		 "Via: SIP/2.0/UDP r.example;branch=z9hG4bKr;fl=x\r\n");
	assert_false(hide_is(&v));
	assert_int_equal(hide_read(&via, str, &v, &f), EBADMSG);

	/* with a Via below it is no response to a node's request */
	read_msg(&v, "SIP/2.0 200 OK",
		 "Via: SIP/2.0/UDP r.example;branch=z9hG4bKr;nb=ab\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKab\r\n");
	assert_false(hide_is(&v));

	memset(branch, 'a', HIDE_BRANCH_MAX + 1);
	re_snprintf(vias, sizeof(vias),
		    "Via: SIP/2.0/UDP r.example;branch=z9hG4bKr;nb=%s\r\n",
		    branch);
	read_msg(&v, "SIP/2.0 200 OK", vias);
	assert_int_equal(hide_read(&via, str, &v, &f), EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_long_branch),
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_node_sip */
/* SPDX-License-Identifier: MIT */
/* Targets of transfers: Refer-To, Replaces, sipfrag; texts in, texts out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/referto.h"

static int read_to(struct referto *r, const char *text)
{
	struct pl pl;

	pl_set_str(&pl, text);

	return referto_read(r, &pl);
}

static void test_blind(void **state)
{
	struct referto r;

	(void)state;
	assert_int_equal(read_to(&r, "<sip:1003@switchyard>"), 0);
	assert_string_equal(r.user, "1003");
	assert_string_equal(r.host, "switchyard");
	assert_string_equal(r.uri, "sip:1003@switchyard");
	assert_false(r.attended);

	assert_int_equal(read_to(&r, "\"Bob\" <sips:%2a97;x=1@h:5061;"
				     "transport=tcp?Subject=a>;q=1"),
			 0);
	assert_string_equal(r.user, "*97");
	assert_string_equal(r.uri, "sips:%2a97;x=1@h:5061;transport=tcp");
	assert_false(r.attended);
	assert_int_equal(read_to(&r, "sip:1003@h"), 0);
	assert_string_equal(r.user, "1003");
}

static void test_attended(void **state)
{
	struct referto r;

	(void)state;
	assert_int_equal(
	    read_to(&r, "<sip:b@h?X=1&replaces=12%40host%3Bto-tag%3Dt1%3B"
			"from-tag%3Df1%3bearly-only>"),
	    0);
	assert_true(r.attended);
	assert_string_equal(r.replaces.call_id, "12@host");
	assert_string_equal(r.replaces.to_tag, "t1");
	assert_string_equal(r.replaces.from_tag, "f1");
	assert_true(r.replaces.early_only);
	assert_string_equal(r.uri, "sip:b@h");
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int err;
	} v[] = {
	    {"", EBADMSG},
	    {"<sip:h>", EBADMSG},
	    {"<sip:%0d%0aX:1@h>", EBADMSG},
	    {"<mailto:a@h>", EPROTONOSUPPORT},
	    {"<sip:a@h;method=BYE>", EPROTONOSUPPORT},
	    {"<sip:a@h?Replaces=abc>", EBADMSG},
	    {"<sip:a@h?Replaces=abc%3Bto-tag%3Dx>", EBADMSG},
	    {"<sip:a@h?Replaces=%3Bto-tag%3Dx%3Bfrom-tag%3Dy>", EBADMSG},
	    {"<sip:a@h?Replaces=a%0D%3Bto-tag%3Dx%3Bfrom-tag%3Dy>", EBADMSG},
	};
	struct referto r;
	char text[1024];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(v); i++)
		assert_int_equal(read_to(&r, v[i].text), v[i].err);

	memset(text, 'a', sizeof(text));
	memcpy(text, "<sip:", 5);
	strcpy(&text[sizeof(text) - 4], "@h>");
	assert_int_equal(read_to(&r, text), EOVERFLOW);
}

static void test_replaces(void **state)
{
	struct replaces r;
	struct pl pl;

	(void)state;
	pl_set_str(&pl, " 425928@bobster.example.org ;to-tag=7743"
			";from-tag=6472");
	assert_int_equal(replaces_read(&r, &pl), 0);
	assert_string_equal(r.call_id, "425928@bobster.example.org");
	assert_string_equal(r.to_tag, "7743");
	assert_string_equal(r.from_tag, "6472");
	assert_false(r.early_only);
	pl_set_str(&pl, "425928@bobster.example.org");
	assert_int_equal(replaces_read(&r, &pl), EBADMSG);
}

static uint16_t code_of(const char *text)
{
	struct mbuf *mb = mbuf_alloc(64);
	uint16_t code;

	assert_non_null(mb);
	(void)mbuf_write_str(mb, text);
	mb->pos = 0;
	code = sipfrag_code(mb);
	mem_deref(mb);

	return code;
}

static void test_sipfrag(void **state)
{
	(void)state;
	assert_int_equal(code_of("SIP/2.0 180 Ringing\r\n"), 180);
	assert_int_equal(code_of("SIP/2.0 603 Declined\r\nTo: x\r\n"), 603);
	assert_int_equal(code_of("SIP/2.0 9999 Eh\r\n"), 0);
	assert_int_equal(code_of("To: x\r\n"), 0);
	assert_int_equal(sipfrag_code(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_blind),   cmocka_unit_test(test_attended),
	    cmocka_unit_test(test_refused), cmocka_unit_test(test_replaces),
	    cmocka_unit_test(test_sipfrag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_node_sip */
/* SPDX-License-Identifier: MIT */
/* History-Info and Diversion: as they are read, and printed again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/histinfo.h"

static struct sip_msg *message(const char *headers)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *msg;

	assert_non_null(mb);
	assert_int_equal(mbuf_printf(mb,
				     "INVITE sip:b@h SIP/2.0\r\n"
				     "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n"
				     "From: <sip:a@h>;tag=1\r\n"
				     "To: <sip:b@h>\r\n"
				     "Call-ID: a\r\nCSeq: 1 INVITE\r\n%s"
				     "Content-Length: 0\r\n\r\n",
				     headers),
			 0);
	mb->pos = 0;
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	mem_deref(mb);

	return msg;
}

static bool read_headers(struct histinfo *h, const char *headers)
{
	struct sip_msg *msg = message(headers);
	const bool got = histinfo_read(h, msg, "sip:called@us");

	mem_deref(msg);

	return got;
}

static void prints(const struct histinfo *h, const char *history,
		   const char *diversion)
{
	char buf[HISTINFO_TEXT];

	assert_int_equal(histinfo_print(buf, sizeof(buf), h), 0);
	assert_string_equal(buf, history);
	assert_int_equal(histinfo_print_diversion(buf, sizeof(buf), h), 0);
	assert_string_equal(buf, diversion);
}

static void test_made(void **state)
{
	struct histinfo h = {.n = 0};
	struct histinfo_entry *e;

	(void)state;
	prints(&h, "", "");
	e = histinfo_add(&h, "sip:1@h", 0);
	e->reason = 486;
	(void)histinfo_add(&h, "sip:2@h", 486);
	e = histinfo_add(&h, "sip:3@h", 302);
	e->hidden = true;
	(void)histinfo_add(&h, "sip:4@h", 408);
	assert_int_equal(histinfo_count(&h), 3);
	prints(&h,
	       "History-Info: <sip:1@h?Reason=SIP%3Bcause%3D486>;index=1, "
	       "<sip:2@h;cause=486>;index=1.1;mp=1, "
	       "<sip:anonymous@anonymous.invalid;cause=302?Privacy=history>"
	       ";index=1.1.1;mp=1.1, "
	       "<sip:4@h;cause=408>;index=1.1.1.1;mp=1.1.1\r\n",
	       "Diversion: <sip:anonymous@anonymous.invalid>"
	       ";reason=no-answer;counter=1;privacy=full, "
	       "<sip:2@h>;reason=unconditional;counter=1, "
	       "<sip:1@h>;reason=user-busy;counter=1\r\n");
}

/* RFC 7044: an index that is no child of the one before; mp tells whose. */
static void test_read(void **state)
{
	struct histinfo h;

	(void)state;
	assert_true(read_headers(
	    &h, "History-Info: \"A, <b>\" <sip:bob@h>;index=1,"
		"<sip:bob@192.0.2.4?Reason=SIP%3bcause%3d302%3Btext%3D%22x%2Cy%22"
		"&Privacy=history>;index=1.1;rc=1\r\n"
		"History-Info:<sip:office@h;cause=302;x=y>;index=1.2;mp=1\r\n"
		"Diversion: <sip:other@h>;reason=away\r\n"));
	assert_int_equal(h.n, 3);
	assert_int_equal(histinfo_count(&h), 1);
	assert_string_equal(h.v[2].uri, "sip:office@h;x=y");
	assert_ptr_equal(histinfo_before(&h, &h.v[2]), &h.v[0]);
	prints(&h,
	       "History-Info: <sip:bob@h>;index=1, "
	       "<sip:anonymous@anonymous.invalid?Reason=SIP%3Bcause%3D302"
	       "&Privacy=history>;index=1.1;rc=1, "
	       "<sip:office@h;x=y;cause=302>;index=1.2;mp=1\r\n",
	       "Diversion: <sip:bob@h>;reason=unconditional;counter=1\r\n");
}

static void test_diversion(void **state)
{
	struct histinfo h;

	(void)state;
	assert_true(read_headers(
	    &h, "Diversion: \"B\" <sip:2@h>;reason=\"no-answer\";counter=3, "
		"<tel:1>;privacy=full;reason=user-busy\r\n"));
	assert_int_equal(histinfo_count(&h), 4);
	prints(&h,
	       "History-Info: <sip:anonymous@anonymous.invalid"
	       "?Privacy=history>;index=1, <sip:2@h;cause=486>;index=1.1;mp=1, "
	       "<sip:called@us;cause=408>;index=1.1.1;mp=1.1\r\n",
	       "Diversion: <sip:2@h>;reason=no-answer;counter=3, "
	       "<sip:anonymous@anonymous.invalid>;reason=user-busy;counter=1"
	       ";privacy=full\r\n");
}

static void test_left_out(void **state)
{
	static const char *const v[] = {
		"", "History-Info: \r\n", "History-Info: <sip:a@h>\r\n",
		"History-Info: <sip:a@h>;index=1x\r\n",
		"History-Info: sip:a@h;index=1\r\n",
		"History-Info: <mailto:a@h>;index=1\r\n",
		"History-Info: <sip:a b@h>;index=1\r\n",
		"History-Info: \"<sip:a@h>;index=1\r\n", "Diversion: <>\r\n",
		"Diversion: ,,,\r\n",
	};
	char text[8192];
	struct histinfo h;
	int n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		assert_false(read_headers(&h, v[i]));
	for (int i = 0; i < 40; i++)
		n += re_snprintf(text + n, sizeof(text) - (size_t)n,
				 "Diversion: <sip:%d@h>;counter=9999999\r\n",
				 i);
	assert_true(read_headers(&h, text));
	assert_int_equal(h.n, HISTINFO_ENTRIES);
	assert_int_equal(histinfo_count(&h), 1500);
}

static void test_privacy(void **state)
{
	static const struct {
		const char *headers;
		bool private;
	} v[] = {
		{"", false}, {"Privacy: none\r\n", false},
		{"Privacy: History\r\n", true}, {"Privacy: id;critical\r\n", true},
		{"Privacy: critical;header\r\n", true},
		{"Privacy: historyless\r\n", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct sip_msg *msg = message(v[i].headers);

		assert_int_equal(histinfo_is_private(msg), v[i].private);
		mem_deref(msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_diversion),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_privacy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

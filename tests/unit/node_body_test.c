/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* Descriptions in bodies, and Reason headers: texts in, texts out. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/sip/body.h"
#include "node/sip/reason.h"

#define SDP "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n"
#define PART(type, more, text)                                                 \
	"--b1\r\nContent-Type: " type "\r\n" more "\r\n" text "\r\n"

static struct sip_msg *message(const char *hdrs, const char *body)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;

	assert_non_null(mb);
	assert_int_equal(
	    mbuf_printf(mb,
			"INVITE sip:a@b SIP/2.0\r\n"
			"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
			"To: <sip:a@b>\r\nFrom: <sip:c@d>;tag=1\r\n"
			"Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s"
			"Content-Length: %zu\r\n\r\n%s",
			hdrs, strlen(body), body),
	    0);
	mb->pos = 0;
	assert_int_equal(sip_msg_decode(&msg, mb), 0);
	mem_deref(mb);

	return msg;
}

static void check(const char *hdrs, const char *body, int err,
		  const char *wanted)
{
	struct sip_msg *msg = message(hdrs, body);
	struct mbuf *mb = NULL;

	assert_int_equal(body_sdp(&mb, msg), err);
	if (wanted) {
		assert_non_null(mb);
		assert_int_equal(mbuf_get_left(mb), strlen(wanted));
		assert_memory_equal(mbuf_buf(mb), wanted, strlen(wanted));
	} else {
		assert_null(mb);
	}
	mem_deref(mb);
	mem_deref(msg);
}

#define MIXED "Content-Type: multipart/mixed;boundary=b1\r\n"
#define QUOTED "Content-Type: Multipart/Related; boundary=\"b1\"\r\n"
#define ISUP PART("application/isup;version=x", "", "\001\002")
#define OPTIONAL "Content-Disposition: signal; handling=optional\r\n"

static void test_bodies(void **state)
{
	(void)state;

	check("", "", 0, NULL);
	check("Content-Type: application/sdp\r\n", SDP, 0, SDP);
	check("Content-Type: text/plain\r\n", "x", ENOTSUP, NULL);
	check("Content-Type: text/plain\r\n" OPTIONAL, "x", 0, NULL);
	check("Content-Type: application/sdp\r\nContent-Encoding: gzip\r\n",
	      SDP, EPROTONOSUPPORT, NULL);
	check("Content-Type: application/sdp\r\nContent-Encoding: identity\r\n",
	      SDP, 0, SDP);

	check(MIXED,
	      "preamble\r\n" ISUP PART("application/sdp", "", SDP) "--b1--\r\n",
	      0, SDP);
	check(QUOTED, PART("Application/SDP", OPTIONAL, SDP) ISUP "--b1--", 0,
	      SDP);
	check(MIXED, ISUP "--b1--\r\n", ENOTSUP, NULL);
	check(MIXED, PART("application/isup", OPTIONAL, "x") "--b1--\r\n", 0,
	      NULL);
	check(MIXED, "no part", EBADMSG, NULL);
	check(MIXED, PART("application/sdp", "", SDP), EBADMSG, NULL);
	check("Content-Type: multipart/mixed\r\n", "--b1--", EBADMSG, NULL);
}

/* Cut anywhere: it is read, or it is not. */
static void test_cut(void **state)
{
	static const char text[] =
	    ISUP PART("application/sdp", OPTIONAL, SDP) "--b1--\r\n";
	const struct pl boundary = PL("b1");
	size_t n;

	(void)state;

	for (n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n + 1); /* its end is watched */
		struct pl body = {copy, n}, part;
		int err;

		assert_non_null(copy);
		memcpy(copy, text, n);
		err = body_part_sdp(&part, &body, &boundary);
		assert_true(err == 0 || err == EBADMSG || err == ENOTSUP);
		if (!err)
			assert_int_equal(pl_strcmp(&part, SDP), 0);
		free(copy);
	}
}

static void test_reasons(void **state)
{
	static const struct {
		const char *in, *out;
	} v[] = {
	    {"Q.850;cause=16;text=\"Normal call clearing\"",
	     "Q.850;cause=16;text=\"Normal call clearing\""},
	    {"SIP ;cause=200 ;text=\"Call completed elsewhere\"",
	     "SIP;cause=200;text=\"Call completed elsewhere\""},
	    {"SIP;text=\"a\";cause=600", "SIP;cause=600;text=\"a\""},
	    {"Q.850;cause=31", "Q.850;cause=31"},
	    {"Q.850", ""},
	    {"SIP;cause=99999", ""},
	    {";cause=1", ""},
	};
	char buf[REASON_SIZE];
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		char hdr[160];
		struct sip_msg *msg;

		(void)re_snprintf(hdr, sizeof(hdr), "Reason: %s\r\n", v[i].in);
		msg = message(hdr, "");
		assert_int_equal(reason_read(buf, msg), v[i].out[0] != '\0');
		assert_string_equal(buf, v[i].out);
		mem_deref(msg);
	}

	reason_print(buf, sizeof(buf), 200);
	assert_string_equal(buf,
			    "Q.850;cause=16;text=\"Normal call clearing\"");
	reason_print(buf, sizeof(buf), 503);
	assert_string_equal(buf, "SIP;cause=503;text=\"Service Unavailable\", "
				 "Q.850;cause=41");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bodies),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_reasons),
	};
	int err;

	if (libre_init())
		return 1;
	err = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return err;
}

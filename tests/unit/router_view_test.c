/* libs: sy_router_core */
/* SPDX-License-Identifier: MIT */
/*
 * The message view: what RFC 4475 calls valid is read, what it calls broken
 * gets the right answer; every truncation and 10,000 mutations are survived;
 * splicing alters nothing but what was asked.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "router/edit.h"
#include "router/view.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define HEAD                                                                  \
	"Via: SIP/2.0/UDP 192.0.2.1:5070;rport;branch=z9hG4bKabc\r\n"         \
	"From: <sip:1001@example.com>;tag=a1\r\n"                             \
	"To: <sip:1002@example.com>\r\n"                                      \
	"Call-ID: c1@example.com\r\n"

static const char plain[] =
	"INVITE sip:1002@example.com SIP/2.0\r\n" HEAD
	"CSeq: 7 INVITE\r\n"
	"Max-Forwards: 70\r\n"
	"Contact: <sip:1001@192.0.2.1:5070>\r\n"
	"Content-Type: application/sdp\r\n"
	"Content-Length: 5\r\n"
	"\r\n"
	"v=0\r\n";

/* RFC 4475 3.1.1.1 */
static const char wsinv[] =
	"INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\r\n"
	"TO :\r\n"
	" sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\r\n"
	"from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>\r\n"
	"  ;\r\n"
	"  tag = 98asjd8\r\n"
	"MaX-fOrWaRdS: 0068\r\n"
	"Call-ID: wsinv.ndaksdj@192.0.2.1\r\n"
	"Content-Length   : 5\r\n"
	"cseq: 0009\r\n"
	"  INVITE\r\n"
	"Via  : SIP  /   2.0\r\n"
	" /UDP\r\n"
	"    192.0.2.2;branch=390skdjuw\r\n"
	"s :\r\n"
	"NewFangledHeader:   newfangled value\r\n"
	" continued newfangled value\r\n"
	"UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
	"Content-Type: application/sdp\r\n"
	"Route:\r\n"
	" <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\r\n"
	"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n"
	"  branch  =   z9hG4bK9ikj8  ,\r\n"
	" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n"
	" z9hG4bK30239\r\n"
	"m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =\r\n"
	"      newvalue ;\r\n"
	"  secondparam ; q = 0.33\r\n"
	"\r\n"
	"v=0\r\n";

/* RFC 4475 3.1.1.2 */
static const char intmeth[] =
	"!interesting-Method0123456789_*+`.%indeed'~ "
	"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:"
	"&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\n"
	"Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
	"To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7F\" "
	"<sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
	"@example.com>\r\n"
	"From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
	";fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\";tag=_token~1'+`*%!-.\r\n"
	"Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
	"CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\n"
	"Max-Forwards: 255\r\n"
	"extensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\r\n"
	"Content-Length: 0\r\n"
	"\r\n";

static struct view v;

static enum view_err rd(const char *s)
{
	return view_read(&v, s, strlen(s));
}

static void assert_pl(const struct pl *pl, const char *s)
{
	assert_int_equal(pl->l, strlen(s));
	assert_memory_equal(pl->p, s, pl->l);
}

static void test_plain(void **state)
{
	struct pl val;

	(void)state;
	assert_int_equal(rd(plain), VIEW_OK);
	assert_true(v.is_request);
	assert_int_equal(v.method, VIEW_INVITE);
	assert_pl(&v.uri, "sip:1002@example.com");
	assert_pl(&v.via.sentby, "192.0.2.1:5070");
	assert_int_equal(v.via.port, 5070);
	assert_pl(&v.via.host, "192.0.2.1");
	assert_pl(&v.via.branch, "z9hG4bKabc");
	assert_null(v.via2.all.p);
	assert_pl(&v.from_tag, "a1");
	assert_null(v.to_tag.p);
	assert_pl(&v.call_id, "c1@example.com");
	assert_int_equal(v.cseq, 7);
	assert_int_equal(v.max_forwards, 70);
	assert_int_equal(v.len, sizeof(plain) - 1);
	assert_int_equal(v.len - v.body, 5);
	view_val(&v, view_first(&v, VIEW_CONTACT), &val);
	assert_pl(&val, "<sip:1001@192.0.2.1:5070>");
}

static void test_wsinv(void **state)
{
	struct view_addr a;
	struct pl val, q;

	(void)state;
	assert_int_equal(rd(wsinv), VIEW_OK);
	assert_pl(&v.to.uri, "sip:vivekg@chair-dnrc.example.com");
	assert_pl(&v.to_tag, "1918181833n");
	assert_pl(&v.from.dname, "J Rosenberg \\\\\\\"");
	assert_pl(&v.from_tag, "98asjd8");
	assert_int_equal(v.max_forwards, 68);
	assert_int_equal(v.cseq, 9);
	assert_pl(&v.via.sentby, "192.0.2.2");
	assert_pl(&v.via.branch, "390skdjuw");
	assert_pl(&v.via2.sentby, "spindle.example.com");
	assert_pl(&v.via2.transport, "TCP");
	assert_pl(&v.via2.branch, "z9hG4bK9ikj8");
	assert_int_equal(v.count[VIEW_VIA], 2);
	view_val(&v, view_first(&v, VIEW_CONTACT), &val);
	assert_int_equal(view_addr_read(&a, &val), 0);
	assert_pl(&a.uri, "sip:jdrosen@example.com");
	assert_true(view_param(&a.params, "q", &q));
	assert_pl(&q, "0.33");
	assert_true(view_param(&a.params, "SECONDPARAM", &q));
	assert_int_equal(q.l, 0);
	assert_false(view_param(&a.params, "second", NULL));
}

static void test_intmeth(void **state)
{
	struct view_uri u;

	(void)state;
	assert_int_equal(view_read(&v, intmeth, sizeof(intmeth) - 1), VIEW_OK);
	assert_int_equal(v.method, VIEW_UNKNOWN);
	assert_int_equal(view_uri_read(&u, &v.uri), 0);
	assert_pl(&u.host, "example.com");
	assert_pl(&v.from_tag, "_token~1'+`*%!-.");
}

static void test_responses(void **state)
{
	static const char *const good[] = {
		"SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe\r\n",
		"SIP/2.0 100 \r\n",
		"SIP/2.0 100\r\n",
	};
	static const char *const bad[] = {
		"SIP/2.0 4294967301 better not\r\n",
		"SIP/2.0 99 x\r\n", "SIP/2.0 700 x\r\n", "SIP/2.0 2x0 x\r\n",
		"SIP/2.0  200 x\r\n", "SIP/7.0 200 OK\r\n",
	};
	char buf[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		snprintf(buf, sizeof(buf), "%s%sCSeq: 1 INVITE\r\n\r\n",
			 good[i], HEAD);
		assert_int_equal(rd(buf), VIEW_OK);
		assert_false(v.is_request);
		assert_int_equal(v.method, VIEW_INVITE);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(buf, sizeof(buf), "%s%sCSeq: 1 INVITE\r\n\r\n",
			 bad[i], HEAD);
		assert_int_equal(rd(buf), VIEW_JUNK);
	}
}

/* An OPTIONS of this request line and these headers, which replace ours. */
static enum view_err options(const char *line, const char *hdrs)
{
	static char buf[2048];

	snprintf(buf, sizeof(buf), "%s\r\n%s%s\r\n", line, HEAD, hdrs);

	return rd(buf);
}

static void test_request_lines(void **state)
{
	static const struct {
		const char *line;
		enum view_err err;
		uint16_t code;
	} tv[] = {
		{"OPTIONS sip:a@b SIP/2.0", VIEW_OK, 0},
		{"OPTIONS sip:[2001:db8::10]:5070;lr SIP/2.0", VIEW_OK, 0},
		{"OPTIONS sips:a@b SIP/2.0", VIEW_OK, 0},
		{"OPTIONS sip:a@b SIP/2.0  ", VIEW_OK, 0},
		{"OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0",
		 VIEW_OK, 0},
		{"OPTIONS sip:sips%3Auser%40example.com@example.net SIP/2.0",
		 VIEW_OK, 0},
		{"OPTIONS <sip:a@b> SIP/2.0", VIEW_BAD_START, 400},
		{"OPTIONS sip:a@b; lr SIP/2.0", VIEW_BAD_START, 400},
		{"OPTIONS  sip:a@b  SIP/2.0", VIEW_BAD_START, 400},
		{"OPTIONS SIP/2.0", VIEW_BAD_START, 400},
		{"OPTIONS sip:a@b?Route=%3Csip:c%3E SIP/2.0", VIEW_BAD_URI,
		 400},
		{"OPTIONS sip:a@ SIP/2.0", VIEW_BAD_URI, 400},
		{"OPTIONS sip:a@b:0 SIP/2.0", VIEW_BAD_URI, 400},
		{"OPTIONS sip:a@b:65536 SIP/2.0", VIEW_BAD_URI, 400},
		{"OPTIONS sip:a@[::1 SIP/2.0", VIEW_BAD_URI, 400},
		{"OPTIONS sip:a@[] SIP/2.0", VIEW_BAD_URI, 400},
		{"OPTIONS sip:a@[host] SIP/2.0", VIEW_BAD_URI, 400},
		{"OPTIONS sip:a@[::ffff:192.0.2.1] SIP/2.0", VIEW_OK, 0},
		{"OPTIONS nocolon SIP/2.0", VIEW_BAD_URI, 400},
		{"OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0",
		 VIEW_BAD_SCHEME, 416},
		{"OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0",
		 VIEW_BAD_SCHEME, 416},
		{"OPTIONS tel:+15551234 SIP/2.0", VIEW_BAD_SCHEME, 416},
		{"OPTIONS sip:a@b SIP/7.0", VIEW_BAD_VERSION, 505},
		{"OPTIONS sip:a@b SIP/2.00", VIEW_BAD_VERSION, 505},
		{"GET / HTTP/1.1", VIEW_JUNK, 0},
		{"OPT(IONS sip:a@b SIP/2.0", VIEW_JUNK, 0},
		{"hello", VIEW_JUNK, 0},
		{"", VIEW_JUNK, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(tv); i++) {
		assert_int_equal(options(tv[i].line, "CSeq: 1 OPTIONS\r\n"),
				 tv[i].err);
		assert_int_equal(view_err_code(tv[i].err), tv[i].code);
	}
	assert_int_equal(rd("\r\n\r\n"), VIEW_EMPTY);
	assert_int_equal(rd(""), VIEW_EMPTY);
}

static void test_headers(void **state)
{
	static const struct {
		const char *hdrs;
		enum view_err err;
	} tv[] = {
		{"CSeq: 1 OPTIONS\r\n", VIEW_OK},
		{"CSeq: 1 OPTIONS\r\nX:\r\n", VIEW_OK},
		{"CSeq: 1 OPTIONS\r\nl: 0\r\n", VIEW_OK},
		{"CSeq: 1 INVITE\r\n", VIEW_CSEQ_METHOD},
		{"CSeq: 1 options\r\n", VIEW_CSEQ_METHOD},
		{"CSeq: 36893488147419103232 OPTIONS\r\n", VIEW_BAD_CSEQ},
		{"CSeq: 2147483648 OPTIONS\r\n", VIEW_BAD_CSEQ},
		{"CSeq: -1 OPTIONS\r\n", VIEW_BAD_CSEQ},
		{"CSeq: OPTIONS\r\n", VIEW_BAD_CSEQ},
		{"CSeq: 1\r\n", VIEW_BAD_CSEQ},
		{"CSeq: 1 OPTIONS\r\nCSeq: 1 OPTIONS\r\n", VIEW_TWICE},
		{"CSeq: 1 OPTIONS\r\nt: <sip:a@b>\r\n", VIEW_TWICE},
		{"CSeq: 1 OPTIONS\r\nf: <sip:a@b>\r\n", VIEW_TWICE},
		{"CSeq: 1 OPTIONS\r\ni: 2\r\n", VIEW_TWICE},
		{"CSeq: 1 OPTIONS\r\nMax-Forwards: 300\r\n",
		 VIEW_BAD_MAX_FORWARDS},
		{"CSeq: 1 OPTIONS\r\nMax-Forwards: ten\r\n",
		 VIEW_BAD_MAX_FORWARDS},
		{"CSeq: 1 OPTIONS\r\nMax-Forwards: 1\r\nMax-Forwards: 1\r\n",
		 VIEW_TWICE},
		{"CSeq: 1 OPTIONS\r\nContent-Length: 1\r\n", VIEW_BAD_LENGTH},
		{"CSeq: 1 OPTIONS\r\nContent-Length: -999\r\n",
		 VIEW_BAD_LENGTH},
		{"CSeq: 1 OPTIONS\r\nContent-Length: 0\r\nl: 0\r\n",
		 VIEW_BAD_LENGTH},
		{"CSeq: 1 OPTIONS\r\nContent-Length: \r\n", VIEW_BAD_LENGTH},
		{"CSeq: 1 OPTIONS\r\nno colon\r\n", VIEW_BAD_HEADER},
		{"CSeq: 1 OPTIONS\r\nbad name: x\r\n", VIEW_BAD_HEADER},
		{"CSeq: 1 OPTIONS\r\nVia: SIP/2.0/UDP\r\n", VIEW_BAD_VIA},
		{"CSeq: 1 OPTIONS\r\nVia: HTTP/2.0/UDP h\r\n", VIEW_BAD_VIA},
		{"CSeq: 1 OPTIONS\r\nVia: SIP/7.0/UDP h\r\n", VIEW_BAD_VIA},
		{"CSeq: 1 OPTIONS\r\nVia: SIP/2/UDP h\r\n", VIEW_BAD_VIA},
		{"CSeq: 1 OPTIONS\r\nVia: SIP//UDP h\r\n", VIEW_BAD_VIA},
		{"X: y\r\n", VIEW_MISSING},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(tv); i++)
		assert_int_equal(options("OPTIONS sip:a@b SIP/2.0",
					 tv[i].hdrs),
				 tv[i].err);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *to;
		enum view_err err;
	} tv[] = {
		{"\"Mr. J. User <sip:j.user@example.com>\" <sip:a@b>",
		 VIEW_OK},
		{"caller<sip:caller@example.com>;tag=323", VIEW_OK},
		{"Watson, Thomas < sip:t.watson@example.org >", VIEW_OK},
		{"isbn:2983792873", VIEW_OK},
		{"\"%Z%45\" <sip:resource@example.com>", VIEW_OK},
		{"sip:a@b;x=\"<y>\"", VIEW_OK},
		{"\"Mr. J. User <sip:j.user@example.com>", VIEW_BAD_TO},
		{"<sip:a@b", VIEW_BAD_TO},
		{"<>", VIEW_BAD_TO},
		{"\"x\" sip:a@b", VIEW_BAD_TO},
		{"", VIEW_BAD_TO},
		{"nothing", VIEW_BAD_TO},
		{"<sip:a@b> junk", VIEW_BAD_TO},
	};
	char buf[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(tv); i++) {
		snprintf(buf, sizeof(buf),
			 "BYE sip:a@b SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP [2001:db8::9]:5061;branch=z9hG4bK"
			 "\r\nf: <sip:c@d>\r\ni: 1\r\nCSeq: 1 BYE\r\n"
			 "t: %s\r\n\r\n",
			 tv[i].to);
		assert_int_equal(rd(buf), tv[i].err);
		assert_pl(&v.via.sentby, "[2001:db8::9]:5061");
	}
}

static void test_no_via(void **state)
{
	(void)state;
	assert_int_equal(rd("BYE sip:a@b SIP/2.0\r\nf: <sip:a@b>\r\n"
			    "t: <sip:a@b>\r\ni: 1\r\nCSeq: 1 BYE\r\n\r\n"),
			 VIEW_NO_RETURN);
}

/* RFC 4475 3.4.1: a caller of RFC 2543 */
static void test_rfc2543(void **state)
{
	(void)state;
	assert_int_equal(
		rd("INVITE sip:UserB@example.com SIP/2.0\n"
		   "Via: SIP/2.0/UDP iftgw.example.com\n"
		   "From: <sip:+13035551111@ift.client.example.net;user=phone>"
		   "\nTo: sip:+16505552222@ss1.example.net;user=phone\n"
		   "Call-ID: inv2543.1717@ift.client.example.com\n"
		   "CSeq: 56 INVITE\n\nbody"),
		VIEW_OK);
	assert_null(v.via.branch.p);
	assert_null(v.from_tag.p);
	assert_int_equal(v.max_forwards, -1);
	assert_false(v.has_length);
	assert_int_equal(v.len - v.body, 4);
}

/* RFC 4475 3.1.1.8: what comes behind the body does not belong to it */
static void test_excess(void **state)
{
	char buf[1024];
	int n;

	(void)state;
	n = snprintf(buf, sizeof(buf), "%sINVITE again", plain);
	assert_int_equal(view_read(&v, buf, n), VIEW_OK);
	assert_int_equal(v.len, sizeof(plain) - 1);
}

static void test_lists(void **state)
{
	struct pl rest, val;

	(void)state;
	pl_set_str(&rest, " <sip:a,b@c;lr>, \"x, \\\" y\" <sip:d> ,, e");
	assert_true(view_list(&rest, &val));
	assert_pl(&val, "<sip:a,b@c;lr>");
	assert_true(view_list(&rest, &val));
	assert_pl(&val, "\"x, \\\" y\" <sip:d>");
	assert_true(view_list(&rest, &val));
	assert_pl(&val, "");
	assert_true(view_list(&rest, &val));
	assert_pl(&val, "e");
	assert_false(view_list(&rest, &val));
}

static void test_unescape(void **state)
{
	char buf[8];
	struct pl pl;

	(void)state;
	pl_set_str(&pl, "a%2Ab");
	assert_int_equal(view_unescape(buf, sizeof(buf), &pl), 3);
	assert_string_equal(buf, "a*b");
	pl_set_str(&pl, "%00");
	assert_int_equal(view_unescape(buf, sizeof(buf), &pl), -1);
	pl_set_str(&pl, "%4");
	assert_int_equal(view_unescape(buf, sizeof(buf), &pl), -1);
	pl_set_str(&pl, "%zz");
	assert_int_equal(view_unescape(buf, sizeof(buf), &pl), -1);
	pl_set_str(&pl, "12345678");
	assert_int_equal(view_unescape(buf, sizeof(buf), &pl), -1);
}

static void test_raw_zero(void **state)
{
	char buf[sizeof(plain)];

	(void)state;
	memcpy(buf, plain, sizeof(plain));
	buf[60] = 0;
	assert_int_equal(view_read(&v, buf, sizeof(plain) - 1), VIEW_JUNK);
}

/* Each prefix in memory of exactly its size, so that ASan sees a look
 * beyond it; none is taken for a whole message. */
static void truncate_all(const char *msg, size_t len)
{
	for (size_t n = 0; n < len; n++) {
		char *p = malloc(n ? n : 1);

		assert_non_null(p);
		memcpy(p, msg, n);
		assert_int_not_equal(view_read(&v, p, n), VIEW_OK);
		free(p);
	}
}

static void test_truncated(void **state)
{
	(void)state;
	truncate_all(plain, sizeof(plain) - 1);
	truncate_all(wsinv, sizeof(wsinv) - 1);
	truncate_all(intmeth, sizeof(intmeth) - 1);
}

static uint32_t rnd_state = 20260131;

static uint32_t rnd(uint32_t below)
{
	rnd_state = rnd_state * 1664525 + 1013904223;

	return (uint32_t)(((uint64_t)rnd_state * below) >> 32);
}

static size_t mutate(char *buf, size_t len)
{
	static const char spice[] = "\r\n\t \"<>;,:@%[]\\/=?0S\0\xff";

	for (uint32_t k = 1 + rnd(6); k && len > 1; k--) {
		size_t at = rnd(len), n = 1 + rnd(len - at);

		switch (rnd(4)) {
		case 0:
			buf[at] = (char)rnd(256);
			break;
		case 1:
			buf[at] = spice[rnd(sizeof(spice))];
			break;
		case 2: /* drop a few bytes */
			n = n > 8 ? 8 : n;
			memmove(buf + at, buf + at + n, len - at - n);
			len -= n;
			break;
		default: /* repeat a stretch in place of another */
			n = n > 40 ? 40 : n;
			memmove(buf + rnd(len - n + 1), buf + at, n);
			break;
		}
	}

	return len;
}

static bool within(const struct pl *pl, const char *p, size_t len)
{
	return !pl->p || (pl->p >= p && pl->p + pl->l <= p + len);
}

static void test_mutations(void **state)
{
	static const struct {
		const char *p;
		size_t len;
	} seeds[] = {{plain, sizeof(plain) - 1},
		     {wsinv, sizeof(wsinv) - 1},
		     {intmeth, sizeof(intmeth) - 1}};

	(void)state;
	for (int i = 0; i < 10000; i++) {
		size_t len = seeds[i % 3].len;
		char *p = malloc(len);
		enum view_err err;
		struct view_uri u;

		assert_non_null(p);
		memcpy(p, seeds[i % 3].p, len);
		len = mutate(p, len);
		err = view_read(&v, p, len);
		if (err != VIEW_EMPTY && err != VIEW_JUNK) {
			assert_true(within(&v.via.sentby, p, len));
			assert_true(within(&v.from.uri, p, len));
			assert_true(within(&v.to_tag, p, len));
			assert_true(within(&v.uri, p, len));
			assert_true(v.len <= len);
			(void)view_uri_read(&u, &v.from.uri);
		}
		free(p);
	}
}

/* ---------------------------------------------------------------- edits */

static size_t join(char *out, const struct iovec *iov, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		memcpy(out + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}

	return len;
}

static void test_splice(void **state)
{
	struct iovec iov[EDIT_IOV_MAX];
	struct edits ed;
	char out[64];
	size_t n, sum;

	(void)state;
	edit_init(&ed);
	assert_int_equal(edit_put(&ed, 8, 2, "XYZ", 3), 0);
	assert_int_equal(edit_put(&ed, 2, 0, "a", 1), 0);
	assert_int_equal(edit_put(&ed, 2, 0, "b", 1), 0);
	assert_int_equal(edit_put(&ed, 2, 3, NULL, 0), 0);
	assert_int_equal(edit_put(&ed, 10, 0, "!", 1), 0);
	assert_int_equal(edit_put(&ed, 4, 1, NULL, 0), EINVAL);
	assert_int_equal(edit_put(&ed, 7, 2, NULL, 0), EINVAL);
	n = edit_splice(&ed, iov, "0123456789", 10, &sum);
	assert_int_equal(sum, join(out, iov, n));
	out[sum] = 0;
	assert_string_equal(out, "01ab567XYZ!");

	edit_init(&ed);
	n = edit_splice(&ed, iov, "0123456789", 10, &sum);
	assert_int_equal(n, 1);
	assert_int_equal(sum, 10);
}

/* Random edits beside a dull model that builds the text byte by byte. */
static void test_splice_model(void **state)
{
	static const char txt[] = "ABCDEFGHIJ";

	(void)state;
	for (int round = 0; round < 2000; round++) {
		char out[512], want[512];
		struct iovec iov[EDIT_IOV_MAX];
		const size_t len = sizeof(plain) - 1;
		struct edits ed;
		size_t at = 0, wl = 0, sum, n;

		edit_init(&ed);
		while (at < len) {
			size_t keep = 1 + rnd(40), cut = rnd(5),
			       put = rnd(sizeof(txt));

			keep = keep > len - at ? len - at : keep;
			memcpy(want + wl, plain + at, keep);
			wl += keep;
			at += keep;
			cut = cut > len - at ? len - at : cut;
			if (wl + put + len - at > sizeof(want) ||
			    edit_put(&ed, (uint32_t)at, (uint32_t)cut, txt,
				     put))
				continue;
			memcpy(want + wl, txt, put);
			wl += put;
			at += cut;
		}
		n = join(out, iov, edit_splice(&ed, iov, plain, len, &sum));
		assert_int_equal(n, sum);
		assert_int_equal(sum, wl);
		assert_memory_equal(out, want, wl);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_wsinv),
		cmocka_unit_test(test_intmeth),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_request_lines),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_no_via),
		cmocka_unit_test(test_rfc2543),
		cmocka_unit_test(test_excess),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_unescape),
		cmocka_unit_test(test_raw_zero),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_splice),
		cmocka_unit_test(test_splice_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

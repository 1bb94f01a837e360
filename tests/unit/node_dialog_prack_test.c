/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* Reliable provisional answers (RFC 3262), and UPDATE before the answer
 * (RFC 3311), in both directions. */

#include "node_dialog.h"

#define REL "Supported: 100rel\r\nAllow: INVITE, PRACK, UPDATE\r\n"
#define CONTACT(n) "Contact: <sip:bob@192.0.2." n ":5062>\r\n"
#define R(rseq) "Require: 100rel\r\nRSeq: " rseq "\r\nAllow: UPDATE, PRACK\r\n"

/* ------------------------------------------------------------ we are called */

static void called(struct peer *p, const char *extra, const char *body)
{
	peer_init(p);
	str_ncpy(p->extra, extra, sizeof(p->extra));
	p->body = body;
	peer_send(&fx.r[0], p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	p->extra[0] = 0;
}

static int progress(uint16_t code, const char *sdp)
{
	struct mbuf *mb = sdp ? mb_text(sdp) : NULL;
	int err = dialog_progress(fx.d, code, NULL, mb);

	mem_deref(mb);

	return err;
}

/* The peer's request in the dialog that a reply of ours made. */
static void within(struct peer *p, const char *msg)
{
	str_ncpy(p->to, hdr(msg, "To", 0), sizeof(p->to));
	peer_next(p);
}

/* What its PRACK is answered with. */
static const char *prack(struct peer *p, const char *msg, int more,
			 const char *body, const char *status)
{
	struct peer q;

	within(p, msg);
	q = *p;
	q.body = body;
	(void)re_snprintf(q.extra, sizeof(q.extra), "RAck: %d 100 INVITE\r\n",
			  atoi(hdr(msg, "RSeq", 0)) + more);
	peer_send(&fx.r[0], &q, "PRACK");

	return expect(&fx.r[0], status);
}

/* INVITE's own ACK. */
static void ack_and_bye(struct peer *p)
{
	struct peer a = *p;

	a.cseq = 100;
	peer_ack(&fx.r[0], &a, NULL);
	wait_event(&fx.seen.established);
	assert_string_equal(fx.seen.sdp, "");
	peer_next(p);
	p->body = NULL;
	peer_send(&fx.r[0], p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
}

/* A description goes reliably, is repeated until its PRACK, and is not said
 * again in the 200, which waits for the PRACK; a wrong RAck is 481. */
static void test_answer_waits(void **state)
{
	struct mbuf *mb;
	const char *m, *ok;
	struct peer p;

	(void)state;

	called(&p, REL, OFFER);
	assert_int_equal(progress(180, NULL), 0);
	HAS_NOT(expect(&fx.r[0], "SIP/2.0 180 "), "RSeq");
	assert_int_equal(progress(183, ANSWER), 0);
	m = expect(&fx.r[0], "SIP/2.0 183 ");
	HAS(m, "Require: 100rel\r\n");
	HAS(m, "UPDATE\r\n");
	HAS(m, ANSWER);
	mb = mb_text(ANSWER);
	assert_int_equal(dialog_answer(fx.d, mb), 0);
	assert_int_equal(dialog_answer(fx.d, mb), EPROTO);
	mem_deref(mb);
	expect_nothing(&fx.r[0], 6 * T1_MS);
	assert_true(copies(&fx.r[0], m) >= 2);

	(void)prack(&p, m, 1, NULL, "SIP/2.0 481 ");
	within(&p, m);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "PRACK");
	(void)expect(&fx.r[0], "SIP/2.0 400 ");
	assert_int_equal(dialog_state(fx.d), DIALOG_EARLY);

	HAS_NOT(prack(&p, m, 0, NULL, "SIP/2.0 200 "), "Contact");
	wait_event(&fx.seen.acked);
	assert_false(fx.seen.ours);
	ok = expect(&fx.r[0], "SIP/2.0 200 ");
	HAS(ok, "CSeq: 100 INVITE\r\n");
	HAS(ok, "Content-Length: 0\r\n");
	assert_int_equal(dialog_state(fx.d), DIALOG_ANSWERED);
	ack_and_bye(&p);
}

/* One waits at a time; where 100rel is required also that without a
 * description is reliable. */
static void test_one_at_a_time(void **state)
{
	const char *m, *m2;
	struct peer p;

	(void)state;

	called(&p, "Require: 100rel\r\n", OFFER);
	assert_int_equal(progress(180, NULL), 0);
	m = expect(&fx.r[0], "SIP/2.0 180 ");
	HAS(m, "RSeq: ");
	assert_int_equal(progress(183, ANSWER), 0);
	assert_int_equal(progress(182, NULL), 0);
	expect_nothing(&fx.r[0], 4 * T1_MS);
	assert_int_equal(answer(ANSWER), 0);
	(void)prack(&p, m, 0, NULL, "SIP/2.0 200 ");
	m2 = expect(&fx.r[0], "SIP/2.0 182 ");
	HAS(m2, ANSWER);
	assert_int_equal(atoi(hdr(m2, "RSeq", 0)), atoi(hdr(m, "RSeq", 0)) + 1);
	(void)prack(&p, m2, 0, NULL, "SIP/2.0 200 ");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	ack_and_bye(&p);
}

/* Nobody acknowledges it. */
static void test_no_prack(void **state)
{
	struct peer p;

	(void)state;

	called(&p, REL, OFFER);
	assert_int_equal(progress(183, ANSWER), 0);
	(void)expect(&fx.r[0], "SIP/2.0 183 ");
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 504);
	assert_false(fx.seen.remote);
	(void)expect(&fx.r[0], "SIP/2.0 504 ");
	peer_send(&fx.r[0], &p, "ACK");
}

/* Our offer in the 183, its answer in the PRACK. */
static void test_late_offer(void **state)
{
	const char *m;
	struct peer p;

	(void)state;

	called(&p, REL, NULL);
	assert_true(dialog_is_reliable(fx.d));
	assert_int_equal(progress(183, OFFER), 0);
	m = expect(&fx.r[0], "SIP/2.0 183 ");

	/* an offer of its own would cross ours */
	within(&p, m);
	p.body = OFFER;
	peer_send(&fx.r[0], &p, "UPDATE");
	(void)expect(&fx.r[0], "SIP/2.0 491 ");

	(void)prack(&p, m, 0, ANSWER, "SIP/2.0 200 ");
	wait_event(&fx.seen.acked);
	assert_true(fx.seen.ours);
	assert_string_equal(fx.seen.sdp, ANSWER);
	assert_int_equal(dialog_answer(fx.d, NULL), 0);
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), "Content-Length: 0\r\n");
	ack_and_bye(&p);
}

/* Offers in PRACK and UPDATE before the answer, and ours by UPDATE. */
static void test_offers(void **state)
{
	const char *m, *upd;
	struct peer p;
	struct mbuf *mb = mb_text(OFFER);

	(void)state;

	fx.answer_at_once = true;
	called(&p, REL, OFFER);
	assert_int_equal(dialog_offer(fx.d, mb), EPROTO);
	assert_int_equal(progress(183, ANSWER), 0);
	m = expect(&fx.r[0], "SIP/2.0 183 ");
	assert_int_equal(dialog_offer(fx.d, mb), ENOTSUP);
	within(&p, m);
	p.body = OFFER;
	peer_send(&fx.r[0], &p, "UPDATE");
	HAS(expect(&fx.r[0], "SIP/2.0 500 "), "Retry-After: ");

	HAS(prack(&p, m, 0, OFFER, "SIP/2.0 200 "), ANSWER);
	wait_event(&fx.seen.offer);
	peer_next(&p);
	p.body = OFFER;
	peer_send(&fx.r[0], &p, "UPDATE");
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), ANSWER);
	wait_event(&fx.seen.offer);

	assert_int_equal(dialog_offer(fx.d, mb), 0);
	assert_int_equal(dialog_offer(fx.d, mb), EBUSY);
	upd = expect(&fx.r[0], "UPDATE sip:1001@192.0.2.1:5060;ob ");
	HAS(upd, OFFER);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "UPDATE");
	(void)expect(&fx.r[0], "SIP/2.0 491 ");
	reply(&fx.r[0], upd, "200 OK", NULL, NULL, ANSWER);
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.err, 0);
	assert_string_equal(fx.seen.sdp, ANSWER);
	assert_int_equal(answer(ANSWER), 0);
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), "Content-Length: 0\r\n");
	ack_and_bye(&p);
	mem_deref(mb);
}

/* While the 200 waits the call may still be cancelled, or hung up. */
static void test_given_up(void **state)
{
	struct peer p;

	(void)state;

	called(&p, REL, OFFER);
	assert_int_equal(progress(183, ANSWER), 0);
	(void)expect(&fx.r[0], "SIP/2.0 183 ");
	assert_int_equal(answer(ANSWER), 0);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "CANCEL");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	(void)expect(&fx.r[0], "SIP/2.0 487 ");
	wait_event(&fx.seen.closed);

	called(&p, REL, OFFER);
	assert_int_equal(progress(183, ANSWER), 0);
	(void)expect(&fx.r[0], "SIP/2.0 183 ");
	assert_int_equal(answer(ANSWER), 0);
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	(void)expect(&fx.r[0], "SIP/2.0 480 ");
}

/* What the settings say. */
static void test_policy(void **state)
{
	const char *m;
	struct peer p;

	(void)state;

	sipua_set_prack(fx.ua, SIP_PRACK_OFF);
	peer_init(&p);
	str_ncpy(p.extra, "Require: 100rel\r\n", sizeof(p.extra));
	peer_send(&fx.r[0], &p, "INVITE");
	HAS(expect(&fx.r[0], "SIP/2.0 420 "), "Unsupported: 100rel\r\n");
	called(&p, REL, OFFER);
	assert_int_equal(progress(183, ANSWER), 0);
	HAS_NOT(expect(&fx.r[0], "SIP/2.0 183 "), "RSeq");
	dialog_hangup(fx.d, 486, NULL);
	fx.d = mem_deref(fx.d);
	(void)expect(&fx.r[0], "SIP/2.0 486 ");

	sipua_set_prack(fx.ua, SIP_PRACK_REQUIRED);
	peer_init(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	HAS(expect(&fx.r[0], "SIP/2.0 421 "), "Require: 100rel\r\n");
	called(&p, REL, OFFER);
	assert_int_equal(progress(180, NULL), 0);
	m = expect(&fx.r[0], "SIP/2.0 180 ");
	HAS(m, "RSeq: ");
	assert_int_equal(answer(ANSWER), 0);
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), ANSWER);

	/* the PRACK that crosses the 200 */
	(void)prack(&p, m, 0, NULL, "SIP/2.0 200 ");
	ack_and_bye(&p);
}

/* ----------------------------------------------------------------- we call */

static const char *call(void)
{
	struct mbuf *sdp = mb_text(OFFER);
	struct dialog_invite inv = {
	    .uri = "sip:1002@192.0.2.2:5062",
	    .from_uri = "sip:1001@switchyard",
	    .router = "router-1",
	    .sdp = sdp,
	    .tok = {.instance = INSTANCE, .leg = 9, .epoch = 3},
	};

	memset(inv.tok.hub, 7, sizeof(inv.tok.hub));
	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
	mem_deref(sdp);

	return expect(&fx.r[0], "INVITE sip:1002@192.0.2.2:5062 SIP/2.0\r\n");
}

static void is_prack(const char *m, const char *tag, const char *rack)
{
	HAS(hdr(m, "To", 0), tag);
	HAS(hdr(m, "RAck", 0), rack);
}

static void finish(const char *req, const char *tag, const char *body)
{
	reply(&fx.r[0], req, "200 OK", tag, CONTACT("9"), body);
	(void)expect(&fx.r[0], "ACK sip:bob@192.0.2.9:5062 ");
	wait_event(&fx.seen.established);
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

/* Each branch has its own order, target, route set; copies and what is out of
 * order are not acknowledged, nor told. */
static void test_branches(void **state)
{
	const char *req, *m, *cseq;

	(void)state;

	req = call();
	HAS(req, "Supported: 100rel, histinfo, replaces, timer\r\n");
	cseq = hdr(req, "CSeq", 0);
	HAS(cseq, " INVITE");
	reply(&fx.r[0], req, "183 X", "bob",
	      CONTACT("3") R("7") "Record-Route: <sip:a.example.com;lr>, "
				  "<sip:RT.g@192.0.2.100;lr>"
				  "\r\n",
	      ANSWER);
	m = expect(&fx.r[0], "PRACK sip:bob@192.0.2.3:5062 ");
	is_prack(m, ";tag=bob", "7 ");
	HAS(hdr(m, "RAck", 0), cseq);
	HAS(hdr(m, "Route", 1), "RT.g");
	HAS(hdr(m, "Route", 2), "a.example.com");
	reply(&fx.r[0], m, "200 OK", NULL, NULL, NULL);
	wait_event(&fx.seen.progress);
	assert_string_equal(fx.seen.sdp, ANSWER);

	/* another branch, with numbers of its own */
	reply(&fx.r[0], req, "180 Ringing", "joe", CONTACT("4") R("700"), NULL);
	m = expect(&fx.r[0], "PRACK sip:bob@192.0.2.4:5062 ");
	is_prack(m, ";tag=joe", "700 ");
	assert_string_equal(hdr(m, "Route", 1), "");
	reply(&fx.r[0], m, "200 OK", NULL, NULL, NULL);
	wait_event(&fx.seen.progress);

	/* again; not the next; the next */
	reply(&fx.r[0], req, "183 X", "bob", CONTACT("3") R("7"), ANSWER);
	reply(&fx.r[0], req, "182 X", "bob", CONTACT("3") R("9"), NULL);
	expect_nothing(&fx.r[0], 50);
	assert_int_equal(fx.seen.progress, 0);
	reply(&fx.r[0], req, "180 X", "bob", CONTACT("3") R("8"), NULL);
	m = expect(&fx.r[0], "PRACK sip:bob@192.0.2.3:5062 ");
	is_prack(m, ";tag=bob", "8 ");
	reply(&fx.r[0], m, "200 OK", NULL, NULL, NULL);
	wait_event(&fx.seen.progress);

	/* the one that answers need not say again what it had said */
	finish(req, "bob", NULL);
	assert_string_equal(fx.seen.sdp, ANSWER);
}

/* Another one answers than that which was heard. */
static void test_other_answers(void **state)
{
	const char *req;

	(void)state;

	req = call();
	reply(&fx.r[0], req, "183 X", "bob", CONTACT("3") R("7"), ANSWER);
	reply(&fx.r[0], expect(&fx.r[0], "PRACK "), "200 OK", NULL, NULL, NULL);
	wait_event(&fx.seen.progress);
	finish(req, "joe", OFFER);
	assert_string_equal(fx.seen.sdp, OFFER);
	assert_false(dialog_is_updated(fx.d));
}

/* Who was heard offers by UPDATE before it answers, and is offered to. */
static void test_early_update(void **state)
{
	struct mbuf *mb = mb_text(OFFER);
	const char *req, *m;
	struct peer p;

	(void)state;

	fx.answer_at_once = true;
	req = call();
	peer_init(&p);
	str_ncpy(p.call_id, hdr(req, "Call-ID", 0), sizeof(p.call_id));
	str_ncpy(p.ftag, "bob", sizeof(p.ftag));
	str_ncpy(p.to, hdr(req, "From", 0), sizeof(p.to));

	/* what came unreliably is no end of offer and answer */
	reply(&fx.r[0], req, "183 X", "bob", CONTACT("3"), ANSWER);
	wait_event(&fx.seen.progress);
	peer_send(&fx.r[0], &p, "UPDATE");
	(void)expect(&fx.r[0], "SIP/2.0 491 ");
	assert_int_equal(dialog_offer(fx.d, mb), ENOTSUP);

	reply(&fx.r[0], req, "183 X", "bob", CONTACT("3") R("7"), ANSWER);
	reply(&fx.r[0], expect(&fx.r[0], "PRACK "), "200 OK", NULL, NULL, NULL);
	wait_event(&fx.seen.progress);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "UPDATE");
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), ANSWER);
	wait_event(&fx.seen.offer);

	/* a number of its own: another branch counts for itself */
	p.cseq = 3;
	peer_next(&p);
	peer_send(&fx.r[0], &p, "UPDATE");
	(void)expect(&fx.r[0], "SIP/2.0 500 ");

	assert_int_equal(dialog_offer(fx.d, mb), 0);
	m = expect(&fx.r[0], "UPDATE sip:1001@192.0.2.1:5060;ob ");
	HAS(hdr(m, "To", 0), ";tag=bob");
	reply(&fx.r[0], m, "200 OK", NULL, CONTACT("5"), ANSWER);
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.err, 0);

	/* what its 200 repeats is older */
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT("9"), ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.established);
	assert_string_equal(fx.seen.sdp, "");
	assert_true(dialog_is_updated(fx.d));
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
	mem_deref(mb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_answer_waits),  TEST(test_one_at_a_time),
	    TEST(test_no_prack),      TEST(test_late_offer),
	    TEST(test_offers),	      TEST(test_given_up),
	    TEST(test_policy),	      TEST(test_branches),
	    TEST(test_other_answers), TEST(test_early_update),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

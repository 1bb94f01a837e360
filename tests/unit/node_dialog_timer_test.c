/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* UPDATE and session timers of dialogs.  A second of a timer lasts 10 ms. */

#include "node_dialog.h"

enum { SECOND_MS = 10 };

#define CONTACT "Contact: <sip:1002@192.0.2.2:5062>\r\n"
#define KNOWS_UPDATE "Allow: INVITE, UPDATE, ACK\r\n"
#define T "Supported: timer\r\n"

/* ---------------------------------------------------------------- calls */

static void timers(uint32_t expires_s)
{
	sipua_set_session(fx.ua, expires_s, 0);
	sipua_set_second(fx.ua, SECOND_MS);
}

/* We call; the INVITE as router 1 got it. */
static const char *call(void)
{
	struct mbuf *sdp = mb_text(OFFER);
	struct dialog_invite inv = {
	    .uri = "sip:1002@192.0.2.2:5062",
	    .from_uri = "sip:1001@switchyard",
	    .router = "router-1",
	    .sdp = sdp,
	    .extra = "X-Test: 1\r\n",
	};

	inv.tok.instance = INSTANCE;
	inv.tok.leg = 9;
	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
	mem_deref(sdp);

	return expect(&fx.r[0], "INVITE ");
}

/* ... and it is answered, with these headers. */
static const char *call_answered(const char *hdrs)
{
	const char *req = call();
	char extra[256];

	(void)re_snprintf(extra, sizeof(extra), CONTACT "%s", hdrs);
	reply(&fx.r[0], req, "200 OK", "bob", extra, ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.established);

	return req;
}

/* We are called; our 200. */
static const char *called(struct peer *p, const char *hdrs)
{
	const char *ok;

	peer_init(p);
	str_ncpy(p->extra, hdrs, sizeof(p->extra));
	peer_send(&fx.r[0], p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	assert_int_equal(answer(ANSWER), 0);
	ok = expect(&fx.r[0], "SIP/2.0 200 ");
	str_ncpy(p->to, hdr(ok, "To", 0), sizeof(p->to));
	p->extra[0] = '\0';
	p->body = NULL;
	peer_ack(&fx.r[0], p, NULL);
	wait_event(&fx.seen.established);

	return ok;
}

/* The callee's requests in our dialog. */
static void callee_init(struct peer *p, const char *req)
{
	peer_init(p);
	str_ncpy(p->call_id, hdr(req, "Call-ID", 0), sizeof(p->call_id));
	str_ncpy(p->ftag, "bob", sizeof(p->ftag));
	str_ncpy(p->to, hdr(req, "From", 0), sizeof(p->to));
}

static const char *ask(struct peer *p, const char *met, const char *status)
{
	peer_next(p);
	peer_send(&fx.r[0], p, met);

	return expect(&fx.r[0], status);
}

static void bye_ok(void)
{
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

static void hangup(void)
{
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	bye_ok();
}

/* ---------------------------------------------------------------- UPDATE */

static void test_update_target(void **state)
{
	struct peer p;
	const char *ok;

	(void)state;

	(void)called(&p, "");
	ok = ask(&p, "UPDATE", "SIP/2.0 200 ");
	HAS(ok, "\r\nContact: <sip:");
	HAS(hdr(ok, "Allow", 0), "UPDATE");
	HAS_NOT(ok, "Session-Expires");
	HAS_NOT(ok, "Content-Type");
	assert_int_equal(fx.seen.offer, 0);

	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], expect(&fx.r[0], "BYE sip:1001@192.0.2.1:5060;ob "),
	      "200 OK", NULL, NULL, NULL);
}

static void test_update_offer(void **state)
{
	struct peer p;

	(void)state;

	(void)called(&p, "");
	p.body = OFFER;
	fx.answer_at_once = true;
	HAS(ask(&p, "UPDATE", "SIP/2.0 200 "), "\r\n\r\n" ANSWER);
	assert_int_equal(fx.seen.offer, 1);
	assert_string_equal(fx.seen.sdp, OFFER);

	/* nobody answers it: it cannot wait */
	fx.answer_at_once = false;
	(void)ask(&p, "UPDATE", "SIP/2.0 504 ");
	assert_int_equal(fx.seen.offer, 2);

	p.ctype = "text/plain";
	HAS(ask(&p, "UPDATE", "SIP/2.0 415 "), "Accept: application/sdp");
	assert_int_equal(fx.seen.offer, 2);
	hangup();
}

/* RFC 3311 5.2 */
static void test_update_glare(void **state)
{
	struct mbuf *mb = mb_text(OFFER);
	const char *re, *msg;
	struct peer p, q;

	(void)state;

	/* its first offer is not answered yet */
	peer_init(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	assert_int_equal(dialog_progress(fx.d, 180, NULL, NULL), 0);
	msg = expect(&fx.r[0], "SIP/2.0 180 ");
	str_ncpy(p.to, hdr(msg, "To", 0), sizeof(p.to));
	q = p;
	HAS(ask(&q, "UPDATE", "SIP/2.0 500 "), "\r\nRetry-After: ");
	q.body = NULL;
	(void)ask(&q, "UPDATE", "SIP/2.0 200 ");
	assert_int_equal(answer(ANSWER), 0);
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	peer_ack(&fx.r[0], &p, NULL);
	wait_event(&fx.seen.established);

	/* ours is under way */
	assert_int_equal(dialog_offer(fx.d, mb), 0);
	re = expect(&fx.r[0], "INVITE ");
	q.body = OFFER;
	(void)ask(&q, "UPDATE", "SIP/2.0 491 ");
	q.body = NULL;
	(void)ask(&q, "UPDATE", "SIP/2.0 200 ");
	reply(&fx.r[0], re, "200 OK", NULL, NULL, ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.offer, 0);
	mem_deref(mb);
	hangup();
}

/* Who we call may say where it is before it answers; offers want PRACK. */
static void test_update_rings(void **state)
{
	const char *req = call();
	struct peer p;

	(void)state;

	reply(&fx.r[0], req, "180 Ringing", "bob", CONTACT, NULL);
	wait_event(&fx.seen.progress);
	callee_init(&p, req);
	(void)ask(&p, "UPDATE", "SIP/2.0 491 ");
	p.body = NULL;
	(void)ask(&p, "UPDATE", "SIP/2.0 200 ");
	reply(&fx.r[0], req, "486 Busy Here", "bob", NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.closed);
}

/* ------------------------------------------------------ what is asked for */

static void test_invite_asks(void **state)
{
	const char *req;

	(void)state;

	timers(1800);
	req = call_answered("");
	assert_string_equal(hdr(req, "Supported", 0), "100rel, histinfo, replaces, timer");
	assert_string_equal(hdr(req, "Session-Expires", 0), "1800");
	assert_string_equal(hdr(req, "Min-SE", 0), "90");
	hangup();

	timers(0);
	req = call_answered("");
	HAS(req, "Supported: 100rel, histinfo, replaces, timer\r\n");
	HAS_NOT(req, "Session-Expires");
	HAS_NOT(req, "Min-SE");
	hangup();
}

static uint32_t cseq(const char *msg)
{
	return (uint32_t)atoi(hdr(msg, "CSeq", 0));
}

/* 422: the same again, with more. */
static void test_too_small(void **state)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT;
	const char *req, *again;

	(void)state;

	timers(90);
	req = call();
	reply(&fx.r[0], req, "422 Too Small", "bob", "Min-SE: 300\r\n", NULL);
	(void)expect(&fx.r[0], "ACK ");
	again = expect(&fx.r[0], "INVITE ");
	assert_string_equal(hdr(again, "Session-Expires", 0), "300");
	assert_string_equal(hdr(again, "Min-SE", 0), "300");
	assert_string_equal(hdr(again, "Call-ID", 0), hdr(req, "Call-ID", 0));
	assert_string_equal(hdr(again, "From", 0), hdr(req, "From", 0));
	assert_string_equal(hdr(again, "To", 0), hdr(req, "To", 0));
	assert_int_equal(cseq(again), cseq(req) + 1);
	HAS(again, "X-Test: 1\r\n");
	HAS(again, "\r\n\r\n" OFFER);
	dialog_checkpoint(fx.d, &st);
	assert_int_equal(st.invite_cseq, cseq(again));

	/* it does not get what it wants by saying the same */
	reply(&fx.r[0], again, "422 Too Small", "bob", "Min-SE: 300\r\n", NULL);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 422);
}

/* The same within the call. */
static void test_reinvite_too_small(void **state)
{
	struct mbuf *mb = mb_text(OFFER);
	const char *req, *re;

	(void)state;

	timers(1800);
	req = call_answered("Session-Expires: 1800;refresher=uas\r\n");
	assert_int_equal(dialog_offer(fx.d, mb), 0);
	re = expect(&fx.r[0], "INVITE ");
	assert_string_equal(hdr(re, "Session-Expires", 0),
			    "1800;refresher=uas");
	reply(&fx.r[0], re, "422 Too Small", NULL, "Min-SE: 3600\r\n", NULL);
	(void)expect(&fx.r[0], "ACK ");
	re = expect(&fx.r[0], "INVITE ");
	assert_string_equal(hdr(re, "Session-Expires", 0),
			    "3600;refresher=uas");
	assert_int_equal(cseq(re), cseq(req) + 2);
	HAS(re, "\r\n\r\n" OFFER);
	reply(&fx.r[0], re, "200 OK", NULL, NULL, ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.err, 0);
	mem_deref(mb);
	hangup();
}

/* --------------------------------------------------- what is agreed to */

static void test_refuses(void **state)
{
	struct peer p;

	(void)state;

	timers(1800);
	peer_init(&p);
	str_ncpy(p.extra, T "Session-Expires: 60\r\n", sizeof(p.extra));
	peer_send(&fx.r[0], &p, "INVITE");
	assert_string_equal(hdr(expect(&fx.r[0], "SIP/2.0 422 "), "Min-SE", 0),
			    "90");
	assert_int_equal(fx.seen.incoming, 0);

	/* again, as it was told to; timer may be required */
	peer_init(&p);
	str_ncpy(p.extra, "Require: precondition, timer\r\n", sizeof(p.extra));
	peer_send(&fx.r[0], &p, "INVITE");
	assert_string_equal(
	    hdr(expect(&fx.r[0], "SIP/2.0 420 "), "Unsupported", 0),
	    "precondition");

	HAS(called(&p, "Require: timer\r\nSession-Expires: 90\r\n"),
	    "\r\nSession-Expires: 90;refresher=uas\r\nRequire: timer\r\n");
	str_ncpy(p.extra, T "Session-Expires: 60\r\n", sizeof(p.extra));
	(void)ask(&p, "INVITE", "SIP/2.0 422 ");
	p.body = NULL;
	peer_send(&fx.r[0], &p, "ACK");
	(void)ask(&p, "UPDATE", "SIP/2.0 422 ");
	hangup();
}

/* Who knows nothing of it gets nothing of it. */
static void test_old_phone(void **state)
{
	struct peer p;
	const char *ok;

	(void)state;

	timers(90);
	ok = called(&p, "");
	HAS_NOT(ok, "Session-Expires");
	HAS_NOT(ok, "Require");
	expect_nothing(&fx.r[0], 60 * SECOND_MS);
	hangup();
}

/* ------------------------------------------------------------ refreshing */

static void test_by_update(void **state)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT;
	const char *req, *up;
	int i;

	(void)state;

	timers(90);
	req =
	    call_answered(KNOWS_UPDATE "Session-Expires: 90;refresher=uac\r\n");
	dialog_checkpoint(fx.d, &st);
	assert_int_equal(st.session_expires_s, 90);
	assert_true(st.refresher);
	assert_true(st.peer_update);
	assert_true(st.last_refresh_ms + 5000 > timestamp_now_ms());

	for (i = 0; i < 3; i++) {
		up = expect(&fx.r[0], "UPDATE ");
		assert_string_equal(hdr(up, "Session-Expires", 0),
				    "90;refresher=uac");
		assert_int_equal(cseq(up), cseq(req) + 1 + (uint32_t)i);
		HAS(up, "\r\nContact: <sip:");
		HAS_NOT(up, "Content-Type");
		assert_false(dialog_is_quiet(fx.d));
		reply(&fx.r[0], up, "200 OK", NULL,
		      T "Session-Expires: 90;refresher=uac\r\n", NULL);
	}
	assert_int_equal(fx.seen.refresh, 0);
	assert_int_equal(fx.seen.closed, 0);
	hangup();
}

static void test_by_reinvite(void **state)
{
	const char *re;
	int i;

	(void)state;

	timers(90);
	(void)call_answered("Session-Expires: 90\r\n");
	for (i = 0; i < 2; i++) {
		re = expect(&fx.r[0], "INVITE ");
		assert_string_equal(hdr(re, "Session-Expires", 0),
				    "90;refresher=uac");
		reply(&fx.r[0], re, "200 OK", NULL,
		      "Session-Expires: 90;refresher=uac\r\n", ANSWER);
		(void)expect(&fx.r[0], "ACK ");
		wait_event(&fx.seen.answered);
	}
	assert_int_equal(fx.seen.refresh, 2);
	hangup();
}

/* It says that it knows UPDATE, and does not. */
static void test_update_unknown(void **state)
{
	const char *up;

	(void)state;

	timers(90);
	(void)call_answered(KNOWS_UPDATE "Session-Expires: 90\r\n");
	up = expect(&fx.r[0], "UPDATE ");
	reply(&fx.r[0], up, "405 Method Not Allowed", NULL, NULL, NULL);
	reply(&fx.r[0], expect(&fx.r[0], "INVITE "), "200 OK", NULL,
	      "Session-Expires: 90;refresher=uas\r\n", ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	hangup();
}

static void test_update_too_small(void **state)
{
	const char *up;

	(void)state;

	timers(90);
	(void)call_answered(KNOWS_UPDATE "Session-Expires: 90\r\n");
	up = expect(&fx.r[0], "UPDATE ");
	reply(&fx.r[0], up, "422 Too Small", NULL, "Min-SE: 200\r\n", NULL);
	up = expect(&fx.r[0], "UPDATE ");
	assert_string_equal(hdr(up, "Session-Expires", 0), "200;refresher=uac");
	reply(&fx.r[0], up, "200 OK", NULL, "Session-Expires: 200\r\n", NULL);
	expect_nothing(&fx.r[0], 60 * SECOND_MS);
	hangup();
}

/* It does not know the call any more. */
static void test_update_481(void **state)
{
	(void)state;

	timers(90);
	(void)call_answered(KNOWS_UPDATE "Session-Expires: 90\r\n");
	reply(&fx.r[0], expect(&fx.r[0], "UPDATE "), "481 No", NULL, NULL,
	      NULL);
	bye_ok();
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 481);
}

/* Never refreshed, though asked again and again. */
static void test_never_refreshed(void **state)
{
	unsigned n = 0;
	const char *up;

	(void)state;

	timers(90);
	(void)call_answered(KNOWS_UPDATE "Session-Expires: 90\r\n");
	while (!fx.seen.closed) {
		assert_true(wait_for(fresh_cond, &fx.r[0], WAIT_MS));
		up = fx.r[0].msgv[fx.r[0].next];
		if (!strncmp(up, "BYE ", 4))
			break;
		reply(&fx.r[0], expect(&fx.r[0], "UPDATE "), "500 Server Error",
		      NULL, NULL, NULL);
		++n;
	}
	bye_ok();
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 408);
	assert_true(n >= 2);
}

/* ------------------------------------------------------ the peer refreshes */

static void test_peer_refreshes(void **state)
{
	struct peer p;
	int i;

	(void)state;

	timers(1800);
	HAS(called(&p, T "Session-Expires: 90;refresher=uac\r\n"),
	    "\r\nSession-Expires: 90;refresher=uac\r\nRequire: timer\r\n");
	str_ncpy(p.extra, T "Session-Expires: 90;refresher=uac\r\n",
		 sizeof(p.extra));
	for (i = 0; i < 3; i++) {
		expect_nothing(&fx.r[0], 40 * SECOND_MS);
		HAS(ask(&p, "UPDATE", "SIP/2.0 200 "),
		    "\r\nSession-Expires: 90;refresher=uac\r\n");
	}
	assert_int_equal(fx.seen.closed, 0);

	/* ... and then does not; it is not ended too early */
	expect_nothing(&fx.r[0], 40 * SECOND_MS);
	bye_ok();
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 408);
	assert_false(fx.seen.remote);
}

/* An offer of ours that is refused makes us no refresher. */
static void test_refused_offer(void **state)
{
	struct mbuf *mb = mb_text(OFFER);

	(void)state;

	timers(400);
	(void)call_answered(KNOWS_UPDATE
			    "Session-Expires: 400;refresher=uas\r\n");
	assert_int_equal(dialog_offer(fx.d, mb), 0);
	reply(&fx.r[0], expect(&fx.r[0], "INVITE "), "488 No", NULL, NULL,
	      NULL);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.answered);
	expect_nothing(&fx.r[0], 20 * SECOND_MS);
	mem_deref(mb);
	hangup();
}

/* It may be another node's by now, and refreshed there. */
static void test_unsure(void **state)
{
	(void)state;

	timers(90);
	(void)call_answered("Session-Expires: 90;refresher=uas\r\n");
	sipua_set_unsure(fx.ua, true);
	expect_nothing(&fx.r[0], 100 * SECOND_MS);
	assert_int_equal(fx.seen.closed, 0);
	sipua_set_unsure(fx.ua, false);
	bye_ok();
	wait_event(&fx.seen.closed);
}

/* One that leaves is neither refreshed nor ended here. */
static void test_frozen(void **state)
{
	(void)state;

	timers(90);
	(void)call_answered(KNOWS_UPDATE "Session-Expires: 90\r\n");
	assert_int_equal(dialog_freeze(fx.d), 0);
	expect_nothing(&fx.r[0], 80 * SECOND_MS);
	assert_true(dialog_is_quiet(fx.d));
	dialog_thaw(fx.d);
	bye_ok();
	wait_event(&fx.seen.closed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_update_target),
	    TEST(test_update_offer),
	    TEST(test_update_glare),
	    TEST(test_update_rings),
	    TEST(test_invite_asks),
	    TEST(test_too_small),
	    TEST(test_reinvite_too_small),
	    TEST(test_refuses),
	    TEST(test_old_phone),
	    TEST(test_by_update),
	    TEST(test_by_reinvite),
	    TEST(test_update_unknown),
	    TEST(test_update_too_small),
	    TEST(test_update_481),
	    TEST(test_never_refreshed),
	    TEST(test_peer_refreshes),
	    TEST(test_refused_offer),
	    TEST(test_unsure),
	    TEST(test_frozen),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

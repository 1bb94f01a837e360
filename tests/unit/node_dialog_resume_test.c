/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* Dialogs that go on at another node, after the first one died. */

#include "node_dialog.h"

#define CONTACT "Contact: <sip:1002@192.0.2.2:5062;transport=udp>\r\n"
#define RR                                                                     \
	"Record-Route: <sip:down.example.com;lr>, "                            \
	"<sip:RT.g@192.0.2.100;lr>\r\n"

enum { HEIR = 78, EPOCH = 4 };

static bool owned = true; /* the hub is at the new owner */

static bool on_owns(const uint8_t hub[ULID_BYTES], uint32_t epoch, void *arg)
{
	(void)hub;
	(void)arg;

	return owned && epoch <= EPOCH;
}

/* ---------------------------------------------------------- taking over */

/* What the dialog's owner would write, through the wire. */
static Sy__DialogState *written(Sy__LegState state)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT, *copy;
	uint8_t *buf;
	size_t n;

	dialog_checkpoint(fx.d, &st);
	st.state = state;
	if (!st.invite.len)
		st.local_sdp = (char *)OFFER;
	n = sy__dialog_state__get_packed_size(&st);
	buf = mem_alloc(n, NULL);
	assert_non_null(buf);
	sy__dialog_state__pack(&st, buf);
	copy = sy__dialog_state__unpack(NULL, n, buf);
	mem_deref(buf);
	assert_non_null(copy);

	return copy;
}

/* The node is killed; another one starts. */
static void die(void)
{
	struct sipua_conf conf = {.addr = "127.0.0.1:0",
				  .key = fx.key,
				  .incomingh = on_incoming,
				  .ownsh = on_owns,
				  .t1_ms = T1_MS};

	owned = true;
	dialog_abandon(fx.d);
	fx.d = mem_deref(fx.d);
	fx.ua = mem_deref(fx.ua);
	assert_int_equal(ua_alloc(&fx.ua, &conf), 0);
	sipua_set_routers(fx.ua, fx.memberv, ROUTERS, HEIR);
}

static int resume(const Sy__DialogState *ds, const struct token *tok)
{
	struct dialog_resume prm = {.ds = ds, .tok = *tok};

	prm.tok.instance = HEIR;
	prm.tok.epoch = EPOCH;

	return dialog_resume(&fx.d, fx.ua, &prm, &handlers, NULL);
}

static void take_over(Sy__LegState state, const struct token *tok)
{
	Sy__DialogState *ds = written(state);

	die();
	assert_int_equal(resume(ds, tok), 0);
	sy__dialog_state__free_unpacked(ds, NULL);
}

static int offer(void)
{
	struct mbuf *mb = mb_text(OFFER);
	int err = dialog_offer(fx.d, mb);

	mem_deref(mb);

	return err;
}

static uint32_t cseq(const char *msg)
{
	return (uint32_t)atoi(hdr(msg, "CSeq", 0));
}

static void token_of(struct token *tok, enum token_kind kind, const char *p)
{
	assert_int_equal(token_read(tok, fx.key, kind, p, TOKEN_LEN, NULL, 0),
			 0);
}

/* ------------------------------------------------- the first owner's call */

/* The peer calls; answered and ACKed. */
static const char *called(struct peer *p)
{
	const char *msg;

	peer_init(p);
	peer_send(&fx.r[0], p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	assert_int_equal(answer(ANSWER), 0);
	msg = expect(&fx.r[0], "SIP/2.0 200 ");
	str_ncpy(p->to, hdr(msg, "To", 0), sizeof(p->to));
	re_snprintf(p->ruri, sizeof(p->ruri), "sip:x@192.0.2.100");

	return msg;
}

static void called_acked(struct peer *p)
{
	(void)called(p);
	peer_ack(&fx.r[0], p, NULL);
	wait_event(&fx.seen.established);
	p->body = NULL;
}

static const char *const path[] = {"<sip:PATH.f@192.0.2.100;lr>"};

static const struct token *out_token(void)
{
	static struct token tok = {
	    .kind = TOKEN_NODE, .instance = INSTANCE, .leg = 9, .epoch = 3};

	memset(tok.hub, 7, sizeof(tok.hub));

	return &tok;
}

/* We call; the INVITE as router 1 got it. */
static const char *call(void)
{
	struct mbuf *sdp = mb_text(OFFER);
	struct dialog_invite inv = {
	    .uri = "sip:1002@192.0.2.2:5062",
	    .to_uri = "sip:1002@switchyard",
	    .from_uri = "sip:1001@switchyard",
	    .from_name = "A",
	    .routev = path,
	    .routec = 1,
	    .router = "router-1",
	    .tok = *out_token(),
	    .sdp = sdp,
	    .hops = 42,
	};

	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
	mem_deref(sdp);

	return expect(&fx.r[0], "INVITE ");
}

static const char *call_rings(void)
{
	const char *req = call();

	reply(&fx.r[0], req, "180 Ringing", "bob", CONTACT, NULL);
	wait_event(&fx.seen.progress);

	return req;
}

static const char *call_answered(void)
{
	const char *req = call();

	reply(&fx.r[0], req, "200 OK", "bob", CONTACT RR, ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.established);

	return req;
}

/* ---------------------------------------------------------------- answered */

/* Our re-INVITE after a takeover, accepted. */
static const char *reoffered(const char *start)
{
	const char *req, *ack;

	assert_int_equal(offer(), 0);
	req = expect(&fx.r[0], start);
	reply(&fx.r[0], req, "200 OK", NULL, CONTACT, ANSWER);
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.err, 0);
	assert_string_equal(fx.seen.sdp, ANSWER);
	ack = expect(&fx.r[0], "ACK ");
	assert_int_equal(cseq(ack), cseq(req));

	return req;
}

static void bye(void)
{
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

static void test_answered_in(void **state)
{
	const char *req, *c, *r;
	struct token tok;
	struct peer p;

	(void)state;

	called_acked(&p);
	take_over(SY__LEG_STATE__LEG_ANSWERED, &p.tok);
	assert_int_equal(dialog_state(fx.d), DIALOG_ANSWERED);
	assert_true(dialog_is_quiet(fx.d));

	req = reoffered("INVITE sip:1001@192.0.2.1:5060;ob SIP/2.0\r\n");
	assert_string_equal(hdr(req, "From", 0), p.to);
	HAS(hdr(req, "To", 0), p.ftag);
	assert_string_equal(hdr(req, "Call-ID", 0), p.call_id);
	assert_string_equal(hdr(req, "Route", 1), "<sip:RT.f@192.0.2.100;lr>");
	assert_string_equal(hdr(req, "Route", 2), "<sip:up.example.com;lr>");
	r = hdr(req, "Route", 0);
	token_of(&tok, TOKEN_NODE, r + 5);
	assert_int_equal(tok.instance, HEIR);
	assert_int_equal(tok.epoch, EPOCH);
	c = hdr(req, "Contact", 0);
	token_of(&tok, TOKEN_CONTACT, c + 5);
	assert_int_equal(tok.instance, HEIR);
	assert_string_equal(c + 5 + TOKEN_LEN, "@192.0.2.100>");

	/* its requests name the former owner still */
	peer_next(&p);
	peer_send(&fx.r[0], &p, "OPTIONS");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	peer_next(&p);
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 200);
}

static void test_answered_out(void **state)
{
	const char *req = call_answered(), *re, *ack;
	const uint32_t first = cseq(req);

	(void)state;

	take_over(SY__LEG_STATE__LEG_ANSWERED, out_token());

	/* it never heard our ACK */
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT RR, ANSWER);
	ack = expect(&fx.r[0], "ACK sip:1002@192.0.2.2:5062;transport=udp ");
	assert_int_equal(cseq(ack), first);

	re = reoffered("INVITE sip:1002@192.0.2.2:5062;transport=udp ");
	assert_in_range(cseq(re), first + 100, first + 110);
	assert_string_equal(hdr(re, "From", 0), hdr(req, "From", 0));
	assert_string_equal(hdr(re, "Route", 1), "<sip:RT.g@192.0.2.100;lr>");
	assert_string_equal(hdr(re, "Route", 2), "<sip:down.example.com;lr>");
	HAS(re, "Max-Forwards: 70\r\n");
	bye();
}

/* The session timer goes on, and the new owner's re-INVITE refreshes it. */
static void test_session_timer(void **state)
{
	Sy__DialogState *ds;
	const char *req, *re;

	(void)state;

	sipua_set_session(fx.ua, 90, 0);
	req = call();
	reply(&fx.r[0], req, "200 OK", "bob",
	      CONTACT "Session-Expires: 90;refresher=uac\r\n"
		      "Allow: INVITE, UPDATE\r\n",
	      ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.established);

	/* by a clock that is long past everything: it gets its time */
	ds = written(SY__LEG_STATE__LEG_ANSWERED);
	assert_int_equal(ds->session_expires_s, 90);
	ds->last_refresh_ms = 1;
	die();
	sipua_set_second(fx.ua, 10);
	assert_int_equal(resume(ds, out_token()), 0);
	sy__dialog_state__free_unpacked(ds, NULL);

	assert_int_equal(offer(), 0);
	re = expect(&fx.r[0], "INVITE ");
	assert_string_equal(hdr(re, "Session-Expires", 0), "90;refresher=uac");
	reply(&fx.r[0], re, "200 OK", NULL,
	      CONTACT "Session-Expires: 90;refresher=uac\r\n", ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.answered);

	re = expect(&fx.r[0], "UPDATE ");
	reply(&fx.r[0], re, "200 OK", NULL,
	      "Session-Expires: 90;refresher=uas\r\n", NULL);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 408);
}

/* Twice in a row: the CSeq grows, the tags stay. */
static void test_twice(void **state)
{
	const char *req = call_answered(), *re;
	const uint32_t first = cseq(req);

	(void)state;

	take_over(SY__LEG_STATE__LEG_ANSWERED, out_token());
	take_over(SY__LEG_STATE__LEG_ANSWERED, out_token());
	re = reoffered("INVITE ");
	assert_in_range(cseq(re), first + 200, first + 210);
	assert_string_equal(hdr(re, "From", 0), hdr(req, "From", 0));
	bye();
}

/* The router that it came through is gone, too. */
static void test_other_router(void **state)
{
	const char *req;
	struct token tok;

	(void)state;

	(void)call_answered();
	fx.memberv[0] = fx.memberv[1];
	(void)re_snprintf(fx.r[1].udp, sizeof(fx.r[1].udp),
			  "udp:192.0.2.101:5060");
	take_over(SY__LEG_STATE__LEG_ANSWERED, out_token());
	assert_string_equal(dialog_router(fx.d), "router-2");
	assert_int_equal(offer(), 0);
	req = expect(&fx.r[1], "INVITE ");
	token_of(&tok, TOKEN_CONTACT, hdr(req, "Contact", 0) + 5);
	HAS(hdr(req, "Contact", 0), "@192.0.2.101:5060>");
	reply(&fx.r[1], req, "488 Not Acceptable Here", NULL, NULL, NULL);
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.err, ECONNREFUSED);
	assert_int_equal(fx.seen.code, 488);
	(void)expect(&fx.r[1], "ACK ");
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[1], expect(&fx.r[1], "BYE "), "200 OK", NULL, NULL, NULL);
}

/* Refused for now: the owner is told for how long. */
static void test_retry_after(void **state)
{
	const char *req;

	(void)state;

	(void)call_answered();
	take_over(SY__LEG_STATE__LEG_ANSWERED, out_token());
	assert_true(dialog_is_ours(fx.d));
	assert_int_equal(offer(), 0);
	req = expect(&fx.r[0], "INVITE ");
	reply(&fx.r[0], req, "500 Busy", NULL,
	      "Retry-After: 7 (soon);duration=3\r\n", NULL);
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.code, 500);
	assert_int_equal(dialog_retry_after(fx.d), 7);
	(void)expect(&fx.r[0], "ACK ");

	req = reoffered("INVITE ");
	assert_int_equal(dialog_retry_after(fx.d), 0);
	bye();
}

/* Requests that the former owner had, or not: none of them ends the call. */
static void test_old_requests(void **state)
{
	struct peer p, old;

	(void)state;

	called_acked(&p);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "OPTIONS");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	old = p;
	take_over(SY__LEG_STATE__LEG_ANSWERED, &p.tok);

	/* the last one again: it may not have been answered */
	str_ncpy(p.branch, "z9hG4bKlast", sizeof(p.branch));
	peer_send(&fx.r[0], &p, "OPTIONS");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");

	/* one of before: RFC 3261 12.2.2 */
	old.cseq -= 1;
	str_ncpy(old.branch, "z9hG4bKold", sizeof(old.branch));
	peer_send(&fx.r[0], &old, "OPTIONS");
	(void)expect(&fx.r[0], "SIP/2.0 500 ");
	assert_int_equal(fx.seen.closed, 0);

	/* a copy of the INVITE that was answered long ago: nothing */
	old.body = OFFER;
	str_ncpy(old.to, "<sip:600@switchyard>", sizeof(old.to));
	peer_send(&fx.r[0], &old, "INVITE");
	expect_nothing(&fx.r[0], 50);

	/* BYE means what it says */
	old = p;
	old.cseq -= 1;
	str_ncpy(old.branch, "z9hG4bKbye", sizeof(old.branch));
	peer_send(&fx.r[0], &old, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
}

/* Its re-INVITE comes before ours. */
static void test_peer_reinvites(void **state)
{
	struct peer p;

	(void)state;

	called_acked(&p);
	take_over(SY__LEG_STATE__LEG_ANSWERED, &p.tok);
	fx.answer_at_once = true;
	peer_next(&p);
	p.body = OFFER;
	peer_send(&fx.r[0], &p, "INVITE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	assert_false(dialog_is_quiet(fx.d));
	peer_ack(&fx.r[0], &p, NULL);
	p.body = NULL;
	peer_next(&p);
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
}

/* A token of another instance counts only for a hub that is here. */
static void test_foreign_token(void **state)
{
	struct sipua_stat st;
	struct peer p;

	(void)state;

	called_acked(&p);
	take_over(SY__LEG_STATE__LEG_ANSWERED, &p.tok);

	owned = false;
	peer_next(&p);
	peer_send(&fx.r[0], &p, "BYE");
	expect_nothing(&fx.r[0], 50);
	sipua_stat(fx.ua, &st);
	assert_int_equal(st.no_token, 1);
	assert_int_equal(fx.seen.closed, 0);

	owned = true;
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
}

/* Nobody knows whose the hub is: no answer, and none that says "gone", ends
 * the call. */
static void test_unsure(void **state)
{
	const char *req;

	(void)state;

	(void)call_answered();
	sipua_set_unsure(fx.ua, true);
	assert_true(sipua_is_unsure(fx.ua));
	assert_int_equal(dialog_probe(fx.d), 0);
	req = expect(&fx.r[0], "OPTIONS ");
	reply(&fx.r[0], req, "481 Gone", NULL, NULL, NULL);
	assert_int_equal(offer(), 0);
	req = expect(&fx.r[0], "INVITE ");
	reply(&fx.r[0], req, "481 Gone", NULL, NULL, NULL);
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.code, 481);
	(void)expect(&fx.r[0], "ACK ");
	assert_int_equal(fx.seen.closed, 0);
	sipua_set_unsure(fx.ua, false);
	bye();
}

/* ------------------------------------------------------- ringing, inbound */

static const char *called_rings(struct peer *p)
{
	const char *msg;

	peer_init(p);
	peer_send(&fx.r[0], p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	assert_int_equal(dialog_progress(fx.d, 180, NULL, NULL), 0);
	msg = expect(&fx.r[0], "SIP/2.0 180 ");
	str_ncpy(p->to, hdr(msg, "To", 0), sizeof(p->to));

	return msg;
}

static void ring_over(struct peer *p)
{
	take_over(SY__LEG_STATE__LEG_RINGING, &p->tok);
	assert_int_equal(dialog_state(fx.d), DIALOG_EARLY);
	assert_true(dialog_is_quiet(fx.d));
}

static bool copied_cond(void *arg)
{
	return copies(&fx.r[0], arg) > 1;
}

static void test_ringing_in(void **state)
{
	char to[256], via0[512], via1[512];
	struct mbuf *sdp = NULL;
	const char *msg;
	struct peer p, again;

	(void)state;

	msg = called_rings(&p);
	str_ncpy(to, p.to, sizeof(to));
	str_ncpy(via0, hdr(msg, "Via", 0), sizeof(via0));
	str_ncpy(via1, hdr(msg, "Via", 1), sizeof(via1));
	ring_over(&p);
	expect_nothing(&fx.r[0], 20);

	assert_int_equal(dialog_pending_offer(fx.d, &sdp), 0);
	assert_non_null(sdp);
	assert_int_equal(mbuf_get_left(sdp), strlen(OFFER));
	mem_deref(sdp);

	assert_int_equal(dialog_progress(fx.d, 183, "Still", NULL), 0);
	msg = expect(&fx.r[0], "SIP/2.0 183 Still");
	assert_string_equal(hdr(msg, "To", 0), to);
	assert_string_equal(hdr(msg, "Via", 0), via0);
	assert_string_equal(hdr(msg, "Via", 1), via1);

	/* a copy, to whom the former owner never answered: the last reply */
	again = p;
	str_ncpy(again.to, "<sip:600@switchyard>", sizeof(again.to));
	peer_send(&fx.r[0], &again, "INVITE");
	assert_true(wait_for(copied_cond, (void *)msg, WAIT_MS));
	assert_int_equal(fx.seen.incoming, 0);

	assert_int_equal(answer(ANSWER), 0);
	msg = expect(&fx.r[0], "SIP/2.0 200 ");
	assert_string_equal(hdr(msg, "To", 0), to);
	peer_ack(&fx.r[0], &p, NULL);
	wait_event(&fx.seen.established);
	bye();
}

static void test_cancel_in(void **state)
{
	struct peer p, cancel;

	(void)state;

	(void)called_rings(&p);
	ring_over(&p);

	cancel = p;
	cancel.body = NULL;
	str_ncpy(cancel.to, "<sip:600@switchyard>", sizeof(cancel.to));
	peer_send(&fx.r[0], &cancel, "CANCEL");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	(void)expect(&fx.r[0], "SIP/2.0 487 ");
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 487);

	/* the ACK to a failure has the INVITE's branch */
	p.body = NULL;
	peer_send(&fx.r[0], &p, "ACK");
	expect_nothing(&fx.r[0], 5 * T1_MS);
}

static void test_refuse_in(void **state)
{
	struct peer p;

	(void)state;

	(void)called_rings(&p);
	ring_over(&p);
	dialog_hangup(fx.d, 486, NULL);
	fx.d = mem_deref(fx.d);
	(void)expect(&fx.r[0], "SIP/2.0 486 ");
	p.body = NULL;
	peer_send(&fx.r[0], &p, "ACK");
}

/* The router that brought it is gone as well. */
static void test_ringing_in_router(void **state)
{
	struct peer p;

	(void)state;

	(void)called_rings(&p);
	fx.memberv[0] = fx.memberv[1];
	ring_over(&p);
	assert_int_equal(answer(ANSWER), 0);
	(void)expect(&fx.r[1], "SIP/2.0 200 ");
	expect_nothing(&fx.r[0], 20);
	peer_ack(&fx.r[1], &p, NULL);
	wait_event(&fx.seen.established);
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[1], expect(&fx.r[1], "BYE "), "200 OK", NULL, NULL, NULL);
}

/* Answered, but the ACK had not come: nobody repeats that 200 but us. */
static void test_no_ack_yet(void **state)
{
	struct peer p;

	(void)state;

	(void)called(&p);
	take_over(SY__LEG_STATE__LEG_ANSWERED, &p.tok);
	assert_int_equal(dialog_state(fx.d), DIALOG_INCOMING);
	assert_int_equal(answer(ANSWER "s=new\r\n"), 0);
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), "s=new");
	peer_ack(&fx.r[0], &p, NULL);
	wait_event(&fx.seen.established);
	bye();
}

/* Once it was ACKed the INVITE is no longer kept. */
static void test_invite_kept(void **state)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT;
	struct peer p;

	(void)state;

	(void)called(&p);
	dialog_checkpoint(fx.d, &st);
	assert_true(st.invite.len > 0);
	fx.seen.changed = 0;
	peer_ack(&fx.r[0], &p, NULL);
	wait_event(&fx.seen.established);
	assert_true(fx.seen.changed > 0);
	sy__dialog_state__init(&st);
	dialog_checkpoint(fx.d, &st);
	assert_int_equal(st.invite.len, 0);
	bye();
}

/* ------------------------------------------------------ ringing, outbound */

static void test_ringing_out(void **state)
{
	const char *req = call_rings(), *ack;
	const uint32_t first = cseq(req);

	(void)state;

	take_over(SY__LEG_STATE__LEG_RINGING, out_token());
	assert_int_equal(dialog_state(fx.d), DIALOG_EARLY);
	assert_true(dialog_is_quiet(fx.d));
	expect_nothing(&fx.r[0], 20);

	reply(&fx.r[0], req, "183 Session Progress", "bob", CONTACT, ANSWER);
	wait_event(&fx.seen.progress);
	assert_int_equal(fx.seen.code, 183);

	reply(&fx.r[0], req, "200 OK", "bob", CONTACT RR, NULL);
	wait_event(&fx.seen.established);
	assert_string_equal(fx.seen.sdp, ANSWER);
	ack = expect(&fx.r[0], "ACK ");
	assert_int_equal(cseq(ack), first);
	(void)reoffered("INVITE ");
	bye();
}

static void test_cancel_out(void **state)
{
	const char *req = call_rings(), *cancel, *ack;

	(void)state;

	take_over(SY__LEG_STATE__LEG_RINGING, out_token());
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	cancel = expect(&fx.r[0], "CANCEL sip:1002@192.0.2.2:5062 ");
	assert_string_equal(hdr(cancel, "Via", 0), hdr(req, "Via", 0));
	assert_string_equal(hdr(cancel, "Route", 0), hdr(req, "Route", 0));
	assert_string_equal(hdr(cancel, "Route", 1), hdr(req, "Route", 1));
	assert_string_equal(hdr(cancel, "From", 0), hdr(req, "From", 0));
	assert_int_equal(cseq(cancel), cseq(req));
	reply(&fx.r[0], cancel, "200 OK", NULL, NULL, NULL);
	reply(&fx.r[0], req, "487 Request Terminated", "bob", NULL, NULL);
	ack = expect(&fx.r[0], "ACK ");
	assert_string_equal(hdr(ack, "Via", 0), hdr(req, "Via", 0));
	assert_string_equal(hdr(ack, "Route", 0), hdr(req, "Route", 0));
}

static void test_busy_out(void **state)
{
	const char *req = call_rings();

	(void)state;

	take_over(SY__LEG_STATE__LEG_RINGING, out_token());
	reply(&fx.r[0], req, "486 Busy Here", "bob", NULL, NULL);
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 486);
	assert_string_equal(hdr(expect(&fx.r[0], "ACK "), "Via", 0),
			    hdr(req, "Via", 0));
}

/* Nobody had answered anything: the INVITE again, as a copy. */
static void test_unheard_out(void **state)
{
	const char *req = call(), *copy;

	(void)state;

	take_over(SY__LEG_STATE__LEG_SETUP, out_token());
	assert_int_equal(dialog_state(fx.d), DIALOG_CALLING);
	copy = expect(&fx.r[0], "INVITE sip:1002@192.0.2.2:5062 ");
	assert_string_equal(hdr(copy, "Via", 0), hdr(req, "Via", 0));
	assert_string_equal(hdr(copy, "Route", 0), hdr(req, "Route", 0));
	assert_string_equal(hdr(copy, "From", 0), hdr(req, "From", 0));
	assert_string_equal(hdr(copy, "To", 0), hdr(req, "To", 0));
	assert_string_equal(hdr(copy, "CSeq", 0), hdr(req, "CSeq", 0));
	HAS(copy, "Max-Forwards: 42\r\n");
	HAS(copy, "\r\n\r\n" OFFER);
	reply(&fx.r[0], copy, "486 Busy Here", "bob", NULL, NULL);
	wait_event(&fx.seen.closed);
	(void)expect(&fx.r[0], "ACK ");
}

/* Two owners later the tokens are still those of the first. */
static void test_ringing_out_twice(void **state)
{
	const char *req = call_rings(), *cancel;

	(void)state;

	take_over(SY__LEG_STATE__LEG_RINGING, out_token());
	take_over(SY__LEG_STATE__LEG_RINGING, out_token());
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	cancel = expect(&fx.r[0], "CANCEL ");
	assert_string_equal(hdr(cancel, "Via", 0), hdr(req, "Via", 0));
	assert_string_equal(hdr(cancel, "Route", 0), hdr(req, "Route", 0));
	reply(&fx.r[0], cancel, "200 OK", NULL, NULL, NULL);
	reply(&fx.r[0], req, "487 Request Terminated", "bob", NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");
}

/* ----------------------------------------------------------------- records */

static void test_garbage(void **state)
{
	static const char *const badv[] = {"", "a\r\nX: y", "a b", "<>;"};
	Sy__DialogState *ds;
	char **fieldv[6];
	size_t i, k;
	struct peer p;

	(void)state;

	called_acked(&p);
	ds = written(SY__LEG_STATE__LEG_ANSWERED);
	die();
	fieldv[0] = &ds->call_id;
	fieldv[1] = &ds->local_tag;
	fieldv[2] = &ds->local_uri;
	fieldv[3] = &ds->remote_uri;
	fieldv[4] = &ds->remote_target;
	fieldv[5] = &ds->contact;

	for (i = 0; i < ARRAY_SIZE(fieldv); i++) {
		char *good = *fieldv[i];

		for (k = 0; k < 2; k++) {
			*fieldv[i] = (char *)badv[k];
			assert_int_equal(resume(ds, &p.tok), EBADMSG);
		}
		*fieldv[i] = NULL;
		assert_int_equal(resume(ds, &p.tok), EBADMSG);
		*fieldv[i] = good;
	}

	ds->local_cseq = 0x7fffffff;
	assert_int_equal(resume(ds, &p.tok), EBADMSG);
	ds->local_cseq = 1;
	ds->state = SY__LEG_STATE__LEG_RINGING;
	assert_int_equal(resume(ds, &p.tok), EBADMSG); /* no INVITE */
	ds->direction = SY__DIRECTION__OUTBOUND;
	assert_int_equal(resume(ds, &p.tok), EBADMSG);
	ds->state = SY__LEG_STATE__LEG_ENDED;
	assert_int_equal(resume(ds, &p.tok), EBADMSG);

	ds->direction = SY__DIRECTION__INBOUND;
	ds->state = SY__LEG_STATE__LEG_ANSWERED;
	assert_int_equal(resume(ds, &p.tok), 0);
	assert_int_equal(resume(ds, &p.tok), EALREADY);
	sy__dialog_state__free_unpacked(ds, NULL);
	bye();
}

/* A stored INVITE that is cut, or of another call. */
static void test_garbage_invite(void **state)
{
	Sy__DialogState *ds;
	struct peer p;
	size_t n, i;

	(void)state;

	(void)called_rings(&p);
	ds = written(SY__LEG_STATE__LEG_RINGING);
	die();
	n = ds->invite.len;
	for (i = 0; i < n; i += 7) {
		ds->invite.len = i;
		assert_int_equal(resume(ds, &p.tok), EBADMSG);
	}
	ds->invite.len = n;
	ds->call_id[0] ^= 1;
	assert_int_equal(resume(ds, &p.tok), EBADMSG);
	ds->call_id[0] ^= 1;
	assert_int_equal(resume(ds, &p.tok), 0);
	sy__dialog_state__free_unpacked(ds, NULL);
	dialog_hangup(fx.d, 480, NULL);
	fx.d = mem_deref(fx.d);
	(void)expect(&fx.r[0], "SIP/2.0 480 ");
	p.body = NULL;
	peer_send(&fx.r[0], &p, "ACK");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_answered_in),
	    TEST(test_answered_out),
	    TEST(test_session_timer),
	    TEST(test_twice),
	    TEST(test_other_router),
	    TEST(test_retry_after),
	    TEST(test_old_requests),
	    TEST(test_peer_reinvites),
	    TEST(test_foreign_token),
	    TEST(test_unsure),
	    TEST(test_ringing_in),
	    TEST(test_cancel_in),
	    TEST(test_refuse_in),
	    TEST(test_ringing_in_router),
	    TEST(test_no_ack_yet),
	    TEST(test_invite_kept),
	    TEST(test_ringing_out),
	    TEST(test_cancel_out),
	    TEST(test_busy_out),
	    TEST(test_unheard_out),
	    TEST(test_ringing_out_twice),
	    TEST(test_garbage),
	    TEST(test_garbage_invite),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

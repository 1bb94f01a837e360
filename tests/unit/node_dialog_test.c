/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* Dialogs that the peer began. */

#include "node_dialog.h"

/* An INVITE through router 1, up to our handler. */
static void invite(struct peer *p)
{
	peer_init(p);
	peer_send(&fx.r[0], p, "INVITE");
	wait_event(&fx.seen.incoming);
	assert_string_equal(fx.seen.sdp, OFFER);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
}

/* ... and up to the ACK. */
static void call(struct peer *p)
{
	const char *ok;

	invite(p);
	assert_int_equal(answer(ANSWER), 0);
	ok = expect(&fx.r[0], "SIP/2.0 200 ");
	str_ncpy(p->to, hdr(ok, "To", 0), sizeof(p->to));
	peer_ack(&fx.r[0], p, NULL);
	wait_event(&fx.seen.established);
}

static void hangup(void)
{
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

/* Is the peer still there?  Any answer will do, but that it knows no call. */
static void test_probe(void **state)
{
	static const char *const gone[] = {
		"481 Call/Transaction Does Not Exist", "430 Flow Failed"};
	const char *req;
	struct peer p;

	(void)state;

	invite(&p);
	assert_int_equal(dialog_probe(fx.d), EPROTO);
	dialog_hangup(fx.d, 486, NULL);
	(void)expect(&fx.r[0], "SIP/2.0 486 ");
	fx.d = mem_deref(fx.d);

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++) {
		call(&p);
		assert_int_equal(dialog_probe(fx.d), 0);
		req = expect(&fx.r[0], "OPTIONS ");
		assert_non_null(strstr(req, "\r\nRoute: <sip:RT.f@"));
		reply(&fx.r[0], req, "405 Method Not Allowed", NULL, NULL,
		      NULL);
		assert_int_equal(dialog_probe(fx.d), 0);
		req = expect(&fx.r[0], "OPTIONS ");
		assert_int_equal(dialog_state(fx.d), DIALOG_ANSWERED);
		assert_int_equal(fx.seen.closed, 0);
		reply(&fx.r[0], req, gone[i], NULL, NULL, NULL);
		wait_event(&fx.seen.closed);
		assert_int_equal(fx.seen.code, 408);
		assert_false(fx.seen.remote);
		reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL,
		      NULL);
	}
}

static void test_walk(void **state)
{
	struct peer p;
	const char *m, *ok, *tag;
	struct token tok;
	char buf[64];

	(void)state;

	invite(&p);
	assert_int_equal(dialog_state(fx.d), DIALOG_INCOMING);
	assert_string_equal(dialog_call_id(fx.d), p.call_id);
	assert_string_equal(dialog_router(fx.d), "router-1");

	assert_int_equal(dialog_progress(fx.d, 180, NULL, NULL), 0);
	m = expect(&fx.r[0], "SIP/2.0 180 Ringing\r\n");
	assert_int_equal(dialog_state(fx.d), DIALOG_EARLY);

	/* the Vias in order, the flow untouched */
	HAS(hdr(m, "Via", 0), fx.r[0].addr);
	HAS(hdr(m, "Via", 0), ";fl=Zm9v");
	HAS(hdr(m, "Via", 1), "192.0.2.1:5060;rport=5060;branch=");
	assert_string_equal(hdr(m, "Via", 2), "");
	HAS(m, "Record-Route: <sip:RT.f@192.0.2.100;lr>\r\n"
	       "Record-Route: <sip:up.example.com;lr>\r\n");

	/* our tag and Contact are tokens of this leg */
	tag = strstr(hdr(m, "To", 0), ";tag=");
	assert_non_null(tag);
	assert_int_equal(token_read(&tok, fx.key, TOKEN_TAG, tag + 5,
				    strlen(tag + 5), NULL, 0),
			 0);
	assert_memory_equal(tok.hub, p.tok.hub, ULID_BYTES);
	assert_int_equal(tok.leg, 5);
	m = hdr(m, "Contact", 0);
	assert_memory_equal(m, "<sip:", 5);
	assert_int_equal(token_read(&tok, fx.key, TOKEN_CONTACT, m + 5,
				    TOKEN_LEN, NULL, 0),
			 0);
	assert_string_equal(m + 5 + TOKEN_LEN, "@192.0.2.100>");

	assert_int_equal(answer(ANSWER), 0);
	assert_int_equal(answer(ANSWER), EPROTO);
	ok = expect(&fx.r[0], "SIP/2.0 200 OK\r\n");
	HAS(ok, "Content-Type: application/sdp\r\n");
	HAS(ok, "\r\n\r\n" ANSWER);
	str_ncpy(p.to, hdr(ok, "To", 0), sizeof(p.to));

	peer_ack(&fx.r[1], &p, NULL); /* through the other router */
	wait_event(&fx.seen.established);
	assert_string_equal(dialog_router(fx.d), "router-2");
	assert_int_equal(dialog_state(fx.d), DIALOG_ANSWERED);

	peer_next(&p);
	p.body = NULL;
	peer_send(&fx.r[1], &p, "BYE");
	m = expect(&fx.r[1], "SIP/2.0 200 ");
	(void)re_snprintf(buf, sizeof(buf), "CSeq: %u BYE", p.cseq);
	HAS(m, buf);
	assert_int_equal(fx.seen.closed, 1);
	assert_int_equal(fx.seen.code, 200);
	assert_true(fx.seen.remote);
	assert_null(fx.d);

	/* its copy gets the same answer, not 481 */
	peer_send(&fx.r[0], &p, "BYE");
	m = expect(&fx.r[0], "SIP/2.0 200 ");
	HAS(m, buf);
}

static bool copies_cond(void *arg)
{
	const char *msg = arg;

	return copies(&fx.r[0], msg) >= 4;
}

static void test_2xx_is_repeated(void **state)
{
	struct peer p;
	const char *ok;
	unsigned n;

	(void)state;

	invite(&p);
	assert_int_equal(answer(ANSWER), 0);
	ok = expect(&fx.r[0], "SIP/2.0 200 ");
	assert_true(wait_for(copies_cond, (void *)ok, WAIT_MS));
	str_ncpy(p.to, hdr(ok, "To", 0), sizeof(p.to));

	/* an ACK with a wrong CSeq is none */
	++p.cseq;
	peer_ack(&fx.r[0], &p, NULL);
	--p.cseq;
	peer_ack(&fx.r[0], &p, NULL);
	wait_event(&fx.seen.established);
	n = copies(&fx.r[0], ok);
	expect_nothing(&fx.r[0], 20 * T1_MS);
	assert_int_equal(copies(&fx.r[0], ok), n);

	/* a second ACK changes nothing */
	peer_ack(&fx.r[0], &p, NULL);
	expect_nothing(&fx.r[0], 5 * T1_MS);
	assert_int_equal(fx.seen.established, 0);
	hangup();
}

static void test_no_ack(void **state)
{
	struct peer p;
	const char *bye;

	(void)state;

	invite(&p);
	assert_int_equal(answer(ANSWER), 0);
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 408);
	assert_false(fx.seen.remote);
	bye = expect(&fx.r[0], "BYE sip:1001@192.0.2.1:5060;ob SIP/2.0\r\n");
	reply(&fx.r[0], bye, "200 OK", NULL, NULL, NULL);
}

/* What our own requests look like (proto/SIP.md, node to peer). */
static void test_bye_of_ours(void **state)
{
	struct peer p;
	const char *bye, *route;
	struct token tok;

	(void)state;

	call(&p);
	dialog_hangup(fx.d, 0, NULL);
	bye = expect(&fx.r[0], "BYE sip:1001@192.0.2.1:5060;ob SIP/2.0\r\n");
	route = hdr(bye, "Route", 0);
	assert_memory_equal(route, "<sip:", 5);
	assert_int_equal(token_read(&tok, fx.key, TOKEN_NODE, route + 5,
				    TOKEN_LEN, NULL, 0),
			 0);
	assert_string_equal(route + 5 + TOKEN_LEN, "@cluster;lr>");
	assert_string_equal(hdr(bye, "Route", 1), "<sip:RT.f@192.0.2.100;lr>");
	assert_string_equal(hdr(bye, "Route", 2), "<sip:up.example.com;lr>");
	assert_string_equal(hdr(bye, "From", 0), p.to);
	HAS(hdr(bye, "To", 0), "\"A\" <sip:1001@switchyard>;tag=from");
	fx.d = mem_deref(fx.d);

	/* crossing: the peer's own BYE is still answered */
	peer_next(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	reply(&fx.r[0], bye, "200 OK", NULL, NULL, NULL);
	assert_int_equal(fx.seen.closed, 0);
}

/* Freed while it rings: the caller hears of it, nothing is left. */
static void test_deref_while_ringing(void **state)
{
	struct peer p;
	const char *m;

	(void)state;

	invite(&p);
	assert_int_equal(dialog_progress(fx.d, 180, NULL, NULL), 0);
	(void)expect(&fx.r[0], "SIP/2.0 180 ");
	fx.d = mem_deref(fx.d);
	m = expect(&fx.r[0], "SIP/2.0 480 ");
	str_ncpy(p.to, hdr(m, "To", 0), sizeof(p.to));
	p.body = NULL;
	peer_send(&fx.r[0], &p, "ACK");
}

static void test_deref_in_handlers(void **state)
{
	struct peer p;
	const char *m;

	(void)state;

	fx.seen.drop = true;
	peer_init(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	wait_event(&fx.seen.incoming);
	(void)expect(&fx.r[0], "SIP/2.0 480 ");

	fx.seen.drop = false;
	call(&p);
	hangup();

	/* dropped in `established': a BYE follows by itself */
	invite(&p);
	assert_int_equal(answer(ANSWER), 0);
	m = expect(&fx.r[0], "SIP/2.0 200 ");
	str_ncpy(p.to, hdr(m, "To", 0), sizeof(p.to));
	fx.seen.drop = true;
	peer_ack(&fx.r[0], &p, NULL);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

/* Hung up before the ACK: the BYE waits for it (RFC 3261 15). */
static void test_hangup_before_ack(void **state)
{
	struct peer p;
	const char *m;

	(void)state;

	invite(&p);
	assert_int_equal(answer(ANSWER), 0);
	m = expect(&fx.r[0], "SIP/2.0 200 ");
	str_ncpy(p.to, hdr(m, "To", 0), sizeof(p.to));
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	expect_nothing(&fx.r[0], 5 * T1_MS);
	peer_ack(&fx.r[0], &p, NULL);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

static void test_refuse(void **state)
{
	struct peer p;
	const char *m;

	(void)state;

	invite(&p);
	dialog_hangup(fx.d, 486, "Busy");
	m = expect(&fx.r[0], "SIP/2.0 486 Busy\r\n");
	HAS_NOT(m, "Record-Route");
	HAS_NOT(m, "Contact");
	fx.d = mem_deref(fx.d);

	/* repeated until the ACK, which may come through the other router */
	assert_true(wait_for(copies_cond, (void *)m, WAIT_MS));
	str_ncpy(p.to, hdr(m, "To", 0), sizeof(p.to));
	p.body = NULL;
	peer_send(&fx.r[1], &p, "ACK");
	expect_nothing(&fx.r[0], 5 * T1_MS);
}

/* RFC 3261 21.5.4: without a time it would mean that we are broken. */
static void test_refuse_for_now(void **state)
{
	struct peer p;
	const char *m;

	(void)state;

	invite(&p);
	dialog_hangup(fx.d, 503, NULL);
	m = expect(&fx.r[0], "SIP/2.0 503 Service Unavailable\r\n");
	HAS(m, "\r\nRetry-After: 5\r\n");
	fx.d = mem_deref(fx.d);
	str_ncpy(p.to, hdr(m, "To", 0), sizeof(p.to));
	p.body = NULL;
	peer_send(&fx.r[0], &p, "ACK");
}

static void test_cancel(void **state)
{
	struct peer p;
	const char *m;

	(void)state;

	invite(&p);
	assert_int_equal(dialog_progress(fx.d, 180, NULL, NULL), 0);
	(void)expect(&fx.r[0], "SIP/2.0 180 ");
	p.body = NULL;
	peer_send(&fx.r[1], &p, "CANCEL");
	m = expect(&fx.r[1], "SIP/2.0 200 ");
	HAS(m, "CSeq: 100 CANCEL");
	HAS(hdr(m, "To", 0), ";tag=");
	m = expect(&fx.r[0], "SIP/2.0 487 ");
	HAS(m, "CSeq: 100 INVITE");
	assert_int_equal(fx.seen.closed, 1);
	assert_int_equal(fx.seen.code, 487);
	assert_true(fx.seen.remote);
	str_ncpy(p.to, hdr(m, "To", 0), sizeof(p.to));
	peer_send(&fx.r[0], &p, "ACK");
}

/* Too late to cancel: 200 to it, and the call stands. */
static void test_cancel_after_answer(void **state)
{
	struct peer p;
	const char *ok;

	(void)state;

	invite(&p);
	assert_int_equal(answer(ANSWER), 0);
	ok = expect(&fx.r[0], "SIP/2.0 200 ");
	p.body = NULL;
	peer_send(&fx.r[0], &p, "CANCEL");
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), "CANCEL");
	assert_int_equal(fx.seen.closed, 0);
	str_ncpy(p.to, hdr(ok, "To", 0), sizeof(p.to));
	peer_ack(&fx.r[0], &p, NULL);
	wait_event(&fx.seen.established);
	hangup();
}

static void test_cancel_of_nothing(void **state)
{
	struct peer p;

	(void)state;

	peer_init(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "CANCEL");
	(void)expect(&fx.r[0], "SIP/2.0 481 ");
}

/* The same INVITE through another router: one call, both are answered. */
static void test_two_paths(void **state)
{
	struct peer p;
	const char *m;

	(void)state;

	invite(&p);
	peer_send(&fx.r[1], &p, "INVITE");
	m = expect(&fx.r[1], "SIP/2.0 100 ");
	HAS(hdr(m, "Via", 0), fx.r[1].addr);
	assert_int_equal(fx.seen.incoming, 0);

	assert_int_equal(answer(ANSWER), 0);
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	m = expect(&fx.r[1], "SIP/2.0 200 ");
	HAS(hdr(m, "Via", 0), fx.r[1].addr);
	str_ncpy(p.to, hdr(m, "To", 0), sizeof(p.to));
	peer_ack(&fx.r[1], &p, NULL);
	wait_event(&fx.seen.established);
	dialog_hangup(fx.d, 0, NULL);
	/* its last message came by the second */
	reply(&fx.r[1], expect(&fx.r[1], "BYE "), "200 OK", NULL, NULL, NULL);
}

/* Forked upstream and merged here: another branch, the same call. */
static void test_merged(void **state)
{
	struct peer p;

	(void)state;

	invite(&p);
	str_ncpy(p.branch, "z9hG4bKother", sizeof(p.branch));
	peer_send(&fx.r[0], &p, "INVITE");
	(void)expect(&fx.r[0], "SIP/2.0 482 ");
	assert_int_equal(fx.seen.incoming, 0);
}

static void test_late_offer(void **state)
{
	struct peer p;
	const char *ok;

	(void)state;

	peer_init(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "INVITE");
	wait_event(&fx.seen.incoming);
	assert_string_equal(fx.seen.sdp, "");
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	assert_int_equal(answer(OFFER), 0);
	ok = expect(&fx.r[0], "SIP/2.0 200 ");
	str_ncpy(p.to, hdr(ok, "To", 0), sizeof(p.to));
	peer_ack(&fx.r[0], &p, ANSWER);
	wait_event(&fx.seen.established);
	assert_string_equal(fx.seen.sdp, ANSWER);
	hangup();
}

static void bye(struct peer *p)
{
	peer_next(p);
	p->body = NULL;
	p->extra[0] = 0;
	peer_send(&fx.r[0], p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	assert_int_equal(fx.seen.closed, 1);
}

static void test_reinvite(void **state)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT;
	struct peer p;
	const char *ok;

	(void)state;

	call(&p);
	fx.answer_at_once = true;
	peer_next(&p);
	str_ncpy(p.extra, "Contact: <sip:ignored@192.0.2.9>\r\n",
		 sizeof(p.extra));
	p.body = "v=0\r\ns=hold\r\n";
	peer_send(&fx.r[0], &p, "INVITE");
	ok = expect(&fx.r[0], "SIP/2.0 200 ");
	HAS(ok, ANSWER);
	assert_string_equal(fx.seen.sdp, "v=0\r\ns=hold\r\n");
	assert_string_equal(hdr(ok, "To", 0), p.to);
	peer_ack(&fx.r[0], &p, NULL);

	/* the next is refused and changes nothing */
	fx.answer_at_once = false;
	p.extra[0] = 0;
	peer_next(&p);
	fx.seen.offer = 0;
	peer_send(&fx.r[0], &p, "INVITE");
	wait_event(&fx.seen.offer);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");

	/* while it waits: another INVITE is too early */
	peer_next(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	ok = expect(&fx.r[0], "SIP/2.0 500 ");
	HAS(ok, "Retry-After: ");
	p.body = NULL;
	peer_send(&fx.r[0], &p, "ACK");

	dialog_warn(fx.d, "305 switchyard \"why\"");
	assert_int_equal(dialog_refuse(fx.d, 488, NULL), 0);
	assert_int_equal(dialog_refuse(fx.d, 488, NULL), EPROTO);
	ok = expect(&fx.r[0], "SIP/2.0 488 ");
	assert_string_equal(hdr(ok, "Warning", 0), "305 switchyard \"why\"");

	dialog_checkpoint(fx.d, &st);
	assert_string_equal(st.call_id, p.call_id);
	assert_string_equal(st.remote_tag, p.ftag);
	HAS(p.to, st.local_tag);
	assert_string_equal(st.local_uri, "<sip:600@switchyard>");
	assert_string_equal(st.remote_uri, "\"A\" <sip:1001@switchyard>");
	assert_string_equal(st.remote_target, "sip:1001@192.0.2.1:5060;ob");
	assert_int_equal(st.remote_cseq, p.cseq);
	assert_int_equal(st.n_route_set, 2);
	assert_string_equal(st.route_set[0], "<sip:RT.f@192.0.2.100;lr>");
	assert_int_equal(st.invite.len, 0);
	assert_int_equal(st.ref, 5);

	bye(&p);
}

/* The peer lets us offer in a re-INVITE. */
static void test_reinvite_late(void **state)
{
	struct peer p;
	struct mbuf *mb = mb_text(OFFER);

	(void)state;

	call(&p);
	peer_next(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "INVITE");
	wait_event(&fx.seen.offer);
	assert_string_equal(fx.seen.sdp, "");
	assert_int_equal(dialog_accept(fx.d, mb), 0);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	assert_int_equal(dialog_offer(fx.d, mb), EBUSY);
	peer_ack(&fx.r[0], &p, ANSWER);
	wait_event(&fx.seen.answered);
	assert_string_equal(fx.seen.sdp, ANSWER);
	assert_int_equal(fx.seen.err, 0);
	mem_deref(mb);
	bye(&p);
}

static void test_cancel_reinvite(void **state)
{
	struct peer p;

	(void)state;

	call(&p);
	peer_next(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	wait_event(&fx.seen.offer);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	p.body = NULL;
	peer_send(&fx.r[0], &p, "CANCEL");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	(void)expect(&fx.r[0], "SIP/2.0 487 ");
	peer_send(&fx.r[0], &p, "ACK");
	assert_int_equal(fx.seen.closed, 0);
	assert_int_equal(dialog_state(fx.d), DIALOG_ANSWERED);
	bye(&p);
}

static void test_bye_while_ringing(void **state)
{
	struct peer p;
	const char *m;

	(void)state;

	invite(&p);
	assert_int_equal(dialog_progress(fx.d, 183, NULL, NULL), 0);
	m = expect(&fx.r[0], "SIP/2.0 183 ");
	str_ncpy(p.to, hdr(m, "To", 0), sizeof(p.to));
	peer_next(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	(void)expect(&fx.r[0], "SIP/2.0 487 ");
	assert_int_equal(fx.seen.closed, 1);
	assert_int_equal(fx.seen.code, 487);
}

/* In-dialog requests of every kind. */
static void test_methods(void **state)
{
	static const struct {
		const char *met, *status, *has;
	} v[] = {
		{"OPTIONS", "SIP/2.0 200 ", "Accept: application/sdp"},
		{"UPDATE", "SIP/2.0 200 ", "PRACK, UPDATE\r\n"},
		{"REFER", "SIP/2.0 405 ", "Allow: INVITE"},
		{"PRACK", "SIP/2.0 400 ", ""},
		{"JUMP", "SIP/2.0 501 ", "Allow: INVITE"},
		{"INFO", "SIP/2.0 200 ", "INFO"},
	};
	const char *m;
	struct peer p;
	size_t i;

	(void)state;

	call(&p);
	p.ctype = "application/dtmf-relay";
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		peer_next(&p);
		p.body = strcmp(v[i].met, "INFO") ? NULL : "Signal=5\r\n";
		peer_send(&fx.r[0], &p, v[i].met);
		HAS(expect(&fx.r[0], v[i].status), v[i].has);
	}
	assert_int_equal(fx.seen.info, 1);
	assert_string_equal(fx.seen.sdp, "Signal=5\r\n");

	/* Without a body it asks for nothing; what the owner refuses is
	 * refused with its words. */
	peer_next(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "INFO");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	peer_next(&p);
	p.ctype = "application/media_control+xml";
	p.body = "<media_control/>";
	peer_send(&fx.r[0], &p, "INFO");
	m = expect(&fx.r[0], "SIP/2.0 415 ");
	HAS(m, "Warning: 399 switchyard \"no such body\"\r\n");
	HAS(m, "Accept: application/dtmf-relay, application/dtmf\r\n");
	assert_int_equal(fx.seen.info, 1);
	bye(&p);
}

/* INFOs of ours: one after the other, whatever is put meanwhile. */
static void test_info(void **state)
{
	static const char type[] = "application/dtmf-relay";
	const char *req;
	struct peer p;
	int i;

	(void)state;

	invite(&p);
	assert_int_equal(dialog_info(fx.d, type, "Signal=1\r\n"), EPROTO);
	dialog_hangup(fx.d, 486, NULL);
	(void)expect(&fx.r[0], "SIP/2.0 486 ");
	fx.d = mem_deref(fx.d);

	call(&p);
	for (i = 1; i <= 4; i++) {
		char text[32];

		(void)re_snprintf(text, sizeof(text), "Signal=%d\r\n", i);
		assert_int_equal(dialog_info(fx.d, type, text), 0);
	}
	for (i = 1; i <= 3; i++) {
		char text[32];

		(void)re_snprintf(text, sizeof(text), "\r\n\r\nSignal=%d\r\n",
				  i);
		req = expect(&fx.r[0], "INFO ");
		HAS(req, text);
		HAS(req, "Content-Type: application/dtmf-relay\r\n");
		reply(&fx.r[0], req, i < 3 ? "200 OK" : "415 No", NULL, NULL,
		      NULL);
	}

	/* The fourth goes with the third; the next call of it is heard. */
	assert_int_equal(dialog_probe(fx.d), 0);
	req = expect(&fx.r[0], "OPTIONS ");
	reply(&fx.r[0], req, "200 OK", NULL, NULL, NULL);
	assert_int_equal(dialog_info(fx.d, type, "Signal=9\r\n"), 0);
	req = expect(&fx.r[0], "INFO ");
	HAS(req, "Signal=9\r\n");

	/* It ends with one under way and one that waits. */
	assert_int_equal(dialog_info(fx.d, type, "Signal=8\r\n"), 0);
	bye(&p);
	reply(&fx.r[0], req, "200 OK", NULL, NULL, NULL);
}

static void test_refusals(void **state)
{
	struct peer p;

	(void)state;

	call(&p);

	/* too low a CSeq */
	p.cseq -= 2;
	peer_next(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "OPTIONS");
	(void)expect(&fx.r[0], "SIP/2.0 500 ");
	p.cseq += 2;

	/* an extension that we do not have */
	str_ncpy(p.extra, "Require: precondition, foo\r\n", sizeof(p.extra));
	peer_next(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	HAS(expect(&fx.r[0], "SIP/2.0 420 "), "Unsupported: precondition\r\n");
	p.extra[0] = 0;

	/* a body that is no SDP */
	p.body = "hello";
	p.ctype = "text/plain";
	peer_next(&p);
	peer_send(&fx.r[0], &p, "INVITE");
	HAS(expect(&fx.r[0], "SIP/2.0 415 "), "Accept: application/sdp");
	p.body = NULL;

	bye(&p);

	/* it is over */
	peer_next(&p);
	peer_send(&fx.r[0], &p, "INFO");
	(void)expect(&fx.r[0], "SIP/2.0 481 ");

	/* outside of any dialog */
	peer_init(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "OPTIONS");
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), "Allow: INVITE");
	peer_next(&p);
	peer_send(&fx.r[0], &p, "SUBSCRIBE");
	(void)expect(&fx.r[0], "SIP/2.0 405 ");
	peer_next(&p);
	str_ncpy(p.to, "<sip:x@y>;tag=zzz", sizeof(p.to));
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 481 ");
	assert_int_equal(fx.seen.incoming, 0);
}

/* Content-Length beyond the datagram; CSeq of another method. */
static void test_malformed(void **state)
{
	struct peer p;
	char *text, *s;

	(void)state;

	peer_init(&p);
	text = request_text(&fx.r[0], &p, "INVITE");
	s = strstr(text, "Content-Length: ");
	assert_non_null(s);
	s[16] = '9';
	s[17] = '9';
	router_send(&fx.r[0], text);
	(void)expect(&fx.r[0], "SIP/2.0 400 ");
	mem_deref(text);

	peer_init(&p);
	text = request_text(&fx.r[0], &p, "INVITE");
	s = strstr(text, " INVITE\r\nContact");
	assert_non_null(s);
	memcpy(s, " INVITA", 7);
	router_send(&fx.r[0], text);
	(void)expect(&fx.r[0], "SIP/2.0 400 ");
	mem_deref(text);

	/* a folded Contact would become a line of our own */
	peer_init(&p);
	text = request_text(&fx.r[0], &p, "INVITE");
	s = strstr(text, "@192.0.2.1:5060;ob>");
	assert_non_null(s);
	memcpy(s, "@192.0.2.1\r\n\tX:;ob>", 19);
	router_send(&fx.r[0], text);
	(void)expect(&fx.r[0], "SIP/2.0 400 ");
	mem_deref(text);
	assert_int_equal(fx.seen.incoming, 0);
}

/* Only what a router of ours forwarded to this very node is taken. */
static void test_token(void **state)
{
	struct sipua_stat st;
	struct peer p;
	char *text, *b;

	(void)state;

	peer_init(&p);
	p.tok.instance = INSTANCE + 1;
	peer_send(&fx.r[0], &p, "INVITE");

	peer_init(&p);
	text = request_text(&fx.r[0], &p, "INVITE");
	b = strstr(text, "branch=z9hG4bK") + 14;
	b[20] = b[20] == 'A' ? 'B' : 'A';
	router_send(&fx.r[0], text);
	mem_deref(text);

	/* the token of another transaction */
	peer_init(&p);
	text = request_text(&fx.r[0], &p, "INVITE");
	b = strstr(text, "CSeq: 100");
	assert_non_null(b);
	b[8] = '1';
	router_send(&fx.r[0], text);
	mem_deref(text);

	router_send(&fx.r[0], "INVITE sip:600@x SIP/2.0\r\n"
			      "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\n"
			      "From: <sip:a@b>;tag=1\r\nTo: <sip:600@x>\r\n"
			      "Call-ID: 1\r\nCSeq: 1 INVITE\r\n"
			      "Content-Length: 0\r\n\r\n");
	expect_nothing(&fx.r[0], 10 * T1_MS);
	assert_int_equal(fx.seen.incoming, 0);
	sipua_stat(fx.ua, &st);
	assert_int_equal(st.no_token, 4);
	assert_int_equal(st.requests, 4);
}

/* Both Vias in one header line. */
static void test_via_list(void **state)
{
	struct peer p;
	char *text, *s;

	(void)state;

	peer_init(&p);
	text = request_text(&fx.r[0], &p, "INVITE");
	s = strstr(text, "\r\nVia: SIP/2.0/UDP 192.");
	assert_non_null(s);
	memcpy(s, ",     ", 6);
	s[6] = ' ';
	router_send(&fx.r[0], text);
	mem_deref(text);
	wait_event(&fx.seen.incoming);
	dialog_hangup(fx.d, 603, NULL);
	(void)expect(&fx.r[0], "SIP/2.0 100 ");
	(void)expect(&fx.r[0], "SIP/2.0 603 Decline");
}

/* Somebody else owns the hub: not a word, also not to what still comes. */
static void test_abandon(void **state)
{
	struct peer p;

	(void)state;

	call(&p);
	dialog_abandon(fx.d);
	fx.d = mem_deref(fx.d);
	peer_next(&p);
	p.body = NULL;
	peer_send(&fx.r[0], &p, "OPTIONS");
	expect_nothing(&fx.r[0], 10 * T1_MS);

	invite(&p);
	dialog_abandon(fx.d);
	fx.d = mem_deref(fx.d);
	peer_send(&fx.r[0], &p, "INVITE");
	expect_nothing(&fx.r[0], 10 * T1_MS);
}

static void test_checkpoint_while_ringing(void **state)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT;
	struct peer p;
	char *text;

	(void)state;

	invite(&p);
	text = request_text(&fx.r[0], &p, "INVITE");
	dialog_checkpoint(fx.d, &st);
	assert_int_equal(st.state, SY__LEG_STATE__LEG_SETUP);
	assert_int_equal(st.direction, SY__DIRECTION__INBOUND);
	assert_int_equal(st.invite.len, strlen(text));
	assert_memory_equal(st.invite.data, text, st.invite.len);
	mem_deref(text);
	dialog_hangup(fx.d, 0, NULL);
	(void)expect(&fx.r[0], "SIP/2.0 480 ");
}

/* The endpoint goes while dialogs are in every state. */
static void test_close_alive(void **state)
{
	struct sipua_conf conf = {.addr = "127.0.0.1:0", .key = fx.key};
	struct peer p;
	int err;

	(void)state;

	call(&p);
	dialog_hangup(fx.d, 0, NULL); /* its BYE has no answer yet */
	fx.d = mem_deref(fx.d);
	(void)expect(&fx.r[0], "BYE ");
	invite(&p);

	mem_deref(fx.ua);
	fx.ua = NULL;
	assert_int_equal(dialog_progress(fx.d, 180, NULL, NULL), EPROTO);
	fx.d = mem_deref(fx.d);
	do {
		err = sipua_alloc(&fx.ua, &conf);
	} while (err == EADDRINUSE);
	assert_int_equal(err, 0);
}

static void test_arguments(void **state)
{
	struct sipua_conf conf = {.addr = "localhost", .key = fx.key};
	struct sipua *ua = NULL;
	char buf[64];

	(void)state;

	assert_int_equal(sipua_alloc(&ua, &conf), EINVAL);
	(void)re_snprintf(buf, sizeof(buf), "%J", sipua_laddr(fx.ua));
	conf.addr = buf;
	assert_int_equal(sipua_alloc(&ua, &conf), EADDRINUSE);
	assert_null(ua);
}

/* A peer's Via as odd as RFC 4475 allows, or of RFC 2543 without branch:
 * the token covers its bytes, not what they mean. */
static void test_odd_vias(void **state)
{
	static const struct {
		const char *via, *sentby, *branch;
	} v[] = {
		{"SIP/2.0/UDP 192.0.2.1", "192.0.2.1", ""},
		{"SIP / 2.0 / udp  [2001:DB8::1]:5060 ;branch=z9hG4bKx",
		 "[2001:DB8::1]:5060", "z9hG4bKx"},
		{"SIP/2.0/TLS-SCTP host.example;ttl=3; BRANCH = z9hG4bKy ;a",
		 "host.example", "z9hG4bKy"},
		{"SIP/2.0/WSS x.invalid;x=\"branch=1\";branch=z9hG4bKz",
		 "x.invalid", "z9hG4bKz"},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		char tok[TOKEN_LEN + 1], ctx[256], *text = NULL;
		struct peer p;
		int n;

		peer_init(&p);
		n = snprintf(ctx, sizeof(ctx), "%s%c%s%c%s%c%s%c%u%c",
			     v[i].sentby, 0, v[i].branch, 0, p.call_id, 0,
			     p.ftag, 0, p.cseq, 0);
		token_print(tok, fx.key, &p.tok, ctx, (size_t)n);
		tok[TOKEN_LEN] = 0;
		assert_int_equal(
			re_sdprintf(&text,
				    "OPTIONS sip:x@y SIP/2.0\r\n"
				    "v: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\n"
				    "Via: %s\r\nf: <sip:a@b>;tag=%s\r\n"
				    "t: <sip:x@y>\r\ni: %s\r\n"
				    "CSeq: %u OPTIONS\r\n\r\n",
				    fx.r[0].addr, tok, v[i].via, p.ftag,
				    p.call_id, p.cseq),
			0);
		router_send(&fx.r[0], text);
		mem_deref(text);
		HAS(expect(&fx.r[0], "SIP/2.0 200 "), v[i].via);
	}
}

/* Contact is where the peer reached the router, whatever that is. */
static void test_contact(void **state)
{
	static const struct {
		const char *rr, *scheme, *contact, *kept;
	} v[] = {
		{"<sip:RT@[2001:db8::1]:5070;transport=tcp;lr>",
		 "<sip:", "@[2001:db8::1]:5070;transport=tcp>", "tcp"},
		{"<sip:RT@192.0.2.9:5061;transport=tls;lr>",
		 "<sip:", "@192.0.2.9:5061;transport=tls>", "tls"},
		{"<sips:RT@192.0.2.9:5061;transport=tls;lr>",
		 "<sips:", "@192.0.2.9:5061;transport=tls>", "sips"},
		{"<sip:RT@192.0.2.9:5067;transport=ws;lr>",
		 "<sip:", "@192.0.2.9:5067;transport=ws>", "ws"},
		{"<sip:RT@192.0.2.9:5070;lr>", "<sip:", "@192.0.2.9:5070>",
		 "udp"},
		{"<sip:192.0.2.9;lr>", "<sip:", "@192.0.2.9>", "udp"},
		{"sip:RT@edge.example.com;lr", "<sip:", "@edge.example.com>",
		 "udp"},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		Sy__DialogState st = SY__DIALOG_STATE__INIT;
		struct peer p;
		char *text, *rr, *end;
		const char *contact;
		struct mbuf *mb;

		peer_init(&p);
		text = request_text(&fx.r[0], &p, "INVITE");
		rr = strstr(text, "Record-Route: ");
		assert_non_null(rr);
		end = strstr(rr, "\r\n");
		mb = mbuf_alloc(2048);
		(void)mbuf_printf(mb, "%bRecord-Route: %s%s", text,
				  (size_t)(rr - text), v[i].rr, end);
		(void)mbuf_write_u8(mb, 0);
		router_send(&fx.r[0], (char *)mb->buf);
		wait_event(&fx.seen.incoming);
		assert_int_equal(dialog_progress(fx.d, 180, NULL, NULL), 0);
		(void)expect(&fx.r[0], "SIP/2.0 100 ");
		contact = hdr(expect(&fx.r[0], "SIP/2.0 180 "), "Contact", 0);
		HAS(contact, v[i].scheme);
		HAS(contact, v[i].contact);
		dialog_checkpoint(fx.d, &st);
		assert_string_equal(st.transport, v[i].kept);
		dialog_hangup(fx.d, 486, NULL);
		(void)expect(&fx.r[0], "SIP/2.0 486 ");
		fx.d = mem_deref(fx.d);
		mem_deref(mb);
		mem_deref(text);
	}
}

/* Over a stream: split anywhere, answered on the same connection. */
struct stream {
	struct tcp_conn *tc;
	struct mbuf *rx;
	bool up;
};

static void tcp_up(void *arg)
{
	((struct stream *)arg)->up = true;
}

static void tcp_recv(struct mbuf *mb, void *arg)
{
	struct stream *s = arg;

	(void)mbuf_write_mem(s->rx, mbuf_buf(mb), mbuf_get_left(mb));
}

static void tcp_down(int err, void *arg)
{
	(void)err;
	((struct stream *)arg)->up = false;
}

static bool up_cond(void *arg)
{
	return ((struct stream *)arg)->up;
}

static bool ok_cond(void *arg)
{
	struct stream *s = arg;
	struct pl pl = {(char *)s->rx->buf, s->rx->end};

	return !re_regex(pl.p, pl.l, "SIP/2.0 200 OK");
}

static void test_tcp(void **state)
{
	struct stream s = {.rx = mbuf_alloc(1024)};
	struct peer p;
	size_t i, len;
	char *text, *via;

	(void)state;

	assert_int_equal(tcp_connect(&s.tc, sipua_laddr(fx.ua), tcp_up,
				     tcp_recv, tcp_down, &s),
			 0);
	assert_true(wait_for(up_cond, &s, WAIT_MS));

	peer_init(&p);
	p.body = NULL;
	text = request_text(&fx.r[0], &p, "OPTIONS");
	via = strstr(text, "SIP/2.0/UDP ");
	memcpy(via, "SIP/2.0/TCP ", 12);
	len = strlen(text);
	for (i = 0; i < len; i += 100) {
		struct mbuf *mb = mbuf_alloc(100);

		(void)mbuf_write_mem(mb, (uint8_t *)text + i,
				     len - i < 100 ? len - i : 100);
		mb->pos = 0;
		assert_int_equal(tcp_send(s.tc, mb), 0);
		mem_deref(mb);
	}
	assert_true(wait_for(ok_cond, &s, WAIT_MS));

	mem_deref(text);
	mem_deref(s.tc);
	mem_deref(s.rx);
}

static void count_incoming(struct dialog *d, const struct token *tok,
			   const struct sip_msg *msg, struct mbuf *sdp,
			   void *arg)
{
	(void)tok;
	(void)msg;
	(void)sdp;
	(void)arg;
	++fx.seen.incoming;
	dialog_hangup(d, 486, NULL);
	mem_deref(d);
}

static bool answered_cond(void *arg)
{
	struct router *r = &fx.r[0];
	size_t i;

	for (i = 0; i < r->msgc; i++) {
		if (strstr(r->msgv[i], arg))
			return true;
	}

	return false;
}

/* Until all that was sent was read; forgets what came back. */
static void barrier(void)
{
	struct router *r = &fx.r[0];
	struct peer p;

	peer_init(&p);
	p.body = NULL;
	peer_send(r, &p, "OPTIONS");
	assert_true(wait_for(answered_cond, p.call_id, WAIT_MS));
	while (r->msgc)
		mem_deref(r->msgv[--r->msgc]);
	r->next = 0;
}

/* Requests changed at random bytes; a call that runs meanwhile stays. */
static void test_mutations(void **state)
{
	static const char *const metv[] = {"INVITE", "BYE", "ACK", "OPTIONS"};
	uint32_t seed = 20519;
	struct sipua_stat st;
	struct peer running;
	unsigned i, k;

	(void)state;

	call(&running);
	fx.ua->conf.incomingh = count_incoming;

	for (i = 0; i < 3000; i++) {
		struct peer p;
		char *text;
		size_t n;

		peer_init(&p);
		text = request_text(&fx.r[0], &p, metv[i % 4]);
		n = strlen(text);
		for (k = 0; k < 1 + i % 5; k++) {
			seed = seed * 1664525 + 1013904223;
			text[(seed >> 8) % n] = (char)(1 + (seed >> 20) % 255);
		}
		router_send(&fx.r[0], text);
		mem_deref(text);

		/* the socket's buffer is finite */
		if (i % 20 == 19)
			barrier();
	}

	sipua_stat(fx.ua, &st);
	assert_true(st.no_token > 100);
	assert_true(fx.seen.incoming > 100);
	assert_int_equal(fx.seen.closed, 0);
	assert_int_equal(dialog_state(fx.d), DIALOG_ANSWERED);
	peer_next(&running);
	running.body = NULL;
	peer_send(&fx.r[1], &running, "BYE");
	(void)expect(&fx.r[1], "SIP/2.0 200 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_walk),
		TEST(test_probe),
		TEST(test_2xx_is_repeated),
		TEST(test_no_ack),
		TEST(test_bye_of_ours),
		TEST(test_deref_while_ringing),
		TEST(test_deref_in_handlers),
		TEST(test_hangup_before_ack),
		TEST(test_refuse),
		TEST(test_refuse_for_now),
		TEST(test_cancel),
		TEST(test_cancel_after_answer),
		TEST(test_cancel_of_nothing),
		TEST(test_two_paths),
		TEST(test_merged),
		TEST(test_late_offer),
		TEST(test_reinvite),
		TEST(test_reinvite_late),
		TEST(test_cancel_reinvite),
		TEST(test_bye_while_ringing),
		TEST(test_methods),
		TEST(test_info),
		TEST(test_refusals),
		TEST(test_malformed),
		TEST(test_token),
		TEST(test_via_list),
		TEST(test_abandon),
		TEST(test_checkpoint_while_ringing),
		TEST(test_close_alive),
		TEST(test_odd_vias),
		TEST(test_contact),
		TEST(test_tcp),
		TEST(test_mutations),
		TEST(test_arguments),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

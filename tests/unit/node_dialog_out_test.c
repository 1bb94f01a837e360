/* libs: sy_node_sip sy_proto */
/* SPDX-License-Identifier: MIT */
/* Dialogs that we begin. */

#include "node_dialog.h"

#define CONTACT "Contact: <sip:1002@192.0.2.2:5062;transport=udp>\r\n"
#define RR                                                                    \
	"Record-Route: <sip:down.example.com;lr>, <sip:RT.g@192.0.2.100;lr>\r\n"

static const char *const path[] = {"<sip:PATH.f@192.0.2.100;lr>"};

static struct dialog_invite invitation(struct mbuf *sdp)
{
	struct dialog_invite inv = {
		.uri = "sip:1002@192.0.2.2:5062",
		.to_uri = "sip:1002@switchyard",
		.from_uri = "sip:1001@switchyard",
		.from_name = "A \"quoted\"\r\n name",
		.routev = path,
		.routec = 1,
		.router = "router-1",
		.sdp = sdp,
		.extra = "X-Test: 1\r\n",
	};

	memset(inv.tok.hub, 7, sizeof(inv.tok.hub));
	inv.tok.instance = INSTANCE;
	inv.tok.leg = 9;
	inv.tok.epoch = 3;

	return inv;
}

/* Call; the INVITE as router 1 got it. */
static const char *call(const char *offer)
{
	struct mbuf *sdp = offer ? mb_text(offer) : NULL;
	struct dialog_invite inv = invitation(sdp);

	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
	assert_int_equal(dialog_state(fx.d), DIALOG_CALLING);
	mem_deref(sdp);

	return expect(&fx.r[0], "INVITE sip:1002@192.0.2.2:5062 SIP/2.0\r\n");
}

/* ... answered, with its ACK taken. */
static const char *established(void)
{
	const char *req = call(OFFER);

	reply(&fx.r[0], req, "200 OK", "bob", CONTACT RR, ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.established);

	return req;
}

static void hangup(void)
{
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

/* The callee's request in our dialog. */
static void callee_init(struct peer *p, const char *req)
{
	peer_init(p);
	str_ncpy(p->call_id, hdr(req, "Call-ID", 0), sizeof(p->call_id));
	str_ncpy(p->ftag, "bob", sizeof(p->ftag));
	str_ncpy(p->to, hdr(req, "From", 0), sizeof(p->to));
	p->body = NULL;
}

/* What a caller's INVITE has left goes on, RFC 7332. */
static void test_hops(void **state)
{
	struct dialog_invite inv = invitation(NULL);
	const char *req;

	(void)state;

	inv.hops = 3;
	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
	req = expect(&fx.r[0], "INVITE ");
	HAS(req, "\r\nMax-Forwards: 3\r\n");
	reply(&fx.r[0], req, "483 Too Many Hops", "bob", NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 483);
	fx.d = mem_deref(fx.d);
}

static void test_walk(void **state)
{
	Sy__DialogState st = SY__DIALOG_STATE__INIT;
	const char *req, *ack, *bye, *c;
	struct token tok;

	(void)state;

	req = call(OFFER);
	c = hdr(req, "Route", 0);
	assert_int_equal(token_read(&tok, fx.key, TOKEN_NODE, c + 5, TOKEN_LEN,
				    NULL, 0),
			 0);
	assert_int_equal(tok.leg, 9);
	assert_int_equal(tok.epoch, 3);
	assert_string_equal(hdr(req, "Route", 1), path[0]);
	assert_string_equal(hdr(req, "To", 0), "<sip:1002@switchyard>");
	HAS(hdr(req, "From", 0),
	    "\"A \\\"quoted\\\" name\" <sip:1001@switchyard>;tag=");
	HAS(req, "X-Test: 1\r\n");
	HAS(req, "Max-Forwards: 70\r\n");
	HAS(req, "\r\n\r\n" OFFER);
	c = hdr(req, "Contact", 0);
	assert_int_equal(token_read(&tok, fx.key, TOKEN_CONTACT, c + 5,
				    TOKEN_LEN, NULL, 0),
			 0);
	assert_string_equal(c + 5 + TOKEN_LEN, "@192.0.2.100:5060>");

	reply(&fx.r[0], req, "100 Trying", NULL, NULL, NULL);
	reply(&fx.r[0], req, "180 Ringing", "bob", CONTACT, NULL);
	wait_event(&fx.seen.progress);
	assert_int_equal(fx.seen.code, 180);
	assert_string_equal(fx.seen.sdp, "");
	assert_int_equal(dialog_state(fx.d), DIALOG_EARLY);
	dialog_checkpoint(fx.d, &st);
	assert_string_equal(st.remote_tag, "bob");
	assert_int_equal(st.direction, SY__DIRECTION__OUTBOUND);

	reply(&fx.r[0], req, "183 Session Progress", "bob", CONTACT, ANSWER);
	wait_event(&fx.seen.progress);
	assert_string_equal(fx.seen.sdp, ANSWER);

	/* the answer was in the 183 */
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT RR, NULL);
	wait_event(&fx.seen.established);
	assert_string_equal(fx.seen.sdp, ANSWER);
	ack = expect(&fx.r[0],
		     "ACK sip:1002@192.0.2.2:5062;transport=udp SIP/2.0\r\n");
	assert_string_equal(hdr(ack, "Route", 1), "<sip:RT.g@192.0.2.100;lr>");
	assert_string_equal(hdr(ack, "Route", 2), "<sip:down.example.com;lr>");
	assert_string_equal(hdr(ack, "To", 0), "<sip:1002@switchyard>;tag=bob");
	assert_int_equal(atoi(hdr(ack, "CSeq", 0)), atoi(hdr(req, "CSeq", 0)));
	assert_string_not_equal(hdr(ack, "Via", 0), hdr(req, "Via", 0));

	/* the 2xx again: the ACK again */
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT RR, NULL);
	(void)expect(&fx.r[0], "ACK ");
	assert_int_equal(fx.seen.established, 0);

	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	bye = expect(&fx.r[0], "BYE ");
	assert_int_equal(atoi(hdr(bye, "CSeq", 0)),
			 atoi(hdr(req, "CSeq", 0)) + 1);
	reply(&fx.r[0], bye, "200 OK", NULL, NULL, NULL);
	assert_int_equal(fx.seen.closed, 0);
}

static void test_refused(void **state)
{
	const char *req = call(OFFER), *ack;

	(void)state;

	reply(&fx.r[0], req, "486 Busy Here", "bob", NULL, NULL);
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 486);
	assert_true(fx.seen.remote);
	ack = expect(&fx.r[0], "ACK ");
	assert_string_equal(hdr(ack, "Via", 0), hdr(req, "Via", 0));
	assert_string_equal(hdr(ack, "Route", 1), path[0]);
}

static void test_no_router(void **state)
{
	struct dialog_invite inv = invitation(NULL);

	(void)state;

	sipua_set_routers(fx.ua, NULL, 0, INSTANCE);
	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL),
			 EHOSTUNREACH);
	assert_null(fx.d);

	inv.uri = "sip:x@y SIP/2.0\r\nX: 1";
	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL),
			 EINVAL);
}

/* Its router dies while it rings: another one brings the CANCEL. */
static void test_cancel_other_router(void **state)
{
	const char *req = call(OFFER), *cancel;

	(void)state;

	reply(&fx.r[0], req, "180 Ringing", "bob", CONTACT, NULL);
	wait_event(&fx.seen.progress);
	fx.memberv[0] = fx.memberv[1];
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	cancel = expect(&fx.r[1], "CANCEL ");
	assert_string_equal(hdr(cancel, "Via", 0), hdr(req, "Via", 0));
	reply(&fx.r[1], cancel, "200 OK", NULL, NULL, NULL);
	reply(&fx.r[1], req, "487 Request Terminated", "bob", NULL, NULL);
	(void)expect(&fx.r[1], "ACK ");
}

/* The preferred router is not live: another one. */
static void test_other_router(void **state)
{
	struct dialog_invite inv = invitation(NULL);
	const char *req;

	(void)state;

	inv.router = "router-9";
	sipua_set_routers(fx.ua, fx.memberv + 1, 1, INSTANCE);
	assert_int_equal(dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
	req = expect(&fx.r[1], "INVITE ");
	assert_string_equal(dialog_router(fx.d), "router-2");
	reply(&fx.r[1], req, "404 Not Found", "x", NULL, NULL);
	wait_event(&fx.seen.closed);
}

static void test_cancel(void **state)
{
	const char *req = call(OFFER), *cancel;

	(void)state;

	reply(&fx.r[0], req, "180 Ringing", "bob", NULL, NULL);
	wait_event(&fx.seen.progress);
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	cancel = expect(&fx.r[0], "CANCEL sip:1002@192.0.2.2:5062 ");
	assert_string_equal(hdr(cancel, "Via", 0), hdr(req, "Via", 0));
	assert_string_equal(hdr(cancel, "Route", 1), path[0]);
	reply(&fx.r[0], cancel, "200 OK", NULL, NULL, NULL);
	reply(&fx.r[0], req, "487 Request Terminated", "bob", NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");
	assert_int_equal(fx.seen.closed, 0);
}

/* Contact is the router's address for the transport of the phone. */
static void test_contact_transport(void **state)
{
	static const struct {
		const char *uri, *scheme, *address, *kept;
	} v[] = {
		{"sip:1002@192.0.2.2:5062", "<sip:", "@192.0.2.100:5060>",
		 "udp"},
		{"sip:1002@192.0.2.2:5062;ob;transport=TCP", "<sip:",
		 "@192.0.2.100:5064;transport=tcp>", "tcp"},
		{"sip:1002@192.0.2.2:5062;transport=tls", "<sip:",
		 "@192.0.2.100:5061;transport=tls>", "tls"},
		{"SIPS:1002@192.0.2.2:5062", "<sips:",
		 "@192.0.2.100:5061;transport=tls>", "sips"},
		{"sip:x@y.invalid;transport=ws", "<sip:",
		 "@192.0.2.100:5067;transport=ws>", "ws"},
		{"sip:x@y.invalid;transport=ws", "<sip:",
		 "@192.0.2.100:5067;transport=ws>", "wss"},
		{"sip:1002@192.0.2.2:5062;transport=sctp", "<sip:",
		 "@192.0.2.100:5060>", "udp"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct dialog_invite inv = invitation(NULL);
		Sy__DialogState st = SY__DIALOG_STATE__INIT;
		const char *req;

		fx.seen.closed = 0;
		inv.uri = v[i].uri;
		inv.wss = !strcmp(v[i].kept, "wss");
		assert_int_equal(
			dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
		req = expect(&fx.r[0], "INVITE ");
		HAS(hdr(req, "Contact", 0), v[i].scheme);
		HAS(hdr(req, "Contact", 0), v[i].address);
		dialog_checkpoint(fx.d, &st);
		assert_string_equal(st.transport, v[i].kept);
		assert_string_equal(ua_transport_name(
					    ua_transport_read(st.transport)),
				    v[i].kept);
		reply(&fx.r[0], req, "603 Decline", "x", NULL, NULL);
		wait_event(&fx.seen.closed);
		assert_int_equal(fx.seen.code, 603);
		(void)expect(&fx.r[0], "ACK ");
		fx.d = mem_deref(fx.d);
	}
}

/* ... and for its family, outside or inside. */
static void test_contact_reach(void **state)
{
	static const struct {
		int af;
		bool inside;
		const char *address;
	} v[] = {
		{AF_INET, false, "@203.0.113.7:6060>"},
		{AF_UNSPEC, false, "@203.0.113.7:6060>"},
		{AF_INET, true, "@192.0.2.100:5060>"},
		{AF_INET6, true, "@[2001:db8::100]:5060>"},
		/* none of that family is public */
		{AF_INET6, false, "@[2001:db8::100]:5060>"},
	};
	char *public[] = {"tls:203.0.113.7:443", "udp:203.0.113.7:6060"};
	char *addresses[] = {"udp:192.0.2.100:5060",
			     "udp:[2001:db8::100]:5060"};
	Sy__Member *m = &fx.r[0].member;
	char **const was = m->addresses;
	(void)state;

	m->public_addresses = public;
	m->n_public_addresses = ARRAY_SIZE(public);
	m->addresses = addresses;
	m->n_addresses = ARRAY_SIZE(addresses);
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct dialog_invite inv = invitation(NULL);
		const char *req;

		fx.seen.closed = 0;
		inv.af = v[i].af;
		inv.inside = v[i].inside;
		assert_int_equal(
			dialog_invite(&fx.d, fx.ua, &inv, &handlers, NULL), 0);
		req = expect(&fx.r[0], "INVITE ");
		HAS(hdr(req, "Contact", 0), v[i].address);
		reply(&fx.r[0], req, "603 Decline", "x", NULL, NULL);
		wait_event(&fx.seen.closed);
		(void)expect(&fx.r[0], "ACK ");
		fx.d = mem_deref(fx.d);
	}
	m->addresses = was;
	m->n_addresses = 4;
	m->n_public_addresses = 0;
}

/* Where a request came from: its second Via, as the router has marked it. */
static void test_peer(void **state)
{
	static const struct {
		const char *via, *peer;
	} v[] = {
		{"SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKx;rport=7"
		 ";received=192.0.2.9", "192.0.2.9"},
		{"SIP/2.0/UDP 192.0.2.8;branch=z9hG4bKx", "192.0.2.8"},
		{"SIP/2.0/TCP [2001:db8::9]:5060;branch=z9hG4bKx",
		 "2001:db8::9"},
		{"SIP/2.0/WSS x.invalid;branch=z9hG4bKx;received=2001:db8::8",
		 "2001:db8::8"},
		{"SIP/2.0/UDP pbx.example;branch=z9hG4bKx", NULL},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		struct mbuf *mb = mbuf_alloc(512);
		struct sip_msg *msg = NULL;
		struct sa want, got;

		assert_int_equal(
			mbuf_printf(mb,
				    "BYE sip:x@y SIP/2.0\r\n"
				    "Via: SIP/2.0/UDP 192.0.2.100:5060;"
				    "branch=z9hG4bKr\r\nVia: %s\r\n"
				    "From: <sip:a@b>;tag=1\r\n"
				    "To: <sip:c@d>;tag=2\r\nCall-ID: e\r\n"
				    "CSeq: 1 BYE\r\n\r\n", v[i].via), 0);
		mb->pos = 0;
		assert_int_equal(sip_msg_decode(&msg, mb), 0);
		if (v[i].peer) {
			assert_int_equal(ua_peer(&got, msg), 0);
			assert_int_equal(sa_set_str(&want, v[i].peer, 0), 0);
			assert_true(sa_cmp(&got, &want, SA_ADDR));
		} else {
			assert_int_equal(ua_peer(&got, msg), ENOENT);
		}
		mem_deref(msg);
		mem_deref(mb);
	}
}

/* Nothing was heard yet: the CANCEL waits (RFC 3261 9.1). */
static void test_cancel_waits(void **state)
{
	const char *req = call(OFFER);

	(void)state;

	fx.d = mem_deref(fx.d); /* the same as a hangup */
	expect_nothing(&fx.r[0], 50);
	reply(&fx.r[0], req, "100 Trying", NULL, NULL, NULL);
	reply(&fx.r[0], expect(&fx.r[0], "CANCEL "), "200 OK", NULL, NULL,
	      NULL);
	reply(&fx.r[0], req, "487 Request Terminated", "bob", NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");
}

static void test_cancel_crosses_200(void **state)
{
	const char *req = call(OFFER);

	(void)state;

	reply(&fx.r[0], req, "180 Ringing", "bob", NULL, NULL);
	wait_event(&fx.seen.progress);
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	(void)expect(&fx.r[0], "CANCEL ");
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT, ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
	assert_int_equal(fx.seen.established, 0);
	assert_int_equal(fx.seen.closed, 0);
}

/* Two phones behind one number: both ring, both answer. */
static void test_forked(void **state)
{
	const char *req = call(OFFER), *ack, *bye;

	(void)state;

	reply(&fx.r[0], req, "180 Ringing", "bob", CONTACT, NULL);
	wait_event(&fx.seen.progress);
	reply(&fx.r[0], req, "183 Session Progress", "eve",
	      "Contact: <sip:eve@192.0.2.3>\r\n", ANSWER);
	wait_event(&fx.seen.progress);

	reply(&fx.r[0], req, "200 OK", "bob", CONTACT RR, ANSWER);
	wait_event(&fx.seen.established);
	HAS(hdr(expect(&fx.r[0], "ACK "), "To", 0), ";tag=bob");

	reply(&fx.r[0], req, "200 OK", "eve", "Contact: <sip:eve@192.0.2.3>\r\n",
	      ANSWER);
	ack = expect(&fx.r[0], "ACK sip:eve@192.0.2.3 ");
	HAS(hdr(ack, "To", 0), ";tag=eve");
	bye = expect(&fx.r[0], "BYE sip:eve@192.0.2.3 ");
	HAS(hdr(bye, "To", 0), ";tag=eve");

	/* the second 2xx again, while its BYE is under way */
	reply(&fx.r[0], req, "200 OK", "eve", "Contact: <sip:eve@192.0.2.3>\r\n",
	      ANSWER);
	(void)expect(&fx.r[0], "ACK sip:eve@192.0.2.3 ");
	reply(&fx.r[0], bye, "200 OK", NULL, NULL, NULL);

	assert_int_equal(fx.seen.established, 0);
	assert_int_equal(dialog_state(fx.d), DIALOG_ANSWERED);
	hangup();
}

/* A callee that answers from ever more branches is not followed for ever. */
static void test_forks_are_bounded(void **state)
{
	const char *req = established();
	char tag[16];

	(void)state;

	for (unsigned i = 0; i < 12; i++) {
		(void)re_snprintf(tag, sizeof(tag), "fork%u", i);
		reply(&fx.r[0], req, "200 OK", tag, CONTACT, ANSWER);
		if (i >= 8)
			continue;
		(void)expect(&fx.r[0], "ACK ");
		reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL,
		      NULL, NULL);
	}
	expect_nothing(&fx.r[0], 30);
	hangup();
}

static void test_late_offer(void **state)
{
	const char *req = call(NULL), *ack;
	struct mbuf *mb = mb_text(ANSWER);

	(void)state;

	HAS_NOT(req, "Content-Type");
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT, OFFER);
	wait_event(&fx.seen.established);
	assert_string_equal(fx.seen.sdp, OFFER);
	expect_nothing(&fx.r[0], 30);
	assert_int_equal(dialog_ack(fx.d, mb), 0);
	assert_int_equal(dialog_ack(fx.d, mb), EPROTO);
	ack = expect(&fx.r[0], "ACK ");
	HAS(ack, "\r\n\r\n" ANSWER);
	mem_deref(mb);
	hangup();
}

/* Hung up instead of answering the late offer. */
static void test_late_offer_hangup(void **state)
{
	const char *req = call(NULL);

	(void)state;

	reply(&fx.r[0], req, "200 OK", "bob", CONTACT, OFFER);
	wait_event(&fx.seen.established);
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	(void)expect(&fx.r[0], "ACK ");
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

static void test_peer_hangs_up(void **state)
{
	const char *req = established();
	struct peer p;

	(void)state;

	callee_init(&p, req);
	str_ncpy(p.ftag, "mallory", sizeof(p.ftag));
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 481 ");

	peer_next(&p);
	str_ncpy(p.ftag, "bob", sizeof(p.ftag));
	peer_send(&fx.r[1], &p, "BYE");
	(void)expect(&fx.r[1], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 200);
	assert_true(fx.seen.remote);
}

static void test_reinvite(void **state)
{
	struct mbuf *mb = mb_text("v=0\r\ns=hold\r\n");
	const char *req = established(), *re;
	struct peer p;

	(void)state;

	assert_int_equal(dialog_offer(fx.d, mb), 0);
	assert_int_equal(dialog_offer(fx.d, mb), EBUSY);
	re = expect(&fx.r[0], "INVITE sip:1002@192.0.2.2:5062;transport=udp ");
	HAS(re, "s=hold");
	assert_int_equal(atoi(hdr(re, "CSeq", 0)),
			 atoi(hdr(req, "CSeq", 0)) + 1);
	assert_string_equal(hdr(re, "Contact", 0), hdr(req, "Contact", 0));

	/* glare */
	callee_init(&p, req);
	p.body = OFFER;
	peer_send(&fx.r[0], &p, "INVITE");
	(void)expect(&fx.r[0], "SIP/2.0 491 ");
	p.body = NULL;
	peer_send(&fx.r[0], &p, "ACK");

	reply(&fx.r[0], re, "200 OK", NULL, "Contact: <sip:new@192.0.2.5>\r\n",
	      ANSWER);
	(void)expect(&fx.r[0], "ACK sip:new@192.0.2.5 ");
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.err, 0);
	assert_string_equal(fx.seen.sdp, ANSWER);

	/* refused: the dialog stays */
	assert_int_equal(dialog_offer(fx.d, mb), 0);
	re = expect(&fx.r[0], "INVITE sip:new@192.0.2.5 ");
	reply(&fx.r[0], re, "488 Not Acceptable Here", NULL, NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");
	wait_event(&fx.seen.answered);
	assert_int_equal(fx.seen.err, ECONNREFUSED);
	assert_int_equal(fx.seen.code, 488);
	assert_int_equal(dialog_state(fx.d), DIALOG_ANSWERED);

	/* unknown there: it is over */
	assert_int_equal(dialog_offer(fx.d, mb), 0);
	re = expect(&fx.r[0], "INVITE sip:new@192.0.2.5 ");
	reply(&fx.r[0], re, "481 Call Does Not Exist", NULL, NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "481 No", NULL, NULL, NULL);
	wait_event(&fx.seen.closed);
	assert_int_equal(fx.seen.code, 481);
	mem_deref(mb);
}

static void test_bye_crosses_reinvite(void **state)
{
	struct mbuf *mb = mb_text(OFFER);
	const char *req = established(), *re;
	struct peer p;

	(void)state;

	assert_int_equal(dialog_offer(fx.d, mb), 0);
	re = expect(&fx.r[0], "INVITE ");
	callee_init(&p, req);
	peer_send(&fx.r[0], &p, "BYE");
	(void)expect(&fx.r[0], "SIP/2.0 200 ");
	wait_event(&fx.seen.closed);
	reply(&fx.r[0], re, "481 Gone", NULL, NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");
	assert_int_equal(fx.seen.answered, 0);
	mem_deref(mb);
}

/* The peer offers in a dialog of ours. */
static void test_peer_offers(void **state)
{
	const char *req = established();
	struct peer p;

	(void)state;

	fx.answer_at_once = true;
	callee_init(&p, req);
	p.body = OFFER;
	p.cseq = 0; /* allowed: RFC 3261 8.1.1.5 */
	peer_send(&fx.r[0], &p, "INVITE");
	HAS(expect(&fx.r[0], "SIP/2.0 200 "), ANSWER);
	assert_int_equal(fx.seen.offer, 1);
	peer_ack(&fx.r[0], &p, NULL);
	hangup();
}

/* Many routes the 2xx may be lost on: dropped in the first handler. */
static void test_deref_in_handlers(void **state)
{
	const char *req;

	(void)state;

	fx.seen.drop = true;
	req = call(OFFER);
	reply(&fx.r[0], req, "180 Ringing", "bob", NULL, NULL);
	wait_event(&fx.seen.progress);
	(void)expect(&fx.r[0], "CANCEL ");
	reply(&fx.r[0], req, "487 Request Terminated", "bob", NULL, NULL);
	(void)expect(&fx.r[0], "ACK ");

	req = call(OFFER);
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT, ANSWER);
	(void)expect(&fx.r[0], "ACK ");
	reply(&fx.r[0], expect(&fx.r[0], "BYE "), "200 OK", NULL, NULL, NULL);
}

static void test_abandon(void **state)
{
	const char *req = established();

	(void)state;

	dialog_abandon(fx.d);
	fx.d = mem_deref(fx.d);
	reply(&fx.r[0], req, "200 OK", "bob", CONTACT RR, ANSWER);
	expect_nothing(&fx.r[0], 30);
}

/* The router of a request died: it goes by another one, the same. */
static void test_router_dies(void **state)
{
	const char *req, *copy, *bye;
	struct sipua_stat st;

	(void)state;

	req = call(OFFER);
	sipua_set_routers(fx.ua, fx.memberv + 1, 1, INSTANCE);
	copy = expect(&fx.r[1], "INVITE ");
	assert_string_equal(copy, req);
	reply(&fx.r[1], copy, "200 OK", "bob", CONTACT, ANSWER);
	(void)expect(&fx.r[1], "ACK ");
	wait_event(&fx.seen.established);
	assert_string_equal(dialog_router(fx.d), "router-2");

	/* and back */
	dialog_hangup(fx.d, 0, NULL);
	fx.d = mem_deref(fx.d);
	bye = expect(&fx.r[1], "BYE ");
	sipua_set_routers(fx.ua, fx.memberv, 1, INSTANCE);
	assert_string_equal(expect(&fx.r[0], "BYE "), bye);
	reply(&fx.r[0], bye, "200 OK", NULL, NULL, NULL);
	assert_true(wait_for(quiet_cond, NULL, WAIT_MS));
	sipua_stat(fx.ua, &st);
	assert_int_equal(st.dialogs, 0);
	assert_int_equal(st.responses, 2);
}

static void test_close_alive(void **state)
{
	struct sipua_conf conf = {.addr = "127.0.0.1:0", .key = fx.key};
	struct mbuf *mb = mb_text(OFFER);

	(void)state;

	(void)call(OFFER);
	fx.d = mem_deref(fx.d); /* its CANCEL waits */
	(void)established();
	assert_int_equal(dialog_offer(fx.d, mb), 0);
	(void)expect(&fx.r[0], "INVITE ");

	mem_deref(fx.ua);
	/* its re-INVITE failed, so it is over; it may be freed as ever */
	assert_int_equal(fx.seen.closed, 1);
	assert_null(fx.d);
	mem_deref(mb);
	assert_int_equal(ua_alloc(&fx.ua, &conf), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_walk),
		TEST(test_hops),
		TEST(test_refused),
		TEST(test_no_router),
		TEST(test_other_router),
		TEST(test_cancel_other_router),
		TEST(test_cancel),
		TEST(test_contact_transport),
		TEST(test_contact_reach),
		TEST(test_peer),
		TEST(test_cancel_waits),
		TEST(test_cancel_crosses_200),
		TEST(test_forked),
		TEST(test_forks_are_bounded),
		TEST(test_late_offer),
		TEST(test_late_offer_hangup),
		TEST(test_peer_hangs_up),
		TEST(test_reinvite),
		TEST(test_bye_crosses_reinvite),
		TEST(test_peer_offers),
		TEST(test_deref_in_handlers),
		TEST(test_abandon),
		TEST(test_router_dies),
		TEST(test_close_alive),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

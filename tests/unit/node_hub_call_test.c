/* libs: sy_node_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * Whole calls through a node: bus, SIP, RTP and Redis are real, the router
 * and the phones are the test's.  Each test ends with nothing left behind.
 */

#include "node_hub_router.h"

static void dest_is(Sy__Destination *dest, Sy__Destination__KindCase kind,
		    const char *text)
{
	sy__destination__init(dest);
	dest->kind_case = kind;
	if (kind == SY__DESTINATION__KIND_ECHO)
		dest->echo = true;
	else
		dest->device = (char *)text; /* any string member */
}

#define DEVICE SY__DESTINATION__KIND_DEVICE
#define CONFERENCE SY__DESTINATION__KIND_CONFERENCE
#define ECHO_ SY__DESTINATION__KIND_ECHO

/* A new hub with one phone announced. */
static void open_call(struct lab *l, struct phone *p, char *hub,
		      Sy__Destination__KindCase kind, const char *text)
{
	Sy__Destination dest;

	ulid_make(hub);
	phone_open(l, p, hub);
	dest_is(&dest, kind, text);
	assert_int_equal(phone_place(l, p, &dest), SY__RESULT_CODE__OK);
}

static bool cond_packets(void *arg)
{
	const struct phone *p = arg;

	return p->packets >= 10;
}

static Sy__Call *get_call(struct lab *l, const char *hub)
{
	Sy__GetCall msg = SY__GET_CALL__INIT;

	msg.call = (char *)hub;
	assert_int_equal(ASK(l, GET_CALL, get_call, &msg),
			 SY__RESULT_CODE__OK);
	assert_non_null(l->call);

	return l->call;
}

static void echo(void **state)
{
	char hub[ULID_LEN + 1];
	const char *resp;
	struct phone p;
	struct lab l;
	Sy__Call *call;

	lab_open(&l, state);
	open_call(&l, &p, hub, ECHO_, NULL);
	phone_call(&l, &p);
	run_until(l.f, cond_packets, &p);

	call = get_call(&l, hub);
	assert_int_equal(call->state, SY__CALL_STATE__CALL_ANSWERED);
	assert_int_equal(call->n_legs, 2);
	assert_string_equal(call->legs[0]->codec, "PCMU");
	assert_string_equal(call->legs[0]->router, "r1");
	assert_int_equal(server_ask(l.f, "ZCARD sy:hubs"), 1);

	/* Hold and resume by the phone. */
	p.cseq++;
	p.dir = "sendonly";
	phone_invite(&l, &p);
	resp = phone_get(&l, &p, "200");
	assert_non_null(strstr(resp, "a=recvonly"));
	phone_ack(&l, &p, resp);
	assert_true(get_call(&l, hub)->legs[0]->held);
	p.cseq++;
	p.dir = "sendrecv";
	phone_invite(&l, &p);
	resp = phone_get(&l, &p, "200");
	phone_ack(&l, &p, resp);
	assert_false(get_call(&l, hub)->legs[0]->held);

	phone_bye(&l, &p);
	phone_close(&p);
	lab_rest(&l);
	assert_int_equal(server_ask(l.f, "XLEN sy:cdr"), 1);
	lab_close(&l);
}

/* Two phones ring, one answers, the other is cancelled. */
static void forked(void **state)
{
	const char *inv[2], *resp;
	char hub[ULID_LEN + 1];
	struct phone p, callee;
	struct lab l;

	lab_open(&l, state);
	lab_register(&l, 2);
	open_call(&l, &p, hub, DEVICE, "1002");
	phone_open(&l, &callee, hub);
	phone_invite(&l, &p);
	inv[0] = lab_get(&l, "INVITE", "sip:1002@127.0.0.1:5062");
	inv[1] = lab_get(&l, "INVITE", "sip:1002@127.0.0.2:5064");
	assert_non_null(strstr(inv[1], "<sip:PATH.f@127.0.0.1;lr>"));
	assert_non_null(strstr(inv[0], "sip:1001@switchyard"));

	lab_reply(&l, inv[0], "180 Ringing", "a", NULL);
	(void)phone_get(&l, &p, "180");
	lab_reply(&l, inv[1], "180 Ringing", "b", NULL);
	lab_none(&l, "SIP/2.0 180", p.call_id);
	assert_int_equal(get_call(&l, hub)->state,
			 SY__CALL_STATE__CALL_RINGING);
	assert_int_equal(l.call->n_legs, 3);

	lab_accept(&l, inv[1], callee.port, "sendrecv");
	resp = phone_get(&l, &p, "200");
	phone_ack(&l, &p, resp);
	lab_reply(&l, lab_get(&l, "CANCEL", hdr(inv[0], "Call-ID")), "200 OK",
		  "a", NULL);
	lab_refuse(&l, inv[0], "487 Request Terminated");

	/* Both get sound, and neither needs the other's codec. */
	run_until(l.f, cond_packets, &callee);
	run_until(l.f, cond_packets, &p);
	assert_int_equal(get_call(&l, hub)->n_legs, 2);

	phone_bye(&l, &p);
	lab_ended(&l, hdr(inv[1], "Call-ID"));
	phone_close(&p);
	phone_close(&callee);
	lab_close(&l);
}

/* ------------------------------------------------------------ early media */

static bool cond_low(void *arg)
{
	const struct phone *p = arg;

	return p->level > TALK_LOW / 2 && p->level < TALK_LOW * 2;
}

static bool cond_high(void *arg)
{
	const struct phone *p = arg;

	return p->level > TALK_HIGH / 2 && p->level < TALK_HIGH * 2;
}

/* 425 Hz cross zero 17 times in 20 ms. */
static bool cond_ringback(void *arg)
{
	const struct phone *p = arg;

	return p->level > 1000 && p->crossings >= 16 && p->crossings <= 18;
}

static bool cond_silence(void *arg)
{
	const struct phone *p = arg;

	return p->packets && p->level < 50;
}

/* Some more packets. */
static void phone_hear(struct lab *l, struct phone *p)
{
	p->packets = 0;
	run_until(l->f, cond_packets, p);
}

static void early_reply(struct lab *l, const char *inv, const char *status,
			const char *tag, const struct phone *callee)
{
	char sdp[512];

	(void)re_snprintf(sdp, sizeof(sdp), sdp_offer, callee->port,
			  callee->dir);
	lab_reply(l, inv, status, tag, sdp);
}

static const char *body(const char *msg)
{
	return strstr(msg, "\r\n\r\n") + 4;
}

/* A call to 1002, whose phones are called. */
struct early {
	struct lab l;
	char hub[ULID_LEN + 1];
	struct phone p, callee[2];
	const char *inv[2];
};

static void early_open(struct early *e, void **state, bool offer)
{
	struct lab *l = &e->l;
	int i;

	lab_open(l, state);
	lab_register(l, 2);
	open_call(l, &e->p, e->hub, DEVICE, "1002");
	for (i = 0; i < 2; i++)
		phone_open(l, &e->callee[i], e->hub);
	if (offer) {
		phone_invite(l, &e->p);
	}
	else {
		e->p.branch = ++l->seq;
		phone_send(l, &e->p, "INVITE", NULL, e->p.branch);
	}
	e->inv[0] = lab_get(l, "INVITE", "5062");
	e->inv[1] = lab_get(l, "INVITE", "5064");
}

static void early_close(struct early *e)
{
	phone_close(&e->p);
	phone_close(&e->callee[0]);
	phone_close(&e->callee[1]);
	lab_close(&e->l);
}

static void early_cancelled(struct early *e, int i)
{
	struct lab *l = &e->l;

	lab_reply(l, lab_get(l, "CANCEL", hdr(e->inv[i], "Call-ID")),
		  "200 OK", "x", NULL);
	lab_refuse(l, e->inv[i], "487 Request Terminated");
}

/* One of them sounds before it answers; nothing of it is an answer. */
static void early_media(void **state)
{
	const char *early, *resp;
	struct early e;
	struct lab *l = &e.l;

	early_open(&e, state, true);
	lab_reply(l, e.inv[0], "180 Ringing", "a", NULL);
	(void)phone_get(l, &e.p, "180");
	early_reply(l, e.inv[0], "183 Session Progress", "a", &e.callee[0]);
	early = phone_get(l, &e.p, "183 Session Progress");
	assert_non_null(strstr(early, "m=audio"));
	phone_talk(&e.callee[0], e.inv[0], TALK_HIGH);
	run_until(l->f, cond_high, &e.p);

	/* It hears the caller, too. */
	phone_talk(&e.p, early, TALK_LOW);
	run_until(l->f, cond_low, &e.callee[0]);

	assert_int_equal(get_call(l, e.hub)->state,
			 SY__CALL_STATE__CALL_RINGING);
	assert_null(l->call->answered_at);
	assert_int_equal(l->call->n_legs, 3);
	assert_int_equal(l->call->legs[0]->state, SY__LEG_STATE__LEG_RINGING);
	assert_null(l->call->legs[1]->answered_at);
	assert_string_equal(l->call->legs[1]->codec, "PCMU");

	/* Once is enough. */
	early_reply(l, e.inv[0], "183 Session Progress", "a", &e.callee[0]);
	lab_reply(l, e.inv[0], "180 Ringing", "a", NULL);
	lab_reply(l, e.inv[1], "180 Ringing", "b", NULL);
	lab_none(l, "SIP/2.0 18", e.p.call_id);

	early_reply(l, e.inv[0], "200 OK", "a", &e.callee[0]);
	(void)lab_get(l, "ACK", hdr(e.inv[0], "Call-ID"));
	resp = phone_get(l, &e.p, "200");
	assert_string_equal(body(resp), body(early));
	phone_ack(l, &e.p, resp);
	early_cancelled(&e, 1);
	phone_hear(l, &e.p);
	run_until(l->f, cond_high, &e.p);
	run_until(l->f, cond_low, &e.callee[0]);
	assert_int_equal(get_call(l, e.hub)->state,
			 SY__CALL_STATE__CALL_ANSWERED);
	assert_non_null(l->call->answered_at);

	phone_bye(l, &e.p);
	lab_ended(l, hdr(e.inv[0], "Call-ID"));
	early_close(&e);
}

/* Both sound: the first is heard, until the other answers.  An announcement
 * may be sendonly. */
static void early_forked(void **state)
{
	const char *early, *resp;
	struct early e;
	struct lab *l = &e.l;

	early_open(&e, state, true);
	e.callee[0].dir = "sendonly";
	early_reply(l, e.inv[0], "183 Session Progress", "a", &e.callee[0]);
	early = phone_get(l, &e.p, "183");
	phone_talk(&e.callee[0], e.inv[0], TALK_LOW);
	run_until(l->f, cond_low, &e.p);
	assert_false(get_call(l, e.hub)->legs[1]->held);

	early_reply(l, e.inv[1], "180 Ringing", "b", &e.callee[1]);
	phone_talk(&e.callee[1], e.inv[1], TALK_HIGH);
	phone_talk(&e.p, early, TALK_HIGH);
	lab_none(l, "SIP/2.0 18", e.p.call_id);
	phone_hear(l, &e.p);
	assert_true(cond_low(&e.p));
	assert_false(cond_high(&e.callee[1])); /* nor does it hear */

	early_reply(l, e.inv[1], "200 OK", "b", &e.callee[1]);
	(void)lab_get(l, "ACK", hdr(e.inv[1], "Call-ID"));
	resp = phone_get(l, &e.p, "200");
	assert_string_equal(body(resp), body(early));
	phone_ack(l, &e.p, resp);
	early_cancelled(&e, 0);
	run_until(l->f, cond_high, &e.p);
	run_until(l->f, cond_high, &e.callee[1]);

	phone_bye(l, &e.p);
	lab_ended(l, hdr(e.inv[1], "Call-ID"));
	early_close(&e);
}

/* What sounded refuses: the caller, who has our media by now, hears the
 * other one ring. */
static void early_refused(void **state)
{
	struct early e;
	struct lab *l = &e.l;

	early_open(&e, state, true);
	lab_reply(l, e.inv[1], "180 Ringing", "b", NULL);
	(void)phone_get(l, &e.p, "180");
	early_reply(l, e.inv[0], "183 Session Progress", "a", &e.callee[0]);
	(void)phone_get(l, &e.p, "183");
	phone_hear(l, &e.p);
	assert_true(cond_silence(&e.p));
	lab_refuse(l, e.inv[0], "486 Busy Here");
	run_until(l->f, cond_ringback, &e.p);
	lab_refuse(l, e.inv[1], "404 Not Found");
	phone_nack(l, &e.p, phone_get(l, &e.p, "486"));
	run_until(l->f, cond_rest, l);
	assert_int_equal(server_ask(l->f, "XLEN sy:cdr"), 1);
	early_close(&e);
}

static void early_caller_cancels(void **state)
{
	struct early e;
	struct lab *l = &e.l;

	early_open(&e, state, true);
	early_reply(l, e.inv[0], "183 Session Progress", "a", &e.callee[0]);
	(void)phone_get(l, &e.p, "183");
	early_reply(l, e.inv[1], "183 Session Progress", "b", &e.callee[1]);
	phone_send(l, &e.p, "CANCEL", NULL, e.p.branch);
	phone_nack(l, &e.p, phone_get(l, &e.p, "487"));
	early_cancelled(&e, 0);
	early_cancelled(&e, 1);
	early_close(&e);
}

/* Without an offer of the caller there is nothing to answer in a 183; and a
 * description that makes no sense is no more than ringing. */
static void early_not_possible(void **state)
{
	char sdp[512];
	const char *resp;
	struct early e;
	struct lab *l = &e.l;

	early_open(&e, state, false);
	lab_reply(l, e.inv[1], "183 Session Progress", "b", "v=0\r\n");
	early_reply(l, e.inv[0], "183 Session Progress", "a", &e.callee[0]);
	assert_null(strstr(phone_get(l, &e.p, "180"), "m=audio"));
	lab_none(l, "SIP/2.0 18", e.p.call_id);

	lab_accept(l, e.inv[1], e.callee[1].port, "sendrecv");
	early_cancelled(&e, 0);
	resp = phone_get(l, &e.p, "200");
	(void)re_snprintf(sdp, sizeof(sdp), sdp_offer, e.p.port, "sendrecv");
	phone_ack_with(l, &e.p, resp, sdp);
	phone_talk(&e.callee[1], e.inv[1], TALK_HIGH);
	run_until(l->f, cond_high, &e.p);
	phone_bye(l, &e.p);
	lab_ended(l, hdr(e.inv[1], "Call-ID"));
	early_close(&e);
}

/* All refuse: the best of their codes. */
static void all_refuse(void **state)
{
	const char *inv[2], *resp;
	char hub[ULID_LEN + 1];
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	lab_register(&l, 2);
	open_call(&l, &p, hub, DEVICE, "1002");
	phone_invite(&l, &p);
	inv[0] = lab_get(&l, "INVITE", "5062");
	inv[1] = lab_get(&l, "INVITE", "5064");
	lab_refuse(&l, inv[0], "404 Not Found");
	lab_refuse(&l, inv[1], "486 Busy Here");
	resp = phone_get(&l, &p, "486");
	phone_nack(&l, &p, resp);
	phone_close(&p);
	lab_close(&l);
}

static void nobody_there(void **state)
{
	static const struct {
		const char *device, *status;
	} v[] = {{"1002", "480"}, {"4711", "404"}};
	char hub[ULID_LEN + 1];
	struct phone p;
	struct lab l;
	size_t i;

	lab_open(&l, state);
	for (i = 0; i < ARRAY_SIZE(v); i++) {
		open_call(&l, &p, hub, DEVICE, v[i].device);
		phone_invite(&l, &p);
		phone_nack(&l, &p, phone_get(&l, &p, v[i].status));
		phone_close(&p);
	}
	lab_close(&l);
}

static void caller_cancels(void **state)
{
	char hub[ULID_LEN + 1];
	const char *inv;
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	lab_register(&l, 1);
	open_call(&l, &p, hub, DEVICE, "1002");
	phone_invite(&l, &p);
	inv = lab_get(&l, "INVITE", "5062");
	lab_reply(&l, inv, "180 Ringing", "a", NULL);
	(void)phone_get(&l, &p, "180");
	phone_send(&l, &p, "CANCEL", NULL, p.branch);
	phone_nack(&l, &p, phone_get(&l, &p, "487"));
	lab_reply(&l, lab_get(&l, "CANCEL", hdr(inv, "Call-ID")), "200 OK",
		  "a", NULL);
	lab_refuse(&l, inv, "487 Request Terminated");
	phone_close(&p);
	lab_close(&l);
}

static void no_common_codec(void **state)
{
	static const char sdp[] =
		"v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\n"
		"c=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n";
	char hub[ULID_LEN + 1];
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	lab_register(&l, 1);
	open_call(&l, &p, hub, DEVICE, "1002");
	p.branch = 77;
	phone_send(&l, &p, "INVITE", sdp, p.branch);
	phone_nack(&l, &p, phone_get(&l, &p, "488"));
	lab_none(&l, "INVITE", "5062");
	phone_close(&p);
	lab_rest(&l);
	assert_int_equal(server_ask(l.f, "XLEN sy:cdr"), 1);
	lab_close(&l);
}

/* The offer is ours, the answer comes in the ACK. */
static void late_offer(void **state)
{
	char hub[ULID_LEN + 1], sdp[512];
	const char *resp;
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	open_call(&l, &p, hub, ECHO_, NULL);
	p.branch = ++l.seq;
	phone_send(&l, &p, "INVITE", NULL, p.branch);
	resp = phone_get(&l, &p, "200");
	assert_non_null(strstr(resp, "PCMA/8000"));
	(void)re_snprintf(sdp, sizeof(sdp), sdp_offer, p.port, "sendrecv");
	phone_ack_with(&l, &p, resp, sdp);
	run_until(l.f, cond_packets, &p);
	assert_string_equal(get_call(&l, hub)->legs[0]->codec, "PCMU");
	phone_bye(&l, &p);
	phone_close(&p);
	lab_close(&l);
}

/* ... and cannot be used: the call ends. */
static void late_answer_is_rubbish(void **state)
{
	char hub[ULID_LEN + 1];
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	open_call(&l, &p, hub, ECHO_, NULL);
	p.branch = ++l.seq;
	phone_send(&l, &p, "INVITE", NULL, p.branch);
	phone_ack_with(&l, &p, phone_get(&l, &p, "200"), "v=0\r\n");
	lab_ended(&l, p.call_id);
	phone_close(&p);
	lab_close(&l);
}

static bool cond_events(void *arg)
{
	const struct phone *p = arg;

	return p->events > 0;
}

/* A digit by INFO reaches the others as RFC 4733, and not its sender. */
static void digits(void **state)
{
	char hub[ULID_LEN + 1];
	Sy__Destination dest;
	struct phone p[2];
	struct lab l;
	int i;

	lab_open(&l, state);
	ulid_make(hub);
	dest_is(&dest, CONFERENCE, "lobby");
	for (i = 0; i < 2; i++) {
		phone_open(&l, &p[i], hub);
		assert_int_equal(phone_place(&l, &p[i], &dest),
				 SY__RESULT_CODE__OK);
		phone_call(&l, &p[i]);
	}
	p[0].cseq++;
	p[0].ctype = "application/dtmf-relay";
	phone_send(&l, &p[0], "INFO", "Signal=5\r\nDuration=100\r\n",
		   ++l.seq);
	run_until(l.f, cond_events, &p[1]);
	assert_int_equal(p[0].events, 0);
	phone_bye(&l, &p[0]);

	/* The placement of who left goes at once, not with the room. */
	assert_int_equal(get_call(&l, hub)->n_legs, 1);
	assert_int_equal(server_ask(l.f, "KEYS sy:call:*"), 1);
	phone_bye(&l, &p[1]);
	for (i = 0; i < 2; i++)
		phone_close(&p[i]);
	lab_close(&l);
}

static void unknown_hub(void **state)
{
	char hub[ULID_LEN + 1];
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	ulid_make(hub);
	phone_open(&l, &p, hub);
	phone_invite(&l, &p);
	phone_nack(&l, &p, phone_get(&l, &p, "481"));
	phone_close(&p);
	lab_close(&l);
}

static void conference(void **state)
{
	Sy__UpdateLeg up = SY__UPDATE_LEG__INIT;
	Sy__RemoveLeg rm = SY__REMOVE_LEG__INIT;
	Sy__SendDtmf dtmf = SY__SEND_DTMF__INIT;
	char hub[ULID_LEN + 1], leg[ULID_LEN + 1];
	Sy__Destination dest;
	struct phone p[3];
	struct lab l;
	int i;

	lab_open(&l, state);
	ulid_make(hub);
	dest_is(&dest, CONFERENCE, "lobby");
	for (i = 0; i < 3; i++) {
		phone_open(&l, &p[i], hub);
		assert_int_equal(phone_place(&l, &p[i], &dest),
				 SY__RESULT_CODE__OK);
		phone_call(&l, &p[i]);
	}
	assert_int_equal(get_call(&l, hub)->n_legs, 3);
	str_ncpy(leg, l.call->legs[1]->id, sizeof(leg));

	up.call = hub;
	up.leg = leg;
	up.set_muted_case = SY__UPDATE_LEG__SET_MUTED_MUTED;
	up.muted = true;
	assert_int_equal(ASK(&l, UPDATE_LEG, update_leg, &up),
			 SY__RESULT_CODE__OK);
	assert_true(l.call->legs[1]->muted);
	assert_false(l.call->legs[1]->deaf);

	dtmf.call = hub;
	dtmf.digits = (char *)"12#";
	assert_int_equal(ASK(&l, SEND_DTMF, send_dtmf, &dtmf),
			 SY__RESULT_CODE__OK);
	dtmf.leg = leg;
	assert_int_equal(ASK(&l, SEND_DTMF, send_dtmf, &dtmf),
			 SY__RESULT_CODE__OK);
	dtmf.leg = hub;
	assert_int_equal(ASK(&l, SEND_DTMF, send_dtmf, &dtmf),
			 SY__RESULT_CODE__NOT_FOUND);
	dtmf.digits = (char *)"x";
	assert_int_equal(ASK(&l, SEND_DTMF, send_dtmf, &dtmf),
			 SY__RESULT_CODE__BAD_REQUEST);

	rm.call = hub;
	rm.leg = leg;
	assert_int_equal(ASK(&l, REMOVE_LEG, remove_leg, &rm),
			 SY__RESULT_CODE__OK);
	assert_int_equal(l.call->n_legs, 2);
	lab_ended(&l, p[1].call_id);
	assert_int_equal(ASK(&l, REMOVE_LEG, remove_leg, &rm),
			 SY__RESULT_CODE__NOT_FOUND);

	phone_bye(&l, &p[0]);
	assert_int_equal(get_call(&l, hub)->n_legs, 1);
	phone_bye(&l, &p[2]);
	for (i = 0; i < 3; i++)
		phone_close(&p[i]);
	lab_close(&l);
}

/* The API calls a device, and rings a trunk for it; holds; hangs up. */
static void originated(void **state)
{
	Sy__External ext = SY__EXTERNAL__INIT;
	Sy__Originate msg = SY__ORIGINATE__INIT;
	Sy__HangupCall hang = SY__HANGUP_CALL__INIT;
	Sy__UpdateLeg up = SY__UPDATE_LEG__INIT;
	Sy__Destination from, to;
	const char *inv[2], *re;
	char hub[ULID_LEN + 1];
	struct phone a, b;
	struct lab l;

	lab_open(&l, state);
	lab_register(&l, 1);
	ulid_make(hub);
	phone_open(&l, &a, hub);
	phone_open(&l, &b, hub);
	dest_is(&from, DEVICE, "1002");
	sy__destination__init(&to);
	to.kind_case = SY__DESTINATION__KIND_EXTERNAL;
	to.external = &ext;
	ext.trunk = (char *)"loop";
	ext.number = (char *)"7+1";
	msg.hub = hub;
	msg.from = &from;
	msg.to = &to;
	assert_int_equal(ASK(&l, ORIGINATE, originate, &msg),
			 SY__RESULT_CODE__OK);
	inv[0] = lab_get(&l, "INVITE", "sip:1002@127.0.0.1:5062");
	lab_accept(&l, inv[0], a.port, "sendrecv");
	inv[1] = lab_get(&l, "INVITE", "@127.0.0.9:5080");

	/* Who has answered already hears it ring, and what it says. */
	phone_hear(&l, &a);
	assert_true(cond_silence(&a));
	lab_reply(&l, inv[1], "180 Ringing", "x", NULL);
	run_until(l.f, cond_ringback, &a);
	assert_int_equal(get_call(&l, hub)->n_legs, 2);
	assert_int_equal(l.call->state, SY__CALL_STATE__CALL_RINGING);
	early_reply(&l, inv[1], "183 Session Progress", "x", &b);
	run_until(l.f, cond_silence, &a);
	phone_talk(&b, inv[1], TALK_LOW);
	run_until(l.f, cond_low, &a);
	assert_null(get_call(&l, hub)->answered_at);
	lab_accept(&l, inv[1], b.port, "sendrecv");
	phone_hear(&l, &b);
	assert_true(cond_silence(&b));
	assert_int_equal(get_call(&l, hub)->state,
			 SY__CALL_STATE__CALL_ANSWERED);
	assert_int_equal(l.call->legs[1]->kind, SY__LEG_KIND__TRUNK);

	up.call = hub;
	up.leg = l.call->legs[1]->id;
	up.set_held_case = SY__UPDATE_LEG__SET_HELD_HELD;
	up.held = true;
	assert_int_equal(ASK(&l, UPDATE_LEG, update_leg, &up),
			 SY__RESULT_CODE__OK);
	assert_true(l.call->legs[1]->held);
	re = lab_get(&l, "INVITE", hdr(inv[1], "Call-ID"));
	assert_non_null(strstr(re, "a=sendonly"));
	lab_accept(&l, re, b.port, "recvonly");
	assert_true(get_call(&l, hub)->legs[1]->held);

	hang.call = hub;
	assert_int_equal(ASK(&l, HANGUP_CALL, hangup_call, &hang),
			 SY__RESULT_CODE__OK);
	lab_ended(&l, hdr(inv[0], "Call-ID"));
	lab_ended(&l, hdr(inv[1], "Call-ID"));
	phone_close(&a);
	phone_close(&b);
	lab_close(&l);
}

static void added(void **state)
{
	Sy__HangupCall hang = SY__HANGUP_CALL__INIT;
	Sy__AddLeg add = SY__ADD_LEG__INIT;
	char hub[ULID_LEN + 1];
	Sy__Destination dest;
	const char *inv;
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	open_call(&l, &p, hub, ECHO_, NULL);
	phone_call(&l, &p);

	dest_is(&dest, DEVICE, "1002");
	add.call = hub;
	add.destination = &dest;
	assert_int_equal(ASK(&l, ADD_LEG, add_leg, &add),
			 SY__RESULT_CODE__CONFLICT); /* not registered */
	lab_register(&l, 1);
	assert_int_equal(ASK(&l, ADD_LEG, add_leg, &add),
			 SY__RESULT_CODE__OK);
	assert_true(ulid_is_valid(l.leg));
	assert_int_equal(l.call->n_legs, 3);
	inv = lab_get(&l, "INVITE", "5062");
	lab_accept(&l, inv, p.port, "sendrecv");
	assert_int_equal(get_call(&l, hub)->legs[2]->state,
			 SY__LEG_STATE__LEG_ANSWERED);

	dest_is(&dest, SY__DESTINATION__KIND_FILE, "/no/such.wav");
	assert_int_equal(ASK(&l, ADD_LEG, add_leg, &add),
			 SY__RESULT_CODE__BAD_REQUEST);

	phone_bye(&l, &p);
	lab_none(&l, "BYE", hdr(inv, "Call-ID"));
	hang.call = hub;
	assert_int_equal(ASK(&l, HANGUP_CALL, hangup_call, &hang),
			 SY__RESULT_CODE__OK);
	lab_ended(&l, hdr(inv, "Call-ID"));
	phone_close(&p);
	lab_close(&l);
}

static void drained(void **state)
{
	Sy__DrainNode msg = SY__DRAIN_NODE__INIT;
	char hub[ULID_LEN + 1];
	Sy__Destination dest;
	struct phone p, q;
	struct lab l;

	lab_open(&l, state);
	open_call(&l, &p, hub, ECHO_, NULL);
	phone_call(&l, &p);
	msg.drain = true;
	assert_int_equal(ASK(&l, DRAIN_NODE, drain_node, &msg),
			 SY__RESULT_CODE__OK);
	ulid_make(hub);
	phone_open(&l, &q, hub);
	dest_is(&dest, ECHO_, NULL);
	assert_int_equal(phone_place(&l, &q, &dest),
			 SY__RESULT_CODE__UNAVAILABLE);
	(void)store_place_drop(bus_redis(l.bus), q.call_id, hub);

	msg.drain = false;
	assert_int_equal(ASK(&l, DRAIN_NODE, drain_node, &msg),
			 SY__RESULT_CODE__OK);
	assert_int_equal(phone_place(&l, &q, &dest), SY__RESULT_CODE__OK);
	phone_call(&l, &q);
	phone_bye(&l, &q);
	phone_bye(&l, &p);
	phone_close(&p);
	phone_close(&q);
	lab_close(&l);
}

/* Routers ask for the process that was here before, until they hear of us. */
static void not_yet(void **state)
{
	struct bus_conf bc = {.id = "r2"};
	struct member_conf mc = {0};
	struct members *none, *members;
	struct bus *bus;
	char hub[ULID_LEN + 1];
	Sy__Destination dest;
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	bc.loop = mc.loop = l.f->loop;
	bc.url = l.f->url;
	assert_int_equal(bus_alloc(&bus, &bc), 0);
	mc.bus = bus;
	assert_int_equal(member_alloc(&none, &mc), 0);
	members = l.node->members;
	l.node->members = none; /* as before it has an instance */
	ulid_make(hub);
	phone_open(&l, &p, hub);
	dest_is(&dest, ECHO_, NULL);
	assert_int_equal(phone_place(&l, &p, &dest),
			 SY__RESULT_CODE__UNAVAILABLE);
	l.node->members = members;
	assert_int_equal(phone_place(&l, &p, &dest), SY__RESULT_CODE__OK);
	phone_call(&l, &p);
	phone_bye(&l, &p);
	phone_close(&p);
	mem_deref(none);
	mem_deref(bus);
	lab_close(&l);
}

static bool cond_down(void *arg)
{
	struct lab *l = arg;

	return !bus_is_up(l->node->bus);
}

static bool cond_up(void *arg)
{
	struct lab *l = arg;

	return bus_is_up(l->node->bus) && bus_is_up(l->bus) &&
	       !checkpoint_pending(l->node->checkpoint);
}

/* Redis dies and comes back empty: one call goes on and is written anew, one
 * that ends meanwhile leaves nothing behind. */
static void redis_away(void **state)
{
	char hub[3][ULID_LEN + 1];
	struct phone p[3];
	struct lab l;
	int i;

	lab_open(&l, state);
	for (i = 0; i < 3; i++) {
		open_call(&l, &p[i], hub[i], i < 2 ? ECHO_ : CONFERENCE,
			  "lobby");
		phone_call(&l, &p[i]);
	}
	server_kill(l.f);
	run_until(l.f, cond_down, &l);
	p[0].packets = 0;
	run_until(l.f, cond_packets, &p[0]);
	phone_bye(&l, &p[1]);

	server_start(l.f);
	run_until(l.f, cond_up, &l);
	assert_int_equal(server_ask(l.f, "ZCARD sy:hubs"), 2);
	assert_int_equal(server_ask(l.f, "EXISTS sy:hub:{%s}", hub[0]), 1);
	assert_int_equal(server_ask(l.f, "EXISTS sy:room:{lobby}"), 1);
	assert_int_equal(server_ask(l.f, "XLEN sy:cdr"), 1);

	phone_bye(&l, &p[0]);
	phone_bye(&l, &p[2]);
	for (i = 0; i < 3; i++)
		phone_close(&p[i]);
	lab_close(&l);
}

/* Another node has taken the hub over: not a word more. */
static void taken_over(void **state)
{
	char hub[ULID_LEN + 1];
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	open_call(&l, &p, hub, ECHO_, NULL);
	phone_call(&l, &p);
	run_until(l.f, cond_packets, &p);
	server_ask(l.f, "HSET sy:hub:{%s} epoch 2 owner 99", hub);
	server_ask(l.f, "DEL sy:call:*");

	/* Any change makes it write, and find out. */
	p.cseq++;
	p.dir = "sendonly";
	phone_invite(&l, &p);
	(void)phone_get(&l, &p, "200");
	run_until(l.f, cond_rest, &l);
	lab_none(&l, "BYE", p.call_id);
	assert_int_equal(server_ask(l.f, "ZCARD sy:hubs"), 1);
	assert_int_equal(server_ask(l.f, "XLEN sy:cdr"), 0);

	server_ask(l.f, "FLUSHALL");
	phone_close(&p);
	lab_close(&l);
}

static bool cond_adopted(void *arg)
{
	struct lab *l = arg;

	return server_ask(l->f, "ZCARD sy:hubs") == 1 &&
	       !server_ask(l->f, "EXISTS sy:owned:4711");
}

static char orphan[3][ULID_LEN + 1];

/* Hubs of a process that died since: one whose legs are lost, one whose record
 * cannot be read, and one whose record is another's. */
static void put_orphans(struct lab *l)
{
	struct redis *r = bus_redis(l->bus);
	int i;

	assert_int_equal(store_owners_put(r, 4711, "n9"), 0);
	for (i = 0; i < 3; i++) {
		Sy__Call call = SY__CALL__INIT;
		Sy__Leg leg = SY__LEG__INIT;
		Sy__DialogState ds = SY__DIALOG_STATE__INIT;
		const Sy__Leg *legs = &leg;
		const Sy__DialogState *dlgs = &ds;
		struct store_hub_put put = {
			.hub = orphan[i], .epoch = 3, .node = "n9",
			.first = true, .instance = 4711, .call = &call,
			.legv = &legs, .legc = 1, .dlgv = &dlgs, .dlgc = 1};
		char id[ULID_LEN + 1];

		ulid_make(orphan[i]);
		call.id = orphan[i < 2 ? i : 0];
		call.node = (char *)"n9";
		call.epoch = 3;
		ulid_make(id);
		leg.id = ds.leg = id;
		leg.kind = SY__LEG_KIND__DEVICE;
		leg.state = ds.state = SY__LEG_STATE__LEG_ANSWERED;
		ds.call_id = (char *)"x@y"; /* and nothing else */
		assert_int_equal(store_hub_put(r, &put, NULL, NULL), 0);
	}
	assert_int_equal(redis_command(r, 0, NULL, NULL,
				       "HSET sy:hub:{%s} call rubbish",
				       orphan[1]), 0);
}

/* Does the only record of a call have this text? */
static bool cdr_says(struct lab *l, const char *text)
{
	return server_ask(l->f, "EVAL %s 1 sy:cdr %s",
			  "return string.find(redis.call('XRANGE',KEYS[1],"
			  "'-','+')[1][2][2],ARGV[1],1,true)and(1)or(0)",
			  text) == 1;
}

/* Nobody saw its death, and no leg of its calls can be resumed: they end, and
 * nothing is left of them. */
static void orphans(void **state)
{
	char hub[ULID_LEN + 1];
	struct phone p;
	struct lab l;

	lab_open_with(&l, state, put_orphans);
	open_call(&l, &p, hub, ECHO_, NULL);
	phone_call(&l, &p);
	run_until(l.f, cond_adopted, &l);
	assert_int_equal(server_ask(l.f, "EXISTS sy:hub:{%s}", hub), 1);
	assert_int_equal(server_ask(l.f, "EXISTS sy:hub:{%s}", orphan[0]), 0);
	assert_int_equal(server_ask(l.f, "EXISTS sy:hub:{%s}", orphan[1]), 0);
	assert_int_equal(server_ask(l.f, "EXISTS sy:hub:{%s}", orphan[2]), 0);
	assert_int_equal(server_ask(l.f, "XLEN sy:cdr"), 1);
	assert_true(cdr_says(&l, "not resumed: its record cannot be read"));

	phone_bye(&l, &p);
	run_until(l.f, cond_rest, &l);
	server_ask(l.f, "FLUSHALL");
	phone_close(&p);
	lab_close(&l);
}

static bool cond_taken(void *arg)
{
	const struct lab *l = arg;

	return *l->taken;
}

/* Redis has lost that the hub was claimed, and its former owner has written it
 * first: that one is told. */
static void replaced(void **state)
{
	char hub[ULID_LEN + 1];
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	open_call(&l, &p, hub, ECHO_, NULL);
	phone_call(&l, &p);
	run_until(l.f, cond_packets, &p);
	server_ask(l.f, "HSET sy:hub:{%s} epoch 0 owner %u", hub,
		   member_instance(l.members));

	checkpoint_whole(l.node->checkpoint);
	assert_false(checkpoint_is_whole(l.node->checkpoint));
	run_until(l.f, cond_taken, &l);
	assert_string_equal(l.taken, hub);
	assert_true(checkpoint_is_whole(l.node->checkpoint));

	phone_bye(&l, &p);
	phone_close(&p);
	lab_close(&l);
}

struct silent_node {
	struct bus *bus;
	struct members *members;
	struct bus_request *req; /* TakeHub, not answered */
};

static void take_handler(struct bus_request *req, const Sy__Envelope *env,
			 void *arg)
{
	struct silent_node *sn = arg;

	if (env->body_case == SY__ENVELOPE__BODY_TAKE_HUB)
		sn->req = req;
	else
		bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

static void silent_open(struct lab *l, struct silent_node *sn)
{
	const struct bus_conf bc = {.loop = l->f->loop, .url = l->f->url,
				    .id = "n8", .commandh = take_handler,
				    .arg = sn};
	Sy__Member me = SY__MEMBER__INIT;
	Sy__Load load = SY__LOAD__INIT;
	struct member_conf mc = {.loop = l->f->loop, .self = &me};

	memset(sn, 0, sizeof(*sn));
	assert_int_equal(bus_alloc(&sn->bus, &bc), 0);
	me.id = (char *)"n8";
	me.kind = SY__MEMBER_KIND__NODE;
	me.state = SY__MEMBER_STATE__LIVE;
	me.address = (char *)"127.0.0.1:9";
	me.load = &load;
	mc.bus = sn->bus;
	assert_int_equal(member_alloc(&sn->members, &mc), 0);
}

static bool cond_silent(void *arg)
{
	const struct lab *l = arg;

	return member_find(l->node->members, "n8") != NULL;
}

static bool cond_asked(void *arg)
{
	const struct silent_node *sn = arg;

	return sn->req != NULL;
}

static bool cond_no_dialogs(void *arg)
{
	const struct lab *l = arg;
	struct sipua_stat st;

	sipua_stat(l->node->ua, &st);
	return !st.dialogs;
}

/* A call ends here while another node is asked to take it: what its peers
 * answer is not held back for that one. */
static void ended_in_move(void **state)
{
	Sy__MoveCall msg = SY__MOVE_CALL__INIT;
	char hub[ULID_LEN + 1];
	struct silent_node sn;
	struct phone p;
	struct lab l;

	lab_open(&l, state);
	silent_open(&l, &sn);
	run_until(l.f, cond_silent, &l);
	open_call(&l, &p, hub, ECHO_, NULL);
	phone_call(&l, &p);
	run_until(l.f, cond_packets, &p);

	msg.call = hub;
	msg.node = (char *)"n8";
	lab_tell(&l, MOVE_CALL, move_call, &msg);
	run_until(l.f, cond_asked, &sn);
	hub_end(node_hub(l.node, hub), 503, "over");
	lab_ended(&l, p.call_id);
	assert_true(run_for(l.f, cond_no_dialogs, &l, 3000));
	run_until(l.f, is_nonzero, &l.done);
	assert_int_equal(l.code, SY__RESULT_CODE__NOT_FOUND);

	bus_replyf(sn.req, SY__RESULT_CODE__UNAVAILABLE, "no");
	mem_deref(sn.members);
	mem_deref(sn.bus);
	phone_close(&p);
	lab_close(&l);
}

static bool cond_resumed(void *arg)
{
	struct lab *l = arg;

	return !restores_count(l->node->restores);
}

/* A node that comes back finds the calls that it had.  Its lease has run out,
 * and nobody saw it: for how long its legs were not heard is not known. */
static void restarted(void **state)
{
	char hub[ULID_LEN + 1];
	const char *none = "\nsy_node_adoption_gap_seconds_count 0\n";
	struct phone p;
	struct lab l;
	char *text;

	lab_open(&l, state);
	open_call(&l, &p, hub, ECHO_, NULL);
	phone_call(&l, &p);
	run_until(l.f, cond_packets, &p);
	mem_deref(l.node);
	server_ask(l.f, "HDEL sy:{members} n1");
	start_node(&l);

	lab_accept(&l, lab_get(&l, "INVITE", p.call_id), p.port, "sendrecv");
	p.packets = 0;
	run_until(l.f, cond_packets, &p);
	run_until(l.f, cond_resumed, &l);
	assert_int_equal(l.node->adopted_total, 1);
	assert_int_equal(l.node->lost_legs_total, 0);
	text = metrics_print();
	assert_non_null(strstr(text, none));
	mem_deref(text);

	phone_bye(&l, &p);
	phone_close(&p);
	lab_close(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		lab_test(echo),
		lab_test(forked),
		lab_test(early_media),
		lab_test(early_forked),
		lab_test(early_refused),
		lab_test(early_caller_cancels),
		lab_test(early_not_possible),
		lab_test(all_refuse),
		lab_test(nobody_there),
		lab_test(caller_cancels),
		lab_test(no_common_codec),
		lab_test(late_offer),
		lab_test(late_answer_is_rubbish),
		lab_test(digits),
		lab_test(unknown_hub),
		lab_test(conference),
		lab_test(originated),
		lab_test(added),
		lab_test(drained),
		lab_test(not_yet),
		lab_test(redis_away),
		lab_test(taken_over),
		lab_test(orphans),
		lab_test(replaced),
		lab_test(ended_in_move),
		lab_test(restarted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

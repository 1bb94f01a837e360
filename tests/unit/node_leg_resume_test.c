/* libs: sy_node_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * A leg that another node had, in a whole node: its re-INVITE, what peers
 * answer to that, and what is heard.  The node takes over from itself: what
 * it has written is all that stays of the first leg.
 */

#include "node_hub_router.h"
#include "node/leg_sip.h"
#include "node/record.h"

enum { EVENTS_MAX = 8 };

/* A conference of one phone, before and after. */
struct trial {
	struct lab l;
	struct phone p;
	char id[ULID_LEN + 1];
	struct hub *hub;
	struct leg *leg;
	Sy__DialogState *ds;
	Sy__Leg *rec;
	enum leg_sip_resume_event evv[EVENTS_MAX];
	uint16_t codev[EVENTS_MAX];
	int evc;
	char reason[LEG_TEXT_MAX];
};

static void on_resume(struct leg *leg, enum leg_sip_resume_event ev,
		      uint16_t code, const char *reason, void *arg)
{
	struct trial *t = arg;

	assert_ptr_equal(leg, t->leg);
	assert_true(t->evc < EVENTS_MAX);
	t->evv[t->evc] = ev;
	t->codev[t->evc++] = code;
	str_ncpy(t->reason, reason, sizeof(t->reason));
}

#define COPY(dst, type, lower, src)                                            \
	do {                                                                   \
		size_t n_ = sy__##lower##__get_packed_size(src);               \
		uint8_t *buf_ = mem_alloc(n_ + 1, NULL);                       \
		sy__##lower##__pack(src, buf_);                                \
		(dst) = sy__##lower##__unpack(NULL, n_, buf_);                 \
		mem_deref(buf_);                                               \
		assert_non_null(dst);                                          \
	} while (0)

static void write_down(struct trial *t)
{
	Sy__DialogState ds = SY__DIALOG_STATE__INIT;
	struct record_leg rec;

	t->leg = list_head(&t->hub->legs)->data;
	t->leg->ops->checkpoint(t->leg, &ds);
	ds.leg = t->leg->info.id;
	ds.ref = t->leg->ref;
	ds.direction = t->leg->info.direction;
	ds.state = t->leg->info.state;
	record_leg_init(&rec, &t->leg->info);
	COPY(t->ds, DialogState, dialog_state, &ds);
	COPY(t->rec, Leg, leg, &rec.msg);
}

/* Its ACK has come, and all is written. */
static bool cond_settled(void *arg)
{
	struct trial *t = arg;

	return leg_sip_is_quiet(list_head(&t->hub->legs)->data) &&
	       !checkpoint_pending(t->l.node->checkpoint);
}

/* The phone is in the conference. */
static void begin(struct trial *t, void **state)
{
	Sy__Destination dest;

	memset(t, 0, sizeof(*t));
	lab_open(&t->l, state);
	ulid_make(t->id);
	phone_open(&t->l, &t->p, t->id);
	sy__destination__init(&dest);
	dest.kind_case = SY__DESTINATION__KIND_CONFERENCE;
	dest.conference = (char *)"lobby";
	assert_int_equal(phone_place(&t->l, &t->p, &dest), SY__RESULT_CODE__OK);
	phone_call(&t->l, &t->p);
	t->hub = node_hub(t->l.node, t->id);
	run_until(t->l.f, cond_settled, t);
}

/* Let go, and begin anew at the next epoch. */
static void take_over(struct trial *t)
{
	Sy__Destination dest = SY__DESTINATION__INIT;
	struct hub_conf conf = {.id = t->id, .epoch = 2, .dest = &dest};
	struct node *n = t->l.node;

	dest.kind_case = SY__DESTINATION__KIND_CONFERENCE;
	dest.conference = (char *)"lobby";
	t->hub = node_hub(n, t->id);
	assert_non_null(t->hub);
	write_down(t);
	hub_abandon(t->hub);
	node_hub_close(n, t->hub);
	t->p.packets = 0;

	assert_int_equal(node_hub_alloc(&t->hub, n, &conf), 0);
	t->hub->came = true;
	assert_int_equal(hub_call_id_add(t->hub, t->p.call_id), 0);
	assert_int_equal(
	    leg_sip_resume(&t->leg, n, t->hub, t->rec, t->ds, on_resume, t), 0);
	assert_string_equal(t->leg->info.id, t->rec->id);
	assert_true(leg_is(t->leg, SY__LEG_STATE__LEG_ANSWERED));
	assert_int_equal(hub_legs(t->hub), 1);
	assert_int_equal(t->evc, 0);
}

static void end(struct trial *t)
{
	lab_rest(&t->l);
	phone_close(&t->p);
	lab_close(&t->l);
	sy__dialog_state__free_unpacked(t->ds, NULL);
	sy__leg__free_unpacked(t->rec, NULL);
}

static const char *reoffer(struct trial *t)
{
	assert_false(leg_sip_is_quiet(t->leg));
	assert_int_equal(leg_sip_reoffer(t->leg), 0);

	return lab_get(&t->l, "INVITE ", t->p.call_id);
}

static void accept_it(struct trial *t, const char *req)
{
	char sdp[512];

	(void)re_snprintf(sdp, sizeof(sdp), sdp_offer, t->p.port, t->p.dir);
	lab_reply(&t->l, req, "200 OK", NULL, sdp);
	(void)lab_get(&t->l, "ACK ", t->p.call_id);
}

static void refuse_it(struct trial *t, const char *req, const char *status)
{
	lab_reply(&t->l, req, status, NULL, NULL);
	(void)lab_get(&t->l, "ACK ", t->p.call_id);
}

static bool cond_events(void *arg)
{
	struct trial *t = arg;

	return t->evc >= 2;
}

static bool cond_event(void *arg)
{
	struct trial *t = arg;

	return t->evc >= 1;
}

static bool cond_packets(void *arg)
{
	const struct phone *p = arg;

	return p->packets >= 10;
}

static void wait_lost(struct trial *t, uint16_t code)
{
	run_until(t->l.f, cond_event, t);
	assert_int_equal(t->evc, 1);
	assert_int_equal(t->evv[0], LEG_SIP_LOST);
	assert_int_equal(t->codev[0], code);
}

static void bye_answered(struct trial *t)
{
	const char *bye = lab_get(&t->l, "BYE ", t->p.call_id);

	lab_reply(&t->l, bye, "200 OK", NULL, NULL);
}

/* ------------------------------------------------------------------- tests */

static void resumed(void **state)
{
	struct trial t;
	const char *req;

	begin(&t, state);
	take_over(&t);

	/* the peer's media is taken, but nothing is sent yet */
	(void)run_for(t.l.f, cond_packets, &t.p, 100);
	assert_int_equal(t.p.packets, 0);
	req = reoffer(&t);
	phone_talk(&t.p, req, TALK_HIGH);
	(void)run_for(t.l.f, cond_packets, &t.p, 100);
	assert_int_equal(t.p.packets, 0);
	assert_int_equal(t.evc, 0);

	accept_it(&t, req);
	run_until(t.l.f, cond_events, &t);
	assert_int_equal(t.evv[0], LEG_SIP_ANSWERED);
	assert_int_equal(t.evv[1], LEG_SIP_HEARD);
	assert_int_equal(t.codev[1], 200);
	run_until(t.l.f, cond_packets, &t.p);
	assert_true(leg_sip_is_quiet(t.leg));

	/* once is enough */
	assert_int_equal(leg_sip_reoffer(t.leg), 0);
	lab_none(&t.l, "INVITE ", t.p.call_id);
	phone_bye(&t.l, &t.p);
	assert_int_equal(t.evc, 2);
	end(&t);
}

static bool cond_quiet_phone(void *arg)
{
	return ((struct trial *)arg)->evc >= 2;
}

/* Who sends nothing is not waited for. */
static void silent_phone(void **state)
{
	struct trial t;

	begin(&t, state);
	take_over(&t);
	accept_it(&t, reoffer(&t));
	run_until(t.l.f, cond_quiet_phone, &t);
	assert_int_equal(t.evv[0], LEG_SIP_ANSWERED);
	assert_int_equal(t.evv[1], LEG_SIP_HEARD);
	assert_int_equal(t.codev[1], 0);
	phone_bye(&t.l, &t.p);
	end(&t);
}

/* Held by the phone: the offer is answered by sendonly again. */
static void held(void **state)
{
	struct trial t;

	begin(&t, state);
	t.p.dir = "sendonly";
	t.p.cseq++;
	phone_invite(&t.l, &t.p);
	phone_ack(&t.l, &t.p, phone_get(&t.l, &t.p, "200"));
	run_until(t.l.f, cond_settled, &t);
	take_over(&t);
	assert_true(t.leg->info.held);
	accept_it(&t, reoffer(&t));
	run_until(t.l.f, cond_events, &t);
	assert_true(t.leg->info.held);
	phone_bye(&t.l, &t.p);
	end(&t);
}

/* Glare, and a peer that is busy: asked again; the third time is the last. */
static void tries(void **state)
{
	const char *req;
	struct trial t;

	begin(&t, state);
	take_over(&t);
	refuse_it(&t, reoffer(&t), "491 Request Pending");
	req = lab_get(&t.l, "INVITE ", t.p.call_id);
	refuse_it(&t, req, "503 Service Unavailable");
	req = lab_get(&t.l, "INVITE ", t.p.call_id);
	assert_int_equal(t.evc, 0);
	accept_it(&t, req);
	run_until(t.l.f, cond_event, &t);
	assert_int_equal(t.evv[0], LEG_SIP_ANSWERED);
	phone_bye(&t.l, &t.p);
	end(&t);
}

static void tries_end(void **state)
{
	struct trial t;
	int i;

	begin(&t, state);
	take_over(&t);
	refuse_it(&t, reoffer(&t), "503 Service Unavailable");
	for (i = 0; i < 2; i++)
		refuse_it(&t, lab_get(&t.l, "INVITE ", t.p.call_id),
			  "503 Service Unavailable");
	wait_lost(&t, 503);
	assert_string_equal(t.reason, "not resumed: 503 Service Unavailable");
	bye_answered(&t);
	end(&t);
}

/* The formats of an offer, as the m line has them. */
static const char *formats(const char *req, char *buf, size_t size)
{
	struct pl pl;

	assert_int_equal(re_regex(req, strlen(req),
				  "m=audio [0-9]+ RTP/AVP[^\r\n]+", NULL, &pl),
			 0);
	assert_int_equal(pl_strcpy(&pl, buf, size), 0);

	return buf;
}

/* It takes no more than what it once agreed to. */
static void picky(void **state)
{
	const char *req;
	char buf[64];
	struct trial t;

	begin(&t, state);
	take_over(&t);
	req = reoffer(&t);
	assert_string_not_equal(formats(req, buf, sizeof(buf)), " 0 101");
	refuse_it(&t, req, "488 Too Much");
	req = lab_get(&t.l, "INVITE ", t.p.call_id);
	assert_string_equal(formats(req, buf, sizeof(buf)), " 0 101");
	assert_int_equal(t.evc, 0);
	accept_it(&t, req);
	run_until(t.l.f, cond_event, &t);
	assert_int_equal(t.evv[0], LEG_SIP_ANSWERED);
	phone_bye(&t.l, &t.p);
	end(&t);
}

static void refused(void **state)
{
	struct trial t;

	begin(&t, state);
	take_over(&t);
	refuse_it(&t, reoffer(&t), "488 No Such Codec");
	refuse_it(&t, lab_get(&t.l, "INVITE ", t.p.call_id), "488 Still Not");
	wait_lost(&t, 488);
	assert_string_equal(t.reason, "not resumed: 488 Not Acceptable Here");
	bye_answered(&t);
	end(&t);
}

/* The peer has forgotten it. */
static void unknown(void **state)
{
	struct trial t;

	begin(&t, state);
	take_over(&t);
	refuse_it(&t, reoffer(&t), "481 Gone");
	wait_lost(&t, 481);
	assert_string_equal(t.reason, "not resumed: 481 Call/Transaction Does "
				      "Not Exist");
	bye_answered(&t);
	end(&t);
}

static void no_answer_in_it(void **state)
{
	struct trial t;
	const char *req;

	begin(&t, state);
	take_over(&t);
	req = reoffer(&t);
	lab_reply(&t.l, req, "200 OK", NULL, NULL);
	(void)lab_get(&t.l, "ACK ", t.p.call_id);
	wait_lost(&t, 488);
	bye_answered(&t);
	end(&t);
}

/* It hangs up meanwhile: that is no failure. */
static void hung_up(void **state)
{
	struct trial t;
	const char *req;

	begin(&t, state);
	take_over(&t);
	req = reoffer(&t);
	phone_bye(&t.l, &t.p);
	wait_lost(&t, 0);
	refuse_it(&t, req, "487 Request Terminated");
	end(&t);
}

/* It has hung up, and forgets the call at once; but its BYE went to the node
 * that died, and is repeated. */
static void hung_up_before(void **state)
{
	struct trial t;

	begin(&t, state);
	take_over(&t);
	refuse_it(&t, reoffer(&t), "481 Gone");
	phone_bye(&t.l, &t.p);
	wait_lost(&t, 0);
	end(&t);
}

/* Its own re-INVITE comes first: it knows where we are by our answer. */
static void peer_first(void **state)
{
	struct trial t;
	const char *resp;

	begin(&t, state);
	take_over(&t);
	t.p.cseq++;
	phone_invite(&t.l, &t.p);
	resp = phone_get(&t.l, &t.p, "200");
	phone_ack(&t.l, &t.p, resp);
	phone_talk(&t.p, resp, TALK_HIGH);
	run_until(t.l.f, cond_events, &t);
	assert_int_equal(t.evv[0], LEG_SIP_ANSWERED);
	assert_int_equal(t.codev[1], 200);
	assert_int_equal(leg_sip_reoffer(t.leg), 0);
	lab_none(&t.l, "INVITE ", t.p.call_id);
	phone_bye(&t.l, &t.p);
	end(&t);
}

/* Somebody else sends to the peer: nothing more from us, until it ends. */
static void stopped(void **state)
{
	struct trial t;
	const char *req;

	begin(&t, state);
	take_over(&t);
	req = reoffer(&t);
	accept_it(&t, req);
	run_until(t.l.f, cond_packets, &t.p);
	assert_int_equal(t.leg->ops->stop_sending(t.leg, true), 0);
	(void)run_for(t.l.f, cond_packets, &t.l, 60);
	t.p.packets = 0;
	(void)run_for(t.l.f, cond_packets, &t.p, 100);
	assert_int_equal(t.p.packets, 0);
	assert_int_equal(t.leg->ops->stop_sending(t.leg, false), 0);
	run_until(t.l.f, cond_packets, &t.p);
	phone_bye(&t.l, &t.p);
	end(&t);
}

/* It leaves: what its media tells is nobody's any more. */
static void departed(void **state)
{
	struct trial t;
	struct sa to;

	begin(&t, state);
	take_over(&t);
	accept_it(&t, reoffer(&t));
	run_until(t.l.f, cond_events, &t);
	assert_int_equal(leg_sip_freeze(t.leg), 0);
	(void)sa_set_str(&to, "127.0.0.1", sa_port(&t.l.laddr));
	leg_sip_depart(t.leg, &to);
	t.p.cseq++;
	phone_send(&t.l, &t.p, "BYE", NULL, ++t.l.seq);
	(void)lab_get(&t.l, "BYE ", t.p.call_id);
	lab_none(&t.l, "SIP/2.0 200", " BYE\r\n");
	run_until(t.l.f, cond_packets, &t.p); /* until its hub lets go */
	hub_abandon(t.hub);
	node_hub_close(t.l.node, t.hub);
	server_ask(t.l.f, "FLUSHALL"); /* its record is another's */
	end(&t);
}

/* Records of whatever kind: refused, or a leg; never worse. */
static void garbage(void **state)
{
	struct trial t;
	struct leg *leg;

	begin(&t, state);
	take_over(&t);
	assert_int_equal(
	    leg_sip_resume(&leg, t.l.node, t.hub, t.rec, t.ds, NULL, NULL),
	    EALREADY);
	t.ds->local_tag[0] = '\n';
	assert_int_equal(
	    leg_sip_resume(&leg, t.l.node, t.hub, t.rec, t.ds, NULL, NULL),
	    EBADMSG);
	phone_bye(&t.l, &t.p);
	end(&t);
}

/* What cannot be resumed is hung up, and holds nothing here. */
static void bad_description(void **state)
{
	struct trial t;
	struct hub_conf conf = {.epoch = 2};
	struct node *n;

	begin(&t, state);
	n = t.l.node;
	t.hub = node_hub(n, t.id);
	write_down(&t);
	hub_abandon(t.hub);
	node_hub_close(n, t.hub);
	conf.id = t.id;
	assert_int_equal(node_hub_alloc(&t.hub, n, &conf), 0);
	t.hub->came = true;
	assert_int_equal(hub_call_id_add(t.hub, t.p.call_id), 0);
	t.ds->remote_sdp[0] = 'x';
	assert_int_equal(
	    leg_sip_resume(&t.leg, n, t.hub, t.rec, t.ds, on_resume, &t),
	    EBADMSG);
	assert_int_equal(t.evc, 0);
	bye_answered(&t);
	hub_end(t.hub, 500, "not resumed");
	end(&t);
}

#define T(f) lab_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    T(resumed),	       T(silent_phone),	   T(held),
	    T(tries),	       T(tries_end),	   T(picky),
	    T(refused),
	    T(unknown),	       T(no_answer_in_it), T(hung_up),
	    T(hung_up_before), T(peer_first),	   T(stopped),
	    T(departed),       T(garbage),	   T(bad_description),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

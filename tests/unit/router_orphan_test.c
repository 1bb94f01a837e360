/* libs: sy_router_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * Messages for a node that is gone: they wait for the hub's record to name a
 * live owner, and reach it as they were; who was taken for dead and came back
 * is not believed; conferences stay one; a stalled Redis costs a call, no
 * more than a second.
 */

#include "router_cluster.h"
#include "router/orphan.h"
#include "router/placing.h"

enum { DEAD = 4711, DEAD_TOO = 4712 };

/* A hub of the test's, and its record. */
struct record {
	char id[ULID_LEN + 1];
	struct token tok;
};

static struct record new_hub(uint32_t instance)
{
	struct record r = {.tok = {.instance = instance, .leg = 9, .epoch = 1}};

	ulid_make(r.id);
	assert_int_equal(ulid_read(r.tok.hub, r.id, ULID_LEN), 0);

	return r;
}

static void owned_by(const struct record *r, uint32_t instance, unsigned epoch)
{
	assert_true(server_ask(t.f,
			       "HSET sy:hub:{%s} node node-1 owner %u epoch %u",
			       r->id, instance, epoch) >= 0);
}

static uint32_t live(void)
{
	return member_instance(t.members);
}

static const char *uri_of(const struct record *r)
{
	static char uri[128];
	struct token tok = r->tok;
	char str[TOKEN_LEN];

	tok.kind = TOKEN_CONTACT;
	token_print(str, t.key, &tok, NULL, 0);
	(void)re_snprintf(uri, sizeof(uri), "sip:%b@switchyard", str,
			  sizeof(str));

	return uri;
}

/* Let some time pass; true: nothing came. */
static bool is_silent(uint32_t ms)
{
	static bool (*const none)(void *) = node_has;

	return !run_for(t.f, none, NULL, ms) && !t.phone.len;
}

static uint64_t count(unsigned router, unsigned id)
{
	return t.workers[router]->stats.n[id];
}

/* What the branch of the node's last request says. */
static struct token node_token(void)
{
	const struct view *vw = see(&t.node);
	struct token tok;
	char ctx[512];
	size_t n = msg_branch_ctx(ctx, sizeof(ctx), vw, &vw->via2);

	assert_int_equal(vw->via.branch.l, 7 + TOKEN_LEN);
	assert_int_equal(token_read(&tok, t.key, TOKEN_BRANCH,
				    vw->via.branch.p + 7, TOKEN_LEN, ctx, n),
			 0);

	return tok;
}

static void assert_token(const struct record *r)
{
	struct token tok = node_token();

	assert_memory_equal(tok.hub, r->tok.hub, ULID_BYTES);
	assert_int_equal(tok.instance, r->tok.instance);
	assert_int_equal(tok.epoch, r->tok.epoch);
	assert_int_equal(tok.leg, r->tok.leg);
}

static bool nothing_waits(void *arg)
{
	(void)arg;

	return !pendings_count(t.workers[0]->pendings) &&
	       !pendings_count(t.workers[1]->pendings);
}

static void asked_by(const struct record *h, char *response, size_t size,
		     const char *method, const char *line);

/* -------------------------------------------------------------- requests */

/* Adopted already: at once.  The token is that of the dead one still. */
static void test_request(void **state)
{
	struct record h = new_hub(DEAD);
	struct req r = make("BYE", uri_of(&h));
	(void)state;

	owned_by(&h, live(), 2);
	peer_send(&t.phone, 0, print(&r));
	assert_true(until(node_has));
	assert_int_equal(see(&t.node)->method, VIEW_BYE);
	assert_token(&h);
}

/* The hub has ended: its last messages reach the one that ended it. */
static void test_last_words(void **state)
{
	struct record h = new_hub(DEAD);
	struct req r = make("BYE", uri_of(&h));
	char ok[2048], ended[32];
	(void)state;

	owned_by(&h, DEAD, 1);
	asked_by(&h, ok, sizeof(ok), "OPTIONS", "200 OK");
	owned_by(&h, live(), 2);
	peer_send(&t.phone, 0, print(&r));
	assert_true(until(node_has));
	assert_int_equal(server_ask(t.f, "DEL sy:hub:{%s}", h.id), 1);
	(void)re_snprintf(ended, sizeof(ended), "2 %u", live());
	assert_int_equal(server_ask(t.f, "SET sy:gone:{%s} %s", h.id, ended),
			 0);
	r.method = "ACK";
	++r.branch;
	for (unsigned i = 0; i < 2; i++) { /* one has found it before */
		peer_send(&t.phone, i, print(&r));
		assert_true(until(node_has));
		assert_int_equal(see(&t.node)->method, VIEW_ACK);
		peer_send(&t.phone, i, ok);
		assert_true(until(node_has));
		assert_int_equal(see(&t.node)->code, 200);
	}
	r.method = "INFO"; /* something new: nobody knows it any more */
	++r.branch;
	assert_int_equal(ask(0, print(&r)), 481);
}

/* Adopted while it waits; its copies are absorbed. */
static void test_request_waits(void **state)
{
	struct record h = new_hub(DEAD);
	struct req r = make("BYE", uri_of(&h));
	const uint64_t repeats = count(0, STAT_DROP_REPEAT);
	(void)state;

	owned_by(&h, DEAD, 1);
	peer_send(&t.phone, 0, print(&r));
	assert_true(is_silent(120));
	peer_send(&t.phone, 0, print(&r));
	assert_true(is_silent(60));
	assert_int_equal(count(0, STAT_DROP_REPEAT), repeats + 1);
	owned_by(&h, DEAD_TOO, 2); /* the adopter died as well */
	assert_true(is_silent(120));
	owned_by(&h, live(), 3);
	assert_true(until(node_has));
	assert_token(&h);
	assert_true(is_silent(120) || t.node.len); /* once */
	assert_true(until(nothing_waits));
}

static uint64_t now_ms(void)
{
	return loop_now_us() / 1000;
}

/* Nobody adopts it: 503 in good time, no answer to an ACK; 481 if it ended. */
static void test_request_late(void **state)
{
	struct record h = new_hub(DEAD);
	struct req ack = make("ACK", uri_of(&h));
	const uint64_t begin = now_ms();
	struct req r = make("INFO", ack.uri);
	uint64_t took;
	struct pl pl;
	(void)state;

	owned_by(&h, DEAD, 1);
	peer_send(&t.phone, 0, print(&ack));
	assert_int_equal(ask(0, print(&r)), 503);
	took = now_ms() - begin;
	assert_in_range(took, ORPHAN_REQUEST_MS - 100,
			ORPHAN_REQUEST_MS + 2000);
	pl = header(see(&t.phone), "Retry-After", 0);
	assert_int_equal(pl_u32(&pl), 5);
	assert_true(until(nothing_waits));
	assert_true(count(0, STAT_DROP_NO_OWNER) > 0);

	assert_int_equal(server_ask(t.f, "DEL sy:hub:{%s}", h.id), 1);
	++r.branch;
	assert_int_equal(ask(0, print(&r)), 481);
}

/* The table is bounded (here by 4): what finds no room is told so. */
static void test_full(void **state)
{
	struct record h = new_hub(DEAD);
	(void)state;

	owned_by(&h, DEAD, 1);
	for (int i = 0; i < 4; i++) {
		struct req r = make("INFO", uri_of(&h));

		peer_send(&t.phone, 0, print(&r));
		assert_true(is_silent(20));
	}
	{
		struct req r = make("INFO", uri_of(&h));

		assert_int_equal(ask(0, print(&r)), 503);
	}
	assert_int_equal(pendings_count(t.workers[0]->pendings), 4);
	owned_by(&h, live(), 2);
	assert_true(until(nothing_waits));
}

/* ------------------------------------------------------------- responses */

/* A node that is gone has asked the phone something; the phone's response. */
static void asked_by(const struct record *h, char *response, size_t size,
		     const char *method, const char *line)
{
	struct token tok = h->tok;
	char buf[2048], str[TOKEN_LEN];
	const struct view *vw;
	int n;

	++t.n;
	tok.kind = TOKEN_NODE;
	token_print(str, t.key, &tok, NULL, 0);
	(void)re_snprintf(buf, sizeof(buf),
			  "%s sip:1001@%J SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKd%u\r\n"
			  "Route: <sip:%b@cluster;lr>\r\n"
			  "Max-Forwards: 70\r\n"
			  "From: <sip:600@switchyard>;tag=n\r\n"
			  "To: <sip:1001@switchyard>\r\n"
			  "Call-ID: d%u\r\nCSeq: 1 %s\r\n"
			  "Content-Length: 0\r\n\r\n",
			  method, &t.phone.sa, t.n, str, sizeof(str), t.n,
			  method);
	peer_send(&t.node, 0, buf);
	assert_true(until(phone_has));
	vw = see(&t.phone);
	n = re_snprintf(response, size, "SIP/2.0 %s\r\n", line);
	memcpy(response + n, vw->p + vw->headers, vw->len - vw->headers);
	response[(size_t)n + vw->len - vw->headers] = 0;
}

static void test_response(void **state)
{
	struct record h = new_hub(DEAD);
	const uint64_t repeats = count(1, STAT_DROP_REPEAT);
	char ringing[2048], ok[2048];
	(void)state;

	owned_by(&h, DEAD, 1);
	asked_by(&h, ringing, sizeof(ringing), "INVITE", "180 Ringing");
	(void)re_snprintf(ok, sizeof(ok), "SIP/2.0 200 OK%s",
			  strstr(ringing, "\r\n"));
	/* through the other router, which never saw the request */
	peer_send(&t.phone, 1, ringing);
	peer_send(&t.phone, 1, ok);
	assert_true(is_silent(120));
	peer_send(&t.phone, 1, ok);
	assert_true(is_silent(60));
	assert_int_equal(count(1, STAT_DROP_REPEAT), repeats + 1);
	assert_int_equal(pendings_count(t.workers[1]->pendings), 2);

	owned_by(&h, live(), 2);
	assert_true(until(nothing_waits));
	assert_true(until(node_has));
	/* both in their order: the last one is what the node shows */
	assert_int_equal(see(&t.node)->code, 200);
	assert_null(see(&t.node)->via2.all.p);
	assert_int_equal(re_regex(see(&t.node)->via.branch.p,
				  see(&t.node)->via.branch.l, "z9hG4bKd"),
			 0);
}

/* Responses to what is no INVITE leave half of the table to others. */
static void test_response_room(void **state)
{
	struct record h = new_hub(DEAD);
	char text[2048];
	(void)state;

	owned_by(&h, DEAD, 1);
	for (int i = 0; i < 4; i++) {
		asked_by(&h, text, sizeof(text), "OPTIONS", "200 OK");
		peer_send(&t.phone, 0, text);
		assert_true(is_silent(20));
	}
	assert_int_equal(pendings_count(t.workers[0]->pendings), 2);
	asked_by(&h, text, sizeof(text), "INVITE", "200 OK");
	peer_send(&t.phone, 0, text);
	assert_true(is_silent(20));
	assert_int_equal(pendings_count(t.workers[0]->pendings), 3);
	owned_by(&h, live(), 2);
	assert_true(until(nothing_waits));
}

/* ----------------------------------------------------------- placements */

static struct store_place placed;
static bool is_placed;

static void on_place(int err, const struct store_place *pl, void *arg)
{
	(void)arg;
	assert_int_equal(err, 0);
	placed = *pl;
	is_placed = true;
}

static bool was_placed(void *arg)
{
	(void)arg;
	return is_placed;
}

/* This call, or a room, was placed before, as h says. */
static void place_before(unsigned id, const char *room, const struct record *h)
{
	char call_id[32];
	const struct store_place_req req = {
	    .call_id = call_id,
	    .room = room,
	    .hub = h->id,
	    .node = h->tok.instance == live() ? "node-1" : "node-9",
	    .instance = h->tok.instance,
	    .leg = h->tok.leg,
	};

	(void)re_snprintf(call_id, sizeof(call_id), "call-%u", id);
	is_placed = false;
	assert_int_equal(store_place(bus_redis(t.bus), &req, on_place, NULL),
			 0);
	assert_true(until(was_placed));
}

/* Its hub rings, and is adopted: the INVITE, its CANCEL and the ACK have the
 * branch that they had. */
static void test_invite_adopted(void **state)
{
	struct req r = make("INVITE", "sip:600@switchyard");
	const unsigned places = t.places;
	struct record h = new_hub(DEAD);
	char tag[TOKEN_LEN + 1] = "";
	struct token tok = h.tok;
	(void)state;

	place_before(r.id, NULL, &h);
	owned_by(&h, DEAD, 1);
	assert_int_equal(ask(0, print(&r)), 407);
	authorize(&r, DIGEST_SHA256, "1001", "demo-1001");
	peer_send(&t.phone, 0, print(&r));
	assert_true(is_silent(120));
	owned_by(&h, live(), 2);
	assert_true(until(node_has));
	assert_int_equal(see(&t.node)->method, VIEW_INVITE);
	assert_int_equal(see(&t.node)->count[VIEW_RECORD_ROUTE], 1);
	assert_token(&h);

	r.method = "CANCEL";
	r.more[0] = 0;
	for (unsigned i = 0; i < 2; i++) {
		peer_send(&t.phone, i, print(&r));
		assert_true(until(node_has));
		assert_int_equal(see(&t.node)->method, VIEW_CANCEL);
		assert_token(&h);
	}
	tok.kind = TOKEN_TAG;
	token_print(tag, t.key, &tok, NULL, 0);
	r.method = "ACK";
	r.to_tag = tag;
	peer_send(&t.phone, 1, print(&r));
	assert_true(until(node_has));
	assert_int_equal(see(&t.node)->method, VIEW_ACK);
	assert_token(&h);
	assert_int_equal(t.places, places);
}

/* The hub has no record: it never came to be, and the call is placed anew. */
static void test_invite_anew(void **state)
{
	struct req r = make("INVITE", "sip:600@switchyard");
	const unsigned places = t.places;
	struct record h = new_hub(DEAD);
	(void)state;

	place_before(r.id, NULL, &h);
	call(&r, 0);
	assert_int_equal(t.places, places + 1);
	assert_string_not_equal(t.placed->hub, h.id);
	assert_int_equal(node_token().instance, live());
}

/* A caller to a conference whose node died comes to who adopts it. */
static void test_room_adopted(void **state)
{
	struct req r = make("INVITE", "sip:601@switchyard");
	struct record h = new_hub(DEAD);
	const unsigned places = t.places;
	struct token tok;
	(void)state;

	assert_true(server_ask(t.f, "DEL sy:room:{lobby}") >= 0);
	place_before(++t.n, "lobby", &h);
	owned_by(&h, DEAD, 1);
	assert_int_equal(ask(0, print(&r)), 407);
	authorize(&r, DIGEST_SHA256, "1001", "demo-1001");
	peer_send(&t.phone, 0, print(&r));
	assert_true(is_silent(120));
	assert_int_equal(t.places, places);
	owned_by(&h, live(), 5);
	assert_true(until(node_has));
	assert_int_equal(t.places, places + 1);
	assert_string_equal(t.placed->hub, h.id);
	assert_int_equal(t.placed->epoch, 5);
	tok = node_token();
	assert_memory_equal(tok.hub, h.tok.hub, ULID_BYTES);
	assert_int_equal(tok.instance, live());
	assert_int_equal(tok.epoch, 5);

	/* the next one is led there at once, by any router */
	r = make("INVITE", "sip:601@switchyard");
	call(&r, 1);
	assert_string_equal(t.placed->hub, h.id);
	assert_int_equal(node_token().epoch, 5);
}

/* The conference is over: another one begins. */
static void test_room_anew(void **state)
{
	struct req r = make("INVITE", "sip:601@switchyard");
	struct record h = new_hub(DEAD);
	(void)state;

	assert_true(server_ask(t.f, "DEL sy:room:{lobby}") >= 0);
	place_before(++t.n, "lobby", &h);
	call(&r, 0);
	assert_string_not_equal(t.placed->hub, h.id);
	assert_int_equal(node_token().instance, live());
}

/* The room's node refuses for once: it is not split for that. */
static void test_room_refused(void **state)
{
	struct req r = make("INVITE", "sip:601@switchyard");
	struct record h = new_hub(live());
	const unsigned places = t.places;
	(void)state;

	assert_true(server_ask(t.f, "DEL sy:room:{lobby}") >= 0);
	place_before(++t.n, "lobby", &h);
	owned_by(&h, live(), 1);
	t.refuse = 2;
	call(&r, 0);
	assert_int_equal(t.places, places + 3);
	assert_string_equal(t.placed->hub, h.id);
}

/* ---------------------------------------------------------- came back */

static bool node_lost(void *arg)
{
	(void)arg;
	return !member_find(t.workers[0]->members, "node-1");
}

/* Declared dead, yet alive: by its tokens nobody goes there any more, by the
 * record they do. */
static void test_came_back(void **state)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__Heartbeat hb = SY__HEARTBEAT__INIT;
	Sy__Member m = SY__MEMBER__INIT;
	struct record h = new_hub(live());
	struct req r = make("BYE", uri_of(&h));
	(void)state;

	m.id = (char *)(uintptr_t) "node-1";
	m.instance = live();
	m.kind = SY__MEMBER_KIND__NODE;
	hb.member = &m;
	hb.leaving = true;
	env.body_case = SY__ENVELOPE__BODY_HEARTBEAT;
	env.heartbeat = &hb;
	assert_int_equal(bus_publish(t.bus, BUS_CHANNEL_MEMBERS, &env), 0);
	assert_true(until(node_lost));
	member_beat(t.members);
	assert_true(until(routers_ready));

	owned_by(&h, DEAD, 2); /* whose adopter is yet to be found */
	peer_send(&t.phone, 0, print(&r));
	assert_true(is_silent(120));
	owned_by(&h, live(), 3);
	assert_true(until(node_has));
	assert_int_equal(see(&t.node)->method, VIEW_BYE);
	assert_token(&h);
}

/* -------------------------------------------------------- stalled Redis */

/* No longer than a second, whatever waits for it. */
static void test_stalled(void **state)
{
	struct req invite = make("INVITE", "sip:600@switchyard");
	struct req reg = make("REGISTER", "sip:switchyard");
	struct req cancel = make("CANCEL", "sip:600@switchyard");
	struct req *const rv[] = {&invite, &reg, &cancel};
	struct record h = new_hub(live());
	struct req bye = make("BYE", uri_of(&h));
	(void)state;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(0, print(rv[i])), i ? 401 : 407);
		authorize(rv[i], DIGEST_SHA256, "1001", "demo-1001");
	}
	server_signal(t.f, SIGSTOP);
	for (int i = 0; i < 3; i++) {
		const uint64_t begin = now_ms();

		assert_int_equal(ask(0, print(rv[i])), 503);
		assert_true(now_ms() - begin < 1000);
	}
	peer_send(&t.phone, 1, print(&bye)); /* a call that runs goes on */
	assert_true(until(node_has));
	server_signal(t.f, SIGCONT);
	assert_true(until(nothing_waits));
	assert_true(until(routers_ready));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_last_words),
	    cmocka_unit_test(test_request_waits),
	    cmocka_unit_test(test_request_late),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_response),
	    cmocka_unit_test(test_response_room),
	    cmocka_unit_test(test_invite_adopted),
	    cmocka_unit_test(test_invite_anew),
	    cmocka_unit_test(test_room_adopted),
	    cmocka_unit_test(test_room_anew),
	    cmocka_unit_test(test_room_refused),
	    cmocka_unit_test(test_stalled),
	    cmocka_unit_test(test_came_back),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

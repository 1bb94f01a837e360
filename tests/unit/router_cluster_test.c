/* libs: sy_router_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * A cluster in one loop (router_cluster.h): registration, a call that goes
 * through both routers, CANCEL, refusals, and what works without Redis.
 */

#include "router_cluster.h"

/* ------------------------------------------------------------------ tests */

static void test_register(void **state)
{
	struct req r = make("REGISTER", "sip:switchyard");

	(void)state;
	for (int i = 0; i < 2; i++) {
		enum digest_alg alg = i ? DIGEST_MD5 : DIGEST_SHA256;

		r.more[0] = 0;
		assert_int_equal(ask(0, print(&r)), 401);
		authorize(&r, alg, "1001", "demo-1001");
		/* the other router verifies what this one asked for */
		assert_int_equal(ask(1, print(&r)), 200);
		assert_int_equal(see(&t.phone)->count[VIEW_CONTACT], 1);
		/* a retransmission is done again, by any router */
		assert_int_equal(ask(0, print(&r)), 200);
		++r.cseq;
		++r.branch;
	}
}

static void test_register_refused(void **state)
{
	struct req r = make("REGISTER", "sip:switchyard");
	struct pl pl;

	(void)state;
	assert_int_equal(ask(0, print(&r)), 401);
	authorize(&r, DIGEST_SHA256, "1001", "wrong");
	assert_int_equal(ask(0, print(&r)), 401);
	pl = header(see(&t.phone), "WWW-Authenticate", 0);
	assert_int_not_equal(re_regex(pl.p, pl.l, "stale"), 0);

	r.more[0] = 0;
	assert_int_equal(ask(0, print(&r)), 401);
	authorize(&r, DIGEST_MD5, "1002", "demo-1002"); /* not 1001 */
	assert_int_equal(ask(0, print(&r)), 403);

	r = make("REGISTER", "sip:elsewhere.example");
	assert_int_equal(ask(0, print(&r)), 404);

	/* nobody, yet challenged like anybody */
	r = make("REGISTER", "sip:switchyard");
	r.user = "4711";
	assert_int_equal(ask(0, print(&r)), 401);
}

/* The node answers its last request. */
static void node_answers(uint16_t code, const struct token *tok)
{
	const struct view *vw = see(&t.node);
	struct token tag = *tok, contact = *tok;
	char buf[4096], tagstr[TOKEN_LEN], contactstr[TOKEN_LEN];
	size_t n;

	tag.kind = TOKEN_TAG;
	contact.kind = TOKEN_CONTACT;
	token_print(tagstr, t.key, &tag, NULL, 0);
	token_print(contactstr, t.key, &contact, NULL, 0);
	n = (size_t)re_snprintf(buf, sizeof(buf), "SIP/2.0 %u X\r\n", code);
	for (unsigned i = 0; i < vw->fieldc; i++) {
		const struct view_field *f = &vw->fieldv[i];

		if (f->id != VIEW_VIA && f->id != VIEW_RECORD_ROUTE &&
		    f->id != VIEW_FROM && f->id != VIEW_CALL_ID &&
		    f->id != VIEW_CSEQ)
			continue;
		memcpy(buf + n, vw->p + f->line, f->next - f->line);
		n += f->next - f->line;
	}
	(void)re_snprintf(buf + n, sizeof(buf) - n,
			  "To: <sip:600@switchyard>;tag=%b\r\n"
			  "Contact: <sip:%b@%s>\r\nContent-Length: 0\r\n\r\n",
			  tagstr, (size_t)TOKEN_LEN, contactstr,
			  (size_t)TOKEN_LEN, t.routers[0].wires.portv[0].adv);
	peer_send(&t.node, 0, buf);
}

static void test_call(void **state)
{
	struct req r = make("INVITE", "sip:600@switchyard");
	char first[TOKEN_LEN + 1], again[TOKEN_LEN + 1], tag[TOKEN_LEN + 1];
	char uri[128], route[256];
	unsigned places = t.places;
	struct token tok;
	struct pl pl;

	(void)state;
	call(&r, 0);
	assert_int_equal(t.places, places + 1);
	assert_int_equal(t.placed->destination->kind_case,
			 SY__DESTINATION__KIND_ECHO);
	assert_string_equal(t.placed->source->device, "1001");
	assert_string_equal(t.placed->called, "600");
	assert_string_equal(t.placed->caller_name, "Phone");
	tok = branch_token(first);
	assert_int_equal(see(&t.node)->count[VIEW_PROXY_AUTHORIZATION], 0);
	assert_int_equal(see(&t.node)->count[VIEW_RECORD_ROUTE], 1);
	assert_int_equal(see(&t.node)->max_forwards, 69);

	/* again, by the other router: the same call, the same branch; as the
	   node has it in its records, it is not told once more */
	assert_int_equal(server_ask(t.f,
				    "HSET sy:hub:{%s} node node-1 owner %u "
				    "epoch 1",
				    t.placed->hub, tok.instance),
			 3);
	peer_send(&t.phone, 1, print(&r));
	assert_true(until(node_has));
	(void)branch_token(again);
	assert_string_equal(first, again);
	assert_int_equal(t.places, places + 1);

	node_answers(200, &tok);
	assert_true(until(phone_has));
	assert_int_equal(see(&t.phone)->code, 200);
	assert_null(see(&t.phone)->via2.all.p);
	pl = see(&t.phone)->to_tag;
	assert_int_equal(pl.l, TOKEN_LEN);
	memcpy(tag, pl.p, TOKEN_LEN);
	tag[TOKEN_LEN] = 0;
	pl = header(see(&t.phone), "Contact", 0);
	(void)pl_strcpy(&pl, uri, sizeof(uri));
	uri[strlen(uri) - 1] = 0;
	pl = header(see(&t.phone), "Record-Route", 0);
	(void)pl_strcpy(&pl, route, sizeof(route));

	/* ACK and BYE by the other router */
	r.uri = uri + 1;
	r.to_tag = tag;
	r.method = "ACK";
	++r.branch;
	snprintf(r.more, sizeof(r.more), "Route: %s\r\n", route);
	peer_send(&t.phone, 1, print(&r));
	assert_true(until(node_has));
	assert_int_equal(see(&t.node)->method, VIEW_ACK);
	(void)branch_token(again);
	assert_int_equal(see(&t.node)->count[VIEW_ROUTE], 0);

	r.method = "BYE";
	++r.cseq;
	++r.branch;
	peer_send(&t.phone, 1, print(&r));
	assert_true(until(node_has));
	(void)branch_token(again);

	/* a peer that keeps neither Contact nor Record-Route */
	r.uri = "sip:600@switchyard";
	r.more[0] = 0;
	++r.branch;
	peer_send(&t.phone, 0, print(&r));
	assert_true(until(node_has));
	(void)branch_token(again);

	/* our Route is no permission to send to anywhere */
	r.uri = "sip:victim@127.0.0.1:9";
	snprintf(r.more, sizeof(r.more), "Route: %s\r\n", route);
	++r.branch;
	assert_int_equal(ask(0, print(&r)), 403);
}

static void test_cancel(void **state)
{
	struct req r = make("INVITE", "sip:600@switchyard");
	char first[TOKEN_LEN + 1], again[TOKEN_LEN + 1];
	struct token tok;
	char tag[TOKEN_LEN + 1] = "";

	(void)state;
	call(&r, 0);
	tok = branch_token(first);

	/* the other router has to ask Redis, this one remembers */
	r.method = "CANCEL";
	r.more[0] = 0;
	for (unsigned i = 0; i < 2; i++) {
		peer_send(&t.phone, 1 - i, print(&r));
		assert_true(until(node_has));
		assert_int_equal(see(&t.node)->method, VIEW_CANCEL);
		(void)branch_token(again);
		assert_string_equal(first, again);
	}

	/* the ACK to the failure has nothing but the To tag */
	tok.kind = TOKEN_TAG;
	token_print(tag, t.key, &tok, NULL, 0);
	r.method = "ACK";
	r.to_tag = tag;
	peer_send(&t.phone, 1, print(&r));
	assert_true(until(node_has));
	(void)branch_token(again);
	assert_string_equal(first, again);

	r = make("CANCEL", "sip:600@switchyard");
	assert_int_equal(ask(0, print(&r)), 481);
}

static void on_binding(int err, const Sy__Registration *reg, void *arg)
{
	(void)arg;
	assert_int_equal(err, 0);
	assert_int_equal(reg->n_bindings, 1);
	assert_string_equal(reg->bindings[0]->router, "router-1");
	str_ncpy(t.path, reg->bindings[0]->path, sizeof(t.path));
}

static void phone_send_tcp(const char *msg)
{
	t.tcp.len = t.node.len = 0;
	assert_int_equal(send(t.tcp.fd, msg, strlen(msg), 0), strlen(msg));
}

static void phone_register_tcp(void)
{
	const struct sa *sa = &t.routers[1].wires.portv[1].sa;
	struct req r = make("REGISTER", "sip:switchyard");

	r.user = "1002";
	t.tcp.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(t.tcp.fd, &sa->u.sa, sa->len), 0);
	assert_int_equal(fd_listen(t.tcp.fd, FD_READ, readable, &t.tcp), 0);

	assert_int_equal(ask(0, print(&r)), 401);
	authorize(&r, DIGEST_SHA256, "1002", "demo-1002");
	phone_send_tcp(print(&r));
	assert_true(until(tcp_has));
	assert_int_equal(see(&t.tcp)->code, 200);

	*t.path = 0;
	assert_int_equal(store_reg_get(bus_redis(t.bus), "1002", on_binding,
				       NULL),
			 0);
	assert_true(until(path_known));
}

/* The node calls a phone whose connection router 1 has, by way of router. */
static void node_asks(unsigned router)
{
	struct token tok = {.kind = TOKEN_NODE, .instance = 7, .epoch = 1};
	char buf[2048], str[TOKEN_LEN];

	++t.n;
	token_print(str, t.key, &tok, NULL, 0);
	(void)re_snprintf(buf, sizeof(buf),
			  "OPTIONS sip:1002@192.0.2.99 SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP %J;branch=z9hG4bKn%u\r\n"
			  "Route: <sip:%b@cluster;lr>, <%s>\r\n"
			  "Max-Forwards: 70\r\n"
			  "From: <sip:600@switchyard>;tag=n\r\n"
			  "To: <sip:1002@switchyard>\r\n"
			  "Call-ID: n%u\r\nCSeq: 1 OPTIONS\r\n"
			  "Content-Length: 0\r\n\r\n",
			  &t.node.sa, t.n, str, sizeof(str), t.path, t.n);
	t.tcp.len = 0;
	peer_send(&t.node, router, buf);
}

static bool router_closed(void *arg)
{
	(void)arg;
	return !wire_connections(t.workers[1]->wire);
}

static void test_path(void **state)
{
	(void)state;
	phone_register_tcp();
	for (unsigned i = 0; i < 2; i++) {
		char buf[2048];
		size_t n;

		node_asks(i);
		assert_true(until(tcp_has));
		assert_int_equal(see(&t.tcp)->method, VIEW_OPTIONS);
		assert_int_equal(see(&t.tcp)->count[VIEW_ROUTE], 0);

		/* and back: the request's headers will do */
		n = (size_t)snprintf(buf, sizeof(buf), "SIP/2.0 200 OK\r\n");
		memcpy(buf + n, v.p + v.headers, v.len - v.headers);
		buf[n + v.len - v.headers] = 0;
		phone_send_tcp(buf);
		assert_true(until(node_has));
		assert_int_equal(see(&t.node)->code, 200);
		assert_null(see(&t.node)->via2.all.p);
	}

	/* the connection is gone: the node is told at once */
	fd_close(t.tcp.fd);
	(void)close(t.tcp.fd);
	assert_true(until(router_closed));
	for (unsigned i = 0; i < 2; i++) {
		node_asks(i);
		assert_true(until(node_has));
		assert_int_equal(see(&t.node)->code, 430);
	}
}

static void test_unknown_number(void **state)
{
	struct req r = make("INVITE", "sip:999@switchyard");

	(void)state;
	assert_int_equal(ask(0, print(&r)), 407);
	authorize(&r, DIGEST_MD5, "1001", "demo-1001");
	assert_int_equal(ask(0, print(&r)), 404);
}

static void test_no_call(void **state)
{
	struct req r = make("BYE", "sip:600@switchyard");
	char uri[128], str[TOKEN_LEN];
	struct token tok = {.kind = TOKEN_CONTACT, .instance = 9999};

	(void)state;
	assert_int_equal(ask(0, print(&r)), 481);

	/* a token of ours, for a node and a hub that are gone */
	token_print(str, t.key, &tok, NULL, 0);
	(void)re_snprintf(uri, sizeof(uri), "sip:%b@switchyard", str,
			  sizeof(str));
	r = make("BYE", uri);
	assert_int_equal(ask(0, print(&r)), 481);
}

static bool routers_without_redis(void *arg)
{
	(void)arg;
	return !bus_is_up(t.workers[0]->bus) && !bus_is_up(t.workers[1]->bus);
}

/* Must be the last one. */
static void test_without_redis(void **state)
{
	struct req r = make("INVITE", "sip:600@switchyard");
	char uri[128], str[TOKEN_LEN];
	struct token tok = {.kind = TOKEN_CONTACT,
			    .instance = member_instance(t.members)};
	struct pl pl;

	(void)state;
	assert_int_equal(ask(0, print(&r)), 407);
	authorize(&r, DIGEST_SHA256, "1001", "demo-1001");
	server_kill(t.f);
	assert_true(until(routers_without_redis));
	assert_int_equal(ask(0, print(&r)), 503);
	pl = header(see(&t.phone), "Retry-After", 0);
	assert_int_equal(pl_u32(&pl), 5);

	/* a call that runs goes on */
	token_print(str, t.key, &tok, NULL, 0);
	(void)re_snprintf(uri, sizeof(uri), "sip:%b@switchyard", str,
			  sizeof(str));
	r = make("BYE", uri);
	peer_send(&t.phone, 1, print(&r));
	assert_true(until(node_has));
	assert_int_equal(see(&t.node)->method, VIEW_BYE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_register_refused),
		cmocka_unit_test(test_call),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_unknown_number),
		cmocka_unit_test(test_no_call),
		cmocka_unit_test(test_without_redis),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

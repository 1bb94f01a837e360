/* libs: sy_router_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * Requests of the router itself, in a cluster in one loop: answered, repeated
 * until they are, given up, sent by the other router's connection, and
 * answered to the wrong router.
 */

#include "router_cluster.h"
#include "router/uac.h"
#include "router/way.h"

static struct {
	unsigned n;        /* answers */
	uint16_t code;
	char reason[64];
} got;

static void on_answer(uint16_t code, const struct view *vw, void *arg)
{
	struct uac **up = arg;

	++got.n;
	got.code = code;
	got.reason[0] = '\0';
	if (vw) {
		struct pl val = header(vw, "X-Say", 0);

		assert_int_equal(vw->code, code);
		(void)pl_strcpy(&val, got.reason, sizeof(got.reason));
	}
	*up = mem_deref(*up);
}

static bool answered(void *arg)
{
	(void)arg;
	return got.n;
}

/* A peer answers its last request. @param router  To which. */
static void phone_says(struct peer *p, unsigned router, unsigned code)
{
	const struct view *vw = see(p);
	const struct sa *to = &t.routers[router].wires.portv[0].sa;
	char buf[4096];
	size_t n;

	n = (size_t)re_snprintf(buf, sizeof(buf), "SIP/2.0 %u X\r\n", code);
	for (unsigned i = 0; i < vw->fieldc; i++) {
		const struct view_field *f = &vw->fieldv[i];

		if (f->id != VIEW_VIA && f->id != VIEW_FROM &&
		    f->id != VIEW_TO && f->id != VIEW_CALL_ID &&
		    f->id != VIEW_CSEQ)
			continue;
		memcpy(buf + n, vw->p + f->line, f->next - f->line);
		n += f->next - f->line;
	}
	n += (size_t)re_snprintf(buf + n, sizeof(buf) - n,
				 "X-Say: hello\r\nContent-Length: 0\r\n\r\n");
	p->len = 0;
	if (p == &t.tcp)
		assert_int_equal(send(p->fd, buf, n, 0), n);
	else
		assert_int_equal(sendto(p->fd, buf, n, 0, &to->u.sa, to->len),
				 n);
}

static struct uac_request request(const struct flow *f)
{
	return (struct uac_request){
		.method = "OPTIONS",
		.uri = "sip:1001@192.0.2.1",
		.from = "<sip:router@switchyard>;tag=1",
		.to = "<sip:1001@switchyard>",
		.call_id = "own-1",
		.cseq = 7,
		.headers = "Accept: application/sdp\r\n",
		.to_flow = f,
	};
}

static struct uac *start(unsigned router, const struct uac_request *r)
{
	static struct uac *u;

	memset(&got, 0, sizeof(got));
	t.phone.len = t.tcp.len = 0;
	assert_int_equal(
		uac_send(&u, t.workers[router]->uacs, r, on_answer, &u), 0);

	return u;
}

static void test_answered(void **state)
{
	struct uac_request r;
	const struct view *vw;
	struct flow f;

	(void)state;
	assert_int_equal(wire_udp(t.workers[0]->wire, &f, &t.phone.sa), 0);
	r = request(&f);
	r.body = "abc";
	r.bodylen = 3;
	(void)start(0, &r);
	assert_int_equal(got.n, 0);
	assert_true(until(phone_has));
	vw = see(&t.phone);
	assert_int_equal(vw->method, VIEW_OPTIONS);
	assert_int_equal(vw->max_forwards, 70);
	assert_int_equal(vw->cseq, 7);
	assert_int_equal(vw->len - vw->body, 3);
	assert_non_null(view_named(vw, "accept", NULL));

	/* no answer yet; a copy comes */
	phone_says(&t.phone, 0, 100);
	assert_true(until(phone_has));
	assert_int_equal(got.n, 0);
	phone_says(&t.phone, 0, 404);
	assert_true(until(answered));
	assert_int_equal(got.code, 404);
	assert_string_equal(got.reason, "hello");
	assert_int_equal(uacs_count(t.workers[0]->uacs), 0);
}

/* Our public address may be that of several routers. */
static void test_answered_to_the_other(void **state)
{
	struct uac_request r;
	struct flow f;

	(void)state;
	assert_int_equal(wire_udp(t.workers[0]->wire, &f, &t.phone.sa), 0);
	r = request(&f);
	(void)start(0, &r);
	assert_true(until(phone_has));
	phone_says(&t.phone, 1, 200);
	assert_true(until(answered));
	assert_int_equal(got.code, 200);
}

static void test_not_answered(void **state)
{
	struct uac_request r;
	struct uac *u;
	struct flow f;
	size_t len;

	(void)state;
	assert_int_equal(wire_udp(t.workers[0]->wire, &f, &t.phone.sa), 0);
	r = request(&f);
	r.timeout_ms = 50;
	(void)start(0, &r);
	assert_true(until(answered));
	assert_int_equal(got.code, 408);

	/* who lets go is not called */
	u = start(0, &r);
	mem_deref(u);
	len = uacs_count(t.workers[0]->uacs);
	assert_int_equal(len, 0);

	/* a late answer, to whoever has the place now, says nothing */
	r.timeout_ms = 0;
	u = start(0, &r);
	assert_true(until(phone_has));
	mem_deref(u);
	r.call_id = "own-2";
	len = t.phone.len;
	(void)start(0, &r);
	t.phone.len = len;
	phone_says(&t.phone, 0, 200); /* the first one's request */
	assert_true(until(phone_has)); /* the second one's request */
	assert_int_equal(got.n, 0);
	phone_says(&t.phone, 0, 200);
	assert_true(until(answered));
}

static bool tcp_asked(void *arg)
{
	(void)arg;
	return t.tcp.len;
}

static bool conn_up(void *arg)
{
	(void)arg;
	return wire_connections(t.workers[1]->wire) == 1;
}

/* By a connection that the other router has, and then has no more. */
static void test_by_the_other_router(void **state)
{
	const struct wire_port *p = &t.routers[1].wires.portv[1];
	struct uac_request r;
	struct uac *u;
	struct flow f;

	(void)state;
	t.tcp.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(t.tcp.fd, &p->sa.u.sa, p->sa.len), 0);
	assert_int_equal(fd_listen(t.tcp.fd, FD_READ, readable, &t.tcp), 0);
	assert_true(until(conn_up));
	{
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		struct sa sa;

		assert_int_equal(getsockname(t.tcp.fd, (struct sockaddr *)&ss,
					     &len),
				 0);
		assert_int_equal(sa_set_sa(&sa, (struct sockaddr *)&ss), 0);
		assert_int_equal(
			wire_connect(t.workers[1]->wire, &f, WIRE_TCP, &sa), 0);
	}
	r = request(&f);
	(void)start(0, &r);
	assert_true(until(tcp_asked));
	assert_int_equal(see(&t.tcp)->count[VIEW_ROUTE], 0);
	assert_int_equal(see(&t.tcp)->max_forwards, 69);
	phone_says(&t.tcp, 1, 200);
	assert_true(until(answered));
	assert_int_equal(got.code, 200);
	assert_string_equal(got.reason, "hello");

	/* the flow as a Path has it */
	{
		struct token tok = {.kind = TOKEN_ROUTE};
		char path[256], flow[FLOW_LEN_MAX], str[TOKEN_LEN];
		struct flow again;
		size_t n = flow_print(flow, t.key, &f);

		token_print(str, t.key, &tok, NULL, 0);
		(void)re_snprintf(path, sizeof(path), "<sip:%b.%b@r;lr>", str,
				  (size_t)TOKEN_LEN, flow, n);
		assert_int_equal(way_by_path(&again, t.workers[0], path), 0);
		assert_int_equal(again.slot, f.slot);
		assert_int_equal(again.gen, f.gen);
		assert_int_equal(way_by_path(&again, t.workers[0],
					     "<sip:r;lr>"),
				 EINVAL);
	}

	fd_close(t.tcp.fd);
	(void)close(t.tcp.fd);
	(void)start(0, &r);
	assert_true(until(answered));
	assert_int_equal(got.code, 430);

	/* of our own we know it */
	assert_int_equal(
		uac_send(&u, t.workers[1]->uacs, &r, on_answer, &u),
		ENOTCONN);
}

/* The connection goes while we wait. */
static void test_connection_lost(void **state)
{
	struct sa sa;
	struct uac_request r;
	struct flow f;

	(void)state;
	/* nobody listens there */
	assert_int_equal(sa_set_str(&sa, "127.0.0.1", 9), 0);
	assert_int_equal(wire_connect(t.workers[0]->wire, &f, WIRE_TCP, &sa),
			 0);
	r = request(&f);
	(void)start(0, &r);
	assert_true(until(answered));
	assert_int_equal(got.code, 503);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_answered_to_the_other),
		cmocka_unit_test(test_not_answered),
		cmocka_unit_test(test_by_the_other_router),
		cmocka_unit_test(test_connection_lost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

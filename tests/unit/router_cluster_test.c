/* libs: sy_router_core sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/*
 * Two routers, a node that is played by the test, a phone that is played by
 * the test, and a real Redis, all in one loop: registration, a call that goes
 * through both routers, CANCEL, refusals, and what works without Redis.
 */

#include "redis_fixture.h"
#include "proto/digest.h"
#include "proto/store.h"
#include "router/core.h"

static const char secret[] = "0123456789abcdef";
static const char config_json[] =
	"{\"settings\":{\"realm\":\"switchyard\"},"
	"\"devices\":[{\"id\":\"1001\",\"password\":\"demo-1001\"},"
	"{\"id\":\"1002\",\"password\":\"demo-1002\"}],"
	"\"routes\":[{\"id\":\"echo\",\"order\":1,\"pattern\":\"600\","
	"\"target\":{\"echo\":true}}]}";

/* A UDP socket of the test. */
struct peer {
	int fd;
	struct sa sa;
	char buf[65536];
	size_t len;     /* of the last message; 0: none */
};

static struct {
	struct fixture *f;
	struct bus *bus;
	struct members *members;
	struct token_key *key;
	struct router routers[2];
	struct worker *workers[2];
	struct peer phone, node;
	struct peer tcp;       /* a phone's connection to router 1         */
	char path[512];        /* of its binding                           */
	Sy__PlaceHub *placed;  /* last PlaceHub                            */
	unsigned places;
	unsigned n;            /* makes Call-IDs                           */
} t;

/* ------------------------------------------------------------ the loop */

/* Run the loop until something is true. */
static bool until(bool (*cond)(void *))
{
	return run_for(t.f, cond, NULL, FIXTURE_TIMEOUT_MS);
}

static bool phone_has(void *arg)
{
	(void)arg;
	return t.phone.len;
}

static bool node_has(void *arg)
{
	(void)arg;
	return t.node.len;
}

static bool tcp_has(void *arg)
{
	(void)arg;
	return t.tcp.len;
}

static bool path_known(void *arg)
{
	(void)arg;
	return *t.path;
}

/* ------------------------------------------------------------- parties */

static void readable(int flags, void *arg)
{
	struct peer *p = arg;
	ssize_t n = recv(p->fd, p->buf, sizeof(p->buf) - 1, MSG_DONTWAIT);
	(void)flags;

	if (n <= 0)
		return;
	p->buf[n] = 0;
	p->len = (size_t)n;
}

static int peer_open(struct peer *p)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (sa_set_str(&p->sa, "127.0.0.1", 0))
		return EINVAL;
	p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || bind(p->fd, &p->sa.u.sa, p->sa.len) ||
	    getsockname(p->fd, (struct sockaddr *)&ss, &len))
		return errno;
	(void)sa_set_sa(&p->sa, (struct sockaddr *)&ss);

	return fd_listen(p->fd, FD_READ, readable, p);
}

static void peer_send(struct peer *p, unsigned router, const char *msg)
{
	const struct sa *to = &t.routers[router].wires.portv[0].sa;

	t.phone.len = t.node.len = 0;
	assert_int_equal(sendto(p->fd, msg, strlen(msg), 0, &to->u.sa,
				to->len),
			 strlen(msg));
}

static struct view v;

static const struct view *see(struct peer *p)
{
	assert_int_equal(view_read(&v, p->buf, p->len), VIEW_OK);

	return &v;
}

/* The phone sends and gets an answer. */
static uint16_t ask(unsigned router, const char *msg)
{
	peer_send(&t.phone, router, msg);
	if (!until(phone_has))
		fail_msg("no answer to: %s", msg);

	return see(&t.phone)->code;
}

static void on_command(struct bus_request *req, const Sy__Envelope *env,
		       void *arg)
{
	uint8_t buf[2048];
	size_t n;
	(void)arg;

	assert_int_equal(env->body_case, SY__ENVELOPE__BODY_PLACE_HUB);
	n = sy__place_hub__pack(env->place_hub, buf);
	if (t.placed)
		sy__place_hub__free_unpacked(t.placed, NULL);
	t.placed = sy__place_hub__unpack(NULL, n, buf);
	++t.places;
	bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

static bool bus_up(void *arg)
{
	(void)arg;
	return bus_is_up(t.bus);
}

static bool routers_ready(void *arg)
{
	bool live = true;
	(void)arg;

	for (int i = 0; i < 2; i++)
		live = live && router_is_ready(t.workers[i]) &&
		       member_find(t.workers[i]->members, "node-1") &&
		       member_find(t.workers[i]->members, "router-0") &&
		       member_find(t.workers[i]->members, "router-1");

	return live;
}

/* --------------------------------------------------------------- set-up */

static bool put_done;

static void on_put(int err, uint64_t revision, void *arg)
{
	(void)revision;
	(void)arg;
	assert_int_equal(err, 0);
	put_done = true;
}

static bool is_put(void *arg)
{
	(void)arg;
	return put_done;
}

static int put_config(void)
{
	char errbuf[256] = "";
	Sy__Config *conf;
	int err = config_read(&conf, "test", config_json,
			      strlen(config_json), errbuf, sizeof(errbuf));

	if (err) {
		print_error("%s\n", errbuf);
		return err;
	}
	err = config_put(bus_redis(t.bus), conf, UINT64_MAX, on_put, NULL);
	sy__config__free_unpacked(conf, NULL);

	return err || !until(is_put);
}

static void set_live(Sy__Member *self, void *arg)
{
	(void)arg;
	self->state = SY__MEMBER_STATE__LIVE;
}

static int join_node(void)
{
	Sy__Member self = SY__MEMBER__INIT;
	Sy__Load load = SY__LOAD__INIT;
	char addr[64];
	struct member_conf conf = {.loop = t.f->loop,
				   .bus = t.bus,
				   .self = &self,
				   .loadh = set_live};

	(void)re_snprintf(addr, sizeof(addr), "%J", &t.node.sa);
	load.ports_free = 100;
	self.id = (char *)(uintptr_t) "node-1";
	self.kind = SY__MEMBER_KIND__NODE;
	self.state = SY__MEMBER_STATE__LIVE;
	self.address = addr;
	self.load = &load;

	return member_alloc(&t.members, &conf);
}

static int start_router(unsigned i)
{
	static const char *const ids[] = {"router-0", "router-1"};
	struct router *r = &t.routers[i];
	char errbuf[128];

	r->key = t.key;
	r->conf = (struct router_conf){.id = ids[i],
				       .redis = t.f->url,
				       .threads = 1,
				       .tcp_max = 16,
				       .tcp_idle_s = 60,
				       .pending_max = 4,
				       .nonce_s = 300};
	if (wire_open(&r->wires, "127.0.0.1:0", "127.0.0.1:0", NULL, 1,
		      errbuf, sizeof(errbuf)))
		return EINVAL;

	return worker_alloc(&t.workers[i], r, 0);
}

static int setup(void **state)
{
	struct bus_conf bus = {.id = "node-1", .commandh = on_command};
	int err;

	(void)fixture_uv; /* routers run libre's loop only */
	*state = &fixture_re;
	fixture_setup(state);
	t.f = *state;
	err = fd_setsize(1024) || stat_init(1) ||
	      token_key_alloc(&t.key, secret, strlen(secret)) ||
	      peer_open(&t.phone) || peer_open(&t.node);
	if (err)
		return err;
	bus.loop = t.f->loop;
	bus.url = t.f->url;
	err = bus_alloc(&t.bus, &bus) || !until(bus_up) || put_config() ||
	      join_node() || start_router(0) || start_router(1);

	return err || !until(routers_ready);
}

static int teardown(void **state)
{
	for (int i = 0; i < 2; i++) {
		mem_deref(t.workers[i]);
		wire_close(&t.routers[i].wires);
	}
	if (t.placed)
		sy__place_hub__free_unpacked(t.placed, NULL);
	mem_deref(t.members);
	mem_deref(t.bus);
	mem_deref(t.key);
	fd_close(t.phone.fd);
	fd_close(t.node.fd);
	(void)close(t.phone.fd);
	(void)close(t.node.fd);

	return fixture_teardown(state);
}

/* -------------------------------------------------------------- messages */

/* One call, or one registration, of the phone. */
struct req {
	const char *method, *uri, *user;
	unsigned id;             /* of the Call-ID           */
	unsigned cseq, branch;
	const char *to_tag;
	char more[2048];         /* further headers          */
};

static char *print(const struct req *r)
{
	static char buf[8192];

	(void)re_snprintf(
		buf, sizeof(buf),
		"%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %J;branch=z9hG4bK%u.%u;rport\r\n"
		"Max-Forwards: 70\r\n"
		"From: \"Phone\" <sip:%s@switchyard>;tag=f%u\r\n"
		"To: <sip:%s@switchyard>%s%s\r\n"
		"Call-ID: call-%u\r\n"
		"CSeq: %u %s\r\n"
		"%s"
		"Contact: <sip:%s@%J>\r\n"
		"Content-Length: 0\r\n\r\n",
		r->method, r->uri, &t.phone.sa, r->id, r->branch, r->user,
		r->id, strcmp(r->method, "REGISTER") ? "600" : r->user,
		r->to_tag ? ";tag=" : "", r->to_tag ? r->to_tag : "", r->id,
		r->cseq, r->method,
		r->more, r->user, &t.phone.sa);

	return buf;
}

static struct req make(const char *method, const char *uri)
{
	return (struct req){.method = method,
			    .uri = uri,
			    .user = "1001",
			    .id = ++t.n,
			    .cseq = 1,
			    .branch = 1};
}

/* Value of a header of the phone's last message, the i-th of its name. */
static struct pl header(const struct view *vw, const char *name, unsigned i)
{
	struct pl pl = pl_null;

	for (unsigned k = 0; k < vw->fieldc; k++) {
		const char *line = vw->p + vw->fieldv[k].line;

		if (strncasecmp(line, name, strlen(name)) || i--)
			continue;
		view_val(vw, &vw->fieldv[k], &pl);
		break;
	}

	return pl;
}

/* Answer the challenge that came last. */
static void authorize(struct req *r, enum digest_alg alg, const char *user,
		      const char *password)
{
	const bool reg = !strcmp(r->method, "REGISTER");
	char ha1[DIGEST_HEX_MAX + 1], hex[DIGEST_HEX_MAX + 1];
	struct digest_response d;
	struct pl chal, method, nonce;

	chal = header(see(&t.phone),
		      reg ? "WWW-Authenticate" : "Proxy-Authenticate",
		      alg == DIGEST_MD5);
	assert_int_equal(re_regex(chal.p, chal.l, "nonce=\"[^\"]+\"", &nonce),
			 0);
	memset(&d, 0, sizeof(d));
	d.nonce = nonce;
	pl_set_str(&d.username, user);
	pl_set_str(&d.realm, "switchyard");
	pl_set_str(&d.uri, r->uri);
	pl_set_str(&d.cnonce, "abc");
	pl_set_str(&d.nc, "00000001");
	pl_set_str(&d.qop, "auth");
	pl_set_str(&method, r->method);
	d.alg = alg;
	d.alg_known = true;
	assert_int_equal(digest_ha1(ha1, alg, user, "switchyard", password),
			 0);
	assert_int_equal(digest_compute(hex, &d, ha1, &method, NULL), 0);
	(void)re_snprintf(
		r->more, sizeof(r->more),
		"%s: Digest username=\"%s\", realm=\"switchyard\", "
		"nonce=\"%r\", uri=\"%s\", response=\"%s\", algorithm=%s, "
		"qop=auth, nc=00000001, cnonce=\"abc\"\r\n",
		reg ? "Authorization" : "Proxy-Authorization", user, &nonce,
		r->uri, hex, digest_alg_name(alg));
	++r->cseq;
	++r->branch;
}

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

/* An INVITE of the phone arrives at the node; the phone's text is in r. */
static void call(struct req *r, unsigned router)
{
	assert_int_equal(ask(router, print(r)), 407);
	authorize(r, DIGEST_SHA256, "1001", "demo-1001");
	peer_send(&t.phone, router, print(r));
	assert_true(until(node_has));
}

/* The token in the branch of the node's last request, verified as a node
 * does. */
static struct token branch_token(char branch[TOKEN_LEN + 1])
{
	const struct view *vw = see(&t.node);
	struct token tok;
	char ctx[512];
	size_t n = msg_branch_ctx(ctx, sizeof(ctx), vw, &vw->via2);

	assert_int_equal(vw->via.branch.l, 7 + TOKEN_LEN);
	memcpy(branch, vw->via.branch.p + 7, TOKEN_LEN);
	branch[TOKEN_LEN] = 0;
	assert_int_equal(token_read(&tok, t.key, TOKEN_BRANCH, branch,
				    TOKEN_LEN, ctx, n),
			 0);
	assert_int_equal(tok.instance, member_instance(t.members));

	return tok;
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

	/* again, by the other router: the same call, the same branch */
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

/* SPDX-License-Identifier: MIT */
/*
 * Two routers, a node that is played by the test, a phone that is played by
 * the test, and a real Redis, all in one loop.
 */

#ifndef SY_TESTS_UNIT_ROUTER_CLUSTER_H
#define SY_TESTS_UNIT_ROUTER_CLUSTER_H

#include "redis_fixture.h"
#include "proto/digest.h"
#include "proto/store.h"
#include "router/core.h"

/* A test that needs another configuration defines it before. */
#ifndef CLUSTER_CONFIG
#define CLUSTER_CONFIG                                                        \
	"{\"settings\":{\"realm\":\"switchyard\"},"                              \
	"\"devices\":[{\"id\":\"1001\",\"password\":\"demo-1001\"},"             \
	"{\"id\":\"1002\",\"password\":\"demo-1002\"}],"                         \
	"\"routes\":[{\"id\":\"echo\",\"order\":1,\"pattern\":\"600\","          \
	"\"target\":{\"echo\":true}},{\"id\":\"room\",\"order\":2,"              \
	"\"pattern\":\"601\",\"target\":{\"conference\":\"lobby\"}}]}"
#endif

static const char secret[] = "0123456789abcdef";
static const char config_json[] = CLUSTER_CONFIG;

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
	unsigned refuse;       /* so many PlaceHubs                        */
	unsigned n;            /* makes Call-IDs                           */
} t;

/* ------------------------------------------------------------ the loop */

/* Run the loop until something is true. */
static inline bool until(bool (*cond)(void *))
{
	return run_for(t.f, cond, NULL, FIXTURE_TIMEOUT_MS);
}

static inline bool phone_has(void *arg)
{
	(void)arg;
	return t.phone.len;
}

static inline bool node_has(void *arg)
{
	(void)arg;
	return t.node.len;
}

static inline bool tcp_has(void *arg)
{
	(void)arg;
	return t.tcp.len;
}

static inline bool path_known(void *arg)
{
	(void)arg;
	return *t.path;
}

/* ------------------------------------------------------------- parties */

static inline void readable(int flags, void *arg)
{
	struct peer *p = arg;
	ssize_t n = recv(p->fd, p->buf, sizeof(p->buf) - 1, MSG_DONTWAIT);
	(void)flags;

	if (n <= 0)
		return;
	p->buf[n] = 0;
	p->len = (size_t)n;
}

static inline int peer_open(struct peer *p)
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

static inline void peer_send(struct peer *p, unsigned router, const char *msg)
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
static inline uint16_t ask(unsigned router, const char *msg)
{
	peer_send(&t.phone, router, msg);
	if (!until(phone_has))
		fail_msg("no answer to: %s", msg);

	return see(&t.phone)->code;
}

static inline void on_command(struct bus_request *req, const Sy__Envelope *env,
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
	if (t.refuse) {
		--t.refuse;
		bus_replyf(req, SY__RESULT_CODE__UNAVAILABLE, "%s", "");
		return;
	}
	bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

static inline bool bus_up(void *arg)
{
	(void)arg;
	return bus_is_up(t.bus);
}

static inline bool routers_ready(void *arg)
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

static inline void on_put(int err, uint64_t revision, void *arg)
{
	(void)revision;
	(void)arg;
	assert_int_equal(err, 0);
	put_done = true;
}

static inline bool is_put(void *arg)
{
	(void)arg;
	return put_done;
}

static inline int put_config(void)
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

static inline void set_live(Sy__Member *self, void *arg)
{
	(void)arg;
	self->state = SY__MEMBER_STATE__LIVE;
}

static inline int join_node(void)
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

static inline int start_router(unsigned i)
{
	static const char *const ids[] = {"router-0", "router-1"};
	struct router *r = &t.routers[i];
	const struct wire_listen listen = {.udp = "127.0.0.1:0",
					   .tcp = "127.0.0.1:0"};
	char errbuf[128];

	r->key = t.key;
	r->conf = (struct router_conf){.id = ids[i],
				       .redis = t.f->url,
				       .threads = 1,
				       .tcp_max = 16,
				       .tcp_idle_s = 60,
				       .pending_max = 4,
				       .nonce_s = 300};
	if (wire_open(&r->wires, &listen, 1, errbuf, sizeof(errbuf)))
		return EINVAL;

	return worker_alloc(&t.workers[i], r, 0);
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline char *print(const struct req *r)
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

static inline struct req make(const char *method, const char *uri)
{
	return (struct req){.method = method,
			    .uri = uri,
			    .user = "1001",
			    .id = ++t.n,
			    .cseq = 1,
			    .branch = 1};
}

/* Value of a header of the phone's last message, the i-th of its name. */
static inline struct pl header(const struct view *vw, const char *name, unsigned i)
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
static inline void authorize(struct req *r, enum digest_alg alg, const char *user,
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

/* An INVITE of the phone arrives at the node; the phone's text is in r. */
static inline void call(struct req *r, unsigned router)
{
	assert_int_equal(ask(router, print(r)), 407);
	authorize(r, DIGEST_SHA256, "1001", "demo-1001");
	peer_send(&t.phone, router, print(r));
	assert_true(until(node_has));
}

/* The token in the branch of the node's last request, verified as a node
 * does. */
static inline struct token branch_token(char branch[TOKEN_LEN + 1])
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

#endif

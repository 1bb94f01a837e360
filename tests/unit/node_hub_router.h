/* SPDX-License-Identifier: MIT */
/*
 * A whole node in a test: a real Redis, and a router that is played by the
 * test: it places hubs over the bus, hands messages of phones to the node
 * with its token, and shows what the node sends.
 */

#ifndef SY_TESTS_UNIT_NODE_HUB_ROUTER_H
#define SY_TESTS_UNIT_NODE_HUB_ROUTER_H

#include "redis_fixture.h"
#include "node/checkpoint.h"
#include "node/node.h"
#include "node/restore.h"
#include "proto/log.h"
#include "proto/store.h"
#include "test_port.h"

#define KEY "a secret of the test's cluster"

enum { MSGS_MAX = 512, QUIET_MS = 60 };

static const char sdp_offer[] =
	"v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
	"t=0 0\r\nm=audio %u RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\n"
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=%s\r\n";

struct lab {
	struct fixture *f;
	struct node *node;
	struct bus *bus;            /* the router's, as all below */
	struct members *members;
	struct token_key *key;
	struct udp_sock *us;
	struct sa laddr;
	char *msgv[MSGS_MAX];
	size_t msgc;
	size_t seenc;               /* messages the test has taken */
	bool takenv[MSGS_MAX];
	unsigned seq;
	int done;                   /* an answer of the bus came   */
	int err;
	Sy__ResultCode code;
	char taken[ULID_LEN + 1];   /* HubTaken came, for this hub */
	char leg[ULID_LEN + 1];
	Sy__Call *call;
};

/* A phone behind the router. */
struct phone {
	char call_id[64], tag[32], to[256], ruri[256];
	uint32_t cseq, branch;
	struct token tok;
	struct udp_sock *rtp;
	unsigned port, packets, events;
	unsigned level;             /* of its last packet of PCMU       */
	unsigned crossings;         /* of zero, in it                   */
	struct tmr talk;            /* see phone_talk()                 */
	struct sa media;
	uint8_t code;
	uint16_t rtp_seq;
	const char *dir;            /* attribute of its SDP */
	const char *ctype;
	const char *extra;          /* headers, or NULL */
};

static bool cond_ready(void *arg)
{
	struct lab *l = arg;

	return node_is_ready(l->node) && member_instance(l->members) &&
	       member_find(l->members, "n1") &&
	       member_find(l->node->members, "r1") &&
	       config_get(l->node->config) &&
	       config_get(l->node->config)->n_devices;
}

static void recv_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct lab *l = arg;

	(void)src;
	if (getenv("SY_TEST_TRACE"))
		fprintf(stderr, "<<< %.*s\n", (int)mbuf_get_left(mb),
			(const char *)mbuf_buf(mb));
	if (l->msgc < MSGS_MAX)
		(void)mbuf_strdup(mb, &l->msgv[l->msgc++],
				  mbuf_get_left(mb));
}

static void put_handler(int err, uint64_t revision, void *arg)
{
	struct lab *l = arg;

	(void)revision;
	l->err = err;
	l->done = 1;
}

static bool cond_bus_up(void *arg)
{
	struct lab *l = arg;

	return bus_is_up(l->bus);
}

static void put_config(struct lab *l)
{
	static const char text[] =
		"{\"settings\":{\"realm\":\"switchyard\",\"codecs\":"
		"[\"PCMU\",\"PCMA\"]},\"devices\":[{\"id\":\"1001\",\"ha1Md5\""
		":\"00000000000000000000000000000001\"},{\"id\":\"1002\","
		"\"ha1Md5\":\"00000000000000000000000000000002\"}],"
		"\"trunks\":[{\"id\":\"loop\",\"target\":\"127.0.0.9:5080\","
		"\"enabled\":true}]}";
	char errbuf[256] = "";
	Sy__Config *conf = NULL;

	if (config_read(&conf, "test", text, strlen(text), errbuf,
			sizeof(errbuf)))
		fail_msg("config: %s", errbuf);
	l->done = 0;
	assert_int_equal(config_put(bus_redis(l->bus), conf, UINT64_MAX,
				    put_handler, l), 0);
	run_until(l->f, is_nonzero, &l->done);
	assert_int_equal(l->err, 0);
	sy__config__free_unpacked(conf, NULL);
}

static void command_handler(struct bus_request *req, const Sy__Envelope *env,
			    void *arg)
{
	struct lab *l = arg;

	if (env->body_case == SY__ENVELOPE__BODY_HUB_TAKEN)
		str_ncpy(l->taken, env->hub_taken->hub, sizeof(l->taken));
	bus_replyf(req, SY__RESULT_CODE__OK, "%s", "");
}

static void start_router(struct lab *l)
{
	const struct bus_conf bc = {
		.loop = l->f->loop, .url = l->f->url, .id = "r1",
		.commandh = command_handler, .arg = l};
	Sy__Member me = SY__MEMBER__INIT;
	struct member_conf mc = {.loop = l->f->loop, .self = &me};
	char addr[64], udp[80];
	char *addresses[] = {udp};

	assert_int_equal(token_key_alloc(&l->key, KEY, strlen(KEY)), 0);
	(void)sa_set_str(&l->laddr, "127.0.0.1", 0);
	assert_int_equal(udp_listen(&l->us, &l->laddr, recv_handler, l), 0);
	assert_int_equal(udp_local_get(l->us, &l->laddr), 0);
	assert_int_equal(bus_alloc(&l->bus, &bc), 0);

	(void)re_snprintf(addr, sizeof(addr), "%J", &l->laddr);
	(void)re_snprintf(udp, sizeof(udp), "udp:%s", addr);
	me.id = (char *)"r1";
	me.kind = SY__MEMBER_KIND__ROUTER;
	me.state = SY__MEMBER_STATE__LIVE;
	me.address = addr;
	me.addresses = addresses;
	me.n_addresses = 1;
	mc.bus = l->bus;
	assert_int_equal(member_alloc(&l->members, &mc), 0);
}

/* A test that failed leaves a node behind that lives in the loop of the next
 * one: better none. */
static bool lab_is_open;

static int lab_setup(void **state)
{
	if (lab_is_open) {
		fprintf(stderr, "the test before has failed: no more\n");
		_exit(1);
	}

	return fixture_setup(state);
}

#define lab_test(fn) {#fn, fn, lab_setup, fixture_teardown, &fixture_re}

static void start_node(struct lab *l)
{
	struct node_conf conf = {
		.id = "n1",
		.cluster_key = KEY,
		.sip_addr = "127.0.0.1:0",
		.redis_url = l->f->url,
		.media = {.workers = 1,
			  .rtp_port_min = test_port_base(),
			  .rtp_port_max = test_port_base() + TEST_PORTS / 2 - 1,
			  .quarantine_ms = 1},
		.media_addrc = 1,
	};

	(void)sa_set_str(&conf.media_addrv[0], "127.0.0.1", 0);
	assert_int_equal(node_alloc(&l->node, &conf), 0);
	run_until(l->f, cond_ready, l);
}

/* before: what is to be done when Redis and router are there, and the node is
 * not; or NULL. */
static void lab_open_with(struct lab *l, void **state,
			  void (*before)(struct lab *l))
{
	const struct log_conf lc = {
		.level = getenv("SY_TEST_TRACE") ? LOG_L_DEBUG : LOG_L_ERROR,
		.proc = "test"};

	(void)fixture_uv; /* a node has one kind of loop */
	memset(l, 0, sizeof(*l));
	log_init(&lc);
	lab_is_open = true;
	l->f = *state;
	start_router(l);
	run_until(l->f, cond_bus_up, l);
	put_config(l);
	if (before)
		before(l);
	start_node(l);
}

static void lab_open(struct lab *l, void **state)
{
	lab_open_with(l, state, NULL);
}

/* Nothing of any call is left, here or in Redis. */
static bool cond_rest(void *arg)
{
	struct lab *l = arg;
	struct media_load load;

	media_load(l->node->media, &load);
	return !l->node->hubc && !load.mixes && !load.legs &&
	       !load.ports_used && !l->node->lookups.head &&
	       !checkpoint_pending(l->node->checkpoint) &&
	       l->node->alarms.count == 3;
}

static void lab_rest(struct lab *l)
{
	run_until(l->f, cond_rest, l);
	assert_int_equal(server_ask(l->f, "KEYS sy:hub:*"), 0);
	assert_int_equal(server_ask(l->f, "ZCARD sy:hubs"), 0);
	assert_int_equal(server_ask(l->f, "KEYS sy:call:*"), 0);
	assert_int_equal(server_ask(l->f, "KEYS sy:room:*"), 0);
	assert_int_equal(server_ask(l->f, "KEYS sy:owned:*"), 0);
}

static void lab_close(struct lab *l)
{
	size_t i;

	lab_rest(l);
	lab_is_open = false;
	mem_deref(l->node);
	mem_deref(l->members);
	mem_deref(l->bus);
	mem_deref(l->us);
	mem_deref(l->key);
	for (i = 0; i < l->msgc; i++)
		mem_deref(l->msgv[i]);
	if (l->call)
		sy__call__free_unpacked(l->call, NULL);
}

/* --------------------------------------------------------------- commands */

static void result_handler(const Sy__Result *res, void *arg)
{
	struct lab *l = arg;

	l->code = res->code;
	str_ncpy(l->leg, res->leg, sizeof(l->leg));
	if (l->call)
		sy__call__free_unpacked(l->call, NULL);
	l->call = NULL;
	if (res->call) {
		size_t len = sy__call__get_packed_size(res->call);
		uint8_t *buf = mem_alloc(len + 1, NULL);

		sy__call__pack(res->call, buf);
		l->call = sy__call__unpack(NULL, len, buf);
		mem_deref(buf);
	}
	l->done = 1;
}

static void lab_request(struct lab *l, Sy__Envelope *env)
{
	l->done = 0;
	assert_int_equal(bus_request_member(l->bus, "n1", env, 0,
					    result_handler, l), 0);
}

static Sy__ResultCode lab_ask(struct lab *l, Sy__Envelope *env)
{
	lab_request(l, env);
	run_until(l->f, is_nonzero, &l->done);

	return l->code;
}

/* The same, and its answer comes later: l->done, l->code. */
#define lab_tell(l, BODY, member, msg)                                        \
	do {                                                                  \
		Sy__Envelope env_ = SY__ENVELOPE__INIT;                       \
		env_.body_case = SY__ENVELOPE__BODY_##BODY;                   \
		env_.member = (msg);                                          \
		lab_request(l, &env_);                                        \
	} while (0)

#define ASK(l, BODY, member, msg)                                             \
	({                                                                    \
		Sy__Envelope env_ = SY__ENVELOPE__INIT;                       \
		env_.body_case = SY__ENVELOPE__BODY_##BODY;                   \
		env_.member = (msg);                                          \
		lab_ask(l, &env_);                                            \
	})

/* ----------------------------------------------------------------- phones */

/* Mean level of G.711 mu-law [of 32768], and where it crosses zero. */
static void listen_to(struct phone *p, const uint8_t *v, size_t n)
{
	unsigned sum = 0, crossings = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const unsigned u = (uint8_t)~v[i];

		sum += ((((u & 15) << 3) + 132) << ((u >> 4) & 7)) - 132;
		crossings += i && ((v[i] ^ v[i - 1]) & 0x80);
	}
	p->level = sum / (unsigned)n;
	p->crossings = crossings;
}

static void rtp_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct phone *p = arg;

	(void)src;
	p->packets++;
	if (mbuf_get_left(mb) > 12 && !(mbuf_buf(mb)[1] & 0x7f))
		listen_to(p, mbuf_buf(mb) + 12, mbuf_get_left(mb) - 12);
	p->events += mbuf_get_left(mb) > 2 && (mbuf_buf(mb)[1] & 0x7f) == 101;
}

static void phone_open(struct lab *l, struct phone *p, const char *hub)
{
	struct sa sa;

	memset(p, 0, sizeof(*p));
	l->seq++;
	(void)sa_set_str(&sa, "127.0.0.1", 0);
	assert_int_equal(udp_listen(&p->rtp, &sa, rtp_handler, p), 0);
	assert_int_equal(udp_local_get(p->rtp, &sa), 0);
	p->port = sa_port(&sa);
	p->dir = "sendrecv";
	p->ctype = "application/sdp";
	(void)re_snprintf(p->call_id, sizeof(p->call_id), "c%u@phone",
			  l->seq);
	(void)re_snprintf(p->tag, sizeof(p->tag), "t%u", l->seq);
	str_ncpy(p->to, "<sip:600@switchyard>", sizeof(p->to));
	str_ncpy(p->ruri, "sip:600@switchyard", sizeof(p->ruri));
	p->cseq = 1;
	p->tok.kind = TOKEN_BRANCH;
	p->tok.instance = member_find(l->members, "n1")->instance;
	p->tok.leg = 1000 + l->seq;
	p->tok.epoch = 1;
	assert_int_equal(ulid_read(p->tok.hub, hub, ULID_LEN), 0);
}

enum { TALK_LOW = 924, TALK_HIGH = 8316 };

static void talk_handler(void *arg)
{
	struct phone *p = arg;
	struct mbuf *mb = mbuf_alloc(172);
	unsigned i;

	tmr_start(&p->talk, 20, talk_handler, p);
	(void)mbuf_write_u16(mb, htons(0x8000));
	(void)mbuf_write_u16(mb, htons(++p->rtp_seq));
	(void)mbuf_write_u32(mb, htonl(p->rtp_seq * 160u));
	(void)mbuf_write_u32(mb, htonl(p->port));
	for (i = 0; i < 160; i++)
		(void)mbuf_write_u8(mb, i / 8 % 2 ? p->code :
						    p->code & 0x7f);
	mb->pos = 0;
	(void)udp_send(p->rtp, &p->media, mb);
	mem_deref(mb);
}

/* Send a tone of 500 Hz to where a message of the node says. */
static inline void phone_talk(struct phone *p, const char *msg, unsigned level)
{
	const char *m = strstr(msg, "m=audio ");

	assert_non_null(m);
	(void)sa_set_str(&p->media, "127.0.0.1",
			 (uint16_t)atoi(m + strlen("m=audio ")));
	p->code = level == TALK_LOW ? 0xcf : 0x9f;
	talk_handler(p);
}

static void phone_close(struct phone *p)
{
	tmr_cancel(&p->talk);
	mem_deref(p->rtp);
}

static void place_handler(int err, const struct store_place *pl, void *arg)
{
	struct lab *l = arg;

	(void)pl;
	l->err = err;
	l->done = 1;
}

/* A placement as a router writes it: the node has to remove it. */
static void note_place(struct lab *l, const struct phone *p, const char *hub)
{
	const struct store_place_req req = {
		.call_id = p->call_id, .hub = hub, .node = "n1",
		.instance = p->tok.instance, .leg = p->tok.leg};

	l->done = 0;
	assert_int_equal(store_place(bus_redis(l->bus), &req, place_handler,
				     l), 0);
	run_until(l->f, is_nonzero, &l->done);
	assert_int_equal(l->err, 0);
}

static Sy__ResultCode phone_place(struct lab *l, const struct phone *p,
				  Sy__Destination *dest)
{
	Sy__PlaceHub pl = SY__PLACE_HUB__INIT;
	Sy__Source src = SY__SOURCE__INIT;
	char hub[ULID_LEN + 1];

	ulid_print(hub, p->tok.hub);
	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = (char *)"1001";
	pl.hub = hub;
	pl.epoch = 1;
	pl.destination = dest;
	pl.source = &src;
	pl.call_id = (char *)p->call_id;
	pl.caller = (char *)"1001";
	pl.called = (char *)"600";
	pl.leg_ref = p->tok.leg;
	pl.router = (char *)"r1";
	note_place(l, p, hub);

	return ASK(l, PLACE_HUB, place_hub, &pl);
}

static void lab_send(struct lab *l, const char *text)
{
	struct mbuf *mb = mbuf_alloc(4096);

	if (getenv("SY_TEST_TRACE"))
		fprintf(stderr, ">>> %s\n", text);
	(void)mbuf_write_str(mb, text);
	mb->pos = 0;
	assert_int_equal(udp_send(l->us, sipua_laddr(l->node->ua), mb), 0);
	mem_deref(mb);
}

/* A request of a phone as its router forwards it. */
static void phone_send(struct lab *l, struct phone *p, const char *met,
		       const char *body, uint32_t branch)
{
	char ctx[256], tok[TOKEN_LEN + 1] = "", *text = NULL;
	int n = snprintf(ctx, sizeof(ctx),
			 "127.0.0.1:5060%cz9hG4bKp%u%c%s%c%s%c%u%c", 0, branch,
			 0, p->call_id, 0, p->tag, 0, p->cseq, 0);

	token_print(tok, l->key, &p->tok, ctx, (size_t)n);
	assert_int_equal(re_sdprintf(&text,
		"%s %s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP %J;branch=z9hG4bK%s;fl=Zm9v\r\n"
		"Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKp%u\r\n"
		"Record-Route: <sip:RT.f@%J;lr>\r\nMax-Forwards: 69\r\n"
		"From: <sip:1001@switchyard>;tag=%s\r\nTo: %s\r\n"
		"Call-ID: %s\r\nCSeq: %u %s\r\n"
		"Contact: <sip:1001@127.0.0.1:5060>\r\n%s%s%s%s"
		"Content-Length: %zu\r\n\r\n%s",
		met, p->ruri, &l->laddr, tok, branch, &l->laddr, p->tag,
		p->to, p->call_id, p->cseq, met,
		p->extra ? p->extra : "",
		body ? "Content-Type: " : "", body ? p->ctype : "",
		body ? "\r\n" : "", str_len(body), body ? body : ""), 0);
	lab_send(l, text);
	mem_deref(text);
}

static void phone_invite(struct lab *l, struct phone *p)
{
	char sdp[512];

	(void)re_snprintf(sdp, sizeof(sdp), sdp_offer, p->port, p->dir);
	p->branch = ++l->seq;
	phone_send(l, p, "INVITE", sdp, p->branch);
}

/* ------------------------------------------------ what the node has sent */

struct want {
	struct lab *l;
	const char *start, *has;
	const char *found;
};

/* A message not yet taken that begins so and contains that; copies of it
 * (retransmissions) are taken with it. */
static bool cond_message(void *arg)
{
	struct want *w = arg;
	struct lab *l = w->l;
	size_t i;

	for (i = 0; i < l->msgc; i++) {
		if (l->takenv[i])
			continue;
		if (w->found) {
			if (!strcmp(w->found, l->msgv[i]))
				l->takenv[i] = true;
		}
		else if (!strncmp(l->msgv[i], w->start, strlen(w->start)) &&
			 strstr(l->msgv[i], w->has)) {
			l->takenv[i] = true;
			w->found = l->msgv[i];
		}
	}

	return w->found != NULL;
}

static const char *lab_get(struct lab *l, const char *start, const char *has)
{
	struct want w = {.l = l, .start = start, .has = has};

	if (!run_for(l->f, cond_message, &w, 10000))
		fail_msg("no \"%s\" with \"%s\" came", start, has);

	return w.found;
}

static bool cond_never(void *arg)
{
	(void)arg;
	return false;
}

/* None such comes within a while. */
static inline void lab_none(struct lab *l, const char *start, const char *has)
{
	struct want w = {.l = l, .start = start, .has = has};

	(void)run_for(l->f, cond_never, NULL, QUIET_MS);
	if (cond_message(&w))
		fail_msg("unexpected: %s", w.found);
}

static const char *hdr(const char *msg, const char *name)
{
	static char bufv[16][512];
	static unsigned k;
	char *buf = bufv[k++ % 16], pat[64];
	const char *p;

	(void)re_snprintf(pat, sizeof(pat), "\r\n%s: ", name);
	p = strstr(msg, pat);
	if (!p)
		return "";
	p += strlen(pat);
	snprintf(buf, sizeof(bufv[0]), "%.*s", (int)strcspn(p, "\r"), p);

	return buf;
}

/* A final or provisional answer to a phone's INVITE. */
static const char *phone_get(struct lab *l, struct phone *p,
			     const char *status)
{
	char start[64];

	(void)re_snprintf(start, sizeof(start), "SIP/2.0 %s", status);
	return lab_get(l, start, p->call_id);
}

/* Answered: take the dialog up and ACK. */
static void phone_ack_with(struct lab *l, struct phone *p, const char *resp,
			   const char *body)
{
	const char *contact = hdr(resp, "Contact");

	str_ncpy(p->to, hdr(resp, "To"), sizeof(p->to));
	if (*contact == '<')
		snprintf(p->ruri, sizeof(p->ruri), "%.*s",
			 (int)strcspn(contact + 1, ">"), contact + 1);
	phone_send(l, p, "ACK", body, ++l->seq);
}

static void phone_ack(struct lab *l, struct phone *p, const char *resp)
{
	phone_ack_with(l, p, resp, NULL);
}

/* ACK to a failure: same branch, To with the tag. */
static inline void phone_nack(struct lab *l, struct phone *p, const char *resp)
{
	str_ncpy(p->to, hdr(resp, "To"), sizeof(p->to));
	phone_send(l, p, "ACK", NULL, p->branch);
}

static inline void phone_call(struct lab *l, struct phone *p)
{
	phone_invite(l, p);
	phone_ack(l, p, phone_get(l, p, "200"));
}

static inline void phone_bye(struct lab *l, struct phone *p)
{
	p->cseq++;
	phone_send(l, p, "BYE", NULL, ++l->seq);
	(void)lab_get(l, "SIP/2.0 200", " BYE\r\n");
}

/* ------------------------------------------------- phones that are called */

static void lab_reply(struct lab *l, const char *req, const char *status,
		      const char *tag, const char *sdp)
{
	char *text = NULL;

	assert_int_equal(re_sdprintf(&text,
		"SIP/2.0 %s\r\nVia: %s\r\n%sFrom: %s\r\nTo: %s%s%s\r\n"
		"Call-ID: %s\r\nCSeq: %s\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		status, hdr(req, "Via"),
		sdp ? "Record-Route: <sip:RT.f@127.0.0.1:5;lr>\r\n" : "",
		hdr(req, "From"), hdr(req, "To"), tag ? ";tag=" : "",
		tag ? tag : "", hdr(req, "Call-ID"), hdr(req, "CSeq"),
		sdp ? "Contact: <sip:1002@127.0.0.1:5062>\r\n" : "",
		sdp ? "Content-Type: application/sdp\r\n" : "",
		str_len(sdp), sdp ? sdp : ""), 0);
	lab_send(l, text);
	mem_deref(text);
}

/* Answer an INVITE of the node; it ACKs. */
static inline void lab_accept(struct lab *l, const char *req, unsigned port,
		       const char *dir)
{
	char sdp[512];

	(void)re_snprintf(sdp, sizeof(sdp), sdp_offer, port, dir);
	lab_reply(l, req, "200 OK", "callee", sdp);
	(void)lab_get(l, "ACK", hdr(req, "Call-ID"));
}

/* Refuse an INVITE of the node; it ACKs. */
static inline void lab_refuse(struct lab *l, const char *req, const char *status)
{
	lab_reply(l, req, status, "callee", NULL);
	(void)lab_get(l, "ACK", hdr(req, "Call-ID"));
}

/* The node ends a leg: answer its BYE. */
static inline void lab_ended(struct lab *l, const char *call_id)
{
	lab_reply(l, lab_get(l, "BYE", call_id), "200 OK", NULL, NULL);
}

static void reg_handler(int err, const Sy__Registration *reg, void *arg)
{
	struct lab *l = arg;

	(void)reg;
	l->err = err;
	l->done = 1;
}

/* Two phones of device 1002. */
static inline void lab_register(struct lab *l, unsigned count)
{
	static const char *const uri[] = {"sip:1002@127.0.0.1:5062",
					  "sip:1002@127.0.0.2:5064"};
	Google__Protobuf__Timestamp exp = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	unsigned i;

	timestamp_set_ms(&exp, timestamp_now_ms() + 600000);
	for (i = 0; i < count; i++) {
		Sy__Binding b = SY__BINDING__INIT;
		const Sy__Binding *bv[] = {&b};
		struct store_reg_put put = {
			.device = "1002", .bindv = bv, .bindc = 1,
			.call_id = uri[i], .cseq = 1, .max_contacts = 10};

		b.contact = (char *)uri[i];
		b.call_id = (char *)uri[i];
		b.cseq = 1;
		b.expires_at = &exp;
		b.path = i ? (char *)"sip:PATH.f@127.0.0.1;lr" : b.path;
		b.router = (char *)"r1";
		l->done = 0;
		assert_int_equal(store_reg_put(bus_redis(l->bus), &put,
					       reg_handler, l), 0);
		run_until(l->f, is_nonzero, &l->done);
		assert_int_equal(l->err, 0);
	}
}

#endif

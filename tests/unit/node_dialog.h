/* SPDX-License-Identifier: MIT */
/*
 * A node's SIP endpoint in a libre loop, and scripted routers that speak raw
 * text to it: what the dialog tests share.
 */

#ifndef SY_TESTS_UNIT_NODE_DIALOG_H
#define SY_TESTS_UNIT_NODE_DIALOG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "has.h"
#include "node/sip/dialog.h"
#include "node/sip/ua.h"

enum {
	INSTANCE = 77,
	T1_MS = 15,     /* so that 64*T1 is over soon */
	WAIT_MS = 5000, /* a test that waits longer has failed */
	MSGS_MAX = 256,
	ROUTERS = 2,
};

#define OFFER "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=offer\r\n"
#define ANSWER "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=answer\r\n"

/* A router: what it received, and how far the test has read. */
struct router {
	struct udp_sock *us;
	struct sa laddr;
	char addr[64];
	char udp[80], tcp[80], tls[80], wss[80];
	char *addresses[4];
	Sy__Member member;
	char *msgv[MSGS_MAX];
	size_t msgc, next;
};

/* The peer behind them: what its next request says. */
struct peer {
	char call_id[64];
	char ftag[32];
	char to[256];      /* To, with the node's tag once it is known */
	char ruri[256];
	char branch[64];   /* of its Via */
	char extra[512];   /* further headers */
	const char *body;
	const char *ctype;
	uint32_t cseq;
	struct token tok;
};

/* What the handlers saw. */
struct seen {
	unsigned incoming, progress, established, offer, answered, info;
	unsigned refresh, acked;
	bool ours;
	unsigned closed, changed;
	uint16_t code;
	bool remote;
	int err;
	char sdp[512];
	bool drop;         /* mem_deref() the dialog in the handler */
};

struct fixture {
	struct sipua *ua;
	struct token_key *key;
	struct router r[ROUTERS];
	const Sy__Member *memberv[ROUTERS];
	struct dialog *d;  /* ours: the last one */
	struct seen seen;
	bool answer_at_once;
	unsigned seq;
};

static struct fixture fx;

/* ------------------------------------------------------------- waiting */

typedef bool(cond_h)(void *arg);

struct wait {
	struct tmr poll;
	cond_h *h;
	void *arg;
	uint64_t end;
	bool ok;
};

static void poll_handler(void *arg)
{
	struct wait *w = arg;

	w->ok = w->h(w->arg);
	if (w->ok || tmr_jiffies() > w->end) {
		re_cancel();
		return;
	}
	tmr_start(&w->poll, 2, poll_handler, w);
}

/* Run the loop until something is true. */
static bool wait_for(cond_h *h, void *arg, uint32_t ms)
{
	struct wait w = {.h = h, .arg = arg};

	if (h(arg))
		return true;

	tmr_init(&w.poll);
	w.end = tmr_jiffies() + ms;
	tmr_start(&w.poll, 1, poll_handler, &w);
	(void)re_main(NULL);
	tmr_cancel(&w.poll);

	return w.ok;
}

static bool count_cond(void *arg)
{
	return *(unsigned *)arg > 0;
}

/* Until a handler was called; the count starts again. */
static void wait_event(unsigned *count)
{
	assert_true(wait_for(count_cond, count, WAIT_MS));
	*count = 0;
}

/* ------------------------------------------------------------- routers */

static void recv_handler(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct router *r = arg;

	(void)src;

	if (r->msgc < MSGS_MAX)
		(void)mbuf_strdup(mb, &r->msgv[r->msgc++], mbuf_get_left(mb));
}

static void router_open(struct router *r, const char *id)
{
	struct sa sa;

	(void)sa_set_str(&sa, "127.0.0.1", 0);
	assert_int_equal(udp_listen(&r->us, &sa, recv_handler, r), 0);
	assert_int_equal(udp_local_get(r->us, &r->laddr), 0);
	(void)re_snprintf(r->addr, sizeof(r->addr), "%J", &r->laddr);
	(void)re_snprintf(r->udp, sizeof(r->udp), "udp:192.0.2.100:5060");
	(void)re_snprintf(r->tcp, sizeof(r->tcp), "tcp:192.0.2.100:5064");
	r->addresses[0] = r->udp;
	r->addresses[1] = r->tcp;
	(void)re_snprintf(r->tls, sizeof(r->tls), "tls:192.0.2.100:5061");
	r->addresses[2] = r->tls;
	(void)re_snprintf(r->wss, sizeof(r->wss), "wss:192.0.2.100:5067");
	r->addresses[3] = r->wss;
	sy__member__init(&r->member);
	r->member.id = (char *)id;
	r->member.kind = SY__MEMBER_KIND__ROUTER;
	r->member.address = r->addr;
	r->member.addresses = r->addresses;
	r->member.n_addresses = 4;
}

static void router_close(struct router *r)
{
	size_t i;

	mem_deref(r->us);
	for (i = 0; i < r->msgc; i++)
		mem_deref(r->msgv[i]);
}

static void router_send(struct router *r, const char *text)
{
	struct mbuf *mb = mbuf_alloc(2048);

	assert_non_null(mb);
	(void)mbuf_write_str(mb, text);
	mb->pos = 0;
	assert_int_equal(udp_send(r->us, sipua_laddr(fx.ua), mb), 0);
	mem_deref(mb);
}

static bool is_copy(const struct router *r, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (!strcmp(r->msgv[i], r->msgv[n]))
			return true;
	}

	return false;
}

/* A message that is no copy of an earlier one is there. */
static bool fresh_cond(void *arg)
{
	struct router *r = arg;

	while (r->next < r->msgc && is_copy(r, r->next))
		++r->next;

	return r->next < r->msgc;
}

/* The next message; it must begin so. Borrowed from the router. */
static const char *expect(struct router *r, const char *start)
{
	const char *msg;

	if (!wait_for(fresh_cond, r, WAIT_MS))
		fail_msg("nothing came, wanted \"%s\"", start);

	msg = r->msgv[r->next++];
	if (strncmp(msg, start, strlen(start)))
		fail_msg("wanted \"%s\", got:\n%s", start, msg);

	return msg;
}

static void expect_nothing(struct router *r, uint32_t ms)
{
	if (wait_for(fresh_cond, r, ms))
		fail_msg("unexpected:\n%s", r->msgv[r->next]);
}

static inline unsigned copies(const struct router *r, const char *msg)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < r->msgc; i++)
		n += !strcmp(r->msgv[i], msg);

	return n;
}

/* Value of the nth header of a name; the last eight stay. */
static const char *hdr(const char *msg, const char *name, unsigned n)
{
	static char bufv[8][512];
	static unsigned k;
	char *buf = bufv[k++ % 8], pat[64];
	const char *p = msg;
	size_t len;

	(void)re_snprintf(pat, sizeof(pat), "\r\n%s: ", name);
	do {
		p = strstr(p, pat);
		if (!p)
			return "";
		p += strlen(pat);
	} while (n--);

	len = strcspn(p, "\r");
	assert_true(len < sizeof(bufv[0]));
	memcpy(buf, p, len);
	buf[len] = 0;

	return buf;
}

/* ---------------------------------------------------------------- peer */

static void peer_init(struct peer *p)
{
	char hub[ULID_LEN + 1];

	memset(p, 0, sizeof(*p));
	++fx.seq;
	(void)re_snprintf(p->call_id, sizeof(p->call_id), "call-%u@peer",
			  fx.seq);
	(void)re_snprintf(p->ftag, sizeof(p->ftag), "from%u", fx.seq);
	str_ncpy(p->to, "<sip:600@switchyard>", sizeof(p->to));
	str_ncpy(p->ruri, "sip:600@switchyard", sizeof(p->ruri));
	(void)re_snprintf(p->branch, sizeof(p->branch), "z9hG4bKpeer%u",
			  fx.seq);
	p->body = OFFER;
	p->ctype = "application/sdp";
	p->cseq = 100;
	ulid_make(hub);
	(void)ulid_read(p->tok.hub, hub, ULID_LEN);
	p->tok.kind = TOKEN_BRANCH;
	p->tok.instance = INSTANCE;
	p->tok.leg = 5;
	p->tok.epoch = 1;
}

static void branch_print(char *str, const struct peer *p)
{
	char ctx[512];
	int n = snprintf(ctx, sizeof(ctx), "192.0.2.1:5060%c%s%c%s%c%s%c%u%c",
			 0, p->branch, 0, p->call_id, 0, p->ftag, 0, p->cseq,
			 0);

	token_print(str, fx.key, &p->tok, ctx, (size_t)n);
	str[TOKEN_LEN] = 0;
}

/* A request of the peer as a router forwards it. */
static char *request_text(struct router *r, const struct peer *p,
			  const char *met)
{
	char tok[TOKEN_LEN + 1], *text = NULL;

	branch_print(tok, p);
	assert_int_equal(
		re_sdprintf(
			&text,
			"%s %s SIP/2.0\r\n"
			"Via: SIP/2.0/UDP %s;branch=z9hG4bK%s;fl=Zm9v\r\n"
			"Via: SIP/2.0/UDP 192.0.2.1:5060;rport=5060"
			";branch=%s\r\n"
			"%s"
			"Max-Forwards: 69\r\n"
			"From: \"A\" <sip:1001@switchyard>;tag=%s\r\n"
			"To: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
			"Contact: <sip:1001@192.0.2.1:5060;ob>\r\n%s"
			"%s%s%sContent-Length: %zu\r\n\r\n%s",
			met, p->ruri, r->addr, tok, p->branch,
			strcmp(met, "INVITE")
				? ""
				: "Record-Route: <sip:RT.f@192.0.2.100;lr>, "
				  "<sip:up.example.com;lr>\r\n",
			p->ftag, p->to, p->call_id, p->cseq, met, p->extra,
			p->body ? "Content-Type: " : "",
			p->body ? p->ctype : "", p->body ? "\r\n" : "",
			str_len(p->body), p->body ? p->body : ""),
		0);

	return text;
}

static void peer_send(struct router *r, const struct peer *p, const char *met)
{
	char *text = request_text(r, p, met);

	router_send(r, text);
	mem_deref(text);
}

/* The next request in the dialog: a transaction of its own. */
static void peer_next(struct peer *p)
{
	++p->cseq;
	(void)re_snprintf(p->branch, sizeof(p->branch), "z9hG4bKnext%u",
			  ++fx.seq);
}

/* Send an ACK to a 2xx. */
static void peer_ack(struct router *r, struct peer *p, const char *body)
{
	struct peer a = *p;

	(void)re_snprintf(a.branch, sizeof(a.branch), "z9hG4bKack%u",
			  ++fx.seq);
	a.body = body;
	peer_send(r, &a, "ACK");
}

/* Reply to a request of the node; extra may bring a Contact ... */
static void reply(struct router *r, const char *req, const char *status,
		  const char *totag, const char *extra, const char *body)
{
	char *text = NULL;

	assert_int_equal(
		re_sdprintf(&text,
			    "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\n"
			    "To: %s%s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n%s%s"
			    "Content-Length: %zu\r\n\r\n%s",
			    status, hdr(req, "Via", 0), hdr(req, "From", 0),
			    hdr(req, "To", 0), totag ? ";tag=" : "",
			    totag ? totag : "", hdr(req, "Call-ID", 0),
			    hdr(req, "CSeq", 0), extra ? extra : "",
			    body ? "Content-Type: application/sdp\r\n" : "",
			    str_len(body), body ? body : ""),
		0);
	router_send(r, text);
	mem_deref(text);
}

/* ------------------------------------------------------------ handlers */

static void keep_sdp(struct mbuf *sdp)
{
	fx.seen.sdp[0] = 0;
	if (sdp)
		(void)mbuf_read_str(sdp, fx.seen.sdp, mbuf_get_left(sdp));
	if (sdp)
		fx.seen.sdp[mbuf_get_left(sdp) + sdp->pos] = 0;
}

static struct mbuf *mb_text(const char *str)
{
	struct mbuf *mb = mbuf_alloc(256);

	assert_non_null(mb);
	(void)mbuf_write_str(mb, str);
	mb->pos = 0;

	return mb;
}

static void drop(void)
{
	if (fx.seen.drop)
		fx.d = mem_deref(fx.d);
}

static void on_progress(struct dialog *d, uint16_t code, const char *reason,
			struct mbuf *sdp, void *arg)
{
	(void)d;
	(void)reason;
	(void)arg;
	++fx.seen.progress;
	fx.seen.code = code;
	keep_sdp(sdp);
	drop();
}

static void on_established(struct dialog *d, struct mbuf *sdp, void *arg)
{
	(void)d;
	(void)arg;
	++fx.seen.established;
	keep_sdp(sdp);
	drop();
}

static void on_offer(struct dialog *d, struct mbuf *sdp, void *arg)
{
	struct mbuf *mb;

	(void)arg;
	++fx.seen.offer;
	keep_sdp(sdp);
	if (!fx.answer_at_once)
		return;
	mb = mb_text(ANSWER);
	assert_int_equal(dialog_accept(d, mb), 0);
	mem_deref(mb);
}

static void on_answered(struct dialog *d, int err, uint16_t code,
			struct mbuf *sdp, void *arg)
{
	(void)d;
	(void)arg;
	++fx.seen.answered;
	fx.seen.err = err;
	fx.seen.code = code;
	keep_sdp(sdp);
}

static void on_acked(struct dialog *d, struct mbuf *sdp, bool ours, void *arg)
{
	(void)d;
	(void)arg;
	++fx.seen.acked;
	fx.seen.ours = ours;
	keep_sdp(sdp);
}

static void on_refresh(struct dialog *d, void *arg)
{
	struct mbuf *mb = mb_text(OFFER);

	(void)arg;
	++fx.seen.refresh;
	assert_int_equal(dialog_offer(d, mb), 0);
	mem_deref(mb);
}

static uint16_t on_info(struct dialog *d, const char *ctype, struct mbuf *body,
			const char **causep, void *arg)
{
	(void)d;
	(void)arg;
	if (strcmp(ctype, "application/dtmf-relay")) {
		*causep = "no such body";
		return 415;
	}
	++fx.seen.info;
	keep_sdp(body);

	return 200;
}

static void on_closed(struct dialog *d, uint16_t code, const char *reason,
		      bool remote, void *arg)
{
	(void)arg;
	assert_non_null(reason);
	assert_ptr_equal(d, fx.d);
	++fx.seen.closed;
	fx.seen.code = code;
	fx.seen.remote = remote;
	fx.d = mem_deref(fx.d);
}

static void on_changed(struct dialog *d, void *arg)
{
	(void)d;
	(void)arg;
	++fx.seen.changed;
}

static const struct dialog_handlers handlers = {
	.progress = on_progress,
	.established = on_established,
	.acked = on_acked,
	.offer = on_offer,
	.answered = on_answered,
	.refresh = on_refresh,
	.info = on_info,
	.closed = on_closed,
	.changed = on_changed,
};

static void on_incoming(struct dialog *d, const struct token *tok,
			const struct sip_msg *msg, struct mbuf *sdp, void *arg)
{
	(void)arg;
	assert_int_equal(tok->leg, 5);
	assert_true(msg->req);
	assert_null(fx.d);
	++fx.seen.incoming;
	fx.d = d;
	dialog_set_handlers(d, &handlers, NULL);
	keep_sdp(sdp);
	drop();
}

static inline int answer(const char *sdp)
{
	struct mbuf *mb = mb_text(sdp);
	int err = dialog_answer(fx.d, mb);

	mem_deref(mb);

	return err;
}

/* ------------------------------------------------------------- fixture */

/* At a port of the system's choice: that is free for UDP, and may be a taken
 * one of TCP. */
static inline int ua_alloc(struct sipua **uap, const struct sipua_conf *conf)
{
	int err;

	do {
		err = sipua_alloc(uap, conf);
	} while (err == EADDRINUSE);

	return err;
}

static int setup(void **state)
{
	struct sipua_conf conf = {.addr = "127.0.0.1:0",
				  .incomingh = on_incoming,
				  .t1_ms = T1_MS};
	unsigned i;
	int err;

	(void)state;
	memset(&fx, 0, sizeof(fx));

	if (token_key_alloc(&fx.key, "0123456789abcdef-test", 21))
		return -1;

	conf.key = fx.key;
	err = ua_alloc(&fx.ua, &conf);
	if (err)
		return -1;

	for (i = 0; i < ROUTERS; i++) {
		router_open(&fx.r[i], i ? "router-2" : "router-1");
		fx.memberv[i] = &fx.r[i].member;
	}
	sipua_set_routers(fx.ua, fx.memberv, ROUTERS, INSTANCE);

	return 0;
}

static bool quiet_cond(void *arg)
{
	struct sipua_stat st;

	(void)arg;
	sipua_stat(fx.ua, &st);

	return !st.dialogs && !st.transactions;
}

/* Whatever a test did: in the end there is nothing left. */
static int teardown(void **state)
{
	struct sipua_stat st;
	bool quiet;
	unsigned i;

	(void)state;

	fx.d = mem_deref(fx.d);
	quiet = wait_for(quiet_cond, NULL, WAIT_MS);
	sipua_stat(fx.ua, &st);
	if (!quiet)
		print_error("left: %u dialogs, %u transactions\n", st.dialogs,
			    st.transactions);

	mem_deref(fx.ua);
	for (i = 0; i < ROUTERS; i++)
		router_close(&fx.r[i]);
	mem_deref(fx.key);

	return quiet ? 0 : -1;
}

static int group_setup(void **state)
{
	(void)state;

	return libre_init();
}

static int group_teardown(void **state)
{
	(void)state;
	libre_close();

	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif

/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/*
 * What the trace is made of, each alone: the ring beside a dull model, the
 * mask, what waits for its call, HEP packets, counters, repaired text.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <pthread.h>
#include <cmocka.h>
#include "proto/trace_mask.h"
#include "router/trace_hep.h"
#include "router/trace_hold.h"
#include "router/trace_ring.h"
#include "router/trace_stat.h"
#include "router/utf8.h"

/* -------------------------------------------------------------------- ring */

enum { RING = 4096, MODEL = 64 };

static char text[TRACE_TEXT_MAX];

struct model {
	uint64_t at_us;
	uint32_t len;
	bool called;
};

static uint32_t put_some(struct trace_ring *r, uint64_t at_us, size_t len)
{
	struct trace_rec rec = {.at_us = at_us, .type = TRACE_IN};
	char buf[1024];
	const size_t cut = len / 3;
	const struct iovec iov[] = {{buf, cut}, {buf + cut, len - cut}};

	memset(buf, (int)('a' + at_us % 26), sizeof(buf));

	return trace_ring_put(r, &rec, iov, 2) ? 1 : 0;
}

static void take_one(struct trace_ring *r, const struct model *m)
{
	struct trace_rec rec;

	assert_true(trace_ring_get(r, &rec, text));
	assert_int_equal(rec.at_us, m->at_us);
	assert_int_equal(rec.len, m->len);
	assert_int_equal(rec.called, m->called);
	for (uint32_t i = 0; i < rec.len; i++)
		assert_int_equal(text[i], 'a' + m->at_us % 26);
}

/* What is put, altered and taken back beside a dull list. */
static void test_ring(void **state)
{
	struct model v[MODEL];
	struct trace_ring *r = NULL;
	size_t n = 0, dropped = 0;
	unsigned seed = (unsigned)time(NULL);
	struct trace_rec rec;
	(void)state;

	print_message("SEED=%u\n", seed);
	srand(seed);
	assert_int_equal(trace_ring_alloc(&r, RING - 1), EINVAL);
	assert_int_equal(trace_ring_alloc(&r, RING), 0);
	for (uint64_t at = 1; at < 20000; at++) {
		const uint32_t mark = trace_ring_mark(r);
		const size_t len = (size_t)rand() % 1000;
		const int what = rand() % 4;

		if (!put_some(r, at, len)) {
			++dropped;
			assert_int_equal(trace_ring_mark(r), mark);
		} else if (what == 0) {
			trace_ring_undo(r, mark);
		} else {
			assert_true(n < MODEL);
			v[n] = (struct model){at, (uint32_t)len, what == 1};
			if (what == 1) {
				rec = (struct trace_rec){.at_us = at,
							 .len = v[n].len,
							 .called = true};
				trace_ring_alter(r, mark, &rec);
			}
			++n;
		}
		if (rand() % 8) {
			const uint32_t now = trace_ring_mark(r);

			trace_ring_commit(r);
			assert_int_equal(trace_ring_mark(r), now);
		} else {
			continue; /* the reader sees nothing new */
		}
		while (n && rand() % 3) {
			take_one(r, &v[0]);
			memmove(v, v + 1, --n * sizeof(v[0]));
		}
	}
	trace_ring_commit(r);
	for (size_t i = 0; i < n; i++)
		take_one(r, &v[i]);
	assert_false(trace_ring_get(r, &rec, text));
	assert_true(dropped > 0);
	assert_int_equal(trace_ring_dropped(r), dropped);
	mem_deref(r);
}

/* What was not committed is not seen; what is too long is cut. */
static void test_ring_commit(void **state)
{
	struct trace_ring *r = NULL;
	struct trace_rec rec = {.at_us = 7};
	static char large[TRACE_TEXT_MAX + 100];
	const struct iovec iov = {large, sizeof(large)};
	(void)state;

	assert_int_equal(trace_ring_alloc(&r, 1 << 16), 0);
	assert_true(trace_ring_put(r, &rec, &iov, 1));
	assert_false(trace_ring_get(r, &rec, text));
	trace_ring_commit(r);
	assert_true(trace_ring_get(r, &rec, text));
	assert_int_equal(rec.len, TRACE_TEXT_MAX);
	assert_int_equal(rec.cut, 100);
	mem_deref(r);
}

enum { RACE = 20000 };

static void *writer(void *arg)
{
	for (uint64_t at = 1; at <= RACE;) {
		at += put_some(arg, at, at % 200);
		trace_ring_commit(arg);
	}

	return NULL;
}

/* One writes, one reads. */
static void test_ring_threads(void **state)
{
	struct trace_ring *r = NULL;
	struct trace_rec rec;
	pthread_t thread;
	uint64_t next = 1;
	(void)state;

	assert_int_equal(trace_ring_alloc(&r, RING), 0);
	assert_int_equal(pthread_create(&thread, NULL, writer, r), 0);
	while (next <= RACE) {
		if (!trace_ring_get(r, &rec, text)) {
			(void)sched_yield();
			continue;
		}
		assert_int_equal(rec.at_us, next);
		assert_int_equal(rec.len, next % 200);
		++next;
	}
	(void)pthread_join(thread, NULL);
	mem_deref(r);
}

/* -------------------------------------------------------------------- mask */

static void masked(const char *in, const char *out)
{
	char *p = strdup(in);

	trace_mask(p, strlen(p));
	assert_string_equal(p, out);
	assert_int_equal(strlen(in), strlen(out));
	free(p);
}

#define REQ "INVITE sip:a@b SIP/2.0\r\n"

static void test_mask_headers(void **state)
{
	(void)state;

	masked(REQ "Authorization: Digest username=\"1001\", realm=\"r\", "
		   "nonce=\"abc\", uri=\"sip:a@b\", response=\"0123\", "
		   "cnonce=\"q,r\", nc=00000001, qop=auth, "
		   "opaque=xy\r\n\r\n",
	       REQ "Authorization: Digest username=\"1001\", realm=\"r\", "
		   "nonce=\"***\", uri=\"sip:a@b\", response=\"****\", "
		   "cnonce=\"***\", nc=00000001, qop=auth, "
		   "opaque=**\r\n\r\n");
	/* folded, odd case and space, a quoted name that is no parameter */
	masked(REQ "proxy-authorization : digest realm=\"response=1\",\r\n"
		   "\tRESPONSE = \"01\\\"23\"\r\nCall-ID: response=1\r\n\r\n",
	       REQ "proxy-authorization : digest realm=\"response=1\",\r\n"
		   "\tRESPONSE = \"******\"\r\nCall-ID: response=1\r\n\r\n");
	masked(REQ "Authorization: Basic QWxh\r\n\r\n",
	       REQ "Authorization: Basic*****\r\n\r\n");
	masked("SIP/2.0 407 No\r\nProxy-Authenticate: Digest realm=\"r\", "
	       "nonce=\"abc\", algorithm=MD5\r\n"
	       "Authentication-Info: nextnonce=\"ab\", rspauth=\"cd\"\r\n\r\n",
	       "SIP/2.0 407 No\r\nProxy-Authenticate: Digest realm=\"r\", "
	       "nonce=\"***\", algorithm=MD5\r\n"
	       "Authentication-Info: nextnonce=\"**\", rspauth=\"**\"\r\n\r\n");
	masked(REQ "Identity: eyJ.eyJ.sig;info=<https://a>\r\n\r\n",
	       REQ "Identity: ***********;info=<https://a>\r\n\r\n");
	/* cut in the middle of a secret */
	masked(REQ "Authorization: Digest response=\"012",
	       REQ "Authorization: Digest response=\"***");
}

static void test_mask_bodies(void **state)
{
	(void)state;

	masked(REQ "c: application/sdp\r\n\r\nv=0\r\n"
		   "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc|2^31\r\n"
		   "a=ice-pwd:secret\r\nk=clear:x\r\na=rtpmap:0 PCMU/8000\r\n",
	       REQ "c: application/sdp\r\n\r\nv=0\r\n"
		   "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:********\r\n"
		   "a=ice-pwd:******\r\nk=*******\r\na=rtpmap:0 PCMU/8000\r\n");
	masked("INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf-relay"
	       "\r\n\r\nSignal=5\r\nDuration=160\r\n",
	       "INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf-relay"
	       "\r\n\r\nSignal=*\r\nDuration=160\r\n");
	masked("INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf;a=b"
	       "\r\n\r\n5",
	       "INFO sip:a SIP/2.0\r\nContent-Type: application/dtmf;a=b"
	       "\r\n\r\n*");
	masked("INFO sip:a SIP/2.0\nc:application/dtmf\n\n12\n",
	       "INFO sip:a SIP/2.0\nc:application/dtmf\n\n**\n");
}

/* Any bytes: within their bounds (ASan tells), and their number stays. */
static void test_mask_random(void **state)
{
	static const char *const words[] = {"Authorization",
					    ":",
					    " ",
					    "Digest",
					    "nonce",
					    "=",
					    "\"",
					    "\r\n",
					    "\n",
					    "\\",
					    ",",
					    ";",
					    "a=crypto",
					    "inline:",
					    "Signal",
					    "c:",
					    "application/dtmf",
					    "\t",
					    "Identity",
					    "x"};
	const unsigned seed = (unsigned)time(NULL);
	(void)state;

	print_message("SEED=%u\n", seed);
	srand(seed);
	for (int i = 0; i < 20000; i++) {
		char buf[512] = "";
		size_t n = 0;
		char *p;

		for (int k = rand() % 24; k; k--) {
			const char *w =
			    words[(size_t)rand() % ARRAY_SIZE(words)];

			memcpy(buf + n, w, strlen(w));
			n += strlen(w);
		}
		p = malloc(n ? n : 1);
		assert_non_null(p);
		memcpy(p, buf, n);
		trace_mask(p, n);
		free(p);
	}
}

/* -------------------------------------------------------------------- hold */

static struct {
	unsigned n, called;
	uint8_t hub;
	uint32_t leg;
} shown;

static void show(const struct trace_rec *rec, const struct view *v, void *arg)
{
	(void)arg;
	assert_true(v->call_id.l > 0);
	++shown.n;
	shown.called += rec->called;
	shown.hub = rec->hub[0];
	shown.leg = rec->leg;
}

static void hold_put(struct trace_hold *h, const char *call_id, uint64_t now_us)
{
	struct trace_rec rec = {.at_us = now_us};
	struct view v;
	char msg[512];

	rec.len = (uint32_t)snprintf(
	    msg, sizeof(msg),
	    "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1"
	    "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: %s\r\n"
	    "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
	    call_id);
	assert_int_equal(view_read(&v, msg, rec.len), VIEW_OK);
	trace_hold_put(h, &rec, &v, now_us);
}

static void claim(struct trace_hold *h, const char *call_id, uint8_t hub,
		  uint64_t now_us)
{
	struct trace_rec rec = {.called = true, .leg = 9};

	rec.hub[0] = hub;
	trace_hold_claim(h, &rec, call_id, strlen(call_id), now_us);
}

static void test_hold(void **state)
{
	struct trace_hold *h = NULL;
	(void)state;

	memset(&shown, 0, sizeof(shown));
	assert_int_equal(trace_hold_alloc(&h, show, NULL), 0);
	hold_put(h, "one", 1000);
	hold_put(h, "two", 1000);
	hold_put(h, "one", 2000);
	assert_int_equal(shown.n, 0);
	claim(h, "one", 1, 3000); /* both of it */
	assert_int_equal(shown.n, 2);
	assert_int_equal(shown.called, 2);
	assert_int_equal(shown.leg, 9);
	hold_put(h, "one", 4000); /* known by now */
	assert_int_equal(shown.called, 3);
	claim(h, "one", 2, 5000); /* another call, with that Call-ID */
	hold_put(h, "one", 6000);
	assert_int_equal(shown.hub, 2);
	assert_int_equal(shown.n, 4);

	trace_hold_tick(h, 1000 + TRACE_HOLD_US - 1);
	assert_int_equal(shown.n, 4);
	trace_hold_tick(h, 1000 + TRACE_HOLD_US); /* nobody's */
	assert_int_equal(shown.n, 5);
	assert_int_equal(shown.called, 4);
	trace_hold_tick(h, 5000 + TRACE_CLAIM_US); /* forgotten */
	hold_put(h, "one", 6000 + TRACE_CLAIM_US);
	assert_int_equal(shown.n, 5);
	trace_hold_flush(h);
	assert_int_equal(shown.n, 6);
	mem_deref(h);
}

static void test_hold_bounds(void **state)
{
	struct trace_hold *h = NULL;
	unsigned n = 0;
	char id[32];
	(void)state;

	memset(&shown, 0, sizeof(shown));
	assert_int_equal(trace_hold_alloc(&h, show, NULL), 0);
	while (!shown.n && n < 100000) {
		snprintf(id, sizeof(id), "c%u", n++);
		hold_put(h, id, 1);
	}
	assert_in_range(n, 1000, 50000);
	for (unsigned i = 0; i < TRACE_CLAIMS_MAX + 10; i++) {
		snprintf(id, sizeof(id), "d%u", i);
		claim(h, id, 1, 1);
	}
	shown.called = 0;
	hold_put(h, "d0", 2); /* the oldest is forgotten */
	assert_int_equal(shown.called, 0);
	hold_put(h, id, 2);
	assert_int_equal(shown.called, 1);
	mem_deref(h);
}

/* --------------------------------------------------------------------- HEP */

static void test_hep(void **state)
{
	/* by the specification of HEP3, octet by octet */
	static const uint8_t want[] = {
	    'H', 'E',  'P',  '3',  0,	110, 0,	 0, 0,	 1,   0,    7,	  2,
	    0,	 0,    0,    2,	   0,	7,   17, 0, 0,	 0,   3,    0,	  10,
	    192, 0,    2,    1,	   0,	0,   0,	 7, 0,	 8,   0x13, 0xc4, 0,
	    0,	 0,    4,    0,	   10,	192, 0,	 2, 2,	 0,   0,    0,	  8,
	    0,	 8,    0x13, 0xc6, 0,	0,   0,	 9, 0,	 10,  0,    0,	  0,
	    1,	 0,    0,    0,	   10,	0,   10, 0, 0,	 0,   2,    0,	  0,
	    0,	 11,   0,    7,	   1,	0,   0,	 0, 12,	 0,   10,   0,	  0,
	    7,	 0xd1, 0,    0,	   0,	17,  0,	 8, 'i', 'd', 0,    0,	  0,
	    15,	 0,    9,    'S',  'I', 'P',
	};
	struct sa a, b, c;
	struct trace_hep m = {.source = &a,
			      .target = &b,
			      .at_us = 1000002,
			      .correlation = "id",
			      .correlation_len = 2,
			      .text = "SIP",
			      .len = 3};
	uint8_t buf[256];
	size_t n;
	(void)state;

	assert_int_equal(sa_set_str(&a, "192.0.2.1", 5060), 0);
	assert_int_equal(sa_set_str(&b, "192.0.2.2", 5062), 0);
	assert_int_equal(sa_set_str(&c, "2001:db8::1", 5062), 0);
	n = trace_hep_print(buf, sizeof(buf), &m);
	assert_int_equal(n, sizeof(want));
	assert_memory_equal(buf, want, sizeof(want));
	assert_int_equal(trace_hep_print(buf, n - 1, &m), 0);
	m.target = &c;
	assert_int_equal(trace_hep_print(buf, sizeof(buf), &m), 0);
	m.source = &c;
	n = trace_hep_print(buf, sizeof(buf), &m);
	assert_int_equal(n, sizeof(want) + 24);
	assert_int_equal(buf[12], 10);
}

/* ---------------------------------------------------------------- counters */

static void sent(struct trace_stat *st, const char *start)
{
	const struct iovec iov = {(char *)(uintptr_t)start, strlen(start)};

	trace_stat_sent(st, &iov, 1, VIEW_BYE);
}

static void test_stat(void **state)
{
	static struct trace_stat st;
	struct view v = {.is_request = true, .method = VIEW_INVITE};
	(void)state;

	assert_int_equal(trace_stat_init(), 0);
	trace_stat_received(&st, &v);
	trace_stat_received(&st, &v);
	trace_stat_undo(&st);
	assert_int_equal(st.now[0].requests[VIEW_INVITE], 1);
	v.is_request = false;
	v.code = 486;
	trace_stat_received(&st, &v);
	assert_int_equal(st.now[0].responses[VIEW_INVITE][3], 1);
	sent(&st, "SIP/2.0 299 x\r\n");
	sent(&st, "SIP/2.0 999 x\r\n");
	sent(&st, "OPTIONS sip:a SIP/2.0\r\n");
	assert_int_equal(st.now[1].responses[VIEW_BYE][1], 1);
	assert_int_equal(st.now[1].codes[0], 1);
	assert_int_equal(st.now[1].requests[VIEW_OPTIONS], 1);
	trace_stat_publish(&st);
	assert_memory_equal(st.now, st.told, sizeof(st.now));
}

/* -------------------------------------------------------------------- text */

static void repaired(const char *in, const char *out)
{
	char buf[64];
	const size_t n = strlen(in);

	memcpy(buf, in, n + 1);
	assert_int_equal(utf8_repair(buf, n), n);
	assert_string_equal(buf, out);
}

static void test_utf8(void **state)
{
	char zero[] = "a\0b";
	(void)state;

	repaired("na\xc3\xafve \xe2\x82\xac \xf0\x9f\x93\x9e",
		 "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x93\x9e");
	repaired("\xc3", "?");
	repaired("\xc0\x80 \xed\xa0\x80 \xf4\x90\x80\x80", "?? ??? ????");
	repaired("\xe2\x82", "??");
	(void)utf8_repair(zero, 3);
	assert_string_equal(zero, "a?b");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ring),
	    cmocka_unit_test(test_ring_commit),
	    cmocka_unit_test(test_ring_threads),
	    cmocka_unit_test(test_mask_headers),
	    cmocka_unit_test(test_mask_bodies),
	    cmocka_unit_test(test_mask_random),
	    cmocka_unit_test(test_hold),
	    cmocka_unit_test(test_hold_bounds),
	    cmocka_unit_test(test_hep),
	    cmocka_unit_test(test_stat),
	    cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

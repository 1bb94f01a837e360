/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* RFC 3263: what is asked, and in which order targets come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "proto/locate_impl.h"
#include "locate_zone.h"
#include "test_loop.h"

enum { BOTH = LOCATE_IP4 | LOCATE_IP6 };

static const uint8_t can_all[] = {0, BOTH, BOTH, BOTH};
static const uint8_t can_ip4[] = {0, LOCATE_IP4, LOCATE_IP4, LOCATE_IP4};
static const uint8_t can_udp[] = {0, LOCATE_IP4, 0, 0};
static const uint8_t can_tcp[] = {0, 0, LOCATE_IP4, 0};

/* splitmix: the same chances at every run */
static uint32_t rnd(void *arg)
{
	uint64_t *seed = arg, z = *seed += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;

	return (uint32_t)(z >> 32);
}

static uint64_t seed = 0x10ca7e;
static const struct locate_rand by_seed = {rnd, &seed};

static const char *const zone[] = {
	/* everything */
	"full.test NAPTR 20 10 SIP+D2U _sip._udp.full.test",
	"full.test NAPTR 10 20 SIP+D2T _sip._tcp.full.test",
	"full.test NAPTR 10 10 SIPS+D2T _sips._tcp.full.test",
	"full.test NAPTR 5 10 SIP+D2S _sip._sctp.full.test",
	"_sip._udp.full.test SRV 10 0 5070 a.full.test",
	"_sip._udp.full.test SRV 20 0 5071 b.full.test",
	"_sip._tcp.full.test SRV 10 0 5072 b.full.test",
	"_sips._tcp.full.test SRV 10 0 5073 a.full.test",
	"a.full.test A 192.0.2.1",
	"a.full.test AAAA 2001:db8::1",
	"b.full.test A 192.0.2.2",
	"full.test A 192.0.2.9",
	/* SRV alone */
	"srv.test A 192.0.2.9",
	"_sip._udp.srv.test SRV 2 0 5081 b.full.test",
	"_sip._udp.srv.test SRV 1 0 5080 a.full.test",
	"_sip._tcp.srv.test SRV 1 0 5082 a.full.test",
	/* addresses alone */
	"host.test A 192.0.2.5",
	"host.test AAAA 2001:db8::5",
	"six.test AAAA 2001:db8::6",
	/* other names, told at once and piece by piece */
	"alias.test CNAME host.test",
	"_sip._udp.moved.test CNAME _sip._udp.srv.test",
	"loop.test CNAME loop2.test",
	"loop2.test CNAME loop.test",
	/* not here */
	"_sip._udp.not.test SRV 0 0 0 .",
	"not.test A 192.0.2.7",
	/* a NAPTR that leads nowhere, or to what nobody speaks */
	"stale.test NAPTR 1 1 SIP+D2U _sip._udp.gone.test",
	"stale.test A 192.0.2.8",
	"odd.test NAPTR 1 1 E2U+sip odd.test",
	"odd.test A 192.0.2.10",
	NULL,
};

struct fix {
	struct locate_cache *cache;
	struct locate_plan plan;
	uint64_t now_ms;
	unsigned asked;
};

static void setup(struct fix *f)
{
	memset(f, 0, sizeof(*f));
	f->now_ms = 1000;
	assert_int_equal(locate_cache_alloc(&f->cache, 64), 0);
}

static void answer(struct fix *f, const struct locate_question *q,
		   const char *const *z)
{
	struct list l = LIST_INIT;
	const unsigned n = zone_find(&l, z, q->name, q->type);

	assert_int_equal(locate_cache_put(f->cache, q->name, q->type,
					  n ? LOCATE_SOME : LOCATE_NOTHING, &l,
					  NULL, f->now_ms),
			 0);
	list_flush(&l);
	++f->asked;
}

static int locate_uri(struct fix *f, const uint8_t *can,
		      const struct locate_uri *u)
{
	int err;

	for (int i = 0; i < 20; i++) {
		err = locate_plan(&f->plan, f->cache, can, u, f->now_ms,
				  &by_seed);
		if (err != EAGAIN)
			return err;
		assert_true(f->plan.askc > 0);
		for (size_t k = 0; k < f->plan.askc; k++)
			answer(f, &f->plan.askv[k], zone);
	}

	return ELOOP;
}

/* "udp 192.0.2.1:5060, tcp ..." */
static void print(char *str, size_t size, const struct locate_found *found)
{
	size_t n = 0;

	str[0] = '\0';
	for (size_t i = 0; i < found->n; i++) {
		const struct locate_target *t = &found->v[i];

		(void)re_snprintf(str + n, size - n, "%s%s %J", n ? ", " : "",
				  locate_transport_name(t->transport), &t->sa);
		n = strlen(str);
	}
}

/* ------------------------------------------------------------- the rules */

struct rule {
	const char *why;
	const uint8_t *can;
	const char *host;
	uint16_t port;
	bool sips;
	enum locate_transport transport;
	int err;
	const char *want;
};

static const struct rule rules[] = {
	/* 4.1: address */
	{"address: UDP, 5060", can_all, "192.0.2.1", 0, false, 0, 0,
	 "udp 192.0.2.1:5060"},
	{"address with port", can_all, "192.0.2.1", 5090, false, 0, 0,
	 "udp 192.0.2.1:5090"},
	{"sips address: TLS, 5061", can_all, "192.0.2.1", 0, true, 0, 0,
	 "tls 192.0.2.1:5061"},
	{"address, transport told", can_all, "192.0.2.1", 0, false, LOCATE_TCP,
	 0, "tcp 192.0.2.1:5060"},
	{"address, TLS told", can_all, "192.0.2.1", 0, false, LOCATE_TLS, 0,
	 "tls 192.0.2.1:5061"},
	{"sips and tcp is TLS", can_all, "192.0.2.1", 0, true, LOCATE_TCP, 0,
	 "tls 192.0.2.1:5061"},
	{"sips and udp: never", can_all, "192.0.2.1", 0, true, LOCATE_UDP,
	 EPROTONOSUPPORT, ""},
	{"IPv6 in brackets", can_all, "[2001:db8::1]", 0, false, 0, 0,
	 "udp [2001:db8::1]:5060"},
	{"IPv6 without", can_all, "2001:db8::1", 0, false, 0, 0,
	 "udp [2001:db8::1]:5060"},
	{"no socket of that family", can_ip4, "[2001:db8::1]", 0, false, 0,
	 EPROTONOSUPPORT, ""},
	{"no such transport of ours", can_udp, "192.0.2.1", 0, false,
	 LOCATE_TLS, EPROTONOSUPPORT, ""},
	/* a port: no NAPTR, no SRV */
	{"port: addresses alone", can_ip4, "full.test", 5099, false, 0, 0,
	 "udp 192.0.2.9:5099"},
	{"port and sips", can_ip4, "full.test", 5099, true, 0, 0,
	 "tls 192.0.2.9:5099"},
	{"port and transport", can_ip4, "full.test", 5099, false, LOCATE_TCP,
	 0, "tcp 192.0.2.9:5099"},
	{"port, both families", can_all, "host.test", 5099, false, 0, 0,
	 "udp 192.0.2.5:5099, udp [2001:db8::5]:5099"},
	/* transport without port: its SRV */
	{"transport: its SRV, no NAPTR", can_ip4, "full.test", 0, false,
	 LOCATE_TCP, 0, "tcp 192.0.2.2:5072"},
	{"transport without SRV", can_ip4, "host.test", 0, false, LOCATE_TCP,
	 0, "tcp 192.0.2.5:5060"},
	{"TLS without SRV", can_ip4, "host.test", 0, false, LOCATE_TLS, 0,
	 "tls 192.0.2.5:5061"},
	/* NAPTR */
	{"NAPTR in its order", can_ip4, "full.test", 0, false, 0, 0,
	 "tls 192.0.2.1:5073, tcp 192.0.2.2:5072, udp 192.0.2.1:5070, "
	 "udp 192.0.2.2:5071"},
	{"NAPTR, what we can", can_udp, "full.test", 0, false, 0, 0,
	 "udp 192.0.2.1:5070, udp 192.0.2.2:5071"},
	{"NAPTR, sips", can_ip4, "full.test", 0, true, 0, 0,
	 "tls 192.0.2.1:5073"},
	{"NAPTR that leads nowhere", can_ip4, "stale.test", 0, false, 0, 0,
	 "udp 192.0.2.8:5060"},
	{"NAPTR of others", can_ip4, "odd.test", 0, false, 0, 0,
	 "udp 192.0.2.10:5060"},
	/* SRV */
	{"SRV of all transports", can_ip4, "srv.test", 0, false, 0, 0,
	 "udp 192.0.2.1:5080, udp 192.0.2.2:5081, tcp 192.0.2.1:5082"},
	{"SRV, sips: none; address by TLS", can_ip4, "srv.test", 0, true, 0,
	 0, "tls 192.0.2.9:5061"},
	{"SRV by another name", can_udp, "moved.test", 0, false, 0, 0,
	 "udp 192.0.2.1:5080, udp 192.0.2.2:5081"},
	{"SRV that says: not here", can_udp, "not.test", 0, false, 0, ENOENT,
	 ""},
	/* neither */
	{"addresses alone", can_all, "host.test", 0, false, 0, 0,
	 "udp 192.0.2.5:5060, udp [2001:db8::5]:5060"},
	{"IPv6 alone", can_all, "six.test", 0, false, 0, 0,
	 "udp [2001:db8::6]:5060"},
	{"IPv6 alone, no socket", can_ip4, "six.test", 0, false, 0, ENOENT,
	 ""},
	{"no UDP of ours", can_tcp, "host.test", 0, false, 0, 0,
	 "tcp 192.0.2.5:5060"},
	{"another name", can_ip4, "alias.test", 5060, false, 0, 0,
	 "udp 192.0.2.5:5060"},
	{"names in a circle", can_ip4, "loop.test", 5060, false, 0, ENOENT,
	 ""},
	{"no such name", can_all, "none.test", 0, false, 0, ENOENT, ""},
	{"case does not matter", can_ip4, "HOST.Test", 5060, false, 0, 0,
	 "udp 192.0.2.5:5060"},
	{"localhost is asked of nobody", can_all, "localhost", 5060, false, 0,
	 0, "udp 127.0.0.1:5060"},
	{"no name at all", can_all, "", 0, false, 0, EINVAL, ""},
	{"no good name", can_all, "a b", 0, false, 0, EINVAL, ""},
};

static void test_rules(void **state)
{
	(void)state;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct rule *r = &rules[i];
		struct locate_uri u = {.port = r->port,
				       .sips = r->sips,
				       .transport = r->transport};
		struct fix f;
		char str[512];
		int err;

		setup(&f);
		pl_set_str(&u.host, r->host);
		err = locate_uri(&f, r->can, &u);
		print(str, sizeof(str), &f.plan.found);
		if (err != r->err || (!err && strcmp(str, r->want)))
			fail_msg("%s: %d \"%s\", not %d \"%s\"", r->why, err,
				 str, r->err, r->want);
		mem_deref(f.cache);
	}
}

/* ----------------------------------------------------------------- order */

static void test_weights(void **state)
{
	unsigned first[3] = {0};
	(void)state;

	for (int i = 0; i < 10000; i++) {
		struct locate_srv v[] = {{.pri = 20, .weight = 900, .port = 9},
					 {.pri = 10, .weight = 30, .port = 1},
					 {.pri = 10, .weight = 10, .port = 2},
					 {.pri = 10, .weight = 0, .port = 0}};

		locate_srv_order(v, 4, &by_seed);
		assert_int_equal(v[3].port, 9); /* priority before weight */
		++first[v[0].port];
	}
	/* 30 : 10, and weight 0 a small chance: 1/41 */
	assert_in_range(first[1], 7000, 7700);
	assert_in_range(first[2], 2100, 2800);
	assert_in_range(first[0], 150, 350);
}

static void test_failed(void **state)
{
	static struct locate_fails fs;
	struct locate_found f = {.n = 3};
	uint64_t now_ms = 1000, span_ms = LOCATE_FAIL_MS;
	(void)state;

	memset(&fs, 0, sizeof(fs));
	for (size_t i = 0; i < 3; i++) {
		f.v[i].transport = LOCATE_UDP;
		(void)sa_set_str(&f.v[i].sa, "192.0.2.1", (uint16_t)(1 + i));
	}
	/* longer and longer, 5 minutes at most; in between it is itself */
	for (int i = 0; i < 6; i++) {
		const struct locate_target first = f.v[0];

		locate_fail_note(&fs, &first, now_ms);
		locate_fail_note(&fs, &first, now_ms); /* seen twice: once */
		locate_fail_order(&fs, &f, now_ms + span_ms - 1);
		assert_int_equal(sa_port(&f.v[2].sa), 1);
		assert_true(f.v[2].failed);
		locate_fail_order(&fs, &f, now_ms + span_ms);
		assert_false(f.v[2].failed);
		now_ms += span_ms;
		span_ms *= 2;
		if (span_ms > LOCATE_FAIL_MAX_MS)
			span_ms = LOCATE_FAIL_MAX_MS;
		f.v[2] = f.v[1];
		f.v[1] = f.v[0];
		f.v[0] = first;
	}
	/* all failed: all are tried, in order */
	for (size_t i = 0; i < 3; i++)
		locate_fail_note(&fs, &f.v[i], now_ms);
	locate_fail_order(&fs, &f, now_ms + 1);
	assert_int_equal(f.n, 3);
	assert_int_equal(sa_port(&f.v[0].sa), 1);
	/* one that works is itself at once */
	locate_fail_clear(&fs, &f.v[0]);
	locate_fail_order(&fs, &f, now_ms + 1);
	assert_false(f.v[0].failed);
	assert_true(f.v[1].failed && f.v[2].failed);
}

/* ----------------------------------------------------------------- cache */

static void test_cache_time(void **state)
{
	struct locate_uri u = {.port = 5060};
	struct fix f;
	(void)state;

	setup(&f);
	pl_set_str(&u.host, "host.test");
	assert_int_equal(locate_uri(&f, can_ip4, &u), 0);
	assert_int_equal(locate_uri(&f, can_ip4, &u), 0);
	assert_int_equal(f.asked, 1);
	f.now_ms += 60000; /* its time to live */
	assert_int_equal(locate_uri(&f, can_ip4, &u), 0);
	assert_int_equal(f.asked, 2);
	/* that there is nothing is known for a while too */
	pl_set_str(&u.host, "none.test");
	assert_int_equal(locate_uri(&f, can_ip4, &u), ENOENT);
	assert_int_equal(locate_uri(&f, can_ip4, &u), ENOENT);
	assert_int_equal(f.asked, 3);
	f.now_ms += LOCATE_NONE_MS;
	assert_int_equal(locate_uri(&f, can_ip4, &u), ENOENT);
	assert_int_equal(f.asked, 4);
	mem_deref(f.cache);
}

/* Servers that say nothing: what was known is used on. */
static void test_cache_mute(void **state)
{
	struct locate_uri u = {.port = 5060};
	struct fix f;
	(void)state;

	setup(&f);
	pl_set_str(&u.host, "host.test");
	assert_int_equal(locate_uri(&f, can_ip4, &u), 0);
	f.now_ms += 60001;
	assert_int_equal(locate_cache_put(f.cache, "host.test", DNS_TYPE_A,
					  LOCATE_MUTE, NULL, NULL, f.now_ms),
			 0);
	assert_int_equal(locate_uri(&f, can_ip4, &u), 0);
	assert_int_equal(f.plan.found.n, 1);
	/* never heard of: an error of DNS, not "no such name" */
	pl_set_str(&u.host, "mute.test");
	assert_int_equal(locate_cache_put(f.cache, "mute.test", DNS_TYPE_A,
					  LOCATE_MUTE, NULL, NULL, f.now_ms),
			 0);
	assert_int_equal(locate_uri(&f, can_ip4, &u), ETIMEDOUT);
	mem_deref(f.cache);
}

static void test_cache_bound(void **state)
{
	struct fix f;
	char name[32];
	(void)state;

	setup(&f);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "h%d.test", i);
		assert_int_equal(locate_cache_put(f.cache, name, DNS_TYPE_A,
						  LOCATE_NOTHING, NULL, NULL,
						  f.now_ms),
				 0);
		/* in use: it stays */
		if (i)
			assert_non_null(locate_cache_get(
				f.cache, "h0.test", DNS_TYPE_A, f.now_ms));
	}
	assert_int_equal(locate_cache_count(f.cache), 64);
	assert_null(
		locate_cache_get(f.cache, "h1.test", DNS_TYPE_A, f.now_ms));
	mem_deref(f.cache);
}

/* ------------------------------------------------------- a server of DNS */

static struct {
	struct udp_sock *us;
	struct sa sa;
	unsigned asked;
	bool mute;
} server;

static void server_recv(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct list l = LIST_INIT;
	struct dnshdr hdr;
	char *name = NULL;
	uint16_t type;
	(void)arg;

	++server.asked;
	if (server.mute)
		return;
	assert_int_equal(dns_hdr_decode(mb, &hdr), 0);
	assert_int_equal(dns_dname_decode(mb, &name, 0), 0);
	type = ntohs(mbuf_read_u16(mb));
	hdr.qr = true;
	hdr.nans = (uint16_t)zone_find(&l, zone, name, type);
	hdr.rcode = hdr.nans ? DNS_RCODE_OK : DNS_RCODE_NAME_ERR;
	mb->pos = 0;
	assert_int_equal(dns_hdr_encode(mb, &hdr), 0);
	mb->pos = mb->end;
	for (struct le *le = l.head; le; le = le->next)
		assert_int_equal(dns_rr_encode(mb, le->data, 0, NULL, 0), 0);
	mb->pos = 0;
	assert_int_equal(udp_send(server.us, src, mb), 0);
	list_flush(&l);
	mem_deref(name);
}

static struct {
	int calls, err;
	struct locate_found found;
} got;

static void got_handler(int err, const struct locate_found *f, void *arg)
{
	(void)arg;
	++got.calls;
	got.err = err;
	got.found = *f;
}

static bool got_two(void)
{
	return got.calls == 2;
}

static bool got_one(void)
{
	return got.calls == 1;
}

static struct locate *server_start(const char *more)
{
	struct locate_conf conf = {.canv = {0, LOCATE_IP4, LOCATE_IP4, 0}};
	struct locate *l;
	char str[128];

	memset(&got, 0, sizeof(got));
	memset(&server, 0, sizeof(server));
	assert_int_equal(sa_set_str(&server.sa, "127.0.0.1", 0), 0);
	assert_int_equal(udp_listen(&server.us, &server.sa, server_recv, NULL),
			 0);
	assert_int_equal(udp_local_get(server.us, &server.sa), 0);
	(void)re_snprintf(str, sizeof(str), "%s%J", more, &server.sa);
	assert_int_equal(locate_servers_read(&conf, str, NULL), 0);
	assert_int_equal(locate_alloc(&l, &conf), 0);

	return l;
}

static void test_dns(void **state)
{
	struct locate_uri u = {.host = PL("full.test")};
	struct locate_query *a, *b, *c;
	struct locate_found f;
	struct locate *l = server_start("");
	char str[512];
	unsigned asked;
	(void)state;

	assert_int_equal(locate_known(l, &u, &f), EAGAIN);
	/* two that wait ask once; one that gave up is told nothing */
	assert_int_equal(locate_query(&a, l, &u, got_handler, NULL), 0);
	assert_int_equal(locate_query(&b, l, &u, got_handler, NULL), 0);
	assert_int_equal(locate_query(&c, l, &u, got_handler, NULL), 0);
	assert_int_equal(got.calls, 0);
	mem_deref(c);
	test_loop_run(got_two, 5, 10000);
	assert_int_equal(got.err, 0);
	print(str, sizeof(str), &got.found);
	assert_string_equal(str, "tcp 192.0.2.2:5072, udp 192.0.2.1:5070, "
				 "udp 192.0.2.2:5071");
	asked = server.asked;
	assert_in_range(asked, 5, 12); /* NAPTR, 2 SRV, 2 A; some twice */

	/* from memory now, and what fails comes last */
	locate_failed(l, &got.found.v[0]);
	assert_int_equal(locate_known(l, &u, &f), 0);
	print(str, sizeof(str), &f);
	assert_string_equal(str, "udp 192.0.2.1:5070, udp 192.0.2.2:5071, "
				 "tcp 192.0.2.2:5072");
	locate_worked(l, &f.v[2]);
	assert_int_equal(locate_known(l, &u, &f), 0);
	assert_int_equal(f.v[0].transport, LOCATE_TCP);
	assert_int_equal(server.asked, asked);

	/* what is known is told later all the same */
	got.calls = 1;
	mem_deref(a);
	assert_int_equal(locate_query(&a, l, &u, got_handler, NULL), 0);
	assert_int_equal(got.calls, 1);
	test_loop_run(got_two, 5, 10000);
	mem_deref(a);
	mem_deref(b);
	mem_deref(l);
	mem_deref(server.us);
}

/* The first server is mute: the second is asked soon. */
static void test_dns_second(void **state)
{
	struct locate_uri u = {.host = PL("host.test"), .port = 5060};
	struct locate_query *q;
	struct locate *l = server_start("127.0.0.1:9,");
	(void)state;

	assert_int_equal(locate_query(&q, l, &u, got_handler, NULL), 0);
	test_loop_run(got_one, 5, 10000);
	assert_int_equal(got.err, 0);
	assert_int_equal(got.found.n, 1);
	mem_deref(q);
	mem_deref(l);
	mem_deref(server.us);
}

/* Nobody answers: told as such, in time; and who waits survives the end. */
static void test_dns_mute(void **state)
{
	struct locate_uri u = {.host = PL("host.test"), .port = 5060};
	struct locate_query *q, *r;
	struct locate *l = server_start("");
	(void)state;

	server.mute = true;
	assert_int_equal(locate_query(&q, l, &u, got_handler, NULL), 0);
	test_loop_run(got_one, 5, 10000);
	assert_int_equal(got.err, ETIMEDOUT);
	assert_int_equal(got.found.n, 0);
	mem_deref(q);
	u.host = (struct pl)PL("other.test");
	assert_int_equal(locate_query(&r, l, &u, got_handler, NULL), 0);
	mem_deref(l);
	mem_deref(r);
	mem_deref(server.us);
}

static void test_servers(void **state)
{
	struct locate_conf conf;
	const char *err = NULL;
	(void)state;

	assert_int_equal(locate_servers_read(&conf, "192.0.2.1", NULL), 0);
	assert_int_equal(sa_port(&conf.serverv[0]), 53);
	assert_int_equal(locate_servers_read(
				 &conf, "192.0.2.1:54,[2001:db8::1]:55,::1",
				 NULL),
			 0);
	assert_int_equal(conf.serverc, 3);
	assert_int_equal(sa_port(&conf.serverv[1]), 55);
	assert_int_equal(sa_port(&conf.serverv[2]), 53);
	assert_int_equal(locate_servers_read(&conf, "", NULL), 0);
	assert_int_equal(conf.serverc, 0);
	assert_int_equal(locate_servers_check("name", &err), EINVAL);
	assert_non_null(err);
	assert_int_equal(locate_servers_check("1.1.1.1,,2.2.2.2", &err),
			 EINVAL);
	assert_int_equal(
		locate_servers_check("1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1",
				     &err),
		EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_cache_time),
		cmocka_unit_test(test_cache_mute),
		cmocka_unit_test(test_cache_bound),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_dns_second),
		cmocka_unit_test(test_dns_mute),
		cmocka_unit_test(test_servers),
	};
	int n;

	if (libre_init())
		return 1;
	n = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return n;
}

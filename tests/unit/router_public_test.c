/* libs: sy_router_core sy_proto */
/* SPDX-License-Identifier: MIT */
/* What ports are called outside, and who is told which of their names. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "router/public.h"

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"203.0.113.7:5060",   "203.0.113.7,", ",203.0.113.7",
		"udp:203.0.113.7:0",  "tls:[2001:db8::7]:65536",
		"udp:203.0.113.7:5x", "[2001:db8::7", "[203.0.113.7]",
		"0.0.0.0",	      "::",	      "sip example.com",
		"udp:",		      "quic:x.example:1", "-x.example",
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		why = NULL;
		if (!public_check(bad[i], &why))
			fail_msg("taken: %s", bad[i]);
		assert_non_null(why);
	}
	assert_int_equal(public_check("", &why), 0);
}

static void test_chosen(void **state)
{
	struct public_name v[PUBLIC_MAX];
	const struct public_name *pn;
	size_t n;

	(void)state;
	assert_int_equal(public_read(v, &n,
				     "2001:db8::7,203.0.113.7,"
				     "tls:[2001:db8::8]:443,"
				     "wss:edge.example:8443",
				     NULL), 0);
	assert_int_equal(n, 4);
	pn = public_of(v, n, WIRE_UDP, AF_INET);
	assert_int_equal(pl_strcmp(&pn->host, "203.0.113.7"), 0);
	pn = public_of(v, n, WIRE_TLS, AF_INET);
	assert_int_equal(pl_strcmp(&pn->host, "203.0.113.7"), 0);
	pn = public_of(v, n, WIRE_TLS, AF_INET6);
	assert_int_equal(pl_strcmp(&pn->host, "2001:db8::8"), 0);
	assert_int_equal(pn->port, 443);
	pn = public_of(v, n, WIRE_WSS, AF_INET);
	assert_int_equal(pl_strcmp(&pn->host, "edge.example"), 0);
	assert_null(public_of(v, 1, WIRE_UDP, AF_INET));
}

/* A router on loopback, of both families. */
static int router_open(struct wire_set *set, const char *public,
		       const char *locals, char *errbuf, size_t size)
{
	const struct wire_listen at = {.udp = "127.0.0.1:0,[::1]:0",
				       .tcp = "127.0.0.1:0",
				       .public = public,
				       .locals = locals};

	return wire_open(set, &at, 1, errbuf, size);
}

static void told_is(const struct wire_set *set, size_t port, const char *peer,
		    bool member, const char *host)
{
	struct flow f = {.node = member};
	char want[WIRE_ADV_LEN];
	struct pl pl;

	assert_int_equal(sa_set_str(&f.peer, peer, 5060), 0);
	pl = wire_told(set, &set->portv[port], &f);
	(void)re_snprintf(want, sizeof(want), "%s:%u", host,
			  sa_port(&set->portv[port].sa));
	if (pl_strcmp(&pl, want))
		fail_msg("%s is told %.*s, not %s", peer, (int)pl.l, pl.p,
			 want);
}

static void test_told(void **state)
{
	static struct wire_set set;
	char err[256];

	(void)state;
	assert_int_equal(router_open(&set, "203.0.113.7", "10.0.0.0/8", err,
				     sizeof(err)), 0);
	told_is(&set, 0, "192.0.2.9", false, "203.0.113.7");
	told_is(&set, 0, "10.1.2.3", false, "127.0.0.1");
	told_is(&set, 0, "192.0.2.9", true, "127.0.0.1"); /* a node of ours */
	/* there is none of that family: nothing is translated */
	told_is(&set, 1, "2001:db8::9", false, "[::1]");
	wire_close(&set);

	assert_int_equal(router_open(&set, "2001:db8::7,sip.example", NULL,
				     err, sizeof(err)), 0);
	told_is(&set, 0, "10.1.2.3", false, "sip.example");
	told_is(&set, 1, "2001:db8::9", false, "[2001:db8::7]");
	wire_close(&set);
}

/* A name that no port has is a mistake, and said. */
static void test_unused(void **state)
{
	struct wire_listen at = {.udp = "127.0.0.1:0", .tls = "127.0.0.1:0",
				 .public = "203.0.113.7,tls:203.0.113.8:443"};
	char err[256];

	(void)state;
	assert_int_equal(public_fits(&at, err, sizeof(err)), 0);
	at.tls = "[::1]:0";
	assert_int_equal(public_fits(&at, err, sizeof(err)), EINVAL);
	assert_non_null(strstr(err, "203.0.113.8"));
	assert_non_null(strstr(err, "transport"));
	at.public = "2001:db8::7";
	assert_int_equal(public_fits(&at, err, sizeof(err)), 0);
	at.tls = "";
	assert_int_equal(public_fits(&at, err, sizeof(err)), EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_unused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

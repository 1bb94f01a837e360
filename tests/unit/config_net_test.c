/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
/* Networks and targets as they are written, and the index of the
 * configuration: whose an address is, what a device is called. */

#include "config_text.h"
#include "proto/config_index.h"
#include "proto/config_net.h"

static void test_nets(void **state)
{
	static const char *const good[] = {
		"192.0.2.1", "192.0.2.0/24", "192.0.2.1:5060",
		"192.0.2.0/24:5060", "::1", "2001:db8::/32", "[::1]:5062",
		"[::1]", "[2001:db8::/32]:5060", "10.0.0.0/1",
	};
	static const char *const bad[] = {
		"", "192.0.2", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536",
		"192.0.2.0/33", "192.0.2.0/", "0.0.0.0/0", "::/0", "::/129",
		"[::1", "[::1]x", "[::1]:", "example.com", "192.0.2.1:50a",
		"/8", "192.0.2.1/8/8", " 192.0.2.1",
	};
	struct config_net net;
	const char *why;
	size_t i;
	(void)state;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (config_net_read(&net, good[i], &why))
			fail_msg("refused: %s", good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (config_net_read(&net, bad[i], &why) != EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
}

static void test_targets(void **state)
{
	static const char *const good[] = {
		"192.0.2.1:5060", "sip.example.com:5060", "[::1]:5060",
		"a_b-c.d:1;transport=tcp", "h:65535;transport=UDP",
		"h:1;transport=tls", "sip.example.com", "[::1]",
		"h;transport=tcp",
	};
	static const char *const bad[] = {
		"", "h:", "h:0", "::1:5060", "[h]:5060",
		"h:1;transport=ws", "h:1;x", "-h:1", "h-:1", "h..x:1",
		"h x:1", "[::/8]:1", "sip:h:1", ":5060",
	};
	const char *why;
	size_t i;
	(void)state;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (config_target_check(good[i], &why))
			fail_msg("refused: %s", good[i]);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (config_target_check(bad[i], &why) != EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
}

/* ------------------------------------------------------------------ index */

static void assert_source(const struct config_index *i, const char *addr,
			  uint16_t port, const char *trunk)
{
	const Sy__Trunk *t;
	struct sa sa;

	assert_int_equal(0, sa_set_str(&sa, addr, port));
	t = config_index_source(i, &sa);
	if (strcmp(t ? t->id : "-", trunk))
		fail_msg("%s:%u is %s, not %s", addr, port, t ? t->id : "-",
			 trunk);
}

static void test_sources(void **state)
{
	Sy__Config *conf = read_ok("{\"trunks\":["
		"{\"id\":\"wide\",\"enabled\":true,"
		"\"sources\":[\"10.0.0.0/8\",\"2001:db8::/33\"]},"
		"{\"id\":\"narrow\",\"enabled\":true,"
		"\"sources\":[\"10.1.0.0/16\"]},"
		"{\"id\":\"host\",\"enabled\":true,"
		"\"sources\":[\"10.1.2.3\",\"2001:db8::7\"]},"
		"{\"id\":\"port\",\"enabled\":true,\"sources\":"
		"[\"10.1.2.3:5070\",\"[2001:db8::7]:5070\"]},"
		"{\"id\":\"off\",\"sources\":[\"10.1.2.4\"]}]}");
	struct config_index *i = NULL;
	(void)state;

	assert_int_equal(0, config_index_alloc(&i, conf));
	assert_source(i, "10.200.0.1", 5060, "wide");
	assert_source(i, "10.1.9.9", 5060, "narrow");
	assert_source(i, "10.1.2.3", 5060, "host");
	assert_source(i, "10.1.2.3", 5070, "port");
	assert_source(i, "10.1.2.4", 5060, "narrow");
	assert_source(i, "11.0.0.1", 5060, "-");
	assert_source(i, "2001:db8::1", 5060, "wide");
	assert_source(i, "2001:db8:8000::1", 5060, "-");
	assert_source(i, "2001:db8::7", 5060, "host");
	assert_source(i, "2001:db8::7", 5070, "port");
	/* An IPv4 peer on an IPv6 socket. */
	assert_source(i, "::ffff:10.1.2.3", 5070, "port");
	mem_deref(i);
	sy__config__free_unpacked(conf, NULL);
}

static void test_many_devices(void **state)
{
	enum { COUNT = 10000 };
	Sy__Config conf = SY__CONFIG__INIT;
	Sy__Device *v = calloc(COUNT, sizeof(*v));
	Sy__Device **pv = calloc(COUNT, sizeof(*pv));
	char (*idv)[12] = calloc(COUNT, sizeof(*idv));
	struct config_index *i = NULL;
	int n;
	(void)state;

	for (n = 0; n < COUNT; n++) {
		sy__device__init(&v[n]);
		(void)snprintf(idv[n], sizeof(idv[n]), "%d", 100000 + n);
		v[n].id = idv[n];
		pv[n] = &v[n];
	}
	conf.devices = pv;
	conf.n_devices = COUNT;
	assert_int_equal(0, config_index_alloc(&i, &conf));
	for (n = 0; n < COUNT; n++)
		assert_ptr_equal(&v[n], config_index_device(i, idv[n], 6));
	assert_null(config_index_device(i, "100000", 5));
	assert_null(config_index_device(i, "1000000", 7));
	assert_null(config_index_device(i, "100000\0", 7));
	assert_null(config_index_device(i, "", 0));
	assert_null(config_index_device(i, "x", 1));
	mem_deref(i);
	free(idv);
	free(pv);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nets),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_many_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

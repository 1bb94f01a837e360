/* libs: sy_node_core */
/* SPDX-License-Identifier: MIT */
/* The Route that a trunk's calls are sent by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <re.h>

#include "node/app/trunk_route.h"

/* @param wanted  All values, a comma between them. */
static void assert_way(const char *proxy, bool registered,
		       const char *const *servicev, size_t servicec,
		       const char *wanted, const char *hop)
{
	Sy__TrunkRegistration reg = SY__TRUNK_REGISTRATION__INIT;
	Sy__TrunkState ts = SY__TRUNK_STATE__INIT;
	Sy__Trunk trunk = SY__TRUNK__INIT;
	struct trunk_route way;
	char got[2048] = "";

	trunk.proxy = (char *)(uintptr_t)proxy;
	trunk.registration = &reg;
	ts.registered = registered;
	ts.service_route = (char **)(uintptr_t)servicev;
	ts.n_service_route = servicec;
	trunk_route_init(&way, &trunk, &ts);
	for (size_t i = 0; i < way.n; i++) {
		if (i)
			strcat(got, ",");
		strcat(got, way.v[i]);
	}
	assert_string_equal(got, wanted);
	assert_string_equal(way.hop, hop);
}

static const char *const service[] = {
	"<sip:scscf.example:5070;lr;x=1>;gone=1", "\"A\" <sip:b.example;lr>"};

static void test_none(void **state)
{
	Sy__Trunk trunk = SY__TRUNK__INIT;
	struct trunk_route way;

	(void)state;
	trunk_route_init(&way, &trunk, NULL);
	assert_int_equal(way.n, 0);
	assert_way("", false, service, 2, "", "");
	assert_way("", true, NULL, 0, "", "");
}

static void test_proxy_comes_first(void **state)
{
	(void)state;
	assert_way("p.example:5080;transport=tcp", false, service, 2,
		   "<sip:p.example:5080;transport=tcp;lr>",
		   "sip:p.example:5080;transport=tcp;lr");
	assert_way("p.example", true, service, 2,
		   "<sip:p.example;lr>,<sip:scscf.example:5070;lr;x=1>,"
		   "<sip:b.example;lr>",
		   "sip:p.example;lr");
	assert_way("", true, service, 2,
		   "<sip:scscf.example:5070;lr;x=1>,<sip:b.example;lr>",
		   "sip:scscf.example:5070;lr;x=1");
	/* that names it again, by another spelling */
	assert_way("SCSCF.example:5070", true, service, 2,
		   "<sip:SCSCF.example:5070;lr>,<sip:b.example;lr>",
		   "sip:SCSCF.example:5070;lr");
}

static void test_bad_service_route(void **state)
{
	static const char *const bad[][2] = {
		{"<sip:a.example;lr>", "<sip:b.example\r\nX: y;lr>"},
		{"<sip:a.example;lr>", ""},
		{"<sip:a b.example;lr>", "<sip:b.example;lr>"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_way("", true, bad[i], 2, "", "");
		assert_way("p.example", true, bad[i], 2, "<sip:p.example;lr>",
			   "sip:p.example;lr");
	}
}

static void test_many(void **state)
{
	const char *v[TRUNK_ROUTES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = "<sip:a.example;lr>";
	assert_way("p.example", true, v, ARRAY_SIZE(v), "<sip:p.example;lr>",
		   "sip:p.example;lr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_proxy_comes_first),
		cmocka_unit_test(test_bad_service_route),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "proto/dialplan.h"

/* ---------------------------------------------------------------- pattern */

static void assert_match(const char *pattern, const char *number,
			 const char *cap)
{
	const char *p = NULL, *why = NULL;
	char got[300];
	size_t len = 0;

	if (dialplan_pattern_check(pattern, &why))
		fail_msg("%s: %s", pattern, why);
	if (!dialplan_pattern_match(pattern, number, &p, &len))
		fail_msg("%s does not match %s", pattern, number);
	(void)snprintf(got, sizeof(got), "%.*s", (int)len, p);
	assert_string_equal(got, cap);
	assert_true(p >= number && p + len <= number + strlen(number));
	assert_true(dialplan_pattern_match(pattern, number, NULL, NULL));
}

static void assert_no_match(const char *pattern, const char *number)
{
	assert_int_equal(0, dialplan_pattern_check(pattern, NULL));
	if (dialplan_pattern_match(pattern, number, NULL, NULL))
		fail_msg("%s matches %s", pattern, number);
}

static void test_plain(void **state)
{
	(void)state;
	assert_match("600", "600", "");
	assert_no_match("600", "6000");
	assert_no_match("600", "60");
	assert_no_match("600", "");
	assert_match("1XXX", "1002", "");
	assert_no_match("1XXX", "1a02");
	assert_match("ZN", "12", "");
	assert_no_match("ZN", "02");
	assert_no_match("ZN", "11");
	assert_match("*9[7-9]", "*98", "");
	assert_no_match("*9[7-9]", "*96");
	assert_match("[+0]9[ab-]", "+9-", "");
	assert_match("[+0]9[ab-]", "09b", "");
	assert_match("alice", "alice", "");
	assert_no_match("alice", "Alice");
	assert_match("0.", "0441", "441");
	assert_no_match("0.", "0");
	assert_match("0!", "0", "");
	assert_match("0!", "012", "12");
	assert_match("!", "", "");
	assert_match(".9", "199", "19");
	assert_match("0.*.#", "012*34*5#", "12");
	assert_match("!1!", "001011", "00");
	assert_no_match("..", "a");
	assert_match("..", "abc", "a");
}

static void test_regex(void **state)
{
	(void)state;
	assert_match("^(00|\\+)([1-9][0-9]{6,14})$", "+4912345678", "+");
	assert_no_match("^(00|\\+)([1-9][0-9]{6,14})$", "04912345678");
	assert_match("^9", "911", "");
	assert_match("^([[:digit:]()+]+)$", "(0)30+4", "(0)30+4");
	assert_match("^([]+]+)x{2,}$", "+]xxx", "+]");
	assert_match("^((a+)+(b{1,64})?)+$", "aab", "aab");
	assert_match("^0(.*)?$", "012", "12");
	assert_match("^(1|a?b|\\*)*$", "1ab*b", "b");
	assert_match("^0?([0-9]+)$", "0123", "123");
	assert_match("^(1|(2))x?$", "1", "1");
	/* The same pattern again comes from the cache. */
	assert_match("^0?([0-9]+)$", "77", "77");
}

static void test_refused(void **state)
{
	static const char *const wrong[] = {
		"", "1 2", "[12", "12]", "[]", "[9-0]", "[^1]", "[[1]", "1\t",
		"^(", "^[1-", "^(a)\\1", "^((a{64}){64}){64}", "^a{65}",
		"^a{1,999}", "^a++++++++++++++++++++++++$",
		"^((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+$",
		"^((a+b+c+){64}){64}$", "^([)]a{64}){64}+++$",
		"^((1*)*)*2$", "^((1*)+){20}$",
		"^(()+[[:alpha:]]?){0,64}$", "^(1|a?)*$",
		"^(1|)+$", "^(\\b)*$", "^+", "^(a{0,3})+", "^a*+",
	};
	const char *why;
	char big[200];
	size_t i;
	(void)state;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		why = NULL;
		if (dialplan_pattern_check(wrong[i], &why) != EINVAL)
			fail_msg("taken: %s", wrong[i]);
		assert_non_null(why);
	}
	memset(big, 'X', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(EINVAL, dialplan_pattern_check(big, &why));
	assert_int_equal(EINVAL, dialplan_pattern_check(NULL, NULL));
	/* What is no pattern matches nothing. */
	assert_false(dialplan_pattern_match("[12", "1", NULL, NULL));
	assert_false(dialplan_pattern_match("^(", "(", NULL, NULL));
}

/* Patterns that make backtracking matchers explode: the time limit of the
 * test run is the check. */
static void test_no_explosion(void **state)
{
	char number[257];
	(void)state;

	memset(number, '1', 256);
	number[256] = '\0';
	assert_no_match("!1!1!1!1!1!1!1!1!1!1!1!1!1!1!1!1!1!1!1!1!2", number);
	assert_no_match("^((1+)+)+2$", number);
	assert_no_match("^(1|11|111)*2$", number);
}

/* The dull model: recursion over both, shortest wildcard first.
 * @param cap  Length of the first wildcard. */
static bool model(const char *p, const char *s, bool wild, int *cap)
{
	int n, dummy;

	if (!*p)
		return !*s;
	if (*p == '.' || *p == '!') {
		for (n = *p == '.'; n <= (int)strlen(s); n++) {
			if (model(p + 1, s + n, true, &dummy)) {
				if (!wild)
					*cap = n;
				return true;
			}
		}
		return false;
	}
	if (!*s)
		return false;
	if (*p == 'X' ? *s < '0' || *s > '9' : *p != *s)
		return false;

	return model(p + 1, s + 1, wild, cap);
}

static void test_model(void **state)
{
	const char *env = getenv("SEED");
	unsigned seed = env ? (unsigned)strtoul(env, NULL, 0) :
			      (unsigned)time(NULL);
	int i, j, matched = 0;
	(void)state;

	print_message("SEED=%u\n", seed);
	for (i = 0; i < 200000; i++) {
		char p[8] = "", s[10] = "";
		const char *cap = NULL;
		size_t len = 0;
		int want = 0, n = 1 + rand_r(&seed) % 6;
		bool m;

		for (j = 0; j < n; j++)
			p[j] = "12X.!1"[rand_r(&seed) % 6];
		n = rand_r(&seed) % 8;
		for (j = 0; j < n; j++)
			s[j] = "12"[rand_r(&seed) % 2];

		m = model(p, s, false, &want);
		matched += m;
		if (dialplan_pattern_match(p, s, &cap, &len) != m)
			fail_msg("%s against %s is not %d", p, s, m);
		if (m && (int)len != want)
			fail_msg("%s against %s: %d, not %d", p, s, (int)len,
				 want);
	}
	assert_in_range(matched, 10000, 190000);
}

static void *match_many(void *arg)
{
	char pattern[32], number[32];
	int i, wrong = 0;

	for (i = 0; i < 2000; i++) {
		(void)snprintf(pattern, sizeof(pattern), "^%d(.*)$", i % 90);
		(void)snprintf(number, sizeof(number), "%d77", i % 90);
		wrong += !dialplan_pattern_match(pattern, number, NULL, NULL);
	}
	*(int *)arg = wrong;

	return NULL;
}

static void test_threads(void **state)
{
	pthread_t tv[3];
	int wrongv[3], i;
	(void)state;

	for (i = 0; i < 3; i++)
		assert_int_equal(0, pthread_create(&tv[i], NULL, match_many,
						   &wrongv[i]));
	for (i = 0; i < 3; i++) {
		pthread_join(tv[i], NULL);
		assert_int_equal(0, wrongv[i]);
	}
}

/* ------------------------------------------------------------------- find */

struct plan {
	Sy__Config conf;
	Sy__Settings settings;
	Sy__Route routev[12], *routepv[12];
	Sy__Destination destv[12];
	Sy__External ext;
};

static Sy__Destination *add(struct plan *p, const char *pattern,
			    const char *source, Sy__Destination__KindCase kind)
{
	const size_t i = p->conf.n_routes++;

	sy__route__init(&p->routev[i]);
	sy__destination__init(&p->destv[i]);
	p->routepv[i] = &p->routev[i];
	p->routev[i].pattern = (char *)pattern;
	p->routev[i].source = (char *)source;
	p->routev[i].target = &p->destv[i];
	p->destv[i].kind_case = kind;

	return &p->destv[i];
}

static void plan_init(struct plan *p)
{
	memset(p, 0, sizeof(*p));
	sy__config__init(&p->conf);
	sy__settings__init(&p->settings);
	sy__external__init(&p->ext);
	p->conf.routes = p->routepv;
	p->ext.trunk = "loop";
	p->ext.number = "+49$1";

	add(p, "1XXX", "", SY__DESTINATION__KIND_DEVICE)->device = "$0";
	add(p, "600", "device", SY__DESTINATION__KIND_ECHO)->echo = 1;
	add(p, "600", "trunk:loop", SY__DESTINATION__KIND_CONFERENCE)
		->conference = "a$0b$1c$2$";
	add(p, "7.", "device:1001", SY__DESTINATION__KIND_EXTERNAL)->external =
		&p->ext;
	add(p, "8!", "", SY__DESTINATION__KIND_FILE)->file = "snd/$1.wav";
	add(p, "9.", "api", SY__DESTINATION__KIND_DEVICE)->device =
		"$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0$0";
}

static int find(struct dialplan_match *m, const struct plan *p,
		const char *number, Sy__Source__KindCase kind, const char *id)
{
	Sy__Source src = SY__SOURCE__INIT;

	src.kind_case = kind;
	src.device = (char *)id;

	return dialplan_find(m, &p->conf, number, &src);
}

#define DEVICE SY__SOURCE__KIND_DEVICE
#define TRUNK SY__SOURCE__KIND_TRUNK
#define API SY__SOURCE__KIND_API

static void test_find(void **state)
{
	struct dialplan_match m;
	struct plan p;
	(void)state;

	plan_init(&p);
	assert_int_equal(0, find(&m, &p, "1002", TRUNK, "x"));
	assert_ptr_equal(m.route, &p.routev[0]);
	assert_int_equal(m.dest.kind_case, SY__DESTINATION__KIND_DEVICE);
	assert_string_equal(m.dest.device, "1002");

	assert_int_equal(0, find(&m, &p, "600", DEVICE, "1001"));
	assert_int_equal(m.dest.kind_case, SY__DESTINATION__KIND_ECHO);
	assert_true(m.dest.echo);
	assert_int_equal(0, find(&m, &p, "600", TRUNK, "loop"));
	assert_string_equal(m.dest.conference, "a600bc$2$");
	assert_int_equal(ENOENT, find(&m, &p, "600", TRUNK, "loo"));
	assert_int_equal(ENOENT, find(&m, &p, "600", TRUNK, "loop2"));
	assert_int_equal(ENOENT, find(&m, &p, "600", API, "loop"));
	assert_int_equal(ENOENT, dialplan_find(&m, &p.conf, "600", NULL));
	assert_int_equal(0, dialplan_find(&m, &p.conf, "1000", NULL));

	assert_int_equal(0, find(&m, &p, "7123", DEVICE, "1001"));
	assert_string_equal(m.dest.external->trunk, "loop");
	assert_string_equal(m.dest.external->number, "+49123");
	assert_int_equal(ENOENT, find(&m, &p, "7123", DEVICE, "1002"));
	assert_int_equal(ENOENT, find(&m, &p, "404", DEVICE, "1001"));
}

static void test_find_limits(void **state)
{
	struct dialplan_match m;
	char big[200];
	struct plan p;
	(void)state;

	plan_init(&p);
	assert_int_equal(ENAMETOOLONG, find(&m, &p, "91234", API, "t"));
	memset(big, '1', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(ENAMETOOLONG, find(&m, &p, big, DEVICE, "1001"));
	big[127] = '\0';
	assert_int_equal(ENOENT, find(&m, &p, big, DEVICE, "1001"));

	/* A number must not lead out of a folder. */
	assert_int_equal(0, find(&m, &p, "8hello", DEVICE, "1001"));
	assert_string_equal(m.dest.file, "snd/hello.wav");
	assert_int_equal(ENOENT, find(&m, &p, "8../../etc", DEVICE, "1001"));
	assert_int_equal(ENOENT, find(&m, &p, "8.", DEVICE, "1001"));
}

static void test_find_order(void **state)
{
	struct dialplan_match m;
	struct plan p;
	(void)state;

	plan_init(&p);
	add(&p, "1002", "", SY__DESTINATION__KIND_ECHO);
	assert_int_equal(0, find(&m, &p, "1002", DEVICE, "1001"));
	assert_ptr_equal(m.route, &p.routev[0]);
	assert_int_equal(60, m.ring_seconds);
	p.routev[0].disabled = true;
	p.conf.settings = &p.settings;
	p.settings.ring_seconds = 25;
	assert_int_equal(0, find(&m, &p, "1002", DEVICE, "1001"));
	assert_ptr_equal(m.route, &p.routev[6]);
	assert_int_equal(25, m.ring_seconds);
	p.routev[6].ring_seconds = 7;
	assert_int_equal(0, find(&m, &p, "1002", DEVICE, "1001"));
	assert_int_equal(7, m.ring_seconds);
	p.destv[6].kind_case = SY__DESTINATION__KIND__NOT_SET;
	assert_int_equal(ENOENT, find(&m, &p, "1002", DEVICE, "1001"));
}

/* A trunk's numbers go before the routes, for its own calls only. */
static void test_find_number(void **state)
{
	Sy__TrunkNumber tn = SY__TRUNK_NUMBER__INIT,
			open = SY__TRUNK_NUMBER__INIT;
	Sy__Destination dest = SY__DESTINATION__INIT;
	Sy__TrunkNumber *numberv[] = {&tn, &open};
	Sy__Trunk trunk = SY__TRUNK__INIT, *trunkv[] = {&trunk};
	struct dialplan_match m;
	struct plan p;
	(void)state;

	plan_init(&p);
	trunk.id = "loop";
	trunk.numbers = numberv;
	trunk.n_numbers = 2;
	tn.first = "+49600";
	tn.last = "+49699";
	tn.target = &dest;
	dest.kind_case = SY__DESTINATION__KIND_DEVICE;
	dest.device = "10$1";
	open.number = "600"; /* no target: the routes */
	p.conf.trunks = trunkv;
	p.conf.n_trunks = 1;

	assert_int_equal(0, find(&m, &p, "+49612", TRUNK, "loop"));
	assert_string_equal(m.dest.device, "1012");
	assert_null(m.route);
	assert_int_equal(60, m.ring_seconds);
	assert_int_equal(ENOENT, find(&m, &p, "+49612", DEVICE, "1001"));
	assert_int_equal(ENOENT, find(&m, &p, "+49612", TRUNK, "other"));
	assert_int_equal(0, find(&m, &p, "600", TRUNK, "loop"));
	assert_non_null(m.route);
}

/* ----------------------------------------------------------------- pick-up */

static void test_may_pick_up(void **state)
{
	Sy__Destination any = SY__DESTINATION__INIT, one = any, group = any;
	Sy__Route all = SY__ROUTE__INIT, only = all, own = all;
	Sy__Route *routev[] = {&own, &only, &all};
	Sy__Config conf = SY__CONFIG__INIT;
	(void)state;

	any.kind_case = one.kind_case = group.kind_case =
		SY__DESTINATION__KIND_PICKUP;
	any.pickup = (char *)"$1";
	one.pickup = (char *)"1002";
	group.pickup = (char *)"group";
	own.target = &group; /* that is no way to any device */
	only.target = &one;
	only.source = (char *)"device:1003";
	all.target = &any;
	all.source = (char *)"device:1004";
	conf.routes = routev;
	conf.n_routes = 3;
	assert_true(dialplan_may_pick_up(&conf, "1003", "1002"));
	assert_false(dialplan_may_pick_up(&conf, "1003", "1005"));
	assert_true(dialplan_may_pick_up(&conf, "1004", "1005"));
	assert_false(dialplan_may_pick_up(&conf, "1001", "1002"));
	all.disabled = true;
	assert_false(dialplan_may_pick_up(&conf, "1004", "1005"));
	assert_false(dialplan_may_pick_up(NULL, "1004", "1005"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_regex),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_no_explosion),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_may_pick_up),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_find_limits),
		cmocka_unit_test(test_find_order),
		cmocka_unit_test(test_find_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

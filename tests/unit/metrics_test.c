/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "proto/metrics.h"

enum { THREADS = 4, ADDS = 20000 };

/* ------------------------------------------------ a reader of the format */

/* Value of the sample whose name and labels are these; fails if it is not
 * there exactly once. */
static double sample(const char *text, const char *id)
{
	const size_t len = strlen(id);
	const char *p = text;
	double value = NAN;
	int found = 0;

	while (p) {
		if (!strncmp(p, id, len) && p[len] == ' ') {
			value = strtod(p + len + 1, NULL);
			found++;
		}
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	if (found != 1)
		fail_msg("%s is there %d times", id, found);

	return value;
}

/* Each line is a comment or a sample of the family whose HELP and TYPE stand
 * before it; no family stands twice. */
static void assert_format(const char *text)
{
	char *copy = strdup(text), *line, *save = NULL;
	char family[128] = "", seen[4096] = "", name[128], type[32];

	assert_int_equal('\n', text[strlen(text) - 1]);
	for (line = strtok_r(copy, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *end, mark[160];
		size_t n;

		if (sscanf(line, "# HELP %127s", name) == 1) {
			(void)snprintf(mark, sizeof(mark), "|%s|", name);
			assert_null(strstr(seen, mark));
			strcat(seen, mark);
			strcpy(family, name);
			continue;
		}
		if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
			assert_string_equal(name, family);
			continue;
		}
		assert_memory_equal(line, family, strlen(family));
		n = strcspn(line, "{ ");
		if (strcmp(type, "histogram"))
			assert_int_equal(n, strlen(family));
		if (line[n] == '{') {
			end = strrchr(line, '}');
			assert_non_null(end);
			n = (size_t)(end + 1 - line);
		}
		assert_int_equal(' ', line[n]);
		(void)strtod(line + n + 1, &end);
		assert_true(end > line + n + 1 && !*end);
	}
	free(copy);
}

/* ------------------------------------------------------------------ tests */

static void test_print(void **state)
{
	struct metric *a, *b, *g;
	char *text;
	(void)state;

	a = metric_add(METRIC_COUNTER, "sy_a_total", "First\\line\nsecond",
		       "method=\"INVITE\"");
	g = metric_add(METRIC_GAUGE, "sy_gauge", "A gauge", NULL);
	b = metric_add(METRIC_COUNTER, "sy_a_total", "First", "method=\"BYE\","
		       "text=\"a\\\"b\\\\c\\nd\"");
	assert_non_null(a);
	assert_non_null(b);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(a, metric_add(METRIC_COUNTER, "sy_a_total", "x",
				       "method=\"INVITE\""));
	metric_inc(a);
	metric_count(a, UINT64_C(1) << 53);
	metric_set(g, 0.1);

	text = metrics_print();
	assert_format(text);
	assert_non_null(strstr(text, "# HELP sy_a_total First\\\\line\\n"
			       "second\n# TYPE sy_a_total counter\n"
			       "sy_a_total{method=\"INVITE\"} "
			       "9007199254740993\n"
			       "sy_a_total{method=\"BYE\",text=\"a\\\"b\\\\c"
			       "\\nd\"} 0\n"));
	assert_non_null(strstr(text, "# TYPE sy_gauge gauge\nsy_gauge 0.1\n"));
	free(text);
}

static void test_values(void **state)
{
	struct metric *g = metric_add(METRIC_GAUGE, "sy_g2", "", NULL);
	struct metric *c = metric_add(METRIC_COUNTER, "sy_c2", "", NULL);
	char *text;
	(void)state;

	metric_set(g, 2.5);
	metric_inc(g);
	assert_true(metric_value(g) == 3.5);
	metric_set(c, 7); /* counted elsewhere so far */
	metric_count(c, 3);
	assert_true(metric_value(c) == 10);
	metric_set(g, INFINITY);
	text = metrics_print();
	assert_non_null(strstr(text, "sy_g2 +Inf\n"));
	free(text);
	metric_set(g, NAN);
	text = metrics_print();
	assert_non_null(strstr(text, "sy_g2 NaN\n"));
	assert_format(text);
	free(text);

	/* Where there was no memory for one. */
	metric_inc(NULL);
	metric_set(NULL, 1);
	histogram_put(NULL, 1);
	assert_true(metric_value(NULL) == 0);
}

static void test_histogram(void **state)
{
	static const double bounds[] = {0.001, 0.01, 0.1};
	struct histogram *h = histogram_add("sy_seconds", "Time", "a=\"b\"",
					    bounds, 3);
	char *text;
	(void)state;

	assert_ptr_equal(h, histogram_add("sy_seconds", "Time", "a=\"b\"",
					  bounds, 3));
	histogram_put(h, 0.0005);
	histogram_put(h, 0.001); /* le: less or equal */
	histogram_put(h, 0.05);
	histogram_put(h, 5);
	histogram_put(h, NAN);
	text = metrics_print();
	assert_format(text);
	assert_true(sample(text, "sy_seconds_bucket{a=\"b\",le=\"0.001\"}")
		    == 2);
	assert_true(sample(text, "sy_seconds_bucket{a=\"b\",le=\"0.01\"}")
		    == 2);
	assert_true(sample(text, "sy_seconds_bucket{a=\"b\",le=\"0.1\"}")
		    == 3);
	assert_true(sample(text, "sy_seconds_bucket{a=\"b\",le=\"+Inf\"}")
		    == 4);
	assert_true(sample(text, "sy_seconds_count{a=\"b\"}") == 4);
	assert_true(fabs(sample(text, "sy_seconds_sum{a=\"b\"}") - 5.0515)
		    < 1e-9);
	free(text);
}

static void test_refused(void **state)
{
	static const char *const names[] = {"", "1a", "a-b", "a b", "a\xc3"};
	static const char *const labels[] = {
		"a", "a=", "a=b", "a=\"b", "a=\"b\",", ",a=\"b\"", "=\"b\"",
		"a=\"b\" c=\"d\"", "a=\"b\nc\"", "a=\"b\\x\"", "a:b=\"c\"",
		"1=\"b\"", "le=\"1\"", "a=\"b\\",
	};
	int saved = dup(STDERR_FILENO);
	size_t i;
	(void)state;

	(void)!freopen("/dev/null", "w", stderr); /* each is logged */
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_null(metric_add(METRIC_GAUGE, names[i], "", NULL));
	for (i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		if (metric_add(METRIC_GAUGE, "sy_l", "", labels[i]))
			fail_msg("taken: %s", labels[i]);
	}
	assert_non_null(metric_add(METRIC_GAUGE, "sy_kind", "", NULL));
	assert_null(metric_add(METRIC_COUNTER, "sy_kind", "", "a=\"b\""));
	assert_null(histogram_add("sy_kind", "", NULL, NULL, 0));
	(void)dup2(saved, STDERR_FILENO);
	close(saved);
}

struct shared {
	struct metric *c, *g;
	struct histogram *h;
};

static void *adder(void *arg)
{
	struct shared *s = arg;
	int i;

	for (i = 0; i < ADDS; i++) {
		metric_inc(s->c);
		metric_inc(s->g);
		histogram_put(s->h, i % 3);
	}

	return NULL;
}

static void test_threads(void **state)
{
	static const double bounds[] = {0, 1};
	struct shared s = {
		metric_add(METRIC_COUNTER, "sy_t_total", "", NULL),
		metric_add(METRIC_GAUGE, "sy_t", "", NULL),
		histogram_add("sy_t_seconds", "", NULL, bounds, 2),
	};
	pthread_t tv[THREADS];
	char *text;
	int i;
	(void)state;

	for (i = 0; i < THREADS; i++)
		assert_int_equal(0, pthread_create(&tv[i], NULL, adder, &s));
	for (i = 0; i < 20; i++) {
		text = metrics_print();
		assert_format(text);
		assert_true(sample(text, "sy_t_seconds_count") ==
			    sample(text, "sy_t_seconds_bucket{le=\"+Inf\"}"));
		free(text);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(tv[i], NULL);

	assert_true(metric_value(s.c) == THREADS * ADDS);
	assert_true(metric_value(s.g) == THREADS * ADDS);
	text = metrics_print();
	assert_true(sample(text, "sy_t_seconds_count") == THREADS * ADDS);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

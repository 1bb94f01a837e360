/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>
#include <cmocka.h>

#include "proto/log.h"

enum { THREADS = 4, LINES = 500 };

/* stderr becomes a file for a while; what was written is given back. */
struct capture {
	FILE *f;
	int saved;
};

static void capture_start(struct capture *c)
{
	c->f = tmpfile();
	assert_non_null(c->f);
	(void)fflush(stderr);
	c->saved = dup(STDERR_FILENO);
	(void)dup2(fileno(c->f), STDERR_FILENO);
}

static char *capture_stop(struct capture *c)
{
	char *text;
	off_t len;

	(void)dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	len = lseek(fileno(c->f), 0, SEEK_END);
	text = calloc(1, (size_t)len + 1);
	assert_non_null(text);
	assert_int_equal(len, pread(fileno(c->f), text, (size_t)len, 0));
	(void)fclose(c->f);

	return text;
}

static void set_up(enum log_format format, enum log_level level)
{
	log_init(&(struct log_conf){level, format, "node-1"});
}

/* What follows the time, which is checked for its form. */
static const char *after_time(const char *line)
{
	int y, mo, d, h, mi, s, ms, n = 0;

	assert_int_equal(7, sscanf(line, "ts=%4d-%2d-%2dT%2d:%2d:%2d.%3dZ %n",
				   &y, &mo, &d, &h, &mi, &s, &ms, &n));
	assert_true(n == 28 && y >= 2026);

	return line + n;
}

static void test_logfmt(void **state)
{
	struct capture c;
	char *text;
	(void)state;

	set_up(LOG_FMT_LOGFMT, LOG_L_INFO);
	capture_start(&c);
	log_info("call answered", LOG_S("call", "01J"), LOG_U("code", 200),
		 LOG_I("delta", -3), LOG_F("ms", 1.25), LOG_E(ECONNREFUSED),
		 LOG_S("empty", ""), LOG_S("none", NULL), LOG_F("nan", NAN),
		 LOG_S("uri", "sip:a@b;x=y"), LOG_S("evil", "a\nlevel=error"),
		 LOG_S("quote", "a\"b\\"), LOG_S("bell", "\x07"),
		 LOG_S("latin", "\xe4"), LOG_S("utf8", "\xc3\xa4"));
	text = capture_stop(&c);
	assert_string_equal(after_time(text),
		"level=info proc=node-1 msg=\"call answered\" call=01J "
		"code=200 delta=-3 ms=1.25 error=\"Connection refused\" "
		"empty=\"\" none=null nan=null uri=\"sip:a@b;x=y\" "
		"evil=\"a\\nlevel=error\" quote=\"a\\\"b\\\\\" "
		"bell=\"\\u0007\" latin=\"\\ufffd\" utf8=\"\xc3\xa4\"\n");
	free(text);
}

static void test_json(void **state)
{
	struct capture c;
	char *text;
	json_t *j;
	(void)state;

	set_up(LOG_FMT_JSON, LOG_L_DEBUG);
	capture_start(&c);
	log_warn("odd \"thing\"", LOG_S("text", "a\n\x01\xff\xc3\xa4"),
		 LOG_U("big", UINT64_MAX >> 1), LOG_F("inf", INFINITY),
		 LOG_S("none", NULL));
	text = capture_stop(&c);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	assert_string_equal("warn", json_string_value(json_object_get(j,
							   "level")));
	assert_string_equal("node-1", json_string_value(json_object_get(j,
							     "proc")));
	assert_string_equal("odd \"thing\"",
			    json_string_value(json_object_get(j, "msg")));
	assert_string_equal("a\n\x01\xef\xbf\xbd\xc3\xa4",
			    json_string_value(json_object_get(j, "text")));
	assert_int_equal(INT64_MAX,
			 json_integer_value(json_object_get(j, "big")));
	assert_true(json_is_null(json_object_get(j, "inf")));
	assert_true(json_is_null(json_object_get(j, "none")));
	json_decref(j);
	free(text);
}

static void test_levels(void **state)
{
	struct capture c;
	enum log_level level = LOG_L_WARN;
	enum log_format format = LOG_FMT_LOGFMT;
	char *text;
	(void)state;

	set_up(LOG_FMT_LOGFMT, LOG_L_WARN);
	assert_false(log_on(LOG_L_INFO));
	assert_true(log_on(LOG_L_WARN) && log_on(LOG_L_ERROR));
	capture_start(&c);
	log_info("no", LOG_U("a", 1));
	log_write(LOG_L_INFO, "no", NULL, 0);
	log_write((enum log_level)9, "no", NULL, 0);
	log_error("yes", LOG_U("a", 1));
	text = capture_stop(&c);
	assert_string_equal(after_time(text),
			    "level=error proc=node-1 msg=yes a=1\n");
	free(text);

	assert_int_equal(0, log_level_read(&level, "debug"));
	assert_int_equal(LOG_L_DEBUG, level);
	assert_int_equal(EINVAL, log_level_read(&level, "Debug"));
	assert_int_equal(EINVAL, log_level_read(&level, NULL));
	assert_int_equal(0, log_format_read(&format, "json"));
	assert_int_equal(LOG_FMT_JSON, format);
	assert_int_equal(EINVAL, log_format_read(&format, "xml"));
}

/* Of any length a line is one line, within its bound, and well formed. */
static void test_cut(void **state)
{
	static char big[6000];
	size_t len;
	(void)state;

	for (len = 3700; len < sizeof(big) - 1; len += 7) {
		struct capture c;
		json_t *j;
		char *text;

		memset(big, len & 1 ? 'x' : '\n', len);
		big[len] = '\0';
		set_up(LOG_FMT_JSON, LOG_L_INFO);
		capture_start(&c);
		log_info("long", LOG_S("a", big), LOG_U("b", 4294967295),
			 LOG_S("c", "end"));
		text = capture_stop(&c);
		assert_true(strlen(text) <= 4096);
		j = json_loads(text, 0, NULL);
		if (!j)
			fail_msg("not JSON at %zu: ...%s", len,
				 text + strlen(text) - 60);
		if (!json_object_get(j, "cut"))
			assert_string_equal("end", json_string_value(
					json_object_get(j, "c")));
		json_decref(j);
		free(text);
	}
}

static void *writer(void *arg)
{
	int i;

	for (i = 0; i < LINES; i++)
		log_info("line", LOG_S("from", arg), LOG_U("n", i));

	return NULL;
}

static void test_threads(void **state)
{
	static char namev[THREADS][64];
	pthread_t tv[THREADS];
	struct capture c;
	char *text, *line, *save = NULL;
	unsigned nextv[THREADS] = {0}, lines = 0;
	int i;
	(void)state;

	set_up(LOG_FMT_LOGFMT, LOG_L_INFO);
	capture_start(&c);
	/* One file offset for all: what O_APPEND, a pipe or a terminal do. */
	(void)lseek(STDERR_FILENO, 0, SEEK_SET);
	for (i = 0; i < THREADS; i++) {
		memset(namev[i], 'a' + i, sizeof(namev[i]) - 1);
		assert_int_equal(0, pthread_create(&tv[i], NULL, writer,
						   namev[i]));
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(tv[i], NULL);
	text = capture_stop(&c);

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), lines++) {
		char from[65];
		unsigned n;

		assert_int_equal(2, sscanf(after_time(line), "level=info "
					   "proc=node-1 msg=line from=%64s "
					   "n=%u", from, &n));
		i = from[0] - 'a';
		assert_in_range(i, 0, THREADS - 1);
		assert_string_equal(from, namev[i]);
		assert_int_equal(n, nextv[i]++);
	}
	assert_int_equal(lines, THREADS * LINES);
	free(text);
}

static void test_errno_kept(void **state)
{
	struct capture c;
	(void)state;

	set_up(LOG_FMT_LOGFMT, LOG_L_INFO);
	capture_start(&c);
	close(STDERR_FILENO); /* nobody to write to */
	errno = EAGAIN;
	log_info("x", LOG_U("a", 1));
	assert_int_equal(EAGAIN, errno);
	free(capture_stop(&c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logfmt),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_errno_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

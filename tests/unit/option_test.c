/* libs: sy_proto */
/* SPDX-License-Identifier: MIT */
#include <errno.h>
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

#include "proto/option.h"

static struct {
	const char *redis, *id, *level, *token;
	uint32_t workers;
	bool verbose;
} conf;

static int check_id(const char *val, const char **errp)
{
	*errp = "allowed: letters";
	return strspn(val, "abc") == strlen(val) ? 0 : EINVAL;
}

static const struct option_def defs[] = {
	{"redis", OPTION_STRING, &conf.redis, NULL, .metavar = "URL",
	 .help = "where Redis is", .required = true},
	{"id", OPTION_STRING, &conf.id, "a", .help = "our name",
	 .metavar = "NAME", .check = check_id},
	{"log-level", OPTION_CHOICE, &conf.level, "info",
	 .choices = "debug|info|warn|error", .help = "least level"},
	{"workers", OPTION_UINT, &conf.workers, "2", .min = 1, .max = 64,
	 .help = "threads"},
	{"admin-token", OPTION_STRING, &conf.token, "s3cret",
	 .secret = true, .help = "a token", .check = check_id},
	{"verbose", OPTION_FLAG, &conf.verbose, NULL, .help = "say more"},
};

enum { DEFC = sizeof(defs) / sizeof(defs[0]) };

static char out[8192], errtext[2048];

/* Run with arguments up to NULL; what was printed is in out and errtext. */
static int run_defs(const struct option_def *defv, size_t defc,
		    const char *arg, va_list ap)
{
	char *argv[16] = {"prog"};
	int argc = 1, err, saved[2] = {dup(1), dup(2)};
	FILE *f[2] = {tmpfile(), tmpfile()};
	size_t n;

	for (; arg; arg = va_arg(ap, const char *))
		argv[argc++] = (char *)arg;

	(void)fflush(stdout);
	(void)dup2(fileno(f[0]), 1);
	(void)dup2(fileno(f[1]), 2);
	err = option_read("switchyard-router", "the SIP edge", defv, defc,
			  argc, argv);
	(void)fflush(stdout);
	(void)dup2(saved[0], 1);
	(void)dup2(saved[1], 2);
	close(saved[0]);
	close(saved[1]);

	rewind(f[0]);
	n = fread(out, 1, sizeof(out) - 1, f[0]);
	out[n] = '\0';
	rewind(f[1]);
	n = fread(errtext, 1, sizeof(errtext) - 1, f[1]);
	errtext[n] = '\0';
	(void)fclose(f[0]);
	(void)fclose(f[1]);

	return err;
}

/* The token has a default (which its check would refuse) unless the
 * environment gives it. */
static int run(const char *arg, ...)
{
	struct option_def defv[DEFC];
	va_list ap;
	int err;

	memset(&conf, 0, sizeof(conf));
	memcpy(defv, defs, sizeof(defv));
	if (getenv("SWITCHYARD_ADMIN_TOKEN"))
		defv[4].def = NULL;
	else
		defv[4].check = NULL;

	va_start(ap, arg);
	err = run_defs(defv, DEFC, arg, ap);
	va_end(ap);

	return err;
}

static int clean_env(void **state)
{
	(void)state;
	unsetenv("SWITCHYARD_REDIS");
	unsetenv("SWITCHYARD_LOG_LEVEL");
	unsetenv("SWITCHYARD_WORKERS");
	unsetenv("SWITCHYARD_VERBOSE");
	unsetenv("SWITCHYARD_ADMIN_TOKEN");

	return 0;
}

#define assert_error(call, want)                                              \
	do {                                                                  \
		assert_int_equal(EINVAL, call);                               \
		assert_string_equal(errtext, "switchyard-router: " want "\n");\
		assert_string_equal(out, "");                                 \
	} while (0)

static void test_order(void **state)
{
	(void)state;
	assert_int_equal(0, run("--redis", "unix:///x", NULL));
	assert_string_equal("unix:///x", conf.redis);
	assert_string_equal("a", conf.id);
	assert_string_equal("info", conf.level);
	assert_int_equal(2, conf.workers);
	assert_false(conf.verbose);
	assert_string_equal("", errtext);

	setenv("SWITCHYARD_REDIS", "unix:///env", 1);
	setenv("SWITCHYARD_LOG_LEVEL", "warn", 1);
	setenv("SWITCHYARD_WORKERS", "3", 1);
	setenv("SWITCHYARD_VERBOSE", "yes", 1);
	assert_int_equal(0, run("--workers=4", "--id", "b", NULL));
	assert_string_equal("unix:///env", conf.redis);
	assert_string_equal("warn", conf.level);
	assert_int_equal(4, conf.workers);
	assert_string_equal("b", conf.id);
	assert_true(conf.verbose);

	assert_int_equal(0, run("--verbose=no", "--redis=", NULL));
	assert_false(conf.verbose);
	assert_string_equal("", conf.redis);

	/* Set but empty is not set. */
	setenv("SWITCHYARD_WORKERS", "", 1);
	assert_int_equal(0, run("--verbose", NULL));
	assert_int_equal(2, conf.workers);
	assert_true(conf.verbose);
}

static void test_unknown(void **state)
{
	(void)state;
	assert_error(run("--foo", NULL), "unknown option --foo (see --help)");
	assert_error(run("--foo=1", NULL), "unknown option --foo (see "
		     "--help)");
	assert_error(run("--rediss", "x", NULL), "unknown option --rediss, "
		     "did you mean --redis? (see --help)");
	assert_error(run("--loglevel", NULL), "unknown option --loglevel, did "
		     "you mean --log-level? (see --help)");
	assert_error(run("-v", NULL), "unknown option -v (see --help)");
	assert_error(run("x", NULL), "unexpected argument \"x\" (see "
		     "--help)");
	assert_error(run("--", NULL), "unexpected argument \"--\" (see "
		     "--help)");
	assert_error(run("", NULL), "unexpected argument \"\" (see --help)");
}

static void test_wrong(void **state)
{
	(void)state;
	assert_error(run(NULL), "--redis (or SWITCHYARD_REDIS) is required; "
		     "allowed: URL");
	assert_error(run("--workers", "65", NULL), "--workers: wrong value "
		     "\"65\"; allowed: a number from 1 to 64");
	assert_error(run("--workers", "0", NULL), "--workers: wrong value "
		     "\"0\"; allowed: a number from 1 to 64");
	assert_error(run("--workers", "-1", NULL), "--workers: wrong value "
		     "\"-1\"; allowed: a number from 1 to 64");
	assert_error(run("--workers", "99999999999999999999", NULL),
		     "--workers: wrong value \"99999999999999999999\"; "
		     "allowed: a number from 1 to 64");
	assert_error(run("--workers", "4x", NULL), "--workers: wrong value "
		     "\"4x\"; allowed: a number from 1 to 64");
	assert_error(run("--workers", NULL), "--workers needs a value; "
		     "allowed: a number from 1 to 64");
	assert_error(run("--redis", "--verbose", NULL), "--redis needs a "
		     "value; allowed: URL");
	assert_error(run("--log-level", "inf", NULL), "--log-level: wrong "
		     "value \"inf\"; allowed: debug|info|warn|error");
	assert_error(run("--id=x", NULL), "--id: wrong value \"x\"; allowed: "
		     "letters");
	assert_error(run("--verbose=2", NULL), "--verbose: wrong value \"2\"; "
		     "allowed: true, false");
	setenv("SWITCHYARD_LOG_LEVEL", "loud", 1);
	assert_error(run("--redis=x", NULL), "SWITCHYARD_LOG_LEVEL: wrong "
		     "value \"loud\"; allowed: debug|info|warn|error");
}

static void test_secret(void **state)
{
	(void)state;
	setenv("SWITCHYARD_ADMIN_TOKEN", "xyz-hidden", 1);
	assert_error(run("--redis=x", NULL), "SWITCHYARD_ADMIN_TOKEN: wrong "
		     "value; allowed: letters");
	unsetenv("SWITCHYARD_ADMIN_TOKEN");
	assert_int_equal(1, run("--help", NULL));
	assert_null(strstr(out, "s3cret"));
}

static void test_help(void **state)
{
	const char *line;
	size_t col = 0;
	(void)state;

	setenv("SWITCHYARD_WORKERS", "wrong", 1);
	assert_int_equal(1, run("--nonsense", "--help", NULL));
	assert_string_equal("", errtext);
	assert_non_null(strstr(out, "switchyard-router: the SIP edge\n"));
	assert_non_null(strstr(out, "[SWITCHYARD_REDIS, required]\n"));
	assert_non_null(strstr(out, "[SWITCHYARD_WORKERS, 1 to 64, default "
			       "2]\n"));
	assert_non_null(strstr(out, "[SWITCHYARD_LOG_LEVEL, default "
			       "info]\n"));
	assert_non_null(strstr(out, "[SWITCHYARD_VERBOSE]\n"));

	/* All help texts begin in one column. */
	for (line = strstr(out, "  --"); line; line = strstr(line, "\n  --")) {
		static const char *const texts[] = {
			"where Redis is", "our name", "threads", "a token",
			"say more", "print this", "print the version",
		};
		size_t i;

		line += *line == '\n';
		for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
			const char *eol = strchr(line, '\n');
			const char *p = strstr(line, texts[i]);

			if (!p || p > eol)
				continue;
			if (!col)
				col = (size_t)(p - line);
			assert_int_equal(col, p - line);
		}
	}
	assert_true(col > 10);
}

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(1, run("--version", NULL));
	assert_string_equal("switchyard-router " SY_VERSION "\n", out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_order, clean_env),
		cmocka_unit_test_setup(test_unknown, clean_env),
		cmocka_unit_test_setup(test_wrong, clean_env),
		cmocka_unit_test_setup(test_secret, clean_env),
		cmocka_unit_test_setup(test_help, clean_env),
		cmocka_unit_test_setup(test_version, clean_env),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

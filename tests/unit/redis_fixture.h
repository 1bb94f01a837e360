/* SPDX-License-Identifier: MIT */
/*
 * A redis-server of the test's own on a unix socket in a temporary folder,
 * and either event loop run until a condition holds.
 *
 *   static int setup(void **state) { return fixture_setup(state); }
 *   test(kind): cmocka_unit_test_prestate_setup_teardown(test,
 *		fixture_setup, fixture_teardown, &fixture_re)
 */

#ifndef SY_TESTS_UNIT_REDIS_FIXTURE_H
#define SY_TESTS_UNIT_REDIS_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include <uv.h>
#include "proto/loop.h"

enum { FIXTURE_TIMEOUT_MS = 20000 };

struct fixture {
	bool uv;              /* which loop                       */
	uv_loop_t uv_loop;
	struct loop *loop;
	pid_t pid;            /* of redis-server; 0: not running  */
	char dir[64];
	char sock[80];
	char url[96];         /* "unix:///..."                    */
	struct loop_timer *check;
	bool (*cond)(void *arg);
	void *cond_arg;
	uint64_t until_us;
	bool timed_out;
};

static bool fixture_re = false, fixture_uv = true;

/* ---------------------------------------------------------------- server */

/* extra: further arguments of redis-server, NULL-terminated, or NULL.
 * Returns when it said that it is ready. */
static inline void server_start_with(struct fixture *f,
				     const char *const *extra)
{
	const char *argv[24] = {"redis-server", "--port", "0", "--unixsocket",
				f->sock, "--save", "", "--dir", f->dir};
	char line[512];
	int fd[2], argc = 9;
	FILE *out;

	while (extra && *extra && argc < 23)
		argv[argc++] = *extra++;

	assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
	f->pid = fork();
	assert_true(f->pid >= 0);
	if (!f->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd[1], STDOUT_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(fd[1]);

	out = fdopen(fd[0], "r");
	assert_non_null(out);
	line[0] = '\0';
	while (fgets(line, sizeof(line), out)) {
		if (strstr(line, "ready to accept connections") ||
		    strstr(line, "The server is now ready"))
			break;
	}
	if (!strstr(line, "ready"))
		fail_msg("redis-server does not start: %s", line);
	fclose(out);
}

static inline void server_start(struct fixture *f)
{
	server_start_with(f, NULL);
}

static inline void server_signal(struct fixture *f, int sig)
{
	assert_true(f->pid > 0);
	assert_int_equal(kill(f->pid, sig), 0);
}

static inline void server_kill(struct fixture *f)
{
	if (f->pid <= 0)
		return;
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	f->pid = 0;
	unlink(f->sock);
}

/* A command by a connection apart, blocking; the reply as an integer, or -1
 * (nil, error), or the length of an array or string. */
static inline long long server_ask(struct fixture *f, const char *fmt, ...)
{
	struct timeval tv = {.tv_sec = 10};
	redisContext *c = redisConnectUnixWithTimeout(f->sock, tv);
	redisReply *reply;
	long long n = -1;
	va_list ap;

	assert_non_null(c);
	if (c->err)
		fail_msg("redis: %s", c->errstr);
	va_start(ap, fmt);
	reply = redisvCommand(c, fmt, ap);
	va_end(ap);
	assert_non_null(reply);
	if (reply->type == REDIS_REPLY_INTEGER)
		n = reply->integer;
	else if (reply->type == REDIS_REPLY_ARRAY)
		n = (long long)reply->elements;
	else if (reply->type == REDIS_REPLY_STRING)
		n = (long long)reply->len;
	else if (reply->type == REDIS_REPLY_STATUS)
		n = 0;
	freeReplyObject(reply);
	redisFree(c);

	return n;
}

/* ------------------------------------------------------------------ loop */

static inline void fixture_stop(struct fixture *f)
{
	f->check = mem_deref(f->check);
	if (f->uv)
		uv_stop(&f->uv_loop);
	else
		re_cancel();
}

static inline void fixture_check(void *arg)
{
	struct fixture *f = arg;

	f->check = mem_deref(f->check);
	f->timed_out = loop_now_us() > f->until_us;
	if (f->timed_out || f->cond(f->cond_arg))
		fixture_stop(f);
	else
		(void)loop_timer_start(&f->check, f->loop, 1, fixture_check,
				       f);
}

/* Run the loop until cond holds. @return false: it did not within limit_ms. */
static inline bool run_for(struct fixture *f, bool (*cond)(void *), void *arg,
			   uint32_t limit_ms)
{
	f->cond = cond;
	f->cond_arg = arg;
	f->until_us = loop_now_us() + 1000ull * limit_ms;
	assert_int_equal(loop_timer_start(&f->check, f->loop, 1,
					  fixture_check, f), 0);
	if (f->uv)
		uv_run(&f->uv_loop, UV_RUN_DEFAULT);
	else
		re_main(NULL);

	return !f->timed_out;
}

#define run_until(f, cond, arg)                                               \
	do {                                                                  \
		if (!run_for(f, cond, arg, FIXTURE_TIMEOUT_MS))               \
			fail_msg("%s: never came", #cond);                    \
	} while (0)

static inline bool is_nonzero(void *arg)
{
	return *(volatile int *)arg != 0;
}

/* One turn of the loop and what is due by now. */
static inline bool fixture_always(void *arg)
{
	(void)arg;
	return true;
}

/* --------------------------------------------------------------- fixture */

/* No server yet: folder and loop only. */
static inline int fixture_setup_bare(void **state)
{
	bool uv = *state ? *(bool *)*state : false;
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->uv = uv;
	strcpy(f->dir, "/tmp/sy-test-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->sock, sizeof(f->sock), "%s/redis.sock", f->dir);
	snprintf(f->url, sizeof(f->url), "unix://%s", f->sock);
	libre_init();
	if (uv) {
		uv_loop_init(&f->uv_loop);
		assert_int_equal(loop_uv_alloc(&f->loop, &f->uv_loop), 0);
	}
	else {
		assert_int_equal(loop_re_alloc(&f->loop), 0);
	}
	*state = f;

	return 0;
}

static inline int fixture_setup(void **state)
{
	fixture_setup_bare(state);
	server_start(*state);

	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	server_kill(f);
	if (f->uv) {
		/* close callbacks; what is left open is a leak */
		uv_run(&f->uv_loop, UV_RUN_NOWAIT);
		uv_run(&f->uv_loop, UV_RUN_NOWAIT);
		if (uv_loop_close(&f->uv_loop))
			fail_msg("handles left open on the libuv loop");
	}
	mem_deref(f->loop);
	libre_close();
	rmdir(f->dir);
	free(f);

	return 0;
}

/* Both loops. */
#define fixture_test(fn)                                                      \
	{#fn "/re", fn, fixture_setup, fixture_teardown, &fixture_re},        \
	{#fn "/uv", fn, fixture_setup, fixture_teardown, &fixture_uv}
#define fixture_test_re(fn)                                                   \
	{#fn, fn, fixture_setup, fixture_teardown, &fixture_re}

#endif

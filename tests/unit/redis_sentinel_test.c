/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
/* A master, its replica and a sentinel of the test's own, and who follows. */
#include "redis_fixture.h"
#include "test_port.h"
#include "proto/redis.h"

enum { PROCS = 4, MASTER = 0, REPLICA, SENTINEL, DEAF };

static pid_t pidv[PROCS];
static uint16_t portv[PROCS];

/* A server beside the fixture's. */
static pid_t spawn(const char *const *argv)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		int fd = open("/dev/null", O_WRONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}

	return pid;
}

/* A command by TCP, blocking; true if its reply has the text. */
static bool says(int who, const char *cmd, const char *text)
{
	struct timeval tv = {.tv_sec = 2};
	redisContext *c = redisConnectWithTimeout("127.0.0.1", portv[who],
						  tv);
	redisReply *r;
	bool found;

	if (who == SENTINEL && c && !c->err)
		freeReplyObject(redisCommand(c, "AUTH s3"));
	r = c && !c->err ? redisCommand(c, cmd) : NULL;
	found = r && r->str && strstr(r->str, text);

	if (r && r->type == REDIS_REPLY_ARRAY && r->elements &&
	    r->element[0]->str)
		found = strstr(r->element[0]->str, text) != NULL;
	if (r)
		freeReplyObject(r);
	redisFree(c);

	return found;
}

static void await(int who, const char *cmd, const char *text)
{
	for (int i = 0; i < 1000; i++) {
		if (says(who, cmd, text))
			return;
		usleep(20000);
	}
	fail_msg("%s: never said %s", cmd, text);
}

static void start_server(struct fixture *f, int who, int master)
{
	char port[8], of[8];
	const char *argv[] = {"redis-server", "--port", port, "--bind",
			      "127.0.0.1", "--save", "", "--dir", f->dir,
			      "--repl-diskless-sync-delay", "0",
			      master < 0 ? NULL : "--replicaof", "127.0.0.1",
			      of, NULL};

	snprintf(port, sizeof(port), "%u", portv[who]);
	snprintf(of, sizeof(of), "%u", master < 0 ? 0u : portv[master]);
	pidv[who] = spawn(argv);
	await(who, "PING", "PONG");
}

static void start_sentinel(struct fixture *f, const char *more)
{
	char path[128];
	const char *argv[] = {"redis-server", path, "--sentinel", NULL};
	FILE *out;

	snprintf(path, sizeof(path), "%s/sentinel.conf", f->dir);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "port %u\nbind 127.0.0.1\ndir %s\n"
		"sentinel monitor m 127.0.0.1 %u 1\n"
		"sentinel down-after-milliseconds m 500\n"
		"sentinel failover-timeout m 3000\n%s", portv[SENTINEL],
		f->dir, portv[MASTER], more);
	fclose(out);
	pidv[SENTINEL] = spawn(argv);
}

static int setup(void **state)
{
	struct fixture *f;
	const uint16_t base = test_port_base();

	fixture_setup_bare(state);
	f = *state;
	for (int i = 0; i < PROCS; i++)
		portv[i] = base + (uint16_t)i + (f->uv ? PROCS : 0);
	start_server(f, MASTER, -1);
	start_server(f, REPLICA, MASTER);
	await(REPLICA, "INFO replication", "master_link_status:up");

	return 0;
}

static void end(int who)
{
	if (pidv[who] <= 0)
		return;
	kill(pidv[who], SIGKILL);
	waitpid(pidv[who], NULL, 0);
	pidv[who] = 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[128];

	for (int i = 0; i < PROCS; i++)
		end(i);
	snprintf(path, sizeof(path), "%s/sentinel.conf", f->dir);
	unlink(path);

	return fixture_teardown(state);
}

/* ---------------------------------------------------------------- client */

struct client {
	struct redis *r;
	int up, ups, downs, down_err;
	int called, err;
	char text[64];
	int messages;
};

static void state_handler(bool up, int err, void *arg)
{
	struct client *c = arg;

	c->up = up;
	c->ups += up;
	c->downs += !up;
	if (!up)
		c->down_err = err;
}

static void reply_handler(int err, const redisReply *reply, void *arg)
{
	struct client *c = arg;

	c->called = 1;
	c->err = err;
	snprintf(c->text, sizeof(c->text), "%s",
		 reply && reply->str ? reply->str : "");
}

static void message_handler(const char *channel, const uint8_t *p, size_t len,
			    void *arg)
{
	struct client *c = arg;
	(void)channel;
	(void)p;
	(void)len;

	c->messages++;
}

static void ask(struct fixture *f, struct client *c, const char *cmd)
{
	c->called = 0;
	assert_int_equal(redis_command(c->r, 0, reply_handler, c, cmd), 0);
	run_until(f, is_nonzero, &c->called);
}

static bool moved(void *arg)
{
	const struct client *c = arg;

	return c[0].ups == 2 && c[0].up && c[1].ups == 2 && c[1].up;
}

static bool got_message(void *arg)
{
	return ((struct client *)arg)->messages > 0;
}

static void url_print(char *url, size_t size, const char *more)
{
	/* nobody listens at the first */
	snprintf(url, size, "redis+sentinel://127.0.0.1:%u,127.0.0.1:%u/m%s",
		 portv[DEAF], portv[SENTINEL], more);
}

/* The master dies: both kinds of connection come up at the replica. */
static void test_master_dies(void **state)
{
	struct fixture *f = *state;
	struct client c[2] = {{0}};
	char url[128];

	url_print(url, sizeof(url), "");
	assert_int_equal(redis_alloc(&c[0].r, f->loop, url, state_handler,
				     &c[0]), 0);
	assert_int_equal(redis_alloc(&c[1].r, f->loop, url, state_handler,
				     &c[1]), 0);
	assert_int_equal(redis_subscribe(c[1].r, "ch", message_handler,
					 &c[1]), 0);
	/* a sentinel that comes late */
	assert_false(run_for(f, is_nonzero, &c[0].up, 300));
	assert_int_not_equal(redis_error(c[0].r), 0);
	start_sentinel(f, "");
	run_until(f, is_nonzero, &c[0].up);
	run_until(f, is_nonzero, &c[1].up);
	assert_int_equal(redis_error(c[0].r), 0);
	await(SENTINEL, "INFO sentinel", "slaves=1");

	end(MASTER);
	run_until(f, moved, c);
	ask(f, &c[0], "ROLE");
	ask(f, &c[0], "SET k v");
	assert_int_equal(c[0].err, 0);
	assert_true(says(REPLICA, "GET k", "v"));
	ask(f, &c[0], "PUBLISH ch x");
	run_until(f, got_message, &c[1]);
	mem_deref(c[0].r);
	mem_deref(c[1].r);
}

/* It refuses until it knows the replica well. */
static bool failover_begins(void *arg)
{
	(void)arg;
	return says(SENTINEL, "SENTINEL failover m", "OK");
}

/* Both servers live: the old master is left although it answers. */
static void test_failover_by_hand(void **state)
{
	struct fixture *f = *state;
	struct client c[2] = {{0}};
	char url[128];

	start_sentinel(f, "requirepass s3\n");
	url_print(url, sizeof(url), "?sentinel_password=wrong");
	assert_int_equal(redis_alloc(&c[0].r, f->loop, url, state_handler,
				     &c[0]), 0);
	assert_false(run_for(f, is_nonzero, &c[0].up, 600));
	mem_deref(c[0].r);
	memset(c, 0, sizeof(c));

	url_print(url, sizeof(url), "?sentinel_password=s3");
	for (int i = 0; i < 2; i++)
		assert_int_equal(redis_alloc(&c[i].r, f->loop, url,
					     state_handler, &c[i]), 0);
	assert_int_equal(redis_subscribe(c[1].r, "ch", message_handler,
					 &c[1]), 0);
	run_until(f, is_nonzero, &c[0].up);
	run_until(f, is_nonzero, &c[1].up);
	run_until(f, failover_begins, NULL);
	run_until(f, moved, c);
	ask(f, &c[0], "SET k v");
	assert_int_equal(c[0].err, 0);
	assert_true(says(REPLICA, "ROLE", "master"));
	mem_deref(c[0].r);
	mem_deref(c[1].r);
}

/* -------------------------------------------------------------------- TLS */

static void tls_args(struct fixture *f, FILE *out, int who)
{
	fprintf(out, "port 0\ntls-port %u\nbind 127.0.0.1\ndir %s\n"
		"tls-cert-file %s/cert.pem\ntls-key-file %s/key.pem\n"
		"tls-ca-cert-file %s/cert.pem\ntls-auth-clients no\n"
		"tls-replication yes\n", portv[who], f->dir, f->dir, f->dir,
		f->dir);
}

static void start_tls(struct fixture *f, int who)
{
	char path[128];
	const char *argv[] = {"redis-server", path,
			      who == SENTINEL ? "--sentinel" : "--save",
			      who == SENTINEL ? NULL : "", NULL};
	FILE *out;

	snprintf(path, sizeof(path), "%s/tls%d.conf", f->dir, who);
	out = fopen(path, "w");
	assert_non_null(out);
	tls_args(f, out, who);
	if (who == SENTINEL)
		fprintf(out, "sentinel monitor m 127.0.0.1 %u 1\n",
			portv[MASTER]);
	fclose(out);
	pidv[who] = spawn(argv);
}

static void remove_files(struct fixture *f)
{
	static const char *const names[] = {"cert.pem", "key.pem",
					    "tls0.conf", "tls2.conf"};
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		unlink(path);
	}
}

static bool is_refused(void *r)
{
	return redis_error(r) == EKEYREJECTED;
}

/* TLS to the sentinels and to the master, both verified. */
static void test_tls(void **state)
{
	struct fixture *f = *state;
	struct client c = {0};
	char cmd[512], url[256];

	snprintf(cmd, sizeof(cmd),
		 "cd %s && openssl req -x509 -newkey ec -pkeyopt "
		 "ec_paramgen_curve:P-256 -nodes -keyout key.pem -out "
		 "cert.pem -days 2 -subj /CN=redis -addext "
		 "subjectAltName=IP:127.0.0.1 2>/dev/null", f->dir);
	assert_int_equal(system(cmd), 0);
	end(REPLICA);
	end(MASTER);
	start_tls(f, MASTER);
	start_tls(f, SENTINEL);

	snprintf(url, sizeof(url), "rediss+sentinel://127.0.0.1:%u/m"
		 "?cafile=%s/cert.pem", portv[SENTINEL], f->dir);
	assert_int_equal(redis_alloc(&c.r, f->loop, url, state_handler, &c),
			 0);
	run_until(f, is_nonzero, &c.up);
	ask(f, &c, "SET k v");
	assert_int_equal(c.err, 0);
	mem_deref(c.r);

	memset(&c, 0, sizeof(c)); /* nobody vouches for it */
	snprintf(url, sizeof(url), "rediss+sentinel://127.0.0.1:%u/m",
		 portv[SENTINEL]);
	assert_int_equal(redis_alloc(&c.r, f->loop, url, state_handler, &c),
			 0);
	run_until(f, is_refused, c.r);
	assert_false(c.up);
	mem_deref(c.r);
	end(SENTINEL); /* it writes its file to the last */
	remove_files(f);
}

/* ------------------------------------------------- a server made a replica */

static void test_unknown_master(void **state)
{
	struct fixture *f = *state;
	struct client c = {0};
	char url[128];

	start_sentinel(f, "");
	await(SENTINEL, "PING", "PONG");
	snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:%u/other",
		 portv[SENTINEL]);
	assert_int_equal(redis_alloc(&c.r, f->loop, url, state_handler, &c),
			 0);
	assert_false(run_for(f, is_nonzero, &c.up, 500));
	assert_int_equal(redis_error(c.r), ENXIO);
	mem_deref(c.r);
}

/* Without sentinels: a replica is never up; a master that becomes one is left
 * with its first refusal, and taken again. */
static void test_role(void **state)
{
	struct fixture *f = *state;
	struct client c = {0}, replica = {0};
	char url[64];

	snprintf(url, sizeof(url), "redis://127.0.0.1:%u", portv[REPLICA]);
	assert_int_equal(redis_alloc(&replica.r, f->loop, url, state_handler,
				     &replica), 0);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u", portv[MASTER]);
	assert_int_equal(redis_alloc(&c.r, f->loop, url, state_handler, &c),
			 0);
	run_until(f, is_nonzero, &c.up);
	assert_false(run_for(f, is_nonzero, &replica.up, 300));
	assert_int_equal(redis_error(replica.r), EROFS);

	assert_true(says(REPLICA, "REPLICAOF NO ONE", "OK"));
	run_until(f, is_nonzero, &replica.up);
	snprintf(url, sizeof(url), "REPLICAOF 127.0.0.1 %u", portv[REPLICA]);
	assert_true(says(MASTER, url, "OK"));
	ask(f, &c, "SET k v");
	assert_int_equal(c.err, EAGAIN);
	assert_int_equal(strncmp(c.text, "READONLY", 8), 0);
	assert_int_equal(c.downs, 1);
	assert_int_equal(c.down_err, EROFS);
	assert_true(says(MASTER, "REPLICAOF NO ONE", "OK"));
	run_until(f, is_nonzero, &c.up);
	mem_deref(c.r);
	mem_deref(replica.r);
}

#define both(fn)                                                              \
	{#fn "/re", fn, setup, teardown, &fixture_re},                        \
	{#fn "/uv", fn, setup, teardown, &fixture_uv}

int main(void)
{
	const struct CMUnitTest tests[] = {
		both(test_master_dies),
		both(test_failover_by_hand),
		both(test_unknown_master),
		both(test_role),
		both(test_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

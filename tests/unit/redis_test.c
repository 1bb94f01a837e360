/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "proto/redis.h"

/* What a connection and its commands told. */
struct client {
	struct fixture *f;
	struct redis *r;
	int up, ups, downs;
	int calls;            /* reply handlers called         */
	int want;             /* calls that a test waits for   */
	int err;              /* of the last reply             */
	int down_err;
	long long num;        /* integer of the last reply     */
	char text[128];       /* text of the last reply        */
	bool inside;          /* within redis_command()        */
	int messages;
	char channel[64];
	uint8_t msg[64];
	size_t msglen;
};

static void state_handler(bool up, int err, void *arg)
{
	struct client *c = arg;

	c->up = up;
	if (up) {
		c->ups++;
	}
	else {
		c->downs++;
		c->down_err = err;
	}
}

static void reply_handler(int err, const redisReply *reply, void *arg)
{
	struct client *c = arg;

	assert_false(c->inside);
	c->calls++;
	c->err = err;
	c->text[0] = '\0';
	c->num = -1;
	if (reply && reply->type == REDIS_REPLY_INTEGER)
		c->num = reply->integer;
	if (reply && reply->str)
		snprintf(c->text, sizeof(c->text), "%s", reply->str);
}

static bool is_down(void *arg)
{
	return !((struct client *)arg)->up;
}

static bool all_called(void *arg)
{
	const struct client *c = arg;

	return c->calls >= c->want;
}

static bool got_message(void *arg)
{
	return ((struct client *)arg)->messages > 0;
}

static void client_open(struct client *c, struct fixture *f, const char *url)
{
	memset(c, 0, sizeof(*c));
	c->f = f;
	assert_int_equal(redis_alloc(&c->r, f->loop, url, state_handler, c),
			 0);
	assert_false(redis_is_up(c->r));
}

static void client_up(struct client *c, struct fixture *f, const char *url)
{
	client_open(c, f, url);
	run_until(f, is_nonzero, &c->up);
	assert_true(redis_is_up(c->r));
}

static int send_text(struct client *c, const char *text, uint32_t deadline_ms)
{
	int err;

	c->inside = true;
	c->want++;
	err = redis_command(c->r, deadline_ms, reply_handler, c, "ECHO %s",
			    text);
	c->inside = false;

	return err;
}

static void echo_ok(struct client *c, const char *text)
{
	assert_int_equal(send_text(c, text, 0), 0);
	run_until(c->f, all_called, c);
	assert_int_equal(c->err, 0);
	assert_string_equal(c->text, text);
}

/* ------------------------------------------------------------------- URL */

static void test_url(void **state)
{
	static const char *const good[] = {
		"redis://localhost", "redis://127.0.0.1:7000",
		"redis://[::1]:7000/3", "redis://[::1]", "redis://h/0",
		"redis://u:p@h:1/1", "redis://:p@h", "redis://u:p%40%3a@h",
		"rediss://h", "rediss://h?insecure=1",
		"rediss://h:1/2?cafile=/etc/ca.pem", "unix:///tmp/s",
		"unix:///tmp/s?db=2&user=u&password=p",
		"redis+sentinel://h/m", "redis+sentinel://h:1,[::1],h3:3/m/2",
		"rediss+sentinel://u:p@h/m?cafile=/c&sentinel_password=x",
		"redis+sentinel://h/m?db=3&sentinel_user=u",
	};
	static const char *const bad[] = {
		"", "h", "http://h", "redis:/h", "redis://", "redis://:7000",
		"redis://h:", "redis://h:0", "redis://h:65536",
		"redis://h:12x", "redis://h/x", "redis://h/1/2",
		"redis://[::1", "redis://[::1]x", "redis://u:%zz@h",
		"redis://u:p%4@h", "redis://h?what=1", "unix://tmp/s",
		"unix://", "unix:///s?db=x", "unix:///s?nothing",
		"redis+sentinel://", "redis+sentinel://h",
		"redis+sentinel://h/", "redis+sentinel://h,/m",
		"redis+sentinel:///m", "redis+sentinel://h:x/m",
		"redis+sentinel://h/m/x", "redis+sentinel://h/m?what=1",
		"redis://h?sentinel_password=x",
		"redis+sentinel://a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a/m",
	};
	struct redis *r = NULL;
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		const char *text = NULL;

		if (redis_url_check(good[i], &text))
			fail_msg("%s: %s", good[i], text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *text = NULL;

		if (!redis_url_check(bad[i], &text))
			fail_msg("taken for a URL: '%s'", bad[i]);
		assert_non_null(text);
		assert_int_equal(redis_alloc(&r, f->loop, bad[i], NULL, NULL),
				 EINVAL);
		assert_null(r);
	}
	assert_int_equal(redis_url_check(NULL, NULL), EINVAL);
}

/* -------------------------------------------------------------- commands */

static void test_command(void **state)
{
	struct fixture *f = *state;
	struct redis_stat st;
	struct client c;

	client_open(&c, f, f->url);
	assert_int_equal(send_text(&c, "too early", 0), ENOTCONN);
	c.want = 0;
	run_until(f, is_nonzero, &c.up);

	echo_ok(&c, "hello");
	assert_int_equal(redis_command(c.r, 0, reply_handler, &c,
				       "NO SUCH COMMAND"), 0);
	c.want++;
	run_until(f, all_called, &c);
	assert_int_equal(c.err, EPROTO);
	assert_non_null(strstr(c.text, "unknown command"));

	/* nobody wants the reply; the next one is not mistaken for it */
	assert_int_equal(redis_command(c.r, 0, NULL, NULL, "SET k v"), 0);
	echo_ok(&c, "next");
	redis_stat(c.r, &st);
	assert_int_equal(st.errors, 1);
	assert_int_equal(st.connects, 1);
	assert_int_equal(st.pending, 0);
	assert_int_equal(st.timeouts, 0);
	assert_true(st.commands >= 4);
	mem_deref(c.r);
}

/* Replies come in order, whatever the number and the size. */
static void order_handler(int err, const redisReply *reply, void *arg)
{
	struct client *c = arg;

	assert_int_equal(err, 0);
	assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
	assert_int_equal(reply->integer, ++c->calls);
}

static void test_pipeline(void **state)
{
	struct fixture *f = *state;
	struct client c;

	client_up(&c, f, f->url);
	c.want = 20000;
	for (int i = 0; i < c.want; i++)
		assert_int_equal(redis_command(c.r, 0, order_handler, &c,
					       "INCR n"), 0);
	assert_int_equal(c.calls, 0);
	run_until(f, all_called, &c);
	assert_int_equal(c.calls, 20000);
	mem_deref(c.r);
}

static void big_handler(int err, const redisReply *reply, void *arg)
{
	struct client *c = arg;

	assert_int_equal(err, 0);
	assert_int_equal(reply->len, 3 << 20);
	for (size_t i = 0; i < (size_t)reply->len; i++) {
		if ((uint8_t)reply->str[i] != (uint8_t)(i * 7))
			fail_msg("byte %zu differs", i);
	}
	c->calls++;
}

static void test_binary_and_big(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"SET", "big", NULL};
	size_t len = 3 << 20, lenv[] = {3, 3, len};
	uint8_t *p = malloc(len);
	struct client c;

	assert_non_null(p);
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7);
	argv[2] = (char *)p;
	client_up(&c, f, f->url);
	c.want = 2;
	assert_int_equal(redis_command_argv(c.r, 0, reply_handler, &c, 3,
					    argv, lenv), 0);
	free(p); /* was borrowed for the call */
	assert_int_equal(redis_command(c.r, 0, big_handler, &c, "GET big"),
			 0);
	run_until(f, all_called, &c);
	mem_deref(c.r);
}

static void test_backlog(void **state)
{
	struct fixture *f = *state;
	const char *argv[] = {"SET", "big", NULL};
	size_t len = 8 << 20, lenv[] = {3, 3, len};
	struct client c;
	int err = 0, n;

	argv[2] = calloc(1, len);
	assert_non_null(argv[2]);
	client_up(&c, f, f->url);
	for (n = 0; n < 9 && !err; n++)
		err = redis_command_argv(c.r, 0, reply_handler, &c, 3, argv,
					 lenv);
	assert_int_equal(err, ENOBUFS);
	assert_int_equal(n, 8); /* the eighth, with what is around it */
	free((void *)argv[2]);

	/* what was taken is carried out; the refused one left no trace */
	c.want = n - 1;
	run_until(f, all_called, &c);
	echo_ok(&c, "after");
	mem_deref(c.r);
}

/* -------------------------------------------------------- loss, recovery */

static void test_kill_and_restart(void **state)
{
	struct fixture *f = *state;
	struct redis_stat st;
	struct client c;

	client_up(&c, f, f->url);
	server_signal(f, SIGSTOP);
	for (int i = 0; i < 10; i++)
		assert_int_equal(send_text(&c, "lost", 0), 0);
	server_kill(f);
	run_until(f, is_down, &c);
	assert_int_equal(c.calls, 10);
	assert_int_equal(c.err, ENOTCONN);
	assert_int_equal(c.downs, 1);
	assert_int_not_equal(c.down_err, 0);
	assert_false(redis_is_up(c.r));
	assert_int_equal(send_text(&c, "none", 0), ENOTCONN);
	c.want--;

	server_start(f);
	run_until(f, is_nonzero, &c.up);
	echo_ok(&c, "again");
	assert_int_equal(c.ups, 2);
	redis_stat(c.r, &st);
	assert_int_equal(st.connects, 2);
	assert_int_equal(st.disconnects, 1);
	mem_deref(c.r);
}

/* However long it was away: found soon after it is there again, and without a
 * storm of attempts meanwhile. */
static void test_back_soon(void **state)
{
	struct fixture *f = *state;
	uint64_t start;
	struct client c;

	client_up(&c, f, f->url);
	server_kill(f);
	run_until(f, is_down, &c);
	assert_false(run_for(f, is_nonzero, &c.up, 2000));
	server_start(f);
	start = loop_now_us();
	run_until(f, is_nonzero, &c.up);
	/* 200 ms, and what a busy machine adds */
	assert_true(loop_now_us() - start < 400000);
	mem_deref(c.r);
}

static void test_server_comes_late(void **state)
{
	struct fixture *f = *state;
	struct client c;

	server_kill(f);
	client_open(&c, f, f->url);
	assert_false(run_for(f, is_nonzero, &c.up, 300));
	server_start(f);
	run_until(f, is_nonzero, &c.up);
	assert_int_equal(c.downs, 0);
	echo_ok(&c, "late");
	mem_deref(c.r);
}

/* A stalled server: ETIMEDOUT at the deadline; the late reply is dropped. */
static void test_deadline(void **state)
{
	struct fixture *f = *state;
	uint64_t start;
	struct redis_stat st;
	struct client c;

	client_up(&c, f, f->url);
	server_signal(f, SIGSTOP);
	start = loop_now_us();
	assert_int_equal(send_text(&c, "slow", 100), 0);
	run_until(f, all_called, &c);
	assert_int_equal(c.err, ETIMEDOUT);
	assert_true(loop_now_us() - start >= 100000);
	assert_true(c.up);
	redis_stat(c.r, &st);
	assert_int_equal(st.timeouts, 1);

	server_signal(f, SIGCONT);
	echo_ok(&c, "own reply");
	assert_int_equal(c.calls, 2);
	assert_int_equal(c.downs, 0);
	mem_deref(c.r);
}

/* It is us who stand still beyond the deadline: the reply is there by then, and
 * is read before anything is called late. */
static void test_deadline_stalled(void **state)
{
	struct fixture *f = *state;
	struct redis_stat st;
	struct client c;

	client_up(&c, f, f->url);
	server_signal(f, SIGSTOP);
	assert_int_equal(send_text(&c, "in time", 500), 0);
	assert_false(run_for(f, all_called, &c, 200));
	server_signal(f, SIGCONT);
	usleep(3000000);
	run_until(f, all_called, &c);
	assert_int_equal(c.err, 0);
	assert_string_equal(c.text, "in time");
	redis_stat(c.r, &st);
	assert_int_equal(st.timeouts, 0);
	assert_int_equal(c.downs, 0);
	mem_deref(c.r);
}

static bool both_down(void *arg)
{
	struct client *c = arg;

	return !c[0].up && !c[1].up;
}

static bool both_up(void *arg)
{
	struct client *c = arg;

	return c[0].up && c[1].up;
}

static void message_handler(const char *channel, const uint8_t *p, size_t len,
			    void *arg)
{
	struct client *c = arg;

	c->messages++;
	snprintf(c->channel, sizeof(c->channel), "%s", channel);
	c->msglen = len < sizeof(c->msg) ? len : sizeof(c->msg);
	memcpy(c->msg, p, c->msglen);
}

/* Dead but open: no byte comes, no error either.  Both kinds of connection
 * notice, and recover. */
static void test_dead_but_open(void **state)
{
	struct fixture *f = *state;
	struct client c[2];

	client_up(&c[0], f, f->url);
	client_open(&c[1], f, f->url);
	assert_int_equal(redis_subscribe(c[1].r, "ch", message_handler,
					 &c[1]), 0);
	run_until(f, is_nonzero, &c[1].up);

	server_signal(f, SIGSTOP);
	assert_int_equal(send_text(&c[0], "stalled", 0), 0);
	run_until(f, both_down, c);
	assert_int_equal(c[0].err, ETIMEDOUT);
	assert_int_equal(c[0].down_err, ETIMEDOUT);
	assert_int_equal(c[1].down_err, ETIMEDOUT);

	/* a stopped server accepts, but does not greet */
	assert_false(run_for(f, is_nonzero, &c[0].up, 300));
	server_signal(f, SIGCONT);
	run_until(f, both_up, c);
	echo_ok(&c[0], "recovered");
	assert_int_equal(server_ask(f, "PUBLISH ch x"), 1);
	run_until(f, got_message, &c[1]);
	mem_deref(c[0].r);
	mem_deref(c[1].r);
}

/* --------------------------------------------------------------- pub/sub */

static bool subscribed(void *arg)
{
	return server_ask(arg, "PUBLISH a probe") == 1;
}

static void test_subscribe(void **state)
{
	struct fixture *f = *state;
	struct client c, other = {0};
	static const uint8_t bin[] = {0, 255, 10, 13, 0, 1};

	client_up(&c, f, f->url);
	assert_int_equal(redis_subscribe(c.r, "a", message_handler, &c), 0);
	assert_int_equal(redis_subscribe(c.r, "b", message_handler, &other),
			 0);
	assert_int_equal(redis_subscribe(c.r, "a", message_handler, &c),
			 EINVAL);
	assert_int_equal(redis_command(c.r, 0, NULL, NULL, "PING"), EINVAL);
	run_until(f, subscribed, f);
	run_until(f, got_message, &c);

	c.messages = 0;
	assert_int_equal(server_ask(f, "PUBLISH a %b", bin, sizeof(bin)), 1);
	run_until(f, got_message, &c);
	assert_string_equal(c.channel, "a");
	assert_int_equal(c.msglen, sizeof(bin));
	assert_memory_equal(c.msg, bin, sizeof(bin));
	assert_int_equal(other.messages, 0);
	assert_int_equal(server_ask(f, "PUBLISH b x"), 1);
	run_until(f, got_message, &other);

	/* after a restart: subscribed again by itself, to both */
	server_kill(f);
	run_until(f, is_down, &c);
	server_start(f);
	run_until(f, is_nonzero, &c.up);
	c.messages = other.messages = 0;
	run_until(f, subscribed, f);
	assert_int_equal(server_ask(f, "PUBLISH b x"), 1);
	run_until(f, got_message, &other);
	mem_deref(c.r);
}

static bool unsubscribed(void *arg)
{
	return server_ask(arg, "PUBLISH a probe") == 0;
}

static void test_unsubscribe(void **state)
{
	struct fixture *f = *state;
	struct client c;

	client_up(&c, f, f->url);
	assert_int_equal(redis_subscribe(c.r, "a", message_handler, &c), 0);
	run_until(f, subscribed, f);
	assert_int_equal(redis_unsubscribe(c.r, "a"), 0);
	assert_int_not_equal(redis_unsubscribe(c.r, "a"), 0);
	run_until(f, unsubscribed, f);
	c.messages = 0;
	assert_int_equal(server_ask(f, "PUBLISH a x"), 0);
	run_until(f, fixture_always, NULL);
	assert_int_equal(c.messages, 0);
	assert_int_equal(redis_subscribe(c.r, "a", message_handler, &c), 0);
	run_until(f, subscribed, f);
	run_until(f, got_message, &c);
	mem_deref(c.r);
}

/* ------------------------------------------- freed within its own handler */

struct freer {
	struct redis *r;
	int calls;
	int gone;
};

static void free_reply(int err, const redisReply *reply, void *arg)
{
	struct freer *fr = arg;
	(void)err;
	(void)reply;

	fr->calls++;
	fr->r = mem_deref(fr->r);
	fr->gone = 1;
}

static void free_message(const char *channel, const uint8_t *p, size_t len,
			 void *arg)
{
	(void)channel;
	(void)p;
	(void)len;
	free_reply(0, NULL, arg);
}

static void free_state_up(bool up, int err, void *arg)
{
	if (up)
		free_reply(err, NULL, arg);
}

static void free_state_down(bool up, int err, void *arg)
{
	if (!up)
		free_reply(err, NULL, arg);
}

static bool freer_up(void *arg)
{
	const struct freer *fr = arg;

	return redis_is_up(fr->r);
}

static void freer_open(struct freer *fr, struct fixture *f, redis_state_h *h)
{
	memset(fr, 0, sizeof(*fr));
	assert_int_equal(redis_alloc(&fr->r, f->loop, f->url, h, fr), 0);
	if (h != free_state_up)
		run_until(f, freer_up, fr);
}

/* Many commands, one answered, lost or past its deadline: whoever lets go of
 * the connection then is not called again. */
static void test_free_within(void **state)
{
	struct fixture *f = *state;
	struct freer fr;

	for (int how = 0; how < 3; how++) { /* reply, loss, deadline */
		freer_open(&fr, f, free_state_down);
		if (how)
			server_signal(f, SIGSTOP);
		for (int i = 0; i < 5; i++)
			assert_int_equal(redis_command(fr.r, how == 2 ? 50 : 0,
						       free_reply, &fr,
						       "PING"), 0);
		if (how == 1)
			server_kill(f);
		run_until(f, is_nonzero, &fr.gone);
		run_until(f, fixture_always, NULL);
		assert_int_equal(fr.calls, 1);
		if (how == 1)
			server_start(f);
		else if (how == 2)
			server_signal(f, SIGCONT);
	}

	freer_open(&fr, f, free_state_up);
	run_until(f, is_nonzero, &fr.gone);

	freer_open(&fr, f, free_state_down);
	server_kill(f);
	run_until(f, is_nonzero, &fr.gone);
	assert_int_equal(fr.calls, 1);
	server_start(f);

	freer_open(&fr, f, NULL);
	assert_int_equal(redis_subscribe(fr.r, "a", free_message, &fr), 0);
	run_until(f, subscribed, f);
	run_until(f, is_nonzero, &fr.gone);
	assert_int_equal(fr.calls, 1);
}

/* Lets go with commands under way: their handlers stay silent. */
static void test_free_pending(void **state)
{
	struct fixture *f = *state;
	struct client c;

	client_up(&c, f, f->url);
	assert_int_equal(send_text(&c, "x", 0), 0);
	mem_deref(c.r);
	run_until(f, fixture_always, NULL);
	assert_int_equal(c.calls, 0);
	assert_int_equal(c.downs, 0);
}

/* ---------------------------------------------------------- AUTH, SELECT */

static void test_auth(void **state)
{
	static const char *const extra[] = {"--requirepass", "pa:ss@/",
					    "--user", "joe", "on", ">secret",
					    "~*", "+@all", NULL};
	struct fixture *f = *state;
	struct client c;
	char url[200];

	server_kill(f);
	server_start_with(f, extra);
	snprintf(url, sizeof(url), "%s?password=pa:ss%%40/&db=3", f->url);
	client_up(&c, f, url);
	echo_ok(&c, "in");
	assert_int_equal(redis_command(c.r, 0, reply_handler, &c,
				       "CLIENT INFO"), 0);
	c.want++;
	run_until(f, all_called, &c);
	assert_int_equal(c.err, 0);
	assert_int_equal(redis_command(c.r, 0, reply_handler, &c, "SET k v"),
			 0);
	mem_deref(c.r);

	snprintf(url, sizeof(url), "%s?user=joe&password=secret", f->url);
	client_up(&c, f, url);
	/* database 0: what was written to 3 is not here */
	assert_int_equal(redis_command(c.r, 0, reply_handler, &c,
				       "EXISTS k"), 0);
	c.want++;
	run_until(f, all_called, &c);
	assert_int_equal(c.num, 0);
	mem_deref(c.r);

	snprintf(url, sizeof(url), "%s?user=joe&password=wrong", f->url);
	client_open(&c, f, url);
	assert_false(run_for(f, is_nonzero, &c.up, 300));
	mem_deref(c.r);

	client_open(&c, f, f->url); /* without any */
	assert_false(run_for(f, is_nonzero, &c.up, 300));
	mem_deref(c.r);
}

/* -------------------------------------------------------------- TCP, TLS */

static unsigned free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (void *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (void *)&sin, &len), 0);
	close(fd);

	return ntohs(sin.sin_port);
}

/* A bare system may have no /etc/hosts, and so not even this name. */
static bool has_localhost(void)
{
	struct addrinfo *ai = NULL;
	bool found = !getaddrinfo("localhost", NULL, NULL, &ai);

	if (found)
		freeaddrinfo(ai);
	else
		print_message("no name 'localhost' here: names left out\n");

	return found;
}

static void test_tcp(void **state)
{
	struct fixture *f = *state;
	unsigned port = free_port();
	struct client c;
	char text[8], url[64];
	const char *const extra[] = {"--port", text, "--bind", "127.0.0.1",
				     NULL};

	snprintf(text, sizeof(text), "%u", port);
	server_kill(f);
	server_start_with(f, extra);
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u/1", port);
	client_up(&c, f, url);
	echo_ok(&c, "tcp");
	mem_deref(c.r);

	/* a name, whose first address may be ::1, where nobody listens */
	if (!has_localhost())
		return;
	snprintf(url, sizeof(url), "redis://localhost:%u", port);
	client_up(&c, f, url);
	echo_ok(&c, "by name");
	mem_deref(c.r);
}

static void make_cert(const struct fixture *f)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "cd %s && openssl req -x509 -newkey ec -pkeyopt "
		 "ec_paramgen_curve:P-256 -nodes -keyout key.pem -out "
		 "cert.pem -days 2 -subj /CN=localhost -addext "
		 "subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null",
		 f->dir);
	assert_int_equal(system(cmd), 0);
}

static void remove_file(const struct fixture *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	unlink(path);
}

static void test_tls(void **state)
{
	struct fixture *f = *state;
	unsigned port = free_port();
	struct client c;
	char text[8], url[256], cert[80], key[80];
	const char *const extra[] = {
		"--tls-port", text, "--bind", "127.0.0.1", "--tls-cert-file",
		cert, "--tls-key-file", key, "--tls-ca-cert-file", cert,
		"--tls-auth-clients", "no", NULL};
	/* %u and %s: which of them get in */
	static const struct {
		const char *fmt;
		bool up;
	} v[] = {
		{"rediss://127.0.0.1:%u?cafile=%s/cert.pem", true},
		{"rediss://localhost:%u?cafile=%s/cert.pem", true},
		{"rediss://127.0.0.1:%u?insecure=1", true},
		{"rediss://127.0.0.1:%u", false},        /* unknown CA */
		{"rediss://127.0.0.2:%u?cafile=%s/cert.pem", false},
		{"rediss://127.0.0.1:%u?cafile=%s/none.pem", false},
		{"redis://127.0.0.1:%u", false},         /* no TLS     */
	};

	make_cert(f);
	snprintf(text, sizeof(text), "%u", port);
	snprintf(cert, sizeof(cert), "%s/cert.pem", f->dir);
	snprintf(key, sizeof(key), "%s/key.pem", f->dir);
	server_kill(f);
	server_start_with(f, extra);

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(url, sizeof(url), v[i].fmt, port, f->dir);
#pragma GCC diagnostic pop
		if (strstr(url, "localhost") && !has_localhost())
			continue;
		client_open(&c, f, url);
		if (v[i].up) {
			run_until(f, is_nonzero, &c.up);
			echo_ok(&c, "tls");
			c.want = 2001;
			for (int n = 0; n < 2000; n++)
				assert_int_equal(redis_command(c.r, 0,
					reply_handler, &c, "ECHO %s", url),
						 0);
			run_until(f, all_called, &c);
		}
		else if (run_for(f, is_nonzero, &c.up, 200)) {
			fail_msg("%s: let in", url);
		}
		mem_deref(c.r);
	}
	remove_file(f, "cert.pem");
	remove_file(f, "key.pem");
}

/* A name that the certificate does not bear. */
static void test_tls_wrong_name(void **state)
{
	struct fixture *f = *state;
	unsigned port = free_port();
	struct client c;
	char text[8], url[256], cert[80], key[80];
	const char *const extra[] = {
		"--tls-port", text, "--bind", "127.0.0.1", "127.0.0.2",
		"--tls-cert-file", cert, "--tls-key-file", key,
		"--tls-ca-cert-file", cert, "--tls-auth-clients", "no", NULL};

	make_cert(f);
	snprintf(text, sizeof(text), "%u", port);
	snprintf(cert, sizeof(cert), "%s/cert.pem", f->dir);
	snprintf(key, sizeof(key), "%s/key.pem", f->dir);
	server_kill(f);
	server_start_with(f, extra);
	snprintf(url, sizeof(url), "rediss://127.0.0.2:%u?insecure=1", port);
	client_up(&c, f, url);
	mem_deref(c.r);
	snprintf(url, sizeof(url), "rediss://127.0.0.2:%u?cafile=%s", port,
		 cert);
	client_open(&c, f, url);
	assert_false(run_for(f, is_nonzero, &c.up, 300));
	mem_deref(c.r);
	remove_file(f, "cert.pem");
	remove_file(f, "key.pem");
}

/* ------------------------------------------------------ not a real server */

struct impostor {
	struct loop_io *io, *conn_io;
	struct fixture *f;
	const char *say;
	int fd, conn;
	int accepts;
};

static void impostor_read(int events, void *arg)
{
	struct impostor *im = arg;
	char buf[256];
	(void)events;

	if (recv(im->conn, buf, sizeof(buf), 0) > 0) {
		/* one byte at a time would do as well */
		(void)!write(im->conn, im->say, strlen(im->say));
	}
	else {
		im->conn_io = mem_deref(im->conn_io);
		close(im->conn);
		im->conn = -1;
	}
}

static void impostor_accept(int events, void *arg)
{
	struct impostor *im = arg;
	(void)events;

	im->conn_io = mem_deref(im->conn_io);
	if (im->conn >= 0)
		close(im->conn);
	im->conn = accept4(im->fd, NULL, NULL, SOCK_NONBLOCK);
	im->accepts++;
	assert_int_equal(loop_io_start(&im->conn_io, im->f->loop, im->conn,
				       LOOP_READ, impostor_read, im), 0);
}

static bool came_again(void *arg)
{
	return ((struct impostor *)arg)->accepts >= 3;
}

/* A server that greets and then talks nonsense, to many commands at once:
 * the first handler lets go of all. */
static void impostor_open(struct impostor *im, struct fixture *f)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	memset(im, 0, sizeof(*im));
	im->f = f;
	im->conn = -1;
	server_kill(f);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", f->sock);
	im->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(im->fd, (void *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(im->fd, 5), 0);
	assert_int_equal(loop_io_start(&im->io, f->loop, im->fd, LOOP_READ,
				       impostor_accept, im), 0);
}

static void impostor_close(struct impostor *im)
{
	mem_deref(im->conn_io);
	mem_deref(im->io);
	if (im->conn >= 0)
		close(im->conn);
	close(im->fd);
	unlink(im->f->sock);
}

static void test_nonsense(void **state)
{
	struct fixture *f = *state;
	/* one that will not tell its role */
	static const char greeting[] = "+PONG\r\n-ERR unknown command\r\n";
	struct impostor im;
	struct client c;
	struct freer fr;

	impostor_open(&im, f);
	im.say = greeting;
	client_up(&c, f, f->url);
	im.say = "what?\r\n";
	assert_int_equal(send_text(&c, "x", 0), 0);
	assert_int_equal(send_text(&c, "y", 0), 0);
	run_until(f, is_down, &c);
	assert_int_equal(c.calls, 2);
	assert_int_equal(c.err, ENOTCONN);
	assert_int_equal(c.down_err, EBADMSG);
	mem_deref(c.r);

	im.say = greeting;
	freer_open(&fr, f, free_state_down);
	im.say = "what?\r\n";
	for (int i = 0; i < 5; i++)
		assert_int_equal(redis_command(fr.r, 0, free_reply, &fr,
					       "PING"), 0);
	run_until(f, is_nonzero, &fr.gone);
	run_until(f, fixture_always, NULL);
	assert_int_equal(fr.calls, 1);
	impostor_close(&im);
}

/* Whatever it says: the connection is given up and tried again. */
static void test_impostor(void **state)
{
	static const char *const says[] = {
		"HTTP/1.1 400 Bad Request\r\n\r\n",
		"-LOADING Redis is loading the dataset in memory\r\n",
		"-NOAUTH Authentication required.\r\n",
		"*99999999999999999999\r\n",
		"$-5\r\n",
	};
	struct fixture *f = *state;
	struct impostor im;
	struct client c;

	impostor_open(&im, f);
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		im.say = says[i];
		im.accepts = 0;
		client_open(&c, f, f->url);
		run_until(f, came_again, &im);
		assert_int_equal(c.ups, 0);
		mem_deref(c.r);
	}

	impostor_close(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fixture_test_re(test_url),
		fixture_test(test_command),
		fixture_test(test_pipeline),
		fixture_test(test_binary_and_big),
		fixture_test_re(test_backlog),
		fixture_test(test_kill_and_restart),
		fixture_test_re(test_back_soon),
		fixture_test_re(test_server_comes_late),
		fixture_test(test_deadline),
		fixture_test(test_deadline_stalled),
		fixture_test_re(test_dead_but_open),
		fixture_test(test_subscribe),
		fixture_test_re(test_unsubscribe),
		fixture_test(test_free_within),
		fixture_test(test_free_pending),
		fixture_test_re(test_auth),
		fixture_test(test_tcp),
		fixture_test(test_tls),
		fixture_test_re(test_tls_wrong_name),
		fixture_test_re(test_impostor),
		fixture_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

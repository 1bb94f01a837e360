/* libs: sy_proto sy_proto_uv uv hiredis */
/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"
#include <sys/socket.h>

struct pair {
	struct fixture *f;
	struct loop_io *io;
	struct loop_timer *timer;
	int fd[2];
	int reads, writes, fired;
	int done;
};

static void pair_open(struct pair *p, struct fixture *f)
{
	memset(p, 0, sizeof(*p));
	p->f = f;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
				    p->fd), 0);
}

static void pair_close(struct pair *p)
{
	mem_deref(p->io);
	mem_deref(p->timer);
	close(p->fd[0]);
	if (p->fd[1] >= 0)
		close(p->fd[1]);
}

static void read_handler(int events, void *arg)
{
	struct pair *p = arg;
	char c;

	if (events & LOOP_WRITE)
		p->writes++;
	if (!(events & LOOP_READ))
		return;
	p->reads++;
	p->done = recv(p->fd[0], &c, 1, 0) == 1 ? c : -1;
}

/* Level-triggered: what was not read is told again. */
static void test_read(void **state)
{
	struct pair p;

	pair_open(&p, *state);
	assert_int_equal(loop_io_start(&p.io, p.f->loop, p.fd[0], LOOP_READ,
				       read_handler, &p), 0);
	assert_int_equal(write(p.fd[1], "ab", 2), 2);
	run_until(p.f, is_nonzero, &p.done);
	while (p.done != 'b') {
		p.done = 0;
		run_until(p.f, is_nonzero, &p.done);
	}
	assert_int_equal(p.reads, 2);
	assert_int_equal(p.writes, 0);
	pair_close(&p);
}

/* The end of the peer shows as readable. */
static void test_hangup(void **state)
{
	struct pair p;

	pair_open(&p, *state);
	assert_int_equal(loop_io_start(&p.io, p.f->loop, p.fd[0], LOOP_READ,
				       read_handler, &p), 0);
	close(p.fd[1]);
	p.fd[1] = -1;
	run_until(p.f, is_nonzero, &p.done);
	assert_int_equal(p.done, -1);
	pair_close(&p);
}

static void write_handler(int events, void *arg)
{
	struct pair *p = arg;

	if (events & LOOP_WRITE) {
		p->writes++;
		p->done = 1;
		/* enough of it: only reading from now on */
		assert_int_equal(loop_io_set(p->io, LOOP_READ), 0);
	}
	if (events & LOOP_READ) {
		p->reads++;
		p->done = 2;
		p->io = mem_deref(p->io); /* from within */
	}
}

static void test_set_and_stop_within(void **state)
{
	struct pair p;

	pair_open(&p, *state);
	assert_int_equal(loop_io_start(&p.io, p.f->loop, p.fd[0], LOOP_WRITE,
				       write_handler, &p), 0);
	run_until(p.f, is_nonzero, &p.done);
	assert_int_equal(p.writes, 1);
	p.done = 0;
	assert_int_equal(write(p.fd[1], "a", 1), 1);
	run_until(p.f, is_nonzero, &p.done);
	assert_int_equal(p.done, 2);
	assert_int_equal(p.writes, 1);
	assert_null(p.io);

	/* stopped: nobody hears of this, and the socket is still open */
	assert_int_equal(write(p.fd[1], "b", 1), 1);
	run_until(p.f, fixture_always, NULL);
	assert_int_equal(p.reads, 1);
	assert_int_equal(write(p.fd[0], "c", 1), 1);
	pair_close(&p);
}

static void timer_handler(void *arg)
{
	struct pair *p = arg;

	p->timer = mem_deref(p->timer); /* from within */
	if (++p->fired < 3)
		assert_int_equal(loop_timer_start(&p->timer, p->f->loop, 5,
						  timer_handler, p), 0);
	else
		p->done = 1;
}

static void test_timer(void **state)
{
	uint64_t start = loop_now_us();
	struct pair p;

	pair_open(&p, *state);
	assert_int_equal(loop_timer_start(&p.timer, p.f->loop, 5,
					  timer_handler, &p), 0);
	run_until(p.f, is_nonzero, &p.done);
	assert_int_equal(p.fired, 3);
	/* a libuv timer counts whole milliseconds of its loop's clock */
	assert_true(loop_now_us() - start >= 12000);
	pair_close(&p);
}

static void never(void *arg)
{
	struct pair *p = arg;

	p->fired++;
}

static void later(void *arg)
{
	struct pair *p = arg;

	p->done = 1;
}

static void test_timer_cancel(void **state)
{
	struct loop_timer *last = NULL;
	struct pair p;

	pair_open(&p, *state);
	assert_int_equal(loop_timer_start(&p.timer, p.f->loop, 1, never, &p),
			 0);
	assert_int_equal(loop_timer_start(&last, p.f->loop, 20, later, &p),
			 0);
	p.timer = mem_deref(p.timer);
	run_until(p.f, is_nonzero, &p.done);
	assert_int_equal(p.fired, 0);
	mem_deref(last);
	pair_close(&p);
}

static void test_arguments(void **state)
{
	struct fixture *f = *state;
	struct loop_timer *t = NULL;
	struct loop_io *io = NULL;

	assert_int_equal(loop_io_start(NULL, f->loop, 0, LOOP_READ,
				       read_handler, NULL), EINVAL);
	assert_int_equal(loop_io_start(&io, f->loop, -1, LOOP_READ,
				       read_handler, NULL), EINVAL);
	assert_int_equal(loop_io_start(&io, f->loop, 0, LOOP_READ, NULL,
				       NULL), EINVAL);
	assert_int_equal(loop_timer_start(&t, f->loop, 0, NULL, NULL),
			 EINVAL);
	assert_int_equal(loop_timer_start(&t, NULL, 0, later, NULL), EINVAL);
	assert_int_equal(loop_re_alloc(NULL), EINVAL);
	assert_int_equal(loop_uv_alloc(NULL, NULL), EINVAL);
	assert_null(io);
	assert_null(t);
}

#define bare_test(fn)                                                         \
	{#fn "/re", fn, fixture_setup_bare, fixture_teardown, &fixture_re},   \
	{#fn "/uv", fn, fixture_setup_bare, fixture_teardown, &fixture_uv}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bare_test(test_read),
		bare_test(test_hangup),
		bare_test(test_set_and_stop_within),
		bare_test(test_timer),
		bare_test(test_timer_cancel),
		bare_test(test_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

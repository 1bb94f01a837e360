/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * Sockets that are read each tick and those that are only watched; and that
 * a whole engine of legs on hold does nothing on its ticks.
 */

#include "media_test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/engine.h"
#include "node/media/leg.h"
#include "node/media/mix.h"
#include "node/media/watch.h"

enum { LEGS = 150, TICK_US = 20000, HUBS = 50, DEADLINE_MS = 20000 };

struct test_leg {
	struct leg leg;
	int peer;
	unsigned calls, read;
};

static struct test_leg legv[LEGS];
static struct mixbus bus;
static struct worker *w;
static struct tick t;

static void rx(struct leg *leg, const struct tick *tick)
{
	struct test_leg *l = (struct test_leg *)leg;
	char buf[64];

	++l->calls;
	while (!leg->cold && recv(leg->watch_fd, buf, sizeof(buf), 0) > 0) {
		++l->read;
		leg->active_us = tick->now_us;
	}
}

static const struct leg_ops ops = {.name = "test", .rx = rx};

static void add(struct test_leg *l)
{
	int fdv[2];

	memset(l, 0, sizeof(*l));
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fdv), 0);
	l->leg.ops = &ops;
	l->leg.bus = &bus;
	l->leg.watch_fd = fdv[0];
	l->peer = fdv[1];
	watch_add(&w->watch, &l->leg, t.now_us);
}

static void del(struct test_leg *l)
{
	watch_del(&w->watch, &l->leg);
	(void)close(l->leg.watch_fd);
	(void)close(l->peer);
}

static void ticks(unsigned n)
{
	while (n--) {
		t.now_us += TICK_US;
		watch_read(&w->watch, &t);
	}
}

static void say(const struct test_leg *l)
{
	assert_int_equal(send(l->peer, "x", 1, 0), 1);
}

static void test_watch(void **state)
{
	unsigned calls, i;

	(void)state;

	for (i = 0; i < LEGS; i++)
		add(&legv[i]);

	ticks(50);
	assert_int_equal(legv[0].calls, 50);
	assert_int_equal(w->watch.coldc, LEGS);

	/* once a second from then on */
	calls = legv[0].calls;
	ticks(500);
	assert_int_equal(legv[0].calls - calls, 10);

	/* a packet is read in the next tick, and wakes the mix */
	bus.idle = true;
	list_append(&w->idlel, &bus.le, &bus);
	say(&legv[7]);
	ticks(1);
	assert_int_equal(legv[7].read, 1);
	assert_int_equal(w->watch.coldc, LEGS - 1);
	assert_ptr_equal(bus.le.list, &w->busl);
	list_unlink(&bus.le);
	bus.idle = false;

	/* more than one round of the set holds */
	for (i = 0; i < LEGS; i++)
		say(&legv[i]);
	ticks(1);
	for (i = 0; i < LEGS; i++)
		assert_int_equal(legv[i].read, 1 + (i == 7));
	assert_int_equal(w->watch.coldc, 0);

	/* who goes on talking stays */
	for (i = 0; i < 100; i++) {
		say(&legv[3]);
		ticks(1);
	}
	assert_int_equal(w->watch.coldc, LEGS - 1);
	assert_int_equal(legv[3].read, 101);

	/* missed ticks do not cost a cold leg its second */
	calls = legv[0].calls;
	t.steps = 50;
	ticks(1);
	t.steps = 1;
	assert_int_equal(legv[0].calls - calls, 1);

	for (i = 0; i < LEGS; i++)
		del(&legv[i]);
	assert_int_equal(w->watch.coldc, 0);
	ticks(60);
}

static void until(bool (*h)(void))
{
	uint64_t end = media_now_ms() + DEADLINE_MS;
	const struct timespec pause = {0, 5000000};

	while (!h()) {
		assert_true(media_now_ms() < end);
		(void)nanosleep(&pause, NULL);
	}
}

static struct media *engine;
static struct media_leg *handlev[2 * HUBS];
static uint64_t polls, passes, tickc;

static void note(void)
{
	const struct worker *k = engine->workerv[0];

	polls = stat_get(k->rx_polls);
	passes = stat_get(k->passes);
	tickc = stat_get(k->ticks);
}

static bool all_idle(void)
{
	const struct worker *k = engine->workerv[0];
	uint64_t before = passes, n = tickc;

	if (stat_get(k->ticks) < n + 5)
		return false;

	note();

	return passes == before;
}

static bool one_woke(void)
{
	struct media_stat st;

	media_leg_stat(handlev[2], &st);

	return st.rx_invalid > 0 &&
	       stat_get(engine->workerv[0]->passes) > passes;
}

/* 50 hubs of two on hold: not one socket is asked, not one mix is run. */
static void test_engine(void **state)
{
	const struct media_conf conf = {
	    .workers = 1,
	    .rtp_port_min = 28000,
	    .rtp_port_max = 29999,
	};
	struct media_rtp_params prm = {
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	};
	struct mix *mixv[HUBS];
	struct sa laddr;
	uint64_t before;
	size_t i;
	int fd;

	(void)state;

	(void)sa_set_str(&laddr, "127.0.0.1", 0);
	assert_int_equal(media_alloc(&engine, &conf), 0);
	for (i = 0; i < 2 * HUBS; i++) {
		if (i % 2 == 0)
			assert_int_equal(mix_alloc(&mixv[i / 2], engine), 0);
		assert_int_equal(media_leg_rtp_alloc(&handlev[i], mixv[i / 2],
						     &laddr, NULL, NULL),
				 0);
		assert_int_equal(media_leg_rtp_set(handlev[i], &prm), 0);
	}

	note();
	until(all_idle);
	before = polls;
	tickc = 0;
	note();
	until(all_idle);
	assert_int_equal(polls, before);

	/* and one that something comes to is there in time */
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	laddr = *media_leg_laddr(handlev[2]);
	assert_int_equal(sendto(fd, "x", 1, 0, &laddr.u.sa, laddr.len), 1);
	until(one_woke);
	(void)close(fd);

	for (i = 0; i < 2 * HUBS; i++)
		mem_deref(handlev[i]);
	for (i = 0; i < HUBS; i++)
		mem_deref(mixv[i]);
	mem_deref(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_watch),
	    cmocka_unit_test(test_engine),
	};
	int err;

	if (libre_init())
		return 1;

	if (worker_alloc(&w, 0, 1, -1, 0))
		return 1;

	t = (struct tick){.w = w, .steps = 1, .now_us = 1000000};
	err = cmocka_run_group_tests(tests, NULL, NULL);
	mem_deref(w);
	libre_close();

	return err;
}

/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * The engine's life at its edges: a mix without legs, a ring without room, a
 * network that stood still, a hold without a codec, digits too late.
 */

#include "media_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/engine.h"
#include "node/media/mix.h"
#include "node/media/rtp_leg.h"

enum {
	DEADLINE_MS = 20000,
	STALLED = 40, /* legs ...                            */
	BURST = 20,   /* ... and packets that each gets late */
	RTP_BYTES = 12,
	PCMU_BYTES = 160,
	EVENT_PT = 101,
};

static struct media *engine;
static struct mix *mix;
static struct media_leg *legv[STALLED];
static struct tmr poll_tmr, deadline_tmr;
static bool (*until)(void);
static uint64_t mark;

static void poll_handler(void *arg)
{
	(void)arg;

	if (until())
		re_cancel();
	else
		tmr_start(&poll_tmr, 5, poll_handler, NULL);
}

static void deadline(void *arg)
{
	(void)arg;
	re_cancel();
}

/* False: it did not come to be. */
static bool run_for(bool (*cond)(void), uint64_t ms)
{
	bool done;

	until = cond;
	tmr_start(&poll_tmr, 0, poll_handler, NULL);
	tmr_start(&deadline_tmr, ms, deadline, NULL);
	(void)re_main(NULL);
	done = tmr_isrunning(&deadline_tmr);
	tmr_cancel(&poll_tmr);
	tmr_cancel(&deadline_tmr);

	return done;
}

static uint64_t ticks(void)
{
	return stat_get(engine->workerv[0]->ticks);
}

static bool some_ticks(void)
{
	return ticks() >= mark;
}

static void wait_ticks(uint64_t n)
{
	mark = ticks() + n;
	assert_true(run_for(some_ticks, DEADLINE_MS));
}

static bool ports_back(void)
{
	struct media_load load;

	media_load(engine, &load);

	return !load.ports_used;
}

static int setup(void **state)
{
	const struct media_conf conf = {
	    .workers = 1,
	    .rtp_port_min = test_port_base(),
	    .rtp_port_max = test_port_base() + TEST_PORTS - 1,
	};

	(void)state;

	tmr_init(&poll_tmr);
	tmr_init(&deadline_tmr);
	assert_int_equal(media_alloc(&engine, &conf), 0);
	assert_int_equal(mix_alloc(&mix, engine), 0);

	return 0;
}

static int teardown(void **state)
{
	size_t i;

	(void)state;

	for (i = 0; i < STALLED; i++)
		legv[i] = mem_deref(legv[i]);
	mix = mem_deref(mix);
	assert_true(run_for(ports_back, DEADLINE_MS));
	engine = mem_deref(engine);

	return 0;
}

static struct media_leg *leg_add(void)
{
	struct media_leg *leg;
	struct sa laddr;

	(void)sa_set_str(&laddr, "127.0.0.1", 0);
	assert_int_equal(media_leg_rtp_alloc(&leg, mix, &laddr, NULL, NULL), 0);

	return leg;
}

static struct media_rtp_params pcmu_params(const struct sa *raddr)
{
	const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};

	return (struct media_rtp_params){
	    .raddr = *raddr,
	    .tx = pcmu,
	    .rxv = {pcmu},
	    .rxc = 1,
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	    .send = true,
	    .recv = true,
	    .dtmf = MEDIA_DTMF_ELSEWHERE,
	};
}

static int ear(struct sa *addr)
{
	const struct timeval tv = {.tv_sec = 5};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)sa_set_str(addr, "127.0.0.1", 0);
	assert_int_equal(bind(fd, &addr->u.sa, addr->len), 0);
	assert_int_equal(getsockname(fd, &addr->u.sa, &addr->len), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));

	return fd;
}

/* Nobody was ever in it, nor in any other of its worker. */
static void test_watched_empty(void **state)
{
	(void)state;

	assert_int_equal(mix_watch(mix, true), 0);
	wait_ticks(3);
	legv[0] = leg_add();
	wait_ticks(3);
	legv[0] = mem_deref(legv[0]);
	wait_ticks(3);
}

/* Commands that are not answered fill the ring; then a leg goes. */
static void test_release_full(void **state)
{
	struct media_leg *leg = leg_add();
	int err;

	(void)state;

	wait_ticks(2);
	do
		err = media_leg_mute(leg, false, false);
	while (!err);
	assert_int_equal(err, EAGAIN);

	mem_deref(leg);
	assert_false(list_isempty(&engine->pending));
	assert_true(run_for(ports_back, 2000));
	assert_true(list_isempty(&engine->pending));
}

/* The network stood still for all legs, then all that was sent comes. */
static void test_stall(void **state)
{
	uint8_t pkt[RTP_BYTES + PCMU_BYTES] = {0x80};
	struct media_rtp_params prm;
	struct media_stat st;
	struct sa addr[STALLED];
	uint64_t got = 0;
	int fdv[STALLED];
	unsigned i, k;

	(void)state;

	memset(pkt + RTP_BYTES, 0xff, PCMU_BYTES);
	for (i = 0; i < STALLED; i++) {
		fdv[i] = ear(&addr[i]);
		prm = pcmu_params(&addr[i]);
		prm.send = false;
		legv[i] = leg_add();
		assert_int_equal(media_leg_rtp_set(legv[i], &prm), 0);
	}
	wait_ticks(2);

	for (i = 0; i < STALLED; i++) {
		const struct sa *dst = media_leg_laddr(legv[i]);

		for (k = 0; k < BURST; k++) {
			pkt[3] = (uint8_t)k;
			pkt[6] = (uint8_t)(k * PCMU_BYTES >> 8);
			pkt[7] = (uint8_t)(k * PCMU_BYTES);
			assert_int_equal(sendto(fdv[i], pkt, sizeof(pkt), 0,
						&dst->u.sa, dst->len),
					 sizeof(pkt));
		}
	}
	wait_ticks(10);

	for (i = 0; i < STALLED; i++) {
		media_leg_stat(legv[i], &st);
		got += st.rx_packets;
		assert_int_equal(st.rx_datagrams, BURST);
		(void)close(fdv[i]);
	}
	assert_int_equal(got, STALLED * BURST);
	assert_int_equal(stat_get(engine->workerv[0]->rx_dropped), 0);
}

/* The stream's clock: RTP time less that of the last packet [ms]. */
static int32_t rtp_ms(int fd, bool anew)
{
	static uint32_t last;
	uint8_t buf[2048];
	uint32_t ts;
	int32_t diff;

	if (anew)
		while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	assert_true(recv(fd, buf, sizeof(buf), 0) > RTP_BYTES);
	memcpy(&ts, buf + 4, sizeof(ts));
	ts = ntohl(ts);
	diff = (int32_t)(ts - last) / 8;
	last = ts;

	return diff;
}

/* Held without a codec: neither named nor needed. */
static void test_hold_clock(void **state)
{
	struct media_rtp_params prm, hold;
	struct sa addr;
	uint64_t begin, held_ms;
	int32_t ms;
	int fd = ear(&addr);

	(void)state;

	prm = hold = pcmu_params(&addr);
	hold.send = false;
	memset(&hold.tx, 0, sizeof(hold.tx));
	legv[0] = leg_add();
	assert_int_equal(media_leg_rtp_set(legv[0], &prm), 0);
	wait_ticks(3);
	(void)rtp_ms(fd, true);

	begin = media_now_ms();
	assert_int_equal(media_leg_rtp_set(legv[0], &hold), 0);
	wait_ticks(20);
	assert_int_equal(media_leg_rtp_set(legv[0], &prm), 0);
	wait_ticks(2);
	held_ms = media_now_ms() - begin;

	/* 20 ticks of silence, and what was sent before them */
	while ((ms = rtp_ms(fd, false)) < 100)
		assert_true(media_now_ms() - begin < DEADLINE_MS);
	assert_in_range(ms, 380, held_ms + 40);
	(void)close(fd);
}

static unsigned events(int fd)
{
	uint8_t buf[2048];
	unsigned n = 0;

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > RTP_BYTES)
		n += (buf[1] & 0x7f) == EVENT_PT;

	return n;
}

/* Digits that wait when events are negotiated away are not for later. */
static void test_old_digits(void **state)
{
	struct media_rtp_params prm, without;
	struct sa addr;
	int fd = ear(&addr);

	(void)state;

	prm = without = pcmu_params(&addr);
	prm.dtmf = MEDIA_DTMF_EVENTS;
	prm.event_pt_tx = EVENT_PT;
	prm.event_clock_hz = 8000;
	legv[0] = leg_add();
	assert_int_equal(media_leg_rtp_set(legv[0], &prm), 0);
	wait_ticks(2);
	assert_int_equal(media_leg_dtmf(legv[0], '5', 100), 0);
	wait_ticks(20);
	assert_true(events(fd) > 3);

	assert_int_equal(media_leg_dtmf(legv[0], '6', 100), 0);
	assert_int_equal(media_leg_dtmf(legv[0], '7', 100), 0);
	assert_int_equal(media_leg_rtp_set(legv[0], &without), 0);
	wait_ticks(10);
	(void)events(fd);
	assert_int_equal(media_leg_rtp_set(legv[0], &prm), 0);
	wait_ticks(20);
	assert_int_equal(events(fd), 0);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_watched_empty, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_release_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_stall, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_hold_clock, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_old_digits, setup, teardown),
	};
	int err;

	if (libre_init())
		return 1;

	err = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return err;
}

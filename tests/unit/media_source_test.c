/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * The source lock: a table of who sends what, and who is believed; then
 * floods of strangers before, during and after the peer's first packets.
 */

#include "media_test.h"

#include <re.h>

#include "node/media/source.h"

#define S 1000000ull

struct world {
	struct source s;
	uint64_t now_us;
};

static struct sa addr(const char *ip, uint16_t port)
{
	struct sa sa;

	assert_int_equal(sa_set_str(&sa, ip, port), 0);

	return sa;
}

/* A packet arrives; true: it is taken. */
static bool put(struct world *w, const struct sa *src, uint32_t ssrc,
		uint16_t seq, bool valid)
{
	enum source_is is = source_look(&w->s, &src->u.sa, w->now_us);

	if (is == SOURCE_MAYBE && valid)
		return source_learn(&w->s, &src->u.sa, ssrc, seq, w->now_us);

	return is == SOURCE_PEER;
}

/* n packets of a steady voice, 20 ms apart; how many are taken. */
static unsigned voice(struct world *w, const char *ip, uint16_t port,
		      unsigned n)
{
	struct sa src = addr(ip, port);
	unsigned i, taken = 0;

	for (i = 0; i < n; i++, w->now_us += 20000)
		taken += put(w, &src, 7, (uint16_t)(65530 + i), true);

	return taken;
}

static void signalled(struct world *w, const char *ip, uint16_t port)
{
	struct sa sa = addr(ip, port);

	(void)source_signal(&w->s, &sa, false, w->now_us);
}

static struct world begin(const char *ip, uint16_t port)
{
	struct world w = {.now_us = 50 * S};

	signalled(&w, ip, port);

	return w;
}

/* Who sends 20 packets to a leg whose peer was signalled as ...; how many of
 * them are taken, if nobody else sends. */
static void test_ranks(void **state)
{
	static const struct {
		const char *sdp, *ip;
		uint16_t port;
		unsigned after_s, taken;
	} v[] = {
	    {"192.0.2.1", "192.0.2.1", 4000, 0, 20},
	    {"192.0.2.1", "192.0.2.1", 4000, 3600, 20},
	    {"192.0.2.1", "192.0.2.1", 4002, 0, 18},
	    {"192.0.2.1", "192.0.2.1", 4002, 3600, 18},
	    {"192.0.2.1", "198.51.100.1", 4000, 0, 16},
	    {"192.0.2.1", "198.51.100.1", 4000, 9, 16},
	    {"192.0.2.1", "198.51.100.1", 4000, 11, 0},
	    {"192.0.2.1", "::ffff:192.0.2.1", 4000, 0, 20},
	    {"::ffff:192.0.2.1", "192.0.2.1", 4000, 0, 20},
	    {"192.0.2.1", "::ffff:192.0.2.2", 4000, 11, 0},
	    {"2001:db8::1", "2001:db8::1", 4000, 0, 20},
	    {"2001:db8::1", "2001:db8::2", 4000, 0, 16},
	    {"2001:db8::1", "2001:db8::2", 4000, 11, 0},
	    {"2001:db8::1", "192.0.2.1", 4000, 11, 0},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct world w = begin(v[i].sdp, 4000);

		w.now_us += v[i].after_s * S;
		assert_int_equal(voice(&w, v[i].ip, v[i].port, 20), v[i].taken);
		/* Whom it took is no stranger, before or after; only one who
		 * came too late to be waited for is. */
		if (v[i].after_s < 10)
			assert_int_equal(w.s.foreign, 0);
		else
			assert_int_equal(w.s.foreign, 20 - v[i].taken);
	}
}

/* Once locked, nobody else: not its host, not with its SSRC and numbers. */
static void test_locked(void **state)
{
	static const char *const lockv[] = {"192.0.2.1", "198.51.100.1"};
	size_t i;

	(void)state;

	for (i = 0; i < 2; i++) {
		struct world w = begin("192.0.2.1", 4000);
		uint64_t before;

		(void)voice(&w, lockv[i], 4000, 20);
		before = w.s.foreign;
		assert_int_equal(voice(&w, "203.0.113.9", 4000, 50), 0);
		assert_int_equal(voice(&w, lockv[i], 4000, 50), 50);
		assert_int_equal(voice(&w, "203.0.113.9", 4000, 50), 0);
		w.now_us += 100 * S; /* the peer is silent: all the same */
		assert_int_equal(voice(&w, "203.0.113.9", 4000, 50), 0);
		assert_int_equal(w.s.foreign - before, 150);
		assert_int_equal(voice(&w, lockv[i], 4000, 50), 50);
	}
}

static void test_host_is_no_exact(void **state)
{
	struct world w = begin("192.0.2.1", 4000);

	(void)state;

	(void)voice(&w, "192.0.2.1", 4000, 5);
	assert_int_equal(voice(&w, "192.0.2.1", 4002, 50), 0);
	assert_int_equal(w.s.foreign, 50);
}

/* Who was quicker than the signalled peer loses to it; never back. */
static void test_upward_only(void **state)
{
	struct world w = begin("192.0.2.1", 4000);

	(void)state;

	assert_int_equal(voice(&w, "203.0.113.9", 4000, 20), 16);
	assert_int_equal(voice(&w, "192.0.2.1", 5000, 20), 18);
	assert_int_equal(voice(&w, "203.0.113.9", 4000, 20), 0);
	w.now_us += 60 * S;
	assert_int_equal(voice(&w, "192.0.2.1", 4000, 20), 18);
	assert_int_equal(voice(&w, "192.0.2.1", 5000, 20), 0);
	assert_int_equal(voice(&w, "203.0.113.9", 4000, 20), 0);
	assert_int_equal(voice(&w, "192.0.2.1", 4000, 20), 20);
}

/* One spoofed packet does not move a lock that was learned. */
static void test_a_single_packet_moves_nothing(void **state)
{
	struct world w = begin("192.168.1.5", 4000);
	struct sa spoof = addr("192.168.1.5", 4000);
	uint16_t i;

	(void)state;

	(void)voice(&w, "198.51.100.1", 61000, 20);
	for (i = 0; i < 20; i++) {
		assert_false(put(&w, &spoof, 1, (uint16_t)(i * 1000), true));
		w.now_us += 20000;
	}
	assert_int_equal(voice(&w, "198.51.100.1", 61000, 20), 20);
}

/* What is no steady voice is not learned. */
static void test_no_proof(void **state)
{
	struct world w = begin("192.0.2.1", 4000);
	struct sa src = addr("203.0.113.9", 4000);
	unsigned i;

	(void)state;

	for (i = 0; i < 100; i++, w.now_us += 20000) /* not RTP */
		assert_false(put(&w, &src, 1, (uint16_t)i, false));
	for (i = 0; i < 100; i++, w.now_us += 20000) /* the same number */
		assert_false(put(&w, &src, 1, 5, true));
	for (i = 0; i < 100; i++, w.now_us += 20000) /* any number */
		assert_false(put(&w, &src, 1, (uint16_t)(i * 40503), true));
	for (i = 0; i < 100; i++, w.now_us += 20000) /* any stream */
		assert_false(put(&w, &src, i, (uint16_t)i, true));
}

static void test_too_fast(void **state)
{
	struct world w = begin("192.0.2.1", 4000);
	struct sa src = addr("203.0.113.9", 4000);
	unsigned i;

	(void)state;

	for (i = 0; i < 5000; i++, w.now_us += 1000)
		assert_false(put(&w, &src, 1, (uint16_t)i, true));
	assert_int_equal(w.s.foreign, 0);
	w.now_us += 10 * S;
	assert_false(put(&w, &src, 1, 0, true));
	assert_int_equal(w.s.foreign, 5001); /* nobody came: it was all his */
}

/* Loss, reordering, doubles and bursts of a phone behind NAT are no reason
 * to stay deaf. */
static void test_bad_network(void **state)
{
	static const uint16_t seqv[] = {10, 12, 11, 12, 15, 15, 16, 20, 22};
	struct world w = begin("10.0.0.1", 4000);
	struct sa src = addr("203.0.113.9", 4000);
	unsigned i, taken = 0;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(seqv); i++, w.now_us += 20000)
		taken += put(&w, &src, 1, seqv[i], true);
	assert_int_equal(taken, 2); /* 10 12 15 16 20: proved */

	w = begin("10.0.0.1", 4000);
	for (i = 0; i < 30; i++) { /* ten at once, twice a second */
		bool ok = put(&w, &src, 1, (uint16_t)i, true);

		assert_int_equal(ok, i >= 10);
		if (i % 10 == 9)
			w.now_us += 500000;
	}
}

static void test_signalling_again(void **state)
{
	struct world w = begin("10.0.0.1", 4000);
	struct sa sdp = addr("10.0.0.1", 4000), none;

	(void)state;

	sa_init(&none, AF_INET);
	(void)voice(&w, "203.0.113.9", 4000, 20);

	/* Hold, resume, another codec: the lock stays. */
	assert_true(source_signal(&w.s, &sdp, false, w.now_us));
	assert_true(source_signal(&w.s, &none, false, w.now_us));
	assert_true(source_signal(&w.s, &sdp, false, w.now_us));
	assert_int_equal(voice(&w, "203.0.113.9", 4000, 20), 20);
	assert_int_equal(voice(&w, "203.0.113.7", 4000, 20), 0);

	/* Asked for, or another address: it is opened. */
	assert_false(source_signal(&w.s, &sdp, true, w.now_us));
	assert_int_equal(voice(&w, "203.0.113.7", 4000, 20), 16);
	sa_set_port(&sdp, 4002);
	assert_false(source_signal(&w.s, &sdp, false, w.now_us));
	assert_int_equal(voice(&w, "10.0.0.1", 4002, 20), 20);

	/* Not found before the time was over: it gets the time anew. */
	w = begin("10.0.0.1", 4000);
	w.now_us += 60 * S;
	assert_int_equal(voice(&w, "203.0.113.9", 4000, 20), 0);
	sdp = addr("10.0.0.1", 4000);
	assert_false(source_signal(&w.s, &sdp, false, w.now_us));
	assert_int_equal(voice(&w, "203.0.113.9", 4000, 20), 16);
}

static bool put_stranger(struct world *w, unsigned seq)
{
	char host[32];
	struct sa src;

	(void)re_snprintf(host, sizeof(host), "203.0.113.%u", 1 + rand() % 250);
	src = addr(host, (uint16_t)(1024 + rand() % 60000));

	return put(w, &src, 7, (uint16_t)seq, true);
}

/*
 * A flood of 1,000 packets a second from ever new ports and addresses, each
 * with a good payload type and numbers that ascend, read tick by tick.  The
 * peer begins within it.  Packets of the peer that were taken, of 100.
 */
static unsigned flooded(const char *sdp, const char *ip, uint16_t port,
			unsigned *floodp)
{
	struct world w = begin(sdp, 4000);
	struct sa peer = addr(ip, port);
	unsigned tick, i, n = 0, taken = 0;

	*floodp = 0;
	for (tick = 0; tick < 150; tick++, w.now_us += 20000) {
		unsigned turn = (unsigned)rand() % 20;

		for (i = 0; i < 20; i++) {
			*floodp += put_stranger(&w, n++);
			if (tick >= 50 && i == turn)
				taken +=
				    put(&w, &peer, 7, (uint16_t)tick, true);
		}
	}

	/* All were counted, once it was known whose the leg is. */
	if (taken)
		assert_true(w.s.foreign - 3000 <= 100 - taken);

	return taken;
}

static void test_flood(void **state)
{
	unsigned flood, i, sum = 0;

	(void)state;

	srand(test_seed());
	assert_int_equal(flooded("192.0.2.1", "192.0.2.1", 4000, &flood), 100);
	assert_int_equal(flood, 0);

	/* Its host alone is known: the flood cannot push it out. */
	assert_int_equal(flooded("192.0.2.1", "192.0.2.1", 4002, &flood), 98);
	assert_int_equal(flood, 0);

	/* Behind NAT it has to find a place among the others. */
	for (i = 0; i < 20; i++) {
		sum += flooded("10.0.0.1", "192.0.2.1", 61000, &flood);
		assert_int_equal(flood, 0);
	}
	print_message("behind NAT, flooded: %u of 100\n", sum / 20);
	assert_true(sum / 20 >= 50);
}

/* Where to send is learned only where signalling may be wrong about it. */
static void test_latch(void **state)
{
	static const struct {
		const char *sdp, *ip;
		uint16_t port;
		bool latches;
	} v[] = {
	    {"192.0.2.1", "192.0.2.1", 4000, false},
	    {"192.0.2.1", "192.0.2.1", 4002, true},
	    {"192.0.2.1", "203.0.113.9", 4000, false},
	    {"10.0.0.1", "203.0.113.9", 4000, true},
	    {"10.0.0.1", "10.0.0.1", 4000, false},
	    {"172.16.0.1", "203.0.113.9", 4000, true},
	    {"172.31.0.1", "203.0.113.9", 4000, true},
	    {"172.32.0.1", "203.0.113.9", 4000, false},
	    {"192.168.0.1", "203.0.113.9", 4000, true},
	    {"100.64.0.1", "203.0.113.9", 4000, true},
	    {"100.128.0.1", "203.0.113.9", 4000, false},
	    {"169.254.0.1", "203.0.113.9", 4000, true},
	    {"fd00::1", "2001:db8::2", 4000, true},
	    {"fe80::1", "2001:db8::2", 4000, true},
	    {"2001:db8::1", "2001:db8::2", 4000, false},
	    {"2001:db8::1", "2001:db8::1", 4002, true},
	};
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		struct world w = begin(v[i].sdp, 4000);

		assert_false(source_latches(&w.s));
		(void)voice(&w, v[i].ip, v[i].port, 20);
		assert_int_equal(source_latches(&w.s), v[i].latches);
	}
}

/* A stranger who keeps to all rules and is there first has a phone behind NAT
 * (nothing tells them apart) but never one that is where it says. */
static void test_patient_stranger(void **state)
{
	struct world w = begin("192.0.2.1", 4000);
	struct sa peer = addr("192.0.2.1", 4000);
	struct sa bad = addr("203.0.113.9", 4000);
	unsigned i, n = 0, evil = 0;

	(void)state;

	for (i = 0; i < 200; i++, w.now_us += 20000) {
		evil += put(&w, &bad, 7, (uint16_t)i, true);
		if (i >= 100)
			n += put(&w, &peer, 7, (uint16_t)i, true);
	}

	assert_int_equal(n, 98);    /* from its third packet on */
	assert_int_equal(evil, 99); /* from its fifth to the peer's third */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ranks),
	    cmocka_unit_test(test_locked),
	    cmocka_unit_test(test_host_is_no_exact),
	    cmocka_unit_test(test_upward_only),
	    cmocka_unit_test(test_a_single_packet_moves_nothing),
	    cmocka_unit_test(test_no_proof),
	    cmocka_unit_test(test_too_fast),
	    cmocka_unit_test(test_bad_network),
	    cmocka_unit_test(test_signalling_again),
	    cmocka_unit_test(test_flood),
	    cmocka_unit_test(test_latch),
	    cmocka_unit_test(test_patient_stranger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * A link between the mixes of two engines, on 127.0.0.1:
 *
 *   tone a -> mix 0 <== link 0 ~~SRTP~~ link 1 ==> mix 1 <- tone b
 *               |                                    |
 *             ear 0                                ear 1
 */

#include "media_test.h"
#include "test_loop.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/codec.h"
#include "node/media/media.h"
#include "node/media/packet.h"
#include "node/media/rtp.h"

enum {
	EAR_SMP = 2400, /* 300 ms at 8 kHz */
	STEP_MS = 10,
	DEADLINE_MS = 20000,
	DELAY_MOST_MS = 40,
	TRIES = 10,
	HELD_UP_MS = 5, /* p99 of both, of a machine that is busy */
};

#define LOUD 0.05f
#define AMP 0.355 /* of a tone at -12 dBFS */

static const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};
static const double hzv[2] = {440, 1100};

/* One of the two nodes. */
struct side {
	struct media *engine;
	struct mix *mix;
	struct media_leg *link, *ear, *tone;
	uint8_t key[MEDIA_LINK_KEY_BYTES]; /* of what its link sends */
	struct sa addr;
	int fd;
	struct codec dec;
	float pcm[EAR_SMP]; /* oldest first */
	size_t smp;
	unsigned starts;  /* events of the link */
	uint64_t loud_ms; /* when it became loud; 0: it is not yet */
};

static struct side sidev[2];

static double hears(const struct side *s, double hz)
{
	return to_db(tone_amp(s->pcm, EAR_SMP, hz, 8000) / AMP);
}

static void on_packet(int flags, void *arg)
{
	struct side *s = arg;
	float pcm[CODEC_FRAME_MAX_SMP];
	struct packet pkt;
	ssize_t len = recv(s->fd, pkt.data, sizeof(pkt.data), 0);
	size_t i, n;

	(void)flags;

	if (len < 0)
		return;

	pkt.len = (uint16_t)len;
	assert_int_equal(rtp_parse(&pkt), 0);
	n = s->dec.ops->decode(s->dec.st, pcm, pkt.data + pkt.payload_off,
			       pkt.payload_len);
	for (i = 0; i < n && !s->loud_ms; i++) {
		if (fabsf(pcm[i]) > LOUD)
			s->loud_ms = tmr_jiffies() + i / 8;
	}

	memmove(s->pcm, s->pcm + n, (EAR_SMP - n) * sizeof(float));
	memcpy(s->pcm + EAR_SMP - n, pcm, n * sizeof(float));
	s->smp += n;
}

static void run(bool (*cond)(void))
{
	test_loop_run(cond, STEP_MS, DEADLINE_MS);
}

static void on_event(struct media_leg *leg, const struct media_event *ev,
		     void *arg)
{
	struct side *s = arg;

	assert_ptr_equal(leg, s->link);
	assert_int_equal(ev->type, MEDIA_EV_RTP_START);
	++s->starts;
}

static void ear_open(struct side *s, const struct sa *local)
{
	struct media_rtp_params prm = {
	    .tx = pcmu,
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	    .send = true,
	};

	s->addr = *local;
	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, &s->addr.u.sa, s->addr.len), 0);
	assert_int_equal(getsockname(s->fd, &s->addr.u.sa, &s->addr.len), 0);
	assert_int_equal(fd_listen(s->fd, FD_READ, on_packet, s), 0);
	assert_int_equal(codec_init(&s->dec, &pcmu), 0);
	assert_int_equal(codec_dec_alloc(&s->dec), 0);
	assert_int_equal(
	    media_leg_rtp_alloc(&s->ear, s->mix, local, NULL, NULL), 0);
	prm.raddr = s->addr;
	assert_int_equal(media_leg_rtp_set(s->ear, &prm), 0);
}

static void side_open(struct side *s, uint16_t port)
{
	const struct media_conf conf = {
	    .workers = 1,
	    .rtp_port_min = port,
	    .rtp_port_max = (uint16_t)(port + 99),
	    .quarantine_ms = 1,
	};
	struct sa local;

	assert_int_equal(sa_set_str(&local, "127.0.0.1", 0), 0);
	assert_int_equal(media_alloc(&s->engine, &conf), 0);
	assert_int_equal(mix_alloc(&s->mix, s->engine), 0);
	assert_int_equal(
	    media_leg_link_alloc(&s->link, s->mix, &local, on_event, s), 0);
	rand_bytes(s->key, sizeof(s->key));
	ear_open(s, &local);
}

static int setup(void **state)
{
	const uint16_t port = (uint16_t)((test_port_base() + 1) & ~1);

	(void)state;

	memset(sidev, 0, sizeof(sidev));
	if (libre_init())
		return -1;

	side_open(&sidev[0], port);
	side_open(&sidev[1], (uint16_t)(port + 100));

	return 0;
}

static int teardown(void **state)
{
	size_t i;

	(void)state;

	for (i = 0; i < 2; i++) {
		struct side *s = &sidev[i];

		fd_close(s->fd);
		(void)close(s->fd);
		codec_close(&s->dec);
		mem_deref(s->tone);
		mem_deref(s->link);
		mem_deref(s->ear);
		mem_deref(s->mix);
		mem_deref(s->engine);
	}
	libre_close();

	return 0;
}

static void link_up(void)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		struct side *s = &sidev[i], *o = &sidev[!i];

		assert_int_equal(media_leg_link_set(s->link,
						    media_leg_laddr(o->link),
						    s->key, o->key),
				 0);
	}
}

static void tone_start(struct side *s, double hz)
{
	const struct media_tone tone = {.hz = {(float)hz}, .level_db = -12};

	assert_int_equal(
	    media_leg_tone_alloc(&s->tone, s->mix, &tone, NULL, NULL), 0);
}

/* Packets went both ways, so that what is measured is a link at work. */
static bool is_up(void)
{
	struct media_stat st[2];

	media_leg_stat(sidev[0].link, &st[0]);
	media_leg_stat(sidev[1].link, &st[1]);

	return st[0].rx_packets > 20 && st[1].rx_packets > 20;
}

static bool both_hear_a(void)
{
	return hears(&sidev[0], hzv[0]) > -1 && hears(&sidev[1], hzv[0]) > -1;
}

static bool both_hear_both(void)
{
	return both_hear_a() && hears(&sidev[0], hzv[1]) > -1 &&
	       hears(&sidev[1], hzv[1]) > -1;
}

static bool a_second(void)
{
	return sidev[0].smp > 8000 && sidev[1].smp > 8000;
}

static bool half_second(void)
{
	return sidev[1].smp > 4000;
}

/* What the machine held up the engines, as they see it [ms]: the jitter buffer
 * of either has to make good what the other one is late. */
static float held_up_ms(void)
{
	struct media_load v[2];

	media_load(sidev[0].engine, &v[0]);
	media_load(sidev[1].engine, &v[1]);

	return (float)(v[0].wake_p99_us + v[1].wake_p99_us) / 1000;
}

static bool both_silent(void)
{
	return hears(&sidev[0], hzv[0]) < -60 && hears(&sidev[1], hzv[0]) < -60;
}

/* A tone begins; is it heard at the other node soon? */
static bool is_quick(void)
{
	struct media_stat st;
	float delay_ms, most_ms;

	tone_start(&sidev[0], hzv[0]);
	run(both_hear_a);
	most_ms = DELAY_MOST_MS + 2 * held_up_ms();
	delay_ms = (float)((int64_t)sidev[1].loud_ms -
			   (int64_t)sidev[0].loud_ms);
	media_leg_stat(sidev[1].link, &st);
	printf("mix to mix: %.0f ms; in the jitter buffer: %.1f ms, of %.1f\n",
	       (double)delay_ms, (double)st.delay_ms, (double)most_ms);

	return delay_ms <= most_ms && st.delay_ms <= most_ms;
}

static void hush(void)
{
	sidev[0].tone = mem_deref(sidev[0].tone);
	run(both_silent);
	sidev[0].loud_ms = sidev[1].loud_ms = 0;
}

/* Who speaks is heard at the other node soon, and not again at the own one:
 * the tone has no copy of itself, late by the way there and back, in it. */
static void test_heard(void **state)
{
	struct media_stat st;
	unsigned tries = 1;

	(void)state;

	link_up();
	run(is_up);
	/* a hold-up of just now is not yet in the figures */
	for (; !is_quick(); tries++) {
		assert_true(held_up_ms() > HELD_UP_MS && tries < TRIES);
		hush();
	}
	assert_int_equal(sidev[0].starts, 1);
	assert_int_equal(sidev[1].starts, 1);

	media_leg_stat(sidev[0].link, &st);
	assert_true(st.level_in_db < -70);

	tone_start(&sidev[1], hzv[1]);
	run(both_hear_both);
	assert_true(hears(&sidev[0], hzv[0]) < 1);
	assert_true(hears(&sidev[1], hzv[1]) < 1);
}

/* Silence comes back by itself, and nothing is left, when one end goes. */
static bool second_silent(void)
{
	return hears(&sidev[1], hzv[0]) < -60;
}

static bool no_ports(void)
{
	struct media_load load;

	media_load(sidev[0].engine, &load);

	return load.ports_used == 1;
}

static void test_removed(void **state)
{
	(void)state;

	link_up();
	tone_start(&sidev[0], hzv[0]);
	run(both_hear_a);

	sidev[0].link = mem_deref(sidev[0].link);
	run(second_silent);
	run(no_ports);
	assert_true(hears(&sidev[0], hzv[0]) > -1);
}

/* Who shall not send sends nothing, and then goes on. */
static bool again(void)
{
	return sidev[0].smp > 2400;
}

static void test_send_off(void **state)
{
	size_t before;

	(void)state;

	tone_start(&sidev[1], hzv[1]);
	run(again);
	assert_int_equal(media_leg_send(sidev[0].ear, false), 0);
	sidev[1].smp = 0;
	run(half_second);
	before = sidev[0].smp;
	sidev[1].smp = 0;
	run(half_second);
	assert_int_equal(sidev[0].smp, before);

	assert_int_equal(media_leg_send(sidev[0].ear, true), 0);
	sidev[0].smp = 0;
	run(again);
	assert_int_equal(media_leg_send(sidev[1].tone, true), EINVAL);
}

/* Another key: nothing is heard, and nothing of noise. */
static void test_wrong_key(void **state)
{
	struct media_stat st;

	(void)state;

	sidev[1].key[0] ^= 1;
	assert_int_equal(media_leg_link_set(sidev[0].link,
					    media_leg_laddr(sidev[1].link),
					    sidev[0].key, sidev[1].key),
			 0);
	sidev[0].key[0] ^= 1;
	assert_int_equal(media_leg_link_set(sidev[1].link,
					    media_leg_laddr(sidev[0].link),
					    sidev[1].key, sidev[0].key),
			 0);

	tone_start(&sidev[0], hzv[0]);
	run(a_second);
	media_leg_stat(sidev[1].link, &st);
	assert_true(st.rx_auth_failed > 20);
	assert_int_equal(st.rx_packets, 0);
	assert_true(hears(&sidev[1], hzv[0]) < -60);
}

/* Nobody talks where the link is: that is told at the other node. */
static void test_not_watched(void **state)
{
	struct media_stat st;

	(void)state;

	assert_int_equal(mix_watch(sidev[0].mix, true), 0);
	assert_int_equal(mix_watch(sidev[1].mix, true), 0);
	link_up();
	tone_start(&sidev[0], hzv[0]);
	run(both_hear_a);
	sidev[0].smp = sidev[1].smp = 0;
	run(a_second);

	media_leg_stat(sidev[0].tone, &st);
	assert_true(st.vu_in_db > -20);
	media_leg_stat(sidev[1].link, &st);
	assert_true(st.level_in_db > -20);
	assert_true(st.vu_in_db < -90);
	assert_false(st.talking);
}

static void test_arguments(void **state)
{
	struct side *s = &sidev[0];

	(void)state;

	assert_int_equal(media_leg_link_set(s->ear, &s->addr, s->key, s->key),
			 EINVAL);
	assert_int_equal(media_leg_link_set(NULL, &s->addr, s->key, s->key),
			 EINVAL);
	assert_int_equal(media_leg_link_set(s->link, NULL, s->key, s->key),
			 EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_heard, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_removed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_send_off, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_wrong_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_not_watched, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * RTP legs with SRTP, through the real engine on 127.0.0.1:
 *
 *   tone -> mix 1 -> leg a  ~~SRTP~~>  leg b -> mix 2 -> leg c  --RTP--> ear
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
	STEP_MS = 20,
	DEADLINE_MS = 20000,
};

/* One such way, and what is at its end. */
struct way {
	struct mix *from, *to;
	struct media_leg *tone, *a, *b, *c;
	struct media_srtp key; /* a's to send, b's to receive */
	struct media_srtp back;
	double hz;
	struct sa addr;
	int fd;
	struct codec dec;
	float ear[EAR_SMP]; /* oldest first */
	size_t heard_smp;
	double worst_db; /* of the tone, while watched */
	bool watched;
};

static const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};
static const struct media_tone tones[] = {
    {.hz = {440}, .level_db = -12},
    {.hz = {620}, .level_db = -12},
    {.hz = {810}, .level_db = -12},
    {.hz = {1100}, .level_db = -12},
};

static struct media *engine;
static struct way wayv[4];

static double hears(const struct way *w)
{
	return to_db(tone_amp(w->ear, EAR_SMP, w->hz, 8000) / 0.25);
}

static void on_packet(int flags, void *arg)
{
	struct way *w = arg;
	struct packet pkt;
	float pcm[CODEC_FRAME_MAX_SMP];
	ssize_t len = recv(w->fd, pkt.data, sizeof(pkt.data), 0);
	size_t n;

	(void)flags;

	if (len < 0)
		return;

	pkt.len = (uint16_t)len;
	assert_int_equal(rtp_parse(&pkt), 0);
	n = w->dec.ops->decode(w->dec.st, pcm, pkt.data + pkt.payload_off,
			       pkt.payload_len);
	memmove(w->ear, w->ear + n, (EAR_SMP - n) * sizeof(float));
	memcpy(w->ear + EAR_SMP - n, pcm, n * sizeof(float));
	w->heard_smp += n;
}

static void run(bool (*cond)(void))
{
	test_loop_run(cond, STEP_MS, DEADLINE_MS);
}

static struct media_srtp keys(enum media_srtp_suite suite)
{
	struct media_srtp k = {.suite = suite};

	rand_bytes(k.key, sizeof(k.key));
	rand_bytes(k.salt, sizeof(k.salt));

	return k;
}

static void set(struct media_leg *leg, const struct sa *raddr,
		const struct media_srtp *tx, const struct media_srtp *rx)
{
	struct media_rtp_params prm = {
	    .raddr = *raddr,
	    .tx = pcmu,
	    .rxv = {pcmu},
	    .rxc = 1,
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	    .send = true,
	    .recv = true,
	    .jitter_ms = 120, /* a busy machine may hold us up */
	};

	if (tx)
		prm.srtp_tx = *tx;
	if (rx)
		prm.srtp_rx = *rx;

	assert_int_equal(media_leg_rtp_set(leg, &prm), 0);
}

static void set_a(struct way *w)
{
	set(w->a, media_leg_laddr(w->b), &w->key, &w->back);
}

static void set_b(struct way *w)
{
	set(w->b, media_leg_laddr(w->a), &w->back, &w->key);
}

static void way_open(struct way *w, const struct media_tone *tone)
{
	struct sa local;

	assert_int_equal(sa_set_str(&local, "127.0.0.1", 0), 0);
	w->hz = tone->hz[0];
	w->addr = local;
	w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(w->fd >= 0);
	assert_int_equal(bind(w->fd, &w->addr.u.sa, w->addr.len), 0);
	assert_int_equal(getsockname(w->fd, &w->addr.u.sa, &w->addr.len), 0);
	assert_int_equal(fd_listen(w->fd, FD_READ, on_packet, w), 0);
	assert_int_equal(codec_init(&w->dec, &pcmu), 0);
	assert_int_equal(codec_dec_alloc(&w->dec), 0);

	assert_int_equal(mix_alloc(&w->from, engine), 0);
	assert_int_equal(mix_alloc(&w->to, engine), 0);
	assert_int_equal(
	    media_leg_tone_alloc(&w->tone, w->from, tone, NULL, NULL), 0);
	assert_int_equal(
	    media_leg_rtp_alloc(&w->a, w->from, &local, NULL, NULL), 0);
	assert_int_equal(media_leg_rtp_alloc(&w->b, w->to, &local, NULL, NULL),
			 0);
	assert_int_equal(media_leg_rtp_alloc(&w->c, w->to, &local, NULL, NULL),
			 0);
	set(w->c, &w->addr, NULL, NULL);
}

static int setup(void **state)
{
	const struct media_conf conf = {
	    .workers = 1,
	    .rtp_port_min = 27000,
	    .rtp_port_max = 27999,
	    .quarantine_ms = 1,
	};
	size_t i;

	(void)state;

	memset(wayv, 0, sizeof(wayv));
	if (libre_init() || media_alloc(&engine, &conf))
		return -1;

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		way_open(&wayv[i], &tones[i]);
		wayv[i].key = keys((enum media_srtp_suite)(i + 1));
		wayv[i].back = keys((enum media_srtp_suite)(i + 1));
	}

	return 0;
}

static int teardown(void **state)
{
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		struct way *w = &wayv[i];

		fd_close(w->fd);
		(void)close(w->fd);
		codec_close(&w->dec);
		mem_deref(w->tone);
		mem_deref(w->a);
		mem_deref(w->b);
		mem_deref(w->c);
		mem_deref(w->from);
		mem_deref(w->to);
	}

	engine = mem_deref(engine);
	libre_close();

	return 0;
}

static struct media_stat stat_of(const struct media_leg *leg)
{
	struct media_stat st;

	media_leg_stat(leg, &st);

	return st;
}

static bool all_hear(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		if (hears(&wayv[i]) < -3)
			return false;
	}

	return true;
}

static bool none_hears(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		if (hears(&wayv[i]) > -60)
			return false;
	}

	return true;
}

static void listen_anew(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wayv); i++)
		wayv[i].heard_smp = 0;
}

/* A second of sound has come. */
static bool a_second(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		if (wayv[i].heard_smp < 8000)
			return false;
	}

	return true;
}

static void set_all(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		set_a(&wayv[i]);
		set_b(&wayv[i]);
	}
}

/* Each suite, to itself and on to a plain leg; nothing is lost. */
static void test_suites(void **state)
{
	size_t i;

	(void)state;

	set_all();
	run(all_hear);

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		const struct media_stat st = stat_of(wayv[i].b);

		assert_true(st.rx_packets > 0);
		assert_int_equal(st.rx_auth_failed, 0);
		assert_int_equal(st.rx_replayed, 0);
		assert_int_equal(st.rx_invalid, 0);
		assert_int_equal(st.rx_lost, 0);
	}
}

/* What the test itself sends to leg d. */
static struct media_leg *d;
static unsigned want;

static bool d_replayed(void)
{
	return stat_of(d).rx_replayed >= want;
}

static bool d_received(void)
{
	return stat_of(d).rx_packets >= want;
}

/* The same keys again, as a hold and a resume bring them: the context goes
 * on, and what came before is a replay still.  New ones start anew. */
static void test_same_keys(void **state)
{
	struct way *w = &wayv[0];
	const struct media_srtp other = keys(MEDIA_SRTP_AEAD_AES_256_GCM);
	struct packet pkt = {.pt = 0, .seq = 100, .ssrc = 77};
	struct srtp_ctx *ctx;
	struct sa local, dst;
	uint8_t copy[256];
	size_t len;
	int fd;

	(void)state;

	assert_int_equal(sa_set_str(&local, "127.0.0.1", 0), 0);
	assert_int_equal(media_leg_rtp_alloc(&d, w->to, &local, NULL, NULL), 0);
	dst = *media_leg_laddr(d);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, &local.u.sa, local.len), 0);
	assert_int_equal(getsockname(fd, &local.u.sa, &local.len), 0);

	assert_int_equal(srtp_ctx_alloc(&ctx, &w->key, true), 0);
	rtp_print(&pkt);
	memset(pkt.data + RTP_HDR_BYTES, 0xff, 160);
	len = RTP_HDR_BYTES + 160;
	assert_int_equal(srtp_ctx_protect_rtp(ctx, pkt.data, &len, 256), 0);
	mem_deref(ctx);
	memcpy(copy, pkt.data, len);

	set(d, &local, NULL, &w->key);
	assert_true(sendto(fd, copy, len, 0, &dst.u.sa, dst.len) > 0);
	want = 1;
	run(d_received);
	assert_true(sendto(fd, copy, len, 0, &dst.u.sa, dst.len) > 0);
	run(d_replayed);

	set(d, &local, NULL, &w->key);
	assert_true(sendto(fd, copy, len, 0, &dst.u.sa, dst.len) > 0);
	want = 2;
	run(d_replayed);

	/* The old keys are heard until the new ones are, with their past. */
	set(d, &local, NULL, &other);
	assert_true(sendto(fd, copy, len, 0, &dst.u.sa, dst.len) > 0);
	want = 3;
	run(d_replayed);
	assert_int_equal(stat_of(d).rx_auth_failed, 0);
	assert_int_equal(stat_of(d).rx_packets, 1);

	(void)close(fd);
	d = mem_deref(d);
}

/* b is told first, a later: not a packet is lost between. */
static void test_rekey(void **state)
{
	struct media_srtp old[ARRAY_SIZE(wayv)];
	size_t i;

	(void)state;

	set_all();
	run(all_hear);
	listen_anew();

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		old[i] = wayv[i].key;
		/* Another suite, too. */
		wayv[i].key = keys((enum media_srtp_suite)((i + 1) % 4 + 1));
		set_b(&wayv[i]);
	}
	run(a_second);
	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		set_a(&wayv[i]);
		wayv[i].heard_smp = 0;
	}
	run(a_second);
	run(all_hear);

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		const struct media_stat st = stat_of(wayv[i].b);

		assert_int_equal(st.rx_auth_failed, 0);
		assert_int_equal(st.rx_lost, 0);
	}

	/* The old key is over now. */
	for (i = 0; i < ARRAY_SIZE(wayv); i++)
		set(wayv[i].a, media_leg_laddr(wayv[i].b), &old[i],
		    &wayv[i].back);
	run(none_hears);
	for (i = 0; i < ARRAY_SIZE(wayv); i++)
		assert_true(stat_of(wayv[i].b).rx_auth_failed > 0);
}

/* A wrong key, and no SRTP at all: counted, and silence. */
static void test_wrong_key(void **state)
{
	struct media_load load;
	uint64_t sum = 0;
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		const struct media_srtp wrong = keys(wayv[i].key.suite);

		set_b(&wayv[i]);
		set(wayv[i].a, media_leg_laddr(wayv[i].b),
		    i % 2 ? &wrong : NULL, &wayv[i].back);
	}

	listen_anew();
	run(a_second);
	assert_true(none_hears());

	for (i = 0; i < ARRAY_SIZE(wayv); i++) {
		const struct media_stat st = stat_of(wayv[i].b);

		assert_true(st.rx_auth_failed > 40);
		assert_int_equal(st.rx_packets, 0);
		sum += st.rx_auth_failed;
	}

	media_load(engine, &load);
	assert_true(load.rx_refused >= sum);
}

static void test_bad_keys(void **state)
{
	struct media_rtp_params prm = {
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	    .srtp_tx.suite = MEDIA_SRTP_COUNT,
	};

	(void)state;

	assert_int_equal(media_leg_rtp_set(wayv[0].a, &prm), EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_suites, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_same_keys, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rekey, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_wrong_key, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_bad_keys, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * Everything that signalling may ask of the engine, at random, while several
 * workers share every mix.  Legs of all kinds send to each other.  At the end
 * each packet must be back in the pool that it came from, and one peer has
 * watched that its stream went on through all of it.
 */

#include "media_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/crew.h"
#include "node/media/engine.h"

enum {
	WORKERS = 3,
	MIXES = 5,
	LEGS = 60,
	STRESS_MS = 5000,
	END_MS = 20000,
	TURN_MS = 2,
	TURN_OPS = 4,
	KEYS = 3,
	EVENT_PT = 101,
	RTP_BYTES = 12,
	FRAME_TS = 160,
};

enum kind { RTP, ECHO, TONE };

struct party {
	struct media_leg *leg;
	unsigned mix;
	enum kind kind;
};

static struct media *engine;
static struct mix *mixv[MIXES];
static struct party partyv[LEGS];
static uint32_t rng;
static uint64_t end_ms;
static struct tmr turn_tmr;
static bool over, late;
static unsigned done, refused, heard;

static uint32_t dice(uint32_t n)
{
	return test_rand(&rng) % n;
}

/* A full ring is an answer, too. */
static void check(int err)
{
	if (err == EAGAIN)
		++refused;
	else
		assert_int_equal(err, 0);
	++done;
}

/* --- the peer that watches its stream */

static struct {
	struct media_leg *leg;
	struct sa addr;
	int fd;
	bool any, audio;
	uint16_t seq;
	uint32_t ts, first_ts;
	uint64_t first_us, last_us;
	unsigned packets;
} watcher;

static uint64_t mono_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void watch(void)
{
	uint8_t buf[2048];
	uint16_t seq;
	uint32_t ts;

	while (recv(watcher.fd, buf, sizeof(buf), 0) >= RTP_BYTES) {
		memcpy(&seq, buf + 2, sizeof(seq));
		memcpy(&ts, buf + 4, sizeof(ts));
		seq = ntohs(seq);
		ts = ntohl(ts);

		if (watcher.any)
			assert_int_equal(seq, (uint16_t)(watcher.seq + 1));
		watcher.any = true;
		watcher.seq = seq;
		++watcher.packets;
		if ((buf[1] & 0x7f) == EVENT_PT)
			continue;

		/* by the clock, never back */
		if (watcher.audio) {
			assert_true((int32_t)(ts - watcher.ts) > 0);
			assert_int_equal((ts - watcher.ts) % FRAME_TS, 0);
		} else {
			watcher.first_ts = ts;
			watcher.first_us = mono_us();
		}
		watcher.audio = true;
		watcher.ts = ts;
		watcher.last_us = mono_us();
	}
}

static void watcher_set(bool held)
{
	struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};
	struct media_rtp_params prm = {
	    .raddr = watcher.addr,
	    .rxv = {pcmu},
	    .rxc = 1,
	    .event_pt_tx = EVENT_PT,
	    .event_pt_rx = EVENT_PT,
	    .event_clock_hz = 8000,
	    .send = !held,
	    .recv = dice(2),
	};

	if (!held || dice(2))
		prm.tx = pcmu;
	check(media_leg_rtp_set(watcher.leg, &prm));
}

static void watcher_start(void)
{
	struct sa laddr;

	(void)sa_set_str(&watcher.addr, "127.0.0.1", 0);
	laddr = watcher.addr;
	watcher.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(watcher.fd, &watcher.addr.u.sa, watcher.addr.len),
			 0);
	assert_int_equal(
	    getsockname(watcher.fd, &watcher.addr.u.sa, &watcher.addr.len), 0);
	assert_int_equal(
	    media_leg_rtp_alloc(&watcher.leg, mixv[0], &laddr, NULL, NULL), 0);
	watcher_set(false);
}

/* --- what is asked */

static void on_event(struct media_leg *leg, const struct media_event *ev,
		     void *arg)
{
	struct party *p = arg;

	(void)ev;
	assert_ptr_equal(p->leg, leg);
	if (!dice(20))
		p->leg = mem_deref(p->leg);
}

static void srtp_key(struct media_srtp *s)
{
	static const enum media_srtp_suite suitev[KEYS] = {
	    MEDIA_SRTP_NONE, MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80,
	    MEDIA_SRTP_AEAD_AES_128_GCM};
	unsigned i = dice(8) ? 0 : dice(KEYS);

	memset(s, 0, sizeof(*s));
	s->suite = suitev[i];
	memset(s->key, (int)(1 + i), sizeof(s->key));
}

/* Mostly the other one of a pair, so that they hear each other. */
static const struct sa *somebody(const struct party *to)
{
	unsigned i, from = dice(4) ? (unsigned)(to - partyv) ^ 1 : dice(LEGS);

	for (i = 0; i < LEGS; i++) {
		const struct party *p = &partyv[(from + i) % LEGS];

		if (p->leg && p->kind == RTP)
			return media_leg_laddr(p->leg);
	}

	return &watcher.addr;
}

static void op_set(struct party *p)
{
	static const struct media_codec codecv[] = {
	    {.id = MEDIA_PCMU, .clock_hz = 8000},
	    {.id = MEDIA_PCMA, .pt = 8, .clock_hz = 8000},
	    {.id = MEDIA_G722, .pt = 9, .clock_hz = 8000},
	    {.id = MEDIA_L16, .pt = 97, .clock_hz = 16000},
	    {.id = MEDIA_OPUS, .pt = 96, .clock_hz = 48000, .fec = true},
	};
	static const uint32_t ptimev[] = {20, 20, 10, 40, 60};
	struct media_rtp_params prm = {
	    .raddr = *somebody(p),
	    .event_pt_tx = dice(2) ? EVENT_PT : -1,
	    .event_pt_rx = dice(2) ? EVENT_PT : -1,
	    .event_clock_hz = 8000,
	    .dtmf = dice(4),
	    .send = dice(6),
	    .recv = dice(8),
	    .cn_rx = dice(2),
	    .jitter_ms = dice(3) ? 0 : 40,
	    .relearn = dice(2),
	    .asymmetric = dice(2),
	    .rtcp = dice(3),
	    .rtcp_xr = dice(2),
	};
	unsigned i, from = dice(ARRAY_SIZE(codecv));

	prm.rxc = dice(4) ? ARRAY_SIZE(codecv) : 1 + dice(ARRAY_SIZE(codecv));
	for (i = 0; i < prm.rxc; i++)
		prm.rxv[i] = codecv[(from + i) % ARRAY_SIZE(codecv)];
	if (prm.send || dice(2))
		prm.tx = prm.rxv[0];
	prm.tx.ptime_ms = ptimev[dice(ARRAY_SIZE(ptimev))];
	prm.tx.dtx = dice(2);
	srtp_key(&prm.srtp_tx);
	srtp_key(&prm.srtp_rx);
	if (!dice(8))
		sa_init(&prm.raddr, AF_UNSPEC);

	check(media_leg_rtp_set(p->leg, &prm));
}

static void op_add(struct party *p)
{
	const struct media_tone tone = {.hz = {300 + (float)dice(1000)},
					.level_db = -20,
					.on_ms = 100,
					.off_ms = 50,
					.repeat = dice(5)};
	struct sa laddr;
	int err = 0;

	p->mix = dice(MIXES);
	p->kind = dice(8) ? RTP : dice(4) ? TONE : ECHO;
	if (!mixv[p->mix])
		return;

	switch (p->kind) {

	case RTP:
		(void)sa_set_str(&laddr, "127.0.0.1", 0);
		err = media_leg_rtp_alloc(&p->leg, mixv[p->mix], &laddr,
					  on_event, p);
		break;

	case ECHO:
		err = media_leg_echo_alloc(&p->leg, mixv[p->mix]);
		break;

	case TONE:
		err = media_leg_tone_alloc(&p->leg, mixv[p->mix], &tone,
					   on_event, p);
		break;
	}

	/* Its port may rest for a millisecond. */
	if (err != EADDRINUSE)
		check(err);
	if (p->leg && p->kind == RTP)
		op_set(p);
}

static void op_voice(struct party *p)
{
	const struct media_voice prm = {
	    .gain_in_db = dice(2) ? 6 : 0,
	    .gain_out_db = dice(3) ? 0 : -6,
	    .agc = dice(2),
	    .denoise = dice(6) ? MEDIA_DENOISE_OFF : MEDIA_DENOISE_SPEEX,
	    .comfort_noise_db = dice(3) ? 0 : -60,
	};

	check(media_leg_voice_set(p->leg, &prm));
}

static void op_dtmf(struct party *p)
{
	int err = media_leg_dtmf(p->leg, "0123456789*#"[dice(12)], 60);

	if (err != ENOTSUP)
		check(err);
}

static void op_mix(void)
{
	unsigned i, m = 1 + dice(MIXES - 1);

	if (!mixv[m]) {
		check(mix_alloc(&mixv[m], engine));
		return;
	}

	for (i = 0; i < LEGS; i++) {
		if (partyv[i].mix == m)
			partyv[i].leg = mem_deref(partyv[i].leg);
	}
	mixv[m] = mem_deref(mixv[m]);
}

static void op_leg(struct party *p)
{
	struct media_stat st;

	if (!p->leg) {
		op_add(p);
		return;
	}

	switch (dice(12)) {

	case 0:
	case 1:
		p->leg = mem_deref(p->leg);
		break;

	case 2:
	case 3:
	case 4:
		check(media_leg_mute(p->leg, dice(2), !dice(3)));
		break;

	case 5:
	case 6:
		op_voice(p);
		break;

	case 7:
		op_dtmf(p);
		break;

	case 8:
		media_leg_stat(p->leg, &st);
		heard += st.rx_packets > 10;
		break;

	default:
		if (p->kind == RTP)
			op_set(p);
		break;
	}
}

static void op_watcher(void)
{
	struct party p = {.leg = watcher.leg};

	switch (dice(4)) {

	case 0:
		watcher_set(dice(3) == 0);
		break;

	case 1:
		op_dtmf(&p);
		break;

	case 2:
		check(media_leg_mute(p.leg, dice(2), dice(2)));
		break;

	default:
		op_voice(&p);
		break;
	}
}

static void op(void)
{
	unsigned m = dice(MIXES), what = dice(200);
	struct media_load load;

	if (what == 0)
		op_mix();
	else if (what < 5 && mixv[m])
		check(mix_watch(mixv[m], dice(2)));
	else if (what < 15)
		op_watcher();
	else if (what == 15)
		media_load(engine, &load);
	else
		op_leg(&partyv[dice(LEGS)]);
}

/* --- the run */

static void turn(void *arg)
{
	unsigned n = dice(TURN_OPS);

	(void)arg;

	watch();
	while (n--)
		op();

	if (tmr_jiffies() > end_ms)
		re_cancel();
	else
		tmr_start(&turn_tmr, TURN_MS, turn, NULL);
}

/* After the last unhold: its clock is that of the wall. */
static void calm(void *arg)
{
	(void)arg;

	watch();
	over = tmr_jiffies() > end_ms;
	if (over)
		re_cancel();
	else
		tmr_start(&turn_tmr, TURN_MS, calm, NULL);
}

static void wait_ports(void *arg)
{
	struct media_load load;

	(void)arg;

	media_load(engine, &load);
	late = tmr_jiffies() > end_ms;
	if (!load.ports_used || late)
		re_cancel();
	else
		tmr_start(&turn_tmr, TURN_MS, wait_ports, NULL);
}

static void run(tmr_h *h, uint64_t ms)
{
	end_ms = tmr_jiffies() + ms;
	tmr_start(&turn_tmr, 0, h, NULL);
	assert_int_equal(re_main(NULL), 0);
	tmr_cancel(&turn_tmr);
}

static void check_watcher(void)
{
	int64_t ts_us, wall_us;

	watcher_set(false);
	run(calm, 300);

	ts_us = (int64_t)(watcher.ts - watcher.first_ts) * 125;
	wall_us = (int64_t)(watcher.last_us - watcher.first_us);
	assert_true(watcher.packets > 20);
	/* this thread and the worker may both be late */
	assert_true(llabs(ts_us - wall_us) < 300000);
}

static void test_stress(void **state)
{
	const struct media_conf conf = {
	    .workers = WORKERS,
	    .rtp_port_min = test_port_base(),
	    .rtp_port_max = test_port_base() + TEST_PORTS - 1,
	    .quarantine_ms = 1,
	    .rtp_silence_ms = 200,
	    .opus_complexity = 1,
	};
	uint64_t helped = 0;
	unsigned i;

	(void)state;

	rng = test_seed() | 1;
	tmr_init(&turn_tmr);
	assert_int_equal(media_alloc(&engine, &conf), 0);
	crew_eager(engine->crew);
	for (i = 0; i < MIXES; i++)
		assert_int_equal(mix_alloc(&mixv[i], engine), 0);
	watcher_start();

	run(turn, STRESS_MS);
	check_watcher();
	printf("%u asked, %u refused, %u heard\n", done, refused, heard);
	assert_true(heard > 0);

	for (i = 0; i < LEGS; i++)
		partyv[i].leg = mem_deref(partyv[i].leg);
	watcher.leg = mem_deref(watcher.leg);
	for (i = 0; i < MIXES; i++)
		mixv[i] = mem_deref(mixv[i]);
	run(wait_ports, END_MS);
	assert_false(late);

	for (i = 0; i < WORKERS; i++)
		worker_stop(engine->workerv[i]);
	for (i = 0; i < WORKERS; i++) {
		const struct worker *w = engine->workerv[i];

		helped += stat_get(w->helped);
		assert_int_equal(w->pool.used, WORKER_RX);
		assert_int_equal(w->watch.coldc, 0);
		assert_true(list_isempty(&w->watch.hotl));
		assert_int_equal(stat_get(w->rx_dropped), 0);
	}
	assert_true(helped > 0);

	(void)close(watcher.fd);
	engine = mem_deref(engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_stress),
	};
	int err;

	if (libre_init())
		return 1;

	err = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return err;
}

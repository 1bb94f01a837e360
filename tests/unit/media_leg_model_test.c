/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * A whole leg, from its socket to the bus, on the clock of the test: whatever
 * a peer, the network and signalling do to it, what it gives is sane, no
 * packet leaks, its clock and its buffer's agree, and as soon as good packets
 * flow again it is heard again.
 *
 * The engine's own code makes the leg; the test takes the worker's place.
 */

#include "media_test.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/engine.h"
#include "node/media/level.h"
#include "node/media/mix.h"
#include "node/media/port.h"
#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"

enum {
	TICK = JITTER_TICK_US,
	PT_OPUS = 96,
	PT_L16_8 = 97,
	PT_L16_16 = 98,
	PT_L16_48 = 99,
	PT_TEL = 101,
	PT_TEL48 = 102,
	CODECS = 7,
	CLEAN_TICKS = 130, /* good packets after each trouble */
	EAR_TICKS = 40,    /* ... in the last of which it is listened to */
};

#define AMP 0.3

/* What is decoded is never over full scale, but a G.722 decoder that lost its
 * encoder may get there, and squares are what it gives then.  A joint of two
 * pieces that are not alike keeps their power, so it may be over by 3 dB; what
 * is made up of them rings a little more.  The resampler's filters overshoot by
 * as much as the sum of the sizes of their taps: 2.25 from 8 kHz, 2.47 from
 * 16 kHz. */
#define SANE 2.0f
#define OVERSHOOT 2.5f

static const struct media_codec codecv[CODECS] = {
	{.id = MEDIA_PCMU, .pt = 0, .clock_hz = 8000},
	{.id = MEDIA_PCMA, .pt = 8, .clock_hz = 8000},
	{.id = MEDIA_G722, .pt = 9, .clock_hz = 8000},
	{.id = MEDIA_OPUS, .pt = PT_OPUS, .clock_hz = 48000,
	 .bitrate_bps = 24000, .complexity = 1, .fec = true},
	{.id = MEDIA_L16, .pt = PT_L16_8, .clock_hz = 8000},
	{.id = MEDIA_L16, .pt = PT_L16_16, .clock_hz = 16000},
	{.id = MEDIA_L16, .pt = PT_L16_48, .clock_hz = 48000},
};

static struct media med;
static struct mix mix;
static struct mixbus bus;
static struct worker *w;
static struct media_leg *handle;
static struct rtp_leg *leg;
static struct tick tick;
static float frame[MEDIA_FRAME_SMP];
static float peak_before;     /* of the tick before, at the codec's rate */
static size_t used;           /* packets that the worker itself holds  */
static bool hard;             /* garbage was decoded: only be finite   */
static bool mixed;            /* codecs change within a tick           */

/* The sender. */
static int fd;
static struct codec encv[CODECS];
static int cur;               /* codec in use                           */
static uint32_t ssrc, ts;
static uint16_t seq;
static uint32_t ptime_ms;
static uint64_t media_us;     /* sent so far                            */
static uint32_t rnd;

static uint32_t dice(uint32_t n)
{
	return test_rand(&rnd) % n;
}

/* The worker's commands. */
static void commands(void)
{
	struct cmd cmd;

	while (ring_get(w->cmds, &cmd)) {
		struct leg *l = cmd.obj;

		switch (cmd.type) {

		case CMD_LEG_SET:
		case CMD_LEG_FREEZE:
			mem_deref(l->ops->cmd(l, &cmd));
			break;

		case CMD_LEG_MUTE:
			l->mute_in = cmd.a;
			break;

		case CMD_LEG_DEL:
			l->ops->stop(l, w);
			mem_deref(l);
			break;

		case CMD_POOL:
			pool_add(&w->pool, cmd.ptr);
			break;

		default:
			mem_deref(cmd.ptr);
			break;
		}
	}
}

/* What is negotiated: all codecs, or only the one in use and its neighbour,
 * at other places of the list. */
static void set(bool recv, bool all)
{
	struct media_rtp_params prm = {
	    .tx = codecv[0],
	    .event_pt_tx = -1,
	    .event_pt_rx = PT_TEL,
	    .event_clock_hz = 8000,
	    .event2_pt_rx = PT_TEL48,
	    .event2_clock_hz = 48000,
	    .recv = recv,
	    .cn_rx = true,
	};
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	size_t i;

	assert_int_equal(sa_set_str(&prm.raddr, "127.0.0.1", 0), 0);
	assert_int_equal(getsockname(fd, (void *)&in, &len), 0);
	sa_set_port(&prm.raddr, ntohs(in.sin_port));

	for (i = 0; i < CODECS; i++) {
		size_t k = all ? i : ((size_t)cur + CODECS - i) % CODECS;

		if (all || i < 2)
			prm.rxv[prm.rxc++] = codecv[k];
	}

	assert_int_equal(media_leg_rtp_set(handle, &prm), 0);
	commands();
}

static void start(uint32_t seed)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sa laddr;
	size_t i;

	rnd = seed | 1;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (void *)&in, sizeof(in)), 0);

	assert_int_equal(worker_alloc(&w, 0, 1, -1, 0), 0);
	used = w->pool.used;
	memset(&mix, 0, sizeof(mix));
	mix.m = &med;
	mix.w = w;
	mix.bus = &bus;
	assert_int_equal(sa_set_str(&laddr, "127.0.0.1", 0), 0);
	assert_int_equal(
	    media_leg_rtp_alloc(&handle, &mix, &laddr, NULL, NULL), 0);
	leg = (struct rtp_leg *)handle->leg;
	commands();
	assert_int_equal(connect(fd, &media_leg_laddr(handle)->u.sa,
				 media_leg_laddr(handle)->len),
			 0);

	for (i = 0; i < CODECS; i++) {
		assert_int_equal(codec_init(&encv[i], &codecv[i]), 0);
		assert_int_equal(codec_enc_alloc(&encv[i]), 0);
	}

	cur = 0;
	ptime_ms = 20;
	ssrc = test_rand(&rnd);
	ts = test_rand(&rnd);
	seq = (uint16_t)test_rand(&rnd);
	media_us = 0;
	peak_before = 0;
	hard = mixed = false;
	tick = (struct tick){.w = w, .now_us = 1000000000, .steps = 1};
	set(true, true);
}

static void stop(void)
{
	size_t i;

	handle = mem_deref(handle);
	commands();
	assert_int_equal(w->pool.used, used);
	w = mem_deref(w);
	for (i = 0; i < CODECS; i++)
		codec_close(&encv[i]);
	(void)close(fd);
}

static void send_raw(uint8_t pt, uint16_t s, uint32_t t, bool marker,
		     const uint8_t *buf, size_t len)
{
	struct packet pkt = {
	    .pt = pt, .seq = s, .ts = t, .ssrc = ssrc, .marker = marker};

	rtp_print(&pkt);
	memcpy(pkt.data + RTP_HDR_BYTES, buf, len);
	assert_true(send(fd, pkt.data, RTP_HDR_BYTES + len, 0) > 0);
}

static uint32_t ms_ts(uint32_t ms)
{
	return codecv[cur].clock_hz / 1000 * ms;
}

/* A packet of a tone; with what is lost the clock goes on. */
static void say(bool lost)
{
	static float pcm[CODEC_FRAME_MAX_SMP];
	const struct codec *c = &encv[cur];
	size_t n = c->rate_hz / 1000 * ptime_ms;
	uint8_t buf[PACKET_BYTES];
	size_t len;

	tone_make(pcm, n, (size_t)(media_us * (c->rate_hz / 1000) / 1000), 500,
		  c->rate_hz, AMP);
	len = c->ops->encode(c->st, buf, sizeof(buf) - RTP_HDR_BYTES, pcm, n);
	if (!lost && len)
		send_raw(c->prm.pt, seq, ts, false, buf, len);

	++seq;
	ts += ms_ts(ptime_ms);
	media_us += ptime_ms * 1000;
}

/* Samples that the player holds must be those that the buffer gave it. */
static void check_clocks(uint32_t rate_hz)
{
	const struct rtp_rx *rx = &leg->rx;
	const struct jitter *j = &rx->jitter;
	int64_t held_us, given_us, max_us;

	if (j->state != JITTER_PLAYING || rx->rate_hz != rate_hz ||
	    j->anchor_us != tick.now_us || mixed)
		return;

	held_us = (int64_t)rx->fifoc * 1000000 / rx->rate_hz;
	given_us = (int64_t)(int32_t)(j->out_ts - j->anchor_ts) * 1000000 /
		       j->clock_hz -
		   TICK;
	/* Opus makes up 2.5 ms at a time: of the time before a lost packet, and
	 * of its own; of tiny lost packets many times. */
	max_us = hard ? 10000 : 5100;
	if (llabs(held_us - given_us) > max_us)
		print_error("held %d us, given %d us\n", (int)held_us,
			    (int)given_us);
	assert_true(llabs(held_us - given_us) <= max_us);
}

/* The greatest of a tick before it is brought to the bus's rate. */
static float peak_now(void)
{
	size_t i, n = leg->rx.rate_hz / 1000 * MEDIA_TICK_MS;
	float peak = 0;

	for (i = 0; i < n; i++)
		peak = fmaxf(peak, fabsf(w->pcm[i]));

	return peak;
}

/* A tick; false: silence. */
static bool hear(void)
{
	uint32_t rate_hz = leg->rx.rate_hz;
	const float *p;
	float peak, most;
	size_t i;

	leg->leg.ops->rx(&leg->leg, &tick);
	p = leg->leg.ops->get(&leg->leg, frame, &tick);

	/* The filters remember some of the tick before. */
	peak = peak_now();
	most = fmaxf(peak, peak_before) * OVERSHOOT;
	peak_before = peak;
	assert_true(hard || peak <= SANE);
	for (i = 0; p && i < MEDIA_FRAME_SMP; i++) {
		assert_true(isfinite(p[i]));
		assert_true(hard || fabsf(p[i]) <= most);
	}
	assert_true(leg->rx.fifoc <= CODEC_FRAME_MAX_SMP);
	assert_true(w->pool.used <= used + JITTER_SLOTS);
	check_clocks(rate_hz);
	tick.now_us += TICK;

	return p;
}

/* So many ticks of packets, of which one of so many is lost (0: none);
 * returns how many ticks of the last ones were heard. */
static unsigned talk(uint32_t ticks, uint32_t lossy)
{
	uint32_t due_ms = ptime_ms;
	unsigned heard = 0;
	uint32_t i;

	for (i = 0; i < ticks; i++, due_ms += MEDIA_TICK_MS) {
		for (; due_ms >= ptime_ms; due_ms -= ptime_ms)
			say(lossy && !dice(lossy));
		if (hear() && i + EAR_TICKS >= ticks &&
		    level_db(level_power(frame, MEDIA_FRAME_SMP)) > -20)
			++heard;
	}

	return heard;
}

static void garbage(void)
{
	uint8_t buf[400];
	size_t i, len = 1 + dice(sizeof(buf));
	static const uint8_t ptv[] = {0, 8, 9, 13, PT_OPUS, PT_L16_8,
				      PT_L16_16, PT_L16_48, PT_TEL, PT_TEL48};

	for (i = 0; i < len; i++)
		buf[i] = (uint8_t)test_rand(&rnd);
	send_raw(ptv[dice(ARRAY_SIZE(ptv))], (uint16_t)(seq + dice(8) - 4),
		 ts + dice(8) * 80 - 320, dice(2), buf, len);
	hard = mixed = true;
}

static void noise(void)
{
	uint8_t buf[11] = {(uint8_t)(40 + dice(40))};
	size_t i, len = 1 + dice(10);

	for (i = 1; i < len; i++)
		buf[i] = (uint8_t)(100 + dice(50));
	send_raw(RTP_PT_CN, seq++, ts, false, buf, len);
}

static void event(uint32_t dur)
{
	const uint8_t buf[4] = {5, 10, (uint8_t)(dur >> 8), (uint8_t)dur};

	send_raw(codecv[cur].clock_hz == 48000 ? PT_TEL48 : PT_TEL, seq++,
		 ts, !dur, buf, 4);
}

static void codec_change(void)
{
	static const uint32_t msv[] = {10, 20, 30, 40, 60, 120};

	cur = (int)dice(CODECS);
	do
		ptime_ms = msv[dice(ARRAY_SIZE(msv))];
	while (codecv[cur].id == MEDIA_OPUS || codecv[cur].id == MEDIA_G722
		   ? ptime_ms == 30 || ptime_ms == 120
		   : encv[cur].rate_hz / 1000 * ptime_ms * 2 > 2000 &&
			 codecv[cur].id == MEDIA_L16);
}

/* Something happens. */
static void trouble(void)
{
	uint32_t i, n = 1 + dice(60);
	uint64_t moved_us;
	uint32_t dur = 0;

	switch (dice(16)) {

	case 0: /* another codec */
		codec_change();
		break;

	case 1: /* another stream */
		ssrc = test_rand(&rnd);
		seq = (uint16_t)test_rand(&rnd);
		ts = test_rand(&rnd);
		break;

	case 2: /* a jump */
		seq = (uint16_t)(seq + test_rand(&rnd) % 300 - 150);
		ts += test_rand(&rnd);
		break;

	case 3: /* a stall, or a pause, or a sender that stood still */
		for (i = 0; i < n; i++)
			(void)hear();
		if (dice(2))
			ts += ms_ts(n * 20);
		break;

	case 4: /* hold and resume, other codecs */
		set(false, dice(2));
		if (dice(2))
			codec_change();
		(void)talk(n, 0);
		set(true, dice(2));
		break;

	case 5: /* muted */
		(void)media_leg_mute(handle, true, false);
		commands();
		(void)talk(n, 0);
		(void)media_leg_mute(handle, false, false);
		commands();
		break;

	case 6: /* loss */
		(void)talk(n, 3);
		break;

	case 7: /* noise instead of audio */
		for (i = 0; i < n; i++) {
			if (i % 20 == 0)
				noise();
			(void)hear();
			ts += ms_ts(20);
		}
		break;

	case 8: { /* DTX */
		const uint8_t toc = 0x08;

		for (i = 0; i < n; i++) {
			if (codecv[cur].id == MEDIA_OPUS && i % 20 == 0)
				send_raw(PT_OPUS, seq++, ts, false, &toc, 1);
			(void)hear();
			ts += ms_ts(20);
		}
		break;
	}

	case 9: /* a digit, some of it lost */
		for (i = 0; i < n; i++) {
			if (dice(8))
				event(dur);
			else
				++seq;
			dur += ms_ts(20);
			(void)hear();
		}
		ts += dur;
		break;

	case 10: /* garbage */
		for (i = 0; i < n; i++) {
			garbage();
			if (dice(2))
				say(false);
			(void)hear();
		}
		break;

	case 11: /* ticks are missed */
		tick.now_us += (uint64_t)TICK * n;
		break;

	case 12: /* a burst */
		/* The leg tells one by the kernel's clock, which stands still
		 * here: without what makes it read on it takes a packet a tick
		 * as long as none is missing. */
		if (n % 2)
			assert_int_equal(send(fd, "", 1, 0), 1);
		for (i = 0; i < n && i * ptime_ms < 1000; i++)
			say(dice(10) == 0);
		break;

	case 13: /* another set */
		set(true, dice(2));
		break;

	case 14: /* frozen for a while */
		assert_int_equal(media_leg_freeze(handle, true), 0);
		commands();
		assert_true(leg->rx.jitter.frozen);
		moved_us = leg->rx.jitter.shorter_us + leg->rx.jitter.longer_us;
		(void)talk(n, 0);
		assert_int_equal(leg->rx.jitter.shorter_us +
				     leg->rx.jitter.longer_us,
				 moved_us);
		assert_int_equal(media_leg_freeze(handle, false), 0);
		commands();
		assert_false(leg->rx.jitter.frozen);
		break;

	default: /* wrong lengths */
		hard = true;
		for (i = 0; i < n; i++) {
			uint8_t buf[160] = {0};

			send_raw(encv[cur].prm.pt, seq++, ts, false, buf,
				 1 + dice(sizeof(buf)));
			ts += ms_ts(20);
			(void)hear();
		}
		break;
	}
}

static void test_model(void **state)
{
	uint32_t seed = test_seed();
	int run, i, k;

	(void)state;

	for (run = 0; run < 6; run++) {
		start(seed + 77777u * (uint32_t)run);
		for (i = 0; i < 25; i++) {
			unsigned heard;

			for (k = (int)dice(3); k >= 0; k--)
				trouble();
			set(true, dice(4) > 0);
			heard = talk(CLEAN_TICKS, 0);
			if (heard < EAR_TICKS - 6)
				print_error("run %d, %d: heard %u\n", run, i,
					    heard);
			assert_true(heard >= EAR_TICKS - 6);
			hard = mixed = false;
		}
		stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	};
	int err;

	if (libre_init())
		return 1;

	resample_tables();
	list_init(&med.pending);
	med.event_fd = -1;
	err = port_alloc(&med.ports, test_port_base(),
			 test_port_base() + TEST_PORTS - 1, 0);
	if (err)
		return 1;

	err = cmocka_run_group_tests(tests, NULL, NULL);
	mem_deref(med.ports);
	libre_close();

	return err;
}

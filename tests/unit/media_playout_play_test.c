/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * Playing, from the packet to the bus, without a socket: what is heard when
 * clocks drift, packets are lost, a leg is muted or the peer falls silent.
 */

#include "media_test.h"

#include <re.h>

#include "node/media/cng.h"
#include "node/media/level.h"
#include "node/media/plc.h"
#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"
#include "node/media/seam.h"
#include "node/media/vad.h"
#include "node/media/worker.h"

enum {
	TICK = JITTER_TICK_US,
	T0 = 1000000,
	PT = 96,
	RATE = MEDIA_RATE_HZ,
};

#define AMP 0.25

static struct worker wrk;
static struct pool_chunk *chunk;
static struct rtp_leg *leg;
static struct tick tick;
static float frame[MEDIA_FRAME_SMP];

/* The sender. */
static struct codec enc;
static struct packet tmpl;
static uint64_t sent;          /* samples */
static unsigned decoded;       /* calls of count_decode() */

static const struct codec_ops *counted;

static size_t count_decode(void *st, float *pcm, const uint8_t *buf,
			   size_t len)
{
	++decoded;

	return counted->decode(st, pcm, buf, len);
}

/* A leg that hears one codec. */
static void start(enum media_codec_id id, uint32_t clock_hz,
		  const struct jitter_conf *conf)
{
	static struct codec_ops ops;
	struct rtp_set *set = mem_zalloc(sizeof(*set), NULL);
	struct codec *c = &set->rxv[0];

	set->prm.rxv[0] = (struct media_codec){
		.id = id, .pt = PT, .clock_hz = clock_hz,
		.bitrate_bps = 24000, .complexity = 5, .fec = true};
	set->prm.rxc = 1;
	set->prm.recv = true;
	set->prm.cn_rx = true;
	if (conf) {
		set->prm.jitter_ms = conf->fixed_ms;
		set->prm.jitter_min_ms = conf->min_ms;
		set->prm.jitter_max_ms = conf->max_ms;
	}

	assert_int_equal(codec_init(c, &set->prm.rxv[0]), 0);
	assert_int_equal(codec_dec_alloc(c), 0);
	counted = c->ops;
	ops = *c->ops;
	ops.decode = count_decode;
	c->ops = &ops;

	memset(set->ptv, PT_UNKNOWN, sizeof(set->ptv));
	set->ptv[PT] = 0;
	set->ptv[RTP_PT_CN] = PT_CN;
	set->cng = mem_zalloc(sizeof(*set->cng), NULL);
	cng_init(set->cng, 1);
	if (!c->ops->conceal) {
		set->plc_bytes = plc_size(c->rate_hz);
		set->plc_new = true;
		set->plc = mem_alloc(set->plc_bytes, NULL);
	}

	leg = mem_zalloc(sizeof(*leg), NULL);
	jitter_init(&leg->rx.jitter, &wrk.pool, NULL);
	leg->rx.codec = -1;
	leg->set = set;
	rtp_rx_set(leg, NULL);

	assert_int_equal(codec_init(&enc, &set->prm.rxv[0]), 0);
	assert_int_equal(codec_enc_alloc(&enc), 0);
	memset(&tmpl, 0, sizeof(tmpl));
	tmpl.pt = PT;
	tmpl.ssrc = 7;
	tmpl.seq = 65000;
	tmpl.ts = 4294967000u;
	sent = 0;
	decoded = 0;
	tick = (struct tick){.w = &wrk, .now_us = T0, .steps = 1};
}

static void stop(void)
{
	struct rtp_set *set = leg->set;

	jitter_flush(&leg->rx.jitter);
	assert_int_equal(wrk.pool.used, 0);
	codec_close(&set->rxv[0]);
	codec_close(&enc);
	mem_deref(set->cng);
	mem_deref(set->plc);
	mem_deref(set);
	leg = mem_deref(leg);
}

static void put(const struct packet *src, uint32_t clock_hz)
{
	struct packet *pkt = pool_get(&wrk.pool);

	assert_non_null(pkt);
	memcpy(pkt, src, sizeof(*pkt));
	if (jitter_put(&leg->rx.jitter, pkt, clock_hz) > JITTER_RESYNC)
		pool_put(&wrk.pool, pkt);
}

/* Encode n samples as one packet; lost: it does not come. */
static void say(const float *pcm, size_t n, uint64_t us, bool lost)
{
	tmpl.payload_len = (uint16_t)enc.ops->encode(
		enc.st, tmpl.data, PACKET_BYTES, pcm, n);
	tmpl.dur_ts = (uint32_t)(n * enc.clock_hz / enc.rate_hz);
	tmpl.arrival_us = us;
	if (!lost && tmpl.payload_len)
		put(&tmpl, enc.clock_hz);

	++tmpl.seq;
	tmpl.ts += tmpl.dur_ts;
	sent += n;
}

static void say_tone(double hz, uint64_t us, bool lost)
{
	static float pcm[RATE / 50];
	size_t n = enc.rate_hz / 50;

	tone_make(pcm, n, sent, hz, enc.rate_hz, AMP);
	say(pcm, n, us, lost);
}

/* The next tick's audio; false: silence. */
static bool hear(void)
{
	const float *p = rtp_rx_get(&leg->leg, frame, &tick);
	size_t i;

	tick.now_us += TICK;
	if (!p)
		memset(frame, 0, sizeof(frame));
	else if (p != frame)
		memcpy(frame, p, sizeof(frame));

	for (i = 0; i < MEDIA_FRAME_SMP; i++)
		assert_true(isfinite(frame[i]));

	return p;
}

/* What is left of a tone when the tone is taken away: steps, clicks. */
struct ear {
	double coef, x1, x2, worst;
};

static void ear_init(struct ear *e, double hz)
{
	memset(e, 0, sizeof(*e));
	e->coef = 2 * cos(2 * M_PI * hz / RATE);
}

static void ear_hear(struct ear *e, bool count)
{
	size_t i;

	for (i = 0; i < MEDIA_FRAME_SMP; i++) {
		double x = frame[i];
		double rest = fabs(x - e->coef * e->x1 + e->x2);

		e->x2 = e->x1;
		e->x1 = x;
		if (count && rest > e->worst)
			e->worst = rest;
	}
}

struct drift {
	double worst;             /* step, of the amplitude               */
	double min_db, max_db;    /* level of the tone in any 20 ms       */
	double moved_ms;          /* time-scaled                          */
	double concealed_ms;
};

static void run_drift(struct drift *d, enum media_codec_id id,
		      uint32_t clock_hz, double ppm,
		      const struct jitter_conf *conf, int seconds)
{
	const double hz = 440;
	struct jitter *j;
	struct ear ear;
	double next = T0;
	int i;

	memset(d, 0, sizeof(*d));
	start(id, clock_hz, conf);
	ear_init(&ear, hz);
	j = &leg->rx.jitter;

	for (i = 0; i < seconds * 50; i++) {

		double db;

		while (next <= (double)tick.now_us) {
			say_tone(hz, (uint64_t)next, false);
			next += TICK * (1 + ppm / 1e6);
		}

		/* From the second second on: it has settled. */
		(void)hear();
		ear_hear(&ear, i > 100);
		db = to_db(sqrt(2 * (double)level_power(frame,
							MEDIA_FRAME_SMP)) /
			   AMP);
		if (i > 100) {
			d->min_db = fmin(d->min_db, db);
			d->max_db = fmax(d->max_db, db);
		}
	}

	d->worst = ear.worst / AMP;
	d->moved_ms = (double)(j->shorter_us + j->longer_us) / 1000;
	d->concealed_ms = (double)j->concealed_us / 1000;
	stop();
}

/* Clocks 200 ppm apart, minutes of a tone: it neither breaks off nor
 * steps. */
static void test_drift(void **state)
{
	static const struct {
		enum media_codec_id id;
		uint32_t clock_hz;
		double rest;
	} v[] = {
		{MEDIA_L16, 8000, 0.001},
		{MEDIA_L16, 48000, 0.001},
		{MEDIA_PCMU, 8000, 0.006},
		{MEDIA_G722, 8000, 0.02},
		{MEDIA_OPUS, 48000, 0.006},
	};
	const struct jitter_conf fixed = {.fixed_ms = 40};
	struct drift d;
	size_t i;
	int sign;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		for (sign = -1; sign <= 1; sign += 2) {
			run_drift(&d, v[i].id, v[i].clock_hz, 200 * sign,
				  NULL, i ? 60 : 120);
			printf("%-5s %5u Hz %+d ppm: rest %.4f, %.2f to %.2f "
			       "dB, scaled %.0f ms, concealed %.0f ms\n",
			       media_codec_name(v[i].id), v[i].clock_hz,
			       200 * sign, d.worst, d.min_db, d.max_db,
			       d.moved_ms, d.concealed_ms);
			assert_true(d.worst < v[i].rest);
			assert_true(d.min_db > -0.5 && d.max_db < 0.5);
			assert_true(d.moved_ms > 15 && d.moved_ms < 80);
			assert_true(d.concealed_ms < 1);
		}
	}

	/* Without adaptation it breaks off. */
	run_drift(&d, MEDIA_L16, 8000, 200, &fixed, 300);
	printf("fixed: rest %.4f, %.2f to %.2f dB, concealed %.0f ms\n",
	       d.worst, d.min_db, d.max_db, d.concealed_ms);
	assert_true(d.min_db < -20);
}

/* Something of a voice: 140 Hz with formants, syllables. */
static void voice_make(float *pcm, size_t n, uint64_t pos, double rate)
{
	size_t i;
	int k;

	for (i = 0; i < n; i++) {
		double t = (double)(pos + i) / rate, x = 0;
		double f0 = 140 + 20 * sin(2 * M_PI * 0.7 * t);

		for (k = 1; k < 20; k++)
			x += sin(2 * M_PI * k * (140 * t - 20 / (2 * M_PI * 0.7) *
						 cos(2 * M_PI * 0.7 * t))) /
			     (1 + pow((k * f0 - 600) / 400, 2));
		pcm[i] = (float)(0.1 * x *
				 (0.6 + 0.4 * sin(2 * M_PI * 3 * t)));
	}
}

/* Every tenth packet is lost: what the next one tells of it is heard. */
static void test_fec(void **state)
{
	static float pcm[RATE / 50];
	const struct jitter *j;
	unsigned told = 0;
	int i;

	(void)state;

	start(MEDIA_OPUS, 48000, NULL);
	j = &leg->rx.jitter;
	enc.ops->adapt(enc.st, 20, true, 24000);

	for (i = 0; i < 1500; i++) {
		voice_make(pcm, ARRAY_SIZE(pcm), sent, RATE);
		say(pcm, ARRAY_SIZE(pcm), tick.now_us - 3000,
		    i % 10 == 9);
		if (i % 10 == 0 && i)
			told += enc.ops->redundant(tmpl.data,
						   tmpl.payload_len);
		(void)hear();
	}

	printf("lost %u, in the next %u, recovered %u, concealed %u ms\n", (unsigned)j->lost,
	       told, (unsigned)j->recovered, (unsigned)(j->concealed_us / 1000));
	assert_in_range(j->lost, 148, 150);
	assert_true(told > 100);
	assert_int_equal(j->recovered, told);
	assert_int_equal(j->concealed_us, (j->lost - told) * 20000);
	stop();
}

/* Muted: nothing is decoded, the clock goes on; then it is heard again. */
static void test_mute(void **state)
{
	static const enum media_codec_id idv[] = {MEDIA_PCMU, MEDIA_G722};
	size_t k;
	int i;

	(void)state;

	for (k = 0; k < ARRAY_SIZE(idv); k++) {

		struct ear ear;
		unsigned before;

		start(idv[k], 8000, NULL);
		ear_init(&ear, 440);
		for (i = 0; i < 100; i++) {
			say_tone(440, tick.now_us - 3000, false);
			(void)hear();
		}
		before = decoded;
		assert_true(before > 90);

		leg->leg.mute_in = true;
		for (i = 0; i < 500; i++) {
			say_tone(440, tick.now_us - 3000, i % 20 == 3);
			(void)hear();
			assert_true(leg->rx.jitter.count <= 2);
		}
		assert_int_equal(decoded, before);
		assert_int_equal(leg->rx.jitter.late, 0);

		leg->leg.mute_in = false;
		for (i = 0; i < 10; i++) {
			say_tone(440, tick.now_us - 3000, false);
			assert_true(hear());
			ear_hear(&ear, true);
		}
		assert_true(ear.worst < 0.02 * AMP);
		assert_true(fabs(to_db(tone_amp(frame, MEDIA_FRAME_SMP, 440,
						RATE) /
				       AMP)) < 1);
		stop();
	}
}

/* The peer's comfort noise (RFC 3389): its level, no concealment, no click. */
static void test_noise(void **state)
{
	double sum = 0, step = 0, last = 0;
	size_t k;
	int i, n = 0;

	(void)state;

	start(MEDIA_PCMU, 8000, NULL);
	for (i = 0; i < 200; i++) {
		if (i < 50 || i >= 150) {
			say_tone(400, tick.now_us - 3000, false);
		}
		else {
			if (i % 25 == 0) {
				struct packet cn = tmpl;

				cn.pt = RTP_PT_CN;
				cn.data[0] = 60;
				cn.payload_len = 1;
				cn.dur_ts = 160;
				cn.arrival_us = tick.now_us - 3000;
				put(&cn, 8000);
				++tmpl.seq;
			}
			tmpl.ts += 160;
			sent += 160;
		}

		(void)hear();
		for (k = 0; k < MEDIA_FRAME_SMP; k++) {
			if (i > 10)
				step = fmax(step, fabs(frame[k] - last));

			last = frame[k];
			if (i > 60 && i < 148) {
				sum += (double)frame[k] * frame[k];
				++n;
			}
		}
	}

	printf("noise %.1f dB, largest step %.4f\n", 10 * log10(sum / n),
	       step);
	assert_true(fabs(10 * log10(sum / n) + 60) < 2);
	assert_int_equal(leg->rx.jitter.concealed_us, 0);
	/* A sample of the tone moves by 0.0131 at most. */
	assert_true(step < 0.015);
	stop();
}

/* Opus falls silent (DTX): so do we, at no cost, and it is no loss. */
static void test_dtx(void **state)
{
	struct packet dtx;
	unsigned before = 0;
	int i, silent = 0;

	(void)state;

	start(MEDIA_OPUS, 48000, NULL);
	for (i = 0; i < 200; i++) {
		if (i < 50 || i >= 150) {
			say_tone(440, tick.now_us - 3000, false);
		}
		else {
			dtx = tmpl;
			dtx.data[0] = 0x08;
			dtx.payload_len = 1;
			dtx.dur_ts = 960;
			dtx.arrival_us = tick.now_us - 3000;
			if (i % 20 == 10) {
				put(&dtx, 48000);
				++tmpl.seq;
			}
			tmpl.ts += 960;
		}
		if (i == 60)
			before = decoded;
		if (!hear() && i > 60)
			++silent;
		if (i == 149)
			assert_int_equal(decoded, before);
	}

	assert_true(silent > 85);
	assert_true(decoded > before + 40);
	assert_int_equal(leg->rx.jitter.concealed_us, 0);
	stop();
}

/* A stall in a noisy room: the room is heard for a second, then nothing, at
 * no cost; it is nobody's talk.  What the peer calls a pause is silent. */
static void test_room(void **state)
{
	static float pcm[RATE / 50];
	uint32_t rnd = 77;
	struct vad vad;
	double sum = 0, ref = 0;
	unsigned lost_at = 200, heard = 0, talking = 0;
	size_t k;
	unsigned i;

	(void)state;

	start(MEDIA_PCMU, 8000, NULL);
	vad_init(&vad);
	for (i = 0; i < lost_at + 150; i++) {
		bool got;

		for (k = 0; k < 160; k++)
			pcm[k] = 0.005f * (float)((test_rand(&rnd) >> 8) /
						  8388608.0 - 1);
		if (i < 50)
			voice_make(pcm, 160, sent, 8000);
		if (i < lost_at || i >= lost_at + 100)
			say(pcm, 160, tick.now_us - 3000, false);
		else
			tmpl.ts += 160, sent += 160, ++tmpl.seq;

		got = hear();
		(void)vad_step(&vad, level_power(frame, MEDIA_FRAME_SMP));
		if (i > 150 && i < lost_at)
			ref += (double)level_power(frame, MEDIA_FRAME_SMP) / 49;
		if (i >= lost_at + 10 && i < lost_at + 48)
			sum += (double)level_power(frame, MEDIA_FRAME_SMP) / 38;
		if (i >= lost_at && i < lost_at + 100) {
			heard += got;
			talking += vad.talking;
			if (i > lost_at + 60)
				assert_false(got);
		}
		if (i > lost_at + 104)
			assert_true(got);
	}

	printf("room %.1f dB, made %.1f dB, for %u ms\n", 10 * log10(ref),
	       10 * log10(sum), heard * 20);
	assert_true(fabs(10 * log10(sum / ref)) < 3);
	assert_in_range(heard, 54, 59);
	assert_int_equal(talking, 0);
	stop();
}

/* Frozen for a modem: as late as it is, nothing scaled. */
static void test_freeze(void **state)
{
	int i;

	(void)state;

	start(MEDIA_PCMU, 8000, NULL);
	jitter_freeze(&leg->rx.jitter, true);
	for (i = 0; i < 1000; i++) {
		say_tone(1100, tick.now_us - 3000 + (i % 50 == 7 ? 8000 : 0),
			 false);
		(void)hear();
	}
	assert_int_equal(leg->rx.jitter.shorter_us, 0);
	assert_int_equal(leg->rx.jitter.longer_us, 0);
	assert_true(jitter_delay_us(&leg->rx.jitter) > 30000);

	jitter_freeze(&leg->rx.jitter, false);
	for (i = 0; i < 100; i++) {
		say_tone(1100, tick.now_us - 3000, false);
		(void)hear();
	}
	assert_true(leg->rx.jitter.shorter_us > 0);
	assert_true(jitter_delay_us(&leg->rx.jitter) < 30000);
	stop();
}

/* Any bytes at any time: finite audio, all packets back. */
static void test_garbage(void **state)
{
	static const struct {
		enum media_codec_id id;
		uint32_t clock_hz;
	} v[] = {{MEDIA_PCMU, 8000},
		 {MEDIA_G722, 8000},
		 {MEDIA_L16, 48000},
		 {MEDIA_OPUS, 48000}};
	uint32_t rnd = test_seed() | 1;
	size_t k;
	int i, n;

	(void)state;

	for (k = 0; k < ARRAY_SIZE(v); k++) {
		start(v[k].id, v[k].clock_hz, NULL);

		for (i = 0; i < 4000; i++) {
			struct packet p = tmpl;
			const struct codec *c = &leg->set->rxv[0];
			size_t smp;

			for (n = 0; n < 200; n++)
				p.data[n] = (uint8_t)test_rand(&rnd);
			p.payload_len = (uint16_t)(1 + test_rand(&rnd) % 200);
			p.pt = test_rand(&rnd) % 10 ? PT : RTP_PT_CN;
			p.marker = test_rand(&rnd) & 1;
			p.seq = (uint16_t)(tmpl.seq + test_rand(&rnd) % 4);
			p.ts += test_rand(&rnd) % 7 * 80;
			p.arrival_us = tick.now_us - test_rand(&rnd) % 90000;
			smp = c->ops->samples(c->st, p.data, p.payload_len);
			p.dur_ts = (uint32_t)(smp * c->clock_hz / c->rate_hz);
			if (p.pt == RTP_PT_CN)
				p.dur_ts = 160;

			if (test_rand(&rnd) % 30 && p.dur_ts)
				put(&p, v[k].clock_hz);
			++tmpl.seq;
			tmpl.ts += v[k].clock_hz / 50;
			if (test_rand(&rnd) % 100 == 0)
				leg->leg.mute_in = !leg->leg.mute_in;
			if (test_rand(&rnd) % 200 == 0)
				tick.now_us += TICK * (test_rand(&rnd) % 60);
			(void)hear();
			assert_true(wrk.pool.used <= JITTER_SLOTS);
		}
		stop();
	}
}

/* Cuts and insertions are exact and join. */
static void test_seam(void **state)
{
	enum { N = 320, HZ = 8000 };
	float v[2 * N];
	size_t k, i, n;

	(void)state;

	for (k = 0; k < N; k += 13) {
		tone_make(v, N, 0, 10, HZ, 0.001);
		n = seam_cut(v, N, k, HZ);
		assert_int_equal(n, N - k);
		for (i = 1; i < n; i++)
			assert_true(fabsf(v[i] - v[i - 1]) < 1e-4f);

		tone_make(v, N, 0, 10, HZ, 0.001);
		n = seam_insert(v, N, k, 2 * N, HZ);
		assert_int_equal(n, N + MIN(k, (size_t)N - 40));
		for (i = 1; i < n; i++)
			assert_true(fabsf(v[i] - v[i - 1]) < 1e-4f);
		assert_true(v[n - 1] == v[N - 1] || k);
	}

	for (i = 0; i < N; i++)
		v[i] = 1;
	seam_out(v, N, 40, 80, 120);
	assert_true(v[39] == 1 && v[41] < 1 && v[79] > 0 && v[80] == 0);
	for (i = 0; i < N; i++)
		v[i] = 1;
	seam_in(v, N, HZ);
	assert_true(v[0] < 0.03f && v[39] > 0.9f && v[40] == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drift),  cmocka_unit_test(test_fec),
		cmocka_unit_test(test_mute),   cmocka_unit_test(test_noise),
		cmocka_unit_test(test_dtx),    cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_garbage), cmocka_unit_test(test_room), cmocka_unit_test(test_seam),
	};
	int err;

	resample_tables();
	chunk = pool_chunk_alloc(2 * JITTER_SLOTS);
	if (!chunk)
		return 1;

	pool_add(&wrk.pool, chunk);
	err = cmocka_run_group_tests(tests, NULL, NULL);
	mem_deref(chunk);

	return err;
}

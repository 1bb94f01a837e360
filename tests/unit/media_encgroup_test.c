/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * RTP legs of one mix that share an encoder: what their peers hear, over real
 * sockets, on a clock of the test's own.
 */

#include "media_test.h"

#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/encgroup.h"
#include "node/media/mix.h"
#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"
#include "node/media/worker.h"

enum {
	PARTIES = 24,
	TICKS_MAX = 260,
	EAR_SMP = TICKS_MAX * MEDIA_FRAME_SMP,
	START_US = 1000000000, /* a multiple of 300 ms: every period begins */
#ifdef __SANITIZE_THREAD__ /* slow, and there is one thread */
	MODEL_TICKS = 1000,
	PTIMES = 1,
#else
	MODEL_TICKS = 4000,
	PTIMES = 4,
#endif
};

/* A leg that says a tone and sends what it hears to a peer of its own. */
struct party {
	struct rtp_leg r;
	double hz, amp; /* hz 0: silent */
	int peer;
	struct codec dec;
	bool any;
	uint16_t seq;
	uint32_t ts, first_ts, dur_ts;
	unsigned packets, gaps;
	uint8_t last[PACKET_BYTES]; /* payload of the last packet */
	size_t lastc;
	float *ear; /* by RTP timestamp, at the codec's rate */
	bool there;
};

static struct party partyv[PARTIES];
static struct mixbus bus;
static struct list groupl;
static struct worker *w;
static uint64_t now_us;
static size_t pos; /* samples of the bus since the start */

static const float *get(struct leg *leg, float *buf, const struct tick *t)
{
	struct party *p = (struct party *)leg;

	(void)t;

	if (p->hz <= 0)
		return NULL;

	tone_make(buf, MEDIA_FRAME_SMP, pos, p->hz, 48000, p->amp);

	return buf;
}

static const struct leg_ops ops = {
    .name = "party", .get = get, .put = rtp_tx_put, .plan = rtp_tx_plan, .share = rtp_tx_share};

static void set_destructor(void *arg)
{
	struct rtp_set *set = arg;

	encgroup_leave(set->group);
	codec_close(&set->tx);
}

static struct rtp_set *make_set(const struct party *p,
				const struct media_codec *c)
{
	struct rtp_set *set = mem_zalloc(sizeof(*set), set_destructor);
	struct sa *sa;

	assert_non_null(set);
	sa = &set->prm.raddr;
	set->prm.tx = *c;
	set->prm.send = true;
	set->prm.event_pt_tx = -1;
	sa->len = sizeof(sa->u);
	assert_int_equal(getsockname(p->peer, &sa->u.sa, &sa->len), 0);
	assert_int_equal(codec_init(&set->tx, c), 0);
	assert_int_equal(codec_enc_alloc(&set->tx), 0);
	assert_int_equal(encgroup_join(&set->group, &groupl, &set->tx), 0);

	return set;
}

static int udp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	struct sa sa;

	(void)sa_set_str(&sa, "127.0.0.1", 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, &sa.u.sa, sa.len), 0);

	return fd;
}

static void party_add(struct party *p, const struct media_codec *c)
{
	memset(p, 0, sizeof(*p));
	p->r.leg.ops = &ops;
	p->r.fd = udp();
	p->r.tx.virgin = true;
	p->r.tx.marker = true;
	p->r.tx.ts = 1000;
	p->peer = udp();
	p->amp = 0.1;
	p->ear = calloc(EAR_SMP, sizeof(float));
	p->r.set = make_set(p, c);
	rtp_tx_set(&p->r, NULL);
	assert_int_equal(codec_init(&p->dec, c), 0);
	assert_int_equal(codec_dec_alloc(&p->dec), 0);
	list_append(&bus.legl, &p->r.leg.le, &p->r.leg);
	p->there = true;
}

static void party_del(struct party *p)
{
	if (!p->there)
		return;

	list_unlink(&p->r.leg.le);
	mem_deref(p->r.set);
	codec_close(&p->dec);
	(void)close(p->r.fd);
	(void)close(p->peer);
	free(p->ear);
	p->there = false;
}

static void build(size_t n, const struct media_codec *c)
{
	size_t i;

	now_us = START_US;
	pos = 0;
	for (i = 0; i < n; i++) {
		party_add(&partyv[i], c);
		partyv[i].hz = 0;
	}
}

static void clear(void)
{
	size_t i;

	for (i = 0; i < PARTIES; i++)
		party_del(&partyv[i]);

	assert_true(list_isempty(&groupl));
	assert_int_equal(w->txc, 0);
}

/* After a test that failed. */
static int teardown(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < PARTIES; i++)
		party_del(&partyv[i]);

	return 0;
}

static void hear(struct party *p, struct packet *pkt)
{
	static float pcm[CODEC_FRAME_MAX_SMP];
	size_t n, at;

	assert_int_equal(rtp_parse(pkt), 0);
	if (p->any) {
		assert_int_equal(pkt->seq, (uint16_t)(p->seq + 1));
		p->gaps += pkt->ts != p->ts + p->dur_ts;
	} else {
		p->first_ts = pkt->ts;
	}

	p->any = true;
	p->packets++;
	p->seq = pkt->seq;
	p->ts = pkt->ts;
	p->lastc = pkt->payload_len;
	memcpy(p->last, pkt->data + pkt->payload_off, p->lastc);

	n = p->dec.ops->decode(p->dec.st, pcm, p->last, p->lastc);
	assert_true(n > 0);
	p->dur_ts = (uint32_t)(n * p->dec.clock_hz / p->dec.rate_hz);
	at = (size_t)(pkt->ts - p->first_ts) * p->dec.rate_hz / p->dec.clock_hz;
	if (at + n <= EAR_SMP)
		memcpy(p->ear + at, pcm, n * sizeof(float));
}

static void run(size_t ticks)
{
	struct packet pkt;
	ssize_t len;
	size_t i;

	for (; ticks--; now_us += MEDIA_TICK_MS * 1000) {
		const struct tick t = {.w = w, .steps = 1, .now_us = now_us};

		mixbus_run(&bus, &t);
		worker_flush(w);
		pos += MEDIA_FRAME_SMP;

		for (i = 0; i < PARTIES; i++) {
			struct party *p = &partyv[i];

			while (p->there &&
			       (len = recv(p->peer, pkt.data, sizeof(pkt.data),
					   0)) > 0) {
				pkt.len = (uint16_t)len;
				hear(p, &pkt);
			}
		}
	}
}

static const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};
static const struct media_codec g722 = {
    .id = MEDIA_G722, .pt = 9, .clock_hz = 8000};
static const struct media_codec opus = {.id = MEDIA_OPUS,
					.pt = 96,
					.clock_hz = 48000,
					.bitrate_bps = 32000,
					.complexity = 5};
static const struct media_codec l16 = {
    .id = MEDIA_L16, .pt = 97, .clock_hz = 48000};

/* How loud a party hears a tone in the last 200 ms, against what was said. */
static double hears(const struct party *p, double hz)
{
	size_t rate = p->dec.rate_hz, n = rate / 5;
	size_t end =
	    (size_t)(p->ts + p->dur_ts - p->first_ts) * rate / p->dec.clock_hz;

	assert_true(end >= n);

	return to_db(tone_amp(p->ear + end - n, n, hz, (double)rate) / 0.1);
}

static void everybody_hears(size_t n, const double *talkv, size_t talkc,
			    double within_db)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		for (k = 0; k < talkc; k++) {
			double db = hears(&partyv[i], talkv[k]);

			if (i == k)
				assert_true(db < -25);
			else
				assert_true(fabs(db) < within_db);
		}
	}
}

/* Three talk and 20 listen: one encoder for the 20. */
static void listeners(const struct media_codec *c, double within_db)
{
	static const double talkv[] = {500, 1100, 1700};
	uint64_t encodes;
	size_t i;

	build(23, c);
	for (i = 0; i < 3; i++)
		partyv[i].hz = talkv[i];

	run(50);
	encodes = stat_get(w->encodes);
	run(50);
	assert_int_equal(stat_get(w->encodes) - encodes, 50 * (3 + 1));

	everybody_hears(23, talkv, 3, within_db);
	for (i = 4; i < 23; i++) {
		assert_int_equal(partyv[i].packets, partyv[3].packets);
		assert_int_equal(partyv[i].lastc, partyv[3].lastc);
		assert_memory_equal(partyv[i].last, partyv[3].last,
				    partyv[3].lastc);
	}
	clear();
}

static void test_listeners(void **state)
{
	(void)state;
	listeners(&pcmu, 0.5);
	listeners(&g722, 0.5);
	listeners(&opus, 3);
	listeners(&l16, 0.1);
}

/* Other packets of the same codec: its own encoder, whose last packet is old,
 * or the other group's, is new to the peer. */
static void test_other_group(void **state)
{
	struct media_codec longer = opus;
	struct party *p = &partyv[2];
	struct rtp_set *old;

	(void)state;

	longer.ptime_ms = 60;
	build(6, &opus);
	partyv[0].hz = 700;
	p->hz = 900;
	run(10);
	p->hz = 0;
	run(100);
	assert_non_null(p->r.leg.shared);
	assert_false(p->r.tx.virgin);

	old = p->r.set;
	p->r.set = make_set(p, &longer);
	rtp_tx_set(&p->r, old);
	assert_null(p->r.leg.shared);
	assert_true(p->r.tx.virgin);
	mem_deref(old);

	run(30);
	assert_false(p->r.tx.virgin);
	clear();
}

/* Two codecs and two settings are three groups. */
static void test_settings(void **state)
{
	struct media_codec slow = opus;
	uint64_t encodes;
	size_t i;

	(void)state;

	slow.bitrate_bps = 16000;
	build(4, &pcmu);
	for (i = 4; i < 12; i++)
		party_add(&partyv[i], i % 2 ? &opus : &slow);
	partyv[0].hz = 700;
	partyv[1].hz = 900;

	run(10);
	encodes = stat_get(w->encodes);
	run(10);
	/* two talkers, and two of PCMU who are too few to have shared when
	 * they began, but four in all: one group */
	assert_int_equal(stat_get(w->encodes) - encodes, 10 * (2 + 1 + 2));
	clear();
}

/* Energy of the difference of two ears against that of the second, over a
 * stretch of ticks [dB]. */
static double differ_db(const struct party *a, const struct party *b,
			size_t from, size_t ticks)
{
	size_t n = a->dec.rate_hz / 50, i;
	double d = 0, s = 0;

	for (i = from * n; i < (from + ticks) * n; i++) {
		double x = a->ear[i] - b->ear[i];

		d += x * x;
		s += (double)b->ear[i] * b->ear[i];
	}

	return 10 * log10(d / s + 1e-12);
}

/* The largest second difference: a click has a large one. */
static double bend(const struct party *p, size_t from, size_t ticks)
{
	size_t n = p->dec.rate_hz / 50, i;
	double max = 0;

	for (i = from * n + 1; i + 1 < (from + ticks) * n; i++) {
		double x = p->ear[i - 1] - 2.0 * p->ear[i] + p->ear[i + 1];

		max = fabs(x) > max ? fabs(x) : max;
	}

	return max;
}

/*
 * Party 5 says something for a second, inaudible to the others but enough to
 * need an encoder of its own.  It hears the same all the time; the ear of
 * party 6, who stays in the group, is the measure.
 */
static void transition(const struct media_codec *c, double part_db,
		       double join_db)
{
	struct party *a = &partyv[5], *b = &partyv[6];
	uint64_t encodes;
	double steady, db;
	size_t join;

	build(8, c);
	partyv[0].hz = 500;
	partyv[1].hz = 1100;
	run(60);
	assert_true(a->r.leg.shared);

	a->hz = 300;
	a->amp = 0.0006;
	run(50);
	assert_false(a->r.leg.shared);
	steady = bend(b, 20, 30);

	db = differ_db(a, b, 59, 50);
	printf("%s ptime %u: part %.1f dB", media_codec_name(c->id),
	       c->ptime_ms, db);
	assert_true(db < part_db);
	assert_true(bend(a, 50, 50) < 1.1 * steady);

	a->hz = 0;
	for (join = 110; !a->r.leg.shared; join++)
		run(1);
	assert_in_range(join, 110 + ENCGROUP_STAY,
			110 + 2 * ENCGROUP_STAY + 2 * 75);
	run(30);

	db = differ_db(a, b, join - 2, 6);
	printf(", join at %zu: %.1f dB, bend %.2f\n", join, db,
	       bend(a, join - 2, 6) / steady);
	assert_true(db < join_db);
	assert_true(bend(a, join - 3, 20) < 1.4 * steady);
	assert_int_equal(a->gaps, 0);
	assert_int_equal(b->gaps, 0);

	encodes = stat_get(w->encodes);
	run(12);
	assert_int_equal(stat_get(w->encodes) - encodes,
			 3 * 12 * MEDIA_TICK_MS /
			     (c->ptime_ms ? c->ptime_ms : 20));
	clear();
}

static void test_transition(void **state)
{
	(void)state;
	transition(&pcmu, -30, -30);
	transition(&g722, -30, -20);
	transition(&opus, -18, -12);
	transition(&l16, -40, -80);
}

/* Packets of other lengths: no gap, no overlap in time. */
static void test_ptime(void **state)
{
	static const uint32_t msv[] = {60, 10, 30, 40};
	size_t i;

	(void)state;

	for (i = 0; i < PTIMES; i++) {
		struct media_codec c = g722;

		c.ptime_ms = msv[i];
		transition(&c, -30, -20);
		if (msv[i] == 30)
			continue;

		c = opus;
		c.ptime_ms = msv[i];
		transition(&c, -18, -10);
	}
}

/* Nobody says a word: hardly any encoding, and with DTX hardly a packet. */
static void test_silence(void **state)
{
	struct media_codec c = opus;
	uint64_t encodes;
	unsigned packets;

	(void)state;

	build(2, &c);
	run(50);
	encodes = stat_get(w->encodes);
	packets = partyv[0].packets;
	run(100);
	assert_int_equal(stat_get(w->encodes), encodes);
	assert_int_equal(partyv[0].packets - packets, 100);
	assert_true(hears(&partyv[0], 500) < -60);

	/* who then hears a voice hears all of it */
	partyv[1].hz = 500;
	run(20);
	assert_true(fabs(hears(&partyv[0], 500)) < 1);
	clear();

	c.dtx = true;
	build(2, &c);
	run(50);
	packets = partyv[0].packets;
	run(100);
	/* the silence each 400 ms, and that a pause follows */
	assert_int_equal(partyv[0].packets - packets, 2 * 5);
	clear();
}

/* On hold nothing is sent; the clock goes on; afterwards it is shared again,
 * at once. */
static void test_hold(void **state)
{
	struct party *p = &partyv[7];
	uint32_t ts;

	(void)state;

	build(10, &opus);
	partyv[0].hz = 500;
	partyv[1].hz = 1100;
	run(50);
	ts = p->ts;

	p->r.set->prm.send = false;
	run(30);
	assert_int_equal(p->ts, ts);
	assert_false(p->r.leg.shared);

	p->r.set->prm.send = true;
	run(1);
	assert_true(p->r.leg.shared);
	assert_int_equal(p->ts - ts, 31 * 960);
	run(20);
	assert_true(fabs(hears(p, 500)) < 3);

	/* a mix that slept for 25 ticks */
	ts = p->ts;
	bus.idle = true;
	now_us += 25 * MEDIA_TICK_MS * 1000;
	run(1);
	assert_int_equal(p->ts - ts, 26 * 960);
	assert_false(bus.idle);
	clear();
}

/* The mix is gone before its legs' sets. */
static void test_life(void **state)
{
	(void)state;

	build(5, &opus);
	run(3);
	list_clear(&groupl);
	clear();
}

/* A random life of ten legs.  Every packet must hold what the others say. */
static void expect(const struct party *p, float *v)
{
	static float frame[MEDIA_FRAME_SMP];
	size_t i, k;

	memset(v, 0, MEDIA_FRAME_SMP * sizeof(float));
	for (i = 0; i < PARTIES && !p->r.leg.mute_out; i++) {
		const struct party *o = &partyv[i];

		if (o == p || !o->there || o->hz <= 0 || o->r.leg.mute_in)
			continue;

		tone_make(frame, MEDIA_FRAME_SMP, pos - MEDIA_FRAME_SMP, o->hz,
			  48000, o->amp);
		for (k = 0; k < MEDIA_FRAME_SMP; k++)
			v[k] += frame[k];
	}
}

static void check(const struct party *p)
{
	static float v[MEDIA_FRAME_SMP];
	size_t k;

	assert_int_equal(p->lastc, 2 * MEDIA_FRAME_SMP);
	assert_int_equal(p->ts + MEDIA_FRAME_SMP, p->r.tx.ts);
	expect(p, v);

	for (k = 0; k < MEDIA_FRAME_SMP; k++) {
		int16_t x = (int16_t)(p->last[2 * k] << 8 | p->last[2 * k + 1]);

		assert_true(fabs(x / 32768.0 - (double)v[k]) < 2.1 / 32768);
	}
}

static void change(uint32_t *rnd)
{
	struct party *p = &partyv[test_rand(rnd) % 10];

	if (!p->there) {
		party_add(p, &l16);
		p->amp = 0.05;
		return;
	}

	switch (test_rand(rnd) % 6) {

	case 0:
		p->hz = 0;
		break;

	case 1:
		p->hz = 200 + test_rand(rnd) % 4000;
		break;

	case 2:
		p->r.leg.mute_in = !p->r.leg.mute_in;
		break;

	case 3:
		p->r.leg.mute_out = !p->r.leg.mute_out;
		break;

	case 4:
		p->r.set->prm.send = !p->r.set->prm.send;
		break;

	default:
		party_del(p);
		break;
	}
}

static void test_model(void **state)
{
	uint32_t rnd = test_seed() | 1;
	unsigned before[PARTIES], shared = 0;
	size_t n, i;

	(void)state;

	now_us = START_US;
	for (n = 0; n < MODEL_TICKS; n++) {
		/* calm enough for legs to come together */
		if (test_rand(&rnd) % 20 == 0)
			change(&rnd);

		for (i = 0; i < PARTIES; i++)
			before[i] = partyv[i].packets;

		run(1);
		for (i = 0; i < PARTIES; i++) {
			const struct party *p = &partyv[i];

			if (!p->there)
				continue;

			assert_int_equal(p->packets - before[i],
					 p->r.set->prm.send);
			if (p->packets != before[i])
				check(p);
			shared += p->r.leg.shared != NULL;
		}
	}

	assert_true(shared > MODEL_TICKS);
	clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_listeners, teardown),
	    cmocka_unit_test_teardown(test_other_group, teardown),
	    cmocka_unit_test_teardown(test_settings, teardown),
	    cmocka_unit_test_teardown(test_transition, teardown),
	    cmocka_unit_test_teardown(test_ptime, teardown),
	    cmocka_unit_test_teardown(test_silence, teardown),
	    cmocka_unit_test_teardown(test_hold, teardown),
	    cmocka_unit_test_teardown(test_life, teardown),
	    cmocka_unit_test_teardown(test_model, teardown),
	};
	int err;

	resample_tables();
	if (worker_alloc(&w, 0, 1, -1, 0))
		return 1;

	w->frames = frames_alloc(PARTIES);
	err = w->frames ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	mem_deref(w);

	return err;
}

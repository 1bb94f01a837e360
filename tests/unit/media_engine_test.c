/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * The whole engine, with real sockets on 127.0.0.1: test peers send tones
 * and say which tones they hear.
 */

#include "media_test.h"
#include "test_loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>
#include <sndfile.h>

#include "node/media/codec.h"
#include "node/media/level.h"
#include "node/media/media.h"
#include "node/media/packet.h"
#include "node/media/rtp.h"

enum {
	PEERS_MAX = 8,
	EAR_MS = 300,
	ANEW_MS = EAR_MS + 250, /* what was before is gone */
	EAR_SMP = EAR_MS * 48,  /* at most */
	LATE_MS = 5,            /* as the engine counts */
	EAR_BYTES = 4 << 20,    /* for what comes while we are held up */
	DEADLINE_MS = 20000,
};

/* A test peer: sends every 20 ms, listens always. */
struct peer {
	int fd;
	struct sa addr;     /* its own            */
	struct sa dst;      /* the leg's          */
	double hz;          /* 0: sends nothing   */
	size_t pos;
	unsigned ticks;
	bool lossy;         /* loses every tenth packet */
	bool bursty;        /* sends three at once, the second one first */
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	unsigned flood;     /* packets it sends at a time; 0: 1 */
	bool parrot;        /* sends back what it gets */
	bool thief;         /* sends to another's leg; what it hears is
			       nobody's business */
	struct media_leg *leg;
	struct codec enc, dec;
	size_t ear_smp;     /* EAR_MS at the codec's rate */

	float ear[EAR_SMP]; /* the latest it heard, oldest first */
	size_t heard_ms;
	size_t loud_ms;     /* of it over -40 dBFS */
	size_t ptime_ms;
	unsigned packets, markers, seq_gaps, ts_gaps;
	uint16_t rx_seq;
	uint32_t rx_ts, rx_ssrc;
	char digits[16];
	uint32_t digit_ts;
	bool digit_known;
};

static struct media *engine;
static struct mix *mix;
static struct peer peerv[PEERS_MAX];
static size_t peerc;
static struct tmr tick_tmr, deadline_tmr;
static uint64_t next_ms;
static bool (*until)(void);
static bool timed_out;
static struct test_patience patience;
static uint64_t late_peers; /* times that they were held up */
static uint64_t late_mark;  /* held_up() when listening began */
static struct media_event events[32];
static size_t eventc;

static void peer_send(struct peer *p)
{
	struct packet pkt = {
		.pt = p->enc.prm.pt,
		.ssrc = p->ssrc,
		.seq = p->seq,
		.ts = p->ts,
	};
	uint32_t rate = p->enc.rate_hz;
	float pcm[960];
	size_t len;

	/* The clock of a sender goes on in its silence (RFC 3550 5.1). */
	p->ts += p->enc.clock_hz / 50;
	if (p->hz <= 0)
		return;

	tone_make(pcm, rate / 50, p->pos, p->hz, rate, 0.25);
	p->pos += rate / 50;
	p->seq++;

	if (p->lossy && p->seq % 10 == 0)
		return;

	rtp_print(&pkt);
	len = p->enc.ops->encode(p->enc.st, pkt.data + RTP_HDR_BYTES,
				 PACKET_BYTES - RTP_HDR_BYTES, pcm, rate / 50);
	assert_true(len > 0);
	(void)sendto(p->fd, pkt.data, RTP_HDR_BYTES + len, 0, &p->dst.u.sa,
		     p->dst.len);
}

static void peer_event(struct peer *p, const struct packet *pkt)
{
	const uint8_t *b = pkt->data + pkt->payload_off;
	size_t n = strlen(p->digits);

	if (!(b[1] & 0x80) || (p->digit_known && p->digit_ts == pkt->ts))
		return;

	p->digit_known = true;
	p->digit_ts = pkt->ts;
	p->digits[n] = "0123456789*#ABCD"[b[0] & 15];
	assert_int_equal(b[2] << 8 | b[3], 800);
}

static void peer_recv(int flags, void *arg)
{
	struct peer *p = arg;
	struct packet pkt;
	float pcm[CODEC_FRAME_MAX_SMP];
	ssize_t len;
	size_t n;

	(void)flags;

	len = recv(p->fd, pkt.data, sizeof(pkt.data), 0);
	if (len < 0)
		return;

	if (p->thief)
		return;

	pkt.len = (uint16_t)len;
	assert_int_equal(rtp_parse(&pkt), 0);

	if (p->packets++) {
		assert_int_equal(pkt.ssrc, p->rx_ssrc);
		p->seq_gaps += pkt.seq != (uint16_t)(p->rx_seq + 1);
		p->ts_gaps += pkt.pt == 0 && pkt.ts % 80 != p->rx_ts % 80;
	}
	p->markers += pkt.marker;
	p->rx_seq = pkt.seq;
	p->rx_ts = pkt.ts;
	p->rx_ssrc = pkt.ssrc;

	if (p->parrot) {
		pkt.seq = p->seq++;
		pkt.ssrc = p->ssrc;
		rtp_print(&pkt);
		(void)sendto(p->fd, pkt.data, (size_t)len, 0, &p->dst.u.sa,
			     p->dst.len);
	}

	if (pkt.pt == 101) {
		peer_event(p, &pkt);
		return;
	}

	/* What is left of a codec that was changed. */
	if (pkt.pt != p->dec.prm.pt)
		return;

	n = p->dec.ops->decode(p->dec.st, pcm, pkt.data + pkt.payload_off,
			       pkt.payload_len);
	memmove(p->ear, p->ear + n, (p->ear_smp - n) * sizeof(float));
	memcpy(p->ear + p->ear_smp - n, pcm, n * sizeof(float));
	p->heard_ms += n / (p->dec.rate_hz / 1000);
	if (level_db(level_power(pcm, n)) > -40)
		p->loud_ms += n / (p->dec.rate_hz / 1000);
	p->ptime_ms = n / (p->dec.rate_hz / 1000);
}

static double hears(const struct peer *p, double hz)
{
	return to_db(tone_amp(p->ear, p->ear_smp, hz, p->dec.rate_hz) / 0.25);
}

/* Three packets at once, out of order, every third tick. */
static void peer_burst(struct peer *p)
{
	static const int order[3] = {1, 0, 2};
	uint16_t seq = p->seq;
	uint32_t ts = p->ts;
	int i;

	if (++p->ticks % 3)
		return;

	for (i = 0; i < 3; i++) {
		p->seq = (uint16_t)(seq + order[i]);
		p->ts = ts + (uint32_t)order[i] * 160;
		p->pos = (size_t)p->seq * 160;
		peer_send(p);
	}
	p->seq = (uint16_t)(seq + 3);
	p->ts = ts + 480;
}

static void peer_flood(struct peer *p)
{
	unsigned i;

	for (i = 0; i < p->flood; i++)
		peer_send(p);
}

static void tick(void *arg)
{
	size_t i;

	(void)arg;

	late_peers += tmr_jiffies() > next_ms + LATE_MS;

	for (i = 0; i < peerc; i++) {
		if (peerv[i].bursty)
			peer_burst(&peerv[i]);
		else if (peerv[i].flood)
			peer_flood(&peerv[i]);
		else
			peer_send(&peerv[i]);
	}

	next_ms += 20;
	tmr_start(&tick_tmr, next_ms > tmr_jiffies() ? next_ms - tmr_jiffies()
						      : 0,
		  tick, NULL);

	if (until && until())
		re_cancel();
}

static void deadline(void *arg)
{
	(void)arg;
	if (test_patience_more(&patience, DEADLINE_MS)) {
		tmr_start(&deadline_tmr, DEADLINE_MS, deadline, NULL);
		return;
	}
	timed_out = true;
	re_cancel();
}

/* Run the loop until something is true. */
static void run(bool (*cond)(void))
{
	uint64_t now_ms = tmr_jiffies();

	until = cond;
	timed_out = false;
	test_patience_begin(&patience);

	/* The peers' clocks go on from run to run. */
	if (next_ms + ANEW_MS < now_ms)
		next_ms = now_ms;
	tmr_start(&tick_tmr, next_ms > now_ms ? next_ms - now_ms : 0, tick,
		  NULL);
	tmr_start(&deadline_tmr, DEADLINE_MS, deadline, NULL);
	assert_int_equal(re_main(NULL), 0);
	tmr_cancel(&tick_tmr);
	tmr_cancel(&deadline_tmr);
	assert_false(timed_out);
}

/* Times that the machine held up the engine or the peers so far. */
static uint64_t held_up(void)
{
	struct media_load load;

	media_load(engine, &load);

	return load.late_ticks + late_peers;
}

static void listen_anew(void)
{
	size_t i;

	late_mark = held_up();
	for (i = 0; i < peerc; i++)
		peerv[i].heard_ms = 0;
}

static bool all_heard(void)
{
	size_t i;

	for (i = 0; i < peerc; i++) {
		if (peerv[i].heard_ms < ANEW_MS && !peerv[i].thief)
			return false;
	}

	return true;
}

/* What is heard must be right, unless the machine has held us up while we
 * listened, which proves nothing: then we listen once more. */
#define assert_heard(right)                                                   \
	do {                                                                  \
		const uint64_t end_ms_ = tmr_jiffies() + DEADLINE_MS;         \
									      \
		while (!(right) && held_up() != late_mark &&                  \
		       tmr_jiffies() < end_ms_) {                             \
			listen_anew();                                        \
			run(all_heard);                                       \
		}                                                             \
		assert_true(right);                                           \
	} while (0)

static void on_event(struct media_leg *leg, const struct media_event *ev,
		     void *arg)
{
	(void)leg;
	(void)arg;

	if (eventc < ARRAY_SIZE(events))
		events[eventc++] = *ev;
}

static size_t count_events(enum media_event_type type)
{
	size_t i, n = 0;

	for (i = 0; i < eventc; i++)
		n += events[i].type == type;

	return n;
}

static struct media_rtp_params params(const struct peer *p)
{
	struct media_rtp_params prm = {
		.raddr = p->addr,
		.tx = p->enc.prm,
		.rxv = {p->enc.prm},
		.rxc = 1,
		.event_pt_tx = 101,
		.event_pt_rx = 101,
		.event_clock_hz = 8000,
		.send = true,
		.recv = true,
		.jitter_ms = 120, /* a busy machine may hold us up */
	};

	return prm;
}

static const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};

static void peer_codec(struct peer *p, const struct media_codec *prm)
{
	codec_close(&p->enc);
	codec_close(&p->dec);
	assert_int_equal(codec_init(&p->enc, prm), 0);
	assert_int_equal(codec_init(&p->dec, prm), 0);
	assert_int_equal(codec_enc_alloc(&p->enc), 0);
	assert_int_equal(codec_dec_alloc(&p->dec), 0);
	p->ear_smp = EAR_MS * p->enc.rate_hz / 1000;
}

static struct peer *peer_add_codec(const char *host, double hz,
				   const struct media_codec *codec)
{
	struct peer *p = &peerv[peerc++];
	struct media_rtp_params prm;
	struct sa laddr;

	memset(p, 0, sizeof(*p));
	p->hz = hz;
	p->ssrc = (uint32_t)peerc;
	peer_codec(p, codec);
	assert_int_equal(sa_set_str(&p->addr, host, 0), 0);
	laddr = p->addr;
	p->fd = socket(sa_af(&p->addr), SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(p->fd >= 0);
	(void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUFFORCE, &(int){EAR_BYTES},
			 sizeof(int));
	assert_int_equal(bind(p->fd, &p->addr.u.sa, p->addr.len), 0);
	p->addr.len = sizeof(p->addr.u);
	assert_int_equal(getsockname(p->fd, &p->addr.u.sa, &p->addr.len), 0);
	assert_int_equal(fd_listen(p->fd, FD_READ, peer_recv, p), 0);

	assert_int_equal(
		media_leg_rtp_alloc(&p->leg, mix, &laddr, on_event, p), 0);
	p->dst = *media_leg_laddr(p->leg);
	assert_int_equal(sa_port(&p->dst) % 2, 0);

	prm = params(p);
	assert_int_equal(media_leg_rtp_set(p->leg, &prm), 0);

	return p;
}

static struct peer *peer_add(const char *host, double hz)
{
	return peer_add_codec(host, hz, &pcmu);
}

static bool ports_back(void)
{
	struct media_load load;

	media_load(engine, &load);

	return !load.ports_used && load.ticks;
}

static int count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;

	return n;
}

static int fds_before;

static int setup(void **state)
{
	const struct media_conf conf = {
		.workers = 2,
		.rtp_port_min = test_port_base(),
		.rtp_port_max = test_port_base() + TEST_PORTS - 1,
		.rtp_silence_ms = 300,
	};

	(void)state;

	fds_before = count_fds();
	peerc = eventc = 0;
	memset(peerv, 0, sizeof(peerv));
	tmr_init(&tick_tmr);
	tmr_init(&deadline_tmr);
	assert_int_equal(media_alloc(&engine, &conf), 0);
	assert_int_equal(mix_alloc(&mix, engine), 0);
	late_mark = held_up();

	return 0;
}

/* Nothing may be left: ports, sockets (and memory, says the sanitizer). */
static int teardown(void **state)
{
	struct media_load load;
	size_t i, n = peerc;

	(void)state;

	for (i = 0; i < peerc; i++)
		peerv[i].leg = mem_deref(peerv[i].leg);

	mix = mem_deref(mix);
	peerc = 0;
	run(ports_back);

	media_load(engine, &load);
	assert_int_equal(load.mixes, 0);
	assert_int_equal(load.legs, 0);
	assert_true(load.ports_quarantined >= n);
	assert_int_equal(load.ports_free + load.ports_quarantined, 100);
	assert_true(load.ticks > 0);

	engine = mem_deref(engine);
	for (i = 0; i < n; i++) {
		fd_close(peerv[i].fd);
		close(peerv[i].fd);
		codec_close(&peerv[i].enc);
		codec_close(&peerv[i].dec);
	}

	assert_int_equal(count_fds(), fds_before);

	return 0;
}

static void test_two_legs(void **state)
{
	struct media_stat st;
	struct peer *a, *b;

	(void)state;

	a = peer_add("127.0.0.1", 500);
	b = peer_add("127.0.0.1", 1200);
	run(all_heard);

	assert_heard(fabs(hears(a, 1200)) < 1);
	assert_heard(hears(a, 500) < -35);
	assert_heard(fabs(hears(b, 500)) < 1);
	assert_heard(hears(b, 1200) < -35);

	assert_int_equal(count_events(MEDIA_EV_RTP_START), 2);
	assert_int_equal(a->markers, 1);
	assert_int_equal(a->seq_gaps, 0);
	assert_int_equal(a->ts_gaps, 0);

	media_leg_stat(a->leg, &st);
	assert_true(st.rx_packets > 20);
	/* one may be received before it is counted as sent */
	assert_true(st.tx_packets + 1 >= a->packets);
	assert_int_equal(st.rx_invalid, 0);
	assert_int_equal(st.tx_errors, 0);
	assert_true(fabsf(st.level_in_db - -15.05f) < 1);
	assert_true(fabsf(st.level_out_db - -15.05f) < 1);

	/* Mute: the others no longer hear it; it still hears them. */
	assert_int_equal(media_leg_mute(a->leg, true, false), 0);
	listen_anew();
	run(all_heard);
	assert_heard(hears(b, 500) < -60);
	assert_heard(fabs(hears(a, 1200)) < 1);

	/* Deaf: it no longer hears the others. */
	assert_int_equal(media_leg_mute(a->leg, false, true), 0);
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(b, 500)) < 1);
	assert_heard(hears(a, 1200) < -60);
}

static void test_three_legs_v6(void **state)
{
	const double hzv[3] = {500, 1200, 2100};
	struct peer *pv[3];
	size_t i, k;

	(void)state;

	pv[0] = peer_add("127.0.0.1", hzv[0]);
	pv[1] = peer_add("::1", hzv[1]);
	pv[2] = peer_add("127.0.0.2", hzv[2]);
	run(all_heard);

	for (i = 0; i < 3; i++) {
		for (k = 0; k < 3; k++) {
			if (i == k)
				assert_heard(hears(pv[i], hzv[k]) < -35);
			else
				assert_heard(fabs(hears(pv[i], hzv[k])) < 1);
		}
	}
}

static void test_echo(void **state)
{
	struct media_leg *echo;
	struct peer *a;

	(void)state;

	a = peer_add("127.0.0.1", 700);
	assert_int_equal(media_leg_echo_alloc(&echo, mix), 0);
	run(all_heard);
	assert_heard(fabs(hears(a, 700)) < 1);

	mem_deref(echo);
	listen_anew();
	run(all_heard);
	assert_heard(hears(a, 700) < -60);
}

/* All codecs, and all lengths of packets, in one mix. */
static void test_codecs(void **state)
{
	static const struct media_codec v[] = {
		{.id = MEDIA_PCMU, .clock_hz = 8000, .ptime_ms = 30},
		{.id = MEDIA_PCMA, .pt = 8, .clock_hz = 8000, .ptime_ms = 10},
		{.id = MEDIA_G722, .pt = 9, .clock_hz = 8000, .ptime_ms = 40},
		{.id = MEDIA_OPUS, .pt = 96, .clock_hz = 48000,
		 .ptime_ms = 60, .bitrate_bps = 32000, .complexity = 5},
		{.id = MEDIA_OPUS, .pt = 97, .clock_hz = 48000,
		 .bitrate_bps = 64000, .complexity = 5},
		{.id = MEDIA_L16, .pt = 98, .clock_hz = 16000},
		{.id = MEDIA_L16, .pt = 99, .clock_hz = 48000},
	};
	struct media_stat st;
	size_t i, k;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(v); i++)
		(void)peer_add_codec("127.0.0.1", 400 + 300 * (double)i, &v[i]);
	run(all_heard);

	for (i = 0; i < peerc; i++) {
		assert_int_equal(peerv[i].ptime_ms,
				 v[i].ptime_ms ? v[i].ptime_ms : 20);
		assert_int_equal(peerv[i].seq_gaps, 0);
		media_leg_stat(peerv[i].leg, &st);
		assert_int_equal(st.rx_invalid, 0);

		/* Opus is no friend of seven sines at once. */
		for (k = 0; k < peerc; k++) {
			const double hz = peerv[k].hz;

			if (i == k)
				assert_heard(hears(&peerv[i], hz) < -18);
			else
				assert_heard(fabs(hears(&peerv[i], hz)) < 4);
		}
	}
}

/* Another codec in the middle of a call: the same stream goes on. */
static void test_codec_change(void **state)
{
	static const struct media_codec g722 = {
		.id = MEDIA_G722, .pt = 9, .clock_hz = 8000};
	static const struct media_codec opus = {
		.id = MEDIA_OPUS, .pt = 96, .clock_hz = 48000,
		.bitrate_bps = 32000, .complexity = 5};
	const struct media_codec *v[] = {&g722, &opus, &pcmu};
	struct media_rtp_params prm;
	struct peer *a, *b;
	size_t i;

	(void)state;

	a = peer_add("127.0.0.1", 500);
	b = peer_add("127.0.0.1", 1200);
	run(all_heard);

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		peer_codec(a, v[i]);
		prm = params(a);
		assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
		listen_anew();
		run(all_heard);
		assert_heard(fabs(hears(a, 1200)) < 2);
		assert_heard(fabs(hears(b, 500)) < 2);
	}
	assert_int_equal(a->seq_gaps, 0); /* nor another SSRC: peer_recv() */
	assert_int_equal(a->markers, 1);
}

/* Every tenth packet is lost: counted, concealed, and the tone stays. */
static void test_loss(void **state)
{
	struct media_stat st;
	struct peer *a, *b;

	(void)state;

	a = peer_add("127.0.0.1", 0);
	b = peer_add("127.0.0.1", 500);
	b->lossy = true;
	run(all_heard);
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(a, 500)) < 2);

	media_leg_stat(b->leg, &st);
	assert_true(st.rx_lost >= 2);
	assert_true(st.frames_concealed >= st.rx_lost);
	assert_true(st.frames_played > 20);
}

/* Who sends in bursts loses nothing: what is not read at once is in time. */
static void test_burst(void **state)
{
	struct media_stat st;
	struct peer *a, *b;

	(void)state;

	a = peer_add("127.0.0.1", 0);
	b = peer_add("127.0.0.1", 500);
	b->bursty = true;
	run(all_heard);
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(a, 500)) < 1);

	media_leg_stat(b->leg, &st);
	assert_true(st.rx_packets > 30);
	assert_int_equal(st.rx_lost, 0);
	assert_int_equal(st.rx_late, 0);
	assert_int_equal(st.frames_concealed, 0);
}

/* The adaptive buffer in the real engine: a burst of three each 60 ms needs
 * some 40 ms more than a steady stream, and gets them, whatever the machine
 * adds; what it plays and aims at is told. */
static void test_adaptive(void **state)
{
	struct media_rtp_params prm;
	struct media_stat st;
	struct peer *a, *b;

	(void)state;

	a = peer_add("127.0.0.1", 0);
	b = peer_add("127.0.0.1", 500);
	b->bursty = true;
	prm = params(b);
	prm.jitter_ms = 0;
	assert_int_equal(media_leg_rtp_set(b->leg, &prm), 0);
	run(all_heard);
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(a, 500)) < 2);

	media_leg_stat(b->leg, &st);
	assert_true(st.audio_ms > EAR_MS);
	assert_true(st.concealed_ms < st.audio_ms / 4);
	assert_in_range(st.target_ms, 40, 300);
	assert_true(st.delay_ms > 10 && st.delay_ms < 400);
	assert_int_equal(st.rx_lost, 0);
}

/* A peer that sends to another's leg, as if it were that one. */
static struct peer *thief_add(const char *host, double hz,
			      const struct peer *victim)
{
	struct peer *p = peer_add(host, hz);

	p->thief = true;
	p->dst = victim->dst;
	p->ssrc = victim->ssrc;
	p->seq = victim->seq;
	p->ts = victim->ts;

	return p;
}

/* Another port, another host, the right SSRC: heard by nobody, counted. */
static void test_injection(void **state)
{
	struct media_load load;
	struct media_stat st;
	struct peer *a, *b;
	char who[64];

	(void)state;

	a = peer_add("127.0.0.1", 500);
	b = peer_add("127.0.0.1", 1200);
	run(all_heard);

	(void)thief_add("127.0.0.1", 2100, a);
	(void)thief_add("127.0.0.2", 2600, a);
	listen_anew();
	run(all_heard);
	assert_heard(hears(b, 2100) < -50);
	assert_heard(hears(b, 2600) < -50);
	assert_heard(fabs(hears(b, 500)) < 1);
	assert_heard(fabs(hears(a, 1200)) < 1);

	media_leg_stat(a->leg, &st);
	assert_true(st.rx_foreign > 20);
	assert_int_equal(st.rx_invalid + st.rx_duplicate + st.rx_lost, 0);
	assert_int_equal(count_events(MEDIA_EV_FOREIGN), 1);
	(void)re_snprintf(who, sizeof(who), "%j",
			  media_leg_foreign(a->leg));
	assert_memory_equal(who, "127.0.0.", 8);
	media_load(engine, &load);
	assert_true(load.rx_foreign >= st.rx_foreign);
	media_leg_stat(b->leg, &st);
	assert_int_equal(st.rx_foreign, 0);
}

/* They are there first, and all the time: the peer is heard nevertheless. */
static void test_injection_first(void **state)
{
	struct peer *a, *b;

	(void)state;

	b = peer_add("127.0.0.1", 1200);
	a = peer_add("127.0.0.1", 0);
	(void)thief_add("127.0.0.1", 2100, a);
	a->heard_ms = ANEW_MS; /* the thief hears what was meant for it */
	run(all_heard);
	a->hz = 500;
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(b, 500)) < 1);
	assert_heard(hears(b, 2100) < -40);
}

static bool flood_counted(void)
{
	struct media_stat st;

	media_leg_stat(peerv[0].leg, &st);

	return st.rx_foreign > 8000;
}

/*
 * 10,000 packets a second of a stranger, six times what a leg reads: the
 * kernel drops them, no packet of the peer is lost, all are counted; and a
 * peer that moves by signalling is let in.
 */
static void flooded(const char *host, const char *thief)
{
	struct media_rtp_params prm;
	struct media_stat st;
	struct peer *a, *b, *t;
	uint64_t foreign, lost;

	a = peer_add(host, 500);
	b = peer_add(host, 1200);
	run(all_heard);
	t = thief_add(thief, 2100, a);
	t->flood = 200;
	run(flood_counted);
	media_leg_stat(a->leg, &st);
	lost = st.rx_lost;
	assert_true(lost <= 5); /* before it was known as a flood */
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(b, 500)) < 1);
	assert_heard(hears(b, 2100) < -50);
	media_leg_stat(a->leg, &st);
	if (held_up() == late_mark)
		assert_int_equal(st.rx_lost, lost);
	foreign = st.rx_foreign;
	assert_true(foreign > 8000);
	print_message("%s: %llu foreign packets, %llu of the peer\n", host,
		      (unsigned long long)foreign,
		      (unsigned long long)st.rx_packets);

	/* Now the other one is the peer. */
	t->flood = 0;
	t->ssrc = 99;
	prm = params(a);
	prm.raddr = t->addr;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	a->hz = 0;
	a->heard_ms = ANEW_MS;
	listen_anew();
	a->heard_ms = ANEW_MS;
	run(all_heard);
	b->heard_ms = 0;
	run(all_heard);
	assert_heard(fabs(hears(b, 2100)) < 1);
}

static void test_flood(void **state)
{
	(void)state;
	flooded("127.0.0.1", "127.0.0.2");
}

static void test_flood_v6(void **state)
{
	(void)state;
	flooded("::1", "::1");
}

/* Behind NAT: heard, and sent to where it is; not so if that is forbidden. */
static void test_nat(void **state)
{
	struct media_rtp_params prm;
	struct peer *a, *b;
	struct media_stat st;

	(void)state;

	b = peer_add("127.0.0.1", 1200);
	a = peer_add("127.0.0.1", 500);
	prm = params(a);
	assert_int_equal(sa_set_str(&prm.raddr, "127.0.0.9", 9), 0);
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	run(all_heard);
	assert_heard(fabs(hears(b, 500)) < 1);
	assert_heard(fabs(hears(a, 1200)) < 1);

	prm.asymmetric = true;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	a->heard_ms = ANEW_MS;
	b->heard_ms = 0;
	run(all_heard);
	b->heard_ms = 0;
	a->packets = 0;
	run(all_heard);
	assert_int_equal(a->packets, 0);
	assert_heard(fabs(hears(b, 500)) < 1);
	media_leg_stat(a->leg, &st);
	assert_int_equal(st.rx_foreign, 0);
}

static bool told_unusable(void)
{
	return count_events(MEDIA_EV_UNUSABLE) > 0;
}

/* A payload type that was not agreed on: told once, with what it was. */
static void test_unusable(void **state)
{
	struct media_load load;
	struct media_stat st;
	struct peer *a, *b;
	size_t i;

	(void)state;

	a = peer_add("127.0.0.1", 500);
	b = peer_add("127.0.0.1", 1200);
	run(all_heard);
	assert_false(told_unusable());

	/* Comfort noise that was not agreed on is nothing special. */
	a->enc.prm.pt = 13;
	do {
		listen_anew();
		run(all_heard);
		media_leg_stat(a->leg, &st);
	} while (st.rx_invalid < 60);
	assert_false(told_unusable());

	a->enc.prm.pt = 120;
	run(told_unusable);
	listen_anew();
	run(all_heard);
	assert_int_equal(count_events(MEDIA_EV_UNUSABLE), 1);
	for (i = 0; events[i].type != MEDIA_EV_UNUSABLE; i++)
		;
	assert_int_equal(events[i].pt, 120);
	assert_int_equal(events[i].len, 160);
	media_leg_stat(a->leg, &st);
	assert_true(st.rx_invalid >= 60 + 50);
	media_load(engine, &load);
	assert_true(load.rx_invalid >= st.rx_invalid);

	a->enc.prm.pt = 0;
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(b, 500)) < 2);
}

static bool stopped(void)
{
	return count_events(MEDIA_EV_RTP_STOP) == 1;
}

/* Hold stops the sending; resumed, the same stream goes on with a marker. */
static void test_hold_and_silence(void **state)
{
	struct media_rtp_params prm;
	struct peer *a, *b;
	unsigned packets;

	(void)state;

	a = peer_add("127.0.0.1", 500);
	b = peer_add("127.0.0.1", 1200);
	run(all_heard);

	prm = params(a);
	prm.send = prm.recv = false;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	a->hz = b->hz = 0;
	run(stopped); /* b fell silent; a, held, is not missed */
	packets = a->packets;

	a->heard_ms = 0;
	prm.send = prm.recv = true;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	a->hz = 500;
	b->hz = 1200;
	listen_anew();
	run(all_heard);
	assert_true(a->packets > packets);
	assert_heard(fabs(hears(a, 1200)) < 1);
	assert_int_equal(a->markers, 2);
	assert_int_equal(a->seq_gaps, 0);
	assert_int_equal(a->ts_gaps, 0);
	assert_int_equal(count_events(MEDIA_EV_RTP_START), 3);
}

static bool digits_there(void)
{
	return strlen(peerv[0].digits) == 3;
}

static bool digit_event(void)
{
	return count_events(MEDIA_EV_DTMF) == 1;
}

static void test_dtmf(void **state)
{
	struct packet pkt = {.pt = 101, .ssrc = 1};
	struct peer *a, *b;
	size_t i;

	(void)state;

	a = peer_add("127.0.0.1", 500);
	b = peer_add("127.0.0.1", 1200);

	assert_int_equal(media_leg_dtmf(a->leg, 'x', 100), EINVAL);
	assert_int_equal(media_leg_dtmf(a->leg, '1', 100), 0);
	assert_int_equal(media_leg_dtmf(a->leg, '1', 100), 0);
	assert_int_equal(media_leg_dtmf(a->leg, '#', 100), 0);
	run(digits_there);
	assert_string_equal(a->digits, "11#");
	assert_int_equal(a->seq_gaps, 0);

	/* Received: one packet and its end, the end twice. */
	for (i = 0; i < 3; i++) {
		pkt.seq = a->seq++;
		pkt.ts = a->ts;
		rtp_print(&pkt);
		memcpy(pkt.data + RTP_HDR_BYTES,
		       i ? "\x07\x8a\x03\x20" : "\x07\x0a\x00\xa0", 4);
		(void)sendto(a->fd, pkt.data, RTP_HDR_BYTES + 4, 0,
			     &a->dst.u.sa, a->dst.len);
	}

	run(digit_event);
	for (i = 0; i < eventc && events[i].type != MEDIA_EV_DTMF; i++)
		;
	assert_int_equal(events[i].digit, '7');
	assert_int_equal(events[i].duration_ms, 100);

	listen_anew();
	run(all_heard);
	assert_int_equal(count_events(MEDIA_EV_DTMF), 1);
	assert_heard(fabs(hears(b, 500)) < 1);
}

/* Beside its audio, which is 1477 Hz meanwhile, a sends the digit 9 for 1 s. */
static struct peer *beside;
static struct packet beside_pkt;
static double beside_heard[3];
static unsigned beside_ticks;

static bool beside_over(void)
{
	struct packet *pkt = &beside_pkt;
	uint32_t dur = 160 * (beside_ticks + 1);
	bool end = beside_ticks >= 50;

	if (!beside_ticks++) {
		pkt->ts = beside->ts;
		beside->hz = 1477;
	}

	pkt->ssrc = beside->ssrc;
	pkt->seq = beside->seq++;
	rtp_print(pkt);
	pkt->data[RTP_HDR_BYTES] = 9;
	pkt->data[RTP_HDR_BYTES + 1] = (uint8_t)((end ? 0x80 : 0) | 10);
	pkt->data[RTP_HDR_BYTES + 2] = (uint8_t)(MIN(dur, 8160u) >> 8);
	pkt->data[RTP_HDR_BYTES + 3] = (uint8_t)MIN(dur, 8160u);
	(void)sendto(beside->fd, pkt->data, RTP_HDR_BYTES + 4, 0,
		     &beside->dst.u.sa, beside->dst.len);

	/* Once what was said before is played. */
	if (beside_ticks >= 35 && beside_ticks < 50 && beside_ticks % 5 == 0)
		beside_heard[beside_ticks / 5 - 7] = hears(&peerv[1], 1477);
	if (end)
		beside->hz = 500;

	return beside_ticks > 53;
}

/* A second payload type and clock that may arrive. */
static void test_dtmf_two_clocks(void **state)
{
	struct packet pkt = {.pt = 102, .ssrc = 1};
	struct media_rtp_params prm;
	struct peer *a;
	size_t i;

	(void)state;

	a = peer_add("127.0.0.1", 500);
	prm = params(a);
	prm.event2_pt_rx = 102;
	prm.event2_clock_hz = 48000;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	run(all_heard);

	pkt.ssrc = a->ssrc;
	pkt.seq = a->seq++;
	pkt.ts = a->ts;
	rtp_print(&pkt);
	memcpy(pkt.data + RTP_HDR_BYTES, "\x0b\x8a\x12\xc0", 4);
	(void)sendto(a->fd, pkt.data, RTP_HDR_BYTES + 4, 0, &a->dst.u.sa,
		     a->dst.len);
	run(digit_event);
	for (i = 0; i < eventc && events[i].type != MEDIA_EV_DTMF; i++)
		;
	assert_int_equal(events[i].digit, '#');
	assert_int_equal(events[i].duration_ms, 100);
	assert_false(events[i].inband);
}

/* A phone that goes on with the audio beside its events, the tone of the digit
 * in it: the digit is told once, and the tone is not heard. */
static void test_dtmf_audio_beside(void **state)
{
	struct packet pkt = {.pt = 101};
	struct media_stat st;
	struct peer *a, *b;
	unsigned i;

	(void)state;

	a = peer_add("127.0.0.1", 500);
	b = peer_add("127.0.0.1", 1200);
	run(all_heard);

	beside = a;
	beside_pkt = pkt;
	b->heard_ms = 0;
	run(beside_over);
	beside = NULL;
	assert_int_equal(count_events(MEDIA_EV_DTMF), 1);

	/* b heard neither: the last 300 ms are of that time */
	for (i = 0; i < 3; i++)
		assert_true(beside_heard[i] < -45);

	a->hz = 500;
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(b, 500)) < 1);
	media_leg_stat(a->leg, &st);
	assert_int_equal(st.rx_invalid, 0);
}

static bool two_digits(void)
{
	return count_events(MEDIA_EV_DTMF) >= 2;
}

static bool quiet_again(void)
{
	return peerv[1].heard_ms > 1000;
}

/* Two digits were told, each with its name and length. */
static bool digits_right(void)
{
	size_t i, k = 0;

	for (i = 0; i < eventc; i++) {
		const struct media_event *ev = &events[i];

		if (ev->type == MEDIA_EV_DTMF &&
		    (!ev->inband || ev->digit != (k++ ? 'D' : '5') ||
		     ev->duration_ms < 170 || ev->duration_ms > 220))
			return false;
	}

	return k == 2;
}

/*
 * Two legs without events.  Digits to the first are tones; its peer echoes
 * them, so they are heard, told, and not played to the second leg.
 */
static void inband(const struct media_codec *codec)
{
	const uint64_t end_ms = tmr_jiffies() + DEADLINE_MS;
	struct media_rtp_params prm;
	struct peer *a, *b;
	size_t i;

	a = peer_add_codec("127.0.0.1", 0, codec);
	b = peer_add_codec("127.0.0.1", 0, codec);
	for (i = 0; i < 2; i++) {
		prm = params(&peerv[i]);
		prm.event_pt_rx = prm.event_pt_tx = -1;
		assert_int_equal(media_leg_rtp_set(peerv[i].leg, &prm), 0);
	}
	a->parrot = true;
	run(all_heard);

	do { /* once more, if the machine has held up the echo */
		late_mark = held_up();
		eventc = 0;
		assert_int_equal(media_leg_dtmf(a->leg, '5', 200), 0);
		assert_int_equal(media_leg_dtmf(a->leg, 'D', 200), 0);
		b->loud_ms = 0;
		run(two_digits);
		b->heard_ms = 0;
		run(quiet_again);
	} while (!digits_right() && held_up() != late_mark &&
		 tmr_jiffies() < end_ms);
	assert_true(digits_right());

	/* The begin of each digit is out before it is known as one. */
	print_message("%s: %zu ms of 400 were heard\n",
		      media_codec_name(codec->id), b->loud_ms);
	assert_true(b->loud_ms <= 2 * 40);

	/* A leg that does not listen lets it through. */
	prm = params(a);
	prm.event_pt_tx = -1;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	assert_int_equal(media_leg_dtmf(a->leg, '7', 400), 0);
	b->loud_ms = b->heard_ms = 0;
	run(quiet_again);
	assert_true(b->loud_ms >= 300);
	assert_int_equal(count_events(MEDIA_EV_DTMF), 2);
}

static void test_inband(void **state)
{
	(void)state;
	inband(&pcmu);
}

static void test_inband_g722(void **state)
{
	static const struct media_codec g722 = {
		.id = MEDIA_G722, .pt = 9, .clock_hz = 8000};

	(void)state;
	inband(&g722);
}

static bool loud(void)
{
	return peerv[0].loud_ms >= 40;
}

static bool ended(void)
{
	return count_events(MEDIA_EV_END) == 1;
}

static void test_tone(void **state)
{
	const struct media_tone tone = {
		.hz = {440, 620},
		.level_db = -15.0515f, /* amplitude 0.25 */
		.on_ms = 1500,
		.off_ms = 100,
		.repeat = 1,
	};
	struct media_leg *leg;
	struct peer *a;

	(void)state;

	a = peer_add("127.0.0.1", 0);
	assert_int_equal(media_leg_tone_alloc(&leg, mix, &tone, on_event, NULL),
			 0);
	run(all_heard);
	assert_heard(fabs(hears(a, 440)) < 1);
	assert_heard(fabs(hears(a, 620)) < 1);

	run(ended);
	mem_deref(leg);
}

/* What of the former file was on its way is far less. */
static bool played(void)
{
	return ended() && peerv[0].loud_ms >= 1000;
}

static void make_wav(char *path, int rate, double hz, double seconds)
{
	SF_INFO info = {.samplerate = rate,
			.channels = 2,
			.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
	int i, n = (int)(rate * seconds), fd = mkstemp(path);
	SNDFILE *sf;

	assert_true(fd >= 0);
	sf = sf_open_fd(fd, SFM_WRITE, &info, 1);
	assert_non_null(sf);
	for (i = 0; i < n; i++) {
		float v[2] = {(float)(0.25 * sin(2 * M_PI * hz * i / rate)),
			      0.9f};

		assert_int_equal(sf_writef_float(sf, v, 1), 1);
	}
	assert_int_equal(sf_close(sf), 0);
}

/* Listened to while it goes round, since on a busy machine the ear may come
 * when a short one is over; whole periods fit into it, so its seam is none.
 * Then once, to its end. */
static void play_file(int rate, double hz)
{
	char path[] = "/tmp/media-test-XXXXXX";
	struct media_leg *leg;
	struct peer *a = &peerv[0];

	make_wav(path, rate, hz, 1.6);
	eventc = 0;
	a->loud_ms = 0;
	assert_int_equal(media_leg_file_alloc(&leg, mix, path, true, 0,
					      on_event, NULL),
			 0);
	run(loud);
	listen_anew();
	run(all_heard);
	assert_heard(fabs(hears(a, hz)) < 1);
	assert_int_equal(count_events(MEDIA_EV_END), 0);
	mem_deref(leg);

	assert_int_equal(media_leg_file_alloc(&leg, mix, path, false, 500,
					      on_event, NULL),
			 0);
	unlink(path);
	a->loud_ms = 0;
	run(played);
	assert_true(peerv[0].loud_ms < 1500); /* its begin was left out */
	mem_deref(leg);
}

static void test_file(void **state)
{
	struct media_leg *leg;

	(void)state;

	(void)peer_add("127.0.0.1", 0);
	play_file(44100, 1000);
	play_file(8000, 1500);

	assert_int_equal(media_leg_file_alloc(&leg, mix, "/nonexistent", false,
					      0, NULL, NULL),
			 ENOENT);
	assert_int_equal(media_leg_file_alloc(&leg, mix, "/proc/self/stat",
					      false, 0, NULL, NULL),
			 EBADMSG);
}

static void test_bad_params(void **state)
{
	struct media_rtp_params prm;
	struct peer *a;

	(void)state;

	a = peer_add("127.0.0.1", 0);

	prm = params(a);
	prm.tx.clock_hz = 16000;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), EINVAL);

	prm = params(a);
	prm.rxv[0].id = MEDIA_CODEC_COUNT;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), EINVAL);

	prm = params(a);
	sa_set_str(&prm.raddr, "::1", 5000);
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), EINVAL);

	prm = params(a);
	prm.event_pt_tx = -1;
	prm.dtmf = MEDIA_DTMF_EVENTS;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	assert_int_equal(media_leg_dtmf(a->leg, '1', 100), ENOTSUP);
	prm.event_pt_tx = 101;
	prm.dtmf = MEDIA_DTMF_ELSEWHERE;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), 0);
	assert_int_equal(media_leg_dtmf(a->leg, '1', 100), ENOTSUP);
	prm.event2_pt_rx = 128;
	assert_int_equal(media_leg_rtp_set(a->leg, &prm), EINVAL);
}

/* More legs than the ring, the pool and the frames began with. */
static void test_many(void **state)
{
	struct media_leg *legv[60];
	struct sa laddr;
	size_t i;

	(void)state;

	assert_int_equal(sa_set_str(&laddr, "127.0.0.1", 0), 0);
	for (i = 0; i < ARRAY_SIZE(legv); i++)
		assert_int_equal(media_leg_rtp_alloc(&legv[i], mix, &laddr,
						     NULL, NULL),
				 0);

	(void)peer_add("127.0.0.1", 500);
	(void)peer_add("127.0.0.1", 1200);
	run(all_heard);
	assert_heard(fabs(hears(&peerv[0], 1200)) < 1);

	for (i = 0; i < ARRAY_SIZE(legv); i++)
		mem_deref(legv[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_legs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_three_legs_v6, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_echo, setup, teardown),
		cmocka_unit_test_setup_teardown(test_codecs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_codec_change, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(test_burst, setup, teardown),
		cmocka_unit_test_setup_teardown(test_adaptive, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_injection, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_unusable, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_injection_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_flood, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flood_v6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hold_and_silence, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_dtmf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dtmf_audio_beside, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_dtmf_two_clocks, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_inband, setup, teardown),
		cmocka_unit_test_setup_teardown(test_inband_g722, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_tone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_params, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
	};
	const struct media_conf conf = {.rtp_port_min = 2, .rtp_port_max = 3};
	int err;

	/* The first engine also makes libre open its own descriptors. */
	if (libre_init() || media_alloc(&engine, &conf))
		return 1;
	engine = mem_deref(engine);

	err = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return err;
}

/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * The engine's RTCP, with real sockets on 127.0.0.1: a test peer sends RTP
 * with loss, reads the leg's reports, and answers them.
 */

#include "media_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/media.h"
#include "node/media/packet.h"
#include "node/media/rtcp.h"
#include "node/media/rtp.h"
#include "node/media/srtp.h"

enum {
	PORT_MIN = 47600,
	PORT_MAX = 47699,
	DEADLINE_MS = 20000,
	PEER_SSRC = 0x50000,
	HOLD_MS = 120, /* a reply waits so long ...             */
	HELD_MS = 80,  /* ... and says that it waited so long   */
};

struct peer {
	int rtp, rtcp;		   /* sockets; the same with mux            */
	struct sa addr, rtcp_addr; /* its own                         */
	struct sa dst, rtcp_dst;   /* the leg's                       */
	struct media_leg *leg;
	struct srtp_ctx *srtp_tx, *srtp_rx; /* NULL: plain */
	uint16_t seq;
	uint32_t ts;
	unsigned lose; /* every n-th packet; 0: none            */
	bool noise;    /* not silence                           */
	uint32_t rnd;

	/* what came */
	unsigned packets, bytes;
	uint32_t ssrc;
	unsigned reports, senders, byes, voips;
	struct rtcp_in last; /* its report block is about us          */
	struct rtcp_sender last_sender;
	uint32_t rtp_ts; /* of the last packet                    */
	uint64_t rtp_ms;
	char cname[64];

	/* what it answers */
	uint8_t fraction;
	unsigned flood; /* reports at once                       */
	uint64_t reply_at_ms;
	uint64_t sr_ntp; /* of our own SR                         */
	int64_t rtt_us;	 /* by the leg's report about it          */
};

static struct media *engine;
static struct mix *mix;
static struct peer peerv[2];
static struct tmr tick_tmr, deadline_tmr;
static bool (*until)(void);
static bool timed_out;

static uint64_t ntp_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);

	return rtcp_ntp((uint64_t)ts.tv_sec * 1000000 +
			(uint64_t)ts.tv_nsec / 1000);
}

static int open_at(struct sa *sa, uint16_t port)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(sa_set_str(sa, "127.0.0.1", port), 0);
	if (bind(fd, &sa->u.sa, sa->len)) {
		close(fd);
		return -1;
	}
	sa->len = sizeof(sa->u);
	assert_int_equal(getsockname(fd, &sa->u.sa, &sa->len), 0);

	return fd;
}

static void send_rtp(struct peer *p)
{
	struct packet pkt = {
	    .pt = 0, .ssrc = PEER_SSRC, .seq = p->seq, .ts = p->ts};
	size_t i, n;

	p->seq++;
	p->ts += 160;
	if (p->lose && p->seq % p->lose == 0)
		return;

	rtp_print(&pkt);
	for (i = 0; i < 160; i++)
		pkt.data[RTP_HDR_BYTES + i] =
		    p->noise ? (uint8_t)test_rand(&p->rnd) : 0xff;
	n = RTP_HDR_BYTES + 160;
	if (p->srtp_tx)
		assert_int_equal(srtp_ctx_protect_rtp(p->srtp_tx, pkt.data, &n,
						      sizeof(pkt.data)),
				 0);
	(void)sendto(p->rtp, pkt.data, n, 0, &p->dst.u.sa, p->dst.len);
}

static void send_rtcp(struct peer *p, const struct rtcp_out *out)
{
	uint8_t buf[RTCP_BYTES + SRTP_CTX_GROW];
	size_t n = rtcp_print(buf, out);

	assert_true(n > 0);
	if (p->srtp_tx)
		assert_int_equal(
		    srtp_ctx_protect_rtcp(p->srtp_tx, buf, &n, sizeof(buf)), 0);
	assert_int_equal(
	    sendto(p->rtcp, buf, n, 0, &p->rtcp_dst.u.sa, p->rtcp_dst.len), n);
}

static void send_sr(struct peer *p)
{
	const struct rtcp_sender snd = {.ntp = p->sr_ntp = ntp_now(),
					.ts = p->ts};

	send_rtcp(p, &(struct rtcp_out){
			 .ssrc = PEER_SSRC, .cname = "peer", .sender = &snd});
}

/* What we say of the leg's stream. */
static void reply(struct peer *p)
{
	const struct rtcp_report rep = {
	    .ssrc = p->ssrc,
	    .fraction = p->fraction,
	    .jitter_ts = 40,
	    .lsr = rtcp_ntp_mid(p->last_sender.ntp),
	    .dlsr = HELD_MS * 65536 / 1000,
	};
	const struct rtcp_voip voip = {
	    .ssrc = p->ssrc, .mos_lq = 37, .mos_cq = 36, .r = 75};
	unsigned i;

	p->reply_at_ms = 0;
	for (i = 0; i <= p->flood; i++)
		send_rtcp(p, &(struct rtcp_out){.ssrc = PEER_SSRC,
						.cname = "peer",
						.report = &rep,
						.voip = &voip});
}

/* The CNAME: in the second packet of the compound (RFC 3550 6.1). */
static void read_cname(struct peer *p, const uint8_t *buf, size_t len)
{
	size_t off = ((size_t)(buf[2] << 8 | buf[3]) + 1) * 4;

	assert_true(off + 10 < len);
	assert_int_equal(buf[off + 1], 202);
	assert_int_equal(buf[off + 8], 1);
	assert_true(buf[off + 9] < sizeof(p->cname));
	memcpy(p->cname, buf + off + 10, buf[off + 9]);
}

static void on_rtcp(struct peer *p, const uint8_t *buf, size_t len)
{
	struct rtcp_in in;
	uint64_t now = ntp_now();

	assert_int_equal(rtcp_parse(&in, buf, len, PEER_SSRC), 0);
	read_cname(p, buf, len);
	p->ssrc = in.ssrc;
	p->byes += in.bye;
	p->voips += in.has_voip;
	if (in.has_report) {
		p->last = in;
		++p->reports;
		p->rtt_us = rtcp_round_trip_us(&in.report, now);
	}
	if (!in.has_sender)
		return;

	++p->senders;
	p->last_sender = in.sender;
	if (!in.bye)
		p->reply_at_ms = tmr_jiffies() + HOLD_MS;
}

/* One that came, its protection taken off. */
static void on_packet(struct peer *p, struct packet *pkt, size_t n, bool rtcp)
{
	if (p->srtp_rx)
		assert_int_equal(
		    rtcp ? srtp_ctx_unprotect_rtcp(p->srtp_rx, pkt->data, &n)
			 : srtp_ctx_unprotect_rtp(p->srtp_rx, pkt->data, &n),
		    0);

	if (rtcp) {
		on_rtcp(p, pkt->data, n);
		return;
	}

	pkt->len = (uint16_t)n;
	assert_int_equal(rtp_parse(pkt), 0);
	p->ssrc = pkt->ssrc;
	p->rtp_ts = pkt->ts;
	p->rtp_ms = tmr_jiffies();
	++p->packets;
	p->bytes += pkt->payload_len;
}

static void on_datagram(struct peer *p, bool rtcp_port)
{
	bool mux = p->rtp == p->rtcp;
	struct packet pkt;
	ssize_t n;

	while ((n = recv(rtcp_port ? p->rtcp : p->rtp, pkt.data,
			 sizeof(pkt.data), 0)) > 0) {
		bool rtcp = rtcp_is(pkt.data, (size_t)n);

		/* where it was agreed that it goes */
		assert_true(mux || rtcp == rtcp_port);
		on_packet(p, &pkt, (size_t)n, rtcp);
	}
}

static void tick(void *arg)
{
	size_t i;

	(void)arg;
	tmr_start(&tick_tmr, 20, tick, NULL);

	for (i = 0; i < ARRAY_SIZE(peerv); i++) {
		struct peer *p = &peerv[i];

		if (p->rtp < 0)
			continue;

		on_datagram(p, false);
		on_datagram(p, true);
		send_rtp(p);
		if (p->reply_at_ms && tmr_jiffies() >= p->reply_at_ms)
			reply(p);
	}

	if (until())
		re_cancel();
}

static void deadline(void *arg)
{
	(void)arg;
	timed_out = true;
	re_cancel();
}

static void run(bool (*cond)(void))
{
	until = cond;
	timed_out = false;
	tmr_start(&tick_tmr, 0, tick, NULL);
	tmr_start(&deadline_tmr, DEADLINE_MS, deadline, NULL);
	assert_int_equal(re_main(NULL), 0);
	tmr_cancel(&tick_tmr);
	tmr_cancel(&deadline_tmr);
	assert_false(timed_out);
}

static struct media_rtp_params params(const struct peer *p, bool mux)
{
	struct media_rtp_params prm = {
	    .raddr = p->addr,
	    .tx = {.id = MEDIA_PCMU, .clock_hz = 8000},
	    .rxv = {{.id = MEDIA_PCMU, .clock_hz = 8000}},
	    .rxc = 1,
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	    .send = true,
	    .recv = true,
	    .jitter_ms = 120,
	    .rtcp = mux ? MEDIA_RTCP_MUX : MEDIA_RTCP_PORT,
	    .rtcp_xr = true,
	};

	/* not the port above ours: a=rtcp (RFC 3605) */
	if (!mux)
		prm.rtcp_raddr = p->rtcp_addr;

	return prm;
}

static struct peer *peer_open(bool mux)
{
	struct peer *p = &peerv[0];
	struct sa laddr;

	if (p->rtp >= 0)
		++p;

	p->rnd = 99;
	p->seq = 65526; /* a wrap is near */
	p->rtp = open_at(&p->addr, 0);
	p->rtcp = mux ? p->rtp : open_at(&p->rtcp_addr, 0);
	assert_int_equal(sa_set_str(&laddr, "127.0.0.1", 0), 0);
	assert_int_equal(media_leg_rtp_alloc(&p->leg, mix, &laddr, NULL, NULL),
			 0);
	p->dst = p->rtcp_dst = *media_leg_laddr(p->leg);
	if (!mux)
		sa_set_port(&p->rtcp_dst, sa_port(&p->dst) + 1);

	return p;
}

static struct peer *peer_add(bool mux)
{
	struct peer *p = peer_open(mux);
	const struct media_rtp_params prm = params(p, mux);

	assert_int_equal(media_leg_rtp_set(p->leg, &prm), 0);

	return p;
}

static int fds_before;

static int count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;

	return n;
}

static int setup(void **state)
{
	const struct media_conf conf = {
	    .workers = 1,
	    .rtp_port_min = PORT_MIN,
	    .rtp_port_max = PORT_MAX,
	};

	(void)state;

	fds_before = count_fds();
	memset(peerv, 0, sizeof(peerv));
	peerv[0].rtp = peerv[1].rtp = -1;
	tmr_init(&tick_tmr);
	tmr_init(&deadline_tmr);
	assert_int_equal(media_alloc(&engine, &conf), 0);
	assert_int_equal(mix_alloc(&mix, engine), 0);

	return 0;
}

static bool ports_back(void)
{
	struct media_load load;

	media_load(engine, &load);

	return !load.ports_used;
}

static int teardown(void **state)
{
	size_t i;

	(void)state;

	for (i = 0; i < ARRAY_SIZE(peerv); i++)
		peerv[i].leg = mem_deref(peerv[i].leg);
	mix = mem_deref(mix);
	run(ports_back);
	engine = mem_deref(engine);

	for (i = 0; i < ARRAY_SIZE(peerv); i++) {
		if (peerv[i].rtp < 0)
			continue;
		if (peerv[i].rtcp != peerv[i].rtp)
			close(peerv[i].rtcp);
		close(peerv[i].rtp);
	}

	assert_int_equal(count_fds(), fds_before);

	return 0;
}

/* The leg knows its round trip, and reported about us after an SR of ours. */
static bool exchanged(void)
{
	struct peer *p = &peerv[0];
	struct media_stat st;

	media_leg_stat(p->leg, &st);
	if (!p->sr_ntp && p->packets > 12)
		send_sr(p);

	return p->reports && p->last.report.lsr && st.round_trip_ms > 0;
}

static bool bye_came(void)
{
	return peerv[0].byes > 0;
}

static void check_exchange(struct peer *p)
{
	struct media_quality q;
	struct media_stat st;
	double ts_ms;

	p->lose = 10;
	p->fraction = 51; /* a fifth */
	run(exchanged);

	/* What the leg says of us: a tenth is lost, over a wrap. */
	assert_int_equal(p->last.report.ssrc, PEER_SSRC);
	assert_in_range(p->last.report.fraction, 256 / 20, 256 / 6);
	assert_in_range(p->last.report.lost, 1, 20);
	assert_in_range(p->last.report.seq, 65536, 65536 + 500);
	assert_in_range(p->rtt_us, 0, 60000); /* our loop: 20 ms at a time */
	assert_true(p->last.report.lsr == rtcp_ntp_mid(p->sr_ntp));
	assert_true(p->voips > 0);

	/* What it says of itself. */
	assert_true(p->senders > 0);
	assert_true(p->last_sender.packets > 10);
	assert_int_equal(p->last_sender.bytes, p->last_sender.packets * 160);
	assert_int_equal(p->last.ssrc, p->ssrc);

	/* Its clocks agree: the last packet's time by the SR is our time. */
	ts_ms = (double)(int64_t)(ntp_now() - p->last_sender.ntp) * 1000 /
		4294967296.0;
	ts_ms -= (double)(int32_t)(p->rtp_ts - p->last_sender.ts) / 8;
	ts_ms -= (double)(tmr_jiffies() - p->rtp_ms);
	assert_true(fabs(ts_ms) < 80);

	/* What it knows from us. */
	media_leg_stat(p->leg, &st);
	assert_true(st.round_trip_ms >= HOLD_MS - HELD_MS - 1);
	assert_true(st.round_trip_ms < HOLD_MS - HELD_MS + 80);
	assert_true(fabsf(st.peer_loss_percent - 20) < 0.5f);
	assert_true(fabsf(st.peer_jitter_ms - 5) < 0.01f);
	assert_true(fabsf(st.peer_mos_lq - 3.7f) < 0.01f);
	assert_int_equal(st.rx_invalid, 0);
	assert_int_equal(st.codec_in, MEDIA_PCMU);
	assert_true(st.rtcp_rx >= 2 && st.rtcp_tx >= 1);

	media_quality(&q, &st, NULL);
	assert_true(q.valid);
	assert_true(q.loss_percent > 4 && q.loss_percent < 15);
	assert_true(q.mos_lq > 2 && q.mos_lq < 4.2f);
	assert_true(q.mos_cq <= q.mos_lq && q.mos_cq > 1.5f);
	assert_true(q.delay_ms > 40);

	/* The end. */
	assert_true(strlen(p->cname) >= 16);
	assert_null(strstr(p->cname, "127"));
	p->leg = mem_deref(p->leg);
	run(bye_came);
}

static void test_port(void **state)
{
	(void)state;

	check_exchange(peer_add(false));
}

static void test_mux(void **state)
{
	struct peer *p = peer_add(true);
	struct sa above;
	int fd;

	(void)state;

	/* No second socket. */
	fd = open_at(&above, sa_port(&p->dst) + 1);
	assert_true(fd >= 0);
	close(fd);

	check_exchange(p);
}

static bool plain_refused(void)
{
	struct media_stat st;

	media_leg_stat(peerv[0].leg, &st);

	return st.rx_auth_failed == 1 && !st.rtcp_rx;
}

/* SRTCP (RFC 3711): the same under keys, and without them nothing. */
static void test_srtp(void **state)
{
	const struct media_srtp tx = {.suite = MEDIA_SRTP_AEAD_AES_128_GCM,
				      .key = "0123456789abcdef",
				      .salt = "hello salted"};
	const struct media_srtp rx = {.suite =
					  MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80,
				      .key = "fedcba9876543210",
				      .salt = "other salt 14"};
	struct peer *p = peer_open(true);
	struct media_rtp_params prm = params(p, true);
	const uint8_t plain[] = {0x80, 201, 0, 1, 0, 0, 0, 9};

	(void)state;

	prm.srtp_tx = tx;
	prm.srtp_rx = rx;
	assert_int_equal(srtp_ctx_alloc(&p->srtp_rx, &tx, false), 0);
	assert_int_equal(srtp_ctx_alloc(&p->srtp_tx, &rx, true), 0);
	assert_int_equal(media_leg_rtp_set(p->leg, &prm), 0);
	assert_true(sendto(p->rtp, plain, sizeof(plain), 0, &p->dst.u.sa,
			   p->dst.len) > 0);
	run(plain_refused);

	check_exchange(p);
	p->srtp_tx = mem_deref(p->srtp_tx);
	p->srtp_rx = mem_deref(p->srtp_rx);
}

/* A stranger on the RTCP port changes nothing. */
static bool stranger_seen(void)
{
	struct media_stat st;

	media_leg_stat(peerv[0].leg, &st);

	return st.rx_invalid > 0;
}

static void test_stranger(void **state)
{
	struct peer *p = peer_add(false);
	struct media_stat st;
	struct sa other;
	uint8_t buf[RTCP_BYTES];
	const struct rtcp_report rep = {.fraction = 255};
	const struct rtcp_out out = {
	    .ssrc = 1, .cname = "x", .report = &rep, .bye = true};
	size_t n = rtcp_print(buf, &out);
	int fd;

	(void)state;

	assert_int_equal(sa_set_str(&other, "127.0.0.9", 0), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(fd, &other.u.sa, other.len), 0);
	assert_true(sendto(fd, buf, n, 0, &p->rtcp_dst.u.sa, p->rtcp_dst.len) >
		    0);
	close(fd);
	run(stranger_seen);
	media_leg_stat(p->leg, &st);
	assert_int_equal(st.rtcp_rx, 0);
}

/* Without RTCP nothing is sent, and no port is taken. */
static bool some_time(void)
{
	return peerv[0].packets > 80;
}

static void test_off(void **state)
{
	struct peer *p = peer_open(false);
	struct media_rtp_params prm = params(p, false);
	struct media_stat st;
	struct sa above;
	int fd;

	(void)state;

	prm.rtcp = MEDIA_RTCP_OFF;
	assert_int_equal(media_leg_rtp_set(p->leg, &prm), 0);
	fd = open_at(&above, sa_port(&p->dst) + 1);
	assert_true(fd >= 0);
	close(fd);
	run(some_time);
	assert_int_equal(p->senders + p->reports + p->byes, 0);

	/* And it may be turned on later. */
	prm.rtcp = MEDIA_RTCP_PORT;
	assert_int_equal(media_leg_rtp_set(p->leg, &prm), 0);
	run(exchanged);
	media_leg_stat(p->leg, &st);
	assert_true(st.rtcp_tx > 0);
	p->leg = mem_deref(p->leg);
	run(bye_came);
}

/* On hold, its socket only watched: what comes is read within a second. */
static uint64_t held_ms;

static bool held_long(void)
{
	return peerv[0].ssrc && tmr_jiffies() - held_ms > 1300;
}

static bool held_heard(void)
{
	struct media_stat st;

	media_leg_stat(peerv[0].leg, &st);

	return st.rtcp_rx > 0 && st.peer_loss_percent > 0;
}

static void test_hold(void **state)
{
	struct peer *p = peer_open(false);
	struct media_rtp_params prm = params(p, false);
	const struct rtcp_report rep = {.fraction = 64};
	struct rtcp_report mine;

	(void)state;

	prm.send = prm.recv = false;
	p->lose = 1; /* sends nothing */
	assert_int_equal(media_leg_rtp_set(p->leg, &prm), 0);
	held_ms = tmr_jiffies();
	run(held_long);
	mine = rep;
	mine.ssrc = p->ssrc;
	send_rtcp(p, &(struct rtcp_out){
			 .ssrc = PEER_SSRC, .cname = "peer", .report = &mine});
	run(held_heard);
}

/* Reported loss makes an Opus encoder send less. */
static bool heard_much(void)
{
	return peerv[0].packets >= 60;
}

static bool told(void)
{
	struct media_stat st;

	media_leg_stat(peerv[0].leg, &st);

	return st.peer_loss_percent > 25;
}

static void test_opus_adapts(void **state)
{
	struct peer *p = peer_open(true), *talker;
	struct media_rtp_params prm = params(p, true);
	double before, after;

	(void)state;

	prm.tx = (struct media_codec){.id = MEDIA_OPUS,
				      .pt = 96,
				      .clock_hz = 48000,
				      .bitrate_bps = 40000,
				      .complexity = 1,
				      .fec = true};
	assert_int_equal(media_leg_rtp_set(p->leg, &prm), 0);
	talker = peer_add(true);
	talker->noise = true;

	run(heard_much);
	before = (double)p->bytes / p->packets;

	p->fraction = 100;
	p->flood = 15;
	run(told);
	p->packets = p->bytes = 0;
	run(heard_much);
	after = (double)p->bytes / p->packets;

	printf("opus: %.0f -> %.0f bytes\n", before, after);
	assert_true(after < 0.6 * before);
	assert_true(after > 0.25 * before);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_port),	    TEST(test_srtp), TEST(test_mux),
	    TEST(test_stranger),    TEST(test_off),  TEST(test_hold),
	    TEST(test_opus_adapts),
	};
	const struct media_conf conf = {
	    .workers = 1, .rtp_port_min = PORT_MIN, .rtp_port_max = PORT_MAX};
	int err;

	/* The first engine also makes libre open its own descriptors. */
	if (libre_init() || media_alloc(&engine, &conf))
		return 1;
	engine = mem_deref(engine);

	err = cmocka_run_group_tests(tests, NULL, NULL);
	libre_close();

	return err;
}

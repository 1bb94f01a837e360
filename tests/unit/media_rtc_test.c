/* libs: sy_node_webrtc sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * A WebRTC transport on a leg of an engine, and a peer made of a plain socket:
 *
 *   tone -> mix <== leg + rtc ~~ 127.0.0.1 ~~ socket: STUN checks, DTLS client,
 *                                             SRTP
 */

#include "media_test.h"
#include "test_loop.h"
#include "test_port.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/aside.h"
#include "node/media/packet.h"
#include "node/media/rtp.h"
#include "node/webrtc/rtc.h"

enum { STEP_MS = 20, DEADLINE_MS = 20000 };

static const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};

static struct {
	struct media *engine;
	struct mix *mix;
	struct media_leg *leg, *tone;
	struct dtls_identity *ours, *theirs;
	struct rtc *rtc;
	struct door *door; /* NULL: a port of its own */
	struct rtc_params prm;
	unsigned ready, starts;

	/* the peer */
	int fd;
	struct sa addr;
	struct dtls *dtls;
	struct srtp_ctx *tx, *rx;
	unsigned answers, heard, forged;
	uint16_t seq;
} fix;

static void to_node(const uint8_t *p, size_t len)
{
	const struct sa *dst = media_leg_laddr(fix.leg);

	(void)sendto(fix.fd, p, len, 0, &dst->u.sa, dst->len);
}

/* --- the node's side, as a leg would do it */

static void on_event(struct media_leg *leg, const struct media_event *ev,
		     void *arg)
{
	(void)leg;
	(void)arg;
	fix.starts += ev->type == MEDIA_EV_RTP_START;
}

static void on_rtc(enum rtc_event ev, void *arg)
{
	struct media_rtp_params prm = {
	    .tx = pcmu,
	    .rxv = {pcmu},
	    .rxc = 1,
	    .event_pt_tx = -1,
	    .event_pt_rx = -1,
	    .send = true,
	    .recv = true,
	};

	(void)arg;
	assert_int_equal(ev, RTC_READY);
	++fix.ready;
	assert_int_equal(rtc_fill(fix.rtc, &prm), 0);
	assert_true(sa_cmp(&prm.raddr, &fix.addr, SA_ALL));
	assert_int_equal(media_leg_rtp_set(fix.leg, &prm), 0);
}

/* --- the peer */

static void on_keys(const struct media_srtp *tx, const struct media_srtp *rx,
		    void *arg)
{
	(void)arg;
	mem_deref(fix.tx);
	mem_deref(fix.rx);
	assert_int_equal(srtp_ctx_alloc(&fix.tx, tx, true), 0);
	assert_int_equal(srtp_ctx_alloc(&fix.rx, rx, false), 0);
}

static void on_dtls_send(const uint8_t *p, size_t len, void *arg)
{
	(void)arg;
	to_node(p, len);
}

static void on_media(uint8_t *p, size_t len)
{
	/* RTCP is not looked at. */
	if (p[1] >= 192 && p[1] <= 223)
		return;

	if (fix.rx && !srtp_ctx_unprotect_rtp(fix.rx, p, &len))
		++fix.heard;
	else
		++fix.forged;
}

static void on_datagram(int flags, void *arg)
{
	uint8_t buf[2048];
	ssize_t len = recv(fix.fd, buf, sizeof(buf), 0);

	(void)flags;
	(void)arg;
	if (len <= 0)
		return;

	switch (aside_kind(buf[0])) {

	case ASIDE_STUN:
		++fix.answers;
		break;

	case ASIDE_DTLS:
		dtls_recv(fix.dtls, buf, (size_t)len);
		break;

	default:
		on_media(buf, (size_t)len);
		break;
	}
}

static void check(bool nominate)
{
	const uint64_t tie = 1;
	const struct ice_cred *to = &fix.prm.local;
	const uint8_t tid[STUN_TID_SIZE] = "123456789ab";
	struct mbuf *mb = mbuf_alloc(256);
	char user[64];

	(void)re_snprintf(user, sizeof(user), "%s:%s", to->ufrag,
			  fix.prm.remote.ufrag);
	assert_int_equal(
	    stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_REQUEST, tid,
			    NULL, (const uint8_t *)to->pwd, strlen(to->pwd),
			    true, 0, 3, STUN_ATTR_USERNAME, user,
			    STUN_ATTR_CONTROLLING, &tie, STUN_ATTR_USE_CAND,
			    nominate ? &tie : NULL),
	    0);
	to_node(mb->buf, mb->end);
	mem_deref(mb);
}

static void say(void)
{
	struct packet pkt = {.pt = 0,
			     .ssrc = 99,
			     .payload_off = RTP_HDR_BYTES,
			     .payload_len = 160};
	size_t len = RTP_HDR_BYTES + 160;

	pkt.seq = ++fix.seq;
	pkt.ts = fix.seq * 160u;
	memset(pkt.data + RTP_HDR_BYTES, 0x23, 160);
	pkt.len = (uint16_t)len;
	rtp_print(&pkt);
	if (fix.tx)
		assert_int_equal(srtp_ctx_protect_rtp(fix.tx, pkt.data, &len,
						      sizeof(pkt.data)),
				 0);
	to_node(pkt.data, len);
}

/* --- */

static struct dtls_fingerprint fingerprint(const struct dtls_identity *id)
{
	struct dtls_fingerprint fp;
	struct pl pl;

	pl_set_str(&pl, dtls_identity_fingerprint(id));
	assert_int_equal(dtls_fingerprint_read(&fp, &pl), 0);

	return fp;
}

static void engine_open(bool shared)
{
	const uint16_t port = (uint16_t)((test_port_base() + 1) & ~1);
	const struct media_tone tone = {.hz = {440}, .level_db = -12};
	const struct media_conf conf = {
	    .workers = 1,
	    .rtp_port_min = port,
	    .rtp_port_max = (uint16_t)(port + 99),
	    .quarantine_ms = 1,
	};
	struct sa local;

	assert_int_equal(sa_set_str(&local, "127.0.0.1", 0), 0);
	assert_int_equal(media_alloc(&fix.engine, &conf), 0);
	assert_int_equal(mix_alloc(&fix.mix, fix.engine), 0);
	if (shared) {
		struct sa at = local;

		sa_set_port(&at, (uint16_t)(port + 100));
		assert_int_equal(door_alloc(&fix.door, &at), 0);
		assert_int_equal(media_leg_shared_alloc(&fix.leg, fix.mix, &at,
							on_event, NULL), 0);
	} else {
		assert_int_equal(media_leg_rtp_alloc(&fix.leg, fix.mix, &local,
						     on_event, NULL), 0);
	}
	assert_int_equal(
	    media_leg_tone_alloc(&fix.tone, fix.mix, &tone, NULL, NULL), 0);
	fix.addr = local;
}

static int open_all(bool shared)
{
	memset(&fix, 0, sizeof(fix));
	if (libre_init())
		return -1;

	engine_open(shared);
	fix.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fix.fd, &fix.addr.u.sa, fix.addr.len), 0);
	assert_int_equal(getsockname(fix.fd, &fix.addr.u.sa, &fix.addr.len), 0);
	assert_int_equal(fd_listen(fix.fd, FD_READ, on_datagram, NULL), 0);

	assert_int_equal(dtls_identity_alloc(&fix.ours), 0);
	assert_int_equal(dtls_identity_alloc(&fix.theirs), 0);
	ice_cred_new(&fix.prm.local);
	ice_cred_new(&fix.prm.remote);
	fix.prm.fp = fingerprint(fix.theirs);

	assert_int_equal(rtc_alloc(&fix.rtc, fix.ours, fix.leg, on_rtc, NULL),
			 0);
	if (shared)
		rtc_set_door(fix.rtc, fix.door);

	return 0;
}

static int setup(void **state)
{
	(void)state;

	return open_all(false);
}

static int setup_shared(void **state)
{
	(void)state;

	return open_all(true);
}

static int teardown(void **state)
{
	(void)state;
	fd_close(fix.fd);
	(void)close(fix.fd);
	mem_deref(fix.dtls);
	mem_deref(fix.tx);
	mem_deref(fix.rx);
	mem_deref(fix.rtc);
	mem_deref(fix.door);
	mem_deref(fix.tone);
	mem_deref(fix.leg);
	mem_deref(fix.mix);
	mem_deref(fix.engine);
	mem_deref(fix.ours);
	mem_deref(fix.theirs);
	libre_close();

	return 0;
}

static void peer_dtls(bool active)
{
	static const struct dtls_handlers handlers = {.send = on_dtls_send,
						      .keys = on_keys};
	const struct dtls_fingerprint fp = fingerprint(fix.ours);

	mem_deref(fix.dtls);
	assert_int_equal(
	    dtls_alloc(&fix.dtls, fix.theirs, &fp, active, &handlers, NULL), 0);
}

static bool is_checked(void)
{
	if (!fix.answers)
		check(true);

	return fix.answers > 0;
}

static bool is_up(void)
{
	if (fix.ready)
		say();

	return fix.ready && fix.starts && fix.heard > 3;
}

static void run(bool (*cond)(void))
{
	test_loop_run(cond, STEP_MS, DEADLINE_MS);
}

static void come_up(bool active)
{
	fix.prm.active = active;
	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
	peer_dtls(!active);
	run(is_checked);
	dtls_start(fix.dtls);
	run(is_up);
	assert_int_equal(fix.forged, 0);
}

static void test_passive(void **state)
{
	struct media_stat st;

	(void)state;
	come_up(false);
	media_leg_stat(fix.leg, &st);
	/* the peer has its keys before our worker's next tick */
	assert_in_range(st.rx_auth_failed, 0, 4);
	assert_int_equal(st.rx_foreign, 0);
}

static void test_active(void **state)
{
	(void)state;
	come_up(true);
}

static bool waited(void)
{
	static unsigned n;

	say();
	check(false);

	return ++n % 10 == 0;
}

static bool is_up_after_all(void)
{
	check(true);

	return is_up();
}

static bool is_checked_only(void)
{
	if (!fix.answers)
		check(false);

	return fix.answers > 0;
}

/* A peer that does not nominate yet, but does what who has chosen does: it is
 * where its handshake came from. */
static void test_not_nominated(void **state)
{
	(void)state;
	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
	peer_dtls(true);
	run(is_checked_only);
	dtls_start(fix.dtls);
	run(is_up);
	assert_int_equal(fix.ready, 1);
	fix.answers = 0;
	run(is_checked); /* it says so, at last: nothing new */
	assert_int_equal(fix.ready, 1);
}

/* A hello without a check, and media without keys: nothing comes of them. */
static void test_out_of_turn(void **state)
{
	struct media_rtp_params prm;

	(void)state;
	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
	fix.prm.remote.ufrag[0] ^= 1; /* checks of another peer */
	peer_dtls(true);
	dtls_start(fix.dtls);
	run(waited);
	assert_null(fix.tx);
	assert_true(fix.answers > 0); /* 401 */
	assert_int_equal(fix.ready + fix.starts + fix.heard, 0);
	assert_int_equal(rtc_fill(fix.rtc, &prm), EAGAIN);

	/* The right one is heard all the same. */
	fix.prm.remote.ufrag[0] ^= 1;
	run(is_up_after_all);
}

static bool is_ready_again(void)
{
	check(true);

	return fix.ready > 1;
}

static bool is_heard_again(void)
{
	say();

	return fix.heard > 10;
}

/* Another certificate of the peer's: new keys, and media goes on. */
static void test_dtls_anew(void **state)
{
	struct media_srtp before = {0};
	struct media_rtp_params prm = {.rxc = 0};

	(void)state;
	come_up(false);
	assert_int_equal(rtc_fill(fix.rtc, &prm), 0);
	before = prm.srtp_rx;

	/* The same again changes nothing. */
	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
	assert_int_equal(fix.ready, 1);

	mem_deref(fix.theirs);
	assert_int_equal(dtls_identity_alloc(&fix.theirs), 0);
	fix.prm.fp = fingerprint(fix.theirs);
	ice_cred_new(&fix.prm.local);
	ice_cred_new(&fix.prm.remote);
	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
	peer_dtls(true);
	fix.answers = 0;
	run(is_checked);
	dtls_start(fix.dtls);
	run(is_ready_again);
	assert_int_equal(rtc_fill(fix.rtc, &prm), 0);
	assert_false(media_srtp_same(&before, &prm.srtp_rx));
	fix.heard = 0;
	run(is_heard_again);
}

/* Its media may go to another, or end, at any time. */
static void test_detached(void **state)
{
	(void)state;
	come_up(false);
	rtc_detach(fix.rtc);
	fix.leg = mem_deref(fix.leg);
	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
	fix.prm.fp.md[0] ^= 1;
	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
}

static void test_kinds(void **state)
{
	static const enum aside_kind kinds[256] = {
	    [0 ... 3] = ASIDE_STUN,	 [4 ... 19] = ASIDE_NONE,
	    [20 ... 63] = ASIDE_DTLS,	 [64 ... 127] = ASIDE_NONE,
	    [128 ... 191] = ASIDE_MEDIA, [192 ... 255] = ASIDE_NONE,
	};

	(void)state;

	for (unsigned i = 0; i < 256; i++)
		assert_int_equal(aside_kind((uint8_t)i), kinds[i]);
}

/* --- a peer that is ahead of its answer */

static bool has_spoken(void)
{
	static unsigned n;

	return ++n % 10 == 0;
}

/* Its checks are answered, its DTLS waits; with its answer all is there. */
static void test_ahead(void **state)
{
	(void)state;
	assert_int_equal(rtc_expect(fix.rtc, &fix.prm.local, ""), 0);
	peer_dtls(true);
	run(is_checked);
	dtls_start(fix.dtls);
	run(has_spoken);
	assert_null(fix.tx);
	assert_int_equal(fix.ready, 0);

	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
	run(is_up);
	assert_int_equal(fix.forged, 0);
	assert_int_equal(fix.ready, 1);
}

/* What held before is put into force again while our offer is on its way, and
 * the peer is ahead: nothing comes of that, and its answer is heard then. */
static void test_ahead_of_another(void **state)
{
	struct rtc_params before = fix.prm;

	(void)state;
	ice_cred_new(&before.local);
	ice_cred_new(&before.remote);
	assert_int_equal(rtc_set(fix.rtc, &before), 0);
	assert_int_equal(rtc_expect(fix.rtc, &fix.prm.local,
				    before.remote.ufrag), 0);
	peer_dtls(true);
	run(is_checked);
	dtls_start(fix.dtls);
	run(has_spoken);
	assert_int_equal(rtc_set(fix.rtc, &before), 0);
	assert_int_equal(fix.ready, 0);

	assert_int_equal(rtc_set(fix.rtc, &fix.prm), 0);
	run(is_up);
	assert_int_equal(fix.ready, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_passive, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_active, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_not_nominated, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_out_of_turn, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_dtls_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_passive, setup_shared,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_active, setup_shared,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_not_nominated, setup_shared,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_out_of_turn, setup_shared,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_dtls_anew, setup_shared,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_detached, setup, teardown),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test_setup_teardown(test_ahead, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_ahead, setup_shared,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_ahead_of_another, setup,
					    teardown),
	    cmocka_unit_test_setup_teardown(test_ahead_of_another,
					    setup_shared, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

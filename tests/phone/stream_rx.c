/* SPDX-License-Identifier: MIT */
/* The receiving side of a stream, on the tick. */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include "tests/phone/stream_priv.h"
#include "tests/phone/watch.h"

enum {
	WARM_PACKETS = 5,   /* a stateful decoder needs some to settle    */
	STARVED_MS = 60,    /* nothing for so long is heard as silence    */
	GAP_FILL_MAX_MS = 1000,
};

struct packet {
	const uint8_t *payload;
	size_t len;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	double at_ms;
	const struct sa *src;
};

static const char digit_chars[] = "0123456789*#ABCD";

char stream_digit_char(uint8_t code)
{
	return code < sizeof(digit_chars) - 1 ? digit_chars[code] : 0;
}

int stream_digit_code(char c)
{
	const char *p = c ? strchr(digit_chars, c) : NULL;

	return p ? (int)(p - digit_chars) : -1;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* RFC 3550 5.1; false for what is no RTP of version 2. */
static bool packet_parse(struct packet *p, const uint8_t *buf, size_t len)
{
	size_t hdr;

	if (len < RTP_HDR || (buf[0] & 0xc0) != 0x80)
		return false;
	hdr = RTP_HDR + 4 * (buf[0] & 15);
	if (buf[0] & 0x10) {
		if (len < hdr + 4)
			return false;
		hdr += 4 + 4 * (buf[hdr + 2] << 8 | buf[hdr + 3]);
	}
	if (len < hdr)
		return false;
	if (buf[0] & 0x20) {
		if (len == hdr || !buf[len - 1] || buf[len - 1] > len - hdr)
			return false;
		len -= buf[len - 1];
	}

	p->payload = buf + hdr;
	p->len = len - hdr;
	p->pt = buf[1] & 0x7f;
	p->seq = buf[2] << 8 | buf[3];
	p->ts = be32(buf + 4);
	p->ssrc = be32(buf + 8);
	return true;
}

/* Arrival: gaps and jitter, of every packet that is ours. */
static void arrival_count(struct stream *s, const struct packet *p)
{
	const double clock_khz = codec_info(s->codec)->clock_hz / 1000.0;
	const double transit = p->at_ms - (double)p->ts / clock_khz;
	double d;

	if (s->rx.last_ms > 0.0)
		s->st.gap_max_ms = fmax(s->st.gap_max_ms,
					p->at_ms - s->rx.last_ms);
	s->rx.last_ms = p->at_ms;

	/* The packets of a digit share one timestamp. */
	if (p->pt != s->pt_rx)
		return;

	if (s->rx.synced) {
		d = fabs(transit - s->rx.transit_ms);
		if (d < GAP_FILL_MAX_MS)
			s->st.jitter_ms += (d - s->st.jitter_ms) / 16.0;
	}
	s->rx.transit_ms = transit;
}

/* A digit is told once, at its first end packet (RFC 4733 2.5.1). */
static void digit_receive(struct stream *s, const struct packet *p)
{
	const unsigned khz = codec_info(s->codec)->clock_hz / 1000;
	bool end;
	char c;

	if (p->len < 4)
		return;

	if (!s->rx.digit_seen || s->rx.digit_ts != p->ts) {
		s->rx.digit_seen = true;
		s->rx.digit_ts = p->ts;
		s->rx.digit_done = false;
	}

	end = p->payload[1] & 0x80;
	c = stream_digit_char(p->payload[0]);
	if (!end || s->rx.digit_done || !c)
		return;

	s->rx.digit_done = true;
	if (s->h.digith)
		s->h.digith(c, (p->payload[2] << 8 | p->payload[3]) / khz,
			    s->h.arg);
}

static void silence_feed(struct stream *s, unsigned ms)
{
	static const int16_t zeros[CODEC_FRAME_SMP_MAX];
	const unsigned rate = codec_info(s->codec)->rate_hz;
	size_t n = (size_t)rate * ms / 1000;

	while (n && s->watchl.head) {
		const size_t part = MIN(n, ARRAY_SIZE(zeros));

		watch_feed(&s->watchl, zeros, part, rate);
		n -= part;
	}
}

/* Decode for the watches, with silence in the place of what is missing. */
static void audio_decode(struct stream *s, const struct packet *p)
{
	static int16_t pcm[CODEC_DECODE_SMP_MAX];
	const struct codec_info *info = codec_info(s->codec);
	const int32_t missing = s->rx.synced ? p->ts - s->rx.ts_next : 0;
	size_t n;

	if (!s->watchl.head && !s->gap) {
		s->dec = mem_deref(s->dec); /* it would be out of step */
		s->rx.ts_next = p->ts;
		return;
	}

	if (!s->dec) {
		if (codec_dec_alloc(&s->dec, s->codec))
			return;
		s->rx.warm = info->stateful ? WARM_PACKETS : 0;
	}
	else if (missing > 0 && !s->rx.starved &&
		 missing < (int32_t)(info->clock_hz / 1000 * GAP_FILL_MAX_MS)) {
		silence_feed(s, missing / (info->clock_hz / 1000));
	}

	s->rx.starved = false;
	n = codec_decode(s->dec, pcm, p->payload, p->len);
	s->rx.ts_next = p->ts + n * info->clock_hz / info->rate_hz;
	if (s->rx.warm) {
		--s->rx.warm;
		return;
	}
	if (n)
		watch_feed(&s->watchl, pcm, n, info->rate_hz);
	if (n && s->gap)
		gap_feed(s->gap, pcm, n, info->rate_hz,
			 playout_ms(&s->playout, p->ssrc, p->ts,
				    info->clock_hz / 1000.0, p->at_ms));
}

/* Sequence: true if the packet is the next or a later one. */
static bool sequence_check(struct stream *s, const struct packet *p)
{
	const int16_t ahead = p->seq - s->rx.seq;

	if (!s->rx.synced || p->ssrc != s->rx.ssrc || abs(ahead) > 3000) {
		s->rx.ssrc = p->ssrc;
		s->rx.seq = p->seq;
		s->rx.ts_next = p->ts;
		s->rx.synced = true;
		return true;
	}

	if (ahead <= 0) {
		++s->st.late;
		if (ahead < 0 && s->st.lost)
			--s->st.lost; /* it was counted when it was missed */
		return false;
	}

	s->st.lost += ahead - 1;
	s->rx.seq = p->seq;
	return true;
}

static void source_check(struct stream *s, const struct packet *p)
{
	if (s->rx.src_told && sa_cmp(&s->rx.src, p->src, SA_ALL))
		return;

	s->rx.src_told = true;
	s->rx.src = *p->src;
	if (s->h.sourceh)
		s->h.sourceh(p->src, s->codec, s->h.arg);
}

static void packet_handle(struct stream *s, const struct packet *p)
{
	if (!sa_cmp(&s->raddr, p->src, SA_ALL)) {
		++s->st.stray;
		return;
	}

	++s->st.rx;
	source_check(s, p);
	arrival_count(s, p);
	if (s->tape && p->pt == s->pt_rx)
		tape_put(s->tape, p->payload, p->len, p->ts, p->at_ms);
	if (!sequence_check(s, p))
		return;

	if (p->pt == s->event_rx)
		digit_receive(s, p);
	else if (p->pt == s->pt_rx)
		audio_decode(s, p);
	else
		++s->st.stray;
}

static double kernel_time_ms(struct msghdr *mh, double now_ms)
{
	struct cmsghdr *cm;
	struct timespec ts;

	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		if (cm->cmsg_level != SOL_SOCKET ||
		    cm->cmsg_type != SCM_TIMESTAMPNS)
			continue;

		memcpy(&ts, CMSG_DATA(cm), sizeof(ts));
		return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
	}

	return now_ms;
}

/* One buffer set serves all streams: a batch is used up before the next. */
static struct {
	struct mmsghdr msgv[RX_BATCH];
	struct iovec iov[RX_BATCH];
	struct sa srcv[RX_BATCH];
	uint8_t buf[RX_BATCH][RX_SIZE];
	union {
		char buf[CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} ctl[RX_BATCH];
} batch;

static void batch_prepare(void)
{
	for (int i = 0; i < RX_BATCH; i++) {
		struct msghdr *mh = &batch.msgv[i].msg_hdr;

		batch.iov[i] = (struct iovec){batch.buf[i], RX_SIZE};
		mh->msg_iov = &batch.iov[i];
		mh->msg_iovlen = 1;
		mh->msg_name = &batch.srcv[i].u;
		mh->msg_namelen = sizeof(batch.srcv[i].u);
		mh->msg_control = batch.ctl[i].buf;
		mh->msg_controllen = sizeof(batch.ctl[i].buf);
	}
}

/* The length without SRTP, 0: to be dropped. */
static size_t open_packet(struct stream *s, uint8_t *buf, size_t len)
{
	size_t n;

	if (!s->secure || len < RTP_HDR)
		return len;

	n = secure_receive(s->secure, buf, len,
			   buf[1] >= 192 && buf[1] <= 223); /* RFC 5761 */
	if (!n)
		++s->st.forged;

	return n;
}

static int batch_receive(struct stream *s, double now_ms)
{
	int n;

	batch_prepare();
	n = recvmmsg(s->fd, batch.msgv, RX_BATCH, MSG_DONTWAIT, NULL);

	for (int i = 0; i < n; i++) {
		struct msghdr *mh = &batch.msgv[i].msg_hdr;
		struct packet p;
		size_t len;

		batch.srcv[i].len = mh->msg_namelen;
		p.at_ms = kernel_time_ms(mh, now_ms);
		len = open_packet(s, batch.buf[i], batch.msgv[i].msg_len);
		if (stream_rtcp(s, batch.buf[i], len, p.at_ms))
			continue;
		if (!packet_parse(&p, batch.buf[i], len))
			continue;

		p.src = &batch.srcv[i];
		packet_handle(s, &p);
	}

	return n;
}

void stream_drain(struct stream *s)
{
	do
		batch_prepare();
	while (recvmmsg(s->fd, batch.msgv, RX_BATCH, MSG_DONTWAIT, NULL) > 0);
}

void stream_receive(struct stream *s, double now_ms)
{
	while (batch_receive(s, now_ms) == RX_BATCH)
		;
	s->served_ms = now_ms;

	if (s->tape && tape_over(s->tape, now_ms))
		s->tape = mem_deref(s->tape);

	/* Whoever listens to nothing hears silence as time passes. */
	if (s->watchl.head && now_ms - s->rx.last_ms > STARVED_MS) {
		if (s->codec == CODEC_NONE)
			return;
		s->rx.starved = true;
		silence_feed(s, CODEC_FRAME_MS);
	}
}

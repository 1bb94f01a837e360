/* SPDX-License-Identifier: MIT */
/*
 * RTCP of a stream, muxed (RFC 5761): each sender report is answered by one
 * of ours at once.  No timer, so a silent peer gets none.
 *
 * What the peer reports of us is kept for the events: it is how a test knows
 * whether a loss that it injected was seen, and the round trip.
 */

#include <string.h>
#include <sys/socket.h>
#include "tests/phone/stream_priv.h"

enum {
	RTCP_FIRST = 192, /* second byte, RFC 5761 4 */
	RTCP_LAST = 223,
	SR = 200,
	RR = 201,
	SDES = 202,
	SR_BYTES = 28,    /* with its header, without blocks */
	BLOCK_BYTES = 24,
};

static const double epoch_s = 2208988800.0; /* 1900 to 1970 */

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	p[0] = v >> 24;
	p[1] = v >> 16;
	p[2] = v >> 8;
	p[3] = v;

	return p + 4;
}

/* Middle of the NTP time: units of 1/65536 s. */
static uint32_t mid_of(double ms)
{
	return (uint32_t)(uint64_t)((ms / 1e3 + epoch_s) * 65536.0);
}

static uint8_t *put_block(const struct stream *s, uint8_t *p, double held_ms)
{
	const struct rtcp *c = &s->rtcp;
	const uint64_t rx = s->st.rx - c->rx_told;
	const uint64_t lost = s->st.lost > c->lost_told
		? s->st.lost - c->lost_told : 0;
	const uint64_t due = rx + lost;
	const unsigned clock_khz = codec_info(s->codec)->clock_hz / 1000;

	p = put32(p, s->rx.ssrc);
	p = put32(p, (uint32_t)(due ? lost * 255 / due : 0) << 24 |
		     (s->st.lost & 0xffffff));
	p = put32(p, s->rx.seq);
	p = put32(p, (uint32_t)(s->st.jitter_ms * clock_khz));
	p = put32(p, c->lsr);

	return put32(p, (uint32_t)(held_ms * 65.536));
}

static uint8_t *put_sdes(const struct stream *s, uint8_t *p)
{
	static const uint8_t name[8] = {1, 5, 'p', 'h', 'o', 'n', 'e', 0};

	p = put32(p, 0x81u << 24 | SDES << 16 | 3);
	p = put32(p, s->tx.ssrc);
	memcpy(p, name, sizeof(name));

	return p + sizeof(name);
}

static void answer(struct stream *s, double at_ms)
{
	uint8_t buf[SR_BYTES + BLOCK_BYTES + 16 + SECURE_GROW], *p = buf;
	const double now_ms = stream_clock_ms();
	const double ntp_s = now_ms / 1e3 + epoch_s;
	const uint32_t whole = (uint32_t)ntp_s;
	size_t len;

	p = put32(p, 0x81u << 24 | SR << 16 |
			     ((SR_BYTES + BLOCK_BYTES) / 4 - 1));
	p = put32(p, s->tx.ssrc);
	p = put32(p, whole);
	p = put32(p, (uint32_t)((ntp_s - whole) * 4294967296.0));
	p = put32(p, s->tx.ts);
	p = put32(p, (uint32_t)s->st.tx);
	p = put32(p, 0); /* bytes: nobody asks */
	p = put_block(s, p, now_ms - at_ms);
	p = put_sdes(s, p);

	s->rtcp.sent_mid = mid_of(now_ms);
	s->rtcp.rx_told = s->st.rx;
	s->rtcp.lost_told = s->st.lost;
	len = p - buf;
	if (s->secure)
		len = secure_send(s->secure, buf, len, true);
	if (len && sendto(s->fd, buf, len, MSG_DONTWAIT, &s->raddr.u.sa,
			  s->raddr.len) >= 0)
		++s->st.rtcp_tx;
}

/* What the peer says of us. */
static void block_read(struct stream *s, const uint8_t *p, double at_ms)
{
	if (be32(p) != s->tx.ssrc)
		return;

	s->st.told_lost = be32(p + 4) & 0xffffff;
	if (s->rtcp.sent_mid && be32(p + 16) == s->rtcp.sent_mid)
		s->st.rtt_ms = (int32_t)(mid_of(at_ms) - be32(p + 16) -
					 be32(p + 20)) / 65.536;
}

bool stream_rtcp(struct stream *s, const uint8_t *buf, size_t len, double at_ms)
{
	size_t off;

	if (len < 8 || (buf[0] & 0xc0) != 0x80 || buf[1] < RTCP_FIRST ||
	    buf[1] > RTCP_LAST)
		return false;

	if (!s->rtcp_mux)
		return true;

	++s->st.rtcp_rx;
	off = buf[1] == SR ? SR_BYTES : 8;
	if ((buf[1] == SR || buf[1] == RR) && (buf[0] & 31) &&
	    len >= off + BLOCK_BYTES)
		block_read(s, buf + off, at_ms);

	if (buf[1] != SR || len < SR_BYTES)
		return true;

	s->rtcp.lsr = be32(buf + 10);
	answer(s, at_ms);

	return true;
}

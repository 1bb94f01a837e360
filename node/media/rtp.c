/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "node/media/packet.h"
#include "node/media/rtp.h"

enum {
	RTCP_PT_FIRST = 64, /* 192 - 128: RFC 5761 4 keeps these for RTCP */
	RTCP_PT_LAST = 95,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

int rtp_parse(struct packet *pkt)
{
	const uint8_t *p = pkt->data;
	size_t len = pkt->len, off = RTP_HDR_BYTES;

	if (len < RTP_HDR_BYTES || p[0] >> 6 != 2)
		return EBADMSG;

	pkt->marker = p[1] >> 7;
	pkt->pt = p[1] & 0x7f;
	pkt->seq = get16(p + 2);
	pkt->ts = get32(p + 4);
	pkt->ssrc = get32(p + 8);

	if (pkt->pt >= RTCP_PT_FIRST && pkt->pt <= RTCP_PT_LAST)
		return EBADMSG;

	off += (p[0] & 0x0f) * 4u;
	if (off > len)
		return EBADMSG;

	if (p[0] & 0x10) {
		if (off + 4 > len)
			return EBADMSG;
		off += 4 + get16(p + off + 2) * 4u;
		if (off > len)
			return EBADMSG;
	}

	if (p[0] & 0x20) {
		if (off == len || !p[len - 1] || p[len - 1] > len - off)
			return EBADMSG;
		len -= p[len - 1];
	}

	pkt->payload_off = (uint16_t)off;
	pkt->payload_len = (uint16_t)(len - off);

	return 0;
}

void rtp_print(struct packet *pkt)
{
	uint8_t *p = pkt->data;

	p[0] = 2 << 6;
	p[1] = (uint8_t)(pkt->marker << 7 | pkt->pt);
	put16(p + 2, pkt->seq);
	put32(p + 4, pkt->ts);
	put32(p + 8, pkt->ssrc);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "node/media/rtcp.h"

enum {
	PT_FIRST = 192,
	PT_LAST = 223,
	PT_SR = 200,
	PT_RR = 201,
	PT_SDES = 202,
	PT_BYE = 203,
	PT_XR = 207,
	SDES_CNAME = 1,
	XR_VOIP = 7,
	HDR_BYTES = 4,
	SENDER_BYTES = 20,
	REPORT_BYTES = 24,
	VOIP_BYTES = 32, /* without the block's header */
};

static const uint64_t epoch_s = 2208988800; /* 1900 to 1970 */

/* --- bytes */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint8_t *put8(uint8_t *p, unsigned v)
{
	*p = (uint8_t)v;

	return p + 1;
}

static uint8_t *put16(uint8_t *p, unsigned v)
{
	return put8(put8(p, v >> 8), v);
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

/* --- writing */

/* The length stands in words less one, and is known at the end only. */
static uint8_t *begin(uint8_t *p, unsigned count, unsigned pt)
{
	return put16(put8(put8(p, 2u << 6 | count), pt), 0);
}

static void end(uint8_t *from, const uint8_t *to)
{
	(void)put16(from + 2, (unsigned)((to - from) / 4 - 1));
}

static uint8_t *print_sender(uint8_t *p, const struct rtcp_sender *s)
{
	p = put32(p, (uint32_t)(s->ntp >> 32));
	p = put32(p, (uint32_t)s->ntp);
	p = put32(p, s->ts);
	p = put32(p, s->packets);

	return put32(p, s->bytes);
}

static uint8_t *print_report(uint8_t *p, const struct rtcp_report *r)
{
	p = put32(p, r->ssrc);
	p = put32(p,
		  (uint32_t)r->fraction << 24 | ((uint32_t)r->lost & 0xffffff));
	p = put32(p, r->seq);
	p = put32(p, r->jitter_ts);
	p = put32(p, r->lsr);

	return put32(p, r->dlsr);
}

static uint8_t *print_sdes(uint8_t *p, uint32_t ssrc, const char *cname,
			   size_t len)
{
	uint8_t *from = p;

	p = put32(begin(p, 1, PT_SDES), ssrc);
	p = put8(put8(p, SDES_CNAME), (unsigned)len);
	memcpy(p, cname, len);
	p += len;

	/* One null ends the list, more fill the word. */
	do
		p = put8(p, 0);
	while ((p - from) % 4);

	end(from, p);

	return p;
}

static uint8_t *print_voip(uint8_t *p, uint32_t ssrc, const struct rtcp_voip *v)
{
	uint8_t *from = p;

	p = put32(begin(p, 0, PT_XR), ssrc);
	p = put16(put8(put8(p, XR_VOIP), 0), VOIP_BYTES / 4);
	p = put32(p, v->ssrc);
	p = put8(put8(p, v->loss), v->discard);
	p = put8(put8(p, v->burst_density), v->gap_density);
	p = put16(put16(p, v->burst_ms), v->gap_ms);
	p = put16(put16(p, v->round_trip_ms), v->end_system_ms);
	p = put8(put8(p, (uint8_t)v->signal_dbm), (uint8_t)v->noise_dbm);
	p = put8(put8(p, v->rerl_db), v->gmin);
	p = put8(put8(p, v->r), v->ext_r);
	p = put8(put8(p, v->mos_lq), v->mos_cq);
	p = put16(put8(put8(p, v->config), 0), v->jb_nominal_ms);
	p = put16(put16(p, v->jb_maximum_ms), v->jb_abs_max_ms);
	end(from, p);

	return p;
}

size_t rtcp_print(uint8_t *buf, const struct rtcp_out *out)
{
	size_t len = out->cname ? strlen(out->cname) : 0;
	uint8_t *p = buf, *from = buf;

	if (!len || len > RTCP_CNAME_BYTES)
		return 0;

	p = begin(p, out->report ? 1 : 0, out->sender ? PT_SR : PT_RR);
	p = put32(p, out->ssrc);
	if (out->sender)
		p = print_sender(p, out->sender);
	if (out->report)
		p = print_report(p, out->report);
	end(from, p);

	p = print_sdes(p, out->ssrc, out->cname, len);
	if (out->voip)
		p = print_voip(p, out->ssrc, out->voip);

	if (out->bye) {
		from = p;
		p = put32(begin(p, 1, PT_BYE), out->ssrc);
		end(from, p);
	}

	return (size_t)(p - buf);
}

/* --- reading */

/* One packet of a compound one, its header read. */
struct part {
	unsigned count; /* low five bits of the first byte */
	unsigned pt;
	const uint8_t *p; /* after the header */
	size_t len;
};

/* @return bytes used, or 0: broken. */
static size_t part_get(struct part *part, const uint8_t *p, size_t left)
{
	size_t len;

	if (left < HDR_BYTES || p[0] >> 6 != 2)
		return 0;

	len = ((size_t)get16(p + 2) + 1) * 4;
	if (len > left)
		return 0;

	part->count = p[0] & 0x1f;
	part->pt = p[1];
	part->p = p + HDR_BYTES;
	part->len = len - HDR_BYTES;

	/* Padding: in the last one only (RFC 3550 6.4.1). */
	if (p[0] & 0x20) {
		size_t pad = p[len - 1];

		if (len < left || !pad || pad % 4 || pad > part->len)
			return 0;
		part->len -= pad;
	}

	return len;
}

static void read_report(struct rtcp_report *r, const uint8_t *p)
{
	uint32_t lost = get32(p + 4) & 0xffffff;

	r->ssrc = get32(p);
	r->fraction = p[4];
	r->lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
	r->seq = get32(p + 8);
	r->jitter_ts = get32(p + 12);
	r->lsr = get32(p + 16);
	r->dlsr = get32(p + 20);
}

static int read_reports(struct rtcp_in *in, const struct part *part, size_t off,
			uint32_t ssrc)
{
	const uint8_t *p = part->p + off;
	unsigned i;

	if (part->len < off + (size_t)part->count * REPORT_BYTES)
		return EBADMSG;

	for (i = 0; i < part->count; i++, p += REPORT_BYTES) {

		if (get32(p) != ssrc)
			continue;

		read_report(&in->report, p);
		in->has_report = true;
	}

	return 0;
}

static int read_sr(struct rtcp_in *in, const struct part *part, uint32_t ssrc)
{
	const uint8_t *p = part->p;

	if (part->len < 4 + SENDER_BYTES)
		return EBADMSG;

	in->ssrc = get32(p);
	in->sender.ntp = (uint64_t)get32(p + 4) << 32 | get32(p + 8);
	in->sender.ts = get32(p + 12);
	in->sender.packets = get32(p + 16);
	in->sender.bytes = get32(p + 20);
	in->has_sender = true;

	return read_reports(in, part, 4 + SENDER_BYTES, ssrc);
}

static int read_rr(struct rtcp_in *in, const struct part *part, uint32_t ssrc)
{
	if (part->len < 4)
		return EBADMSG;

	in->ssrc = get32(part->p);

	return read_reports(in, part, 4, ssrc);
}

static int read_bye(struct rtcp_in *in, const struct part *part)
{
	unsigned i;

	if (part->len < part->count * 4u)
		return EBADMSG;

	for (i = 0; i < part->count; i++) {

		uint32_t ssrc = get32(part->p + 4 * i);

		if (!in->ssrc || ssrc == in->ssrc) {
			in->ssrc = ssrc;
			in->bye = true;
		}
	}

	return 0;
}

static void read_voip(struct rtcp_voip *v, const uint8_t *p)
{
	v->ssrc = get32(p);
	v->loss = p[4];
	v->discard = p[5];
	v->burst_density = p[6];
	v->gap_density = p[7];
	v->burst_ms = get16(p + 8);
	v->gap_ms = get16(p + 10);
	v->round_trip_ms = get16(p + 12);
	v->end_system_ms = get16(p + 14);
	v->signal_dbm = (int8_t)p[16];
	v->noise_dbm = (int8_t)p[17];
	v->rerl_db = p[18];
	v->gmin = p[19];
	v->r = p[20];
	v->ext_r = p[21];
	v->mos_lq = p[22];
	v->mos_cq = p[23];
	v->config = p[24];
	v->jb_nominal_ms = get16(p + 26);
	v->jb_maximum_ms = get16(p + 28);
	v->jb_abs_max_ms = get16(p + 30);
}

static int read_xr(struct rtcp_in *in, const struct part *part, uint32_t ssrc)
{
	const uint8_t *p = part->p;
	size_t off, len;

	if (part->len < 4)
		return EBADMSG;

	in->ssrc = get32(p);

	for (off = 4; off < part->len; off += len) {

		if (part->len - off < HDR_BYTES)
			return EBADMSG;

		len = HDR_BYTES + get16(p + off + 2) * (size_t)4;
		if (len > part->len - off)
			return EBADMSG;

		if (p[off] != XR_VOIP || len != HDR_BYTES + VOIP_BYTES ||
		    get32(p + off + HDR_BYTES) != ssrc)
			continue;

		read_voip(&in->voip, p + off + HDR_BYTES);
		in->has_voip = true;
	}

	return 0;
}

static int read_part(struct rtcp_in *in, const struct part *part, uint32_t ssrc)
{
	switch (part->pt) {

	case PT_SR:
		return read_sr(in, part, ssrc);

	case PT_RR:
		return read_rr(in, part, ssrc);

	case PT_BYE:
		return read_bye(in, part);

	case PT_XR:
		return read_xr(in, part, ssrc);

	default:
		/* SDES too: whom we talk to, signalling knows better. */
		return part->pt >= PT_FIRST && part->pt <= PT_LAST ? 0
								   : EBADMSG;
	}
}

int rtcp_parse(struct rtcp_in *in, const uint8_t *buf, size_t len,
	       uint32_t ssrc)
{
	struct rtcp_in tmp;
	struct part part;
	size_t n;
	int err;

	if (!len)
		return EBADMSG;

	memset(&tmp, 0, sizeof(tmp));

	for (; len; buf += n, len -= n) {

		n = part_get(&part, buf, len);
		if (!n)
			return EBADMSG;

		err = read_part(&tmp, &part, ssrc);
		if (err)
			return err;
	}

	*in = tmp;

	return 0;
}

bool rtcp_is(const uint8_t *buf, size_t len)
{
	return len >= 2 && buf[0] >> 6 == 2 && buf[1] >= PT_FIRST &&
	       buf[1] <= PT_LAST;
}

/* --- time */

uint32_t rtcp_interval_ms(uint32_t bw_bps, uint32_t avg_bytes, bool first,
			  uint32_t rnd)
{
	/* Two members share 5 %; the compensation is e - 3/2 (6.3.1). */
	const float share = 0.05f, compensation = 1.21828f;
	float bytes_s = (float)bw_bps / 8 * share;
	float ms = first ? RTCP_FIRST_MS * compensation : RTCP_MIN_MS;
	float spread = 0.5f + (float)rnd / 4294967296.0f;

	if (!first && bytes_s > 0) {
		float need = 2 * (float)avg_bytes / bytes_s * 1000;

		ms = need > ms ? need : ms;
		ms = ms > 60000 ? 60000 : ms;
	}

	return (uint32_t)(ms * spread / compensation + 0.5f);
}

uint64_t rtcp_ntp(uint64_t realtime_us)
{
	uint64_t s = realtime_us / 1000000 + epoch_s;
	uint64_t us = realtime_us % 1000000;

	return s << 32 | (us << 32) / 1000000;
}

uint32_t rtcp_ntp_mid(uint64_t ntp)
{
	return (uint32_t)(ntp >> 16);
}

int64_t rtcp_round_trip_us(const struct rtcp_report *rep, uint64_t now_ntp)
{
	int32_t rtt;

	if (!rep->lsr)
		return -1;

	/* Modulo 2^32: 18 hours. */
	rtt = (int32_t)(rtcp_ntp_mid(now_ntp) - rep->lsr - rep->dlsr);

	/* DLSR is rounded by the peer: a hair below zero is zero. */
	if (rtt < -(65536 / 100))
		return -1;

	return rtt < 0 ? 0 : (int64_t)rtt * 1000000 / 65536;
}

/* SPDX-License-Identifier: MIT */
/* Session descriptions of a phone; see desc.h.  A few times a call. */

#include <string.h>
#include "tests/phone/desc.h"

enum {
	EVENT_PT = 101,
	EVENT48_PT = 102,
};

static const char *dir_names[] = {"inactive", "recvonly", "sendonly",
				  "sendrecv"};

struct parser {
	struct desc *d;
	bool in_audio; /* within the first m=audio */
	bool in_media; /* after any m=             */
	bool done;     /* after the first m=audio  */
};

enum desc_dir desc_dir_reverse(enum desc_dir dir)
{
	return (dir & DESC_SENDONLY ? DESC_RECVONLY : 0) |
	       (dir & DESC_RECVONLY ? DESC_SENDONLY : 0);
}

static void codec_add(struct desc *d, enum codec_id id, uint8_t pt)
{
	if (d->codecc < DESC_CODECS_MAX)
		d->codecv[d->codecc++] = (struct desc_codec){id, pt};
}

static enum codec_id codec_of_rtpmap(const struct pl *name, unsigned clock)
{
	for (unsigned i = 0; i < CODEC_COUNT; i++) {
		const struct codec_info *info = codec_info(i);

		if (!pl_strcasecmp(name, info->sdp_name) &&
		    clock == info->clock_hz)
			return i;
	}

	return CODEC_NONE;
}

/* m=audio 4000 RTP/AVP 0 8 101: the order of preference is set here. */
static int media_decode(struct parser *p, const struct pl *val)
{
	struct pl port, proto, fmts;
	struct desc *d = p->d;

	p->in_media = true;
	p->in_audio = false;
	if (p->done || val->l < 6 || strncmp(val->p, "audio ", 6))
		return 0;

	if (re_regex(val->p, val->l, "audio [0-9]+[^ ]* [^ ]+[^]*", &port,
		     NULL, &proto, &fmts))
		return EBADMSG;

	p->in_audio = p->done = d->has_audio = true;
	d->savp = !pl_strcmp(&proto, "RTP/SAVP") ||
		  !pl_strcmp(&proto, "RTP/SAVPF");
	d->feedback = !pl_strcmp(&proto, "RTP/AVPF") ||
		      !pl_strcmp(&proto, "RTP/SAVPF");
	sa_set_port(&d->rtp, pl_u32(&port));

	while (fmts.l) {
		struct pl one;
		uint32_t pt;

		while (fmts.l && *fmts.p == ' ')
			pl_advance(&fmts, 1);
		one.p = fmts.p;
		while (fmts.l && *fmts.p != ' ')
			pl_advance(&fmts, 1);
		one.l = fmts.p - one.p;
		if (!one.l)
			break;

		pt = pl_u32(&one);
		if (pt > 127)
			continue;

		/* a static type needs no rtpmap; others wait for theirs */
		codec_add(d,
			  pt == 0   ? CODEC_PCMU
			  : pt == 8 ? CODEC_PCMA
			  : pt == 9 ? CODEC_G722
				    : CODEC_NONE,
			  pt);
	}

	return 0;
}

static void rtpmap_decode(struct desc *d, const struct pl *val)
{
	struct pl ptpl, name, clockpl;
	uint32_t pt, clock;

	if (re_regex(val->p, val->l, "[0-9]+ [^/]+/[0-9]+", &ptpl, &name,
		     &clockpl))
		return;

	pt = pl_u32(&ptpl);
	clock = pl_u32(&clockpl);
	if (!pl_strcasecmp(&name, "telephone-event")) {
		if (clock == 48000)
			d->event48_pt = pt;
		else if (clock == 8000)
			d->event_pt = pt;
		return;
	}

	for (size_t i = 0; i < d->codecc; i++)
		if (d->codecv[i].pt == pt)
			d->codecv[i].id = codec_of_rtpmap(&name, clock);
}

static void crypto_decode(struct desc *d, const struct pl *val)
{
	if (d->cryptoc < ARRAY_SIZE(d->cryptov) &&
	    !secure_line_decode(&d->cryptov[d->cryptoc], val))
		++d->cryptoc;
}

static void attr_decode(struct parser *p, const struct pl *val)
{
	struct pl crypto = PL("crypto:");
	struct pl rtpmap = PL("rtpmap:");

	if (p->in_media && !p->in_audio)
		return;

	for (unsigned i = 0; i < ARRAY_SIZE(dir_names); i++)
		if (!pl_strcmp(val, dir_names[i]))
			p->d->dir = i;

	if (p->in_audio && !pl_strcmp(val, "rtcp-mux"))
		p->d->rtcp_mux = true;

	if (val->l > rtpmap.l && !memcmp(val->p, rtpmap.p, rtpmap.l)) {
		struct pl rest = *val;

		pl_advance(&rest, rtpmap.l);
		rtpmap_decode(p->d, &rest);
	}
	else if (p->in_audio && val->l > crypto.l &&
		 !memcmp(val->p, crypto.p, crypto.l)) {
		struct pl rest = *val;

		pl_advance(&rest, crypto.l);
		crypto_decode(p->d, &rest);
	}
}

static int conn_decode(struct parser *p, const struct pl *val)
{
	const uint16_t port = sa_port(&p->d->rtp);
	struct pl addr;

	if (p->in_media && !p->in_audio)
		return 0;

	if (re_regex(val->p, val->l, "IN IP[46]1 [^ /]+", NULL, &addr))
		return EBADMSG;

	return sa_set(&p->d->rtp, &addr, port) ? EBADMSG : 0;
}

static int line_decode(struct parser *p, char type, const struct pl *val)
{
	switch (type) {

	case 'm':
		return media_decode(p, val);

	case 'c':
		return conn_decode(p, val);

	case 'a':
		attr_decode(p, val);
		return 0;

	default:
		return 0;
	}
}

/* Formats that got no codec fall out; what stays keeps its order. */
static void unknown_drop(struct desc *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->codecc; i++)
		if (d->codecv[i].id != CODEC_NONE)
			d->codecv[n++] = d->codecv[i];

	d->codecc = n;
}

int desc_decode(struct desc *d, const char *text, size_t len)
{
	struct parser p = {.d = d};
	const char *end = text + len;
	int err = 0;

	memset(d, 0, sizeof(*d));
	sa_init(&d->rtp, AF_INET);
	d->dir = DESC_SENDRECV;
	d->event_pt = d->event48_pt = -1;

	if (len < 2 || strncmp(text, "v=", 2))
		return EBADMSG;

	while (text < end && !err) {
		const char *nl = memchr(text, '\n', end - text);
		struct pl val = {text + 2, 0};
		const char *stop = nl ? nl : end;

		if (stop - text >= 2 && text[1] == '=') {
			val.l = stop - val.p;
			while (val.l && (val.p[val.l - 1] == '\r' ||
					 val.p[val.l - 1] == ' '))
				--val.l;
			err = line_decode(&p, *text, &val);
		}
		text = stop + 1;
	}

	unknown_drop(d);
	return err;
}

static int codecs_encode(struct mbuf *mb, const struct desc *d)
{
	int err = 0;

	for (size_t i = 0; i < d->codecc; i++) {
		const struct codec_info *info = codec_info(d->codecv[i].id);

		err |= mbuf_printf(mb, "a=rtpmap:%u %s/%u",
				   (unsigned)d->codecv[i].pt, info->sdp_name,
				   info->clock_hz);
		if (info->channels > 1)
			err |= mbuf_printf(mb, "/%u", info->channels);
		err |= mbuf_write_str(mb, "\r\n");
	}

	if (d->event_pt >= 0)
		err |= mbuf_printf(mb,
				   "a=rtpmap:%d telephone-event/8000\r\n"
				   "a=fmtp:%d 0-15\r\n",
				   d->event_pt, d->event_pt);
	if (d->event48_pt >= 0)
		err |= mbuf_printf(mb,
				   "a=rtpmap:%d telephone-event/48000\r\n"
				   "a=fmtp:%d 0-15\r\n",
				   d->event48_pt, d->event48_pt);

	return err;
}

int desc_encode(struct mbuf *mb, const struct desc *d, uint32_t id,
		uint32_t version)
{
	const char *ip = sa_af(&d->rtp) == AF_INET6 ? "IP6" : "IP4";
	int err;

	err = mbuf_printf(mb,
			  "v=0\r\no=phone %u %u IN %s %j\r\ns=-\r\n"
			  "c=IN %s %j\r\nt=0 0\r\nm=audio %u RTP/%s%s",
			  id, version, ip, &d->rtp, ip, &d->rtp,
			  (unsigned)sa_port(&d->rtp), d->savp ? "SAVP" : "AVP",
			  d->feedback ? "F" : "");
	for (size_t i = 0; i < d->codecc; i++)
		err |= mbuf_printf(mb, " %u", (unsigned)d->codecv[i].pt);
	if (d->event_pt >= 0)
		err |= mbuf_printf(mb, " %d", d->event_pt);
	if (d->event48_pt >= 0)
		err |= mbuf_printf(mb, " %d", d->event48_pt);

	err |= mbuf_write_str(mb, "\r\n");
	err |= codecs_encode(mb, d);
	for (size_t i = 0; i < d->cryptoc; i++)
		err |= secure_line_encode(mb, &d->cryptov[i]);
	err |= mbuf_printf(mb, "a=%s\r\na=ptime:20\r\n", dir_names[d->dir]);
	if (d->rtcp_mux)
		err |= mbuf_write_str(mb, "a=rtcp-mux\r\n");

	return err;
}

int desc_secure(const struct desc *local, const struct desc *remote,
		const struct secure_line **tx, const struct secure_line **rx)
{
	*tx = *rx = NULL;
	for (size_t i = 0; i < local->cryptoc; i++) {
		for (size_t k = 0; k < remote->cryptoc; k++) {
			if (local->cryptov[i].tag != remote->cryptov[k].tag ||
			    local->cryptov[i].suite != remote->cryptov[k].suite)
				continue;

			*tx = &local->cryptov[i];
			*rx = &remote->cryptov[k];
			return 0;
		}
	}

	return local->savp || remote->savp ? ENOTSUP : 0;
}

static bool has(const enum codec_id *idv, size_t idc, enum codec_id id)
{
	for (size_t i = 0; i < idc; i++)
		if (idv[i] == id)
			return true;

	return false;
}

void desc_offer(struct desc *d, const enum codec_id *idv, size_t idc,
		const struct sa *rtp, enum desc_dir dir)
{
	bool narrow = false, wide = false;

	memset(d, 0, sizeof(*d));
	d->rtp = *rtp;
	d->dir = dir;
	d->has_audio = true;
	d->rtcp_mux = true;

	for (size_t i = 0; i < idc; i++) {
		const struct codec_info *info = codec_info(idv[i]);

		codec_add(d, idv[i], info->pt_own);
		narrow |= info->clock_hz != 48000;
		wide |= info->clock_hz == 48000;
	}

	/* Events run on the clock of the audio that they replace. */
	d->event_pt = narrow ? EVENT_PT : -1;
	d->event48_pt = wide ? EVENT48_PT : -1;
}

int desc_answer(struct desc *ans, const struct desc *offer,
		const enum codec_id *idv, size_t idc, const struct sa *rtp,
		enum desc_dir dir)
{
	memset(ans, 0, sizeof(*ans));
	ans->rtp = *rtp;
	ans->has_audio = true;
	ans->dir = dir & desc_dir_reverse(offer->dir);
	ans->savp = offer->savp;
	ans->feedback = offer->feedback;
	ans->event_pt = offer->event_pt;
	ans->event48_pt = offer->event48_pt;
	ans->rtcp_mux = offer->rtcp_mux;

	if (!offer->has_audio || !sa_port(&offer->rtp))
		return ENOTSUP;

	for (size_t i = 0; i < offer->codecc; i++)
		if (has(idv, idc, offer->codecv[i].id))
			codec_add(ans, offer->codecv[i].id,
				  offer->codecv[i].pt);

	return ans->codecc ? 0 : ENOTSUP;
}

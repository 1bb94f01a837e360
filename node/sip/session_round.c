/* SPDX-License-Identifier: MIT */
/* One round of offer and answer as libre's objects, and as text. */

#include <string.h>
#include <re.h>
#include <openssl/crypto.h>

#include "node/sip/session_impl.h"

enum {
	PT_DYNAMIC_MIN = 96,
	PT_DYNAMIC_MAX = 127,
};

const struct format session_formats[FMTC] = {
	{"opus", MEDIA_OPUS, false, false, 96, 48000, 2, "useinbandfec=1"},
	{"G722", MEDIA_G722, false, false, 9, 8000, 1, NULL},
	{"PCMU", MEDIA_PCMU, false, false, 0, 8000, 1, NULL},
	{"PCMA", MEDIA_PCMA, false, false, 8, 8000, 1, NULL},
	{"L16", MEDIA_L16, false, false, 97, 48000, 1, NULL},
	[FMT_EVENT_8K] = {"telephone-event", 0, true, false, 101, 8000, 1,
			  "0-15"},
	[FMT_EVENT_48K] = {"telephone-event", 0, true, false, 100, 48000, 1,
			   "0-15"},
	[FMT_NOISE] = {"CN", 0, false, true, 13, 8000, 1, NULL},
};

static void round_destructor(void *arg)
{
	struct round *r = arg;
	size_t i;

	mem_deref(r->sdp);
	OPENSSL_cleanse(r->cryptov, sizeof(r->cryptov));
	OPENSSL_cleanse(&r->cred, sizeof(r->cred));
	for (i = 0; i < r->linec; i++) {
		mem_deref(r->linev[i].name);
		mem_deref(r->linev[i].proto);
	}
}

int round_line_add(struct round *r, const char *name, const char *proto)
{
	struct line *l;

	if (r->linec >= ARRAY_SIZE(r->linev))
		return EOVERFLOW;

	l = &r->linev[r->linec++];

	return str_dup(&l->name, name) | str_dup(&l->proto, proto);
}

int round_alloc_empty(struct round **rp)
{
	struct round *r = mem_zalloc(sizeof(*r), round_destructor);

	if (!r)
		return ENOMEM;

	r->ptime_ms = PTIME_DEFAULT_MS;
	*rp = r;

	return 0;
}

int round_alloc(struct round **rp, const struct session *s,
		const struct sdptext *t, const struct round *agreed)
{
	struct round *r;
	size_t i;
	int err;

	err = round_alloc_empty(&r);
	if (err)
		return err;

	r->answer = t;
	if (t) {
		for (i = 0; i < t->mc && !err; i++)
			err = round_line_add(r, t->mv[i].name, t->mv[i].proto);
	}
	else if (agreed) {
		for (i = 0; i < agreed->linec && !err; i++)
			err = round_line_add(r, agreed->linev[i].name,
				       agreed->linev[i].proto);
		r->ours = agreed->ours;
		r->rtc = agreed->rtc;
	}
	else {
		err = round_line_add(r, "audio", session_srtp_proto(s));
		r->rtc = !err && sdprtc_is_proto(r->linev[0].proto);
	}

	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

static bool pt_is_taken(const struct session *s, int pt)
{
	size_t i;

	for (i = 0; i < FMTC; i++) {
		if (s->ptv[i] == pt)
			return true;
	}

	return false;
}

/* The payload type that a format has, or gets now. */
static int pt_of(struct session *s, unsigned f)
{
	int pt = session_formats[f].pt;

	if (s->ptv[f] != PT_UNSET)
		return s->ptv[f];

	if (pt_is_taken(s, pt)) {
		for (pt = PT_DYNAMIC_MIN; pt < PT_DYNAMIC_MAX; pt++) {
			if (!pt_is_taken(s, pt))
				break;
		}
	}

	s->ptv[f] = pt;

	return pt;
}

/* A browser pauses for whom that is good: a silent page then costs little.
 * Phones are not asked to, some take it for the end of a call. */
static const char *fmtp_of(const struct round *r, const struct format *fmt)
{
	return r->rtc && fmt->id == MEDIA_OPUS && !fmt->event && !fmt->noise
		       ? "useinbandfec=1;usedtx=1"
		       : fmt->fmtp;
}

static int format_add(struct session *s, const struct round *r,
		      struct sdp_media *m, unsigned f)
{
	const struct format *fmt = &session_formats[f];
	const char *fmtp = fmtp_of(r, fmt);
	char id[8];

	(void)re_snprintf(id, sizeof(id), "%d", pt_of(s, f));

	return sdp_format_add(NULL, m, false, id, fmt->name, fmt->clock_hz,
			      fmt->ch, NULL, NULL, (void *)fmt, false,
			      fmtp ? "%s" : NULL, fmtp);
}

/* All our formats; the codec in use first, so that a new offer does not
 * change it without need. */
static int formats_add(struct session *s, const struct round *r,
		       struct sdp_media *m)
{
	size_t i;
	int err = 0;

	if (s->tx)
		err = format_add(s, r, m,
				 (unsigned)(s->tx - session_formats));

	for (i = 0; i < s->fmtc && !err; i++) {
		if (&session_formats[s->fmtv[i]] != s->tx)
			err = format_add(s, r, m, s->fmtv[i]);
	}

	/* RFC 3389: who offers it may send it, and keeps what it has. */
	if (!err && (r->answer || (s->prm.cn_rx && !s->narrow)))
		err = format_add(s, r, m, FMT_NOISE);

	return err;
}

int round_build(struct session *s, struct round *r)
{
	struct sdp_media *m;
	size_t i;
	int err;

	err = sdp_session_alloc(&r->sdp, &s->conf.laddr);

	for (i = 0; i < r->linec && !err; i++) {
		const struct line *l = &r->linev[i];
		bool ours = i == r->ours;

		err = sdp_media_add(&m, r->sdp, l->name,
				    ours ? sa_port(&s->conf.laddr) : 0,
				    l->proto);
		if (err || !ours)
			continue;

		/* Some answer a=crypto in RTP/AVP by RTP/SAVP. */
		r->audio = m;
		err = sdp_media_set_alt_protos(
			m, 6, "RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF",
			"UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF");
		if (!err)
			err = formats_add(s, r, m);
	}

	return err;
}

int round_text(const struct session *s, struct mbuf **mbp)
{
	const size_t len = s->last->end;
	struct mbuf *mb = mbuf_alloc(512);
	int err;

	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb, "v=0\r\no=- %llu %llu IN IP%d %j\r\n%b", s->id,
			  s->version,
			  sa_af(&s->conf.laddr) == AF_INET6 ? 6 : 4,
			  &s->conf.laddr, s->last->buf, len);
	mb->pos = 0;

	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}

int round_print(struct session *s, struct round *r, bool offer,
		 struct mbuf **mbp)
{
	struct mbuf *raw = NULL;
	struct pl o, body;
	int err;

	err = sdp_media_set_lattr(r->audio, true, "ptime", "%u", r->ptime_ms);
	if (!err && (offer || r->rtcp.mux || r->rtc))
		err = sdp_media_set_lattr(r->audio, true, "rtcp-mux", NULL);
	if (!err && (offer || r->rtcp.voip))
		err = sdp_media_set_lattr(r->audio, true, "rtcp-xr",
					  "voip-metrics");
	if (!err)
		err = sdp_encode(&raw, r->sdp, offer);
	if (err)
		return err;

	if (re_regex((char *)raw->buf, raw->end, "o=[^\r\n]+\r\n", &o)) {
		err = ENOMEM;
		goto out;
	}

	body.p = o.p + o.l + 2;
	body.l = (size_t)((char *)raw->buf + raw->end - body.p);

	if (!s->last || s->last->end != body.l ||
	    memcmp(s->last->buf, body.p, body.l)) {
		struct mbuf *last = mbuf_alloc(body.l);

		if (!last) {
			err = ENOMEM;
			goto out;
		}
		(void)mbuf_write_pl(last, &body);
		mem_deref(s->last);
		s->last = last;
		++s->version;
	}

	err = round_text(s, mbp);

out:
	mem_deref(raw);
	return err;
}


/* SPDX-License-Identifier: MIT */
/*
 * What was negotiated is kept here, in plain members; libre's SDP objects
 * live for one round of offer and answer only.  So a round that fails leaves
 * nothing behind, and the text of any round can be made again.
 *
 *   session_answer():  build() -> decode offer -> encode answer -> commit()
 *   session_offer():   build() -> encode offer, kept as s->offer
 *   session_answered():   decode answer into s->offer -> commit()
 *
 * A payload type, once it has stood in a description, names the same codec
 * to the end (RFC 3264 8.3.2): s->ptv.
 */

#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "node/sip/sdptext.h"
#include "node/sip/session.h"

enum {
	PT_UNSET = -1,
	PT_DYNAMIC_MIN = 96,
	PT_DYNAMIC_MAX = 127,
	PTIME_DEFAULT_MS = 20,
	PTIME_MIN_MS = 10,
	PTIME_MAX_MS = 60,
};

/* What we can put into a description. */
struct format {
	const char *name;
	enum media_codec_id id;
	bool event;       /* telephone-event: no codec (RFC 4733) */
	int pt;           /* if it is still free                  */
	uint32_t clock_hz;
	uint8_t ch;       /* RFC 7587 7: Opus is always "/2"      */
	const char *fmtp;
};

enum { FMT_EVENT_8K = 5, FMT_EVENT_48K, FMTC };

static const struct format formats[FMTC] = {
	{"opus", MEDIA_OPUS, false, 96, 48000, 2, "useinbandfec=1"},
	{"G722", MEDIA_G722, false, 9, 8000, 1, NULL},
	{"PCMU", MEDIA_PCMU, false, 0, 8000, 1, NULL},
	{"PCMA", MEDIA_PCMA, false, 8, 8000, 1, NULL},
	{"L16", MEDIA_L16, false, 97, 48000, 1, NULL},
	[FMT_EVENT_8K] = {"telephone-event", 0, true, 101, 8000, 1, "0-15"},
	[FMT_EVENT_48K] = {"telephone-event", 0, true, 100, 48000, 1, "0-15"},
};

/* One m line of the last round; all but ours are refused. */
struct line {
	char *name;
	char *proto;
};

/* One round of offer and answer. */
struct round {
	struct sdp_session *sdp;
	struct sdp_media *audio; /* borrowed from sdp */
	struct line linev[SDPTEXT_MEDIA_MAX];
	size_t linec;
	size_t ours;             /* index of our line */
	uint32_t ptime_ms;
	bool hold;               /* ours */
};

struct session {
	struct session_conf conf;
	unsigned fmtv[FMTC];     /* formats that we use, by preference */
	size_t fmtc;
	int ptv[FMTC];           /* payload types in use, or PT_UNSET */
	uint64_t id;
	uint64_t version;
	struct mbuf *last;       /* last description, after its o line */
	struct round *offer;     /* ours, as long as it may be answered */
	struct round *agreed;    /* m lines of the last round */
	struct media_rtp_params prm;
	const struct format *tx;
	bool ready;
	bool hold;
	bool remote_hold;
};

static void round_destructor(void *arg)
{
	struct round *r = arg;
	size_t i;

	mem_deref(r->sdp);
	for (i = 0; i < r->linec; i++) {
		mem_deref(r->linev[i].name);
		mem_deref(r->linev[i].proto);
	}
}

static void destructor(void *arg)
{
	struct session *s = arg;

	mem_deref(s->last);
	mem_deref(s->offer);
	mem_deref(s->agreed);
}

static int line_add(struct round *r, const char *name, const char *proto)
{
	struct line *l;

	if (r->linec >= ARRAY_SIZE(r->linev))
		return EOVERFLOW;

	l = &r->linev[r->linec++];

	return str_dup(&l->name, name) | str_dup(&l->proto, proto);
}

static bool proto_is_ours(const char *proto)
{
	return !strcmp(proto, "RTP/AVP") || !strcmp(proto, "RTP/AVPF");
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
	int pt = formats[f].pt;

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

static int format_add(struct session *s, struct sdp_media *m, unsigned f)
{
	const struct format *fmt = &formats[f];
	char id[8];

	(void)re_snprintf(id, sizeof(id), "%d", pt_of(s, f));

	return sdp_format_add(NULL, m, false, id, fmt->name, fmt->clock_hz,
			      fmt->ch, NULL, NULL, (void *)fmt, false,
			      fmt->fmtp ? "%s" : NULL, fmt->fmtp);
}

/* All our formats; the codec in use first, so that a new offer does not
 * change it without need. */
static int formats_add(struct session *s, struct sdp_media *m)
{
	size_t i;
	int err = 0;

	if (s->tx)
		err = format_add(s, m, (unsigned)(s->tx - formats));

	for (i = 0; i < s->fmtc && !err; i++) {
		if (&formats[s->fmtv[i]] != s->tx)
			err = format_add(s, m, s->fmtv[i]);
	}

	return err;
}

/* Make libre's objects for the m lines of a round. */
static int build(struct session *s, struct round *r)
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

		r->audio = m;
		err = formats_add(s, m);
	}

	return err;
}

/* Our description of a round as text; the version counts changes only. */
static int print(struct session *s, struct round *r, bool offer,
		 struct mbuf **mbp)
{
	struct mbuf *raw = NULL, *mb;
	struct pl o, body;
	int err;

	err = sdp_media_set_lattr(r->audio, true, "ptime", "%u", r->ptime_ms);
	if (!err)
		err = sdp_encode(&raw, r->sdp, offer);
	if (err)
		return err;

	mb = mbuf_alloc(512);
	if (!mb || re_regex((char *)raw->buf, raw->end, "o=[^\r\n]+\r\n", &o)) {
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

	err = mbuf_printf(mb, "v=0\r\no=- %llu %llu IN IP%d %j\r\n%r", s->id,
			  s->version,
			  sa_af(&s->conf.laddr) == AF_INET6 ? 6 : 4,
			  &s->conf.laddr, &body);
	mb->pos = 0;

out:
	mem_deref(raw);
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}

static void codec_set(struct session *s, struct media_codec *c,
		      const struct format *f, int pt, const char *fmtp,
		      uint32_t ptime_ms)
{
	struct pl params, val;

	memset(c, 0, sizeof(*c));
	c->id = f->id;
	c->pt = (uint8_t)pt;
	c->clock_hz = f->clock_hz;
	c->ptime_ms = ptime_ms;
	c->complexity = -1;

	if (f->id != MEDIA_OPUS)
		return;

	c->bitrate_bps = s->conf.opus_bitrate_bps;
	if (!fmtp)
		return;

	pl_set_str(&params, fmtp);
	c->fec = fmt_param_get(&params, "useinbandfec", &val) &&
		 !pl_strcmp(&val, "1");
	if (fmt_param_get(&params, "maxaveragebitrate", &val)) {
		uint32_t bps = pl_u32(&val);

		if (bps >= 6000 &&
		    (!c->bitrate_bps || bps < c->bitrate_bps))
			c->bitrate_bps = bps;
	}
}

/* Payload types that may arrive: those of our own description. */
static void collect_rx(struct session *s, const struct round *r,
		       struct media_rtp_params *prm)
{
	const struct list *lst = sdp_media_format_lst(r->audio, true);
	const struct le *le;

	for (le = list_head(lst); le; le = le->next) {
		const struct sdp_format *lf = le->data;
		const struct format *f = lf->data;

		if (!lf->sup)
			continue;

		if (f->event) {
			if (prm->event_pt_rx < 0 ||
			    f->clock_hz == prm->tx.clock_hz) {
				prm->event_pt_rx = lf->pt;
				prm->event_clock_hz = f->clock_hz;
			}
		}
		else if (prm->rxc < ARRAY_SIZE(prm->rxv)) {
			codec_set(s, &prm->rxv[prm->rxc++], f, lf->pt,
				  lf->rparams, r->ptime_ms);
		}
	}
}

/* What we send: the first codec in the peer's order that we know. */
static const struct format *collect_tx(struct session *s,
				       const struct round *r,
				       struct media_rtp_params *prm)
{
	const struct list *lst = sdp_media_format_lst(r->audio, false);
	const struct format *tx = NULL;
	const struct le *le;

	for (le = list_head(lst); le; le = le->next) {
		const struct sdp_format *rf = le->data;
		const struct format *f = rf->data;

		if (!rf->sup || f->event || tx)
			continue;

		tx = f;
		codec_set(s, &prm->tx, f, rf->pt, rf->params, r->ptime_ms);
	}

	return tx;
}

static void collect_event_tx(const struct round *r,
			     struct media_rtp_params *prm)
{
	const struct list *lst = sdp_media_format_lst(r->audio, false);
	const struct le *le;

	for (le = list_head(lst); le; le = le->next) {
		const struct sdp_format *rf = le->data;
		const struct format *f = rf->data;

		if (rf->sup && f->event && f->clock_hz == prm->event_clock_hz)
			prm->event_pt_tx = rf->pt;
	}
}

/* The peer's side of a decoded round. */
struct agreement {
	struct media_rtp_params prm;
	const struct format *tx;
	bool remote_hold;
};

static int agree(struct session *s, const struct round *r,
		 struct agreement *a)
{
	const struct sa *raddr = sdp_media_raddr(r->audio);
	enum sdp_dir rdir = sdp_media_rdir(r->audio);
	bool off = !sa_port(raddr);

	memset(a, 0, sizeof(*a));
	sa_init(&a->prm.raddr, AF_INET);
	a->prm.event_pt_rx = a->prm.event_pt_tx = -1;

	if (off) {
		/* The peer takes its stream away; it may give it back by a
		 * later offer, so this is a hold (RFC 3264 8.2). */
		if (!s->ready)
			return ENOTSUP;
		a->prm = s->prm;
		a->tx = s->tx;
		a->prm.send = a->prm.recv = false;
		a->remote_hold = true;
		return 0;
	}

	a->tx = collect_tx(s, r, &a->prm);
	if (!a->tx)
		return ENOTSUP;

	collect_rx(s, r, &a->prm);
	collect_event_tx(r, &a->prm);

	/* RFC 2543's hold: nothing may be sent to 0.0.0.0. */
	if (sa_isset(raddr, SA_ADDR))
		a->prm.raddr = *raddr;
	else
		rdir = (enum sdp_dir)(rdir & ~SDP_SENDONLY);

	a->remote_hold = !(rdir & SDP_SENDONLY);
	a->prm.send = rdir & SDP_SENDONLY;
	a->prm.recv = !r->hold && (rdir & SDP_RECVONLY);

	return 0;
}

static void commit(struct session *s, struct round *r,
		   const struct agreement *a)
{
	const struct list *lst = sdp_media_format_lst(r->audio, true);
	const struct le *le;

	for (le = list_head(lst); le; le = le->next) {
		const struct sdp_format *lf = le->data;
		const struct format *f = lf->data;
		size_t i;

		if (!lf->sup)
			continue;

		for (i = 0; i < FMTC; i++) {
			if (s->ptv[i] == lf->pt)
				s->ptv[i] = PT_UNSET;
		}
		s->ptv[f - formats] = lf->pt;
	}

	s->prm = a->prm;
	s->tx = a->tx;
	s->remote_hold = a->remote_hold;
	s->hold = r->hold;
	s->ready = true;
}

static int ptime_of(const struct sdptext *t)
{
	uint32_t ms = t->ptime_ms ? t->ptime_ms : PTIME_DEFAULT_MS;

	ms = ms < PTIME_MIN_MS ? PTIME_MIN_MS : ms;
	ms = ms > PTIME_MAX_MS ? PTIME_MAX_MS : ms;

	return (int)(ms - ms % 10);
}

/* Can we send to where this line says? */
static int line_check(const struct session *s, const struct sdptext_media *m)
{
	if (!m->port)
		return 0;

	if (!m->has_addr)
		return EBADMSG;

	if (m->named)
		return ENOTSUP; /* no name is resolved on the way of a call */

	if (sa_isset(&m->addr, SA_ADDR) &&
	    sa_af(&m->addr) != sa_af(&s->conf.laddr))
		return ENOTSUP;

	return 0;
}

/* Which m line of an offer we take: the first audio that is on; once
 * something was negotiated also one that is off. */
static int choose_line(const struct session *s, const struct sdptext *t,
		       size_t *ip)
{
	size_t i;
	int err = ENOTSUP;

	for (i = 0; i < t->mc && err; i++) {
		const struct sdptext_media *m = &t->mv[i];

		if (strcmp(m->name, "audio") || !proto_is_ours(m->proto) ||
		    !m->port)
			continue;

		*ip = i;
		err = line_check(s, m);
	}

	for (i = 0; i < t->mc && err == ENOTSUP && s->ready; i++) {
		const struct sdptext_media *m = &t->mv[i];

		if (strcmp(m->name, "audio") || !proto_is_ours(m->proto) ||
		    m->port)
			continue;

		*ip = i;
		err = 0;
	}

	return err;
}

static int round_alloc(struct round **rp, const struct sdptext *t,
		       const struct round *agreed)
{
	struct round *r;
	size_t i;
	int err = 0;

	r = mem_zalloc(sizeof(*r), round_destructor);
	if (!r)
		return ENOMEM;

	if (t) {
		for (i = 0; i < t->mc && !err; i++)
			err = line_add(r, t->mv[i].name, t->mv[i].proto);
	}
	else if (agreed) {
		for (i = 0; i < agreed->linec && !err; i++)
			err = line_add(r, agreed->linev[i].name,
				       agreed->linev[i].proto);
		r->ours = agreed->ours;
	}
	else {
		err = line_add(r, "audio", "RTP/AVP");
	}

	r->ptime_ms = PTIME_DEFAULT_MS;

	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

static int decode(struct round *r, struct mbuf *mb, bool offer)
{
	int err = sdp_decode(r->sdp, mb, offer);

	return err && err != ENOMEM ? EBADMSG : err;
}

static int formats_choose(struct session *s)
{
	static const char *const standard[] = {"opus", "G722", "PCMU", "PCMA"};
	const char *const *v = s->conf.codecv ? s->conf.codecv : standard;
	size_t n = s->conf.codecv ? s->conf.codecc : ARRAY_SIZE(standard);
	bool ev8 = false, ev48 = false;
	size_t i;
	unsigned f;

	for (i = 0; i < n; i++) {
		for (f = 0; f < FMT_EVENT_8K; f++) {
			if (!str_casecmp(formats[f].name, v[i]))
				break;
		}
		if (f == FMT_EVENT_8K || s->fmtc >= FMT_EVENT_8K)
			return EINVAL;

		s->fmtv[s->fmtc++] = f;
		ev8 |= formats[f].clock_hz == 8000;
		ev48 |= formats[f].clock_hz == 48000;
	}

	if (!s->fmtc)
		return EINVAL;

	/* Many phones know events at 8 kHz only, whatever the codec. */
	if (ev48)
		s->fmtv[s->fmtc++] = FMT_EVENT_48K;
	if (ev8 || ev48)
		s->fmtv[s->fmtc++] = FMT_EVENT_8K;

	return 0;
}

int session_alloc(struct session **sp, const struct session_conf *conf)
{
	struct session *s;
	size_t i;
	int err;

	if (!sp || !conf || !sa_isset(&conf->laddr, SA_ALL))
		return EINVAL;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	s->conf = *conf;
	s->id = rand_u32() & 0x7fffffff; /* some peers read 32 bits only */
	for (i = 0; i < FMTC; i++)
		s->ptv[i] = PT_UNSET;

	err = formats_choose(s);

	s->conf.codecv = NULL; /* borrowed for the call */

	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}

int session_offer(struct session *s, bool hold, struct mbuf **mbp)
{
	struct round *r = NULL;
	enum sdp_dir dir = SDP_SENDRECV;
	int err;

	if (!s || !mbp)
		return EINVAL;

	if (hold)
		dir = s->remote_hold ? SDP_INACTIVE : SDP_SENDONLY;

	err = round_alloc(&r, NULL, s->agreed);
	if (!err)
		err = build(s, r);
	if (err)
		goto out;

	r->hold = hold;
	sdp_media_set_ldir(r->audio, dir);

	err = print(s, r, true, mbp);
	if (err)
		goto out;

	mem_deref(s->offer);
	s->offer = mem_ref(r);

out:
	mem_deref(r);
	return err;
}

int session_answer(struct session *s, struct mbuf *offer, struct mbuf **mbp)
{
	struct round *r = NULL;
	struct agreement a;
	struct sdptext t;
	enum sdp_dir dir;
	int err;

	if (!s || !offer || !mbp)
		return EINVAL;

	err = sdptext_read(&t, offer);
	if (err)
		return err;

	err = round_alloc(&r, &t, NULL);
	if (!err)
		err = choose_line(s, &t, &r->ours);
	if (!err)
		err = build(s, r);
	if (!err)
		err = decode(r, t.mb, true);
	if (err)
		goto out;

	r->hold = s->hold;
	r->ptime_ms = (uint32_t)ptime_of(&t);

	err = agree(s, r, &a);
	if (err)
		goto out;

	/* libre masks this by what the offer allows. */
	dir = r->hold ? SDP_SENDONLY : SDP_SENDRECV;
	if (a.remote_hold)
		dir = (enum sdp_dir)(dir & ~SDP_SENDONLY);
	sdp_media_set_ldir(r->audio, dir);

	err = print(s, r, false, mbp);
	if (err)
		goto out;

	commit(s, r, &a);
	s->offer = mem_deref(s->offer);
	mem_deref(s->agreed);
	s->agreed = mem_ref(r);

out:
	mem_deref(r);
	sdptext_close(&t);
	return err;
}

int session_answered(struct session *s, struct mbuf *answer)
{
	struct agreement a;
	struct sdptext t;
	struct round *r;
	int err;

	if (!s || !answer)
		return EINVAL;

	r = s->offer;
	if (!r)
		return EPROTO;

	err = sdptext_read(&t, answer);
	if (err)
		return err;

	if (t.mc != r->linec)
		err = EBADMSG; /* RFC 3264 6: as many as in the offer */
	if (!err)
		err = line_check(s, &t.mv[r->ours]);
	if (!err)
		err = decode(r, t.mb, false);
	if (err)
		goto out;

	r->ptime_ms = (uint32_t)ptime_of(&t);
	err = agree(s, r, &a);
	if (err)
		goto out;

	/* The offer stays, so that a 200 may follow an early answer. */
	commit(s, r, &a);
	if (s->agreed != r) {
		mem_deref(s->agreed);
		s->agreed = mem_ref(r);
	}

out:
	sdptext_close(&t);
	return err;
}

int session_params(const struct session *s, struct media_rtp_params *prm)
{
	if (!s || !prm)
		return EINVAL;

	if (!s->ready)
		return EPROTO;

	*prm = s->prm;

	return 0;
}

const char *session_codec(const struct session *s)
{
	return s && s->tx ? s->tx->name : "";
}

bool session_remote_hold(const struct session *s)
{
	return s ? s->remote_hold : false;
}

uint64_t session_id(const struct session *s)
{
	return s ? s->id : 0;
}

uint64_t session_version(const struct session *s)
{
	return s ? s->version : 0;
}

/* SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>
#include <re.h>
#include <openssl/crypto.h>

#include "node/sip/session_impl.h"

enum {
	PTIME_MIN_MS = 10,
	PTIME_MAX_MS = 60,
};

static void destructor(void *arg)
{
	struct session *s = arg;

	if (s->last)
		OPENSSL_cleanse(s->last->buf, s->last->size);
	if (s->settled)
		OPENSSL_cleanse(s->settled->buf, s->settled->size);
	mem_deref(s->last);
	mem_deref(s->settled);
	mem_deref(s->offer);
	mem_deref(s->first);
	mem_deref(s->agreed);
	OPENSSL_cleanse(s->srtpv, sizeof(s->srtpv));
	OPENSSL_cleanse(&s->prm, sizeof(s->prm));
	OPENSSL_cleanse(&s->cred, sizeof(s->cred));
	OPENSSL_cleanse(&s->rtc, sizeof(s->rtc));
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
		s->ptv[f - session_formats] = lf->pt;
	}

	s->prm = a->prm;
	s->rtc = a->rtc;
	s->is_rtc = r->rtc;
	if (r->rtc && !r->former)
		s->cred = r->cred;
	if (r->rtc && sdp_media_rport(r->audio)) {
		str_ncpy(s->mid, r->mid, sizeof(s->mid));
		s->bundled = r->bundled;
	}
	s->tx = a->tx;
	s->remote_hold = a->remote_hold;
	s->hold = r->hold;
	mem_deref(s->settled);
	s->settled = mem_ref(s->last);
	s->ready = true;
}

static int ptime_of(const struct sdptext *t)
{
	uint32_t ms = t->ptime_ms ? t->ptime_ms : PTIME_DEFAULT_MS;

	ms = t->maxptime_ms && ms > t->maxptime_ms ? t->maxptime_ms : ms;
	ms = ms < PTIME_MIN_MS ? PTIME_MIN_MS : ms;
	ms = ms > PTIME_MAX_MS ? PTIME_MAX_MS : ms;

	return (int)(ms - ms % 10);
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
			if (!str_casecmp(session_formats[f].name, v[i]))
				break;
		}
		if (f == FMT_EVENT_8K || s->fmtc >= FMT_EVENT_8K)
			return EINVAL;

		s->fmtv[s->fmtc++] = f;
		ev8 |= session_formats[f].clock_hz == 8000;
		ev48 |= session_formats[f].clock_hz == 48000;
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
	ice_cred_new(&s->cred);
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

	err = round_alloc(&r, s, NULL, s->agreed);
	if (!err)
		err = round_build(s, r);
	if (!err)
		err = r->rtc ? session_rtc_offer(s, r)
			     : session_srtp_offer(s, r);
	if (err)
		goto out;

	r->hold = hold;
	sdp_media_set_ldir(r->audio, dir);

	err = round_print(s, r, true, mbp);
	if (err)
		goto out;

	mem_deref(s->offer);
	s->offer = mem_ref(r);
	if (!s->ready) {
		mem_deref(s->first);
		s->first = mem_ref(r);
	}

out:
	mem_deref(r);
	return err;
}

/* What is offered, up to the line that we take. @param rp  Set also on
 * error. */
static int take_offer(struct session *s, struct round **rp, struct sdptext *t)
{
	const struct sdptext_media *m;
	int err = round_alloc(rp, s, t, NULL);

	if (err)
		return err;
	err = session_choose_line(s, t, &(*rp)->ours);
	if (err) {
		s->why = session_why_no_line(s, t);
		return err;
	}
	m = &t->mv[(*rp)->ours];
	(*rp)->rtc = m->port ? session_rtc_takes(s, m) : s->is_rtc;
	err = round_build(s, *rp);

	return err ? err : decode(*rp, t->mb, true);
}

int session_answer(struct session *s, struct mbuf *offer, struct mbuf **mbp)
{
	struct round *r = NULL;
	struct agreement a = {0};
	const struct sdptext_media *m;
	struct sdptext t;
	enum sdp_dir dir;
	int err;

	if (!s || !offer || !mbp)
		return EINVAL;

	s->why = "399 switchyard \"not a session description\"";
	err = sdptext_read(&t, offer);
	if (err)
		return err;

	err = take_offer(s, &r, &t);
	if (err)
		goto out;

	s->why = "305 switchyard \"no codec in common\"";
	m = &t.mv[r->ours];
	r->hold = s->hold;
	r->rtcp = m->rtcp;
	r->ptime_ms = (uint32_t)ptime_of(&t);

	err = session_agree(s, r, &a);
	if (err)
		goto out;

	s->why = "305 switchyard \"no a=crypto that can be used\"";
	err = r->rtc ? session_rtc_answer(s, r, m, &a)
		     : session_srtp_answer(s, r, m, &a);
	if (err)
		goto out;

	/* libre masks this by what the offer allows. */
	dir = r->hold ? SDP_SENDONLY : SDP_SENDRECV;
	if (a.remote_hold)
		dir = (enum sdp_dir)(dir & ~SDP_SENDONLY);
	sdp_media_set_ldir(r->audio, dir);

	err = round_print(s, r, false, mbp);
	if (err)
		goto out;

	commit(s, r, &a);
	s->offer = mem_deref(s->offer);
	mem_deref(s->agreed);
	s->agreed = mem_ref(r);

out:
	OPENSSL_cleanse(&a, sizeof(a));
	mem_deref(r);
	sdptext_close(&t);
	return err;
}

void session_move(struct session *s, const struct sa *laddr,
		  const struct sa *also)
{
	if (!s || sa_af(laddr) != sa_af(&s->conf.laddr))
		return;

	s->conf.laddr = *laddr;
	s->conf.also = *also;
}

const char *session_why(const struct session *s)
{
	return s && s->why ? s->why : "399 switchyard \"no media\"";
}

int session_answered(struct session *s, struct mbuf *answer)
{
	struct agreement a = {0};
	struct sdptext t;
	struct round *r;
	int err;

	if (!s || !answer)
		return EINVAL;

	r = s->offer ? s->offer : s->first;
	if (!r)
		return EPROTO;

	err = sdptext_read(&t, answer);
	if (err)
		return err;

	if (t.mc != r->linec)
		err = EBADMSG; /* RFC 3264 6: as many as in the offer */
	if (!err)
		err = session_check_line(s, &t.mv[r->ours]);
	if (!err)
		err = decode(r, t.mb, false);
	if (err)
		goto out;

	r->rtcp = t.mv[r->ours].rtcp;
	r->ptime_ms = (uint32_t)ptime_of(&t);
	err = session_agree(s, r, &a);
	if (!err)
		err = r->rtc ? session_rtc_answered(s, r, &t.mv[r->ours], &a)
			     : session_srtp_answered(s, r, &t.mv[r->ours], &a);
	if (err)
		goto out;

	/* The offer stays, so that a 200 may follow an early answer. */
	commit(s, r, &a);
	if (s->agreed != r) {
		mem_deref(s->agreed);
		s->agreed = mem_ref(r);
	}

out:
	OPENSSL_cleanse(&a, sizeof(a));
	sdptext_close(&t);
	return err;
}

void session_settle(struct session *s)
{
	if (s)
		s->first = mem_deref(s->first);
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

const char *session_srtp(const struct session *s)
{
	return s ? media_srtp_name(s->prm.srtp_tx.suite) : "";
}

/* Is it what was agreed on? */
static bool is_in_use(const struct session *s, unsigned f)
{
	const struct format *fmt = &session_formats[f];

	if (!fmt->event)
		return fmt == s->tx;

	return s->ptv[f] != PT_UNSET && (s->ptv[f] == s->prm.event_pt_tx ||
					 s->ptv[f] == s->prm.event_pt_rx);
}

int session_narrow(struct session *s)
{
	size_t n = 0;
	bool less;

	if (!s || !s->tx || s->narrow)
		return ENOENT;

	less = s->prm.cn_rx;
	for (size_t i = 0; i < s->fmtc; i++) {
		if (is_in_use(s, s->fmtv[i]))
			s->fmtv[n++] = s->fmtv[i];
		else
			less = true;
	}
	s->fmtc = n;
	s->narrow = true;

	return less ? 0 : ENOENT;
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

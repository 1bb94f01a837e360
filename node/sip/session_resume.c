/* SPDX-License-Identifier: MIT */
/*
 * A session goes on at another node, from the last two descriptions.
 *
 * Whoever made the offer of them: ours is taken for an offer, the peer's for
 * its answer.  Both have the same lines, formats of the same names, and what
 * was agreed on is what stands in both; so nothing else need be written down.
 */

#include <string.h>
#include <re.h>

#include "node/sip/session_impl.h"

size_t session_codecs(const struct session *s, const char **v, size_t max)
{
	size_t i, n = 0;

	for (i = 0; s && i < s->fmtc && n < max; i++) {
		if (!session_formats[s->fmtv[i]].event)
			v[n++] = session_formats[s->fmtv[i]].name;
	}

	return n;
}

static struct mbuf *dup_text(const char *str)
{
	const size_t len = strlen(str);
	struct mbuf *mb = mbuf_alloc(len + 1);

	if (!mb)
		return NULL;

	(void)mbuf_write_mem(mb, (const uint8_t *)str, len);
	mb->pos = 0;

	return mb;
}

/* ------------------------------------------------------ our description */

static bool is_format(const struct format *f, const struct pl *name,
		      const struct pl *clock)
{
	return !pl_strcasecmp(name, f->name) && pl_u32(clock) == f->clock_hz;
}

/* Payload types stay what they were (RFC 3264 8.3.2). */
static void take_rtpmap(struct session *s, const struct pl *pt,
			const struct pl *name, const struct pl *clock)
{
	size_t i;

	for (i = 0; i < FMTC; i++) {
		if (!is_format(&session_formats[i], name, clock))
			continue;

		if (pl_u32(pt) <= 127)
			s->ptv[i] = (int)pl_u32(pt);
		s->prm.cn_rx |= session_formats[i].noise;
	}
}

static void take_payload_types(struct session *s, const char *sdp)
{
	const char *p = sdp;

	while ((p = strstr(p, "a=rtpmap:"))) {
		const size_t len = strcspn(p, "\r\n");
		struct pl pt, name, clock;

		if (!re_regex(p, len, "a=rtpmap:[0-9]+ [^/]+/[0-9]+", &pt,
			      &name, &clock))
			take_rtpmap(s, &pt, &name, &clock);
		p += len;
	}
}

/* Our line: the audio with a port; the first, where the stream is off. */
static int take_lines(struct round *r, const struct sdptext *t)
{
	size_t i, found = t->mc;
	int err = 0;

	for (i = 0; i < t->mc && !err; i++) {
		const struct sdptext_media *m = &t->mv[i];

		err = round_line_add(r, m->name, m->proto);
		if (!strcmp(m->name, "audio") &&
		    (found == t->mc || (m->port && !t->mv[found].port)))
			found = i;
	}

	r->ours = found;

	return err ? err : found < t->mc ? 0 : EBADMSG;
}

static void take_keys(struct round *r, const struct sdptext_media *m)
{
	size_t i;

	for (i = 0; i < m->cryptoc && i < ARRAY_SIZE(r->cryptov); i++)
		r->cryptov[r->cryptoc++] = m->cryptov[i];
}

/* libre takes an answer only to what it has printed as an offer. */
static int as_offer(struct round *r)
{
	struct mbuf *mb = NULL;
	int err = sdp_encode(&mb, r->sdp, true);

	mem_deref(mb);

	return err;
}

/* A description of ours, as a round that waits for its answer. */
static int take_text(struct session *s, const struct mbuf *text, bool hold)
{
	struct round *r = NULL;
	struct sdptext t;
	int err;

	err = sdptext_read(&t, text);
	if (err)
		return err;

	err = round_alloc_empty(&r);
	if (!err)
		err = take_lines(r, &t);
	if (!err) {
		r->hold = hold;
		take_keys(r, &t.mv[r->ours]);
		session_rtc_read(s, r, &t.mv[r->ours]);
		err = round_build(s, r);
	}
	if (!err)
		err = as_offer(r);

	if (err) {
		mem_deref(r);
	} else {
		mem_deref(s->offer);
		s->offer = r;
	}

	sdptext_close(&t);
	return err;
}

/* What we said last. */
static int take_local(struct session *s, const struct session_state *st)
{
	struct mbuf *mb = dup_text(st->local_sdp);
	int err;

	if (!mb)
		return ENOMEM;

	take_payload_types(s, st->local_sdp);
	err = take_text(s, mb, st->local_hold);
	mem_deref(mb);

	return err;
}

int session_repeat(struct session *s, struct mbuf **mbp)
{
	struct mbuf *mb;
	int err;

	if (!s || !mbp)
		return EINVAL;

	if (!s->ready || !s->settled)
		return EPROTO;

	/* An offer may have been refused since. */
	if (s->last != s->settled) {
		mem_deref(s->last);
		s->last = mem_ref(s->settled);
		++s->version;
	}

	err = round_text(s, &mb);
	if (err)
		return err;

	err = take_text(s, mb, s->hold);
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}

/* ------------------------------------------------- the peer's description */

/* The peer had taken its stream away (port 0): what it can is not known any
 * more, and learnt when it takes it back. */
static void take_off(struct session *s)
{
	s->agreed = mem_ref(s->offer);
	s->is_rtc = s->offer->rtc;
	s->prm.event_pt_tx = s->prm.event_pt_rx = -1;
	sa_init(&s->prm.raddr, AF_INET);
	sa_init(&s->prm.rtcp_raddr, AF_INET);
	s->hold = s->offer->hold;
	s->remote_hold = true;
	s->ready = true;
}

static int take_remote(struct session *s, const char *sdp)
{
	struct mbuf *mb = dup_text(sdp);
	struct sdptext t;
	bool off;
	int err;

	if (!mb)
		return ENOMEM;

	err = sdptext_read(&t, mb);
	if (err)
		goto out;

	off = s->offer->ours < t.mc && !t.mv[s->offer->ours].port;
	sdptext_close(&t);
	if (off)
		take_off(s);
	else
		err = session_answered(s, mb);

out:
	mem_deref(mb);
	return err;
}

int session_resume(struct session **sp, const struct session_conf *conf,
		   const struct session_state *st)
{
	struct session *s;
	int err;

	if (!sp || !st)
		return EINVAL;

	err = session_alloc(&s, conf);
	if (err)
		return err;

	if (st->id)
		s->id = st->id;
	s->version = st->version;
	s->resuming = true;

	if (str_isset(st->local_sdp))
		err = take_local(s, st);
	if (!err && s->offer && str_isset(st->remote_sdp))
		err = take_remote(s, st->remote_sdp);
	if (!err && s->offer && !st->pending && !s->ready)
		err = EBADMSG; /* agreed on what? */
	if (!err && !st->pending)
		s->offer = mem_deref(s->offer);

	s->resuming = false;

	if (err)
		mem_deref(s);
	else
		*sp = s;

	return err;
}

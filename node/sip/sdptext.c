/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>
#include <openssl/crypto.h>

#include "node/sip/sdptext.h"

/* What is read of a description, beside what goes into the result. */
struct reader {
	struct sdptext *t;
	struct sa addr;    /* the session's c line */
	struct sdprtc rtc; /* the session's        */
	bool has_addr;
	bool named;
	bool has_version;
};

static bool next_line(struct pl *line, struct pl *rest)
{
	size_t n = 0;

	if (!rest->l)
		return false;

	while (n < rest->l && rest->p[n] != '\n')
		++n;

	line->p = rest->p;
	line->l = n;
	pl_advance(rest, (ssize_t)(n < rest->l ? n + 1 : n));

	while (line->l && (line->p[line->l - 1] == '\r' ||
			   line->p[line->l - 1] == ' '))
		--line->l;

	return true;
}

static int conn_line(struct reader *r, const struct pl *val)
{
	struct sdptext *t = r->t;
	struct sdptext_media *m = t->mc ? &t->mv[t->mc - 1] : NULL;
	struct pl host;
	struct sa sa;
	bool named;

	if (re_regex(val->p, val->l, "IN IP[46]1 [^ /]+", NULL, &host))
		return EBADMSG;

	sa_init(&sa, AF_INET);
	named = sa_set(&sa, &host, 0) != 0;

	if (m) {
		m->addr = sa;
		m->named = named;
		m->has_addr = true;
	}
	else {
		r->addr = sa;
		r->named = named;
		r->has_addr = true;
	}

	return 0;
}

static int media_line(struct reader *r, const struct pl *val)
{
	struct sdptext *t = r->t;
	struct pl name, port, proto;
	struct sdptext_media *m;

	if (re_regex(val->p, val->l, "[a-z]+ [0-9]+[^ ]* [^ ]+ [^]+", &name,
		     &port, NULL, &proto, NULL) ||
	    name.p != val->p)
		return EBADMSG;

	if (t->mc >= ARRAY_SIZE(t->mv) || pl_u32(&port) > 65535)
		return EBADMSG;

	m = &t->mv[t->mc++];
	if (pl_strcpy(&name, m->name, sizeof(m->name)) ||
	    pl_strcpy(&proto, m->proto, sizeof(m->proto)))
		return EBADMSG;

	m->port = (uint16_t)pl_u32(&port);
	m->addr = r->addr;
	m->named = r->named;
	m->has_addr = r->has_addr;
	sa_init(&m->rtcp.addr, AF_INET);
	m->rtc = r->rtc;

	return 0;
}

static bool is_direction(const struct pl *name)
{
	return !pl_strcmp(name, "sendrecv") || !pl_strcmp(name, "sendonly") ||
	       !pl_strcmp(name, "recvonly") || !pl_strcmp(name, "inactive");
}

static void rtcp_port(struct sdptext_rtcp *rtcp, const struct pl *arg)
{
	struct pl port, host;

	if (!re_regex(arg->p, arg->l, "[0-9]+ IN IP[46]1 [^ ]+", &port, NULL,
		      &host))
		(void)sa_set(&rtcp->addr, &host, 0);
	else if (re_regex(arg->p, arg->l, "[0-9]+", &port))
		return;

	if (port.p == arg->p && pl_u32(&port) <= 65535)
		rtcp->port = (uint16_t)pl_u32(&port);
}

static struct sdprtc *rtc_of(struct reader *r)
{
	struct sdptext *t = r->t;

	return t->mc ? &t->mv[t->mc - 1].rtc : &r->rtc;
}

/* What is about RTCP; arg is empty for a flag. */
static void rtcp_line(struct reader *r, const struct pl *name,
		      const struct pl *arg)
{
	struct sdptext *t = r->t;
	struct sdptext_rtcp *rtcp;

	/* Of the session: a=rtcp-xr only, and that we can do without. */
	if (!t->mc)
		return;

	rtcp = &t->mv[t->mc - 1].rtcp;
	if (!pl_strcmp(name, "rtcp-mux"))
		rtcp->mux = true;
	else if (!pl_strcmp(name, "rtcp"))
		rtcp_port(rtcp, arg);
	else if (!pl_strcmp(name, "rtcp-xr"))
		rtcp->voip = !re_regex(arg->p, arg->l, "voip-metrics");
}

/* One that cannot be used counts as not there: the peer may have others. */
static void crypto_line(struct sdptext *t, const struct pl *val)
{
	struct sdptext_media *m = t->mc ? &t->mv[t->mc - 1] : NULL;

	if (!m)
		return;

	m->crypto_seen = true;
	if (m->cryptoc < ARRAY_SIZE(m->cryptov) &&
	    !sdes_read(&m->cryptov[m->cryptoc], val))
		++m->cryptoc;
}

/* Who gives RTCP no bandwidth wants none (RFC 3556 2). */
static void band_line(struct reader *r, const struct pl *val)
{
	struct sdptext *t = r->t;

	if (!t->mc)
		return;

	t->mv[t->mc - 1].rtcp.no_rs |= !pl_strcmp(val, "RS:0");
	t->mv[t->mc - 1].rtcp.no_rr |= !pl_strcmp(val, "RR:0");
}

/* True: libre shall see this attribute. */
static bool attr_line(struct reader *r, const struct pl *val)
{
	struct sdptext *t = r->t;
	struct pl name, arg;

	if (re_regex(val->p, val->l, "[^:]+:[^]+", &name, &arg)) {
		(void)sdprtc_attr(rtc_of(r), val, &pl_null);
		rtcp_line(r, val, &pl_null);
		return is_direction(val);
	}

	if (!pl_strcmp(&name, "rtpmap"))
		return !re_regex(arg.p, arg.l, "[0-9]+ [^/]+/[0-9]+", NULL,
				 NULL, NULL);

	if (!pl_strcmp(&name, "fmtp"))
		return !re_regex(arg.p, arg.l, "[0-9]+ [^]+", NULL, NULL);

	if (sdprtc_attr(rtc_of(r), &name, &arg))
		return false;

	rtcp_line(r, &name, &arg);
	if (!pl_strcmp(&name, "ptime") && !t->ptime_ms &&
	    (!t->mc || !strcmp(t->mv[t->mc - 1].name, "audio")))
		t->ptime_ms = pl_u32(&arg);
	else if (!pl_strcmp(&name, "maxptime") && !t->maxptime_ms &&
		 (!t->mc || !strcmp(t->mv[t->mc - 1].name, "audio")))
		t->maxptime_ms = pl_u32(&arg);
	else if (!pl_strcmp(&name, "crypto"))
		crypto_line(t, &arg);

	return false;
}

static int read_line(struct reader *r, const struct pl *line)
{
	const struct pl val = {line->p + 2, line->l - 2};
	bool keep = true;
	int err = 0;

	switch (line->p[0]) {

	case 'v':
		if (pl_strcmp(&val, "0"))
			return EBADMSG;
		r->has_version = true;
		break;

	case 'c':
		err = conn_line(r, &val);
		break;

	case 'm':
		err = media_line(r, &val);
		break;

	case 'b':
		band_line(r, &val);
		keep = false;
		break;

	case 'a':
		keep = attr_line(r, &val);
		break;

	default:
		keep = false;
		break;
	}

	if (!err && !r->has_version)
		return EBADMSG; /* RFC 4566 5: v= comes first */

	if (!err && keep)
		err = mbuf_printf(r->t->mb, "%r\r\n", line);

	return err;
}

int sdptext_read(struct sdptext *t, const struct mbuf *raw)
{
	struct reader r;
	struct pl rest, line;
	int err = 0;

	if (!t || !raw)
		return EINVAL;

	memset(t, 0, sizeof(*t));
	memset(&r, 0, sizeof(r));
	r.t = t;
	sa_init(&r.addr, AF_INET);

	rest.p = (const char *)mbuf_buf(raw);
	rest.l = mbuf_get_left(raw);
	if (!rest.p || !rest.l || rest.l > SDPTEXT_SIZE_MAX ||
	    memchr(rest.p, 0, rest.l))
		return EBADMSG;

	t->mb = mbuf_alloc(rest.l + 2);
	if (!t->mb)
		return ENOMEM;

	while (!err && next_line(&line, &rest)) {
		if (!line.l)
			continue;

		err = line.l < 2 || line.p[1] != '=' ? EBADMSG
						     : read_line(&r, &line);
	}

	if (!err && !r.has_version)
		err = EBADMSG;

	OPENSSL_cleanse(&r.rtc, sizeof(r.rtc));
	if (err)
		sdptext_close(t);
	else
		t->mb->pos = 0;

	return err;
}

void sdptext_close(struct sdptext *t)
{
	t->mb = mem_deref(t->mb);
	OPENSSL_cleanse(t->mv, sizeof(t->mv));
}

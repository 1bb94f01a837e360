/* SPDX-License-Identifier: MIT */
/* Contacts of a 3xx: see redirect.h. */

#include <string.h>
#include <strings.h>

#include "node/sip/redirect.h"

/* Nothing that could end a line of ours, or a URI within <>. */
static bool is_clean(const char *str, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)str[i];

		if (c <= ' ' || c >= 0x7f || strchr("<>\"", c))
			return false;
	}

	return true;
}

static int put(char *buf, size_t size, const struct pl *pl)
{
	if (!is_clean(pl->p, pl->l))
		return EBADMSG;

	return pl_strcpy(pl, buf, size) ? EOVERFLOW : 0;
}

/* The number; a binary zero would hide what follows it. */
static int read_user(struct redirect_contact *c, struct pl user)
{
	const char *semi = pl_strchr(&user, ';');
	int n;

	if (semi)
		user.l = (size_t)(semi - user.p);
	if (!user.l)
		return EBADMSG;

	n = re_snprintf(c->user, sizeof(c->user), "%H", uri_user_unescape,
			&user);
	if (n < 0)
		return EOVERFLOW;

	return strlen(c->user) == (size_t)n && is_clean(c->user, (size_t)n)
		   ? 0
		   : EBADMSG;
}

static int read_tel(struct redirect_contact *c, const struct pl *uri)
{
	const struct pl user = {uri->p + 4, uri->l - 4};
	int err = put(c->uri, sizeof(c->uri), uri);

	return err ? err : read_user(c, user);
}

int redirect_read_uri(struct redirect_contact *c, const struct pl *text)
{
	struct pl method, plain = *text;
	struct uri uri;
	int err;

	memset(c, 0, sizeof(*c));
	c->q = 1000;
	if (text->l > 4 && !strncasecmp(text->p, "tel:", 4))
		return read_tel(c, text);
	if (uri_decode(&uri, text))
		return EBADMSG;
	if (pl_strcasecmp(&uri.scheme, "sip") &&
	    pl_strcasecmp(&uri.scheme, "sips"))
		return EPROTONOSUPPORT;
	if (!msg_param_decode(&uri.params, "method", &method) &&
	    pl_strcasecmp(&method, "INVITE"))
		return EPROTONOSUPPORT;

	/* What its headers would put into our INVITE is not asked for. */
	if (pl_isset(&uri.headers))
		plain.l = (size_t)(uri.headers.p - plain.p);
	c->port = uri.port;
	err = put(c->uri, sizeof(c->uri), &plain);
	if (!err)
		err = put(c->host, sizeof(c->host), &uri.host);
	if (!err)
		err = read_user(c, uri.user);

	return err;
}

/* ("0" ["." 0*3DIGIT]) / ("1" ["." 0*3("0")]), RFC 3261 25.1. */
static uint16_t read_q(const struct pl *params)
{
	uint32_t q = 0, unit = 1000;
	struct pl val;

	if (msg_param_decode(params, "q", &val) || !val.l)
		return 1000;
	for (size_t i = 0; i < val.l && unit; i++) {
		if (val.p[i] == '.')
			continue;
		if (val.p[i] < '0' || val.p[i] > '9')
			break;
		q += (uint32_t)(val.p[i] - '0') * unit;
		unit /= 10;
	}

	return (uint16_t)(q > 1000 ? 1000 : q);
}

static void insert(struct redirect *r, const struct redirect_contact *c)
{
	size_t at = r->n;

	if (r->n == REDIRECT_CONTACTS)
		return;
	while (at && r->v[at - 1].q < c->q)
		--at;
	memmove(r->v + at + 1, r->v + at, (r->n - at) * sizeof(*r->v));
	r->v[at] = *c;
	++r->n;
}

static bool contact_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct redirect_contact c;
	struct redirect *r = arg;
	struct pl uri, params = PL_INIT;

	(void)msg;
	/* "name" <uri>;params, or uri;params */
	if (re_regex(hdr->val.p, hdr->val.l, "<[^>]+>[^]*", &uri, &params) &&
	    re_regex(hdr->val.p, hdr->val.l, "[^;]+[^]*", &uri, &params))
		return false;
	if (redirect_read_uri(&c, &uri))
		return false;
	c.q = read_q(&params);
	insert(r, &c);

	return false;
}

int redirect_alloc(struct redirect **rp, const struct sip_msg *msg)
{
	struct redirect *r = mem_zalloc(sizeof(*r), NULL);

	if (!r)
		return ENOMEM;

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_handler,
				r);
	mem_deref(*rp);
	*rp = r;

	return 0;
}

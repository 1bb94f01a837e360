/* SPDX-License-Identifier: MIT */
/* Targets of transfers: see referto.h. */

#include <string.h>

#include "node/sip/referto.h"

/* Nothing that could end a line of ours, or that is binary. */
static bool is_clean(const char *str, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)str[i] < ' ' || str[i] == 0x7f)
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

int replaces_read(struct replaces *r, const struct pl *val)
{
	struct pl id = *val, params = PL_INIT, to, from, none;
	const char *semi = pl_strchr(val, ';');
	int err;

	memset(r, 0, sizeof(*r));
	if (!semi)
		return EBADMSG;

	id.l = (size_t)(semi - val->p);
	while (id.l && (*id.p == ' ' || *id.p == '\t'))
		pl_advance(&id, 1);
	while (id.l && (id.p[id.l - 1] == ' ' || id.p[id.l - 1] == '\t'))
		--id.l;
	params.p = semi;
	params.l = val->l - (size_t)(semi - val->p);
	if (!id.l || msg_param_decode(&params, "to-tag", &to) ||
	    msg_param_decode(&params, "from-tag", &from))
		return EBADMSG;

	r->early_only = !msg_param_exists(&params, "early-only", &none);
	err = put(r->call_id, sizeof(r->call_id), &id);
	if (!err)
		err = put(r->to_tag, sizeof(r->to_tag), &to);
	if (!err)
		err = put(r->from_tag, sizeof(r->from_tag), &from);

	return err;
}

/* "Replaces" of "?Replaces=a%40b&X=y"; names know no case. */
static bool header(const struct pl *headers, const char *name, struct pl *val)
{
	struct pl rest = *headers;

	while (rest.l) {
		const char *end, *eq;
		struct pl one, key;

		pl_advance(&rest, 1); /* ? or & */
		end = pl_strchr(&rest, '&');
		one = rest;
		if (end)
			one.l = (size_t)(end - rest.p);
		pl_advance(&rest, (ssize_t)one.l);

		eq = pl_strchr(&one, '=');
		if (!eq)
			continue;
		key.p = one.p;
		key.l = (size_t)(eq - one.p);
		if (pl_strcasecmp(&key, name))
			continue;
		val->p = eq + 1;
		val->l = one.l - key.l - 1;
		return true;
	}

	return false;
}

/* A binary zero would hide what follows it. */
static int unescape(char *buf, size_t size, re_printf_h *h, struct pl *pl)
{
	const int n = re_snprintf(buf, size, "%H", h, pl);

	if (n < 0)
		return EOVERFLOW;

	return is_clean(buf, (size_t)n) ? 0 : EBADMSG;
}

static int read_user(struct referto *r, const struct uri *uri)
{
	struct pl user = uri->user;
	const char *semi = pl_strchr(&user, ';');

	if (semi)
		user.l = (size_t)(semi - user.p);
	if (!user.l)
		return EBADMSG;

	return unescape(r->user, sizeof(r->user),
			(re_printf_h *)uri_user_unescape, &user);
}

static int read_replaces(struct referto *r, struct pl *escaped)
{
	char text[3 * REFERTO_TEXT];
	struct pl pl;
	int err;

	err = unescape(text, sizeof(text), (re_printf_h *)uri_header_unescape,
		       escaped);
	if (err)
		return err;

	pl_set_str(&pl, text);
	r->attended = true;

	return replaces_read(&r->replaces, &pl);
}

int referto_read(struct referto *r, const struct pl *val)
{
	struct sip_addr addr;
	struct pl method, replaces, uri;
	int err;

	memset(r, 0, sizeof(*r));
	if (sip_addr_decode(&addr, val))
		return EBADMSG;
	if (pl_strcasecmp(&addr.uri.scheme, "sip") &&
	    pl_strcasecmp(&addr.uri.scheme, "sips"))
		return EPROTONOSUPPORT;
	if (!msg_param_decode(&addr.uri.params, "method", &method) &&
	    pl_strcasecmp(&method, "INVITE"))
		return EPROTONOSUPPORT;

	uri = addr.auri;
	if (pl_isset(&addr.uri.headers))
		uri.l = (size_t)(addr.uri.headers.p - uri.p);
	err = put(r->uri, sizeof(r->uri), &uri);
	if (!err)
		err = put(r->host, sizeof(r->host), &addr.uri.host);
	if (!err)
		err = read_user(r, &addr.uri);
	if (!err && header(&addr.uri.headers, "Replaces", &replaces))
		err = read_replaces(r, &replaces);

	return err;
}

uint16_t sipfrag_code(const struct mbuf *body)
{
	struct pl pl, code;

	if (!body)
		return 0;

	pl.p = (const char *)mbuf_buf(body);
	pl.l = mbuf_get_left(body);
	if (re_regex(pl.p, pl.l, "SIP/2.0 [0-9]+", &code) || code.l != 3)
		return 0;

	return (uint16_t)pl_u32(&code);
}

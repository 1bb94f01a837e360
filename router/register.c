/* SPDX-License-Identifier: MIT */
/* Reading a REGISTER; see register.h. */

#include <string.h>
#include "router/register.h"

uint32_t register_q(const struct pl *pl)
{
	uint32_t n = 0, scale = 1000;

	if (!pl->l || (pl->p[0] != '0' && pl->p[0] != '1') ||
	    (pl->l > 1 && pl->p[1] != '.') || pl->l > 5)
		return 1000;
	n = (uint32_t)(pl->p[0] - '0') * 1000;
	for (size_t i = 2; i < pl->l; i++) {
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return 1000;
		scale /= 10;
		n += (uint32_t)(pl->p[i] - '0') * scale;
	}

	return n > 1000 ? 1000 : n;
}

/* A number, seconds mostly; what is none counts as the default (RFC 3261 20.19), what is
 * too large as the largest. */
static uint32_t number(const struct pl *pl, uint32_t dflt)
{
	uint32_t n = 0;

	if (!pl->l)
		return dflt;
	for (size_t i = 0; i < pl->l; i++) {
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return dflt;
		if (n < 100000000)
			n = n * 10 + (uint32_t)(pl->p[i] - '0');
	}

	return n;
}

/* No white space and no control characters: it goes into our answers. */
static bool is_plain(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++) {
		if ((unsigned char)pl->p[i] <= ' ' || pl->p[i] == 0x7f)
			return false;
	}

	return true;
}

static enum register_err contact(struct register_contact *c,
				 const struct pl *val, uint32_t dflt_s,
				 uint32_t min_s, uint32_t max_s)
{
	struct view_addr a;
	struct pl pl;

	/* a bare URI may hold neither of these, RFC 3261 20.10 */
	if (view_addr_read(&a, val) || !is_plain(&a.uri) ||
	    (!a.bracketed && (memchr(a.uri.p, '?', a.uri.l) ||
			      memchr(a.uri.p, ',', a.uri.l))))
		return REGISTER_BAD;

	memset(c, 0, sizeof(*c));
	c->uri = a.uri;
	c->expires_s = view_param(&a.params, "expires", &pl)
			       ? number(&pl, dflt_s)
			       : dflt_s;
	if (c->expires_s && c->expires_s < min_s)
		return REGISTER_BRIEF;
	if (c->expires_s > max_s)
		c->expires_s = max_s;
	c->q_permille = view_param(&a.params, "q", &pl) ? register_q(&pl)
							: 1000;
	if (view_param(&a.params, "+sip.instance", &pl) && pl.l > 2 &&
	    *pl.p == '"' && is_plain(&pl)) {
		c->instance.p = pl.p + 1;
		c->instance.l = pl.l - 2;
	}
	if (view_param(&a.params, "reg-id", &pl))
		c->reg_id = number(&pl, 0);

	return REGISTER_OK;
}

/* Does the phone know RFC 5626? */
static bool supports_outbound(const struct view *v)
{
	const struct view_field *f = view_first(v, VIEW_SUPPORTED);
	struct pl rest, val;

	for (; f; f = view_next(v, f)) {
		view_val(v, f, &rest);
		while (view_list(&rest, &val)) {
			if (!pl_strcasecmp(&val, "outbound"))
				return true;
		}
	}

	return false;
}

/*
 * Several flows of a phone, RFC 5626 6: reg-id counts only together with an
 * instance, and from who supports it.  A flow is ours to keep if the phone
 * sent to us itself; a proxy between would have to keep it.
 */
static enum register_err flows(struct register_req *r, const struct view *v)
{
	const bool knows = supports_outbound(v);

	for (size_t i = 0; i < r->n; i++) {
		struct register_contact *c = &r->v[i];

		if (!knows || !c->instance.l)
			c->reg_id = 0;
		r->outbound = r->outbound || c->reg_id;
	}
	if (r->outbound && r->n > 1)
		return REGISTER_BAD;

	return r->outbound && v->via2.all.p ? REGISTER_LACKS : REGISTER_OK;
}

enum register_err register_read(struct register_req *r, const struct view *v,
				uint32_t min_s, uint32_t max_s)
{
	const struct view_field *f = view_first(v, VIEW_EXPIRES);
	uint32_t dflt_s = max_s;
	struct pl rest, val;
	enum register_err err;

	memset(r, 0, sizeof(*r));
	if (f) {
		view_val(v, f, &val);
		dflt_s = number(&val, max_s);
	}
	for (f = view_first(v, VIEW_CONTACT); f; f = view_next(v, f)) {
		view_val(v, f, &rest);
		while (view_list(&rest, &val)) {
			if (val.l == 1 && *val.p == '*') {
				r->star = true;
				continue;
			}
			if (r->n == REGISTER_CONTACTS_MAX)
				return REGISTER_TOO_MANY;
			err = contact(&r->v[r->n], &val, dflt_s, min_s, max_s);
			if (err)
				return err;
			++r->n;
		}
	}
	if (r->star && (r->n || dflt_s || !view_first(v, VIEW_EXPIRES)))
		return REGISTER_BAD;

	return flows(r, v);
}

/* SPDX-License-Identifier: MIT */
/* What a registrar's answers say; see trunk_reg_impl.h. */

#include <string.h>
#include "router/trunk_reg_impl.h"

uint32_t trunk_reg_number(const struct view *v, const char *name,
			  uint32_t max)
{
	const struct view_field *f = view_named(v, name, NULL);
	uint32_t n = 0;
	struct pl val;

	if (!f)
		return 0;
	view_val(v, f, &val);
	/* Retry-After: 5 (comment);duration=3 */
	for (size_t i = 0; i < val.l; i++) {
		if (val.p[i] < '0' || val.p[i] > '9')
			val.l = i;
	}

	return view_number(&n, &val, UINT32_MAX) ? 0 : n < max ? n : max;
}

size_t trunk_reg_values(struct pl *valv, size_t max, const struct view *v,
			const char *name)
{
	const struct view_field *f = NULL;
	size_t n = 0;

	while (n < max && (f = view_named(v, name, f)))
		view_val(v, f, &valv[n++]);

	return n;
}

typedef bool(contact_h)(const struct view_addr *a, void *arg);

/* @return true: the handler said so of one of them */
static bool contacts(const struct view *v, contact_h *h, void *arg)
{
	const struct view_field *f = view_first(v, VIEW_CONTACT);

	for (; f; f = view_next(v, f)) {
		struct pl rest, val;
		struct view_addr a;

		view_val(v, f, &rest);
		while (view_list(&rest, &val)) {
			if (!view_addr_read(&a, &val) && h(&a, arg))
				return true;
		}
	}

	return false;
}

static struct pl host_of(const char *uri)
{
	struct pl pl, none = {NULL, 0};
	struct view_uri u;

	pl_set_str(&pl, uri);

	return view_uri_read(&u, &pl) ? none : u.host;
}

/* Ours, at our address?  Registrars change what does not matter: order and
 * case of parameters, a default port. */
static bool is_here(const struct trunk_reg *r, const struct view_addr *a)
{
	const struct pl host = host_of(r->contact);
	struct view_uri u, own;
	struct pl pl;

	pl_set_str(&pl, r->contact);

	return !view_uri_read(&u, &a->uri) && !view_uri_read(&own, &pl) &&
	       !pl_casecmp(&u.host, &host) && u.port == own.port &&
	       !pl_cmp(&u.user, &own.user);
}

static bool is_ours(const struct trunk_reg *r, const struct view_addr *a)
{
	const size_t n = strlen(r->mark);

	for (size_t i = 0; i + n <= a->uri.l; i++) {
		if (!memcmp(a->uri.p + i, r->mark, n))
			return true;
	}

	return false;
}

struct granted {
	const struct trunk_reg *r;
	struct pl expires;      /* set: the contact's own */
};

static bool on_granted(const struct view_addr *a, void *arg)
{
	struct granted *g = arg;

	return is_here(g->r, a) &&
	       view_param(&a->params, "expires", &g->expires);
}

uint32_t trunk_reg_granted(const struct trunk_reg *r, const struct view *v)
{
	struct granted g = {.r = r};
	const struct view_field *f;
	uint32_t n;
	struct pl val;

	if (contacts(v, on_granted, &g) &&
	    !view_number(&n, &g.expires, UINT32_MAX))
		return n;
	f = view_first(v, VIEW_EXPIRES);
	if (f) {
		view_val(v, f, &val);
		if (!view_number(&n, &val, UINT32_MAX))
			return n;
	}

	return r->expires_s;
}

struct stranger {
	const struct trunk_reg *r;
	char *uri;
};

static bool on_stranger(const struct view_addr *a, void *arg)
{
	struct stranger *s = arg;

	return is_ours(s->r, a) && !is_here(s->r, a) &&
	       !pl_strdup(&s->uri, &a->uri);
}

char *trunk_reg_stranger(const struct trunk_reg *r, const struct view *v)
{
	struct stranger s = {.r = r};

	return contacts(v, on_stranger, &s) ? s.uri : NULL;
}

void trunk_reg_routes_clear(struct trunk_reg *r)
{
	while (r->routec)
		mem_deref(r->routev[--r->routec]);
}

void trunk_reg_routes(struct trunk_reg *r, const struct view *v)
{
	struct pl valv[TRUNK_REG_ROUTES_MAX], val;
	const size_t n = trunk_reg_values(valv, TRUNK_REG_ROUTES_MAX, v,
					  "Service-Route");

	trunk_reg_routes_clear(r);
	for (size_t i = 0; i < n; i++) {
		while (r->routec < TRUNK_REG_ROUTES_MAX &&
		       view_list(&valv[i], &val)) {
			if (val.l &&
			    !pl_strdup(&r->routev[r->routec], &val))
				++r->routec;
		}
	}
}

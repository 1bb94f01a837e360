/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <re.h>
#include "router/caller.h"

/* The next field of a name that the view has no number for. */
static const struct view_field *find(const struct view *v,
				     const struct view_field *after,
				     const char *name)
{
	const size_t n = strlen(name);
	size_t i = after ? (size_t)(after - v->fieldv) + 1 : 0;

	for (; i < v->fieldc; i++) {
		const struct view_field *f = &v->fieldv[i];
		const char *p = v->p + f->line;

		if (f->id == VIEW_OTHER && f->val > f->line + n &&
		    !strncasecmp(p, name, n) &&
		    (p[n] == ':' || p[n] == ' ' || p[n] == '\t'))
			return f;
	}

	return NULL;
}

/* tel:+49-30-...;phone-context=... (RFC 3966) */
static int tel_user(char *buf, size_t size, const struct pl *uri)
{
	struct pl user = {uri->p + 4, uri->l - 4};
	const char *semi = memchr(user.p, ';', user.l);

	if (semi)
		user.l = (size_t)(semi - user.p);

	return user.l && view_unescape(buf, size, &user) > 0 ? 0 : ENOENT;
}

int caller_user(char *buf, size_t size, const struct pl *uri)
{
	struct view_uri u;
	const char *semi;

	buf[0] = 0;
	if (uri->l > 4 && !strncasecmp(uri->p, "tel:", 4))
		return tel_user(buf, size, uri);
	if (view_uri_read(&u, uri) || !u.user.l)
		return ENOENT;
	semi = memchr(u.user.p, ';', u.user.l);
	if (semi)
		u.user.l = (size_t)(semi - u.user.p);
	if (view_unescape(buf, size, &u.user) > 0)
		return 0;
	buf[0] = 0;

	return ENOENT;
}

/* A display name without its quoting; only what is plain text. */
static void name_of(char *buf, size_t size, const struct pl *dname)
{
	size_t n = 0;

	for (size_t i = 0; i < dname->l && n + 1 < size; i++) {
		if (dname->p[i] == '\\' && i + 1 < dname->l)
			++i;
		if ((unsigned char)dname->p[i] >= ' ')
			buf[n++] = dname->p[i];
	}
	buf[n] = 0;
}

static bool take(struct caller *c, const struct view_addr *a)
{
	if (caller_user(c->number, sizeof(c->number), &a->uri))
		return false;
	name_of(c->name, sizeof(c->name), &a->dname);

	return true;
}

/* Of two values, one sip: and one tel:, the first will do. */
static bool asserted(struct caller *c, const struct view *v)
{
	const struct view_field *f = find(v, NULL, "P-Asserted-Identity");
	struct view_addr a;
	struct pl rest, val;

	for (; f; f = find(v, f, "P-Asserted-Identity")) {
		view_val(v, f, &rest);
		while (view_list(&rest, &val)) {
			if (!view_addr_read(&a, &val) && take(c, &a))
				return true;
		}
	}

	return false;
}

static bool remote_party(struct caller *c, const struct view *v)
{
	const struct view_field *f = find(v, NULL, "Remote-Party-ID");
	struct view_addr a;
	struct pl val, p;

	for (; f; f = find(v, f, "Remote-Party-ID")) {
		view_val(v, f, &val);
		if (view_addr_read(&a, &val) ||
		    (view_param(&a.params, "party", &p) &&
		     pl_strcasecmp(&p, "calling")) ||
		    !take(c, &a))
			continue;
		if (view_param(&a.params, "privacy", &p) &&
		    pl_strcasecmp(&p, "off"))
			c->private = true;
		return true;
	}

	return false;
}

/* priv-value *(";" priv-value); "none" asks for nothing to be hidden. */
static bool wants_privacy(const struct view *v)
{
	static const char *const namev[] = {"id", "user", "header"};
	const struct view_field *f = find(v, NULL, "Privacy");
	struct pl val, word;

	for (; f; f = find(v, f, "Privacy")) {
		view_val(v, f, &val);
		while (!re_regex(val.p, val.l, "[a-z]+", &word)) {
			for (size_t i = 0; i < ARRAY_SIZE(namev); i++) {
				if (!pl_strcasecmp(&word, namev[i]))
					return true;
			}
			pl_advance(&val, word.p + word.l - val.p);
		}
	}

	return false;
}

void caller_read(struct caller *c, const struct view *v,
		 const Sy__Trunk *trunk)
{
	bool known;

	memset(c, 0, sizeof(*c));
	known = trunk && trunk->trusted &&
		(asserted(c, v) || remote_party(c, v));
	if (!known && !take(c, &v->from)) {
		name_of(c->name, sizeof(c->name), &v->from.dname);
		c->number[0] = 0;
	}
	if (!strcasecmp(c->number, "anonymous")) {
		c->number[0] = 0;
		c->private = true;
	}
	if (wants_privacy(v))
		c->private = true;
	if (trunk && c->number[0])
		(void)number_caller_in(c->number, trunk, c->number);
}

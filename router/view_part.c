/* SPDX-License-Identifier: MIT */
/*
 * Parts of header values: lists, Via, addresses, URIs, parameters.  Each
 * function takes the text of one value and never looks beyond it.
 */

#include <string.h>
#include <strings.h>
#include "router/view.h"

static bool is_ws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *skip_ws(const char *p, const char *e)
{
	while (p < e && is_ws(*p))
		++p;

	return p;
}

static void set(struct pl *pl, const char *p, const char *e)
{
	pl->p = p;
	pl->l = e - p;
}

static void set_trimmed(struct pl *pl, const char *p, const char *e)
{
	p = skip_ws(p, e);
	while (e > p && is_ws(e[-1]))
		--e;

	set(pl, p, e);
}

/* p at the opening quote; returns behind the closing one, or NULL */
static const char *skip_quoted(const char *p, const char *e)
{
	for (++p; p < e; ++p) {
		if (*p == '\\')
			++p;
		else if (*p == '"')
			return p + 1;
	}

	return NULL;
}

bool view_list(struct pl *rest, struct pl *val)
{
	const char *p = rest->p, *e, *q;
	bool angle = false;

	if (!p)
		return false;

	e = p + rest->l;
	/* most have no comma at all: nothing to look for */
	q = memchr(p, ',', rest->l) ? p : e;
	for (; q < e; ++q) {
		if (*q == '"' && !angle) {
			const char *end = skip_quoted(q, e);

			q = end ? end - 1 : e - 1;
		} else if (*q == '<') {
			angle = true;
		} else if (*q == '>') {
			angle = false;
		} else if (*q == ',' && !angle) {
			break;
		}
	}

	set_trimmed(val, p, q);
	if (q < e)
		set(rest, q + 1, e);
	else
		*rest = pl_null;

	return true;
}

int view_number(uint32_t *np, const struct pl *pl, uint32_t max)
{
	uint64_t n = 0;

	if (!pl->l)
		return EBADMSG;

	for (size_t i = 0; i < pl->l; i++) {
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return EBADMSG;
		n = n * 10 + (uint64_t)(pl->p[i] - '0');
		if (n > max)
			return EBADMSG;
	}

	*np = (uint32_t)n;

	return 0;
}

static int port_read(uint16_t *portp, const char *p, const char *e)
{
	struct pl pl;
	uint32_t n;

	set_trimmed(&pl, p, e);
	if (view_number(&n, &pl, 65535) || !n)
		return EBADMSG;

	*portp = (uint16_t)n;

	return 0;
}

static bool is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

/* What an IPv6 address is written in, one that ends as an IPv4 address
 * included. */
static bool is_ipv6_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

/* The end of a host with its brackets, or NULL. */
static const char *host_end(const char *p, const char *e)
{
	const char *q = p;

	if (q < e && *q == '[') {
		for (++q; q < e && is_ipv6_char(*q); ++q)
			;
		return q < e && *q == ']' && q > p + 1 ? q + 1 : NULL;
	}
	while (q < e && is_host_char(*q))
		++q;

	return q > p ? q : NULL;
}

bool view_param(const struct pl *params, const char *name, struct pl *val)
{
	const char *p = params->p, *e;
	const size_t namelen = strlen(name);

	if (!p)
		return false;

	e = p + params->l;
	while (p < e) {
		const char *n, *ne, *v, *ve;

		if (*p != ';') {
			++p;
			continue;
		}
		n = ne = skip_ws(p + 1, e);
		while (ne < e && !is_ws(*ne) && *ne != '=' && *ne != ';')
			++ne;
		v = ve = ne;
		p = skip_ws(ne, e);
		if (p < e && *p == '=') {
			v = ve = skip_ws(p + 1, e);
			if (v < e && *v == '"') {
				ve = skip_quoted(v, e);
				if (!ve)
					ve = e;
			} else {
				while (ve < e && !is_ws(*ve) && *ve != ';')
					++ve;
			}
			p = ve;
		}
		if ((size_t)(ne - n) == namelen &&
		    !strncasecmp(n, name, namelen)) {
			if (val)
				set(val, v, ve);
			return true;
		}
	}

	return false;
}

/* "SIP / 2.0 / UDP": returns behind it, or NULL.  Another version is an error
 * too, yet what follows is read: its sender is told by that Via. */
static const char *via_protocol(struct view_via *via, bool *is_two,
				const char *p, const char *e)
{
	const char *q;

	if (e - p < 3 || strncasecmp(p, "SIP", 3))
		return NULL;
	p = skip_ws(p + 3, e);
	if (p >= e || *p != '/')
		return NULL;
	p = q = skip_ws(p + 1, e);
	while (q < e && !is_ws(*q) && *q != '/' && *q != ';')
		++q;
	*is_two = q - p == 3 && !memcmp(p, "2.0", 3);
	p = skip_ws(q, e);
	if (p >= e || *p != '/')
		return NULL;
	p = q = skip_ws(p + 1, e);
	while (q < e && !is_ws(*q) && *q != ';')
		++q;
	if (q == p || q == e || !is_ws(*q))
		return NULL;
	set(&via->transport, p, q);

	return skip_ws(q, e);
}

int view_via_read(struct view_via *via, const struct pl *val)
{
	const char *p = val->p, *e = p + val->l, *q;
	bool is_two;

	memset(via, 0, sizeof(*via));
	via->all = *val;

	p = via_protocol(via, &is_two, p, e);
	if (!p)
		return EBADMSG;
	q = host_end(p, e);
	if (!q)
		return EBADMSG;
	set(&via->host, p, q);

	q = p;
	while (q < e && !is_ws(*q) && *q != ';')
		++q;
	set(&via->sentby, p, q);

	p = skip_ws(via->host.p + via->host.l, e);
	if (p < e && *p == ':') {
		for (q = p + 1; q < e && *q != ';'; ++q)
			;
		if (port_read(&via->port, p + 1, q))
			return EBADMSG;
		p = q;
	}
	if (p < e && *p != ';')
		return EBADMSG;

	set(&via->params, p, e);
	if (view_param(&via->params, "branch", &via->branch) &&
	    !via->branch.l)
		via->branch = pl_null;

	return is_two ? 0 : EBADMSG;
}

/* name-addr behind its display name; p at '<' */
static int bracketed(struct view_addr *a, const char *p, const char *e)
{
	const char *q = memchr(p, '>', e - p);

	if (!q)
		return EBADMSG;
	a->bracketed = true;
	set_trimmed(&a->uri, p + 1, q);
	if (!a->uri.l)
		return EBADMSG;
	p = skip_ws(q + 1, e);
	if (p < e && *p != ';')
		return EBADMSG;
	set(&a->params, p, e);

	return 0;
}

/* addr-spec: parameters belong to the header, RFC 3261 20.10 */
static int bare(struct view_addr *a, const char *p, const char *e)
{
	const char *q = p;

	while (q < e && !is_ws(*q) && *q != ';' && *q != '"')
		++q;
	set(&a->uri, p, q);
	if (!a->uri.l || !memchr(a->uri.p, ':', a->uri.l))
		return EBADMSG;
	p = skip_ws(q, e);
	if (p < e && *p != ';')
		return EBADMSG;
	set(&a->params, p, e);

	return 0;
}

int view_addr_read(struct view_addr *a, const struct pl *val)
{
	const char *p = val->p, *e, *q;

	memset(a, 0, sizeof(*a));
	if (!val->l)
		return EBADMSG;
	e = p + val->l;

	if (*p == '"') {
		q = skip_quoted(p, e);
		if (!q)
			return EBADMSG;
		set(&a->dname, p + 1, q - 1);
		p = skip_ws(q, e);
		if (p >= e || *p != '<')
			return EBADMSG;
		return bracketed(a, p, e);
	}

	q = memchr(p, '<', e - p);
	if (!q)
		return bare(a, p, e);
	if (memchr(p, ';', q - p)) /* <> of a parameter */
		return bare(a, p, e);
	if (memchr(p, '"', q - p))
		return EBADMSG;
	set_trimmed(&a->dname, p, q);

	return bracketed(a, q, e);
}

static bool is_sip(const struct pl *scheme)
{
	return !pl_strcasecmp(scheme, "sip") || !pl_strcasecmp(scheme, "sips");
}

int view_uri_read(struct view_uri *u, const struct pl *uri)
{
	const char *p = uri->p, *e, *q;

	memset(u, 0, sizeof(*u));
	if (!uri->l)
		return EBADMSG;
	e = p + uri->l;
	q = memchr(p, ':', uri->l);
	if (!q || q == p)
		return EBADMSG;
	set(&u->scheme, p, q);
	if (!is_sip(&u->scheme))
		return EBADMSG;
	p = q + 1;

	/* the user part may hold every separator except '@' */
	q = memchr(p, '@', e - p);
	if (q) {
		const char *colon = memchr(p, ':', q - p);

		if (q == p)
			return EBADMSG;
		set(&u->user, p, colon ? colon : q);
		p = q + 1;
	}

	q = host_end(p, e);
	if (!q)
		return EBADMSG;
	if (*p == '[')
		set(&u->host, p + 1, q - 1);
	else
		set(&u->host, p, q);
	p = q;
	if (p < e && *p == ':') {
		for (q = p + 1; q < e && *q != ';' && *q != '?'; ++q)
			;
		if (port_read(&u->port, p + 1, q))
			return EBADMSG;
		p = q;
	}
	if (p < e && *p != ';' && *p != '?')
		return EBADMSG;
	q = memchr(p, '?', e - p);
	set(&u->params, p, q ? q : e);
	if (q)
		set(&u->headers, q + 1, e);

	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;

	return -1;
}

int view_unescape(char *str, size_t size, const struct pl *pl)
{
	size_t n = 0;

	for (size_t i = 0; i < pl->l; i++) {
		int c = (unsigned char)pl->p[i];

		if (c == '%') {
			int hi, lo;

			if (pl->l - i < 3)
				return -1;
			hi = hex_digit(pl->p[i + 1]);
			lo = hex_digit(pl->p[i + 2]);
			if (hi < 0 || lo < 0)
				return -1;
			c = hi << 4 | lo;
			i += 2;
		}
		if (!c || n + 1 >= size)
			return -1;
		str[n++] = (char)c;
	}
	if (!size)
		return -1;
	str[n] = 0;

	return (int)n;
}

/* SPDX-License-Identifier: MIT */
/* The first line of a message: what it is, and whether it is SIP at all. */

#include <string.h>
#include <strings.h>
#include "router/view.h"
#include "router/view_impl.h"

/* RFC 3261 25.1: token */
static bool is_token_char(unsigned char c)
{
	static const uint32_t set[8] = {
		0, 0x03ff6ca2, 0x87fffffe, 0x47ffffff, 0, 0, 0, 0,
	};

	return set[c >> 5] >> (c & 31) & 1;
}

bool view_is_token(const struct pl *pl)
{
	for (size_t i = 0; i < pl->l; i++) {
		if (!is_token_char((unsigned char)pl->p[i]))
			return false;
	}

	return pl->l > 0;
}

static bool has_sip(const struct pl *pl)
{
	return pl->l >= 4 && !strncasecmp(pl->p, "SIP/", 4);
}

static enum view_err status_line(struct view *v, const struct pl *line)
{
	struct pl code;
	uint32_t n;

	if (line->l < 11 || memcmp(line->p, "SIP/2.0 ", 8))
		return VIEW_JUNK;
	code.p = line->p + 8;
	code.l = 3;
	if (view_number(&n, &code, 699) || n < 100)
		return VIEW_JUNK;
	/* the reason may be missing, but the space may not: be kind to both */
	if (line->l > 11 && line->p[11] != ' ')
		return VIEW_JUNK;
	v->code = (uint16_t)n;

	return VIEW_OK;
}

static enum view_err check_uri(const struct pl *uri)
{
	struct view_uri u;
	struct pl scheme;
	const char *q;

	for (size_t i = 0; i < uri->l; i++) {
		unsigned char c = (unsigned char)uri->p[i];

		if (c <= ' ' || c == '<' || c == '>' || c == '"' || c == 0x7f)
			return VIEW_BAD_START;
	}
	q = uri->l ? memchr(uri->p, ':', uri->l) : NULL;
	if (!q)
		return VIEW_BAD_URI;
	scheme.p = uri->p;
	scheme.l = q - uri->p;
	if (!view_is_token(&scheme))
		return VIEW_BAD_URI;
	if (pl_strcasecmp(&scheme, "sip") && pl_strcasecmp(&scheme, "sips"))
		return VIEW_BAD_SCHEME;
	/* headers have no place in a Request-URI, RFC 3261 19.1.1 */
	if (view_uri_read(&u, uri) || u.headers.l)
		return VIEW_BAD_URI;

	return VIEW_OK;
}

static enum view_err request_line(struct view *v, const struct pl *line)
{
	const char *p = line->p, *e = p + line->l, *sp, *last;
	struct pl ver;

	sp = memchr(p, ' ', e - p);
	last = memrchr(p, ' ', e - p);
	if (!sp)
		return VIEW_JUNK;
	ver.p = last + 1;
	ver.l = e - ver.p;
	if (!has_sip(&ver))
		return VIEW_JUNK;

	v->methodstr.p = p;
	v->methodstr.l = sp - p;
	if (!view_is_token(&v->methodstr))
		return VIEW_JUNK;
	v->method = view_method_read(&v->methodstr);

	if (ver.l != 7 || strncasecmp(ver.p, "SIP/2.0", 7))
		return VIEW_BAD_VERSION;
	if (sp == last)
		return VIEW_BAD_START;
	v->uri.p = sp + 1;
	v->uri.l = last - v->uri.p;

	return check_uri(&v->uri);
}

enum view_err view_start_line(struct view *v, const char *p,
			      const char *eol)
{
	struct pl line = {p, eol - p};

	if (line.l && p[line.l - 1] == '\r')
		--line.l;
	while (line.l && (p[line.l - 1] == ' ' || p[line.l - 1] == '\t')) {
		if (has_sip(&line)) /* the space before an empty reason */
			break;
		--line.l;
	}

	v->is_request = !has_sip(&line);

	return v->is_request ? request_line(v, &line) : status_line(v, &line);
}

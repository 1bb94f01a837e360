/* SPDX-License-Identifier: MIT */
/*
 * The message view: start line, header lines, and the few values that every
 * message needs looked at.  Called once for each received message.
 *
 * The first error found is the one reported, but reading goes on behind it,
 * so that an answer finds Via, From, To, Call-ID and CSeq to copy.
 */

#include <stddef.h>
#include <string.h>
#include <strings.h>
#include "router/view.h"
#include "router/view_impl.h"

static const char *const method_names[VIEW_METHOD_COUNT] = {
	"other",  "INVITE", "ACK",       "BYE",    "CANCEL",
	"OPTIONS", "REGISTER", "INFO",   "UPDATE", "PRACK",
	"SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE", "REFER",
};

static const struct {
	const char *name;
	uint8_t len;
	char compact; /* RFC 3261 7.3.3 */
	bool once;
} hdr_table[VIEW_HDR_COUNT] = {
	[VIEW_VIA] = {"Via", 3, 'v', false},
	[VIEW_FROM] = {"From", 4, 'f', true},
	[VIEW_TO] = {"To", 2, 't', true},
	[VIEW_CALL_ID] = {"Call-ID", 7, 'i', true},
	[VIEW_CSEQ] = {"CSeq", 4, 0, true},
	[VIEW_MAX_FORWARDS] = {"Max-Forwards", 12, 0, true},
	[VIEW_CONTENT_LENGTH] = {"Content-Length", 14, 'l', true},
	[VIEW_ROUTE] = {"Route", 5, 0, false},
	[VIEW_RECORD_ROUTE] = {"Record-Route", 12, 0, false},
	[VIEW_CONTACT] = {"Contact", 7, 'm', false},
	[VIEW_AUTHORIZATION] = {"Authorization", 13, 0, false},
	[VIEW_PROXY_AUTHORIZATION] = {"Proxy-Authorization", 19, 0, false},
	[VIEW_REQUIRE] = {"Require", 7, 0, false},
	[VIEW_PROXY_REQUIRE] = {"Proxy-Require", 13, 0, false},
	[VIEW_EXPIRES] = {"Expires", 7, 0, true},
	[VIEW_USER_AGENT] = {"User-Agent", 10, 0, false},
	[VIEW_REPLACES] = {"Replaces", 8, 0, true},
	[VIEW_SUPPORTED] = {"Supported", 9, 'k', false},
};

static const struct {
	uint16_t code;
	const char *text;
} err_table[VIEW_ERR_COUNT] = {
	[VIEW_OK] = {0, "OK"},
	[VIEW_EMPTY] = {0, "Empty"},
	[VIEW_JUNK] = {0, "Not SIP"},
	[VIEW_NO_RETURN] = {0, "No Via"},
	[VIEW_BAD_START] = {400, "Bad Request Line"},
	[VIEW_BAD_VERSION] = {505, "Version Not Supported"},
	[VIEW_BAD_SCHEME] = {416, "Unsupported URI Scheme"},
	[VIEW_BAD_URI] = {400, "Bad Request-URI"},
	[VIEW_BAD_HEADER] = {400, "Bad Header"},
	[VIEW_TOO_MANY] = {513, "Too Many Headers"},
	[VIEW_TRUNCATED] = {400, "Truncated Message"},
	[VIEW_BAD_VIA] = {400, "Bad Via"},
	[VIEW_BAD_FROM] = {400, "Bad From"},
	[VIEW_BAD_TO] = {400, "Bad To"},
	[VIEW_BAD_CALL_ID] = {400, "Bad Call-ID"},
	[VIEW_BAD_CSEQ] = {400, "Bad CSeq"},
	[VIEW_CSEQ_METHOD] = {400, "CSeq Method Mismatch"},
	[VIEW_BAD_MAX_FORWARDS] = {400, "Bad Max-Forwards"},
	[VIEW_BAD_LENGTH] = {400, "Bad Content-Length"},
	[VIEW_TWICE] = {400, "Duplicate Header"},
	[VIEW_MISSING] = {400, "Missing Mandatory Header"},
};

uint16_t view_err_code(enum view_err err)
{
	return err_table[err].code;
}

const char *view_err_text(enum view_err err)
{
	return err_table[err].text;
}

const char *view_method_name(enum view_method m)
{
	return method_names[m];
}

enum view_method view_method_read(const struct pl *pl)
{
	/* methods are case-sensitive, RFC 3261 7.1 */
	for (int i = VIEW_UNKNOWN + 1; i < VIEW_METHOD_COUNT; i++) {
		if (pl->l == strlen(method_names[i]) &&
		    !memcmp(pl->p, method_names[i], pl->l))
			return i;
	}

	return VIEW_UNKNOWN;
}

void view_val(const struct view *v, const struct view_field *f,
	      struct pl *val)
{
	val->p = v->p + f->val;
	val->l = f->vallen;
}

const struct view_field *view_first(const struct view *v, enum view_hdr id)
{
	return v->count[id] ? &v->fieldv[v->first[id]] : NULL;
}

const struct view_field *view_next(const struct view *v,
				   const struct view_field *f)
{
	const struct view_field *e = v->fieldv + v->fieldc;

	for (const struct view_field *n = f + 1; n < e; n++) {
		if (n->id == f->id)
			return n;
	}

	return NULL;
}

const struct view_field *view_named(const struct view *v, const char *name,
				    const struct view_field *after)
{
	const struct view_field *e = v->fieldv + v->fieldc;
	const struct view_field *f = after ? after + 1 : v->fieldv;
	const size_t len = strlen(name);

	for (; f < e; f++) {
		const char *p = v->p + f->line;

		/* the name ends at white space or the colon */
		if (f->id == VIEW_OTHER && (size_t)(f->next - f->line) > len &&
		    !strncasecmp(p, name, len) && strchr(" \t:", p[len]))
			return f;
	}

	return NULL;
}

static enum view_hdr hdr_find(const char *p, size_t len)
{
	const char c = (char)(*p | 0x20);

	for (int i = 1; i < VIEW_HDR_COUNT; i++) {
		if (len == 1 ? c == hdr_table[i].compact
			     : len == hdr_table[i].len &&
				       c == (hdr_table[i].name[0] | 0x20) &&
				       !strncasecmp(p, hdr_table[i].name, len))
			return i;
	}

	return VIEW_OTHER;
}

/* keep the first error */
static void note(enum view_err *errp, enum view_err err)
{
	if (*errp == VIEW_OK)
		*errp = err;
}

/* --------------------------------------------------------- header lines */

/* The end of a header line with its foldings: behind the last line feed. */
static const char *field_end(const char *p, const char *e)
{
	for (;;) {
		p = memchr(p, '\n', e - p);
		if (!p)
			return NULL;
		++p;
		if (p >= e || (*p != ' ' && *p != '\t'))
			return p;
	}
}

static bool is_lws(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int field_read(struct view *v, struct view_field *f, const char *p,
		      const char *next)
{
	const char *colon = memchr(p, ':', next - p);
	const char *val, *end;
	struct pl name;

	if (!colon)
		return EBADMSG;
	name.p = p;
	name.l = colon - p;
	while (name.l && (p[name.l - 1] == ' ' || p[name.l - 1] == '\t'))
		--name.l;
	if (!view_is_token(&name))
		return EBADMSG;

	val = colon + 1;
	end = next;
	while (val < end && is_lws(*val))
		++val;
	while (end > val && is_lws(end[-1]))
		--end;

	f->line = (uint16_t)(p - v->p);
	f->next = (uint16_t)(next - v->p);
	f->val = (uint16_t)(val - v->p);
	f->vallen = (uint16_t)(end - val);
	f->id = hdr_find(p, name.l);

	return 0;
}

static void field_add(struct view *v, enum view_err *errp)
{
	const uint8_t id = v->fieldv[v->fieldc].id;

	if (!v->count[id]) {
		v->first[id] = v->fieldc;
	} else if (hdr_table[id].once) {
		note(errp, id == VIEW_CONTENT_LENGTH ? VIEW_BAD_LENGTH
						     : VIEW_TWICE);
	}
	++v->count[id];
	++v->fieldc;
}

/* @return start of the body, or NULL: there is no end of the headers */
static const char *fields_read(struct view *v, const char *p, const char *e,
			       enum view_err *errp)
{
	while (p < e) {
		const char *next;

		if (*p == '\n')
			return p + 1;
		if (*p == '\r' && p + 1 < e && p[1] == '\n')
			return p + 2;

		next = field_end(p, e);
		if (!next)
			return NULL;
		if (v->fieldc == VIEW_FIELDS_MAX)
			note(errp, VIEW_TOO_MANY);
		else if (field_read(v, &v->fieldv[v->fieldc], p, next))
			note(errp, VIEW_BAD_HEADER);
		else
			field_add(v, errp);
		p = next;
	}

	return NULL;
}

/* --------------------------------------------------------------- values */

static bool first_val(const struct view *v, enum view_hdr id, struct pl *val)
{
	const struct view_field *f = view_first(v, id);

	if (!f)
		return false;
	view_val(v, f, val);

	return true;
}

static void read_vias(struct view *v, enum view_err *errp)
{
	const struct view_field *f = view_first(v, VIEW_VIA);
	struct view_via *via = &v->via;

	for (; f; f = view_next(v, f)) {
		struct pl rest, val;

		view_val(v, f, &rest);
		while (view_list(&rest, &val)) {
			if (view_via_read(via, &val))
				note(errp, VIEW_BAD_VIA);
			if (via == &v->via2)
				return;
			via = &v->via2;
		}
	}
}

static void read_addr(struct view *v, enum view_hdr id, struct view_addr *a,
		      struct pl *tag, enum view_err err, enum view_err *errp)
{
	struct pl val;

	if (!first_val(v, id, &val))
		return;
	if (view_addr_read(a, &val))
		note(errp, err);
	else
		(void)view_param(&a->params, "tag", tag);
}

static void read_cseq(struct view *v, enum view_err *errp)
{
	struct pl val, num, method;

	if (!first_val(v, VIEW_CSEQ, &val))
		return;

	num.p = val.p;
	for (num.l = 0; num.l < val.l && !is_lws(val.p[num.l]); num.l++)
		;
	method.p = val.p + num.l;
	method.l = val.l - num.l;
	while (method.l && is_lws(*method.p)) {
		++method.p;
		--method.l;
	}
	/* below 2^31, RFC 3261 8.1.1.5 */
	if (view_number(&v->cseq, &num, 0x7fffffff) || !view_is_token(&method)) {
		note(errp, VIEW_BAD_CSEQ);
	} else if (!v->is_request) {
		v->methodstr = method;
		v->method = view_method_read(&method);
	} else if (method.l != v->methodstr.l ||
		   memcmp(method.p, v->methodstr.p, method.l)) {
		note(errp, VIEW_CSEQ_METHOD);
	}
}

static void read_rest(struct view *v, enum view_err *errp)
{
	struct pl val;
	uint32_t n;

	if (first_val(v, VIEW_CALL_ID, &val)) {
		v->call_id = val;
		for (size_t i = 0; i < val.l; i++) {
			if ((unsigned char)val.p[i] <= ' ')
				note(errp, VIEW_BAD_CALL_ID);
		}
		if (!val.l)
			note(errp, VIEW_BAD_CALL_ID);
	}

	v->max_forwards = -1;
	if (first_val(v, VIEW_MAX_FORWARDS, &val)) {
		if (view_number(&n, &val, 255))
			note(errp, VIEW_BAD_MAX_FORWARDS);
		else
			v->max_forwards = (int)n;
	}
}

static void read_length(struct view *v, size_t len, enum view_err *errp)
{
	struct pl val;
	uint32_t n;

	v->len = (uint32_t)len;
	if (!first_val(v, VIEW_CONTENT_LENGTH, &val))
		return;

	v->has_length = true;
	if (view_number(&n, &val, VIEW_BYTES_MAX) || n > len - v->body)
		note(errp, VIEW_BAD_LENGTH);
	else
		v->len = v->body + n; /* what comes behind is not ours */
}

/* A zero byte may only be there escaped in a quoted string. */
static bool has_raw_zero(const char *p, const char *e)
{
	const char *q = p;

	while ((q = memchr(q, 0, e - q))) {
		if (q == p || q[-1] != '\\')
			return true;
		++q;
	}

	return false;
}

static enum view_err read_values(struct view *v, size_t len,
				 enum view_err err)
{
	read_vias(v, &err);
	read_addr(v, VIEW_FROM, &v->from, &v->from_tag, VIEW_BAD_FROM, &err);
	read_addr(v, VIEW_TO, &v->to, &v->to_tag, VIEW_BAD_TO, &err);
	read_cseq(v, &err);
	read_rest(v, &err);
	read_length(v, len, &err);

	if (!v->via.sentby.l)
		return VIEW_NO_RETURN;
	if (!v->count[VIEW_FROM] || !v->count[VIEW_TO] ||
	    !v->count[VIEW_CALL_ID] || !v->count[VIEW_CSEQ])
		note(&err, VIEW_MISSING);

	return err;
}

enum view_err view_read(struct view *v, const char *p, size_t len)
{
	const char *e = p + len, *eol, *body;
	enum view_err err;

	memset(v, 0, offsetof(struct view, fieldv));

	while (p < e && (*p == '\r' || *p == '\n'))
		++p;
	if (p == e)
		return VIEW_EMPTY;
	len = e - p;
	eol = memchr(p, '\n', len);
	if (!eol || len > VIEW_BYTES_MAX)
		return VIEW_JUNK;

	v->p = p;
	v->headers = (uint32_t)(eol + 1 - p);
	err = view_start_line(v, p, eol);
	if (err == VIEW_JUNK)
		return err;

	body = fields_read(v, eol + 1, e, &err);
	if (!body) {
		note(&err, VIEW_TRUNCATED);
		body = e;
	}
	if (has_raw_zero(p, body))
		return VIEW_JUNK;
	v->body = (uint32_t)(body - p);

	return read_values(v, len, err);
}

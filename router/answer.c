/* SPDX-License-Identifier: MIT */
/*
 * Stateless answers.  An answer is the request with everything cut out but
 * Via, From, To, Call-ID and CSeq, so it is spliced as a forwarded message
 * is; what cannot be understood in those goes back as it came.
 */

#include <string.h>
#include "router/answer.h"
#include "router/core.h"

enum { TEXT_MAX = 6144 };

static const char *usual_reason(uint16_t code)
{
	static const struct {
		uint16_t code;
		const char *text;
	} tv[] = {
		{200, "OK"},
		{202, "Accepted"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{407, "Proxy Authentication Required"},
		{413, "Request Entity Too Large"},
		{415, "Unsupported Media Type"},
		{416, "Unsupported URI Scheme"},
		{420, "Bad Extension"},
		{423, "Interval Too Brief"},
		{430, "Flow Failed"},
		{439, "First Hop Lacks Outbound Support"},
		{480, "Temporarily Unavailable"},
		{481, "Call/Transaction Does Not Exist"},
		{483, "Too Many Hops"},
		{489, "Bad Event"},
		{500, "Server Internal Error"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{505, "Version Not Supported"},
		{513, "Message Too Large"},
	};

	for (size_t i = 0; i < sizeof(tv) / sizeof(tv[0]); i++) {
		if (tv[i].code == code)
			return tv[i].text;
	}

	return "Error";
}

static void tag_print(char tag[ANSWER_TAG_LEN], const struct msg *m)
{
	uint8_t mac[32];
	char ctx[1024];
	size_t n;

	n = msg_branch_ctx(ctx, sizeof(ctx), m->v, &m->v->via);
	token_mac(mac, m->w->router->key, 'A', ctx, n);
	tag[0] = 'r';
	tag[1] = '.';
	(void)base64url_print(tag + 2, mac, TOKEN_MAC_BYTES);
}

bool answer_is_ours(const struct msg *m)
{
	char tag[ANSWER_TAG_LEN];

	if (m->v->to_tag.l != sizeof(tag))
		return false;
	tag_print(tag, m);

	return !token_memcmp(tag, m->v->to_tag.p, sizeof(tag));
}

static int put_tag(struct msg *m)
{
	const struct view_field *to = view_first(m->v, VIEW_TO);
	const size_t len = m->tag ? strlen(m->tag) : ANSWER_TAG_LEN;
	char *txt;

	if (!to || m->v->to_tag.p)
		return 0;
	txt = wire_text(m->w->wire, 5 + len);
	if (!txt)
		return ENOSPC;
	memcpy(txt, ";tag=", 5);
	if (m->tag)
		memcpy(txt + 5, m->tag, len);
	else
		tag_print(txt + 5, m);

	return edit_put(&m->ed, (uint32_t)to->val + to->vallen, 0, txt,
			(uint32_t)(5 + len));
}

static bool is_kept(const struct view *v, const struct view_field *f)
{
	switch (f->id) {
	case VIEW_VIA:
		return true;
	case VIEW_FROM:
	case VIEW_TO:
	case VIEW_CALL_ID:
	case VIEW_CSEQ: /* only the first, if it is there twice */
		return f == view_first(v, f->id);
	default:
		return false;
	}
}

/* Status line in place of the request line, and out with the rest. */
static int cut_others(struct msg *m, const char *head, size_t headlen,
		      const char *tail, size_t taillen)
{
	const struct view *v = m->v;
	uint32_t at = 0;
	int err = 0;

	for (size_t i = 0; i < v->fieldc && !err; i++) {
		const struct view_field *f = &v->fieldv[i];

		if (!is_kept(v, f))
			continue;
		if (f->line > at)
			err = edit_put(&m->ed, at, f->line - at, head,
				       headlen);
		head = NULL;
		at = f->next;
	}
	if (!err)
		err = edit_put(&m->ed, at, v->len - at, tail, taillen);

	return err;
}

static int build(struct msg *m, uint16_t code, const char *reason,
		 const char *fmt, va_list ap)
{
	struct wire *wire = m->w->wire;
	struct iovec *iov;
	char *head, *tail;
	int n, k = 0, err;
	size_t iovc;

	head = wire_text(wire, 128);
	tail = wire_text(wire, TEXT_MAX);
	iov = wire_iov(wire);
	if (!head || !tail || !iov)
		return ENOSPC;

	n = re_snprintf(head, 128, "SIP/2.0 %u %s\r\n", code,
			reason ? reason : usual_reason(code));
	if (fmt)
		k = re_vsnprintf(tail, TEXT_MAX - 32, fmt, ap);
	if (n < 0 || k < 0)
		return ENOSPC;
	memcpy(tail + k, "Content-Length: 0\r\n\r\n", 21);

	edit_init(&m->ed);
	err = msg_mark_via(m);
	if (!err)
		err = put_tag(m);
	if (!err)
		err = cut_others(m, head, (size_t)n, tail, (size_t)k + 21);
	if (err)
		return err;
	iovc = edit_splice(&m->ed, iov, m->v->p, m->v->len, NULL);

	return wire_send(wire, &m->reply, iov, iovc);
}

void answer(struct msg *m, uint16_t code, const char *reason, const char *fmt,
	    ...)
{
	struct stats *st = &m->w->stats;
	va_list ap;
	int err;

	if (m->v->method == VIEW_ACK) {
		stat_inc(st, STAT_DROP_ACK);
		return;
	}
	trace_about(&m->w->trace, m->v);
	va_start(ap, fmt);
	err = build(m, code, reason, fmt, ap);
	va_end(ap);

	if (!err)
		stat_inc(st, STAT_ANSWER + stat_code(code));
	else
		stat_inc(st, err == ENOTCONN ? STAT_DROP_FLOW
					     : STAT_DROP_FULL);
}

void answer_later(struct msg *m, const char *reason)
{
	answer(m, 503, reason, "Retry-After: %d\r\n", ANSWER_RETRY_S);
}

/* Is a tag one of a list with commas? */
static bool is_among(const char *list, const struct pl *tag)
{
	while (list && *list) {
		const size_t len = strcspn(list, ",");

		if (tag->l == len && !strncasecmp(tag->p, list, len))
			return true;
		list += len + (list[len] == ',');
	}

	return false;
}

/* Option tags of a request, without those that we know. */
struct extensions {
	const struct view *v;
	enum view_hdr id;
	const char *known;
};

static int print_extensions(struct re_printf *pf, const struct extensions *x)
{
	const struct view_field *f = view_first(x->v, x->id);
	const char *sep = "";
	struct pl rest, val;
	int err = 0;

	for (; f; f = view_next(x->v, f)) {
		view_val(x->v, f, &rest);
		while (!err && view_list(&rest, &val)) {
			if (!val.l || is_among(x->known, &val))
				continue;
			err = re_hprintf(pf, "%s%r", sep, &val);
			sep = ", ";
		}
	}

	return err;
}

bool answer_unsupported(struct msg *m, enum view_hdr id, const char *known)
{
	const struct extensions x = {m->v, id, known};
	const struct view_field *f = view_first(m->v, id);
	struct pl rest, val;

	for (; f; f = view_next(m->v, f)) {
		view_val(m->v, f, &rest);
		while (view_list(&rest, &val)) {
			if (!val.l || is_among(known, &val))
				continue;
			answer(m, 420, NULL, "Unsupported: %H\r\n",
			       print_extensions, &x);
			return true;
		}
	}

	return false;
}

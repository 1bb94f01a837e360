/* SPDX-License-Identifier: MIT */
/* What is sent of a MESSAGE: From as authenticated, what describes the body,
 * and the body. */

#include <string.h>
#include "router/courier_impl.h"
#include "router/utf8.h"

enum {
	HEADERS_MAX = 512,
	OWN_BYTES = 260, /* start line, Via, Call-ID ... without texts */
};

/* What describes the body goes with it. @return 0, ENOMEM, EBADMSG. */
static int keep_headers(struct courier *c, const struct msg *m)
{
	static const struct {
		const char *name, *compact;
	} keptv[] = {
		{"Content-Type", "c"}, {"Content-Encoding", "e"},
		{"Content-Disposition", NULL}, {"Content-Language", NULL},
		{"Subject", "s"}, {"Date", NULL},
	};
	char text[HEADERS_MAX];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keptv); i++) {
		const struct view_field *f =
		    view_named(m->v, keptv[i].name, NULL);
		struct pl val;
		int len;

		if (!f && keptv[i].compact)
			f = view_named(m->v, keptv[i].compact, NULL);
		if (!f) {
			if (!i && c->bodylen)
				return EBADMSG; /* nobody could read it */
			continue;
		}
		view_val(m->v, f, &val);
		if (pl_strchr(&val, '\r') || pl_strchr(&val, '\n'))
			return EBADMSG; /* folded: who writes that? */
		len = re_snprintf(text + n, sizeof(text) - n, "%s: %r\r\n",
				  keptv[i].name, &val);
		if (len < 0)
			return EBADMSG;
		n += (size_t)len;
	}

	return str_dup(&c->headers, text);
}

int courier_address(char **strp, const char *name, const char *user,
		    const char *host)
{
	struct pl pl;

	pl_set_str(&pl, user);
	if (name && name[0] && !strpbrk(name, "\"\\\r\n"))
		return re_sdprintf(strp, "\"%s\" <sip:%H@%s>", name,
				   uri_user_escape, &pl, host);

	return re_sdprintf(strp, "<sip:%H@%s>", uri_user_escape, &pl, host);
}

static bool is_too_large(const struct courier *c)
{
	return OWN_BYTES + strlen(c->from) + strlen(c->to) +
		       strlen(c->headers) + c->bodylen > COURIER_BYTES_MAX;
}

/* Who writes to whom, in SIP's words and in those that pages are told. */
static int addresses(struct courier *c, struct worker *w,
		     const struct courier_conf *conf)
{
	const Sy__Config *cf = config_get(w->config);
	const char *domain = cf->settings && cf->settings->realm[0] ?
				     cf->settings->realm : "switchyard";
	int err;

	c->hops = conf->hops;
	if (conf->trunk)
		return courier_trunk_text(c, w, conf);

	err = courier_address(&c->from, conf->from_name, conf->from_user,
			      domain);
	if (!err)
		err = courier_address(&c->to, NULL, conf->to_user, domain);
	if (!err)
		err = str_dup(&c->from_user, conf->from_user);
	if (!err)
		err = str_dup(&c->from_name, conf->from_name);
	if (!err)
		err = str_dup(&c->to_user, conf->to_user);

	return err;
}

static int keep_body(struct courier *c, const char *body, size_t len)
{
	c->bodylen = len;
	if (!len)
		return 0;
	c->body = mem_alloc(len, NULL);
	if (!c->body)
		return ENOMEM;
	memcpy(c->body, body, len);

	return 0;
}

/* Is it a text that anybody can show? */
static bool is_plain(const struct courier *c, const struct msg *m)
{
	const struct view_field *f = view_named(m->v, "Content-Type", NULL);
	struct pl type = pl_null;

	if (!f)
		f = view_named(m->v, "c", NULL);
	if (f)
		view_val(m->v, f, &type);
	if (re_regex(type.p, type.l, "[^; \t]+", &type) ||
	    pl_strcasecmp(&type, "text/plain") ||
	    view_named(m->v, "Content-Encoding", NULL) ||
	    view_named(m->v, "e", NULL))
		return false;

	return utf8_is_valid(c->body, c->bodylen);
}

int courier_text(struct courier *c, const struct msg *m,
		 const struct courier_conf *conf)
{
	int err = keep_body(c, m->v->p + m->v->body, m->v->len - m->v->body);

	if (!err)
		err = keep_headers(c, m);
	if (!err)
		err = addresses(c, m->w, conf);
	c->plain = !err && c->bodylen && is_plain(c, m);

	return !err && is_too_large(c) ? EMSGSIZE : err;
}

int courier_text_plain(struct courier *c, struct worker *w,
		       const struct courier_conf *conf, const char *text)
{
	int err = keep_body(c, text, strlen(text));

	if (!err)
		err = str_dup(&c->headers,
			      "Content-Type: text/plain;charset=utf-8\r\n");
	if (!err)
		err = addresses(c, w, conf);
	c->plain = true;

	return !err && is_too_large(c) ? EMSGSIZE : err;
}

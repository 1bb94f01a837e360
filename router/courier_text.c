/* SPDX-License-Identifier: MIT */
/* What is sent of a MESSAGE: From as authenticated, what describes the body,
 * and the body. */

#include <string.h>
#include "router/courier_impl.h"

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

int courier_text(struct courier *c, const struct msg *m,
		 const struct courier_conf *conf)
{
	const Sy__Config *cf = config_get(m->w->config);
	const char *domain = cf->settings && cf->settings->realm[0] ?
				     cf->settings->realm : "switchyard";
	int err;

	c->hops = conf->hops;
	c->bodylen = m->v->len - m->v->body;
	err = keep_headers(c, m);
	if (!err && conf->trunk)
		err = courier_trunk_text(c, m, conf);
	else if (!err)
		err = courier_address(&c->from, conf->from_name,
				      conf->from_user, domain);
	if (!err && !conf->trunk)
		err = courier_address(&c->to, NULL, conf->to_user, domain);
	if (!err && c->bodylen) {
		c->body = mem_alloc(c->bodylen, NULL);
		if (!c->body)
			return ENOMEM;
		memcpy(c->body, m->v->p + m->v->body, c->bodylen);
	}

	return !err && is_too_large(c) ? EMSGSIZE : err;
}

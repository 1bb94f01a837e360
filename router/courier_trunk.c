/* SPDX-License-Identifier: MIT */
/*
 * A MESSAGE goes out by a trunk: numbers as its calls show them, to its first
 * target that did not fail lately; its challenge is answered once.
 */

#include <string.h>
#include <openssl/crypto.h>
#include "proto/config_secret.h"
#include "proto/digest_client.h"
#include "proto/number.h"
#include "proto/random.h"
#include "router/courier_impl.h"

enum { CHALLENGES_MAX = 8 };

/* What may be shown of who writes; "": nothing. */
static int shown(char out[NUMBER_SIZE], const struct courier_conf *conf)
{
	const Sy__Device *dev = conf->device;
	const char *number = dev->caller_id[0] ? dev->caller_id : dev->id;

	out[0] = '\0';

	return dev->anonymous ? 0 : number_shown(out, conf->trunk, number);
}

static const char *hop(const Sy__Trunk *t)
{
	return t->proxy[0] ? t->proxy : t->target;
}

int courier_trunk_text(struct courier *c, struct worker *w,
		       const struct courier_conf *conf)
{
	const Sy__Trunk *t = conf->trunk;
	const Sy__Settings *set = config_get(w->config)->settings;
	const char *host = t->from_domain[0] ? t->from_domain : set->realm;
	char from[NUMBER_SIZE], called[NUMBER_SIZE];
	struct pl pl;
	char *all = NULL;
	int err = shown(from, conf);

	if (!err)
		err = number_called_out(called, t, conf->to_user);
	if (!err)
		err = from[0] ? courier_address(&c->from, NULL, from, host) :
				str_dup(&c->from,
					"\"Anonymous\" <sip:anonymous@"
					"anonymous.invalid>");
	pl_set_str(&pl, called);
	if (!err)
		err = re_sdprintf(&c->uri, "sip:%H@%s", uri_user_escape, &pl,
				  t->target);
	if (!err)
		err = re_sdprintf(&c->to, "<%s>", c->uri);
	if (!err && t->proxy[0]) {
		err = re_sdprintf(&all, "Route: <sip:%s;lr>\r\n%s", t->proxy,
				  c->headers);
		if (!err) {
			mem_deref(c->headers);
			c->headers = all;
		}
	}
	if (!err)
		err = str_dup(&c->trunk, t->id);

	return err ? err : trunk_where_init(&c->where, w, hop(t));
}

void courier_trunk_close(struct courier *c)
{
	trunk_where_close(&c->where);
	mem_deref(c->uri);
	mem_deref(c->trunk);
	mem_deref(c->digest);
}

/* --------------------------------------------------------------- where it is */

static void located(void *arg)
{
	struct courier *c = arg;
	struct flow f;

	c->lookups--;
	if (c->where.found.n && !trunk_where_flow(&c->where, 0, &f))
		courier_add(c, &f, c->uri);
	courier_found(c);
}

int courier_trunk_find(struct courier *c)
{
	c->lookups++;
	if (!trunk_where_find(&c->where, located, c))
		tmr_start(&c->tmr, 0, located, c); /* it is known already */

	return 0;
}

/* ------------------------------------------------------------------ challenge */

static size_t challenges(struct pl *valv, const struct view *v,
			 const char *name)
{
	const struct view_field *f = view_named(v, name, NULL);
	size_t n = 0;

	for (; f && n < CHALLENGES_MAX; f = view_named(v, name, f))
		view_val(v, f, &valv[n++]);

	return n;
}

static int answer_it(struct courier_send *s, uint16_t code,
		     const struct view *v, const struct digest_credentials *cr)
{
	struct courier *c = s->c;
	const struct pl body = {c->body, c->bodylen};
	struct pl valv[CHALLENGES_MAX];
	uint8_t cnonce[DIGEST_CNONCE_BYTES];
	struct mbuf *mb = mbuf_alloc(512);
	const size_t n = challenges(valv, v, code == 401 ?
						     "WWW-Authenticate" :
						     "Proxy-Authenticate");
	int err = mb ? 0 : ENOMEM;

	if (!err && !c->digest)
		err = digest_client_alloc(&c->digest);
	random_bytes(cnonce, sizeof(cnonce));
	if (!err)
		err = digest_client_challenge(c->digest, code, valv, n, cr,
					      cnonce);
	if (!err)
		err = digest_client_print(mb, c->digest, cr, "MESSAGE", s->uri,
					  &body);
	if (!err) {
		s->headers = mem_deref(s->headers);
		err = re_sdprintf(&s->headers, "%b%s", mb->buf, mb->end,
				  c->headers);
	}
	mem_deref(mb);

	return err;
}

bool courier_trunk_again(struct courier_send *s, uint16_t code,
			 const struct view *v)
{
	struct courier *c = s->c;
	const struct worker *w = c->t->w;
	const Sy__Trunk *t = c->trunk ? config_trunk(w->config, c->trunk)
				      : NULL;
	char password[CONFIG_PASSWORD_MAX + 1];
	struct digest_credentials cred = {.password = password};
	bool again;

	if (!t || !v || (code != 401 && code != 407) || !t->username[0] ||
	    config_secret_trunk(password, w->router->key, t))
		return false;
	cred.user = t->username;
	again = !answer_it(s, code, v, &cred);
	OPENSSL_cleanse(password, sizeof(password));

	return again;
}

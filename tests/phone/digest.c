/* SPDX-License-Identifier: MIT */
/* Digest authentication; see digest.h.  Called a few times a call. */

#include <string.h>
#include <openssl/evp.h>
#include "tests/phone/digest.h"

static const struct {
	enum digest_alg alg;
	const char *name;
} algs[] = {
	{DIGEST_MD5, "MD5"},
	{DIGEST_SHA256, "SHA-256"},
	{DIGEST_SHA512_256, "SHA-512-256"},
};

static void destructor(void *arg)
{
	struct digest_challenge *ch = arg;

	mem_deref(ch->realm);
	mem_deref(ch->nonce);
	mem_deref(ch->opaque);
}

const char *digest_alg_name(enum digest_alg alg)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++)
		if (algs[i].alg == alg)
			return algs[i].name;

	return "?";
}

static int alg_find(enum digest_alg *alg, const struct pl *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		if (pl_strcasecmp(name, algs[i].name))
			continue;

		*alg = algs[i].alg;
		return 0;
	}

	return ENOTSUP;
}

/* One of a comma-separated list of qop values is "auth". */
static bool qop_has_auth(struct pl list)
{
	while (list.l) {
		const char *comma = pl_strchr(&list, ',');
		struct pl one = list;

		if (comma)
			one.l = comma - list.p;
		list.l -= one.l + (comma ? 1 : 0);
		list.p += one.l + (comma ? 1 : 0);

		while (one.l && (*one.p == ' ' || *one.p == '\t'))
			pl_advance(&one, 1);
		while (one.l && (one.p[one.l - 1] == ' '))
			--one.l;

		if (!pl_strcasecmp(&one, "auth"))
			return true;
	}

	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
}

/* Take the next name=value or name="value" from the front of a list. */
static bool param_next(struct pl *rest, struct pl *name, struct pl *val)
{
	while (rest->l && is_blank(*rest->p))
		pl_advance(rest, 1);

	name->p = rest->p;
	while (rest->l && *rest->p != '=')
		pl_advance(rest, 1);
	if (!rest->l)
		return false;

	name->l = rest->p - name->p;
	while (name->l && is_blank(name->p[name->l - 1]))
		--name->l;
	pl_advance(rest, 1);
	while (rest->l && is_blank(*rest->p))
		pl_advance(rest, 1);

	if (!rest->l || *rest->p != '"') {
		val->p = rest->p;
		while (rest->l && !is_blank(*rest->p))
			pl_advance(rest, 1);
		val->l = rest->p - val->p;
		return true;
	}

	pl_advance(rest, 1);
	val->p = rest->p;
	while (rest->l && *rest->p != '"')
		pl_advance(rest, *rest->p == '\\' && rest->l > 1 ? 2 : 1);
	if (!rest->l)
		return false;

	val->l = rest->p - val->p;
	pl_advance(rest, 1);
	return true;
}

static int param_set(struct digest_challenge *ch, const struct pl *name,
		     const struct pl *val)
{
	char **text = NULL;

	if (!pl_strcasecmp(name, "realm"))
		text = &ch->realm;
	else if (!pl_strcasecmp(name, "nonce"))
		text = &ch->nonce;
	else if (!pl_strcasecmp(name, "opaque"))
		text = &ch->opaque;

	if (text) {
		*text = mem_deref(*text);
		return pl_strdup(text, val);
	}

	if (!pl_strcasecmp(name, "stale")) {
		ch->stale = !pl_strcasecmp(val, "true");
	}
	else if (!pl_strcasecmp(name, "algorithm")) {
		ch->alg_told = true;
		return alg_find(&ch->alg, val);
	}
	else if (!pl_strcasecmp(name, "qop")) {
		ch->qop = qop_has_auth(*val);
		return ch->qop ? 0 : ENOTSUP;
	}

	return 0;
}

int digest_challenge_decode(struct digest_challenge **chp,
			    const struct pl *val)
{
	static const char scheme[] = "Digest ";
	const size_t n = sizeof(scheme) - 1;
	struct digest_challenge *ch;
	struct pl rest, name, v;
	int err = 0;

	if (!chp || !val)
		return EINVAL;

	if (val->l < n || strncasecmp(val->p, scheme, n))
		return EBADMSG;

	ch = mem_zalloc(sizeof(*ch), destructor);
	if (!ch)
		return ENOMEM;

	ch->alg = DIGEST_MD5;
	rest = *val;
	pl_advance(&rest, n);
	while (!err && param_next(&rest, &name, &v))
		err = param_set(ch, &name, &v);

	if (!err && (!ch->realm || !ch->nonce))
		err = EBADMSG;

	if (err)
		mem_deref(ch);
	else
		*chp = ch;

	return err;
}

/* Hash of a formatted text, in lower-case hexadecimal. */
static int hash_hex(char *hex, enum digest_alg alg, const char *fmt, ...)
{
	const EVP_MD *md = alg == DIGEST_SHA256	      ? EVP_sha256()
			   : alg == DIGEST_SHA512_256 ? EVP_sha512_256()
						      : EVP_md5();
	uint8_t out[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *text = NULL;
	va_list ap;
	int err;

	va_start(ap, fmt);
	err = re_vsdprintf(&text, fmt, ap);
	va_end(ap);
	if (err)
		return err;

	if (!EVP_Digest(text, str_len(text), out, &len, md, NULL))
		err = ENOSYS;

	mem_deref(text);
	for (unsigned i = 0; !err && i < len; i++)
		re_snprintf(hex + 2 * i, 3, "%02x", out[i]);

	return err;
}

int digest_response(char *hex, const struct digest_challenge *ch,
		    const struct digest_request *r)
{
	char ha1[DIGEST_HEX_MAX + 1], ha2[DIGEST_HEX_MAX + 1];
	int err;

	if (!hex || !ch || !r)
		return EINVAL;

	err = hash_hex(ha1, ch->alg, "%s:%s:%s", r->user, ch->realm,
		       r->password);
	err |= hash_hex(ha2, ch->alg, "%s:%s", r->method, r->uri);
	if (err)
		return err;

	if (!ch->qop)
		return hash_hex(hex, ch->alg, "%s:%s:%s", ha1, ch->nonce, ha2);

	return hash_hex(hex, ch->alg, "%s:%s:%08x:%s:auth:%s", ha1, ch->nonce,
			r->nc, r->cnonce, ha2);
}

int digest_authorization(struct mbuf *mb, const struct digest_challenge *ch,
			 const struct digest_request *r)
{
	char hex[DIGEST_HEX_MAX + 1];
	int err;

	err = digest_response(hex, ch, r);
	if (err)
		return err;

	err = mbuf_printf(mb,
			  "Digest username=\"%s\", realm=\"%s\", "
			  "nonce=\"%s\", uri=\"%s\", response=\"%s\"",
			  r->user, ch->realm, ch->nonce, r->uri, hex);
	if (ch->alg_told)
		err |= mbuf_printf(mb, ", algorithm=%s",
				   digest_alg_name(ch->alg));
	if (ch->opaque)
		err |= mbuf_printf(mb, ", opaque=\"%s\"", ch->opaque);
	if (ch->qop)
		err |= mbuf_printf(mb, ", qop=auth, cnonce=\"%s\", nc=%08x",
				   r->cnonce, r->nc);

	return err;
}

/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "node/sip/sdes.h"

enum {
	TAG_DIGITS = 9,
	SECRET_MAX = MEDIA_SRTP_KEY_MAX + MEDIA_SRTP_SALT_MAX,
	BASE64_MAX = (SECRET_MAX + 2) / 3 * 4,
	WINDOW_MIN = 64, /* RFC 3711 3.3.2 */
};

/* The next word; false: there is none. */
static bool word(struct pl *w, struct pl *rest)
{
	while (rest->l && (*rest->p == ' ' || *rest->p == '\t'))
		pl_advance(rest, 1);

	w->p = rest->p;
	while (rest->l && *rest->p != ' ' && *rest->p != '\t')
		pl_advance(rest, 1);
	w->l = (size_t)(rest->p - w->p);

	return w->l > 0;
}

/* What comes before a character; the rest loses both. False: it is not
 * there, and part is all. */
static bool cut(struct pl *part, struct pl *rest, char at)
{
	const char *p = pl_strchr(rest, at);

	*part = *rest;
	if (!p) {
		pl_advance(rest, (ssize_t)rest->l);
		return false;
	}

	part->l = (size_t)(p - rest->p);
	pl_advance(rest, (ssize_t)part->l + 1);

	return true;
}

static bool number(uint64_t *v, const struct pl *pl, size_t digits)
{
	size_t i;

	if (!pl->l || pl->l > digits)
		return false;

	for (*v = 0, i = 0; i < pl->l; i++) {
		if (pl->p[i] < '0' || pl->p[i] > '9')
			return false;
		*v = *v * 10 + (uint64_t)(pl->p[i] - '0');
	}

	return true;
}

static bool prefix(const struct pl *pl, const char *str)
{
	const size_t n = strlen(str);

	return pl->l >= n && !memcmp(pl->p, str, n);
}

static enum media_srtp_suite suite_of(const struct pl *name)
{
	unsigned i;

	for (i = MEDIA_SRTP_NONE + 1; i < MEDIA_SRTP_COUNT; i++) {
		if (!pl_strcmp(name, media_srtp_name(i)))
			break;
	}

	return i < MEDIA_SRTP_COUNT ? (enum media_srtp_suite)i
				    : MEDIA_SRTP_NONE;
}

/* Base64 of exactly n bytes.  Some leave the "=" away, none may put letters
 * where no bits are. */
static int secret(uint8_t *out, size_t n, struct pl b64)
{
	const size_t letters = (n * 8 + 5) / 6;
	char text[BASE64_MAX + 1];
	size_t i, len = SECRET_MAX + 2;
	uint8_t buf[SECRET_MAX + 2];
	int err = 0;

	while (b64.l > letters && b64.p[b64.l - 1] == '=')
		--b64.l;
	if (b64.l != letters)
		return EBADMSG;

	for (i = 0; i < letters; i++) {
		const char c = b64.p[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		      (c >= '0' && c <= '9') || c == '+' || c == '/'))
			return EBADMSG;
	}

	memcpy(text, b64.p, letters);
	for (i = letters; i % 4; i++)
		text[i] = '=';
	if (base64_decode(text, i, buf, &len) || len != n)
		err = EBADMSG;
	else
		memcpy(out, buf, n);

	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(buf, sizeof(buf));

	return err;
}

/* "2^31" or "65536" */
static bool lifetime(struct pl pl)
{
	uint64_t v;

	if (prefix(&pl, "2^")) {
		pl_advance(&pl, 2);
		return number(&v, &pl, 2) && v <= 48;
	}

	return number(&v, &pl, 15) && v;
}

/* "1:4": the value, and in how many bytes. */
static int mki(struct media_srtp *k, struct pl pl)
{
	struct pl val;
	uint64_t v, len;
	size_t i;

	if (!cut(&val, &pl, ':') || !number(&v, &val, 19) ||
	    !number(&len, &pl, 3) || !len || len > 128)
		return EBADMSG;

	if (len < 8 && v >> (8 * len))
		return EBADMSG;
	if (len > sizeof(k->mki))
		return ENOTSUP;

	k->mki_len = (uint8_t)len;
	for (i = 0; i < len && i < 8; i++)
		k->mki[len - 1 - i] = (uint8_t)(v >> (8 * i));

	return 0;
}

/* "inline:" key and salt, maybe "|" lifetime, maybe "|" MKI. */
static int key(struct media_srtp *k, struct pl pl)
{
	uint8_t both[SECRET_MAX];
	const size_t kl = media_srtp_key_len(k->suite);
	const size_t sl = media_srtp_salt_len(k->suite);
	struct pl part;
	bool more;
	int err;

	if (!prefix(&pl, "inline:"))
		return EBADMSG;
	if (pl_strchr(&pl, ';'))
		return ENOTSUP;

	pl_advance(&pl, 7);
	more = cut(&part, &pl, '|');
	err = secret(both, kl + sl, part);
	if (err)
		return err;

	memcpy(k->key, both, kl);
	memcpy(k->salt, both + kl, sl);
	OPENSSL_cleanse(both, sizeof(both));

	if (!more)
		return 0;

	more = cut(&part, &pl, '|');
	if (lifetime(part))
		return more ? mki(k, pl) : 0;

	return more ? EBADMSG : mki(k, part);
}

static int session_param(const struct pl *par)
{
	struct pl name, val = *par;
	uint64_t v;

	if (*par->p == '-')
		return 0;

	if (!cut(&name, &val, '='))
		return ENOTSUP;

	if (!pl_strcmp(&name, "KDR"))
		return !number(&v, &val, 2) ? EBADMSG : v ? ENOTSUP : 0;
	if (!pl_strcmp(&name, "WSH"))
		return number(&v, &val, 5) && v >= WINDOW_MIN ? 0 : EBADMSG;

	return ENOTSUP;
}

int sdes_read(struct sdes *s, const struct pl *val)
{
	struct pl rest = *val, tag, suite, keys, par;
	struct sdes tmp;
	uint64_t n;
	int err;

	if (!word(&tag, &rest) || !word(&suite, &rest) || !word(&keys, &rest))
		return EBADMSG;

	/* A leading zero would make two tags of one. */
	if (!number(&n, &tag, TAG_DIGITS) || (tag.l > 1 && tag.p[0] == '0'))
		return EBADMSG;

	memset(&tmp, 0, sizeof(tmp));
	tmp.tag = (uint32_t)n;
	tmp.keys.suite = suite_of(&suite);
	if (tmp.keys.suite == MEDIA_SRTP_NONE)
		return ENOTSUP;

	err = key(&tmp.keys, keys);
	while (!err && word(&par, &rest))
		err = session_param(&par);

	if (!err)
		*s = tmp;
	OPENSSL_cleanse(&tmp, sizeof(tmp));

	return err;
}

int sdes_print(struct re_printf *pf, const struct sdes *s)
{
	uint8_t both[SECRET_MAX];
	const size_t kl = media_srtp_key_len(s->keys.suite);
	const size_t sl = media_srtp_salt_len(s->keys.suite);
	int err;

	memcpy(both, s->keys.key, kl);
	memcpy(both + kl, s->keys.salt, sl);
	err = re_hprintf(pf, "%u %s inline:", s->tag,
			 media_srtp_name(s->keys.suite));
	err |= base64_print(pf, both, kl + sl);
	OPENSSL_cleanse(both, sizeof(both));

	return err;
}

int sdes_new(struct media_srtp *keys, enum media_srtp_suite suite)
{
	if (!media_srtp_key_len(suite))
		return EINVAL;

	memset(keys, 0, sizeof(*keys));
	keys->suite = suite;

	return RAND_bytes(keys->key, (int)media_srtp_key_len(suite)) == 1 &&
		       RAND_bytes(keys->salt,
				  (int)media_srtp_salt_len(suite)) == 1
		   ? 0
		   : EIO;
}

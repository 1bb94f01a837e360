/* SPDX-License-Identifier: MIT */
/*
 * Apart from config_read.c, since libre's headers (digest.h) and jansson's
 * (json.h) cannot be in one file.
 */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/config_secret.h"
#include "proto/config_turn.h"
#include "proto/digest.h"
#include "proto/seal.h"

enum { CONTEXT_MAX = 80 };

static void wipe(char *s)
{
	if (s && s[0]) /* "" may be the shared empty string, read-only */
		explicit_bzero(s, strlen(s));
}

void config_secret_wipe(Sy__Config *conf)
{
	size_t i;

	for (i = 0; i < conf->n_devices; i++)
		wipe(conf->devices[i]->password);
	for (i = 0; i < conf->n_trunks; i++)
		wipe(conf->trunks[i]->password);
	config_turn_wipe(conf->settings);
}

static void lower(char *s)
{
	for (; s && *s; s++) {
		if (isupper((unsigned char)*s))
			*s = (char)tolower((unsigned char)*s);
	}
}

/* Replace a string of a message that was unpacked or read. */
static int replace(char **sp, const char *str)
{
	char *copy = strdup(str);

	if (!copy)
		return ENOMEM;
	if (*sp != protobuf_c_empty_string)
		free(*sp);
	*sp = copy;

	return 0;
}

static int make_ha1(Sy__Device *d, const char *realm)
{
	char hex[DIGEST_HEX_MAX + 1];
	int err;

	if (!d->password[0]) {
		lower(d->ha1_md5);
		lower(d->ha1_sha256);
		return 0;
	}

	err = digest_ha1(hex, DIGEST_MD5, d->id, realm, d->password);
	if (!err)
		err = replace(&d->ha1_md5, hex);
	if (!err)
		err = digest_ha1(hex, DIGEST_SHA256, d->id, realm,
				 d->password);
	if (!err)
		err = replace(&d->ha1_sha256, hex);
	explicit_bzero(hex, sizeof(hex));

	/* Wiped, it is empty: no one packs a trace of it. */
	wipe(d->password);

	return err;
}

int config_secret_hash(Sy__Config *conf)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < conf->n_devices; i++)
		err = make_ha1(conf->devices[i], conf->settings->realm);
	for (i = 0; i < conf->n_tokens; i++)
		lower(conf->tokens[i]->hash);

	return err;
}

/* ----------------------------------------------------------------- trunks */

/* A sealed password opens for the trunk that it was sealed for alone. */
static int print_context(char *buf, size_t size, const Sy__Trunk *t)
{
	return re_snprintf(buf, size, "trunk:%s", t->id) < 0 ? EINVAL : 0;
}

static int seal(Sy__Trunk *t, const struct token_key *key)
{
	const size_t len = strlen(t->password);
	char context[CONTEXT_MAX];
	uint8_t *sealed;
	int err;

	sealed = malloc(len + SEAL_EXTRA_BYTES);
	if (!sealed)
		return ENOMEM;

	err = print_context(context, sizeof(context), t);
	if (!err)
		err = seal_close(sealed, key, context, t->password, len);
	if (err) {
		free(sealed);
		return err;
	}
	free(t->password_sealed.data);
	t->password_sealed.data = sealed;
	t->password_sealed.len = len + SEAL_EXTRA_BYTES;
	wipe(t->password);

	return 0;
}

int config_secret_seal(Sy__Config *conf, const struct token_key *key)
{
	size_t i;
	int err = 0;

	for (i = 0; !err && i < conf->n_trunks; i++) {
		if (conf->trunks[i]->password[0])
			err = seal(conf->trunks[i], key);
	}
	if (!err)
		err = config_turn_seal(conf->settings, key);

	return err;
}

int config_secret_trunk(char *str, const struct token_key *key,
			const Sy__Trunk *trunk)
{
	char context[CONTEXT_MAX];

	if (!trunk || print_context(context, sizeof(context), trunk))
		return EINVAL;
	if (!trunk->password_sealed.len)
		return ENOENT;

	return seal_open(str, CONFIG_PASSWORD_MAX + 1, key, context,
			 trunk->password_sealed.data,
			 trunk->password_sealed.len);
}

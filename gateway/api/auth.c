/* SPDX-License-Identifier: MIT */
/* Tokens: see auth.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "gateway/api/auth.h"

enum { TOKEN_MAX_LEN = 512 };

static int hash(uint8_t md[AUTH_HASH_BYTES], const char *str)
{
	unsigned len = AUTH_HASH_BYTES;

	return EVP_Digest(str, strlen(str), md, &len, EVP_sha256(), NULL) == 1
		? 0 : ENOMEM;
}

int auth_init(struct auth *au, const char *admin_token)
{
	*au = (struct auth){0};
	if (!admin_token || !*admin_token)
		return 0;

	au->has_admin = true;

	return hash(au->admin, admin_token);
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hash(uint8_t md[AUTH_HASH_BYTES], const char *str)
{
	if (strlen(str) != AUTH_HASH_BYTES * 2)
		return false;

	for (size_t i = 0; i < AUTH_HASH_BYTES; i++) {
		int hi = nibble(str[2 * i]), lo = nibble(str[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		md[i] = (uint8_t)(hi << 4 | lo);
	}

	return true;
}

static bool is_equal(const uint8_t *a, const uint8_t *b)
{
	return !CRYPTO_memcmp(a, b, AUTH_HASH_BYTES);
}

static const Sy__ApiToken *find(const Sy__Config *conf, const uint8_t *md)
{
	const Sy__ApiToken *found = NULL;

	for (size_t i = 0; conf && i < conf->n_tokens; i++) {
		uint8_t have[AUTH_HASH_BYTES];

		if (read_hash(have, conf->tokens[i]->hash) &&
		    is_equal(have, md))
			found = conf->tokens[i];
	}

	return found;
}

static bool has_scope(const Sy__ApiToken *tok, const char *scope)
{
	for (size_t i = 0; i < tok->n_scopes; i++) {
		if (!strcmp(tok->scopes[i], "*") ||
		    !strcmp(tok->scopes[i], scope))
			return true;
	}

	return false;
}

enum auth_out auth_check(const struct auth *au, const Sy__Config *conf,
			 const char *header, const char *scope,
			 char id[AUTH_ID_SIZE])
{
	uint8_t md[AUTH_HASH_BYTES];
	const Sy__ApiToken *tok;
	bool admin;

	id[0] = '\0';
	if (!header || strncasecmp(header, "Bearer ", 7))
		return AUTH_MISSING;

	header += 7;
	header += strspn(header, " ");
	if (!*header)
		return AUTH_MISSING;
	if (strlen(header) > TOKEN_MAX_LEN || hash(md, header))
		return AUTH_UNKNOWN;

	admin = au->has_admin && is_equal(au->admin, md);
	tok = find(conf, md);
	if (admin) {
		(void)snprintf(id, AUTH_ID_SIZE, "admin");
		return AUTH_OK;
	}
	if (!tok)
		return AUTH_UNKNOWN;

	(void)snprintf(id, AUTH_ID_SIZE, "%s", tok->id);

	return has_scope(tok, scope) ? AUTH_OK : AUTH_DENIED;
}

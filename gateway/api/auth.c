/* SPDX-License-Identifier: MIT */
/* Credentials: see auth.h. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "gateway/account/account.h"
#include "gateway/api/auth_impl.h"
#include "gateway/http/request.h"
#include "proto/scope.h"

enum { TOKEN_MAX_LEN = 512 };

static int hash(uint8_t md[AUTH_HASH_BYTES], const char *str)
{
	unsigned len = AUTH_HASH_BYTES;

	return EVP_Digest(str, strlen(str), md, &len, EVP_sha256(), NULL) == 1
		? 0 : ENOMEM;
}

int auth_init(struct auth *au, auth_config_h *confh, void *arg,
	      const char *admin_token)
{
	*au = (struct auth){.confh = confh, .arg = arg};
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

static const Sy__ApiToken *find(Sy__ApiToken *const *v, size_t n,
				const uint8_t *md)
{
	const Sy__ApiToken *found = NULL;

	for (size_t i = 0; i < n; i++) {
		uint8_t have[AUTH_HASH_BYTES];

		if (read_hash(have, v[i]->hash) && is_equal(have, md))
			found = v[i];
	}

	return found;
}

static const Sy__ApiToken *find_id(Sy__ApiToken *const *v, size_t n,
				   const char *id)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(v[i]->id, id))
			return v[i];
	}

	return NULL;
}

/* A token of the configuration. @return false: it is over. */
static bool set_token(struct principal *who, const Sy__ApiToken *tok)
{
	const uint64_t end = timestamp_ms(tok->expires_at);

	principal_init(who, PRINCIPAL_NONE, "");
	if (end && end <= timestamp_now_ms())
		return false;

	principal_init(who, PRINCIPAL_TOKEN, tok->id);
	who->scopes = scope_bits(tok->scopes, tok->n_scopes);
	who->expires_ms = end;
	who->per_s = tok->rate_limit;
	(void)snprintf(who->device, sizeof(who->device), "%s", tok->device);

	return true;
}

/* Whatever matches, all are looked at. */
static enum auth_out find_token(struct auth *au, struct principal *who,
				const uint8_t *md)
{
	const Sy__Config *conf = au->confh(au->arg);
	const Sy__ApiToken *tok = NULL, *made = NULL;

	if (conf)
		tok = find(conf->tokens, conf->n_tokens, md);
	if (au->acct)
		made = account_token(au->acct, md);
	if (au->has_admin && is_equal(au->admin, md)) {
		principal_init(who, PRINCIPAL_ADMIN, "admin");
		who->scopes = SCOPE_ALL;
	}
	else if (tok) {
		return set_token(who, tok) ? AUTH_OK : AUTH_UNKNOWN;
	}
	else if (made) {
		return account_token_principal(au->acct, who, made)
			       ? AUTH_OK
			       : AUTH_UNKNOWN;
	}

	return who->kind == PRINCIPAL_NONE ? AUTH_UNKNOWN : AUTH_OK;
}

enum auth_out auth_token(struct auth *au, const char *token,
			 struct principal *who, struct auth_ask **askp,
			 auth_h *h, void *arg)
{
	uint8_t md[AUTH_HASH_BYTES];

	principal_init(who, PRINCIPAL_NONE, "");
	if (!token || !*token)
		return AUTH_MISSING;
	if (strlen(token) > TOKEN_MAX_LEN)
		return AUTH_UNKNOWN;
	if (au->acct && account_is_pass(token))
		return auth_ticket(au, token + strlen(ACCOUNT_TOKEN_LEAD),
				   AUTH_PASS, who, askp, h, arg);
	if (hash(md, token))
		return AUTH_UNKNOWN;

	return find_token(au, who, md);
}

static bool is_bearer(const char *header)
{
	return header && !strncasecmp(header, "Bearer ", 7);
}

enum auth_out auth_request(struct auth *au, const struct web_req *req,
			   struct principal *who, struct auth_ask **askp,
			   auth_h *h, void *arg)
{
	const char *header = web_header(req, "authorization");
	char text[TICKET_TEXT_SIZE];

	principal_init(who, PRINCIPAL_NONE, "");
	if (is_bearer(header)) {
		header += 7;
		return auth_token(au, header + strspn(header, " "), who, askp,
				  h, arg);
	}
	if (header || !au->acct || !auth_cookie(req, text, sizeof(text)))
		return AUTH_MISSING;

	return auth_ticket(au, text, auth_is_sent_by_us(req, text)
			   ? AUTH_LOGIN : AUTH_LOGIN_CSRF, who, askp, h, arg);
}

bool auth_valid(struct auth *au, struct principal *who)
{
	const Sy__Config *conf = au->confh(au->arg);
	const Sy__ApiToken *tok;

	if (who->kind == PRINCIPAL_ADMIN)
		return au->has_admin;
	if (*who->ticket)
		return au->acct && auth_ticket_valid(au, who);
	if (who->kind != PRINCIPAL_TOKEN)
		return false;

	tok = conf ? find_id(conf->tokens, conf->n_tokens, who->name) : NULL;
	if (tok)
		return set_token(who, tok);
	tok = au->acct ? account_token_by_id(au->acct, who->name) : NULL;

	return tok && account_token_principal(au->acct, who, tok);
}

const char *auth_text(enum auth_out out)
{
	switch (out) {
	case AUTH_MISSING:
		return "send a token: Authorization: Bearer <token>";
	case AUTH_UNKNOWN:
		return "the token or session is not known, or has ended";
	case AUTH_CSRF:
		return "a session's cookie alone does not allow this: send "
		       "its csrfToken as X-CSRF-Token, from a page of this "
		       "site";
	case AUTH_AWAY:
		return "Redis does not answer, so it cannot be seen who asks";
	default:
		return "";
	}
}

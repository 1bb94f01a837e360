/* SPDX-License-Identifier: MIT */
/*
 * The account of a trunk that is tried out: a REGISTER without Contact, which
 * changes nothing, but must be authorized like any other.
 */

#include <errno.h>
#include <string.h>
#include "proto/config_secret.h"
#include "proto/random.h"
#include "router/core.h"
#include "router/trial_impl.h"
#include "router/trunk_reg_impl.h"

enum { ROUNDS_MAX = 3, VALUES_MAX = 8 };

static const char *user_of(const Sy__Trunk *t)
{
	return t->registration->user[0] ? t->registration->user : t->username;
}

static const char *hop_of(const Sy__Trunk *t)
{
	return t->proxy[0] ? t->proxy : t->registration->registrar;
}

static int domain_of(char *buf, size_t size, const Sy__Trunk *t)
{
	const char *text = t->registration->registrar;

	return re_snprintf(buf, size, "%b", text, strcspn(text, ";")) < 0
		       ? EINVAL
		       : 0;
}

/* @param password  CONFIG_PASSWORD_MAX + 1 bytes */
static struct digest_credentials credentials(const struct trial *t,
					     char *password)
{
	struct digest_credentials cred = {.user = t->conf->username};

	if (!config_secret_trunk(password, t->w->router->key, t->conf))
		cred.password = password;

	return cred;
}

/* ------------------------------------------------------------------- judge */

#define WRONG "check user name and password: the registrar refuses them"

static void refused(struct trial *t, uint16_t code)
{
	if (code == 403)
		trial_done(t, false, WRONG ", or the account is locked", NULL,
			   "the registrar answers 403: it refuses %s",
			   user_of(t->conf));
	else if (code == 404)
		trial_done(t, false, "check the user and the registrar: it "
			   "does not serve this account", NULL,
			   "the registrar answers 404: it does not know %s",
			   user_of(t->conf));
	else
		trial_done(t, false, "ask the carrier", NULL,
			   "the registrar answers REGISTER with %u", code);
}

static void unheard(struct trial *t)
{
	trial_done(t, false, "check registrar, port and transport", NULL,
		   "the registrar %s does not answer REGISTER", hop_of(t->conf));
}

static void send_register(struct trial *t);

/* @return true: it is sent once more */
static bool challenged(struct trial *t, uint16_t code, const struct view *v)
{
	char password[CONFIG_PASSWORD_MAX + 1] = "";
	const struct digest_credentials cred = credentials(t, password);
	uint8_t cnonce[DIGEST_CNONCE_BYTES];
	struct pl valv[VALUES_MAX];
	size_t n;
	int err;

	if (!cred.password) {
		trial_done(t, false, "set username and password", NULL,
			   "the registrar wants a password");
		return false;
	}
	random_bytes(cnonce, sizeof(cnonce));
	n = trunk_reg_values(valv, VALUES_MAX, v,
			     code == 401 ? "WWW-Authenticate"
					 : "Proxy-Authenticate");
	err = digest_client_challenge(t->digest, code, valv, n, &cred, cnonce);
	explicit_bzero(password, sizeof(password));
	if (!err && ++t->rounds <= ROUNDS_MAX)
		return true;
	if (!err || err == EACCES)
		trial_done(t, false, WRONG, NULL,
			   "the registrar answers %u: user name or password "
			   "is wrong", code);
	else
		trial_done(t, false, "ask the carrier for digest by MD5 or "
			   "SHA-256", NULL,
			   "the registrar's challenge cannot be answered");

	return false;
}

static void on_register(uint16_t code, const struct view *v, void *arg)
{
	struct trial *t = arg;

	t->uac = mem_deref(t->uac);
	if (!v) {
		unheard(t);
	} else if (code / 100 == 2) {
		trial_done(t, true, "", NULL, "the registrar takes %s%s",
			   user_of(t->conf),
			   t->rounds ? "" : ", and asks for no password");
	} else if (code == 401 || code == 407) {
		if (challenged(t, code, v))
			send_register(t);
	} else {
		refused(t, code);
	}
}

/* -------------------------------------------------------------------- send */

static int print_headers(struct mbuf *mb, struct trial *t, const char *uri)
{
	char password[CONFIG_PASSWORD_MAX + 1] = "";
	const struct digest_credentials cred = credentials(t, password);
	int err = 0;

	if (t->conf->proxy[0])
		err = mbuf_printf(mb, "Route: <sip:%s;lr>\r\n",
				  t->conf->proxy);
	err |= mbuf_printf(mb, "User-Agent: Switchyard/" SY_VERSION "\r\n");
	if (digest_client_has(t->digest))
		err |= digest_client_print(mb, t->digest, &cred, "REGISTER",
					   uri, NULL);
	explicit_bzero(password, sizeof(password));

	return err | mbuf_write_u8(mb, 0);
}

static int send_to(struct trial *t, const char *domain)
{
	char uri[300], from[400], to[400];
	struct uac_request r = {.method = "REGISTER",
				.uri = uri,
				.from = from,
				.to = to,
				.call_id = t->call_id,
				.timeout_ms = TRIAL_REGISTER_MS};
	struct mbuf *mb = mbuf_alloc(512);
	struct flow f;
	int err;

	if (!mb)
		return ENOMEM;
	(void)re_snprintf(uri, sizeof(uri), "sip:%s", domain);
	(void)re_snprintf(to, sizeof(to), "<sip:%s@%s>", user_of(t->conf),
			  domain);
	(void)re_snprintf(from, sizeof(from), "%s;tag=%s", to, t->tag);
	err = print_headers(mb, t, uri);
	if (!err)
		err = trunk_where_flow(&t->reg_at, 0, &f);
	r.headers = (const char *)mb->buf;
	r.cseq = ++t->cseq;
	r.to_flow = &f;
	if (!err)
		err = uac_send(&t->uac, t->w->uacs, &r, on_register, t);
	mem_deref(mb);

	return err;
}

static void send_register(struct trial *t)
{
	char domain[256];

	if (domain_of(domain, sizeof(domain), t->conf) || send_to(t, domain))
		unheard(t);
}

static void on_located(void *arg)
{
	struct trial *t = arg;

	if (t->reg_at.found.n)
		send_register(t);
	else
		trial_done(t, false, "check how it is written", NULL,
			   "there is no host of the name %s", t->reg_at.text);
}

void trial_register(struct trial *t)
{
	uint8_t id[16], tag[8];
	int err;

	trial_begin(t, "register");
	random_bytes(id, sizeof(id));
	random_bytes(tag, sizeof(tag));
	(void)re_snprintf(t->call_id, sizeof(t->call_id), "%w", id,
			  sizeof(id));
	(void)re_snprintf(t->tag, sizeof(t->tag), "%w", tag, sizeof(tag));
	err = digest_client_alloc(&t->digest);
	if (!err)
		err = trunk_where_init(&t->reg_at, t->w, hop_of(t->conf));
	if (err)
		trial_done(t, false, "", NULL, "%m", err);
	else if (trunk_where_find(&t->reg_at, on_located, t) != EINPROGRESS)
		on_located(t);
}

/* SPDX-License-Identifier: MIT */
/* Accounts put together, and the first of them: see account.h. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/account/account.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/random.h"
#include "proto/scope.h"

enum {
	RETRY_MS = 1000,
	SKEW_MS = 60 * 1000,   /* between the clocks of gateways          */
};

static void make_first(struct account *acct);

static void on_retry(void *arg)
{
	struct account *acct = arg;

	acct->retry = mem_deref(acct->retry);
	acct->tried = false;
	make_first(acct);
}

static void on_made(int err, void *arg)
{
	struct account *acct = arg;

	acct->making = false;
	if (!err)
		log_info("the first user was made", LOG_S("user",
							  ACCOUNT_ADMIN));
	else if (err != ENOSPC && err != EEXIST)
		log_warn("the first user could not be made yet", LOG_E(err));
	/* Another gateway was faster: the directory will show it. */
	make_first(acct);
}

static void on_hashed(int err, const char *encoded, void *arg)
{
	struct account *acct = arg;
	Sy__UserRecord user = SY__USER_RECORD__INIT;
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	const struct directory_put put = {
		.section = DIRECTORY_USERS,
		.id = ACCOUNT_ADMIN,
		.msg = &user.base,
		.first = true,
	};

	timestamp_set_ms(&at, timestamp_now_ms());
	user.id = user.display_name = (char *)ACCOUNT_ADMIN;
	user.role = SY__USER_ROLE__ADMIN;
	user.password = (char *)(uintptr_t)encoded;
	user.created_at = &at;
	user.epoch = account_epoch(0);
	if (!err)
		err = directory_put(acct->directory, &put, on_made, acct);
	if (err)
		on_made(err, acct);
}

/* Where there is no user at all, and nobody who remembers any. */
static void make_first(struct account *acct)
{
	if (!acct->admin_password || acct->making ||
	    !directory_is_loaded(acct->directory))
		return;
	if (!directory_is_empty(acct->directory)) {
		acct->admin_password = mem_deref(acct->admin_password);
		return;
	}
	if (acct->retry)
		return;
	if (!acct->tried)
		acct->making = !password_make(acct->passwords,
					      acct->admin_password, on_hashed,
					      acct);
	acct->tried = true;
	if (!acct->making)
		(void)loop_timer_start(&acct->retry, acct->loop, RETRY_MS,
				       on_retry, acct);
}

bool account_is_ready(const struct account *acct)
{
	return directory_is_loaded(acct->directory) && !acct->admin_password;
}

static void on_changed(void *arg)
{
	make_first(arg);
}

static void on_ended(const char *ticket, void *arg)
{
	struct account *acct = arg;

	ticket_ended(acct->tickets, ticket);
}

static void on_lost(void *arg)
{
	struct account *acct = arg;

	tickets_give(acct->tickets);
}

static void destructor(void *arg)
{
	struct account *acct = arg;

	mem_deref(acct->retry);
	mem_deref(acct->passwords);
	mem_deref(acct->directory);
	mem_deref(acct->tickets);
	mem_deref(acct->admin_password);
}

int account_alloc(struct account **ap, const struct account_conf *conf)
{
	struct account *acct;
	struct directory_conf dconf = {
		.loop = conf->loop,
		.bus = conf->bus,
		.changedh = on_changed,
		.endedh = on_ended,
		.losth = on_lost,
	};
	int err;

	acct = mem_zalloc(sizeof(*acct), destructor);
	if (!acct)
		return ENOMEM;

	acct->bus = conf->bus;
	acct->loop = conf->loop;
	dconf.arg = acct;
	err = password_pool_alloc(&acct->passwords, conf->uv);
	if (!err)
		err = directory_alloc(&acct->directory, &dconf);
	if (!err)
		err = tickets_alloc(&acct->tickets, conf->bus,
				    acct->directory);
	if (!err && conf->admin_password && *conf->admin_password)
		err = str_dup(&acct->admin_password, conf->admin_password);
	if (err)
		mem_deref(acct);
	else
		*ap = acct;

	return err;
}

uint32_t account_epoch(uint32_t old)
{
	uint32_t epoch;

	do {
		random_bytes(&epoch, sizeof(epoch));
	} while (epoch == old);

	return epoch;
}

/* -------------------------------------------------------------------- roles */

uint64_t role_scopes(Sy__UserRole role)
{
	static const char *const operatorv[] = {
		"calls:read",	      "calls:write",   "config:read",
		"devices:read",	      "devices:write", "events:read",
		"guard:read",	      "guard:write",   "nodes:read",
		"nodes:write",	      "phone",	       "registrations:read",
		"webhooks:read",
	};

	switch (role) {
	case SY__USER_ROLE__ADMIN:
		return SCOPE_ALL;
	case SY__USER_ROLE__OPERATOR:
		return scope_bits((char *const *)(uintptr_t)operatorv,
				  ARRAY_SIZE(operatorv));
	case SY__USER_ROLE__AGENT:
		return scope_bit("phone");
	default:
		return 0;
	}
}

bool account_login_principal(const struct account *acct, struct principal *p,
			     const Sy__Ticket *tk)
{
	const Sy__UserRecord *user = directory_user(acct->directory, tk->user);

	principal_init(p, PRINCIPAL_NONE, "");
	if (!user || user->disabled || user->epoch != tk->epoch)
		return false;

	principal_init(p, PRINCIPAL_SESSION, user->id);
	p->scopes = role_scopes(user->role);
	p->expires_ms = timestamp_ms(tk->expires_at);
	str_ncpy(p->device, user->device, sizeof(p->device));
	str_ncpy(p->ticket, tk->id, sizeof(p->ticket));

	return true;
}

bool account_is_pass(const char *token)
{
	const size_t lead = strlen(ACCOUNT_TOKEN_LEAD);

	return !strncmp(token, ACCOUNT_TOKEN_LEAD, lead) &&
	       strlen(token) == lead + TICKET_TEXT_SIZE - 1 &&
	       token[lead + ULID_LEN] == '.';
}

const Sy__ApiToken *account_token(struct account *acct,
				  const uint8_t hash[32])
{
	const Sy__ApiToken *tok = directory_token(acct->directory, hash);
	char key[PRINCIPAL_ID_SIZE];

	if (tok && directory_token_used(acct->directory, hash)) {
		(void)re_snprintf(key, sizeof(key), "token:%s", tok->id);
		account_seen(acct, key);
	}

	return tok;
}

const Sy__ApiToken *account_token_by_id(const struct account *acct,
					const char *id)
{
	const struct directory_entry *e =
		directory_find(acct->directory, DIRECTORY_TOKENS, id);

	return e ? (const Sy__ApiToken *)e->msg : NULL;
}

#define USER_LEAD "user:"

/* What a user made may no more than he may himself now, and nothing once he is
 * gone or locked out.  One of the same name who came later is another.
 * @param by  Who made it: "user:jo", or no user. */
static uint64_t maker_scopes(const struct account *acct, const char *by,
			     const Google__Protobuf__Timestamp *at)
{
	const size_t lead = strlen(USER_LEAD);
	const Sy__UserRecord *user;

	if (strncmp(by, USER_LEAD, lead) != 0)
		return SCOPE_ALL;
	user = directory_user(acct->directory, by + lead);
	if (!user || user->disabled ||
	    timestamp_ms(user->created_at) > timestamp_ms(at) + SKEW_MS)
		return 0;

	return role_scopes(user->role);
}

/* What a user's token makes is made by him: it ends with him, whatever comes
 * of that token. */
static void set_maker(struct principal *p, const char *by)
{
	if (!strncmp(by, USER_LEAD, strlen(USER_LEAD)))
		str_ncpy(p->maker, by, sizeof(p->maker));
}

bool account_token_principal(const struct account *acct, struct principal *p,
			     const Sy__ApiToken *tok)
{
	const uint64_t end = timestamp_ms(tok->expires_at);
	const uint64_t most = maker_scopes(acct, tok->created_by,
					   tok->created_at);

	principal_init(p, PRINCIPAL_NONE, "");
	if (!most || (end && end <= timestamp_now_ms()))
		return false;

	principal_init(p, PRINCIPAL_TOKEN, tok->id);
	p->scopes = scope_bits(tok->scopes, tok->n_scopes) & most;
	p->expires_ms = end;
	p->per_s = tok->rate_limit;
	set_maker(p, tok->created_by);
	str_ncpy(p->device, tok->device, sizeof(p->device));

	return true;
}

bool account_pass_principal(const struct account *acct, struct principal *p,
			    const Sy__Ticket *tk)
{
	const uint64_t most = maker_scopes(acct, tk->created_by,
					   tk->created_at);

	principal_init(p, PRINCIPAL_NONE, "");
	if (!most)
		return false;

	principal_init(p, PRINCIPAL_TOKEN, tk->id);
	p->scopes = scope_bits(tk->scopes, tk->n_scopes) & most;
	set_maker(p, tk->created_by);
	p->expires_ms = timestamp_ms(tk->expires_at);
	str_ncpy(p->device, tk->device, sizeof(p->device));
	str_ncpy(p->ticket, tk->id, sizeof(p->ticket));

	return true;
}

void account_seen(struct account *acct, const char *key)
{
	(void)redis_command(bus_redis(acct->bus), 0, NULL, NULL,
			    "HSET " ACCOUNT_KEY_SEEN " %s %llu", key,
			    (unsigned long long)timestamp_now_ms());
}

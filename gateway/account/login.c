/* SPDX-License-Identifier: MIT */
/*
 * Logging in:
 *
 *   try counted -> password checked -> ticket written -> answered
 *
 * A user that is not there takes the same way, and as long.
 */

#include <errno.h>
#include <string.h>
#include <openssl/evp.h>
#include <re.h>

#include "gateway/account/account.h"
#include "gateway/account/backoff.h"
#include "proto/log.h"

enum { PEER_SIZE = 64, AGENT_SIZE = 128 };

struct login {
	struct account *acct;   /* borrowed: it and what calls us go together */
	login_h *h;
	void *arg;
	char *user, *password;
	char peer[PEER_SIZE], agent[AGENT_SIZE];
	char id[ULID_LEN + 1];
	char secret[TICKET_SECRET_LEN + 1];
	uint8_t hash[32];
	uint32_t epoch;
	uint64_t made_ms;
};

static void destructor(void *arg)
{
	struct login *l = arg;

	if (l->password)
		explicit_bzero(l->password, strlen(l->password));
	explicit_bzero(l->secret, sizeof(l->secret));
	mem_deref(l->password);
	mem_deref(l->user);
}

static int login_alloc(struct login **lp, struct account *acct,
		       const char *user, const struct login_from *from,
		       login_h *h, void *arg)
{
	struct login *l = mem_zalloc(sizeof(*l), destructor);
	int err;

	if (!l)
		return ENOMEM;
	l->acct = acct;
	l->h = h;
	l->arg = arg;
	str_ncpy(l->peer, from->peer, sizeof(l->peer));
	if (from->user_agent)
		str_ncpy(l->agent, from->user_agent, sizeof(l->agent));
	err = str_dup(&l->user, user);
	if (err)
		mem_deref(l);
	else
		*lp = l;

	return err;
}

static void answer(struct login *l, enum login_out out, uint64_t wait_ms)
{
	const struct login_result res = {.out = out, .wait_ms = wait_ms};

	l->h(&res, l->arg);
	mem_deref(l);
}

/* ------------------------------------------------------------------- ticket */

static void fill(const struct login *l, Sy__Ticket *tk,
		 Google__Protobuf__Timestamp at[2])
{
	google__protobuf__timestamp__init(&at[0]);
	google__protobuf__timestamp__init(&at[1]);
	timestamp_set_ms(&at[0], l->made_ms);
	timestamp_set_ms(&at[1], l->made_ms + TICKET_LIFE_S * 1000ull);
	sy__ticket__init(tk);
	tk->id = (char *)(uintptr_t)l->id;
	tk->hash.data = (uint8_t *)(uintptr_t)l->hash;
	tk->hash.len = sizeof(l->hash);
	tk->user = l->user;
	tk->epoch = l->epoch;
	tk->created_at = tk->seen_at = &at[0];
	tk->expires_at = &at[1];
	tk->peer = (char *)(uintptr_t)l->peer;
	tk->user_agent = (char *)(uintptr_t)l->agent;
}

static void on_put(int err, char *const *endv, size_t endc, void *arg)
{
	struct login *l = arg;
	Google__Protobuf__Timestamp at[2];
	Sy__Ticket tk;
	const struct login_result res = {
		.out = LOGIN_OK,
		.ticket = &tk,
		.secret = l->secret,
	};

	if (err) {
		answer(l, err == ENOSPC ? LOGIN_BUSY : LOGIN_AWAY, 0);
		return;
	}
	if (endc)
		directory_end(l->acct->directory, endv, endc);
	fill(l, &tk, at);
	l->h(&res, l->arg);
	mem_deref(l);
}

static int open_ticket(struct login *l, const Sy__UserRecord *user)
{
	Google__Protobuf__Timestamp at[2];
	Sy__Ticket tk;

	ulid_make(l->id);
	ticket_secret(l->secret);
	if (ticket_hash(l->hash, l->secret))
		return ENOMEM;
	l->epoch = user->epoch;
	l->made_ms = timestamp_now_ms();
	fill(l, &tk, at);

	return ticket_put(l->acct->tickets, &tk, on_put, l);
}

int login_open(struct account *acct, const Sy__UserRecord *user,
	       const struct login_from *from, login_h *h, void *arg)
{
	struct login *l;
	int err;

	err = login_alloc(&l, acct, user->id, from, h, arg);
	if (err)
		return err;
	err = open_ticket(l, user);
	if (err)
		mem_deref(l);

	return err;
}

/* ----------------------------------------------------------------- password */

static void on_checked(int err, const char *encoded, void *arg)
{
	struct login *l = arg;
	const Sy__UserRecord *user;
	(void)encoded;

	user = directory_user(l->acct->directory, l->user);
	if (err || !user) {
		log_warn("login failed", LOG_S("user", l->user),
			 LOG_S("peer", l->peer));
		answer(l, err == ENOMEM ? LOGIN_BUSY : LOGIN_WRONG, 0);
		return;
	}

	(void)backoff_forget(bus_redis(l->acct->bus), l->user, l->peer);
	if (user->disabled)
		answer(l, LOGIN_DISABLED, 0);
	else if (open_ticket(l, user))
		answer(l, LOGIN_AWAY, 0);
}

static void on_try(int err, uint64_t wait_ms, void *arg)
{
	struct login *l = arg;
	const Sy__UserRecord *user;

	if (err || wait_ms) {
		answer(l, err ? LOGIN_AWAY : LOGIN_WAIT, wait_ms);
		return;
	}
	user = directory_user(l->acct->directory, l->user);
	if (password_check(l->acct->passwords, user ? user->password : NULL,
			   l->password, on_checked, l))
		answer(l, LOGIN_BUSY, 0);
}

int login_password(struct account *acct, const char *user,
		   const char *password, const struct login_from *from,
		   login_h *h, void *arg)
{
	struct login *l;
	int err;

	err = login_alloc(&l, acct, user, from, h, arg);
	if (err)
		return err;
	err = str_dup(&l->password, password);
	if (!err)
		err = backoff_try(bus_redis(acct->bus), user, from->peer,
				  on_try, l);
	if (err)
		mem_deref(l);

	return err;
}

/* Everybody who has the cookie can make it; no page of another site has. */
void login_csrf(char csrf[33], const char *secret)
{
	uint8_t md[EVP_MAX_MD_SIZE] = {0};
	char text[8 + TICKET_SECRET_LEN + 1];

	(void)re_snprintf(text, sizeof(text), "csrf.%s", secret);
	(void)ticket_hash(md, text);
	(void)re_snprintf(csrf, 33, "%w", md, (size_t)16);
}

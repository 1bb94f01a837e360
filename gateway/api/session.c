/* SPDX-License-Identifier: MIT */
/* /api/session: log in, who am I, log out, another password. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <re.h>

#include "gateway/account/account.h"
#include "gateway/account/backoff.h"
#include "gateway/api/account.h"
#include "proto/log.h"
#include "proto/scope.h"

enum { SCOPES_MAX = 64, BUSY_S = 2 };

/* ------------------------------------------------------------------- answer */

/* @param secret  NULL: it is a token. */
static void reply(struct api_req *a, unsigned status,
		  const struct principal *who, const char *secret)
{
	const bool login = who->kind == PRINCIPAL_SESSION;
	const Sy__UserRecord *user = login ?
		directory_user(a->api->account->directory, who->name) : NULL;
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Session s = SY__SESSION__INIT;
	const char *scopev[SCOPES_MAX];
	char csrf[33] = "";

	if (secret)
		login_csrf(csrf, secret);
	s.id = (char *)(uintptr_t)who->ticket;
	s.user = login ? (char *)(uintptr_t)who->name : (char *)"";
	s.display_name = user ? user->display_name
			      : (char *)(uintptr_t)who->name;
	s.role = user ? user->role : SY__USER_ROLE__ROLE_UNKNOWN;
	s.scopes = (char **)(uintptr_t)scopev;
	s.n_scopes = scope_list(scopev, who->scopes);
	s.device = (char *)(uintptr_t)who->device;
	s.csrf_token = csrf;
	if (who->expires_ms) {
		timestamp_set_ms(&at, who->expires_ms);
		s.expires_at = &at;
	}
	a->web->res.plain = true; /* it has the CSRF token */
	api_reply(a, status, &s.base);
}

static void set_cookie(struct api_req *a, const char *text, unsigned age_s)
{
	(void)web_head(a->web, "set-cookie",
		       "%s=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Strict%s",
		       auth_cookie_name(a->web), text, age_s,
		       a->web->tls ? "; Secure" : "");
}

void api_session_get(struct api_req *a)
{
	char text[TICKET_TEXT_SIZE];

	if (a->who.kind == PRINCIPAL_SESSION &&
	    auth_cookie(a->web, text, sizeof(text)))
		reply(a, 200, &a->who, text + ULID_LEN + 1);
	else
		reply(a, 200, &a->who, NULL);
}

/* ------------------------------------------------------------------- log in */

static void welcome(struct api_req *a, const struct login_result *res)
{
	struct account *acct = a->api->account;
	char text[TICKET_TEXT_SIZE], key[PRINCIPAL_ID_SIZE];
	struct principal who;

	if (!account_login_principal(acct, &who, res->ticket)) {
		(void)problem(a->web, 409, "conflict", "the user was changed "
			      "meanwhile: log in once more");
		return;
	}
	a->who = who;
	(void)re_snprintf(text, sizeof(text), "%s.%s", res->ticket->id,
			  res->secret);
	(void)re_snprintf(key, sizeof(key), "%s", who.id);
	account_seen(acct, key);
	set_cookie(a, text, TICKET_LIFE_S);
	reply(a, 201, &who, res->secret);
	log_info("logged in", LOG_S("user", who.name),
		 LOG_S("peer", a->web->peer));
}

/* Answers for all but LOGIN_OK. */
static void refuse(struct api_req *a, const struct login_result *res)
{
	const unsigned wait_s = (unsigned)((res->wait_ms + 999) / 1000);

	switch (res->out) {
	case LOGIN_WRONG:
		(void)problem(a->web, 401, "login", "user or password is "
			      "wrong");
		break;
	case LOGIN_DISABLED:
		(void)problem(a->web, 403, "disabled", "this user may not log "
			      "in: an administrator has disabled it");
		break;
	case LOGIN_WAIT:
		(void)web_head(a->web, "retry-after", "%u", wait_s);
		(void)problem(a->web, 429, "too-many-tries", "too many "
			      "passwords were tried: the next one in %u s",
			      wait_s);
		break;
	case LOGIN_BUSY:
		(void)web_head(a->web, "retry-after", "%d", BUSY_S);
		(void)problem(a->web, 503, "busy", "too many log in just now: "
			      "try again in a moment");
		break;
	default:
		api_unavailable(a, "Redis does not answer: nobody can log in "
				   "now");
		break;
	}
}

static void on_login(const struct login_result *res, void *arg)
{
	struct api_req *a = arg;

	if (res->out == LOGIN_OK)
		welcome(a, res);
	else
		refuse(a, res);
	api_release(a);
}

void api_session_create(struct api_req *a)
{
	const Sy__Login *l = (const Sy__Login *)a->body;
	const struct login_from from = {
		.peer = a->web->peer,
		.user_agent = web_header(a->web, "user-agent"),
	};
	int err;

	/* Another site could log its visitor in as somebody else. */
	if (!auth_is_own_site(a->web)) {
		(void)problem(a->web, 403, "csrf", "the page of another site "
			      "cannot log in here");
		return;
	}
	if (!directory_is_loaded(a->api->account->directory)) {
		api_unavailable(a, "the users were not read from Redis yet");
		return;
	}
	/* For the audit; nobody is let in by it. */
	(void)snprintf(a->who.id, sizeof(a->who.id), "user:%.*s",
		       PRINCIPAL_NAME_SIZE - 1, l->user);
	if (strlen(l->password) > PASSWORD_MAX) {
		refuse(a, &(struct login_result){.out = LOGIN_WRONG});
		return;
	}
	api_hold(a);
	err = login_password(a->api->account, l->user, l->password, &from,
			     on_login, a);
	if (err) {
		api_reply_err(a, err, "user");
		api_release(a);
	}
}

/* ------------------------------------------------------------------ log out */

/* @return true; false: answered. */
static bool is_login(struct api_req *a)
{
	if (a->who.kind == PRINCIPAL_SESSION)
		return true;
	(void)problem(a->web, 409, "conflict", "this request comes with a "
		      "token: there is no session");

	return false;
}

static void on_dropped(int err, void *arg)
{
	struct api_req *a = arg;
	char *idv[] = {a->who.ticket};

	if (err && err != ENOENT) {
		api_reply_err(a, err, "session");
	}
	else {
		directory_end(a->api->account->directory, idv, 1);
		set_cookie(a, "", 0);
		api_reply_empty(a);
	}
	api_release(a);
}

void api_session_delete(struct api_req *a)
{
	Sy__Ticket tk = SY__TICKET__INIT;
	int err;

	if (!is_login(a))
		return;
	tk.id = a->who.ticket;
	tk.user = a->who.name;
	api_hold(a);
	err = ticket_drop(a->api->account->tickets, &tk, on_dropped, a);
	if (err)
		on_dropped(err, a);
}

/* ---------------------------------------------------------- another password */

static void on_written(int err, void *arg)
{
	struct api_req *a = arg;

	if (err) {
		account_reply_put(a, err, "user");
	}
	else {
		account_keep_own(a);
		api_reply_empty(a);
	}
	api_release(a);
}

static void on_made(int err, const char *encoded, void *arg)
{
	struct api_req *a = arg;
	struct account *acct = a->api->account;
	const struct directory_entry *e = directory_find(
		acct->directory, DIRECTORY_USERS, a->who.name);
	Sy__UserRecord rec;
	struct directory_put put = {
		.section = DIRECTORY_USERS,
		.id = a->who.name,
		.msg = &rec.base,
	};

	if (!err && !e)
		err = ENOENT;
	if (!err) {
		put.revision = e->revision;
		rec = *(const Sy__UserRecord *)e->msg;
		rec.password = (char *)(uintptr_t)encoded;
		rec.epoch = account_epoch(rec.epoch);
		err = directory_put(acct->directory, &put, on_written, a);
	}
	if (err)
		on_written(err, a);
}

static void on_old(int err, const char *encoded, void *arg)
{
	struct api_req *a = arg;
	const Sy__ChangePassword *c = (const Sy__ChangePassword *)a->body;
	(void)encoded;

	if (!err)
		err = password_make(a->api->account->passwords, c->new_,
				    on_made, a);
	else if (err == EACCES)
		(void)problem(a->web, 403, "login", "the old password is "
			      "wrong");
	if (!err)
		return;
	if (err != EACCES)
		account_reply_put(a, err, "user");
	api_release(a);
}

/* Who has found a session open must not find out the password by it. */
static void on_try(int err, uint64_t wait_ms, void *arg)
{
	struct api_req *a = arg;
	const Sy__ChangePassword *c = (const Sy__ChangePassword *)a->body;
	const Sy__UserRecord *user = directory_user(
		a->api->account->directory, a->who.name);

	if (err || wait_ms) {
		refuse(a, &(struct login_result){
			.out = err ? LOGIN_AWAY : LOGIN_WAIT,
			.wait_ms = wait_ms,
		});
		api_release(a);
		return;
	}
	err = password_check(a->api->account->passwords,
			     user ? user->password : NULL, c->old, on_old, a);
	if (err) {
		account_reply_put(a, err, "user");
		api_release(a);
	}
}

void api_session_password(struct api_req *a)
{
	const Sy__ChangePassword *c = (const Sy__ChangePassword *)a->body;
	const Sy__UserRecord *user;
	struct faults bad = {.n = 0};
	int err;

	if (!is_login(a))
		return;
	user = directory_user(a->api->account->directory, a->who.name);
	if (!*c->old)
		faults_say(&bad, "old", "is missing", "the password so far");
	account_check_password(&bad, "new", c->new_, a->who.name,
			       user ? user->display_name : NULL);
	if (account_refused(a, &bad))
		return;
	if (strlen(c->old) > PASSWORD_MAX) {
		(void)problem(a->web, 403, "login", "the old password is "
			      "wrong");
		return;
	}
	api_hold(a);
	err = backoff_try(bus_redis(a->api->account->bus), a->who.name,
			  a->web->peer, on_try, a);
	if (err) {
		api_reply_err(a, err, "user");
		api_release(a);
	}
}

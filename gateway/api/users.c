/* SPDX-License-Identifier: MIT */
/* /api/users: who may log in.  Nobody makes or changes a user who may do more
 * than himself. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/account.h"
#include "proto/log.h"

#define LEAD "user"

/* --------------------------------------------------------------------- show */

static void fill(Sy__User *u, Google__Protobuf__Timestamp *seen,
		 const Sy__UserRecord *r, uint64_t seen_ms)
{
	sy__user__init(u);
	u->id = r->id;
	u->display_name = r->display_name;
	u->role = r->role;
	u->device = r->device;
	u->disabled = r->disabled;
	u->created_at = r->created_at;
	u->created_by = r->created_by;
	u->issuer = r->issuer;
	u->subject = r->subject;
	if (seen_ms) {
		google__protobuf__timestamp__init(seen);
		timestamp_set_ms(seen, seen_ms);
		u->last_login_at = seen;
	}
}

static void on_list(struct api_req *a, int err,
		    const struct account_page *page)
{
	const size_t n = page->n + 1;
	Google__Protobuf__Timestamp *seenv = mem_zalloc(n * sizeof(*seenv),
							NULL);
	Sy__User *userv = mem_zalloc(n * sizeof(*userv), NULL);
	const ProtobufCMessage **msgv = mem_zalloc(n * sizeof(*msgv), NULL);
	size_t count = 0;

	if (!err && (!seenv || !userv || !msgv))
		err = ENOMEM;
	for (size_t i = 0; !err && i < page->n; i++) {
		const Sy__UserRecord *r = directory_user(
			a->api->account->directory, page->idv[i]);

		if (!r)
			continue;
		fill(&userv[count], &seenv[count], r, page->seenv[i]);
		msgv[count] = &userv[count].base;
		++count;
	}
	api_listed(a, err, LEAD, msgv, count,
		   page->more ? page->idv[page->n - 1] : NULL);
	mem_deref(msgv);
	mem_deref(userv);
	mem_deref(seenv);
}

void api_users_list(struct api_req *a)
{
	account_page_list(a, DIRECTORY_USERS, LEAD, on_list);
}

static void show(struct api_req *a, unsigned status, const Sy__UserRecord *r,
		 uint64_t seen_ms)
{
	Google__Protobuf__Timestamp seen;
	Sy__User u;

	if (!r) {
		api_reply_err(a, ENOENT, LEAD);
		return;
	}
	fill(&u, &seen, r, seen_ms);
	api_reply(a, status, &u.base);
}

static void on_one(struct api_req *a, int err, const struct account_page *page)
{
	if (err)
		api_reply_err(a, err, LEAD);
	else
		show(a, 200, directory_user(a->api->account->directory,
					    page->idv[0]), page->seenv[0]);
	api_release(a);
}

/* The one that the path names. NULL: answered. */
static const struct directory_entry *find(struct api_req *a)
{
	const struct directory_entry *e;

	if (!account_is_loaded(a))
		return NULL;
	e = directory_find(a->api->account->directory, DIRECTORY_USERS,
			   a->params.v[0]);
	if (!e)
		api_reply_err(a, ENOENT, LEAD);

	return e;
}

void api_users_get(struct api_req *a)
{
	const struct directory_entry *e = find(a);

	if (e)
		account_page_one(a, e, LEAD, on_one);
}

/* -------------------------------------------------------------------- checks */

/* @return true; false: answered. */
static bool may_give(struct api_req *a, Sy__UserRole role, const char *what)
{
	if (!(role_scopes(role) & ~a->who.scopes))
		return true;
	(void)problem(a->web, 403, "forbidden", "%s may do more than \"%s\"",
		      what, a->who.id);

	return false;
}

static void check_id(struct faults *bad, const char *id)
{
	const size_t len = strlen(id);

	if (!len || len >= PRINCIPAL_NAME_SIZE ||
	    strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		   "0123456789-_.@+") != len)
		faults_say(bad, "id", "is no name to log in with",
			   "1 to 63 letters, digits, - _ . @ +");
}

/* ---------------------------------------------------------------------- make */

static void on_created(int err, void *arg)
{
	struct api_req *a = arg;
	const char *id = ((const Sy__NewUser *)a->body)->id;

	if (err) {
		account_reply_put(a, err, LEAD);
	}
	else {
		(void)web_head(a->web, "location", "/api/users/%s", id);
		show(a, 201, directory_user(a->api->account->directory, id),
		     0);
		log_info("user made", LOG_S("user", id),
			 LOG_S("by", a->who.id));
	}
	api_release(a);
}

static void on_hashed(int err, const char *encoded, void *arg)
{
	struct api_req *a = arg;
	const Sy__NewUser *nu = (const Sy__NewUser *)a->body;
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__UserRecord r = SY__USER_RECORD__INIT;
	const struct directory_put put = {
		.section = DIRECTORY_USERS,
		.id = nu->id,
		.msg = &r.base,
	};

	timestamp_set_ms(&at, timestamp_now_ms());
	r.id = nu->id;
	r.display_name = nu->display_name;
	r.role = nu->role;
	r.device = nu->device;
	r.disabled = nu->disabled;
	r.password = (char *)(uintptr_t)encoded;
	r.epoch = account_epoch(0);
	r.created_at = &at;
	r.created_by = a->who.id;
	if (!err)
		err = directory_put(a->api->account->directory, &put,
				    on_created, a);
	if (err)
		on_created(err, a);
}

void api_users_create(struct api_req *a)
{
	const Sy__NewUser *nu = (const Sy__NewUser *)a->body;
	struct faults bad = {.n = 0};
	int err;

	if (!account_is_loaded(a))
		return;
	check_id(&bad, nu->id);
	account_check_name(&bad, "displayName", nu->display_name);
	if (nu->role == SY__USER_ROLE__ROLE_UNKNOWN)
		faults_say(&bad, "role", "is missing",
			   "ADMIN, OPERATOR or AGENT");
	account_check_device(a, &bad, nu->device);
	account_check_password(&bad, "password", nu->password, nu->id,
			       nu->display_name);
	if (account_refused(a, &bad) || !may_give(a, nu->role, "such a role"))
		return;
	if (directory_user(a->api->account->directory, nu->id)) {
		account_reply_put(a, EEXIST, LEAD);
		return;
	}
	api_hold(a);
	err = password_make(a->api->account->passwords, nu->password,
			    on_hashed, a);
	if (err)
		on_created(err, a);
}

/* -------------------------------------------------------------------- change */

static void on_changed(int err, void *arg)
{
	struct api_req *a = arg;
	const struct directory_entry *e;

	if (err) {
		account_reply_put(a, err, LEAD);
		api_release(a);
		return;
	}
	account_keep_own(a);
	log_info("user changed", LOG_S("user", a->params.v[0]),
		 LOG_S("by", a->who.id));
	e = find(a);
	if (e)
		account_page_one(a, e, LEAD, on_one);
	api_release(a);
}

/* With another role, password or state the sessions that he has end, but for
 * the one that asks. */
static void end_others(Sy__UserRecord *r, const Sy__UserRecord *old)
{
	if (r->role != old->role || r->disabled != old->disabled ||
	    r->password != old->password)
		r->epoch = account_epoch(old->epoch);
}

/* @param encoded  Of a new password, or NULL. */
static void change(struct api_req *a, const char *encoded)
{
	const Sy__UpdateUser *up = (const Sy__UpdateUser *)a->body;
	const struct directory_entry *e = directory_find(
		a->api->account->directory, DIRECTORY_USERS, a->params.v[0]);
	const Sy__UserRecord *old = e ? (const Sy__UserRecord *)e->msg : NULL;
	struct directory_put put = {.section = DIRECTORY_USERS};
	Sy__UserRecord r;
	int err;

	if (!e) {
		on_changed(ENOENT, a);
		return;
	}
	r = *old;
	if (up->set_display_name_case)
		r.display_name = up->display_name;
	if (up->role)
		r.role = up->role;
	if (up->set_device_case)
		r.device = up->device;
	if (up->set_disabled_case)
		r.disabled = up->disabled;
	if (encoded)
		r.password = (char *)(uintptr_t)encoded;
	end_others(&r, old);

	put.id = e->id;
	put.revision = e->revision;
	put.msg = &r.base;
	err = directory_put(a->api->account->directory, &put, on_changed, a);
	if (err)
		on_changed(err, a);
}

static void on_rehashed(int err, const char *encoded, void *arg)
{
	if (err)
		on_changed(err, arg);
	else
		change(arg, encoded);
}

/* His own password needs the old one: who finds his screen open must not take
 * the account away. */
static bool check_own(struct api_req *a, const Sy__UpdateUser *up)
{
	if (!up->set_password_case || a->who.kind != PRINCIPAL_SESSION ||
	    strcmp(a->who.name, a->params.v[0]))
		return true;
	(void)problem(a->web, 409, "conflict", "the own password is changed "
		      "by POST /api/session/password, with the old one");

	return false;
}

/* @return true; false: answered. */
static bool check_update(struct api_req *a, const Sy__UpdateUser *up,
			 const Sy__UserRecord *r)
{
	struct faults bad = {.n = 0};

	if (up->set_display_name_case)
		account_check_name(&bad, "displayName", up->display_name);
	if (up->set_device_case)
		account_check_device(a, &bad, up->device);
	if (up->set_password_case)
		account_check_password(&bad, "password", up->password, r->id,
				       up->set_display_name_case
					       ? up->display_name
					       : r->display_name);

	return !account_refused(a, &bad);
}

void api_users_update(struct api_req *a)
{
	const Sy__UpdateUser *up = (const Sy__UpdateUser *)a->body;
	const struct directory_entry *e = find(a);
	const Sy__UserRecord *r;
	int err = 0;

	if (!e)
		return;
	r = (const Sy__UserRecord *)e->msg;
	if (!may_give(a, r->role, "this user") || !check_own(a, up) ||
	    !check_update(a, up, r) ||
	    (up->role && !may_give(a, up->role, "such a role")))
		return;

	api_hold(a);
	if (up->set_password_case)
		err = password_make(a->api->account->passwords, up->password,
				    on_rehashed, a);
	else
		change(a, NULL);
	if (err)
		on_changed(err, a);
}

/* -------------------------------------------------------------------- remove */

static void on_token_removed(int err, void *arg)
{
	(void)arg;
	if (err && err != ENOENT)
		log_warn("a token of a removed user was not removed: it holds "
			 "no more all the same", LOG_E(err));
}

/* They hold no more (account_token_principal()); nobody shall wonder what they
 * are. */
static void drop_tokens(struct api_req *a)
{
	struct directory *d = a->api->account->directory;
	const struct directory_entry *v;
	char maker[PRINCIPAL_ID_SIZE];
	size_t n;

	(void)re_snprintf(maker, sizeof(maker), "user:%s", a->params.v[0]);
	v = directory_list(d, DIRECTORY_TOKENS, &n);
	for (size_t i = 0; i < n; i++) {
		const Sy__ApiToken *t = (const Sy__ApiToken *)v[i].msg;
		const struct directory_put put = {
			.section = DIRECTORY_TOKENS,
			.id = v[i].id,
			.revision = v[i].revision,
		};

		if (!strcmp(t->created_by, maker) &&
		    directory_put(d, &put, on_token_removed, NULL))
			on_token_removed(ENOTCONN, NULL);
	}
}

static void on_removed(int err, void *arg)
{
	struct api_req *a = arg;

	if (err) {
		account_reply_put(a, err, LEAD);
	}
	else {
		(void)redis_command(bus_redis(a->api->account->bus), 0, NULL,
				    NULL, "HDEL " ACCOUNT_KEY_SEEN " user:%s",
				    a->params.v[0]);
		drop_tokens(a);
		log_info("user removed", LOG_S("user", a->params.v[0]),
			 LOG_S("by", a->who.id));
		api_reply_empty(a);
	}
	api_release(a);
}

void api_users_delete(struct api_req *a)
{
	const struct directory_entry *e = find(a);
	struct directory_put put = {.section = DIRECTORY_USERS};

	if (!e || !may_give(a, ((const Sy__UserRecord *)e->msg)->role,
			    "this user"))
		return;
	put.id = e->id;
	put.revision = e->revision;
	account_put(a, &put, on_removed);
}

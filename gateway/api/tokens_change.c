/* SPDX-License-Identifier: MIT */
/* PATCH and DELETE /api/tokens/{id}: at all gateways at once. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/account.h"
#include "gateway/api/tokens.h"
#include "proto/log.h"
#include "proto/scope.h"

#define LEAD "token"

static bool is_configured(const struct api_req *a)
{
	const Sy__Config *conf = view_config(a->api->view);

	for (size_t i = 0; conf && i < conf->n_tokens; i++) {
		if (!strcmp(conf->tokens[i]->id, a->params.v[0]))
			return true;
	}

	return false;
}

static const struct directory_entry *entry(const struct api_req *a)
{
	return directory_find(a->api->account->directory, DIRECTORY_TOKENS,
			      a->params.v[0]);
}

/* One that may be changed here. NULL: answered, or *passp: a ticket's. */
static const struct directory_entry *find(struct api_req *a, bool *passp)
{
	const struct directory_entry *e;

	*passp = false;
	if (!account_is_loaded(a))
		return NULL;
	e = entry(a);
	if (e)
		return e;
	*passp = ulid_is_valid(a->params.v[0]);
	if (is_configured(a))
		(void)problem(a->web, 409, "configured", "this token stands "
			      "in the configuration: change it there");
	else if (!*passp)
		api_reply_err(a, ENOENT, LEAD);
	*passp &= !a->web->res.status;

	return NULL;
}

/* ------------------------------------------------------------------- change */

static void on_changed(int err, void *arg)
{
	struct api_req *a = arg;

	if (err) {
		account_reply_put(a, err, LEAD);
	}
	else {
		log_info("token changed", LOG_S("token", a->params.v[0]),
			 LOG_S("by", a->who.id));
		api_tokens_get(a);
	}
	api_release(a);
}

void api_tokens_update(struct api_req *a)
{
	const Sy__UpdateToken *up = (const Sy__UpdateToken *)a->body;
	struct directory_put put = {.section = DIRECTORY_TOKENS};
	const struct directory_entry *e;
	struct faults bad = {.n = 0};
	Sy__ApiToken r;
	uint64_t end;
	bool pass;

	e = find(a, &pass);
	if (pass)
		(void)problem(a->web, 409, "conflict", "a phone's token that "
			      "ends soon cannot be changed, only revoked");
	if (!e)
		return;
	r = *(const Sy__ApiToken *)e->msg;
	if (!account_may_give(a, r.scopes, r.n_scopes))
		return;
	if (up->set_name_case)
		r.name = up->name;
	if (up->n_scopes) {
		r.scopes = up->scopes;
		r.n_scopes = up->n_scopes;
	}
	if (up->set_device_case)
		r.device = up->device;
	if (up->expires_at)
		r.expires_at = up->expires_at;
	account_check_name(&bad, "name", r.name);
	account_check_scopes(&bad, r.scopes, r.n_scopes);
	token_check_phone(&bad, r.scopes, r.n_scopes, r.device);
	if (up->set_device_case)
		account_check_device(a, &bad, r.device);
	if (up->expires_at)
		token_read_end(&bad, &end, up->expires_at, 0);
	if (account_refused(a, &bad) ||
	    !account_may_give(a, r.scopes, r.n_scopes) ||
	    (up->set_device_case && !token_may_name(a, r.device)))
		return;

	put.id = e->id;
	put.revision = e->revision;
	put.msg = &r.base;
	account_put(a, &put, on_changed);
}

/* ------------------------------------------------------------------- revoke */

static void on_removed(int err, void *arg)
{
	struct api_req *a = arg;

	if (err) {
		account_reply_put(a, err, LEAD);
	}
	else {
		(void)redis_command(bus_redis(a->api->account->bus), 0, NULL,
				    NULL, "HDEL " ACCOUNT_KEY_SEEN
				    " token:%s", a->params.v[0]);
		log_info("token revoked", LOG_S("token", a->params.v[0]),
			 LOG_S("by", a->who.id));
		api_reply_empty(a);
	}
	api_release(a);
}

static void on_dropped(int err, void *arg)
{
	struct api_req *a = arg;
	char *idv[] = {a->params.v[0]};

	if (!err)
		directory_end(a->api->account->directory, idv, 1);
	on_removed(err, arg);
}

static void on_pass(int err, const Sy__Ticket *tk, void *arg)
{
	struct api_req *a = arg;

	if (!err && *tk->user)
		err = ENOENT; /* a login: /api/sessions has it */
	if (!err)
		err = ticket_drop(a->api->account->tickets, tk, on_dropped, a);
	if (err)
		on_removed(err, a);
}

void api_tokens_delete(struct api_req *a)
{
	struct directory_put put = {.section = DIRECTORY_TOKENS};
	const struct directory_entry *e;
	bool pass;
	int err;

	e = find(a, &pass);
	if (!e && !pass)
		return;
	api_hold(a);
	if (pass) {
		err = ticket_get(a->api->account->tickets, a->params.v[0],
				 on_pass, a);
	}
	else {
		put.id = e->id;
		put.revision = e->revision;
		err = directory_put(a->api->account->directory, &put,
				    on_removed, a);
	}
	if (err)
		on_removed(err, a);
}

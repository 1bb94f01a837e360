/* SPDX-License-Identifier: MIT */
/* /api/sessions: who is logged in.  One's own; with users:read those of all,
 * or, by ?user=, of one. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/account.h"
#include "proto/log.h"

#define WHAT "session"

enum { HOLDER_SIZE = PRINCIPAL_NAME_SIZE + 8 };

static bool is_own(const struct api_req *a, const Sy__Ticket *tk)
{
	return a->who.kind == PRINCIPAL_SESSION &&
	       !strcmp(tk->user, a->who.name);
}

static void fill(Sy__LoginSession *s, const struct api_req *a,
		 const Sy__Ticket *tk)
{
	sy__login_session__init(s);
	s->id = tk->id;
	s->user = tk->user;
	s->created_at = tk->created_at;
	s->last_seen_at = tk->seen_at;
	s->expires_at = tk->expires_at;
	s->peer = tk->peer;
	s->user_agent = tk->user_agent;
	s->current = !strcmp(tk->id, a->who.ticket);
}

/* Does it hold?  The user may have been changed since. */
static bool is_good(const struct api_req *a, const Sy__Ticket *tk)
{
	struct principal who;

	return account_login_principal(a->api->account, &who, tk);
}

static void on_list(int err, Sy__Ticket *const *v, size_t n, const char *next,
		    void *arg)
{
	struct api_req *a = arg;
	Sy__LoginSession *sv = mem_zalloc((n + 1) * sizeof(*sv), NULL);
	const ProtobufCMessage **msgv = mem_zalloc((n + 1) * sizeof(*msgv),
						   NULL);
	size_t count = 0;

	if (!err && (!sv || !msgv))
		err = ENOMEM;
	for (size_t i = 0; !err && i < n; i++) {
		if (!is_good(a, v[i]))
			continue;
		fill(&sv[count], a, v[i]);
		msgv[count] = &sv[count].base;
		++count;
	}
	api_listed(a, err, WHAT, msgv, count, next);
	mem_deref(msgv);
	mem_deref(sv);
}

/* Whose: "user:jo", or "": of all. @return true; false: answered. */
static bool whose(struct api_req *a, char holder[HOLDER_SIZE])
{
	char user[PRINCIPAL_NAME_SIZE];
	const int err = web_query(a->web, "user", user, sizeof(user));

	holder[0] = '\0';
	if (err && err != ENOENT) {
		const struct problem_field f = {
			.field = "user",
			.cause = "is no user",
			.allowed = "the id of a user"};

		(void)problem_param(a->web, &f);
		return false;
	}
	if (!api_may(a, "users:read"))
		(void)re_snprintf(holder, HOLDER_SIZE, "user:%s", a->who.name);
	else if (!err)
		(void)re_snprintf(holder, HOLDER_SIZE, "user:%s", user);

	return true;
}

void api_sessions_list(struct api_req *a)
{
	char cursor[ROUTE_PARAM_SIZE], holder[HOLDER_SIZE];
	size_t limit;
	int err;

	if (!account_is_loaded(a) ||
	    !api_page(a, &limit, cursor, sizeof(cursor)) || !whose(a, holder))
		return;
	api_hold(a);
	err = ticket_list(a->api->account->tickets, *holder ? holder : NULL,
			  cursor, limit, on_list, a);
	if (err)
		api_listed(a, err, WHAT, NULL, 0, NULL);
}

/* ---------------------------------------------------------------------- end */

static void on_dropped(int err, void *arg)
{
	struct api_req *a = arg;
	char *idv[] = {a->params.v[0]};

	if (err) {
		api_reply_err(a, err, WHAT);
	}
	else {
		directory_end(a->api->account->directory, idv, 1);
		log_info("session ended", LOG_S("by", a->who.id));
		api_reply_empty(a);
	}
	api_release(a);
}

static void on_found(int err, const Sy__Ticket *tk, void *arg)
{
	struct api_req *a = arg;

	if (!err && (!*tk->user ||
		     (!is_own(a, tk) && !api_may(a, "users:write"))))
		err = ENOENT;
	if (!err)
		err = ticket_drop(a->api->account->tickets, tk, on_dropped, a);
	if (err)
		on_dropped(err, a);
}

void api_sessions_delete(struct api_req *a)
{
	char id[ULID_LEN + 1];
	int err;

	if (!api_ulid(a, 0, id, WHAT))
		return;
	str_ncpy(a->params.v[0], id, sizeof(a->params.v[0]));
	api_hold(a);
	err = ticket_get(a->api->account->tickets, id, on_found, a);
	if (err)
		on_found(err, NULL, a);
}

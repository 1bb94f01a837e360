/* SPDX-License-Identifier: MIT */
/* Who has a ticket: a login or a short-lived token.  See auth.h. */

#include <string.h>
#include <re.h>

#include "gateway/account/account.h"
#include "gateway/api/auth_impl.h"

struct auth_ask {
	struct auth *au;
	struct ticket_ask *ask;
	enum auth_kind kind;
	auth_h *h;
	void *arg;
};

static enum auth_out read_ticket(const struct auth *au, enum auth_kind kind,
				 const Sy__Ticket *tk, struct principal *who)
{
	const bool login = *tk->user;

	principal_init(who, PRINCIPAL_NONE, "");
	if (login != (kind != AUTH_PASS))
		return AUTH_UNKNOWN;
	if (login ? !account_login_principal(au->acct, who, tk)
		  : !account_pass_principal(au->acct, who, tk))
		return AUTH_UNKNOWN;
	if (kind != AUTH_LOGIN_CSRF)
		return AUTH_OK;
	/* Nobody who may anything; but the audit shall say whose cookie. */
	who->kind = PRINCIPAL_NONE;
	who->scopes = 0;

	return AUTH_CSRF;
}

static enum auth_out outcome(const struct auth *au, enum ticket_out out,
			     enum auth_kind kind, const Sy__Ticket *tk,
			     struct principal *who)
{
	switch (out) {
	case TICKET_OK:
		/* Nobody can be known before the users are. */
		return directory_is_loaded(au->acct->directory)
			? read_ticket(au, kind, tk, who) : AUTH_AWAY;
	case TICKET_GONE:
		return AUTH_UNKNOWN;
	case TICKET_LATER:
		return AUTH_LATER;
	default:
		return AUTH_AWAY;
	}
}

static void on_ticket(enum ticket_out out, const Sy__Ticket *tk, void *arg)
{
	struct auth_ask *ask = arg;
	struct principal who;
	enum auth_out res;

	principal_init(&who, PRINCIPAL_NONE, "");
	res = outcome(ask->au, out, ask->kind, tk, &who);
	ask->h(res, &who, ask->arg);
}

static void ask_destructor(void *arg)
{
	struct auth_ask *ask = arg;

	mem_deref(ask->ask);
}

enum auth_out auth_ticket(struct auth *au, const char *text,
			  enum auth_kind kind, struct principal *who,
			  struct auth_ask **askp, auth_h *h, void *arg)
{
	struct auth_ask *ask = mem_zalloc(sizeof(*ask), ask_destructor);
	const Sy__Ticket *tk = NULL;
	enum ticket_out out;

	if (!ask)
		return AUTH_AWAY;
	ask->au = au;
	ask->kind = kind;
	ask->h = h;
	ask->arg = arg;
	out = ticket_find(au->acct->tickets, text, &tk, &ask->ask, on_ticket,
			  ask);
	if (out == TICKET_LATER)
		*askp = ask;
	else
		mem_deref(ask);

	return outcome(au, out, kind, tk, who);
}

bool auth_ticket_valid(struct auth *au, struct principal *who)
{
	const Sy__Ticket *tk = ticket_holds(au->acct->tickets, who->ticket);

	return tk && read_ticket(au, *tk->user ? AUTH_LOGIN : AUTH_PASS, tk,
				 who) == AUTH_OK;
}

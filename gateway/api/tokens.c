/* SPDX-License-Identifier: MIT */
/*
 * /api/tokens: those of the directory, and, to be read only, those of the
 * configuration.  A phone's token that ends within a week is a ticket of its
 * own (tickets are not listed): there may be thousands.
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/account.h"

#define LEAD "token"

/* --------------------------------------------------------------------- show */

static void fill(Sy__Token *t, const Sy__ApiToken *r)
{
	sy__token__init(t);
	t->id = r->id;
	t->name = r->name;
	t->scopes = r->scopes;
	t->n_scopes = r->n_scopes;
	t->device = r->device;
	t->created_at = r->created_at;
	t->created_by = r->created_by;
	t->expires_at = r->expires_at;
}

static void fill_seen(Sy__Token *t, Google__Protobuf__Timestamp *seen,
		      uint64_t seen_ms)
{
	if (!seen_ms)
		return;
	google__protobuf__timestamp__init(seen);
	timestamp_set_ms(seen, seen_ms);
	t->last_used_at = seen;
}

static const Sy__ApiToken *configured(const struct api_req *a, const char *id)
{
	const Sy__Config *conf = view_config(a->api->view);

	for (size_t i = 0; conf && i < conf->n_tokens; i++) {
		if (!strcmp(conf->tokens[i]->id, id))
			return conf->tokens[i];
	}

	return NULL;
}

/* Those of the configuration come last, whole, on the last page. */
static size_t add_configured(struct api_req *a, Sy__Token *tokenv,
			     const ProtobufCMessage **msgv, size_t n)
{
	const Sy__Config *conf = view_config(a->api->view);

	for (size_t i = 0; conf && i < conf->n_tokens; i++) {
		fill(&tokenv[n], conf->tokens[i]);
		tokenv[n].configured = true;
		msgv[n] = &tokenv[n].base;
		++n;
	}

	return n;
}

static void on_list(struct api_req *a, int err,
		    const struct account_page *page)
{
	const Sy__Config *conf = view_config(a->api->view);
	const size_t n = page->n + (conf ? conf->n_tokens : 0) + 1;
	Google__Protobuf__Timestamp *seenv = mem_zalloc(n * sizeof(*seenv),
							NULL);
	Sy__Token *tokenv = mem_zalloc(n * sizeof(*tokenv), NULL);
	const ProtobufCMessage **msgv = mem_zalloc(n * sizeof(*msgv), NULL);
	size_t count = 0;

	if (!err && (!seenv || !tokenv || !msgv))
		err = ENOMEM;
	for (size_t i = 0; !err && i < page->n; i++) {
		const Sy__ApiToken *r = account_token_by_id(a->api->account,
							    page->idv[i]);

		if (!r)
			continue;
		fill(&tokenv[count], r);
		fill_seen(&tokenv[count], &seenv[count], page->seenv[i]);
		msgv[count] = &tokenv[count].base;
		++count;
	}
	if (!err && !page->more)
		count = add_configured(a, tokenv, msgv, count);
	api_listed(a, err, LEAD, msgv, count,
		   page->more ? page->idv[page->n - 1] : NULL);
	mem_deref(msgv);
	mem_deref(tokenv);
	mem_deref(seenv);
}

void api_tokens_list(struct api_req *a)
{
	account_page_list(a, DIRECTORY_TOKENS, LEAD, on_list);
}

static void on_one(struct api_req *a, int err, const struct account_page *page)
{
	const Sy__ApiToken *r = account_token_by_id(a->api->account,
						    page->idv[0]);
	Google__Protobuf__Timestamp seen;
	Sy__Token t;

	if (!err && !r)
		err = ENOENT;
	if (err) {
		api_reply_err(a, err, LEAD);
	}
	else {
		fill(&t, r);
		fill_seen(&t, &seen, page->seenv[0]);
		api_reply(a, 200, &t.base);
	}
	api_release(a);
}

static void fill_pass(Sy__Token *t, const Sy__Ticket *tk)
{
	sy__token__init(t);
	t->id = tk->id;
	t->name = tk->name;
	t->scopes = tk->scopes;
	t->n_scopes = tk->n_scopes;
	t->device = tk->device;
	t->created_at = tk->created_at;
	t->created_by = tk->created_by;
	t->expires_at = tk->expires_at;
	t->last_used_at = tk->seen_at;
}

static void on_pass(int err, const Sy__Ticket *tk, void *arg)
{
	struct api_req *a = arg;
	Sy__Token t;

	if (!err && *tk->user)
		err = ENOENT; /* a login: /api/sessions has it */
	if (err) {
		api_reply_err(a, err, LEAD);
	}
	else {
		fill_pass(&t, tk);
		api_reply(a, 200, &t.base);
	}
	api_release(a);
}

static const struct directory_entry *find(struct api_req *a)
{
	return directory_find(a->api->account->directory, DIRECTORY_TOKENS,
			      a->params.v[0]);
}

void api_tokens_get(struct api_req *a)
{
	const struct directory_entry *e;
	const Sy__ApiToken *conf = configured(a, a->params.v[0]);
	Sy__Token t;
	int err;

	if (!account_is_loaded(a))
		return;
	e = find(a);
	if (e) {
		account_page_one(a, e, LEAD, on_one);
	}
	else if (conf) {
		fill(&t, conf);
		t.configured = true;
		api_reply(a, 200, &t.base);
	}
	else if (!ulid_is_valid(a->params.v[0])) {
		api_reply_err(a, ENOENT, LEAD);
	}
	else {
		api_hold(a);
		err = ticket_get(a->api->account->tickets, a->params.v[0],
				 on_pass, a);
		if (err)
			on_pass(err, NULL, a);
	}
}

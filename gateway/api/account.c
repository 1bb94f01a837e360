/* SPDX-License-Identifier: MIT */
/* What the resources of accounts share: see account.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "gateway/api/account.h"
#include "proto/scope.h"

enum { NAME_MAX_BYTES = 200, BUSY_S = 2 };

void account_reply_put(struct api_req *a, int err, const char *what)
{
	switch (err) {
	case EEXIST:
		(void)problem(a->web, 409, "exists", "there is such a %s "
			      "already", what);
		break;
	case ESTALE:
		(void)problem(a->web, 409, "conflict", "the %s was changed "
			      "meanwhile: look at it, and try again", what);
		break;
	case ENOSPC:
		(void)problem(a->web, 409, "full", "there are as many %ss as "
			      "may be: remove some first", what);
		break;
	case EPERM:
		(void)problem(a->web, 409, "last-admin", "this is the last "
			      "administrator who can log in: make another "
			      "one first");
		break;
	case EBUSY:
		(void)web_head(a->web, "retry-after", "%d", BUSY_S);
		(void)problem(a->web, 503, "busy", "too many passwords are "
			      "being checked: try again in a moment");
		break;
	default:
		api_reply_err(a, err, what);
		break;
	}
}

void account_put(struct api_req *a, const struct directory_put *put,
		 directory_put_h *h)
{
	int err;

	api_hold(a);
	err = directory_put(a->api->account->directory, put, h, a);
	if (err)
		h(err, a);
}

void account_keep_own(struct api_req *a)
{
	const struct account *acct = a->api->account;
	const Sy__UserRecord *user;
	char *idv[] = {a->who.ticket};

	if (a->who.kind != PRINCIPAL_SESSION)
		return;
	user = directory_user(acct->directory, a->who.name);
	if (!user)
		return;
	ticket_renew(acct->tickets, a->who.ticket, user->epoch);
	directory_end(acct->directory, idv, 1);
}

bool account_is_loaded(struct api_req *a)
{
	if (directory_is_loaded(a->api->account->directory))
		return true;
	api_unavailable(a, "the accounts were not read from Redis yet");

	return false;
}

/* ------------------------------------------------------------ what is wrong */

void account_check_password(struct faults *bad, const char *field,
			    const char *password, const char *user,
			    const char *display)
{
	const char *why = password_refuse(password, user, display);

	if (why)
		faults_say(bad, field, why, PASSWORD_ALLOWED);
}

void account_check_name(struct faults *bad, const char *field,
			const char *name)
{
	size_t n = 0;

	while ((unsigned char)name[n] >= ' ' && name[n] != 0x7f)
		++n;
	if (name[n] || n > NAME_MAX_BYTES)
		faults_say(bad, field, "is no name", "up to 200 bytes of "
			   "text, no control characters");
}

void account_check_device(struct api_req *a, struct faults *bad,
			  const char *device)
{
	if (!*device)
		return;
	if (!view_config(a->api->view))
		api_unavailable(a, "no configuration was loaded yet");
	else if (!config_device(view_config_table(a->api->view), device,
				strlen(device)))
		faults_say(bad, "device", "is not configured", "the id of a "
			   "device, or nothing");
}

void account_check_scopes(struct faults *bad, char *const *scopev, size_t n)
{
	char field[32];

	if (!n)
		faults_say(bad, "scopes", "must not be empty", "one or more "
			   "scopes, as calls:read, or *");
	for (size_t i = 0; i < n; i++) {
		if (scope_bit(scopev[i]))
			continue;
		(void)re_snprintf(field, sizeof(field), "scopes[%zu]", i);
		faults_say(bad, field, "is no scope", "calls:read, "
			   "calls:write, nodes:read ..., phone, *");
	}
}

bool account_refused(struct api_req *a, struct faults *bad)
{
	bool answered = a->web->res.status != 0;

	if (!answered && (bad->n || bad->lost)) {
		faults_refuse(a->web, bad);
		answered = true;
	}
	faults_reset(bad);

	return answered;
}

bool account_may_give(struct api_req *a, char *const *scopev, size_t n)
{
	const uint64_t bits = scope_bits(scopev, n);
	const char *lacks[64];

	if (!(bits & ~a->who.scopes))
		return true;

	lacks[0] = "*";
	if (bits != SCOPE_ALL)
		(void)scope_list(lacks, bits & ~a->who.scopes);
	(void)problem(a->web, 403, "forbidden", "nobody can give more than he "
		      "has: \"%s\" lacks %s", a->who.id, lacks[0]);

	return false;
}

/* --------------------------------------------------------------------- pages */

static void page_destructor(void *arg)
{
	struct account_page *p = arg;

	for (size_t i = 0; p->idv && i < p->n; i++)
		mem_deref(p->idv[i]);
	mem_deref(p->idv);
	mem_deref(p->seenv);
}

/* The first entry after a cursor. */
static size_t start_of(const struct directory_entry *v, size_t n,
		       const char *cursor)
{
	size_t lo = 0;

	while (*cursor && lo < n) {
		const size_t mid = lo + (n - lo) / 2;

		if (strcmp(v[mid].id, cursor) <= 0)
			lo = mid + 1;
		else
			n = mid;
	}

	return lo;
}

static int page_alloc(struct account_page **pp,
		      const struct directory_entry *v, size_t n)
{
	struct account_page *p = mem_zalloc(sizeof(*p), page_destructor);
	int err = 0;

	if (!p)
		return ENOMEM;
	p->n = n;
	p->idv = mem_zalloc((n + 1) * sizeof(*p->idv), NULL);
	p->seenv = mem_zalloc((n + 1) * sizeof(*p->seenv), NULL);
	if (!p->idv || !p->seenv)
		err = ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = str_dup(&p->idv[i], v[i].id);
	if (err)
		mem_deref(p);
	else
		*pp = p;

	return err;
}

static void seen_handler(int err, const redisReply *r, void *arg)
{
	struct account_page *p = arg;

	if (!err && (r->type != REDIS_REPLY_ARRAY || r->elements != p->n + 1))
		err = EBADMSG;
	for (size_t i = 0; !err && i < p->n; i++) {
		if (r->element[i]->type == REDIS_REPLY_STRING)
			p->seenv[i] = strtoull(r->element[i]->str, NULL, 10);
	}
	p->h(p->a, err, p);
	mem_deref(p);
}

/* One field more than ids: there may be no id at all. */
static int ask_seen(struct account_page *p, const char *lead)
{
	struct redis *r = bus_redis(p->a->api->account->bus);
	const size_t n = p->n + 3;
	const char **argv = mem_zalloc(n * sizeof(*argv), NULL);
	char **ownv = mem_zalloc((p->n + 1) * sizeof(*ownv), NULL);
	int err = argv && ownv ? 0 : ENOMEM;

	for (size_t i = 0; !err && i < p->n; i++) {
		err = re_sdprintf(&ownv[i], "%s:%s", lead, p->idv[i]);
		argv[i + 2] = ownv[i];
	}
	if (!err) {
		argv[0] = "HMGET";
		argv[1] = ACCOUNT_KEY_SEEN;
		argv[n - 1] = "-";
		err = redis_command_argv(r, 0, seen_handler, p, (int)n, argv,
					 NULL);
	}
	if (!err)
		redis_arg_owned(r);
	for (size_t i = 0; ownv && i < p->n; i++)
		mem_deref(ownv[i]);
	mem_deref(ownv);
	mem_deref(argv);

	return err;
}

static void ask_page(struct api_req *a, const struct directory_entry *v,
		     size_t n, bool more, const char *lead, account_page_h *h)
{
	struct account_page *p = NULL;
	int err;

	err = page_alloc(&p, v, n);
	if (!err) {
		p->a = a;
		p->h = h;
		p->more = more;
		api_hold(a);
		err = ask_seen(p, lead);
		if (err) {
			mem_deref(p);
			api_release(a);
		}
	}
	if (err)
		api_reply_err(a, err, lead);
}

void account_page_list(struct api_req *a, enum directory_section section,
		       const char *lead, account_page_h *h)
{
	const struct directory_entry *v;
	char cursor[ROUTE_PARAM_SIZE];
	size_t limit, n, at;

	if (!account_is_loaded(a) ||
	    !api_page(a, &limit, cursor, sizeof(cursor)))
		return;
	v = directory_list(a->api->account->directory, section, &n);
	at = start_of(v, n, cursor);
	if (n - at < limit)
		limit = n - at;
	ask_page(a, v ? v + at : NULL, limit, at + limit < n, lead, h);
}

void account_page_one(struct api_req *a, const struct directory_entry *e,
		      const char *lead, account_page_h *h)
{
	ask_page(a, e, 1, false, lead, h);
}

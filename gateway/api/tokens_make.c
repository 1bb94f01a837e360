/* SPDX-License-Identifier: MIT */
/* POST /api/tokens: a lasting one goes into the directory, a phone's that ends
 * within a week is a ticket. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/account.h"
#include "gateway/api/tokens.h"
#include "proto/log.h"
#include "proto/scope.h"

#define LEAD "token"

enum {
	TOKEN_SIZE = 3 + TICKET_TEXT_SIZE,
	LIFE_MAX_S = 10 * 366 * 86400,
	LIFE_MIN_S = 30,
};

/* What is being made. */
struct making {
	struct api_req *a;
	char id[ULID_LEN + 1];
	char token[TOKEN_SIZE];
	char hash[65];
	uint8_t md[32];
	uint64_t made_ms, end_ms;
	Google__Protobuf__Timestamp made, end; /* the same */
	char *maker;            /* borrowed of the request              */
};

void token_read_end(struct faults *bad, uint64_t *endp,
		    const Google__Protobuf__Timestamp *at, uint32_t in_s)
{
	const uint64_t now = timestamp_now_ms();

	*endp = in_s ? now + in_s * 1000ull : at ? timestamp_ms(at) : 0;
	if (in_s && at)
		faults_say(bad, "expiresInSeconds", "is there beside "
			   "expiresAt", "one of the two");
	else if (*endp && (*endp < now + LIFE_MIN_S * 1000ull ||
			   *endp > now + LIFE_MAX_S * 1000ull))
		faults_say(bad, in_s ? "expiresInSeconds" : "expiresAt",
			   "is out of range",
			   "30 seconds to 10 years from now");
}

void token_check_phone(struct faults *bad, char *const *scopev, size_t n,
		       const char *device)
{
	if (scope_bits(scopev, n) == scope_bit("phone") && !*device)
		faults_say(bad, "device", "is missing", "the device that a "
			   "token of scope phone is for");
}

bool token_may_name(struct api_req *a, const char *device)
{
	if (a->who.scopes == SCOPE_ALL || !*device || !*a->who.device ||
	    !strcmp(device, a->who.device))
		return true;
	(void)problem(a->web, 403, "forbidden", "\"%s\" is for the device %s "
		      "alone", a->who.id, a->who.device);

	return false;
}

static void reply_made(struct making *m, int err)
{
	struct api_req *a = m->a;
	const Sy__NewToken *nt = (const Sy__NewToken *)a->body;
	Sy__Token t = SY__TOKEN__INIT;

	if (err) {
		account_reply_put(a, err, LEAD);
	}
	else {
		t.id = m->id;
		t.name = nt->name;
		t.scopes = nt->scopes;
		t.n_scopes = nt->n_scopes;
		t.device = nt->device;
		t.created_at = &m->made;
		t.created_by = m->maker;
		t.expires_at = m->end_ms ? &m->end : NULL;
		t.token = m->token;
		(void)web_head(a->web, "location", "/api/tokens/%s", m->id);
		api_reply(a, 201, &t.base);
		log_info("token made", LOG_S("token", m->id),
			 LOG_S("by", a->who.id));
	}
	explicit_bzero(m->token, sizeof(m->token));
	mem_deref(m);
	api_release(a);
}

static void on_put(int err, void *arg)
{
	reply_made(arg, err);
}

static void on_ticket(int err, char *const *endv, size_t endc, void *arg)
{
	(void)endv;
	(void)endc;
	reply_made(arg, err);
}

/* One that ends soon, of a phone. */
static int make_pass(struct making *m, const Sy__NewToken *nt)
{
	char secret[TICKET_SECRET_LEN + 1];
	Sy__Ticket tk = SY__TICKET__INIT;

	ticket_secret(secret);
	(void)re_snprintf(m->token, sizeof(m->token), "%s%s.%s",
			  ACCOUNT_TOKEN_LEAD, m->id, secret);
	if (ticket_hash(m->md, secret))
		return ENOMEM;
	tk.id = m->id;
	tk.hash.data = m->md;
	tk.hash.len = sizeof(m->md);
	tk.name = nt->name;
	tk.scopes = nt->scopes;
	tk.n_scopes = nt->n_scopes;
	tk.device = nt->device;
	tk.created_by = m->maker;
	tk.created_at = &m->made;
	tk.expires_at = &m->end;

	return ticket_put(m->a->api->account->tickets, &tk, on_ticket, m);
}

static int make_lasting(struct making *m, const Sy__NewToken *nt)
{
	char secret[TICKET_SECRET_LEN + 1];
	Sy__ApiToken r = SY__API_TOKEN__INIT;
	const struct directory_put put = {
		.section = DIRECTORY_TOKENS,
		.id = m->id,
		.msg = &r.base,
	};

	ticket_secret(secret);
	(void)re_snprintf(m->token, sizeof(m->token), "%s%s",
			  ACCOUNT_TOKEN_LEAD, secret);
	if (ticket_hash(m->md, m->token))
		return ENOMEM;
	(void)re_snprintf(m->hash, sizeof(m->hash), "%w", m->md,
			  sizeof(m->md));
	r.id = m->id;
	r.name = nt->name;
	r.hash = m->hash;
	r.scopes = nt->scopes;
	r.n_scopes = nt->n_scopes;
	r.device = nt->device;
	r.created_at = &m->made;
	r.created_by = m->maker;
	r.expires_at = m->end_ms ? &m->end : NULL;

	return directory_put(m->a->api->account->directory, &put, on_put, m);
}

static bool is_pass(const Sy__NewToken *nt, const struct making *m)
{
	return m->end_ms &&
	       m->end_ms <= m->made_ms + TICKET_PASS_MAX_S * 1000ull &&
	       scope_bits(nt->scopes, nt->n_scopes) == scope_bit("phone");
}

void api_tokens_create(struct api_req *a)
{
	const Sy__NewToken *nt = (const Sy__NewToken *)a->body;
	struct faults bad = {.n = 0};
	struct making *m;
	uint64_t end;
	int err;

	if (!account_is_loaded(a))
		return;
	account_check_name(&bad, "name", nt->name);
	account_check_scopes(&bad, nt->scopes, nt->n_scopes);
	token_check_phone(&bad, nt->scopes, nt->n_scopes, nt->device);
	account_check_device(a, &bad, nt->device);
	token_read_end(&bad, &end, nt->expires_at, nt->expires_in_seconds);
	if (account_refused(a, &bad) ||
	    !account_may_give(a, nt->scopes, nt->n_scopes) ||
	    !token_may_name(a, nt->device))
		return;
	m = mem_zalloc(sizeof(*m), NULL);
	if (!m) {
		api_reply_err(a, ENOMEM, LEAD);
		return;
	}
	m->a = a;
	m->made_ms = timestamp_now_ms();
	m->end_ms = end;
	timestamp_set_ms(&m->made, m->made_ms);
	timestamp_set_ms(&m->end, end);
	m->maker = (char *)principal_maker(&a->who);
	ulid_make(m->id);
	api_hold(a);
	err = is_pass(nt, m) ? make_pass(m, nt) : make_lasting(m, nt);
	if (err)
		reply_made(m, err);
}

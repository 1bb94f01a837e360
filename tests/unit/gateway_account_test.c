/* libs: sy_gateway_core sy_proto_uv sy_proto uv hiredis */
/* SPDX-License-Identifier: MIT */
/* Passwords in their threads; tickets and the directory against a Redis. */

#include "redis_fixture.h"
#include "gateway/account/account.h"
#include "proto/bus.h"
#include "proto/scope.h"

struct world {
	struct fixture *f;
	struct bus *bus;
	struct account *acct;
	int err, done, calls;   /* of the last handler                      */
	char encoded[PASSWORD_ENCODED_SIZE];
	enum ticket_out out;
	char ended[ULID_LEN + 1];
};

static bool is_loaded(void *arg)
{
	struct world *w = arg;

	return bus_is_up(w->bus) && directory_is_loaded(w->acct->directory);
}

static void open_world(struct world *w, void **state)
{
	struct account_conf conf = {0};
	struct bus_conf bconf = {0};

	memset(w, 0, sizeof(*w));
	w->f = *state;
	bconf.loop = w->f->loop;
	bconf.url = w->f->url;
	bconf.id = "gateway-1";
	assert_int_equal(bus_alloc(&w->bus, &bconf), 0);
	conf.loop = w->f->loop;
	conf.uv = &w->f->uv_loop;
	conf.bus = w->bus;
	assert_int_equal(account_alloc(&w->acct, &conf), 0);
	run_until(w->f, is_loaded, w);
}

static void close_world(struct world *w)
{
	mem_deref(w->acct);
	mem_deref(w->bus);
}

/* --------------------------------------------------------------- passwords */

static void on_password(int err, const char *encoded, void *arg)
{
	struct world *w = arg;

	w->err = err;
	w->calls++;
	w->done = 1;
	(void)snprintf(w->encoded, sizeof(w->encoded), "%s",
		       encoded ? encoded : "");
}

static int checked(struct world *w, const char *encoded, const char *password)
{
	w->done = 0;
	assert_int_equal(password_check(w->acct->passwords, encoded, password,
					on_password, w), 0);
	assert_int_equal(w->done, 0); /* never from within the call */
	run_until(w->f, is_nonzero, &w->done);

	return w->err;
}

static void test_passwords(void **state)
{
	char kept[PASSWORD_ENCODED_SIZE], broken[PASSWORD_ENCODED_SIZE];
	struct world w;

	open_world(&w, state);
	assert_int_equal(password_make(w.acct->passwords, "correct horse",
				       on_password, &w), 0);
	run_until(w.f, is_nonzero, &w.done);
	assert_int_equal(w.err, 0);
	assert_int_equal(strncmp(w.encoded, "$argon2id$v=19$m=19456,t=2,p=1$",
				 31), 0);
	assert_null(strstr(w.encoded, "correct"));
	(void)snprintf(kept, sizeof(kept), "%s", w.encoded);

	assert_int_equal(checked(&w, kept, "correct horse"), 0);
	assert_int_equal(checked(&w, kept, "correct horsf"), EACCES);
	assert_int_equal(checked(&w, kept, ""), EACCES);
	/* Of nobody, and what is no hash. */
	assert_int_equal(checked(&w, NULL, "correct horse"), EACCES);
	assert_int_equal(checked(&w, "", "correct horse"), EACCES);
	(void)snprintf(broken, sizeof(broken), "%.20s", kept);
	assert_int_equal(checked(&w, broken, "correct horse"), EACCES);

	/* Another salt each time. */
	w.done = 0;
	assert_int_equal(password_make(w.acct->passwords, "correct horse",
				       on_password, &w), 0);
	run_until(w.f, is_nonzero, &w.done);
	assert_string_not_equal(w.encoded, kept);
	close_world(&w);
}

static bool some_called(void *arg)
{
	const struct world *w = arg;

	return w->calls >= 2;
}

/* A bounded number waits; the next ones are told to come later, and there is
 * room again once some were served. */
static void test_too_many_passwords(void **state)
{
	char text[PASSWORD_MAX + 2];
	struct world w;

	open_world(&w, state);
	for (int i = 0; i < PASSWORD_AT_A_TIME + PASSWORD_WAITING; i++)
		assert_int_equal(password_check(w.acct->passwords, NULL, "x",
						on_password, &w), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(password_check(w.acct->passwords, NULL, "x",
						on_password, &w), EBUSY);
	assert_int_equal(password_make(w.acct->passwords, "x", on_password,
				       &w), EBUSY);
	run_until(w.f, some_called, &w);
	assert_int_equal(password_check(w.acct->passwords, NULL, "x",
					on_password, &w), 0);

	memset(text, 'x', sizeof(text));
	text[PASSWORD_MAX + 1] = '\0';
	assert_int_equal(password_check(w.acct->passwords, NULL, text,
					on_password, &w), EINVAL);
	close_world(&w);
	uv_run(&w.f->uv_loop, UV_RUN_DEFAULT); /* what is under way */
}

/* Who goes while some are under way is called no more. */
static void test_pool_goes(void **state)
{
	struct password_pool *p;
	struct world w = {.f = *state};
	int always = 1;

	assert_int_equal(password_pool_alloc(&p, &w.f->uv_loop), 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(password_make(p, "x", on_password, &w), 0);
	mem_deref(p);
	run_until(w.f, is_nonzero, &always);
	uv_run(&w.f->uv_loop, UV_RUN_DEFAULT);
	assert_int_equal(w.calls, 0);
}

static void test_rules(void **state)
{
	static const struct {
		const char *password, *wrong;
	} v[] = {
		{"velvet tram 4711 quietly", NULL},
		{"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc", "short"},
		{"elevenchars", "short"},
		{"aaaaaaaaaaaaaa", "over and over"},
		{"abcabcabcabc", "over and over"},
		{"Johanna-4711-x", "user's name"},
		{"Password12345678", "tried first"},
		{"SwitchyardAdmin1", "tried first"},
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		const char *why = password_refuse(v[i].password, "johanna",
						  NULL);

		if (v[i].wrong ? !why || !strstr(why, v[i].wrong) : !!why)
			fail_msg("%s: %s", v[i].password, why ? why : "good");
	}
}

/* --------------------------------------------------------------- directory */

static void on_put(int err, void *arg)
{
	struct world *w = arg;

	w->err = err;
	w->done = 1;
}

static int put(struct world *w, const struct directory_put *put)
{
	w->done = 0;
	assert_int_equal(directory_put(w->acct->directory, put, on_put, w),
			 0);
	run_until(w->f, is_nonzero, &w->done);

	return w->err;
}

static Google__Protobuf__Timestamp at(uint64_t ms)
{
	Google__Protobuf__Timestamp t = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

	timestamp_set_ms(&t, ms);

	return t;
}

/* @param revision  0: a new one. */
static int put_user(struct world *w, const char *id, Sy__UserRole role,
		    bool disabled, uint64_t revision)
{
	Google__Protobuf__Timestamp made = at(1000000);
	Sy__UserRecord r = SY__USER_RECORD__INIT;
	const struct directory_put p = {.section = DIRECTORY_USERS, .id = id,
					.msg = &r.base, .revision = revision};

	r.id = r.display_name = (char *)id;
	r.role = role;
	r.disabled = disabled;
	r.epoch = 7;
	r.created_at = &made;

	return put(w, &p);
}

static int drop(struct world *w, enum directory_section s, const char *id)
{
	const struct directory_entry *e =
		directory_find(w->acct->directory, s, id);
	struct directory_put p = {.section = s, .id = id};

	assert_non_null(e);
	p.revision = e->revision;

	return put(w, &p);
}

static uint64_t revision_of(struct world *w, const char *id)
{
	const struct directory_entry *e =
		directory_find(w->acct->directory, DIRECTORY_USERS, id);

	return e ? e->revision : 0;
}

static void test_directory(void **state)
{
	Sy__UserRecord r = SY__USER_RECORD__INIT;
	const struct directory_put first = {.section = DIRECTORY_USERS,
					    .id = "late", .msg = &r.base,
					    .first = true};
	uint64_t revision;
	struct world w;
	size_t n;

	open_world(&w, state);
	assert_true(directory_is_empty(w.acct->directory));
	assert_int_equal(put_user(&w, "ada", SY__USER_ROLE__ADMIN, false, 0),
			 0);
	/* It is there once the handler was called. */
	assert_non_null(directory_user(w.acct->directory, "ada"));
	assert_null(directory_user(w.acct->directory, "bob"));
	assert_int_equal(put(&w, &first), ENOSPC); /* somebody was before */
	assert_int_equal(put_user(&w, "ada", SY__USER_ROLE__ADMIN, false, 0),
			 EEXIST);

	/* Two who change one version: the second is told. */
	revision = revision_of(&w, "ada");
	assert_int_equal(put_user(&w, "ada", SY__USER_ROLE__ADMIN, false,
				  revision), 0);
	assert_true(revision_of(&w, "ada") > revision);
	assert_int_equal(put_user(&w, "ada", SY__USER_ROLE__ADMIN, false,
				  revision), ESTALE);
	assert_int_equal(put_user(&w, "bob", SY__USER_ROLE__AGENT, false, 9),
			 ENOENT);

	/* The last administrator who can log in stays, and one. */
	assert_int_equal(drop(&w, DIRECTORY_USERS, "ada"), EPERM);
	assert_int_equal(put_user(&w, "ada", SY__USER_ROLE__AGENT, false,
				  revision_of(&w, "ada")), EPERM);
	assert_int_equal(put_user(&w, "ada", SY__USER_ROLE__ADMIN, true,
				  revision_of(&w, "ada")), EPERM);
	assert_int_equal(put_user(&w, "bob", SY__USER_ROLE__ADMIN, false, 0),
			 0);
	directory_list(w.acct->directory, DIRECTORY_USERS, &n);
	assert_int_equal(n, 2);
	assert_int_equal(drop(&w, DIRECTORY_USERS, "ada"), 0);
	assert_null(directory_user(w.acct->directory, "ada"));
	close_world(&w);
}

static bool is_back(void *arg)
{
	struct world *w = arg;

	return server_ask(w->f, "HLEN sy:{acct}:users") == 1;
}

/* A Redis that has lost all gets it back from who remembers. */
static void test_given_back(void **state)
{
	struct world w;

	open_world(&w, state);
	assert_int_equal(put_user(&w, "ada", SY__USER_ROLE__ADMIN, false, 0),
			 0);
	assert_int_equal(server_ask(w.f, "FLUSHALL"), 0);
	run_until(w.f, is_back, &w);
	assert_non_null(directory_user(w.acct->directory, "ada"));
	close_world(&w);
}

/* ------------------------------------------------------------------ tokens */

static int put_token(struct world *w, const char *token, const char *id,
		     const char *by, uint64_t made_ms, uint64_t end_ms)
{
	Google__Protobuf__Timestamp made = at(made_ms), end = at(end_ms);
	char *scopev[] = {"users:read", "nodes:read"}, hash[65];
	Sy__ApiToken t = SY__API_TOKEN__INIT;
	const struct directory_put p = {.section = DIRECTORY_TOKENS, .id = id,
					.msg = &t.base};
	uint8_t md[32];

	assert_int_equal(ticket_hash(md, token), 0);
	(void)re_snprintf(hash, sizeof(hash), "%w", md, sizeof(md));
	t.id = (char *)id;
	t.hash = hash;
	t.scopes = scopev;
	t.n_scopes = 2;
	t.created_by = (char *)by;
	t.created_at = &made;
	t.expires_at = end_ms ? &end : NULL;
	t.rate_limit = 9;

	return put(w, &p);
}

static bool holds(struct world *w, const char *token, struct principal *who)
{
	const Sy__ApiToken *t;
	uint8_t md[32];

	assert_int_equal(ticket_hash(md, token), 0);
	t = account_token(w->acct, md);

	return t && account_token_principal(w->acct, who, t);
}

/* A token may what it says and its maker may; it ends by its time, and with
 * its maker. */
static void test_tokens(void **state)
{
	const uint64_t now = timestamp_now_ms();
	struct principal who;
	struct world w;

	open_world(&w, state);
	assert_int_equal(put_user(&w, "ada", SY__USER_ROLE__ADMIN, false, 0),
			 0);
	assert_int_equal(put_user(&w, "bob", SY__USER_ROLE__ADMIN, false, 0),
			 0);
	assert_int_equal(put_token(&w, "t-bob", "T1", "user:bob", now, 0), 0);
	assert_int_equal(put_token(&w, "t-child", "T2", "user:bob", now, 0),
			 0);
	assert_int_equal(put_token(&w, "t-admin", "T3", "admin", now, 0), 0);
	assert_int_equal(put_token(&w, "t-over", "T4", "admin", now, now - 1),
			 0);
	assert_int_equal(put_token(&w, "t-old", "T5", "user:bob", 1000, 0),
			 0);

	assert_true(holds(&w, "t-bob", &who));
	assert_string_equal(who.id, "token:T1");
	assert_string_equal(principal_maker(&who), "user:bob");
	assert_int_equal(who.per_s, 9);
	assert_true(principal_may(&who, "users:read"));
	assert_false(principal_may(&who, "calls:read"));
	assert_true(holds(&w, "t-child", &who));
	assert_true(holds(&w, "t-admin", &who));
	assert_string_equal(principal_maker(&who), "token:T3");
	assert_false(holds(&w, "t-over", &who));
	assert_int_equal(who.kind, PRINCIPAL_NONE);
	assert_false(holds(&w, "t-none", &who));
	/* Made by one of his name, who was before him. */
	assert_false(holds(&w, "t-old", &who));

	assert_int_equal(put_user(&w, "bob", SY__USER_ROLE__OPERATOR, false,
				  revision_of(&w, "bob")), 0);
	assert_true(holds(&w, "t-child", &who));
	assert_false(principal_may(&who, "users:read"));
	assert_true(principal_may(&who, "nodes:read"));
	assert_int_equal(put_user(&w, "bob", SY__USER_ROLE__ADMIN, true,
				  revision_of(&w, "bob")), 0);
	assert_false(holds(&w, "t-bob", &who));
	assert_int_equal(drop(&w, DIRECTORY_USERS, "bob"), 0);
	assert_false(holds(&w, "t-bob", &who));
	assert_false(holds(&w, "t-child", &who));
	assert_true(holds(&w, "t-admin", &who));
	close_world(&w);
}

/* ----------------------------------------------------------------- tickets */

static void on_ticket_put(int err, char *const *endv, size_t endc, void *arg)
{
	struct world *w = arg;

	w->err = err;
	w->done = 1;
	(void)snprintf(w->ended, sizeof(w->ended), "%s",
		       endc ? endv[0] : "");
}

static void on_find(enum ticket_out out, const Sy__Ticket *tk, void *arg)
{
	struct world *w = arg;

	assert_int_equal(out == TICKET_OK, tk != NULL);
	w->out = out;
	w->done = 1;
}

static enum ticket_out find(struct world *w, const char *text)
{
	const Sy__Ticket *tk = NULL;
	struct ticket_ask *ask = NULL;
	enum ticket_out out;

	w->done = 0;
	out = ticket_find(w->acct->tickets, text, &tk, &ask, on_find, w);
	if (out == TICKET_LATER) {
		run_until(w->f, is_nonzero, &w->done);
		out = w->out;
	}
	mem_deref(ask);

	return out;
}

/* Opens a login. @param text  Set to "ID.SECRET". */
static void open_ticket(struct world *w, char text[TICKET_TEXT_SIZE],
			uint64_t life_ms)
{
	const uint64_t now = timestamp_now_ms();
	Google__Protobuf__Timestamp made = at(now), end = at(now + life_ms);
	char id[ULID_LEN + 1], secret[TICKET_SECRET_LEN + 1];
	Sy__Ticket tk = SY__TICKET__INIT;
	uint8_t md[32];

	ulid_make(id);
	ticket_secret(secret);
	assert_int_equal(ticket_hash(md, secret), 0);
	tk.id = id;
	tk.hash.data = md;
	tk.hash.len = sizeof(md);
	tk.user = "ada";
	tk.created_at = tk.seen_at = &made;
	tk.expires_at = &end;
	w->done = 0;
	assert_int_equal(ticket_put(w->acct->tickets, &tk, on_ticket_put, w),
			 0);
	run_until(w->f, is_nonzero, &w->done);
	assert_int_equal(w->err, 0);
	(void)snprintf(text, TICKET_TEXT_SIZE, "%s.%s", id, secret);
}

static void on_get(int err, const Sy__Ticket *tk, void *arg)
{
	struct world *w = arg;

	if (!err)
		err = ticket_drop(w->acct->tickets, tk, on_put, w);
	if (err)
		on_put(err, w);
}

static void test_tickets(void **state)
{
	char text[TICKET_TEXT_SIZE], wrong[TICKET_TEXT_SIZE];
	char id[ULID_LEN + 1];
	struct world w;

	open_world(&w, state);
	open_ticket(&w, text, 60000);
	(void)snprintf(id, sizeof(id), "%.*s", ULID_LEN, text);
	assert_int_equal(find(&w, text), TICKET_OK);
	assert_non_null(ticket_holds(w.acct->tickets, id));

	/* Another secret, another id, no text at all. */
	memcpy(wrong, text, sizeof(wrong));
	wrong[TICKET_TEXT_SIZE - 2] ^= 1;
	assert_int_equal(find(&w, wrong), TICKET_GONE);
	assert_int_equal(find(&w, "x"), TICKET_GONE);
	assert_int_equal(find(&w, ""), TICKET_GONE);

	/* The secret is kept nowhere. */
	assert_int_equal(server_ask(w.f, "EVAL %s 0 %s",
		"local n = 0 for _, k in ipairs(redis.call('KEYS', '*')) do "
		"if redis.call('TYPE', k).ok == 'string' and string.find("
		"redis.call('GET', k), ARGV[1], 1, true) then n = n + 1 end "
		"end return n", text + ULID_LEN + 1), 0);

	/* Ended at another gateway: Redis is asked before it counts again. */
	w.done = 0;
	assert_int_equal(ticket_get(w.acct->tickets, id, on_get, &w), 0);
	run_until(w.f, is_nonzero, &w.done);
	assert_int_equal(w.err, 0);
	assert_int_equal(find(&w, text), TICKET_OK); /* nobody told us yet */
	ticket_ended(w.acct->tickets, id);
	assert_int_equal(find(&w, text), TICKET_GONE);
	assert_null(ticket_holds(w.acct->tickets, id));
	w.done = 0;
	assert_int_equal(ticket_get(w.acct->tickets, id, on_get, &w), 0);
	run_until(w.f, is_nonzero, &w.done);
	assert_int_equal(w.err, ENOENT);
	close_world(&w);
}

static void test_ticket_is_over(void **state)
{
	char text[TICKET_TEXT_SIZE];
	struct world w;

	open_world(&w, state);
	open_ticket(&w, text, 300);
	assert_int_equal(find(&w, text), TICKET_OK);
	while (find(&w, text) == TICKET_OK)
		(void)run_for(w.f, fixture_always, NULL, 1000);
	assert_int_equal(find(&w, text), TICKET_GONE);
	close_world(&w);
}

/* Of 20 logins of a user the oldest gives way. */
static void test_many_logins(void **state)
{
	char text[TICKET_TEXT_SIZE], first[ULID_LEN + 1];
	struct world w;

	open_world(&w, state);
	for (int i = 0; i < 20; i++) {
		open_ticket(&w, text, 60000 + 1000 * i);
		assert_string_equal(w.ended, "");
		if (!i)
			(void)snprintf(first, sizeof(first), "%.*s", ULID_LEN,
				       text);
	}
	open_ticket(&w, text, 600000);
	assert_string_equal(w.ended, first);
	close_world(&w);
}

/* A Redis that does not answer: who was seen goes on, who was not waits. */
static void test_redis_is_away(void **state)
{
	static const char id[] = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
	char seen[TICKET_TEXT_SIZE], other[TICKET_TEXT_SIZE];
	struct world w;

	open_world(&w, state);
	open_ticket(&w, seen, 60000);
	memcpy(other, seen, sizeof(other));
	memcpy(other, id, ULID_LEN);
	assert_int_equal(find(&w, seen), TICKET_OK);
	server_kill(w.f);
	assert_int_equal(find(&w, seen), TICKET_OK);
	assert_int_equal(find(&w, other), TICKET_AWAY);
	close_world(&w);
}

#define uv_test(fn)                                                           \
	{                                                                     \
		#fn, fn, fixture_setup, fixture_teardown, &fixture_uv         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		uv_test(test_passwords),
		uv_test(test_too_many_passwords),
		uv_test(test_pool_goes),
		cmocka_unit_test(test_rules),
		uv_test(test_directory),
		uv_test(test_given_back),
		uv_test(test_tokens),
		uv_test(test_tickets),
		uv_test(test_ticket_is_over),
		uv_test(test_many_logins),
		uv_test(test_redis_is_away),
	};
	(void)fixture_re; /* this program has the other loop only */

	return cmocka_run_group_tests(tests, NULL, NULL);
}

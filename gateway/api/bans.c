/* SPDX-License-Identifier: MIT */
/*
 * /api/bans: who is not listened to for a while, by what the routers found
 * out or by hand.  Routers are told by the bus at once, and read the list
 * when they start.
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/query.h"
#include "gateway/api/sieve.h"
#include "proto/bus.h"
#include "proto/store_guard.h"

enum {
	BY_HAND_S = 3600,
	SECONDS_MAX = 365 * 86400,
	USER_MAX = 128,
	COMMENT_MAX = 200,
};

static void tell(struct view *view, const Sy__Ban *ban, bool removed)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__BanChanged changed = SY__BAN_CHANGED__INIT;

	changed.ban = (Sy__Ban *)(uintptr_t)ban;
	changed.removed = removed;
	env.body_case = SY__ENVELOPE__BODY_BAN_CHANGED;
	env.ban_changed = &changed;
	(void)bus_publish(view_bus(view), BUS_CHANNEL_GUARD, &env);
}

static void record(struct view *view, const Sy__Ban *ban, Sy__EventType type)
{
	Sy__Event ev = SY__EVENT__INIT;
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;

	timestamp_set_ms(&at, timestamp_now_ms());
	ev.at = &at;
	ev.type = type;
	ev.ban = (Sy__Ban *)(uintptr_t)ban;
	(void)store_event(view_redis(view), &ev);
}

/* ------------------------------------------------------------------ list */

struct filter {
	char source[128], user[128], reason[32]; /* each "": any */
};

static void on_page(int err, const Sy__Ban *const *banv, size_t banc,
		    const char *next, void *arg)
{
	sieve_page(arg, err, banv, banc, next);
}

static int ask(struct redis *r, const char *cursor, size_t limit,
	       struct sieve *s)
{
	return store_ban_list(r, cursor, limit, on_page, s);
}

static bool is_wanted(ProtobufCMessage *msg, const void *filter,
		      struct api *api)
{
	const Sy__Ban *ban = (const Sy__Ban *)msg;
	const struct filter *f = filter;
	(void)api;

	return (!*f->source || !strcmp(ban->source, f->source)) &&
	       (!*f->user || !strcmp(ban->user, f->user)) &&
	       (!*f->reason || !strcmp(ban->reason, f->reason));
}

static const char *cursor_of(const ProtobufCMessage *msg)
{
	return ((const Sy__Ban *)msg)->id;
}

void api_bans_list(struct api_req *a)
{
	static const struct sieve_def wanted_bans = {
		.what = "ban",
		.askh = ask,
		.wantedh = is_wanted,
		.cursorh = cursor_of,
	};
	char cursor[ROUTE_PARAM_SIZE];
	struct filter f;
	size_t limit;

	if (api_page(a, &limit, cursor, sizeof(cursor)) &&
	    query_text(a, "source", f.source, sizeof(f.source)) &&
	    query_text(a, "user", f.user, sizeof(f.user)) &&
	    query_text(a, "reason", f.reason, sizeof(f.reason)))
		sieve_list(a, &wanted_bans, limit, cursor, &f, sizeof(f));
}

/* --------------------------------------------------------------- by hand */

static void on_put(int err, const Sy__Ban *ban, bool fresh, void *arg)
{
	struct api_req *a = arg;
	(void)fresh;

	if (err) {
		api_reply_err(a, err, "ban");
	}
	else {
		if (a->api->view) {
			tell(a->api->view, ban, false);
			record(a->api->view, ban, SY__EVENT_TYPE__BANNED);
		}
		api_reply(a, 201, &ban->base);
	}
	api_release(a);
}

static bool is_text(const char *s, size_t max)
{
	size_t n = 0;

	while ((unsigned char)s[n] >= ' ' && s[n] != 0x7f)
		++n;

	return !s[n] && n <= max;
}

/* Answers when it returns false. */
static bool check(struct api_req *a, const Sy__NewBan *nb, struct sa *sa)
{
	static const struct problem_field bad[] = {
		{"source", "is no address",
		 "an IPv4 or IPv6 address (networks: settings.guard.deny)"},
		{"user", "is no user's name",
		 "up to 128 characters, none of them a control character"},
		{"seconds", "is too long", "0 (an hour) to 31536000"},
		{"comment", "is no text",
		 "up to 200 characters, none of them a control character"},
	};
	const struct problem_field *wrong = NULL;

	if (sa_set_str(sa, nb->source, 0))
		wrong = &bad[0];
	else if (!is_text(nb->user, USER_MAX))
		wrong = &bad[1];
	else if (nb->seconds > SECONDS_MAX)
		wrong = &bad[2];
	else if (!is_text(nb->comment, COMMENT_MAX))
		wrong = &bad[3];
	if (wrong)
		(void)problem_fields(a->web, wrong, 1);

	return !wrong;
}

void api_bans_create(struct api_req *a)
{
	const Sy__NewBan *nb = (const Sy__NewBan *)a->body;
	char source[STORE_BAN_SOURCE_SIZE], id[STORE_BAN_ID_SIZE];
	Sy__Ban ban = SY__BAN__INIT;
	const struct store_ban_put put = {
		.ban = &ban,
		.first_ms = (nb->seconds ? nb->seconds : BY_HAND_S) * 1000ULL,
		.max_ms = UINT64_MAX,
		.exact = true,
	};
	struct sa sa;
	int err;

	if (!check(a, nb, &sa))
		return;
	store_ban_source(source, &sa);
	err = store_ban_id(id, source, nb->user);
	ban.id = id;
	ban.source = source;
	ban.user = nb->user;
	ban.reason = "manual";
	ban.comment = nb->comment;
	api_hold(a);
	if (!err)
		err = store_ban_put(view_redis(a->api->view), &put, on_put, a);
	if (err) {
		api_reply_err(a, err, "ban");
		api_release(a);
	}
}

/* ------------------------------------------------------------------ lift */

/* Also one that no list has: a router may have made it without Redis. */
static void tell_all(struct api_req *a)
{
	char id[ROUTE_PARAM_SIZE];
	Sy__Ban ban = SY__BAN__INIT;
	char *comma;

	str_ncpy(id, a->params.v[0], sizeof(id));
	ban.id = a->params.v[0];
	ban.source = id;
	comma = strchr(id, ',');
	if (comma) {
		*comma = '\0';
		ban.user = comma + 1;
	}
	tell(a->api->view, &ban, true);
}

static void on_lifted(int err, const Sy__Ban *const *banv, size_t banc,
		      const char *next, void *arg)
{
	struct api_req *a = arg;
	(void)next;

	if (!err && a->api->view) {
		tell_all(a);
		for (size_t i = 0; i < banc; i++)
			record(a->api->view, banv[i],
			       SY__EVENT_TYPE__UNBANNED);
	}
	if (!err && !banc)
		err = ENOENT;
	if (err)
		api_reply_err(a, err, "ban");
	else
		api_reply_empty(a);
	api_release(a);
}

void api_bans_lift(struct api_req *a)
{
	int err;

	api_hold(a);
	err = store_ban_drop(view_redis(a->api->view), a->params.v[0],
			     on_lifted, a);
	if (err) {
		api_reply_err(a, err, "ban");
		api_release(a);
	}
}

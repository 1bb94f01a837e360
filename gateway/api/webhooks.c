/* SPDX-License-Identifier: MIT */
/* /api/webhooks: which servers are told of what. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/body.h"
#include "gateway/api/webhooks.h"
#include "gateway/hook/hook.h"
#include "gateway/hook/send.h"
#include "gateway/hook/store.h"
#include "proto/log.h"

#define WHAT "webhook"

enum { EVENTS_MAX = 64 };

/* What is being answered. */
struct showing {
	struct api_req *a;
	size_t n;
	bool list, more;
	unsigned status;        /* of one                                 */
	char secret[TICKET_SECRET_LEN + 1]; /* shown when it is made      */
	char idv[DIRECTORY_WEBHOOKS_MAX][ULID_LEN + 1];
};

static struct redis *redis(const struct api_req *a)
{
	return bus_redis(a->api->account->bus);
}

const struct directory_entry *webhook_find(struct api_req *a)
{
	const struct directory_entry *e;

	if (!account_is_loaded(a))
		return NULL;
	e = directory_find(a->api->account->directory, DIRECTORY_WEBHOOKS,
			   a->params.v[0]);
	if (!e)
		api_reply_err(a, ENOENT, WHAT);

	return e;
}

/* --------------------------------------------------------------------- show */

static void fill(Sy__Webhook *w, const Sy__WebhookRecord *r,
		 const struct hook_stat *st)
{
	sy__webhook__init(w);
	w->id = r->id;
	w->name = r->name;
	w->url = r->url;
	w->events = r->events;
	w->n_events = r->n_events;
	w->enabled = !r->disabled;
	w->created_at = r->created_at;
	w->created_by = r->created_by;
	w->last_status = st->status;
	w->last_error = (char *)(uintptr_t)st->error;
	w->pending = st->pending;
}

static void on_stat(int err, const struct hook_stat *v, size_t n, void *arg)
{
	struct showing *s = arg;
	struct api_req *a = s->a;
	Sy__Webhook *hookv = mem_zalloc((n + 1) * sizeof(*hookv), NULL);
	const ProtobufCMessage **msgv = mem_zalloc((n + 1) * sizeof(*msgv),
						   NULL);
	size_t count = 0;

	if (!err && (!hookv || !msgv))
		err = ENOMEM;
	for (size_t i = 0; !err && i < n && i < s->n; i++) {
		const struct directory_entry *e = directory_find(
			a->api->account->directory, DIRECTORY_WEBHOOKS,
			s->idv[i]);

		if (!e)
			continue;
		fill(&hookv[count], (const Sy__WebhookRecord *)e->msg, &v[i]);
		msgv[count] = &hookv[count].base;
		++count;
	}
	if (s->list) {
		api_listed(a, err, WHAT, msgv, count,
			   s->more ? s->idv[s->n - 1] : NULL);
	}
	else {
		if (!err && !count)
			err = ENOENT;
		if (err) {
			api_reply_err(a, err, WHAT);
		}
		else {
			hookv[0].secret = s->secret;
			api_reply(a, s->status, msgv[0]);
		}
		api_release(a);
	}
	mem_deref(msgv);
	mem_deref(hookv);
	explicit_bzero(s->secret, sizeof(s->secret));
	mem_deref(s);
}

static int ask(struct showing *s)
{
	const char *idv[DIRECTORY_WEBHOOKS_MAX];

	for (size_t i = 0; i < s->n; i++)
		idv[i] = s->idv[i];

	return hook_stat(redis(s->a), idv, s->n, on_stat, s);
}

/* Holds the request. */
static void show(struct api_req *a, const char *id, unsigned status,
		 const char *secret)
{
	struct showing *s = mem_zalloc(sizeof(*s), NULL);
	int err = s ? 0 : ENOMEM;

	if (!err) {
		s->a = a;
		s->status = status;
		s->n = 1;
		str_ncpy(s->idv[0], id, sizeof(s->idv[0]));
		str_ncpy(s->secret, secret, sizeof(s->secret));
		err = ask(s);
	}
	if (!err) {
		api_hold(a);
		return;
	}
	mem_deref(s);
	api_reply_err(a, err, WHAT);
}

void api_webhooks_get(struct api_req *a)
{
	const struct directory_entry *e = webhook_find(a);

	if (e)
		show(a, e->id, 200, "");
}

void api_webhooks_list(struct api_req *a)
{
	const struct directory_entry *v;
	char cursor[ROUTE_PARAM_SIZE];
	struct showing *s;
	size_t limit, n, at = 0;
	int err;

	if (!account_is_loaded(a) ||
	    !api_page(a, &limit, cursor, sizeof(cursor)))
		return;
	s = mem_zalloc(sizeof(*s), NULL);
	if (!s) {
		api_reply_err(a, ENOMEM, WHAT);
		return;
	}
	v = directory_list(a->api->account->directory, DIRECTORY_WEBHOOKS, &n);
	while (at < n && *cursor && strcmp(v[at].id, cursor) <= 0)
		++at;
	s->a = a;
	s->list = true;
	for (; at < n && s->n < limit && s->n < DIRECTORY_WEBHOOKS_MAX; at++)
		str_ncpy(s->idv[s->n++], v[at].id, sizeof(s->idv[0]));
	s->more = at < n;
	api_hold(a);
	err = ask(s);
	if (err) {
		mem_deref(s);
		api_listed(a, err, WHAT, NULL, 0, NULL);
	}
}

/* -------------------------------------------------------------------- checks */

static void check_url(struct api_req *a, struct faults *bad, const char *url)
{
	const char *why = hook_url_refuse(url, a->api->hook_loopback);

	if (why)
		faults_say(bad, "url", why, HOOK_URL_ALLOWED);
}

static void check_events(struct faults *bad, const Sy__EventType *v, size_t n)
{
	char field[32];

	if (n > EVENTS_MAX)
		faults_say(bad, "events", "are too many", "up to 64");
	for (size_t i = 0; i < n && i < EVENTS_MAX; i++) {
		if (v[i] != SY__EVENT_TYPE__EVENT_UNKNOWN)
			continue;
		(void)re_snprintf(field, sizeof(field), "events[%zu]", i);
		faults_say(bad, field, "is EVENT_UNKNOWN",
			   "types of events, as CALL_STARTED");
	}
}

/* ---------------------------------------------------------------------- make */

struct making {
	struct api_req *a;
	char id[ULID_LEN + 1];
	char secret[TICKET_SECRET_LEN + 1];
};

static void on_made(int err, void *arg)
{
	struct making *m = arg;
	struct api_req *a = m->a;

	if (err) {
		account_reply_put(a, err, WHAT);
	}
	else {
		(void)web_head(a->web, "location", "/api/webhooks/%s", m->id);
		log_info("webhook made", LOG_S("webhook", m->id),
			 LOG_S("by", a->who.id));
		show(a, m->id, 201, m->secret);
	}
	explicit_bzero(m->secret, sizeof(m->secret));
	mem_deref(m);
	api_release(a);
}

static int make(struct making *m, const Sy__NewWebhook *nw)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__WebhookRecord r = SY__WEBHOOK_RECORD__INIT;
	const struct directory_put put = {
		.section = DIRECTORY_WEBHOOKS,
		.id = m->id,
		.msg = &r.base,
	};
	uint8_t sealed[HOOK_SEALED_MAX];
	int err;

	ulid_make(m->id);
	ticket_secret(m->secret);
	timestamp_set_ms(&at, timestamp_now_ms());
	r.id = m->id;
	r.name = nw->name;
	r.url = nw->url;
	r.events = nw->events;
	r.n_events = nw->n_events;
	r.disabled = nw->disabled;
	r.created_at = &at;
	r.created_by = m->a->who.id;
	r.secret = m->secret;
	err = hook_record_seal(sealed, m->a->api->key, &r);
	if (err)
		return err;

	return directory_put(m->a->api->account->directory, &put, on_made, m);
}

void api_webhooks_create(struct api_req *a)
{
	const Sy__NewWebhook *nw = (const Sy__NewWebhook *)a->body;
	struct faults bad = {.n = 0};
	struct making *m;
	int err;

	if (!account_is_loaded(a))
		return;
	account_check_name(&bad, "name", nw->name);
	check_url(a, &bad, nw->url);
	check_events(&bad, nw->events, nw->n_events);
	if (account_refused(a, &bad))
		return;
	m = mem_zalloc(sizeof(*m), NULL);
	if (!m) {
		api_reply_err(a, ENOMEM, WHAT);
		return;
	}
	m->a = a;
	api_hold(a);
	err = make(m, nw);
	if (err)
		on_made(err, m);
}

/* -------------------------------------------------------------------- change */

static void on_changed(int err, void *arg)
{
	struct api_req *a = arg;

	if (err)
		account_reply_put(a, err, WHAT);
	else
		show(a, a->params.v[0], 200, "");
	api_release(a);
}

/* @return whether the events are those by default again. */
static bool check_reset(const struct api_req *a, struct faults *bad,
			const Sy__UpdateWebhook *up)
{
	char field[32];

	for (size_t i = 0; i < up->n_reset; i++) {
		(void)re_snprintf(field, sizeof(field), "reset[%zu]", i);
		if (strcmp(up->reset[i], "events"))
			faults_say(bad, field, "names no such field",
				   "events");
		else if (up->n_events)
			faults_say(bad, field, "names a field that is set as "
				   "well", "one of both");
	}

	return up->n_reset || body_has_empty(a, "events");
}

void api_webhooks_update(struct api_req *a)
{
	const Sy__UpdateWebhook *up = (const Sy__UpdateWebhook *)a->body;
	const struct directory_entry *e = webhook_find(a);
	struct directory_put put = {.section = DIRECTORY_WEBHOOKS};
	struct faults bad = {.n = 0};
	Sy__WebhookRecord r;
	uint8_t sealed[HOOK_SEALED_MAX];
	bool reset;
	int err;

	if (!e)
		return;
	check_events(&bad, up->events, up->n_events);
	reset = check_reset(a, &bad, up);
	if (up->set_name_case)
		account_check_name(&bad, "name", up->name);
	if (up->set_url_case)
		check_url(a, &bad, up->url);
	if (account_refused(a, &bad))
		return;
	r = *(const Sy__WebhookRecord *)e->msg;
	if (up->set_name_case)
		r.name = up->name;
	if (up->set_url_case)
		r.url = up->url;
	if (up->set_enabled_case)
		r.disabled = !up->enabled;
	if (up->n_events || reset) {
		r.events = up->events;
		r.n_events = up->n_events;
	}
	err = hook_record_seal(sealed, a->api->key, &r);
	if (err) {
		api_reply_err(a, err, WHAT);
		return;
	}
	put.id = e->id;
	put.revision = e->revision;
	put.msg = &r.base;
	account_put(a, &put, on_changed);
}

static void on_removed(int err, void *arg)
{
	struct api_req *a = arg;

	if (err) {
		account_reply_put(a, err, WHAT);
	}
	else {
		hook_drop(redis(a), a->params.v[0]);
		log_info("webhook removed", LOG_S("webhook", a->params.v[0]),
			 LOG_S("by", a->who.id));
		api_reply_empty(a);
	}
	api_release(a);
}

void api_webhooks_delete(struct api_req *a)
{
	const struct directory_entry *e = webhook_find(a);
	struct directory_put put = {.section = DIRECTORY_WEBHOOKS};

	if (!e)
		return;
	put.id = e->id;
	put.revision = e->revision;
	account_put(a, &put, on_removed);
}

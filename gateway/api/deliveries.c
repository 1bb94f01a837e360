/* SPDX-License-Identifier: MIT */
/* What was, and is to be, sent to a webhook; sent once more; a test. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/webhooks.h"
#include "gateway/hook/hook.h"
#include "gateway/hook/store.h"

#define WHAT "delivery"

static struct redis *redis(const struct api_req *a)
{
	return bus_redis(a->api->account->bus);
}

static void on_list(int err, Sy__WebhookDelivery *const *v, size_t n,
		    const char *next, void *arg)
{
	api_listed(arg, err, WHAT, v, n, next);
}

void api_deliveries_list(struct api_req *a)
{
	const struct directory_entry *e = webhook_find(a);
	char cursor[ROUTE_PARAM_SIZE];
	size_t limit;
	int err;

	if (!e || !api_page(a, &limit, cursor, sizeof(cursor)))
		return;
	api_hold(a);
	err = hook_list(redis(a), e->id, cursor, limit, on_list, a);
	if (err)
		api_listed(a, err, WHAT, NULL, 0, NULL);
}

/* -------------------------------------------------------------------- again */

struct again {
	struct api_req *a;
	Sy__WebhookDelivery *d;
};

static void destructor(void *arg)
{
	struct again *g = arg;

	if (g->d)
		sy__webhook_delivery__free_unpacked(g->d, NULL);
}

static void on_put(int err, void *arg)
{
	struct again *g = arg;
	struct api_req *a = g->a;

	if (err)
		api_reply_err(a, err, WHAT);
	else
		api_reply(a, 202, &g->d->base);
	mem_deref(g);
	api_release(a);
}

/* @param d  Taken. Holds the request. */
static void put(struct api_req *a, Sy__WebhookDelivery *d)
{
	struct again *g = d ? mem_zalloc(sizeof(*g), destructor) : NULL;
	int err;

	if (!g) {
		if (d)
			sy__webhook_delivery__free_unpacked(d, NULL);
		api_reply_err(a, ENOMEM, WHAT);
		return;
	}
	g->a = a;
	g->d = d;
	api_hold(a);
	err = hook_put(redis(a), NULL, NULL, &g->d, 1, on_put, g);
	if (err)
		on_put(err, g);
}

/* A new delivery of the same event: its id is new, the event's is not. */
static void on_old(int err, Sy__WebhookDelivery *const *v, size_t n,
		   const char *next, void *arg)
{
	const Sy__Event none = SY__EVENT__INIT;
	struct api_req *a = arg;
	Sy__WebhookDelivery *d;
	(void)n;
	(void)next;

	if (err) {
		api_reply_err(a, err, WHAT);
	}
	else {
		d = hook_delivery(v[0]->webhook, v[0]->event_id, &none);
		if (d) {
			char *body = d->body;

			d->type = v[0]->type;
			d->body = v[0]->body;
			v[0]->body = body; /* freed with the old one */
		}
		put(a, d);
	}
	api_release(a);
}

void api_deliveries_again(struct api_req *a)
{
	const struct directory_entry *e = webhook_find(a);
	int err;

	if (!e)
		return;
	api_hold(a);
	err = hook_get(redis(a), e->id, a->params.v[1], on_old, a);
	if (err) {
		api_reply_err(a, err, WHAT);
		api_release(a);
	}
}

void api_webhooks_test(struct api_req *a)
{
	const struct directory_entry *e = webhook_find(a);
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Event ev = SY__EVENT__INIT;

	if (!e)
		return;
	if (((const Sy__WebhookRecord *)e->msg)->disabled) {
		(void)problem(a->web, 409, "conflict", "the webhook is not "
			      "enabled: nothing is sent to it");
		return;
	}
	timestamp_set_ms(&at, timestamp_now_ms());
	ev.at = &at;
	ev.member = (char *)(uintptr_t)view_id(a->api->view);
	ev.reason = "a test";
	put(a, hook_delivery(e->id, "", &ev));
}

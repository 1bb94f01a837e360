/* SPDX-License-Identifier: MIT */
/*
 * Who delivers to webhooks: see hook.h.
 *
 *   tick -> lease, what is due -> sent -> written: done, or when again
 *        -> events after the last one -> written as deliveries -> tick
 *
 * A delivery that is under way stays due in Redis: should this process die,
 * the next one sends it again.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/account/account.h"
#include "gateway/api/body.h"
#include "gateway/hook/hook.h"
#include "gateway/hook/reseal.h"
#include "gateway/hook/send.h"
#include "gateway/hook/store.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/metrics.h"
#include "proto/random.h"
#include "proto/store.h"

enum {
	TICK_MS = 200,          /* of who has the lease                   */
	WATCH_MS = 1000,        /* of the others                          */
	PAGE = 100,             /* events a read                          */
	AT_A_TIME = 32,         /* POSTs under way                        */
	AT_A_TIME_EACH = 4,     /* of one webhook                         */
	HELD_MS = 10000,        /* what cannot be signed waits so long     */
	CLOCKS_MS = 5000,       /* by which ours and Redis' may differ    */
	HEADERS = 4,
	HEADER_SIZE = 160,
};

struct hooks {
	struct hooks_conf conf;
	struct redis *redis;    /* borrowed                               */
	struct hook_http *http;
	struct hook_reseal *reseal;
	struct loop_timer *timer; /* NULL: something is being asked       */
	struct list sendl;      /* struct sending                         */
	struct list heldl;      /* struct held                            */
	char me[ULID_LEN + 1];
	bool mine;
	struct {
		struct metric *done, *failed, *dead;
	} met;
};

struct sending {
	struct le le;
	struct hooks *hooks;    /* NULL: it is gone                       */
	Sy__WebhookDelivery *d;
};

/* A webhook that nothing can be signed for: it was said. */
struct held {
	struct le le;
	char id[ULID_LEN + 1];
	int err;                /* of hook_secret_open()                  */
};

static void tick_later(struct hooks *h, bool soon);

/* ------------------------------------------------------------------ sending */

static void sending_destructor(void *arg)
{
	struct sending *s = arg;

	list_unlink(&s->le);
	if (s->d)
		sy__webhook_delivery__free_unpacked(s->d, NULL);
}

static void on_written(int err, void *arg)
{
	struct sending *s = arg;

	if (err && err != ENOENT)
		log_warn("a delivery to a webhook was not written down: it "
			 "is sent again", LOG_E(err));
	mem_deref(s);
}

static int set_time(Google__Protobuf__Timestamp **tp, uint64_t ms)
{
	if (!*tp) {
		*tp = malloc(sizeof(**tp));
		if (!*tp)
			return ENOMEM;
		google__protobuf__timestamp__init(*tp);
	}
	timestamp_set_ms(*tp, ms);

	return 0;
}

static void set_text(char **strp, const char *text)
{
	if (*strp && *strp != protobuf_c_empty_string)
		free(*strp);
	*strp = strdup(text);
	if (!*strp)
		*strp = (char *)(uintptr_t)protobuf_c_empty_string;
}

static void on_sent(unsigned status, const char *error, void *arg)
{
	struct sending *s = arg;
	struct hooks *h = s->hooks;
	Sy__WebhookDelivery *d = s->d;
	const uint64_t now = timestamp_now_ms();
	const bool ok = status >= 200 && status < 300;
	char text[64] = "";
	uint16_t rnd;

	random_bytes(&rnd, sizeof(rnd));
	if (!ok && status)
		(void)snprintf(text, sizeof(text), "the server answered %u",
			       status);
	d->attempts++;
	d->last_status = status;
	set_text(&d->last_error, *error ? error : text);
	(void)set_time(&d->last_attempt_at, now);
	(void)set_time(&d->next_attempt_at, now + hook_wait_ms(d->attempts, rnd));
	if (ok)
		d->state = SY__DELIVERY_STATE__DELIVERY_DONE;
	else if (now - timestamp_ms(d->created_at) > HOOK_GIVE_UP_MS)
		d->state = SY__DELIVERY_STATE__DELIVERY_DEAD;
	else
		d->state = SY__DELIVERY_STATE__DELIVERY_PENDING;
	metric_inc(ok ? h->met.done : h->met.failed);
	if (d->state == SY__DELIVERY_STATE__DELIVERY_DEAD) {
		metric_inc(h->met.dead);
		log_warn("a delivery to a webhook was given up",
			 LOG_S("webhook", d->webhook), LOG_S("id", d->id),
			 LOG_S("why", d->last_error));
	}
	if (hook_done(h->redis, d, on_written, s))
		on_written(ENOTCONN, s);
}

/* ------------------------------------------------------------------ holding */

static const Sy__WebhookRecord *webhook(const struct hooks *h, const char *id)
{
	const struct directory_entry *e = directory_find(
		h->conf.account->directory, DIRECTORY_WEBHOOKS, id);

	return e ? (const Sy__WebhookRecord *)e->msg : NULL;
}

static void held_destructor(void *arg)
{
	struct held *held = arg;

	list_unlink(&held->le);
}

/* Those of webhooks that were removed are forgotten on the way. */
static struct held *held_find(const struct hooks *h, const char *id)
{
	struct held *found = NULL;
	struct le *le = h->heldl.head;

	while (le) {
		struct held *held = le->data;

		le = le->next;
		if (!strcmp(held->id, id))
			found = held;
		else if (!webhook(h, held->id))
			mem_deref(held);
	}

	return found;
}

/* Once a webhook, until it can be sent to or cannot for another reason. */
static void say_held(struct hooks *h, const char *id, int err)
{
	struct held *held = held_find(h, id);

	if (held && held->err == err)
		return;
	log_warn("deliveries to a webhook wait: they cannot be signed",
		 LOG_S("webhook", id), LOG_S("why", hook_secret_why(err)));
	if (!held) {
		held = mem_zalloc(sizeof(*held), held_destructor);
		if (!held)
			return;
		str_ncpy(held->id, id, sizeof(held->id));
		list_append(&h->heldl, &held->le, held);
	}
	held->err = err;
}

/* No attempt: the receiver has no part in it, and an operator's mistake is
 * not to cost events. */
static void hold(struct sending *s, int err)
{
	struct hooks *h = s->hooks;
	Sy__WebhookDelivery *d = s->d;

	say_held(h, d->webhook, err);
	d->last_status = 0;
	set_text(&d->last_error, hook_secret_why(err));
	(void)set_time(&d->next_attempt_at, timestamp_now_ms() + HELD_MS);
	if (hook_done(h->redis, d, on_written, s))
		on_written(ENOTCONN, s);
}

/* ------------------------------------------------------------------ posting */

static const char *type_name(Sy__EventType type)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(
		&sy__event_type__descriptor, (int)type);

	return type && v ? v->name : "TEST";
}

static int post(struct sending *s, const Sy__WebhookRecord *w,
		const char *secret)
{
	const Sy__WebhookDelivery *d = s->d;
	char headv[HEADERS][HEADER_SIZE], sign[HOOK_SIGNATURE_SIZE];
	const char *pv[HEADERS] = {headv[0], headv[1], headv[2], headv[3]};
	const struct hook_post p = {
		.url = w->url,
		.headv = pv,
		.headc = HEADERS,
		.body = d->body,
		.len = strlen(d->body),
	};
	int err;

	err = hook_sign(sign, secret, timestamp_now_ms() / 1000, p.body,
			p.len);
	if (err)
		return err;
	(void)snprintf(headv[0], HEADER_SIZE,
		       "Content-Type: application/json");
	(void)snprintf(headv[1], HEADER_SIZE, "Switchyard-Signature: %s",
		       sign);
	(void)snprintf(headv[2], HEADER_SIZE, "Switchyard-Event: %s",
		       type_name(d->type));
	(void)snprintf(headv[3], HEADER_SIZE, "Switchyard-Delivery: %s",
		       d->id);

	return hook_send(s->hooks->http, &p, on_sent, s);
}

static bool may_send(const struct hooks *h, const Sy__WebhookDelivery *d)
{
	unsigned all = 0, same = 0;
	struct le *le;

	LIST_FOREACH(&h->sendl, le) {
		const struct sending *s = le->data;

		++all;
		same += !strcmp(s->d->webhook, d->webhook);
		if (!strcmp(s->d->id, d->id))
			return false; /* it is under way */
	}

	return all < AT_A_TIME && same < AT_A_TIME_EACH;
}

/* @param dp  Taken: set to NULL if it is sent or held. */
static void send_one(struct hooks *h, Sy__WebhookDelivery **dp)
{
	const Sy__WebhookRecord *w = webhook(h, (*dp)->webhook);
	char secret[HOOK_SECRET_SIZE] = "";
	struct sending *s;
	bool held;
	int err;

	if (!w || w->disabled || !may_send(h, *dp))
		return;
	s = mem_zalloc(sizeof(*s), sending_destructor);
	if (!s)
		return;
	s->hooks = h;
	s->d = *dp;
	list_append(&h->sendl, &s->le, s);
	err = hook_secret_open(secret, h->conf.key, w);
	held = hook_secret_why(err) != NULL;
	if (!err) {
		mem_deref(held_find(h, w->id));
		err = post(s, w, secret);
	}
	explicit_bzero(secret, sizeof(secret));
	if (err && !held) {
		s->d = NULL;
		mem_deref(s);
		return;
	}
	*dp = NULL;
	if (held)
		hold(s, err);
}

/* ------------------------------------------------------------------- events */

/* What is to be written of a page of events. */
struct batch {
	Sy__WebhookDelivery **v;
	size_t n, max;
};

static void batch_free(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		sy__webhook_delivery__free_unpacked(b->v[i], NULL);
	free(b->v);
}

Sy__WebhookDelivery *hook_delivery(const char *webhook_id,
				   const char *event_id, const Sy__Event *ev)
{
	Sy__WebhookDelivery *d = malloc(sizeof(*d));
	char *json = body_print(&ev->base), id[ULID_LEN + 1];
	const uint64_t now = timestamp_now_ms();

	if (!d || !json) {
		free(d);
		free(json);
		return NULL;
	}
	sy__webhook_delivery__init(d);
	ulid_make(id);
	d->id = strdup(id);
	d->webhook = strdup(webhook_id);
	d->event_id = strdup(event_id);
	d->type = ev->type;
	d->state = SY__DELIVERY_STATE__DELIVERY_PENDING;
	d->body = json;
	if (d->id && d->webhook && d->event_id &&
	    !set_time(&d->created_at, now) &&
	    !set_time(&d->next_attempt_at, now))
		return d;
	sy__webhook_delivery__free_unpacked(d, NULL);

	return NULL;
}

static int add_event(struct hooks *h, struct batch *b,
		     const struct store_entry *e)
{
	size_t n;
	const struct directory_entry *v = directory_list(
		h->conf.account->directory, DIRECTORY_WEBHOOKS, &n);

	for (size_t i = 0; e->event && i < n; i++) {
		const Sy__WebhookRecord *w =
			(const Sy__WebhookRecord *)v[i].msg;
		Sy__WebhookDelivery *d, **more;

		if (w->disabled || !hook_wants(w, e->event->type) ||
		    timestamp_ms(e->event->at) < timestamp_ms(w->created_at))
			continue;
		d = hook_delivery(w->id, e->id, e->event);
		if (!d)
			return ENOMEM;
		if (b->n == b->max) {
			b->max = b->max ? 2 * b->max : 16;
			more = realloc(b->v, b->max * sizeof(*more));
			if (!more) {
				sy__webhook_delivery__free_unpacked(d, NULL);
				return ENOMEM;
			}
			b->v = more;
		}
		b->v[b->n++] = d;
	}

	return 0;
}

static void on_put(int err, void *arg)
{
	struct hooks *h = arg;

	if (err == EPERM)
		h->mine = false;
	tick_later(h, true);
}

/* Should anything fail, the same events are read again. */
static void on_events(int err, const struct store_entry *v, size_t n,
		      void *arg)
{
	struct hooks *h = arg;
	struct batch b = {0};

	for (size_t i = 0; !err && i < n; i++)
		err = add_event(h, &b, &v[i]);
	if (!err && n)
		err = hook_put(h->redis, h->me, v[n - 1].id, b.v, b.n, on_put,
			       h);
	if (err || !n)
		tick_later(h, false);
	batch_free(&b);
}

/* Where nobody has begun: with the first webhook. */
static void begin_at(const struct hooks *h, char id[STORE_EVENT_ID_SIZE])
{
	size_t n;
	const struct directory_entry *v = directory_list(
		h->conf.account->directory, DIRECTORY_WEBHOOKS, &n);
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		const uint64_t ms = timestamp_ms(
			((const Sy__WebhookRecord *)v[i].msg)->created_at);

		first = ms < first ? ms : first;
	}
	if (first == UINT64_MAX || first < CLOCKS_MS)
		first = CLOCKS_MS;
	(void)re_snprintf(id, STORE_EVENT_ID_SIZE, "%llu-0",
			  (unsigned long long)(first - CLOCKS_MS));
}

/* --------------------------------------------------------------------- tick */

static void on_due(int err, bool mine, const char *at,
		   Sy__WebhookDelivery *const *v, size_t n, void *arg)
{
	struct hooks *h = arg;
	Sy__WebhookDelivery **dv = (Sy__WebhookDelivery **)(uintptr_t)v;
	char begin[STORE_EVENT_ID_SIZE];

	if (!err && mine != h->mine)
		log_info(mine ? "webhooks are sent by this gateway"
			      : "webhooks are sent by another gateway",
			 LOG_S("id", h->conf.id));
	h->mine = !err && mine;
	if (!h->mine) {
		tick_later(h, false);
		return;
	}
	hook_reseal(h->reseal);
	for (size_t i = 0; i < n; i++)
		send_one(h, &dv[i]);
	if (*at)
		str_ncpy(begin, at, sizeof(begin));
	else
		begin_at(h, begin);
	err = store_event_list(h->redis, begin, PAGE, on_events, h);
	if (err)
		tick_later(h, false);
}

/* Also of those that are disabled: events go by meanwhile. */
static void tick(struct hooks *h)
{
	size_t n;
	const struct directory_entry *v = directory_list(
		h->conf.account->directory, DIRECTORY_WEBHOOKS, &n);
	const char *idv[DIRECTORY_WEBHOOKS_MAX];
	size_t used = 0;

	if (n > DIRECTORY_WEBHOOKS_MAX)
		n = DIRECTORY_WEBHOOKS_MAX;
	for (size_t i = 0; i < n; i++) {
		if (!((const Sy__WebhookRecord *)v[i].msg)->disabled)
			idv[used++] = v[i].id;
	}
	if (!n || hook_due(h->redis, h->me, idv, used, 2 * AT_A_TIME_EACH,
			   on_due, h))
		tick_later(h, false);
}

static void on_timer(void *arg)
{
	struct hooks *h = arg;

	h->timer = mem_deref(h->timer);
	tick(h);
}

/* @param soon  There may be more just now. */
static void tick_later(struct hooks *h, bool soon)
{
	const uint32_t ms = soon ? 1 : h->mine ? TICK_MS : WATCH_MS;

	h->timer = mem_deref(h->timer);
	(void)loop_timer_start(&h->timer, h->conf.loop, ms, on_timer, h);
}

static void destructor(void *arg)
{
	struct hooks *h = arg;

	mem_deref(h->timer);
	mem_deref(h->http); /* what it sends calls nobody any more */
	list_flush(&h->sendl);
	list_flush(&h->heldl);
	mem_deref(h->reseal);
}

int hooks_alloc(struct hooks **hp, const struct hooks_conf *conf)
{
	struct hooks *h = mem_zalloc(sizeof(*h), destructor);
	int err;

	if (!h)
		return ENOMEM;
	h->conf = *conf;
	h->redis = bus_redis(conf->account->bus);
	ulid_make(h->me);
	h->met.done = metric_add(METRIC_COUNTER,
				 "sy_gateway_webhook_attempts_total",
				 "POSTs to webhooks", "result=\"done\"");
	h->met.failed = metric_add(METRIC_COUNTER,
				   "sy_gateway_webhook_attempts_total",
				   "POSTs to webhooks", "result=\"failed\"");
	h->met.dead = metric_add(METRIC_COUNTER,
				 "sy_gateway_webhook_dead_total",
				 "Deliveries that were given up", NULL);
	err = h->met.done && h->met.failed && h->met.dead ? 0 : ENOMEM;
	if (!err)
		err = hook_http_alloc(&h->http, conf->uv, conf->loopback);
	if (!err)
		err = hook_reseal_alloc(&h->reseal, conf->account->directory,
					conf->key);
	if (err) {
		mem_deref(h);
		return err;
	}
	tick_later(h, false);
	*hp = h;

	return 0;
}

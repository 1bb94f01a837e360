/* SPDX-License-Identifier: MIT */
/*
 * One look at a contact that was taken from the queue:
 *
 *   binding read --> not ours to ask: out of the queue, or into another one
 *        |
 *        v
 *   OPTIONS --lost--> once more --> result written --> event, if it changed
 *        |                             |
 *        +--answered-------------------+--> due again in an interval
 *
 * What fails in between (Redis, memory) leaves the contact in the queue, and
 * it is taken again when its hold is over.
 */

#include <errno.h>
#include <string.h>
#include "proto/log.h"
#include "proto/random.h"
#include "proto/schema_copy.h"
#include "router/forward.h"
#include "router/qualify_impl.h"
#include "router/subs.h"
#include "router/uac.h"
#include "router/way.h"

enum { URI_MAX = 2048 };

static void destructor(void *arg)
{
	struct look *l = arg;

	list_unlink(&l->le);
	tmr_cancel(&l->tmr);
	mem_deref(l->uac);
	mem_deref(l->device);
	mem_deref(l->field);
	if (l->reg)
		sy__registration__free_unpacked(l->reg, NULL);
}

static struct redis *redis(const struct look *l)
{
	return bus_redis(l->q->w->bus);
}

static const char *router_id(const struct look *l)
{
	return l->q->w->router->conf.id;
}

static const Sy__Binding *binding(const struct look *l)
{
	return l->reg->bindings[0];
}

/* When it is in its queue next; the look is over. */
static void give_back(struct look *l, enum store_qual_how how, uint32_t ms)
{
	const struct store_contact c = {l->device, l->field};

	(void)store_qual_due(redis(l), l->own ? router_id(l) : "", how, ms,
			     &c);
	mem_deref(l);
}

/* ------------------------------------------------------------------ result */

static void event(const struct look *l, bool reachable)
{
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Event ev = SY__EVENT__INIT;

	timestamp_set_ms(&at, timestamp_now_ms());
	ev.at = &at;
	ev.type = reachable ? SY__EVENT_TYPE__DEVICE_REACHABLE
			    : SY__EVENT_TYPE__DEVICE_UNREACHABLE;
	ev.member = (char *)(uintptr_t)router_id(l);
	ev.registration = l->reg;
	ev.code = l->check.code;
	(void)store_event(redis(l), &ev);
}

static void tell(const struct look *l)
{
	const Sy__Binding *b = binding(l);

	if (b->reachable)
		log_info("contact answers again", LOG_S("device", l->device),
			 LOG_S("contact", b->contact));
	else
		log_warn("contact does not answer", LOG_S("device", l->device),
			 LOG_S("contact", b->contact),
			 LOG_U("code", l->check.code));
	event(l, b->reachable);
	subs_resource_changed(l->q->w->bus, l->device);
}

static void on_put(int err, bool changed, void *arg)
{
	struct look *l = arg;
	uint32_t random;

	if (err) {
		mem_deref(l);
		return;
	}
	if (changed)
		tell(l);
	random_bytes(&random, sizeof(random));
	give_back(l, STORE_QUAL_NEXT,
		  qual_check_next_ms(&l->check, random, loop_now_us()));
}

static void finish(struct look *l, bool reachable)
{
	const struct store_contact c = {l->device, l->field};
	const struct store_qual qual = {
		.reachable = reachable,
		.round_trip_us = l->check.round_trip_us,
		.checked_ms = timestamp_now_ms(),
		.code = l->check.code,
	};
	Sy__Binding *b = l->reg->bindings[0];

	stat_inc(&l->q->w->stats,
		 reachable ? STAT_QUALIFY_UP : STAT_QUALIFY_DOWN);
	b->reachable = reachable;
	b->round_trip_ms = (float)qual.round_trip_us / 1000.0f;
	b->last_code = qual.code;
	if (store_qual_put(redis(l), &c, &qual, on_put, l))
		mem_deref(l);
}

/* ------------------------------------------------------------------ asking */

static void ask(void *arg);

static void answered(struct look *l, uint16_t code, bool heard)
{
	switch (qual_check_answer(&l->check, code, heard, loop_now_us())) {

	case QUAL_UP:
		finish(l, true);
		break;

	case QUAL_DOWN:
		finish(l, false);
		break;

	case QUAL_AGAIN:
	default:
		tmr_start(&l->tmr, QUAL_PAUSE_MS, ask, l);
		break;
	}
}

static void on_answer(uint16_t code, const struct view *v, void *arg)
{
	struct look *l = arg;

	l->uac = mem_deref(l->uac);
	answered(l, code, v != NULL);
}

/* Our address in From and Contact: of the socket that it leaves by. */
static const struct wire_port *our_port(const struct worker *w,
					const struct flow *f)
{
	const struct wire_set *set = &w->router->wires;
	const size_t at = f->router == set->instance ? f->listener : 0;

	return &set->portv[at < set->portc ? at : 0];
}

static int send_options(struct look *l)
{
	struct worker *w = l->q->w;
	const Sy__Config *conf = config_get(w->config);
	const struct wire_port *port = our_port(w, &l->flow);
	const struct pl told = wire_told(&w->router->wires, port, &l->flow);
	char from[160], to[URI_MAX], headers[320];
	struct uac_request r = {
		.method = "OPTIONS",
		.uri = binding(l)->contact,
		.from = from,
		.to = to,
		.call_id = l->call_id,
		.cseq = ++l->cseq,
		.headers = headers,
		.to_flow = &l->flow,
		.timeout_ms = qual_check_timeout_ms(&l->check),
	};

	if (re_snprintf(from, sizeof(from), "<sip:%r>;tag=%s", &told,
			l->tag) < 0 ||
	    re_snprintf(to, sizeof(to), "<sip:%s@%s>", l->device,
			conf && conf->settings ? conf->settings->realm
					       : "switchyard") < 0 ||
	    re_snprintf(headers, sizeof(headers),
			"Contact: <sip:%r%s>\r\nAccept: application/sdp\r\n"
			"User-Agent: Switchyard/" SY_VERSION "\r\n",
			&told, wire_kind_param(port->kind)) < 0)
		return EOVERFLOW;

	return uac_send(&l->uac, w->uacs, &r, on_answer, l);
}

static void ask(void *arg)
{
	struct look *l = arg;
	int err;

	qual_check_sent(&l->check, loop_now_us());
	err = send_options(l);
	if (err == ENOTCONN)
		answered(l, 503, false); /* its connection is gone */
	else if (err)
		mem_deref(l);
}

/* ------------------------------------------------------------ one is asked */

static void begin(struct look *l, uint32_t every_s)
{
	const Sy__Binding *b = binding(l);
	struct worker *w = l->q->w;
	uint8_t rnd[22];
	int err;

	random_bytes(rnd, sizeof(rnd));
	(void)re_snprintf(l->call_id, sizeof(l->call_id), "%w", rnd,
			  (size_t)16);
	(void)re_snprintf(l->tag, sizeof(l->tag), "%w", rnd + 16, (size_t)6);
	qual_check_init(&l->check, every_s * 1000,
			(uint32_t)(b->round_trip_ms * 1000.0f),
			b->checked_at && !b->reachable, loop_now_us());
	err = way_to_binding(&l->flow, w, b);
	if (!w->wire || err == ENOMEM)
		mem_deref(l);
	else if (err)
		answered(l, 503, false);
	else
		ask(l);
}

/* ----------------------------------------------------------------- binding */

static bool is_ours(const struct look *l, const Sy__Binding *b)
{
	char field[URI_MAX];

	return store_reg_field(field, sizeof(field), b->contact,
			       b->instance_id, b->reg_id) >= 0 &&
	       !strcmp(field, l->field);
}

static Sy__Registration *copy_with(const Sy__Registration *reg, size_t i)
{
	Sy__Registration one = SY__REGISTRATION__INIT;

	one.device = reg->device;
	one.bindings = &reg->bindings[i];
	one.n_bindings = 1;

	return schema_copy(&one.base);
}

/* It is another router's to ask: the one that has its flow, and lives. @return
 * NULL: it is fine where it is */
static const char *other_queue(const struct look *l, const Sy__Binding *b)
{
	const struct worker *w = l->q->w;
	const char *holder = qual_holder(b);

	if (!strcmp(holder, l->own ? router_id(l) : ""))
		return NULL;
	if (holder[0] && !member_find(w->members, holder))
		return l->own ? "" : NULL;

	return holder;
}

/* What was taken is in the wrong queue: its phone registered elsewhere. */
static void move(struct look *l, const char *queue)
{
	const struct store_contact c = {l->device, l->field};

	(void)store_qual_due(redis(l), queue, STORE_QUAL_NEW, 0, &c);
	give_back(l, STORE_QUAL_DROP, 0);
}

static void on_reg(int err, const Sy__Registration *reg, void *arg)
{
	struct look *l = arg;
	const uint32_t every_s = qual_every_s(l->q->w, l->device);
	const char *queue;
	size_t i = 0;

	if (err) {
		mem_deref(l);
		return;
	}
	while (i < reg->n_bindings && !is_ours(l, reg->bindings[i]))
		++i;
	if (i == reg->n_bindings || !every_s) {
		give_back(l, STORE_QUAL_DROP, 0);
		return;
	}
	queue = other_queue(l, reg->bindings[i]);
	if (queue) {
		move(l, queue);
		return;
	}
	l->reg = copy_with(reg, i);
	if (!l->reg)
		mem_deref(l);
	else
		begin(l, every_s);
}

int qual_look(struct qualify *q, const struct store_qual_taken *taken)
{
	struct look *l = mem_zalloc(sizeof(*l), destructor);
	int err;

	if (!l)
		return ENOMEM;
	tmr_init(&l->tmr);
	l->q = q;
	l->own = taken->own;
	list_append(&q->looks, &l->le, l);
	err = str_dup(&l->device, taken->contact.device);
	if (!err)
		err = str_dup(&l->field, taken->contact.field);
	if (!err)
		err = store_reg_get(redis(l), l->device, on_reg, l);
	if (err)
		mem_deref(l);

	return err;
}

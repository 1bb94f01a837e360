/* SPDX-License-Identifier: MIT */
/* One page that is a phone: see signal_impl.h. */

#include <errno.h>
#include <string.h>

#include "gateway/signal/signal_impl.h"
#include "proto/log.h"
#include "proto/schema.h"

/* Something that its page is told once it is registered. */
struct waiting {
	struct le le;
	size_t len;
	uint8_t packed[];
};

static void waiting_destructor(void *arg)
{
	struct waiting *w = arg;

	list_unlink(&w->le);
}

static void leg_destructor(void *arg)
{
	struct phone_leg *pl = arg;

	list_unlink(&pl->le);
}

static void destructor(void *arg)
{
	struct phone *ph = arg;

	hash_unlink(&ph->le);
	list_flush(&ph->legs);
	list_flush(&ph->waiting);
	mem_deref(ph->refresh);
}

int phone_alloc(struct phone **pp, struct signal *s, const char *name,
		const char *device)
{
	struct phone *ph;

	if (s->phonec >= SIGNAL_PHONES_MAX)
		return ENOSPC;

	ph = mem_zalloc(sizeof(*ph), destructor);
	if (!ph)
		return ENOMEM;

	ph->signal = s;
	str_ncpy(ph->name, name, sizeof(ph->name));
	str_ncpy(ph->device, device, sizeof(ph->device));
	ph->since_ms = timestamp_now_ms();
	ph->calls_left = PHONE_CALLS_BURST;
	ph->calls_us = loop_now_us();
	hash_append(s->phones, hash_joaat_str(ph->name), &ph->le, ph);
	s->phonec++;
	*pp = ph;

	return 0;
}

void phone_end(struct phone *ph)
{
	if (!ph->signal)
		return;

	if (ph->client)
		ws_phone_set(ph->client, NULL, NULL);
	ph->client = NULL;
	ph->refresh = mem_deref(ph->refresh);
	hash_unlink(&ph->le);
	ph->signal->phonec--;
	ph->signal = NULL;
	mem_deref(ph);
}

/* ---------------------------------------------------------- its connection */

static void gone_handler(struct ws_client *c, void *arg)
{
	struct phone *ph = arg;

	if (ph->client != c)
		return;

	log_debug("phone lost", LOG_S("device", ph->device));
	ph->client = NULL;
	leave(ph);
	phone_end(ph);
}

static void say_replaced(struct ws_client *c)
{
	Sy__PhoneReplaced replaced = SY__PHONE_REPLACED__INIT;
	Sy__WsServer msg = SY__WS_SERVER__INIT;

	ws_phone_set(c, NULL, NULL);
	msg.body_case = SY__WS_SERVER__BODY_PHONE_REPLACED;
	msg.phone_replaced = &replaced;
	(void)ws_send(c, &msg);
}

void phone_attach(struct phone *ph, struct ws_client *c)
{
	struct phone *other = ws_phone(c);
	const char *peer = ws_peer(c);

	if (other && other != ph) {
		ws_phone_set(c, NULL, NULL);
		other->client = NULL;
		enlist_drop(other);
		phone_end(other);
	}
	if (ph->client && ph->client != c)
		say_replaced(ph->client);

	ph->client = c;
	(void)re_snprintf(ph->received, sizeof(ph->received), "wss:%s", peer);
	ws_phone_set(c, ph, gone_handler);
}

void phone_replaced(struct phone *ph)
{
	struct ws_client *c = ph->client;

	ph->client = NULL;
	if (c)
		say_replaced(c);
	phone_end(ph);
}

static int put_off(struct phone *ph, const Sy__WsServer *msg)
{
	const size_t len = sy__ws_server__get_packed_size(msg);
	struct waiting *w;

	if (list_count(&ph->waiting) >= PHONE_WAITING_MAX)
		return EPIPE;

	w = mem_zalloc(sizeof(*w) + len, waiting_destructor);
	if (!w)
		return ENOMEM;

	w->len = sy__ws_server__pack(msg, w->packed);
	list_append(&ph->waiting, &w->le, w);

	return 0;
}

int phone_say(struct phone *ph, const Sy__WsServer *msg)
{
	if (!ph->client)
		return EPIPE;

	return ph->enlisting ? put_off(ph, msg) : ws_send(ph->client, msg);
}

void phone_flush(struct phone *ph)
{
	while (ph->waiting.head) {
		struct waiting *w = ph->waiting.head->data;
		Sy__WsServer *msg =
			sy__ws_server__unpack(NULL, w->len, w->packed);

		if (msg && ph->client)
			(void)ws_send(ph->client, msg);
		if (msg)
			sy__ws_server__free_unpacked(msg, NULL);
		mem_deref(w);
	}
}

/* ------------------------------------------------------------------ its legs */

struct phone_leg *phone_leg_find(const struct phone *ph, const char *leg)
{
	for (struct le *le = list_head(&ph->legs); leg && le; le = le->next) {
		struct phone_leg *pl = le->data;

		if (!strcmp(pl->leg, leg))
			return pl;
	}

	return NULL;
}

void phone_leg_add(struct phone *ph, const char *leg, const char *call,
		   const char *node)
{
	struct phone_leg *pl = phone_leg_find(ph, leg);

	if (!pl) {
		if (list_count(&ph->legs) >= PHONE_LEGS_MAX)
			mem_deref(ph->legs.head->data);
		pl = mem_zalloc(sizeof(*pl), leg_destructor);
		if (!pl)
			return;
		str_ncpy(pl->leg, leg, sizeof(pl->leg));
		list_append(&ph->legs, &pl->le, pl);
	}
	/* A transfer may have made two calls one. */
	str_ncpy(pl->call, call, sizeof(pl->call));
	str_ncpy(pl->node, node ? node : "", sizeof(pl->node));
}

void phone_leg_remove(struct phone *ph, const char *leg)
{
	mem_deref(phone_leg_find(ph, leg));
}

/* ------------------------------------------------------------------- its rate */

bool phone_may_call(struct phone *ph)
{
	const uint64_t now_us = loop_now_us();

	ph->calls_left += (float)(now_us - ph->calls_us) * 1e-6f *
			  PHONE_CALLS_S;
	if (ph->calls_left > PHONE_CALLS_BURST)
		ph->calls_left = PHONE_CALLS_BURST;
	ph->calls_us = now_us;
	if (ph->calls_left < 1)
		return false;

	ph->calls_left -= 1;

	return true;
}

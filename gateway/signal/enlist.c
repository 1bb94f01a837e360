/* SPDX-License-Identifier: MIT */
/*
 * A page is registered: a contact of its device, refreshed as long as its
 * socket is there, and for a while longer, so that who loads a page anew
 * misses no call.
 *
 *   store_reg_put() -> BrowserHere to every node and gateway -> their calls
 *                   -> PhoneRegistered -> what has come for it meanwhile
 *
 * A call that the page has and no node knows may be one whose node has just
 * died: it is asked for once more when others have had the time to take it, and
 * only then the page is told that it is over.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/signal/signal_impl.h"
#include "proto/log.h"
#include "proto/schema.h"
#include "proto/store.h"

enum { CALLS_MAX = 64, HERE_MS = 2000, MISSING_MS = 8000,
       FIRST_REFRESH_MS = 1000 };

struct enlisting {
	struct phone *ph;         /* reference                            */
	uint32_t id;
	char **legv;              /* owned, as what it points to          */
	size_t legc;
	unsigned asked;           /* nodes that have not answered         */
	Sy__PhoneCallState *callv[CALLS_MAX]; /* owned                    */
	size_t callc;
	bool missing;             /* it is about those that nobody knew   */
	struct loop_timer *timer;
};

static void destructor(void *arg)
{
	struct enlisting *en = arg;

	for (size_t i = 0; i < en->legc; i++)
		mem_deref(en->legv[i]);
	mem_deref(en->legv);
	for (size_t i = 0; i < en->callc; i++)
		sy__phone_call_state__free_unpacked(en->callv[i], NULL);
	mem_deref(en->timer);
	if (en->ph->enlisting == en)
		en->ph->enlisting = NULL;
	mem_deref(en->ph);
}

static struct enlisting *enlisting_alloc(struct phone *ph, uint32_t id)
{
	struct enlisting *en = mem_zalloc(sizeof(*en), destructor);

	if (!en)
		return NULL;

	en->ph = mem_ref(ph);
	en->id = id;

	return en;
}

/* Do nodes know that leg? */
static bool is_known(const struct enlisting *en, const char *leg)
{
	for (size_t i = 0; i < en->callc; i++) {
		if (!strcmp(en->callv[i]->leg, leg))
			return true;
	}

	return false;
}

/* ----------------------------------------------------------------- contact */

static void contact_print(char *buf, size_t size, const struct phone *ph)
{
	(void)re_snprintf(buf, size, "sip:%s@%.16s.browser.invalid;transport=ws",
			  ph->device, ph->name);
}

/* Lamps and presence look at who is registered. */
static void tell_changed(const struct phone *ph)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;

	env.body_case = SY__ENVELOPE__BODY_RESOURCE_CHANGED;
	env.resource_changed = (char *)ph->device;
	(void)bus_publish(view_bus(ph->signal->view), BUS_CHANNEL_SUBS, &env);
}

static uint32_t contacts_max(const struct phone *ph)
{
	const Sy__Device *dev =
		config_device(view_config_table(ph->signal->view), ph->device,
			      strlen(ph->device));

	return dev ? dev->max_contacts : 0;
}

/* @param expires_s  0: it goes. */
static int put(struct phone *ph, uint32_t expires_s, store_reg_h *h,
	       void *arg)
{
	Google__Protobuf__Timestamp since = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Google__Protobuf__Timestamp until = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__Binding b = SY__BINDING__INIT;
	const Sy__Binding *bindv[] = {&b};
	char contact[160];
	const char *dropv[] = {contact};
	struct store_reg_put prm = {
		.device = ph->device,
		.call_id = ph->call_id,
		.cseq = ++ph->cseq,
		.max_contacts = contacts_max(ph),
		.member = view_id(ph->signal->view),
		.why = "unregistered",
	};

	contact_print(contact, sizeof(contact), ph);
	if (expires_s) {
		prm.bindv = bindv;
		prm.bindc = 1;
	} else {
		prm.dropv = dropv;
		prm.dropc = 1;
	}
	timestamp_set_ms(&since, ph->since_ms);
	timestamp_set_ms(&until, timestamp_now_ms() + expires_s * 1000ull);
	b.contact = contact;
	b.call_id = ph->call_id;
	b.cseq = ph->cseq;
	b.expires_at = &until;
	b.registered_at = &since;
	b.received = ph->received;
	b.user_agent = ph->agent;
	b.q_permille = 1000;
	b.gateway = (char *)view_id(ph->signal->view);
	b.phone = ph->name;

	return store_reg_put(view_redis(ph->signal->view), &prm, h, arg);
}

static void ignore_handler(int err, const Sy__Registration *reg, void *arg)
{
	(void)err;
	(void)reg;
	(void)arg;
}

static void refresh_handler(void *arg);

static void refresh_later(struct phone *ph, uint32_t ms)
{
	ph->refresh = mem_deref(ph->refresh);
	(void)loop_timer_start(&ph->refresh, view_loop(ph->signal->view), ms,
			       refresh_handler, ph);
}

static void refresh_handler(void *arg)
{
	struct phone *ph = arg;

	if (view_has_redis(ph->signal->view))
		(void)put(ph, PHONE_EXPIRES_S, ignore_handler, NULL);
	refresh_later(ph, PHONE_REFRESH_MS);
}

void enlist_linger(struct phone *ph)
{
	if (ph->call_id[0])
		(void)put(ph, PHONE_GRACE_S, ignore_handler, NULL);
}

void enlist_drop(struct phone *ph)
{
	if (!ph->call_id[0])
		return;

	(void)put(ph, 0, ignore_handler, NULL);
	tell_changed(ph);
}

/* --------------------------------------------------- calls that are missing */

static void missing_handler(void *arg);

static void look_for_missing(const struct enlisting *en)
{
	struct enlisting *later = NULL;

	for (size_t i = 0; i < en->legc; i++) {
		if (is_known(en, en->legv[i]))
			continue;
		if (!later)
			later = enlisting_alloc(en->ph, 0);
		if (!later)
			return;
		if (!later->legv)
			later->legv = mem_zalloc(en->legc *
						 sizeof(*later->legv), NULL);
		if (!later->legv ||
		    str_dup(&later->legv[later->legc], en->legv[i]))
			break;
		later->legc++;
	}
	if (!later)
		return;

	later->missing = true;
	if (loop_timer_start(&later->timer, view_loop(en->ph->signal->view),
			     MISSING_MS, missing_handler, later))
		mem_deref(later);
}

static void say_missing(const struct enlisting *en)
{
	for (size_t i = 0; i < en->legc; i++) {
		Sy__PhoneEnded ended = SY__PHONE_ENDED__INIT;
		Sy__WsServer msg = SY__WS_SERVER__INIT;

		if (is_known(en, en->legv[i]) ||
		    phone_leg_find(en->ph, en->legv[i]))
			continue;
		ended.leg = en->legv[i];
		ended.code = 481;
		ended.reason = (char *)"the call has ended";
		msg.body_case = SY__WS_SERVER__BODY_PHONE_ENDED;
		msg.phone_ended = &ended;
		(void)phone_say(en->ph, &msg);
	}
}

/* ----------------------------------------------------------------- answer */

static void refuse(struct enlisting *en, const char *type, const char *why)
{
	struct phone *ph = en->ph;

	if (ph->client)
		(void)ws_refuse(ph->client, en->id, type, "%s", why);
	mem_deref(en);
}

static void answer(struct enlisting *en)
{
	Google__Protobuf__Timestamp until = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__PhoneRegistered reg = SY__PHONE_REGISTERED__INIT;
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	struct phone *ph = en->ph;
	const Sy__Device *dev;
	uint64_t ice_ms;

	dev = config_device(view_config_table(ph->signal->view), ph->device,
			    strlen(ph->device));
	reg.device = ph->device;
	if (dev)
		reg.display_name = dev->display_name;
	ice_ms = ice_servers(&reg, ph->signal, ph->device);
	if (ice_ms) {
		timestamp_set_ms(&until, ice_ms);
		reg.ice_expires_at = &until;
	}
	reg.calls = en->callv;
	reg.n_calls = en->callc;
	msg.id = en->id;
	msg.body_case = SY__WS_SERVER__BODY_PHONE_REGISTERED;
	msg.phone_registered = &reg;
	if (ph->client)
		(void)ws_send(ph->client, &msg);
	ice_free(&reg);
	ph->enlisting = NULL;
	phone_flush(ph);
	/* The gateway that has just lost it may have written after us. */
	refresh_later(ph, FIRST_REFRESH_MS);
	look_for_missing(en);
	mem_deref(en);
}

/* ------------------------------------------------------ everybody is told */

static Sy__PhoneCallState *copy(const Sy__PhoneCallState *st)
{
	const size_t len = sy__phone_call_state__get_packed_size(st);
	uint8_t *buf = mem_alloc(len ? len : 1, NULL);
	Sy__PhoneCallState *dup = NULL;

	if (buf)
		dup = sy__phone_call_state__unpack(
			NULL, sy__phone_call_state__pack(st, buf), buf);
	mem_deref(buf);

	return dup;
}

static void here_handler(const Sy__Result *res, void *arg)
{
	struct enlisting *en = arg;

	for (size_t i = 0; i < res->n_phone_calls && en->callc < CALLS_MAX;
	     i++) {
		const Sy__PhoneCallState *st = res->phone_calls[i];
		Sy__PhoneCallState *dup = copy(st);

		if (!dup)
			continue;
		en->callv[en->callc++] = dup;
		phone_leg_add(en->ph, st->leg, st->call, NULL);
	}

	if (--en->asked)
		return;
	if (en->missing) {
		if (en->ph->signal)
			say_missing(en);
		mem_deref(en);
	}
	else if (en->ph->signal && en->ph->enlisting == en)
		answer(en);
	else
		mem_deref(en);
}

struct telling {
	struct enlisting *en;
	Sy__Envelope *env;
	bool nodes;
};

static void nobody_handler(const Sy__Result *res, void *arg)
{
	(void)res;
	(void)arg;
}

static bool tell_handler(const Sy__Member *m, void *arg)
{
	struct telling *t = arg;
	struct view *view = t->en->ph->signal->view;

	if (!t->nodes) {
		if (strcmp(m->id, view_id(view)))
			(void)bus_request_member(view_bus(view), m->id, t->env,
						 HERE_MS, nobody_handler,
						 NULL);
	} else if (!bus_request_member(view_bus(view), m->id, t->env, HERE_MS,
				       here_handler, t->en)) {
		t->en->asked++;
	}

	return false;
}

static void tell_all(struct enlisting *en)
{
	struct phone *ph = en->ph;
	struct view *view = ph->signal->view;
	Sy__BrowserHere here = SY__BROWSER_HERE__INIT;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	struct telling t = {.en = en, .env = &env};
	char *all[] = {(char *)"*"};

	here.phone = ph->name;
	here.device = ph->device;
	here.gateway = (char *)view_id(view);
	here.received = ph->received;
	here.legs = en->missing ? all : en->legv;
	here.n_legs = en->missing ? 1 : en->legc;
	env.body_case = SY__ENVELOPE__BODY_BROWSER_HERE;
	env.browser_here = &here;
	if (!en->missing)
		member_apply(view_members(view), SY__MEMBER_KIND__GATEWAY,
			     tell_handler, &t);
	t.nodes = true;
	member_apply(view_members(view), SY__MEMBER_KIND__NODE, tell_handler,
		     &t);
}

static void missing_handler(void *arg)
{
	struct enlisting *en = arg;

	if (en->ph->signal && en->ph->client)
		tell_all(en);
	if (!en->asked)
		mem_deref(en);
}

/* It is no phone at all. */
static void refuse_for_good(struct enlisting *en)
{
	struct phone *ph = mem_ref(en->ph);

	refuse(en, "conflict", "the device has as many phones as it may "
			       "(maxContacts)");
	phone_end(ph);
	mem_deref(ph);
}

static void put_handler(int err, const Sy__Registration *reg, void *arg)
{
	struct enlisting *en = arg;
	(void)reg;

	if (!en->ph->signal || en->ph->enlisting != en)
		mem_deref(en);
	else if (err == ENOSPC)
		refuse_for_good(en);
	else if (err)
		refuse(en, "unavailable", "Redis is not reachable");
	else {
		tell_changed(en->ph);
		tell_all(en);
		if (!en->asked)
			answer(en);
	}
}

static int take_legs(struct enlisting *en, char *const *legv, size_t legc)
{
	en->legv = mem_zalloc((legc ? legc : 1) * sizeof(*en->legv), NULL);
	if (!en->legv)
		return ENOMEM;

	for (; en->legc < legc; en->legc++) {
		if (str_dup(&en->legv[en->legc], legv[en->legc]))
			return ENOMEM;
	}

	return 0;
}

void enlist(struct phone *ph, uint32_t id, char *const *legv, size_t legc)
{
	struct enlisting *en = enlisting_alloc(ph, id);
	int err;

	if (!en) {
		(void)ws_refuse(ph->client, id, "internal", "out of memory");
		return;
	}
	err = take_legs(en, legv, legc);
	if (!ph->call_id[0])
		ulid_make(ph->call_id);
	/* An earlier one that is under way ends without an answer. */
	ph->enlisting = en;
	if (!err)
		err = put(ph, PHONE_EXPIRES_S, put_handler, en);
	if (err)
		refuse(en, "unavailable", "Redis is not reachable");
}

/* SPDX-License-Identifier: MIT */
/*
 * GET /api/devices: a page of the configured devices, each with what its user
 * has changed, how many contacts it has and how many calls it is in.  All of
 * it is asked for at once; the answer comes with the last reply.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/config.h"
#include "gateway/api/devices.h"

enum { CALLS_PAGE = 1000, CALLS_PAGES = 10 };

struct listing;

struct item {
	struct listing *l;
	char *id;
	struct store_device st;
	struct device_shown shown;
	uint32_t contacts, calls;
};

struct listing {
	struct api_req *a;      /* held                                   */
	struct item *v;
	size_t n;
	size_t waits;           /* for so many replies                    */
	unsigned pages;         /* of calls, so far                       */
	bool more;
	int err;
};

static void destructor(void *arg)
{
	struct listing *l = arg;

	for (size_t i = 0; l->v && i < l->n; i++)
		mem_deref(l->v[i].id);
	mem_deref(l->v);
}

/* The configuration may be another one by now. */
static void reply(struct listing *l)
{
	const struct config *table = view_config_table(l->a->api->view);
	const ProtobufCMessage **msgv = calloc(l->n + 1, sizeof(*msgv));
	size_t n = 0;

	for (size_t i = 0; msgv && i < l->n; i++) {
		struct item *it = &l->v[i];
		const Sy__Device *dev =
			config_device(table, it->id, strlen(it->id));

		if (!dev)
			continue;
		device_show(&it->shown, dev, &it->st);
		it->shown.msg.contacts = it->contacts;
		it->shown.msg.calls = it->calls;
		msgv[n++] = &it->shown.msg.base;
	}
	if (msgv)
		api_reply_list(l->a, msgv, n,
			       l->more ? l->v[l->n - 1].id : NULL);
	else
		api_reply_err(l->a, ENOMEM, "device");
	free(msgv);
}

static void replied(struct listing *l, int err)
{
	struct api_req *a = l->a;

	if (err)
		l->err = err;
	if (--l->waits)
		return;
	if (l->err)
		api_reply_err(a, l->err, "device");
	else
		reply(l);
	mem_deref(l);
	api_release(a);
}

static void on_state(int err, const struct store_device *st, void *arg)
{
	struct item *it = arg;

	if (!err)
		it->st = *st;
	replied(it->l, err);
}

static void on_contacts(int err, const Sy__Registration *reg, void *arg)
{
	struct item *it = arg;

	if (!err)
		it->contacts = (uint32_t)reg->n_bindings;
	replied(it->l, err);
}

/* ------------------------------------------------------------------ calls */

static int item_cmp(const void *key, const void *it)
{
	return strcmp(key, ((const struct item *)it)->id);
}

static void count_calls(struct listing *l, const Sy__Call *call)
{
	for (size_t i = 0; i < call->n_legs; i++) {
		const Sy__Leg *leg = call->legs[i];
		struct item *it;

		if (leg->state == SY__LEG_STATE__LEG_ENDED ||
		    (leg->kind != SY__LEG_KIND__DEVICE &&
		     leg->kind != SY__LEG_KIND__BROWSER))
			continue;
		it = bsearch(leg->user, l->v, l->n, sizeof(*l->v), item_cmp);
		if (it)
			it->calls++;
	}
}

static void on_calls(int err, Sy__Call *const *callv, size_t callc,
		     const char *next, void *arg)
{
	struct listing *l = arg;

	for (size_t i = 0; !err && i < callc; i++)
		count_calls(l, callv[i]);
	if (!err && next && ++l->pages < CALLS_PAGES &&
	    !store_hub_list(view_redis(l->a->api->view), next, CALLS_PAGE,
			    on_calls, l))
		return;
	replied(l, err);
}

/* -------------------------------------------------------------------- ask */

static int id_cmp(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The ids of the page, in order. */
static int choose(struct listing *l, const Sy__Config *conf,
		  const char *cursor, size_t limit)
{
	const char **idv = calloc(conf->n_devices + 1, sizeof(*idv));
	size_t n = 0;
	int err = 0;

	if (!idv)
		return ENOMEM;
	for (size_t i = 0; i < conf->n_devices; i++) {
		const char *id = conf->devices[i]->id;

		if (!*cursor || strcmp(id, cursor) > 0)
			idv[n++] = id;
	}
	if (n)
		qsort(idv, n, sizeof(*idv), id_cmp);
	l->more = n > limit;
	n = n < limit ? n : limit;
	l->v = mem_zalloc((n + 1) * sizeof(*l->v), NULL);
	err = l->v ? 0 : ENOMEM;
	for (size_t i = 0; !err && i < n; i++) {
		l->v[i].l = l;
		err = str_dup(&l->v[i].id, idv[i]);
		l->n++;
	}
	free(idv);

	return err;
}

static void ask(struct listing *l)
{
	struct redis *redis = view_redis(l->a->api->view);
	int err;

	l->waits = 1;
	for (size_t i = 0; i < l->n; i++) {
		struct item *it = &l->v[i];

		l->waits += 2;
		err = store_device_get(redis, it->id, on_state, it);
		if (err)
			replied(l, err);
		err = store_reg_get(redis, it->id, on_contacts, it);
		if (err)
			replied(l, err);
	}
	err = store_hub_list(redis, NULL, CALLS_PAGE, on_calls, l);
	if (err)
		replied(l, err);
}

void api_devices_list(struct api_req *a)
{
	const Sy__Config *conf = config_now(a);
	char cursor[ROUTE_PARAM_SIZE];
	struct listing *l;
	size_t limit;

	if (!conf || !api_page(a, &limit, cursor, sizeof(cursor)))
		return;
	l = mem_zalloc(sizeof(*l), destructor);
	if (!l || choose(l, conf, cursor, limit)) {
		mem_deref(l);
		api_reply_err(a, ENOMEM, "device");
		return;
	}
	l->a = a;
	api_hold(a);
	ask(l);
}

/* SPDX-License-Identifier: MIT */
/* Subscriptions in Redis: see store_sub.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store_ask.h"
#include "proto/store_sub.h"

#define KEYS "sy:{subs}", "sy:{subs}:owner", "sy:{subs}:seq", \
	     "sy:{subs}:expiry"

enum { KEYC = 4, LIST_FIELDS = 4 };

static Sy__Subscription *sub_read(const redisReply *r)
{
	return r->type == REDIS_REPLY_STRING ?
		       sy__subscription__unpack(NULL, (size_t)r->len,
						(const uint8_t *)r->str) :
		       NULL;
}

/* ------------------------------------------------------------------ writing */

static void put_handler(int err, const redisReply *reply, void *arg)
{
	struct ask *a = arg;

	if (!err && (reply->type != REDIS_REPLY_STRING &&
		     reply->type != REDIS_REPLY_STATUS))
		err = EBADMSG;
	else if (!err && strcmp(reply->str, "ok"))
		err = !strcmp(reply->str, "gone") ? ENOENT : ENOSPC;
	((store_sub_h *)a->h)(err, a->arg);
	mem_deref(a);
}

int store_sub_put(struct redis *r, const Sy__Subscription *sub,
		  uint32_t instance, bool known, store_sub_h *h, void *arg)
{
	const size_t len = sy__subscription__get_packed_size(sub);
	uint8_t *buf = mem_alloc(len + 1, NULL);
	char who[16], expiry[24], max[16], of[16];
	const char *argv[] = {KEYS, sub->id, (char *)buf, who, expiry,
			      max, of, sub->device, known ? "1" : "0"};
	size_t lenv[ARRAY_SIZE(argv)];
	int err;

	if (!buf)
		return ENOMEM;

	sy__subscription__pack(sub, buf);
	(void)snprintf(who, sizeof(who), "%u", instance);
	(void)snprintf(expiry, sizeof(expiry), "%llu",
		       (unsigned long long)timestamp_ms(sub->expires_at));
	(void)snprintf(max, sizeof(max), "%d", STORE_SUBS_MAX);
	(void)snprintf(of, sizeof(of), "%d", STORE_SUBS_OF_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
		lenv[i] = i == KEYC + 1 ? len : strlen(argv[i]);
	err = ask_script(r, SCRIPT_SUB_PUT, put_handler,
			 ask_alloc((ask_h *)h, arg), KEYC, ARRAY_SIZE(argv),
			 argv, lenv);
	mem_deref(buf);

	return err;
}

static void next_handler(int err, const redisReply *reply, void *arg)
{
	struct ask *a = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	((store_sub_next_h *)a->h)(err, err ? 0 : (uint32_t)reply->integer, a->arg);
	mem_deref(a);
}

int store_sub_next(struct redis *r, const char *id, uint32_t instance,
		   bool last, store_sub_next_h *h, void *arg)
{
	char who[16];
	const char *argv[] = {KEYS, id, who, last ? "1" : "0"};

	(void)snprintf(who, sizeof(who), "%u", instance);

	return ask_script(r, SCRIPT_SUB_NEXT, next_handler,
			  ask_alloc((ask_h *)h, arg), KEYC, ARRAY_SIZE(argv),
			  argv, NULL);
}

static void claim_handler(int err, const redisReply *reply, void *arg)
{
	struct ask *a = arg;

	((store_sub_claim_h *)a->h)(err, err ? NULL : sub_read(reply), a->arg);
	mem_deref(a);
}

int store_sub_claim(struct redis *r, const char *id, uint32_t from,
		    uint32_t to, store_sub_claim_h *h, void *arg)
{
	char was[16], is[16];
	const char *argv[] = {"sy:{subs}", "sy:{subs}:owner", id, was, is};

	(void)snprintf(was, sizeof(was), "%u", from);
	(void)snprintf(is, sizeof(is), "%u", to);

	return ask_script(r, SCRIPT_SUB_CLAIM, claim_handler,
			  ask_alloc((ask_h *)h, arg), 2, ARRAY_SIZE(argv),
			  argv, NULL);
}

/* ------------------------------------------------------------------ reading */

static void owners_handler(int err, const redisReply *reply, void *arg)
{
	struct ask *a = arg;
	store_sub_owner_h *h = (store_sub_owner_h *)a->h;

	if (!err && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	for (size_t i = 0; !err && i + 1 < reply->elements; i += 2)
		h(0, reply->element[i]->str,
		  (uint32_t)strtoul(reply->element[i + 1]->str, NULL, 10),
		  a->arg);
	h(err, NULL, 0, a->arg);
	mem_deref(a);
}

int store_sub_owners(struct redis *r, store_sub_owner_h *h, void *arg)
{
	return ask_command(r, owners_handler, ask_alloc((ask_h *)h, arg),
			   "HGETALL sy:{subs}:owner");
}

/* A page under way. */
struct listing {
	store_sub_list_h *h;
	void *arg;
	size_t limit;
};

/* id, expiry, instance, record. */
static Sy__Subscription *list_read(redisReply *const *v)
{
	Sy__Subscription *sub = NULL;

	if (v[0]->type == REDIS_REPLY_STRING &&
	    v[1]->type == REDIS_REPLY_STRING &&
	    v[2]->type == REDIS_REPLY_STRING)
		sub = sub_read(v[3]);
	if (sub)
		sub->instance = (uint32_t)strtoul(v[2]->str, NULL, 10);

	return sub;
}

static void list_handler(int err, const redisReply *reply, void *arg)
{
	char cursor[STORE_SUB_CURSOR_SIZE] = "";
	Sy__Subscription **v = NULL;
	struct listing *l = arg;
	size_t n = 0, all = 0;

	if (!err && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	if (!err) {
		all = reply->elements / LIST_FIELDS;
		v = mem_zalloc((all + 1) * sizeof(*v), NULL);
		err = v ? 0 : ENOMEM;
	}
	for (size_t i = 0; !err && i < all && i < l->limit; i++) {
		redisReply **r = reply->element + LIST_FIELDS * i;

		v[n] = list_read(r);
		n += v[n] != NULL;
		(void)snprintf(cursor, sizeof(cursor), "%s-%s", r[1]->str,
			       r[0]->str);
	}
	l->h(err, v, n, all > l->limit ? cursor : NULL, l->arg);
	for (size_t i = 0; i < n; i++)
		sy__subscription__free_unpacked(v[i], NULL);
	mem_deref(v);
	mem_deref(l);
}

/* "expiry-id" */
static int cursor_read(char expiry[24], char id[STORE_SUB_CURSOR_SIZE],
		       const char *cursor)
{
	const size_t n = cursor ? strspn(cursor, "0123456789") : 0;

	strcpy(expiry, "0");
	id[0] = '\0';
	if (!cursor)
		return 0;
	if (!n || n > 20 || cursor[n] != '-' ||
	    strlen(cursor + n + 1) >= STORE_SUB_CURSOR_SIZE)
		return EBADMSG;
	memcpy(expiry, cursor, n);
	expiry[n] = '\0';
	strcpy(id, cursor + n + 1);

	return 0;
}

int store_sub_list(struct redis *r, const char *cursor, size_t limit,
		   store_sub_list_h *h, void *arg)
{
	char expiry[24], id[STORE_SUB_CURSOR_SIZE], max[24];
	const char *argv[] = {"sy:{subs}", "sy:{subs}:owner",
			      "sy:{subs}:expiry", expiry, id, max};
	struct listing *l;
	int err;

	if (!limit || limit > STORE_SUBS_PAGE_MAX)
		return EINVAL;
	err = cursor_read(expiry, id, cursor);
	if (err)
		return err;
	l = mem_zalloc(sizeof(*l), NULL);
	if (!l)
		return ENOMEM;
	l->h = h;
	l->arg = arg;
	l->limit = limit;
	(void)snprintf(max, sizeof(max), "%zu", limit + 1);
	err = script_run_owned(r, SCRIPT_SUB_LIST, 0, list_handler, l, 3,
			       ARRAY_SIZE(argv), argv, NULL);
	if (err)
		mem_deref(l);

	return err;
}

/* ----------------------------------------------------------------- messages */

static void mwi_handler(int err, const redisReply *reply, void *arg)
{
	struct ask *a = arg;
	unsigned fresh = 0, old = 0;

	if (!err && reply->type == REDIS_REPLY_STRING)
		(void)sscanf(reply->str, "%u %u", &fresh, &old);
	((store_mwi_h *)a->h)(err, fresh, old, a->arg);
	mem_deref(a);
}

int store_mwi_get(struct redis *r, const char *device, store_mwi_h *h,
		  void *arg)
{
	return ask_command(r, mwi_handler, ask_alloc((ask_h *)h, arg),
			   "GET sy:mwi:{%s}", device);
}

int store_mwi_put(struct redis *r, const char *device, uint32_t fresh,
		  uint32_t old)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%u %u", fresh, old);

	return redis_command(r, 0, NULL, NULL, "SET sy:mwi:{%s} %s", device,
			     text);
}

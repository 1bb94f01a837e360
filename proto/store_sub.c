/* SPDX-License-Identifier: MIT */
/* Subscriptions in Redis: see store_sub.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_sub.h"

#define KEYS "sy:{subs}", "sy:{subs}:owner", "sy:{subs}:seq", \
	     "sy:{subs}:expiry"

enum { KEYC = 4, LIST_FIELDS = 4 };

/* Who waits for a reply. */
struct asking {
	union {
		store_sub_h *put;
		store_sub_next_h *next;
		store_sub_claim_h *claim;
		store_sub_owner_h *owner;
		store_mwi_h *mwi;
	} h;
	void *arg;
};

static struct asking *asking_alloc(void *arg)
{
	struct asking *a = mem_zalloc(sizeof(*a), NULL);

	if (a)
		a->arg = arg;

	return a;
}

/* @return err, with the question dropped. */
static int asked(struct redis *r, int err, struct asking *a)
{
	if (err)
		mem_deref(a);
	else
		redis_arg_owned(r);

	return err;
}

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
	struct asking *a = arg;

	if (!err && (reply->type != REDIS_REPLY_STRING &&
		     reply->type != REDIS_REPLY_STATUS))
		err = EBADMSG;
	else if (!err && strcmp(reply->str, "ok"))
		err = !strcmp(reply->str, "gone") ? ENOENT : ENOSPC;
	a->h.put(err, a->arg);
	mem_deref(a);
}

int store_sub_put(struct redis *r, const Sy__Subscription *sub,
		  uint32_t instance, bool known, store_sub_h *h, void *arg)
{
	const size_t len = sy__subscription__get_packed_size(sub);
	uint8_t *buf = mem_alloc(len + 1, NULL);
	struct asking *a = asking_alloc(arg);
	char who[16], expiry[24], max[16], of[16];
	const char *argv[] = {KEYS, sub->id, (char *)buf, who, expiry,
			      max, of, sub->device, known ? "1" : "0"};
	size_t lenv[ARRAY_SIZE(argv)];
	int err = ENOMEM;

	if (!buf || !a)
		goto out;

	sy__subscription__pack(sub, buf);
	(void)snprintf(who, sizeof(who), "%u", instance);
	(void)snprintf(expiry, sizeof(expiry), "%llu",
		       (unsigned long long)timestamp_ms(sub->expires_at));
	(void)snprintf(max, sizeof(max), "%d", STORE_SUBS_MAX);
	(void)snprintf(of, sizeof(of), "%d", STORE_SUBS_OF_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(argv); i++)
		lenv[i] = i == KEYC + 1 ? len : strlen(argv[i]);
	a->h.put = h;
	err = script_run_owned(r, SCRIPT_SUB_PUT, 0, put_handler, a, KEYC,
			       ARRAY_SIZE(argv), argv, lenv);

out:
	if (err)
		mem_deref(a);
	mem_deref(buf);

	return err;
}

static void next_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	a->h.next(err, err ? 0 : (uint32_t)reply->integer, a->arg);
	mem_deref(a);
}

int store_sub_next(struct redis *r, const char *id, uint32_t instance,
		   bool last, store_sub_next_h *h, void *arg)
{
	struct asking *a = asking_alloc(arg);
	char who[16];
	const char *argv[] = {KEYS, id, who, last ? "1" : "0"};
	int err;

	if (!a)
		return ENOMEM;
	(void)snprintf(who, sizeof(who), "%u", instance);
	a->h.next = h;
	err = script_run_owned(r, SCRIPT_SUB_NEXT, 0, next_handler, a, KEYC,
			       ARRAY_SIZE(argv), argv, NULL);
	if (err)
		mem_deref(a);

	return err;
}

static void claim_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;

	a->h.claim(err, err ? NULL : sub_read(reply), a->arg);
	mem_deref(a);
}

int store_sub_claim(struct redis *r, const char *id, uint32_t from,
		    uint32_t to, store_sub_claim_h *h, void *arg)
{
	struct asking *a = asking_alloc(arg);
	char was[16], is[16];
	const char *argv[] = {"sy:{subs}", "sy:{subs}:owner", id, was, is};
	int err;

	if (!a)
		return ENOMEM;
	(void)snprintf(was, sizeof(was), "%u", from);
	(void)snprintf(is, sizeof(is), "%u", to);
	a->h.claim = h;
	err = script_run_owned(r, SCRIPT_SUB_CLAIM, 0, claim_handler, a, 2,
			       ARRAY_SIZE(argv), argv, NULL);
	if (err)
		mem_deref(a);

	return err;
}

/* ------------------------------------------------------------------ reading */

static void owners_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;

	if (!err && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	for (size_t i = 0; !err && i + 1 < reply->elements; i += 2)
		a->h.owner(0, reply->element[i]->str,
			   (uint32_t)strtoul(reply->element[i + 1]->str, NULL,
					     10), a->arg);
	a->h.owner(err, NULL, 0, a->arg);
	mem_deref(a);
}

int store_sub_owners(struct redis *r, store_sub_owner_h *h, void *arg)
{
	struct asking *a = asking_alloc(arg);

	if (!a)
		return ENOMEM;
	a->h.owner = h;

	return asked(r, redis_command(r, 0, owners_handler, a,
				      "HGETALL sy:{subs}:owner"), a);
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
	struct asking *a = arg;
	unsigned fresh = 0, old = 0;

	if (!err && reply->type == REDIS_REPLY_STRING)
		(void)sscanf(reply->str, "%u %u", &fresh, &old);
	a->h.mwi(err, fresh, old, a->arg);
	mem_deref(a);
}

int store_mwi_get(struct redis *r, const char *device, store_mwi_h *h,
		  void *arg)
{
	struct asking *a = asking_alloc(arg);

	if (!a)
		return ENOMEM;
	a->h.mwi = h;

	return asked(r, redis_command(r, 0, mwi_handler, a,
				      "GET sy:mwi:{%s}", device), a);
}

int store_mwi_put(struct redis *r, const char *device, uint32_t fresh,
		  uint32_t old)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%u %u", fresh, old);

	return redis_command(r, 0, NULL, NULL, "SET sy:mwi:{%s} %s", device,
			     text);
}

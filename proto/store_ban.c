/* SPDX-License-Identifier: MIT */
/* Bans in Redis: see store_guard.h.  Times and counts are Redis' own, so that
 * all routers mean the same. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_guard.h"

#define KEY_BANS "sy:{bans}"
#define KEY_UNTIL "sy:{bans}:until"

enum {
	LIST_MAX = 1000,
	PIECES = 4,       /* since, until, count, packed */
};

/* What is asked, and of whom. */
struct asking {
	store_ban_h *puth;
	store_bans_h *listh;
	void *arg;
};

void store_ban_source(char text[STORE_BAN_SOURCE_SIZE], const struct sa *sa)
{
	struct sa net = *sa;
	const uint8_t *p = net.u.in6.sin6_addr.s6_addr;

	if (sa_af(&net) == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&net.u.in6.sin6_addr))
		(void)re_snprintf(text, STORE_BAN_SOURCE_SIZE, "%u.%u.%u.%u",
				  p[12], p[13], p[14], p[15]);
	else {
		if (sa_af(&net) == AF_INET6)
			memset(net.u.in6.sin6_addr.s6_addr + 8, 0, 8);
		(void)re_snprintf(text, STORE_BAN_SOURCE_SIZE, "%j", &net);
	}
}

int store_ban_id(char id[STORE_BAN_ID_SIZE], const char *source,
		 const char *user)
{
	return re_snprintf(id, STORE_BAN_ID_SIZE, "%s%s%s", source,
			   *user ? "," : "", user) < 0
		       ? ENAMETOOLONG
		       : 0;
}

/* --------------------------------------------------------------- replies */

static uint64_t number(const redisReply *r)
{
	if (r->type == REDIS_REPLY_INTEGER)
		return (uint64_t)r->integer;

	return r->type == REDIS_REPLY_STRING ? strtoull(r->str, NULL, 10) : 0;
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

/* @param v  PIECES replies.  Freed by sy__ban__free_unpacked(); NULL: it
 * cannot be read. */
static Sy__Ban *read_ban(redisReply *const *v, const redisReply *packed)
{
	Sy__Ban *ban;

	if (packed->type != REDIS_REPLY_STRING)
		return NULL;
	ban = sy__ban__unpack(NULL, packed->len, (const uint8_t *)packed->str);
	if (!ban)
		return NULL;
	ban->count = (uint32_t)number(v[2]);
	if (set_time(&ban->since, number(v[0])) ||
	    set_time(&ban->until, number(v[1]))) {
		sy__ban__free_unpacked(ban, NULL);
		return NULL;
	}

	return ban;
}

static void put_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;
	Sy__Ban *ban = NULL;
	bool fresh = false;

	if (!err && (reply->type != REDIS_REPLY_ARRAY ||
		     reply->elements != PIECES + 1))
		err = EBADMSG;
	if (!err) {
		ban = read_ban(reply->element, reply->element[PIECES]);
		fresh = number(reply->element[3]);
		err = ban ? 0 : EBADMSG;
	}
	a->puth(err, ban, fresh, a->arg);
	if (ban)
		sy__ban__free_unpacked(ban, NULL);
	mem_deref(a);
}

/* The first element says whether there are more. */
static void list_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;
	size_t n = 0, max;
	Sy__Ban **banv;
	bool more;

	if (!err && (reply->type != REDIS_REPLY_ARRAY || !reply->elements))
		err = EBADMSG;
	if (err) {
		a->listh(err, NULL, 0, NULL, a->arg);
		mem_deref(a);
		return;
	}
	max = (reply->elements - 1) / PIECES;
	more = number(reply->element[0]);
	banv = mem_zalloc((max + 1) * sizeof(*banv), NULL);
	for (size_t i = 0; banv && i < max; i++) {
		redisReply *const *v = reply->element + 1 + i * PIECES;

		banv[n] = read_ban(v, v[3]);
		n += banv[n] != NULL;
	}
	a->listh(banv ? 0 : ENOMEM, (const Sy__Ban *const *)banv, n,
		 more && n ? banv[n - 1]->id : NULL, a->arg);
	for (size_t i = 0; i < n; i++)
		sy__ban__free_unpacked(banv[i], NULL);
	mem_deref(banv);
	mem_deref(a);
}

/* -------------------------------------------------------------- commands */

static int run(struct redis *r, enum script script, redis_reply_h *h,
	       const struct asking *asking, int keyc, int argc,
	       const char **argv, size_t *lenv)
{
	struct asking *a = mem_alloc(sizeof(*a), NULL);
	int err;

	if (!a)
		return ENOMEM;
	*a = *asking;
	err = script_run_owned(r, script, 0, h, a, keyc, argc, argv, lenv);
	if (err)
		mem_deref(a);

	return err;
}

int store_ban_put(struct redis *r, const struct store_ban_put *put,
		  store_ban_h *h, void *arg)
{
	const struct asking a = {.puth = h, .arg = arg};
	char first[24], max[24], memory[24], bans[24];
	const char *argv[9] = {KEY_BANS, KEY_UNTIL, put->ban->id, first,
			       max,	 memory,    bans,	  NULL};
	size_t lenv[ARRAY_SIZE(argv)];
	uint8_t *p;
	size_t len;
	int err;

	if (!r || !h || !*put->ban->id)
		return EINVAL;
	len = sy__ban__get_packed_size(put->ban);
	p = mem_alloc(len + 1, NULL);
	if (!p)
		return ENOMEM;
	(void)sy__ban__pack(put->ban, p);
	(void)re_snprintf(first, sizeof(first), "%llu",
			  (unsigned long long)put->first_ms);
	(void)re_snprintf(max, sizeof(max), "%llu",
			  (unsigned long long)put->max_ms);
	(void)re_snprintf(memory, sizeof(memory), "%u", STORE_BAN_MEMORY_MS);
	(void)re_snprintf(bans, sizeof(bans), "%u", STORE_BANS_MAX);
	argv[7] = put->exact ? "1" : "0";
	argv[8] = (const char *)p;
	for (size_t i = 0; i < ARRAY_SIZE(argv) - 1; i++)
		lenv[i] = strlen(argv[i]);
	lenv[ARRAY_SIZE(argv) - 1] = len;
	err = run(r, SCRIPT_BAN_PUT, put_handler, &a, 2, ARRAY_SIZE(argv),
		  argv, lenv);
	mem_deref(p);

	return err;
}

int store_ban_list(struct redis *r, const char *cursor, size_t limit,
		   store_bans_h *h, void *arg)
{
	const struct asking a = {.listh = h, .arg = arg};
	char text[24];
	const char *argv[] = {KEY_BANS, cursor ? cursor : "", text};

	if (!r || !h || !limit || limit > LIST_MAX)
		return EINVAL;
	(void)re_snprintf(text, sizeof(text), "%zu", limit);

	return run(r, SCRIPT_BAN_LIST, list_handler, &a, 1, ARRAY_SIZE(argv),
		   argv, NULL);
}

int store_ban_drop(struct redis *r, const char *id, store_bans_h *h, void *arg)
{
	const struct asking a = {.listh = h, .arg = arg};
	const char *argv[] = {KEY_BANS, KEY_UNTIL, id};

	if (!r || !h || !id || !*id)
		return EINVAL;

	return run(r, SCRIPT_BAN_DROP, list_handler, &a, 2, ARRAY_SIZE(argv),
		   argv, NULL);
}

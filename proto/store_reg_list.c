/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"
#include "proto/store_impl.h"

enum { LIST_MAX = 1000 };

/* A page under way: the ids, then one reg_get.lua for each, pipelined.  Each
 * command under way owns a reference. */
struct listing {
	struct redis *redis;
	store_regs_h *h;
	void *arg;
	char **devv;
	Sy__Registration **regv;
	size_t devc, limit, answered;
	int err;
	bool more;
};

static void listing_destructor(void *arg)
{
	struct listing *l = arg;

	for (size_t i = 0; i < l->devc; i++) {
		if (l->regv && l->regv[i])
			sy__registration__free_unpacked(l->regv[i], NULL);
		if (l->devv)
			mem_deref(l->devv[i]);
	}
	mem_deref(l->regv);
	mem_deref(l->devv);
}

static void listing_finish(struct listing *l)
{
	const char *next = NULL;
	size_t n = 0;

	if (l->more && l->devc && !l->err)
		next = l->devv[l->devc - 1];
	for (size_t i = 0; i < l->devc; i++) {
		Sy__Registration *reg = l->regv[i];

		l->regv[i] = NULL;
		if (reg)
			l->regv[n++] = reg;
	}
	l->h(l->err, l->err ? NULL : l->regv, l->err ? 0 : n, next, l->arg);
}

static void page_handler(int err, const redisReply *reply, void *arg)
{
	struct listing *l = arg;
	size_t i = l->answered++; /* replies come in the order of commands */

	if (err)
		l->err = err;
	else if (reply->type == REDIS_REPLY_ARRAY && reply->elements)
		l->regv[i] = store_reg_read(l->devv[i], reply, true);
	else /* every binding has expired */
		(void)redis_command(l->redis, 0, NULL, NULL,
				    "ZREM " STORE_KEY_REGS " %s", l->devv[i]);
	if (l->answered == l->devc)
		listing_finish(l);
	mem_deref(l);
}

/* Only what was asked for will be answered. */
static void forget_from(struct listing *l, size_t from)
{
	for (size_t i = from; i < l->devc; i++)
		l->devv[i] = mem_deref(l->devv[i]);
	l->devc = from;
}

static int ask_page(struct listing *l)
{
	char key[STORE_REG_KEY_SIZE], qual[STORE_REG_KEY_SIZE];
	const char *argv[] = {key, qual};

	for (size_t i = 0; i < l->devc; i++) {
		int err = store_reg_key(key, l->devv[i]);

		if (!err)
			err = store_qual_key(qual, l->devv[i]);
		if (!err)
			err = script_run_owned(l->redis, SCRIPT_REG_GET, 0,
					       page_handler, mem_ref(l), 2, 2,
					       argv, NULL);
		if (err) {
			mem_deref(l);
			forget_from(l, i);
			return err;
		}
	}

	return 0;
}

static void ids_handler(int err, const redisReply *reply, void *arg)
{
	struct listing *l = arg;
	size_t n;

	l->err = err;
	n = err || reply->type != REDIS_REPLY_ARRAY ? 0 : reply->elements;
	l->more = n > l->limit;
	if (l->more)
		n = l->limit;
	if (n) {
		l->devv = mem_zalloc(n * sizeof(*l->devv), NULL);
		l->regv = mem_zalloc(n * sizeof(*l->regv), NULL);
		if (!l->devv || !l->regv)
			l->err = ENOMEM;
	}
	for (size_t i = 0; i < n && !l->err; i++) {
		l->err = str_dup(&l->devv[i], reply->element[i]->str);
		l->devc += !l->err;
	}
	if (l->err)
		forget_from(l, 0);
	else
		l->err = ask_page(l);
	if (!l->devc)
		listing_finish(l);
	mem_deref(l);
}

int store_reg_list(struct redis *r, const char *cursor, size_t limit,
		   store_regs_h *h, void *arg)
{
	struct listing *l;
	char from[STORE_REG_KEY_SIZE];
	int err;

	if (!r || !h || !limit || limit > LIST_MAX)
		return EINVAL;
	if (re_snprintf(from, sizeof(from), "%s%s", cursor ? "(" : "-",
			cursor ? cursor : "") < 0)
		return EINVAL;

	l = mem_zalloc(sizeof(*l), listing_destructor);
	if (!l)
		return ENOMEM;

	l->redis = r;
	l->h = h;
	l->arg = arg;
	l->limit = limit;
	err = redis_command(r, 0, ids_handler, l,
			    "ZRANGEBYLEX " STORE_KEY_REGS " %s + LIMIT 0 %d", from,
			    (int)limit + 1);
	if (err)
		mem_deref(l);
	else
		redis_arg_owned(r);

	return err;
}

/* ---------------------------------------------------------------- count */

int store_reg_count(struct redis *r, store_count_h *h, void *arg)
{
	/* where no router lives nobody sweeps */
	return store_zcount_from(r, STORE_KEY_REGS_EXPIRY,
				 timestamp_now_ms() - STORE_LAPSE_MS, h, arg);
}

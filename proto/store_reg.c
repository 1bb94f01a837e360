/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"

#define KEY_REGS "sy:regs"

enum {
	KEY_SIZE = 128,
	MAX_CONTACTS = 10,
	LIST_MAX = 1000,
};

static int reg_key(char key[KEY_SIZE], const char *device)
{
	return re_snprintf(key, KEY_SIZE, "sy:reg:{%s}", device) < 0
		       ? ENAMETOOLONG : 0;
}

/* -------------------------------------------------------------- reading */

static int binding_cmp(const void *a, const void *b)
{
	const Sy__Binding *x = *(Sy__Binding *const *)a;
	const Sy__Binding *y = *(Sy__Binding *const *)b;

	if (x->q_permille != y->q_permille)
		return x->q_permille > y->q_permille ? -1 : 1;

	return strcmp(x->contact, y->contact);
}

/* A Registration from an array of packed Bindings, best q first. */
static Sy__Registration *reg_read(const char *device, const redisReply *reply)
{
	Sy__Registration *reg = calloc(1, sizeof(*reg));

	if (!reg)
		return NULL;

	sy__registration__init(reg);
	reg->device = strdup(device);
	reg->bindings = calloc(reply->elements + 1, sizeof(*reg->bindings));
	if (!reg->device || !reg->bindings) {
		free(reg->device);
		free(reg->bindings);
		free(reg);
		return NULL;
	}

	for (size_t i = 0; i < reply->elements; i++) {
		const redisReply *el = reply->element[i];
		Sy__Binding *b = sy__binding__unpack(
			NULL, (size_t)el->len, (const uint8_t *)el->str);

		if (b)
			reg->bindings[reg->n_bindings++] = b;
	}
	qsort(reg->bindings, reg->n_bindings, sizeof(*reg->bindings),
	      binding_cmp);

	return reg;
}

struct asking {
	struct redis *redis;
	store_reg_h *h;
	void *arg;
	char *device;
	bool put;
};

static void asking_destructor(void *arg)
{
	struct asking *a = arg;

	mem_deref(a->device);
}

/* The index lies in another slot than the device: its own command. */
static void index_device(struct asking *a, bool registered)
{
	(void)redis_command(a->redis, 0, NULL, NULL,
			    registered ? "ZADD " KEY_REGS " 0 %s"
				       : "ZREM " KEY_REGS " %s", a->device);
}

static int refusal(const char *text)
{
	return !strcmp(text, "stale") ? ESTALE
	     : !strcmp(text, "full")  ? ENOSPC : EBADMSG;
}

static void reg_handler(int err, const redisReply *reply, void *arg)
{
	Sy__Registration *reg = NULL;
	struct asking *a = arg;

	if (!err && reply->type == REDIS_REPLY_STRING)
		err = refusal(reply->str);
	else if (!err && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	if (!err) {
		reg = reg_read(a->device, reply);
		if (!reg)
			err = ENOMEM;
		else if (a->put)
			index_device(a, reg->n_bindings > 0);
	}

	a->h(err, reg, a->arg);
	if (reg)
		sy__registration__free_unpacked(reg, NULL);
	mem_deref(a);
}

static struct asking *asking_alloc(struct redis *r, const char *device,
				   bool put, store_reg_h *h, void *arg)
{
	struct asking *a = mem_zalloc(sizeof(*a), asking_destructor);

	if (!a)
		return NULL;

	a->redis = r;
	a->h = h;
	a->arg = arg;
	a->put = put;

	return str_dup(&a->device, device) ? mem_deref(a) : a;
}

int store_reg_get(struct redis *r, const char *device, store_reg_h *h,
		  void *arg)
{
	char key[KEY_SIZE];
	const char *argv[] = {key};
	struct asking *a;
	int err;

	if (!r || !device || !h)
		return EINVAL;
	err = reg_key(key, device);
	if (err)
		return err;

	a = asking_alloc(r, device, false, h, arg);
	if (!a)
		return ENOMEM;

	err = script_run_owned(r, SCRIPT_REG_GET, 0, reg_handler, a, 1, 1,
			       argv, NULL);
	if (err)
		mem_deref(a);

	return err;
}

/* -------------------------------------------------------------- writing */

/* Arguments of reg_put.lua; data holds what is printed or packed. */
struct put_args {
	const char **argv;
	size_t *lenv;
	char *data;
	int argc;
};

static void put_args_destructor(void *arg)
{
	struct put_args *a = arg;

	mem_deref(a->argv);
	mem_deref(a->lenv);
	mem_deref(a->data);
}

static void push(struct put_args *a, const char *p, size_t len)
{
	a->argv[a->argc] = p;
	a->lenv[a->argc++] = len;
}

static struct put_args *put_args_alloc(const struct store_reg_put *put)
{
	size_t max = 8 + put->dropc + 3 * put->bindc, bytes = 1;
	struct put_args *a;

	for (size_t i = 0; i < put->bindc; i++)
		bytes += 32 + sy__binding__get_packed_size(put->bindv[i]);

	a = mem_zalloc(sizeof(*a), put_args_destructor);
	if (!a)
		return NULL;

	a->argv = mem_alloc(max * sizeof(*a->argv), NULL);
	a->lenv = mem_alloc(max * sizeof(*a->lenv), NULL);
	a->data = mem_alloc(bytes, NULL);

	return a->argv && a->lenv && a->data ? a : mem_deref(a);
}

static void push_binding(struct put_args *a, size_t *pos,
			 const Sy__Binding *b)
{
	char *p = a->data + *pos;
	int n = re_snprintf(p, 32, "%llu", timestamp_ms(b->expires_at));
	size_t len;

	push(a, b->contact, strlen(b->contact));
	push(a, p, (size_t)n);
	p += n + 1;
	len = sy__binding__pack(b, (uint8_t *)p);
	push(a, p, len);
	*pos = (size_t)(p - a->data) + len;
}

int store_reg_put(struct redis *r, const struct store_reg_put *put,
		  store_reg_h *h, void *arg)
{
	char key[KEY_SIZE], cseq[16], max[16], ndrop[16];
	struct put_args *pa;
	struct asking *a;
	size_t pos = 0;
	int err;

	if (!r || !put || !put->device || !put->call_id || !h ||
	    strchr(put->call_id, '\n'))
		return EINVAL;
	err = reg_key(key, put->device);
	if (err)
		return err;

	a = asking_alloc(r, put->device, true, h, arg);
	pa = put_args_alloc(put);
	if (!a || !pa) {
		mem_deref(a);
		mem_deref(pa);
		return ENOMEM;
	}

	(void)re_snprintf(cseq, sizeof(cseq), "%u", put->cseq);
	(void)re_snprintf(max, sizeof(max), "%u", put->max_contacts
				  ? put->max_contacts : MAX_CONTACTS);
	(void)re_snprintf(ndrop, sizeof(ndrop), "%zu", put->dropc);
	push(pa, key, strlen(key));
	push(pa, put->call_id, strlen(put->call_id));
	push(pa, cseq, strlen(cseq));
	push(pa, max, strlen(max));
	push(pa, put->drop_all ? "1" : "0", 1);
	push(pa, ndrop, strlen(ndrop));
	for (size_t i = 0; i < put->dropc; i++)
		push(pa, put->dropv[i], strlen(put->dropv[i]));
	for (size_t i = 0; i < put->bindc; i++)
		push_binding(pa, &pos, put->bindv[i]);

	err = script_run_owned(r, SCRIPT_REG_PUT, 0, reg_handler, a, 1,
			       pa->argc, pa->argv, pa->lenv);
	mem_deref(pa);
	if (err)
		mem_deref(a);

	return err;
}

/* ----------------------------------------------------------------- list */

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
	mem_deref(l);
}

static void page_handler(int err, const redisReply *reply, void *arg)
{
	struct listing *l = arg;
	size_t i = l->answered++; /* replies come in the order of commands */

	if (err)
		l->err = err;
	else if (reply->type == REDIS_REPLY_ARRAY && reply->elements)
		l->regv[i] = reg_read(l->devv[i], reply);
	else /* every binding has expired */
		(void)redis_command(l->redis, 0, NULL, NULL,
				    "ZREM " KEY_REGS " %s", l->devv[i]);
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
	char key[KEY_SIZE];
	const char *argv[] = {key};

	for (size_t i = 0; i < l->devc; i++) {
		int err = reg_key(key, l->devv[i]);

		if (!err)
			err = script_run_owned(l->redis, SCRIPT_REG_GET, 0,
					       page_handler, mem_ref(l), 1, 1,
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
}

int store_reg_list(struct redis *r, const char *cursor, size_t limit,
		   store_regs_h *h, void *arg)
{
	struct listing *l;
	char from[KEY_SIZE];
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
			    "ZRANGEBYLEX " KEY_REGS " %s + LIMIT 0 %d", from,
			    (int)limit + 1);
	if (err)
		mem_deref(l);
	else
		redis_arg_owned(r);

	return err;
}

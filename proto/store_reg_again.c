/* SPDX-License-Identifier: MIT */
/* Registrations that Redis has lost, from who remembers them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"
#include "proto/store_impl.h"

enum { ARGS = 5, NUM_SIZE = 24 }; /* a binding takes as many arguments */

struct again {
	struct redis *redis; /* borrowed: drops us when it goes */
	store_h *h;
	void *arg;
	char *device;
	const char **argv; /* keys, then the arguments        */
	size_t *lenv;
	char *data; /* what is printed or packed       */
	int argc;
};

static void destructor(void *arg)
{
	struct again *a = arg;

	mem_deref(a->device);
	mem_deref(a->argv);
	mem_deref(a->lenv);
	mem_deref(a->data);
}

static void handler(int err, const redisReply *reply, void *arg)
{
	struct again *a = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	if (!err && reply->integer > 0)
		store_reg_index(a->redis, a->device, (uint64_t)reply->integer);
	if (a->h)
		a->h(err, a->arg);
	mem_deref(a);
}

static void push(struct again *a, const char *p, size_t len)
{
	a->argv[a->argc] = p;
	a->lenv[a->argc++] = len;
}

static char *push_number(struct again *a, char *p, uint64_t n)
{
	int len = re_snprintf(p, NUM_SIZE, "%llu", n);

	push(a, p, (size_t)len);

	return p + NUM_SIZE;
}

static void fill(struct again *a, const Sy__Registration *reg)
{
	char *p = a->data;

	for (size_t i = 0; i < reg->n_bindings; i++) {
		const Sy__Binding *b = reg->bindings[i];
		size_t len;

		len = (size_t)store_reg_field(p, store_reg_field_size(b),
					      b->contact, b->instance_id,
					      b->reg_id);
		push(a, p, len);
		p += len + 1;
		p = push_number(a, p, timestamp_ms(b->expires_at));
		p = push_number(a, p, b->cseq);
		push(a, b->call_id, strlen(b->call_id));
		len = sy__binding__pack(b, (uint8_t *)p);
		push(a, p, len);
		p += len;
	}
}

static struct again *again_alloc(const Sy__Registration *reg)
{
	const size_t n = 2 + ARGS * reg->n_bindings;
	struct again *a = mem_zalloc(sizeof(*a), destructor);
	size_t bytes = 1;

	if (!a)
		return NULL;

	for (size_t i = 0; i < reg->n_bindings; i++)
		bytes += 2 * NUM_SIZE + store_reg_field_size(reg->bindings[i]) +
			 sy__binding__get_packed_size(reg->bindings[i]);
	a->argv = mem_alloc(n * sizeof(*a->argv), NULL);
	a->lenv = mem_alloc(n * sizeof(*a->lenv), NULL);
	a->data = mem_alloc(bytes, NULL);
	if (!a->argv || !a->lenv || !a->data ||
	    str_dup(&a->device, reg->device))
		return mem_deref(a);

	return a;
}

int store_reg_again(struct redis *r, const Sy__Registration *reg, store_h *h,
		    void *arg)
{
	char key[STORE_REG_KEY_SIZE], unreg[STORE_REG_KEY_SIZE];
	struct again *a;
	int err;

	if (!r || !reg)
		return EINVAL;
	err = store_reg_key(key, reg->device);
	if (!err)
		err = store_unreg_key(unreg, reg->device);
	if (err)
		return err;

	a = again_alloc(reg);
	if (!a)
		return ENOMEM;
	a->redis = r;
	a->h = h;
	a->arg = arg;
	push(a, key, strlen(key));
	push(a, unreg, strlen(unreg));
	fill(a, reg);
	err = script_run_owned(r, SCRIPT_REG_AGAIN, 0, handler, a, 2, a->argc,
			       a->argv, a->lenv);
	if (err)
		mem_deref(a);

	return err;
}

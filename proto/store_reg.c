/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"
#include "proto/store_impl.h"

enum { MAX_CONTACTS = 10 };

int store_reg_key(char key[STORE_REG_KEY_SIZE], const char *device)
{
	return re_snprintf(key, STORE_REG_KEY_SIZE, "sy:reg:{%s}", device) < 0
		       ? ENAMETOOLONG : 0;
}

int store_unreg_key(char key[STORE_REG_KEY_SIZE], const char *device)
{
	return re_snprintf(key, STORE_REG_KEY_SIZE, "sy:unreg:{%s}",
			   device) < 0 ? ENAMETOOLONG : 0;
}

int store_reg_field(char *buf, size_t size, const char *contact,
		    const char *instance, uint32_t reg_id)
{
	if (!reg_id || !instance[0])
		return re_snprintf(buf, size, "%s", contact);

	return re_snprintf(buf, size, "%s;reg-id=%u", instance, reg_id);
}

size_t store_reg_field_size(const Sy__Binding *b)
{
	return strlen(b->contact) + strlen(b->instance_id) + 24;
}

bool store_reg_is_reachable(const Sy__Binding *b)
{
	return !b->checked_at || b->reachable ||
	       timestamp_ms(b->registered_at) > timestamp_ms(b->checked_at);
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

/* A Registration from an array of packed Bindings, best q first.
 * @param known  Behind each Binding stands what is known of its contact. */
Sy__Registration *store_reg_read(const char *device, const redisReply *reply,
				 bool known)
{
	const size_t step = known ? 2 : 1;
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

	for (size_t i = 0; i + step <= reply->elements; i += step) {
		const redisReply *el = reply->element[i];
		Sy__Binding *b = sy__binding__unpack(
			NULL, (size_t)el->len, (const uint8_t *)el->str);

		if (b && known)
			store_qual_merge(b, reply->element[i + 1]->str);
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
	char *member, *why;   /* who tells of it; NULL: nobody            */
	bool put;
};

static void asking_destructor(void *arg)
{
	struct asking *a = arg;

	mem_deref(a->device);
	mem_deref(a->member);
	mem_deref(a->why);
}

/* One has all scores 0, to be paged by id; one has the expiry [ms] as score,
 * to be counted, and to be found when it has lapsed. */
void store_reg_index(struct redis *r, const char *device, uint64_t first_ms)
{
	if (first_ms) {
		(void)redis_command(r, 0, NULL, NULL,
				    "ZADD " STORE_KEY_REGS " 0 %s", device);
		(void)redis_command(r, 0, NULL, NULL,
				    "ZADD " STORE_KEY_REGS_EXPIRY " %llu %s",
				    (unsigned long long)first_ms, device);
	}
	else {
		(void)redis_command(r, 0, NULL, NULL,
				    "ZREM " STORE_KEY_REGS " %s", device);
		(void)redis_command(r, 0, NULL, NULL,
				    "ZREM " STORE_KEY_REGS_EXPIRY " %s",
				    device);
	}
}

static void index_device(struct asking *a, const Sy__Registration *reg)
{
	uint64_t first = 0;

	for (size_t i = 0; i < reg->n_bindings; i++) {
		uint64_t ms = timestamp_ms(reg->bindings[i]->expires_at);

		first = !first || ms < first ? ms : first;
	}
	store_reg_index(a->redis, a->device, first);
}

/* The reply of reg_put.lua: who is there, who came, who went. */
static bool is_change(const redisReply *reply)
{
	return reply->elements == 3 &&
	       reply->element[0]->type == REDIS_REPLY_ARRAY &&
	       reply->element[1]->type == REDIS_REPLY_ARRAY &&
	       reply->element[2]->type == REDIS_REPLY_ARRAY;
}

static void tell(const struct asking *a, const redisReply *reply)
{
	store_reg_tell(a->redis, a->member, a->device, reply->element[1],
		       SY__EVENT_TYPE__REGISTERED, "");
	store_reg_tell(a->redis, a->member, a->device, reply->element[2],
		       SY__EVENT_TYPE__UNREGISTERED, a->why);
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
	else if (!err && (reply->type != REDIS_REPLY_ARRAY ||
			  (a->put && !is_change(reply))))
		err = EBADMSG;
	if (!err) {
		reg = store_reg_read(a->device,
				     a->put ? reply->element[0] : reply,
				     !a->put);
		if (!reg)
			err = ENOMEM;
		else if (a->put)
			index_device(a, reg);
	}
	if (!err && a->member)
		tell(a, reply);

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
	char key[STORE_REG_KEY_SIZE], qual[STORE_REG_KEY_SIZE];
	const char *argv[] = {key, qual};
	struct asking *a;
	int err;

	if (!r || !device || !h)
		return EINVAL;
	err = store_reg_key(key, device);
	if (!err)
		err = store_qual_key(qual, device);
	if (err)
		return err;

	a = asking_alloc(r, device, false, h, arg);
	if (!a)
		return ENOMEM;

	err = script_run_owned(r, SCRIPT_REG_GET, 0, reg_handler, a, 2, 2,
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
	size_t max = 11 + put->dropc + 3 * put->bindc, bytes = 1;
	struct put_args *a;

	for (size_t i = 0; i < put->bindc; i++)
		bytes += 32 + store_reg_field_size(put->bindv[i]) +
			 sy__binding__get_packed_size(put->bindv[i]);

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
	int n = store_reg_field(p, store_reg_field_size(b), b->contact,
				b->instance_id, b->reg_id);
	size_t len;

	push(a, p, (size_t)n);
	p += n + 1;
	n = re_snprintf(p, 24, "%llu", timestamp_ms(b->expires_at));
	push(a, p, (size_t)n);
	p += n + 1;
	len = sy__binding__pack(b, (uint8_t *)p);
	push(a, p, len);
	*pos = (size_t)(p - a->data) + len;
}

int store_reg_put(struct redis *r, const struct store_reg_put *put,
		  store_reg_h *h, void *arg)
{
	char key[STORE_REG_KEY_SIZE], unreg[STORE_REG_KEY_SIZE];
	char qual[STORE_REG_KEY_SIZE];
	char ttl[16], cseq[16], max[16], ndrop[16];
	struct put_args *pa;
	struct asking *a;
	size_t pos = 0;
	int err;

	if (!r || !put || !put->device || !put->call_id || !h ||
	    strchr(put->call_id, '\n'))
		return EINVAL;
	err = store_reg_key(key, put->device);
	if (!err)
		err = store_unreg_key(unreg, put->device);
	if (!err)
		err = store_qual_key(qual, put->device);
	if (err)
		return err;

	a = asking_alloc(r, put->device, true, h, arg);
	pa = put_args_alloc(put);
	if (!a || !pa ||
	    (put->member && str_dup(&a->member, put->member)) ||
	    str_dup(&a->why, put->why ? put->why : "")) {
		mem_deref(a);
		mem_deref(pa);
		return ENOMEM;
	}

	(void)re_snprintf(ttl, sizeof(ttl), "%u", STORE_UNREG_TTL_S);
	(void)re_snprintf(cseq, sizeof(cseq), "%u", put->cseq);
	(void)re_snprintf(max, sizeof(max), "%u", put->max_contacts
				  ? put->max_contacts : MAX_CONTACTS);
	(void)re_snprintf(ndrop, sizeof(ndrop), "%zu", put->dropc);
	push(pa, key, strlen(key));
	push(pa, unreg, strlen(unreg));
	push(pa, qual, strlen(qual));
	push(pa, ttl, strlen(ttl));
	push(pa, put->call_id, strlen(put->call_id));
	push(pa, cseq, strlen(cseq));
	push(pa, max, strlen(max));
	push(pa, put->drop_all ? "1" : "0", 1);
	push(pa, ndrop, strlen(ndrop));
	for (size_t i = 0; i < put->dropc; i++)
		push(pa, put->dropv[i], strlen(put->dropv[i]));
	for (size_t i = 0; i < put->bindc; i++)
		push_binding(pa, &pos, put->bindv[i]);

	err = script_run_owned(r, SCRIPT_REG_PUT, 0, reg_handler, a, 3,
			       pa->argc, pa->argv, pa->lenv);
	mem_deref(pa);
	if (err)
		mem_deref(a);

	return err;
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"

#define KEY_HUBS "sy:hubs"

enum {
	KEY_SIZE = ULID_LEN + 16,
	FIELD_SIZE = ULID_LEN + 8,
	LIST_MAX = 1000,
};

static void hub_key(char key[KEY_SIZE], const char *hub)
{
	(void)re_snprintf(key, KEY_SIZE, "sy:hub:{%s}", hub);
}

/* ------------------------------------------------------------ arguments */

/* An argument vector for a script, with the packed messages that it points
 * to; freed as one. */
struct args {
	const char **argv;
	size_t *lenv;
	int argc;
	char *data;       /* packed messages and fields */
	size_t pos;
};

static void args_destructor(void *arg)
{
	struct args *a = arg;

	mem_deref(a->argv);
	mem_deref(a->lenv);
	mem_deref(a->data);
}

static struct args *args_alloc(size_t max, size_t bytes)
{
	struct args *a = mem_zalloc(sizeof(*a), args_destructor);

	if (!a)
		return NULL;

	a->argv = mem_alloc(max * sizeof(*a->argv), NULL);
	a->lenv = mem_alloc(max * sizeof(*a->lenv), NULL);
	a->data = mem_alloc(bytes + 1, NULL);
	if (!a->argv || !a->lenv || !a->data)
		return mem_deref(a);

	return a;
}

static void args_put(struct args *a, const char *p, size_t len)
{
	a->argv[a->argc] = p;
	a->lenv[a->argc++] = len;
}

static void args_str(struct args *a, const char *s)
{
	args_put(a, s, strlen(s));
}

static void args_message(struct args *a, const ProtobufCMessage *msg)
{
	char *p = a->data + a->pos;
	size_t len = protobuf_c_message_pack(msg, (uint8_t *)p);

	a->pos += len;
	args_put(a, p, len);
}

static void args_field(struct args *a, const char *prefix, const char *id)
{
	char *p = a->data + a->pos;
	int n = re_snprintf(p, FIELD_SIZE, "%s%s", prefix, id);

	a->pos += n > 0 ? (size_t)n + 1 : 0;
	args_put(a, p, n > 0 ? (size_t)n : 0);
}

static size_t put_size(const struct store_hub_put *put, const Sy__Call *call)
{
	size_t size = call ? sy__call__get_packed_size(call) : 0;

	for (size_t i = 0; i < put->legc; i++)
		size += sy__leg__get_packed_size(put->legv[i]);
	for (size_t i = 0; i < put->dlgc; i++)
		size += sy__dialog_state__get_packed_size(put->dlgv[i]);

	return size + FIELD_SIZE * (put->legc + put->dlgc + 2 * put->dropc);
}

/* -------------------------------------------------------------- writing */

struct writing {
	store_h *h;
	void *arg;
};

static void write_handler(int err, const redisReply *reply, void *arg)
{
	struct writing *w = arg;

	if (!err && (reply->type != REDIS_REPLY_INTEGER || !reply->integer))
		err = ESTALE;
	if (w->h)
		w->h(err, w->arg);
	mem_deref(w);
}

static int run_write(struct redis *r, enum script script, store_h *h,
		     void *arg, int argc, const char **argv,
		     const size_t *lenv)
{
	struct writing *w = mem_zalloc(sizeof(*w), NULL);
	int err;

	if (!w)
		return ENOMEM;

	w->h = h;
	w->arg = arg;
	err = script_run_owned(r, script, 0, write_handler, w, 1, argc, argv,
			       lenv);
	if (err)
		mem_deref(w);

	return err;
}

int store_hub_put(struct redis *r, const struct store_hub_put *put,
		  store_h *h, void *arg)
{
	char key[KEY_SIZE], epoch[16], instance[16], ttl[16], count[16];
	Sy__Call call;
	struct args *a;
	int err;

	if (!r || !put || !put->hub || !put->node)
		return EINVAL;

	if (put->call) {
		call = *put->call;
		call.n_legs = 0;
		call.legs = NULL;
	}
	a = args_alloc(8 + 2 * (1 + put->legc + put->dlgc + put->dropc),
		       put_size(put, put->call ? &call : NULL));
	if (!a)
		return ENOMEM;

	hub_key(key, put->hub);
	(void)re_snprintf(epoch, sizeof(epoch), "%u", put->epoch);
	(void)re_snprintf(instance, sizeof(instance), "%u", put->instance);
	(void)re_snprintf(ttl, sizeof(ttl), "%u", STORE_HUB_TTL_S);
	(void)re_snprintf(count, sizeof(count), "%zu",
			  put->legc + put->dlgc + (put->call ? 1 : 0));
	args_str(a, key);
	args_str(a, epoch);
	args_str(a, put->node);
	args_str(a, instance);
	args_str(a, ttl);
	args_str(a, count);
	if (put->call) {
		args_str(a, "call");
		args_message(a, &call.base);
	}
	for (size_t i = 0; i < put->legc; i++) {
		args_field(a, "leg:", put->legv[i]->id);
		args_message(a, &put->legv[i]->base);
	}
	for (size_t i = 0; i < put->dlgc; i++) {
		args_field(a, "dlg:", put->dlgv[i]->leg);
		args_message(a, &put->dlgv[i]->base);
	}
	for (size_t i = 0; i < put->dropc; i++) {
		args_field(a, "leg:", put->dropv[i]);
		args_field(a, "dlg:", put->dropv[i]);
	}

	err = run_write(r, SCRIPT_HUB_PUT, h, arg, a->argc, a->argv, a->lenv);
	mem_deref(a);
	/* The index lies in another slot than the hub: its own command. */
	if (!err && put->call)
		(void)redis_command(r, 0, NULL, NULL, "ZADD " KEY_HUBS " 0 %s",
				    put->hub);

	return err;
}

static void append_record(struct redis *r, const Sy__CallRecord *rec)
{
	size_t len = sy__call_record__get_packed_size(rec);
	uint8_t *p = mem_alloc(len + 1, NULL);

	if (!p)
		return;

	sy__call_record__pack(rec, p);
	(void)redis_command(r, 0, NULL, NULL,
			    "XADD sy:cdr MAXLEN ~ %d * r %b", STORE_CDR_MAX,
			    p, len);
	mem_deref(p);
}

int store_hub_drop(struct redis *r, const char *hub, uint32_t epoch,
		   const Sy__CallRecord *rec, store_h *h, void *arg)
{
	char key[KEY_SIZE], text[16];
	const char *argv[] = {key, text};
	int err;

	if (!r || !hub)
		return EINVAL;

	hub_key(key, hub);
	(void)re_snprintf(text, sizeof(text), "%u", epoch);
	err = run_write(r, SCRIPT_HUB_DROP, h, arg, 2, argv, NULL);
	if (err)
		return err;

	(void)redis_command(r, 0, NULL, NULL, "ZREM " KEY_HUBS " %s", hub);
	if (rec)
		append_record(r, rec);

	return 0;
}

/* -------------------------------------------------------------- reading */

/* A Call from the fields of its hash: "call", then a leg for each "leg:". */
static Sy__Call *call_read(const redisReply *reply)
{
	Sy__Call *call = NULL;
	size_t legs = 0;

	if (reply->type != REDIS_REPLY_ARRAY)
		return NULL;

	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const redisReply *f = reply->element[i];
		const redisReply *v = reply->element[i + 1];

		if (!strncmp(f->str, "leg:", 4))
			legs++;
		else if (!strcmp(f->str, "call") && !call)
			call = sy__call__unpack(NULL, (size_t)v->len,
						(const uint8_t *)v->str);
	}
	if (!call || !legs)
		return call;

	/* freed by protobuf-c's allocator, which is malloc's */
	call->legs = calloc(legs, sizeof(*call->legs));
	for (size_t i = 0; call->legs && i + 1 < reply->elements; i += 2) {
		const redisReply *v = reply->element[i + 1];
		Sy__Leg *leg;

		if (strncmp(reply->element[i]->str, "leg:", 4))
			continue;
		leg = sy__leg__unpack(NULL, (size_t)v->len,
				      (const uint8_t *)v->str);
		if (leg)
			call->legs[call->n_legs++] = leg;
	}

	return call;
}

static int leg_cmp(const void *a, const void *b)
{
	return strcmp((*(Sy__Leg *const *)a)->id, (*(Sy__Leg *const *)b)->id);
}

static Sy__Call *call_read_sorted(const redisReply *reply)
{
	Sy__Call *call = call_read(reply);

	if (call && call->n_legs)
		qsort(call->legs, call->n_legs, sizeof(*call->legs), leg_cmp);

	return call;
}

struct reading {
	store_call_h *h;
	void *arg;
};

static void read_handler(int err, const redisReply *reply, void *arg)
{
	struct reading *rd = arg;
	Sy__Call *call = NULL;

	if (!err) {
		call = call_read_sorted(reply);
		if (!call)
			err = ENOENT;
	}
	rd->h(err, call, rd->arg);
	mem_deref(rd);
}

int store_hub_get(struct redis *r, const char *hub, store_call_h *h,
		  void *arg)
{
	struct reading *rd;
	char key[KEY_SIZE];
	int err;

	if (!r || !hub || !h)
		return EINVAL;
	if (!ulid_is_valid(hub))
		return ENOENT;

	rd = mem_zalloc(sizeof(*rd), NULL);
	if (!rd)
		return ENOMEM;

	rd->h = h;
	rd->arg = arg;
	hub_key(key, hub);
	err = redis_command(r, 0, read_handler, rd, "HGETALL %s", key);
	if (err)
		mem_deref(rd);
	else
		redis_arg_owned(r);

	return err;
}

/* ----------------------------------------------------------------- list */

/* A page under way: the ids, then one HGETALL for each, pipelined. */
struct listing {
	struct redis *redis;
	store_calls_h *h;
	void *arg;
	char (*idv)[ULID_LEN + 1];
	Sy__Call **callv;      /* as answered, NULL where there was none */
	size_t idc, limit, answered;
	int err;
	bool more;
};

static void listing_destructor(void *arg)
{
	struct listing *l = arg;

	for (size_t i = 0; l->callv && i < l->idc; i++) {
		if (l->callv[i])
			sy__call__free_unpacked(l->callv[i], NULL);
	}
	mem_deref(l->callv);
	mem_deref(l->idv);
}

static void listing_finish(struct listing *l)
{
	size_t n = 0;
	char next[ULID_LEN + 1] = "";

	if (l->more && l->idc)
		memcpy(next, l->idv[l->idc - 1], sizeof(next));
	for (size_t i = 0; i < l->idc; i++) {
		Sy__Call *call = l->callv[i];

		l->callv[i] = NULL;
		if (call)
			l->callv[n++] = call;
	}
	l->h(l->err, l->err ? NULL : l->callv, l->err ? 0 : n,
	     *next && !l->err ? next : NULL, l->arg);
	mem_deref(l);
}

static void page_handler(int err, const redisReply *reply, void *arg)
{
	struct listing *l = arg;
	size_t i = l->answered++; /* replies come in the order of commands */

	if (err) {
		l->err = err;
	}
	else {
		l->callv[i] = call_read_sorted(reply);
		/* an owner that vanished leaves its hub in the index */
		if (!l->callv[i])
			(void)redis_command(l->redis, 0, NULL, NULL,
					    "ZREM " KEY_HUBS " %s",
					    l->idv[i]);
	}
	if (l->answered == l->idc)
		listing_finish(l);
	mem_deref(l);
}

static void ids_handler(int err, const redisReply *reply, void *arg)
{
	struct listing *l = arg;
	char key[KEY_SIZE];
	size_t n;

	l->err = err;
	n = err || reply->type != REDIS_REPLY_ARRAY ? 0 : reply->elements;
	l->more = n > l->limit;
	if (l->more)
		n = l->limit;
	if (!n) {
		listing_finish(l);
		return;
	}

	l->idv = mem_zalloc(n * sizeof(*l->idv), NULL);
	l->callv = mem_zalloc(n * sizeof(*l->callv), NULL);
	if (!l->idv || !l->callv) {
		l->err = ENOMEM;
		listing_finish(l);
		return;
	}

	l->idc = n;
	for (size_t i = 0; i < n; i++)
		str_ncpy(l->idv[i], reply->element[i]->str,
			 sizeof(l->idv[i]));
	for (size_t i = 0; i < n; i++) {
		hub_key(key, l->idv[i]);
		err = redis_command(l->redis, 0, page_handler, mem_ref(l),
				    "HGETALL %s", key);
		if (err) {
			mem_deref(l);
			l->err = err;
			l->idc = i;
			break;
		}
		redis_arg_owned(l->redis);
	}
	if (!l->idc)
		listing_finish(l);
}

int store_hub_list(struct redis *r, const char *cursor, size_t limit,
		   store_calls_h *h, void *arg)
{
	struct listing *l;
	char from[ULID_LEN + 2];
	int err;

	if (!r || !h || !limit || limit > LIST_MAX)
		return EINVAL;

	l = mem_zalloc(sizeof(*l), listing_destructor);
	if (!l)
		return ENOMEM;

	l->redis = r;
	l->h = h;
	l->arg = arg;
	l->limit = limit;
	(void)re_snprintf(from, sizeof(from), "%s%s", cursor ? "(" : "-",
			  cursor ? cursor : "");
	err = redis_command(r, 0, ids_handler, l,
			    "ZRANGEBYLEX " KEY_HUBS " %s + LIMIT 0 %d", from,
			    (int)limit + 1);
	if (err)
		mem_deref(l);
	else
		redis_arg_owned(r);

	return err;
}

struct counting {
	store_count_h *h;
	void *arg;
};

static void count_handler(int err, const redisReply *reply, void *arg)
{
	struct counting *c = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	c->h(err, err ? 0 : (uint64_t)reply->integer, c->arg);
	mem_deref(c);
}

static int count(struct redis *r, const char *key, store_count_h *h,
		 void *arg)
{
	struct counting *c;
	int err;

	if (!r || !h)
		return EINVAL;

	c = mem_zalloc(sizeof(*c), NULL);
	if (!c)
		return ENOMEM;

	c->h = h;
	c->arg = arg;
	err = redis_command(r, 0, count_handler, c, "ZCARD %s", key);
	if (err)
		mem_deref(c);
	else
		redis_arg_owned(r);

	return err;
}

int store_hub_count(struct redis *r, store_count_h *h, void *arg)
{
	return count(r, KEY_HUBS, h, arg);
}

int store_reg_count(struct redis *r, store_count_h *h, void *arg)
{
	return count(r, "sy:regs", h, arg);
}

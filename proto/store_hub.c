/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store.h"
#include "proto/store_impl.h"

enum { FIELD_SIZE = ULID_LEN + 8 };

void store_hub_key(char key[STORE_HUB_KEY_SIZE], const char *hub)
{
	(void)re_snprintf(key, STORE_HUB_KEY_SIZE, "sy:hub:{%s}", hub);
}

void store_gone_key(char key[STORE_HUB_KEY_SIZE], const char *hub)
{
	(void)re_snprintf(key, STORE_HUB_KEY_SIZE, "sy:gone:{%s}", hub);
}

void store_end_key(char key[STORE_HUB_KEY_SIZE], const char *hub)
{
	(void)re_snprintf(key, STORE_HUB_KEY_SIZE, "sy:end:{%s}", hub);
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

	if (put->state)
		size += sy__hub_state__get_packed_size(put->state);
	for (size_t i = 0; i < put->legc; i++)
		size += sy__leg__get_packed_size(put->legv[i]);
	for (size_t i = 0; i < put->dlgc; i++)
		size += sy__dialog_state__get_packed_size(put->dlgv[i]);

	return size + FIELD_SIZE * (put->legc + put->dlgc + 2 * put->dropc);
}

/* -------------------------------------------------------------- writing */

struct writing {
	struct redis *redis;
	store_h *h;
	store_replaced_h *replacedh;
	void *arg;
	char hub[ULID_LEN + 1];
};

static void finish(struct writing *w, int err)
{
	if (w->h)
		w->h(err, w->arg);
	mem_deref(w);
}

/* We replaced another owner, who may live: it finds that out when it is told,
 * or when it compares its set. */
static void replaced(struct writing *w, const char *text)
{
	const uint32_t instance = (uint32_t)strtoul(text, NULL, 10);

	(void)store_owned_remove(w->redis, instance, w->hub);
	if (w->replacedh)
		w->replacedh(instance, w->arg);
}

static int write_error(long long n)
{
	return !n ? ESTALE : n == -1 ? ENOENT : ENODATA;
}

static void write_handler(int err, const redisReply *reply, void *arg)
{
	struct writing *w = arg;

	if (!err && reply->type == REDIS_REPLY_STRING)
		replaced(w, reply->str);
	else if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	else if (!err && reply->integer < 1)
		err = write_error(reply->integer);
	finish(w, err);
}

static struct writing *writing_alloc(struct redis *r, const char *hub,
				     store_h *h, void *arg)
{
	struct writing *w = mem_zalloc(sizeof(*w), NULL);

	if (!w)
		return NULL;

	w->redis = r;
	w->h = h;
	w->arg = arg;
	str_ncpy(w->hub, hub, sizeof(w->hub));

	return w;
}

/* All that the script takes; what it points to is in `a` or the caller's. */
static void put_args(struct args *a, const struct store_hub_put *put,
		     const Sy__Call *call)
{
	if (call) {
		args_str(a, "call");
		args_message(a, &call->base);
	}
	if (put->state) {
		args_str(a, "state");
		args_message(a, &put->state->base);
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
}

static int put_run(struct writing *w, struct args *a,
		   const struct store_hub_put *put, const Sy__Call *call)
{
	char key[STORE_HUB_KEY_SIZE], gone[STORE_HUB_KEY_SIZE];
	char epoch[16], instance[16], ttl[16], count[16];

	store_hub_key(key, put->hub);
	store_gone_key(gone, put->hub);
	(void)re_snprintf(epoch, sizeof(epoch), "%u", put->epoch);
	(void)re_snprintf(instance, sizeof(instance), "%u", put->instance);
	(void)re_snprintf(ttl, sizeof(ttl), "%u", STORE_HUB_TTL_S);
	(void)re_snprintf(count, sizeof(count), "%zu",
			  put->legc + put->dlgc + (call ? 1 : 0) +
				  (put->state ? 1 : 0));
	args_str(a, key);
	args_str(a, gone);
	args_str(a, epoch);
	args_str(a, put->node);
	args_str(a, instance);
	args_str(a, ttl);
	args_str(a, put->first ? "1" : "0");
	args_str(a, count);
	put_args(a, put, call);

	return script_run_owned(w->redis, SCRIPT_HUB_PUT, 0, write_handler, w,
				2, a->argc, a->argv, a->lenv);
}

/* What lies in other slots than the hub, as commands of their own.  Its
 * owner's set comes before the record, so that a hub whose owner dies now is
 * found.  The index leaves together with the checkpoint; that of a stale
 * owner does no harm. */
int store_hub_put(struct redis *r, const struct store_hub_put *put,
		  store_h *h, void *arg)
{
	const char *index[] = {"ZADD", STORE_KEY_HUBS, "0", put ? put->hub : ""};
	Sy__Call bare;
	const Sy__Call *call = NULL;
	struct writing *w;
	struct args *a;
	int err;

	if (!r || !put || !put->hub || !put->node)
		return EINVAL;

	if (put->call) {
		bare = *put->call;
		bare.n_legs = 0;
		bare.legs = NULL;
		call = &bare;
	}
	w = writing_alloc(r, put->hub, h, arg);
	if (w)
		w->replacedh = put->replacedh;
	a = args_alloc(12 + 2 * (put->legc + put->dlgc + put->dropc),
		       put_size(put, call));
	err = w && a ? 0 : ENOMEM;
	if (!err && put->first)
		err = store_owned_add(r, put->instance, put->node, put->hub);
	if (!err)
		err = put_run(w, a, put, call);
	mem_deref(a);
	if (err)
		mem_deref(w);
	else if (call)
		(void)redis_command_argv(r, 0, NULL, NULL, 4, index, NULL);

	return err;
}

/* SPDX-License-Identifier: MIT */
/* Taking a hub over: see store.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_impl.h"

struct claiming {
	struct redis *redis;
	store_claim_h *h;
	void *arg;
	char hub[ULID_LEN + 1];
	uint32_t from, instance;
};

static void claim_close(struct store_claim *cl)
{
	for (size_t i = 0; i < cl->dlgc; i++)
		sy__dialog_state__free_unpacked(cl->dlgv[i], NULL);
	mem_deref(cl->dlgv);
	if (cl->state)
		sy__hub_state__free_unpacked(cl->state, NULL);
	if (cl->call)
		sy__call__free_unpacked(cl->call, NULL);
}

/* One field that is neither the call nor a leg of it. */
static int read_field(struct store_claim *cl, const char *name,
		      const redisReply *v)
{
	const uint8_t *p = (const uint8_t *)v->str;

	if (!strcmp(name, "epoch")) {
		cl->epoch = (uint32_t)strtoul(v->str, NULL, 10);
	} else if (!strcmp(name, "state")) {
		cl->state = sy__hub_state__unpack(NULL, (size_t)v->len, p);
		if (!cl->state)
			return EBADMSG;
	} else if (!strncmp(name, "dlg:", 4)) {
		cl->dlgv[cl->dlgc] =
		    sy__dialog_state__unpack(NULL, (size_t)v->len, p);
		if (!cl->dlgv[cl->dlgc])
			return EBADMSG;
		cl->dlgc++;
	}

	return 0;
}

/* Everything, as far as it can be read: the epoch is wanted in any case. */
static int read_fields(struct store_claim *cl, const redisReply *all)
{
	int err = 0;

	cl->dlgv =
	    mem_zalloc((all->elements / 2 + 1) * sizeof(*cl->dlgv), NULL);
	if (!cl->dlgv)
		return ENOMEM;

	for (size_t i = 0; i + 1 < all->elements; i += 2)
		err |=
		    read_field(cl, all->element[i]->str, all->element[i + 1]);
	cl->call = store_call_read(all);

	return err || !cl->call ? EBADMSG : 0;
}

static int claim_read(struct store_claim *cl, const redisReply *reply)
{
	const redisReply *el;

	if (reply->type != REDIS_REPLY_ARRAY || !reply->elements)
		return EPROTO;
	if (reply->element[0]->integer < 0)
		return ENOENT;
	if (reply->elements < 2)
		return EPROTO;

	el = reply->element[1];
	if (reply->element[0]->integer)
		return el->type == REDIS_REPLY_ARRAY ? read_fields(cl, el)
						     : EPROTO;

	cl->owner = (uint32_t)strtoul(el->str ? el->str : "", NULL, 10);

	return ESTALE;
}

static void finished_handler(int err, void *arg)
{
	struct claiming *c = arg;

	c->h(err ? err : ENOENT, NULL, c->arg);
	mem_deref(c);
}

/* Its owner ended it, and died before all was done.  @return 0: it is being
 * done; ENOENT: nothing is left. */
static int finish(struct claiming *c, const redisReply *reply)
{
	const redisReply *end =
	    reply->elements > 1 ? reply->element[1] : NULL;

	if (!end || end->type != REDIS_REPLY_STRING)
		return ENOENT;

	return store_end_finish(c->redis, c->hub, 0, end->str, end->len,
				finished_handler, c);
}

static void claim_handler(int err, const redisReply *reply, void *arg)
{
	struct claiming *c = arg;
	struct store_claim cl = {0};

	if (!err)
		err = claim_read(&cl, reply);
	if (reply && err == ENOENT) {
		err = finish(c, reply);
		if (!err)
			return;
	}
	/* so the former owner, should it live, misses it when it compares */
	if ((!err || err == EBADMSG) && c->from != c->instance)
		(void)store_owned_remove(c->redis, c->from, c->hub);
	c->h(err, !err || err == ESTALE || err == EBADMSG ? &cl : NULL, c->arg);
	claim_close(&cl);
	mem_deref(c);
}

int store_hub_claim(struct redis *r, const char *hub, uint32_t from, bool dead,
		    const char *node, uint32_t instance, store_claim_h *h,
		    void *arg)
{
	char key[STORE_HUB_KEY_SIZE], gone[STORE_HUB_KEY_SIZE];
	char end[STORE_HUB_KEY_SIZE];
	char owner[16], claimer[16], ttl[16], gone_ttl[16];
	const char *argv[] = {key,  gone,    end, owner,
			      node, claimer, ttl, gone_ttl};
	struct claiming *c;
	int err;

	if (!r || !hub || !node || !h)
		return EINVAL;

	c = mem_zalloc(sizeof(*c), NULL);
	if (!c)
		return ENOMEM;

	c->redis = r;
	c->h = h;
	c->arg = arg;
	c->from = from;
	c->instance = instance;
	str_ncpy(c->hub, hub, sizeof(c->hub));
	store_hub_key(key, hub);
	store_gone_key(gone, hub);
	store_end_key(end, hub);
	(void)re_snprintf(owner, sizeof(owner), "%u", from);
	(void)re_snprintf(claimer, sizeof(claimer), "%u", instance);
	(void)re_snprintf(ttl, sizeof(ttl), "%u", STORE_HUB_TTL_S);
	(void)re_snprintf(gone_ttl, sizeof(gone_ttl), "%u",
			  dead ? STORE_GONE_TTL_S : 0);
	err = store_owned_add(r, instance, node, hub);
	if (!err)
		err = script_run_owned(r, SCRIPT_HUB_CLAIM, 0, claim_handler, c,
				       3, ARRAY_SIZE(argv), argv, NULL);
	if (err)
		mem_deref(c);

	return err;
}

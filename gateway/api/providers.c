/* SPDX-License-Identifier: MIT */
/* /api/providers: trunks, and how they are: registered, reachable. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/api.h"
#include "gateway/api/trunk_calls.h"
#include "proto/store_trunk.h"

/* Who asked, while Redis is. */
struct asking {
	struct api_req *a;     /* held */
	bool one;
	char cursor[ROUTE_PARAM_SIZE]; /* or the id of the one */
	size_t limit;
};

static const Sy__TrunkState *state_of(const char *id, Sy__TrunkState *const *v,
				      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(v[i]->trunk, id))
			return v[i];
	}

	return NULL;
}

/* Its passwords stay where they are. */
static void show(Sy__Provider *p, const struct view *v, const Sy__Trunk *t,
		 const Sy__TrunkState *ts)
{
	const struct trunk_calls calls = trunk_calls_now(v, t->id);

	sy__provider__init(p);
	p->id = t->id;
	p->enabled = t->enabled;
	p->target = t->target;
	p->max_calls = t->max_calls;
	p->max_calls_per_second = t->max_calls_per_second;
	p->calls = calls.in + calls.out;
	p->calls_in = calls.in;
	p->calls_out = calls.out;
	p->registers = t->enabled && t->registration;
	if (!t->enabled || !ts)
		return;
	p->registered = ts->registered;
	p->expires_at = ts->expires_at;
	p->last_code = ts->last_code;
	p->reason = ts->reason;
	p->checked = ts->checked;
	p->reachable = ts->reachable;
	p->since = ts->since;
	p->rtt_ms = ts->rtt_ms;
	p->checked_at = ts->checked_at;
	p->router = ts->router;
	p->targets = ts->targets;
	p->n_targets = ts->n_targets;
}

static int trunk_cmp(const void *a, const void *b)
{
	return strcmp((*(Sy__Trunk *const *)a)->id,
		      (*(Sy__Trunk *const *)b)->id);
}

static void reply_page(struct asking *k, Sy__Trunk **trunkv, size_t trunkc,
		       Sy__TrunkState *const *v, size_t n)
{
	Sy__Provider *pv = calloc(k->limit, sizeof(*pv));
	const ProtobufCMessage **msgv = calloc(k->limit, sizeof(*msgv));
	bool more = false;
	size_t c = 0;

	if (!pv || !msgv) {
		api_reply_err(k->a, ENOMEM, "provider");
		goto out;
	}
	qsort(trunkv, trunkc, sizeof(*trunkv), trunk_cmp);
	for (size_t i = 0; i < trunkc && !more; i++) {
		if (*k->cursor && strcmp(trunkv[i]->id, k->cursor) <= 0)
			continue;
		more = c == k->limit;
		if (more)
			break;
		show(&pv[c], k->a->api->view, trunkv[i],
		     state_of(trunkv[i]->id, v, n));
		msgv[c] = &pv[c].base;
		c++;
	}
	api_reply_list(k->a, msgv, c, more ? pv[c - 1].id : NULL);

out:
	free(pv);
	free(msgv);
}

static void reply_list(struct asking *k, const Sy__Config *conf,
		       Sy__TrunkState *const *v, size_t n)
{
	Sy__Trunk **trunkv = calloc(conf->n_trunks + 1, sizeof(*trunkv));

	if (!trunkv) {
		api_reply_err(k->a, ENOMEM, "provider");
		return;
	}
	if (conf->n_trunks)
		memcpy(trunkv, conf->trunks,
		       conf->n_trunks * sizeof(*trunkv));
	reply_page(k, trunkv, conf->n_trunks, v, n);
	free(trunkv);
}

static void reply_one(struct asking *k, Sy__TrunkState *const *v, size_t n)
{
	const Sy__Trunk *t = config_trunk(view_config_table(k->a->api->view),
					  k->cursor);
	Sy__Provider p;

	if (!t) {
		api_reply_err(k->a, ENOENT, "provider");
		return;
	}
	show(&p, k->a->api->view, t, state_of(t->id, v, n));
	api_reply(k->a, 200, &p.base);
}

static void on_states(int err, Sy__TrunkState *const *v, size_t n, void *arg)
{
	struct asking *k = arg;
	struct api_req *a = k->a;
	const Sy__Config *conf = view_config(a->api->view);

	if (!err && !conf)
		err = ENOTCONN;
	if (err)
		api_reply_err(a, err, "provider");
	else if (k->one)
		reply_one(k, v, n);
	else
		reply_list(k, conf, v, n);
	mem_deref(k);
	api_release(a);
}

/* @param k  Taken */
static void ask(struct asking *k)
{
	struct api_req *a = k->a;
	struct redis *redis = view_redis(a->api->view);
	int err;

	api_hold(a);
	err = k->one ? store_trunk_get(redis, k->cursor, on_states, k)
		     : store_trunk_list(redis, on_states, k);
	if (err) {
		mem_deref(k);
		api_reply_err(a, err, "provider");
		api_release(a);
	}
}

static struct asking *asking_alloc(struct api_req *a)
{
	struct asking *k = mem_zalloc(sizeof(*k), NULL);

	if (k)
		k->a = a;
	else
		api_reply_err(a, ENOMEM, "provider");

	return k;
}

void api_providers_list(struct api_req *a)
{
	struct asking *k = asking_alloc(a);

	if (!k)
		return;
	if (!api_page(a, &k->limit, k->cursor, sizeof(k->cursor))) {
		mem_deref(k);
		return;
	}
	ask(k);
}

void api_providers_get(struct api_req *a)
{
	struct asking *k = asking_alloc(a);

	if (!k)
		return;
	k->one = true;
	str_ncpy(k->cursor, a->params.v[0], sizeof(k->cursor));
	ask(k);
}

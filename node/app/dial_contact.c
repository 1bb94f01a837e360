/* SPDX-License-Identifier: MIT */
/*
 * The contacts of a device are rung, all at once.  A phone with several flows
 * (RFC 5626: one instance, several reg-ids) is one contact: its youngest flow
 * is tried, and the next one when that has failed without a word of the phone
 * (430: the connection is gone; 408: nobody answered).
 */

#include <stdlib.h>
#include <string.h>
#include "node/app/chain.h"
#include "node/app/dial_impl.h"
#include "node/leg_browser.h"
#include "proto/schema.h"
#include "proto/store.h"

enum {
	FLOWS_MAX = 4,     /* of one phone             */
	CONTACTS_MAX = 64, /* of one device that ring  */
};

/* Flows that are left, with what a branch needs: its lookup is gone by then. */
struct flows {
	struct node *node;        /* borrowed */
	char *target, *from_user, *from_name;
	size_t n, next;
	struct flow {
		char *contact, *path, *router, *received;
	} v[FLOWS_MAX];
};

static bool spare_handler(struct hunt *hunt, struct leg *leg, uint16_t code);

static void flows_destructor(void *arg)
{
	struct flows *f = arg;

	mem_deref(f->target);
	mem_deref(f->from_user);
	mem_deref(f->from_name);
	for (size_t i = 0; i < f->n; i++) {
		mem_deref(f->v[i].contact);
		mem_deref(f->v[i].path);
		mem_deref(f->v[i].router);
		mem_deref(f->v[i].received);
	}
}

static bool same_phone(const Sy__Binding *a, const Sy__Binding *b)
{
	return a->reg_id && b->reg_id && a->instance_id[0] &&
	       !strcmp(a->instance_id, b->instance_id);
}

static bool is_younger(const Sy__Binding *a, const Sy__Binding *b)
{
	return timestamp_ms(a->registered_at) > timestamp_ms(b->registered_at);
}

/* ---------------------------------------------------------------- one leg */

static struct leg *ring(struct dial_lookup *dl, const struct flow *f)
{
	const Sy__Device *dev = config_device(dl->node->config, dl->target,
					      strlen(dl->target));
	struct leg_sip_call call = {
		.kind = SY__LEG_KIND__DEVICE,
		.user = dl->target,
		.uri = f->contact,
		.path = f->path,
		.router = f->router,
		.received = f->received,
	};
	char to[DIAL_URI_MAX], extra[CHAIN_SIZE];

	if (dial_uri(to, sizeof(to), dl->target, dial_domain(dl->node)))
		return NULL;

	call.to_uri = to;
	chain_to_device(extra, dl->hunt, dial_domain(dl->node), to);
	call.extra = extra;
	if (dev) {
		call.name = dev->display_name;
		call.codecs.namev = dev->codecs;
		call.codecs.namec = dev->n_codecs;
		call.srtp = dev->srtp;
		call.dtmf = dev->dtmf;
		call.media = dev->media;
	}

	return dial_branch(dl, &call);
}

/* A browser page of it. */
static void ring_page(struct dial_lookup *dl, const Sy__Binding *b)
{
	const Sy__Device *dev = config_device(dl->node->config, dl->target,
					      strlen(dl->target));
	const bool private = dl->hunt->hub->private;
	struct leg_browser_call call = {
		.user = dl->target,
		.phone = b->phone,
		.gateway = b->gateway,
		.received = b->received,
		.from = private ? "" : dl->from_user,
		.from_name = private ? "" : dl->from_name,
	};
	struct leg *leg;
	int err;

	if (dev) {
		call.name = dev->display_name;
		call.codecs.namev = dev->codecs;
		call.codecs.namec = dev->n_codecs;
		call.dtmf = dev->dtmf;
	}
	err = leg_browser_call(&leg, dl->node, dl->hunt->hub, &call);
	if (err)
		dial_branch_failed(dl, err);
	else
		hunt_add(dl->hunt, leg);
}

/* The next flow. @param f  Taken: the new leg's. @return false: none. */
static bool go_on(struct dial_lookup *dl, struct flows *f)
{
	struct leg *leg = NULL;

	while (!leg && f->next < f->n)
		leg = ring(dl, &f->v[f->next++]);
	if (!leg) {
		mem_deref(f);
		return false;
	}
	leg->spare = f;
	leg->spareh = spare_handler;

	return true;
}

static bool spare_handler(struct hunt *hunt, struct leg *leg, uint16_t code)
{
	struct flows *f = leg->spare;
	struct dial_lookup dl = {.hunt = hunt};

	if (code != 430 && code != 408)
		return false;
	if (f->next == f->n)
		return false;
	leg->spare = NULL;
	leg->spareh = NULL;
	dl.node = f->node;
	dl.target = f->target;
	dl.from_user = f->from_user;
	dl.from_name = f->from_name;

	return go_on(&dl, f);
}

/* -------------------------------------------------------------- all of them */

static int flow_add(struct flows *f, const Sy__Binding *b)
{
	struct flow *v = &f->v[f->n];

	if (f->n == FLOWS_MAX)
		return 0;
	++f->n;

	return str_dup(&v->contact, b->contact) | str_dup(&v->path, b->path) |
	       str_dup(&v->router, b->router) |
	       str_dup(&v->received, b->received);
}

static int flows_alloc(struct flows **fp, const struct dial_lookup *dl)
{
	struct flows *f = mem_zalloc(sizeof(*f), flows_destructor);
	int err;

	if (!f)
		return ENOMEM;
	f->node = dl->node;
	err = str_dup(&f->target, dl->target);
	err |= str_dup(&f->from_user, dl->from_user);
	if (dl->from_name)
		err |= str_dup(&f->from_name, dl->from_name);
	if (err)
		mem_deref(f);
	else
		*fp = f;

	return err;
}

/* A phone that has flows, from its youngest on; all of them are taken. */
static void ring_flows(struct dial_lookup *dl, const Sy__Binding **v, size_t n)
{
	const Sy__Binding *first = v[0];
	struct flows *f;
	int err = flows_alloc(&f, dl);

	if (err) {
		hunt_failed(dl->hunt, 500);
		return;
	}
	for (size_t i = 0; i < n && !err; i++) {
		if (!v[i] || !(v[i] == first || same_phone(v[i], first)))
			continue;
		err = flow_add(f, v[i]);
		v[i] = NULL;
	}
	if (err) {
		mem_deref(f);
		hunt_failed(dl->hunt, 500);
		return;
	}
	(void)go_on(dl, f);
}

static int by_age(const void *a, const void *b)
{
	const Sy__Binding *const *x = a, *const *y = b;

	return is_younger(*y, *x) - is_younger(*x, *y);
}

/* Those that did not answer when they were asked would only keep the caller
 * waiting. */
static bool is_of_use(const struct dial_lookup *dl, const Sy__Binding *b)
{
	const Sy__Config *conf = config_get(dl->node->config);

	return store_reg_is_reachable(b) ||
	       (conf && conf->settings &&
		!strcmp(conf->settings->unreachable, "ring"));
}

void dial_contacts(struct dial_lookup *dl, const Sy__Registration *reg)
{
	const Sy__Binding *v[CONTACTS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < reg->n_bindings && n < CONTACTS_MAX; i++) {
		if (is_of_use(dl, reg->bindings[i]))
			v[n++] = reg->bindings[i];
	}
	qsort(v, n, sizeof(*v), by_age);

	for (size_t i = 0; i < n && hunt_is_on(dl->hunt); i++) {
		if (v[i] && v[i]->phone[0])
			ring_page(dl, v[i]);
		else if (v[i])
			ring_flows(dl, v + i, n - i);
	}
}

/* SPDX-License-Identifier: MIT */
/* Requests that wait; see pending.h. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "proto/store.h"
#include "router/answer.h"
#include "router/core.h"
#include "router/forward.h"
#include "router/pending.h"

struct pendings {
	struct hash *hash;
	uint32_t n, max;
};

static void pendings_destructor(void *arg)
{
	struct pendings *t = arg;

	hash_flush(t->hash);
	mem_deref(t->hash);
}

int pendings_alloc(struct pendings **tp, uint32_t max)
{
	struct pendings *t = mem_zalloc(sizeof(*t), pendings_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->max = max;
	err = hash_alloc(&t->hash, 1024);
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

uint32_t pendings_count(const struct pendings *t)
{
	return t->n;
}

/* The transaction: what a branch is made of, and the method; a CANCEL has
 * that of its INVITE but for the method. */
static void make_key(uint8_t key[PENDING_KEY_BYTES], const struct msg *m,
		     enum view_method method)
{
	uint8_t mac[32];
	char ctx[2048];
	size_t n;

	n = msg_branch_ctx(ctx, sizeof(ctx) - 1, m->v, &m->v->via);
	ctx[n++] = (char)method;
	token_mac(mac, m->w->router->key, 'P', ctx, n);
	memcpy(key, mac, PENDING_KEY_BYTES);
}

static uint32_t key_hash(const uint8_t *key)
{
	uint32_t h;

	memcpy(&h, key, sizeof(h));

	return h;
}

static bool same_key(struct le *le, void *arg)
{
	const struct pending *p = le->data;

	return !memcmp(p->key, arg, PENDING_KEY_BYTES);
}

static struct pending *find(struct worker *w, uint8_t *key)
{
	return list_ledata(hash_lookup(w->pendings->hash, key_hash(key),
				       same_key, key));
}

bool pending_is(struct msg *m)
{
	uint8_t key[PENDING_KEY_BYTES];

	if (!m->w->pendings->n)
		return false;
	make_key(key, m, m->v->method);

	return find(m->w, key);
}

static void destructor(void *arg)
{
	struct pending *p = arg;

	if (p->le.list) {
		hash_unlink(&p->le);
		--p->w->pendings->n;
	}
	free(p->cancel);
	mem_deref(p->state);
}

int pending_hold(struct pending **pp, struct msg *m)
{
	struct pendings *t = m->w->pendings;
	struct pending *p;

	if (t->n >= t->max)
		return ENOBUFS;
	p = mem_alloc(sizeof(*p) + m->v->len, destructor);
	if (!p)
		return ENOMEM;
	memset(p, 0, offsetof(struct pending, view));
	memset(&p->tok, 0, offsetof(struct pending, bytes) -
				   offsetof(struct pending, tok));
	p->w = m->w;
	memcpy(p->bytes, m->v->p, m->v->len);
	make_key(p->key, m, m->v->method);
	(void)view_read(&p->view, p->bytes, m->v->len);
	msg_init(&p->m, m->w, &p->view, &m->from);
	p->m.reply = m->reply;
	p->m.ed = m->ed; /* only cuts so far: good for the copy as well */
	hash_append(t->hash, key_hash(p->key), &p->le, p);
	++t->n;
	*pp = p;

	return 0;
}

void pending_resume(struct pending *p)
{
	wire_begin(p->w->wire);
}

void pending_end(struct pending *p)
{
	struct worker *w = p->w;
	struct flow from = p->cancelfrom;
	size_t len = p->cancellen;
	char *cancel = p->cancel;

	p->cancel = NULL;
	wire_flush(w->wire); /* before the copy goes */
	mem_deref(p);

	if (cancel) {
		wire_begin(w->wire);
		worker_receive(&from, WIRE_WHOLE, cancel, len, w);
		wire_flush(w->wire);
		free(cancel);
	}
}

bool pending_cancel(struct msg *m)
{
	uint8_t key[PENDING_KEY_BYTES];
	struct pending *p;

	if (!m->w->pendings->n)
		return false;
	make_key(key, m, VIEW_INVITE);
	p = find(m->w, key);
	if (!p)
		return false;
	if (p->cancel)
		return true;
	p->cancel = malloc(m->v->len);
	if (!p->cancel)
		return false;
	memcpy(p->cancel, m->v->p, m->v->len);
	p->cancellen = m->v->len;
	p->cancelfrom = m->from;

	return true;
}

/* ------------------------------------------------- the owner of a hub */

static void owner_found(int err, Sy__Call *call, void *arg)
{
	struct pending *p = arg;
	const Sy__Member *node = NULL;

	pending_resume(p);
	if (!err)
		node = member_find(p->w->members, call->node);
	if (node) {
		p->tok.epoch = call->epoch;
		forward_to_node(&p->m, &p->tok, node, false);
	} else if (p->m.v->method == VIEW_ACK) {
		stat_inc(&p->w->stats, STAT_DROP_NO_OWNER);
	} else if (err == ENOENT) {
		answer(&p->m, 481, NULL, NULL);
	} else {
		answer_later(&p->m, NULL);
	}
	if (call)
		sy__call__free_unpacked(call, NULL);
	pending_end(p);
}

void pending_owner(struct msg *m, const struct token *tok)
{
	char hub[ULID_LEN + 1];
	struct pending *p;
	int err;

	if (pending_is(m)) {
		stat_inc(&m->w->stats, STAT_DROP_REPEAT);
		return;
	}
	err = bus_is_up(m->w->bus) ? pending_hold(&p, m) : ENOTCONN;
	if (err) {
		answer_later(m, NULL);
		return;
	}
	p->tok = *tok;
	ulid_print(hub, tok->hub);
	err = store_hub_get(bus_redis(m->w->bus), hub, owner_found, p);
	if (err) {
		answer_later(m, NULL);
		pending_end(p);
	}
}

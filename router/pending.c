/* SPDX-License-Identifier: MIT */
/* Messages that wait; see pending.h. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "router/answer.h"
#include "router/core.h"
#include "router/pending.h"

enum { CODE_LEN = 16 }; /* method and code of a key, as text */

struct pendings {
	struct hash *hash;
	struct list over; /* answered; a handler will still come */
	uint32_t n, max;
};

static void pendings_destructor(void *arg)
{
	struct pendings *t = arg;

	hash_flush(t->hash);
	list_flush(&t->over);
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

/*
 * The transaction: what a branch is made of, and the method; a CANCEL has
 * that of its INVITE but for the method.  Of a response also its code and
 * whose it is: a 180 and a 200, or those of two branches, are two.
 */
static void make_key(uint8_t key[PENDING_KEY_BYTES], const struct msg *m,
		     enum view_method method)
{
	const struct view *v = m->v;
	uint8_t mac[32];
	char ctx[2048];
	size_t n;

	n = msg_branch_ctx(ctx, sizeof(ctx) - CODE_LEN, v, &v->via);
	ctx[n++] = (char)method;
	if (!v->is_request) {
		n += (size_t)re_snprintf(ctx + n, sizeof(ctx) - n, "%u ",
					 v->code);
		if (v->to_tag.l && v->to_tag.l <= sizeof(ctx) - n) {
			memcpy(ctx + n, v->to_tag.p, v->to_tag.l);
			n += v->to_tag.l;
		}
	}
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

	tmr_cancel(&p->tmr);
	seek_stop(&p->wait);
	hash_unlink(&p->le);
	--p->w->pendings->n;
	free(p->cancel);
	mem_deref(p->state);
}

static int hold(struct pending **pp, struct msg *m, uint32_t max)
{
	struct pendings *t = m->w->pendings;
	struct pending *p;

	if (t->n >= max)
		return ENOBUFS;
	p = mem_alloc(sizeof(*p) + m->v->len, destructor);
	if (!p)
		return ENOMEM;
	memset(p, 0, offsetof(struct pending, view));
	memset(&p->tok, 0, offsetof(struct pending, bytes) -
				   offsetof(struct pending, tok));
	tmr_init(&p->tmr);
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

int pending_hold(struct pending **pp, struct msg *m)
{
	int err = hold(pp, m, m->w->pendings->max);

	if (!err)
		pending_limit(*pp);

	return err;
}

int pending_hold_response(struct pending **pp, struct msg *m)
{
	const uint32_t max = m->w->pendings->max;

	return hold(pp, m, m->v->method == VIEW_INVITE ? max : max / 2);
}

/* --------------------------------------------------------------- how long */

static void release_cancel(struct worker *w, struct flow from, char *cancel,
			   size_t len)
{
	if (!cancel)
		return;
	wire_begin(w->wire);
	worker_receive(&from, WIRE_WHOLE, cancel, len, w);
	wire_flush(w->wire);
	free(cancel);
}

/* Also who waited with it is told now; a further copy of the request is not
 * absorbed any more. */
static void expired(void *arg)
{
	struct pending *p = arg;
	struct wire *wire = p->w->wire;
	char *cancel = p->cancel;

	p->over = true;
	p->cancel = NULL;
	hash_unlink(&p->le);
	list_append(&p->w->pendings->over, &p->le, p);
	wire_begin(wire);
	answer_later(&p->m, NULL);
	wire_flush(wire);
	if (p->overh)
		p->overh(p->state);
	release_cancel(p->w, p->cancelfrom, cancel, p->cancellen);
}

void pending_limit(struct pending *p)
{
	if (!p->over)
		tmr_start(&p->tmr, PENDING_MS, expired, p);
}

void pending_unlimit(struct pending *p)
{
	tmr_cancel(&p->tmr);
}

void pending_later(struct pending *p, uint32_t ms, pending_h *h, void *arg)
{
	tmr_start(&p->tmr, ms, h, arg);
}

bool pending_resume(struct pending *p)
{
	if (!p->over)
		wire_begin(p->w->wire);

	return !p->over;
}

void pending_end(struct pending *p)
{
	struct worker *w = p->w;
	const struct flow from = p->cancelfrom;
	const size_t len = p->cancellen;
	char *cancel = p->cancel;

	p->cancel = NULL;
	wire_flush(w->wire); /* before the copy goes */
	mem_deref(p);
	release_cancel(w, from, cancel, len);
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

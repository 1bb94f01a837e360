/* SPDX-License-Identifier: MIT */
/* Bringing a MESSAGE to devices: see courier.h. */

#include <string.h>
#include "proto/random.h"
#include "router/answer.h"
#include "router/courier_impl.h"
#include "router/wire_impl.h"

enum {
	BUCKETS = 256,
	URI_MAX = 512,
};

static void destructor(void *data)
{
	struct courier *c = data;

	tmr_cancel(&c->tmr);
	list_flush(&c->sends);
	hash_unlink(&c->le);
	c->t->n--;
	courier_trunk_close(c);
	mem_deref(c->from);
	mem_deref(c->to);
	mem_deref(c->from_user);
	mem_deref(c->from_name);
	mem_deref(c->to_user);
	mem_deref(c->headers);
	mem_deref(c->body);
}

static void couriers_destructor(void *data)
{
	struct couriers *t = data;

	hash_flush(t->hash); /* Redis went before us: it owes no answer */
	mem_deref(t->hash);
}

int couriers_alloc(struct couriers **tp, struct worker *w)
{
	struct couriers *t = mem_zalloc(sizeof(*t), couriers_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->w = w;
	err = hash_alloc(&t->hash, BUCKETS);
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

/* ------------------------------------------------------- what was seen before */

static void make_key(uint8_t key[COURIER_KEY_BYTES], const struct msg *m)
{
	uint8_t mac[32];
	char ctx[2048];
	const size_t n = msg_branch_ctx(ctx, sizeof(ctx), m->v, &m->v->via);

	token_mac(mac, m->w->router->key, 'M', ctx, n);
	memcpy(key, mac, COURIER_KEY_BYTES);
}

static uint32_t key_hash(const uint8_t *key)
{
	uint32_t h;

	memcpy(&h, key, sizeof(h));

	return h;
}

static bool same_key(struct le *le, void *arg)
{
	const struct courier *c = le->data;

	return !memcmp(c->key, arg, COURIER_KEY_BYTES);
}

static const char *phrase(const struct courier *c)
{
	return c->reason[0] ? c->reason : NULL;
}

bool courier_again(struct msg *m)
{
	uint8_t key[COURIER_KEY_BYTES];
	const struct courier *c;

	make_key(key, m);
	c = list_ledata(hash_lookup(m->w->couriers->hash, key_hash(key),
				    same_key, key));
	if (!c)
		return false;
	stat_inc(&m->w->stats, STAT_DROP_REPEAT);
	if (!c->p)
		answer(m, c->best, phrase(c), NULL);

	return true;
}

/* --------------------------------------------------------------- the answer */

static void forget_handler(void *arg)
{
	struct courier *c = arg;

	mem_deref(c);
}

static void count(struct courier *c)
{
	stat_inc(&c->t->w->stats, c->best < 300	   ? STAT_MESSAGE_TAKEN :
				  c->best == 480 ? STAT_MESSAGE_ABSENT :
						   STAT_MESSAGE_REFUSED);
}

static void tell_request(struct courier *c)
{
	struct pending *p = c->p;

	c->p = NULL;
	if (pending_resume(p)) {
		if (c->best == 503)
			answer_later(&p->m, NULL);
		else
			answer(&p->m, c->best, phrase(c), NULL);
		count(c);
	}
	pending_end(p);
}

static void tell_bus(struct courier *c)
{
	courier_h *h = c->h;

	c->h = NULL;
	count(c);
	h(c->best, c->reason, c->arg);
}

/* In a turn of its own: what decided it may be a message just read. */
static void tell_handler(void *arg)
{
	struct courier *c = arg;

	if (c->p)
		tell_request(c);
	else
		tell_bus(c);
	tmr_start(&c->tmr, COURIER_KEEP_MS, forget_handler, c);
}

static void tell(struct courier *c)
{
	if ((c->p || c->h) && !tmr_isrunning(&c->tmr))
		tmr_start(&c->tmr, 0, tell_handler, c);
}

/* What a phone's failure means to the one who wrote: where nobody was reached
 * it is 480, whatever it was that failed. */
static uint16_t code_of(uint16_t code)
{
	switch (code) {

	case 408: case 430: case 503: case 487: case 401: case 407:
		return 480;
	default:
		return code < 400 ? 480 : code;
	}
}

/* A phone's own refusal says more than that another one is away. */
static bool is_better(uint16_t code, uint16_t best)
{
	return !best || (best == 480 && code != 480) || code >= 600;
}

/* "SIP/2.0 486 Busy Here" */
static void keep_phrase(struct courier *c, const struct view *v)
{
	enum { AHEAD = 12 };
	size_t n = AHEAD;

	while (n < v->len && (unsigned char)v->p[n] >= ' ' &&
	       n - AHEAD < sizeof(c->reason) - 1)
		n++;
	if (n > AHEAD)
		memcpy(c->reason, v->p + AHEAD, n - AHEAD);
	c->reason[n - AHEAD] = '\0';
}

static void take(struct courier *c, uint16_t code, const struct view *v)
{
	const uint16_t got = code < 300 ? code : code_of(code);

	if (c->best && c->best < 300)
		return;
	if (got >= 300 && !is_better(got, c->best))
		return;
	c->best = got;
	c->reason[0] = '\0';
	if (v && got == code)
		keep_phrase(c, v);
	if (got < 300)
		tell(c);
}

void courier_answered(struct courier_send *s, uint16_t code,
		      const struct view *v)
{
	struct courier *c = s->c;

	take(c, code, v);
	mem_deref(s);
	if (!--c->open)
		tell(c);
}

static int send_one(struct courier_send *s);

static void answered(uint16_t code, const struct view *v, void *arg)
{
	struct courier_send *s = arg;

	if (courier_trunk_again(s, code, v)) {
		s->uac = mem_deref(s->uac);
		if (!send_one(s))
			return;
	}
	courier_answered(s, code, v);
}

/* ---------------------------------------------------------------- the sending */

static int send_one(struct courier_send *s)
{
	struct courier *c = s->c;
	char from[URI_MAX];
	struct uac_request r = {
		.method = "MESSAGE",
		.uri = s->uri,
		.from = from,
		.to = c->to,
		.call_id = s->call_id,
		.cseq = ++s->cseq,
		.headers = s->headers ? s->headers : c->headers,
		.body = c->body,
		.bodylen = c->bodylen,
		.to_flow = &s->flow,
		.timeout_ms = COURIER_WAIT_MS,
		.hops = c->hops,
	};

	if (re_snprintf(from, sizeof(from), "%s;tag=%s", c->from, s->tag) < 0)
		return EOVERFLOW;

	return uac_send(&s->uac, c->t->w->uacs, &r, answered, s);
}

static void send_all(struct courier *c)
{
	struct le *le = list_head(&c->sends);
	int err;

	while (le) {
		struct courier_send *s = le->data;

		le = le->next;
		err = s->gateway ? courier_page_send(s) : send_one(s);
		if (err) {
			take(c, err == ENOTSUP ? 415 : 430, NULL);
			mem_deref(s);
		} else {
			c->open++;
		}
	}
}

/* All devices were looked up. */
void courier_found(struct courier *c)
{
	if (c->p && !pending_resume(c->p)) { /* it took too long, and is
					      * answered */
		pending_end(c->p);
		mem_deref(c);
		return;
	}
	wire_flush(c->t->w->wire);
	if (c->p)
		pending_unlimit(c->p);
	if (c->sends.head)
		send_all(c);
	else
		c->best = c->err ? 503 : 480;
	if (!c->open)
		tell(c);
}

/* -------------------------------------------------------------------- begin */

static int courier_alloc(struct courier **cp, struct couriers *t)
{
	struct courier *c;

	if (t->n >= COURIER_MAX)
		return ENOBUFS;
	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;
	tmr_init(&c->tmr);
	c->t = t;
	t->n++;
	*cp = c;

	return 0;
}

static int begin(struct courier **cp, struct msg *m,
		 const struct courier_conf *conf)
{
	struct couriers *t = m->w->couriers;
	struct courier *c;
	int err = courier_alloc(&c, t);

	if (err)
		return err;
	make_key(c->key, m);
	err = courier_text(c, m, conf);
	if (!err)
		err = pending_hold(&c->p, m);
	if (err) {
		mem_deref(c);
		return err;
	}
	hash_append(t->hash, key_hash(c->key), &c->le, c);
	*cp = c;

	return 0;
}

void courier_start(struct msg *m, const struct courier_conf *conf)
{
	struct courier *c = NULL;

	switch (begin(&c, m, conf)) {

	case 0:
		break;

	case EBADMSG:
		answer(m, 400, "Content-Type Is Needed", NULL);
		return;

	case EMSGSIZE:
		answer(m, 413, "Message Too Large", NULL);
		return;

	default:
		answer_later(m, NULL);
		return;
	}
	if (courier_find(c, conf)) {
		pending_end(c->p);
		mem_deref(c);
		answer_later(m, NULL);
	}
}

int courier_bring(struct worker *w, const struct courier_conf *conf,
		  const char *text, courier_h *h, void *arg)
{
	struct couriers *t = w->couriers;
	struct courier *c;
	int err = courier_alloc(&c, t);

	if (err)
		return err;
	/* a key that no request has: all of them are found by the table */
	random_bytes(c->key, sizeof(c->key));
	c->h = h;
	c->arg = arg;
	err = courier_text_plain(c, w, conf, text);
	if (!err)
		err = courier_find(c, conf);
	if (err) {
		mem_deref(c);
		return err;
	}
	hash_append(t->hash, key_hash(c->key), &c->le, c);

	return 0;
}

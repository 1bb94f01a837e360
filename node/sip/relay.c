/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>

#include "node/sip/relay.h"

enum { HASH_SIZE = 256 };

struct relays {
	struct sip *sip;      /* borrowed                            */
	struct hash *ht;      /* struct relay, by Call-ID; owned     */
	struct list departed; /* the same, by le; oldest first       */
	struct tmr tmr;	      /* for the oldest                      */
	uint32_t count;	      /* in ht                               */
};

struct relay {
	struct le he, le;
	struct relays *relays;
	char *call_id, *ltag, *rtag;
	struct list held; /* struct held                         */
	size_t heldc, bytes;
	struct sa to;
	bool departed;
	uint64_t until_ms;
};

/* A message that waits. */
struct held {
	struct le le;
	struct sip_msg *msg;
};

static void held_destructor(void *arg)
{
	struct held *h = arg;

	list_unlink(&h->le);
	mem_deref(h->msg);
}

static void relay_destructor(void *arg)
{
	struct relay *r = arg;

	hash_unlink(&r->he);
	list_unlink(&r->le);
	--r->relays->count;
	list_flush(&r->held);
	mem_deref(r->call_id);
	mem_deref(r->ltag);
	mem_deref(r->rtag);
}

static void destructor(void *arg)
{
	struct relays *r = arg;

	tmr_cancel(&r->tmr);
	hash_flush(r->ht);
	mem_deref(r->ht);
}

int relays_alloc(struct relays **rp, struct sip *sip)
{
	struct relays *r;
	int err;

	if (!rp || !sip)
		return EINVAL;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;

	r->sip = sip;
	tmr_init(&r->tmr);
	err = hash_alloc(&r->ht, HASH_SIZE);
	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

/* ------------------------------------------------------------- messages */

static bool is(const struct pl *pl, const char *str)
{
	return str && !pl_strcmp(pl, str);
}

static bool matches(const struct relay *r, const struct sip_msg *msg)
{
	if (!is(&msg->callid, r->call_id))
		return false;

	if (!msg->req)
		return is(&msg->from.tag, r->ltag);

	return pl_isset(&msg->to.tag) ? is(&msg->to.tag, r->ltag)
				      : is(&msg->from.tag, r->rtag);
}

static struct relay *find(const struct relays *rs, const struct sip_msg *msg)
{
	struct le *le;

	le = list_head(hash_list(rs->ht, hash_joaat_pl(&msg->callid)));

	for (; le; le = le->next) {
		if (matches(le->data, msg))
			return le->data;
	}

	return NULL;
}

/* Where a message begins in its buffer; CRLFs may stand before it. */
static size_t begin(const struct sip_msg *msg)
{
	const struct pl *first = msg->req ? &msg->met : &msg->ver;

	return (size_t)((const uint8_t *)first->p - msg->mb->buf);
}

static void send_on(const struct relay *r, const struct sip_msg *msg)
{
	struct mbuf *mb = msg->mb;
	const size_t pos = mb->pos;

	mb->pos = begin(msg);
	(void)sip_send(r->relays->sip, NULL, SIP_TRANSP_UDP, &r->to, mb);
	mb->pos = pos;
}

static void hold(struct relay *r, const struct sip_msg *msg)
{
	const size_t len = msg->mb->end - begin(msg);
	struct held *h;

	if (r->heldc >= RELAY_MSGS_MAX || r->bytes + len > RELAY_BYTES_MAX)
		return; /* its sender repeats it */

	h = mem_zalloc(sizeof(*h), held_destructor);
	if (!h)
		return;

	h->msg = mem_ref((void *)msg);
	list_append(&r->held, &h->le, h);
	++r->heldc;
	r->bytes += len;
}

bool relays_take(struct relays *rs, const struct sip_msg *msg)
{
	struct relay *r = rs->count ? find(rs, msg) : NULL;

	if (!r)
		return false;

	if (r->departed)
		send_on(r, msg);
	else
		hold(r, msg);

	return true;
}

/* ----------------------------------------------------------------- life */

int relay_freeze(struct relay **rp, struct relays *relays,
		 const struct relay_id *id)
{
	struct relay *r = mem_zalloc(sizeof(*r), relay_destructor);
	int err;

	if (!r)
		return ENOMEM;

	r->relays = relays;
	++relays->count;
	err = str_dup(&r->call_id, id->call_id);
	err |= str_dup(&r->ltag, id->ltag);
	if (id->rtag)
		err |= str_dup(&r->rtag, id->rtag);
	if (err) {
		mem_deref(r);
		return ENOMEM;
	}

	hash_append(relays->ht, hash_joaat_str(r->call_id), &r->he, r);
	*rp = r;

	return 0;
}

void relay_drop(struct relay *r)
{
	mem_deref(r);
}

void relay_thaw(struct relay *r, relay_msg_h *h, void *arg)
{
	struct list held = LIST_INIT;
	struct le *le;

	while ((le = list_head(&r->held))) {
		list_unlink(le);
		list_append(&held, le, le->data);
	}
	mem_deref(r);

	for (le = list_head(&held); le; le = le->next)
		h(((struct held *)le->data)->msg, arg);
	list_flush(&held);
}

static void expire_handler(void *arg)
{
	struct relays *rs = arg;
	const uint64_t now_ms = tmr_jiffies();
	struct relay *r;

	while ((r = list_ledata(list_head(&rs->departed)))) {
		if (r->until_ms > now_ms) {
			tmr_start(&rs->tmr, r->until_ms - now_ms,
				  expire_handler, rs);
			return;
		}
		mem_deref(r);
	}
}

void relay_depart(struct relay *r, const struct sa *to)
{
	struct relays *rs = r->relays;
	struct le *le;

	r->to = *to;
	r->departed = true;
	r->until_ms = tmr_jiffies() + RELAY_SPAN_MS;
	list_append(&rs->departed, &r->le, r);
	if (!tmr_isrunning(&rs->tmr))
		tmr_start(&rs->tmr, RELAY_SPAN_MS, expire_handler, rs);

	for (le = list_head(&r->held); le; le = le->next)
		send_on(r, ((struct held *)le->data)->msg);
	list_flush(&r->held);
}

void relays_forget(struct relays *rs, const char *call_id, const char *ltag)
{
	struct le *le, *next;

	le = list_head(hash_list(rs->ht, hash_joaat_str(call_id)));

	for (; le; le = next) {
		struct relay *r = le->data;

		next = le->next;
		if (r->departed && !strcmp(r->call_id, call_id) &&
		    !strcmp(r->ltag, ltag))
			mem_deref(r);
	}
}

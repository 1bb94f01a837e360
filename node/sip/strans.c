/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>

#include "node/sip/strans.h"

enum {
	T1_MS = 500,
	HASH_SIZE = 4096,
};

enum state { PROCEEDING, ACCEPTED, COMPLETED, CONFIRMED };

struct stranss {
	struct sip *sip;      /* borrowed */
	struct wheel *wheel;  /* borrowed */
	struct hash *ht;      /* by branch; owns the transactions */
	uint32_t t1_ms, t2_ms;
	uint32_t count;
	path_way_h *wayh;
	void *way_arg;
};

struct strans {
	struct le he;
	struct stranss *t;
	char *branch;
	char *met;
	struct list pathl;
	struct mbuf *via;     /* further Via lines */
	struct mbuf *route;   /* Record-Route lines */
	struct mbuf *ids;     /* From, Call-ID, CSeq lines */
	char *to;             /* To value, with the tag that it came with */
	char *tag;            /* To tag that we added, or NULL */
	bool tagged;
	struct mbuf *start;   /* status line of the last reply, or NULL */
	struct mbuf *rest;    /* and what follows its Vias */
	struct sip_msg *msg;
	struct wheel_tmr repeat;
	struct wheel_tmr end;
	uint32_t repeat_ms;
	enum state state;
	bool invite;
	strans_cancel_h *cancelh;
	strans_noack_h *noackh;
	void *arg;
};

static void strans_destructor(void *arg)
{
	struct strans *st = arg;

	hash_unlink(&st->he);
	wheel_cancel(&st->repeat);
	wheel_cancel(&st->end);
	list_flush(&st->pathl);
	mem_deref(st->branch);
	mem_deref(st->met);
	mem_deref(st->via);
	mem_deref(st->route);
	mem_deref(st->ids);
	mem_deref(st->to);
	mem_deref(st->tag);
	mem_deref(st->start);
	mem_deref(st->rest);
	mem_deref(st->msg);
	--st->t->count;
}

static void destructor(void *arg)
{
	struct stranss *t = arg;

	hash_flush(t->ht);
	mem_deref(t->ht);
}

int stranss_alloc(struct stranss **tp, struct sip *sip, struct wheel *wheel,
		  uint32_t t1_ms, path_way_h *wayh, void *arg)
{
	struct stranss *t;
	int err;

	if (!tp || !sip || !wheel)
		return EINVAL;

	t = mem_zalloc(sizeof(*t), destructor);
	if (!t)
		return ENOMEM;

	t->sip = sip;
	t->wheel = wheel;
	t->wayh = wayh;
	t->way_arg = arg;
	t->t1_ms = t1_ms ? t1_ms : T1_MS;
	t->t2_ms = 8 * t->t1_ms;

	err = hash_alloc(&t->ht, HASH_SIZE);
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

uint32_t stranss_span_ms(const struct stranss *t)
{
	return 64 * t->t1_ms;
}

uint32_t stranss_count(const struct stranss *t)
{
	return t ? t->count : 0;
}

static struct strans *find(const struct stranss *t, const struct pl *branch,
			   const char *met, const struct pl *metpl)
{
	struct le *le;

	le = list_head(hash_list(t->ht, hash_joaat_pl(branch)));

	for (; le; le = le->next) {
		struct strans *st = le->data;

		if (met ? strcmp(st->met, met) : pl_strcmp(metpl, st->met))
			continue;

		if (!pl_strcmp(branch, st->branch))
			return st;
	}

	return NULL;
}

static int send_to(const struct strans *st, struct path *p)
{
	if (!st->start)
		return 0;

	if (st->t->wayh)
		path_find_way(p, st->t->wayh, st->t->way_arg);

	return path_send(p, st->t->sip, st->start, st->via, st->rest);
}

/* Good if one path took it: which of the routers lives is not known here. */
static int send_all(const struct strans *st)
{
	struct le *le;
	int err = ENOTCONN;

	for (le = st->pathl.head; le; le = le->next) {
		int e = send_to(st, le->data);

		err = err && e ? e : 0;
	}

	return err;
}

static void end_handler(void *arg)
{
	struct strans *st = arg;
	strans_noack_h *noackh = st->noackh;
	void *user = st->arg;
	bool noack = st->state == ACCEPTED;

	mem_deref(st);

	if (noack && noackh)
		noackh(user);
}

static void repeat_handler(void *arg)
{
	struct strans *st = arg;

	(void)send_all(st);

	st->repeat_ms = MIN(2 * st->repeat_ms, st->t->t2_ms);
	wheel_start(st->t->wheel, &st->repeat, st->repeat_ms, repeat_handler,
		    st);
}

static void repeat_start(struct strans *st)
{
	st->repeat_ms = st->t->t1_ms;
	wheel_start(st->t->wheel, &st->repeat, st->repeat_ms, repeat_handler,
		    st);
}

static void end_start(struct strans *st)
{
	wheel_start(st->t->wheel, &st->end, stranss_span_ms(st->t),
		    end_handler, st);
}

static void confirm(struct strans *st)
{
	wheel_cancel(&st->repeat);
	strans_set_user(st, NULL, NULL, NULL);
	st->state = CONFIRMED;
	end_start(st);
}

static enum strans_recv recv_ack(struct stranss *t, const struct sip_msg *msg)
{
	struct strans *st = find(t, &msg->via.branch, "INVITE", NULL);

	if (!st || st->state == ACCEPTED)
		return STRANS_NEW;

	if (st->state == COMPLETED)
		confirm(st);

	return STRANS_DONE;
}

static enum strans_recv recv_cancel(struct stranss *t,
				    const struct sip_msg *msg)
{
	struct strans *st = find(t, &msg->via.branch, "INVITE", NULL);
	struct strans_reply r = {.code = 200};
	struct strans *cst;

	if (!st)
		return STRANS_NEW;

	if (strans_alloc(&cst, t, msg))
		return STRANS_DONE;

	r.tag = st->tag;
	(void)strans_reply(cst, &r);

	if (st->state == PROCEEDING && st->cancelh)
		st->cancelh(msg, st->arg);

	return STRANS_CANCELED;
}

enum strans_recv strans_recv(struct stranss *t, const struct sip_msg *msg)
{
	struct strans *st;
	struct path *p;

	if (!pl_strcmp(&msg->met, "ACK"))
		return recv_ack(t, msg);

	st = find(t, &msg->via.branch, NULL, &msg->met);
	if (!st)
		return pl_strcmp(&msg->met, "CANCEL") ? STRANS_NEW
						      : recv_cancel(t, msg);

	p = path_find(&st->pathl, msg);
	if (!p && path_add(&p, &st->pathl, msg))
		return STRANS_DONE;

	/* A 2xx repeats by its own clock, but a new path has not seen it. */
	if (st->state != CONFIRMED || !st->invite)
		(void)send_to(st, p);

	return STRANS_DONE;
}

static bool rr_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
		       void *arg)
{
	(void)msg;

	return 0 != mbuf_printf(arg, "Record-Route: %r\r\n", &hdr->val);
}

struct vias {
	struct mbuf *mb;
	unsigned n;
};

static bool via_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			void *arg)
{
	struct vias *v = arg;

	(void)msg;

	return v->n++ && mbuf_printf(v->mb, "Via: %r\r\n", &hdr->val);
}

/* What each reply copies of the request (RFC 3261 8.2.6.2). */
static int copy(struct strans *st, const struct sip_msg *msg)
{
	struct vias v = {.n = 0};
	int err;

	v.mb = st->via = mbuf_alloc(128);
	st->route = mbuf_alloc(128);
	st->ids = mbuf_alloc(256);
	if (!st->via || !st->route || !st->ids)
		return ENOMEM;

	if (sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, via_handler, &v) ||
	    sip_msg_hdr_apply(msg, true, SIP_HDR_RECORD_ROUTE, rr_handler,
			      st->route))
		return ENOMEM;

	err = mbuf_printf(st->ids,
			  "From: %r\r\nCall-ID: %r\r\nCSeq: %u %r\r\n",
			  &msg->from.val, &msg->callid, msg->cseq.num,
			  &msg->cseq.met);
	err |= pl_strdup(&st->to, &msg->to.val);
	st->tagged = pl_isset(&msg->to.tag);

	return err;
}

int strans_alloc(struct strans **stp, struct stranss *t,
		 const struct sip_msg *msg)
{
	struct strans *st;
	int err;

	st = mem_zalloc(sizeof(*st), strans_destructor);
	if (!st)
		return ENOMEM;

	st->t = t;
	++t->count;
	hash_append(t->ht, hash_joaat_pl(&msg->via.branch), &st->he, st);
	st->msg = mem_ref((void *)msg);
	st->invite = !pl_strcmp(&msg->met, "INVITE");

	err = pl_strdup(&st->branch, &msg->via.branch);
	err |= pl_strdup(&st->met, &msg->met);
	err |= copy(st, msg);
	err |= path_add(NULL, &st->pathl, msg);

	if (err) {
		mem_deref(st);
		return ENOMEM;
	}

	*stp = st;

	return 0;
}

void strans_forget(struct stranss *t, const struct sip_msg *msg)
{
	struct strans *st = find(t, &msg->via.branch, NULL, &msg->met);

	if (st && !st->arg)
		mem_deref(st);
}

void strans_set_user(struct strans *st, strans_cancel_h *cancelh,
		     strans_noack_h *noackh, void *arg)
{
	st->cancelh = cancelh;
	st->noackh = noackh;
	st->arg = arg;
}

static int reply_print(struct strans *st, const struct strans_reply *r)
{
	size_t len = r->body ? mbuf_get_left(r->body) : 0;
	struct mbuf *start = mbuf_alloc(64), *mb = mbuf_alloc(512 + len);
	int err;

	if (!start || !mb) {
		err = ENOMEM;
		goto out;
	}

	err = mbuf_printf(start, "SIP/2.0 %u %s\r\n", r->code,
			  r->reason ? r->reason : sip_reason(r->code));

	if (r->rec_route)
		err |= mbuf_write_mem(mb, st->route->buf, st->route->end);
	err |= mbuf_printf(mb, "To: %s", st->to);
	if (r->tag && !st->tagged)
		err |= mbuf_printf(mb, ";tag=%s", r->tag);
	err |= mbuf_write_str(mb, "\r\n");
	err |= mbuf_write_mem(mb, st->ids->buf, st->ids->end);
	err |= mbuf_write_str(mb, "Server: switchyard/" SY_VERSION "\r\n");
	if (r->hdrs)
		err |= mbuf_write_str(mb, r->hdrs);
	if (len)
		err |= mbuf_printf(mb, "Content-Type: %s\r\n", r->ctype);
	err |= mbuf_printf(mb, "Content-Length: %zu\r\n\r\n", len);
	if (len)
		err |= mbuf_write_mem(mb, mbuf_buf(r->body), len);

out:
	if (err) {
		mem_deref(start);
		mem_deref(mb);
		return ENOMEM;
	}

	mem_deref(st->start);
	mem_deref(st->rest);
	st->start = start;
	st->rest = mb;

	return 0;
}

static void final(struct strans *st, uint16_t code)
{
	bool reliable = path_is_reliable(st->pathl.head->data);

	st->msg = mem_deref(st->msg);
	st->state = st->invite && code < 300 ? ACCEPTED : COMPLETED;

	/* A 2xx is repeated by the user agent, end to end, over whatever
	 * transport (RFC 3261 13.3.1.4). */
	if (st->state == ACCEPTED)
		repeat_start(st);
	else if (st->invite && !reliable)
		repeat_start(st);

	if (st->state == COMPLETED)
		strans_set_user(st, NULL, NULL, NULL);

	end_start(st);
}

int strans_reply(struct strans *st, const struct strans_reply *r)
{
	int err;

	if (!st || !r)
		return EINVAL;

	if (st->state != PROCEEDING)
		return EPROTO;

	err = reply_print(st, r);
	if (!err && r->tag && !st->tag)
		err = str_dup(&st->tag, r->tag);
	if (err)
		return err;

	err = send_all(st);

	if (r->code >= 200) {
		final(st, r->code);
		err = 0; /* it is repeated, or asked for again */
	}

	return err;
}

void strans_repeat(const struct strans *st)
{
	if (st && st->state == PROCEEDING)
		(void)send_all(st);
}

void strans_acked(struct strans *st)
{
	if (st && st->state == ACCEPTED)
		confirm(st);
}

void strans_silence(struct strans *st)
{
	if (!st)
		return;

	wheel_cancel(&st->repeat);
	strans_set_user(st, NULL, NULL, NULL);
	st->msg = mem_deref(st->msg);
	st->start = mem_deref(st->start);
	st->state = CONFIRMED;
	end_start(st);
}

bool strans_is_replied(const struct strans *st)
{
	return st && st->start;
}

const struct sip_msg *strans_msg(const struct strans *st)
{
	return st ? st->msg : NULL;
}

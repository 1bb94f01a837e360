/* SPDX-License-Identifier: MIT */
/*
 * The early dialogs of our INVITE, and PRACK to their reliable answers
 * (RFC 3262 4).
 *
 * A proxy may fork an INVITE: each branch that rings makes an early dialog of
 * its own.  Its answers are ordered by RSeq within it alone; one that is not
 * the next is not looked at: its sender repeats it, or what was lost before.
 *
 * All of them take the CSeq of the dialog: each sees numbers that grow.
 */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

static void destructor(void *arg)
{
	struct early *e = arg;
	size_t i;

	list_unlink(&e->le);
	for (i = 0; i < e->routec; i++)
		mem_deref(e->routev[i]);
	mem_deref(e->routev);
	mem_deref(e->tag);
	mem_deref(e->target);
	mem_deref(e->sdp);
}

static struct early *alloc(struct dialog *d)
{
	struct early *e;

	if (list_count(&d->earlyl) >= EARLY_MAX)
		return NULL;

	e = mem_zalloc(sizeof(*e), destructor);
	if (e)
		list_append(&d->earlyl, &e->le, e);

	return e;
}

struct early *early_find(const struct dialog *d, const struct pl *tag)
{
	struct le *le;

	for (le = d->earlyl.head; le; le = le->next) {
		struct early *e = le->data;

		if (pl_is(tag, e->tag))
			return e;
	}

	return NULL;
}

struct early *early_last(const struct dialog *d)
{
	return d->heard ? d->heard : list_ledata(d->earlyl.tail);
}

void early_flush(struct dialog *d)
{
	d->heard = NULL;
	list_flush(&d->earlyl);
}

void early_describe(struct dialog *d, struct early *e, struct mbuf *sdp)
{
	mem_ref(sdp);
	mem_deref(e->sdp);
	e->sdp = sdp;
	e->agreed |= e->reliable;
	d->heard = e;
}

/* --------------------------------------------------- as its answer says */

struct routes {
	struct early *e;
	int err;
};

static bool route_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			  void *arg)
{
	struct routes *r = arg;

	(void)msg;
	r->err = pl_strdup(&r->e->routev[r->e->routec], &hdr->val);
	if (!r->err)
		++r->e->routec;

	return r->err != 0;
}

static int set_routes(struct early *e, const struct sip_msg *msg)
{
	const size_t n = sip_msg_hdr_count(msg, SIP_HDR_RECORD_ROUTE);
	struct routes r = {.e = e};

	if (!n)
		return 0;

	e->routev = mem_zalloc(n * sizeof(*e->routev), NULL);
	if (!e->routev)
		return ENOMEM;

	(void)sip_msg_hdr_apply(msg, false, SIP_HDR_RECORD_ROUTE, route_handler,
				&r);

	return r.err;
}

/* What was said last holds; who says nothing is where it was called. */
int early_set_target(struct early *e, const struct dialog *d,
		     const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	char *target = NULL;
	int err;

	if (hdr && !sip_addr_decode(&addr, &hdr->val) &&
	    uri_is_clean(&addr.auri))
		err = pl_strdup(&target, &addr.auri);
	else if (e->target)
		return 0;
	else
		err = str_dup(&target, d->target);
	if (err)
		return err;

	mem_deref(e->target);
	e->target = target;

	return 0;
}

static int make(struct early **ep, struct dialog *d, const struct sip_msg *msg)
{
	struct early *e = alloc(d);
	int err;

	if (!e)
		return ENOMEM;

	e->tag = mem_zalloc(msg->to.tag.l + 1, NULL);
	err = e->tag ? 0 : ENOMEM;
	if (!err && msg->to.tag.l)
		memcpy(e->tag, msg->to.tag.p, msg->to.tag.l);
	if (!err)
		err = set_routes(e, msg);
	if (!err)
		err = early_set_target(e, d, msg);
	if (err)
		mem_deref(e);
	else
		*ep = e;

	return err;
}

/* ---------------------------------------------------------------- PRACK */

static void prack_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	/* Who does not know it has given up; its answer will tell. */
	(void)err;
	(void)msg;
	(void)d;
}

static void prack(struct dialog *d, struct early *e)
{
	struct request r = {.met = "PRACK", .early = e};
	struct mbuf *mb;
	char rack[64];

	(void)re_snprintf(rack, sizeof(rack), "RAck: %u %u INVITE\r\n", e->rseq,
			  d->inv_cseq);
	r.extra = rack;
	r.cseq = ++d->lcseq;
	if (request_print(&mb, d, &r))
		return;

	e->pracked = !request_send_early(d, e, r.met, mb, prack_resp);
	mem_deref(mb);
}

/* RSeq, where the answer is a reliable one; 0: it is none. */
static uint32_t rseq_of(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RSEQ);

	if (!hdr || !sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel"))
		return 0;

	return pl_u32(&hdr->val);
}

/* @return false: nothing that was not known. */
static bool take_reliable(struct dialog *d, struct early *e, uint32_t rseq)
{
	const bool copy = rseq == e->rseq;

	/* Who had the dialog before may have died with the PRACK. */
	if (copy && !e->pracked) {
		prack(d, e);
		return false;
	}

	if (copy || (e->rseq && rseq != e->rseq + 1))
		return false;

	e->rseq = rseq;
	prack(d, e);
	dialog_changed(d);

	return true;
}

bool early_progress(struct early **ep, struct dialog *d,
		    const struct sip_msg *msg)
{
	const uint32_t rseq = rseq_of(msg);
	struct early *e = early_find(d, &msg->to.tag);

	*ep = NULL;
	if (e)
		(void)early_set_target(e, d, msg);
	else if (make(&e, d, msg))
		return !rseq;

	if (sip_msg_hdr(msg, SIP_HDR_ALLOW))
		e->allows_update =
		    sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "UPDATE");

	if (rseq && !take_reliable(d, e, rseq))
		return false;

	e->reliable = rseq != 0;
	*ep = e;

	return true;
}

/* ----------------------------------------------------------- checkpoint */

void early_put(struct dialog *d, Sy__DialogState *out)
{
	struct le *le;
	size_t n = 0;

	for (le = d->earlyl.head; le; le = le->next) {
		struct early *e = le->data;
		Sy__EarlyDialog *s = &e->state;

		sy__early_dialog__init(s);
		s->tag = e->tag;
		s->target = e->target;
		s->route_set = e->routev;
		s->n_route_set = e->routec;
		s->rseq = e->rseq;
		s->remote_cseq = e->rcseq;
		s->agreed = e->agreed;
		s->updated = e->updated;
		s->allows_update = e->allows_update;
		if (e->sdp) {
			s->sdp.data = e->sdp->buf;
			s->sdp.len = e->sdp->end;
		}
		d->earlyv[n++] = s;
	}

	out->earlies = d->earlyv;
	out->n_earlies = n;
	if (d->heard)
		out->heard = d->heard->tag;
}

static int resume_sdp(struct early *e, const Sy__EarlyDialog *s)
{
	if (!s->sdp.len)
		return 0;

	e->sdp = mbuf_alloc(s->sdp.len);
	if (!e->sdp)
		return ENOMEM;

	(void)mbuf_write_mem(e->sdp, s->sdp.data, s->sdp.len);
	e->sdp->pos = 0;

	return 0;
}

static int resume_routes(struct early *e, const Sy__EarlyDialog *s)
{
	int err = 0;

	if (!s->n_route_set)
		return 0;

	e->routev = mem_zalloc(s->n_route_set * sizeof(*e->routev), NULL);
	if (!e->routev)
		return ENOMEM;

	while (!err && e->routec < s->n_route_set) {
		err = str_dup(&e->routev[e->routec], s->route_set[e->routec]);
		if (!err)
			++e->routec;
	}

	return err;
}

/* Of a node that wrote only the last of them. */
static int resume_one(struct dialog *d, const Sy__DialogState *ds)
{
	const size_t len = str_len(ds->remote_sdp);
	const Sy__EarlyDialog s = {
	    .sdp = {.len = len, .data = (uint8_t *)ds->remote_sdp}};
	struct early *e = alloc(d);
	int err;

	if (!e)
		return ENOMEM;

	err = str_dup(&e->tag, ds->remote_tag);
	err |= str_dup(&e->target, ds->remote_target);
	err |= resume_sdp(e, &s);
	d->heard = len ? e : NULL;

	return err;
}

int early_resume(struct dialog *d, const Sy__DialogState *ds)
{
	size_t i;
	int err = 0;

	if (!ds->n_earlies && str_isset(ds->remote_tag))
		return resume_one(d, ds);

	for (i = 0; i < ds->n_earlies && i < EARLY_MAX && !err; i++) {
		const Sy__EarlyDialog *s = ds->earlies[i];
		struct early *e = alloc(d);

		if (!e)
			return ENOMEM;

		e->rseq = s->rseq;
		e->rcseq = s->remote_cseq;
		e->agreed = s->agreed;
		e->updated = s->updated;
		e->allows_update = s->allows_update;
		err = str_dup(&e->tag, s->tag);
		err |= str_dup(&e->target, s->target);
		err |= resume_routes(e, s);
		err |= resume_sdp(e, s);
		if (!err && str_isset(ds->heard) && !strcmp(e->tag, ds->heard))
			d->heard = e;
	}

	return err;
}

/* SPDX-License-Identifier: MIT */
/* What we ask. */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

enum {
	/* When a BYE has no answer by then and its router is no longer
	 * live, it is sent by another: a lease is 3 s. */
	BYE_RETRY_MS = 4000,
};

/* The end of a client transaction, before anything else is done with it. */
static void client_done(struct dialog *d)
{
	if (d->ua)
		--d->ua->clients;
	dialog_unpend(d);
}

static uint16_t code_of(int err, const struct sip_msg *msg)
{
	return msg ? msg->scode : err == ETIMEDOUT ? 408 : 503;
}

static struct mbuf *sdp_of(const struct sip_msg *msg)
{
	struct mbuf *sdp = NULL;

	if (msg_ctype_cmp(&msg->ctyp, "application", "sdp"))
		(void)msg_body(&sdp, msg);

	return sdp;
}

static bool pl_is(const struct pl *pl, const char *str)
{
	return str && pl->l == strlen(str) && !memcmp(pl->p, str, pl->l);
}

/* ------------------------------------------------------------ ACK, BYE */

static void ack_handler(void *arg)
{
	struct dialog *d = arg;

	d->ack = mem_deref(d->ack);
	d->early_sdp = mem_deref(d->early_sdp);
	d->early_tag = mem_deref(d->early_tag);
}

static void ack_send(struct dialog *d)
{
	const struct send s = {.stateful = false};

	d->ack->pos = 0;
	(void)request_send(d, "ACK", d->ack, &s);
}

/* An ACK is repeated as often as its 2xx, and kept as long as that may be. */
static int ack(struct dialog *d, struct mbuf *sdp)
{
	const struct request r = {
		.met = "ACK", .cseq = d->inv_cseq, .body = sdp};
	struct mbuf *mb;
	int err;

	err = request_print(&mb, d, &r);
	if (err)
		return err;

	mem_deref(d->ack);
	d->ack = mb;
	d->need_answer = false;
	ack_send(d);
	wheel_start(d->ua->wheel, &d->ack_tmr,
		    stranss_span_ms(d->ua->stranss), ack_handler, d);

	return 0;
}

static void bye_resp(int err, const struct sip_msg *msg, void *arg)
{
	struct dialog *d = arg;

	(void)err;

	if (msg && msg->scode < 200)
		return;

	mem_ref(d);
	client_done(d);
	wheel_cancel(&d->bye_tmr);
	dialog_settle(d);
	mem_deref(d);
}

static int bye_send(struct dialog *d)
{
	const struct request r = {.met = "BYE", .cseq = ++d->lcseq};
	const struct send s = {.stateful = true,
			       .resph = bye_resp,
			       .router = d->bye_router};
	struct mbuf *mb;
	int err;

	err = request_print(&mb, d, &r);
	if (err)
		return err;

	err = request_send(d, "BYE", mb, &s);
	mem_deref(mb);

	return err;
}

static void bye_retry_handler(void *arg)
{
	struct dialog *d = arg;
	struct ua_router r;

	if (ua_router(d->ua, &r, d->bye_router, d->tcp) ||
	    !strcmp(r.id, d->bye_router))
		return;

	(void)bye_send(d);
}

int dialog_bye(struct dialog *d)
{
	int err;

	if (!d->ua || d->abandoned)
		return ECONNABORTED;

	if (d->need_answer)
		(void)ack(d, NULL);

	err = bye_send(d);
	if (!err)
		wheel_start(d->ua->wheel, &d->bye_tmr, BYE_RETRY_MS,
			    bye_retry_handler, d);

	return err;
}

void dialog_cancel(struct dialog *d)
{
	/* Before a provisional answer libre waits for one (RFC 3261 9.1);
	 * a 200 that crosses is ended in invite_final(). */
	sip_request_cancel(d->req);
}

/* -------------------------------------------------------------- INVITE */

static void invite_progress(struct dialog *d, const struct sip_msg *msg)
{
	struct mbuf *sdp;
	char *reason = NULL;

	if (msg->scode == 100 || d->state == DIALOG_ENDED)
		return;

	sdp = sdp_of(msg);

	if (sdp || !pl_is(&msg->to.tag, d->early_tag)) {
		mem_deref(d->early_sdp);
		d->early_sdp = mem_ref(sdp);
		d->early_tag = mem_deref(d->early_tag);
		(void)pl_strdup(&d->early_tag, &msg->to.tag);
	}

	if (d->state != DIALOG_EARLY) {
		d->state = DIALOG_EARLY;
		dialog_changed(d);
	}

	(void)pl_strdup(&reason, &msg->reason);
	if (d->h.progress)
		d->h.progress(d, msg->scode, reason ? reason : "", sdp,
			      d->arg);
	mem_deref(reason);
	mem_deref(sdp);
}

/* The dialog that a 2xx makes (RFC 3261 12.1.2). */
static int confirm(struct dialog *d, const struct sip_msg *msg)
{
	mem_deref(d->rtag);
	d->rtag = mem_zalloc(msg->to.tag.l + 1, NULL);
	if (!d->rtag)
		return ENOMEM;
	if (msg->to.tag.l)
		memcpy(d->rtag, msg->to.tag.p, msg->to.tag.l);

	(void)dialog_set_target(d, msg);

	return dialog_set_routes(d, msg, false);
}

static void invite_ok(struct dialog *d, const struct sip_msg *msg)
{
	bool late = d->need_answer;
	struct mbuf *sdp;

	if (confirm(d, msg)) {
		dialog_close(d, 500, NULL, false);
		return;
	}

	if (d->state == DIALOG_ENDED) {
		/* our CANCEL crossed it */
		(void)ack(d, NULL);
		(void)dialog_bye(d);
		return;
	}

	d->state = DIALOG_ANSWERED;
	if (!late)
		(void)ack(d, NULL);

	sdp = sdp_of(msg);
	if (!sdp && pl_is(&msg->to.tag, d->early_tag)) {
		sdp = mem_ref(d->early_sdp);
		if (sdp)
			sdp->pos = 0;
	}

	dialog_changed(d);
	if (d->h.established)
		d->h.established(d, sdp, d->arg);
	mem_deref(sdp);
}

static void invite_resp(int err, const struct sip_msg *msg, void *arg)
{
	struct dialog *d = arg;
	char *reason = NULL;

	mem_ref(d);

	if (msg && msg->scode < 200) {
		invite_progress(d, msg);
		goto out;
	}

	client_done(d);
	if (d->abandoned || !d->ua)
		goto out;

	if (msg && msg->scode < 300) {
		invite_ok(d, msg);
		goto out;
	}

	if (msg)
		(void)pl_strdup(&reason, &msg->reason);
	dialog_close(d, code_of(err, msg), reason, msg != NULL);
	mem_deref(reason);

out:
	dialog_settle(d);
	mem_deref(d);
}

/* A display name within quotes (RFC 3261 25.1). */
static int print_name(struct mbuf *mb, const char *name)
{
	int err = mbuf_write_u8(mb, '"');

	for (; *name; name++) {
		if ((unsigned char)*name < ' ' || *name == 0x7f)
			continue;
		if (*name == '"' || *name == '\\')
			err |= mbuf_write_u8(mb, '\\');
		err |= mbuf_write_u8(mb, (uint8_t)*name);
	}

	return err | mbuf_write_str(mb, "\" ");
}

static int fill_from(struct dialog *d, const struct dialog_invite *inv)
{
	struct mbuf *mb = mbuf_alloc(128);
	int err = 0;

	if (!mb)
		return ENOMEM;

	if (str_isset(inv->from_name))
		err = print_name(mb, inv->from_name);
	err |= mbuf_printf(mb, "<%s>", inv->from_uri);
	mb->pos = 0;
	if (!err)
		err = mbuf_strdup(mb, &d->lhdr, mb->end);
	mem_deref(mb);

	return err;
}

static bool has_tcp(const char *uri)
{
	struct pl tp;

	return !re_regex(uri, strlen(uri), ";transport=[a-zA-Z]+", &tp) &&
	       !pl_strcasecmp(&tp, "tcp");
}

static int fill_routes(struct dialog *d, const struct dialog_invite *inv)
{
	size_t i;
	int err = 0;

	if (!inv->routec)
		return 0;

	d->routev = mem_zalloc(inv->routec * sizeof(*d->routev), NULL);
	if (!d->routev)
		return ENOMEM;

	for (i = 0; i < inv->routec && !err; i++) {
		const char *uri = inv->routev[i];

		err = re_sdprintf(&d->routev[i], *uri == '<' ? "%s" : "<%s>",
				  uri);
		if (!err)
			++d->routec;
	}

	return err;
}

static int fill(struct dialog *d, const struct dialog_invite *inv,
		const struct ua_router *r)
{
	char random[40];
	struct pl call_id;
	int err;

	(void)re_snprintf(random, sizeof(random), "%016llx%016llx",
			  rand_u64(), rand_u64());
	pl_set_str(&call_id, inv->call_id ? inv->call_id : random);
	str_ncpy(d->router, r->id, sizeof(d->router));
	d->next_hop = r->addr;
	d->need_answer = inv->sdp == NULL;
	d->inv_cseq = d->lcseq;

	err = fill_from(d, inv);
	err |= re_sdprintf(&d->rhdr, "<%s>",
			   inv->to_uri ? inv->to_uri : inv->uri);
	err |= str_dup(&d->target, inv->uri);
	err |= fill_routes(d, inv);
	err |= dialog_set_contact(d, r->contact);
	if (!err)
		err = dialog_set_call_id(d, &call_id);

	return err ? ENOMEM : 0;
}

static int invite_send(struct dialog *d, struct mbuf *sdp, const char *extra,
		       sip_resp_h *resph)
{
	const struct request r = {.met = "INVITE",
				  .cseq = d->inv_cseq,
				  .body = sdp,
				  .contact = true,
				  .extra = extra};
	const struct send s = {
		.reqp = &d->req, .stateful = true, .resph = resph};
	struct mbuf *mb;
	int err;

	err = request_print(&mb, d, &r);
	if (err)
		return err;

	err = request_send(d, "INVITE", mb, &s);
	mem_deref(mb);

	return err;
}

int dialog_invite(struct dialog **dp, struct sipua *ua,
		  const struct dialog_invite *inv,
		  const struct dialog_handlers *h, void *arg)
{
	struct dialog *d = NULL;
	struct ua_router r;
	bool tcp;
	int err;

	if (!dp || !ua || !inv || !inv->uri || !inv->from_uri)
		return EINVAL;

	tcp = has_tcp(inv->uri);
	err = ua_router(ua, &r, inv->router, tcp);
	if (err)
		return err;

	err = dialog_alloc(&d, ua, &inv->tok);
	if (err)
		return err;

	d->tcp = tcp;
	err = fill(d, inv, &r);
	if (!err)
		err = invite_send(d, inv->sdp, inv->extra, invite_resp);
	if (err) {
		mem_deref(d);
		return err;
	}

	d->state = DIALOG_CALLING;
	if (h) {
		d->h = *h;
		d->arg = arg;
	}
	*dp = d;

	return 0;
}

int dialog_ack(struct dialog *d, struct mbuf *sdp)
{
	if (!d || !sdp)
		return EINVAL;

	if (d->state != DIALOG_ANSWERED || !d->need_answer)
		return EPROTO;

	return ack(d, sdp);
}

/* ----------------------------------------------------------- re-INVITE */

static void reinvite_failed(struct dialog *d, uint16_t code,
			    const struct sip_msg *msg)
{
	/* RFC 3261 12.2.1.2: these end the dialog. */
	if (code == 481 || code == 408 || !msg) {
		(void)dialog_bye(d);
		dialog_close(d, code, NULL, msg != NULL);
		return;
	}

	if (d->h.answered)
		d->h.answered(d, ECONNREFUSED, code, NULL, d->arg);
}

static void reinvite_resp(int err, const struct sip_msg *msg, void *arg)
{
	struct dialog *d = arg;
	struct mbuf *sdp;

	if (msg && msg->scode < 200)
		return;

	mem_ref(d);
	client_done(d);
	if (d->abandoned || !d->ua)
		goto out;

	if (msg && msg->scode < 300) {
		(void)dialog_set_target(d, msg);
		(void)ack(d, NULL);
		sdp = sdp_of(msg);
		dialog_changed(d);
		if (d->h.answered)
			d->h.answered(d, sdp ? 0 : EBADMSG, msg->scode, sdp,
				      d->arg);
		mem_deref(sdp);
	}
	else if (d->state == DIALOG_ANSWERED) {
		reinvite_failed(d, code_of(err, msg), msg);
	}

out:
	dialog_settle(d);
	mem_deref(d);
}

int dialog_offer(struct dialog *d, struct mbuf *sdp)
{
	int err;

	if (!d || !sdp)
		return EINVAL;

	if (!d->ua || d->state != DIALOG_ANSWERED)
		return EPROTO;

	if (d->req || d->inv || d->need_answer)
		return EBUSY;

	d->re_invite = true;
	d->inv_cseq = ++d->lcseq;
	err = invite_send(d, sdp, NULL, reinvite_resp);
	if (!err)
		dialog_changed(d);

	return err;
}

/* -------------------------------------------------------- further 2xx */

/* Another branch of a fork answered too: take it and end it. */
static void fork_end(struct dialog *d, const struct sip_msg *msg)
{
	struct dialog *f;
	struct pl call_id;
	int err;

	if (dialog_alloc(&f, d->ua, &d->tok))
		return;

	f->orphan = true;
	f->inv_cseq = f->lcseq = msg->cseq.num;
	f->tcp = d->tcp;
	f->next_hop = d->next_hop;
	memcpy(f->router, d->router, sizeof(f->router));
	pl_set_str(&call_id, d->call_id);

	err = str_dup(&f->lhdr, d->lhdr);
	err |= str_dup(&f->rhdr, d->rhdr);
	err |= str_dup(&f->target, d->target);
	err |= str_dup(&f->contact, d->contact);
	err |= confirm(f, msg);
	err |= dialog_set_call_id(f, &call_id);

	if (!err) {
		(void)ack(f, NULL);
		err = dialog_bye(f);
	}
	if (err)
		mem_deref(f);
}

static struct dialog *find_forked(const struct sipua *ua,
				  const struct sip_msg *msg)
{
	struct le *le;

	le = list_head(hash_list(ua->ht, hash_joaat_pl(&msg->callid)));

	for (; le; le = le->next) {
		struct dialog *d = le->data;

		if (!d->inbound && d->rtag && !d->abandoned &&
		    d->inv_cseq == msg->cseq.num && !d->re_invite &&
		    pl_is(&msg->callid, d->call_id) &&
		    pl_is(&msg->from.tag, d->ltag))
			return d;
	}

	return NULL;
}

void dialog_recv_2xx(struct sipua *ua, const struct sip_msg *msg)
{
	struct dialog *d;

	d = dialog_find(ua, &msg->callid, &msg->from.tag, &msg->to.tag);
	if (d) {
		if (d->ack && d->inv_cseq == msg->cseq.num && !d->abandoned)
			ack_send(d);
		return;
	}

	d = find_forked(ua, msg);
	if (d)
		fork_end(d, msg);
}

/* SPDX-License-Identifier: MIT */
/* UPDATE (RFC 3311), both ways.  Before the answer it is in an early dialog:
 * with a callee in that of its branch (dialog_early.c). */

#include <re.h>

#include "node/sip/ua.h"

/* ------------------------------------------------------------ the peer's */

static struct early *early_of(const struct dialog *d, const struct pl *tag)
{
	return d->inbound || d->rtag ? NULL : early_find(d, tag);
}

static void refresh_target(struct dialog *d, const struct sip_msg *msg,
			   const struct pl *tag)
{
	struct early *e = early_of(d, tag);

	if (e)
		(void)early_set_target(e, d, msg);
	else
		(void)dialog_set_target(d, msg);
}

int dialog_update_reply(struct dialog *d, uint16_t code, const char *reason,
			struct mbuf *sdp)
{
	const struct sip_msg *msg = strans_msg(d->upd);
	const bool update = !pl_strcmp(&msg->met, "UPDATE");
	struct strans_reply r = {.code = code,
				 .reason = reason,
				 .tag = d->ltag,
				 .ctype = "application/sdp",
				 .body = sdp};
	char timer[160] = "", hdrs[768];
	int err;

	hdrs[0] = '\0';
	if (code < 300 && update) {
		refresh_target(d, msg, &msg->from.tag);
		if (d->state == DIALOG_ANSWERED)
			dialog_timer_accept(d, msg, timer, sizeof(timer));
		(void)re_snprintf(hdrs, sizeof(hdrs), "Contact: %s\r\n%s%s",
				  d->contact, sip_allow, timer);
	} else if (code >= 300 && d->warning) {
		(void)re_snprintf(hdrs, sizeof(hdrs), "Warning: %s\r\n",
				  d->warning);
	}
	d->warning = NULL;

	r.hdrs = hdrs;
	err = strans_reply(d->upd, &r);
	d->upd = NULL;
	d->upd_ok = code < 300;
	if (code < 300)
		dialog_changed(d);

	return err;
}

/* Before the answer: once offer and answer are done, reliably. */
static uint16_t is_too_early_in(const struct dialog *d)
{
	if (d->rel.agreed)
		return 0;

	return d->rel.offered ? 491 : 500;
}

/* RFC 3311 5.2: is an offer of ours, or one of the peer's, without answer?
 * @param e  The early dialog that it is for, or NULL.
 *
 * @return what an offer is refused with; 0: nothing speaks against it. */
static uint16_t is_too_early(const struct dialog *d, const struct early *e)
{
	const bool theirs = d->inv && strans_msg(d->inv);

	if (d->offering)
		return 491;

	if (e && d->state == DIALOG_EARLY)
		return e->agreed ? 0 : 491;

	if (theirs && !d->re_invite)
		return is_too_early_in(d);

	if (d->need_answer)
		return d->state == DIALOG_ANSWERED ? 500 : 491;

	if (d->req || (d->inv && !theirs && d->late_offer))
		return 491;

	return theirs || d->state != DIALOG_ANSWERED ? 500 : 0;
}

/* It cannot wait for a person, as an INVITE can (RFC 3311 5.2). */
void dialog_take_offer(struct dialog *d, const struct sip_msg *msg,
		       struct mbuf *sdp)
{
	if (strans_alloc(&d->upd, d->ua->stranss, msg)) {
		d->upd = NULL;
		return;
	}

	if (d->h.offer)
		d->h.offer(d, sdp, d->arg);
	else
		(void)dialog_update_reply(d, 488, NULL, NULL);

	if (d->upd)
		(void)dialog_update_reply(d, 504, NULL, NULL);
}

/* The owner's answer, if there is one, holds for that branch from now on. */
static void take_early_offer(struct dialog *d, struct early *e,
			     const struct sip_msg *msg, struct mbuf *sdp)
{
	dialog_take_offer(d, msg, sdp);
	if (d->upd_ok && d->state == DIALOG_EARLY) {
		early_describe(d, e, sdp);
		e->updated = true;
	}
}

void dialog_recv_update(struct dialog *d, const struct sip_msg *msg)
{
	struct early *e = early_of(d, &msg->from.tag);
	struct mbuf *sdp = NULL;
	uint16_t code = 0;

	if (dialog_timer_refuse(d->ua, msg) ||
	    dialog_take_sdp(d->ua, msg, &sdp))
		return;

	if (sdp)
		code = is_too_early(d, e);
	if (code == 500)
		dialog_retry_later(d, msg);
	else if (code)
		ua_refuse(d->ua, msg, code, NULL);
	else if (sdp && e)
		take_early_offer(d, e, msg, sdp);
	else if (sdp)
		dialog_take_offer(d, msg, sdp);
	else if (strans_alloc(&d->upd, d->ua->stranss, msg))
		d->upd = NULL;
	else
		(void)dialog_update_reply(d, 200, NULL, NULL);

	mem_deref(sdp);
}

/* ------------------------------------------------------------------ ours */

static void update_failed(struct dialog *d, int err, const struct sip_msg *msg)
{
	const uint16_t code = msg ? msg->scode : err == ETIMEDOUT ? 408 : 503;

	if (dialog_is_lost(d, code, msg))
		return;

	/* It said that it could; a re-INVITE everybody can. */
	if (code == 405 || code == 501) {
		d->timer.peer_update = false;
		dialog_timer_again(d);
	} else if (msg && dialog_timer_raise(d, msg)) {
		dialog_timer_again(d);
	}
}

static void update_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	if (msg && msg->scode < 200)
		return;

	d->timer.busy = false;
	if (d->abandoned || d->state != DIALOG_ANSWERED)
		return;

	if (!msg || msg->scode >= 300) {
		update_failed(d, err, msg);
		return;
	}

	(void)dialog_set_target(d, msg);
	dialog_timer_accepted(d, msg);
	dialog_changed(d);
}

static void send_update(struct dialog *d, const char *hdrs)
{
	const struct request r = {.met = "UPDATE",
				  .cseq = ++d->lcseq,
				  .contact = true,
				  .session = true,
				  .extra = hdrs};
	struct mbuf *mb;

	if (request_print(&mb, d, &r))
		return;

	d->timer.busy = !request_send(NULL, d, r.met, mb, update_resp);
	mem_deref(mb);
	if (d->timer.busy)
		dialog_changed(d); /* its CSeq must not be used again */
}

void dialog_update(struct dialog *d)
{
	send_update(d, NULL);
}

int dialog_tell(struct dialog *d, const char *hdrs)
{
	if (!d || d->state != DIALOG_ANSWERED || d->abandoned)
		return EPROTO;
	if (!d->timer.peer_update)
		return ENOTSUP;
	if (d->relay || d->req || d->inv || d->need_answer || d->timer.busy)
		return EBUSY;

	send_update(d, hdrs);

	return d->timer.busy ? 0 : ENOMEM;
}

/* ---------------------------------------------------- offers before the answer */

static void offer_failed(struct dialog *d, uint16_t code,
			 const struct sip_msg *msg)
{
	dialog_read_retry_after(d, msg);
	if (d->h.answered)
		d->h.answered(d, ECONNREFUSED, code, NULL, d->arg);
}

static void offer_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	struct mbuf *sdp;
	struct early *e;

	if (msg && msg->scode < 200)
		return;

	d->offering = false;
	if (d->abandoned || d->state == DIALOG_ENDED)
		return;

	if (!msg || msg->scode >= 300) {
		offer_failed(d, msg ? msg->scode
				: err == ETIMEDOUT ? 408 : 503, msg);
		return;
	}

	sdp = msg_sdp(msg);
	e = early_of(d, &msg->to.tag);
	refresh_target(d, msg, &msg->to.tag);
	if (e && sdp) {
		early_describe(d, e, sdp);
		e->updated = true;
	}
	dialog_changed(d);
	if (d->h.answered)
		d->h.answered(d, sdp ? 0 : EBADMSG, msg->scode, sdp, d->arg);
	mem_deref(sdp);
}

/* @return 0, ENOTSUP: the peer does not take one now. */
static int may_offer(const struct dialog *d)
{
	if (d->inbound)
		return d->rel.agreed && d->timer.peer_update ? 0 : ENOTSUP;

	return d->heard && d->heard->agreed && d->heard->allows_update
		       ? 0 : ENOTSUP;
}

int dialog_update_offer(struct dialog *d, struct mbuf *sdp)
{
	struct request r = {.met = "UPDATE",
			    .body = sdp,
			    .contact = true,
			    .early = d->inbound ? NULL : d->heard};
	struct mbuf *mb;
	int err = may_offer(d);

	if (err)
		return err;

	if (d->offering || d->upd)
		return EBUSY;

	r.cseq = ++d->lcseq;
	d->retry_after_s = 0;
	err = request_print(&mb, d, &r);
	if (err)
		return err;

	err = request_send_early(d, r.early, r.met, mb, offer_resp);
	mem_deref(mb);
	if (!err) {
		d->offering = true;
		dialog_changed(d); /* its CSeq must not be used again */
	}

	return err;
}

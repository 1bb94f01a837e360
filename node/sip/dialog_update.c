/* SPDX-License-Identifier: MIT */
/* UPDATE (RFC 3311), both ways. */

#include <re.h>

#include "node/sip/ua.h"

/* ------------------------------------------------------------ the peer's */

int dialog_update_reply(struct dialog *d, uint16_t code, const char *reason,
			struct mbuf *sdp)
{
	const struct sip_msg *msg = strans_msg(d->upd);
	struct strans_reply r = {.code = code,
				 .reason = reason,
				 .tag = d->ltag,
				 .ctype = "application/sdp",
				 .body = sdp};
	char timer[160] = "", hdrs[768];
	int err;

	hdrs[0] = '\0';
	if (code < 300) {
		(void)dialog_set_target(d, msg);
		if (d->state == DIALOG_ANSWERED)
			dialog_timer_accept(d, msg, timer, sizeof(timer));
		(void)re_snprintf(hdrs, sizeof(hdrs), "Contact: %s\r\n%s%s",
				  d->contact, sip_allow, timer);
	} else if (d->warning) {
		(void)re_snprintf(hdrs, sizeof(hdrs), "Warning: %s\r\n",
				  d->warning);
	}
	d->warning = NULL;

	r.hdrs = hdrs;
	err = strans_reply(d->upd, &r);
	d->upd = NULL;
	if (code < 300)
		dialog_changed(d);

	return err;
}

/* RFC 3311 5.2: is an offer of ours, or one of the peer's, without answer?
 * @return what an offer is refused with; 0: nothing speaks against it. */
static uint16_t is_too_early(const struct dialog *d)
{
	const bool theirs = d->inv && strans_msg(d->inv);

	if (d->need_answer)
		return d->state == DIALOG_ANSWERED ? 500 : 491;

	if (d->req || (d->inv && !theirs && d->late_offer))
		return 491;

	return theirs || d->state != DIALOG_ANSWERED ? 500 : 0;
}

/* It cannot wait for a person, as an INVITE can (RFC 3311 5.2). */
static void take_offer(struct dialog *d, struct mbuf *sdp)
{
	if (d->h.offer)
		d->h.offer(d, sdp, d->arg);
	else
		(void)dialog_update_reply(d, 488, NULL, NULL);

	if (d->upd)
		(void)dialog_update_reply(d, 504, NULL, NULL);
}

void dialog_recv_update(struct dialog *d, const struct sip_msg *msg)
{
	struct mbuf *sdp = NULL;
	uint16_t code = 0;

	if (dialog_timer_refuse(d->ua, msg) ||
	    dialog_take_sdp(d->ua, msg, &sdp))
		return;

	if (sdp)
		code = is_too_early(d);
	if (code == 500)
		dialog_retry_later(d, msg);
	else if (code)
		ua_refuse(d->ua, msg, code, NULL);
	else if (strans_alloc(&d->upd, d->ua->stranss, msg))
		d->upd = NULL;
	else if (sdp)
		take_offer(d, sdp);
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

void dialog_update(struct dialog *d)
{
	const struct request r = {.met = "UPDATE",
				  .cseq = ++d->lcseq,
				  .contact = true,
				  .session = true};
	struct mbuf *mb;

	if (request_print(&mb, d, &r))
		return;

	d->timer.busy = !request_send(NULL, d, r.met, mb, update_resp);
	mem_deref(mb);
	if (d->timer.busy)
		dialog_changed(d); /* its CSeq must not be used again */
}

/* SPDX-License-Identifier: MIT */
/* What the peer asks within a dialog. */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

void dialog_recv_ack(struct dialog *d, const struct sip_msg *msg)
{
	bool initial = !d->re_invite, late = d->late_offer;
	struct mbuf *sdp = NULL;

	if (!d->inv || strans_msg(d->inv) || msg->cseq.num != d->inv_cseq)
		return;

	strans_acked(d->inv);
	d->inv = NULL;
	d->inv_msg = mem_deref(d->inv_msg);
	dialog_unpend(d);

	if (d->bye_wait) {
		d->bye_wait = false;
		(void)dialog_bye(d);
		return;
	}

	if (late)
		sdp = msg_sdp(msg);

	if (initial && d->h.established)
		d->h.established(d, sdp, d->arg);
	else if (!initial && late && d->h.answered)
		d->h.answered(d, sdp ? 0 : EBADMSG, 200, sdp, d->arg);
	if (initial)
		dialog_changed(d); /* the INVITE need not be kept */

	mem_deref(sdp);
}

void dialog_retry_later(struct dialog *d, const struct sip_msg *msg)
{
	char hdr[32];

	/* RFC 3261 14.2: 0 to 10 seconds, by chance */
	(void)re_snprintf(hdr, sizeof(hdr), "Retry-After: %u\r\n",
			  rand_u32() % 11);
	ua_refuse(d->ua, msg, 500, hdr);
}

static void recv_reinvite(struct dialog *d, const struct sip_msg *msg)
{
	struct mbuf *sdp = NULL;

	if (dialog_timer_refuse(d->ua, msg))
		return;

	if (d->inv && strans_msg(d->inv)) {
		dialog_retry_later(d, msg);
		return;
	}

	if (d->req || d->inv || d->need_answer || d->offering ||
	    d->state != DIALOG_ANSWERED) {
		ua_refuse(d->ua, msg, 491, NULL);
		return;
	}

	if (dialog_take_sdp(d->ua, msg, &sdp))
		return;

	d->re_invite = true;
	dialog_invite_begin(d, msg, sdp);

	if (!d->inv)
		ua_refuse(d->ua, msg, 500, NULL);
	else if (d->h.offer)
		d->h.offer(d, sdp, d->arg);
	else
		(void)dialog_reply(d, 488, NULL, NULL, NULL);

	dialog_trying(d);
	mem_deref(sdp);
}

static void recv_bye(struct dialog *d, const struct sip_msg *msg)
{
	bool answered = d->state == DIALOG_ANSWERED;

	ua_refuse(d->ua, msg, 200, NULL);

	if (d->inv && strans_msg(d->inv)) {
		(void)dialog_reply(d, 487, NULL, NULL, NULL);
	}
	else if (d->inv) {
		strans_acked(d->inv); /* it has our 2xx, or needs it no more */
		d->inv = NULL;
		d->inv_msg = mem_deref(d->inv_msg);
		dialog_unpend(d);
	}

	d->bye_wait = false;
	if (!d->inbound && !answered)
		dialog_cancel(d);

	dialog_close(d, answered ? 200 : 487, dialog_read_reason(d, msg), true);
}

static void recv_options(struct dialog *d, const struct sip_msg *msg)
{
	char hdrs[256];

	(void)re_snprintf(hdrs, sizeof(hdrs), "%s%s%s", sip_allow, sip_accept,
			  sip_supported(d->ua));
	ua_refuse(d->ua, msg, 200, hdrs);
}

static void recv_known(struct dialog *d, const struct sip_msg *msg)
{
	ua_refuse(d->ua, msg, 405, sip_allow);
}

static void recv_unknown(struct dialog *d, const struct sip_msg *msg)
{
	ua_refuse(d->ua, msg, 501, sip_allow);
}

static void recv_cancel(struct dialog *d, const struct sip_msg *msg)
{
	ua_refuse(d->ua, msg, 481, NULL);
}

typedef void(recv_h)(struct dialog *d, const struct sip_msg *msg);

static recv_h *method(const struct sip_msg *msg)
{
	static const struct {
		const char *met;
		recv_h *h;
	} v[] = {
		{"INVITE", recv_reinvite}, {"BYE", recv_bye},
		{"OPTIONS", recv_options}, {"INFO", dialog_recv_info},
		{"MESSAGE", dialog_recv_message}, {"CANCEL", recv_cancel},
		{"UPDATE", dialog_recv_update},    {"PRACK", dialog_recv_prack},
		{"REFER", dialog_recv_refer}, {"NOTIFY", dialog_recv_notify},
		{"SUBSCRIBE", recv_known}, {"PUBLISH", recv_known},
		{"REGISTER", recv_known},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		if (!pl_strcmp(&msg->met, v[i].met))
			return v[i].h;
	}

	return recv_unknown;
}

/*
 * RFC 3261 12.2.2.  But BYE means what it says, whatever its number; and the
 * node that had the dialog before may have died with its last request in its
 * hands: who sends that one again has no answer to it.
 */
static bool is_old(const struct dialog *d, const struct sip_msg *msg)
{
	if (!d->rcseq_set || msg->cseq.num > d->rcseq)
		return false;

	if (d->resumed && !pl_strcmp(&msg->met, "BYE"))
		return false;

	return !d->rcseq_open || msg->cseq.num < d->rcseq;
}

/* ... but each branch of a fork counts for itself.  @return is it old? */
static bool count(struct dialog *d, const struct sip_msg *msg)
{
	struct early *e = d->inbound || d->rtag
				  ? NULL : early_find(d, &msg->from.tag);
	bool old;

	if (e) {
		old = msg->cseq.num <= e->rcseq;
		e->rcseq = MAX(e->rcseq, msg->cseq.num);
		return old;
	}

	if (is_old(d, msg))
		return true;

	d->rcseq = MAX(d->rcseq, msg->cseq.num);
	d->rcseq_set = true;
	d->rcseq_open = false;

	return false;
}

void dialog_recv_request(struct dialog *d, const struct sip_msg *msg)
{
	recv_h *h = method(msg);

	if (d->abandoned)
		return; /* its new owner answers */

	if (h == recv_cancel) {
		h(d, msg);
		return;
	}

	if (count(d, msg)) {
		ua_refuse(d->ua, msg, 500, NULL);
		return;
	}

	if (d->state == DIALOG_ENDED && h != recv_bye) {
		ua_refuse(d->ua, msg, 481, NULL);
		return;
	}

	if (dialog_refuse_require(d->ua, msg))
		return;

	h(d, msg);
}

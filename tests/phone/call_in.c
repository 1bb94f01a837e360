/* SPDX-License-Identifier: MIT */
/* Calls that come: ring, answer, refuse; and 2xx until the ACK. */

#include <string.h>
#include "tests/phone/call_priv.h"

static const struct {
	unsigned code;
	const char *text;
} reasons[] = {
	{403, "Forbidden"},	     {404, "Not Found"},
	{408, "Request Timeout"},    {480, "Temporarily Unavailable"},
	{486, "Busy Here"},	     {488, "Not Acceptable Here"},
	{500, "Server Internal Error"}, {503, "Service Unavailable"},
	{600, "Busy Everywhere"},    {603, "Decline"},
};

static const char *reason(unsigned code)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].code == code)
			return reasons[i].text;

	return "Rejected";
}

/* ---------------------------------------------------------- 2xx until ACK */

static void accept_stop(struct call *call)
{
	tmr_cancel(&call->accept.tmr);
	call->accept.mb = mem_deref(call->accept.mb);
	call->accept.msg = mem_deref(call->accept.msg);
}

static void accept_again(struct call *call)
{
	struct accept *a = &call->accept;

	a->mb->pos = 0;
	(void)sip_send(call->phone->sip, a->msg->sock, a->msg->tp,
		       &a->msg->src, a->mb);
}

static void accept_timer(void *arg)
{
	struct call *call = arg;
	struct accept *a = &call->accept;

	if (tmr_jiffies() >= a->until_ms) {
		accept_stop(call);
		call->state = CALL_UP; /* there is a dialog: BYE, 13.3.1.4 */
		call_event(call, "no_ack", NULL);
		(void)call_hangup(call);
		return;
	}

	accept_again(call);
	++a->sent;
	tmr_start(&a->tmr, MIN(SIP_T1 << a->sent, SIP_T2), accept_timer, call);
}

/* What was answered in a 183 is answered in the 200 (RFC 6337 3.1.1). */
static int answer_encode(struct call *call, const struct sip_msg *msg,
			 struct mbuf *body)
{
	if (msg == call->invite && call->early)
		return mbuf_write_mem(body, call->early->buf,
				      call->early->end);

	return call_offer_received(call, msg, body);
}

/* Answer an INVITE or re-INVITE with 200: with an answer, or an offer. */
int call_accept(struct call *call, struct sip_strans **stp,
		const struct sip_msg *msg)
{
	struct accept *a = &call->accept;
	struct mbuf *body = mbuf_alloc(512), *head = mbuf_alloc(512);
	int err = ENOMEM;

	if (!body || !head)
		goto out;

	a->offered = !mbuf_get_left(msg->mb);
	err = a->offered ? call_offer(call, body)
			 : answer_encode(call, msg, body);
	if (err)
		goto out;

	err = phone_contact_encode(head, call->phone);
	err |= call_body_encode(head, body);
	if (err)
		goto out;

	err = sip_treplyf(stp, &a->mb, call->phone->sip, msg, true, 200, "OK",
			  "%b", head->buf, head->end);
	if (err)
		goto out;

	a->msg = mem_ref((void *)msg);
	a->sent = 0;
	a->until_ms = tmr_jiffies() + 64 * SIP_T1;
	tmr_start(&a->tmr, SIP_T1, accept_timer, call);

out:
	mem_deref(body);
	mem_deref(head);
	return err;
}

void call_ack_received(struct call *call, const struct sip_msg *msg)
{
	const bool first = call->state == CALL_ACCEPTED;
	int err = 0;

	if (!call->accept.mb || msg->cseq.num != call->accept.msg->cseq.num)
		return; /* again: the ACK was sent to a repeated 2xx */

	if (call->accept.offered)
		err = call_answer_received(call, msg);
	accept_stop(call);
	if (err)
		call_event(call, "bad_answer",
			   json_pack("{s:s}", "reason", strerror(err)));

	if (first)
		call_established(call);
	else
		call_change_acked(call);

	if (err || call->bye_after_ack)
		(void)call_hangup(call);
}

/* ---------------------------------------------------------------- INVITE */

static void cancel_handler(void *arg)
{
	struct call *call = arg;

	(void)sip_treply(&call->st, call->phone->sip, call->invite, 487,
			 "Request Terminated");
	call->cancelled = true;
	call_close(call, 487, "Request Terminated", "remote");
}

int call_answer(struct call *call)
{
	int err;

	if (call->state != CALL_INCOMING)
		return EPROTO;

	tmr_cancel(&call->tmr_answer);
	err = call_accept(call, &call->st, call->invite);
	if (err) {
		(void)call_reject(call, err == ENOTSUP ? 488 : 500);
		return err;
	}

	call->state = CALL_ACCEPTED;
	++call->phone->farm->tally.answered;
	return 0;
}

int call_reject(struct call *call, unsigned code)
{
	int err;

	if (call->state != CALL_INCOMING)
		return EPROTO;

	err = sip_treply(&call->st, call->phone->sip, call->invite, code,
			 reason(code));
	call_close(call, code, reason(code), "local");
	return err;
}

static void answer_timer(void *arg)
{
	struct call *call = arg;

	if (call->phone->answer == ANSWER_REJECT)
		(void)call_reject(call, call->phone->reject_code);
	else
		(void)call_answer(call);
}

static void progress(struct call *call, unsigned code, const char *text,
		     struct mbuf *body)
{
	struct mbuf *mb = mbuf_alloc(512);

	if (!mb)
		return;

	if (!phone_contact_encode(mb, call->phone) &&
	    !call_body_encode(mb, body))
		(void)sip_treplyf(&call->st, NULL, call->phone->sip,
				  call->invite, true, code, text, "%b",
				  mb->buf, mb->end);
	mem_deref(mb);
}

/* Early media, if there is an offer: its answer, and media at once. */
static void sound(struct call *call)
{
	struct mbuf *body;

	if (!mbuf_get_left(call->invite->mb))
		return;

	body = mbuf_alloc(512);
	if (body && !call_offer_received(call, call->invite, body)) {
		call->early = mem_ref(body);
		progress(call, 183, "Session Progress", body);
	}
	mem_deref(body);
}

static void ring(struct call *call)
{
	const struct phone *p = call->phone;

	if (p->ring)
		progress(call, 180, "Ringing", NULL);
	if (p->early)
		sound(call);
}

static void incoming_event(const struct call *call)
{
	const struct sip_msg *msg = call->invite;
	char from[256], to[256];
	struct desc offer;
	const bool has = mbuf_get_left(msg->mb) > 0;

	memset(&offer, 0, sizeof(offer));
	if (has)
		(void)desc_decode(&offer, (const char *)mbuf_buf(msg->mb),
				  mbuf_get_left(msg->mb));

	pl_strcpy(&msg->from.auri, from, sizeof(from));
	pl_strcpy(&msg->ruri, to, sizeof(to));
	call_event(call, "incoming",
		   json_pack("{s:s s:s s:b s:o}", "from", from, "to", to,
			     "offer", has, "codecs", call_codecs_json(&offer)));
}

/* The INVITE again: an answer of ours was lost, or it came two ways. */
static bool invite_repeated(struct phone *p, const struct sip_msg *msg)
{
	struct le *le;

	LIST_FOREACH(&p->calll, le) {
		struct call *call = le->data;

		if (!call->invite || !dialog_match_half(&call->dlg, msg) ||
		    call->invite->cseq.num != msg->cseq.num)
			continue;

		if (pl_cmp(&call->invite->via.branch, &msg->via.branch))
			(void)sip_treply(NULL, p->sip, msg, 482,
					 "Loop Detected");
		else if (call->accept.mb)
			accept_again(call);
		return true;
	}

	return false;
}

void call_invited(struct phone *p, const struct sip_msg *msg)
{
	struct call *call;
	int err;

	if (invite_repeated(p, msg))
		return;

	if (p->farm->closing || call_alloc(&call, p, NULL)) {
		(void)sip_treply(NULL, p->sip, msg, 480,
				 "Temporarily Unavailable");
		return;
	}

	++p->farm->tally.incoming;
	call->state = CALL_INCOMING;
	call->invite = mem_ref((void *)msg);
	err = dialog_init_callee(&call->dlg, msg);
	if (err) {
		(void)sip_treply(NULL, p->sip, msg, 400, "Bad Request");
		mem_deref(call);
		return;
	}

	if (sip_strans_alloc(&call->st, p->sip, msg, cancel_handler, call)) {
		mem_deref(call);
		return;
	}

	incoming_event(call);
	if (!(p->answer == ANSWER_REJECT && !p->answer_delay_ms))
		ring(call);
	if (p->answer != ANSWER_MANUAL)
		tmr_start(&call->tmr_answer, p->answer_delay_ms, answer_timer,
			  call);
}

/* SPDX-License-Identifier: MIT */
/* Messages that arrive for a phone, given to the call that they are for. */

#include "tests/phone/call_priv.h"

static struct call *find_dialog(const struct phone *p,
				const struct sip_msg *msg)
{
	struct le *le;

	LIST_FOREACH(&p->calll, le) {
		struct call *call = le->data;

		if (dialog_match(&call->dlg, msg))
			return call;
	}

	return NULL;
}

static void bye_received(struct call *call, const struct sip_msg *msg)
{
	struct sip *sip = call->phone->sip;

	++call->phone->farm->tally.byes;
	(void)sip_treply(NULL, sip, msg, 200, "OK");
	if (call->state == CALL_ENDING)
		return; /* ours crossed theirs: its answer closes */

	call_close(call, 200, "OK", "remote");
}

static void dialog_request(struct phone *p, struct call *call,
			   const struct sip_msg *msg)
{
	/* Out of order, or a repetition that outlived its transaction. */
	if (msg->cseq.num < call->dlg.rseq) {
		(void)sip_treply(NULL, p->sip, msg, 500, "CSeq too low");
		return;
	}
	call->dlg.rseq = msg->cseq.num;

	if (!pl_strcmp(&msg->met, "INVITE"))
		call_reinvited(call, msg);
	else if (!pl_strcmp(&msg->met, "BYE"))
		bye_received(call, msg);
	else if (!pl_strcmp(&msg->met, "OPTIONS") ||
		 !pl_strcmp(&msg->met, "INFO"))
		(void)sip_treply(NULL, p->sip, msg, 200, "OK");
	else
		(void)sip_treplyf(NULL, NULL, p->sip, msg, false, 405,
				  "Method Not Allowed",
				  "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, "
				  "INFO\r\nContent-Length: 0\r\n\r\n");
}

bool call_request_handler(const struct sip_msg *msg, void *arg)
{
	struct phone *p = arg;
	struct call *call = NULL;

	phone_nodelay(msg);
	if (pl_isset(&msg->to.tag))
		call = find_dialog(p, msg);

	if (!pl_strcmp(&msg->met, "ACK")) {
		if (call)
			call_ack_received(call, msg);
	}
	else if (call) {
		dialog_request(p, call, msg);
	}
	else if (pl_isset(&msg->to.tag) || !pl_strcmp(&msg->met, "BYE") ||
		 !pl_strcmp(&msg->met, "CANCEL")) {
		(void)sip_treply(NULL, p->sip, msg, 481,
				 "Call/Transaction Does Not Exist");
	}
	else if (!pl_strcmp(&msg->met, "INVITE")) {
		call_invited(p, msg);
	}
	else if (!pl_strcmp(&msg->met, "OPTIONS")) {
		(void)sip_treply(NULL, p->sip, msg, 200, "OK");
	}
	else {
		(void)sip_treply(NULL, p->sip, msg, 501, "Not Implemented");
	}

	return true;
}

/* A 2xx again: its ACK was lost (RFC 3261 13.2.2.4). */
bool call_response_handler(const struct sip_msg *msg, void *arg)
{
	struct phone *p = arg;
	struct call *call;

	if (pl_strcmp(&msg->cseq.met, "INVITE") || msg->scode / 100 != 2)
		return true;

	call = find_dialog(p, msg);
	if (call && call->ack && call->ack_cseq == msg->cseq.num)
		(void)phone_request(p, NULL, METHOD_ACK, call->dlg.target,
				    dialog_next_hop(&call->dlg), call->ack,
				    NULL, NULL);

	return true;
}

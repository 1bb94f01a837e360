/* SPDX-License-Identifier: MIT */
/* Calls that we make: INVITE, its answers, ACK and CANCEL. */

#include <string.h>
#include "tests/phone/call_priv.h"

enum {
	AUTH_TRIES = 2, /* a second challenge may say "stale" */
};

static void invite_handler(int err, const struct sip_msg *msg, void *arg);

bool call_authenticate(struct call *call, const struct sip_msg *msg)
{
	return (msg->scode == 401 || msg->scode == 407) &&
	       call->auth_tries++ < AUTH_TRIES &&
	       !credentials_learn(&call->phone->cred, msg);
}

int call_invite(struct call *call, struct mbuf *body, sip_resp_h *resph)
{
	struct phone *p = call->phone;
	const char *uri = call->dlg.target;
	const char *proxy = call->proxy ? call->proxy : p->proxy;
	struct mbuf *mb = mbuf_alloc(2048);
	char *hop = NULL;
	int err;

	if (!mb)
		return ENOMEM;

	call->invite_cseq = ++call->dlg.lseq;
	err = dialog_encode(mb, &call->dlg, "INVITE", call->invite_cseq);
	err |= phone_contact_encode(mb, p);
	err |= mbuf_write_str(mb, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, "
				  "INFO\r\n");
	err |= credentials_encode(&p->cred, mb, "INVITE", uri);
	err |= call_body_encode(mb, body);
	if (!call->dlg.rtag && proxy)
		err |= phone_hop_uri(&hop, proxy, p->tp);
	if (!err)
		err = phone_request(p, &call->req, METHOD_INVITE, uri,
				    hop ? hop : dialog_next_hop(&call->dlg),
				    mb, resph, call);

	mem_deref(hop);
	mem_deref(mb);
	return err;
}

static int first_invite(struct call *call)
{
	struct mbuf *body = NULL;
	int err = 0;

	if (call->phone->sdp_in_invite) {
		body = mbuf_alloc(512);
		err = body ? call_offer(call, body) : ENOMEM;
	}
	if (!err)
		err = call_invite(call, body, invite_handler);

	mem_deref(body);
	return err;
}

int call_start(struct call **callp, struct phone *p, const char *id,
	       const char *to, const char *proxy)
{
	struct call *call;
	char *local = NULL, *remote = NULL;
	int err;

	err = call_alloc(&call, p, id);
	if (err)
		return err;

	call->outgoing = true;
	call->state = CALL_CALLING;
	err = phone_uri(p, &local);
	err |= phone_uri_of(p, to, &remote);
	if (!err)
		err = dialog_init_caller(&call->dlg, local, remote);
	if (!err && proxy)
		err = str_dup(&call->proxy, proxy);
	if (!err && !p->preauth)
		credentials_forget(&p->cred);
	if (!err)
		err = first_invite(call);

	mem_deref(local);
	mem_deref(remote);
	if (err) {
		mem_deref(call);
		return err;
	}

	++p->farm->tally.made;
	if (callp)
		*callp = call;
	return 0;
}

/* ---------------------------------------------------------------- answers */

/* The answer to an offer of a 2xx goes with its ACK (RFC 3261 13.2.1). */
int call_ack(struct call *call, const struct sip_msg *resp)
{
	struct mbuf *mb = mbuf_alloc(1024), *body = mbuf_alloc(512);
	const bool late = !call->local.has_audio || call->change.no_offer;
	int err = ENOMEM, bad = 0;

	if (!mb || !body)
		goto out;

	if (!mbuf_get_left(resp->mb))
		bad = EBADMSG;
	else if (late)
		bad = call_offer_received(call, resp, body);
	else
		bad = call_answer_received(call, resp);

	err = dialog_encode(mb, &call->dlg, "ACK", resp->cseq.num);
	err |= credentials_encode(&call->phone->cred, mb, "ACK",
				  call->dlg.target);
	err |= call_body_encode(mb, bad || !late ? NULL : body);
	if (!err)
		err = phone_request(call->phone, NULL, METHOD_ACK,
				    call->dlg.target,
				    dialog_next_hop(&call->dlg), mb, NULL,
				    NULL);
	if (!err) {
		mem_deref(call->ack);
		call->ack = mem_ref(mb);
		call->ack_cseq = resp->cseq.num;
	}

out:
	mem_deref(mb);
	mem_deref(body);
	return err ? err : bad;
}

static void ringing(struct call *call, const struct sip_msg *msg)
{
	const double ms = (call_clock_us() - call->start_us) / 1e3;
	/* The answer may come before the call is answered. */
	bool early = call->local.has_audio && mbuf_get_left(msg->mb);

	if (!call->via)
		(void)re_sdprintf(&call->via, "SIP/2.0/%s %r;branch=%r;rport",
				  sip_transp_name(msg->via.tp),
				  &msg->via.sentby, &msg->via.branch);

	if (early)
		early = !call_answer_received(call, msg);

	if (msg->scode != 180) {
		if (msg->scode > 100)
			call_event(call, "progress",
				   json_pack("{s:i s:b}", "code", msg->scode,
					     "early", early));
		return;
	}

	if (call->ring_ms < 0.0) {
		call->ring_ms = ms;
		series_add(&call->phone->farm->tally.ring, ms);
		call_note(call, CALL_NOTE_RINGING, 180);
	}
	call_event(call, "ringing",
		   json_pack("{s:i s:f s:b}", "code", msg->scode, "ms", ms,
			     "early", early));
}

static void answered(struct call *call, const struct sip_msg *msg)
{
	struct tally *tally = &call->phone->farm->tally;
	json_t *more;
	int err;

	call->setup_ms = (call_clock_us() - call->start_us) / 1e3;
	err = dialog_establish(&call->dlg, msg);
	if (!err)
		err = call_ack(call, msg);

	call->state = CALL_UP;
	if (err || call->cancelled) {
		/* the 200 crossed our CANCEL, or makes no sense: RFC 3261 9.1 */
		if (err)
			call_event(call, "bad_answer", json_pack("{s:s}",
				   "reason", strerror(err)));
		(void)call_hangup(call);
		return;
	}

	++tally->answered;
	series_add(&tally->setup, call->setup_ms);
	more = call_media_json(call);
	json_object_set_new(more, "code", json_integer(msg->scode));
	json_object_set_new(more, "setup_ms", json_real(call->setup_ms));
	json_object_set_new(more, "ring_ms",
			    call->ring_ms < 0.0 ? json_null()
						: json_real(call->ring_ms));
	json_object_set_new(more, "contact", json_string(call->dlg.target));
	call_event(call, "answered", more);
	call_established(call);
}

static void invite_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct call *call = arg;

	if (err) {
		call_failed(call, err, NULL);
		return;
	}

	phone_nodelay(msg);

	if (msg->scode < 200) {
		ringing(call, msg);
		return;
	}

	if (msg->scode < 300) {
		answered(call, msg);
		return;
	}

	if (!call->cancelled && call_authenticate(call, msg)) {
		call->via = mem_deref(call->via);
		err = first_invite(call);
		if (err)
			call_failed(call, err, NULL);
		return;
	}

	call_failed(call, 0, msg);
}

/* ----------------------------------------------------------------- CANCEL */

/* By another way than the INVITE went: with its branch, sent once. */
static int cancel_elsewhere(struct call *call)
{
	struct phone *p = call->phone;
	struct mbuf *mb = mbuf_alloc(1024);
	struct uri uri;
	struct pl pl;
	struct sa dst;
	int err;

	if (!mb)
		return ENOMEM;

	pl_set_str(&pl, p->route[METHOD_CANCEL]);
	err = uri_decode(&uri, &pl);
	if (!err)
		err = sa_set(&dst, &uri.host, sip_transp_port(p->tp, uri.port));
	if (err)
		goto out;

	err = mbuf_printf(mb, "CANCEL %s SIP/2.0\r\nVia: %s\r\n",
			  call->dlg.target, call->via);
	err |= dialog_encode(mb, &call->dlg, "CANCEL", call->invite_cseq);
	err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	mb->pos = 0;
	if (!err)
		err = sip_send(p->sip, NULL, p->tp, &dst, mb);

out:
	mem_deref(mb);
	return err;
}

int call_cancel(struct call *call)
{
	if (call->state != CALL_CALLING)
		return EPROTO;
	if (call->cancelled)
		return 0;

	call->cancelled = true;
	if (call->phone->route[METHOD_CANCEL] && call->via)
		return cancel_elsewhere(call);

	/* libre waits for a provisional response first, RFC 3261 9.1 */
	sip_request_cancel(call->req);
	return 0;
}

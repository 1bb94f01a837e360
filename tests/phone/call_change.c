/* SPDX-License-Identifier: MIT */
/* Re-INVITE, ours and theirs: hold, resume, codec, address. */

#include <string.h>
#include "tests/phone/call_priv.h"

static void change_handler(int err, const struct sip_msg *msg, void *arg);

/* ------------------------------------------------------------------- ours */

static int change_send(struct call *call)
{
	struct mbuf *body = mbuf_alloc(512);
	int err;

	if (!body)
		return ENOMEM;

	err = call->change.no_offer ? 0 : call_offer(call, body);
	if (!err)
		err = call_invite(call, body, change_handler);

	mem_deref(body);
	return err;
}

int call_change(struct call *call, const struct call_change *ch)
{
	int err;

	if (call->state != CALL_UP)
		return EPROTO;
	if (call->req || call->accept.mb)
		return EBUSY;

	if (ch->laddr) {
		err = stream_rebind(call->stream, ch->laddr);
		if (err)
			return err;
	}
	if (ch->codecv) {
		call->codecc = ch->codecc;
		memcpy(call->codecv, ch->codecv,
		       ch->codecc * sizeof(call->codecv[0]));
	}
	if (ch->kind != CHANGE_OTHER)
		call->dir = ch->kind == CHANGE_HOLD ? ch->dir : DESC_SENDRECV;

	call->change = *ch;
	call->changing = true;
	call->auth_tries = 0;
	if (!call->phone->preauth)
		credentials_forget(&call->phone->cred);

	return change_send(call);
}

static void change_event(const struct call *call, const char *name,
			 const char *by)
{
	json_t *more = call_media_json(call);

	json_object_set_new(more, "by", json_string(by));
	call_event(call, name, more);
}

static void change_failed(struct call *call, unsigned code, const char *why)
{
	call->changing = false;
	call_event(call, "reinvite_failed",
		   json_pack("{s:i s:s}", "code", code, "reason", why));

	/* RFC 3261 14.1: the dialog is gone, or nobody is there */
	if (code == 408 || code == 481)
		(void)call_hangup(call);
}

static void change_done(struct call *call, const struct sip_msg *msg)
{
	static const char *names[] = {"reinvited", "held", "resumed"};
	int err;

	(void)dialog_refresh(&call->dlg, msg);
	err = call_ack(call, msg);
	call->changing = false;
	if (err) {
		change_failed(call, 0, strerror(err));
		return;
	}

	change_event(call, names[call->change.kind], "local");
}

static void change_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct call *call = arg;
	char why[128];

	if (err) {
		change_failed(call, err == ETIMEDOUT ? 408 : 503,
			      strerror(err));
		return;
	}

	if (msg->scode < 200)
		return;

	if (msg->scode < 300) {
		change_done(call, msg);
		return;
	}

	if (call_authenticate(call, msg) && !change_send(call))
		return;

	pl_strcpy(&msg->reason, why, sizeof(why));
	change_failed(call, msg->scode, why);
}

/* ----------------------------------------------------------------- theirs */

static void refuse(struct call *call, const struct sip_msg *msg, unsigned code,
		   const char *reason)
{
	(void)sip_treply(NULL, call->phone->sip, msg, code, reason);
}

void call_reinvited(struct call *call, const struct sip_msg *msg)
{
	struct sip_strans *st = NULL;
	int err;

	if (call->state == CALL_ENDING) {
		refuse(call, msg, 481, "Call Does Not Exist");
		return;
	}
	if (call->req || call->accept.mb) { /* RFC 3261 14.2 */
		refuse(call, msg, 491, "Request Pending");
		return;
	}

	(void)dialog_refresh(&call->dlg, msg);
	err = sip_strans_alloc(&st, call->phone->sip, msg, NULL, NULL);
	if (!err)
		err = call_accept(call, &st, msg);
	if (err)
		(void)sip_treply(st ? &st : NULL, call->phone->sip, msg,
				 err == ENOTSUP ? 488 : 500,
				 "Not Acceptable Here");
}

/* Both sides have the new descriptions: say what it was. */
void call_change_acked(struct call *call)
{
	const bool held = !(call->remote.dir & DESC_RECVONLY) ||
			  sa_is_any(&call->remote.rtp);

	++call->reinvites;
	++call->phone->farm->tally.reinvites;
	if (held == call->held_remote)
		change_event(call, "reinvited", "remote");
	else
		change_event(call, held ? "held" : "resumed", "remote");

	call->held_remote = held;
}

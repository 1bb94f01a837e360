/* SPDX-License-Identifier: MIT */
/* What another node needs to continue a dialog: see dialog_resume.c. */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

static Sy__LegState leg_state(const struct dialog *d)
{
	switch (d->state) {

	case DIALOG_INCOMING:
		return SY__LEG_STATE__LEG_SETUP;
	case DIALOG_CALLING:
		return SY__LEG_STATE__LEG_SETUP;
	case DIALOG_EARLY:
		return d->rel.answered ? SY__LEG_STATE__LEG_ANSWERED
				       : SY__LEG_STATE__LEG_RINGING;
	case DIALOG_ANSWERED:
		return SY__LEG_STATE__LEG_ANSWERED;
	case DIALOG_ENDED:
		return SY__LEG_STATE__LEG_ENDED;
	}

	return SY__LEG_STATE__LEG_STATE_UNKNOWN;
}

/* Where it begins, and its length; the text may have CRLFs before it. */
static void put_invite(const struct sip_msg *msg, Sy__DialogState *out)
{
	out->invite.data = (uint8_t *)msg->met.p;
	out->invite.len =
	    (size_t)(msg->mb->buf + msg->mb->end - (uint8_t *)msg->met.p);
}

/* Our INVITE that was not answered yet: what its answers go by. */
static void put_request(const struct dialog *d, Sy__DialogState *out)
{
	out->invite_cseq = d->inv_cseq;
	out->invite_branch = (char *)request_branch(d->req);
	out->invite_via = (char *)request_sentby(d->req);
	out->invite_instance = d->inv_tok.instance;
	out->invite_epoch = d->inv_tok.epoch;
	out->hops = d->hops;
	if (d->req_extra)
		out->invite_headers = d->req_extra;
}

static char *text(const char *str)
{
	return str ? (char *)str : (char *)protobuf_c_empty_string;
}

void dialog_names(const struct dialog *d, const char **call_idp,
		  const char **ltagp, const char **rtagp)
{
	const struct early *e = d->rtag ? NULL : early_last(d);

	*call_idp = d->call_id;
	*ltagp = d->ltag;
	*rtagp = e ? e->tag : d->rtag;
}

void dialog_checkpoint(struct dialog *d, Sy__DialogState *out)
{
	const struct early *e;

	if (!d || !out)
		return;

	e = early_last(d);
	out->ref = d->tok.leg;
	out->direction =
	    d->inbound ? SY__DIRECTION__INBOUND : SY__DIRECTION__OUTBOUND;
	out->state = leg_state(d);
	out->call_id = text(d->call_id);
	out->local_tag = (char *)d->ltag;
	out->remote_tag = text(d->rtag ? d->rtag : e ? e->tag : NULL);
	out->local_uri = text(d->lhdr);
	out->remote_uri = text(d->rhdr);
	out->local_cseq = d->lcseq;
	out->remote_cseq = d->rcseq;
	out->route_set = d->routev;
	out->n_route_set = d->routec;
	out->remote_target = text(d->target);
	out->transport = (char *)(uintptr_t)ua_transport_name(d->tp);
	out->contact = text(d->contact);
	out->router = (char *)d->router;
	out->account = text(d->account);
	dialog_timer_put(d, out);
	dialog_refer_put(d, out);

	if (d->inv_msg) {
		put_invite(d->inv_msg, out);
		reliable_put(d, out);
	}
	if (d->req && !d->re_invite) {
		put_request(d, out);
		early_put(d, out);
	}
}

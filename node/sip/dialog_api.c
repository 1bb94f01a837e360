/* SPDX-License-Identifier: MIT */
/* What the owner of a dialog asks of it; see dialog.h. */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

void dialog_set_handlers(struct dialog *d, const struct dialog_handlers *h,
			 void *arg)
{
	if (!d || !h || d->state == DIALOG_ENDED)
		return;

	d->h = *h;
	d->arg = arg;
}

/* The peer's INVITE waits for an answer of the owner's. */
static bool rings_here(const struct dialog *d)
{
	return d->inbound && !d->rel.answered &&
	       (d->state == DIALOG_INCOMING || d->state == DIALOG_EARLY);
}

int dialog_progress(struct dialog *d, uint16_t code, const char *reason,
		    struct mbuf *sdp)
{
	int err;

	if (!d || code <= 100 || code >= 200)
		return EINVAL;

	if (!rings_here(d))
		return EPROTO;

	err = reliable_wanted(d, sdp)
		      ? reliable_progress(d, code, sdp)
		      : dialog_reply(d, code, reason, sdp, NULL);
	if (err)
		return err;

	d->state = DIALOG_EARLY;
	dialog_changed(d);

	return 0;
}

int dialog_answer(struct dialog *d, struct mbuf *sdp)
{
	int err;

	if (!d || (!sdp && !d->rel.described))
		return EINVAL;

	if (!rings_here(d))
		return EPROTO;

	if (d->rel.has_sdp || d->rel.next_sdp) {
		d->rel.answered = true;
		d->rel.answer = mem_ref(sdp);
		dialog_changed(d);
		return 0;
	}

	/* What was described reliably is not described again. */
	err = dialog_reply(d, 200, NULL, d->rel.described ? NULL : sdp, NULL);
	if (err)
		return err;

	d->state = DIALOG_ANSWERED;
	dialog_changed(d);

	return 0;
}

/*
 * Any answer is a sign of life, but: it knows no such call; nobody answered;
 * the connection that leads to it is gone (RFC 5626 430, from a router).
 */
static bool is_gone(int err, const struct sip_msg *msg)
{
	if (!msg)
		return err == ETIMEDOUT;

	return msg->scode == 481 || msg->scode == 408 || msg->scode == 430;
}

static void probe_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	if (d->state != DIALOG_ANSWERED || !is_gone(err, msg) ||
	    (d->ua && d->ua->unsure))
		return;

	(void)dialog_bye(d);
	dialog_close(d, 408, NULL, false);
}

int dialog_probe(struct dialog *d)
{
	struct request r = {.met = "OPTIONS", .extra = sip_accept};
	struct mbuf *mb;
	int err;

	if (!d)
		return EINVAL;

	if (!d->ua || d->state != DIALOG_ANSWERED)
		return EPROTO;

	r.cseq = ++d->lcseq;
	err = request_print(&mb, d, &r);
	if (err)
		return err;

	err = request_send(NULL, d, r.met, mb, probe_resp);
	mem_deref(mb);
	if (!err)
		dialog_changed(d); /* its CSeq must not be used again */

	return err;
}

int dialog_accept(struct dialog *d, struct mbuf *sdp)
{
	int err;

	if (!d || !sdp)
		return EINVAL;

	if (d->upd)
		return dialog_update_reply(d, 200, NULL, sdp);

	if (d->state != DIALOG_ANSWERED || !d->inv || !d->re_invite ||
	    !strans_msg(d->inv))
		return EPROTO;

	err = dialog_reply(d, 200, NULL, sdp, NULL);
	if (!err)
		dialog_changed(d);

	return err;
}

void dialog_warn(struct dialog *d, const char *warning)
{
	if (d)
		d->warning = warning;
}

const char *dialog_warning(const struct dialog *d)
{
	return d ? d->warning : NULL;
}

int dialog_refuse(struct dialog *d, uint16_t code, const char *reason)
{
	if (!d || code < 300)
		return EINVAL;

	if (d->upd)
		return dialog_update_reply(d, code, reason, NULL);

	if (d->state != DIALOG_ANSWERED || !d->inv || !d->re_invite ||
	    !strans_msg(d->inv))
		return EPROTO;

	return dialog_reply(d, code, reason, NULL, NULL);
}

bool dialog_is_reliable(const struct dialog *d)
{
	return d && d->rel.peer;
}

bool dialog_is_described(const struct dialog *d)
{
	return d && d->rel.described;
}

bool dialog_is_updated(const struct dialog *d)
{
	return d && d->updated;
}

void dialog_hangup(struct dialog *d, uint16_t code, const char *reason)
{
	if (!d || !d->ua || d->state == DIALOG_ENDED)
		return;

	dialog_end(d, code, reason);
}

void dialog_because(struct dialog *d, const char *reason)
{
	if (!d || !str_isset(reason))
		return;

	d->why = mem_deref(d->why);
	(void)str_dup(&d->why, reason);
}

const char *dialog_peer_reason(const struct dialog *d)
{
	return d && d->peer_why[0] ? d->peer_why : NULL;
}

bool dialog_wants_history(const struct dialog *d)
{
	return d && d->inv_msg &&
	       sip_msg_hdr_has_value(d->inv_msg, SIP_HDR_SUPPORTED,
				     "histinfo");
}

void dialog_set_told(struct dialog *d, const char *history,
		     const char *identity)
{
	if (!d)
		return;

	d->told = mem_deref(d->told);
	if (str_isset(history) || str_isset(identity))
		(void)re_sdprintf(&d->told, "%s%s", history, identity);
}

const struct redirect *dialog_redirect(const struct dialog *d)
{
	return d ? d->redirect : NULL;
}

static void forget_handler(void *arg)
{
	struct dialog *d = arg;

	dialog_unpend(d);
	dialog_settle(d);
}

void dialog_abandon(struct dialog *d)
{
	if (!d || !d->ua || d->abandoned)
		return;

	memset(&d->h, 0, sizeof(d->h));
	d->state = DIALOG_ENDED;
	d->bye_wait = false;
	d->abandoned = true;
	d->ua->abandoned += d->he.list != NULL;

	if (d->inv) {
		strans_silence(d->inv);
		d->inv = NULL;
		dialog_unpend(d);
	}
	d->inv_msg = mem_deref(d->inv_msg);
	if (!d->re_invite)
		request_drop(d->req);

	/* Until the peer knows its new owner it still asks here: to say 481
	 * would end the call, so it is remembered for a while. */
	++d->pending;
	wheel_start(d->ua->wheel, &d->reap, stranss_span_ms(d->ua->stranss),
		    forget_handler, d);
}

void dialog_forget(struct dialog *d)
{
	if (wheel_is_running(&d->reap))
		dialog_unpend(d);
	wheel_cancel(&d->reap);
	hash_unlink(&d->he);
	--d->ua->dialogs;
	d->ua->abandoned -= d->abandoned;
	dialog_settle(d);
}

enum dialog_state dialog_state(const struct dialog *d)
{
	return d ? d->state : DIALOG_ENDED;
}

const char *dialog_call_id(const struct dialog *d)
{
	return d ? d->call_id : NULL;
}

const char *dialog_router(const struct dialog *d)
{
	return d && d->router[0] ? d->router : NULL;
}

bool dialog_is(const struct dialog *d, const char *call_id, const char *ltag,
	       const char *rtag)
{
	/* Our tag is keyed; the peer's may be any of a forked INVITE's. */
	return d && !strcmp(d->call_id, call_id) && !strcmp(d->ltag, ltag) &&
	       (!d->rtag || !strcmp(d->rtag, rtag));
}

bool dialog_was_heard(const struct dialog *d)
{
	return d && d->was_heard;
}

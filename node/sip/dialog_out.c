/* SPDX-License-Identifier: MIT */
/* What we ask: INVITE and CANCEL, and INVITE again within the dialog. */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

enum { GONE_MS = 1000 }; /* more than T1 */

/* What d->req_sdp and d->req_extra say, as d->inv_cseq. */
static int invite_send(struct dialog *d, request_resp_h *resph)
{
	const struct request r = {.met = "INVITE",
				  .cseq = d->inv_cseq,
				  .body = d->req_sdp,
				  .contact = true,
				  .session = true,
				  .extra = d->req_extra,
				  .hops = d->re_invite ? 0 : d->hops};
	struct mbuf *mb;
	int err;

	err = request_print(&mb, d, &r);
	if (err)
		return err;

	err = request_send(&d->req, d, r.met, mb, resph);
	mem_deref(mb);

	return err;
}

/* The body of our INVITE, while it may have to be sent again. */
static void set_body(struct dialog *d, struct mbuf *sdp)
{
	mem_ref(sdp);
	mem_deref(d->req_sdp);
	d->req_sdp = sdp;
	d->req_extra = mem_deref(d->req_extra);
}

/* As another request: its headers have changed (RFC 4028 7.3). */
static int invite_again(struct dialog *d, request_resp_h *resph)
{
	int err;

	d->inv_cseq = ++d->lcseq;
	d->inv_tok = d->tok;
	err = invite_send(d, resph);
	if (!err)
		dialog_changed(d);

	return err;
}

static uint16_t code_of(int err, const struct sip_msg *msg)
{
	return msg ? msg->scode : err == ETIMEDOUT ? 408 : 503;
}

void dialog_cancel(struct dialog *d)
{
	/* A 200 that crosses it is ended in invite_ok(). */
	request_cancel(d->req, d->why);
}

static void invite_progress(struct dialog *d, const struct sip_msg *msg)
{
	struct mbuf *sdp;
	struct early *e;
	char *reason = NULL;

	if (msg->scode == 100 || !early_progress(&e, d, msg) ||
	    d->state == DIALOG_ENDED)
		return;

	/* What an UPDATE changed since, it does not change back. */
	sdp = e && e->updated ? NULL : msg_sdp(msg);
	if (e && sdp)
		early_describe(d, e, sdp);

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
int dialog_confirm(struct dialog *d, const struct sip_msg *msg)
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

/* The description that holds now; NULL: there is none, or no other than that
 * which an UPDATE brought. */
static struct mbuf *answer_of(struct dialog *d, const struct sip_msg *msg)
{
	const struct early *e = early_find(d, &msg->to.tag);
	struct mbuf *sdp;

	d->updated = e && e->updated && d->heard == e;
	if (d->updated)
		return NULL;

	sdp = msg_sdp(msg);
	if (!sdp && e && e->sdp) {
		sdp = mem_ref(e->sdp);
		sdp->pos = 0;
	}

	return sdp;
}

static void invite_ok(struct dialog *d, const struct sip_msg *msg)
{
	const struct early *e = early_find(d, &msg->to.tag);
	bool late = d->need_answer;
	struct mbuf *sdp;

	if (dialog_confirm(d, msg)) {
		dialog_close(d, 500, NULL, false);
		return;
	}

	if (d->state == DIALOG_ENDED) {
		/* our CANCEL crossed it */
		(void)dialog_send_ack(d, NULL);
		(void)dialog_bye(d);
		return;
	}

	d->state = DIALOG_ANSWERED;
	set_body(d, NULL);
	dialog_timer_accepted(d, msg);
	if (!late)
		(void)dialog_send_ack(d, NULL);

	sdp = answer_of(d, msg);
	if (e && e->rcseq) {
		d->rcseq = e->rcseq;
		d->rcseq_set = true;
	}
	early_flush(d);
	dialog_changed(d);
	if (d->h.established)
		d->h.established(d, sdp, d->arg);
	mem_deref(sdp);
}

static void invite_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	char *reason = NULL;
	const char *why;

	if (d->abandoned)
		return;

	if (msg)
		d->was_heard = true;
	if (msg && msg->scode < 200) {
		invite_progress(d, msg);
		return;
	}

	if (msg && msg->scode < 300) {
		invite_ok(d, msg);
		return;
	}

	if (msg && d->state != DIALOG_ENDED && dialog_timer_raise(d, msg)) {
		early_flush(d);
		err = invite_again(d, invite_resp);
		if (!err)
			return;
	}

	if (msg)
		(void)pl_strdup(&reason, &msg->reason);
	if (msg && msg->scode < 400 && d->state != DIALOG_ENDED)
		(void)redirect_alloc(&d->redirect, msg);
	why = dialog_auth_why(d, msg);
	dialog_close(d, code_of(err, msg), why ? why : reason, msg != NULL);
	mem_deref(reason);
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
	const struct ua_reach reach = {d->tp, inv->af, inv->inside};
	char random[40], contact[ADDR_SIZE] = "";
	struct pl call_id;
	int err;

	(void)re_snprintf(random, sizeof(random), "%016llx%016llx",
			  rand_u64(), rand_u64());
	pl_set_str(&call_id, inv->call_id ? inv->call_id : random);
	str_ncpy(d->router, r->id, sizeof(d->router));
	d->next_hop = r->addr;
	d->need_answer = inv->sdp == NULL;
	d->req_sdp = mem_ref(inv->sdp);
	d->inv_cseq = d->lcseq;

	err = fill_from(d, inv);
	err |= re_sdprintf(&d->rhdr, "<%s>",
			   inv->to_uri ? inv->to_uri : inv->uri);
	err |= str_dup(&d->target, inv->uri);
	err |= fill_routes(d, inv);
	err |= ua_contact(d->ua, contact, sizeof(contact), r->id, &reach);
	err |= dialog_set_contact(d, contact);
	err |= dialog_set_account(d, inv->account);
	if (inv->extra)
		err |= str_dup(&d->req_extra, inv->extra);
	if (!err)
		err = dialog_set_call_id(d, &call_id);

	return err ? ENOMEM : 0;
}

static bool is_clean(const char *uri)
{
	struct pl pl;

	pl_set_str(&pl, uri);

	return uri_is_clean(&pl);
}

int dialog_invite(struct dialog **dp, struct sipua *ua,
		  const struct dialog_invite *inv,
		  const struct dialog_handlers *h, void *arg)
{
	struct dialog *d = NULL;
	struct ua_router r;
	struct pl uri;
	int err;

	if (!dp || !ua || !inv || !inv->uri || !inv->from_uri ||
	    !is_clean(inv->uri) || !is_clean(inv->from_uri) ||
	    (inv->to_uri && !is_clean(inv->to_uri)))
		return EINVAL;

	err = ua_router(ua, &r, inv->router);
	if (err)
		return err;

	err = dialog_alloc(&d, ua, &inv->tok);
	if (err)
		return err;

	pl_set_str(&uri, inv->hop ? inv->hop : inv->uri);
	d->tp = ua_transport_of(&uri);
	if (d->tp == UA_WS && inv->wss)
		d->tp = UA_WSS;
	d->inside = inv->inside;
	d->hops = inv->hops;
	err = fill(d, inv, &r);
	if (!err)
		err = invite_send(d, invite_resp);
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

int dialog_invite_resume(struct dialog *d, struct mbuf *sdp,
			 const struct ctrans_origin *orig)
{
	const struct request r = {.met = "INVITE",
				  .cseq = d->inv_cseq,
				  .body = sdp,
				  .contact = true,
				  .session = true,
				  .extra = d->req_extra,
				  .hops = d->hops,
				  .tok = &d->inv_tok};
	struct mbuf *mb;
	int err;

	mem_deref(d->req_sdp);
	d->req_sdp = mem_ref(sdp);
	err = request_print(&mb, d, &r);
	if (err)
		return err;

	err = request_resume(&d->req, d, r.met, mb, orig, invite_resp);
	mem_deref(mb);

	return err;
}

int dialog_ack(struct dialog *d, struct mbuf *sdp)
{
	if (!d || !sdp)
		return EINVAL;

	if (d->state != DIALOG_ANSWERED || !d->need_answer)
		return EPROTO;

	return dialog_send_ack(d, sdp);
}

/* ----------------------------------------------------------- re-INVITE */

static void gone(struct dialog *d, uint16_t code, bool remote)
{
	(void)dialog_bye(d);
	dialog_close(d, code, NULL, remote);
}

/* Who has just hung up knows the dialog no more, too: its BYE may have gone to
 * the node that had it before, and is repeated after T1. */
static void gone_handler(void *arg)
{
	struct dialog *d = arg;

	if (!d->abandoned && d->state == DIALOG_ANSWERED)
		gone(d, 481, true);
}

bool dialog_is_lost(struct dialog *d, uint16_t code, const struct sip_msg *msg)
{
	if ((code != 481 && code != 408 && msg) || d->ua->unsure)
		return false;

	if (code == 481 && d->resumed)
		wheel_start(d->ua->wheel, &d->gone_tmr, GONE_MS, gone_handler,
			    d);
	else
		gone(d, code, msg != NULL);

	return true;
}

void dialog_read_retry_after(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr =
		msg ? sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER) : NULL;
	struct pl s;

	/* A comment or parameters may follow (RFC 3261 20.33). */
	if (hdr && !re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &s))
		d->retry_after_s = pl_u32(&s);
}

static void reinvite_failed(struct dialog *d, uint16_t code,
			    const struct sip_msg *msg)
{
	dialog_read_retry_after(d, msg);
	if (dialog_is_lost(d, code, msg))
		return;

	if (d->h.answered)
		d->h.answered(d, ECONNREFUSED, code, NULL, d->arg);
}

static void reinvite_resp(int err, const struct sip_msg *msg,
			  struct dialog *d)
{
	struct mbuf *sdp;

	if (d->abandoned || (msg && msg->scode < 200))
		return;

	if (!msg || msg->scode >= 300) {
		if (msg && d->state == DIALOG_ANSWERED &&
		    dialog_timer_raise(d, msg) &&
		    !invite_again(d, reinvite_resp))
			return;

		set_body(d, NULL);
		if (d->state == DIALOG_ANSWERED)
			reinvite_failed(d, code_of(err, msg), msg);
		return;
	}

	set_body(d, NULL);
	(void)dialog_set_target(d, msg);
	(void)dialog_send_ack(d, NULL);
	if (d->state == DIALOG_ANSWERED)
		dialog_timer_accepted(d, msg);
	sdp = msg_sdp(msg);
	dialog_changed(d);
	if (d->h.answered)
		d->h.answered(d, sdp ? 0 : EBADMSG, msg->scode, sdp, d->arg);
	mem_deref(sdp);
}

int dialog_offer(struct dialog *d, struct mbuf *sdp)
{
	int err;

	if (!d || !sdp)
		return EINVAL;

	if (d->ua && d->state == DIALOG_EARLY)
		return dialog_update_offer(d, sdp);

	if (!d->ua || d->state != DIALOG_ANSWERED)
		return EPROTO;

	if (d->req || d->inv || d->need_answer || d->offering)
		return EBUSY;

	d->re_invite = true;
	d->inv_cseq = ++d->lcseq;
	d->retry_after_s = 0;
	set_body(d, sdp);
	err = invite_send(d, reinvite_resp);
	if (!err)
		dialog_changed(d);

	return err;
}

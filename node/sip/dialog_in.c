/* SPDX-License-Identifier: MIT */
/* The peer's INVITE, and what we answer to it. */

#include <string.h>
#include <re.h>

#include "node/sip/histinfo.h"
#include "node/sip/ua.h"

const char sip_accept[] = "Accept: application/sdp, multipart/mixed\r\n";

/* ------------------------------------------------------------- answers */

int dialog_reply(struct dialog *d, uint16_t code, const char *reason,
		 struct mbuf *sdp, const char *hdrs)
{
	struct strans_reply r = {.code = code, .reason = reason};
	const char *told = !d->re_invite && d->told && code > 100 ? d->told
								  : "";
	char timer[160] = "", buf[768 + 512 + HISTINFO_TEXT];
	int err;

	if (!d->ua || !d->inv)
		return EPROTO;

	if (code >= 200 && code < 300)
		dialog_timer_accept(d, strans_msg(d->inv), timer,
				    sizeof(timer));
	if (code < 300 && re_snprintf(buf, sizeof(buf),
				      "Contact: %s\r\n%s%s%s%s", d->contact,
				      code >= 200 ? sip_allow : "", timer,
				      told,
				      hdrs ? hdrs : "") < 0)
		return EOVERFLOW;

	/* Without it a 503 means no more than a 500 (RFC 3261 21.5.4). */
	if (code == 503 && !hdrs)
		hdrs = "Retry-After: 5\r\n";

	if (code >= 300 && !hdrs && d->warning &&
	    re_snprintf(buf, sizeof(buf), "Warning: %s\r\n", d->warning) > 0)
		hdrs = buf;
	if (code >= 200)
		d->warning = NULL;

	r.hdrs = code < 300 ? buf : hdrs;
	r.tag = d->ltag;
	r.rec_route = code < 300;
	r.ctype = "application/sdp";
	r.body = sdp;

	/* A target refresh counts when it is accepted (RFC 3261 12.2.2). */
	if (d->re_invite && code >= 200 && code < 300)
		(void)dialog_set_target(d, strans_msg(d->inv));

	err = strans_reply(d->inv, &r);

	if (code >= 200)
		reliable_stop(d);
	if (code >= 300) {
		d->inv = NULL;
		d->inv_msg = mem_deref(d->inv_msg);
		dialog_unpend(d);
		err = 0;
	}

	return err;
}

static void cancel_handler(const struct sip_msg *msg, void *arg)
{
	struct dialog *d = arg;
	bool initial = !d->re_invite;

	mem_ref(d);
	(void)dialog_reply(d, 487, NULL, NULL, NULL);
	if (initial)
		dialog_close(d, 487, dialog_read_reason(d, msg), true);
	dialog_settle(d);
	mem_deref(d);
}

static void noack_handler(void *arg)
{
	struct dialog *d = arg;

	mem_ref(d);
	d->inv = NULL;
	d->inv_msg = mem_deref(d->inv_msg);
	dialog_unpend(d);

	/* Its new owner may have the ACK. */
	if (d->ua->unsure) {
		dialog_settle(d);
		mem_deref(d);
		return;
	}

	if (d->bye_wait || d->state == DIALOG_ANSWERED) {
		d->bye_wait = false;
		(void)dialog_bye(d);
	}

	dialog_close(d, 408, NULL, false);
	dialog_settle(d);
	mem_deref(d);
}

/* -------------------------------------------------------------- checks */

struct unsupported {
	const struct sipua *ua;
	struct mbuf *mb;
};

static bool unsupported_handler(const struct sip_hdr *hdr,
				const struct sip_msg *msg, void *arg)
{
	struct unsupported *u = arg;

	(void)msg;

	if (!pl_strcasecmp(&hdr->val, "timer") ||
	    !pl_strcasecmp(&hdr->val, "replaces") ||
	    !pl_strcasecmp(&hdr->val, "histinfo") ||
	    (u->ua->prack != SIP_PRACK_OFF &&
	     !pl_strcasecmp(&hdr->val, "100rel")))
		return false;

	return 0 != mbuf_printf(u->mb, "Unsupported: %r\r\n", &hdr->val);
}

/* RFC 3261 8.2.2.3; what we support is in sip_supported(). */
bool dialog_refuse_require(struct sipua *ua, const struct sip_msg *msg)
{
	struct unsupported u = {.ua = ua};
	struct mbuf *mb;
	char *hdrs = NULL;
	bool refused;

	if (!sip_msg_hdr(msg, SIP_HDR_REQUIRE))
		return false;

	mb = u.mb = mbuf_alloc(128);
	if (!mb) {
		ua_refuse(ua, msg, 500, NULL);
		return true;
	}

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE,
				unsupported_handler, &u);
	refused = mb->end > 0;
	mb->pos = 0;
	if (refused) {
		(void)mbuf_strdup(mb, &hdrs, mb->end);
		ua_refuse(ua, msg, 420, hdrs);
	}
	mem_deref(hdrs);
	mem_deref(mb);

	return refused;
}

/* Take the description out of an INVITE; what cannot be read is answered. */
int dialog_take_sdp(struct sipua *ua, const struct sip_msg *msg,
		    struct mbuf **sdpp)
{
	int err = body_sdp(sdpp, msg);

	if (err == EPROTONOSUPPORT)
		ua_refuse(ua, msg, 415, "Accept-Encoding: identity\r\n");
	else if (err == ENOTSUP)
		ua_refuse(ua, msg, 415, sip_accept);
	else if (err)
		ua_refuse(ua, msg, err == EBADMSG ? 400 : 500, NULL);

	return err;
}

/* ------------------------------------------------------ initial INVITE */

/* Where in-dialog requests of the peer shall go: to the router that it
 * reached, which put itself on top of the Record-Route. */
static int contact_from(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RECORD_ROUTE);
	struct sip_addr rr;
	struct pl tp = PL_INIT;
	char buf[ADDR_SIZE];
	const char *start, *end;

	if (!hdr || sip_addr_decode(&rr, &hdr->val)) {
		(void)re_snprintf(buf, sizeof(buf), "%r", &msg->via.sentby);
		return dialog_set_contact(d, buf);
	}

	(void)msg_param_decode(&rr.uri.params, "transport", &tp);
	d->tp = ua_transport_of(&rr.auri);

	/* host and port as they stand there, with the brackets of IPv6 */
	start = pl_isset(&rr.uri.user) ? rr.uri.user.p + rr.uri.user.l + 1
				       : rr.auri.p + rr.uri.scheme.l + 1;
	end = start;
	while (end < rr.auri.p + rr.auri.l && *end != ';' && *end != '?')
		++end;

	(void)re_snprintf(buf, sizeof(buf), "%b%s%r", start,
			  (size_t)(end - start), tp.l ? ";transport=" : "",
			  &tp);

	return dialog_set_contact(d, buf);
}

/* The value of From or To without its tag. */
static int dup_untagged(char **sp, const struct sip_taddr *addr)
{
	struct pl val = addr->val;

	if (pl_isset(&addr->tag)) {
		const char *p = addr->tag.p;

		while (p > val.p && *p != ';')
			--p;
		val.l = (size_t)(p - val.p);
	}

	return pl_strdup(sp, &val);
}

static int fill(struct dialog *d, const struct sip_msg *msg)
{
	int err;

	d->inbound = true;
	d->rcseq = d->inv_cseq = msg->cseq.num;
	d->rcseq_set = true;
	d->rtag = mem_zalloc(msg->from.tag.l + 1, NULL);
	if (!d->rtag)
		return ENOMEM;
	if (msg->from.tag.l)
		memcpy(d->rtag, msg->from.tag.p, msg->from.tag.l);

	err = dup_untagged(&d->lhdr, &msg->to);
	err |= dup_untagged(&d->rhdr, &msg->from);
	err |= dialog_set_routes(d, msg, true);
	err |= contact_from(d, msg);
	if (err)
		return ENOMEM;

	dialog_came_by(d, msg);

	return dialog_set_call_id(d, &msg->callid);
}

void dialog_invite_begin(struct dialog *d, const struct sip_msg *msg,
			 struct mbuf *sdp)
{
	struct strans *st;

	if (strans_alloc(&st, d->ua->stranss, msg))
		return;

	d->inv = st;
	d->inv_cseq = msg->cseq.num;
	d->late_offer = sdp == NULL;
	if (!d->re_invite) {
		d->inv_msg = mem_ref((void *)msg);
		dialog_timer_learn(d, msg);
		reliable_learn(d, msg);
	}
	++d->pending;
	strans_set_user(st, cancel_handler, noack_handler, d);
}

/* 100 only when the answer takes its time: it saves a message a call. */
void dialog_trying(struct dialog *d)
{
	struct strans_reply r = {.code = 100};

	if (d->inv && !strans_is_replied(d->inv))
		(void)strans_reply(d->inv, &r);
}

void dialog_recv_invite(struct sipua *ua, const struct sip_msg *msg,
			const struct token *tok)
{
	struct dialog *d = dialog_find_merged(ua, msg);
	struct mbuf *sdp = NULL;
	int err;

	/* A copy that was long under way, of what another node answered. */
	if (d && d->resumed)
		return;

	if (d) {
		ua_refuse(ua, msg, 482, NULL);
		return;
	}

	if (dialog_refuse_require(ua, msg) || reliable_refuse(ua, msg) ||
	    dialog_timer_refuse(ua, msg) || dialog_take_sdp(ua, msg, &sdp))
		return;

	err = dialog_alloc(&d, ua, tok);
	if (!err)
		err = fill(d, msg);
	if (!err)
		err = dialog_set_target(d, msg);
	if (err || !ua->conf.incomingh) {
		ua_refuse(ua, msg, err == ENOMEM ? 500 : err ? 400 : 480,
			  NULL);
		mem_deref(d);
		goto out;
	}

	dialog_invite_begin(d, msg, sdp);
	if (!d->inv) {
		mem_deref(d);
		goto out;
	}
	d->state = DIALOG_INCOMING;

	mem_ref(d);
	ua->conf.incomingh(d, tok, msg, sdp, ua->conf.arg);
	if (mem_nrefs(d) > 1) /* it was kept */
		dialog_trying(d);
	dialog_settle(d);
	mem_deref(d);

out:
	mem_deref(sdp);
}

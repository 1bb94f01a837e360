/* SPDX-License-Identifier: MIT */
/*
 * A dialog goes on at another node, from what its former owner wrote
 * (dialog_checkpoint.c).
 *
 * The record is believed, not trusted: every text goes into messages of ours,
 * so what would break a line, or end a header early, is refused.
 *
 * The INVITE that a leg rings for is continued as the transaction that it was.
 * Its tokens stay those of the former owner, since routers make branches of
 * them; all that begins later has our own.
 */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

enum {
	CSEQ_MARGIN = 100, /* requests that no checkpoint told of any more */
	CSEQ_MAX = 0x7fffffff,
	TEXT_MAX = 2048,
	ROUTES_MAX = 32,
	INVITE_MAX = 65536,
	CONTACT_MAX = 160,
};

/* --------------------------------------------------------------- checks */

/* Something that may stand in a line of a message. */
static bool is_text(const char *str)
{
	size_t i;

	for (i = 0; str && str[i]; i++) {
		if ((unsigned char)str[i] < ' ' || str[i] == 0x7f ||
		    i >= TEXT_MAX)
			return false;
	}

	return i > 0;
}

/* ... and is one word: a tag, a Call-ID, a branch. */
static bool is_word(const char *str)
{
	return is_text(str) && !strpbrk(str, " ;,<>\"");
}

static bool is_uri(const char *str)
{
	struct pl pl;

	pl_set_str(&pl, str);

	return is_text(str) && uri_is_clean(&pl);
}

/* A From or To without tag. */
static bool is_party(const char *str)
{
	struct sip_addr addr;
	struct pl pl, tag;

	pl_set_str(&pl, str);

	return is_text(str) && !sip_addr_decode(&addr, &pl) &&
	       msg_param_decode(&addr.params, "tag", &tag);
}

static bool is_route(const char *str)
{
	return is_text(str) && str[0] == '<';
}

static bool is_ringing(const Sy__DialogState *ds)
{
	return ds->state == SY__LEG_STATE__LEG_SETUP ||
	       ds->state == SY__LEG_STATE__LEG_RINGING;
}

static bool is_inbound(const Sy__DialogState *ds)
{
	return ds->direction == SY__DIRECTION__INBOUND;
}

static bool check_request(const Sy__DialogState *ds)
{
	return is_word(ds->invite_branch) && is_word(ds->invite_via) &&
	       ds->invite_cseq && ds->invite_cseq <= CSEQ_MAX &&
	       str_isset(ds->local_sdp) && ds->hops <= 255;
}

static bool check_early(const Sy__EarlyDialog *e)
{
	size_t i;

	if ((str_isset(e->tag) && !is_word(e->tag)) || !is_uri(e->target) ||
	    e->n_route_set > ROUTES_MAX || e->sdp.len > INVITE_MAX)
		return false;

	for (i = 0; i < e->n_route_set; i++) {
		if (!is_route(e->route_set[i]))
			return false;
	}

	return true;
}

static bool check(const Sy__DialogState *ds)
{
	size_t i;

	if (!is_ringing(ds) && ds->state != SY__LEG_STATE__LEG_ANSWERED)
		return false;

	if (!is_word(ds->call_id) || !is_word(ds->local_tag) ||
	    strlen(ds->local_tag) > TOKEN_LEN ||
	    (str_isset(ds->remote_tag) && !is_word(ds->remote_tag)))
		return false;

	if (!is_party(ds->local_uri) || !is_party(ds->remote_uri) ||
	    !is_uri(ds->remote_target) || !is_text(ds->contact) ||
	    ds->local_cseq > CSEQ_MAX - 2 * CSEQ_MARGIN ||
	    ds->n_route_set > ROUTES_MAX || ds->invite.len > INVITE_MAX)
		return false;

	for (i = 0; i < ds->n_route_set; i++) {
		if (!is_route(ds->route_set[i]))
			return false;
	}

	for (i = 0; i < ds->n_earlies; i++) {
		if (!check_early(ds->earlies[i]))
			return false;
	}

	if (!is_ringing(ds))
		return true;

	return is_inbound(ds) ? ds->invite.len > 0 : check_request(ds);
}

/* ---------------------------------------------------------------- state */

/* "host:port;transport=tcp" of "<sip:TOKEN@host:port;transport=tcp>" */
static int contact_of(char *buf, size_t size, const char *contact)
{
	const char *start = strchr(contact, '@'), *end;
	struct pl pl;

	if (!start)
		return EBADMSG;

	pl.p = ++start;
	end = strchr(start, '>');
	pl.l = end ? (size_t)(end - start) : strlen(start);

	return uri_is_clean(&pl) && !pl_strcpy(&pl, buf, size) ? 0 : EBADMSG;
}

/* Ours as the peer knows it, or that of a router that lives.  A caller's
 * requests go by the routers that its INVITE came through, whatever it says. */
static int set_contact(struct dialog *d, const Sy__DialogState *ds)
{
	const struct ua_reach reach = {
	    .tp = d->tp,
	    .af = strchr(ds->contact, '[') ? AF_INET6 : AF_INET,
	    .inside = d->inside,
	};
	char buf[CONTACT_MAX];
	struct ua_router r;
	int err;

	err = contact_of(buf, sizeof(buf), ds->contact);
	if (err)
		return err;

	str_ncpy(d->router, ds->router ? ds->router : "", sizeof(d->router));
	if (!ua_router(d->ua, &r, d->router) && strcmp(r.id, d->router)) {
		memcpy(d->router, r.id, sizeof(d->router));
		if (!d->inbound)
			(void)ua_contact(d->ua, buf, sizeof(buf), r.id,
					 &reach);
	}

	return dialog_set_contact(d, buf);
}

static int set_routes(struct dialog *d, const Sy__DialogState *ds)
{
	int err = 0;

	if (!ds->n_route_set)
		return 0;

	d->routev = mem_zalloc(ds->n_route_set * sizeof(*d->routev), NULL);
	if (!d->routev)
		return ENOMEM;

	while (!err && d->routec < ds->n_route_set) {
		err = str_dup(&d->routev[d->routec], ds->route_set[d->routec]);
		if (!err)
			++d->routec;
	}

	return err;
}

static int set_tags(struct dialog *d, const Sy__DialogState *ds)
{
	const char *tag = ds->remote_tag ? ds->remote_tag : "";
	const bool early = !d->inbound && is_ringing(ds);

	str_ncpy(d->ltag, ds->local_tag, sizeof(d->ltag));
	if (early)
		return 0;

	return str_dup(&d->rtag, tag);
}

static int set_state(struct dialog *d, const struct dialog_resume *prm)
{
	const Sy__DialogState *ds = prm->ds;
	struct pl call_id;
	int err;

	d->resumed = true;
	d->inbound = is_inbound(ds);
	d->tp = ua_transport_read(ds->transport);
	d->lcseq = ds->local_cseq + CSEQ_MARGIN;
	d->rcseq = ds->remote_cseq;
	d->rcseq_set = d->rcseq_open = d->inbound || ds->remote_cseq;
	d->inv_cseq = d->inbound ? ds->remote_cseq : ds->invite_cseq;
	d->hops = (uint8_t)ds->hops;
	d->peer_message = ds->peer_message;
	d->inside = ds->inside;
	d->inv_tok.instance = ds->invite_instance;
	d->inv_tok.epoch = ds->invite_epoch;

	err = str_dup(&d->lhdr, ds->local_uri);
	err |= str_dup(&d->rhdr, ds->remote_uri);
	err |= str_dup(&d->target, ds->remote_target);
	err |= set_tags(d, ds);
	err |= set_routes(d, ds);
	err |= dialog_set_account(d, ds->account);
	if (ds->invite_headers[0])
		err |= str_dup(&d->req_extra, ds->invite_headers);
	if (err)
		return ENOMEM;

	err = set_contact(d, ds);
	if (err)
		return err;

	pl_set_str(&call_id, ds->call_id);

	return dialog_set_call_id(d, &call_id);
}

/* ---------------------------------------------------- a pending INVITE */

static bool is_its_invite(const struct dialog *d, const struct sip_msg *msg)
{
	return msg->req && !pl_strcmp(&msg->met, "INVITE") &&
	       !pl_strcmp(&msg->cseq.met, "INVITE") &&
	       pl_isset(&msg->via.branch) && sa_isset(&msg->via.addr, SA_ALL) &&
	       pl_is(&msg->callid, d->call_id) &&
	       pl_is(&msg->from.tag, d->rtag) && !pl_isset(&msg->to.tag);
}

static int decode(struct sip_msg **msgp, const ProtobufCBinaryData *text)
{
	struct mbuf *mb = mbuf_alloc(text->len);
	int err;

	if (!mb)
		return ENOMEM;

	err = mbuf_write_mem(mb, text->data, text->len);
	mb->pos = 0;
	if (!err)
		err = sip_msg_decode(msgp, mb) ? EBADMSG : 0;
	mem_deref(mb);

	return err;
}

/* The peer's INVITE is a transaction again; nothing is answered yet. */
static int resume_in(struct dialog *d, const Sy__DialogState *ds)
{
	struct mbuf *sdp = NULL;
	struct sip_msg *msg;
	int err;

	err = decode(&msg, &ds->invite);
	if (err)
		return err;

	if (!is_its_invite(d, msg))
		err = EBADMSG;
	if (!err)
		err = body_sdp(&sdp, msg);
	if (err)
		goto out;

	msg->tp = SIP_TRANSP_UDP;
	msg->src = msg->via.addr;
	d->inv_cseq = msg->cseq.num;
	d->rcseq = MAX(d->rcseq, msg->cseq.num);
	strans_forget(d->ua->stranss, msg);
	dialog_invite_begin(d, msg, sdp);
	if (!d->inv) {
		err = ENOMEM;
		goto out;
	}

	reliable_resume(d, ds);
	d->state = ds->state == SY__LEG_STATE__LEG_RINGING ? DIALOG_EARLY
							   : DIALOG_INCOMING;

out:
	mem_deref(sdp);
	mem_deref(msg);
	return err;
}

static struct mbuf *dup_text(const char *str)
{
	struct mbuf *mb = mbuf_alloc(strlen(str) + 1);

	if (mb && !mbuf_write_str(mb, str))
		mb->pos = 0;

	return mb;
}

static int resume_out(struct dialog *d, const Sy__DialogState *ds)
{
	const bool heard = ds->state == SY__LEG_STATE__LEG_RINGING;
	const struct ctrans_origin orig = {
	    .branch = ds->invite_branch,
	    .sentby = ds->invite_via,
	    .heard = heard,
	};
	struct mbuf *sdp = dup_text(ds->local_sdp);
	int err;

	if (!sdp)
		return ENOMEM;

	err = early_resume(d, ds);
	if (!err)
		err = dialog_invite_resume(d, sdp, &orig);
	if (!err)
		d->state = heard ? DIALOG_EARLY : DIALOG_CALLING;
	else if (err == EINVAL)
		err = EBADMSG;
	mem_deref(sdp);

	return err;
}

static int begin(struct dialog *d, const Sy__DialogState *ds)
{
	if (d->inbound && ds->invite.len)
		return resume_in(d, ds);

	if (is_ringing(ds))
		return resume_out(d, ds);

	d->state = DIALOG_ANSWERED;
	dialog_timer_resume(d, ds);
	dialog_refer_resume(d, ds);

	return 0;
}

/* It may have been here before, and left. */
static bool is_here(struct sipua *ua, const Sy__DialogState *ds)
{
	struct pl call_id, ltag, rtag;
	struct dialog *d;

	pl_set_str(&call_id, ds->call_id);
	pl_set_str(&ltag, ds->local_tag);
	pl_set_str(&rtag, ds->remote_tag ? ds->remote_tag : "");

	relays_forget(ua->relays, ds->call_id, ds->local_tag);
	d = dialog_find(ua, &call_id, &ltag, &rtag);
	if (d && d->abandoned) {
		dialog_forget(d);
		d = NULL;
	}

	return d != NULL;
}

int dialog_resume(struct dialog **dp, struct sipua *ua,
		  const struct dialog_resume *prm,
		  const struct dialog_handlers *h, void *arg)
{
	struct dialog *d;
	int err;

	if (!dp || !ua || !prm || !prm->ds)
		return EINVAL;

	if (!check(prm->ds))
		return EBADMSG;

	if (is_here(ua, prm->ds))
		return EALREADY;

	err = dialog_alloc(&d, ua, &prm->tok);
	if (err)
		return err;

	err = set_state(d, prm);
	if (!err)
		err = begin(d, prm->ds);
	if (err) {
		mem_deref(d);
		return err;
	}

	if (h) {
		d->h = *h;
		d->arg = arg;
	}
	*dp = d;

	return 0;
}

int dialog_pending_offer(const struct dialog *d, struct mbuf **mbp)
{
	const struct sip_msg *msg =
	    d && d->inbound && !d->re_invite ? strans_msg(d->inv) : NULL;

	if (!msg || !mbp)
		return ENOENT;

	return body_sdp(mbp, msg);
}

bool dialog_is_ours(const struct dialog *d)
{
	return d && !d->inbound;
}

uint32_t dialog_retry_after(const struct dialog *d)
{
	return d ? d->retry_after_s : 0;
}

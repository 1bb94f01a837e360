/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"
#include "proto/log.h"

bool pl_is(const struct pl *pl, const char *str)
{
	/* an empty one may point to nothing */
	return str && pl->l == strlen(str) &&
	       (!pl->l || !memcmp(pl->p, str, pl->l));
}

/* ---------------------------------------------------------------- life */

static void routes_flush(struct dialog *d)
{
	size_t i;

	for (i = 0; i < d->routec; i++)
		mem_deref(d->routev[i]);
	d->routev = mem_deref(d->routev);
	d->routec = 0;
}

static void free_members(struct dialog *d)
{
	if (d->he.list) {
		hash_unlink(&d->he);
		--d->ua->dialogs;
		d->ua->abandoned -= d->abandoned;
	}
	wheel_cancel(&d->reap);
	wheel_cancel(&d->ack_tmr);
	wheel_cancel(&d->gone_tmr);
	wheel_cancel(&d->timer.tmr);
	relay_drop(d->relay);
	routes_flush(d);
	list_flush(&d->infol);
	mem_deref(d->rtag);
	mem_deref(d->call_id);
	mem_deref(d->lhdr);
	mem_deref(d->account);
	mem_deref(d->auth);
	mem_deref(d->rhdr);
	mem_deref(d->target);
	mem_deref(d->contact);
	mem_deref(d->ack);
	early_flush(d);
	reliable_stop(d);
	mem_deref(d->inv_msg);
	mem_deref(d->why);
	mem_deref(d->redirect);
	mem_deref(d->told);
	mem_deref(d->req_sdp);
	mem_deref(d->req_extra);
}

static void reap_handler(void *arg)
{
	struct dialog *d = arg;

	dialog_settle(d);
}

/* See the top of ua.h.  Nothing may be freed here that was revived, so a
 * dialog that ends only now goes by the wheel. */
static void destructor(void *arg)
{
	struct dialog *d = arg;

	memset(&d->h, 0, sizeof(d->h));

	if (d->orphan || !d->ua ||
	    (d->state == DIALOG_ENDED && !d->pending)) {
		free_members(d);
		return;
	}

	mem_ref(d);
	d->orphan = true;
	dialog_end(d, 0, NULL);
	if (!d->pending)
		wheel_start(d->ua->wheel, &d->reap, 0, reap_handler, d);
}

int dialog_alloc(struct dialog **dp, struct sipua *ua,
		 const struct token *tok)
{
	struct token tag = *tok;
	struct dialog *d;

	d = mem_zalloc(sizeof(*d), destructor);
	if (!d)
		return ENOMEM;

	/* Until it is in use there is nothing to end. */
	d->state = DIALOG_ENDED;
	d->ua = ua;
	d->tok = d->inv_tok = *tok;
	tag.kind = TOKEN_TAG;
	token_print(d->ltag, ua->conf.key, &tag, NULL, 0);
	d->lcseq = rand_u16() + 1u;
	sa_init(&d->next_hop, AF_INET);

	*dp = d;

	return 0;
}

void dialog_settle(struct dialog *d)
{
	if (!d->orphan || d->settled || d->pending ||
	    d->state != DIALOG_ENDED)
		return;

	d->settled = true;
	mem_deref(d);
}

void dialog_unpend(struct dialog *d)
{
	if (d->pending)
		--d->pending;
}

void dialog_changed(struct dialog *d)
{
	if (d->h.changed)
		d->h.changed(d, d->arg);
}

const char *dialog_read_reason(struct dialog *d, const struct sip_msg *msg)
{
	return reason_read(d->peer_why, msg) ? d->peer_why : NULL;
}

void dialog_close(struct dialog *d, uint16_t code, const char *reason,
		  bool remote)
{
	struct dialog_handlers h = d->h;

	if (d->state == DIALOG_ENDED)
		return;

	d->state = DIALOG_ENDED;
	memset(&d->h, 0, sizeof(d->h));
	log_debug("dialog closed", LOG_S("call_id", d->call_id),
		  LOG_U("code", code));

	if (h.closed)
		h.closed(d, code, reason ? reason : sip_reason(code), remote,
			 d->arg);
}

/* BYE, but not before the ACK to our 2xx (RFC 3261 15). */
static void end_answered(struct dialog *d)
{
	if (d->inv && !d->re_invite) {
		d->bye_wait = true;
		return;
	}

	if (d->inv && strans_msg(d->inv)) {
		(void)dialog_reply(d, 487, NULL, NULL, NULL);
	}
	else if (d->inv) {
		strans_acked(d->inv);
		d->inv = NULL;
		dialog_unpend(d);
	}

	(void)dialog_bye(d);
}

void dialog_end(struct dialog *d, uint16_t code, const char *reason)
{
	enum dialog_state state = d->state;

	memset(&d->h, 0, sizeof(d->h));
	d->state = DIALOG_ENDED;

	if (state == DIALOG_ENDED)
		return;

	if (state == DIALOG_ANSWERED)
		end_answered(d);
	else if (!d->inbound)
		dialog_cancel(d);
	else
		(void)dialog_reply(d, code >= 300 ? code : 480,
				   code >= 300 ? reason : NULL, NULL, NULL);
}

/* ------------------------------------------------------------- lookups */

int dialog_set_call_id(struct dialog *d, const struct pl *call_id)
{
	int err = pl_strdup(&d->call_id, call_id);

	if (err)
		return err;

	hash_append(d->ua->ht, hash_joaat_str(d->call_id), &d->he, d);
	++d->ua->dialogs;

	return 0;
}

struct dialog *dialog_find(const struct sipua *ua, const struct pl *call_id,
			   const struct pl *ltag, const struct pl *rtag)
{
	struct dialog *half = NULL;
	struct le *le;

	le = list_head(hash_list(ua->ht, hash_joaat_pl(call_id)));

	for (; le; le = le->next) {
		struct dialog *d = le->data;

		if (!pl_is(ltag, d->ltag) || !pl_is(call_id, d->call_id))
			continue;

		if (!d->rtag)
			half = d;
		else if (pl_is(rtag, d->rtag))
			return d;
	}

	return half;
}

/* Of a dialog that another node had we know only its last one. */
static bool is_its_invite(const struct dialog *d, uint32_t cseq)
{
	return d->inv_cseq == cseq || (d->resumed && cseq <= d->rcseq);
}

struct dialog *dialog_find_merged(const struct sipua *ua,
				  const struct sip_msg *msg)
{
	struct le *le;

	le = list_head(hash_list(ua->ht, hash_joaat_pl(&msg->callid)));

	for (; le; le = le->next) {
		struct dialog *d = le->data;

		if (d->inbound && is_its_invite(d, msg->cseq.num) &&
		    pl_is(&msg->from.tag, d->rtag) &&
		    pl_is(&msg->callid, d->call_id))
			return d;
	}

	return NULL;
}

/* ------------------------------------------------------- dialog state */

struct routes {
	struct dialog *d;
	int err;
};

static bool route_handler(const struct sip_hdr *hdr,
			  const struct sip_msg *msg, void *arg)
{
	struct routes *r = arg;
	struct dialog *d = r->d;

	(void)msg;

	r->err = pl_strdup(&d->routev[d->routec], &hdr->val);
	if (!r->err)
		++d->routec;

	return r->err != 0;
}

int dialog_set_routes(struct dialog *d, const struct sip_msg *msg, bool fwd)
{
	struct routes r = {.d = d};
	size_t n = sip_msg_hdr_count(msg, SIP_HDR_RECORD_ROUTE);

	routes_flush(d);
	if (!n)
		return 0;

	d->routev = mem_zalloc(n * sizeof(*d->routev), NULL);
	if (!d->routev)
		return ENOMEM;

	(void)sip_msg_hdr_apply(msg, fwd, SIP_HDR_RECORD_ROUTE, route_handler,
				&r);

	return r.err;
}

/* A URI goes into a start line or between brackets as it is: what would end
 * it there is no part of one (a folded header could bring it). */
bool uri_is_clean(const struct pl *uri)
{
	size_t i;

	for (i = 0; i < uri->l; i++) {
		unsigned char c = (unsigned char)uri->p[i];

		if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"')
			return false;
	}

	return uri->l > 0;
}

int dialog_set_target(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	char *target;
	int err;

	if (!hdr)
		return ENOENT;

	err = sip_addr_decode(&addr, &hdr->val);
	if (err || !uri_is_clean(&addr.auri))
		return EBADMSG;

	err = pl_strdup(&target, &addr.auri);
	if (err)
		return err;

	mem_deref(d->target);
	d->target = target;

	return 0;
}

int dialog_set_contact(struct dialog *d, const char *hostport)
{
	struct token tok = d->tok;
	char user[TAG_SIZE] = "", *contact;
	int err;

	tok.kind = TOKEN_CONTACT;
	token_print(user, d->ua->conf.key, &tok, NULL, 0);
	err = re_sdprintf(&contact, "<%s:%s@%s>",
			 d->tp == UA_SIPS ? "sips" : "sip", user, hostport);
	if (err)
		return err;

	mem_deref(d->contact);
	d->contact = contact;

	return 0;
}

void dialog_came_by(struct dialog *d, const struct sip_msg *msg)
{
	const char *id = ua_router_at(d->ua, &msg->via.sentby);

	if (ua_peer(&d->peer, msg))
		sa_init(&d->peer, AF_UNSPEC);

	/* The source may be a node that handed it on. */
	d->next_hop = sa_isset(&msg->via.addr, SA_ALL) ? msg->via.addr
						       : msg->src;
	if (id)
		str_ncpy(d->router, id, sizeof(d->router));
}

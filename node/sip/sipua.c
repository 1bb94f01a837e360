/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

enum {
	HASH_DIALOGS = 4096,
	HASH_TRANS = 2,      /* libre's own are not used */
	HASH_CONNS = 256,
};

const char sip_allow[] =
	"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE, NOTIFY, "
	"REFER, PRACK, UPDATE\r\n";
const char sip_allow_mute[] =
	"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER, PRACK, "
	"UPDATE\r\n";

const char *sip_supported(const struct sipua *ua)
{
	return ua->prack == SIP_PRACK_OFF ? "Supported: histinfo, replaces, "
					    "timer\r\n"
					  : "Supported: 100rel, histinfo, "
					    "replaces, timer\r\n";
}

static bool close_handler(struct le *le, void *arg)
{
	struct dialog *d = le->data;

	(void)arg;

	hash_unlink(&d->he);
	wheel_cancel(&d->reap);
	d->ua = NULL;
	d->inv = NULL;
	d->relay = NULL;
	d->pending = 0;
	if (d->orphan)
		mem_deref(d);

	return false;
}

static void destructor(void *arg)
{
	struct sipua *ua = arg;

	ua->closing = true;
	mem_deref(ua->lsnr_req);
	mem_deref(ua->lsnr_resp);
	ctranss_close(ua->ctranss);
	if (ua->sip)
		sip_close(ua->sip, true);
	mem_deref(ua->ctranss);
	mem_deref(ua->stranss);
	mem_deref(ua->relays);
	if (ua->ht)
		(void)hash_apply(ua->ht, close_handler, NULL);
	mem_deref(ua->ht);
	mem_deref(ua->wheel);
	mem_deref(ua->sip);
}

/* ------------------------------------------------------------ messages */

int msg_body(struct mbuf **mbp, const struct sip_msg *msg)
{
	size_t len = mbuf_get_left(msg->mb);
	struct mbuf *mb;

	*mbp = NULL;

	if (pl_isset(&msg->clen)) {
		size_t clen = pl_u32(&msg->clen);

		if (clen > len)
			return EBADMSG;
		len = clen;
	}

	if (!len)
		return 0;

	mb = mbuf_alloc(len);
	if (!mb)
		return ENOMEM;

	(void)mbuf_write_mem(mb, mbuf_buf(msg->mb), len);
	mb->pos = 0;
	*mbp = mb;

	return 0;
}

struct mbuf *msg_sdp(const struct sip_msg *msg)
{
	struct mbuf *sdp = NULL;

	if (body_sdp(&sdp, msg))
		return NULL;

	return sdp;
}

void ua_refuse(struct sipua *ua, const struct sip_msg *msg, uint16_t code,
	       const char *hdrs)
{
	struct strans_reply r = {.code = code, .hdrs = hdrs};
	struct strans *st;
	char tag[17];

	if (strans_alloc(&st, ua->stranss, msg))
		return;

	(void)re_snprintf(tag, sizeof(tag), "%016llx", msg->tag);
	r.tag = tag;
	(void)strans_reply(st, &r);
}

static bool is_method(const struct sip_msg *msg, const char *met)
{
	return 0 == pl_strcmp(&msg->met, met);
}

static void outside(struct sipua *ua, const struct sip_msg *msg,
		    const struct token *tok)
{
	if (is_method(msg, "INVITE"))
		dialog_recv_invite(ua, msg, tok);
	else if (is_method(msg, "OPTIONS"))
		ua_refuse(ua, msg, 200, sip_allow);
	else if (is_method(msg, "BYE") || is_method(msg, "CANCEL"))
		ua_refuse(ua, msg, 481, NULL);
	else
		ua_refuse(ua, msg, 405, sip_allow);
}

/* A request with a good token that no transaction knows. */
static void dispatch(struct sipua *ua, const struct sip_msg *msg,
		     const struct token *tok)
{
	struct dialog *d;

	if (pl_cmp(&msg->met, &msg->cseq.met)) {
		if (!is_method(msg, "ACK"))
			ua_refuse(ua, msg, 400, NULL);
		return;
	}

	if (!pl_isset(&msg->to.tag)) {
		if (!is_method(msg, "ACK"))
			outside(ua, msg, tok);
		return;
	}

	d = dialog_find(ua, &msg->callid, &msg->to.tag, &msg->from.tag);
	if (!d) {
		if (!is_method(msg, "ACK"))
			ua_refuse(ua, msg, 481, NULL);
		return;
	}

	mem_ref(d);
	dialog_came_by(d, msg);
	if (is_method(msg, "ACK"))
		dialog_recv_ack(d, msg);
	else
		dialog_recv_request(d, msg);
	dialog_settle(d);
	mem_deref(d);
}

static void request(struct sipua *ua, const struct sip_msg *msg)
{
	struct token tok;

	/* What came over TCP has no copies by UDP; one table serves both. */
	if (strans_recv(ua->stranss, msg) != STRANS_NEW)
		return;

	if (ua_token_check(ua, msg, &tok))
		++ua->no_token;
	else
		dispatch(ua, msg, &tok);
}

static void response(struct sipua *ua, const struct sip_msg *msg)
{
	if (!ctrans_recv(ua->ctranss, msg) && msg->scode >= 200 &&
	    msg->scode < 300 && !pl_strcmp(&msg->cseq.met, "INVITE"))
		dialog_recv_2xx(ua, msg);
}

void ua_recv(struct sipua *ua, const struct sip_msg *msg)
{
	if (msg->req)
		request(ua, msg);
	else
		response(ua, msg);
}

static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct sipua *ua = arg;

	++ua->requests;
	if (!relays_take(ua->relays, msg))
		request(ua, msg);

	return true;
}

static bool response_handler(const struct sip_msg *msg, void *arg)
{
	struct sipua *ua = arg;

	++ua->responses;
	if (!relays_take(ua->relays, msg))
		response(ua, msg);

	return true;
}

/* ----------------------------------------------------------------- API */

static int transports(struct sipua *ua, const char *addr)
{
	struct sa sa;
	int err;

	err = sa_decode(&sa, addr, strlen(addr));
	if (err)
		return EINVAL;

	err = sip_transp_add(ua->sip, SIP_TRANSP_UDP, &sa);
	if (err)
		return err;

	err = sip_transp_laddr(ua->sip, &ua->laddr, SIP_TRANSP_UDP, &sa);
	if (err)
		return err;

	return sip_transp_add(ua->sip, SIP_TRANSP_TCP, &ua->laddr);
}

int sipua_alloc(struct sipua **uap, const struct sipua_conf *conf)
{
	struct sipua *ua;
	int err;

	if (!uap || !conf || !conf->addr || !conf->key)
		return EINVAL;

	ua = mem_zalloc(sizeof(*ua), destructor);
	if (!ua)
		return ENOMEM;

	ua->conf = *conf;
	ua->conf.addr = NULL;
	ua->session.second_ms = 1000;
	ua->session.wish.min_s = SESTIMER_MIN_S;

	err = sip_alloc(&ua->sip, NULL, HASH_TRANS, HASH_TRANS, HASH_CONNS,
			"switchyard/" SY_VERSION, NULL, NULL);
	if (!err)
		err = transports(ua, conf->addr);
	if (!err)
		err = hash_alloc(&ua->ht, HASH_DIALOGS);
	if (!err)
		err = wheel_alloc(&ua->wheel);
	if (!err)
		err = stranss_alloc(&ua->stranss, ua->sip, ua->wheel,
				    conf->t1_ms, ua_way, ua);
	if (!err)
		err = relays_alloc(&ua->relays, ua->sip);
	if (!err)
		err = ctranss_alloc(&ua->ctranss, ua->sip, ua->wheel,
				    &ua->laddr);
	if (!err)
		err = sip_listen(&ua->lsnr_req, ua->sip, true,
				 request_handler, ua);
	if (!err)
		err = sip_listen(&ua->lsnr_resp, ua->sip, false,
				 response_handler, ua);

	if (err)
		mem_deref(ua);
	else
		*uap = ua;

	return err;
}

const struct sa *sipua_laddr(const struct sipua *ua)
{
	return ua ? &ua->laddr : NULL;
}

void sipua_stat(const struct sipua *ua, struct sipua_stat *st)
{
	if (!ua || !st)
		return;

	st->requests = ua->requests;
	st->responses = ua->responses;
	st->no_token = ua->no_token;
	st->dialogs = ua->dialogs;
	st->abandoned = ua->abandoned;
	st->transactions = stranss_count(ua->stranss) + ua->clients;
}

void sipua_set_unsure(struct sipua *ua, bool unsure)
{
	if (ua)
		ua->unsure = unsure;
}

void sipua_set_session(struct sipua *ua, uint32_t expires_s, uint32_t min_s)
{
	if (!ua)
		return;

	ua->session.wish.expires_s = expires_s;
	ua->session.wish.min_s = MAX(min_s, (uint32_t)SESTIMER_MIN_S);
}

void sipua_set_prack(struct sipua *ua, enum sip_prack prack)
{
	if (ua)
		ua->prack = prack;
}

void sipua_set_second(struct sipua *ua, uint32_t ms)
{
	ua->session.second_ms = ms;
}

bool sipua_is_unsure(const struct sipua *ua)
{
	return ua && ua->unsure;
}

/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

enum {
	HASH_DIALOGS = 4096,
	HASH_CTRANS = 1024,
	HASH_STRANS = 2,     /* libre's own are not used */
	HASH_CONNS = 256,
	CTX_SIZE = 1024,
};

static const char magic[] = "z9hG4bK";

const char sip_allow[] =
	"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE\r\n";

static bool close_handler(struct le *le, void *arg)
{
	struct dialog *d = le->data;

	(void)arg;

	hash_unlink(&d->he);
	wheel_cancel(&d->reap);
	d->ua = NULL;
	d->inv = NULL;
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
	if (ua->sip)
		sip_close(ua->sip, true);
	mem_deref(ua->stranss);
	if (ua->ht)
		(void)hash_apply(ua->ht, close_handler, NULL);
	mem_deref(ua->ht);
	mem_deref(ua->wheel);
	mem_deref(ua->sip);
}

/* ------------------------------------------------------------- routers */

void sipua_set_routers(struct sipua *ua, const Sy__Member *const *routerv,
		       size_t routerc, uint32_t instance)
{
	ua->routerv = routerv;
	ua->routerc = routerc;
	ua->instance = instance;
}

uint32_t ua_instance(const struct sipua *ua)
{
	return ua->conf.members ? member_instance(ua->conf.members)
				: ua->instance;
}

static void apply_routers(const struct sipua *ua, member_h *h, void *arg)
{
	size_t i;

	if (ua->conf.members) {
		member_apply(ua->conf.members, SY__MEMBER_KIND__ROUTER, h,
			     arg);
		return;
	}

	for (i = 0; i < ua->routerc; i++) {
		if (h(ua->routerv[i], arg))
			return;
	}
}

struct pick {
	const char *id;
	const Sy__Member *m;
	unsigned n;
};

/* The preferred one, else each with the same chance. */
static bool pick_handler(const Sy__Member *m, void *arg)
{
	struct pick *p = arg;

	if (p->id && p->id[0] && !strcmp(m->id, p->id)) {
		p->m = m;
		return true;
	}

	if (rand_u32() % ++p->n == 0)
		p->m = m;

	return false;
}

static void contact_of(const Sy__Member *m, bool tcp, char *buf, size_t size)
{
	const char *pfx = tcp ? "tcp:" : "udp:";
	size_t i;

	for (i = 0; i < m->n_addresses; i++) {
		if (strncmp(m->addresses[i], pfx, 4))
			continue;

		(void)re_snprintf(buf, size, "%s%s", m->addresses[i] + 4,
				  tcp ? ";transport=tcp" : "");
		return;
	}

	str_ncpy(buf, m->address, size);
}

int ua_router(const struct sipua *ua, struct ua_router *r, const char *id,
	      bool tcp)
{
	struct pick p = {.id = id};

	apply_routers(ua, pick_handler, &p);
	if (!p.m || sa_decode(&r->addr, p.m->address, strlen(p.m->address)))
		return EHOSTUNREACH;

	str_ncpy(r->id, p.m->id, sizeof(r->id));
	contact_of(p.m, tcp, r->contact, sizeof(r->contact));

	return 0;
}

struct at {
	const struct pl *addr;
	const Sy__Member *m;
};

static bool at_handler(const Sy__Member *m, void *arg)
{
	struct at *at = arg;

	if (pl_strcmp(at->addr, m->address))
		return false;

	at->m = m;
	return true;
}

const char *ua_router_at(const struct sipua *ua, const struct pl *addr)
{
	struct at at = {.addr = addr};

	apply_routers(ua, at_handler, &at);

	return at.m ? at.m->id : NULL;
}

/* -------------------------------------------------------------- tokens */

struct second {
	struct sip_via via;
	unsigned n;
};

static bool second_via(const struct sip_hdr *hdr, const struct sip_msg *msg,
		       void *arg)
{
	struct second *s = arg;

	(void)msg;

	if (s->n++ == 0)
		return false;

	/* An old peer's Via has no branch: that is an error to libre, but
	 * the sent-by was read by then. */
	(void)sip_via_decode(&s->via, &hdr->val);

	return true;
}

/* What a BRANCH token's MAC covers beside itself (proto/SIP.md). */
static size_t branch_ctx(char *buf, size_t size, const struct sip_msg *msg)
{
	struct second s = {.n = 0};
	struct pl num;
	const struct pl *v[] = {&s.via.sentby, &s.via.branch, &msg->callid,
				&msg->from.tag, &num};
	char cseq[16];
	size_t n = 0, i;

	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, second_via, &s);

	(void)re_snprintf(cseq, sizeof(cseq), "%u", msg->cseq.num);
	pl_set_str(&num, cseq);

	for (i = 0; i < ARRAY_SIZE(v); i++) {
		if (n + v[i]->l + 1 > size)
			return 0;
		if (v[i]->l)
			memcpy(&buf[n], v[i]->p, v[i]->l);
		n += v[i]->l;
		buf[n++] = 0;
	}

	return n;
}

static int token_check(const struct sipua *ua, const struct sip_msg *msg,
		       struct token *tok)
{
	const struct pl *b = &msg->via.branch;
	size_t pfx = sizeof(magic) - 1, n;
	char ctx[CTX_SIZE];
	int err;

	if (b->l != pfx + TOKEN_LEN || memcmp(b->p, magic, pfx))
		return EINVAL;

	n = branch_ctx(ctx, sizeof(ctx), msg);
	if (!n)
		return EINVAL;

	err = token_read(tok, ua->conf.key, TOKEN_BRANCH, b->p + pfx,
			 TOKEN_LEN, ctx, n);
	if (err)
		return err;

	return tok->instance == ua_instance(ua) ? 0 : ESTALE;
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

static bool request_handler(const struct sip_msg *msg, void *arg)
{
	struct sipua *ua = arg;
	struct token tok;

	++ua->requests;

	/* What came over TCP has no copies by UDP; one table serves both. */
	if (strans_recv(ua->stranss, msg) != STRANS_NEW)
		return true;

	if (token_check(ua, msg, &tok)) {
		++ua->no_token;
		return true;
	}

	dispatch(ua, msg, &tok);

	return true;
}

static bool response_handler(const struct sip_msg *msg, void *arg)
{
	struct sipua *ua = arg;

	++ua->responses;

	if (msg->scode >= 200 && msg->scode < 300 &&
	    !pl_strcmp(&msg->cseq.met, "INVITE"))
		dialog_recv_2xx(ua, msg);

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

	err = sip_alloc(&ua->sip, NULL, HASH_CTRANS, HASH_STRANS, HASH_CONNS,
			"switchyard/" SY_VERSION, NULL, NULL);
	if (err)
		goto out;

	err = transports(ua, conf->addr);
	if (err)
		goto out;

	err = hash_alloc(&ua->ht, HASH_DIALOGS);
	if (err)
		goto out;

	err = wheel_alloc(&ua->wheel);
	if (err)
		goto out;

	err = stranss_alloc(&ua->stranss, ua->sip, ua->wheel, conf->t1_ms);
	if (err)
		goto out;

	err = sip_listen(&ua->lsnr_req, ua->sip, true, request_handler, ua);
	if (err)
		goto out;

	err = sip_listen(&ua->lsnr_resp, ua->sip, false, response_handler,
			 ua);

out:
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
	st->transactions = stranss_count(ua->stranss) + ua->clients;
}

/* SPDX-License-Identifier: MIT */
/*
 * The registration of a phone (RFC 3261 10.2): once when asked, then again at
 * half its time, until it is ended.
 */

#include <string.h>
#include "tests/phone/phone.h"

enum {
	AUTH_TRIES = 2,	     /* a second challenge may say "stale" */
	RETRY_MS = 2000,     /* after a refresh that failed        */
	RECONNECT_MS = 200,  /* after the connection was lost      */
	PING_S = 86400,	     /* no pings: only to hear of the end  */
	REFRESH_MIN_MS = 5000,
};

struct reg {
	struct phone *phone; /* borrowed: the phone owns this */
	struct sip_request *req;
	struct tmr tmr;
	char *callid;
	char *tag;
	char *aor;
	char *uri; /* Request-URI */
	uint32_t cseq;
	uint32_t expires_s; /* asked for */
	unsigned auth_tries;
	struct sip_keepalive *ka; /* of the connection, with TCP */
	bool registered;
	bool wanted; /* it was registered once: try again when it fails */
	bool told;   /* the answer to the command was given */
	void (*doneh)(unsigned code, void *arg);
	void *arg;
};

static void response_handler(int err, const struct sip_msg *msg, void *arg);

/* Whoever asked is told exactly once; code 0: superseded, or never. */
static void done(struct reg *r, unsigned code)
{
	void (*doneh)(unsigned, void *) = r->doneh;

	r->doneh = NULL;
	if (doneh)
		doneh(code, r->arg);
}

static void destructor(void *arg)
{
	struct reg *r = arg;

	tmr_cancel(&r->tmr);
	mem_deref(r->ka);
	mem_deref(r->req);
	done(r, 0);
	mem_deref(r->callid);
	mem_deref(r->tag);
	mem_deref(r->aor);
	mem_deref(r->uri);
}

static int reg_alloc(struct reg **rp, struct phone *p)
{
	struct reg *r = mem_zalloc(sizeof(*r), destructor);
	int err;

	if (!r)
		return ENOMEM;

	r->phone = p;
	err = re_sdprintf(&r->callid, "%016llx", rand_u64());
	err |= re_sdprintf(&r->tag, "%08x", rand_u32());
	err |= phone_uri(p, &r->aor);
	err |= re_sdprintf(&r->uri, "sip:%s", p->domain);
	if (err)
		mem_deref(r);
	else
		*rp = r;

	return err;
}

static int send_request(struct reg *r)
{
	struct phone *p = r->phone;
	struct mbuf *mb = mbuf_alloc(1024);
	char *hop = NULL;
	int err;

	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb,
			  "Max-Forwards: 70\r\n"
			  "From: <%s>;tag=%s\r\n"
			  "To: <%s>\r\n"
			  "Call-ID: %s\r\n"
			  "CSeq: %u REGISTER\r\n"
			  "Expires: %u\r\n",
			  r->aor, r->tag, r->aor, r->callid, ++r->cseq,
			  r->expires_s);
	err |= phone_contact_encode(mb, p);
	err |= credentials_encode(&p->cred, mb, "REGISTER", r->uri);
	err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	if (p->proxy)
		err |= phone_hop_uri(&hop, p->proxy, p->tp);
	if (!err)
		err = phone_request(p, &r->req, METHOD_REGISTER, r->uri,
				    hop ? hop : r->uri, mb, response_handler,
				    r);

	mem_deref(hop);
	mem_deref(mb);
	return err;
}

static void tell(struct reg *r, unsigned code, const char *reason,
		 const struct sip_msg *msg)
{
	struct phone *p = r->phone;
	const char *alg = credentials_algorithm(&p->cred);
	json_t *more;

	if (r->told && code == 200)
		return;

	r->told = true;
	more = json_pack("{s:i s:s s:i s:s?}", "code", code, "reason", reason,
			 "contacts",
			 msg ? sip_msg_hdr_count(msg, SIP_HDR_CONTACT) : 0,
			 "algorithm", alg);
	if (p->quiet)
		json_decref(more);
	else
		phone_event(p, r->expires_s ? "registered" : "unregistered",
			    more);

	done(r, code);
}

static void refresh_handler(void *arg)
{
	struct reg *r = arg;
	int err;

	r->auth_tries = 0;
	if (!r->phone->preauth)
		credentials_forget(&r->phone->cred);
	err = send_request(r);
	if (err)
		response_handler(err, NULL, r);
}

/* What was granted: in our Contact, else in Expires, else as asked. */
static bool contact_handler(const struct sip_hdr *hdr,
			    const struct sip_msg *msg, void *arg)
{
	struct reg *r = arg;
	struct sip_addr addr;
	(void)msg;

	return !sip_addr_decode(&addr, &hdr->val) &&
	       addr.uri.port == sa_port(&r->phone->addr);
}

static uint32_t granted(struct reg *r, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr;
	struct sip_addr addr;
	struct pl val;

	hdr = sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, contact_handler,
				r);
	if (hdr && !sip_addr_decode(&addr, &hdr->val) &&
	    !msg_param_decode(&addr.params, "expires", &val))
		return pl_u32(&val);

	return pl_isset(&msg->expires) ? pl_u32(&msg->expires) : r->expires_s;
}

/* The registrar reaches us by this connection only: make another. */
static void lost_handler(int err, void *arg)
{
	struct reg *r = arg;

	r->ka = mem_deref(r->ka);
	r->told = false;
	if (!r->phone->quiet)
		phone_event(r->phone, "disconnected",
			    json_pack("{s:s}", "reason", strerror(err)));
	if (r->wanted && !r->req)
		tmr_start(&r->tmr, RECONNECT_MS, refresh_handler, r);
}

static void success(struct reg *r, const struct sip_msg *msg)
{
	const uint32_t s = granted(r, msg);

	phone_nodelay(msg);
	r->ka = mem_deref(r->ka);
	r->registered = r->wanted = r->expires_s > 0;
	if (r->registered && msg->tp == SIP_TRANSP_TCP)
		(void)sip_keepalive_start(&r->ka, r->phone->sip, msg, PING_S,
					  lost_handler, r);
	if (r->registered)
		tmr_start(&r->tmr, MAX(s * 500, (uint32_t)REFRESH_MIN_MS),
			  refresh_handler, r);
	tell(r, msg->scode, "OK", msg);
}

static void response_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct reg *r = arg;
	char reason[64] = "";
	unsigned code;

	if (!err && msg->scode < 200)
		return;

	if (!err && msg->scode < 300) {
		success(r, msg);
		return;
	}

	if (!err && (msg->scode == 401 || msg->scode == 407) &&
	    r->auth_tries++ < AUTH_TRIES &&
	    !credentials_learn(&r->phone->cred, msg) && !send_request(r))
		return;

	code = err == ETIMEDOUT ? 408 : err ? 503 : msg->scode;
	if (err)
		re_snprintf(reason, sizeof(reason), "%m", err);
	else
		pl_strcpy(&msg->reason, reason, sizeof(reason));

	if (r->wanted)
		tmr_start(&r->tmr, RETRY_MS, refresh_handler, r);
	r->registered = false;
	tell(r, code, reason, msg);
	r->told = !r->wanted; /* that it works again is news */
}

int phone_register(struct phone *p, uint32_t expires,
		   void (*doneh)(unsigned code, void *arg), void *arg)
{
	struct reg *r;
	int err;

	if (!p->reg) {
		err = reg_alloc(&p->reg, p);
		if (err)
			return err;
	}

	r = p->reg;
	r->req = mem_deref(r->req);
	tmr_cancel(&r->tmr);
	r->expires_s = expires;
	r->wanted = r->wanted && expires;
	r->auth_tries = 0;
	r->told = false;
	done(r, 0);
	r->doneh = doneh;
	r->arg = arg;
	if (!p->preauth)
		credentials_forget(&p->cred);

	return send_request(r);
}

bool phone_registered(const struct phone *p)
{
	return p->reg && p->reg->registered;
}

bool phone_registering(const struct phone *p)
{
	return p->reg && p->reg->req;
}

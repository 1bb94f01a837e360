/* SPDX-License-Identifier: MIT */
/*
 * REFER, both ways (RFC 3515, 4488, 3892), and what is told of it.
 *
 *   peer's REFER --> handler: who shall be called?
 *        <-- 202, NOTIFY 100 ... dialog_referred() ... NOTIFY 200, terminated
 *   our REFER   --> 2xx --> NOTIFYs of the peer's --> handler
 *
 * One at a time, each way.  A subscription ends with its dialog: who says BYE
 * after its REFER does not want to know.
 */

#include <string.h>
#include <re.h>

#include "node/sip/referto.h"
#include "node/sip/ua.h"

enum { EXPIRES_S = 180 };

/* ------------------------------------------------------ what the peer asks */

static void notify_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	if (!err && msg && msg->scode < 200)
		return;

	/* It does not know of it (any more): RFC 6665 4.2.2. */
	if (err || !msg || msg->scode == 481 || msg->scode == 489)
		d->refer.id = 0;
}

static int print_event(char *buf, size_t size, const struct dialog *d,
		       bool over)
{
	char id[24] = "", state[48];

	/* The first one of a dialog needs none, and old phones trip over it. */
	if (d->refer.more)
		(void)re_snprintf(id, sizeof(id), ";id=%u", d->refer.id);
	if (over)
		str_ncpy(state, "terminated;reason=noresource", sizeof(state));
	else
		(void)re_snprintf(state, sizeof(state), "active;expires=%u",
				  (unsigned)EXPIRES_S);

	return re_snprintf(buf, size,
			   "Event: refer%s\r\n"
			   "Subscription-State: %s\r\n",
			   id, state) < 0
		   ? EOVERFLOW
		   : 0;
}

static int send_notify(struct dialog *d, uint16_t code, const char *reason)
{
	struct request r = {
	    .met = "NOTIFY",
	    .ctype = "message/sipfrag;version=2.0",
	    .contact = true,
	};
	char extra[128];
	struct mbuf *mb = NULL;
	int err;

	r.body = mbuf_alloc(64);
	if (!r.body)
		return ENOMEM;

	err = mbuf_printf(r.body, "SIP/2.0 %u %s\r\n", code, reason);
	r.body->pos = 0;
	if (!err)
		err = print_event(extra, sizeof(extra), d, code >= 200);
	r.extra = extra;
	r.cseq = ++d->lcseq;
	if (!err)
		err = request_print(&mb, d, &r);
	if (!err)
		err = request_send(NULL, d, r.met, mb, notify_resp);

	mem_deref(mb);
	mem_deref(r.body);
	return err;
}

void dialog_referred(struct dialog *d, uint16_t code)
{
	if (!d || !d->ua || !d->refer.id || d->state != DIALOG_ANSWERED ||
	    d->abandoned || code <= d->refer.told)
		return;

	d->refer.told = code;
	(void)send_notify(d, code, sip_reason(code));
	if (code >= 200)
		d->refer.id = 0;
	dialog_changed(d);
}

bool dialog_refer_pending(const struct dialog *d)
{
	return d && d->refer.busy;
}

static void agree(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *sub = sip_msg_hdr(msg, SIP_HDR_REFER_SUB);
	const bool none = sub && !pl_strcasecmp(&sub->val, "false");
	char hdrs[400];

	/* RFC 4488: who wants no NOTIFY gets none. */
	(void)re_snprintf(hdrs, sizeof(hdrs), "Contact: %s\r\n%s", d->contact,
			  none ? "Refer-Sub: false\r\n" : "");
	d->refer.more |= d->refer.seen;
	d->refer.seen = true;
	d->refer.id = none ? 0 : msg->cseq.num;
	d->refer.told = 0;
	ua_refuse(d->ua, msg, none ? 200 : 202, hdrs);
	dialog_referred(d, 100);
}

/* @return 0, or the code that it is refused with. */
static uint16_t read_refer(struct referto *to, char *by, size_t size,
			   const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
	const struct sip_hdr *ref = sip_msg_hdr(msg, SIP_HDR_REFERRED_BY);
	int err;

	if (!hdr || sip_msg_hdr_count(msg, SIP_HDR_REFER_TO) != 1)
		return 400;

	err = referto_read(to, &hdr->val);
	if (err)
		return err == EPROTONOSUPPORT ? 416 : 400;

	/* It goes into an INVITE of ours: one line, or none. */
	if (!ref || pl_strcpy(&ref->val, by, size) || strpbrk(by, "\r\n"))
		by[0] = '\0';

	return 0;
}

void dialog_recv_refer(struct dialog *d, const struct sip_msg *msg)
{
	char by[REFERTO_TEXT];
	struct referto to;
	uint16_t code;

	if (!d->h.refer) {
		ua_refuse(d->ua, msg, 405, sip_allow);
		return;
	}
	if (d->state != DIALOG_ANSWERED) {
		ua_refuse(d->ua, msg, 403, NULL);
		return;
	}
	if (d->refer.busy) {
		ua_refuse(d->ua, msg, 491, NULL);
		return;
	}

	code = read_refer(&to, by, sizeof(by), msg);
	if (code) {
		ua_refuse(d->ua, msg, code, NULL);
		return;
	}

	/* 202 is no promise: what cannot be done is told by NOTIFY, since some
	 * codes would end the dialog itself (RFC 5057 5.1). */
	agree(d, msg);
	d->refer.busy = true;
	code = d->h.refer(d, &to, by, d->arg);
	if (code) {
		d->refer.busy = false;
		dialog_referred(d, code);
	}
}

void dialog_refer_over(struct dialog *d, uint16_t code)
{
	if (!d)
		return;

	d->refer.busy = false;
	dialog_referred(d, code);
}

/* ------------------------------------------------------- what we ask of it */

static void told(struct dialog *d, uint16_t code)
{
	if (code >= 200)
		d->refer.asked = false;
	if (d->h.referred)
		d->h.referred(d, code, d->arg);
}

static void refer_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	if (!err && msg && msg->scode < 200)
		return;

	if (!d->refer.asked)
		return;
	if (err || !msg)
		told(d, 408);
	else if (msg->scode >= 300)
		told(d, msg->scode);
	else
		told(d, 100);
}

int dialog_refer(struct dialog *d, const char *to, const char *by)
{
	struct request r = {.met = "REFER", .contact = true};
	char extra[1024];
	struct mbuf *mb;
	int err;

	if (!d || !to)
		return EINVAL;
	if (!d->ua || d->state != DIALOG_ANSWERED)
		return EPROTO;
	if (d->refer.asked)
		return EBUSY;

	if (re_snprintf(extra, sizeof(extra), "Refer-To: <%s>\r\n%s%s%s", to,
			by ? "Referred-By: <" : "", by ? by : "",
			by ? ">\r\n" : "") < 0)
		return EOVERFLOW;

	r.extra = extra;
	r.cseq = ++d->lcseq;
	err = request_print(&mb, d, &r);
	if (err)
		return err;

	err = request_send(NULL, d, r.met, mb, refer_resp);
	mem_deref(mb);
	d->refer.asked = !err;
	if (!err)
		dialog_changed(d);

	return err;
}

void dialog_recv_notify(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *ev = sip_msg_hdr(msg, SIP_HDR_EVENT);
	const struct sip_hdr *st = sip_msg_hdr(msg, SIP_HDR_SUBSCRIPTION_STATE);
	struct mbuf *body = NULL;
	uint16_t code;

	if (!ev || re_regex(ev->val.p, ev->val.l, "refer")) {
		ua_refuse(d->ua, msg, 489, "Allow-Events: refer\r\n");
		return;
	}
	if (!d->refer.asked) {
		ua_refuse(d->ua, msg, 481, NULL);
		return;
	}

	(void)msg_body(&body, msg);
	code = sipfrag_code(body);
	mem_deref(body);
	ua_refuse(d->ua, msg, 200, NULL);

	/* It ends without having said how it went. */
	if (code < 200 && st && !re_regex(st->val.p, st->val.l, "terminated"))
		code = 480;
	if (code)
		told(d, code);
}

/* -------------------------------------------------------------- checkpoint */

void dialog_refer_put(const struct dialog *d, Sy__DialogState *out)
{
	out->refer_id = d->refer.id;
	out->refer_told = d->refer.told;
	out->refer_asked = d->refer.asked;
}

void dialog_refer_resume(struct dialog *d, const Sy__DialogState *ds)
{
	d->refer.id = ds->refer_id;
	d->refer.told = (uint16_t)ds->refer_told;
	d->refer.asked = ds->refer_asked;
	d->refer.seen = d->refer.more = ds->refer_told != 0;
}

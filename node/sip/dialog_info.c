/* SPDX-License-Identifier: MIT */
/*
 * INFO and MESSAGE, both ways.  Requests of ours go one after the other: over
 * UDP two that are under way at once may overtake each other, and digits have
 * an order, as words do.
 */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

enum { INFO_QUEUE = 64 };

struct info {
	struct le le;
	const char *met;
	char *ctype;
	struct mbuf *body;
};

static void info_destructor(void *arg)
{
	struct info *i = arg;

	list_unlink(&i->le);
	mem_deref(i->ctype);
	mem_deref(i->body);
}

static void send_next(struct dialog *d);

static void info_resp(int err, const struct sip_msg *msg, struct dialog *d)
{
	if (!err && msg && msg->scode < 200)
		return;

	d->info_busy = false;

	/* Who cannot take this one will not take the next. */
	if (err || !msg || msg->scode >= 300)
		list_flush(&d->infol);

	send_next(d);
}

static void send_next(struct dialog *d)
{
	struct info *i = list_ledata(list_head(&d->infol));
	struct request r = {0};
	struct mbuf *mb;
	int err;

	if (!i || d->info_busy)
		return;

	if (!d->ua || d->state != DIALOG_ANSWERED) {
		list_flush(&d->infol);
		return;
	}

	r.met = i->met;
	r.ctype = i->ctype;
	r.body = i->body;
	r.cseq = ++d->lcseq;
	err = request_print(&mb, d, &r);
	mem_deref(i);
	if (err)
		return;

	d->info_busy = !request_send(NULL, d, r.met, mb, info_resp);
	mem_deref(mb);
	if (d->info_busy)
		dialog_changed(d); /* its CSeq must not be used again */
	else
		list_flush(&d->infol);
}

static int put(struct dialog *d, const char *met, const char *ctype,
	       const char *text, size_t len)
{
	struct info *i;
	int err;

	if (!d->ua || d->state != DIALOG_ANSWERED)
		return EPROTO;

	if (list_count(&d->infol) >= INFO_QUEUE)
		return ENOSPC;

	i = mem_zalloc(sizeof(*i), info_destructor);
	if (!i)
		return ENOMEM;

	i->met = met;
	i->body = mbuf_alloc(len + 1);
	err = i->body ? mbuf_write_mem(i->body, (const uint8_t *)text, len)
		      : ENOMEM;
	err |= str_dup(&i->ctype, ctype);
	if (err) {
		mem_deref(i);
		return err;
	}

	i->body->pos = 0;
	list_append(&d->infol, &i->le, i);
	send_next(d);

	return 0;
}

int dialog_info(struct dialog *d, const char *ctype, const char *text)
{
	if (!d || !ctype || !text)
		return EINVAL;

	return put(d, "INFO", ctype, text, strlen(text));
}

int dialog_message(struct dialog *d, const char *ctype,
		   const struct mbuf *body)
{
	if (!d || !ctype || !body)
		return EINVAL;

	if (!d->peer_message)
		return ENOTSUP;

	return put(d, "MESSAGE", ctype, (const char *)mbuf_buf(body),
		   mbuf_get_left(body));
}

/* What may stand in a Content-Type of ours: the charset may matter. */
static bool print_ctype(char *buf, size_t size, const struct sip_msg *msg)
{
	const struct msg_ctype *c = &msg->ctyp;
	size_t i;

	if (re_snprintf(buf, size, "%r/%r%r", &c->type, &c->subtype,
			&c->params) < 0)
		return false;

	for (i = 0; buf[i]; i++) {
		if ((unsigned char)buf[i] < ' ' || buf[i] == 0x7f)
			return false;
	}

	return true;
}

void dialog_recv_message(struct dialog *d, const struct sip_msg *msg)
{
	struct sipua *ua = d->ua;
	struct mbuf *body = NULL;
	uint16_t code = 405;
	char ctype[128];

	if (msg_body(&body, msg) || !print_ctype(ctype, sizeof(ctype), msg)) {
		ua_refuse(ua, msg, 400, NULL);
		mem_deref(body);
		return;
	}

	/* Without words there is nothing to be told. */
	if (!body)
		code = 200;
	else if (sip_msg_hdr(msg, SIP_HDR_CONTENT_ENCODING) ||
		 pl_strcasecmp(&msg->ctyp.type, "text"))
		code = 415;
	else if (d->h.message)
		code = d->h.message(d, ctype, body, d->arg);

	ua_refuse(ua, msg, code,
		  code == 415 ? "Accept: text/plain, text/*\r\n"
		  : code == 405 ? sip_allow_mute : NULL);
	mem_deref(body);
}

/* Why not, in words (RFC 3261 20.43), and what is taken instead. */
static void refuse(struct sipua *ua, const struct sip_msg *msg, uint16_t code,
		   const char *cause)
{
	char hdrs[256];

	(void)re_snprintf(hdrs, sizeof(hdrs),
			  "Warning: 399 switchyard \"%s\"\r\n%s",
			  cause ? cause : "not understood",
			  code == 415 ? "Accept: application/dtmf-relay, "
					"application/dtmf\r\n"
				      : "");
	ua_refuse(ua, msg, code, hdrs);
}

void dialog_recv_info(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *package = sip_msg_xhdr(msg, "Info-Package");
	const char *cause = NULL;
	struct sipua *ua = d->ua;
	struct mbuf *body = NULL;
	uint16_t code = 200;
	char ctype[128];

	/* None is known; digits need none (RFC 6086 4.2.2, RFC 2976). */
	if (package) {
		ua_refuse(ua, msg, 469, "Recv-Info:\r\n");
		return;
	}

	if (msg_body(&body, msg)) {
		ua_refuse(ua, msg, 400, NULL);
		return;
	}

	if (body && d->h.info) {
		(void)re_snprintf(ctype, sizeof(ctype), "%r/%r",
				  &msg->ctyp.type, &msg->ctyp.subtype);
		code = d->h.info(d, ctype, body, &cause, d->arg);
	}

	if (code == 200)
		ua_refuse(ua, msg, 200, NULL);
	else
		refuse(ua, msg, code, cause);

	mem_deref(body);
}

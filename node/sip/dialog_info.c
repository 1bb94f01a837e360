/* SPDX-License-Identifier: MIT */
/*
 * INFO, both ways.  Requests of ours go one after the other: over UDP two
 * that are under way at once may overtake each other, and digits have an
 * order.
 */

#include <re.h>

#include "node/sip/ua.h"

enum { INFO_QUEUE = 64 };

struct info {
	struct le le;
	const char *ctype; /* static */
	struct mbuf *body;
};

static void info_destructor(void *arg)
{
	struct info *i = arg;

	list_unlink(&i->le);
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
	struct request r = {.met = "INFO"};
	struct mbuf *mb;
	int err;

	if (!i || d->info_busy)
		return;

	if (!d->ua || d->state != DIALOG_ANSWERED) {
		list_flush(&d->infol);
		return;
	}

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

int dialog_info(struct dialog *d, const char *ctype, const char *text)
{
	struct info *i;
	int err;

	if (!d || !ctype || !text)
		return EINVAL;

	if (!d->ua || d->state != DIALOG_ANSWERED)
		return EPROTO;

	if (list_count(&d->infol) >= INFO_QUEUE)
		return ENOSPC;

	i = mem_zalloc(sizeof(*i), info_destructor);
	if (!i)
		return ENOMEM;

	i->ctype = ctype;
	i->body = mbuf_alloc(64);
	err = i->body ? mbuf_write_str(i->body, text) : ENOMEM;
	if (err) {
		mem_deref(i);
		return err;
	}

	i->body->pos = 0;
	list_append(&d->infol, &i->le, i);
	send_next(d);

	return 0;
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
	const char *cause = NULL;
	struct sipua *ua = d->ua;
	struct mbuf *body = NULL;
	uint16_t code = 200;
	char ctype[128];

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

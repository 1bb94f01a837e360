/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

static int print_routes(struct mbuf *mb, const struct dialog *d,
			const struct request *r)
{
	char *const *routev = r->early ? r->early->routev : d->routev;
	const size_t routec = r->early ? r->early->routec : d->routec;
	struct token tok = r->tok ? *r->tok : d->tok;
	char user[TAG_SIZE] = "";
	size_t i;
	int err;

	/* The permission to make a router send (proto/SIP.md). */
	tok.kind = TOKEN_NODE;
	token_print(user, d->ua->conf.key, &tok, NULL, 0);
	err = mbuf_printf(mb, "Route: <sip:%s@cluster;lr>\r\n", user);

	for (i = 0; i < routec; i++)
		err |= mbuf_printf(mb, "Route: %s\r\n", routev[i]);

	return err;
}

int request_print(struct mbuf **mbp, const struct dialog *d,
		  const struct request *r)
{
	const char *rtag = r->early ? r->early->tag : d->rtag;
	size_t len = r->body ? mbuf_get_left(r->body) : 0;
	struct mbuf *mb = mbuf_alloc(1024 + len);
	int err;

	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb, "Max-Forwards: %u\r\n",
			  r->hops ? r->hops : 70u);
	err |= print_routes(mb, d, r);
	err |= mbuf_printf(mb, "To: %s%s%s\r\n", d->rhdr,
			   str_isset(rtag) ? ";tag=" : "", rtag ? rtag : "");
	err |= mbuf_printf(mb, "From: %s;tag=%s\r\n", d->lhdr, d->ltag);
	err |= mbuf_printf(mb, "Call-ID: %s\r\nCSeq: %u %s\r\n", d->call_id,
			   r->cseq, r->met);
	if (r->contact)
		err |= mbuf_printf(mb, "Contact: %s\r\n%s", d->contact,
				   sip_allow);
	if (r->session)
		err |= dialog_timer_print(mb, d);
	if (d->ua->prack == SIP_PRACK_REQUIRED && !d->rtag &&
	    !d->need_answer && !strcmp(r->met, "INVITE"))
		err |= mbuf_write_str(mb, "Require: 100rel\r\n");
	err |= mbuf_write_str(mb, "User-Agent: switchyard/" SY_VERSION "\r\n");
	if (r->extra)
		err |= mbuf_write_str(mb, r->extra);
	if (len)
		err |= mbuf_printf(mb, "Content-Type: %s\r\n",
				   r->ctype ? r->ctype : "application/sdp");
	err |= mbuf_printf(mb, "Content-Length: %zu\r\n\r\n", len);
	if (len)
		err |= mbuf_write_mem(mb, mbuf_buf(r->body), len);
	mb->pos = 0;

	if (err)
		mem_deref(mb);
	else
		*mbp = mb;

	return err;
}

/* SPDX-License-Identifier: MIT */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

static int print_routes(struct mbuf *mb, const struct dialog *d)
{
	struct token tok = d->tok;
	char user[TAG_SIZE] = "";
	size_t i;
	int err;

	/* The permission to make a router send (proto/SIP.md). */
	tok.kind = TOKEN_NODE;
	token_print(user, d->ua->conf.key, &tok, NULL, 0);
	err = mbuf_printf(mb, "Route: <sip:%s@cluster;lr>\r\n", user);

	for (i = 0; i < d->routec; i++)
		err |= mbuf_printf(mb, "Route: %s\r\n", d->routev[i]);

	return err;
}

int request_print(struct mbuf **mbp, const struct dialog *d,
		  const struct request *r)
{
	size_t len = r->body ? mbuf_get_left(r->body) : 0;
	struct mbuf *mb = mbuf_alloc(1024 + len);
	int err;

	if (!mb)
		return ENOMEM;

	err = mbuf_write_str(mb, "Max-Forwards: 70\r\n");
	err |= print_routes(mb, d);
	err |= mbuf_printf(mb, "To: %s%s%s\r\n", d->rhdr,
			   str_isset(d->rtag) ? ";tag=" : "",
			   d->rtag ? d->rtag : "");
	err |= mbuf_printf(mb, "From: %s;tag=%s\r\n", d->lhdr, d->ltag);
	err |= mbuf_printf(mb, "Call-ID: %s\r\nCSeq: %u %s\r\n", d->call_id,
			   r->cseq, r->met);
	if (r->contact)
		err |= mbuf_printf(mb, "Contact: %s\r\n%s", d->contact,
				   sip_allow);
	err |= mbuf_write_str(mb, "User-Agent: switchyard/" SY_VERSION "\r\n");
	if (r->extra)
		err |= mbuf_write_str(mb, r->extra);
	if (len)
		err |= mbuf_write_str(mb, "Content-Type: application/sdp\r\n");
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

int request_send(struct dialog *d, const char *met, struct mbuf *mb,
		 const struct send *s)
{
	struct ua_router r;
	struct uri route;
	char host[64];
	int err;

	if (!d->ua || d->ua->closing)
		return ECONNABORTED;

	memset(&r, 0, sizeof(r));
	err = ua_router(d->ua, &r, d->router, d->tcp);
	if (err) {
		/* None that we know of; perhaps the one that it came by. */
		if (!sa_isset(&d->next_hop, SA_ALL))
			return err;
		r.addr = d->next_hop;
	}

	(void)re_snprintf(host, sizeof(host), "%j", &r.addr);
	memset(&route, 0, sizeof(route));
	pl_set_str(&route.scheme, "sip");
	pl_set_str(&route.host, host);
	route.port = sa_port(&r.addr);

	err = sip_request(s->reqp, d->ua->sip, s->stateful, met, -1,
			  d->target, -1, &route, mb, 0, NULL, s->resph, d);
	if (err)
		return err;

	if (s->router)
		str_ncpy(s->router, r.id, ROUTER_ID_SIZE);

	if (s->stateful) {
		++d->ua->clients;
		++d->pending;
	}

	return 0;
}

/* SPDX-License-Identifier: MIT */
/* State of a SIP dialog; see dialog.h. */

#include <string.h>
#include "tests/phone/dialog.h"

void dialog_reset(struct dialog *d)
{
	mem_deref(d->callid);
	mem_deref(d->ltag);
	mem_deref(d->rtag);
	mem_deref(d->local);
	mem_deref(d->remote);
	mem_deref(d->target);
	mem_deref(d->routes);
	mem_deref(d->first);
	memset(d, 0, sizeof(*d));
}

int dialog_init_caller(struct dialog *d, const char *local_uri,
		       const char *remote_uri)
{
	int err;

	err = re_sdprintf(&d->callid, "%016llx%08x", rand_u64(), rand_u32());
	err |= re_sdprintf(&d->ltag, "%08x", rand_u32());
	err |= re_sdprintf(&d->local, "<%s>", local_uri);
	err |= re_sdprintf(&d->remote, "<%s>", remote_uri);
	err |= str_dup(&d->target, remote_uri);
	d->lseq = rand_u16();

	return err;
}

struct routes {
	struct dialog *d;
	struct mbuf *mb;
	int err;
};

static bool route_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			  void *arg)
{
	struct routes *r = arg;
	struct sip_addr addr;
	(void)msg;

	if (!r->d->first) {
		r->err = sip_addr_decode(&addr, &hdr->val);
		if (!r->err)
			r->err = pl_strdup(&r->d->first, &addr.auri);
	}

	if (!r->err)
		r->err = mbuf_printf(r->mb, "Route: %r\r\n", &hdr->val);

	return r->err != 0;
}

/* The callee keeps the order of Record-Route, the caller reverses it. */
static int routes_set(struct dialog *d, const struct sip_msg *msg, bool fwd)
{
	struct routes r = {.d = d, .mb = mbuf_alloc(256)};

	if (!r.mb)
		return ENOMEM;

	d->routes = mem_deref(d->routes);
	d->first = mem_deref(d->first);
	sip_msg_hdr_apply(msg, fwd, SIP_HDR_RECORD_ROUTE, route_handler, &r);
	if (!r.err && r.mb->end) {
		r.mb->pos = 0;
		r.err = mbuf_strdup(r.mb, &d->routes, r.mb->end);
	}

	mem_deref(r.mb);
	return r.err;
}

int dialog_refresh(struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	char *target;
	int err;

	if (!hdr)
		return 0;

	err = sip_addr_decode(&addr, &hdr->val);
	if (!err)
		err = pl_strdup(&target, &addr.auri);
	if (err)
		return err;

	mem_deref(d->target);
	d->target = target;
	return 0;
}

/* The value of From or To without its parameters. */
static int addr_dup(char **p, const struct sip_taddr *addr)
{
	return re_sdprintf(p, "<%r>", &addr->auri);
}

int dialog_init_callee(struct dialog *d, const struct sip_msg *invite)
{
	int err;

	err = pl_strdup(&d->callid, &invite->callid);
	err |= re_sdprintf(&d->ltag, "%016llx", invite->tag);
	err |= addr_dup(&d->local, &invite->to);
	err |= addr_dup(&d->remote, &invite->from);
	if (pl_isset(&invite->from.tag))
		err |= pl_strdup(&d->rtag, &invite->from.tag);
	if (err)
		return err;

	d->lseq = rand_u16();
	d->rseq = invite->cseq.num;
	err = routes_set(d, invite, true);
	if (!err)
		err = dialog_refresh(d, invite);
	if (!err && !d->target)
		err = EBADMSG; /* an INVITE without Contact */

	return err;
}

int dialog_establish(struct dialog *d, const struct sip_msg *resp)
{
	int err = 0;

	d->rtag = mem_deref(d->rtag);
	if (pl_isset(&resp->to.tag))
		err = pl_strdup(&d->rtag, &resp->to.tag);
	if (!err)
		err = routes_set(d, resp, false);
	if (!err)
		err = dialog_refresh(d, resp);

	return err;
}

const char *dialog_next_hop(const struct dialog *d)
{
	return d->first ? d->first : d->target;
}

int dialog_encode(struct mbuf *mb, const struct dialog *d, const char *method,
		  uint32_t cseq)
{
	return mbuf_printf(mb,
			   "%s"
			   "Max-Forwards: 70\r\n"
			   "From: %s;tag=%s\r\n"
			   "To: %s%s%s\r\n"
			   "Call-ID: %s\r\n"
			   "CSeq: %u %s\r\n"
			   "User-Agent: switchyard-phone\r\n",
			   d->routes ? d->routes : "", d->local, d->ltag,
			   d->remote, d->rtag ? ";tag=" : "",
			   d->rtag ? d->rtag : "", d->callid, cseq, method);
}

bool dialog_match_half(const struct dialog *d, const struct sip_msg *msg)
{
	return d->callid && !pl_strcmp(&msg->callid, d->callid) &&
	       (!d->rtag || !pl_strcmp(&msg->from.tag, d->rtag));
}

bool dialog_match(const struct dialog *d, const struct sip_msg *msg)
{
	const struct pl *ltag = msg->req ? &msg->to.tag : &msg->from.tag;
	const struct pl *rtag = msg->req ? &msg->from.tag : &msg->to.tag;

	return d->callid && !pl_strcmp(&msg->callid, d->callid) &&
	       !pl_strcmp(ltag, d->ltag) &&
	       (!d->rtag || !pl_strcmp(rtag, d->rtag));
}

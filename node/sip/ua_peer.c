/* SPDX-License-Identifier: MIT */
/*
 * Where a request came from, as the router saw it that took it: the Via below
 * the router's, which has `received` wherever its sent-by says something else
 * (RFC 3261 18.2.1).
 */

#include <string.h>
#include <re.h>

#include "node/sip/ua.h"

struct second {
	struct sip_via via;
	unsigned n;
};

static bool via_handler(const struct sip_hdr *hdr, const struct sip_msg *msg,
			void *arg)
{
	struct second *s = arg;

	(void)msg;
	if (s->n++ == 0)
		return false;

	/* one without branch is filled in as well */
	(void)sip_via_decode(&s->via, &hdr->val);

	return true;
}

int ua_peer(struct sa *peer, const struct sip_msg *msg)
{
	struct second s;
	struct pl received;

	memset(&s, 0, sizeof(s));
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_VIA, via_handler, &s);
	if (!msg_param_decode(&s.via.params, "received", &received))
		return sa_set(peer, &received, 0);
	if (!sa_isset(&s.via.addr, SA_ADDR))
		return ENOENT;

	*peer = s.via.addr;

	return 0;
}

int dialog_peer(const struct dialog *d, struct sa *peer)
{
	if (!d || !sa_isset(&d->peer, SA_ADDR))
		return ENOENT;

	*peer = d->peer;

	return 0;
}

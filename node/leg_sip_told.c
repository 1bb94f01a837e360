/* SPDX-License-Identifier: MIT */
/*
 * What a peer is told of where its media goes: the address that the socket is
 * bound to, or, behind a NAT, the public one in front of it (--media-public),
 * unless the peer is inside (--local-net).
 *
 * Who is inside is told by where its signalling comes from, as its router saw
 * it: what a description says may be an address of the peer's own network.
 */

#include <string.h>

#include "node/leg_sip_words.h"

/* Of "udp:192.0.2.1:5060", as a binding has it. */
static int received_sa(struct sa *sa, const char *received)
{
	const char *at = strchr(received, ':');

	return at ? sa_decode(sa, at + 1, strlen(at + 1)) : EINVAL;
}

/* An address in a URI; a name may be anywhere. */
static int uri_sa(struct sa *sa, const char *text)
{
	struct uri uri;
	struct pl pl;

	pl_set_str(&pl, text);
	if (uri_decode(&uri, &pl))
		return EINVAL;

	return sa_set(sa, &uri.host, uri.port);
}

void leg_sip_peer(struct sa *peer, const struct leg_sip_call *call)
{
	sa_init(peer, AF_UNSPEC);
	if (call->received && !received_sa(peer, call->received))
		return;
	if (uri_sa(peer, call->hop ? call->hop : call->uri))
		sa_init(peer, AF_UNSPEC);
}

bool leg_sip_is_inside(const struct node *n, const struct sa *peer)
{
	return local_nets_have(&n->conf.locals, peer);
}

/* The public address of a family, or NULL. */
static const struct sa *public_addr(const struct node_conf *conf, int af)
{
	for (size_t i = 0; i < conf->media_publicc; i++) {
		if (sa_af(&conf->media_publicv[i]) == af)
			return &conf->media_publicv[i];
	}

	return NULL;
}

void leg_sip_told(struct sa *told, struct sa *also, const struct leg_sip *ls)
{
	const struct node_conf *conf = &ls->node->conf;
	const struct sa *bound = media_leg_laddr(ls->media);
	const struct sa *public = public_addr(conf, sa_af(bound));

	*told = *bound;
	sa_init(also, AF_UNSPEC);
	if (ls->inside || !public)
		return;

	*told = *public;
	sa_set_port(told, sa_port(bound)); /* forwarded as it is */

	/* ICE finds which one leads here; who is said to be outside has no
	 * use for an address that leads nowhere. */
	if (!conf->locals.n)
		*also = *bound;
}

void leg_sip_look(struct leg_sip *ls)
{
	struct sa peer, told, also;

	if (!ls->media || words_peer(ls, &peer) ||
	    leg_sip_is_inside(ls->node, &peer) == ls->inside)
		return;

	ls->inside = !ls->inside;
	leg_sip_told(&told, &also, ls);
	session_move(ls->ses, &told, &also);
}

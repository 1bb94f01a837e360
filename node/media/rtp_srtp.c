/* SPDX-License-Identifier: MIT */
/*
 * The RTP leg's SRTP: contexts come and go with what was negotiated.
 *
 * Keys that stay keep their context, and with it rollover counter and replay
 * window.  A peer that offers a new key may go on with the old one until it
 * has our answer: so the old one is still heard, until the first packet under
 * the new key.
 */

#include <string.h>
#include <re.h>

#include "node/media/packet.h"
#include "node/media/rtp_leg.h"
#include "node/media/worker.h"

int rtp_srtp_init(struct rtp_srtp *s, const struct media_rtp_params *prm)
{
	int err = 0;

	if (prm->srtp_tx.suite != MEDIA_SRTP_NONE)
		err = srtp_ctx_alloc(&s->tx, &prm->srtp_tx, true);
	if (!err && prm->srtp_rx.suite != MEDIA_SRTP_NONE)
		err = srtp_ctx_alloc(&s->rx, &prm->srtp_rx, false);
	if (!err && s->rx && prm->srtp_seek)
		srtp_ctx_seek(s->rx);

	return err;
}

void rtp_srtp_close(struct rtp_srtp *s, struct media_rtp_params *prm)
{
	s->tx = mem_deref(s->tx);
	s->rx = mem_deref(s->rx);
	s->prev = mem_deref(s->prev);
	media_srtp_wipe(&prm->srtp_tx);
	media_srtp_wipe(&prm->srtp_rx);
}

static void swap(struct srtp_ctx **a, struct srtp_ctx **b)
{
	struct srtp_ctx *c = *a;

	*a = *b;
	*b = c;
}

void rtp_srtp_keep(struct rtp_set *set, struct rtp_set *old)
{
	struct rtp_srtp *s = &set->srtp, *o = &old->srtp;

	if (s->tx && o->tx &&
	    media_srtp_same(&set->prm.srtp_tx, &old->prm.srtp_tx))
		swap(&s->tx, &o->tx);

	if (!s->rx || !o->rx)
		return;

	if (media_srtp_same(&set->prm.srtp_rx, &old->prm.srtp_rx)) {
		swap(&s->rx, &o->rx);
		swap(&s->prev, &o->prev);
		s->settled = o->settled;
	} else {
		srtp_ctx_follow(s->rx, o->rx);
		/* The one that the peer was last heard under. */
		swap(&s->prev, o->prev && !o->settled ? &o->prev : &o->rx);
	}
}

static int unprotect(struct rtp_srtp *s, struct packet *pkt)
{
	uint8_t copy[PACKET_BYTES];
	size_t len = pkt->len;
	int err;

	if (!s->prev || s->settled) {
		err = srtp_ctx_unprotect_rtp(s->rx, pkt->data, &len);
		goto out;
	}

	/* A try spoils the packet. */
	memcpy(copy, pkt->data, len);
	err = srtp_ctx_unprotect_rtp(s->rx, pkt->data, &len);
	if (!err) {
		s->settled = true;
		goto out;
	}

	memcpy(pkt->data, copy, pkt->len);
	len = pkt->len;
	err = srtp_ctx_unprotect_rtp(s->prev, pkt->data, &len);

out:
	if (!err)
		pkt->len = (uint16_t)len;

	return err;
}

bool rtp_srtp_receive(struct rtp_leg *r, struct packet *pkt,
		      struct worker *w)
{
	struct leg_stat *st = &r->leg.stat;

	switch (unprotect(&r->set->srtp, pkt)) {

	case 0:
		return true;

	case EACCES:
		stat_inc(st->rx_auth_failed);
		stat_inc(w->rx_refused);
		return false;

	case EALREADY:
		stat_inc(st->rx_replayed);
		stat_inc(w->rx_refused);
		return false;

	default:
		rtp_rx_invalid(r, w);
		return false;
	}
}

bool rtp_srtp_send(struct rtp_leg *r, struct packet *pkt)
{
	size_t len = pkt->len;

	if (srtp_ctx_protect_rtp(r->set->srtp.tx, pkt->data, &len,
				 sizeof(pkt->data)))
		return false;

	pkt->len = (uint16_t)len;

	return true;
}

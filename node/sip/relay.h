/* SPDX-License-Identifier: MIT */
/*
 * What comes for a dialog that leaves for another node.
 *
 *   relay_freeze():  FROZEN: what comes waits          --relay_thaw()--> gone
 *                       |    (64 messages, 64 KB)
 *                  relay_depart()
 *                       v
 *                    DEPARTED: what waited and what comes goes on to the new
 *                    owner, byte for byte, for ten minutes
 *
 * Peers and routers find the new owner by themselves soon: by the record, or
 * by the Contact of its re-INVITE.  This is for what is under way, and for
 * what can only come here: answers go by the Via of who asked.
 *
 * A message belongs to a dialog by Call-ID and tags, whatever transaction it
 * is of.  Signalling thread.
 */

#ifndef SY_NODE_SIP_RELAY_H
#define SY_NODE_SIP_RELAY_H

#include <re.h>

enum {
	RELAY_MSGS_MAX = 64,
	RELAY_BYTES_MAX = 65536,
	RELAY_SPAN_MS = 600 * 1000,
};

struct relays; /* the table of them */
struct relay;

/** Which messages. Strings are copied. */
struct relay_id {
	const char *call_id;
	const char *ltag; /* ours                                        */
	const char *rtag; /* the peer's, where its INVITE had no tag of
			     ours: inbound; else NULL                     */
};

/** @param sip  Borrowed: what is relayed is sent by it. */
int relays_alloc(struct relays **rp, struct sip *sip);

/** A message came. @return true: it waits, was handed on, or dropped. */
bool relays_take(struct relays *r, const struct sip_msg *msg);

/** The dialog comes back: forget that it departed. */
void relays_forget(struct relays *r, const char *call_id, const char *ltag);

/** @param rp  Set on success; borrowed: it belongs to the table. */
int relay_freeze(struct relay **rp, struct relays *relays,
		 const struct relay_id *id);

/** Each message that waits, once, in order; called by relay_thaw(). */
typedef void(relay_msg_h)(const struct sip_msg *msg, void *arg);

/** Give back what waited; the relay is gone when the first one is given. */
void relay_thaw(struct relay *r, relay_msg_h *h, void *arg);

/** Send on what waited and what comes. It is its own from now on. */
void relay_depart(struct relay *r, const struct sa *to);

/** What waited is dropped. @param r  Or NULL. */
void relay_drop(struct relay *r);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The state of a SIP dialog (RFC 3261 12): who, which numbers, and the way.
 * Bytes in, bytes out; sending is the call's.
 */
#ifndef PHONE_DIALOG_H
#define PHONE_DIALOG_H

#include "tests/phone/base.h"

struct dialog {
	char *callid;
	char *ltag;
	char *rtag;    /* NULL until the peer gave one      */
	char *local;   /* "<sip:...>", without tag          */
	char *remote;
	char *target;  /* URI: the peer's Contact           */
	char *routes;  /* "Route: ...\r\n" lines, or NULL   */
	char *first;   /* URI of the first Route, or NULL   */
	uint32_t lseq; /* of our last request               */
	uint32_t rseq; /* of the peer's last request, 0: none */
};

/** For an outgoing call; a Call-ID and a tag are made. */
int dialog_init_caller(struct dialog *d, const char *local_uri,
		       const char *remote_uri);

/** For an incoming one: from the INVITE; our tag is libre's (msg->tag). */
int dialog_init_callee(struct dialog *d, const struct sip_msg *invite);

/** From a 2xx to our INVITE: tag, route set, target. */
int dialog_establish(struct dialog *d, const struct sip_msg *resp);

/** A target refresh: the Contact of a re-INVITE or of its 2xx. */
int dialog_refresh(struct dialog *d, const struct sip_msg *msg);

/** Where in-dialog requests go, by the route set. */
const char *dialog_next_hop(const struct dialog *d);

/**
 * Append Route, Max-Forwards, From, To, Call-ID and CSeq of a request.
 *
 * @param cseq  Its number: lseq, or the INVITE's for ACK.
 */
int dialog_encode(struct mbuf *mb, const struct dialog *d, const char *method,
		  uint32_t cseq);

/** A message belongs to this dialog (requests: as received by us). */
bool dialog_match(const struct dialog *d, const struct sip_msg *msg);

/** The same Call-ID and peer's tag, whatever our tag. */
bool dialog_match_half(const struct dialog *d, const struct sip_msg *msg);

void dialog_reset(struct dialog *d);

#endif

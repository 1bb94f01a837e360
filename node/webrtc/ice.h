/* SPDX-License-Identifier: MIT */
/*
 * The lite side of ICE (RFC 8445 2.5): it answers the peer's connectivity
 * checks, and where the peer says USE-CANDIDATE, there the media goes.  The
 * peer does all else: it gathers, pairs, trickles, restarts, and renews its
 * consent (RFC 7675) by the same checks.
 *
 * Without I/O: datagrams and time come in, answers go out by a handler.  One
 * thread.
 */

#ifndef SY_NODE_WEBRTC_ICE_H
#define SY_NODE_WEBRTC_ICE_H

#include <re.h>

enum {
	ICE_UFRAG_MAX = 256, /* RFC 8839 5.4: 4 to 256 letters            */
	ICE_PWD_MAX = 256,   /* 22 to 256                                 */
	ICE_OWN_UFRAG = 8,
	ICE_OWN_PWD = 24,
	ICE_CHECKED = 16,	/* addresses of the peer that are remembered */
	ICE_CONSENT_MS = 30000, /* RFC 7675 5.1                           */
};

/** What one side calls itself (a=ice-ufrag, a=ice-pwd). The password is a
 * secret. */
struct ice_cred {
	char ufrag[ICE_UFRAG_MAX + 1];
	char pwd[ICE_PWD_MAX + 1];
};

/** New random ones of ours. */
void ice_cred_new(struct ice_cred *c);

bool ice_cred_same(const struct ice_cred *a, const struct ice_cred *b);

struct ice;

/** Send this. */
typedef void(ice_send_h)(const struct sa *dst, const uint8_t *p, size_t len,
			 void *arg);

/** The peer has chosen an address of its own, the first or another one. */
typedef void(ice_selected_h)(const struct sa *peer, void *arg);

/** @return 0, ENOMEM. @param ip  Owned. */
int ice_alloc(struct ice **ip, ice_send_h *sendh, ice_selected_h *selh,
	      void *arg);

/**
 * Whose checks are answered from now on.  Changed ones are a restart (RFC 8445
 * 9): what was chosen holds until the peer chooses anew; what was checked is
 * forgotten.
 *
 * @return true: they are those that were expected (ice_expect()), which is over.
 */
bool ice_set(struct ice *ice, const struct ice_cred *local,
	     const struct ice_cred *remote);

/**
 * Names of ours are on their way to the peer, in an offer: its checks for them
 * are answered before its answer tells us who it is, which takes longer; an
 * answer that never comes changes nothing.  Of what they say, ice_set() takes
 * over what was said under the name in that answer.
 *
 * @param local   Replaces the ones before; what ice_set() had holds meanwhile.
 * @param former  What the peer calls itself so far, whose checks by that name
 *                are not answered; "": nobody so far.
 *
 * @return 0, EINVAL, ENOMEM.
 */
int ice_expect(struct ice *ice, const struct ice_cred *local,
	       const char *former);

/** A datagram came that is STUN by its first byte. */
void ice_recv(struct ice *ice, const struct sa *src, const uint8_t *p,
	      size_t len, uint64_t now_ms);

/**
 * The peer has shown which address it uses by what it sends from there, sooner
 * than by a check that nominates it: as if it had.
 *
 * @return true: it was another one before, and the handler has been called.
 */
bool ice_select(struct ice *ice, const struct sa *peer);

/** Has this address passed a check?  What it says by DTLS may be believed to
 * come from there. */
bool ice_is_checked(const struct ice *ice, const struct sa *src);

/** ... a check by names that are expected? */
bool ice_is_early(const struct ice *ice, const struct sa *src);

/** The peer's chosen address; NULL: none yet. */
const struct sa *ice_selected(const struct ice *ice);

/** False: for 30 s the peer has not asked: nothing may be sent to it. */
bool ice_consents(const struct ice *ice, uint64_t now_ms);

struct ice_stat {
	uint64_t checks;  /* answered with success                 */
	uint64_t refused; /* answered with an error                */
	uint64_t dropped; /* not answered: not STUN, or no check   */
};

const struct ice_stat *ice_stat(const struct ice *ice);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of ICE share. */

#ifndef SY_NODE_WEBRTC_ICE_IMPL_H
#define SY_NODE_WEBRTC_ICE_IMPL_H

#include "node/webrtc/ice.h"

/* Addresses that passed a check, and the one that the peer has chosen. */
struct ice_places {
	struct sa checkedv[ICE_CHECKED]; /* a circle, the newest at next - 1 */
	size_t checkedc;
	size_t next;
	struct sa selected;
	bool has_selected;
	uint64_t asked_ms;
};

/* A peer that has our offer, and whose answer is not here yet. */
struct ice_early {
	struct ice_cred local;
	char former[ICE_UFRAG_MAX + 1]; /* what it called itself before      */
	char remote[ICE_UFRAG_MAX + 1]; /* ... calls itself, as its checks say */
	struct ice_places at;
};

struct ice {
	struct ice_cred local, remote;
	bool set;
	struct ice_places at;
	struct ice_early *early; /* owned, or NULL */
	struct ice_stat stat;
	ice_send_h *sendh;
	ice_selected_h *selh;
	void *arg;
};

/* A check, as it is dealt with. */
struct ice_check {
	struct ice *ice;
	const struct stun_msg *msg;
	const struct sa *src;
	const char *pwd; /* of ours that it is for */
	bool early;
	struct stun_unknown_attr unknown;
};

/* --- ice.c */

/* A check from there was good. */
void ice_places_add(struct ice_places *at, const struct sa *src,
		    uint64_t now_ms);

bool ice_places_has(const struct ice_places *at, const struct sa *src);

/* "ours:theirs" (RFC 8445 7.2.2) @return theirs; NULL: it is not for us. */
const char *ice_theirs(const struct ice_cred *local, const char *name);

/* Answer a check with success. */
void ice_answer_success(const struct ice_check *c);

/* --- ice_early.c */

/* Is a check by this name one of a peer that has our offer? */
bool ice_early_named(const struct ice *ice, const char *name);

/* Such a check, which is valid: answered, and remembered for its answer. */
void ice_early_check(struct ice_check *c, uint64_t now_ms);

/* ice_set() has those names: what was said under them by who is the peer now
 * holds, all else is forgotten. */
void ice_early_take(struct ice *ice);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a leg says to its peer, in the words that the peer knows: a SIP dialog,
 * or a browser page (page.h).  Offer and answer, ringing, answer and end are
 * the same for both; what only SIP has is nothing for a page.
 *
 * Each is as dialog_*() of that name.
 */

#ifndef SY_NODE_LEG_SIP_WORDS_H
#define SY_NODE_LEG_SIP_WORDS_H

#include "node/leg_sip_priv.h"

int words_progress(struct leg_sip *ls, uint16_t code, struct mbuf *sdp);
int words_answer(struct leg_sip *ls, struct mbuf *sdp);
bool words_is_reliable(const struct leg_sip *ls);
bool words_is_described(const struct leg_sip *ls);
bool words_is_updated(const struct leg_sip *ls);

/** @param reason  For a page; SIP has the phrase of the code. */
void words_hangup(struct leg_sip *ls, uint16_t code, const char *reason);
void words_because(struct leg_sip *ls, const char *reason);
bool words_is_answered(const struct leg_sip *ls);
void words_abandon(struct leg_sip *ls);

int words_offer(struct leg_sip *ls, struct mbuf *sdp);
int words_accept(struct leg_sip *ls, struct mbuf *sdp);
void words_warn(struct leg_sip *ls, const char *warning);
int words_refuse(struct leg_sip *ls, uint16_t code, const char *reason);
bool words_is_ours(const struct leg_sip *ls);
uint32_t words_retry_after(const struct leg_sip *ls);

/** Ask a peer that sends nothing whether it is there: a page's checks of ICE
 * say so. */
void words_probe(struct leg_sip *ls);

int words_peer(const struct leg_sip *ls, struct sa *peer);

/** Id of the router, or gateway, that it is spoken to through; or NULL. */
const char *words_through(const struct leg_sip *ls);

void words_checkpoint(const struct leg_sip *ls, Sy__DialogState *out);
const char *words_call_id(const struct leg_sip *ls);

bool words_is_quiet(const struct leg_sip *ls);
int words_freeze(struct leg_sip *ls);
void words_thaw(struct leg_sip *ls);
void words_depart(struct leg_sip *ls, const struct sa *to);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of a SIP leg share; nobody else includes it.
 *
 *   leg_sip.c         life: a call is made, or taken; media put into force
 *   leg_sip_events.c  what dialog and engine tell
 *   leg_sip_ops.c     what the hub wishes
 *   leg_sip_stat.c    how it sounds
 *   leg_sip_dtmf.c    digits, both ways
 */

#ifndef SY_NODE_LEG_SIP_PRIV_H
#define SY_NODE_LEG_SIP_PRIV_H

#include "node/leg_sip.h"
#include "node/sip/session.h"

/* How a digit came. */
enum digit_method { DIGIT_EVENT, DIGIT_INBAND, DIGIT_INFO };

struct leg_sip {
	struct leg leg;           /* first: the hub knows only this     */
	struct node *node;        /* borrowed                           */
	struct dialog *dlg;       /* owned, as all below                */
	struct session *ses;
	struct media_leg *media;
	struct mbuf *answer;      /* to the INVITE's offer, until 200   */
	char *local_sdp, *remote_sdp; /* last, for the checkpoint       */
	enum media_dtmf dtmf;     /* how digits are sent to it          */
	struct {
		char digit;
		enum digit_method by;
		uint64_t at_ms;
	} digit;                  /* the last that came                 */
	bool late;                /* the peer answers our offer in ACK  */
	bool local_hold;          /* we hold the peer                   */
	bool was_held;            /* ... before the offer under way     */
	struct alarm probe;       /* see leg_sip_watch()                */
	uint64_t heard;           /* packets at its last turn           */
	struct media_stat sampled; /* counters at the last sample       */
};

extern const struct leg_ops leg_sip_ops;
extern const struct dialog_handlers leg_sip_handlers;
media_event_h leg_sip_media_handler;

/** The mode of a name in the configuration; "" and unknown: auto. */
enum media_dtmf leg_sip_dtmf_mode(const char *name);

/** A digit came from the peer; copies by another way are dropped. */
void leg_sip_digit(struct leg_sip *ls, char digit, uint32_t duration_ms,
		   enum digit_method by);

/** Handler of dialog_handlers.info. */
uint16_t leg_sip_info_handler(struct dialog *d, const char *ctype,
			      struct mbuf *body, const char **causep,
			      void *arg);

/** leg_ops.dtmf */
int leg_sip_op_dtmf(struct leg *leg, char digit, uint32_t duration_ms);

/** Remember a description for the checkpoint. @param mb  NULL: none. */
void leg_sip_keep(char **textp, const struct mbuf *mb);

/**
 * Watch over an answered leg: a peer that sends no RTP (it holds, is muted, or
 * has lost its power) is asked now and then whether it is still there.
 */
void leg_sip_watch(struct leg_sip *ls);

/** See struct leg_ops. */
void leg_sip_stat(struct leg *leg);
bool leg_sip_sample(struct leg *leg, struct leg_quality *q);

/** Bring mute, deaf and hold to the media. */
int leg_sip_mute(struct leg_sip *ls);

/** A session's refusal, for the peer and for the call's record. */
#define LEG_SIP_SRTP_REQUIRED "SRTP Required"

/** Put what was negotiated into force; an error is logged. */
int leg_sip_apply(struct leg_sip *ls);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of a SIP leg share; nobody else includes it.
 *
 *   leg_sip.c         life: a call is made, or taken; media put into force
 *   leg_sip_events.c  what dialog and engine tell
 *   leg_sip_ops.c     what the hub wishes
 *   leg_sip_stat.c    how it sounds
 *   leg_sip_dtmf.c    digits, both ways
 *   leg_sip_revive.c  a leg that another node had is made of its record
 *   leg_sip_resume.c  ... and its peer is told where it is
 *   leg_sip_refer.c   REFER, both ways
 *   leg_sip_move.c    a leg that leaves for another node
 *   leg_sip_rtc.c     a leg whose media is WebRTC
 *   leg_sip_told.c    which address of ours its peer is told
 *   leg_sip_words.c   what is said: by a dialog, or to a browser page
 *   leg_browser.c     a leg whose peer is a page
 */

#ifndef SY_NODE_LEG_SIP_PRIV_H
#define SY_NODE_LEG_SIP_PRIV_H

#include "node/leg_sip.h"
#include "node/sip/session.h"
#include "node/webrtc/rtc.h"

enum { LEG_SIP_CODECS = 8 };

/* A leg that another node had, until its media is heard here. */
struct leg_sip_resumed {
	leg_sip_resume_h *h;      /* NULL: nobody, or all was told      */
	void *arg;
	bool begun;               /* it was one                         */
	bool wanted;              /* its peer is to be told where we are */
	bool asked;               /* ... now                            */
	bool busy;                /* our re-INVITE is under way         */
	bool spoke;               /* we send to it                      */
	bool known;               /* ... and it knows where to send     */
	bool unkeyed;             /* it knows, but WebRTC is not up yet */
	bool heard;               /* RTP came                           */
	uint8_t tries;
	uint8_t glares;           /* answers 491                        */
	struct mbuf *offer;       /* of the re-INVITE under way         */
	struct alarm tmr;         /* ask again; or wait for RTP no more */
};

/* How a digit came. */
enum digit_method { DIGIT_EVENT, DIGIT_INBAND, DIGIT_INFO };

struct leg_sip {
	struct leg leg;           /* first: the hub knows only this     */
	struct node *node;        /* borrowed                           */
	struct dialog *dlg;       /* owned, as all below; NULL: a page  */
	struct page *page;        /* NULL: a SIP phone                  */
	struct session *ses;
	struct media_leg *media;
	struct rtc *rtc;          /* NULL: no WebRTC, or not yet        */
	struct door *door;        /* of its port, a reference; NULL: it is
				     its own                            */
	struct dtls_identity *identity; /* its own; NULL: the node's    */
	struct mbuf *answer;      /* to the INVITE's offer, until 200   */
	char *local_sdp, *remote_sdp; /* last, for the checkpoint       */
	enum media_dtmf dtmf;     /* how digits are sent to it          */
	enum session_srtp srtp;   /* policy                             */
	bool inside;              /* the peer is told our own address   */
	bool no_rtc;              /* WebRTC is not taken                */
	bool offer_rtc;           /* our first offer is WebRTC          */
	const char *codecv[LEG_SIP_CODECS]; /* allowed; static names    */
	size_t codecc;
	struct leg_sip_resumed resumed;
	bool hushed;              /* the peer is yet to hear of us      */
	bool stopped;             /* leg_ops.stop_sending               */
	bool departed;            /* only its media is here             */
	struct {
		char digit;
		enum digit_method by;
		uint64_t at_ms;
	} digit;                  /* the last that came                 */
	bool late;                /* the peer answers our offer in ACK  */
	bool local_hold;          /* we hold the peer                   */
	bool was_held;            /* ... before the offer under way     */
	bool holding;             /* that offer is for hold             */
	uint8_t glares;           /* ... and was answered 491 so often  */
	struct alarm again;       /* then it is made again              */
	struct alarm probe;       /* see leg_sip_watch()                */
	struct alarm attempt;     /* its peer is to say something       */
	uint64_t connected;       /* see connected.c: whom it knows of;
				     0: it has not answered yet         */
	struct alarm tell;        /* ... it is told a little later      */
	uint64_t heard;           /* packets at its last turn           */
	struct media_stat sampled; /* counters at the last sample       */
};

/* Of a resumed leg: until its way is known, the others wait no longer than
 * they can be led to believe that nothing happened. */
enum { LEG_SIP_RESUMED_JITTER_MS = 20 };

extern const struct leg_ops leg_sip_ops;
extern const struct dialog_handlers leg_sip_handlers;
media_event_h leg_sip_media_handler;

/** A new object with an RTP leg in the hub's mix.
 * @param af    The peer's family, or AF_UNSPEC.
 * @param page  Its peer is a browser page: it may share a port. */
int leg_sip_alloc(struct leg_sip **lsp, struct node *n, struct hub *hub,
		  int af, bool page);

/** What is configured for a peer; strings of the configuration, or NULL. */
struct leg_sip_peer_conf {
	const char *srtp;
	const char *dtmf;
	const char *media;
};

/**
 * One with a session, and a voice as configured.
 *
 * @param uri  Whom we call, or NULL.
 * @param af   The peer's family, or AF_UNSPEC.
 * @param at   Where it is, or unset.
 */
int leg_sip_new(struct leg_sip **lsp, struct node *n, struct hub *hub,
		const struct leg_conf *conf, const struct codec_list *codecs,
		const struct leg_sip_peer_conf *peer, const char *uri, int af,
		const struct sa *at);

/** What its session is to be made of, but for codecs. */
void leg_sip_session_conf(struct session_conf *sc, const struct leg_sip *ls);

/** Put info.voice into force, or none, if that cannot be done here. */
void leg_sip_voice(struct leg_sip *ls);

/** Bring hushed and stopped to the media. @return 0, EAGAIN. */
int leg_sip_send(struct leg_sip *ls);

/** The policy of a name in the configuration. @param set  Or NULL. */
enum session_srtp leg_sip_srtp_mode(const char *own, const Sy__Settings *set);
const char *leg_sip_srtp_name(enum session_srtp mode);

/* --- leg_sip_told.c */

/** Where whom we call is, as far as it is known before. @param peer  Set, or
 * unset: not known. */
void leg_sip_peer(struct sa *peer, const struct leg_sip_call *call);

/** Is a peer in a local net? @param peer  Unset: no. */
bool leg_sip_is_inside(const struct node *n, const struct sa *peer);

/**
 * Where its media is received, as its peer is told.
 *
 * @param told  Set.
 * @param also  A second address, for ICE only; unset: none.
 */
void leg_sip_told(struct sa *told, struct sa *also, const struct leg_sip *ls);

/** An offer of the peer came: it may have gone into a local net, or out. */
void leg_sip_look(struct leg_sip *ls);

/* --- leg_sip_rtc.c */

/** media_leg_rtp_set(), of WebRTC when it can be. @param prm  Completed; its
 * holder wipes the keys. */
int leg_sip_rtp_set(struct leg_sip *ls, struct media_rtp_params *prm);

/** Its peer has an offer of ours: by WebRTC it may come before its answer. */
void leg_sip_expect(struct leg_sip *ls);

/** Can it be sent to?  Of WebRTC: its address and keys are known. */
bool leg_sip_is_keyed(const struct leg_sip *ls);

/** Its media, which is the caller's from now on; maybe NULL. */
struct media_leg *leg_sip_take_media(struct leg_sip *ls);

/** The certificate that it proves itself by; borrowed. */
struct dtls_identity *leg_sip_identity(const struct leg_sip *ls);

/** A leg that had another transport before gets a certificate of its own:
 * with the same one its peer would wait for the former association to go on.
 * @param local  Our last description. @return 0, ENOMEM, EIO. */
int leg_sip_identity_new(struct leg_sip *ls, const char *local);

/** @param media  As in Device.media, or NULL.
 *  @param uri    Whom we call, or NULL: we are called. */
void leg_sip_media_mode(struct leg_sip *ls, const char *media, const char *uri);

/* --- leg_sip_resume.c; each does nothing for a leg that was not resumed */

enum { LEG_SIP_SOON_MS = 1 }; /* once this answer is dealt with */

/** Tell its peer, by an offer, in a while. @param ms  0: at once. */
void leg_sip_ask_later(struct leg_sip *ls, uint32_t ms);

/** Send to its peer from now on, and wait for what that sends; by WebRTC as
 * soon as that can be: see leg_sip_keyed(). */
void leg_sip_speak(struct leg_sip *ls);

/** Its WebRTC is up. */
void leg_sip_keyed(struct leg_sip *ls);

/** Its peer knows where we are: by an answer of ours, or by one to us. */
void leg_sip_known(struct leg_sip *ls);

/** How its dialog is named now: for lamps, and for people. */
void leg_sip_name(struct leg_sip *ls);

/** It was answered, or its ACK came: now the peer can be told. */
void leg_sip_resume_answered(struct leg_sip *ls);

/** Its PRACK came: before the answer it can be told, too, by UPDATE. */
void leg_sip_resume_acked(struct leg_sip *ls);

/** The answer to our re-INVITE, or UPDATE. @return false: that was not for this. */
bool leg_sip_resume_answer(struct leg_sip *ls, int err, uint16_t code,
			   struct mbuf *sdp);

/** When to offer again after 491 (RFC 3261 14.1) [ms]. */
uint32_t leg_sip_glare_ms(const struct leg_sip *ls);

/** Its media is heard. */
void leg_sip_heard(struct leg_sip *ls);

/** It ends, and not because it was not resumed. */
void leg_sip_resume_stop(struct leg_sip *ls, const char *reason);

/** Its dialog is over; tells the hub, of any leg. */
void leg_sip_ended(struct leg_sip *ls, uint16_t code, const char *reason);

/** For its destructor. */
void leg_sip_resume_close(struct leg_sip *ls);

/** The mode of a name in the configuration; "" and unknown: auto. */
enum media_dtmf leg_sip_dtmf_mode(const char *name);
const char *leg_sip_dtmf_name(enum media_dtmf mode);

/** A digit came from the peer; copies by another way are dropped. */
void leg_sip_digit(struct leg_sip *ls, char digit, uint32_t duration_ms,
		   enum digit_method by);

/** Handler of dialog_handlers.info. */
uint16_t leg_sip_info_handler(struct dialog *d, const char *ctype,
			      struct mbuf *body, const char **causep,
			      void *arg);

/** Handlers of dialog_handlers. */
uint16_t leg_sip_refer_handler(struct dialog *d, const struct referto *to,
			       const char *by, void *arg);
void leg_sip_referred_handler(struct dialog *d, uint16_t code, void *arg);

/** leg_ops.dtmf */
int leg_sip_op_dtmf(struct leg *leg, char digit, uint32_t duration_ms);

/** Does an offer of ours say that we hold the peer? */
static inline bool leg_sip_offers_hold(const struct leg_sip *ls)
{
	return ls->local_hold && !ls->page;
}

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

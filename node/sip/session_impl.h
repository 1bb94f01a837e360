/* SPDX-License-Identifier: MIT */
/*
 * What the session*.c files share; nobody else includes it.
 *
 * What was negotiated is kept in struct session, in plain members; libre's
 * SDP objects live in a round, for one offer and its answer only.  So a
 * round that fails leaves nothing behind, and the text of any round can be
 * made again.
 *
 *   session_answer():    round_build() -> decode offer -> encode -> commit
 *   session_offer():     round_build() -> encode, kept as s->offer
 *   session_answered():  decode into s->offer -> commit
 *   session_resume():    a round of our last text, as if it were an offer
 *
 * A payload type, once it has stood in a description, names the same codec
 * to the end (RFC 3264 8.3.2): s->ptv.
 */

#ifndef SY_NODE_SIP_SESSION_IMPL_H
#define SY_NODE_SIP_SESSION_IMPL_H

#include <re.h>

#include "node/sip/sdptext.h"
#include "node/sip/session.h"

enum {
	PT_UNSET = -1,
	PTIME_DEFAULT_MS = 20,
	SESSION_SUITES = MEDIA_SRTP_COUNT - 1,
};

/* What we can put into a description. */
struct format {
	const char *name;
	enum media_codec_id id;
	bool event;       /* telephone-event: no codec (RFC 4733) */
	bool noise;       /* CN: accepted where it is offered     */
	int pt;           /* if it is still free                  */
	uint32_t clock_hz;
	uint8_t ch;       /* RFC 7587 7: Opus is always "/2"      */
	const char *fmtp;
};

enum { FMT_EVENT_8K = 5, FMT_EVENT_48K, FMT_NOISE, FMTC };

extern const struct format session_formats[FMTC];

/* One m line of the last round; all but ours are refused. */
struct line {
	char *name;
	char *proto;
};

/* One round of offer and answer. */
struct round {
	struct sdp_session *sdp;
	struct sdp_media *audio; /* borrowed from sdp */
	struct line linev[SDPTEXT_MEDIA_MAX];
	size_t linec;
	size_t ours;             /* index of our line */
	uint32_t ptime_ms;
	bool hold;               /* ours */
	bool answer;             /* of the peer's offer */
	struct sdptext_rtcp rtcp; /* of the peer */
	size_t cryptoc;
	struct sdes cryptov[SESSION_SUITES]; /* a=crypto of ours */
	bool rtc;                /* our line is WebRTC */
	struct ice_cred cred;    /* ours in it */
	bool former;             /* ... of another node that made the offer */
	char mid[SDPRTC_MID_MAX + 1];
	bool bundled;            /* ... is in a BUNDLE group */
};

struct session {
	struct session_conf conf;
	unsigned fmtv[FMTC];     /* formats that we use, by preference */
	size_t fmtc;
	int ptv[FMTC];           /* payload types in use, or PT_UNSET */
	uint64_t id;
	uint64_t version;
	struct mbuf *last;       /* last description, after its o line */
	struct mbuf *settled;    /* the last that was agreed on, the same */
	struct round *offer;     /* ours, as long as it may be answered */
	struct round *first;     /* our first one, until it is settled */
	struct round *agreed;    /* m lines of the last round */
	struct media_srtp srtpv[SESSION_SUITES]; /* keys of our offers */
	struct media_rtp_params prm;
	struct ice_cred cred;    /* ours */
	struct rtc_params rtc;   /* agreed on, with is_rtc */
	bool is_rtc;
	bool bundled;
	char mid[SDPRTC_MID_MAX + 1];
	const struct format *tx;
	const char *why;         /* of session_why() */
	bool ready;
	bool hold;
	bool remote_hold;
	bool resuming;           /* within session_resume() */
	bool narrow;             /* offers have only what is in use */
};

/* The peer's side of a decoded round. */
struct agreement {
	struct media_rtp_params prm;
	struct rtc_params rtc;
	const struct format *tx;
	bool remote_hold;
};

/* --- session_round.c */

/** A round for the m lines of an offer (t), of the last round (agreed), or,
 * where both are NULL, for one audio line. */
int round_alloc(struct round **rp, const struct session *s,
		const struct sdptext *t, const struct round *agreed);

/** Add an m line. @return 0, EOVERFLOW, ENOMEM. */
int round_line_add(struct round *r, const char *name, const char *proto);

/** A round without lines. */
int round_alloc_empty(struct round **rp);

/** Make libre's objects for its lines; r->ours must be set. */
int round_build(struct session *s, struct round *r);

/** Its last text: that is s->last after an o line. */
int round_text(const struct session *s, struct mbuf **mbp);

/** Our description as text; the session's version counts changes only. */
int round_print(struct session *s, struct round *r, bool offer,
		struct mbuf **mbp);

/* --- session_agree.c */

/** Which m line of an offer we take. @return 0, EBADMSG, ENOTSUP. */
int session_choose_line(const struct session *s, const struct sdptext *t,
			size_t *ip);

/** Why none of them will do: a warning, see session_why(). */
const char *session_why_no_line(const struct session *s,
				const struct sdptext *t);

/** Can we send to where this line says? @return 0, EBADMSG, ENOTSUP. */
int session_check_line(const struct session *s,
		       const struct sdptext_media *m);

/** What follows from a decoded round; changes nothing.
 * @return 0, ENOTSUP (no common codec). */
int session_agree(const struct session *s, const struct round *r,
		  struct agreement *a);

/* --- session_srtp.c */

/** Do we take this line of an offer, with SRTP (secure), or without? */
bool session_srtp_takes(const struct session *s,
			const struct sdptext_media *m, bool secure);

/** Is this a protocol that we know at all? */
bool session_srtp_known(const struct sdptext_media *m);

/** The protocol of our first offer. */
const char *session_srtp_proto(const struct session *s);

/** Put a=crypto into our offer, or answer; and find what is agreed on.
 * @return 0, ENOTSUP, EIO, ENOMEM. */
int session_srtp_offer(struct session *s, struct round *r);
int session_srtp_answer(const struct session *s, struct round *r,
			const struct sdptext_media *m, struct agreement *a);
int session_srtp_answered(const struct session *s, const struct round *r,
			  const struct sdptext_media *m, struct agreement *a);

/* --- session_rtc.c; an error of a round leaves the session as it was */

/** Is WebRTC allowed here at all? */
bool session_rtc_can(const struct session *s);

/** Do we take this line, as WebRTC? */
bool session_rtc_takes(const struct session *s, const struct sdptext_media *m);

/** Why not: a warning, see session_why(). */
const char *session_rtc_why(const struct session *s,
			    const struct sdptext_media *m);

/** The protocol of an offer. */
const char *session_rtc_proto(void);

/** As those of session_srtp.c, for a round with rtc. */
int session_rtc_offer(struct session *s, struct round *r);
int session_rtc_answer(const struct session *s, struct round *r,
		       const struct sdptext_media *m, struct agreement *a);
int session_rtc_answered(const struct session *s, const struct round *r,
			 const struct sdptext_media *m, struct agreement *a);

/** What a description of ours says, for the round that it is. */
void session_rtc_read(const struct session *s, struct round *r,
		      const struct sdptext_media *own);

#endif

/* SPDX-License-Identifier: MIT */
/* What the files of a transport share. */

#ifndef SY_NODE_WEBRTC_RTC_IMPL_H
#define SY_NODE_WEBRTC_RTC_IMPL_H

#include "node/webrtc/rtc.h"

struct rtc {
	struct media_leg *media; /* borrowed; NULL: detached            */
	struct dtls_identity *id;
	struct ice *ice;
	struct dtls *dtls;   /* NULL: before rtc_set()               */
	struct dtls *former; /* replaced, freed with the next one    */
	struct dtls_fingerprint fp;
	bool active;
	struct sa from; /* whom DTLS is with                    */
	bool has_from;
	struct media_srtp tx, rx; /* no suite: not yet                  */
	bool keyed;		  /* by the DTLS of now                   */
	bool silent;		  /* RTC_SILENT was told                  */
	uint64_t until_ms;	  /* there must be keys                   */
	unsigned failed;	  /* handshakes since rtc_set()           */
	struct tmr tmr;
	struct door *door;        /* owned; NULL: the leg has its own port  */
	struct door_name *name;   /* owned; of our user name there          */
	struct door_name *offered;     /* owned; the same of rtc_expect()   */
	struct list early; /* DTLS that came before its answer          */
	const char *why;
	rtc_event_h *h;
	void *arg;
};

/* --- rtc.c */

/* A datagram of the peer's, of the leg's own socket or of its door. */
void rtc_take(struct rtc *rtc, const struct sa *src, const uint8_t *p,
	      size_t len);

/* RTC_READY, if it is. */
void rtc_tell_ready(struct rtc *rtc);

/* RTC_FAILED. @param why  Static. */
void rtc_fail(struct rtc *rtc, const char *why);

/* --- rtc_dtls.c */

/* Another association of DTLS, of rtc->fp and rtc->active; the former one is
 * kept until the next one: we may stand in a handler of it.  @return 0, ENOMEM,
 * EIO. */
int rtc_dtls_new(struct rtc *rtc);

/* A datagram that is DTLS by its first byte. */
void rtc_dtls_take(struct rtc *rtc, const struct sa *src, const uint8_t *p,
		   size_t len);

/* --- rtc_door.c */

/* Send, by the door if there is one. */
void rtc_say(const struct rtc *rtc, const struct sa *dst, const uint8_t *p,
	     size_t len);

/* Its peer has its keys: the leg's socket is connected to it. */
void rtc_join(struct rtc *rtc);

/* Be found at the door by our name as it was agreed on. @return 0, ENOMEM. */
int rtc_door_known(struct rtc *rtc, const char *ufrag);

/* ... by one that is on its way in an offer. @return 0, ENOMEM. */
int rtc_door_offered(struct rtc *rtc, const char *ufrag);

#endif

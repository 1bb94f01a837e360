/* SPDX-License-Identifier: MIT */
/*
 * Inside of a call: call.c (life), call_recv.c (what arrives),
 * call_out.c (our INVITE), call_in.c (theirs), call_change.c (re-INVITE),
 * call_media.c (descriptions and stream).
 */
#ifndef PHONE_CALL_PRIV_H
#define PHONE_CALL_PRIV_H

#include "tests/phone/call.h"
#include "tests/phone/dialog.h"

/* A 2xx to an INVITE, sent again until its ACK comes (RFC 3261 13.3.1.4). */
struct accept {
	struct mbuf *mb; /* NULL: none waits */
	struct sip_msg *msg;
	struct tmr tmr;
	unsigned sent;
	uint64_t until_ms;
	bool offered; /* the 2xx has an offer: the ACK has the answer */
};

struct call {
	struct le le;
	struct phone *phone; /* borrowed: it owns this */
	char *id;
	enum call_state state;
	bool outgoing;
	struct dialog dlg;
	char *uri;   /* Request-URI of our INVITE */
	char *proxy; /* of this call, or NULL     */

	struct sip_request *req; /* our INVITE, re-INVITE or BYE */
	unsigned auth_tries;
	bool cancelled;
	char *via; /* "SIP/2.0/UDP host;branch=..." of our INVITE */
	uint32_t invite_cseq;
	struct mbuf *ack; /* of the last 2xx, to be sent again */
	uint32_t ack_cseq;

	struct sip_strans *st;	 /* of their INVITE      */
	struct sip_msg *invite;	 /* theirs               */
	struct accept accept;
	struct mbuf *early; /* the answer in our 183, for the 200, or NULL */
	struct tmr tmr_answer;
	bool bye_after_ack;
	bool hangup; /* it is in the next portions of phone_hangup */

	struct stream *stream;
	enum codec_id codecv[DESC_CODECS_MAX];
	size_t codecc;
	struct desc local, remote;
	struct secure_line keyv[SECURE_COUNT]; /* ours, by suite */
	enum desc_dir dir; /* what we want */
	bool held_remote;
	uint32_t sdp_id, sdp_version;
	struct call_change change; /* of the re-INVITE under way */
	bool changing;
	unsigned reinvites; /* theirs, done */

	uint64_t start_us, up_us;
	double setup_ms, ring_ms; /* negative: not yet */
	call_note_h *noteh;
	void *arg;
};

/* call.c */
int call_alloc(struct call **callp, struct phone *p, const char *id);
void call_established(struct call *call);
void call_close(struct call *call, unsigned code, const char *reason,
		const char *by);
void call_failed(struct call *call, int err, const struct sip_msg *msg);
void call_note(struct call *call, enum call_note note, unsigned code);
uint64_t call_clock_us(void);
int call_bye(struct call *call);

/* call_media.c: descriptions and the stream */
int call_stream_open(struct call *call);
int call_offer(struct call *call, struct mbuf *body);
int call_offer_received(struct call *call, const struct sip_msg *msg,
			struct mbuf *body);
int call_answer_received(struct call *call, const struct sip_msg *msg);
int call_body_encode(struct mbuf *mb, struct mbuf *body);
json_t *call_codecs_json(const struct desc *d);
json_t *call_media_json(const struct call *call);

/* call_out.c */
int call_invite(struct call *call, struct mbuf *body, sip_resp_h *resph);
int call_ack(struct call *call, const struct sip_msg *resp);
bool call_authenticate(struct call *call, const struct sip_msg *msg);

/* call_in.c */
void call_invited(struct phone *p, const struct sip_msg *msg);
int call_accept(struct call *call, struct sip_strans **stp,
		const struct sip_msg *msg);
void call_ack_received(struct call *call, const struct sip_msg *msg);

/* call_change.c */
void call_reinvited(struct call *call, const struct sip_msg *msg);
void call_change_acked(struct call *call);

#endif

/* SPDX-License-Identifier: MIT */
/* The calls of a phone, as the rest of the program sees them. */
#ifndef PHONE_CALL_H
#define PHONE_CALL_H

#include "tests/phone/phone.h"

enum call_state {
	CALL_CALLING,  /* our INVITE is under way                    */
	CALL_INCOMING, /* theirs waits for our answer                */
	CALL_ACCEPTED, /* our 200 waits for its ACK                  */
	CALL_UP,
	CALL_ENDING,   /* our BYE is under way                       */
};

struct call;

/* What a load wants to know of its calls. */
enum call_note {
	CALL_NOTE_RINGING,
	CALL_NOTE_UP,
	CALL_NOTE_CLOSED, /* the call is gone after this */
};

typedef void(call_note_h)(struct call *call, enum call_note note,
			  unsigned code, void *arg);

/**
 * Call.  The phone owns the call.
 *
 * @param id     A name, or NULL for the next free one.
 * @param to     Number or URI.
 * @param proxy  Next hop of this INVITE, or NULL.
 */
int call_start(struct call **callp, struct phone *p, const char *id,
	       const char *to, const char *proxy);

/**
 * Find a call of a phone.
 *
 * @param id  NULL: the only one.
 *
 * @return 0; ENOENT none; EBUSY several and no id
 */
int call_find(struct call **callp, const struct phone *p, const char *id);

int call_answer(struct call *call);
int call_reject(struct call *call, unsigned code);
int call_cancel(struct call *call);

/** End it in whatever way its state asks for. */
int call_hangup(struct call *call);

/** All calls of a phone, some thousand a second. */
void phone_hangup(struct phone *p);

/* What a re-INVITE of ours changes. */
struct call_change {
	enum { CHANGE_OTHER, CHANGE_HOLD, CHANGE_RESUME } kind;
	enum desc_dir dir;	/* for HOLD                     */
	const enum codec_id *codecv; /* NULL: as before          */
	size_t codecc;
	const struct sa *laddr; /* move media there, or NULL    */
	bool no_offer;
	bool rekey; /* new SRTP keys of ours        */
};

/** @return 0; EBUSY a re-INVITE is under way; EPROTO not established */
int call_change(struct call *call, const struct call_change *ch);

const char *call_id(const struct call *call);
enum call_state call_state(const struct call *call);
struct phone *call_phone(const struct call *call);
struct stream *call_stream(const struct call *call);

/** Times since the INVITE was sent [ms]; negative: not yet. */
double call_setup_ms(const struct call *call);
double call_ring_ms(const struct call *call);

/** Re-INVITEs of the other side that were done. */
unsigned call_reinvites(const struct call *call);

/** What a watch of a tone found, as the members of an event. */
json_t *call_tone_json(const struct gap_result *res);

/** Be told of a call; NULL ends it. */
void call_set_note(struct call *call, call_note_h *h, void *arg);

/** Somebody is told of it. */
bool call_noted(const struct call *call);

/** An event of this call; takes more. */
void call_event(const struct call *call, const char *name, json_t *more);

/** As call_event, also when the phone is quiet. */
void call_event_asked(const struct call *call, const char *name,
		      json_t *more);

/* What libre received for a phone (arg) and no transaction wanted. */
bool call_request_handler(const struct sip_msg *msg, void *arg);
bool call_response_handler(const struct sip_msg *msg, void *arg);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Calls: their life.
 *
 *   CALLING -----200----> UP <----ACK----- ACCEPTED <--answer-- INCOMING
 *      |                   |                                       |
 *      | failure, 487      | BYE sent -> ENDING -> its answer      | reject,
 *      v                   v BYE received                          v CANCEL
 *   closed               closed                                  closed
 */

#include <string.h>
#include <time.h>
#include "tests/phone/call_priv.h"

enum {
	HANGUP_BATCH = 20,
	HANGUP_MS = 5,
};

static void bye_handler(int err, const struct sip_msg *msg, void *arg);

uint64_t call_clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000ULL + ts.tv_nsec / 1000;
}

static void destructor(void *arg)
{
	struct call *call = arg;

	list_unlink(&call->le);
	tmr_cancel(&call->tmr_answer);
	tmr_cancel(&call->accept.tmr);
	mem_deref(call->req);
	mem_deref(call->st);
	mem_deref(call->accept.mb);
	mem_deref(call->early);
	mem_deref(call->accept.msg);
	mem_deref(call->invite);
	mem_deref(call->stream);
	mem_deref(call->ack);
	mem_deref(call->via);
	mem_deref(call->uri);
	mem_deref(call->proxy);
	mem_deref(call->id);
	dialog_reset(&call->dlg);
}

int call_alloc(struct call **callp, struct phone *p, const char *id)
{
	struct call *call = mem_zalloc(sizeof(*call), destructor);
	int err;

	if (!call)
		return ENOMEM;

	call->phone = p;
	call->dir = DESC_SENDRECV;
	call->start_us = call_clock_us();
	call->setup_ms = call->ring_ms = -1.0;
	call->sdp_id = rand_u32() >> 1;
	call->codecc = p->codecc;
	memcpy(call->codecv, p->codecv, sizeof(call->codecv));
	err = id ? str_dup(&call->id, id)
		 : re_sdprintf(&call->id, "c%u", ++p->farm->call_number);
	if (!err)
		err = call_stream_open(call);

	if (err) {
		mem_deref(call);
		return err;
	}

	list_append(&p->calll, &call->le, call);
	*callp = call;
	return 0;
}

/* ----------------------------------------------------------------- events */

void call_event_asked(const struct call *call, const char *name, json_t *more)
{
	json_t *obj = json_pack("{s:s}", "call", call->id);

	if (more) {
		json_object_update(obj, more);
		json_decref(more);
	}

	phone_event(call->phone, name, obj);
}

void call_event(const struct call *call, const char *name, json_t *more)
{
	if (call->phone->quiet)
		json_decref(more);
	else
		call_event_asked(call, name, more);
}

void call_note(struct call *call, enum call_note note, unsigned code)
{
	if (call->noteh)
		call->noteh(call, note, code, call->arg);
}

void call_set_note(struct call *call, call_note_h *h, void *arg)
{
	call->noteh = h;
	call->arg = arg;
}

bool call_noted(const struct call *call)
{
	return call->noteh != NULL;
}

void call_established(struct call *call)
{
	json_t *more = call_media_json(call);

	call->state = CALL_UP;
	call->up_us = call_clock_us();
	json_object_set_new(more, "direction",
			    json_string(call->outgoing ? "out" : "in"));
	call_event(call, "established", more);
	call_note(call, CALL_NOTE_UP, 200);
}

static json_t *rtp_json(const struct call *call)
{
	struct stream_stats st;

	stream_stats(call->stream, &st);
	return json_pack("{s:I s:I s:I s:I s:I s:I s:f s:f s:I s:I s:I s:f}", "tx",
			 (json_int_t)st.tx, "rx", (json_int_t)st.rx, "lost",
			 (json_int_t)st.lost, "late", (json_int_t)st.late,
			 "stray", (json_int_t)st.stray, "forged",
			 (json_int_t)st.forged, "jitter_ms", st.jitter_ms, "gap_ms_max", st.gap_max_ms, "rtcp_tx",
			 (json_int_t)st.rtcp_tx, "rtcp_rx",
			 (json_int_t)st.rtcp_rx, "told_lost",
			 (json_int_t)st.told_lost, "rtt_ms", st.rtt_ms);
}

json_t *call_tone_json(const struct gap_result *res)
{
	return json_pack("{s:i s:b s:f s:f s:f s:f s:i s:f}", "hz",
			 (int)res->hz, "heard", res->heard, "first_ms",
			 res->first_ms, "longest_ms", res->longest_ms,
			 "longest_at_ms", res->longest_at_ms, "total_ms",
			 res->total_ms, "absences", (int)res->absences,
			 "silent_ms", res->silent_ms);
}

static json_t *closed_json(const struct call *call, unsigned code,
			   const char *reason, const char *by)
{
	const double talk_ms = call->up_us
		? (call_clock_us() - call->up_us) / 1e3 : 0.0;
	struct gap_result res;
	json_t *more;

	more = json_pack("{s:i s:s s:s s:f s:i s:o}", "code", code, "reason",
			 reason ? reason : "", "by", by, "talk_ms", talk_ms,
			 "reinvites", (int)call->reinvites, "rtp",
			 rtp_json(call));
	if (stream_tone_gaps(call->stream, &res))
		json_object_set_new(more, "tone", call_tone_json(&res));

	return more;
}

void call_close(struct call *call, unsigned code, const char *reason,
		const char *by)
{
	struct tally *tally = &call->phone->farm->tally;

	stream_stop(call->stream); /* who listens is told before the end */
	if (call->up_us)
		++tally->ended;
	else
		tally_fail(tally->failed, code);

	call_event(call, "closed", closed_json(call, code, reason, by));
	call_note(call, CALL_NOTE_CLOSED, code);
	call->noteh = NULL;
	mem_deref(call);
}

void call_failed(struct call *call, int err, const struct sip_msg *msg)
{
	char reason[128];

	if (msg) {
		pl_strcpy(&msg->reason, reason, sizeof(reason));
		call_close(call, msg->scode, reason,
			   call->cancelled ? "local" : "remote");
		return;
	}

	re_snprintf(reason, sizeof(reason), "%m", err);
	call_close(call, err == ETIMEDOUT ? 408 : 503, reason,
		   err == ETIMEDOUT ? "timeout" : "local");
}

/* ----------------------------------------------------------------- lookup */

int call_find(struct call **callp, const struct phone *p, const char *id)
{
	struct le *le;

	LIST_FOREACH(&p->calll, le) {
		struct call *call = le->data;

		if (id && str_cmp(call->id, id))
			continue;
		if (!id && le->next)
			return EBUSY;

		*callp = call;
		return 0;
	}

	return ENOENT;
}

const char *call_id(const struct call *call)
{
	return call->id;
}

enum call_state call_state(const struct call *call)
{
	return call->state;
}

struct phone *call_phone(const struct call *call)
{
	return call->phone;
}

struct stream *call_stream(const struct call *call)
{
	return call->stream;
}

double call_setup_ms(const struct call *call)
{
	return call->setup_ms;
}

unsigned call_reinvites(const struct call *call)
{
	return call->reinvites;
}

double call_ring_ms(const struct call *call)
{
	return call->ring_ms;
}

/* ----------------------------------------------------------------- ending */

int call_bye(struct call *call)
{
	struct mbuf *mb = mbuf_alloc(1024);
	int err;

	if (!mb)
		return ENOMEM;

	err = dialog_encode(mb, &call->dlg, "BYE", ++call->dlg.lseq);
	err |= credentials_encode(&call->phone->cred, mb, "BYE",
				  call->dlg.target);
	err |= mbuf_write_str(mb, "Content-Length: 0\r\n\r\n");
	if (!err)
		err = phone_request(call->phone, &call->req, METHOD_BYE,
				    call->dlg.target,
				    dialog_next_hop(&call->dlg), mb,
				    bye_handler, call);

	mem_deref(mb);
	return err;
}

static void bye_handler(int err, const struct sip_msg *msg, void *arg)
{
	struct call *call = arg;
	char reason[128];

	if (!err && msg->scode < 200)
		return;

	if (!err && call_authenticate(call, msg) && !call_bye(call))
		return;

	if (err) {
		call_failed(call, err, NULL);
		return;
	}

	pl_strcpy(&msg->reason, reason, sizeof(reason));
	call_close(call, msg->scode, reason, "local");
}

int call_hangup(struct call *call)
{
	int err;

	switch (call->state) {

	case CALL_CALLING:
		return call_cancel(call);

	case CALL_INCOMING:
		return call_reject(call, 486);

	case CALL_ACCEPTED: /* RFC 3261 15: not before the ACK */
		call->bye_after_ack = true;
		return 0;

	case CALL_ENDING:
		return 0;

	case CALL_UP:
		break;
	}

	/* A re-INVITE that is under way is no longer of interest. */
	call->req = mem_deref(call->req);
	call->changing = false;
	call->state = CALL_ENDING;
	call->auth_tries = 0;
	stream_stop(call->stream);
	err = call_bye(call);
	if (err)
		call_failed(call, err, NULL);

	return err;
}

/* In portions: a thousand at once would overflow the sockets on the way. */
static void hangup_handler(void *arg)
{
	struct phone *p = arg;
	struct le *le = list_head(&p->calll);
	unsigned n = 0;

	while (le && n < HANGUP_BATCH) {
		struct call *call = le->data;

		le = le->next;
		if (!call->hangup)
			continue;

		call->hangup = false;
		(void)call_hangup(call);
		++n;
	}

	if (n == HANGUP_BATCH)
		tmr_start(&p->tmr_hangup, HANGUP_MS, hangup_handler, p);
}

void phone_hangup(struct phone *p)
{
	struct le *le;

	LIST_FOREACH(&p->calll, le)
		((struct call *)le->data)->hangup = true;

	tmr_cancel(&p->tmr_hangup);
	hangup_handler(p);
}

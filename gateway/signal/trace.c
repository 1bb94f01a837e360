/* SPDX-License-Identifier: MIT */
/*
 * The signalling of a call with a page is kept with the SIP messages of the
 * call: what a page says of a leg, what it is answered, and what it is told.
 * It is collected for a moment and written together; what Redis does not take
 * is dropped and counted, nobody waits for it.
 */

#include <string.h>

#include "gateway/signal/signal_impl.h"
#include "gateway/signal/trace_text.h"
#include "proto/schema.h"
#include "proto/trace_mask.h"

enum {
	FLUSH_MS = 50,
	KEEP_S = 900,              /* default of Settings.trace_seconds   */
	TEXT_MAX = 16384,          /* as routers keep of a message        */
};

static const Sy__Settings *settings(const struct signal *s)
{
	const Sy__Config *conf = view_config(s->view);

	return conf ? conf->settings : NULL;
}

static bool is_wanted(const struct signal *s)
{
	const Sy__Settings *set = settings(s);

	return s->trace && !(set && !strcmp(set->trace, "off"));
}

void trace_flush(struct signal *s)
{
	const Sy__Settings *set = settings(s);

	s->trace_tmr = mem_deref(s->trace_tmr);
	if (s->trace)
		trace_batch_write(s->trace, view_redis(s->view),
				  set && set->trace_seconds
					  ? set->trace_seconds : KEEP_S);
}

static void flush_handler(void *arg)
{
	trace_flush(arg);
}

/* Whole characters only. */
static size_t cut_at(const char *p, size_t len)
{
	if (len <= TEXT_MAX)
		return len;

	len = TEXT_MAX;
	while (len && ((uint8_t)p[len] & 0xc0) == 0x80)
		--len;

	return len;
}

static void keep(struct phone *ph, const struct trace_about *about,
		 const ProtobufCMessage *msg, const uint8_t *hub,
		 struct mbuf *mb)
{
	const bool in = msg->descriptor == &sy__ws_client__descriptor;
	const bool tls = ws_is_secure(ph->client);
	const struct signal *s = ph->signal;
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Sy__TraceMessage tm = SY__TRACE_MESSAGE__INIT;
	char *peer = (char *)ws_peer(ph->client);
	char *here = (char *)(tls ? s->https : s->http);
	char *text = (char *)mb->buf;
	const size_t len = mb->end - 1, kept = cut_at(text, len);

	trace_mask(text, len);
	text[kept] = '\0';
	timestamp_set_ms(&at, about->at_ms ? about->at_ms : timestamp_now_ms());
	tm.at = &at;
	tm.direction = in ? "in" : "out";
	tm.router = (char *)view_id(s->view);
	tm.transport = tls ? "wss" : "ws";
	tm.source = in ? peer : here;
	tm.target = in ? here : peer;
	tm.leg = (char *)about->leg;
	tm.text = text;
	tm.cut_bytes = (uint32_t)(len - kept);
	trace_batch_put(s->trace, hub, &tm,
			about->ended ? TRACE_TELLS_END
			: in	     ? TRACE_TELLS_RUNNING
				     : TRACE_TELLS_NOTHING);
}

void trace(struct phone *ph, const struct trace_about *about,
	   const ProtobufCMessage *msg)
{
	struct signal *s = ph->signal;
	uint8_t hub[ULID_BYTES];
	struct mbuf *mb;

	if (!s || !ph->client || !is_wanted(s) ||
	    ulid_read(hub, about->call, strlen(about->call)))
		return;

	mb = mbuf_alloc(1024);
	if (mb && !trace_text(mb, msg, ph->device) && !mbuf_write_u8(mb, 0))
		keep(ph, about, msg, hub, mb);
	mem_deref(mb);
	if (!s->trace_tmr)
		(void)loop_timer_start(&s->trace_tmr, view_loop(s->view),
				       FLUSH_MS, flush_handler, s);
}

void trace_refused(struct phone *ph, const struct trace_about *about,
		   const char *type, const char *why)
{
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	Sy__WsError error = SY__WS_ERROR__INIT;

	error.type = (char *)type;
	error.detail = (char *)why;
	msg.body_case = SY__WS_SERVER__BODY_ERROR;
	msg.error = &error;
	trace(ph, about, &msg.base);
}

void trace_done(struct phone *ph, const struct trace_about *about)
{
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	Sy__WsDone done = SY__WS_DONE__INIT;

	msg.body_case = SY__WS_SERVER__BODY_DONE;
	msg.done = &done;
	trace(ph, about, &msg.base);
}

void trace_placed(struct phone *ph, Sy__PhonePlaced *placed, char *to,
		  char *sdp, uint64_t at_ms)
{
	struct trace_about about = {placed->call, placed->leg, at_ms, false};
	Sy__PhoneCall call = SY__PHONE_CALL__INIT;
	Sy__WsClient in = SY__WS_CLIENT__INIT;
	Sy__WsServer out = SY__WS_SERVER__INIT;

	call.to = to;
	call.sdp = sdp;
	in.body_case = SY__WS_CLIENT__BODY_PHONE_CALL;
	in.phone_call = &call;
	trace(ph, &about, &in.base);
	about.at_ms = 0;
	out.body_case = SY__WS_SERVER__BODY_PHONE_PLACED;
	out.phone_placed = placed;
	trace(ph, &about, &out.base);
}

/* SPDX-License-Identifier: MIT */
/* The HTTP/2 engine's own: h2.c drives the session, h2_request.c hears what
 * the peer sends, h2_response.c gives what it asks for. */

#ifndef SY_GATEWAY_HTTP_H2_IMPL_H
#define SY_GATEWAY_HTTP_H2_IMPL_H

#include <nghttp2/nghttp2.h>

#include "gateway/http/engine.h"
#include "gateway/http/h2_guard.h"
#include "gateway/http/request_impl.h"

struct h2 {
	struct engine e;
	nghttp2_session *session;
	uint64_t idle_ms;     /* since when there is no request         */
	bool used;
	bool head_open;       /* a header block is incomplete           */
	uint64_t head_ms;     /* since when                             */
	struct h2_guard guard; /* what only costs                       */
};

/** A field whose name and value live until it was submitted. */
nghttp2_nv h2_nv(const char *name, const char *value);

/** A response began or has more. */
void h2_ready(struct engine *e, struct web_req *req);

/** Hear of frames, and count what they cost. */
void h2_watch(nghttp2_session_callbacks *cb);
void h2_watch_options(nghttp2_option *opt);

/** Note which answers wait because the peer's windows are shut. */
void h2_note_stalls(struct h2 *h, uint64_t now_ms);

/** More waits for the peer than it may have waiting. */
bool h2_is_full(const struct h2 *h);

/** Hear of streams: their header, body and end. */
void h2_listen(nghttp2_session_callbacks *cb);

#endif

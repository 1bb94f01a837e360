/* SPDX-License-Identifier: MIT */
/* What an HTTP/2 peer costs us: frames that ask for nothing, and answers that
 * it has asked for and does not take. */

#include <re.h>

#include "gateway/http/h2_impl.h"

enum {
	TAKEN_BYTES = 4096,  /* so much is progress; fewer are a trickle */
	CONTINUATIONS = 4,
	UNKNOWN_FIRST = 0x0a, /* types of frames that HTTP/2 has not      */
};

/* ----------------------------------------------------------------- frames */

static int on_begin_frame(nghttp2_session *s, const nghttp2_frame_hd *hd,
			  void *arg)
{
	struct h2 *h = arg;
	uint32_t cost = h2_guard_cost(hd);
	(void)s;

	if (cost)
		(void)h2_guard_pay(&h->guard, cost, h->e.now_ms);

	return h->guard.broken ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_invalid_frame(nghttp2_session *s, const nghttp2_frame *f,
			    int code, void *arg)
{
	struct h2 *h = arg;
	(void)s;
	(void)f;
	(void)code;

	return h2_guard_pay(&h->guard, GUARD_WRONG, h->e.now_ms)
		       ? 0
		       : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* A reset of ours that the peer has brought about is as one of its own. */
static int on_frame_sent(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	struct h2 *h = arg;
	(void)s;

	if (f->hd.type == NGHTTP2_RST_STREAM &&
	    f->rst_stream.error_code != NGHTTP2_NO_ERROR)
		(void)h2_guard_pay(&h->guard, GUARD_RESET, h->e.now_ms);
	else if (f->hd.type == NGHTTP2_DATA || f->hd.type == NGHTTP2_HEADERS)
		h2_guard_credit(&h->guard);

	return 0;
}

/* Frames of unknown types are counted, and skipped (RFC 9113 4.1). */
static int on_unpack(nghttp2_session *s, void **payload,
		     const nghttp2_frame_hd *hd, void *arg)
{
	(void)s;
	(void)payload;
	(void)hd;
	(void)arg;

	return NGHTTP2_ERR_CANCEL;
}

void h2_watch(nghttp2_session_callbacks *cb)
{
	nghttp2_session_callbacks_set_on_begin_frame_callback(cb,
							      on_begin_frame);
	nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
		cb, on_invalid_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(cb,
							     on_frame_sent);
	nghttp2_session_callbacks_set_unpack_extension_callback(cb,
								on_unpack);
}

void h2_watch_options(nghttp2_option *opt)
{
	/* Only a type that is asked for is told; it is thrown away then. */
	for (unsigned type = UNKNOWN_FIRST; type <= UINT8_MAX; type++)
		nghttp2_option_set_user_recv_extension_type(opt,
							    (uint8_t)type);
	/* Ours counts more, and by our clock. */
	nghttp2_option_set_stream_reset_rate_limit(opt, UINT32_MAX,
						   UINT32_MAX);
	nghttp2_option_set_max_continuations(opt, CONTINUATIONS);
}

/* ---------------------------------------------------------------- answers */

static bool is_shut(struct h2 *h, const struct web_req *req)
{
	return nghttp2_session_get_remote_window_size(h->session) <= 0 ||
	       nghttp2_session_get_stream_remote_window_size(
		       h->session, req->stream) <= 0;
}

void h2_note_stalls(struct h2 *h, uint64_t now_ms)
{
	struct le *le;

	LIST_FOREACH(&h->e.reql, le) {
		struct web_req *req = le->data;

		if (!web_res_waiting(req) || !is_shut(h, req)) {
			req->stall_ms = 0;
		}
		else if (!req->stall_ms || req->taken_bytes >= TAKEN_BYTES) {
			req->stall_ms = now_ms;
			req->taken_bytes = 0;
		}
	}
}

bool h2_is_full(const struct h2 *h)
{
	size_t n = 0;
	struct le *le;

	LIST_FOREACH(&h->e.reql, le)
		n += web_res_waiting(le->data);

	return n > h->e.conf.lim->waiting_bytes;
}

/* SPDX-License-Identifier: MIT */
/*
 * The HTTP server: listening ports and their connections, on a libuv loop.
 * A port speaks HTTP/1.1 and HTTP/2: with TLS as ALPN says, without TLS by
 * the first bytes (prior knowledge).  What a request means is the handlers'.
 */

#ifndef SY_GATEWAY_HTTP_SERVER_H
#define SY_GATEWAY_HTTP_SERVER_H

#include <uv.h>

#include "gateway/http/engine.h"
#include "gateway/http/request.h"
#include "gateway/http/tls.h"

struct web_server;

/** All connections have ended after web_server_stop(). */
typedef void(web_stopped_h)(void *arg);

struct web_server_conf {
	uv_loop_t *loop;         /* borrowed, outlives the server         */
	struct web_limits lim;
	web_head_h *headh;       /* or NULL                               */
	web_request_h *requesth;
	void *arg;
};

/** Counters since start, for metrics. */
struct web_server_stat {
	unsigned conns;          /* open now                              */
	uint64_t accepted;
	uint64_t refused;        /* too many connections                  */
	uint64_t crowded;        /* ... of one address                    */
	uint64_t floods;         /* cut off for what they sent            */
	uint64_t tls_failed;     /* handshakes                            */
	uint64_t expired;        /* closed by a time limit                */
};

/** @param sp  Set on success; owned by the caller; mem_deref() only after
 *             web_server_stop() and its handler, or if nothing listens. */
int web_server_alloc(struct web_server **sp,
		     const struct web_server_conf *conf);

/**
 * Listen.
 *
 * @param addr   "127.0.0.1:8080", "[::1]:8080"; port 0: any.
 * @param tls    Context, borrowed; NULL: plain.
 * @param bound  Set to the address that it became, or NULL.
 *
 * @return 0, EINVAL (no address), EADDRINUSE, EACCES ...
 */
int web_server_listen(struct web_server *s, const char *addr,
		      struct web_tls *tls, char *bound, size_t size);

/** True if it is "host:port" with a numeric host. */
bool web_address_is_valid(const char *addr);

/**
 * End in order: no new connections, no new requests; those that run get
 * grace_ms to finish.  A second call: without waiting.
 */
void web_server_stop(struct web_server *s, uint32_t grace_ms,
		     web_stopped_h *h, void *arg);

void web_server_stat(const struct web_server *s, struct web_server_stat *st);

#endif

/* SPDX-License-Identifier: MIT */
/* A connection: socket, TLS where the port has it, timer, and the engine of
 * the HTTP version that the peer chose.  Internal to the server. */

#ifndef SY_GATEWAY_HTTP_CONN_H
#define SY_GATEWAY_HTTP_CONN_H

#include <uv.h>

#include "gateway/http/engine.h"
#include "gateway/http/tls.h"

struct web_conn;

enum { CONN_SCRATCH = 64 * 1024 };

/** What a connection needs of its server; outlives it. */
struct conn_host {
	uv_loop_t *loop;
	const struct web_limits *lim;
	web_head_h *headh;
	web_request_h *requesth;
	void *arg;
	struct list connl;       /* open connections                      */
	unsigned conns;          /* their number                          */
	unsigned handles;        /* owners of handles not yet closed      */
	struct sources *sources; /* where they come from; owned           */
	uint64_t tls_failed, expired;
	uint64_t crowded;        /* closed: too many of their address     */
	uint64_t floods;         /* cut off for what they sent            */
	bool leaving;            /* connections end when they may         */
	void (*gone)(struct conn_host *host); /* a handle went            */
	uint8_t in[CONN_SCRATCH];    /* of the read that runs            */
	uint8_t plain[CONN_SCRATCH]; /* likewise, decrypted              */
};

/** Accept a connection. @param tls  NULL: plain. @return 0, or errno (EBUSY:
 * its address has too many). */
int conn_accept(struct conn_host *host, uv_stream_t *listener,
		struct web_tls *tls);

/** End in order. */
void conn_shutdown(struct web_conn *c);

/** End now. */
void conn_close(struct web_conn *c);

#endif

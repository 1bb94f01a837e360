/* SPDX-License-Identifier: MIT */
/* A connection's own: conn.c lives its life, conn_read.c takes its bytes. */

#ifndef SY_GATEWAY_HTTP_CONN_IMPL_H
#define SY_GATEWAY_HTTP_CONN_IMPL_H

#include "gateway/http/conn.h"

enum { CONN_PREFACE_LEN = 16 };

enum conn_state { CONN_OPEN, CONN_LINGER, CONN_CLOSED };

struct web_conn {
	struct le le;
	struct conn_host *host;     /* borrowed                           */
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_write_t wr;
	uv_shutdown_t sd;
	enum conn_state state;
	struct source *source;      /* where it comes from                */
	struct engine *engine;      /* NULL: the version is not yet known */
	struct web_tls_pipe *tls;   /* NULL: plain                        */
	struct mbuf *out;           /* being written                      */
	struct mbuf *text;          /* before it is encrypted             */
	char first[CONN_PREFACE_LEN];    /* bytes, until they tell the version */
	size_t firstlen;
	uint64_t start_ms;          /* accepted; or lingers since         */
	size_t lingered;            /* bytes thrown away                  */
	uint64_t write_ms;          /* the write began                    */
	uint64_t due_ms;            /* of the timer                       */
	unsigned handles;           /* not yet closed                     */
	bool reading, writing, eof, broken;
	char peer[64];
};

static inline uint64_t conn_now_ms(const struct web_conn *c)
{
	return uv_now(c->host->loop);
}

/** After each event: move output, set reading and the timer, or close. */
void conn_step(struct web_conn *c);

/** Start or stop reading. */
void conn_set_reading(struct web_conn *c, bool want);

/** As much of what TLS holds as the engine wants. @return 0, or errno:
 * close. */
int conn_take_tls(struct web_conn *c);

#endif

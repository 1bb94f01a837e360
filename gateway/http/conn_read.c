/* SPDX-License-Identifier: MIT */
/* What a peer sends: through TLS where the port has it, then to the engine
 * of the version that its first bytes, or ALPN, name. */

#include <string.h>
#include <re.h>

#include "gateway/http/conn_impl.h"

/* The first line of an HTTP/2 client, RFC 9113 3.4. */
static const char preface[] = "PRI * HTTP/2.0\r\n";

static void on_wake(void *arg)
{
	conn_step(arg);
}

static int start_engine(struct web_conn *c, bool h2)
{
	struct engine_conf conf = {
		.lim = c->host->lim,
		.peer = c->peer,
		.tls = c->tls != NULL,
		.headh = c->host->headh,
		.requesth = c->host->requesth,
		.arg = c->host->arg,
		.wakeh = on_wake,
		.wake_arg = c,
		.floods = &c->host->floods,
	};

	int err = h2 ? h2_alloc(&c->engine, &conf, conn_now_ms(c))
		     : h1_alloc(&c->engine, &conf, conn_now_ms(c));

	if (!err && c->host->leaving)
		engine_shutdown(c->engine);

	return err;
}

/* Which HTTP?  Waits while the bytes could still be either. */
static int sniff(struct web_conn *c, const uint8_t *p, size_t len)
{
	size_t n = CONN_PREFACE_LEN - c->firstlen;
	bool differs;
	int err;

	if (n > len)
		n = len;
	memcpy(c->first + c->firstlen, p, n);
	c->firstlen += n;

	differs = memcmp(c->first, preface, c->firstlen) != 0;
	if (!differs && c->firstlen < CONN_PREFACE_LEN)
		return 0;

	err = start_engine(c, !differs);
	if (!err)
		err = engine_feed(c->engine, (uint8_t *)c->first,
				  c->firstlen, conn_now_ms(c));
	if (!err && len > n)
		err = engine_feed(c->engine, p + n, len - n, conn_now_ms(c));

	return err;
}

static int take(struct web_conn *c, const uint8_t *p, size_t len)
{
	if (c->state != CONN_OPEN)
		return 0;

	if (!c->engine && c->tls && web_tls_has_alpn(c->tls)) {
		int err = start_engine(c, web_tls_is_h2(c->tls));

		if (err)
			return err;
	}

	return c->engine ? engine_feed(c->engine, p, len, conn_now_ms(c))
			 : sniff(c, p, len);
}

int conn_take_tls(struct web_conn *c)
{
	int err = 0;

	while (!err && (!c->engine || engine_wants_input(c->engine))) {
		long n = web_tls_read(c->tls, c->host->plain, CONN_SCRATCH);

		if (n < 0) {
			/* What is left is an alert: flush it, and go. */
			c->host->tls_failed += !web_tls_is_ready(c->tls);
			c->broken = true;
			break;
		}
		if (n == 0)
			break;
		err = take(c, c->host->plain, (size_t)n);
	}

	return err;
}

static void take_eof(struct web_conn *c)
{
	c->eof = true;
	if (c->engine && c->state == CONN_OPEN)
		engine_eof(c->engine);
	else
		c->broken = true;
}

static void on_alloc(uv_handle_t *handle, size_t want, uv_buf_t *buf)
{
	struct web_conn *c = handle->data;
	(void)want;

	*buf = uv_buf_init((char *)c->host->in, CONN_SCRATCH);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct web_conn *c = stream->data;
	int err = 0;

	if (n == 0)
		return;

	if (n < 0) {
		if (n != UV_EOF) {
			conn_close(c);
			return;
		}
		take_eof(c);
		conn_step(c);
		return;
	}

	if (c->state == CONN_LINGER) {
		c->lingered += (size_t)n;
	}
	else if (c->tls) {
		err = web_tls_feed(c->tls, (uint8_t *)buf->base, (size_t)n);
		if (!err)
			err = conn_take_tls(c);
		if (!err && web_tls_is_closed(c->tls))
			take_eof(c);
	}
	else {
		err = take(c, (uint8_t *)buf->base, (size_t)n);
	}

	if (err)
		conn_close(c);
	else
		conn_step(c);
}

void conn_set_reading(struct web_conn *c, bool want)
{
	if (want == c->reading)
		return;

	c->reading = want;
	if (want)
		(void)uv_read_start((uv_stream_t *)&c->tcp, on_alloc,
				    on_read);
	else
		(void)uv_read_stop((uv_stream_t *)&c->tcp);
}

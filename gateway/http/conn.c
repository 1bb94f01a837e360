/* SPDX-License-Identifier: MIT */
/*
 * Connections.  Each event of libuv ends in conn_step(), which moves
 * output, starts and stops reading, sets the timer, and closes: nothing else
 * does.
 *
 *   OPEN --engine done, all written--> LINGER --EOF or 1 s--> CLOSED
 *
 * LINGER: our side is shut down and what the peer still sends is thrown
 * away, so that the answer to a broken request is not lost by a reset.
 */

#include <errno.h>
#include <re.h>

#include "gateway/http/conn_impl.h"
#include "gateway/http/request.h"
#include "gateway/http/source.h"

enum {
	PULL_MAX = 32 * 1024,   /* bytes a write                          */
	ROUNDS_MAX = 8,         /* writes before the others' turn         */
	KEEP_BYTES = 4096,      /* of a buffer, when nothing is asked     */
	LINGER_MS = 1000,
	LINGER_BYTES = 256 * 1024, /* that are thrown away meanwhile      */
};

/* ---------------------------------------------------------------- closing */

static void on_closed(uv_handle_t *handle)
{
	struct web_conn *c = handle->data;
	struct conn_host *host = c->host;

	if (--c->handles)
		return;

	mem_deref(c);
	host->handles--;
	host->gone(host);
}

void conn_close(struct web_conn *c)
{
	struct engine *e = c->engine;

	if (c->state == CONN_CLOSED)
		return;

	/* First: handlers that hear of it may call back. */
	c->state = CONN_CLOSED;
	c->engine = NULL;
	list_unlink(&c->le);
	c->host->conns--;
	mem_deref(e);

	uv_close((uv_handle_t *)&c->tcp, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

void conn_shutdown(struct web_conn *c)
{
	if (c->engine)
		engine_shutdown(c->engine);
	conn_step(c);
}

static void destructor(void *arg)
{
	struct web_conn *c = arg;

	mem_deref(c->source);
	mem_deref(c->tls);
	mem_deref(c->out);
	mem_deref(c->text);
}

/* ---------------------------------------------------------------- writing */

static void on_written(uv_write_t *wr, int status)
{
	struct web_conn *c = wr->data;

	c->writing = false;
	c->out->pos = c->out->end = 0;
	if (status < 0)
		conn_close(c);
	else
		conn_step(c);
}

/* Collect what waits: bytes for the socket in c->out. */
static int collect(struct web_conn *c)
{
	struct mbuf *mb = c->tls ? c->text : c->out;
	int err = 0;

	if (c->engine && c->state == CONN_OPEN && !c->broken)
		err = engine_pull(c->engine, mb, PULL_MAX, conn_now_ms(c));
	if (err || !c->tls)
		return err;

	if (mb->end) {
		err = web_tls_write(c->tls, mb->buf, mb->end);
		mb->pos = mb->end = 0;
	}
	if (!err)
		err = web_tls_pull(c->tls, c->out);

	return err;
}

static int write_out(struct web_conn *c, bool wait)
{
	uv_buf_t buf = uv_buf_init((char *)c->out->buf,
				   (unsigned)c->out->end);
	int n = wait ? UV_EAGAIN
		     : uv_try_write((uv_stream_t *)&c->tcp, &buf, 1);

	if (n == (int)c->out->end) {
		c->out->pos = c->out->end = 0;
		return 0;
	}
	if (n < 0 && n != UV_EAGAIN)
		return -n;
	if (n > 0) {
		buf.base += n;
		buf.len -= (size_t)n;
	}

	n = uv_write(&c->wr, (uv_stream_t *)&c->tcp, &buf, 1, on_written);
	if (n)
		return -n;
	c->writing = true;
	c->write_ms = conn_now_ms(c);

	return 0;
}

static int flush(struct web_conn *c)
{
	int err = 0;

	for (int i = 0; !c->writing && !err; i++) {
		err = collect(c);
		if (err || !c->out->end)
			break;
		err = write_out(c, i >= ROUNDS_MAX);
	}

	return err;
}

/* ------------------------------------------------------------------- turn */

static bool wants_input(const struct web_conn *c)
{
	if (c->eof || c->broken ||
	    (c->state == CONN_LINGER && c->lingered > LINGER_BYTES))
		return false;

	return c->state == CONN_LINGER || !c->engine ||
	       engine_wants_input(c->engine);
}

static uint64_t due(const struct web_conn *c)
{
	uint64_t t = UINT64_MAX;

	if (c->state == CONN_LINGER)
		return c->start_ms + LINGER_MS;
	if (c->writing)
		t = c->write_ms + c->host->lim->write_ms;
	if (!c->engine) {
		uint64_t end = c->start_ms + (c->host->leaving
						  ? c->host->lim->leave_ms
						  : c->host->lim->head_ms);

		return end < t ? end : t;
	}
	if (engine_deadline_ms(c->engine) < t)
		t = engine_deadline_ms(c->engine);

	return t;
}

static void on_timer(uv_timer_t *timer)
{
	struct web_conn *c = timer->data;
	uint64_t now = conn_now_ms(c);

	c->due_ms = UINT64_MAX;
	if (c->state == CONN_LINGER || !c->engine ||
	    (c->writing &&
	     now >= c->write_ms + c->host->lim->write_ms)) {
		c->host->expired += c->state == CONN_OPEN;
		conn_close(c);
		return;
	}

	if (now >= engine_deadline_ms(c->engine)) {
		c->host->expired++;
		engine_expire(c->engine, now);
	}
	conn_step(c);
}

static void set_timer(struct web_conn *c)
{
	uint64_t t = due(c), now = conn_now_ms(c);

	if (t == c->due_ms)
		return;

	c->due_ms = t;
	if (t == UINT64_MAX)
		(void)uv_timer_stop(&c->timer);
	else
		(void)uv_timer_start(&c->timer, on_timer,
				     t > now ? t - now : 0, 0);
}

static void on_shutdown(uv_shutdown_t *sd, int status)
{
	struct web_conn *c = sd->data;

	if (status < 0 || c->eof)
		conn_close(c);
}

static void linger(struct web_conn *c)
{
	c->state = CONN_LINGER;
	c->start_ms = conn_now_ms(c);
	if (c->tls)
		web_tls_close(c->tls);
	if (flush(c) ||
	    uv_shutdown(&c->sd, (uv_stream_t *)&c->tcp, on_shutdown))
		conn_close(c);
}

static void trim(struct mbuf *mb)
{
	if (mb && !mb->end && mb->size > KEEP_BYTES)
		mbuf_reset(mb);
}

/* Something is being answered; what only waits for news is not. */
static bool is_busy(const struct web_conn *c)
{
	struct le *le;

	for (le = c->engine ? c->engine->reql.head : NULL; le; le = le->next) {
		const struct web_req *req = le->data;

		if (!req->sourceh)
			return true;
	}

	return false;
}

/* Most connections are idle most of the time: what a large answer needed goes
 * with it. */
static void rest(struct web_conn *c)
{
	if (c->writing || is_busy(c))
		return;

	trim(c->out);
	trim(c->text);
	if (c->tls)
		web_tls_trim(c->tls, KEEP_BYTES);
}

void conn_step(struct web_conn *c)
{
	if (c->state == CONN_CLOSED)
		return;

	if (flush(c) || (c->state == CONN_LINGER && c->eof)) {
		conn_close(c);
		return;
	}

	/* Answers went out: the engine may want what TLS held back. */
	if (c->tls && c->engine && c->state == CONN_OPEN && !c->broken &&
	    !c->reading && (conn_take_tls(c) || flush(c))) {
		conn_close(c);
		return;
	}

	if (c->state == CONN_OPEN && !c->writing) {
		if (c->broken) {
			conn_close(c);
			return;
		}
		if (c->engine && engine_is_done(c->engine))
			linger(c);
		if (c->state == CONN_CLOSED)
			return;
	}

	rest(c);
	conn_set_reading(c, wants_input(c));
	set_timer(c);
}

/* ----------------------------------------------------------------- accept */

/* Who is it, and may he have another one? */
static int take_peer(struct web_conn *c)
{
	struct conn_host *host = c->host;
	struct sockaddr_storage ss;
	int len = sizeof(ss);
	struct sa sa;
	int err;

	str_ncpy(c->peer, "?", sizeof(c->peer));
	if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&ss, &len) ||
	    sa_set_sa(&sa, (struct sockaddr *)&ss))
		return 0; /* gone already: reading will tell */

	(void)re_snprintf(c->peer, sizeof(c->peer), "%J", &sa);
	err = source_take(&c->source, host->sources, &sa,
			  host->lim->source_conns);
	host->crowded += err == EBUSY;

	return err;
}

static int init_handles(struct web_conn *c)
{
	int r = uv_tcp_init(c->host->loop, &c->tcp);

	if (r)
		return -r;
	c->handles++;
	c->host->handles++;

	(void)uv_timer_init(c->host->loop, &c->timer);
	c->handles++;
	c->tcp.data = c->timer.data = c->wr.data = c->sd.data = c;

	return 0;
}

int conn_accept(struct conn_host *host, uv_stream_t *listener,
		struct web_tls *tls)
{
	struct web_conn *c;
	int err = 0;

	c = mem_zalloc(sizeof(*c), destructor);
	if (!c)
		return ENOMEM;

	c->host = host;
	c->due_ms = UINT64_MAX;
	c->start_ms = uv_now(host->loop);
	c->out = mbuf_alloc(512);
	c->text = tls ? mbuf_alloc(512) : NULL;
	if (!c->out || (tls && !c->text))
		err = ENOMEM;
	if (!err && tls)
		err = web_tls_pipe_alloc(&c->tls, tls);
	if (!err)
		err = init_handles(c);
	if (err) {
		mem_deref(c);
		return err;
	}

	/* From here on libuv has it: freed when its handles are closed. */
	list_append(&host->connl, &c->le, c);
	host->conns++;
	if (uv_accept(listener, (uv_stream_t *)&c->tcp)) {
		conn_close(c);
		return EIO;
	}
	(void)uv_tcp_nodelay(&c->tcp, 1);
	err = take_peer(c);
	if (err)
		conn_close(c);
	else
		conn_step(c);

	return err;
}

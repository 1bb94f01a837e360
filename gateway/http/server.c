/* SPDX-License-Identifier: MIT */
/* Listening ports and the life of all connections: see server.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/http/conn.h"
#include "gateway/http/source.h"
#include "gateway/http/server.h"

enum { BACKLOG = 511 };

struct listener {
	struct le le;
	struct web_server *srv; /* borrowed           */
	uv_tcp_t tcp;
	struct web_tls *tls;    /* NULL: plain        */
};

struct web_server {
	struct conn_host host;  /* must be first      */
	struct web_limits lim;
	struct list listenl;
	uv_timer_t grace;
	bool stopping;
	uint64_t accepted, refused;
	web_stopped_h *stoph;
	void *stop_arg;
};

static void on_grace_closed(uv_handle_t *handle)
{
	struct web_server *s = handle->data;

	s->host.handles--;
	s->host.gone(&s->host);
}

/* A connection or listener is gone; the last to go is the timer itself. */
static void gone(struct conn_host *host)
{
	struct web_server *s = (struct web_server *)host;
	web_stopped_h *h = s->stoph;

	if (!s->stopping)
		return;

	if (host->handles == 1 && !uv_is_closing((uv_handle_t *)&s->grace))
		uv_close((uv_handle_t *)&s->grace, on_grace_closed);
	if (host->handles)
		return;

	s->stoph = NULL;
	if (h)
		h(s->stop_arg);
}

static void destructor(void *arg)
{
	struct web_server *s = arg;

	list_flush(&s->listenl);
	mem_deref(s->host.sources);
}

int web_server_alloc(struct web_server **sp,
		     const struct web_server_conf *conf)
{
	struct web_server *s;
	int err;

	if (!sp || !conf || !conf->loop || !conf->requesth)
		return EINVAL;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	err = sources_alloc(&s->host.sources);
	if (err) {
		mem_deref(s);
		return err;
	}

	s->lim = conf->lim;
	s->host.loop = conf->loop;
	s->host.lim = &s->lim;
	s->host.headh = conf->headh;
	s->host.requesth = conf->requesth;
	s->host.arg = conf->arg;
	s->host.gone = gone;
	*sp = s;

	return 0;
}

static int address_read(struct sa *sa, const char *addr)
{
	struct pl pl;

	pl_set_str(&pl, addr);

	return sa_decode(sa, pl.p, pl.l);
}

bool web_address_is_valid(const char *addr)
{
	const char *colon = addr ? strrchr(addr, ':') : NULL;
	struct sa sa;
	char *end;

	/* sa_decode() takes a missing port, and any number, without a
	 * word. */
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") > 5 ||
	    strtoul(colon + 1, &end, 10) > 65535 || *end)
		return false;

	return !address_read(&sa, addr);
}

static void on_connection(uv_stream_t *stream, int status)
{
	struct listener *l = stream->data;
	struct web_server *s = l->srv;
	struct le *last;

	if (status < 0)
		return;

	s->accepted++;
	if (conn_accept(&s->host, stream, l->tls))
		return;

	if (s->host.conns > s->lim.conns) {
		s->refused++;
		last = s->host.connl.tail;
		if (last)
			conn_close(last->data);
	}
}

static void on_listener_closed(uv_handle_t *handle)
{
	struct listener *l = handle->data;
	struct web_server *s = l->srv;

	list_unlink(&l->le);
	mem_deref(l);
	s->host.handles--;
	gone(&s->host);
}

static int bound_address(uv_tcp_t *tcp, char *buf, size_t size)
{
	struct sockaddr_storage ss;
	int len = sizeof(ss);
	struct sa sa;
	int r;

	r = uv_tcp_getsockname(tcp, (struct sockaddr *)&ss, &len);
	if (r)
		return -r;
	if (sa_set_sa(&sa, (struct sockaddr *)&ss))
		return EINVAL;

	return re_snprintf(buf, size, "%J", &sa) > 0 ? 0 : EOVERFLOW;
}

int web_server_listen(struct web_server *s, const char *addr,
		      struct web_tls *tls, char *bound, size_t size)
{
	struct listener *l;
	struct sa sa;
	int r;

	if (!s || !web_address_is_valid(addr) || address_read(&sa, addr))
		return EINVAL;

	l = mem_zalloc(sizeof(*l), NULL);
	if (!l)
		return ENOMEM;

	l->srv = s;
	l->tls = tls;
	r = uv_tcp_init(s->host.loop, &l->tcp);
	if (r) {
		mem_deref(l);
		return -r;
	}
	l->tcp.data = l;
	list_append(&s->listenl, &l->le, l);
	s->host.handles++;

	r = uv_tcp_bind(&l->tcp, &sa.u.sa, 0);
	if (!r)
		r = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
	if (!r && bound)
		r = -bound_address(&l->tcp, bound, size);
	if (r)
		uv_close((uv_handle_t *)&l->tcp, on_listener_closed);

	return -r;
}

static void close_all(struct web_server *s)
{
	struct le *le = s->host.connl.head;

	while (le) {
		struct web_conn *c = le->data;

		le = le->next;
		conn_close(c);
	}
}

static void on_grace(uv_timer_t *timer)
{
	close_all(timer->data);
}

void web_server_stop(struct web_server *s, uint32_t grace_ms,
		     web_stopped_h *h, void *arg)
{
	struct le *le;

	if (!s)
		return;
	if (s->stopping) {
		close_all(s);
		return;
	}

	s->stopping = s->host.leaving = true;
	s->stoph = h;
	s->stop_arg = arg;
	(void)uv_timer_init(s->host.loop, &s->grace);
	s->grace.data = s;
	s->host.handles++;
	(void)uv_timer_start(&s->grace, on_grace, grace_ms, 0);

	LIST_FOREACH(&s->listenl, le) {
		struct listener *l = le->data;

		if (!uv_is_closing((uv_handle_t *)&l->tcp))
			uv_close((uv_handle_t *)&l->tcp, on_listener_closed);
	}

	le = s->host.connl.head;
	while (le) {
		struct web_conn *c = le->data;

		le = le->next;
		conn_shutdown(c);
	}
	gone(&s->host);
}

void web_server_stat(const struct web_server *s, struct web_server_stat *st)
{
	if (!s || !st)
		return;

	*st = (struct web_server_stat){
		.conns = s->host.conns,
		.accepted = s->accepted,
		.refused = s->refused,
		.crowded = s->host.crowded,
		.floods = s->host.floods,
		.tls_failed = s->host.tls_failed,
		.expired = s->host.expired,
	};
}

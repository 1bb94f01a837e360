/* SPDX-License-Identifier: MIT */
/*
 * libcurl's multi interface on libuv: it says which sockets to watch and when
 * to wake it.  See send.h.
 */

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#include <re.h>

#include "gateway/hook/send.h"

enum { CONNECT_MS = 5000 };

struct hook_http {
	CURLM *multi;
	uv_loop_t *uv;           /* borrowed                              */
	uv_timer_t *timer;       /* freed when it is closed               */
	struct list postl;
	bool loopback;
};

/* A socket that curl wants to be watched. */
struct watch {
	uv_poll_t poll;
	curl_socket_t fd;
	struct hook_http *http;
};

struct post {
	struct le le;
	struct hook_http *http;
	CURL *easy;
	struct curl_slist *head;
	hook_sent_h *h;
	void *arg;
	const char *refused;     /* why the address was not sent to       */
	size_t got;              /* bytes of the answer                   */
	char error[CURL_ERROR_SIZE];
};

/* ------------------------------------------------------------------ answers */

static void post_destructor(void *arg)
{
	struct post *p = arg;

	list_unlink(&p->le);
	if (p->easy) {
		(void)curl_multi_remove_handle(p->http->multi, p->easy);
		curl_easy_cleanup(p->easy);
	}
	curl_slist_free_all(p->head);
}

/* An answer that is too long has a status as well. */
static void finish(struct post *p, CURLcode code)
{
	char error[CURL_ERROR_SIZE + 64] = "";
	long status = 0;

	(void)curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
	if (p->refused)
		(void)snprintf(error, sizeof(error), "not sent there: %s",
			       p->refused);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		(void)snprintf(error, sizeof(error), "no answer within %d s",
			       HOOK_TIMEOUT_MS / 1000);
	else if (code && code != CURLE_WRITE_ERROR)
		(void)snprintf(error, sizeof(error), "%s", *p->error ?
			       p->error : curl_easy_strerror(code));
	if (*error)
		status = 0;
	p->h((unsigned)status, error, p->arg);
	mem_deref(p);
}

static void look(struct hook_http *http)
{
	CURLMsg *msg;
	char *priv;
	int left;

	mem_ref(http); /* a handler may let go of us */
	while (mem_nrefs(http) > 1 &&
	       (msg = curl_multi_info_read(http->multi, &left))) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
					&priv);
		finish((struct post *)(void *)priv, msg->data.result);
	}
	mem_deref(http);
}

/* --------------------------------------------------------------------- loop */

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	const struct watch *w = poll->data;
	struct hook_http *http = w->http;
	int running, bits = 0;

	if (status < 0)
		bits |= CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		bits |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		bits |= CURL_CSELECT_OUT;
	(void)curl_multi_socket_action(http->multi, w->fd, bits, &running);
	look(http);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg,
		     void *sockp)
{
	struct hook_http *http = arg;
	struct watch *w = sockp;
	int events = 0;
	(void)easy;

	if (what == CURL_POLL_REMOVE) {
		if (w)
			uv_close((uv_handle_t *)&w->poll, free_handle);
		(void)curl_multi_assign(http->multi, fd, NULL);
		return 0;
	}
	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w || uv_poll_init_socket(http->uv, &w->poll, fd)) {
			free(w);
			return -1;
		}
		w->poll.data = w;
		w->fd = fd;
		w->http = http;
		(void)curl_multi_assign(http->multi, fd, w);
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	(void)uv_poll_start(&w->poll, events, on_poll);

	return 0;
}

static void on_timer(uv_timer_t *timer)
{
	struct hook_http *http = timer->data;
	int running;

	(void)curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0,
				       &running);
	look(http);
}

static int on_timeout(CURLM *multi, long ms, void *arg)
{
	const struct hook_http *http = arg;
	(void)multi;

	if (ms < 0)
		(void)uv_timer_stop(http->timer);
	else
		(void)uv_timer_start(http->timer, on_timer, (uint64_t)ms, 0);

	return 0;
}

static void http_destructor(void *arg)
{
	struct hook_http *http = arg;

	list_flush(&http->postl);
	if (http->multi)
		(void)curl_multi_cleanup(http->multi);
	if (http->timer)
		uv_close((uv_handle_t *)http->timer, free_handle);
}

int hook_http_alloc(struct hook_http **hp, struct uv_loop_s *uv,
		    bool loopback)
{
	static bool started;
	struct hook_http *http;

	if (!started && curl_global_init(CURL_GLOBAL_DEFAULT))
		return ENOMEM;
	started = true;
	http = mem_zalloc(sizeof(*http), http_destructor);
	if (!http)
		return ENOMEM;
	http->uv = uv;
	http->loopback = loopback;
	http->multi = curl_multi_init();
	http->timer = malloc(sizeof(*http->timer));
	if (!http->multi || !http->timer ||
	    uv_timer_init(uv, http->timer)) {
		free(http->timer);
		http->timer = NULL;
		mem_deref(http);
		return ENOMEM;
	}
	http->timer->data = http;
	(void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION,
				on_socket);
	(void)curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	(void)curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION,
				on_timeout);
	(void)curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	*hp = http;

	return 0;
}

/* --------------------------------------------------------------------- send */

static curl_socket_t on_open(void *arg, curlsocktype purpose,
			     struct curl_sockaddr *addr)
{
	struct post *p = arg;
	(void)purpose;

	p->refused = hook_refuse(&addr->addr, p->http->loopback);
	if (p->refused)
		return CURL_SOCKET_BAD;

	return socket(addr->family, addr->socktype | SOCK_CLOEXEC,
		      addr->protocol);
}

static size_t on_answer(char *p, size_t size, size_t n, void *arg)
{
	struct post *post = arg;
	(void)p;

	post->got += size * n;

	return post->got > HOOK_ANSWER_MAX ? 0 : size * n;
}

/* Verified TLS, no redirects, no proxy of the environment, no other scheme. */
static int set_options(struct post *p, const struct hook_post *post)
{
	CURL *e = p->easy;
	CURLcode bad = CURLE_OK;

	bad |= curl_easy_setopt(e, CURLOPT_URL, post->url);
	bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(e, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)HOOK_TIMEOUT_MS);
	bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS,
				(long)CONNECT_MS);
	bad |= curl_easy_setopt(e, CURLOPT_USERAGENT,
				"switchyard/" SY_VERSION);
	bad |= curl_easy_setopt(e, CURLOPT_POST, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE, (long)post->len);
	bad |= curl_easy_setopt(e, CURLOPT_COPYPOSTFIELDS, post->body);
	bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, p->head);
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, p->error);
	bad |= curl_easy_setopt(e, CURLOPT_PRIVATE, p);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_open);
	bad |= curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, p);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_answer);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, p);

	return bad ? EINVAL : 0;
}

static int set_head(struct post *p, const struct hook_post *post)
{
	for (size_t i = 0; i < post->headc; i++) {
		struct curl_slist *l = curl_slist_append(p->head,
							 post->headv[i]);

		if (!l)
			return ENOMEM;
		p->head = l;
	}

	return 0;
}

int hook_send(struct hook_http *http, const struct hook_post *post,
	      hook_sent_h *h, void *arg)
{
	struct post *p = mem_zalloc(sizeof(*p), post_destructor);
	int err;

	if (!p)
		return ENOMEM;
	p->http = http;
	p->h = h;
	p->arg = arg;
	p->easy = curl_easy_init();
	err = p->easy ? set_head(p, post) : ENOMEM;
	if (!err)
		err = set_options(p, post);
	if (!err && curl_multi_add_handle(http->multi, p->easy))
		err = ENOMEM;
	if (err)
		mem_deref(p);
	else
		list_append(&http->postl, &p->le, p);

	return err;
}

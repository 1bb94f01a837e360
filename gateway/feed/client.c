/* SPDX-License-Identifier: MIT */
/*
 * A client of /ws: its connection, what waits for it, and when it has had its
 * time.
 *
 *   NEW --hello, or a token in the header--> (ASKED) --> IN --> CLOSED
 *
 * What it is sent comes from its own queue first (answers, calls of a phone),
 * then from the log at its place.
 */

#include <errno.h>
#include <string.h>

#include "gateway/feed/feed_impl.h"
#include "gateway/feed/say.h"
#include "gateway/http/problem.h"
#include "gateway/http/request.h"

enum {
	VERSION_2 = 20,
	SHARED_COST = 1024, /* of a frame that others have, too           */
};

struct ws_item {
	struct le le;
	struct ws_frame *f;
	size_t cost;      /* of what may wait [bytes]                     */
	const void *tag;
};

static void item_destructor(void *arg)
{
	struct ws_item *it = arg;

	list_unlink(&it->le);
	mem_deref(it->f);
}

/* ----------------------------------------------------------------- sending */

static void shed(struct ws_client *c)
{
	c->feed->st.shed++;
	client_close(c, WS_CODE_SLOW, "too slow: come back");
}

static int put(struct ws_client *c, struct ws_frame *f, size_t cost,
	       const void *tag)
{
	struct ws_item *it;

	if (c->state == CLIENT_CLOSED || !f) {
		mem_deref(f);
		return f ? EPIPE : ENOMEM;
	}
	if (c->out_bytes + cost > WS_QUEUE_MAX) {
		mem_deref(f);
		shed(c);
		return ENOBUFS;
	}

	it = mem_zalloc(sizeof(*it), item_destructor);
	if (!it) {
		mem_deref(f);
		return ENOMEM;
	}
	it->f = f;
	it->cost = cost;
	it->tag = tag;
	c->out_bytes += cost;
	list_append(&c->outl, &it->le, it);
	client_wake(c);

	return 0;
}

int client_put(struct ws_client *c, struct ws_frame *f)
{
	return put(c, f, f ? f->len : 0, NULL);
}

int client_put_shared(struct ws_client *c, struct ws_frame *f,
		      const void *tag)
{
	struct le *le;

	for (le = tag && f ? c->outl.head : NULL; le; le = le->next) {
		struct ws_item *it = le->data;

		if (it->tag != tag)
			continue;
		mem_deref(it->f);
		it->f = f;
		return 0;
	}

	return put(c, f, SHARED_COST, tag);
}

static struct ws_frame *take_own(struct ws_client *c)
{
	struct ws_item *it = list_ledata(c->outl.head);
	struct ws_frame *f;

	if (!it)
		return NULL;

	f = mem_ref(it->f);
	c->out_bytes -= it->cost;
	mem_deref(it);

	return f;
}

static struct ws_frame *take_snapshot(struct ws_client *c)
{
	struct ws_frame *f;

	if (!c->snap)
		return NULL;

	f = mem_ref(c->snap->v[c->snap_at++]);
	if (c->snap_at == c->snap->n)
		c->snap = mem_deref(c->snap);

	return f;
}

/* The next event that it wants. */
static struct ws_frame *take_event(struct ws_client *c)
{
	const struct feed_log *log = &c->feed->log;
	uint64_t end = log->next;

	if (c->pos && c->pos < log->first) {
		shed(c);
		return NULL;
	}
	if (c->held && topic_hold(c) < end)
		end = topic_hold(c);
	while (c->pos && c->pos < end) {
		const uint64_t number = c->pos++;
		const struct feed_entry *e = feed_log_get(log, number);

		if (e->ws && topic_wants(c, e, number))
			return mem_ref(e->ws);
	}

	return NULL;
}

static struct ws_frame *on_next(void *arg)
{
	struct ws_client *c = arg;
	struct ws_frame *f = take_own(c);

	if (!f)
		f = take_snapshot(c);
	if (!f && c->unsettled)
		f = topic_next(c);
	if (!f)
		f = take_own(c);
	if (!f)
		f = take_snapshot(c);
	if (!f)
		f = topic_missed(c);
	if (!f)
		f = take_event(c);
	if (!f && c->state != CLIENT_CLOSED && !c->wait.list)
		list_append(&c->feed->idlel, &c->wait, c);

	return f;
}

void client_wake(struct ws_client *c)
{
	list_unlink(&c->wait);
	ws_wake(c->ws);
}

/* ----------------------------------------------------------------- closing */

/* Gone for all others; the WebSocket may still have its close to send. */
static void leave(struct ws_client *c)
{
	ws_gone_h *h = c->goneh;

	c->goneh = NULL;
	c->state = CLIENT_CLOSED;
	c->ask = mem_deref(c->ask);
	list_unlink(&c->wait);
	list_flush(&c->outl);
	list_flush(&c->earlyl);
	c->out_bytes = 0;
	c->snap = mem_deref(c->snap);
	c->catchup = mem_deref(c->catchup);
	c->topicv = mem_deref(c->topicv);
	c->topicc = 0;
	c->pos = 0;
	if (h)
		h(c, c->phone);
}

void client_close(struct ws_client *c, enum ws_code code, const char *why)
{
	if (c->state == CLIENT_CLOSED)
		return;

	(void)mem_ref(c);
	leave(c);
	ws_close(c->ws, code, why);
	mem_deref(c);
}

static void on_closed(uint16_t code, void *arg)
{
	struct ws_client *c = arg;
	(void)code;

	leave(c);
	mem_deref(c);
}

/* A message that came too early. */
struct early {
	struct le le;
	size_t len;
	char text[];
};

static void early_destructor(void *arg)
{
	struct early *e = arg;

	list_unlink(&e->le);
}

/* Redis is being asked who this is, and pages do not wait for that. */
static void put_off(struct ws_client *c, const char *text, size_t len)
{
	struct early *e = NULL;

	if (c->early_bytes + len <= FEED_MESSAGE_BYTES)
		e = mem_alloc(sizeof(*e) + len, early_destructor);
	if (!e) {
		client_close(c, WS_CODE_DENIED, "wait for the welcome");
		return;
	}
	memset(&e->le, 0, sizeof(e->le));
	e->len = len;
	memcpy(e->text, text, len);
	c->early_bytes += len + sizeof(*e);
	list_append(&c->earlyl, &e->le, e);
}

void client_hear(struct ws_client *c)
{
	struct early *e;

	(void)mem_ref(c);
	while ((e = list_ledata(c->earlyl.head))) {
		list_unlink(&e->le);
		if (c->state == CLIENT_IN)
			command_take(c, e->text, e->len);
		mem_deref(e);
	}
	c->early_bytes = 0;
	mem_deref(c);
}

static void on_message(const char *text, size_t len, void *arg)
{
	struct ws_client *c = arg;

	if (c->state == CLIENT_CLOSED)
		return;
	if (++c->messages > FEED_MESSAGES) {
		client_close(c, WS_CODE_DENIED, "too many messages a second");
		return;
	}

	if (c->state == CLIENT_ASKED) {
		put_off(c, text, len);
		return;
	}
	(void)mem_ref(c);
	command_take(c, text, len);
	mem_deref(c);
}

/* ---------------------------------------------------------------- checking */

static void check_time(struct ws_client *c)
{
	struct ws_stat st;

	ws_stat(c->ws, &st);
	c->silent_s = st.heard == c->heard ? c->silent_s + 1 : 0;
	c->stuck_s = st.busy && st.sent_bytes == c->sent ? c->stuck_s + 1 : 0;
	c->heard = st.heard;
	c->sent = st.sent_bytes;

	if (c->silent_s >= FEED_IDLE_S)
		client_close(c, WS_CODE_LEAVING, "nothing was heard");
	else if (c->stuck_s >= FEED_STUCK_S)
		shed(c);
	else if (c->state == CLIENT_NEW && c->silent_s >= FEED_HELLO_S)
		client_close(c, WS_CODE_DENIED, "no hello came in time");
	else if (c->silent_s && c->silent_s % FEED_PING_S == 0)
		ws_ping(c->ws);
}

void client_check(struct ws_client *c)
{
	c->messages = 0;
	if (c->state == CLIENT_CLOSED) {
		if (++c->closing_s >= FEED_CLOSE_S)
			ws_abort(c->ws);
		return;
	}
	if (c->state == CLIENT_IN && !auth_valid(c->feed->auth, &c->who)) {
		client_close(c, WS_CODE_ENDED,
			     "the token or session has ended");
		return;
	}
	if (c->state == CLIENT_IN)
		topic_check(c);
	if (c->catchup)
		client_wake(c);
	check_time(c);
}

/* ----------------------------------------------------------------- opening */

static void destructor(void *arg)
{
	struct ws_client *c = arg;

	leave(c);
	if (c->le.list && c->h2)
		c->feed->st.h2--;
	else if (c->le.list)
		c->feed->st.h1--;
	list_unlink(&c->le);
	mem_deref(c->ws);
}

void feed_open(struct feed *f, struct web_req *req)
{
	const struct ws_conf conf = {
		.message_bytes = FEED_MESSAGE_BYTES,
		.frames = FEED_FRAMES,
		.protocol = "switchyard",
		.messageh = on_message,
		.nexth = on_next,
		.closeh = on_closed,
	};
	struct ws_conf wconf = conf;
	struct ws_client *c;

	if (!f || !f->view) {
		(void)web_head(req, "retry-after", "2");
		(void)problem(req, 503, "unavailable", "this gateway ends");
		return;
	}
	c = mem_zalloc(sizeof(*c), destructor);
	if (!c) {
		(void)problem(req, 500, "internal", "out of memory");
		return;
	}

	c->feed = f;
	wconf.arg = c;
	if (!hello_request(c, req) || ws_accept(&c->ws, req, &wconf)) {
		c->ws = NULL;
		mem_deref(c);
		return;
	}

	/* From here on its own: gone when the WebSocket is. */
	c->h2 = req->version == VERSION_2;
	list_append(&f->clientl, &c->le, c);
	if (c->h2)
		f->st.h2++;
	else
		f->st.h1++;
	f->st.opened++;
	feed_watch(f);
	reader_start(f);
	if (c->state == CLIENT_IN)
		hello_welcome(c);
}

/* ------------------------------------------------------------------ others */

int ws_send(struct ws_client *c, const Sy__WsServer *msg)
{
	if (!c || !msg)
		return EINVAL;
	if (c->state == CLIENT_CLOSED)
		return EPIPE;

	return client_put(c, say_message(msg));
}

int ws_refuse(struct ws_client *c, uint32_t id, const char *type,
	      const char *detail, ...)
{
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	Sy__WsError error = SY__WS_ERROR__INIT;
	char text[512];
	va_list ap;

	va_start(ap, detail);
	(void)vsnprintf(text, sizeof(text), detail, ap);
	va_end(ap);
	error.type = (char *)type;
	error.detail = text;
	msg.id = id;
	msg.body_case = SY__WS_SERVER__BODY_ERROR;
	msg.error = &error;

	return ws_send(c, &msg);
}

int ws_done(struct ws_client *c, uint32_t id)
{
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	Sy__WsDone done = SY__WS_DONE__INIT;

	if (!id)
		return 0;

	msg.id = id;
	msg.body_case = SY__WS_SERVER__BODY_DONE;
	msg.done = &done;

	return ws_send(c, &msg);
}

const struct principal *ws_principal(const struct ws_client *c)
{
	return c ? &c->who : NULL;
}

const char *ws_peer(const struct ws_client *c)
{
	return c && c->ws ? ws_req(c->ws)->peer : "";
}

bool ws_is_secure(const struct ws_client *c)
{
	return c && c->ws && ws_req(c->ws)->tls;
}

void ws_phone_set(struct ws_client *c, void *phone, ws_gone_h *goneh)
{
	if (!c)
		return;

	c->phone = phone;
	c->goneh = phone ? goneh : NULL;
}

void *ws_phone(const struct ws_client *c)
{
	return c ? c->phone : NULL;
}

/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket: see ws.h.
 *
 *   OPEN --ws_close(), or a close or an error of the peer's--> CLOSING
 *   CLOSING --the frame under way and a close frame are out--> CLOSED
 *
 * A frame that began is always finished: bytes of another one in its middle
 * would be its payload.
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/http/engine.h"
#include "gateway/http/request.h"
#include "gateway/http/ws.h"
#include "gateway/http/ws_deflate.h"
#include "gateway/http/ws_open.h"

enum {
	OP_TEXT = 0x81, /* last fragment, too */
	OP_CLOSE = 0x88,
	OP_PING = 0x89,
	OP_PONG = 0x8a,
	OP_TEXT_PACKED = 0xc1, /* RFC 7692 6: RSV1                        */
	PACK_BYTES = 200, /* below, it is one packet anyhow               */
	LONG_HEAD = 10,
	SECOND_MS = 1000,
};

enum state { OPEN, CLOSING, CLOSED };

struct ws {
	struct web_req *req;     /* a reference                           */
	struct ws_conf conf;
	struct ws_in in;
	enum state state;
	struct ws_frame *out;    /* under way; a reference                */
	size_t at;               /* bytes of it that are out              */
	struct ws_stat st;
	uint64_t second_ms;      /* in which frames are counted           */
	unsigned frames;
	uint16_t code;
	const char *reason;
	bool deflate;            /* the peer speaks permessage-deflate    */
	bool ping, pong;         /* due                                   */
	uint8_t echo[WS_CONTROL_MAX]; /* of the last ping                 */
	uint8_t echolen;
};

/* ----------------------------------------------------------------- frames */

static size_t put_head(uint8_t *p, uint8_t op, size_t len)
{
	p[0] = op;
	if (len < 126) {
		p[1] = (uint8_t)len;
		return 2;
	}
	if (len < 65536) {
		p[1] = 126;
		p[2] = (uint8_t)(len >> 8);
		p[3] = (uint8_t)len;
		return 4;
	}
	p[1] = 127;
	for (int i = 0; i < 8; i++)
		p[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));

	return LONG_HEAD;
}

static void frame_destructor(void *arg)
{
	struct ws_frame *f = arg;

	mem_deref(f->packed);
}

static struct ws_frame *frame_alloc(size_t bytes)
{
	struct ws_frame *f = mem_alloc(sizeof(*f) + bytes, frame_destructor);

	if (f)
		*f = (struct ws_frame){.packed = NULL};

	return f;
}

static struct ws_frame *make(uint8_t op, const void *p, size_t len)
{
	struct ws_frame *f = frame_alloc(LONG_HEAD + len);

	if (!f)
		return NULL;

	f->head = put_head(f->p, op, len);
	f->len = f->head + len;
	if (len)
		memcpy(f->p + f->head, p, len);

	return f;
}

int ws_frame_text(struct ws_frame **fp, const char *text, size_t len)
{
	if (!fp || !text)
		return EINVAL;

	*fp = make(OP_TEXT, text, len);

	return *fp ? 0 : ENOMEM;
}

int ws_frame_shared(struct ws_frame **fp, const char *text, size_t len)
{
	int err = ws_frame_text(fp, text, len);

	if (!err)
		(*fp)->shared = len >= PACK_BYTES;

	return err;
}

/* The same, as short as it gets; made when the first peer takes it. */
static struct ws_frame *pack(struct ws_frame *f)
{
	const size_t len = f->len - f->head;
	size_t n = 0;
	uint8_t *p;

	if (f->packed || !f->shared)
		return f->packed ? f->packed : f;

	p = mem_alloc(len, NULL);
	if (p && !ws_deflate(p, &n, f->p + f->head, len))
		f->packed = make(OP_TEXT_PACKED, p, n);
	f->shared = f->packed != NULL; /* it is tried once */
	mem_deref(p);

	return f->packed ? f->packed : f;
}

void ws_frame_drop(struct ws_frame *f)
{
	mem_deref(f);
}

struct ws_frame *ws_frame_raw(const void *p, size_t len)
{
	struct ws_frame *f = frame_alloc(len);

	if (!f)
		return NULL;

	f->len = len;
	memcpy(f->p, p, len);

	return f;
}

static struct ws_frame *make_close(const struct ws *ws)
{
	uint8_t p[WS_CONTROL_MAX];
	size_t n = strlen(ws->reason);

	if (ws->code == WS_CODE_NONE)
		return make(OP_CLOSE, NULL, 0);

	n = n < sizeof(p) - 2 ? n : sizeof(p) - 2;
	p[0] = (uint8_t)(ws->code >> 8);
	p[1] = (uint8_t)ws->code;
	memcpy(p + 2, ws->reason, n);

	return make(OP_CLOSE, p, 2 + n);
}

/* ---------------------------------------------------------------- ending */

/* Nothing is called after closeh; the caller has a reference. */
static void over(struct ws *ws, uint16_t code)
{
	ws_close_h *h = ws->conf.closeh;

	if (ws->state == CLOSED)
		return;

	ws->state = CLOSED;
	ws->req->datah = NULL;
	ws->req->sourceh = NULL;
	ws->req->closeh = NULL;
	ws->out = mem_deref(ws->out);
	ws_in_close(&ws->in);
	if (h)
		h(code, ws->conf.arg);
}

static void on_gone(struct web_req *req, void *arg)
{
	struct ws *ws = mem_ref(arg);
	(void)req;

	over(ws, WS_CODE_LOST);
	mem_deref(ws);
}

void ws_close(struct ws *ws, enum ws_code code, const char *reason)
{
	if (!ws || ws->state != OPEN)
		return;

	ws->state = CLOSING;
	ws->code = (uint16_t)code;
	ws->reason = reason ? reason : "";
	web_wake(ws->req);
}

void ws_abort(struct ws *ws)
{
	if (!ws || ws->state == CLOSED)
		return;

	(void)mem_ref(ws);
	(void)web_end(ws->req, NULL);
	over(ws, WS_CODE_LOST);
	mem_deref(ws);
}

/* --------------------------------------------------------------- outgoing */

/* What comes next: control frames first, they may go between any two. */
static struct ws_frame *next(struct ws *ws)
{
	struct ws_frame *f;

	if (ws->state == CLOSING)
		return make_close(ws);
	if (ws->pong) {
		ws->pong = false;
		return make(OP_PONG, ws->echo, ws->echolen);
	}
	if (ws->ping) {
		ws->ping = false;
		return make(OP_PING, NULL, 0);
	}
	f = ws->conf.nexth(ws->conf.arg);

	/* The handler may have closed it. */
	if (ws->state == CLOSING) {
		mem_deref(f);
		return make_close(ws);
	}

	return f;
}

/* What is under way from now on; NULL: nothing. */
static void begin(struct ws *ws)
{
	struct ws_frame *f = next(ws);

	ws->at = 0;
	ws->out = f;
	if (f && ws->deflate) {
		ws->out = mem_ref(pack(f));
		mem_deref(f);
	}
}

static size_t on_source(struct web_req *req, uint8_t *p, size_t max,
			void *arg)
{
	struct ws *ws = mem_ref(arg);
	size_t n = 0;

	while (n < max && ws->state != CLOSED) {
		size_t part;

		if (!ws->out)
			begin(ws);
		if (!ws->out)
			break;
		part = ws->out->len - ws->at;
		part = part < max - n ? part : max - n;
		memcpy(p + n, ws->out->p + ws->at, part);
		n += part;
		ws->at += part;
		ws->st.sent_bytes += part;
		if (ws->at < ws->out->len)
			break;
		if (ws->out->p[0] == OP_CLOSE) {
			(void)web_end(req, NULL);
			over(ws, ws->code);
			break;
		}
		ws->out = mem_deref(ws->out);
	}
	mem_deref(ws);

	return n;
}

void ws_wake(struct ws *ws)
{
	if (ws && ws->state != CLOSED && !ws->out)
		web_wake(ws->req);
}

void ws_ping(struct ws *ws)
{
	if (!ws || ws->state != OPEN)
		return;

	ws->ping = true;
	ws_wake(ws);
}

/* --------------------------------------------------------------- incoming */

/* So many that it is no use, but work: RFC 6455 says nothing of it. */
static bool is_flood(struct ws *ws)
{
	const uint64_t now_ms = ws->req->engine ? ws->req->engine->now_ms : 0;

	if (now_ms - ws->second_ms >= SECOND_MS) {
		ws->second_ms = now_ms;
		ws->frames = 0;
	}

	return ws->conf.frames && ++ws->frames > ws->conf.frames;
}

static void take_ping(struct ws *ws, const uint8_t *p, size_t len)
{
	/* Of several only the last is answered: RFC 6455 5.5.3. */
	if (len)
		memcpy(ws->echo, p, len);
	ws->echolen = (uint8_t)len;
	ws->pong = true;
	web_wake(ws->req);
}

static void take(struct ws *ws, enum ws_in_out out, const uint8_t *msg,
		 size_t len)
{
	if (out == WS_IN_BAD)
		ws_close(ws, ws->in.code, "not as RFC 6455 has it");
	else if (out == WS_IN_CLOSE)
		ws_close(ws, ws->in.code, "");
	else if (is_flood(ws))
		ws_close(ws, WS_CODE_DENIED, "too many frames a second");
	else if (out == WS_IN_PING)
		take_ping(ws, msg, len);
	else if (out == WS_IN_TEXT)
		ws->conf.messageh((const char *)msg, len, ws->conf.arg);
}

static void on_data(struct web_req *req, const uint8_t *p, size_t len,
		    void *arg)
{
	struct ws *ws = mem_ref(arg);
	enum ws_in_out out = WS_IN_TEXT;
	(void)req;

	if (!len)
		ws_abort(ws); /* its side ended without a close frame */
	ws->st.heard++;
	while (ws->state == OPEN && out != WS_IN_MORE) {
		const uint8_t *msg = NULL;
		size_t n = 0;

		out = ws_in_take(&ws->in, &p, &len, &msg, &n);
		if (out != WS_IN_MORE)
			take(ws, out, msg, n);
	}
	mem_deref(ws);
}

void ws_stat(const struct ws *ws, struct ws_stat *st)
{
	*st = ws->st;
	st->busy = ws->out != NULL;
}

const struct web_req *ws_req(const struct ws *ws)
{
	return ws ? ws->req : NULL;
}

/* ---------------------------------------------------------------- opening */

static void destructor(void *arg)
{
	struct ws *ws = arg;

	ws->conf.closeh = NULL;
	if (ws->req && ws->state != CLOSED) {
		(void)web_end(ws->req, NULL);
		ws->req->datah = NULL;
		ws->req->sourceh = NULL;
		ws->req->closeh = NULL;
	}
	mem_deref(ws->out);
	ws_in_close(&ws->in);
	mem_deref(ws->req);
}

int ws_accept(struct ws **wp, struct web_req *req, const struct ws_conf *conf)
{
	struct ws *ws;
	int err;

	if (!wp || !req || !conf || !conf->messageh || !conf->nexth)
		return EINVAL;

	ws = mem_zalloc(sizeof(*ws), destructor);
	if (!ws)
		return ENOMEM;

	ws->conf = *conf;
	ws->in.max_bytes = conf->message_bytes;
	req->datah = on_data;
	err = ws_open(req, conf->protocol, &ws->deflate);
	if (err) {
		req->datah = NULL;
		mem_deref(ws);
		return err;
	}
	ws->in.deflate = ws->deflate;
	ws->req = mem_ref(req);
	req->sourceh = on_source;
	req->closeh = on_gone;
	req->arg = ws;
	*wp = ws;

	return 0;
}

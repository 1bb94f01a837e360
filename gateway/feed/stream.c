/* SPDX-License-Identifier: MIT */
/*
 * Event streams: see stream.h.
 *
 *   newest? --> [catch up] --> in the log --> gone, or not allowed, or we end
 */

#include <errno.h>
#include <string.h>

#include "gateway/feed/catchup.h"
#include "gateway/feed/feed_impl.h"
#include "gateway/feed/say.h"
#include "gateway/feed/stream.h"
#include "gateway/http/request.h"
#include "proto/loop.h"

enum { KEEP_ALIVE_S = 15 };

/* The newest event, asked for; outlives who asked. */
struct asking {
	struct le le;            /* in feed->pagel                        */
	struct stream *s;        /* borrowed; NULL: it is gone            */
};

struct stream {
	struct le le;            /* in feed->streaml                      */
	struct le wait;          /* in feed->stream_idlel, or none        */
	struct feed *f;          /* borrowed                              */
	struct web_req *req;     /* a reference                           */
	struct stream_conf conf;
	struct asking *asking;
	struct catchup *catchup;
	struct ws_frame *out;    /* under way; a reference                */
	size_t at;
	uint64_t pos;            /* in the log; 0: not there yet          */
	uint64_t sent, seen;     /* bytes; as of the last look            */
	unsigned quiet_s, stuck_s;
	bool comment;            /* due                                   */
};

static void asking_destructor(void *arg)
{
	struct asking *k = arg;

	list_unlink(&k->le);
}

static void destructor(void *arg)
{
	struct stream *s = arg;

	if (s->asking)
		s->asking->s = NULL;
	list_unlink(&s->le);
	list_unlink(&s->wait);
	mem_deref(s->catchup);
	mem_deref(s->out);
	mem_deref(s->req);
}

/* An event that is cut off in its middle is none: so at any time. */
static void end(struct stream *s, int err, enum stream_why why)
{
	void (*h)(int err, void *arg) = s->conf.endh;
	void *arg = s->conf.arg;

	s->req->closeh = NULL;
	s->req->sourceh = NULL;
	if (!err)
		s->conf.form->finish(s->req, why);
	mem_deref(s);
	h(err, arg);
}

static void on_gone(struct web_req *req, void *arg)
{
	(void)req;
	end(arg, 0, STREAM_GONE);
}

/* ----------------------------------------------------------------- what next */

static bool is_wanted(const struct stream *s, Sy__EventType type,
		      const char *call)
{
	return event_types_have(&s->conf.types, type) &&
	       (!*s->conf.call || !strcmp(s->conf.call, call));
}

static struct ws_frame *on_make(const char *id, const Sy__Event *ev,
				void *arg)
{
	const struct stream *s = arg;
	struct ws_frame *ws, *made;

	if (!is_wanted(s, ev->type, ev->call_id))
		return NULL;
	ws = say_event(id, ev);
	made = ws ? s->conf.form->make(ws, id, ev->type) : NULL;
	mem_deref(ws);

	return made;
}

static void wake(struct stream *s)
{
	list_unlink(&s->wait);
	web_wake(s->req);
}

static void on_read(void *arg)
{
	wake(arg);
}

static struct ws_frame *missed(struct stream *s)
{
	struct ws_frame *f = NULL;

	switch (catchup_next(s->catchup, &f, &s->pos)) {
	case CATCHUP_JOINED:
		s->catchup = mem_deref(s->catchup);
		break;
	default:
		break;
	}

	return f;
}

static struct ws_frame *from_log(struct stream *s)
{
	const struct feed_log *log = &s->f->log;

	while (s->pos && s->pos < log->next && s->pos >= log->first) {
		struct feed_entry *e = feed_log_get(log, s->pos++);
		struct ws_frame **madep = &e->madev[s->conf.form->id];
		char id[STORE_EVENT_ID_SIZE];

		if (!e->ws || !is_wanted(s, e->type, e->call))
			continue;
		if (!*madep) {
			feed_id_print(id, &e->id);
			*madep = s->conf.form->make(e->ws, id, e->type);
		}
		return mem_ref(*madep);
	}

	return NULL;
}

static struct ws_frame *next(struct stream *s)
{
	struct ws_frame *f = s->catchup ? missed(s) : NULL;

	if (!f)
		f = from_log(s);
	if (!f && s->comment)
		f = say_text(s->conf.form->comment);
	s->comment = false;
	if (!f && !s->wait.list)
		list_append(&s->f->stream_idlel, &s->wait, s);

	return f;
}

static size_t on_source(struct web_req *req, uint8_t *p, size_t max, void *arg)
{
	struct stream *s = arg;
	size_t n = 0;
	(void)req;

	while (n < max) {
		size_t part;

		if (!s->out) {
			s->out = next(s);
			s->at = 0;
		}
		if (!s->out)
			break;
		part = s->out->len - s->at;
		part = part < max - n ? part : max - n;
		memcpy(p + n, s->out->p + s->at, part);
		n += part;
		s->at += part;
		if (s->at < s->out->len)
			break;
		s->out = mem_deref(s->out);
	}
	s->sent += n;

	return n;
}

/* ------------------------------------------------------------ looked after */

static void check(struct stream *s)
{
	const bool still = s->sent == s->seen;

	s->seen = s->sent;
	s->quiet_s = still && !s->out ? s->quiet_s + 1 : 0;
	s->stuck_s = still && s->out ? s->stuck_s + 1 : 0;
	if (!auth_valid(s->f->auth, &s->conf.who) ||
	    !principal_may(&s->conf.who, "events:read")) {
		end(s, 0, STREAM_DENIED);
		return;
	}
	if (s->stuck_s >= FEED_STUCK_S ||
	    (s->pos && s->pos < s->f->log.first)) {
		s->f->st.shed++;
		end(s, 0, STREAM_SLOW);
		return;
	}
	if (s->conf.form->comment && s->quiet_s &&
	    s->quiet_s % KEEP_ALIVE_S == 0)
		s->comment = true;
	if (s->comment || s->catchup)
		wake(s);
}

void stream_check_all(struct feed *f)
{
	struct le *le = f->streaml.head;

	while (le) {
		struct stream *s = le->data;

		le = le->next;
		check(s);
	}
}

void stream_end_all(struct feed *f)
{
	while (f->streaml.head)
		end(f->streaml.head->data, 0, STREAM_STOPPED);
}

void stream_restart_all(struct feed *f)
{
	struct le *le;

	LIST_FOREACH(&f->streaml, le) {
		struct stream *s = le->data;

		if (s->pos)
			s->pos = f->log.next;
	}
}

void stream_wake_one(struct le *le)
{
	wake(le->data);
}

/* ------------------------------------------------------ server-sent events */

static void finish_sse(struct web_req *req, enum stream_why why)
{
	(void)why; /* a browser comes back by itself */
	(void)web_end(req, NULL);
}

const struct stream_form stream_sse = {
	.id = STREAM_SSE,
	.type = "text/event-stream",
	.hello = "retry: 2000\n\n",
	.comment = ":\n\n",
	.make = say_sse,
	.finish = finish_sse,
};

/* --------------------------------------------------------------- beginning */

static int begin(struct stream *s, const char *after)
{
	const struct catchup_conf conf = {
		.f = s->f,
		.after = after,
		.makeh = on_make,
		.wakeh = on_read,
		.arg = s,
	};
	const struct stream_form *form = s->conf.form;
	int err = catchup_alloc(&s->catchup, &conf);

	if (err)
		return err;

	(void)web_head(s->req, "cache-control", "no-store");
	(void)web_start(s->req, 200, form->type);
	(void)web_write(s->req, form->hello, strlen(form->hello));
	if (!strcmp(s->req->method, "HEAD"))
		return ECANCELED;
	s->req->sourceh = on_source;
	s->req->closeh = on_gone;
	s->req->arg = s;
	web_wake(s->req);

	return 0;
}

static void on_newest(int err, const struct store_entry *v, size_t n,
		      void *arg)
{
	struct asking *k = arg;
	struct stream *s = k->s;

	mem_deref(k);
	if (!s)
		return;

	s->asking = NULL;
	if (!err && *s->conf.after)
		err = begin(s, s->conf.after);
	else if (!err)
		err = begin(s, n ? v[0].id : "0-0");
	if (err)
		end(s, err == ECANCELED ? 0 : err, STREAM_GONE);
}

/* In any case: so it is known that Redis answers. */
static int ask(struct stream *s)
{
	struct asking *k = mem_zalloc(sizeof(*k), asking_destructor);
	int err;

	if (!k)
		return ENOMEM;

	k->s = s;
	err = store_event_list(view_redis(s->f->view), NULL, 1, on_newest, k);
	if (err) {
		mem_deref(k);
		return err;
	}
	s->asking = k;
	list_append(&s->f->pagel, &k->le, k);

	return 0;
}

int feed_stream(struct feed *f, struct web_req *req,
		const struct stream_conf *conf)
{
	struct stream *s;
	int err;

	if (!f || !f->view)
		return ENOTCONN;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	s->f = f;
	s->req = mem_ref(req);
	s->conf = *conf;
	err = ask(s);
	if (err) {
		mem_deref(s);
		return err;
	}
	list_append(&f->streaml, &s->le, s);
	req->closeh = on_gone;
	req->arg = s;
	feed_watch(f);
	reader_start(f);

	return 0;
}

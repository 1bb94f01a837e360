/* SPDX-License-Identifier: MIT */
/* What is asked for all who watch: see poll.h. */

#include <errno.h>
#include <string.h>

#include "gateway/feed/poll.h"
#include "gateway/feed/poll_say.h"
#include "gateway/grpc/inner.h"
#include "gateway/http/request.h"
#include "proto/loop.h"

enum {
	LIST_MS = 1000,
	LEVELS_MS = 200,
	EACH_MS = 1,        /* more between, for each that is asked for   */
	PAGES_MAX = 50,     /* of 1,000: what a list shows at most        */
	UNWANTED_S = 3,
	PATH_SIZE = 256,
	TOPIC_SIZE = 48,
};

struct poll {
	struct le le;            /* in feed->polll                        */
	struct feed *f;          /* borrowed                              */
	struct topic topic;      /* kind and call                         */
	char name[TOPIC_SIZE];
	const struct poll_form *form;
	struct inner *in;        /* under way                             */
	struct loop_timer *timer;
	struct known *known;     /* as last told; NULL: nothing yet       */
	struct known *next;      /* being read                            */
	bool gone;               /* there is no such thing                */
	uint64_t at;             /* number in the log it is as of         */
	uint64_t asked_at;       /* ... that is being read                */
	unsigned pages, unwanted_s;
};

static const struct poll_kind {
	enum topic_kind kind;
	const char *name, *path;
	struct poll_form form;
} kindv[] = {
	{TOPIC_CLUSTER, "cluster", "/api/status",
	 {"status", "status", NULL, false}},
	{TOPIC_REGISTRATIONS, "registrations", "/api/registrations",
	 {"registrations", "registrations", "device", false}},
	{TOPIC_PROVIDERS, "providers", "/api/providers",
	 {"providers", "providers", "id", true}},
	{TOPIC_CALL, "call:", "/api/calls/", {"calls", "call", NULL, false}},
};

static const struct poll_kind *kind_of(enum topic_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(kindv); i++) {
		if (kindv[i].kind == kind)
			return &kindv[i];
	}

	return NULL;
}

/* ----------------------------------------------------------------- telling */

/* @return whether anybody watches. */
static bool tell(struct poll *p, const struct poll_frames *fr)
{
	struct le *le = p->f->clientl.head;
	bool any = false;

	while (le) {
		struct ws_client *c = le->data;
		const struct topic *t = topic_find(c, &p->topic);

		le = le->next;
		if (!t)
			continue;
		any = true;
		if (t->step == TOPIC_DUE) {
			client_wake(c);
			continue;
		}
		for (size_t i = 0; i < fr->n; i++)
			(void)client_put_shared(c, mem_ref(fr->v[i]),
						p->form->key &&
						!p->form->whole ? NULL : p);
	}

	return any;
}

/* ------------------------------------------------------------------ asking */

static void ask(struct poll *p, const char *cursor);

static void on_timer(void *arg)
{
	struct poll *p = arg;

	p->timer = mem_deref(p->timer);
	p->pages = 0;
	ask(p, "");
}

static void ask_later(struct poll *p)
{
	uint32_t ms = p->form->key || p->topic.kind == TOPIC_CLUSTER
			      ? LIST_MS * (p->pages + 1) : LEVELS_MS;

	ms += EACH_MS * list_count(&p->f->polll);
	if (p->f->view)
		(void)loop_timer_start(&p->timer, view_loop(p->f->view), ms,
				       on_timer, p);
}

/* All of it is there. */
static void take(struct poll *p)
{
	struct poll_frames fr = {0};

	(void)known_change(&fr, p->next, p->gone ? NULL : p->known, p->form);
	known_free(p->known);
	p->known = p->next;
	p->next = NULL;
	p->gone = false;
	p->at = p->asked_at;
	(void)tell(p, &fr);
	poll_frames_reset(&fr);
	ask_later(p);
}

static const char *text_of(const struct web_req *req)
{
	const struct mbuf *mb = req->res.out;

	return mb ? (const char *)mb->buf + mb->pos : "";
}

static void on_answer(struct inner *in, void *arg)
{
	struct poll *p = arg;
	struct web_req *req = inner_request(in);
	const struct poll_frames none = {0};
	char cursor[PATH_SIZE / 2] = "";
	int err = req->res.status == 200 ? 0 : EIO;

	if (!err)
		err = known_add(&p->next, p->form, text_of(req),
				web_res_waiting(req), cursor, sizeof(cursor));
	if (!err && *cursor && ++p->pages < PAGES_MAX) {
		p->in = mem_deref(p->in);
		ask(p, cursor);
		return;
	}
	if (req->res.status == 404) {
		p->gone = true;
		p->at = p->asked_at;
	}
	p->in = mem_deref(p->in);
	if (!err) {
		take(p);
		return;
	}

	/* Redis is away, or the call's node: what was known stays. */
	p->next = known_free(p->next);
	if (p->gone)
		(void)tell(p, &none);
	ask_later(p);
}

/* Append what may have any characters. */
static void escape(char *path, size_t size, const char *text)
{
	size_t n = strlen(path);

	for (; *text && n + 4 < size; text++)
		n += (size_t)re_snprintf(path + n, size - n, "%%%02x",
					 (unsigned char)*text);
}

static void ask(struct poll *p, const char *cursor)
{
	const struct poll_kind *k = kind_of(p->topic.kind);
	static const char *const nothing[] = {NULL};
	char path[PATH_SIZE];
	struct web_req *req;

	if (!*cursor)
		p->asked_at = p->f->log.next;
	(void)re_snprintf(path, sizeof(path), "%s%s%s%s", k->path,
			  p->topic.call, k->form.key ? "?limit=1000" : "",
			  *cursor ? "&cursor=" : "");
	escape(path, sizeof(path), cursor);
	if (!p->f->view || inner_alloc(&p->in, p->f->self, "GET", path,
				       nothing, on_answer, p)) {
		ask_later(p);
		return;
	}
	req = mem_ref(inner_request(p->in));
	p->f->geth(req, p->f->get_arg);
	mem_deref(req);
}

/* -------------------------------------------------------------------- life */

static void destructor(void *arg)
{
	struct poll *p = arg;

	list_unlink(&p->le);
	mem_deref(p->in);
	mem_deref(p->timer);
	known_free(p->known);
	known_free(p->next);
}

static struct poll *find(const struct feed *f, const struct topic *t)
{
	struct le *le;

	LIST_FOREACH(&f->polll, le) {
		struct poll *p = le->data;

		if (p->topic.kind == t->kind && !strcmp(p->topic.call, t->call))
			return p;
	}

	return NULL;
}

struct poll *poll_want(struct feed *f, const struct topic *t)
{
	const struct poll_kind *k = kind_of(t->kind);
	struct poll *p = find(f, t);

	if (p || !k)
		return p;

	p = mem_zalloc(sizeof(*p), destructor);
	if (!p)
		return NULL;
	p->f = f;
	p->form = &k->form;
	p->topic.kind = t->kind;
	str_ncpy(p->topic.call, t->call, sizeof(p->topic.call));
	(void)re_snprintf(p->name, sizeof(p->name), "%s%s", k->name, t->call);
	list_append(&f->polll, &p->le, p);
	ask(p, "");

	return p;
}

uint64_t poll_at(const struct poll *p)
{
	return p->at;
}

bool poll_snapshot(struct poll *p, struct ws_client *c, uint64_t fresh,
		   uint64_t *atp)
{
	struct poll_frames fr = {0};
	char seq[STORE_EVENT_ID_SIZE] = "";
	struct feed_id id;

	if ((!p->known && !p->gone) || p->at < fresh)
		return false;

	if (p->topic.kind == TOPIC_CALL) {
		feed_log_before(&p->f->log, p->at, &id);
		feed_id_print(seq, &id);
	}
	*atp = p->at;
	if (known_snapshot(&fr, p->gone ? NULL : p->known, p->form, p->name,
			   seq))
		return false;
	for (size_t i = 0; i < fr.n; i++)
		(void)client_put_shared(c, mem_ref(fr.v[i]), NULL);
	poll_frames_reset(&fr);

	return true;
}

void poll_tick(struct feed *f)
{
	const struct poll_frames none = {0};
	struct le *le = f->polll.head;

	while (le) {
		struct poll *p = le->data;

		le = le->next;
		p->unwanted_s = tell(p, &none) ? 0 : p->unwanted_s + 1;
		if (p->unwanted_s >= UNWANTED_S)
			mem_deref(p);
	}
}

/* SPDX-License-Identifier: MIT */
/* What a client watches: topics, who may have them, and which events belong
 * to each. */

#include <errno.h>
#include <string.h>

#include "gateway/feed/feed_impl.h"
#include "gateway/feed/poll.h"
#include "gateway/feed/say.h"

/* How a topic is called and what it needs. */
static const struct topic_name {
	const char *name;         /* ending in ':': an id follows         */
	enum topic_kind kind;
	const char *scope;
	bool events;              /* it has a part of the stream          */
} namev[] = {
	{"cluster", TOPIC_CLUSTER, "nodes:read", false},
	{"calls", TOPIC_CALLS, "calls:read", true},
	{"call:", TOPIC_CALL, "calls:read", true},
	{"events", TOPIC_EVENTS, "events:read", true},
	{"registrations", TOPIC_REGISTRATIONS, "registrations:read", false},
	{"providers", TOPIC_PROVIDERS, "config:read", false},
};

static const char allowed[] = "cluster, calls, call:ID, events, "
			      "registrations, providers";

static const struct topic_name *name_of(enum topic_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(namev); i++) {
		if (namev[i].kind == kind)
			return &namev[i];
	}

	return NULL;
}

/* @return NULL: there is no such topic. */
static const struct topic_name *parse(struct topic *t, const char *text)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < ARRAY_SIZE(namev); i++) {
		const size_t n = strlen(namev[i].name);
		uint8_t id[ULID_BYTES];

		t->kind = namev[i].kind;
		if (namev[i].name[n - 1] != ':') {
			if (!strcmp(text, namev[i].name))
				return &namev[i];
			continue;
		}
		if (strncmp(text, namev[i].name, n) ||
		    ulid_read(id, text + n, strlen(text + n)))
			continue;
		ulid_print(t->call, id);
		return &namev[i];
	}

	return NULL;
}

struct topic *topic_find(const struct ws_client *c, const struct topic *t)
{
	for (size_t i = 0; i < c->topicc; i++) {
		if (c->topicv[i].kind == t->kind &&
		    !strcmp(c->topicv[i].call, t->call))
			return &c->topicv[i];
	}

	return NULL;
}

static bool follows_events(const struct ws_client *c)
{
	for (size_t i = 0; i < c->topicc; i++) {
		if (name_of(c->topicv[i].kind)->events)
			return true;
	}

	return false;
}

/* All of them can be had, or it was said why not. */
static bool check(struct ws_client *c, const Sy__WsClient *msg)
{
	const Sy__WsSubscribe *sub = msg->subscribe;
	struct feed_id after;

	for (size_t i = 0; i < sub->n_topics; i++) {
		struct topic t;
		const struct topic_name *n = parse(&t, sub->topics[i]);

		if (!n) {
			(void)ws_refuse(c, msg->id, "bad-request",
					"topics[%zu]: \"%.64s\" is no topic; "
					"allowed: %s", i, sub->topics[i],
					allowed);
			return false;
		}
		if (!principal_may(&c->who, n->scope)) {
			(void)ws_refuse(c, msg->id, "forbidden",
					"topics[%zu]: \"%s\" lacks the scope "
					"%s", i, c->who.id, n->scope);
			return false;
		}
	}
	if (c->topicc + sub->n_topics > FEED_TOPICS) {
		(void)ws_refuse(c, msg->id, "too-many", "a client watches up "
				"to %d topics", FEED_TOPICS);
		return false;
	}
	if (*sub->after && !feed_id_read(&after, sub->after)) {
		(void)ws_refuse(c, msg->id, "bad-request", "after: is no seq; "
				"allowed: one that was sent, or 0-0");
		return false;
	}

	return true;
}

static struct topic *add(struct ws_client *c, const struct topic *t)
{
	struct topic *v = mem_alloc((c->topicc + 1) * sizeof(*v), NULL);

	if (!v)
		return NULL;

	if (c->topicc)
		memcpy(v, c->topicv, c->topicc * sizeof(*v));
	v[c->topicc] = *t;
	mem_deref(c->topicv);
	c->topicv = v;

	return &v[c->topicc++];
}

/* Again for a topic that it has: its snapshot once more. */
static int subscribe(struct ws_client *c, const char *text, const char *after)
{
	struct topic t, *have;

	(void)parse(&t, text);
	have = topic_find(c, &t);
	if (!have)
		have = add(c, &t);
	if (!have)
		return ENOMEM;

	have->step = name_of(t.kind)->events &&
		     feed_id_read(&have->after, after) ? TOPIC_RESUME
						       : TOPIC_DUE;
	have->from = 0;
	c->unsettled = true;

	return 0;
}

void topic_subscribe(struct ws_client *c, const Sy__WsClient *msg)
{
	const Sy__WsSubscribe *sub = msg->subscribe;
	int err = 0;

	if (!check(c, msg))
		return;

	for (size_t i = 0; i < sub->n_topics && !err; i++)
		err = subscribe(c, sub->topics[i], sub->after);
	if (err)
		(void)ws_refuse(c, msg->id, "internal", "out of memory");
	else
		(void)ws_done(c, msg->id);
	if (topic_has_calls(c))
		calls_want(c->feed->calls);
	client_wake(c);
}

void topic_unsubscribe(struct ws_client *c, const Sy__WsClient *msg)
{
	const Sy__WsUnsubscribe *un = msg->unsubscribe;

	for (size_t i = 0; i < un->n_topics; i++) {
		struct topic t, *have;

		have = parse(&t, un->topics[i]) ? topic_find(c, &t) : NULL;
		if (have)
			*have = c->topicv[--c->topicc];
	}
	if (!follows_events(c))
		c->pos = 0;
	(void)ws_done(c, msg->id);
}

/* ------------------------------------------------------------ where to go on */

static struct ws_frame *snapshot(struct ws_client *c, struct topic *t)
{
	Sy__WsServer msg = SY__WS_SERVER__INIT;
	Sy__WsSnapshot snap = SY__WS_SNAPSHOT__INIT;
	char seq[STORE_EVENT_ID_SIZE];
	struct feed_id id;

	if (!c->pos)
		c->pos = c->feed->log.next;
	feed_log_before(&c->feed->log, c->pos, &id);
	feed_id_print(seq, &id);
	snap.topic = (char *)name_of(t->kind)->name;
	snap.seq = seq;
	msg.body_case = SY__WS_SERVER__BODY_SNAPSHOT;
	msg.snapshot = &snap;
	t->step = TOPIC_LIVE;
	t->from = c->pos;

	return say_message(&msg);
}

/* The calls are of now, or of a moment ago for who follows nothing yet. */
static void calls_snapshot(struct ws_client *c, struct topic *t)
{
	if (c->snap)
		return;
	c->snap = calls_series(c->feed->calls, c->pos);
	if (!c->snap)
		return;
	c->snap_at = 0;
	t->step = TOPIC_LIVE;
	t->from = c->pos = c->snap->at;
}

/* It is in the client's queue, or will be. */
static void polled(struct ws_client *c, struct topic *t)
{
	struct poll *p = poll_want(c->feed, t);
	uint64_t at;

	if (p && poll_snapshot(p, c, 0, &at))
		t->step = TOPIC_LIVE;
}

/* How a call is was told by its node, after events up to some: these are sent
 * before, and those that follow behind it. */
static void polled_call(struct ws_client *c, struct topic *t)
{
	struct poll *p = poll_want(c->feed, t);
	uint64_t at;

	if (!t->from)
		t->from = c->feed->log.next;
	if (!p || poll_at(p) < t->from || (c->pos && c->pos < poll_at(p)) ||
	    !poll_snapshot(p, c, t->from, &at))
		return;
	t->step = TOPIC_LIVE;
	t->from = c->pos = at;
}

uint64_t topic_hold(const struct ws_client *c)
{
	uint64_t hold = UINT64_MAX;

	for (size_t i = 0; i < c->topicc; i++) {
		const struct topic *t = &c->topicv[i];
		const struct poll *p;
		uint64_t at;

		if (t->kind != TOPIC_CALL || t->step != TOPIC_DUE || !t->from)
			continue;
		p = poll_want(c->feed, t);
		at = p && poll_at(p) > t->from ? poll_at(p) : t->from;
		hold = at < hold ? at : hold;
	}

	return hold;
}

/* That of the calls is of now, so what came before must have been sent; that
 * of the events only says where they begin. */
static struct ws_frame *begin(struct ws_client *c, struct topic *t)
{
	if (t->kind == TOPIC_EVENTS)
		return snapshot(c, t);
	if (t->kind == TOPIC_CALL)
		polled_call(c, t);
	else if (!c->pos || c->pos == c->feed->log.next)
		calls_snapshot(c, t);

	return NULL;
}

struct ws_frame *topic_next(struct ws_client *c)
{
	const bool started = c->feed->reader.started;
	struct ws_frame *f = NULL;

	c->unsettled = c->held = false;
	for (size_t i = 0; i < c->topicc; i++) {
		struct topic *t = &c->topicv[i];

		if (t->step == TOPIC_RESUME && started)
			topic_resume(c, t);
		if (t->step == TOPIC_DUE && !name_of(t->kind)->events)
			polled(c, t);
		else if (t->step == TOPIC_DUE && started && !f)
			f = begin(c, t);
		c->held |= t->kind == TOPIC_CALL && t->step == TOPIC_DUE;
		c->unsettled |= t->step != TOPIC_LIVE;
	}

	return f;
}

bool topic_has_calls(const struct ws_client *c)
{
	for (size_t i = 0; i < c->topicc; i++) {
		if (c->topicv[i].kind == TOPIC_CALLS)
			return true;
	}

	return false;
}

void topic_calls_anew(struct ws_client *c)
{
	for (size_t i = 0; i < c->topicc; i++) {
		struct topic *t = &c->topicv[i];

		if (t->kind == TOPIC_CALLS && t->step == TOPIC_LIVE)
			t->step = TOPIC_DUE;
	}
	c->unsettled = true;
}

void topic_restart(struct ws_client *c)
{
	for (size_t i = 0; i < c->topicc; i++) {
		if (!name_of(c->topicv[i].kind)->events)
			continue;
		c->topicv[i].step = TOPIC_DUE;
		c->topicv[i].from = 0;
	}
	c->unsettled = true;
	c->catchup = mem_deref(c->catchup);
	if (c->pos)
		c->pos = c->feed->log.next;
}

bool topic_belongs(const struct topic *t, const char *call)
{
	return t->kind == TOPIC_EVENTS || (t->kind == TOPIC_CALLS && *call) ||
	       (t->kind == TOPIC_CALL && !strcmp(t->call, call));
}

bool topic_wants(const struct ws_client *c, const struct feed_entry *e,
		 uint64_t number)
{
	for (size_t i = 0; i < c->topicc; i++) {
		const struct topic *t = &c->topicv[i];

		if (t->step != TOPIC_LIVE || number < t->from)
			continue;
		if (topic_belongs(t, e->call))
			return true;
	}

	return false;
}

void topic_check(struct ws_client *c)
{
	for (size_t i = 0; i < c->topicc;) {
		if (principal_may(&c->who, name_of(c->topicv[i].kind)->scope))
			i++;
		else
			c->topicv[i] = c->topicv[--c->topicc];
	}
}

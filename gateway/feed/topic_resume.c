/* SPDX-License-Identifier: MIT */
/* A topic that goes on after an event: by the log, or by what the stream still
 * has before it. */

#include <string.h>

#include "gateway/feed/catchup.h"
#include "gateway/feed/feed_impl.h"
#include "gateway/feed/say.h"

/* Further back for one topic is no news for the others. */
static void rewind_to(struct ws_client *c, const struct topic *mine,
		      uint64_t number)
{
	for (size_t i = 0; c->pos && i < c->topicc; i++) {
		struct topic *t = &c->topicv[i];

		if (t != mine && t->step == TOPIC_LIVE && t->from < c->pos)
			t->from = c->pos;
	}
	if (!c->pos || number < c->pos)
		c->pos = number;
}

static struct ws_frame *on_make(const char *id, const Sy__Event *ev,
				void *arg)
{
	const struct ws_client *c = arg;

	for (size_t i = 0; i < c->topicc; i++) {
		if (c->topicv[i].step == TOPIC_BEHIND &&
		    topic_belongs(&c->topicv[i], ev->call_id))
			return say_event(id, ev);
	}

	return NULL;
}

static void on_read(void *arg)
{
	client_wake(arg);
}

static void set_step(struct ws_client *c, enum topic_step from,
		     enum topic_step to, uint64_t number)
{
	for (size_t i = 0; i < c->topicc; i++) {
		if (c->topicv[i].step != from)
			continue;
		c->topicv[i].step = to;
		c->topicv[i].from = number;
	}
}

/* Several that are behind are so together, after the first one's event. */
static void fall_behind(struct ws_client *c, struct topic *t)
{
	char after[STORE_EVENT_ID_SIZE];
	const struct catchup_conf conf = {
		.f = c->feed,
		.after = after,
		.exact = true,
		.makeh = on_make,
		.wakeh = on_read,
		.arg = c,
	};

	feed_id_print(after, &t->after);
	t->step = TOPIC_DUE;
	if (!c->catchup && catchup_alloc(&c->catchup, &conf))
		return;
	for (size_t i = 0; i < c->topicc; i++) {
		struct topic *other = &c->topicv[i];

		if (other == t || (other->step == TOPIC_RESUME &&
				   !feed_id_compare(&other->after, &t->after)))
			other->step = TOPIC_BEHIND;
	}
}

struct ws_frame *topic_missed(struct ws_client *c)
{
	struct ws_frame *f = NULL;
	uint64_t number = 0;

	if (!c->catchup)
		return NULL;

	switch (catchup_next(c->catchup, &f, &number)) {
	case CATCHUP_JOINED:
		for (size_t i = 0; i < c->topicc; i++) {
			if (c->topicv[i].step == TOPIC_LIVE &&
			    c->topicv[i].from < c->pos)
				c->topicv[i].from = c->pos;
		}
		set_step(c, TOPIC_BEHIND, TOPIC_LIVE, number);
		c->pos = c->pos && c->pos < number ? c->pos : number;
		c->catchup = mem_deref(c->catchup);
		break;
	case CATCHUP_LOST:
		set_step(c, TOPIC_BEHIND, TOPIC_DUE, 0);
		c->catchup = mem_deref(c->catchup);
		client_wake(c);
		break;
	default:
		break;
	}

	return f;
}

void topic_resume(struct ws_client *c, struct topic *t)
{
	uint64_t number;

	if (!feed_log_find(&c->feed->log, &t->after, &number)) {
		if (c->catchup)
			t->step = TOPIC_DUE;
		else
			fall_behind(c, t);
		return;
	}
	t->step = TOPIC_LIVE;
	t->from = number;
	rewind_to(c, t, number);
}

/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include "proto/redis_impl.h"

static void sub_destructor(void *arg)
{
	struct sub *s = arg;

	list_unlink(&s->le);
	mem_deref(s->channel);
}

int redis_send_plain(struct redis *r, const char *name, const char *channel)
{
	const char *argv[] = {name, channel};
	char *p = NULL;
	int len, err;

	len = (int)redisFormatCommandArgv(&p, channel ? 2 : 1, argv, NULL);
	if (len < 0 || !p)
		return ENOMEM;
	err = redis_sock_send(r->sock, p, (size_t)len);
	redisFreeCommand(p);

	return err;
}

static struct sub *sub_find(const struct redis *r, const char *channel)
{
	for (struct le *le = r->subl.head; le; le = le->next) {
		struct sub *s = le->data;

		if (!strcmp(s->channel, channel))
			return s;
	}

	return NULL;
}

void redis_published(struct redis *r, const redisReply *reply)
{
	redisReply **el = reply->element;
	struct sub *s;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 ||
	    el[0]->type != REDIS_REPLY_STRING ||
	    el[1]->type != REDIS_REPLY_STRING)
		return;

	if (r->state == SUBSCRIBING && !strcmp(el[0]->str, "subscribe")) {
		if (!--r->unconfirmed)
			redis_now_up(r);
		return;
	}
	if (strcmp(el[0]->str, "message") ||
	    el[2]->type != REDIS_REPLY_STRING)
		return;

	s = sub_find(r, el[1]->str);
	if (!s)
		return;

	mem_ref(s);
	s->h(s->channel, (const uint8_t *)el[2]->str, (size_t)el[2]->len,
	     s->arg);
	mem_deref(s);
}

int redis_subscribe(struct redis *r, const char *channel, redis_message_h *h,
		    void *arg)
{
	struct sub *s;

	if (!r || !channel || !h || sub_find(r, channel))
		return EINVAL;

	s = mem_zalloc(sizeof(*s), sub_destructor);
	if (!s)
		return ENOMEM;
	if (str_dup(&s->channel, channel)) {
		mem_deref(s);
		return ENOMEM;
	}

	s->h = h;
	s->arg = arg;
	list_append(&r->subl, &s->le, s);
	r->subscriber = true;
	r->heard_us = loop_now_us();
	redis_sweep_later(r);

	if (r->state < SUBSCRIBING)
		return 0;
	r->unconfirmed++;

	return redis_send_plain(r, "SUBSCRIBE", channel);
}

int redis_unsubscribe(struct redis *r, const char *channel)
{
	struct sub *s = r && channel ? sub_find(r, channel) : NULL;

	if (!s)
		return ENOENT;

	mem_deref(s);

	return r->state >= SUBSCRIBING
		       ? redis_send_plain(r, "UNSUBSCRIBE", channel) : 0;
}

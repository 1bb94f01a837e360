/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/life.h"
#include "proto/ulid.h"

enum { RUN_ID_SIZE = 48 };

struct life {
	struct redis *redis;
	const char *key;
	life_h *h;
	void *arg;
	char text[ULID_LEN + 1]; /* as it was; "": not seen yet     */
	char proposed[ULID_LEN + 1];
	char run_id[RUN_ID_SIZE]; /* likewise                        */
};

static void text_handler(int err, const redisReply *reply, void *arg)
{
	struct life *l = arg;
	const char *text;
	bool lost;

	if (err)
		return;

	text = reply->type == REDIS_REPLY_STRING ? reply->str : l->proposed;
	lost = l->text[0] && strcmp(l->text, text);
	str_ncpy(l->text, text, sizeof(l->text));
	if (lost)
		l->h(l->arg);
}

static void info_handler(int err, const redisReply *reply, void *arg)
{
	struct life *l = arg;
	struct pl id;
	bool moved;

	if (err || reply->type != REDIS_REPLY_STRING ||
	    re_regex(reply->str, (size_t)reply->len, "run_id:[0-9a-f]+", &id))
		return;

	moved = l->run_id[0] && pl_strcmp(&id, l->run_id);
	(void)pl_strcpy(&id, l->run_id, sizeof(l->run_id));
	if (moved)
		l->h(l->arg);
}

void life_look(struct life *l, bool server)
{
	if (!l || !redis_is_up(l->redis))
		return;

	ulid_make(l->proposed);
	(void)redis_command(l->redis, 0, text_handler, l, "SET %s %s NX GET",
			    l->key, l->proposed);
	if (server)
		(void)redis_command(l->redis, 0, info_handler, l,
				    "INFO server");
}

int life_alloc(struct life **lp, struct redis *redis, const char *key,
	       life_h *h, void *arg)
{
	struct life *l;

	if (!lp || !redis || !key || !h)
		return EINVAL;

	l = mem_zalloc(sizeof(*l), NULL);
	if (!l)
		return ENOMEM;

	l->redis = redis;
	l->key = key;
	l->h = h;
	l->arg = arg;
	*lp = l;

	return 0;
}

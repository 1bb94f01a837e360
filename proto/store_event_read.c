/* SPDX-License-Identifier: MIT */
/* Reading sy:events from where one was: see store.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store.h"
#include "proto/store_past.h"

struct reading {
	store_events_h *h;
	void *arg;
};

static bool entry_read(struct store_entry *entry, const redisReply *reply)
{
	struct store_past past;

	if (!store_past_read(&past, reply))
		return false;

	str_ncpy(entry->id, past.id, sizeof(entry->id));
	entry->event = sy__event__unpack(NULL, past.len, past.p);

	return true;
}

static void read_handler(int err, const redisReply *reply, void *arg)
{
	const size_t all =
	    err || reply->type != REDIS_REPLY_ARRAY ? 0 : reply->elements;
	struct store_entry *v = mem_zalloc((all + 1) * sizeof(*v), NULL);
	struct reading *rd = arg;
	size_t n = 0;

	if (!v && !err)
		err = ENOMEM;
	for (size_t i = 0; v && i < all; i++)
		n += entry_read(&v[n], reply->element[i]);

	rd->h(err, v, n, rd->arg);

	for (size_t i = 0; i < n; i++) {
		if (v[i].event)
			sy__event__free_unpacked(v[i].event, NULL);
	}
	mem_deref(v);
	mem_deref(rd);
}

bool store_event_id_is_valid(const char *id)
{
	const size_t ms = strspn(id, "0123456789");
	const size_t seq =
	    id[ms] == '-' ? strspn(id + ms + 1, "0123456789") : 0;

	return ms && seq && !id[ms + 1 + seq] && ms <= 19 && seq <= 19;
}

/* @param open  "(" where the first is not wanted. */
static int list(struct redis *r, const char *open, const char *from,
		size_t limit, store_events_h *h, void *arg)
{
	struct reading *rd;
	int err;

	if (!r || !h || !limit || (from && !store_event_id_is_valid(from)))
		return EINVAL;

	rd = mem_zalloc(sizeof(*rd), NULL);
	if (!rd)
		return ENOMEM;

	rd->h = h;
	rd->arg = arg;
	if (from)
		err = redis_command(r, 0, read_handler, rd,
				    "XRANGE sy:events %s%s + COUNT %d", open,
				    from, (int)limit);
	else
		err = redis_command(r, 0, read_handler, rd,
				    "XREVRANGE sy:events + - COUNT 1");
	if (err)
		mem_deref(rd);
	else
		redis_arg_owned(r);

	return err;
}

int store_event_list(struct redis *r, const char *after, size_t limit,
		     store_events_h *h, void *arg)
{
	return list(r, "(", after, limit, h, arg);
}

int store_event_list_from(struct redis *r, const char *from, size_t limit,
			  store_events_h *h, void *arg)
{
	return from ? list(r, "", from, limit, h, arg) : EINVAL;
}

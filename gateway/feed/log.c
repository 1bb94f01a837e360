/* SPDX-License-Identifier: MIT */
/* The newest events: see log.h. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/feed/log.h"
#include "gateway/feed/say.h"

bool feed_id_read(struct feed_id *id, const char *text)
{
	char *end;

	if (!store_event_id_is_valid(text))
		return false;

	id->ms = strtoull(text, &end, 10);
	id->seq = strtoull(end + 1, NULL, 10);

	return true;
}

void feed_id_print(char text[STORE_EVENT_ID_SIZE], const struct feed_id *id)
{
	(void)snprintf(text, STORE_EVENT_ID_SIZE, "%" PRIu64 "-%" PRIu64,
		       id->ms, id->seq);
}

int feed_id_compare(const struct feed_id *a, const struct feed_id *b)
{
	if (a->ms != b->ms)
		return a->ms < b->ms ? -1 : 1;

	return a->seq == b->seq ? 0 : a->seq < b->seq ? -1 : 1;
}

static struct feed_entry *at(const struct feed_log *log, uint64_t number)
{
	return &log->v[number % FEED_LOG_ENTRIES];
}

static void drop_oldest(struct feed_log *log)
{
	struct feed_entry *e = at(log, log->first++);

	log->before = e->id;
	log->bytes -= e->ws ? e->ws->len : 0;
	e->ws = mem_deref(e->ws);
	for (size_t i = 0; i < STREAM_FORMS; i++)
		e->madev[i] = mem_deref(e->madev[i]);
}

void feed_log_reset(struct feed_log *log, const struct feed_id *after)
{
	while (log->first < log->next)
		drop_oldest(log);
	if (!log->next)
		log->first = log->next = 1;
	log->before = *after;
}

int feed_log_add(struct feed_log *log, const struct store_entry *entry)
{
	const Sy__Event *ev = entry->event;
	struct feed_entry *e;
	struct feed_id id;

	if (!feed_id_read(&id, entry->id))
		return EBADMSG;
	if (!log->v) {
		log->v = mem_zalloc(FEED_LOG_ENTRIES * sizeof(*log->v), NULL);
		if (!log->v)
			return ENOMEM;
	}
	while (log->next - log->first == FEED_LOG_ENTRIES ||
	       (log->first < log->next && log->bytes > FEED_LOG_BYTES))
		drop_oldest(log);

	e = at(log, log->next++);
	*e = (struct feed_entry){.id = id};
	/* What cannot be read has its place, and is told to nobody. */
	if (ev) {
		e->type = ev->type;
		str_ncpy(e->call, ev->call_id, sizeof(e->call));
		e->ws = say_event(entry->id, ev);
		log->bytes += e->ws ? e->ws->len : 0;
	}

	return 0;
}

struct feed_entry *feed_log_get(const struct feed_log *log, uint64_t number)
{
	return number >= log->first && number < log->next ? at(log, number)
							  : NULL;
}

bool feed_log_find(const struct feed_log *log, const struct feed_id *after,
		   uint64_t *numberp)
{
	uint64_t low = log->first, high = log->next;

	if (!log->next)
		return false;
	if (!feed_id_compare(after, &log->before)) {
		*numberp = log->first;
		return true;
	}
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;
		int cmp = feed_id_compare(&at(log, mid)->id, after);

		if (!cmp) {
			*numberp = mid + 1;
			return true;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}

	return false;
}

void feed_log_before(const struct feed_log *log, uint64_t number,
		     struct feed_id *id)
{
	const struct feed_entry *e = feed_log_get(log, number - 1);

	*id = e ? e->id : log->before;
}

void feed_log_newest(const struct feed_log *log, struct feed_id *id)
{
	feed_log_before(log, log->next, id);
}

void feed_log_close(struct feed_log *log)
{
	while (log->v && log->first < log->next)
		drop_oldest(log);
	log->v = mem_deref(log->v);
}

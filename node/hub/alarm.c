/* SPDX-License-Identifier: MIT */
/*
 * Timer wheel: see alarm.h.
 *
 * Due timers are moved aside before any of them is called, so a handler that
 * stops another one, or starts its own again, meets no half-walked list.
 */

#include <string.h>
#include "node/hub/alarm.h"

static struct list *slot_of(struct alarms *w, uint64_t at_ms)
{
	return &w->slotv[(at_ms / ALARM_SLOT_MS) % ALARM_SLOTS];
}

void alarms_init(struct alarms *w, uint64_t now_ms)
{
	memset(w, 0, sizeof(*w));
	w->now_ms = now_ms;
}

void alarm_start(struct alarms *w, struct alarm *t, uint64_t delay_ms,
		 alarm_h *h, void *arg)
{
	alarm_stop(w, t);

	/* Up to the end of a slot: the one of now was just run. */
	t->at_ms = w->now_ms + delay_ms + ALARM_SLOT_MS;
	t->at_ms -= t->at_ms % ALARM_SLOT_MS;
	t->h = h;
	t->arg = arg;
	list_append(slot_of(w, t->at_ms), &t->le, t);
	w->count++;
}

void alarm_stop(struct alarms *w, struct alarm *t)
{
	if (!t->le.list)
		return;

	list_unlink(&t->le);
	w->count--;
}

static void take_due(struct list *due, struct list *slot, uint64_t now_ms)
{
	struct le *le = list_head(slot);

	while (le) {
		struct alarm *t = le->data;

		le = le->next;
		if (t->at_ms > now_ms)
			continue; /* a later lap */

		list_unlink(&t->le);
		list_append(due, &t->le, t);
	}
}

void alarms_run(struct alarms *w, uint64_t now_ms)
{
	uint64_t slot = w->now_ms / ALARM_SLOT_MS + 1;
	const uint64_t last = now_ms / ALARM_SLOT_MS;
	struct list due = LIST_INIT;

	if (now_ms <= w->now_ms)
		return;

	/* After a long pause one lap meets every timer. */
	if (last >= slot + ALARM_SLOTS)
		slot = last - ALARM_SLOTS + 1;

	w->now_ms = now_ms;
	for (; slot <= last; slot++)
		take_due(&due, &w->slotv[slot % ALARM_SLOTS], now_ms);

	while (due.head) {
		struct alarm *t = due.head->data;

		alarm_stop(w, t);
		t->h(t->arg);
	}
}

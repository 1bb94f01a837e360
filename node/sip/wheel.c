/* SPDX-License-Identifier: MIT */

#include <re.h>

#include "node/sip/wheel.h"

struct wheel {
	struct list slotv[WHEEL_SLOTS];
	struct tmr tmr;
	uint64_t tick;   /* number of the last tick that was worked off */
	uint32_t count;  /* timers that wait                            */
};

static void destructor(void *arg)
{
	struct wheel *w = arg;
	size_t i;

	tmr_cancel(&w->tmr);
	for (i = 0; i < ARRAY_SIZE(w->slotv); i++)
		list_clear(&w->slotv[i]);
}

static uint64_t now_tick(void)
{
	return tmr_jiffies() / WHEEL_TICK_MS;
}

static void run_slot(struct list *slot)
{
	/* One at a time from the head: a handler may cancel any other. What
	 * it starts goes to later slots, so this comes to an end. */
	while (slot->head) {
		struct wheel_tmr *t = slot->head->data;

		wheel_cancel(t);
		t->h(t->arg);
	}
}

static void tick_handler(void *arg)
{
	struct wheel *w = arg;
	uint64_t now = now_tick();
	unsigned n = 0;

	/* After a long stall each slot is due once. */
	while (w->tick < now && n++ < WHEEL_SLOTS) {
		++w->tick;
		run_slot(&w->slotv[w->tick % WHEEL_SLOTS]);
	}
	w->tick = now;
	if (w->count)
		tmr_start(&w->tmr, WHEEL_TICK_MS, tick_handler, w);
}

int wheel_alloc(struct wheel **wp)
{
	struct wheel *w = mem_zalloc(sizeof(*w), destructor);

	if (!w)
		return ENOMEM;

	tmr_init(&w->tmr);
	*wp = w;

	return 0;
}

void wheel_start(struct wheel *w, struct wheel_tmr *t, uint64_t delay_ms,
		 wheel_h *h, void *arg)
{
	uint64_t ticks;

	wheel_cancel(t);
	if (!tmr_isrunning(&w->tmr)) {
		if (!w->count)
			w->tick = now_tick(); /* it stood still */
		tmr_start(&w->tmr, WHEEL_TICK_MS, tick_handler, w);
	}

	delay_ms = delay_ms > WHEEL_MAX_MS ? WHEEL_MAX_MS : delay_ms;
	ticks = (delay_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS + 1;

	t->w = w;
	t->h = h;
	t->arg = arg;
	list_append(&w->slotv[(w->tick + ticks) % WHEEL_SLOTS], &t->le, t);
	++w->count;
}

void wheel_cancel(struct wheel_tmr *t)
{
	if (!t->le.list)
		return;

	list_unlink(&t->le);
	--t->w->count;
}

bool wheel_is_running(const struct wheel_tmr *t)
{
	return t->le.list != NULL;
}

/* SPDX-License-Identifier: MIT */
/* Many phones at a time; see bulk.h. */

#include <stdio.h>
#include <string.h>
#include "tests/phone/bulk.h"
#include "tests/phone/call.h"
#include "tests/phone/command.h"

enum {
	STEP_MS = 10,
	REMOVE_MS = 2000,
	REMOVE_POLL_MS = 20,
};

struct bulk {
	struct le le; /* in farm->bulkl, which owns this; so does each phone
			 whose REGISTER is under way */
	struct farm *farm;
	struct tmr tmr;
	struct phone **phonev; /* referenced */
	size_t n, sent, done;
	unsigned failed;
	uint32_t expires;
	double rate;
	uint64_t start_ms;
};

void bulk_name(char *buf, size_t size, const char *pattern, unsigned n)
{
	const char *at = strstr(pattern, "%d");

	if (at)
		snprintf(buf, size, "%.*s%u%s", (int)(at - pattern), pattern, n,
			 at + 2);
	else
		snprintf(buf, size, "%s", pattern);
}

static void destructor(void *arg)
{
	struct bulk *b = arg;

	list_unlink(&b->le);
	tmr_cancel(&b->tmr);
	for (size_t i = 0; b->phonev && i < b->n; i++)
		mem_deref(b->phonev[i]);
	mem_deref(b->phonev);
}

static void finish(struct bulk *b)
{
	events_put(b->farm->events,
		   json_pack("{s:s s:I s:I s:i s:I}", "event", "registered_all",
			     "count", (json_int_t)b->n, "ok",
			     (json_int_t)(b->n - b->failed), "failed",
			     b->failed, "ms",
			     (json_int_t)(tmr_jiffies() - b->start_ms)));
	if (b->le.list) {
		list_unlink(&b->le);
		mem_deref(b);
	}
}

static void done_handler(unsigned code, void *arg)
{
	struct bulk *b = arg;

	b->failed += code != 200;
	if (++b->done == b->n && b->le.list)
		finish(b);
	mem_deref(b);
}

static void step_handler(void *arg)
{
	struct bulk *b = arg;
	const uint64_t ms = tmr_jiffies() - b->start_ms;
	const size_t due = MIN(b->n, (size_t)(b->rate * ms / 1000.0) + 1);

	while (b->sent < due) {
		struct phone *p = b->phonev[b->sent++];

		mem_ref(b);
		if (phone_register(p, b->expires, done_handler, b))
			done_handler(503, b);
	}

	if (b->sent < b->n)
		tmr_start(&b->tmr, STEP_MS, step_handler, b);
}

int bulk_register(struct farm *farm, const char *pattern, uint32_t expires,
		  double rate, unsigned *countp)
{
	struct bulk *b = mem_zalloc(sizeof(*b), destructor);
	struct le *le;
	size_t n = 0;

	if (!b)
		return ENOMEM;

	b->phonev = mem_zalloc((list_count(&farm->phonel) + 1) *
				       sizeof(*b->phonev), NULL);
	if (!b->phonev) {
		mem_deref(b);
		return ENOMEM;
	}

	LIST_FOREACH(&farm->phonel, le) {
		struct phone *p = le->data;

		if (command_match(pattern, p->id))
			b->phonev[n++] = mem_ref(p);
	}

	b->farm = farm;
	b->n = n;
	b->expires = expires;
	b->rate = rate;
	b->start_ms = tmr_jiffies();
	list_append(&farm->bulkl, &b->le, b);
	*countp = n;
	if (n)
		tmr_start(&b->tmr, 0, step_handler, b);
	else
		finish(b);

	return 0;
}

static void remove_handler(void *arg)
{
	struct phone *p = arg;
	const bool busy = p->calll.head || phone_registered(p) ||
			  phone_registering(p);

	if (busy && tmr_jiffies() < p->remove_until_ms)
		tmr_start(&p->tmr_remove, REMOVE_POLL_MS, remove_handler, p);
	else
		mem_deref(p);
}

int bulk_remove(struct phone *p)
{
	hash_unlink(&p->he); /* the id is free from now on */
	phone_hangup(p);
	if (phone_registered(p) || phone_registering(p))
		(void)phone_register(p, 0, NULL, NULL);

	p->remove_until_ms = tmr_jiffies() + REMOVE_MS;
	tmr_start(&p->tmr_remove, 1, remove_handler, p);
	return 0;
}

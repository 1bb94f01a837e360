/* SPDX-License-Identifier: MIT */
/* Events; see event.h. */

#include "tests/phone/base.h"
#include "tests/phone/event.h"

enum {
	REAL_DIGITS = 7, /* significant; more would be noise */
};

struct events {
	FILE *out;
	event_h *h;
	void *arg;
};

int events_alloc(struct events **evp, FILE *out)
{
	struct events *ev = mem_zalloc(sizeof(*ev), NULL);

	if (!ev)
		return ENOMEM;

	ev->out = out;
	*evp = ev;
	return 0;
}

void events_set_handler(struct events *ev, event_h *h, void *arg)
{
	ev->h = h;
	ev->arg = arg;
}

void events_put(struct events *ev, json_t *obj)
{
	if (!obj)
		return;

	json_dumpf(obj, ev->out,
		   JSON_COMPACT | JSON_REAL_PRECISION(REAL_DIGITS));
	fputc('\n', ev->out);
	fflush(ev->out);
	if (ev->h)
		ev->h(obj, ev->arg);

	json_decref(obj);
}

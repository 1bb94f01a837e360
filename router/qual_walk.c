/* SPDX-License-Identifier: MIT */
/* All registrations are looked through for contacts that are in no queue; see
 * qualify.h.  A page each QUAL_TAKE_MS. */

#include <string.h>
#include "router/named.h"
#include "router/qualify_impl.h"

enum { PAGE = 100 };

static const char work[] = "qualify";

static void walk_again(struct qualify *q)
{
	q->walking = false;
	q->cursor = mem_deref(q->cursor);
}

static void on_page(int err, Sy__Registration *const *regv, size_t regc,
		    const char *next, void *arg)
{
	struct qualify *q = arg;
	char *cursor = NULL;

	q->paging = false;
	if (err) {
		walk_again(q);
		q->walk_ms = tmr_jiffies(); /* once Redis is there again */
		return;
	}
	for (size_t i = 0; i < regc; i++)
		qualify_registered(q->w, regv[i]);
	if (!next || str_dup(&cursor, next)) {
		walk_again(q);
		return;
	}
	mem_deref(q->cursor);
	q->cursor = cursor;
}

void qual_walk(struct qualify *q)
{
	if (q->paging)
		return;
	if (q->walk_ms && tmr_jiffies() >= q->walk_ms) {
		q->walk_ms = 0;
		walk_again(q);
		q->walking = named_is_us(q->w, work);
	}
	if (q->walking)
		q->paging = !store_reg_list(bus_redis(q->w->bus), q->cursor,
					    PAGE, on_page, q);
}

/* SPDX-License-Identifier: MIT */
/* Costly calls that are refused; see toll.h. */

#include "proto/store.h"
#include "router/answer.h"
#include "router/core.h"
#include "router/toll.h"

enum { NUMBER_SIZE = 128 };

void toll_refuse(struct msg *m, const char *account, const char *why)
{
	struct worker *w = m->w;
	Sy__Event ev = SY__EVENT__INIT;
	Google__Protobuf__Timestamp at = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	char number[NUMBER_SIZE] = "";
	struct view_uri u;

	if (!view_uri_read(&u, &m->v->uri) && u.user.l &&
	    view_unescape(number, sizeof(number), &u.user) < 0)
		number[0] = 0;
	timestamp_set_ms(&at, timestamp_now_ms());
	ev.at = &at;
	ev.type = SY__EVENT_TYPE__TOLL_DENIED;
	ev.member = (char *)(uintptr_t)w->router->conf.id;
	ev.account = (char *)(uintptr_t)account;
	ev.number = number;
	ev.reason = (char *)(uintptr_t)why;
	(void)store_event(bus_redis(w->bus), &ev);
	stat_inc(&w->stats, STAT_GUARD_TOLL);
	answer(m, 403, why, NULL);
}

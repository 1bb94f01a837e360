/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/bus.h"
#include "proto/store.h"

int store_event(struct redis *r, const Sy__Event *ev)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	size_t len, elen;
	uint8_t *p;
	int err;

	if (!r || !ev)
		return EINVAL;

	env.from = ev->member;
	env.body_case = SY__ENVELOPE__BODY_EVENT;
	env.event = (Sy__Event *)ev;
	len = sy__event__get_packed_size(ev);
	elen = sy__envelope__get_packed_size(&env);
	p = mem_alloc(len + elen, NULL);
	if (!p)
		return ENOMEM;

	sy__event__pack(ev, p);
	sy__envelope__pack(&env, p + len);
	err = redis_command(r, 0, NULL, NULL,
			    "XADD sy:events MAXLEN ~ %d * e %b",
			    STORE_EVENTS_MAX, p, len);
	if (!err)
		err = redis_command(r, 0, NULL, NULL,
				    "PUBLISH " BUS_CHANNEL_EVENTS " %b",
				    p + len, elen);
	mem_deref(p);

	return err;
}

/* SPDX-License-Identifier: MIT */
/*
 * The connection of a page is lost.  It may come back, so its contact stays
 * for a while; nodes that have calls of it are told at once, or a call that it
 * makes would ring on for nobody.
 */

#include "gateway/signal/signal_impl.h"

enum { LEFT_MS = 2000 };

static void ignore_handler(const Sy__Result *res, void *arg)
{
	(void)res;
	(void)arg;
}

static bool tell_handler(const Sy__Member *m, void *arg)
{
	struct phone *ph = arg;
	Sy__BrowserHere left = SY__BROWSER_HERE__INIT;
	Sy__Envelope env = SY__ENVELOPE__INIT;

	left.phone = ph->name;
	left.device = ph->device;
	env.body_case = SY__ENVELOPE__BODY_BROWSER_HERE;
	env.browser_here = &left;
	(void)bus_request_member(view_bus(ph->signal->view), m->id, &env,
				 LEFT_MS, ignore_handler, NULL);

	return false;
}

void leave(struct phone *ph)
{
	if (!list_isempty(&ph->legs))
		member_apply(view_members(ph->signal->view),
			     SY__MEMBER_KIND__NODE, tell_handler, ph);
	enlist_linger(ph);
}

/* SPDX-License-Identifier: MIT */
#include <re.h>
#include "node/sip/ua.h"

bool dialog_is_quiet(const struct dialog *d)
{
	(void)d;
	return false;
}

int dialog_freeze(struct dialog *d)
{
	(void)d;
	return ENOTSUP;
}

void dialog_thaw(struct dialog *d)
{
	(void)d;
}

void dialog_depart(struct dialog *d, const struct sa *to)
{
	(void)to;
	dialog_abandon(d);
}

/* SPDX-License-Identifier: MIT */
/* Who is reached by a number: see callee.h. */

#include <errno.h>
#include <string.h>

#include "proto/callee.h"
#include "proto/costly.h"

bool callee_device(struct dialplan_match *m, const struct config *c,
		   const char *id)
{
	const Sy__Device *dev = config_device(c, id, strlen(id));

	if (!dev || strlen(dev->id) >= sizeof(m->text[0]))
		return false;

	memset(m, 0, sizeof(*m));
	sy__destination__init(&m->dest);
	(void)strcpy(m->text[0], dev->id);
	m->dest.kind_case = SY__DESTINATION__KIND_DEVICE;
	m->dest.device = m->text[0];

	return true;
}

int callee_find(struct dialplan_match *m, const struct config *c,
		const char *number, const Sy__Source *src)
{
	const Sy__Config *conf = config_get(c);
	const bool api = src && src->kind_case == SY__SOURCE__KIND_API;
	struct costly costly;
	int err;

	if (!conf)
		return EAGAIN;

	err = dialplan_find(m, conf, number, src);
	if (err)
		return api && callee_device(m, c, number) ? 0 : err;

	/* "1XXX" leads to more devices than there are. */
	if (m->dest.kind_case == SY__DESTINATION__KIND_DEVICE &&
	    !config_device(c, m->dest.device, strlen(m->dest.device)))
		return ENOENT;

	return costly_check(&costly, c, &m->dest, src) == COSTLY_DENIED
		       ? EACCES
		       : 0;
}

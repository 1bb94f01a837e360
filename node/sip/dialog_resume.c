/* SPDX-License-Identifier: MIT */
#include <re.h>
#include "node/sip/ua.h"

int dialog_resume(struct dialog **dp, struct sipua *ua,
		  const struct dialog_resume *prm,
		  const struct dialog_handlers *h, void *arg)
{
	(void)h;
	(void)arg;

	return dp && ua && prm ? ENOTSUP : EINVAL;
}

int dialog_pending_offer(const struct dialog *d, struct mbuf **mbp)
{
	const struct sip_msg *msg =
		d && d->inbound && !d->re_invite ? strans_msg(d->inv) : NULL;

	if (!msg)
		return ENOENT;

	return msg_body(mbp, msg);
}

bool dialog_is_ours(const struct dialog *d)
{
	return d && !d->inbound;
}

uint32_t dialog_retry_after(const struct dialog *d)
{
	(void)d;
	return 0;
}

void sipua_set_unsure(struct sipua *ua, bool unsure)
{
	(void)ua;
	(void)unsure;
}

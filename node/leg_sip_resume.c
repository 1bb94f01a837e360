/* SPDX-License-Identifier: MIT */
#include "node/leg_sip_priv.h"

int leg_sip_resume(struct leg **lp, struct node *n, struct hub *hub,
		   const Sy__Leg *rec, const Sy__DialogState *ds,
		   leg_sip_resume_h *h, void *arg)
{
	(void)h;
	(void)arg;

	return lp && n && hub && rec && ds ? ENOTSUP : EINVAL;
}

int leg_sip_reoffer(struct leg *leg)
{
	return leg ? 0 : EINVAL;
}

bool leg_sip_is_quiet(const struct leg *leg)
{
	return leg->ops != &leg_sip_ops;
}

int leg_sip_freeze(struct leg *leg)
{
	return leg->ops == &leg_sip_ops ? ENOTSUP : 0;
}

void leg_sip_thaw(struct leg *leg)
{
	(void)leg;
}

void leg_sip_depart(struct leg *leg, const struct sa *to)
{
	(void)leg;
	(void)to;
}

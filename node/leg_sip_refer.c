/* SPDX-License-Identifier: MIT */
/* REFER of a SIP leg, both ways: see leg_sip.h. */

#include "node/leg_sip_priv.h"
#include "node/transfer.h"

static struct dialog *dialog_of(const struct leg *leg)
{
	return leg->ops == &leg_sip_ops ? ((const struct leg_sip *)leg)->dlg
					: NULL;
}

void leg_sip_referred(struct leg *leg, uint16_t code)
{
	dialog_referred(dialog_of(leg), code);
}

void leg_sip_refer_over(struct leg *leg, uint16_t code)
{
	dialog_refer_over(dialog_of(leg), code);
}

int leg_sip_refer(struct leg *leg, const char *to, const char *by)
{
	struct dialog *d = dialog_of(leg);

	return d ? dialog_refer(d, to, by) : ENOTSUP;
}

bool leg_sip_is(const struct leg *leg, const struct replaces *r)
{
	const struct dialog *d = dialog_of(leg);

	/* Each side has its own tag first; who wrote it may stand on either. */
	return d && (dialog_is(d, r->call_id, r->to_tag, r->from_tag) ||
		     dialog_is(d, r->call_id, r->from_tag, r->to_tag));
}

uint16_t leg_sip_refer_handler(struct dialog *d, const struct referto *to,
			       const char *by, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	return transfer_refer(ls->node, &ls->leg, to, by);
}

void leg_sip_referred_handler(struct dialog *d, uint16_t code, void *arg)
{
	struct leg_sip *ls = arg;

	(void)d;
	transfer_referred(ls->node, &ls->leg, code);
}

/* SPDX-License-Identifier: MIT */
/* A dialog that leaves for another node that lives: see relay.h. */

#include <re.h>

#include "node/sip/ua.h"

/* What may be pending: the INVITE that it rings for. */
static bool only_rings(const struct dialog *d)
{
	if (d->pending != 1)
		return false;

	return d->inbound ? strans_msg(d->inv) != NULL && !d->rel.code
			  : d->req && !request_is_canceled(d->req);
}

bool dialog_is_quiet(const struct dialog *d)
{
	if (!d)
		return true;

	switch (d->state) {

	case DIALOG_INCOMING:
	case DIALOG_CALLING:
	case DIALOG_EARLY:
		return only_rings(d);

	case DIALOG_ANSWERED:
		return !d->pending && !d->need_answer && !d->infol.head;

	case DIALOG_ENDED:
		break;
	}

	return !d->pending;
}

int dialog_freeze(struct dialog *d)
{
	struct relay_id id;

	if (!d || !d->ua)
		return EINVAL;

	if (d->relay)
		return 0;

	id.call_id = d->call_id;
	id.ltag = d->ltag;
	id.rtag = d->inbound ? d->rtag : NULL;

	return relay_freeze(&d->relay, d->ua->relays, &id);
}

static void thaw_handler(const struct sip_msg *msg, void *arg)
{
	ua_recv(arg, msg);
}

void dialog_thaw(struct dialog *d)
{
	struct relay *r = d ? d->relay : NULL;

	if (!r)
		return;

	d->relay = NULL;
	relay_thaw(r, thaw_handler, d->ua);
}

void dialog_depart(struct dialog *d, const struct sa *to)
{
	struct relay *r;
	bool handed;

	if (!d || !d->ua || d->abandoned || !to)
		return;

	handed = !dialog_freeze(d);
	if (handed) {
		r = d->relay;
		d->relay = NULL;
		relay_depart(r, to);
	}

	/* What would be remembered of it the relay knows. */
	dialog_abandon(d);
	if (handed)
		dialog_forget(d);
}

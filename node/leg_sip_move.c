/* SPDX-License-Identifier: MIT */
/* A SIP leg that leaves for another node that lives: see leg_sip.h. */

#include "node/leg_sip_words.h"

static bool is_sip(const struct leg *leg)
{
	return leg->ops == &leg_sip_ops;
}

/* A callee's early media cannot follow it: see leg_sip_resume.c. */
static bool sounds(const struct leg *leg)
{
	return leg->early && leg->info.direction == SY__DIRECTION__OUTBOUND;
}

bool leg_sip_is_quiet(const struct leg *leg)
{
	const struct leg_sip *ls = (const struct leg_sip *)leg;

	if (!is_sip(leg))
		return true;

	if (leg_is(leg, SY__LEG_STATE__LEG_ANSWERED) ?
		    ls->resumed.wanted || ls->resumed.unkeyed :
		    sounds(leg))
		return false;

	return words_is_quiet(ls);
}

int leg_sip_freeze(struct leg *leg)
{
	return is_sip(leg) ? words_freeze((struct leg_sip *)leg) : 0;
}

void leg_sip_thaw(struct leg *leg)
{
	if (is_sip(leg))
		words_thaw((struct leg_sip *)leg);
}

void leg_sip_depart(struct leg *leg, const struct sa *to)
{
	struct leg_sip *ls = (struct leg_sip *)leg;

	if (!is_sip(leg))
		return;

	ls->departed = true;
	alarm_stop(&ls->node->alarms, &ls->probe);
	alarm_stop(&ls->node->alarms, &ls->tell);
	leg_sip_resume_stop(ls, "another node has it");
	words_depart(ls, to);
}

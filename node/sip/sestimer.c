/* SPDX-License-Identifier: MIT */

#include <re.h>

#include "node/sip/sestimer.h"

enum { MARGIN_S = 32 };

/* Digits, and what may follow them: parameters. */
static uint32_t seconds(const struct sip_msg *msg, enum sip_hdrid id)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);
	struct pl num, rest;

	if (!hdr ||
	    re_regex(hdr->val.p, hdr->val.l, "[0-9]+[^]*", &num, &rest) ||
	    num.p != hdr->val.p)
		return 0;

	/* More digits than a number of 32 bits has would wrap. */
	return num.l > 9 ? SESTIMER_MAX_S
			 : MIN(pl_u32(&num), (uint32_t)SESTIMER_MAX_S);
}

static enum sestimer_refresher refresher(const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SESSION_EXPIRES);
	struct pl val;

	if (!hdr || msg_param_decode(&hdr->val, "refresher", &val))
		return SESTIMER_ANY;

	if (!pl_strcasecmp(&val, "uac"))
		return SESTIMER_UAC;

	return pl_strcasecmp(&val, "uas") ? SESTIMER_ANY : SESTIMER_UAS;
}

void sestimer_read(struct sestimer_said *said, const struct sip_msg *msg)
{
	said->expires_s = seconds(msg, SIP_HDR_SESSION_EXPIRES);
	said->min_s = seconds(msg, SIP_HDR_MIN_SE);
	said->supported =
	    sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "timer") ||
	    sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "timer");
	said->refresher = refresher(msg);
}

bool sestimer_is_small(const struct sestimer_said *said, uint32_t min_s)
{
	return said->supported && said->expires_s && said->expires_s < min_s;
}

static uint32_t interval(const struct sestimer *t,
			 const struct sestimer_said *said,
			 const struct sestimer_wish *wish)
{
	const uint32_t min_s = MAX(wish->min_s, said->min_s);

	/* It may be made shorter, never longer (RFC 4028 9). */
	if (said->expires_s && wish->expires_s)
		return MIN(said->expires_s, MAX(wish->expires_s, min_s));
	if (said->expires_s)
		return said->expires_s;

	/* A re-INVITE that says nothing of it ends no timer. */
	if (t->interval_s)
		return MAX(t->interval_s, min_s);

	return said->supported && wish->expires_s ? MAX(wish->expires_s, min_s)
						  : 0;
}

void sestimer_accept(struct sestimer *t, const struct sestimer_said *said,
		     const struct sestimer_wish *wish)
{
	const bool active = t->interval_s != 0;

	t->interval_s = interval(t, said, wish);

	if (!said->supported || said->refresher == SESTIMER_UAS)
		t->ours = true;
	else if (said->refresher == SESTIMER_UAC)
		t->ours = false;
	else if (!active)
		t->ours = true;
}

void sestimer_accepted(struct sestimer *t, const struct sestimer_said *said)
{
	t->interval_s = said->expires_s;
	t->ours = said->refresher != SESTIMER_UAS;
}

uint32_t sestimer_end_s(const struct sestimer *t)
{
	return t->interval_s - MIN((uint32_t)MARGIN_S, t->interval_s / 3);
}

/* SPDX-License-Identifier: MIT */
/*
 * A SIP leg's digits: by events, in the band, or by INFO; see leg_sip_priv.h.
 *
 * A phone may send a digit in two ways at once ("RFC 4733 and INFO" is a
 * common setting): the same digit by another way shortly after is a copy.
 */

#include "node/leg_sip_priv.h"
#include "node/sip/infodigit.h"

enum { COPY_MS = 1000 };

static const char *const method_names[] = {
    [DIGIT_EVENT] = "rfc4733",
    [DIGIT_INBAND] = "inband",
    [DIGIT_INFO] = "info",
};

enum media_dtmf leg_sip_dtmf_mode(const char *name)
{
	if (!str_casecmp(name, "rfc4733"))
		return MEDIA_DTMF_EVENTS;
	if (!str_casecmp(name, "info"))
		return MEDIA_DTMF_ELSEWHERE;
	if (!str_casecmp(name, "inband"))
		return MEDIA_DTMF_INBAND;

	return MEDIA_DTMF_AUTO;
}

const char *leg_sip_dtmf_name(enum media_dtmf mode)
{
	switch (mode) {

	case MEDIA_DTMF_AUTO:      return "auto";
	case MEDIA_DTMF_EVENTS:    return "rfc4733";
	case MEDIA_DTMF_ELSEWHERE: return "info";
	case MEDIA_DTMF_INBAND:    return "inband";
	}

	return "auto";
}

void leg_sip_digit(struct leg_sip *ls, char digit, uint32_t duration_ms,
		   enum digit_method by)
{
	const uint64_t now_ms = tmr_jiffies();
	const struct hub_digit d = {
	    .digit = digit,
	    .duration_ms = duration_ms,
	    .method = method_names[by],
	};

	if (!leg_talks(&ls->leg))
		return;

	if (ls->digit.digit == digit && ls->digit.by != by &&
	    now_ms - ls->digit.at_ms < COPY_MS)
		return;

	ls->digit.digit = digit;
	ls->digit.by = by;
	ls->digit.at_ms = now_ms;
	hub_dtmf(ls->leg.hub, &ls->leg, &d);
}

uint16_t leg_sip_info_handler(struct dialog *d, const char *ctype,
			      struct mbuf *body, const char **causep, void *arg)
{
	struct leg_sip *ls = arg;
	struct infodigit id;
	uint16_t code;

	(void)d;
	code = infodigit_read(&id, ctype, (char *)mbuf_buf(body),
			      mbuf_get_left(body));
	*causep = id.cause;
	if (code == 200 && id.digit)
		leg_sip_digit(ls, id.digit, id.dur_ms, DIGIT_INFO);

	return code;
}

int leg_sip_op_dtmf(struct leg *leg, char digit, uint32_t duration_ms)
{
	struct leg_sip *ls = (struct leg_sip *)leg;
	char body[64];

	if (ls->dtmf != MEDIA_DTMF_ELSEWHERE)
		return ls->media ? media_leg_dtmf(ls->media, digit, duration_ms)
				 : ENOTSUP;

	(void)re_snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n",
			  digit, duration_ms);

	return dialog_info(ls->dlg, "application/dtmf-relay", body);
}

/* SPDX-License-Identifier: MIT */
/*
 * Provisional answers to the peer's INVITE that arrive for sure (RFC 3262 3).
 *
 *   18x, RSeq n --(repeated: T1, 2*T1 ...)--> PRACK, RAck n --> the next one
 *                                      \--> 64*T1: 504, the call is over
 *
 * One waits at a time; what is to be said meanwhile waits for its PRACK, the
 * 200 too where the answer had a description.  A description in one of them is
 * the answer to the INVITE's offer, and the 200 has none then; or, where the
 * INVITE had no offer, it is ours, and the PRACK brings the answer.  A PRACK
 * may bring an offer, once offer and answer are done.
 */

#include <re.h>

#include "node/sip/ua.h"
#include "proto/log.h"

static uint32_t t1_ms(const struct dialog *d)
{
	return stranss_span_ms(d->ua->stranss) / 64;
}

static bool knows(const struct sip_msg *msg)
{
	return sip_msg_hdr_has_value(msg, SIP_HDR_SUPPORTED, "100rel") ||
	       sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel");
}

bool reliable_refuse(struct sipua *ua, const struct sip_msg *msg)
{
	if (ua->prack != SIP_PRACK_REQUIRED || knows(msg))
		return false;

	ua_refuse(ua, msg, 421, "Require: 100rel\r\n");

	return true;
}

void reliable_learn(struct dialog *d, const struct sip_msg *msg)
{
	if (d->ua->prack == SIP_PRACK_OFF)
		return;

	d->rel.peer = knows(msg);
	d->rel.required =
	    sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel") ||
	    d->ua->prack == SIP_PRACK_REQUIRED;
}

bool reliable_wanted(const struct dialog *d, const struct mbuf *sdp)
{
	/* While one waits, what would overtake it waits, too. */
	return d->rel.code || (d->rel.peer && (sdp || d->rel.required));
}

/* ---------------------------------------------------------------- sending */

static void no_prack(struct dialog *d)
{
	log_info("no PRACK came", LOG_S("call_id", d->call_id),
		 LOG_U("code", d->rel.code));
	(void)dialog_reply(d, 504, NULL, NULL, NULL);
	dialog_close(d, 504, "no PRACK", false);
}

static void repeat_handler(void *arg);

static void repeat_start(struct dialog *d)
{
	wheel_start(d->ua->wheel, &d->rel.tmr, d->rel.repeat_ms, repeat_handler,
		    d);
}

static void repeat_handler(void *arg)
{
	struct dialog *d = arg;

	if (d->abandoned || !d->rel.code)
		return;

	d->rel.span_ms += d->rel.repeat_ms;
	mem_ref(d);
	if (d->rel.span_ms >= 64 * t1_ms(d) && !d->ua->unsure) {
		no_prack(d);
	} else {
		d->rel.repeat_ms *= 2;
		if (d->rel.span_ms + d->rel.repeat_ms > 64 * t1_ms(d))
			d->rel.repeat_ms = t1_ms(d);
		strans_repeat(d->inv);
		repeat_start(d);
	}
	dialog_settle(d);
	mem_deref(d);
}

/* With the RSeq that is set. */
static int reply_reliably(struct dialog *d, uint16_t code, struct mbuf *sdp)
{
	char hdrs[320];
	int err;

	if (re_snprintf(hdrs, sizeof(hdrs), "Require: 100rel\r\nRSeq: %u\r\n%s",
			d->rel.rseq, sip_allow) < 0)
		return EOVERFLOW;

	err = dialog_reply(d, code, NULL, sdp, hdrs);
	if (err)
		return err;

	d->rel.code = code;
	d->rel.has_sdp = sdp != NULL;
	d->rel.repeat_ms = t1_ms(d);
	d->rel.span_ms = 0;
	repeat_start(d);

	return 0;
}

/* What waits becomes one answer: the last code, the only description. */
static void queue(struct dialog *d, uint16_t code, struct mbuf *sdp)
{
	d->rel.next_code = code;
	if (!sdp)
		return;

	mem_ref(sdp);
	mem_deref(d->rel.next_sdp);
	d->rel.next_sdp = sdp;
}

int reliable_progress(struct dialog *d, uint16_t code, struct mbuf *sdp)
{
	const bool first = sdp && !d->rel.described;

	/* There is one description only (RFC 3262 5). */
	if (!first)
		sdp = NULL;

	if (d->rel.code) {
		queue(d, code, sdp);
	} else {
		int err;

		/* RFC 3262 3: it begins anywhere, and has room to grow */
		d->rel.rseq = d->rel.rseq ? d->rel.rseq + 1
					  : 1 + (rand_u32() & 0x3fffffff);
		err = reply_reliably(d, code, sdp);
		if (err)
			return err;
	}

	if (first) {
		d->rel.described = true;
		d->rel.offered = d->late_offer;
	}

	return 0;
}

void reliable_stop(struct dialog *d)
{
	wheel_cancel(&d->rel.tmr);
	d->rel.code = d->rel.next_code = 0;
	d->rel.answered = false;
	d->rel.next_sdp = mem_deref(d->rel.next_sdp);
	d->rel.answer = mem_deref(d->rel.answer);
}

/* -------------------------------------------------------------- the PRACK */

/* "RSeq CSeq method". @return 0, EBADMSG, ENOENT (none that we sent) */
static int check_rack(const struct dialog *d, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RACK);
	struct pl rseq, cseq, met;

	if (!hdr || re_regex(hdr->val.p, hdr->val.l,
			     "[0-9]+[ \t]+[0-9]+[ \t]+"
			     "[A-Z]+",
			     &rseq, NULL, &cseq, NULL, &met))
		return EBADMSG;

	if (!d->rel.rseq || pl_u32(&rseq) != d->rel.rseq ||
	    pl_u32(&cseq) != d->inv_cseq || pl_strcmp(&met, "INVITE"))
		return ENOENT;

	return 0;
}

/* What had to wait. */
static void go_on(struct dialog *d)
{
	const uint16_t code = d->rel.next_code;
	struct mbuf *sdp = d->rel.next_sdp, *answer = d->rel.answer;
	const bool answered = d->rel.answered;

	d->rel.next_code = 0;
	d->rel.next_sdp = NULL;
	if (answered && !sdp) {
		d->rel.answered = false;
		d->rel.answer = NULL;
		(void)dialog_answer(d, answer);
		mem_deref(answer);
	} else if (code) {
		d->rel.rseq++;
		(void)reply_reliably(d, code, sdp);
	}
	mem_deref(sdp);
}

static void acknowledged(struct dialog *d)
{
	wheel_cancel(&d->rel.tmr);
	d->rel.agreed |= d->rel.has_sdp;
	d->rel.code = 0;
	d->rel.has_sdp = false;
}

static void reply_ok(struct dialog *d, const struct sip_msg *msg)
{
	ua_refuse(d->ua, msg, 200, NULL);
}

/* It ends the wait of a description.
 * @param sdp  What it brings, or NULL. */
static void with_description(struct dialog *d, const struct sip_msg *msg,
			     struct mbuf *sdp)
{
	const bool ours = d->rel.offered;

	acknowledged(d);
	if (ours) {
		d->rel.offered = d->late_offer = false;
		reply_ok(d, msg);
		if (d->h.acked)
			d->h.acked(d, sdp, true, d->arg);
		return;
	}

	if (sdp)
		dialog_take_offer(d, msg, sdp);
	else
		reply_ok(d, msg);
	if (d->h.acked)
		d->h.acked(d, NULL, false, d->arg);
}

/* A copy of one that another node had answered is a new one here. */
static void other(struct dialog *d, const struct sip_msg *msg, struct mbuf *sdp)
{
	if (d->rel.code)
		acknowledged(d);

	if (sdp && d->rel.agreed && !d->offering)
		dialog_take_offer(d, msg, sdp);
	else if (sdp)
		ua_refuse(d->ua, msg, d->offering ? 491 : 500, NULL);
	else
		reply_ok(d, msg);
}

void dialog_recv_prack(struct dialog *d, const struct sip_msg *msg)
{
	struct mbuf *sdp = NULL;
	int err = check_rack(d, msg);

	if (err) {
		ua_refuse(d->ua, msg, err == EBADMSG ? 400 : 481, NULL);
		return;
	}

	if (dialog_take_sdp(d->ua, msg, &sdp))
		return;

	if (d->rel.code && d->rel.has_sdp)
		with_description(d, msg, sdp);
	else
		other(d, msg, sdp);
	mem_deref(sdp);

	if (d->state == DIALOG_INCOMING || d->state == DIALOG_EARLY) {
		go_on(d);
		dialog_changed(d);
	}
}

/* ------------------------------------------------------------- checkpoint */

void reliable_put(struct dialog *d, Sy__DialogState *out)
{
	Sy__ReliableState *s = &d->rel.state;

	if (!d->rel.rseq)
		return;

	sy__reliable_state__init(s);
	s->rseq = d->rel.rseq;
	s->code = d->rel.code;
	s->has_sdp = d->rel.has_sdp || d->rel.next_sdp;
	s->described = d->rel.described;
	s->offered = d->rel.offered;
	s->agreed = d->rel.agreed;
	s->answered = d->rel.answered;
	out->reliable = s;
}

/* Its peer may have the one that waits, or not: the very same goes out again
 * with the RSeq that it had. */
void reliable_resume(struct dialog *d, const Sy__DialogState *ds)
{
	const Sy__ReliableState *s = ds->reliable;

	if (!s || !s->rseq)
		return;

	d->rel.rseq = s->rseq;
	d->rel.described = s->described;
	d->rel.offered = s->offered;
	d->rel.agreed = s->agreed;
	if (s->described && !s->offered)
		d->late_offer = false;
}

int dialog_progress_again(struct dialog *d, uint16_t code, struct mbuf *sdp)
{
	if (!d || code <= 100 || code >= 200)
		return EINVAL;

	if (!d->rel.rseq || !d->inv || !strans_msg(d->inv))
		return EPROTO;

	return reply_reliably(d, code, sdp);
}

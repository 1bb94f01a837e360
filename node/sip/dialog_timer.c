/* SPDX-License-Identifier: MIT */
/*
 * Session timers of a dialog (RFC 4028).
 *
 * A refresh is an UPDATE or a re-INVITE that is answered by 2xx, in either
 * direction; each begins the interval anew.  Where we refresh, it is at half of
 * it: by UPDATE without a body if the peer knows that, else the owner is asked
 * for a re-INVITE.  Nobody's refresh until shortly before the end: BYE.
 *
 * The wheel's timers are shorter than an interval, so one of them goes round
 * until d->timer.next_ms.
 */

#include <re.h>

#include "node/sip/ua.h"
#include "proto/log.h"

enum {
	RETRY_S = 4,  /* a refresh could not be sent                      */
	PARTS = 20,   /* ... failed: again after such a part of the interval */
	GRACE_S = 32, /* of a dialog that another node had                */
	AGAIN_S = 10, /* ... and of its first refresh: a re-INVITE of the
			 new owner's is one                             */
	TRIES = 3,    /* of 422                                           */
};

static uint64_t ms(const struct dialog *d, uint32_t s)
{
	return (uint64_t)s * d->ua->session.second_ms;
}

static uint32_t min_s(const struct dialog *d)
{
	return MAX(d->ua->session.wish.min_s, d->timer.min_s);
}

/* What our request asks for; 0: no timer. */
static uint32_t wanted_s(const struct dialog *d)
{
	const uint32_t s = d->timer.agreed.interval_s
			       ? d->timer.agreed.interval_s
			       : d->ua->session.wish.expires_s;

	return s ? MAX(s, min_s(d)) : 0;
}

/* ------------------------------------------------------------- the clock */

static void timer_handler(void *arg);

static void arm(struct dialog *d, uint64_t now)
{
	const uint64_t next = d->timer.next_ms;

	wheel_start(d->ua->wheel, &d->timer.tmr, next > now ? next - now : 0,
		    timer_handler, d);
}

static void arm_in(struct dialog *d, uint32_t s)
{
	const uint64_t now = tmr_jiffies();

	d->timer.next_ms = now + ms(d, s);
	if (d->timer.end_ms > now)
		d->timer.next_ms = MIN(d->timer.next_ms, d->timer.end_ms);
	arm(d, now);
}

/* It was refreshed, this long ago. */
static void begin(struct dialog *d, uint64_t ago_ms, uint32_t grace_s)
{
	const struct sestimer *t = &d->timer.agreed;
	const uint64_t end = ms(d, sestimer_end_s(t));
	const uint64_t half = ms(d, t->interval_s) / 2;
	const uint64_t now = tmr_jiffies();

	if (!t->interval_s) {
		wheel_cancel(&d->timer.tmr);
		return;
	}

	d->timer.end_ms =
	    now + MAX(end > ago_ms ? end - ago_ms : 0, ms(d, grace_s));
	d->timer.next_ms = t->ours ? now + (half > ago_ms ? half - ago_ms : 0)
				   : d->timer.end_ms;
	arm(d, now);
}

static void refreshed(struct dialog *d)
{
	d->timer.tries = 0;
	d->timer.refreshed_ms = timestamp_now_ms();
	begin(d, 0, 0);
}

static void expired(struct dialog *d)
{
	/* It may be another's, and refreshed there. */
	if (d->ua->unsure || d->relay) {
		d->timer.next_ms = tmr_jiffies() + ms(d, RETRY_S);
		arm(d, tmr_jiffies());
		return;
	}

	log_info("session not refreshed", LOG_S("call_id", d->call_id),
		 LOG_U("interval_s", d->timer.agreed.interval_s),
		 LOG_S("refresher", d->timer.agreed.ours ? "us" : "peer"));
	dialog_because(d, "SIP;cause=408;text=\"Session Expired\"");
	(void)dialog_bye(d);
	dialog_close(d, 408, "Session Expired", false);
}

static void refresh(struct dialog *d)
{
	/* One that leaves says nothing; what is under way may refresh it. */
	if (d->relay || d->req || d->inv || d->need_answer || d->timer.busy) {
		arm_in(d, RETRY_S);
		return;
	}

	arm_in(d, MAX(d->timer.agreed.interval_s / PARTS, (uint32_t)RETRY_S));
	if (d->timer.peer_update)
		dialog_update(d);
	else if (d->h.refresh)
		d->h.refresh(d, d->arg);
}

static void timer_handler(void *arg)
{
	struct dialog *d = arg;
	const uint64_t now = tmr_jiffies();

	if (d->state != DIALOG_ANSWERED || d->abandoned ||
	    !d->timer.agreed.interval_s)
		return;

	mem_ref(d);
	if (now < d->timer.next_ms)
		arm(d, now);
	else if (now >= d->timer.end_ms)
		expired(d);
	else
		refresh(d);
	dialog_settle(d);
	mem_deref(d);
}

void dialog_timer_again(struct dialog *d)
{
	if (d->timer.agreed.interval_s)
		arm_in(d, 0);
}

/* -------------------------------------------------------------- requests */

int dialog_timer_print(struct mbuf *mb, const struct dialog *d)
{
	const struct sestimer *t = &d->timer.agreed;
	const uint32_t s = wanted_s(d);
	int err = mbuf_write_str(mb, sip_supported(d->ua));

	if (s)
		err |= mbuf_printf(mb,
				   "Session-Expires: %u%s\r\nMin-SE: %u\r\n", s,
				   !t->interval_s ? ""
				   : t->ours	  ? ";refresher=uac"
						  : ";refresher=uas",
				   min_s(d));

	return err;
}

bool dialog_timer_raise(struct dialog *d, const struct sip_msg *msg)
{
	const uint32_t asked = wanted_s(d);
	struct sestimer_said said;

	sestimer_read(&said, msg);
	if (msg->scode != 422 || !asked || said.min_s <= asked ||
	    ++d->timer.tries > TRIES)
		return false;

	d->timer.min_s = said.min_s;

	return true;
}

void dialog_timer_accepted(struct dialog *d, const struct sip_msg *msg)
{
	struct sestimer_said said;

	sestimer_read(&said, msg);
	dialog_timer_learn(d, msg);
	sestimer_accepted(&d->timer.agreed, &said);
	if (d->timer.agreed.interval_s)
		d->timer.agreed.interval_s =
		    MAX(d->timer.agreed.interval_s, (uint32_t)SESTIMER_MIN_S);
	refreshed(d);
}

/* ---------------------------------------------------- the peer's requests */

void dialog_timer_learn(struct dialog *d, const struct sip_msg *msg)
{
	if (!sip_msg_hdr(msg, SIP_HDR_ALLOW))
		return;

	d->timer.peer_update =
	    sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "UPDATE");
	d->peer_message = sip_msg_hdr_has_value(msg, SIP_HDR_ALLOW, "MESSAGE");
}

bool dialog_timer_refuse(struct sipua *ua, const struct sip_msg *msg)
{
	struct sestimer_said said;
	char hdr[32];

	sestimer_read(&said, msg);
	if (!sestimer_is_small(&said, ua->session.wish.min_s))
		return false;

	(void)re_snprintf(hdr, sizeof(hdr), "Min-SE: %u\r\n",
			  ua->session.wish.min_s);
	ua_refuse(ua, msg, 422, hdr);

	return true;
}

void dialog_timer_accept(struct dialog *d, const struct sip_msg *msg,
			 char *hdrs, size_t size)
{
	const struct sestimer *t = &d->timer.agreed;
	struct sestimer_said said;
	char se[96] = "";

	sestimer_read(&said, msg);
	dialog_timer_learn(d, msg);
	sestimer_accept(&d->timer.agreed, &said, &d->ua->session.wish);
	if (t->interval_s)
		(void)re_snprintf(se, sizeof(se),
				  "Session-Expires: %u;refresher=%s\r\n%s",
				  t->interval_s, t->ours ? "uas" : "uac",
				  said.supported ? "Require: timer\r\n" : "");
	(void)re_snprintf(hdrs, size, "%s%s", sip_supported(d->ua), se);
	refreshed(d);
}

/* ------------------------------------------------------------ checkpoint */

void dialog_timer_put(const struct dialog *d, Sy__DialogState *out)
{
	out->session_expires_s = d->timer.agreed.interval_s;
	out->refresher = d->timer.agreed.ours;
	out->peer_update = d->timer.peer_update;
	out->peer_message = d->peer_message;
	out->last_refresh_ms = d->timer.refreshed_ms;
}

/* The clocks of two machines differ: a dialog gets some time in any case. */
void dialog_timer_resume(struct dialog *d, const Sy__DialogState *ds)
{
	const uint64_t now = timestamp_now_ms();

	d->timer.agreed.interval_s =
	    MIN(ds->session_expires_s, (uint32_t)SESTIMER_MAX_S);
	d->timer.agreed.ours = ds->refresher;
	d->timer.peer_update = ds->peer_update;
	d->timer.refreshed_ms = MIN(ds->last_refresh_ms, now);
	if (!d->timer.agreed.interval_s)
		return;

	begin(d, now - d->timer.refreshed_ms, GRACE_S);
	if (d->timer.agreed.ours &&
	    d->timer.next_ms < tmr_jiffies() + ms(d, AGAIN_S))
		arm_in(d, AGAIN_S);
}

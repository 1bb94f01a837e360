/* SPDX-License-Identifier: MIT */
/* Calls at a rate; see load.h. */

#include <string.h>
#include "tests/phone/bulk.h"
#include "tests/phone/call.h"
#include "tests/phone/load.h"
#include "tests/phone/watch.h"

enum {
	STEP_MS = 5,
	TONE_WITHIN_MS = 5000,
	TONE_WINDOW_MS = 100,
};

#define TONE_DB (-35.0)

struct load {
	struct le le; /* in farm->loadl, which owns this */
	struct farm *farm;
	struct load_param prm; /* from and to: our own copies */
	char *from, *to;
	unsigned pairs;
	struct list calll; /* owns struct lcall */
	struct tmr tmr, tmr_progress;
	uint64_t start_ms;
	unsigned started, answered, good, dropped, ended;
	unsigned heard_caller, heard_callee;
	uint32_t failed[TALLY_CODES];
	struct series setup, ring, gap;
};

/* One call of it, from the caller's side. */
struct lcall {
	struct le le;
	struct load *load;
	struct call *call;     /* borrowed, until closed */
	struct call *callee;   /* borrowed: the other end, once it is up */
	struct phone *to;      /* NULL: a number */
	struct tmr tmr;	       /* end of the hold */
	bool up, hung_up, heard, heard_callee;
};

static void step_handler(void *arg);

static void lcall_destructor(void *arg)
{
	struct lcall *lc = arg;

	list_unlink(&lc->le);
	tmr_cancel(&lc->tmr);
	if (lc->call) {
		watch_cancel(call_stream(lc->call), lc);
		call_set_note(lc->call, NULL, NULL);
	}
	if (lc->callee) {
		watch_cancel(call_stream(lc->callee), lc);
		call_set_note(lc->callee, NULL, NULL);
	}
}

static void destructor(void *arg)
{
	struct load *l = arg;

	list_unlink(&l->le);
	tmr_cancel(&l->tmr);
	tmr_cancel(&l->tmr_progress);
	list_flush(&l->calll);
	series_reset(&l->setup);
	series_reset(&l->ring);
	series_reset(&l->gap);
	mem_deref(l->from);
	mem_deref(l->to);
}

/* ---------------------------------------------------------------- summary */

static unsigned failed_sum(const struct load *l)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TALLY_CODES; i++)
		n += l->failed[i];

	return n;
}

static void progress_handler(void *arg)
{
	struct load *l = arg;

	events_put(l->farm->events,
		   json_pack("{s:s s:i s:i s:i s:i}", "event", "load_progress",
			     "started", l->started, "answered", l->answered,
			     "failed", failed_sum(l), "now",
			     list_count(&l->calll)));
	tmr_start(&l->tmr_progress, l->prm.progress_ms, progress_handler, l);
}

static void finish(struct load *l)
{
	const uint64_t ms = tmr_jiffies() - l->start_ms;

	events_put(l->farm->events,
		   json_pack("{s:s s:i s:i s:i s:o s:i s:f s:o s:o s:i s:i"
			     " s:I s:o}",
			     "event", "load", "calls", l->started, "answered",
			     l->answered, "ok", l->good, "failed",
			     tally_failed_json(l->failed), "dropped",
			     l->dropped, "rate", l->prm.rate,
			     "setup_ms", series_json(&l->setup), "ring_ms",
			     series_json(&l->ring), "heard_caller",
			     l->heard_caller, "heard_callee", l->heard_callee,
			     "ms", (json_int_t)ms, "gap_ms",
			     series_json(&l->gap)));
	mem_deref(l);
}

/* ------------------------------------------------------------------ tones */

static void heard_handler(const struct watch_result *res, void *arg)
{
	struct lcall *lc = arg;

	lc->heard = res->ok;
}

static void callee_heard_handler(const struct watch_result *res, void *arg)
{
	struct lcall *lc = arg;

	lc->heard_callee = res->ok;
}

static void tone_watch(struct call *call, unsigned hz, watch_h *h,
		       struct lcall *lc)
{
	const struct watch_param prm = {
		.hzv = &hz,
		.hzc = 1,
		.window_ms = TONE_WINDOW_MS,
		.until = true,
		.present = true,
		.threshold_db = TONE_DB,
		.within_ms = TONE_WITHIN_MS,
	};

	(void)watch_start(call_stream(call), &prm, h, lc);
	if (lc->load->prm.gaps)
		(void)stream_watch_tone(call_stream(call), hz,
					GAP_THRESHOLD_DB);
}

/* The longest absence of the tone at one end, as long as both talk: who hangs
 * up is silent at once, and the other hears nothing until the BYE has come. */
static void gap_take(struct lcall *lc, const struct call *call)
{
	struct load *l = lc->load;
	struct gap_result res;

	if (lc->hung_up)
		return;
	if (stream_tone_gaps(call_stream(call), &res) && res.heard)
		series_add(&l->gap, res.longest_ms);
}

static void callee_note(struct call *call, enum call_note note, unsigned code,
			void *arg)
{
	struct lcall *lc = arg;
	(void)code;

	if (note != CALL_NOTE_CLOSED)
		return;

	gap_take(lc, call);
	lc->callee = NULL;
}

/* The other end: the newest call of that phone that is answered and nobody's
 * yet.  (An elder one may be waiting for its BYE to be sent again.) */
static void callee_find(struct lcall *lc)
{
	struct le *le;

	for (le = list_tail(&lc->to->calll); le; le = le->prev) {
		struct call *call = le->data;

		if (call_noted(call) || (call_state(call) != CALL_UP &&
					 call_state(call) != CALL_ACCEPTED))
			continue;

		lc->callee = call;
		call_set_note(call, callee_note, lc);
		tone_watch(call, call_phone(lc->call)->tone_hz,
			   callee_heard_handler, lc);
		return;
	}
}

/* ------------------------------------------------------------------ calls */

static void hold_handler(void *arg)
{
	struct lcall *lc = arg;

	gap_take(lc, lc->call);
	if (lc->callee)
		gap_take(lc, lc->callee);
	lc->hung_up = true;
	(void)call_hangup(lc->call);
}

static void up(struct lcall *lc)
{
	struct load *l = lc->load;
	const struct phone *p = call_phone(lc->call);

	lc->up = true;
	++l->answered;
	series_add(&l->setup, call_setup_ms(lc->call));
	if (call_ring_ms(lc->call) >= 0.0)
		series_add(&l->ring, call_ring_ms(lc->call));
	tmr_start(&lc->tmr, l->prm.hold_ms, hold_handler, lc);

	if (!l->prm.media)
		return;

	/* A number is taken to be an echo: the own tone comes back. */
	tone_watch(lc->call, lc->to ? lc->to->tone_hz : p->tone_hz,
		   heard_handler, lc);
	if (lc->to)
		callee_find(lc);
}

static void closed(struct lcall *lc, unsigned code)
{
	struct load *l = lc->load;
	const bool tones = !l->prm.media ||
			   (lc->heard && (!lc->to || lc->heard_callee));

	++l->ended;
	gap_take(lc, lc->call);
	if (lc->callee) /* nobody is told of its end */
		gap_take(lc, lc->callee);
	l->heard_caller += lc->heard;
	l->heard_callee += lc->heard_callee;
	if (!lc->up)
		tally_fail(l->failed, code);
	else if (!lc->hung_up)
		++l->dropped;
	else if (code == 200 && tones)
		++l->good;
	else if (code != 200)
		tally_fail(l->failed, code);

	lc->call = NULL;
	mem_deref(lc);

	/* The load may end here, but not within its caller. */
	if (l->ended == l->prm.count)
		tmr_start(&l->tmr, 0, step_handler, l);
}

static void note_handler(struct call *call, enum call_note note, unsigned code,
			 void *arg)
{
	(void)call;

	if (note == CALL_NOTE_UP)
		up(arg);
	else if (note == CALL_NOTE_CLOSED)
		closed(arg, code);
}

static struct phone *phone_number(struct load *l, const char *pattern,
				  unsigned i)
{
	char id[128];

	bulk_name(id, sizeof(id), pattern, l->prm.first + i % l->pairs);
	return farm_find(l->farm, id);
}

/* Without a proxy: straight to the phone, to measure the phones alone. */
static int target(char **top, const struct load *l, const struct phone *from,
		  const struct phone *to)
{
	if (!to)
		return str_dup(top, l->to);
	if (from->proxy)
		return str_dup(top, to->cred.user);

	return re_sdprintf(top, "sip:%s@%J%s", to->cred.user, &to->addr,
			   sip_transp_param(to->tp));
}

static void start_one(struct load *l)
{
	struct phone *from = phone_number(l, l->from, l->started);
	struct lcall *lc;
	char *to = NULL;
	int err = ENOMEM;

	++l->started;
	lc = mem_zalloc(sizeof(*lc), lcall_destructor);
	if (lc && from) {
		lc->load = l;
		lc->to = strstr(l->to, "%d")
			? phone_number(l, l->to, l->started - 1)
			: farm_find(l->farm, l->to);
		err = target(&to, l, from, lc->to);
		if (!err)
			err = call_start(&lc->call, from, NULL, to, NULL);
	}
	mem_deref(to);
	if (err) {
		tally_fail(l->failed, 0);
		++l->ended;
		mem_deref(lc);
		return;
	}

	call_set_note(lc->call, note_handler, lc);
	list_append(&l->calll, &lc->le, lc);
}

static void step_handler(void *arg)
{
	struct load *l = arg;
	const uint64_t ms = tmr_jiffies() - l->start_ms;
	const double due = l->prm.rate * ms / 1000.0 + 1.0;

	if (l->ended == l->prm.count) {
		finish(l);
		return;
	}

	while (l->started < l->prm.count && l->started < due) {
		if (l->prm.parallel &&
		    list_count(&l->calll) >= l->prm.parallel)
			break;
		start_one(l);
	}

	if (l->started < l->prm.count || l->ended == l->prm.count)
		tmr_start(&l->tmr, STEP_MS, step_handler, l);
}

/* How many pairs there are, counted from the first. */
static unsigned pairs_count(struct farm *farm, const struct load_param *prm)
{
	char id[128];
	unsigned n = 0;

	if (!strstr(prm->from, "%d"))
		return farm_find(farm, prm->from) ? 1 : 0;

	for (;;) {
		bulk_name(id, sizeof(id), prm->from, prm->first + n);
		if (!farm_find(farm, id))
			return n;
		bulk_name(id, sizeof(id), prm->to, prm->first + n);
		if (strstr(prm->to, "%d") && !farm_find(farm, id))
			return n;
		++n;
	}
}

int load_start(struct farm *farm, const struct load_param *prm)
{
	const unsigned pairs = pairs_count(farm, prm);
	struct load *l;
	int err;

	if (!pairs || prm->phones > pairs)
		return ENOENT;

	l = mem_zalloc(sizeof(*l), destructor);
	if (!l)
		return ENOMEM;

	l->farm = farm;
	l->prm = *prm;
	l->pairs = prm->phones ? prm->phones : pairs;
	l->start_ms = tmr_jiffies();
	err = str_dup(&l->from, prm->from);
	err |= str_dup(&l->to, prm->to);
	if (err) {
		mem_deref(l);
		return err;
	}

	list_append(&farm->loadl, &l->le, l);
	tmr_start(&l->tmr, 0, step_handler, l);
	if (prm->progress_ms)
		tmr_start(&l->tmr_progress, prm->progress_ms, progress_handler,
			  l);

	return 0;
}

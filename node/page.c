/* SPDX-License-Identifier: MIT */
/* Signalling of a browser page: see page.h. */

#include <string.h>
#include "node/page_priv.h"

enum {
	OFFER_MS = 15000, /* a page answers ours within */
};

static void destructor(void *data)
{
	struct page *pg = data;

	page_close(pg);
	hash_unlink(&pg->le);
	mem_deref(pg->offer);
	mem_deref(pg->answer);
	mem_deref(pg->received);
	mem_deref(pg->from);
	mem_deref(pg->from_name);
	mem_deref(pg->called);
}

int page_keep(char **p, const char *text)
{
	return str_dup(p, text ? text : "");
}

int page_alloc(struct page **pp, const struct page_conf *conf)
{
	struct page *pg;
	int err;

	if (!conf->phone[0] || strlen(conf->phone) >= PAGE_PHONE_SIZE ||
	    strlen(conf->gateway) >= LEG_TEXT_MAX)
		return EINVAL;

	pg = mem_zalloc(sizeof(*pg), destructor);
	if (!pg)
		return ENOMEM;

	pg->node = conf->node;
	pg->leg = conf->leg;
	pg->h = conf->h;
	pg->arg = conf->arg;
	str_ncpy(pg->phone, conf->phone, sizeof(pg->phone));
	str_ncpy(pg->gateway, conf->gateway, sizeof(pg->gateway));
	err = page_keep(&pg->received, conf->received);
	err |= page_keep(&pg->from, conf->from);
	err |= page_keep(&pg->from_name, conf->from_name);
	err |= page_keep(&pg->called, conf->called);
	if (err) {
		mem_deref(pg);
		return err;
	}

	hash_append(pg->node->pages, hash_joaat_str(pg->phone), &pg->le, pg);
	*pp = pg;

	return 0;
}

struct leg *page_leg(struct page *pg)
{
	return page_is_over(pg) ? NULL : pg->leg;
}

void page_apply(struct node *n, const char *phone, page_h *h, void *arg)
{
	struct le *le = list_head(hash_list(n->pages, hash_joaat_str(phone)));

	while (le) {
		struct page *pg = le->data;

		le = le->next;
		if (page_is(pg, phone))
			h(pg, arg);
	}
}

struct mbuf *page_mbuf(const char *text)
{
	const size_t len = strlen(text);
	struct mbuf *mb = mbuf_alloc(len + 1);

	if (mb && !mbuf_write_mem(mb, (const uint8_t *)text, len))
		mb->pos = 0;

	return mb;
}

int page_resume(struct page **pp, const struct page_conf *conf,
		const Sy__DialogState *ds)
{
	const Sy__BrowserState *st = ds->browser;
	struct page_conf pc = *conf;
	int err;

	pc.phone = st->phone;
	pc.gateway = st->gateway;
	pc.received = st->received;
	pc.from = st->from;
	pc.from_name = st->from_name;
	pc.called = st->called;
	err = page_alloc(pp, &pc);
	if (err)
		return err == EINVAL ? EBADMSG : err;

	(*pp)->described = st->described;
	if (ds->direction == SY__DIRECTION__OUTBOUND && ds->local_sdp &&
	    ds->local_sdp[0])
		(*pp)->offer = page_mbuf(ds->local_sdp);

	return 0;
}

void page_close(struct page *pg)
{
	pg->ended = true;
	alarm_stop(&pg->node->alarms, &pg->away_tmr);
	alarm_stop(&pg->node->alarms, &pg->offer_tmr);
	page_forget(pg);
}

bool page_is_over(const struct page *pg)
{
	return pg->ended || leg_is(pg->leg, SY__LEG_STATE__LEG_ENDED);
}

bool page_is_answered(const struct page *pg)
{
	return leg_is(pg->leg, SY__LEG_STATE__LEG_ANSWERED);
}

void page_closed(struct page *pg, uint16_t code, const char *reason,
		 bool remote)
{
	if (page_is_over(pg))
		return;

	page_close(pg);
	pg->h->closed(NULL, code, reason, remote, pg->arg);
}

char *page_text(const struct mbuf *sdp)
{
	char *text = NULL;

	if (sdp)
		(void)re_sdprintf(&text, "%b", sdp->buf + sdp->pos,
				  sdp->end - sdp->pos);

	return text;
}

/* A message with a description. */
static int say_sdp(struct page *pg, struct page_words *w,
		   const struct mbuf *sdp)
{
	char *text = page_text(sdp);

	if (sdp && !text)
		return ENOMEM;

	w->sdp = text ? text : (char *)"";
	page_say(pg, w);
	mem_deref(text);

	return 0;
}

static void hold_text(struct mbuf **mbp, struct mbuf *sdp)
{
	mem_deref(*mbp);
	*mbp = mem_ref(sdp);
}

/* ------------------------------------------------------------- it is called */

int page_say_incoming(struct page *pg)
{
	struct page_words w = {.what = PAGE_INCOMING};

	return say_sdp(pg, &w, pg->offer);
}

int page_ring(struct page *pg, struct mbuf *sdp)
{
	hold_text(&pg->offer, sdp);

	return page_say_incoming(pg);
}

/* ---------------------------------------------------------------- it calls */

int page_say_progress(struct page *pg)
{
	struct page_words w = {.what = PAGE_PROGRESS, .code = pg->code};

	return say_sdp(pg, &w, pg->described ? pg->answer : NULL);
}

int page_progress(struct page *pg, uint16_t code, struct mbuf *sdp)
{
	pg->code = code;
	if (sdp) {
		hold_text(&pg->answer, sdp);
		pg->described = true;
	}

	return page_say_progress(pg);
}

int page_say_answer(struct page *pg)
{
	struct page_words w = {.what = PAGE_ANSWER};

	return say_sdp(pg, &w, pg->answer);
}

int page_answer(struct page *pg, struct mbuf *sdp)
{
	if (sdp)
		hold_text(&pg->answer, sdp);
	else
		pg->answer = mem_deref(pg->answer);
	pg->described = false;

	return page_say_answer(pg);
}

bool page_is_described(const struct page *pg)
{
	return pg->described;
}

/* --------------------------------------------------------- offer and answer */

static void offer_handler(void *arg)
{
	struct page *pg = arg;

	if (!pg->offering || page_is_over(pg))
		return;
	if (pg->away) { /* that has an end of its own */
		alarm_start(&pg->node->alarms, &pg->offer_tmr, OFFER_MS,
			    offer_handler, pg);
		return;
	}
	pg->offering = false;
	pg->h->answered(NULL, ECONNREFUSED, 408, NULL, pg->arg);
}

void page_begin_anew(struct page *pg)
{
	pg->answer = mem_deref(pg->answer);
	if (!page_is_answered(pg))
		pg->described = true;
}

int page_say_offer(struct page *pg)
{
	struct page_words w = {.what = PAGE_OFFER};

	return say_sdp(pg, &w, pg->offer);
}

int page_offer(struct page *pg, struct mbuf *sdp)
{
	if (page_is_over(pg))
		return EPROTO;
	if (pg->offering)
		return EBUSY;

	hold_text(&pg->offer, sdp);
	pg->offering = true;
	alarm_start(&pg->node->alarms, &pg->offer_tmr, OFFER_MS,
		    offer_handler, pg);

	return page_say_offer(pg);
}

int page_accept(struct page *pg, struct mbuf *sdp)
{
	hold_text(&pg->answer, sdp);

	return page_say_answer(pg);
}

void page_warn(struct page *pg, const char *warning)
{
	pg->why = warning;
}

int page_refuse(struct page *pg, const char *reason)
{
	if (reason)
		pg->why = reason;
	pg->refused = true;

	return 0;
}

/* ------------------------------------------------------------------ its end */

void page_hangup(struct page *pg, uint16_t code, const char *reason)
{
	struct page_words w = {
		.what = PAGE_ENDED,
		.code = code ? code : 200,
		.reason = reason ? reason : "",
	};

	if (pg->ended)
		return;

	page_say(pg, &w);
	page_close(pg);
}

void page_abandon(struct page *pg)
{
	page_close(pg);
}

/* ------------------------------------------------------------ what is known */

int page_peer(const struct page *pg, struct sa *peer)
{
	const char *at = strchr(pg->received, ':');

	return at ? sa_decode(peer, at + 1, strlen(at + 1)) : ENOENT;
}

const char *page_gateway(const struct page *pg)
{
	return pg->gateway;
}

bool page_is(const struct page *pg, const char *phone)
{
	return !strcmp(pg->phone, phone);
}

void page_checkpoint(const struct page *pg, Sy__DialogState *out)
{
	Sy__BrowserState *st = (Sy__BrowserState *)&pg->state;

	sy__browser_state__init(st);
	st->phone = (char *)pg->phone;
	st->gateway = (char *)pg->gateway;
	st->received = pg->received;
	st->from = pg->from;
	st->from_name = pg->from_name;
	st->called = pg->called;
	st->described = pg->described;
	out->browser = st;
}

bool page_is_quiet(const struct page *pg)
{
	return !pg->offering && !pg->away;
}

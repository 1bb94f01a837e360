/* SPDX-License-Identifier: MIT */
/*
 * Messages to a page: see page_priv.h.  A gateway says for each whether it
 * went out.  When one did not, it is looked up each second where the page is
 * registered now, until it is found or gone.
 */

#include <string.h>
#include "node/leg_browser.h"
#include "node/page_priv.h"
#include "proto/log.h"
#include "proto/store.h"

enum {
	DELIVER_MS = 2000, /* a gateway takes a message within           */
	LOOK_MS = 1000,    /* between two looks for a page that is away  */
	GONE_MS = 30000,   /* then it does not come back                 */
	UNHEARD_MS = 10000, /* the same of one that is only being called, */
	UNASKED_MS = 15000, /* and of one whose call is not answered yet  */
	LINGER_MS = 21000, /* its contact outlives its connection by that */
};

/* A message on its way: its page may go before the answer comes. */
struct sending {
	struct le le;      /* in page->sent                               */
	struct page *page; /* NULL: it is over                            */
	enum page_what what;
};

static void sending_destructor(void *data)
{
	struct sending *s = data;

	list_unlink(&s->le);
}

void page_forget(struct page *pg)
{
	while (pg->sent.head) {
		struct sending *s = pg->sent.head->data;

		list_unlink(&s->le);
		s->page = NULL;
	}
}

/* --------------------------------------------------------- it is not there */

/* A question to Redis; its page may go before the answer comes. */
static void look_handler(void *arg);

static void later(struct page *pg)
{
	alarm_start(&pg->node->alarms, &pg->away_tmr, LOOK_MS, look_handler,
		    pg);
}

/* Where its gateway has lost it, its contact says nothing for a while. */
static bool is_stale(const struct page *pg, const Sy__Binding *b)
{
	return pg->left && !strcmp(b->gateway, pg->gateway) &&
	       tmr_jiffies() - pg->away_ms < LINGER_MS;
}

static void reg_handler(int err, const Sy__Registration *reg, void *arg)
{
	struct sending *s = arg;
	struct page *pg = s->page;

	mem_deref(s);
	if (!pg)
		return;

	pg->asked = false;
	if (!pg->away || page_is_over(pg))
		return;

	for (size_t i = 0; !err && reg && i < reg->n_bindings; i++) {
		const Sy__Binding *b = reg->bindings[i];

		if (strcmp(b->phone, pg->phone) || !b->gateway[0] ||
		    is_stale(pg, b))
			continue;
		page_found(pg, b->gateway, b->received);
		page_came(pg);
		return;
	}
}

static struct sending *sending_alloc(struct page *pg, enum page_what what)
{
	struct sending *s = mem_zalloc(sizeof(*s), sending_destructor);

	if (!s)
		return NULL;

	s->page = pg;
	s->what = what;
	list_append(&pg->sent, &s->le, s);

	return s;
}

static void look(struct page *pg)
{
	struct sending *s = pg->asked ? NULL : sending_alloc(pg, PAGE_STATE);

	if (!s)
		return;
	if (store_reg_get(bus_redis(pg->node->bus), pg->leg->info.user,
			  reg_handler, s))
		mem_deref(s);
	else
		pg->asked = true;
}

static bool is_ringing(const struct page *pg)
{
	return pg->leg->info.direction == SY__DIRECTION__OUTBOUND &&
	       !page_is_answered(pg);
}

static bool is_gone(const struct page *pg)
{
	const uint64_t ms = tmr_jiffies() - pg->away_ms;

	if (leg_browser_is_alive(pg->leg) || sipua_is_unsure(pg->node->ua))
		return false;

	return ms > (page_is_answered(pg) ? GONE_MS
		     : is_ringing(pg)	  ? UNHEARD_MS
					  : UNASKED_MS);
}

static uint16_t gone_code(const struct page *pg)
{
	return page_is_answered(pg) ? 408 : is_ringing(pg) ? 480 : 487;
}

static void look_handler(void *arg)
{
	struct page *pg = arg;

	if (!pg->away || page_is_over(pg))
		return;

	if (is_gone(pg)) {
		page_closed(pg, gone_code(pg), "the page has gone", true);
		return;
	}
	look(pg);
	later(pg);
}

static void lost(struct page *pg, enum page_what what)
{
	pg->lost_answer |= what == PAGE_ANSWER;
	if (what == PAGE_STATE)
		pg->shown = 0;
	if (pg->away)
		return;

	pg->away = true;
	if (!pg->away_ms) {
		log_info("page is away", LOG_S("call", pg->leg->hub->id),
			 LOG_S("leg", pg->leg->info.id),
			 LOG_S("gateway", pg->gateway));
		pg->away_ms = tmr_jiffies();
		look(pg);
	}
	later(pg);
}

void page_left(struct page *pg, const char *gateway)
{
	if (page_is_over(pg) || strcmp(pg->gateway, gateway))
		return;

	pg->left = true;
	lost(pg, PAGE_STATE);
}

/* ---------------------------------------------------------------- it is sent */

static void result_handler(const Sy__Result *res, void *arg)
{
	struct sending *s = arg;
	struct page *pg = s->page;
	const enum page_what what = s->what;

	mem_deref(s);
	if (!pg || page_is_over(pg))
		return;

	if (res->code != SY__RESULT_CODE__OK) {
		lost(pg, what);
		return;
	}
	pg->away_ms = 0;
	if (what == PAGE_INCOMING && pg->h->progress)
		pg->h->progress(NULL, 180, "Ringing", NULL, pg->arg);
}

/* Room for the body of any message. */
union body {
	Sy__PhoneIncoming incoming;
	Sy__PhoneProgress progress;
	Sy__PhoneAnswer answer;
	Sy__PhoneOffer offer;
	Sy__PhoneState state;
	Sy__PhoneEnded ended;
};

static void fill_incoming(Sy__WsServer *m, union body *u,
			  const struct page *pg, const struct page_words *w)
{
	sy__phone_incoming__init(&u->incoming);
	u->incoming.leg = (char *)pg->leg->info.id;
	u->incoming.call = (char *)pg->leg->hub->id;
	u->incoming.from = pg->from;
	u->incoming.from_name = pg->from_name;
	u->incoming.called = pg->called;
	u->incoming.sdp = w->sdp;
	m->body_case = SY__WS_SERVER__BODY_PHONE_INCOMING;
	m->phone_incoming = &u->incoming;
}

static void fill(Sy__WsServer *m, union body *u, const struct page *pg,
		 const struct page_words *w)
{
	char *leg = (char *)pg->leg->info.id;

	switch (w->what) {

	case PAGE_INCOMING:
		fill_incoming(m, u, pg, w);
		break;
	case PAGE_PROGRESS:
		sy__phone_progress__init(&u->progress);
		u->progress.leg = leg;
		u->progress.code = w->code;
		u->progress.sdp = w->sdp;
		m->body_case = SY__WS_SERVER__BODY_PHONE_PROGRESS;
		m->phone_progress = &u->progress;
		break;
	case PAGE_ANSWER:
		sy__phone_answer__init(&u->answer);
		u->answer.leg = leg;
		u->answer.sdp = w->sdp;
		m->body_case = SY__WS_SERVER__BODY_PHONE_ANSWER;
		m->phone_answer = &u->answer;
		break;
	case PAGE_OFFER:
		sy__phone_offer__init(&u->offer);
		u->offer.leg = leg;
		u->offer.sdp = w->sdp;
		m->body_case = SY__WS_SERVER__BODY_PHONE_OFFER;
		m->phone_offer = &u->offer;
		break;
	case PAGE_STATE:
		sy__phone_state__init(&u->state);
		u->state.state = w->state;
		m->body_case = SY__WS_SERVER__BODY_PHONE_STATE;
		m->phone_state = &u->state;
		break;
	case PAGE_ENDED:
		sy__phone_ended__init(&u->ended);
		u->ended.leg = leg;
		u->ended.code = w->code;
		u->ended.reason = (char *)w->reason;
		m->body_case = SY__WS_SERVER__BODY_PHONE_ENDED;
		m->phone_ended = &u->ended;
		break;
	}
}

void page_say(struct page *pg, const struct page_words *w)
{
	Sy__BrowserMessage msg = SY__BROWSER_MESSAGE__INIT;
	Sy__WsServer m = SY__WS_SERVER__INIT;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	struct sending *s;
	union body u;

	if (pg->ended)
		return;
	if (pg->away && w->what != PAGE_ENDED) {
		pg->lost_answer |= w->what == PAGE_ANSWER;
		return; /* it is told when it is there again */
	}

	fill(&m, &u, pg, w);
	msg.phone = pg->phone;
	msg.device = pg->leg->info.user;
	msg.call = pg->leg->hub->id;
	msg.leg = pg->leg->info.id;
	msg.message = &m;
	env.body_case = SY__ENVELOPE__BODY_BROWSER_MESSAGE;
	env.browser_message = &msg;
	s = sending_alloc(pg, w->what);
	if (s && bus_request_member(pg->node->bus, pg->gateway, &env,
				    DELIVER_MS, result_handler, s))
		s = mem_deref(s);
	if (!s)
		lost(pg, w->what);
}

static void ignore_handler(const Sy__Result *res, void *arg)
{
	(void)res;
	(void)arg;
}

void page_say_ended(struct node *n, const Sy__DialogState *ds,
		    const char *call, uint16_t code, const char *reason)
{
	Sy__BrowserMessage msg = SY__BROWSER_MESSAGE__INIT;
	Sy__PhoneEnded ended = SY__PHONE_ENDED__INIT;
	Sy__WsServer m = SY__WS_SERVER__INIT;
	Sy__Envelope env = SY__ENVELOPE__INIT;

	ended.leg = ds->leg;
	ended.code = code;
	ended.reason = (char *)reason;
	m.body_case = SY__WS_SERVER__BODY_PHONE_ENDED;
	m.phone_ended = &ended;
	msg.phone = ds->browser->phone;
	msg.call = (char *)call;
	msg.leg = ds->leg;
	msg.message = &m;
	env.body_case = SY__ENVELOPE__BODY_BROWSER_MESSAGE;
	env.browser_message = &msg;
	(void)bus_request_member(n->bus, ds->browser->gateway, &env,
				 DELIVER_MS, ignore_handler, NULL);
}

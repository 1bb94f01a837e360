/* SPDX-License-Identifier: MIT */
/*
 * The signalling of a leg whose peer is a browser page.  Its gateway has the
 * page's socket: what we say goes there by the bus (BrowserMessage), what the
 * page says comes as commands (page_control.c).  It does for a leg what a
 * dialog does (sip/dialog.h), and calls the same handlers, without a dialog.
 *
 *   outbound:  CALLED --PhoneAnswer--> TALKS --> ENDED
 *   inbound:   CALLS  --page_answer--> TALKS --> ENDED
 *
 * A message that nobody took is not sent again by itself: the page is away, as
 * it is when its gateway says that its connection is lost.  It comes back, at
 * this gateway or another one, loaded anew or not, and is told then what it
 * needs to know as things stand (page_here()).  Who does not come back within
 * 30 s is gone, unless its media says that it is there; before the answer within
 * 15 s, or, who is called, within 10 s.
 *
 * All on the signalling thread.  Handlers may mem_deref() the page.
 */

#ifndef SY_NODE_PAGE_H
#define SY_NODE_PAGE_H

#include "node/node.h"
#include "node/sip/dialog.h"

enum {
	PAGE_PHONE_SIZE = 68, /* of its name                              */
	PAGE_SDP_MAX = 32768, /* of what it says                          */
};

struct page;

struct page_conf {
	struct node *node;
	struct leg *leg;          /* whose it is; borrowed, outlives it   */
	const char *phone;        /* as in Binding                        */
	const char *gateway;
	const char *received;     /* or ""                                */
	const char *from;         /* who calls it; "": not shown          */
	const char *from_name;    /* or NULL                              */
	const char *called;       /* or NULL                              */
	const struct dialog_handlers *h; /* called with a NULL dialog     */
	void *arg;
};

/** @param pp  Set on success; owned. @return 0, EINVAL, ENOMEM. */
int page_alloc(struct page **pp, const struct page_conf *conf);

/** Another node had it. @param ds  With a browser. @return 0, EBADMSG,
 * ENOMEM. */
int page_resume(struct page **pp, const struct page_conf *conf,
		const Sy__DialogState *ds);

/* ---------------------------------------------------------- as dialog_*() */

/** Call the page. @param sdp  Our offer; a reference is kept. */
int page_ring(struct page *pg, struct mbuf *sdp);

int page_progress(struct page *pg, uint16_t code, struct mbuf *sdp);
int page_answer(struct page *pg, struct mbuf *sdp);
bool page_is_described(const struct page *pg);

/** It was loaded anew: what it offered, and was answered, is of no use to it.
 * Our offer follows, which is its description also before the answer. */
void page_begin_anew(struct page *pg);

/** Offer: its outcome comes by `answered`. @return 0, EBUSY, EPROTO. */
int page_offer(struct page *pg, struct mbuf *sdp);
int page_accept(struct page *pg, struct mbuf *sdp);
void page_warn(struct page *pg, const char *warning);
int page_refuse(struct page *pg, const char *reason);

/** Tell the page that it is over; no handler is called any more. */
void page_hangup(struct page *pg, uint16_t code, const char *reason);

/** Let go in silence. */
void page_abandon(struct page *pg);

int page_peer(const struct page *pg, struct sa *peer);
const char *page_gateway(const struct page *pg);
void page_checkpoint(const struct page *pg, Sy__DialogState *out);
bool page_is_quiet(const struct page *pg);

/* ------------------------------------------------------- what a page says */

typedef void(page_h)(struct page *pg, void *arg);

/** Each of a phone's, also those that are over; none is freed meanwhile. */
void page_apply(struct node *n, const char *phone, page_h *h, void *arg);

/** Its leg; NULL: it is over. */
struct leg *page_leg(struct page *pg);

/** Is it this page's leg? */
bool page_is(const struct page *pg, const char *phone);

/**
 * The page has said something of its leg.
 *
 * @param whyp  Set with an error; static.
 *
 * @return 0; EPROTO: state does not allow it; EBADMSG: its description
 *         cannot be used; EINVAL.
 */
int page_signal(struct page *pg, const Sy__BrowserSignal *msg,
		const char **whyp);

/**
 * It is there: for the first time, again, or elsewhere.
 *
 * @param running  It still has this call, and its media.
 *
 * @return true: it has to be offered anew (leg_browser_renew()).
 */
bool page_here(struct page *pg, const Sy__BrowserHere *here, bool running);

/** A gateway has lost it. Nothing, if it is at another one by now. */
void page_left(struct page *pg, const char *gateway);

/** What it is shown of its call. Borrowed until the next event. */
void page_call_state(const struct page *pg, Sy__PhoneCallState *out,
		     Google__Protobuf__Timestamp *answered);

/** Tell all pages of a hub what has changed for them. */
void page_update(struct hub *hub);

/** Tell a page that a call of its, which nobody serves, is over. */
void page_say_ended(struct node *n, const Sy__DialogState *ds,
		    const char *call, uint16_t code, const char *reason);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the files of a page share; nobody else includes it.
 *
 *   page.c          its life, and what its leg says
 *   page_hear.c     what the page says
 *   page_say.c      messages to its gateway, and what if they do not come
 *   page_show.c     what it is shown of its call
 *   page_control.c  commands of gateways
 */

#ifndef SY_NODE_PAGE_PRIV_H
#define SY_NODE_PAGE_PRIV_H

#include "node/page.h"

struct page {
	struct le le;             /* in node->pages                       */
	struct node *node;        /* borrowed                             */
	struct leg *leg;          /* borrowed                             */
	const struct dialog_handlers *h;
	void *arg;
	char phone[PAGE_PHONE_SIZE];
	char gateway[LEG_TEXT_MAX];
	char *received, *from, *from_name, *called; /* owned              */
	struct mbuf *offer;       /* ours: of its ring, or under way      */
	struct mbuf *answer;      /* our last                             */
	uint16_t code;            /* of our last progress                 */
	bool described;           /* ... had the answer                   */
	bool offering;            /* our offer waits for its answer       */
	bool lost_answer;         /* nobody took our answer               */
	bool refused;             /* its offer, within its handler        */
	const char *why;          /* static                               */
	bool ended;               /* no handler is called any more        */
	bool away;                /* a message was not taken              */
	bool left;                /* ... or its gateway has lost it       */
	uint64_t away_ms;         /* since when (monotonic); 0: it took the
				     last message                         */
	bool asked;               /* Redis is asked where it is           */
	struct alarm away_tmr, offer_tmr;
	struct list sent;         /* struct sending: not taken yet        */
	uint64_t shown;           /* sum of what it was shown             */
	Sy__BrowserState state;   /* of page_checkpoint()                 */
};

enum page_what {
	PAGE_INCOMING,
	PAGE_PROGRESS,
	PAGE_ANSWER,
	PAGE_OFFER,
	PAGE_STATE,
	PAGE_ENDED,
};

/** Something to say; what a kind does not need is not looked at. */
struct page_words {
	enum page_what what;
	uint16_t code;
	char *sdp;
	const char *reason;
	Sy__PhoneCallState *state;
};

/** Send it to the page's gateway. */
void page_say(struct page *pg, const struct page_words *w);

/** The outcomes of what was sent are nobody's business any more. */
void page_forget(struct page *pg);

/** No more events. */
void page_close(struct page *pg);

/** It is over by the peer, or for want of one. */
void page_closed(struct page *pg, uint16_t code, const char *reason,
		 bool remote);

bool page_is_over(const struct page *pg);

/** It is at this gateway now. */
void page_found(struct page *pg, const char *gateway, const char *received);

/** ... and told what it may have missed. */
void page_came(struct page *pg);

bool page_is_answered(const struct page *pg);

/** Say, or say again, what holds now. @return 0, ENOMEM. */
int page_say_incoming(struct page *pg);
int page_say_progress(struct page *pg);
int page_say_answer(struct page *pg);
int page_say_offer(struct page *pg);

/** A copy; NULL is "". @return 0, ENOMEM. */
int page_keep(char **p, const char *text);

/** A description of a text; NULL: no memory. */
struct mbuf *page_mbuf(const char *text);

/** Text of a description; mem_deref() it. NULL: none, or no memory. */
char *page_text(const struct mbuf *sdp);

#endif

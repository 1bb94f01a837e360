/* SPDX-License-Identifier: MIT */
/*
 * A leg whose peer is a browser page: as a SIP leg in all but its words
 * (leg_sip_words.h), and its media is always WebRTC.
 */

#ifndef SY_NODE_LEG_BROWSER_H
#define SY_NODE_LEG_BROWSER_H

#include "node/leg_sip.h"
#include "node/page.h"

/** A page to call. Strings are borrowed for the call. */
struct leg_browser_call {
	const char *user;          /* device                              */
	const char *name;          /* shown: display name, or NULL        */
	const char *phone;         /* as in its Binding, as the next two  */
	const char *gateway;
	const char *received;
	const char *from;          /* who calls; "": not shown            */
	const char *from_name;     /* or NULL                             */
	struct codec_list codecs;
	const char *dtmf;          /* configured, or NULL                 */
};

/** Call a page; the leg joins its hub. @return as leg_sip_call(). */
int leg_browser_call(struct leg **lp, struct node *n, struct hub *hub,
		     const struct leg_browser_call *call);

/**
 * Take a call of a page in; the leg joins its hub, unanswered.
 *
 * @param lp    Set on success; the hub's.
 * @param msg   What its gateway says.
 * @param whyp  Set with a code: what is wrong; static.
 *
 * @return 0, or the SIP code to refuse it with.
 */
uint16_t leg_browser_take(struct leg **lp, struct node *n, struct hub *hub,
			  const Sy__BrowserCall *msg, const char **whyp);

/** Offer it a new session: it was loaded anew, and has none. */
void leg_browser_renew(struct leg *leg);

/** A digit of its page that came by message. */
void leg_browser_digit(struct leg *leg, char digit, uint32_t duration_ms);

/** Its media is there: so is the page, whatever its signalling does. */
bool leg_browser_is_alive(const struct leg *leg);

/** The page of a leg; NULL: it is none of a browser. */
struct page *leg_browser_page(const struct leg *leg);

#endif

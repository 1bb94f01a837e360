/* SPDX-License-Identifier: MIT */
/*
 * Where nodes are is no peer's business: the Via of a node's request is taken
 * off before a peer gets it.  Its branch travels in ours, as parameter "nb",
 * its address in the flow token "fl" (which is enciphered); of both it is made
 * again when the response comes, at any router.
 *
 * Router threads; nothing here allocates or blocks.
 */

#ifndef SY_ROUTER_HIDE_H
#define SY_ROUTER_HIDE_H

#include <re.h>
#include "router/flow.h"
#include "router/view.h"

enum {
	HIDE_BRANCH_MAX = 64, /* of a branch after its cookie [characters] */
	HIDE_VALUE_MAX = 160, /* of a Via value that is made again         */
};

/**
 * Whether a request's Via can be made again of what travels: it is the only
 * one, and says "SIP/2.0/UDP host:port;branch=z9hG4bK...[;rport]".
 *
 * @param reply  Where responses go; its peer is what the Via must say.
 */
bool hide_fits(const struct view *v, const struct flow *reply);

/** The parameter for our Via: "nb", for a request that hide_fits(). */
struct pl hide_branch(const struct view *v);

/** Whether a response has had the Via of a node, which was taken off. */
bool hide_is(const struct view *v);

/**
 * Make a node's Via again.
 *
 * @param via  Set; points into `str`.
 * @param str  HIDE_VALUE_MAX characters.
 * @param v    A response for which hide_is().
 * @param to   Its flow: the node's address.
 *
 * @return 0, EBADMSG.
 */
int hide_read(struct view_via *via, char *str, const struct view *v,
	      const struct flow *to);

#endif

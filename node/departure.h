/* SPDX-License-Identifier: MIT */
/*
 * What is left here of a hub that another node has by now: its mix, with the
 * media of each leg until the new owner hears that leg itself, and the link,
 * by which each mix hears what the other one does.
 *
 *   departure_alloc()   the hub is still ours: only the link is made
 *   departure_go()      the hub is the other's; media and mix are ours
 *   departure_step()    ANSWERED: the new owner sends to the leg's peer, so
 *                       we do no more, but go on hearing it;
 *                       HEARD: its media goes to the new owner, so it is
 *                       freed here, a little later (see below);
 *                       DONE: so is all
 *
 * A leg's media outlives HEARD by DEPARTURE_LINGER_MS: what is made up for the
 * packets that no longer come here covers the time that the first ones need
 * there, in the jitter buffer and on the link.
 *
 * Of whom we hear nothing any more, having heard it, we assume ANSWERED until
 * we hear it again.
 *
 * Players are heard until the link is: then the new owner's own are.
 *
 * It ends by DONE; when the new owner dies, since somebody else adopts the
 * hub; or after DEPARTURE_MS, or, while a leg has media before its answer
 * (it moves when it is answered), after DEPARTURE_EARLY_MS.
 */

#ifndef SY_NODE_DEPARTURE_H
#define SY_NODE_DEPARTURE_H

#include "node/hub/hub.h"
#include "node/media/media.h"

enum {
	DEPARTURE_MS = 15000,
	DEPARTURE_EARLY_MS = 60000,
	DEPARTURE_LINGER_MS = 80,
};

struct departure;

/** What departures need of their node. */
struct departures {
	struct list list;      /* struct departure, that went            */
	struct alarms *alarms; /* borrowed                               */
	/** Is the process alive that has the hub? NULL: it is. */
	bool (*liveh)(uint32_t instance, void *arg);
	void *arg;
};

/** Free all of them. */
void departures_close(struct departures *ds);

/** By hub id; NULL: none that went. */
struct departure *departure_find(const struct departures *ds, const char *hub);

/**
 * Make our end of a link into the mix of a hub that may go.
 *
 * @param dp     Set on success; the caller's until departure_go(): mem_deref()
 *               undoes all, and comes before the hub's end.
 * @param ds     Borrowed; outlives it.
 * @param laddr  Where the link's RTP is received, without port; NULL: nobody
 *               is heard, no link is needed.
 *
 * @return 0, ENOMEM, EADDRINUSE (no RTP port), EAGAIN.
 */
int departure_alloc(struct departure **dp, struct departures *ds,
		    const struct hub *hub, const struct sa *laddr);

/** Our end of its link, for the other node. @return false: there is none. */
bool departure_link(const struct departure *d, struct sa *addr,
		    uint8_t key[MEDIA_LINK_KEY_BYTES]);

/**
 * The hub is another node's: take mix and media of its legs, and let the legs
 * depart (leg_ops.depart).  Afterwards the hub is over, without a word said,
 * and is the caller's to close.
 *
 * @param d         The list's from now on.
 * @param instance  Process that has it now.
 * @param sip       Where its SIP goes to.
 * @param laddr     The other end of the link; NULL: none, all media ends now.
 * @param key       Of what that end sends.
 */
void departure_go(struct departure *d, struct hub *hub, uint32_t instance,
		  const struct sa *sip, const struct sa *laddr,
		  const uint8_t *key);

/** The new owner tells of a leg. @param leg  Its id; "" with MOVE_DONE. */
void departure_step(struct departure *d, const char *leg, Sy__MoveStep step);

#endif

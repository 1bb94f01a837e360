/* SPDX-License-Identifier: MIT */
/*
 * How a call came to whom it rings, told to who is concerned: History-Info and
 * Diversion in the INVITEs to devices, and to trunks that get them
 * (Trunk.send_history); History-Info in what a caller hears.
 *
 * What a trusted trunk said of the way before us goes ahead.  Who may not be
 * shown is anonymous; to a trunk a device is its number there, as a caller is.
 */

#ifndef SY_NODE_APP_CHAIN_H
#define SY_NODE_APP_CHAIN_H

#include "node/node.h"
#include "node/sip/histinfo.h"

enum {
	CHAIN_SIZE = 2 * HISTINFO_TEXT, /* both headers                    */
	CHAIN_MAX = 10,                 /* diversions of a call, of those
					   before us too                   */
};

/** A new call: what its INVITE says of its way, of a trunk that is trusted;
 * and whether that may be told. @param place  What its router said of it. */
void chain_came(struct node *n, struct hub *hub, const struct sip_msg *msg,
		const Sy__PlaceHub *place);

/** How often the call was sent on before it came here. */
uint32_t chain_before(const struct hub *hub);

/** Headers of the INVITE to a device. @param uri  Its address of record.
 * @return "" if there is nothing to tell, or no room. */
void chain_to_device(char buf[CHAIN_SIZE], const struct hunt *hunt,
		     const char *domain, const char *uri);

/** Headers of the INVITE to a trunk, as it wants them. @param uri  Its
 * Request-URI. */
void chain_to_trunk(char buf[CHAIN_SIZE], const struct node *n,
		    const struct hunt *hunt, const Sy__Trunk *trunk,
		    const char *domain, const char *uri);

/** Headers of what an inbound leg is answered. */
void chain_to_caller(char buf[CHAIN_SIZE], const struct node *n,
		     const struct leg *leg, const char *domain);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Who is in which call: what lamps of other phones show.  Read once from the
 * records, then kept by the events of the nodes.  Begun with the first
 * subscription that asks for it; thread 0 only.
 */

#ifndef SY_ROUTER_CALLS_H
#define SY_ROUTER_CALLS_H

#include "proto/bus.h"

struct calls;

enum calls_state { CALLS_TRYING, CALLS_EARLY, CALLS_CONFIRMED };

/** One dialog of a device, room or parking place. */
struct calls_dialog {
	const char *id;       /* of its leg, or of the call of a room        */
	const char *remote;   /* number or user of the other side; "": none  */
	const char *name;     /* its display name, or ""                     */
	const char *call_id;  /* of the resource's dialog with us; "": not
				 known                                       */
	const char *tag;      /* ... its own tag                             */
	const char *our_tag;
	enum calls_state state;
	bool initiator;       /* it called                                   */
};

/** A device, room or place whose dialogs changed. */
typedef void(calls_h)(const char *resource, void *arg);

/** @return 0, ENOMEM. */
int calls_alloc(struct calls **cp, struct bus *bus, calls_h *h, void *arg);

/** Follow from now on; the handler is called for whoever is in a call. */
void calls_follow(struct calls *c);

/** Were the records read? Before that somebody may be missing. */
bool calls_is_ready(const struct calls *c);

/** Redis was away: events were missed. */
void calls_again(struct calls *c);

typedef void(calls_dialog_h)(const struct calls_dialog *d, void *arg);

/** Each dialog of a resource. */
void calls_apply(const struct calls *c, const char *resource,
		 calls_dialog_h *h, void *arg);

#endif

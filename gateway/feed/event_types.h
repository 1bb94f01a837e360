/* SPDX-License-Identifier: MIT */
/* Which types of events somebody wants to hear of. */

#ifndef SY_GATEWAY_FEED_EVENT_TYPES_H
#define SY_GATEWAY_FEED_EVENT_TYPES_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/schema.h"

enum { EVENT_TYPES_MAX = 16 };

struct event_types {
	Sy__EventType v[EVENT_TYPES_MAX];
	size_t n;                 /* 0: all                               */
};

/**
 * Read names, separated by commas: "CALL_ADOPTED,LEG_LOST".
 *
 * @param types  They are added to it.
 * @param names  Is cut to pieces; "": nothing is added.
 *
 * @return false: one of them is none, or there are too many.
 */
bool event_types_read(struct event_types *types, char *names);

/** Is this one wanted? */
bool event_types_have(const struct event_types *types, Sy__EventType type);

#endif

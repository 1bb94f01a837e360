/* SPDX-License-Identifier: MIT */
/*
 * The dial plan: ordered rules from number and source to a destination.
 * Used by routers for INVITEs and by gateways for calls from the API.
 */

#ifndef SY_PROTO_DIALPLAN_H
#define SY_PROTO_DIALPLAN_H

#include <stdbool.h>
#include <stddef.h>
#include "proto/schema.h"

/** What the names of conferences that are parking places begin with. */
#define DIALPLAN_PARK "park:"

/** A room that stands for a device that rings: "ringing:1002"; or for a
 * pick-up group: "ringing:group:sales". */
#define DIALPLAN_RINGING "ringing:"

/** The outcome; strings live in the object itself. */
struct dialplan_match {
	const Sy__Route *route;   /* borrowed from the configuration; NULL:
				     it was one of the trunk's numbers     */
	Sy__Destination dest;     /* with $0, $1 filled in                 */
	Sy__External external;    /* where dest points to, or ...          */
	Sy__Feature feature;
	char text[2][128];        /* the filled-in strings                 */
	uint32_t ring_seconds;
};

/** Check a pattern. @param errp  Set to a static text on error. */
int dialplan_pattern_check(const char *pattern, const char **errp);

/**
 * Does a number match a pattern (see Route.pattern)?
 *
 * @param capp, caplen  Set to what . ! or the first group matched, within
 *                      number; may be NULL.
 */
bool dialplan_pattern_match(const char *pattern, const char *number,
			    const char **capp, size_t *caplen);

/** What a rule says to a call. */
enum dialplan_say {
	DIALPLAN_MATCHES,
	DIALPLAN_DISABLED,
	DIALPLAN_OTHER_SOURCE,
	DIALPLAN_OTHER_NUMBER,
};

/** Try one rule, as dialplan_find() does.
 * @param capp, caplen  As dialplan_pattern_match(). */
enum dialplan_say dialplan_try(const Sy__Route *r, const char *number,
			       const Sy__Source *src, const char **capp,
			       size_t *caplen);

/**
 * Find the first rule that matches; the numbers of the trunk that a call comes
 * by, where they have a target, go before all rules.
 *
 * @param conf    Configuration with routes in ascending order (config.h
 *                keeps them so); borrowed.
 * @param number  What was dialled (the user part, unescaped).
 * @param src     Who called.
 *
 * @return 0, ENOENT (no rule; the caller answers 404), ENAMETOOLONG.
 */
int dialplan_find(struct dialplan_match *m, const Sy__Config *conf,
		  const char *number, const Sy__Source *src);

/**
 * May a device pick up calls that ring another one, by a rule that leads to
 * pick-ups of any device (its target has a "$"), or of that one?
 */
bool dialplan_may_pick_up(const Sy__Config *conf, const char *device,
			  const char *rung);

/**
 * The room that all callers of a destination share: a conference, or the call
 * that is to be picked up.
 *
 * @return false: each has a call of its own.
 */
bool dialplan_room(char *buf, size_t size, const Sy__Destination *dest);

#endif

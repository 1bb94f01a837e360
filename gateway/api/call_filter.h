/* SPDX-License-Identifier: MIT */
/* Which calls a list is asked for. */

#ifndef SY_GATEWAY_API_CALL_FILTER_H
#define SY_GATEWAY_API_CALL_FILTER_H

#include <stdbool.h>

#include "gateway/api/api.h"

enum { CALL_FILTER_SIZE = 128 };

/** Each "": any.  user, trunk and kind must be those of one leg. */
struct call_filter {
	char state[32], kind[32];
	char node[CALL_FILTER_SIZE];
	char user[CALL_FILTER_SIZE], trunk[CALL_FILTER_SIZE];
	char number[CALL_FILTER_SIZE]; /* caller, called, or a leg's user */
};

/** Its parameters, for the table of routes. */
#define CALL_FILTER_QUERY                                                     \
	{"state", "CALL_SETUP, CALL_RINGING, CALL_ANSWERED, CALL_ENDED"},     \
	{"node", "id of a node: calls there"},                                \
	{"user", "device or number of a leg"},                                \
	{"number", "caller, number dialled, or number of a leg"},             \
	{"trunk", "a leg comes or goes by this trunk"},                       \
	{"kind", "a leg is of this kind: DEVICE, TRUNK, BROWSER ..."}

/** @return false: was answered. */
bool call_filter_read(struct api_req *a, struct call_filter *f);

bool call_filter_is_empty(const struct call_filter *f);
bool call_filter_matches(const struct call_filter *f, const Sy__Call *call);

#endif

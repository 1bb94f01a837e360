/* SPDX-License-Identifier: MIT */
/* Inside of the dial plan: what dialplan_pattern.c asks dialplan_regex.c. */

#ifndef SY_PROTO_DIALPLAN_IMPL_H
#define SY_PROTO_DIALPLAN_IMPL_H

#include "proto/dialplan.h"

/** What is wrong with a regular expression: a static text, or NULL. */
const char *dialplan_regex_wrong(const char *pattern);

/**
 * Does it match?
 *
 * @param capp, caplen  Set to the first group; unchanged if there is none.
 */
bool dialplan_regex_match(const char *pattern, const char *number,
			  const char **capp, size_t *caplen);

#endif

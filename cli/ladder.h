/* SPDX-License-Identifier: MIT */
/* A SIP ladder, row by row. */

#ifndef SY_CLI_LADDER_H
#define SY_CLI_LADDER_H

#include <jansson.h>

struct ladder;

/**
 * Choose the columns, and print their heads.
 *
 * @param messages  TraceMessages that are known by now; others may bring
 *                  further columns.
 */
struct ladder *ladder_alloc(const json_t *messages);

/** Print the arrow of a message. */
void ladder_arrow(struct ladder *l, const json_t *message);

void ladder_free(struct ladder *l);

#endif

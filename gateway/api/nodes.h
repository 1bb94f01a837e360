/* SPDX-License-Identifier: MIT */
/* A member of the table as the API shows a node. */

#ifndef SY_GATEWAY_API_NODES_H
#define SY_GATEWAY_API_NODES_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/schema.h"

struct members;

struct shown_node {
	Sy__Node msg;
	Google__Protobuf__Timestamp drain; /* msg points to it             */
};

/** @param node  Filled in, not to be copied; its strings are borrowed from
 *               the member. */
void node_from_member(struct shown_node *node, const Sy__Member *m);

/** "node-1, node-2": the nodes that are there. @param live  Those that take
 * calls. @param size  Of buf [bytes]; what does not fit is "...". */
void nodes_names(struct members *members, bool live, char *buf, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/* A member of the table as the API shows a node. */

#ifndef SY_GATEWAY_API_NODES_H
#define SY_GATEWAY_API_NODES_H

#include "proto/schema.h"

/** @param node  Filled in; its strings are borrowed from the member. */
void node_from_member(Sy__Node *node, const Sy__Member *m);

#endif

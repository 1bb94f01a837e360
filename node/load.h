/* SPDX-License-Identifier: MIT */
/*
 * How loaded this node is, and whether it takes more calls: written into each
 * of its beats, by which routers place calls.
 */

#ifndef SY_NODE_LOAD_H
#define SY_NODE_LOAD_H

#include "proto/schema.h"

/**
 * Fill in the state and the load of a beat; a change is logged.  Once a
 * second, from the loop: see member_load_h.
 *
 * @param me   Its load is left alone if it is NULL.
 * @param arg  struct node.
 */
void load_tell(Sy__Member *me, void *arg);

#endif

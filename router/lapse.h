/* SPDX-License-Identifier: MIT */
/*
 * Phones that are gone say nothing: their bindings lapse.  One router looks for
 * those each second (named.h); they are told of in events, and to lamps.
 */

#ifndef SY_ROUTER_LAPSE_H
#define SY_ROUTER_LAPSE_H

struct worker;

/** Each second. @param w  Thread 0. */
void lapse_tick(struct worker *w);

#endif

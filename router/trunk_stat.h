/* SPDX-License-Identifier: MIT */
/* Gauges of the trunks that this router works for; NaN once another one does. */

#ifndef SY_ROUTER_TRUNK_STAT_H
#define SY_ROUTER_TRUNK_STAT_H

#include "proto/schema.h"

/** How it is now.  Thread 0, as the next. */
void trunk_stat_set(const Sy__TrunkState *ts);

/** This router does not work for it any more. */
void trunk_stat_clear(const char *trunk);

#endif

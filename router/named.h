/* SPDX-License-Identifier: MIT */
/*
 * Which router a piece of work is for, without asking anybody: of all that
 * live the one with the highest hash of its id and the work's name.  When one
 * goes, only its work is named anew.  Two routers may see different members
 * for a moment: who needs to be alone takes a lease besides.
 */

#ifndef SY_ROUTER_NAMED_H
#define SY_ROUTER_NAMED_H

#include <stdbool.h>

struct worker;

/** Is it for this router?  So it is where no router lives. */
bool named_is_us(const struct worker *w, const char *work);

#endif

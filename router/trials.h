/* SPDX-License-Identifier: MIT */
/*
 * Trunks that are tried out before they are configured, or because they do not
 * work: step by step, each with what was found and what to do about it.
 *
 *   dns --> connect (TCP, TLS) --> options --> register
 *
 * Nothing is changed at the carrier: the REGISTER has no Contact, so it only
 * asks (RFC 3261 10.2.3).  Thread 0; so many at a time, each for a bounded
 * time.
 */

#ifndef SY_ROUTER_TRIALS_H
#define SY_ROUTER_TRIALS_H

#include "proto/bus.h"

struct trials;
struct worker;

/** @param tp  Owned by the caller; goes before the bus. */
int trials_alloc(struct trials **tp, struct worker *w);

/**
 * Try one.
 *
 * @param req    Answered when it is done: taken.
 * @param trunk  Checked as a configuration is; its password is sealed. Copied.
 */
void trials_start(struct trials *t, struct bus_request *req,
		  const Sy__Trunk *trunk);

#endif

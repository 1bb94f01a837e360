/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP port for operators: /metrics, /healthz (the loop runs),
 * /readyz (Redis is there, the configuration loaded).
 */

#ifndef SY_ROUTER_HEALTH_H
#define SY_ROUTER_HEALTH_H

#include "router/core.h"

struct health;

/**
 * Listen, on the thread of the worker.
 *
 * @param hp    Set on success; owned by the caller.
 * @param addr  "ADDR:PORT".
 *
 * @return 0, EINVAL (not an address), EADDRINUSE ...
 */
int health_alloc(struct health **hp, const char *addr, struct worker *w);

#endif

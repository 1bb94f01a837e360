/* SPDX-License-Identifier: MIT */
/*
 * A set of networks that is asked for every stranger: one search for each
 * length of prefix that it has, however many networks those are.
 */

#ifndef SY_ROUTER_NETS_H
#define SY_ROUTER_NETS_H

#include <stdbool.h>
#include <stddef.h>
#include "proto/config_net.h"

struct nets;

/**
 * Make a set.
 *
 * @param np    Set on success; owned by the caller (mem_deref).
 * @param netv  Ports are ignored; borrowed for the call.
 *
 * @return 0 or ENOMEM.
 */
int nets_alloc(struct nets **np, const struct config_net *netv, size_t netc);

/** Is an address in one of them? @param addr  IPv4 as IPv4-mapped. @param n
 * NULL: the empty set. */
bool nets_has(const struct nets *n, const uint8_t addr[16]);

#endif

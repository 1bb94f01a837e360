/* SPDX-License-Identifier: MIT */
/* The configuration out of a reply of config_get.lua; for config_state.c alone. */

#ifndef SY_PROTO_CONFIG_UNPACK_H
#define SY_PROTO_CONFIG_UNPACK_H

#include "proto/config_section.h"

struct redisReply;

/**
 * Fill a configuration, each section in order of its ids (routes: of their
 * order).
 *
 * @param conf   Initialized and empty; freed by the caller, also on error.
 * @param reply  An array of seven or more, its first a string.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int config_unpack(Sy__Config *conf, const struct redisReply *reply);

/** The order of a section's items; not of settings. @param a, b  Each points
 * to the pointer to one, as for qsort(). */
int config_unpack_cmp(enum config_section s, const void *a, const void *b);

#endif

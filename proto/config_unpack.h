/* SPDX-License-Identifier: MIT */
/* The configuration out of a reply of config_get.lua; for config.c alone. */

#ifndef SY_PROTO_CONFIG_UNPACK_H
#define SY_PROTO_CONFIG_UNPACK_H

#include "proto/schema.h"

struct redisReply;

/**
 * Fill a configuration, each section in order of its ids (routes: of their
 * order).
 *
 * @param conf   Initialized and empty; freed by the caller, also on error.
 * @param reply  An array of seven, its first a string.
 *
 * @return 0, EBADMSG, ENOMEM.
 */
int config_unpack(Sy__Config *conf, const struct redisReply *reply);

#endif

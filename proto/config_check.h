/* SPDX-License-Identifier: MIT */
/*
 * What a configuration must be beyond its shape.
 */

#ifndef SY_PROTO_CONFIG_CHECK_H
#define SY_PROTO_CONFIG_CHECK_H

#include <stddef.h>
#include "proto/schema.h"

/**
 * Check a whole configuration, as read from a file or as it would be after
 * a change: ids, references, patterns, sources, codecs, credentials.
 *
 * @param errbuf  On error, one line: path of the field, what is wrong, what
 *                is allowed.
 *
 * @return 0 or EBADMSG.
 */
int config_check(const Sy__Config *conf, char *errbuf, size_t errsize);

#endif

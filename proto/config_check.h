/* SPDX-License-Identifier: MIT */
/*
 * What a configuration must be beyond its shape.
 */

#ifndef SY_PROTO_CONFIG_CHECK_H
#define SY_PROTO_CONFIG_CHECK_H

#include <stddef.h>
#include "proto/schema.h"

enum { CONFIG_WRONG_MAX = 100 }; /* errors that are told of one document */

/** Called for each error. @param text  One line: path of the field, what is
 * wrong, what is allowed; borrowed for the call. */
typedef void(config_wrong_h)(const char *text, void *arg);

/**
 * Check a whole configuration, as read from a file or as it would be after
 * a change: ids, references, patterns, sources, codecs, credentials.
 *
 * @param h  Called for each error, for CONFIG_WRONG_MAX at most; or NULL.
 *
 * @return 0 or EBADMSG.
 */
int config_check_all(const Sy__Config *conf, config_wrong_h *h, void *arg);

/**
 * The same, and the first error alone.
 *
 * @param errbuf  On error, set to its text; or NULL.
 *
 * @return 0 or EBADMSG.
 */
int config_check(const Sy__Config *conf, char *errbuf, size_t errsize);

#endif

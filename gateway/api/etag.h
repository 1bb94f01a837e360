/* SPDX-License-Identifier: MIT */
/* Entity tags and preconditions (RFC 9110 8.8.3, 13.1) of configuration. */

#ifndef SY_GATEWAY_API_ETAG_H
#define SY_GATEWAY_API_ETAG_H

#include "gateway/api/api.h"
#include "proto/config_section.h"

enum { ETAG_SIZE = 32 };

/**
 * The tag of an item.  It changes with its passwords, too, where the cluster's
 * key is known: who sees it must not be able to try passwords against it.
 *
 * @param item  NULL: there is none; the tag is "".
 */
void etag_item(char tag[ETAG_SIZE], const struct api_req *a,
	       enum config_section s, const ProtobufCMessage *item);

/** The tag of all of a revision. */
void etag_revision(char tag[ETAG_SIZE], uint64_t revision);

/**
 * If-Match and If-None-Match against what is there.
 *
 * @param tag  Of it; "": there is nothing.
 *
 * @return true: go on; false: was answered (304, 412).
 */
bool etag_check(struct api_req *a, const char *tag);

#endif

/* SPDX-License-Identifier: MIT */
/* Parameters of the query.  Each may be absent: then it is "".  Each function
 * returns true, or false: it has answered (400). */

#ifndef SY_GATEWAY_API_QUERY_H
#define SY_GATEWAY_API_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "gateway/feed/event_types.h"
#include "proto/ulid.h"

struct api_req;

/** Any text. @param size  Of val, with its zero [bytes]. */
bool query_text(struct api_req *a, const char *name, char *val, size_t size);

/** One of a list. @param choices  "true|false" */
bool query_choice(struct api_req *a, const char *name, char *val, size_t size,
		  const char *choices);

/** A value of an enum, by its name. */
bool query_enum(struct api_req *a, const char *name, char *val, size_t size,
		const ProtobufCEnumDescriptor *d);

/** Types of events, "type": several, separated by commas.  @param types  They
 * are added to it. */
bool query_event_types(struct api_req *a, struct event_types *types);

/** An id of a call, "call", as ulid_print() has it. */
bool query_call(struct api_req *a, char id[ULID_LEN + 1]);

#endif

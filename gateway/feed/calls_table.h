/* SPDX-License-Identifier: MIT */
/* Calls by their id, and what an event changes. */

#ifndef SY_GATEWAY_FEED_CALLS_TABLE_H
#define SY_GATEWAY_FEED_CALLS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <re.h>

#include "proto/schema.h"

struct calls_table;

/** A call in the table. */
struct known_call {
	struct le le;          /* in the table                            */
	Sy__Call *msg;         /* owned                                   */
	char *json;            /* of it; owned (free()); NULL: not made   */
};

int calls_table_alloc(struct calls_table **tp);

/** Put a record. @param msg  Copied. */
int calls_table_put(struct calls_table *t, const Sy__Call *msg);

/** Do what an event says. */
void calls_table_event(struct calls_table *t, const Sy__Event *ev);

size_t calls_table_count(const struct calls_table *t);

/** All, in no order. @param h  True: stop. */
typedef bool(known_call_h)(struct known_call *k, void *arg);
void calls_table_apply(const struct calls_table *t, known_call_h *h,
		       void *arg);

/** Do both say the same of who is in which call, and how? */
bool calls_table_equal(const struct calls_table *a,
		       const struct calls_table *b);

#endif

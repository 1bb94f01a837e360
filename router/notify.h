/* SPDX-License-Identifier: MIT */
/* One subscription and its NOTIFYs (RFC 6665 4.2.2). */

#ifndef SY_ROUTER_NOTIFY_H
#define SY_ROUTER_NOTIFY_H

#include "router/subs.h"

struct calls;
struct sub;

/** It is over, and out of its table; the handler lets it go. */
typedef void(sub_end_h)(struct sub *sub, void *arg);

/**
 * @param calls  Borrowed.
 * @param rec    Taken, on error too.
 *
 * @return 0, ENOMEM, EINVAL (an event that we do not know).
 */
int sub_alloc(struct sub **sp, struct worker *w, struct calls *calls,
	      Sy__Subscription *rec, sub_end_h *h, void *arg);

/** A new SUBSCRIBE within it. @param rec  Taken. */
void sub_refresh(struct sub *sub, Sy__Subscription *rec);

/** Something of its resource may have changed: tell, as soon as it may. */
void sub_touch(struct sub *sub);

/** Another router has it. */
void sub_drop(struct sub *sub);

const char *sub_id(const struct sub *sub);
const char *sub_resource(const struct sub *sub);
enum subs_event sub_event(const struct sub *sub);

/** Its places in the tables of subs.h, by its id and by its resource. */
struct le *sub_le(struct sub *sub);
struct le *sub_of_le(struct sub *sub);

#endif

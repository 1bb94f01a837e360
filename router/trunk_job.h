/* SPDX-License-Identifier: MIT */
/*
 * The work for one trunk, while this router has its lease: it is registered
 * at (trunk_reg.h), its targets are asked whether they live (trunk_check.h),
 * and how it is is written down and told (proto/store_trunk.h).
 *
 * Thread 0.  Everything lasting is in the TrunkState; who takes over begins
 * with that.
 */

#ifndef SY_ROUTER_TRUNK_JOB_H
#define SY_ROUTER_TRUNK_JOB_H

#include "proto/schema.h"

struct trunk_job;
struct worker;

/** Is there any work for it? */
bool trunk_job_is_wanted(const Sy__Trunk *t);

/**
 * Begin.
 *
 * @param jp    Set on success; owned by the caller; the end of it tells nobody.
 * @param t     Copied.
 * @param past  What the last one wrote down; borrowed for the call, or NULL.
 *
 * @return 0, ENOMEM, EINVAL.
 */
int trunk_job_alloc(struct trunk_job **jp, struct worker *w,
		    const Sy__Trunk *t, const Sy__TrunkState *past);

/** Is a configured trunk still the one that this work is for? */
bool trunk_job_is_for(const struct trunk_job *j, const Sy__Trunk *t);

/** Is it the same registration, whatever else has changed? */
bool trunk_job_same_account(const struct trunk_job *j, const Sy__Trunk *t);

/** How it is; borrowed until the next call. */
const Sy__TrunkState *trunk_job_state(struct trunk_job *j);

/** Write down how it is, and tell. */
void trunk_job_write(struct trunk_job *j);

/** It is not to be any more: unregister. */
void trunk_job_retire(struct trunk_job *j);

/** ... which is done. */
bool trunk_job_is_done(const struct trunk_job *j);

#endif

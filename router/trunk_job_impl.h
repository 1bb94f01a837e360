/* SPDX-License-Identifier: MIT */
/* Internal to trunk_job*.c. */

#ifndef SY_ROUTER_TRUNK_JOB_IMPL_H
#define SY_ROUTER_TRUNK_JOB_IMPL_H

#include "router/trunk_check.h"
#include "router/trunk_job.h"
#include "router/trunk_reg.h"
#include "router/trunk_where.h"
#include "router/uac.h"

enum { TRUNK_JOB_TARGETS_MAX = 4 };

/* One target, asked by OPTIONS. */
struct trunk_job_check {
	struct trunk_job *job;
	struct locate_target target;
	struct trunk_check check;
	struct uac *uac;          /* owned; NULL: not asked now            */
	uint64_t sent_us;
};

struct trunk_job {
	struct worker *w;         /* borrowed                              */
	Sy__Trunk *conf;          /* owned                                 */
	struct tmr tmr;
	bool retired;

	struct trunk_reg *reg;    /* owned; NULL: no registration          */
	struct trunk_where reg_at;
	struct uac *reg_uac;      /* owned                                 */
	bool located;             /* DNS was asked for this round          */

	struct trunk_where at;    /* of the targets                        */
	struct trunk_job_check checkv[TRUNK_JOB_TARGETS_MAX];
	size_t checkc;
	uint32_t every_ms;        /* between two OPTIONS; 0: never         */
	uint64_t look_ms;         /* when to look for targets; 0: never    */
	uint32_t cseq;

	/* What was told: a change of it is an event. */
	bool known, up;
	uint64_t since_ms;        /* of up; since 1970                     */
	uint64_t checked_ms;      /* since 1970                            */
	uint64_t put_ms;          /* when it was last written down         */
	struct trunk_job_state *state; /* owned                            */
};

/** Where its calls go first, as configured. */
const char *trunk_job_hop(const Sy__Trunk *t);

/** Set the timer for what is due next. */
void trunk_job_soon(struct trunk_job *j);

/* trunk_job_check.c */
int trunk_job_start_checks(struct trunk_job *j, uint32_t every_ms,
			   const Sy__TrunkState *past);
void trunk_job_work_checks(struct trunk_job *j);
void trunk_job_close_checks(struct trunk_job *j);

/* trunk_job_state.c */
void trunk_job_tell_reg(struct trunk_job *j, enum trunk_reg_out out);
void trunk_job_tell_checks(struct trunk_job *j);
void trunk_job_close_state(struct trunk_job *j);

#endif

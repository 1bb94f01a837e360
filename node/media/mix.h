/* SPDX-License-Identifier: MIT */
/* Mix-minus: everybody hears all others and not itself.  Engine only. */

#ifndef SY_NODE_MEDIA_MIX_H
#define SY_NODE_MEDIA_MIX_H

#include "node/media/leg.h"
#include "node/media/limit.h"
#include "node/media/talk.h"

/** The worker's side of a mix. */
struct mixbus {
	struct le le;          /* worker: in worker->busl                    */
	struct release release; /* signalling                                */
	struct list legl;      /* worker: struct leg; borrowed               */
	struct limit limit;    /* worker: of the sum                         */
	bool watched;          /* worker: mix_watch()                        */
	struct talk talk;      /* worker, while it is watched                */
	uint32_t legc;         /* worker: of them                            */
	uint64_t run_us;       /* worker: tick of the last pass; 0: none     */
	bool idle;             /* worker: in worker->idlel                   */
	bool crewed;           /* worker: others help with it                */
};

/** The handle; signalling thread only. */
struct mix {
	struct media *m;       /* borrowed                                   */
	struct worker *w;      /* borrowed                                   */
	struct mixbus *bus;    /* owned, until the worker gives it back      */
	uint32_t legs;
	struct list groupl;    /* struct encgroup; not owned: legs' sets do  */
};

/**
 * One pass of a mix; worker.
 *
 * @return false: there is nothing to do until something comes: it may sleep.
 */
bool mixbus_run(struct mixbus *bus, const struct tick *t);

/** Something came: it takes part in the next pass; worker. */
void mixbus_wake(struct mixbus *bus, struct worker *w);

/** Sum of n frames. */
void mix_sum(float *sum, const float *const *framev, size_t n);

/** out = sum - own. */
void mix_minus(float *out, const float *sum, const float *own);

#endif

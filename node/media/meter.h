/* SPDX-License-Identifier: MIT */
/*
 * Who talks in a mix and how loud: the pass of a mix that is watched
 * (mix_watch()).  Engine only.
 */

#ifndef SY_NODE_MEDIA_METER_H
#define SY_NODE_MEDIA_METER_H

#include "node/media/mix.h"

/** Worker: begin or end to watch a mix. */
void meter_set(struct mixbus *bus, bool on);

/**
 * Worker: after all put() of a tick.  Sends MEDIA_EV_TALK_*, MEDIA_EV_SPEAKER
 * and keeps the meters of leg_stat.
 *
 * @param legv  The mix' legs, their frames of this tick still there.
 *
 * @return true while somebody talks, or a meter has not come to rest: the
 *         mix must not be left alone.
 */
bool meter_run(struct mixbus *bus, struct leg *const *legv, size_t n,
	       const struct tick *t);

/** Worker: a leg leaves its mix. */
void meter_leave(struct mixbus *bus, struct leg *leg);

#endif

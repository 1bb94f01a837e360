/* SPDX-License-Identifier: MIT */
/* What the parts of the engine on the signalling thread share. */

#ifndef SY_NODE_MEDIA_ENGINE_H
#define SY_NODE_MEDIA_ENGINE_H

#include "node/media/media.h"
#include "node/media/worker.h"

struct media {
	struct media_conf conf;    /* defaults filled in                     */
	struct portset *ports;
	char cname[32];            /* of our RTCP: random, RFC 7022 4.2      */
	struct worker **workerv;
	unsigned workerc;
	struct crew *crew;         /* of the workers                         */
	int event_fd;              /* in the libre loop                      */
	struct list pending;       /* struct release: no room in a ring yet  */
};

/**
 * Send a command to a worker.
 *
 * @return 0, or EAGAIN: the ring is full.
 */
int media_cmd(struct media *m, struct worker *w, const struct cmd *cmd);

/**
 * Ask a worker to let go of an object; never fails, but may take longer.
 *
 * @param rel   Member of the object, for the waiting list.
 * @param type  CMD_MIX_DEL or CMD_LEG_DEL.
 * @param obj   The object; freed when it comes back.
 */
void media_release(struct media *m, struct worker *w, struct release *rel,
		   enum cmd_type type, void *obj);

/** A monotonic clock [ms]. */
uint64_t media_now_ms(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * One encoder for all legs of a mix that hear the same in the same codec and
 * settings.  Who hears the same: legs that give nothing themselves and are
 * not deaf hear the sum of all that talk; there is one such frame a tick.
 *
 *           gives a frame, or is deaf: at once
 *   shared ------------------------------------> own encoder
 *      ^   its encoder becomes a copy of the group's: the stream goes on
 *      |   bit by bit, nobody hears a seam
 *      |
 *      +---- hears the common frame for 0.5 s, at the next half second
 *            the group's next packet does not lean on what was before
 *            (Opus), because the peer's decoder followed another encoder
 *
 * The signalling thread makes and frees groups: each struct rtp_set holds a
 * reference, so that a group outlives all that the worker knows of it.  All
 * the rest is the worker's.  The encoder and its room are made when there
 * are enough to share it: most calls are of two.
 */

#ifndef SY_NODE_MEDIA_ENCGROUP_H
#define SY_NODE_MEDIA_ENCGROUP_H

#include <stdatomic.h>
#include <re.h>

#include "node/media/codec.h"
#include "node/media/cut.h"
#include "node/media/packet.h"

struct tick;

enum {
	ENCGROUP_MIN = 3,   /* of so many: two never hear the same for long */
	ENCGROUP_STAY = 25, /* ticks that a leg hears the common frame, and
			       ticks between two joins                    */
	ENCGROUP_BYTES = PACKET_BYTES - 64,
};

/** A payload of this tick. */
struct encout {
	uint32_t before_ts; /* see struct cut_piece                         */
	uint16_t len;	    /* 0: nothing to send (DTX)                     */
	uint8_t data[ENCGROUP_BYTES];
};

/** What a group at work needs. */
struct encroom {
	struct encout outv[CUT_PIECES];
	float fifo[CUT_FIFO_SMP];
};

struct encgroup {
	struct le le;		  /* signalling: in mix->groupl            */
	_Atomic uint32_t members; /* signalling writes, worker reads       */
	struct codec c;		  /* RO; its state: worker, see room       */
	struct encroom *room;	  /* owned; it and the encoder are there
				     before members is ENCGROUP_MIN        */

	/* worker */
	uint64_t tick_us; /* the tick of outv                      */
	bool alone;	  /* the next packet stands alone          */
	uint32_t loss_percent;	 /* worst that a member reports          */
	uint64_t loss_until_us;	 /* ... and how long that counts         */
	struct cut cut;
	size_t outc; /* of room->outv */
};

/**
 * Find or make the group of a codec's settings.
 *
 * @param gp      Set on success to a reference that the caller owns; it is
 *                given back by encgroup_leave().
 * @param groupl  Groups of a mix (struct encgroup); one that is freed takes
 *                itself out, so clear the list before it goes.
 * @param c       Codec; settings are read.
 *
 * @return 0, or ENOMEM.  Signalling thread.
 */
int encgroup_join(struct encgroup **gp, struct list *groupl,
		  const struct codec *c);

/** Give a reference back; NULL is allowed.  Signalling thread. */
void encgroup_leave(struct encgroup *g);

/** Whether enough legs could share it for a leg to begin. */
bool encgroup_worth(const struct encgroup *g);

/** Whether it has run in the tick before this one, or in this one. */
bool encgroup_fresh(const struct encgroup *g, const struct tick *t);

/**
 * A leg comes, before the group runs in this tick.
 *
 * @param own    The leg's encoder: a group that rests goes on as this one;
 *               NULL: it has sent nothing yet.
 * @param cut    Its cutter, and
 * @param fifo   the memory of that.
 */
void encgroup_enter(struct encgroup *g, const struct codec *own,
		    const struct cut *cut, const float *fifo,
		    const struct tick *t);

/**
 * A leg goes, before the group runs in this tick: its own encoder goes on as
 * the group's.
 */
void encgroup_part(const struct encgroup *g, struct codec *own, struct cut *cut,
		   float *fifo, const struct tick *t);

/**
 * A member's peer reports loss: the shared encoder is ready for the worst of
 * late.  Its bitrate stays: one congested listener shall not spoil it for all.
 *
 * @param loss_percent  0: none.
 */
void encgroup_adapt(struct encgroup *g, uint32_t loss_percent, uint64_t now_us);

/** Encode the common frame, once a tick; outv holds what came of it. */
void encgroup_run(struct encgroup *g, const float *frame, const struct tick *t);

#endif

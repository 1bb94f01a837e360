/* SPDX-License-Identifier: MIT */
/*
 * Who is speaking in a mix: the one whom a picture should show, or a
 * transcript name.
 *
 * Each tick of a mix: talk_feed() for each that gives a frame, then
 * talk_decide().  The speaker stays until another one has been 3 dB louder
 * (over some 300 ms) in 400 ms of its speech, or until it has been silent for
 * 300 ms while another one talks.  A cough or a "yes" of a listener changes
 * nothing; and a change comes at most once a second.
 *
 * No I/O; worker.  talk_forget() before a talker goes.
 */

#ifndef SY_NODE_MEDIA_TALK_H
#define SY_NODE_MEDIA_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "node/media/vad.h"

struct talk_party {
	struct vad vad;
	float loud; /* power of its talk, smoothed               */
};

struct talk {
	struct talk_party *speaker; /* NULL: nobody has spoken yet */
	struct talk_party *best; /* loudest other talker of this tick         */
	struct talk_party
	    *rival; /* was the best for `ticks`, its speech only */
	uint16_t ticks;
	uint16_t silent; /* ticks since the speaker talked            */
	uint16_t stay;	 /* ticks before the next change              */
};

/** Nobody talks. */
void talk_init(struct talk *t);
void talk_party_init(struct talk_party *r);

/** The frame of a talker; power 0: silence. */
enum vad_change talk_feed(struct talk *t, struct talk_party *r, float power);

/** After the last of a tick. @return a new speaker, or NULL: as before. */
struct talk_party *talk_decide(struct talk *t);

/** A talker leaves. */
void talk_forget(struct talk *t, const struct talk_party *r);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Voices of a hub: what is done to them, and who talks.
 *
 * A mix is watched while three or more hear each other; with two, who talks
 * is no news.  What the engine tells then becomes events of the history, at
 * most ten a second and hub, and the member `talking` of a leg.
 */

#ifndef SY_NODE_TALK_H
#define SY_NODE_TALK_H

#include "node/node.h"

/** Legs came, went or changed: watch the mix, or no longer. */
void talk_update(struct hub *hub);

/** The engine tells of a leg: MEDIA_EV_TALK_START, _STOP, MEDIA_EV_SPEAKER. */
void talk_event(struct node *n, struct leg *leg,
		const struct media_event *ev);

/**
 * Bring info.voice to the engine; for struct leg_ops' voice.
 *
 * @param media  NULL: there is none any more.
 *
 * @return 0, EPROTO, EINVAL (bounds, unknown denoiser), ENOTSUP (a denoiser
 *         that this build lacks), EAGAIN, ENOMEM.
 */
int talk_voice_apply(struct media_leg *media, const struct leg_voice *voice);

/** What the settings want for a new leg. @return true if anything. */
bool talk_voice_default(struct leg_voice *voice, const Sy__Settings *set);

#endif

/* SPDX-License-Identifier: MIT */
/* Music on hold: see music.h. */

#include "node/leg_player.h"
#include "node/music.h"
#include "proto/log.h"

/* A soft third that comes and goes: it says "you are still there", and needs
 * no file. */
static const struct media_tone chord = {
	.hz = {330, 415},
	.level_db = -32,
	.on_ms = 1600,
	.off_ms = 2400,
};

/* All others have put it on hold, or nobody has come yet.  While two can talk
 * nobody has music: they would hear it, too. */
static bool is_wanted(const struct hub *hub)
{
	unsigned parties = 0, held = 0;

	for (const struct le *le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;

		if (!leg->ops->party)
			return false; /* there is something to hear */
		if (!leg_is(leg, SY__LEG_STATE__LEG_ANSWERED))
			continue;
		parties++;
		held += leg->info.held;
	}

	return (parties >= 2 && held == parties - 1) ||
	       (parties == 1 && !held && hub_is_park(hub));
}

static int start(struct media_leg **mp, struct node *n, struct hub *hub)
{
	const Sy__Settings *set = node_settings(n);
	const Sy__Destination *what = set ? set->music_on_hold : NULL;
	struct media_tone tone = chord;
	struct mix *mix;
	int err = node_mix(&mix, n, hub);

	if (err)
		return err;

	if (what && what->kind_case == SY__DESTINATION__KIND_FILE) {
		err = leg_player_file(mp, n, mix, what->file, 0);
		if (!err)
			return 0;
		log_warn("music on hold cannot be played",
			 LOG_S("file", what->file), LOG_E(err));
	}
	else if (what && what->kind_case == SY__DESTINATION__KIND_TONE) {
		tone = (struct media_tone){
			.hz = {what->tone->hz},
			.level_db = what->tone->level_db != 0.0f ?
					    what->tone->level_db : -32.0f,
		};
		if (tone.hz[0] <= 0)
			return 0; /* silence is wanted */
	}

	return media_leg_tone_alloc(mp, mix, &tone, NULL, NULL);
}

void music_update(struct node *n, struct hub *hub)
{
	struct media_leg *media = NULL;
	int err;

	if (hub_is_over(hub) || !is_wanted(hub)) {
		music_stop(hub);
		return;
	}
	if (hub->music)
		return;

	err = start(&media, n, hub);
	if (err)
		log_warn("no music on hold", LOG_S("call", hub->id),
			 LOG_E(err));
	hub->music = media;
}

void music_stop(struct hub *hub)
{
	hub->music = mem_deref(hub->music);
}

/* SPDX-License-Identifier: MIT */
/* Voices of a hub: see talk.h. */

#include <string.h>
#include "node/history.h"
#include "node/talk.h"

enum {
	PARTIES_MIN = 3,
	EVENTS_MAX = 10,    /* a hub ...      */
	EVENTS_MS = 1000,   /* ... in so long */
};

static uint32_t talking_parties(const struct hub *hub)
{
	const struct le *le;
	uint32_t n = 0;

	for (le = list_head(&hub->legs); le; le = le->next) {
		const struct leg *leg = le->data;

		n += leg->ops->party && leg_talks(leg);
	}

	return n;
}

void talk_update(struct hub *hub)
{
	const bool on = talking_parties(hub) >= PARTIES_MIN;
	struct le *le;

	if (on == hub->watched || !hub->mix || mix_watch(hub->mix, on))
		return;

	hub->watched = on;
	for (le = list_head(&hub->legs); le && !on; le = le->next) {
		struct leg *leg = le->data;

		leg->info.talking = false;
	}
}

static bool may_tell(struct hub *hub)
{
	const uint64_t now_ms = hub->env->wall_ms();

	if (now_ms - hub->talk_ms >= EVENTS_MS) {
		hub->talk_ms = now_ms;
		hub->talk_told = 0;
	}

	return hub->talk_told++ < EVENTS_MAX;
}

void talk_event(struct node *n, struct leg *leg,
		const struct media_event *ev)
{
	Sy__EventType type = SY__EVENT_TYPE__SPEAKER_CHANGED;
	struct hub *hub = leg->hub;

	if (!hub->watched || hub_is_over(hub) || !leg_talks(leg))
		return;

	if (ev->type != MEDIA_EV_SPEAKER) {
		leg->info.talking = ev->type == MEDIA_EV_TALK_START;
		type = leg->info.talking ? SY__EVENT_TYPE__TALK_STARTED :
					   SY__EVENT_TYPE__TALK_STOPPED;
	}

	if (may_tell(hub))
		history_talk(n, hub, leg, type);
}

int talk_voice_apply(struct media_leg *media, const struct leg_voice *voice)
{
	struct media_voice mv = {
		.gain_in_db = voice->gain_in_db,
		.gain_out_db = voice->gain_out_db,
		.agc = voice->agc,
		.comfort_noise_db = voice->comfort_noise_db,
	};

	if (!media)
		return EPROTO;
	if (voice->denoise[0] &&
	    media_denoise_find(&mv.denoise, voice->denoise))
		return EINVAL;

	return media_leg_voice_set(media, &mv);
}

bool talk_voice_default(struct leg_voice *voice, const Sy__Settings *set)
{
	if (!set)
		return false;

	voice->agc = set->agc;
	voice->comfort_noise_db = set->comfort_noise_db;
	if (strcmp(set->denoise, "off"))
		str_ncpy(voice->denoise, set->denoise,
			 sizeof(voice->denoise));

	return voice->agc || voice->denoise[0] || voice->comfort_noise_db < 0;
}

/* SPDX-License-Identifier: MIT */
#include <re.h>

#include "node/media/engine.h"
#include "node/media/gain.h"
#include "node/media/meter.h"

#define VU_STEP 0.065f	  /* 300 ms                                */
#define PEAK_FALL 0.9727f /* 0.24 dB a frame: 12 dB/s             */
#define REST 1e-8f	  /* -80 dBFS                              */

static void tell(struct leg *leg, enum media_event_type type,
		 const struct tick *t)
{
	const struct media_event ev = {.type = type};

	leg_event(leg, t->w, &ev);
}

static void vu(_Atomic float *meter, float power)
{
	float now = stat_get(*meter);

	stat_set(*meter, now + VU_STEP * (power - now));
}

static void levels(struct leg *leg, float power)
{
	float peak = leg->frame ? gain_peak(leg->frame, MEDIA_FRAME_SMP) : 0;
	float held = stat_get(leg->stat.peak_in) * PEAK_FALL;

	stat_set(leg->stat.peak_in, peak > held ? peak : held);
	vu(&leg->stat.vu_in, power);
	vu(&leg->stat.vu_out, stat_get(leg->stat.power_out));
}

bool meter_run(struct mixbus *bus, struct leg *const *legv, size_t n,
	       const struct tick *t)
{
	struct talk_party *speaker;
	bool busy = false;
	size_t i;

	for (i = 0; i < n; i++) {
		struct leg *leg = legv[i];
		float power = leg->frame ? stat_get(leg->stat.power_in) : 0;
		enum vad_change change;

		/* Who talks there is told there. */
		if (leg->link)
			continue;

		change = talk_feed(&bus->talk, &leg->talker, power);
		levels(leg, power);
		busy = busy || leg->talker.vad.talking ||
		       stat_get(leg->stat.vu_in) > REST;
		if (change == VAD_SAME)
			continue;

		stat_set(leg->stat.talking, change == VAD_START);
		tell(leg,
		     change == VAD_START ? MEDIA_EV_TALK_START
					 : MEDIA_EV_TALK_STOP,
		     t);
	}

	speaker = talk_decide(&bus->talk);
	for (i = 0; i < n && speaker; i++) {
		if (&legv[i]->talker == speaker)
			tell(legv[i], MEDIA_EV_SPEAKER, t);
	}

	return busy;
}

void meter_set(struct mixbus *bus, bool on)
{
	struct le *le;

	if (bus->watched == on)
		return;

	bus->watched = on;
	talk_init(&bus->talk);
	LIST_FOREACH(&bus->legl, le)
	{
		struct leg *leg = le->data;

		talk_party_init(&leg->talker);
		stat_set(leg->stat.talking, false);
		stat_set(leg->stat.vu_in, 0);
		stat_set(leg->stat.vu_out, 0);
		stat_set(leg->stat.peak_in, 0);
	}
}

void meter_leave(struct mixbus *bus, struct leg *leg)
{
	if (bus->watched)
		talk_forget(&bus->talk, &leg->talker);
}

int mix_watch(struct mix *mix, bool on)
{
	struct cmd cmd = {.type = CMD_MIX_WATCH, .a = on};

	if (!mix)
		return EINVAL;

	cmd.obj = mix->bus;

	return media_cmd(mix->m, mix->w, &cmd);
}

/* SPDX-License-Identifier: MIT */
#include "node/media/vad.h"

enum { HISTORY = 0xf, ACTIVE_MIN = 3 };

#define FLOOR_MIN 3.2e-8f /* -75 dBFS                     */
#define POWER_MIN 3.2e-6f /* -55 dBFS                     */
#define ABOVE_FLOOR 8.0f  /* 9 dB                         */
#define POWER_MAX 4.0f	  /* not known yet                */

void vad_init(struct vad *v)
{
	*v = (struct vad){
	    .floor = POWER_MAX,
	    .min_now = POWER_MAX,
	    .min_last = POWER_MAX,
	};
}

static void floor_step(struct vad *v, float power)
{
	float min;

	if (power < v->min_now)
		v->min_now = power;

	/* Down at once, up only by a window that knows nothing less. */
	min = v->min_now < v->min_last ? v->min_now : v->min_last;
	if (min < v->floor)
		v->floor = min > FLOOR_MIN ? min : FLOOR_MIN;

	if (++v->ticks < VAD_WINDOW_TICKS)
		return;

	v->floor = min > FLOOR_MIN ? min : FLOOR_MIN;
	v->min_last = v->min_now;
	v->min_now = POWER_MAX;
	v->ticks = 0;
}

enum vad_change vad_step(struct vad *v, float power)
{
	floor_step(v, power);

	v->active = power > POWER_MIN && power > v->floor * ABOVE_FLOOR;
	v->history = (uint8_t)(v->history << 1 | v->active) & HISTORY;

	if (v->talking) {

		if (v->active)
			v->hang = VAD_HANG_TICKS;
		else if (!--v->hang)
			v->talking = false;

		return v->talking ? VAD_SAME : VAD_STOP;
	}

	if (__builtin_popcount(v->history) < ACTIVE_MIN)
		return VAD_SAME;

	v->talking = true;
	v->hang = VAD_HANG_TICKS;

	return VAD_START;
}

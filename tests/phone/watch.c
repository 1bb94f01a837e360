/* SPDX-License-Identifier: MIT */
/* Listening to a stream; see watch.h.  Called on the tick. */

#include <string.h>
#include "tests/phone/watch.h"

struct watch {
	struct le le;
	watch_h *h;
	void *arg;
	unsigned hzv[WATCH_FREQS_MAX];
	size_t hzc;
	struct watch_param prm; /* hzv points to our own copy */
	struct watch_result res;
	uint64_t start_ms;
	int16_t *pcm;	  /* the window              */
	unsigned rate_hz; /* of the window           */
	size_t have, need; /* samples in it, of it   */
};

static void destructor(void *arg)
{
	struct watch *w = arg;

	list_unlink(&w->le);
	mem_deref(w->pcm);
}

int watch_start(struct stream *s, const struct watch_param *prm, watch_h *h,
		void *arg)
{
	struct watch *w;

	if (!s || !prm || !h || prm->hzc > WATCH_FREQS_MAX || !prm->window_ms)
		return EINVAL;

	w = mem_zalloc(sizeof(*w), destructor);
	if (!w)
		return ENOMEM;

	w->h = h;
	w->arg = arg;
	w->prm = *prm;
	w->hzc = prm->hzc;
	memcpy(w->hzv, prm->hzv, prm->hzc * sizeof(w->hzv[0]));
	memcpy(w->res.hzv, w->hzv, prm->hzc * sizeof(w->hzv[0]));
	w->prm.hzv = w->hzv;
	w->start_ms = tmr_jiffies();
	list_append(stream_watches(s), &w->le, w);

	return 0;
}

void watch_cancel(struct stream *s, const void *arg)
{
	struct le *le = list_head(stream_watches(s));

	while (le) {
		struct watch *w = le->data;

		le = le->next;
		if (w->arg == arg)
			mem_deref(w);
	}
}

static void finish(struct watch *w, bool ok)
{
	w->res.ok = ok;
	w->res.took_ms = tmr_jiffies() - w->start_ms;
	list_unlink(&w->le); /* the handler may end the stream */
	w->h(&w->res, w->arg);
	mem_deref(w);
}

static void measure(struct watch *w)
{
	w->res.n = w->hzc;
	for (size_t i = 0; i < w->hzc; i++)
		w->res.dbv[i] = tone_level_db(w->pcm, w->need, w->rate_hz,
					      w->hzv[i]);
	w->res.rms_db = tone_rms_db(w->pcm, w->need);
}

static void window_full(struct watch *w)
{
	bool there;

	measure(w);
	w->have = 0;
	if (!w->prm.until) {
		finish(w, true);
		return;
	}

	there = w->res.dbv[0] >= w->prm.threshold_db;
	if (there == w->prm.present)
		finish(w, true);
}

/* A window never spans two sample rates: after a change it begins anew. */
static int window_prepare(struct watch *w, unsigned rate_hz)
{
	if (w->rate_hz == rate_hz)
		return 0;

	w->rate_hz = rate_hz;
	w->have = 0;
	w->need = (size_t)rate_hz * w->prm.window_ms / 1000;
	mem_deref(w->pcm);
	w->pcm = mem_alloc(w->need * sizeof(*w->pcm), NULL);

	return w->pcm ? 0 : ENOMEM;
}

static void feed(struct watch *w, const int16_t *pcm, size_t n,
		 unsigned rate_hz)
{
	size_t take;

	if (window_prepare(w, rate_hz)) {
		finish(w, false);
		return;
	}

	take = MIN(n, w->need - w->have);
	memcpy(w->pcm + w->have, pcm, take * sizeof(*pcm));
	w->have += take;
	if (w->have == w->need)
		window_full(w);
}

void watch_feed(struct list *watchl, const int16_t *pcm, size_t n,
		unsigned rate_hz)
{
	struct le *le = list_head(watchl);

	while (le) {
		struct watch *w = le->data;

		le = le->next;
		feed(w, pcm, n, rate_hz);
	}
}

void watch_tick(struct list *watchl, uint64_t now_ms)
{
	struct le *le = list_head(watchl);

	while (le) {
		struct watch *w = le->data;

		le = le->next;
		if (w->prm.until && now_ms >= w->start_ms + w->prm.within_ms)
			finish(w, false);
	}
}

void watch_flush(struct list *watchl)
{
	struct watch *w;

	while ((w = list_ledata(list_head(watchl))))
		finish(w, false);
}

/* SPDX-License-Identifier: MIT */
/* Parts of the engine alone, without sockets; see media_bench.h. */

#include <string.h>

#include "node/media/jitter.h"
#include "node/media/packet.h"
#include "tests/bench/media_bench.h"

enum {
	FRAMES = 20000,
	HELD = 4, /* packets that wait in the floor's queue */
	PCM_SMP = 160,
};

/* One packet as the socket would give it, with some jitter of its arrival. */
static struct packet *arrive(struct pool *pool, uint32_t n)
{
	struct packet *pkt = pool_get(pool);
	uint32_t rnd = n * 2654435761u;

	pkt->seq = (uint16_t)n;
	pkt->ts = n * PCM_SMP;
	pkt->ssrc = 1;
	pkt->dur_ts = PCM_SMP;
	pkt->pt = 0;
	pkt->arrival_us = 1000000 + n * 20000ull + (rnd >> 20);

	return pkt;
}

static double jitter_value(struct pool *pool)
{
	static struct jitter j;
	struct jitter_item it;
	struct packet *pkt;
	double begin;
	uint32_t n;

	jitter_init(&j, pool, NULL);
	begin = thread_cpu_us();

	for (n = 0; n < FRAMES; n++) {

		uint64_t now_us = 1005000 + n * 20000ull;

		pkt = arrive(pool, n);
		if (jitter_put(&j, pkt, 8000) > JITTER_RESYNC)
			pool_put(pool, pkt);

		if (jitter_get(&j, &it, now_us, 0) == JITTER_PLAY)
			pool_put(pool, it.pkt);
		(void)jitter_want_us(&j);
	}

	begin = thread_cpu_us() - begin;
	jitter_flush(&j);

	return begin / FRAMES;
}

/* The same packets through a plain queue. */
static double jitter_floor(struct pool *pool)
{
	struct packet *volatile queue[HELD] = {NULL};
	double begin = thread_cpu_us();
	uint32_t n;

	for (n = 0; n < FRAMES; n++) {
		pool_put(pool, queue[n % HELD]);
		queue[n % HELD] = arrive(pool, n);
	}

	begin = thread_cpu_us() - begin;
	for (n = 0; n < HELD; n++)
		pool_put(pool, queue[n]);

	return begin / FRAMES;
}

static bool jitter_measure(double *value_us, double *floor_us)
{
	struct pool_chunk *chunk = pool_chunk_alloc(JITTER_SLOTS * 2);
	struct pool pool;

	if (!chunk)
		die("memory", ENOMEM);

	memset(&pool, 0, sizeof(pool));
	pool_add(&pool, chunk);
	*value_us = jitter_value(&pool);
	*floor_us = jitter_floor(&pool);
	mem_deref(chunk);

	return true;
}

const struct loop loopv[] = {
    {"jitter", jitter_measure},
    {"plc.good.8k", dsp_good_8k},
    {"plc.good.16k", dsp_good_16k},
    {"plc.loss.8k", dsp_loss_8k},
    {"plc.loss.16k", dsp_loss_16k},
    {"stretch.8k", dsp_stretch_8k},
    {"cng.8k", dsp_cng_8k},
    {"denoise.speex.8k", voice_speex_8k},
    {"denoise.speex.16k", voice_speex_16k},
    {"denoise.speex", voice_speex},
    {"denoise.rnnoise", voice_rnnoise},
    {"agc", voice_agc},
    {"limit", voice_limit},
    {"talk", voice_talk},
};
const size_t loopc = sizeof(loopv) / sizeof(loopv[0]);

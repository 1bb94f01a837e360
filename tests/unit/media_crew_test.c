/* libs: sy_media */
/* SPDX-License-Identifier: MIT */
/*
 * Workers that help each other: every job once, everything given back, and a
 * mix that several worked on is bit by bit the mix of one.
 */

#include "media_test.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "node/media/encgroup.h"
#include "node/media/mix.h"
#include "node/media/rtp.h"
#include "node/media/rtp_leg.h"
#include "node/media/worker.h"

enum {
	WORKERS = 4, /* two own mixes, two only help */
	OWNERS = 2,
	JOBS = 300,
	ROUNDS = 150,
	LEGS = 40,
	TALKERS = 6,
	TICKS = 30,
	START_US = 1000000000,
};

static struct crew *crew;
static struct worker *workerv[WORKERS];
static pthread_t threadv[WORKERS];
static atomic_bool stop;

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void *helper(void *arg)
{
	while (!atomic_load(&stop))
		crew_sleep(crew, arg, now_us() + 20000);

	return NULL;
}

static void helpers_start(unsigned from)
{
	unsigned i;

	atomic_store(&stop, false);
	for (i = from; i < WORKERS; i++)
		assert_int_equal(
		    pthread_create(&threadv[i], NULL, helper, workerv[i]), 0);
}

static void helpers_stop(unsigned from)
{
	unsigned i;

	atomic_store(&stop, true);
	for (i = from; i < WORKERS; i++)
		(void)pthread_join(threadv[i], NULL);
}

/* --- jobs, packets, events */

struct owner {
	struct worker *w;
	unsigned done[JOBS];
	struct packet *pkt[JOBS];
	size_t used;
};

static struct owner ownerv[OWNERS];

/* Lets go of a packet of the owner's, and has something to tell. */
static void job(struct worker *w, size_t i, void *arg)
{
	struct owner *o = arg;
	const struct note note = {.type = NOTE_EVENT, .obj = o};
	volatile unsigned k;

	for (k = 0; k < 2000; k++)
		;

	++o->done[i];
	pool_put(&w->pool, o->pkt[i]);
	o->pkt[i] = NULL;

	if (i % 50)
		return;

	if (w->helps)
		crew_note(crew, w, &note);
	else
		worker_note(w, &note);
}

static unsigned notes(struct worker *w)
{
	struct note note;
	unsigned n = 0;

	while (ring_get(w->notes, &note)) {
		assert_ptr_equal(note.obj, &ownerv[w->index]);
		++n;
	}

	return n;
}

static void *owner_run(void *arg)
{
	struct owner *o = arg;
	unsigned n, i, told = 0;

	o->used = o->w->pool.used;
	for (n = 0; n < ROUNDS; n++) {
		for (i = 0; i < JOBS; i++)
			o->pkt[i] = pool_get(&o->w->pool);

		crew_run(crew, o->w, job, o, JOBS, 1 + n % 5);

		/* seen at once, by the owner alone */
		for (i = 0; i < JOBS; i++) {
			if (o->done[i] != n + 1 || o->pkt[i])
				return "a job was not done once";
		}
		if (o->w->pool.used != o->used)
			return "packets are missing";

		told += notes(o->w);
		if (told != (n + 1) * (JOBS / 50))
			return "events are missing";
	}

	return NULL;
}

static void test_jobs(void **state)
{
	uint64_t helped = 0;
	void *err;
	unsigned i;

	(void)state;

	helpers_start(OWNERS);
	for (i = 0; i < OWNERS; i++) {
		ownerv[i].w = workerv[i];
		assert_int_equal(
		    pthread_create(&threadv[i], NULL, owner_run, &ownerv[i]),
		    0);
	}

	for (i = 0; i < OWNERS; i++) {
		(void)pthread_join(threadv[i], &err);
		if (err)
			fail_msg("%s", (const char *)err);
	}

	helpers_stop(OWNERS);
	for (i = OWNERS; i < WORKERS; i++) {
		helped += stat_get(workerv[i]->helped);
		assert_int_equal(workerv[i]->pool.used, WORKER_RX);
		assert_int_equal(workerv[i]->helps, 0);
	}
	assert_true(helped > 0);
}

/* Nobody there, one job, no job. */
static void count(struct worker *w, size_t i, void *arg)
{
	(void)w;
	*(size_t *)arg += i + 1;
}

static void test_alone(void **state)
{
	size_t n = 0;
	uint64_t begin;

	(void)state;

	crew_run(NULL, workerv[0], count, &n, 4, 1);
	assert_int_equal(n, 10);
	crew_run(crew, workerv[0], count, &n, 1, 1);
	assert_int_equal(n, 11);
	crew_run(crew, workerv[0], count, &n, 0, 1);
	assert_int_equal(n, 11);
	crew_run(crew, workerv[0], count, &n, 4, 1);
	assert_int_equal(n, 21);
	assert_false(crew_any(NULL));

	begin = now_us();
	crew_sleep(NULL, workerv[0], begin + 2000);
	assert_true(now_us() >= begin + 2000);
	crew_sleep(crew, workerv[0], begin);
	crew_sleep(crew, workerv[0], begin + 4000);
	assert_true(now_us() >= begin + 4000);
}

/* --- a mix */

struct party {
	struct rtp_leg r;
	double hz;
	uint32_t hash, packets;
};

static struct party partyv[LEGS];
static struct mixbus bus;
static size_t pos;

static const float *get(struct leg *leg, float *buf, const struct tick *t)
{
	const struct party *p = (struct party *)leg;

	(void)t;

	if (p->hz <= 0)
		return NULL;

	tone_make(buf, MEDIA_FRAME_SMP, pos, p->hz, 48000, 0.1);

	return buf;
}

static const struct leg_ops ops = {.name = "party",
				   .get = get,
				   .put = rtp_tx_put,
				   .plan = rtp_tx_plan,
				   .share = rtp_tx_share};

static void set_destructor(void *arg)
{
	struct rtp_set *set = arg;

	encgroup_leave(set->group);
	codec_close(&set->tx);
}

static void party_add(struct party *p, struct list *groupl,
		      const struct media_codec *c, const struct sa *dst)
{
	struct rtp_set *set = mem_zalloc(sizeof(*set), set_destructor);

	memset(p, 0, sizeof(*p));
	p->r.leg.ops = &ops;
	p->r.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	p->r.tx.virgin = true;
	p->r.tx.ssrc = (uint32_t)(p - partyv);
	p->r.set = set;
	set->prm.tx = *c;
	set->prm.send = true;
	set->prm.event_pt_tx = -1;
	set->prm.raddr = *dst;
	assert_int_equal(codec_init(&set->tx, c), 0);
	assert_int_equal(codec_enc_alloc(&set->tx), 0);
	assert_int_equal(encgroup_join(&set->group, groupl, &set->tx), 0);
	rtp_tx_set(&p->r, NULL);
	list_append(&bus.legl, &p->r.leg.le, &p->r.leg);
	++bus.legc;
}

static void hear(int fd)
{
	struct packet pkt;
	ssize_t len;
	size_t i;

	while ((len = recv(fd, pkt.data, sizeof(pkt.data), 0)) > 0) {
		struct party *p;

		pkt.len = (uint16_t)len;
		assert_int_equal(rtp_parse(&pkt), 0);
		assert_true(pkt.ssrc < LEGS);
		p = &partyv[pkt.ssrc];
		++p->packets;
		for (i = 0; i < pkt.len; i++)
			p->hash = (p->hash ^ pkt.data[i]) * 16777619;
	}
}

static void mix_ticks(bool crewed, struct worker *w, int fd)
{
	unsigned n;

	for (n = 0; n < TICKS; n++) {
		const struct tick t = {
		    .w = w, .steps = 1, .now_us = START_US + n * 20000};

		/* talk and silence come and go */
		partyv[n % LEGS].hz = n % 3 ? 200 + 20 * n : 0;

		bus.crewed = crewed;
		(void)mixbus_run(&bus, &t);
		worker_flush(w);
		pos += MEDIA_FRAME_SMP;
		hear(fd);
	}
}

static void mix_life(bool crewed, size_t talkers, uint32_t hashv[LEGS])
{
	static const struct media_codec codecv[] = {
	    {.id = MEDIA_PCMU, .clock_hz = 8000},
	    {.id = MEDIA_OPUS,
	     .pt = 96,
	     .clock_hz = 48000,
	     .bitrate_bps = 32000,
	     .complexity = 0},
	    {.id = MEDIA_G722, .pt = 9, .clock_hz = 8000, .ptime_ms = 40},
	};
	const int size = 1 << 20;
	struct list groupl = LIST_INIT;
	struct worker *w = workerv[0];
	struct sa dst;
	size_t i;
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	(void)sa_set_str(&dst, "127.0.0.1", 0);
	assert_int_equal(bind(fd, &dst.u.sa, dst.len), 0);
	assert_int_equal(getsockname(fd, &dst.u.sa, &dst.len), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));

	memset(&bus, 0, sizeof(bus));
	pos = 0;
	for (i = 0; i < LEGS; i++) {
		party_add(&partyv[i], &groupl, &codecv[i % ARRAY_SIZE(codecv)],
			  &dst);
		partyv[i].hz = i < talkers ? 300 + 100 * (double)i : 0;
	}

	w->crew = crewed ? crew : NULL;
	mix_ticks(crewed, w, fd);

	for (i = 0; i < LEGS; i++) {
		hashv[i] = partyv[i].hash;
		assert_int_equal(partyv[i].packets,
				 i % 3 == 2 ? TICKS / 2 : TICKS);
		mem_deref(partyv[i].r.set);
		(void)close(partyv[i].r.fd);
	}
	(void)close(fd);
	assert_true(list_isempty(&groupl));
	assert_int_equal(w->pool.used, WORKER_RX);
}

static uint64_t encodes_of_helpers(void)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 1; i < WORKERS; i++)
		n += stat_get(workerv[i]->encodes);

	return n;
}

static void compare(size_t talkers)
{
	static uint32_t alone[LEGS], crewed[LEGS];
	uint64_t before;

	mix_life(false, talkers, alone);
	before = encodes_of_helpers();

	helpers_start(1);
	mix_life(true, talkers, crewed);
	helpers_stop(1);

	assert_memory_equal(alone, crewed, sizeof(alone));
	/* each encode is a job of its own: some went to the others */
	assert_true(encodes_of_helpers() > before);
}

static void test_mix(void **state)
{
	(void)state;
	compare(TALKERS);
}

/* Nobody shares an encoder. */
static void test_talkers(void **state)
{
	(void)state;
	compare(LEGS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_jobs),
	    cmocka_unit_test(test_alone),
	    cmocka_unit_test(test_mix),
	    cmocka_unit_test(test_talkers),
	};
	unsigned i;
	int err;

	resample_tables();
	err = crew_alloc(&crew, WORKERS);
	for (i = 0; !err && i < WORKERS; i++) {
		struct pool_chunk *chunk = pool_chunk_alloc(JOBS);

		err = worker_alloc(&workerv[i], i, WORKERS, -1, 0);
		if (err || !chunk)
			return 1;

		pool_add(&workerv[i]->pool, chunk);
		workerv[i]->crew = crew;
	}

	workerv[0]->frames = frames_alloc(LEGS);
	err =
	    workerv[0]->frames ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
	for (i = 0; i < WORKERS; i++)
		mem_deref(workerv[i]);
	mem_deref(crew);

	return err;
}

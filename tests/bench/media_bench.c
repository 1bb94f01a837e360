/* SPDX-License-Identifier: MIT */
/*
 * What the media engine costs: CPU time of its workers for a leg and 20 ms
 * frame, through real sockets on 127.0.0.1.  The peers live in another
 * process, which is not counted.
 *
 * Value and floor are measured in turn, several times; the medians are
 * printed, one JSON object a line, with the floor of the same run beside and
 * the ratio of both.  What makes a figure doubtful is printed with it: late
 * ticks of the engine, late rounds of the peers, packets that got lost.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "node/media/resample.h"
#include "tests/bench/media_bench.h"

/* Over these a figure is said to be starved. */
#define LATE_MAX 0.02
#define LOST_MAX 0.001

enum { OPUS_BPS = 32000 };

static struct {
	const char *only;
	unsigned seconds;
	size_t legs;
	unsigned workers;
} opt = {.seconds = 3, .legs = 100, .workers = 1};

#define G711(pcm, n)                                                           \
	{                                                                      \
		.id = (pcm), .pt = (n), .clock_hz = 8000                       \
	}
#define G722                                                                   \
	{                                                                      \
		.id = MEDIA_G722, .pt = 9, .clock_hz = 8000                    \
	}
#define OPUS(c)                                                                \
	{                                                                      \
		.id = MEDIA_OPUS, .pt = 96, .clock_hz = 48000,                 \
		.bitrate_bps = OPUS_BPS, .complexity = (c)                     \
	}

/* clang-format off */
#define LEG .hub_min = 2, .hub_max = 10 /* as many as --legs says */
#define SHA1 .suite = MEDIA_SRTP_AES_CM_128_HMAC_SHA1_80
#define GCM .suite = MEDIA_SRTP_AEAD_AES_128_GCM
#define LISTENER .legs = 1000, .hub_min = 1000, .hub_max = 1000, .talkers = 3
#define HUB(n) .legs = (n) < 100 ? 100 : (n), .hub_min = (n), .hub_max = (n)

static const struct load loadv[] = {
	{.name = "leg.pcmu", .codec = G711(MEDIA_PCMU, 0), LEG},
	{.name = "leg.pcma", .codec = G711(MEDIA_PCMA, 8), LEG},
	{.name = "leg.g722", .codec = G722, LEG},
	{.name = "leg.opus5", .codec = OPUS(5), LEG},
	/* 100 of opus9 are more than a core. */
	{.name = "leg.opus9", .codec = OPUS(9), LEG, .legs = 60},
	{.name = "leg.pcmu+srtp-sha1", .codec = G711(MEDIA_PCMU, 0), LEG, SHA1},
	{.name = "leg.pcmu+srtp-gcm", .codec = G711(MEDIA_PCMU, 0), LEG, GCM},
	{.name = "leg.pcma+srtp-sha1", .codec = G711(MEDIA_PCMA, 8), LEG, SHA1},
	{.name = "leg.pcma+srtp-gcm", .codec = G711(MEDIA_PCMA, 8), LEG, GCM},
	{.name = "leg.g722+srtp-sha1", .codec = G722, LEG, SHA1},
	{.name = "leg.g722+srtp-gcm", .codec = G722, LEG, GCM},
	{.name = "leg.opus5+srtp-sha1", .codec = OPUS(5), LEG, SHA1},
	{.name = "leg.opus5+srtp-gcm", .codec = OPUS(5), LEG, GCM},
	{.name = "leg.opus9+srtp-sha1", .codec = OPUS(9), LEG, .legs = 60, SHA1},
	{.name = "leg.opus9+srtp-gcm", .codec = OPUS(9), LEG, .legs = 60, GCM},
	{.name = "leg.opus5+webrtc", .codec = OPUS(5), LEG, GCM,
	 .webrtc = true},
	{.name = "listener.pcmu", .codec = G711(MEDIA_PCMU, 0), LISTENER},
	{.name = "listener.opus", .codec = OPUS(5), LISTENER},
	{.name = "listener.pcmu.open", .codec = G711(MEDIA_PCMU, 0), LISTENER,
	 .open_lines = true},
	{.name = "listener.opus.open", .codec = OPUS(5), LISTENER,
	 .open_lines = true},
	{.name = "hub.2", .codec = G711(MEDIA_PCMU, 0), HUB(2)},
	{.name = "hub.10", .codec = G711(MEDIA_PCMU, 0), HUB(10)},
	{.name = "hub.100", .codec = G711(MEDIA_PCMU, 0), HUB(100)},
	{.name = "hub.1000", .codec = G711(MEDIA_PCMU, 0), HUB(1000)},
	{.name = "idle.hub", .codec = G711(MEDIA_PCMU, 0), .legs = 2000,
	 .hub_min = 2, .hub_max = 2, .held = true},
};

/* What bench_media.py runs beside another server; only by name. */
#define ROOM(n) .legs = (n), .hub_min = (n), .hub_max = (n)

static const struct load roomv[] = {
	{.name = "room.pcmu.10", .codec = G711(MEDIA_PCMU, 0), ROOM(10)},
	{.name = "room.pcmu.50", .codec = G711(MEDIA_PCMU, 0), ROOM(50)},
	{.name = "room.pcmu.100", .codec = G711(MEDIA_PCMU, 0), ROOM(100)},
	{.name = "room.opus.10", .codec = OPUS(5), ROOM(10)},
	{.name = "room.opus.50", .codec = OPUS(5), ROOM(50)},
	{.name = "room.opus.100", .codec = OPUS(5), ROOM(100)},
	{.name = "room.pcmu.3of200", .codec = G711(MEDIA_PCMU, 0), ROOM(200),
	 .talkers = 3},
	{.name = "room.opus.3of100", .codec = OPUS(5), ROOM(100),
	 .talkers = 3},
};
/* clang-format on */
enum { ROOMS = sizeof(roomv) / sizeof(roomv[0]) };
enum { LOADS = sizeof(loadv) / sizeof(loadv[0]) };

/* What all rounds of a figure came to. */
struct sums {
	double late, peer_late; /* means of the shares */
	uint64_t sent, lost, echoed, lost_back, unplayed;
};

static void add(struct sums *s, const struct outcome *o)
{
	s->late += o->late / opt.seconds;
	s->peer_late += o->peer_late / opt.seconds;
	s->sent += o->sent;
	s->lost += o->lost;
	s->echoed += o->echoed;
	s->lost_back += o->lost_back;
	s->unplayed += o->unplayed;
}

static void print_doubts(const struct sums *s)
{
	if (s->late > 0)
		printf(",\"lateTicks\":%.3g", s->late);
	if (s->peer_late > 0)
		printf(",\"generatorLate\":%.3g", s->peer_late);
	if (s->lost)
		printf(",\"lost\":%llu,\"sent\":%llu",
		       (unsigned long long)s->lost,
		       (unsigned long long)s->sent);
	if (s->lost_back)
		printf(",\"lostBack\":%llu,\"received\":%llu",
		       (unsigned long long)s->lost_back,
		       (unsigned long long)s->echoed);

	if (s->unplayed)
		printf(",\"unplayed\":%llu",
		       (unsigned long long)s->unplayed);

	if (s->peer_late > LATE_MAX)
		printf(",\"starved\":\"generator\"");
	else if (s->late > LATE_MAX ||
		 (double)s->lost > LOST_MAX * (double)s->sent ||
		 (double)s->lost_back > LOST_MAX * (double)s->echoed)
		printf(",\"starved\":\"engine\"");
}

/* A tick without any hub: what the worker's clock takes. */
static double empty_tick_us(const struct load *load)
{
	struct load none = *load;
	struct outcome out;

	none.legs = 0;
	run_round(&none, NULL, 500, &out);

	return out.tick_us;
}

static void measure_load(const struct load *row)
{
	struct script *script = calloc(1, sizeof(*script));
	struct load load = *row;
	double v[ROUNDS_MAX], f[ROUNDS_MAX], units, value, least;
	struct sums sums = {0};
	unsigned i, n = opt.seconds;

	if (!script)
		die("memory", ENOMEM);

	if (!load.legs)
		load.legs = opt.legs;
	load.workers = opt.workers;
	units = (double)load.legs / (load.held ? load.hub_max : 1);
	script_make(script, &load.codec);

	for (i = 0; i < n; i++) {
		struct outcome out = {0};

		run_round(&load, script, 1000, &out);
		add(&sums, &out);
		v[i] = out.tick_us / units;
		f[i] = (load.held ? empty_tick_us(&load)
				  : floor_round(&load, script)) /
		       units;
	}

	value = median(v, n);
	least = median(f, n);
	printf("{\"bench\":\"media\",\"name\":\"%s\",\"value\":%.3f,"
	       "\"unit\":\"us\",\"floor\":%.3f,\"ratio\":%.2f,\"min\":%.3f,"
	       "\"max\":%.3f,\"rounds\":%u,\"legs\":%zu,\"corePercent\":%.2f",
	       load.name, value, least, value / least, v[0], v[n - 1], n,
	       load.legs, value * units / (MEDIA_TICK_MS * 10.0));
	print_doubts(&sums);
	printf("}\n");
	(void)fflush(stdout);
	free(script);
}

static void measure_loop(const struct loop *loop)
{
	double v[ROUNDS_MAX], f[ROUNDS_MAX], value, least;
	unsigned i, n = opt.seconds;

	for (i = 0; i < n; i++) {
		if (!loop->measure(&v[i], &f[i])) {
			fprintf(stderr, "media-bench: %s: not in this build\n",
				loop->name);
			return;
		}
	}

	value = median(v, n);
	least = median(f, n);
	printf("{\"bench\":\"media\",\"name\":\"%s\",\"value\":%.4f,"
	       "\"unit\":\"us\"",
	       loop->name, value);
	if (least > 0)
		printf(",\"floor\":%.4f,\"ratio\":%.2f", least, value / least);
	printf(",\"min\":%.4f,\"max\":%.4f,\"rounds\":%u}\n", v[0], v[n - 1],
	       n);
	(void)fflush(stdout);
}

/* A name, or the beginning of several with a dot behind. */
static bool wanted(const char *name)
{
	size_t len = opt.only ? strlen(opt.only) : 0;

	return !opt.only || !strcmp(name, opt.only) ||
	       (!strncmp(name, opt.only, len) && strchr(".+", name[len]));
}

static int unknown(void)
{
	size_t i;

	for (i = 0; i < LOADS; i++)
		if (wanted(loadv[i].name))
			return 0;
	for (i = 0; i < loopc; i++)
		if (wanted(loopv[i].name))
			return 0;
	for (i = 0; i < ROOMS; i++)
		if (wanted(roomv[i].name))
			return 0;

	fprintf(stderr, "media-bench: unknown name '%s' (allowed:", opt.only);
	for (i = 0; i < LOADS; i++)
		fprintf(stderr, " %s", loadv[i].name);
	for (i = 0; i < loopc; i++)
		fprintf(stderr, " %s", loopv[i].name);
	for (i = 0; i < ROOMS; i++)
		fprintf(stderr, " %s", roomv[i].name);
	fprintf(stderr, ")\n");

	return 2;
}

static bool number(const char *text, unsigned long least, unsigned long most,
		   unsigned long *value)
{
	char *end;

	*value = strtoul(text, &end, 10);

	return *text && !*end && *value >= least && *value <= most;
}

static int options(int argc, char *argv[])
{
	unsigned long v;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		const char *name = argv[i], *text = argv[i + 1];

		if (!strcmp(name, "--only"))
			opt.only = text;
		else if (!strcmp(name, "--seconds") &&
			 number(text, 1, ROUNDS_MAX, &v))
			opt.seconds = (unsigned)v;
		else if (!strcmp(name, "--legs") &&
			 number(text, 2, LEGS_MAX, &v))
			opt.legs = v;
		else if (!strcmp(name, "--workers") && number(text, 1, 64, &v))
			opt.workers = (unsigned)v;
		else
			break;
	}

	if (i != argc || (opt.only && !*opt.only)) {
		fprintf(stderr,
			"media-bench: %s %s: usage: [--only NAME] "
			"[--seconds 1..%d] [--legs 2..%d] "
			"[--workers 1..64]\n",
			argv[i], i + 1 < argc ? argv[i + 1] : "without value",
			ROUNDS_MAX, LEGS_MAX);
		return 2;
	}

	return opt.only ? unknown() : 0;
}

int main(int argc, char *argv[])
{
	struct rlimit lim;
	int i, err = options(argc, argv);

	if (err)
		return err;

	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}

	if (libre_init())
		return 1;

	(void)fd_setsize(2 * LEGS_MAX + 64);
	resample_tables();
	for (i = 0; i < LOADS; i++)
		if (wanted(loadv[i].name))
			measure_load(&loadv[i]);
	for (i = 0; i < (int)loopc; i++)
		if (wanted(loopv[i].name))
			measure_loop(&loopv[i]);
	for (i = 0; opt.only && i < ROOMS; i++)
		if (wanted(roomv[i].name))
			measure_load(&roomv[i]);
	libre_close();

	return 0;
}

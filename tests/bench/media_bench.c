/* SPDX-License-Identifier: MIT */
/*
 * What a leg of the media engine costs: CPU time of its workers for a leg
 * and 20 ms frame, 100 legs in hubs of 2 to 10, everybody talking, through
 * real sockets on 127.0.0.1.  The peers live in another process, which is
 * not counted.
 *
 * The floor is what cannot be saved: the system calls, the codec and, for
 * PCMU, resampling and mixing, in one tight loop, measured in the same run.
 *
 * Prints one JSON object a line.  Options: --seconds N (default 3),
 * --only NAME, --legs N (default 100).
 */

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <re.h>

#include "node/media/codec.h"
#include "node/media/media.h"
#include "node/media/mix.h"
#include "node/media/packet.h"
#include "node/media/resample.h"
#include "node/media/rtp.h"

enum {
	LEGS_MAX = 1000,
	HUB_MIN = 2,
	HUB_MAX = 10,
	SCRIPT = 100,   /* packets that a peer repeats: 2 s */
	WARM_MS = 1500,
	FLOOR_ROUNDS = 60,
	FLOOR_HUB = 6,  /* the mean hub */
};

static size_t legs = 100;

struct script {
	size_t lenv[SCRIPT];
	uint8_t datav[SCRIPT][1275];
};

struct bench {
	const char *name;
	struct media_codec codec;
	unsigned seconds;
	struct script script;
	int fdv[LEGS_MAX];            /* the peers' sockets */
	struct sa peerv[LEGS_MAX];
	struct sa legv[LEGS_MAX];
	float voice[SCRIPT * MEDIA_FRAME_SMP];
};

static double cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "media-bench: %s: %s\n", what, strerror(err));
	exit(1);
}

static void sleep_ms(unsigned ms)
{
	const struct timespec ts = {ms / 1000, ms % 1000 * 1000000l};

	(void)nanosleep(&ts, NULL);
}

/* Something like a voice: harmonics of a gliding pitch under syllables, and
 * some breath. */
static void make_voice(float *v, size_t n)
{
	double phase = 0, t, pitch, env, x;
	uint32_t rnd = 1;
	size_t i;
	int k;

	for (i = 0; i < n; i++) {
		t = (double)i / MEDIA_RATE_HZ;
		pitch = 130 + 30 * sin(2 * M_PI * 0.7 * t);
		phase += 2 * M_PI * pitch / MEDIA_RATE_HZ;
		env = 0.15 + 0.85 * pow(sin(M_PI * 3 * t), 2);

		for (x = 0, k = 1; k < 24; k++)
			x += sin(k * phase) / (1 + fabs(k * pitch - 600) / 300);

		rnd = rnd * 1664525 + 1013904223;
		x += ((double)(rnd >> 8) / (1 << 24) - 0.5) * 0.3;
		v[i] = (float)(0.06 * env * x);
	}
}

static void make_script(struct bench *b)
{
	struct resample down;
	struct codec c;
	float pcm[MEDIA_FRAME_SMP];
	size_t i;

	if (codec_init(&c, &b->codec) || codec_enc_alloc(&c) ||
	    resample_down_init(&down, c.rate_hz))
		die("codec", EINVAL);

	make_voice(b->voice, SCRIPT * MEDIA_FRAME_SMP);
	for (i = 0; i < SCRIPT; i++) {
		const float *v = b->voice + i * MEDIA_FRAME_SMP;

		v = resample_down(&down, pcm, v, c.rate_hz / 50);
		b->script.lenv[i] = c.ops->encode(c.st, b->script.datav[i],
						  sizeof(b->script.datav[i]),
						  v, c.rate_hz / 50);
	}

	codec_close(&c);
}

static void open_peers(struct bench *b)
{
	size_t i;

	for (i = 0; i < legs; i++) {
		struct sa *sa = &b->peerv[i];

		(void)sa_set_str(sa, "127.0.0.1", 0);
		b->fdv[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (b->fdv[i] < 0 || bind(b->fdv[i], &sa->u.sa, sa->len) ||
		    getsockname(b->fdv[i], &sa->u.sa, &sa->len))
			die("socket", errno);
	}
}

static void close_peers(struct bench *b)
{
	size_t i;

	for (i = 0; i < legs; i++)
		(void)close(b->fdv[i]);
}

static void peer_send(struct bench *b, size_t i, uint32_t n,
		      const struct sa *dst)
{
	size_t k = (n + i * 7) % SCRIPT;
	struct packet pkt = {
		.pt = b->codec.pt,
		.seq = (uint16_t)n,
		.ts = n * (b->codec.clock_hz / 50),
		.ssrc = (uint32_t)i + 1,
	};

	rtp_print(&pkt);
	memcpy(pkt.data + RTP_HDR_BYTES, b->script.datav[k],
	       b->script.lenv[k]);
	(void)sendto(b->fdv[i], pkt.data, RTP_HDR_BYTES + b->script.lenv[k],
		     0, &dst->u.sa, dst->len);
}

static void peer_drain(const struct bench *b, size_t i)
{
	char buf[2048];

	while (recv(b->fdv[i], buf, sizeof(buf), 0) > 0)
		;
}

/* The peers' process; ends with its parent. */
static void generate(struct bench *b)
{
	struct timespec ts;
	uint32_t n;
	size_t i;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);

	for (n = 0;; n++) {
		for (i = 0; i < legs; i++) {
			peer_send(b, i, n, &b->legv[i]);
			peer_drain(b, i);
		}

		ts.tv_nsec += 20000000;
		if (ts.tv_nsec >= 1000000000) {
			ts.tv_nsec -= 1000000000;
			++ts.tv_sec;
		}
		(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts,
				      NULL);
	}
}

struct call {
	struct mix *mixv[LEGS_MAX];
	struct media_leg *legv[LEGS_MAX];
	size_t mixc, legc;
};

static void build(struct bench *b, struct media *m, struct call *c)
{
	struct media_rtp_params prm = {
		.tx = b->codec,
		.rxv = {b->codec},
		.rxc = 1,
		.event_pt_tx = -1,
		.event_pt_rx = -1,
		.send = true,
		.recv = true,
	};
	size_t hub = HUB_MIN, k;
	struct sa laddr;
	int err = 0;

	(void)sa_set_str(&laddr, "127.0.0.1", 0);

	while (!err && c->legc < legs) {

		err = mix_alloc(&c->mixv[c->mixc++], m);

		for (k = 0; !err && k < hub && c->legc < legs; k++) {
			struct media_leg **lp = &c->legv[c->legc];

			err = media_leg_rtp_alloc(lp, c->mixv[c->mixc - 1],
						  &laddr, NULL, NULL);
			if (err)
				break;

			b->legv[c->legc] = *media_leg_laddr(*lp);
			prm.raddr = b->peerv[c->legc++];
			err = media_leg_rtp_set(*lp, &prm);
		}

		hub = hub == HUB_MAX ? HUB_MIN : hub + 1;
	}

	if (err)
		die("legs", err);
}

static void check(const struct call *c)
{
	struct media_stat st;
	uint64_t want = 0, got = 0;
	size_t i;

	for (i = 0; i < legs; i++) {
		media_leg_stat(c->legv[i], &st);
		want += st.tx_packets;
		got += st.frames_played;
	}

	if (got < want * 9 / 10)
		fprintf(stderr, "media-bench: only %llu of %llu frames\n",
			(unsigned long long)got, (unsigned long long)want);
}

static double measure(struct bench *b)
{
	const struct media_conf conf = {
		.workers = 1,
		.rtp_port_min = 22000,
		.rtp_port_max = 25999,
	};
	struct media_load begin, end;
	struct call call = {0};
	struct media *m;
	pid_t pid;
	size_t i;
	int err;

	err = media_alloc(&m, &conf);
	if (err)
		die("engine", err);

	build(b, m, &call);

	pid = fork();
	if (pid < 0)
		die("fork", errno);
	if (!pid)
		generate(b);

	sleep_ms(WARM_MS);
	media_load(m, &begin);
	sleep_ms(b->seconds * 1000);
	media_load(m, &end);

	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	check(&call);

	for (i = 0; i < call.legc; i++)
		mem_deref(call.legv[i]);
	for (i = 0; i < call.mixc; i++)
		mem_deref(call.mixv[i]);
	mem_deref(m);

	return (double)(end.cpu_us - begin.cpu_us) /
	       (double)(end.ticks - begin.ticks) / legs;
}

/* One hub of the floor: what stands between receiving and sending. */
struct floor_leg {
	struct codec c;
	struct resample up, down;
	float in[MEDIA_FRAME_SMP];
	uint8_t data[2048];
	size_t len;
};

static void floor_hub(struct floor_leg *lv)
{
	static float pcm[CODEC_FRAME_MAX_SMP], sum[MEDIA_FRAME_SMP];
	const float *inv[FLOOR_HUB], *v;
	size_t i, n = lv->c.rate_hz / 50;

	for (i = 0; i < FLOOR_HUB; i++) {
		struct floor_leg *l = &lv[i];

		(void)l->c.ops->decode(l->c.st, pcm, l->data + RTP_HDR_BYTES,
				       l->len - RTP_HDR_BYTES);
		inv[i] = resample_up(&l->up, l->in, pcm, n);
		if (inv[i] == pcm)
			inv[i] = memcpy(l->in, pcm, sizeof(l->in));
	}

	mix_sum(sum, inv, FLOOR_HUB);

	for (i = 0; i < FLOOR_HUB; i++) {
		struct floor_leg *l = &lv[i];

		mix_minus(pcm, sum, l->in);
		v = resample_down(&l->down, pcm + MEDIA_FRAME_SMP, pcm, n);
		l->len = RTP_HDR_BYTES +
			 l->c.ops->encode(l->c.st,
					  l->data + RTP_HDR_BYTES, 1275, v, n);
	}
}

static double floor_round(struct bench *b, struct floor_leg *lv,
			  struct codec *enc, const int *fdv, uint32_t n)
{
	double begin;
	size_t i;

	for (i = 0; i < legs; i++)
		peer_send(b, i, n, &b->legv[i]);

	begin = cpu_us();

	for (i = 0; i < legs; i++) {
		ssize_t len = recv(fdv[i], lv[i].data, sizeof(lv[i].data), 0);

		lv[i].len = len > 0 ? (size_t)len : RTP_HDR_BYTES;
	}

	if (b->codec.id == MEDIA_OPUS) {
		static float pcm[CODEC_FRAME_MAX_SMP];

		for (i = 0; i < legs; i++) {
			struct floor_leg *l = &lv[i];

			(void)l->c.ops->decode(l->c.st, pcm,
					       l->data + RTP_HDR_BYTES,
					       l->len - RTP_HDR_BYTES);
			l->len = RTP_HDR_BYTES +
				 enc[i].ops->encode(enc[i].st,
						    l->data + RTP_HDR_BYTES,
						    1275, pcm, 960);
		}
	}
	else {
		for (i = 0; i + FLOOR_HUB <= legs; i += FLOOR_HUB)
			floor_hub(&lv[i]);
	}

	for (i = 0; i < legs; i++)
		(void)sendto(fdv[i], lv[i].data, lv[i].len, 0,
			     &b->peerv[i].u.sa, b->peerv[i].len);

	begin = cpu_us() - begin;

	for (i = 0; i < legs; i++)
		peer_drain(b, i);

	return begin;
}

static int cmp(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double measure_floor(struct bench *b)
{
	static struct floor_leg lv[LEGS_MAX];
	static struct codec enc[LEGS_MAX];
	double v[FLOOR_ROUNDS];
	int fdv[LEGS_MAX];
	size_t i;
	uint32_t n;

	memset(lv, 0, sizeof(lv));
	memset(enc, 0, sizeof(enc));

	for (i = 0; i < legs; i++) {
		struct sa *sa = &b->legv[i];

		(void)sa_set_str(sa, "127.0.0.1", 0);
		fdv[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (fdv[i] < 0 || bind(fdv[i], &sa->u.sa, sa->len) ||
		    getsockname(fdv[i], &sa->u.sa, &sa->len))
			die("socket", errno);

		if (codec_init(&lv[i].c, &b->codec) ||
		    codec_dec_alloc(&lv[i].c) ||
		    codec_init(&enc[i], &b->codec) ||
		    codec_enc_alloc(&enc[i]))
			die("codec", ENOMEM);

		(void)resample_up_init(&lv[i].up, lv[i].c.rate_hz);
		(void)resample_down_init(&lv[i].down, lv[i].c.rate_hz);
	}

	for (n = 0; n < FLOOR_ROUNDS; n++)
		v[n] = floor_round(b, lv, enc, fdv, n) / legs;

	for (i = 0; i < legs; i++) {
		codec_close(&lv[i].c);
		codec_close(&enc[i]);
		(void)close(fdv[i]);
	}

	qsort(v, FLOOR_ROUNDS, sizeof(v[0]), cmp);

	return v[FLOOR_ROUNDS / 2];
}

static void run(const char *name, const struct media_codec *codec,
		unsigned seconds)
{
	struct bench *b = calloc(1, sizeof(*b));
	double value, floor_us;

	if (!b)
		die("memory", ENOMEM);

	b->name = name;
	b->codec = *codec;
	b->seconds = seconds;
	make_script(b);
	open_peers(b);

	value = measure(b);
	floor_us = measure_floor(b);
	printf("{\"bench\":\"media\",\"name\":\"%s\",\"value\":%.2f,"
	       "\"unit\":\"us\",\"floor\":%.2f,\"ratio\":%.2f}\n",
	       name, value, floor_us, value / floor_us);
	(void)fflush(stdout);

	close_peers(b);
	free(b);
}

int main(int argc, char *argv[])
{
	const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};
	const struct media_codec opus = {
		.id = MEDIA_OPUS,
		.pt = 96,
		.clock_hz = 48000,
		.bitrate_bps = 32000,
		.complexity = 5,
	};
	const char *only = NULL;
	unsigned seconds = 3;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seconds"))
			seconds = (unsigned)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--legs"))
			legs = (size_t)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--only"))
			only = argv[i + 1];
		else
			break;
	}

	if (!seconds || !legs || legs > LEGS_MAX || i != argc) {
		fprintf(stderr, "usage: media-bench [--seconds N] "
				"[--legs N] [--only leg.pcmu|leg.opus5]\n");
		return 2;
	}

	if (libre_init())
		return 1;

	resample_tables();
	if (!only || !strcmp(only, "leg.pcmu"))
		run("leg.pcmu", &pcmu, seconds);
	if (!only || !strcmp(only, "leg.opus5"))
		run("leg.opus5", &opus, seconds);
	libre_close();

	return 0;
}

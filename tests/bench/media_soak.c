/* SPDX-License-Identifier: MIT */
/*
 * Many legs for a long time: 500 of PCMU and 20 of Opus, everybody talks.
 *
 *   media-soak --seconds N
 *
 * Prints one JSON object: ticks and late ones, resident memory after a tenth
 * of the time and at the end, and where each packet went: what the peers
 * sent was taken by the legs or dropped by the kernel at a full socket, or it
 * is lost; and the same on the way back.
 */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/media/resample.h"
#include "tests/bench/media_bench.h"

enum {
	PCMU_LEGS = 500,
	OPUS_LEGS = 20,
	HUB_MIN = 2,
	HUB_MAX = 10,
	RT_PRIORITY = 10, /* as the node's default */
	SETTLE_MS = 2000,
	STALL_MS = 400,
};

struct party {
	struct load load;
	struct script script;
	struct peers peers;
	struct call call;
};

static struct party partyv[] = {
	{.load = {.legs = PCMU_LEGS,
		  .hub_min = HUB_MIN,
		  .hub_max = HUB_MAX,
		  .codec = {.id = MEDIA_PCMU, .clock_hz = 8000}}},
	{.load = {.legs = OPUS_LEGS,
		  .hub_min = HUB_MIN,
		  .hub_max = HUB_MAX,
		  .codec = {.id = MEDIA_OPUS,
			    .pt = 96,
			    .clock_hz = 48000,
			    .bitrate_bps = 32000,
			    .complexity = 5}}},
};
enum { PARTIES = sizeof(partyv) / sizeof(partyv[0]) };

static unsigned long rss_kb(void)
{
	unsigned long size = 0, rss = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu %lu", &size, &rss) != 2)
		die("/proc/self/statm", EIO);
	(void)fclose(f);

	return rss * (unsigned long)sysconf(_SC_PAGESIZE) / 1024;
}

/* Datagrams that the kernel dropped at one of the engine's sockets. */
static uint64_t kernel_drops(const bool *portv)
{
	FILE *f = fopen("/proc/net/udp", "r");
	unsigned long long drops;
	uint64_t sum = 0;
	unsigned port;
	char line[512], *last;

	if (!f)
		die("/proc/net/udp", errno);

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*x:%x", &port) != 1 ||
		    port > 65535 || !portv[port])
			continue;

		line[strcspn(line, "\n")] = '\0';
		while (*line && line[strlen(line) - 1] == ' ')
			line[strlen(line) - 1] = '\0';
		last = strrchr(line, ' ');
		if (last && sscanf(last, "%llu", &drops) == 1)
			sum += drops;
	}

	(void)fclose(f);

	return sum;
}

static void start(struct media *m, bool *portv)
{
	size_t i, k;

	for (i = 0; i < PARTIES; i++) {
		struct party *p = &partyv[i];

		script_make(&p->script, &p->load.codec);
		p->peers.script = &p->script;
		p->peers.talkers = p->load.legs;
		peers_open(&p->peers, p->load.legs, "127.0.0.1");
		memset(p->peers.ptv, p->load.codec.pt, sizeof(p->peers.ptv));
		call_build(&p->call, m, &p->load, &p->peers);
		for (k = 0; k < p->call.legc; k++)
			portv[sa_port(media_leg_laddr(p->call.legv[k]))] =
				true;
	}

	/* Not before the workers know all legs. */
	sleep_ms(DRAIN_MS);
	for (i = 0; i < PARTIES; i++)
		peers_start(&partyv[i].peers);
}

static void report(const struct media *m, const struct media_load *warm,
		   const bool *portv, unsigned long warm_kb,
		   unsigned long end_kb)
{
	uint64_t sent = 0, errors = 0, taken = 0, back = 0, back_drops = 0;
	uint64_t tx = 0, rounds = 0, late_rounds = 0, conceal = 0, played = 0;
	struct media_load end;
	struct media_stat st;
	size_t i, k;

	media_load(m, &end);
	for (i = 0; i < PARTIES; i++)
		peers_quiet(&partyv[i].peers);
	sleep_ms(DRAIN_MS);

	for (i = 0; i < PARTIES; i++) {
		const struct party *p = &partyv[i];

		sent += p->peers.count->sent;
		errors += p->peers.count->send_errors;
		back += p->peers.count->received;
		rounds += p->peers.count->rounds;
		late_rounds += p->peers.count->late_rounds;
		back_drops += peers_dropped(&p->peers);
		taken += call_received(&p->call);
		for (k = 0; k < p->call.legc; k++) {
			media_leg_stat(p->call.legv[k], &st);
			tx += st.tx_packets;
			played += st.frames_played;
			conceal += st.frames_concealed;
		}
	}

	printf("{\"ticks\":%llu,\"lateTicks\":%llu,\"sent\":%llu,"
	       "\"sendErrors\":%llu,\"taken\":%llu,\"kernelDrops\":%llu,"
	       "\"enginesPackets\":%llu,\"received\":%llu,"
	       "\"receivedDrops\":%llu,\"played\":%llu,"
	       "\"concealed\":%llu,\"peerRounds\":%llu,"
	       "\"peerLateRounds\":%llu,\"warmKb\":%lu,\"endKb\":%lu,"
	       "\"tickP99Us\":%u}\n",
	       (unsigned long long)(end.ticks - warm->ticks),
	       (unsigned long long)(end.late_ticks - warm->late_ticks),
	       (unsigned long long)sent, (unsigned long long)errors,
	       (unsigned long long)taken,
	       (unsigned long long)kernel_drops(portv),
	       (unsigned long long)tx, (unsigned long long)back,
	       (unsigned long long)back_drops, (unsigned long long)played,
	       (unsigned long long)conceal, (unsigned long long)rounds,
	       (unsigned long long)late_rounds, warm_kb, end_kb,
	       end.tick_p99_us);
}

/* The machine may hold us up at any time, and what came meanwhile then takes
 * packets of the pool that were never touched before.  So it happens once at
 * the beginning: what grows after that grows without an end. */
static void stall(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork", errno);
	if (!pid) {
		(void)kill(getppid(), SIGSTOP);
		sleep_ms(STALL_MS);
		(void)kill(getppid(), SIGCONT);
		_exit(0);
	}
	(void)waitpid(pid, NULL, 0);
}

int main(int argc, char *argv[])
{
	static bool portv[65536];
	const struct media_conf conf = {
		.workers = 1,
		.rtp_port_min = PORT_MIN,
		.rtp_port_max = PORT_MAX,
		.rt_priority = RT_PRIORITY,
	};
	unsigned long seconds = 0, warm_kb, end_kb;
	struct media_load warm;
	struct rlimit lim;
	struct media *m;
	size_t i;
	int err;

	if (argc == 3 && !strcmp(argv[1], "--seconds"))
		seconds = strtoul(argv[2], NULL, 10);
	if (seconds < 10 || seconds > 86400) {
		fprintf(stderr, "usage: media-soak --seconds 10..86400\n");
		return 2;
	}

	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}

	err = libre_init();
	if (err)
		die("libre", err);

	(void)fd_setsize(4 * LEGS_MAX);
	resample_tables();
	err = media_alloc(&m, &conf);
	if (err)
		die("engine", err);

	start(m, portv);
	sleep_ms(SETTLE_MS);
	stall();
	sleep_ms(SETTLE_MS);
	media_load(m, &warm);
	sleep_ms((unsigned)(seconds * 100));
	warm_kb = rss_kb();
	sleep_ms((unsigned)(seconds * 900));
	end_kb = rss_kb();
	report(m, &warm, portv, warm_kb, end_kb);

	for (i = 0; i < PARTIES; i++) {
		peers_stop(&partyv[i].peers);
		call_close(&partyv[i].call);
		peers_close(&partyv[i].peers);
	}
	mem_deref(m);
	libre_close();

	return 0;
}

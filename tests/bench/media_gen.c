/* SPDX-License-Identifier: MIT */
/*
 * The peers of media-bench as a program of their own, so that another server
 * gets the same load.
 *
 *   media-gen --codec pcmu|opus --peers N [--talkers N]
 *
 * It prints its ports, one JSON line; reads for each peer one line "address
 * payload-type", where its packets go; then it sends and drains until its
 * input ends, and prints what it counted.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/media/resample.h"
#include "tests/bench/media_bench.h"

static const struct media_codec pcmu = {.id = MEDIA_PCMU, .clock_hz = 8000};
static const struct media_codec opus = {
    .id = MEDIA_OPUS,
    .pt = 96,
    .clock_hz = 48000,
    .bitrate_bps = 32000,
    .complexity = 5,
};

static void tell_ports(const struct peers *p)
{
	size_t i;

	printf("{\"ports\":[");
	for (i = 0; i < p->n; i++)
		printf("%s%u", i ? "," : "", sa_port(&p->addrv[i]));
	printf("]}\n");
	(void)fflush(stdout);
}

/* Unbuffered: the rest of the input is watched by poll(). */
static bool line_get(char *buf, size_t size)
{
	size_t n = 0;
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
		if (n + 1 < size)
			buf[n++] = c;
	}
	buf[n] = '\0';

	return n > 0;
}

static void read_targets(struct peers *p)
{
	char line[128], addr[64];
	unsigned pt;
	size_t i;

	for (i = 0; i < p->n; i++) {
		if (!line_get(line, sizeof(line)) ||
		    sscanf(line, "%63s %u", addr, &pt) != 2 || pt > 127 ||
		    sa_decode(&p->dstv[i], addr, strlen(addr)))
			die(line, EINVAL);

		p->ptv[i] = (uint8_t)pt;
	}
}

static void tell_counts(const struct peers *p)
{
	const struct peers_count *c = p->count;

	printf("{\"sent\":%llu,\"sendErrors\":%llu,\"received\":%llu,"
	       "\"dropped\":%llu,\"rounds\":%llu,\"lateRounds\":%llu}\n",
	       (unsigned long long)c->sent, (unsigned long long)c->send_errors,
	       (unsigned long long)c->received,
	       (unsigned long long)peers_dropped(p),
	       (unsigned long long)c->rounds,
	       (unsigned long long)c->late_rounds);
}

int main(int argc, char *argv[])
{
	static struct script script;
	static struct peers p;
	const struct media_codec *codec = NULL;
	unsigned long n = 0;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		const char *name = argv[i], *text = argv[i + 1];

		if (!strcmp(name, "--codec"))
			codec = !strcmp(text, "pcmu")	? &pcmu
				: !strcmp(text, "opus") ? &opus
							: NULL;
		else if (!strcmp(name, "--peers"))
			n = strtoul(text, NULL, 10);
		else if (!strcmp(name, "--talkers"))
			p.talkers = strtoul(text, NULL, 10);
		else
			break;
	}

	if (i != argc || !codec || !n || n > LEGS_MAX) {
		fprintf(stderr,
			"usage: media-gen --codec pcmu|opus "
			"--peers 1..%d [--talkers N]\n",
			LEGS_MAX);
		return 2;
	}

	resample_tables();
	script_make(&script, codec);
	p.script = &script;
	if (!p.talkers)
		p.talkers = n;
	peers_open(&p, n, "127.0.0.1");
	tell_ports(&p);
	read_targets(&p);
	peers_run(&p);
	tell_counts(&p);
	peers_close(&p);

	return 0;
}

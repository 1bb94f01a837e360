/* SPDX-License-Identifier: MIT */
/* switchyard-phone: options, the loop, and a clean end. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "tests/phone/command.h"
#include "tests/phone/input.h"

enum {
	FDS_MAX = 65536,
	EXIT_USAGE = 2,
};

struct program {
	struct farm *farm;
	struct input *input;
	const char *script;
};

/* libre's signal handler has no argument. */
static struct program program;

static void usage(FILE *f)
{
	fprintf(f, "Usage: switchyard-phone [--script FILE]\n"
		   "Test phones: JSON commands by line on stdin, events on "
		   "stdout.\n\n"
		   "  --script FILE  commands from a file instead of stdin\n"
		   "  --help         this, and all commands\n"
		   "  --version\n");
}

static void options(int argc, char **argv)
{
	static const struct option opts[] = {
		{"script", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:hV", opts, NULL)) != -1) {
		switch (c) {

		case 's':
			program.script = optarg;
			break;

		case 'h':
			usage(stdout);
			printf("\nCommands, {\"cmd\":NAME, field: value, "
			       "...}\n");
			command_help(stdout);
			exit(0);

		case 'V':
			printf("switchyard-phone %s\n", SY_VERSION);
			exit(0);

		default:
			usage(stderr);
			exit(EXIT_USAGE);
		}
	}

	if (optind < argc) {
		fprintf(stderr, "switchyard-phone: unknown argument '%s'\n",
			argv[optind]);
		exit(EXIT_USAGE);
	}
}

/* Two sockets a phone in a call: as many descriptors as we may have. */
static int descriptors_raise(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return errno;

	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);

	return fd_setsize(MIN(rl.rlim_max, (rlim_t)FDS_MAX));
}

static void closed_handler(void *arg)
{
	struct program *prg = arg;

	events_put(prg->farm->events, json_pack("{s:s}", "event", "bye"));
	re_cancel();
}

static void end_handler(void *arg)
{
	struct program *prg = arg;

	farm_close(prg->farm, closed_handler, prg);
}

static void signal_handler(int sig)
{
	(void)sig;
	farm_close(program.farm, closed_handler, &program);
}

static int run(int fd)
{
	int err;

	err = descriptors_raise();
	if (!err)
		err = farm_alloc(&program.farm, stdout);
	if (!err)
		err = input_alloc(&program.input, program.farm, fd,
				  end_handler, &program);
	if (!err)
		err = re_main(signal_handler);

	mem_deref(program.input);
	mem_deref(program.farm);
	return err;
}

int main(int argc, char *argv[])
{
	int fd = STDIN_FILENO;
	int err;

	options(argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	if (program.script) {
		fd = open(program.script, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			fprintf(stderr, "switchyard-phone: --script %s: %s\n",
				program.script, strerror(errno));
			return EXIT_USAGE;
		}
	}

	err = libre_init();
	if (!err)
		err = run(fd);
	if (err)
		fprintf(stderr, "switchyard-phone: %s\n", strerror(err));

	tmr_debug();
	libre_close();
	mem_debug();
	if (program.script)
		close(fd);

	return err ? 1 : 0;
}

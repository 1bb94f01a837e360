/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/cli.h"

int ask_secret(const char *what, char *buf)
{
	struct termios was, quiet;
	const bool tty = isatty(STDIN_FILENO) &&
			 !tcgetattr(STDIN_FILENO, &was);
	char *got;

	if (tty) {
		quiet = was;
		quiet.c_lflag &= ~(tcflag_t)ECHO;
		(void)fprintf(stderr, "%s: ", what);
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	got = fgets(buf, ASK_MAX, stdin);
	if (tty) {
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
		(void)fputc('\n', stderr);
	}
	if (got)
		buf[strcspn(buf, "\r\n")] = '\0';
	if (!got || !*buf)
		return cli_usage("a %s is needed, from the terminal or the "
				 "first line of the input", what);

	return CLI_OK;
}

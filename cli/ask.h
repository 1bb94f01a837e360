/* SPDX-License-Identifier: MIT */
/* What is asked of who sits there. */

#ifndef SY_CLI_ASK_H
#define SY_CLI_ASK_H

enum { ASK_MAX = 256 };

/**
 * A secret: from the terminal, which does not show it; else the first line of
 * stdin, so that scripts may give it without it being seen in the list of
 * processes.
 *
 * @param buf  ASK_MAX bytes.
 *
 * @return CLI_OK, CLI_USAGE (there was none; told).
 */
int ask_secret(const char *what, char *buf);

#endif

/* SPDX-License-Identifier: MIT */
/* Which gateway is asked, and as whom. */

#ifndef SY_CLI_WHERE_H
#define SY_CLI_WHERE_H

#include "cli/cli.h"

/** All owned by it; NULL: none. */
struct where {
	char *url;
	char *token;
	char *cookie, *csrf;   /* of a login */
	char *ca;
};

/**
 * --url and --token, else their variables, else those of the run folder of
 * --dir, else the login that was kept.
 *
 * @return CLI_OK, CLI_USAGE (a line was printed).
 */
int where_find(struct where *w, const struct cli *c);

void where_free(struct where *w);

/** Keep a login for later calls, readable to its user only; NULL cookie:
 * forget it. @return CLI_OK, CLI_REFUSED. */
int where_keep(const char *url, const char *cookie, const char *csrf);

#endif

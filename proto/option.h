/* SPDX-License-Identifier: MIT */
/*
 * Options of a program as one table: flag, SWITCHYARD_* variable, --help and
 * checks are made from it.  A flag wins over its variable, that over the
 * default.  A variable that is set but empty counts as not set.
 */

#ifndef SY_PROTO_OPTION_H
#define SY_PROTO_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_FLAG,    /* bool *                                        */
	OPTION_UINT,    /* uint32_t *, within min..max                   */
	OPTION_STRING,  /* const char **, borrowed from argv, environment
			   or the table                                  */
	OPTION_CHOICE,  /* const char **, one of choices                 */
};

struct option_def {
	const char *name;     /* "redis": --redis, SWITCHYARD_REDIS;
				 "log-level": --log-level, SWITCHYARD_LOG_LEVEL */
	enum option_type type;
	void *value;
	const char *def;      /* default as text, or NULL                */
	uint32_t min, max;    /* OPTION_UINT; max 0: no limit            */
	const char *choices;  /* "debug|info|warn|error"                 */
	const char *metavar;  /* "URL"                                   */
	const char *help;
	bool secret;          /* the default and the value are not shown */
	bool required;
	int (*check)(const char *val, const char **errp); /* or NULL     */
};

/**
 * Read the command line and the environment.
 *
 * @param prog   Name of the program.
 * @param about  One line for --help.
 *
 * @return 0: go on; 1: --help or --version was printed (exit 0);
 *         EINVAL: one line was printed to stderr that names the wrong option
 *         and what is allowed (exit 2).
 */
int option_read(const char *prog, const char *about,
		const struct option_def *defv, size_t defc, int argc,
		char **argv);

#endif

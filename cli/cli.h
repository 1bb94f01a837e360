/* SPDX-License-Identifier: MIT */
/*
 * switchyard, the operator's command line: one file a group of commands, each
 * a row of the table in main.c.  It speaks REST to a gateway (http.h) and
 * prints tables or JSON (out.h).
 */

#ifndef SY_CLI_CLI_H
#define SY_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

/** What the program exits with. */
enum cli_exit {
	CLI_OK = 0,
	CLI_REFUSED = 1,     /* the gateway said no, or it went wrong there */
	CLI_USAGE = 2,       /* the command line is wrong                   */
	CLI_UNREACHABLE = 3, /* no gateway answers                          */
};

enum { CLI_SCOPES_MAX = 32 };

/** The command line, read. Strings are borrowed from it. */
struct cli {
	const char *url, *token, *ca, *dir;
	bool insecure, json;
	/* Of single commands. */
	bool follow, full, wait, undo;
	const char *call, *type, *device, *role, *name, *expires, *leg;
	const char *scopev[CLI_SCOPES_MAX];
	size_t scopec;
	int argc;            /* arguments after the command's name          */
	char **argv;
	struct http *http;   /* connected on the first request              */
};

/** A command. @return enum cli_exit. */
typedef int(cli_h)(struct cli *c);

/** One line to stderr, "switchyard: ...". @return CLI_USAGE. */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

cli_h cli_status, cli_nodes, cli_drain;
cli_h cli_calls, cli_call, cli_hangup, cli_move;
cli_h cli_trace, cli_events;
cli_h cli_config_get, cli_config_apply, cli_config_diff;
cli_h cli_token_list, cli_token_create, cli_token_revoke;
cli_h cli_users_list, cli_users_add, cli_users_remove, cli_users_password;
cli_h cli_login, cli_logout;

#endif

/* SPDX-License-Identifier: MIT */
/* switchyard: the command line read, and the table of commands. */

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/http.h"

struct command {
	const char *name, *verb; /* "config", "get"; verb "": it has none   */
	const char *args;        /* for people                              */
	int min, max;            /* arguments                               */
	const char *options;     /* of its own: " follow full "             */
	cli_h *run;
	const char *summary;
};

static const struct command commandv[] = {
	{"status", "", "", 0, 0, "", cli_status,
	 "the cluster at a glance: members, calls, registrations"},
	{"nodes", "", "", 0, 0, "", cli_nodes, "nodes and their load"},
	{"drain", "", "NODE", 1, 1, " wait undo ", cli_drain,
	 "take no new calls, and give the own to other nodes"},
	{"calls", "", "", 0, 0, "", cli_calls, "calls that run"},
	{"call", "", "CALL", 1, 1, "", cli_call, "a call with its legs"},
	{"hangup", "", "CALL", 1, 1, " leg ", cli_hangup,
	 "hang up a call, or one leg of it"},
	{"move", "", "CALL [NODE]", 1, 2, "", cli_move,
	 "give a call to another node"},
	{"trace", "", "CALL", 1, 1, " follow full ", cli_trace,
	 "the SIP messages of a call, as a ladder"},
	{"events", "", "", 0, 0, " follow call type ", cli_events,
	 "what happened lately, or happens"},
	{"config", "get", "", 0, 0, "", cli_config_get,
	 "the configuration, without its secrets"},
	{"config", "diff", "FILE", 1, 1, "", cli_config_diff,
	 "what applying a file would change; -: from the input"},
	{"config", "apply", "FILE", 1, 1, "", cli_config_apply,
	 "replace the configuration"},
	{"token", "list", "", 0, 0, "", cli_token_list, "API tokens"},
	{"token", "create", "NAME", 1, 1, " scope device expires ",
	 cli_token_create, "make a token: it is printed once"},
	{"token", "revoke", "TOKEN", 1, 1, "", cli_token_revoke,
	 "end a token"},
	{"users", "list", "", 0, 0, "", cli_users_list, "users"},
	{"users", "add", "USER", 1, 1, " role device name ", cli_users_add,
	 "make a user; the password is asked for, or the input's first line"},
	{"users", "password", "USER", 1, 1, "", cli_users_password,
	 "give a user another password"},
	{"users", "remove", "USER", 1, 1, "", cli_users_remove,
	 "remove a user"},
	{"login", "", "USER", 1, 1, "", cli_login,
	 "log in; later calls go on with it"},
	{"logout", "", "", 0, 0, "", cli_logout, "log out"},
};

enum { COMMANDS = sizeof(commandv) / sizeof(commandv[0]) };

struct option {
	const char *name, *metavar; /* metavar NULL: a flag                */
	size_t offset;              /* in struct cli                        */
	bool own;                   /* of single commands                   */
	const char *help;
};

#define AT(field) offsetof(struct cli, field)

static const struct option optionv[] = {
	{"url", "URL", AT(url), false,
	 "the gateway (SWITCHYARD_URL; https://127.0.0.1:8443)"},
	{"token", "TOKEN", AT(token), false,
	 "API token (better: SWITCHYARD_TOKEN)"},
	{"dir", "DIR", AT(dir), false,
	 "run folder of deploy/up: its first gateway, its admin token"},
	{"ca", "FILE", AT(ca), false,
	 "who signs the gateway's certificate (SWITCHYARD_CA)"},
	{"insecure", NULL, AT(insecure), false,
	 "take any certificate of the gateway"},
	{"json", NULL, AT(json), false, "print JSON"},
	{"follow", NULL, AT(follow), true, "go on with what comes"},
	{"full", NULL, AT(full), true, "the whole text of each message"},
	{"wait", NULL, AT(wait), true, "until the node has no calls"},
	{"undo", NULL, AT(undo), true, "take calls again"},
	{"leg", "LEG", AT(leg), true, "this leg alone"},
	{"call", "CALL", AT(call), true, "of this call alone"},
	{"type", "TYPE,...", AT(type), true, "of these types alone"},
	{"scope", "SCOPE", 0, true, "what it may do; once for each"},
	{"device", "DEVICE", AT(device), true, "whose phone it may be"},
	{"expires", "TIME", AT(expires), true, "when it ends: 30d, 12h"},
	{"role", "ROLE", AT(role), true, "ADMIN, OPERATOR or AGENT"},
	{"name", "NAME", AT(name), true, "for people"},
};

enum { OPTIONS = sizeof(optionv) / sizeof(optionv[0]) };

int cli_usage(const char *fmt, ...)
{
	va_list ap;

	(void)fputs("switchyard: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);

	return CLI_USAGE;
}

/* --------------------------------------------------------------------- help */

static bool has_option(const struct command *cmd, const struct option *o)
{
	const char *p = cmd->options;
	const size_t n = strlen(o->name);

	while ((p = strstr(p, o->name))) {
		if (p[-1] == ' ' && p[n] == ' ')
			return true;
		p += n;
	}

	return false;
}

static void print_option(const struct option *o)
{
	char left[40];

	(void)snprintf(left, sizeof(left), "--%s%s%s", o->name,
		       o->metavar ? " " : "", o->metavar ? o->metavar : "");
	(void)printf("  %-20s %s\n", left, o->help);
}

static void print_general(void)
{
	(void)printf("\nOptions of all commands\n");
	for (size_t i = 0; i < OPTIONS; i++) {
		if (!optionv[i].own)
			print_option(&optionv[i]);
	}
	(void)printf("\nExit: 0 done, 1 refused, 2 wrong command line, 3 no "
		     "gateway answers.\n");
}

static int help(void)
{
	char left[64];

	(void)printf("usage: switchyard COMMAND [ARGUMENTS] [OPTIONS]\n\n");
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *k = &commandv[i];

		(void)snprintf(left, sizeof(left), "%s%s%s%s%s", k->name,
			       *k->verb ? " " : "", k->verb,
			       *k->args ? " " : "", k->args);
		(void)printf("  %-20s %s\n", left, k->summary);
	}
	print_general();
	(void)printf("switchyard COMMAND --help has the options of a "
		     "command.\n");

	return CLI_OK;
}

static int help_of(const struct command *cmd)
{
	bool any = false;

	(void)printf("usage: switchyard %s%s%s%s%s [OPTIONS]\n\n%s\n",
		     cmd->name, *cmd->verb ? " " : "", cmd->verb,
		     *cmd->args ? " " : "", cmd->args, cmd->summary);
	for (size_t i = 0; i < OPTIONS; i++) {
		if (!optionv[i].own || !has_option(cmd, &optionv[i]))
			continue;
		if (!any)
			(void)printf("\nOptions\n");
		any = true;
		print_option(&optionv[i]);
	}
	print_general();

	return CLI_OK;
}

/* --------------------------------------------------------------------- read */

/* @param rest  Of a command with verbs: those there are. */
static const struct command *find(const char *name, const char *verb)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		const struct command *k = &commandv[i];

		if (!strcmp(k->name, name) &&
		    (!*k->verb || (verb && !strcmp(k->verb, verb))))
			return k;
	}

	return NULL;
}

static int unknown(const char *name, const char *verb)
{
	char list[160] = "";
	size_t n = 0;

	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(commandv[i].name, name))
			n += (size_t)snprintf(list + n, sizeof(list) - n,
					      "%s%s", n ? ", " : "",
					      commandv[i].verb);
	}
	if (n && verb)
		return cli_usage("%s %s: there is no such command; allowed: %s",
				 name, verb, list);
	if (n)
		return cli_usage("%s: what of it? allowed: %s", name, list);

	return cli_usage("%s: there is no such command (switchyard --help has "
			 "all)", name);
}

static const struct option *option_of(const char *arg, size_t len)
{
	for (size_t i = 0; i < OPTIONS; i++) {
		if (strlen(optionv[i].name) == len &&
		    !strncmp(optionv[i].name, arg, len))
			return &optionv[i];
	}

	return NULL;
}

static int set(struct cli *c, const struct option *o, const char *value)
{
	uint8_t *base = (uint8_t *)c;

	if (!o->metavar) {
		*(bool *)(base + o->offset) = true;
		return CLI_OK;
	}
	if (strcmp(o->name, "scope")) {
		*(const char **)(void *)(base + o->offset) = value;
		return CLI_OK;
	}
	if (c->scopec == CLI_SCOPES_MAX)
		return cli_usage("--scope: at most %d", CLI_SCOPES_MAX);
	c->scopev[c->scopec++] = value;

	return CLI_OK;
}

struct line {
	char *argv[64];      /* without options                             */
	int argc;
	const struct option *seen[64];
	int seenc;
	bool help, version;
};

/* @return CLI_OK, CLI_USAGE. */
static int read_option(struct cli *c, struct line *l, int argc, char **argv,
		       int *ip)
{
	const char *arg = argv[*ip] + 2, *eq = strchr(arg, '=');
	const size_t len = eq ? (size_t)(eq - arg) : strlen(arg);
	const struct option *o = option_of(arg, len);
	const char *value = eq ? eq + 1 : NULL;

	if (!o || l->seenc == 64)
		return cli_usage("--%.*s: there is no such option (--help has "
				 "all)", (int)len, arg);
	if (!o->metavar && value)
		return cli_usage("--%s takes no value", o->name);
	if (o->metavar && !value) {
		if (*ip + 1 == argc)
			return cli_usage("--%s: a value is needed: %s",
					 o->name, o->metavar);
		value = argv[++*ip];
	}
	l->seen[l->seenc++] = o;

	return set(c, o, value);
}

static int read_line(struct cli *c, struct line *l, int argc, char **argv)
{
	bool rest = false;
	int err = CLI_OK;

	for (int i = 1; !err && i < argc; i++) {
		if (!rest && !strcmp(argv[i], "--"))
			rest = true;
		else if (!rest && (!strcmp(argv[i], "--help") ||
				   !strcmp(argv[i], "-h")))
			l->help = true;
		else if (!rest && !strcmp(argv[i], "--version"))
			l->version = true;
		else if (!rest && !strncmp(argv[i], "--", 2))
			err = read_option(c, l, argc, argv, &i);
		else if (l->argc < 64)
			l->argv[l->argc++] = argv[i];
	}

	return err;
}

/* The options that were given are the command's. */
static int check_options(const struct command *cmd, const struct line *l)
{
	for (int i = 0; i < l->seenc; i++) {
		if (l->seen[i]->own && !has_option(cmd, l->seen[i]))
			return cli_usage("%s%s%s has no option --%s",
					 cmd->name, *cmd->verb ? " " : "",
					 cmd->verb, l->seen[i]->name);
	}

	return CLI_OK;
}

static int run(struct cli *c, struct line *l)
{
	const char *verb = l->argc > 1 ? l->argv[1] : NULL;
	const struct command *cmd;
	int skip;

	if (!l->argc)
		return l->help ? help()
			       : cli_usage("a command is needed (switchyard "
					   "--help has all)");
	cmd = find(l->argv[0], verb);
	if (!cmd)
		return unknown(l->argv[0], verb);
	if (l->help)
		return help_of(cmd);
	skip = *cmd->verb ? 2 : 1;
	c->argv = l->argv + skip;
	c->argc = l->argc - skip;
	if (c->argc < cmd->min || c->argc > cmd->max)
		return cli_usage("%s%s%s: %s is wanted, here are %d arguments",
				 cmd->name, *cmd->verb ? " " : "", cmd->verb,
				 *cmd->args ? cmd->args : "no argument",
				 c->argc);
	if (check_options(cmd, l))
		return CLI_USAGE;

	return cmd->run(c);
}

int main(int argc, char **argv)
{
	struct line l = {.argc = 0};
	struct cli c = {.url = NULL};
	int status;

	(void)signal(SIGPIPE, SIG_DFL); /* switchyard events | head */
	status = read_line(&c, &l, argc, argv);
	if (!status && l.version) {
		(void)printf("switchyard " SY_VERSION "\n");
		return CLI_OK;
	}
	if (!status)
		status = run(&c, &l);
	http_close(&c);

	return status;
}

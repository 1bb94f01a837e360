/* SPDX-License-Identifier: MIT */
/*
 * Three passes over the table: defaults, environment, command line; then
 * what is required.  Each error is one line on stderr that names the option
 * (or the variable) as the operator wrote it, and what is allowed.
 */

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/option.h"

enum {
	NAME_MAX_BYTES = 64,
	CLOSE_ENOUGH = 2,       /* edits between a typing error and a name */
	HELP_COLUMN_MAX = 34,
};

#define ENV_PREFIX "SWITCHYARD_"

struct table {
	const char *prog;
	const struct option_def *defv;
	size_t defc;
};

static int complain(const struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int complain(const struct table *t, const char *fmt, ...)
{
	va_list ap;
	char line[512];

	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "%s: %s\n", t->prog, line);

	return EINVAL;
}

static void env_name(char name[NAME_MAX_BYTES], const struct option_def *d)
{
	size_t i;

	(void)snprintf(name, NAME_MAX_BYTES, ENV_PREFIX "%s", d->name);
	for (i = 0; name[i]; i++)
		name[i] = name[i] == '-' ? '_' :
			  (char)toupper((unsigned char)name[i]);
}

/* ----------------------------------------------------------------- values */

static uint32_t uint_max(const struct option_def *d)
{
	return d->max ? d->max : UINT32_MAX;
}

static int set_flag(const struct option_def *d, const char *val)
{
	static const char *const yes[] = {"1", "true", "yes", "on"};
	static const char *const no[] = {"0", "false", "no", "off"};
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!strcmp(val, yes[i]) || !strcmp(val, no[i])) {
			*(bool *)d->value = !strcmp(val, yes[i]);
			return 0;
		}
	}

	return EINVAL;
}

static int set_uint(const struct option_def *d, const char *val)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)val[0]))
		return EINVAL;

	errno = 0;
	n = strtoull(val, &end, 10);
	if (errno || *end || n < d->min || n > uint_max(d))
		return EINVAL;

	*(uint32_t *)d->value = (uint32_t)n;

	return 0;
}

static int set_choice(const struct option_def *d, const char *val)
{
	const char *p = d->choices;
	const size_t len = strlen(val);

	while (p && len) {
		const size_t n = strcspn(p, "|");

		if (n == len && !strncmp(p, val, n)) {
			*(const char **)d->value = val;
			return 0;
		}
		p = p[n] ? p + n + 1 : NULL;
	}

	return EINVAL;
}

static int set_string(const struct option_def *d, const char *val,
		      const char **whyp)
{
	if (d->check && d->check(val, whyp))
		return EINVAL;

	*(const char **)d->value = val;

	return 0;
}

static void print_allowed(char *buf, size_t size, const struct option_def *d)
{
	switch (d->type) {

	case OPTION_FLAG:
		(void)snprintf(buf, size, "allowed: true, false");
		break;

	case OPTION_UINT:
		(void)snprintf(buf, size, "allowed: a number from %u to %u",
			       d->min, uint_max(d));
		break;

	case OPTION_CHOICE:
		(void)snprintf(buf, size, "allowed: %s", d->choices);
		break;

	case OPTION_STRING:
		(void)snprintf(buf, size, "allowed: %s",
			       d->metavar ? d->metavar : "text");
		break;
	}
}

/* @param where  "--port" or "SWITCHYARD_PORT". */
static int set(const struct table *t, const struct option_def *d,
	       const char *where, const char *val)
{
	const char *why = NULL;
	char allowed[256];
	int err = EINVAL;

	switch (d->type) {
	case OPTION_FLAG:   err = set_flag(d, val); break;
	case OPTION_UINT:   err = set_uint(d, val); break;
	case OPTION_CHOICE: err = set_choice(d, val); break;
	case OPTION_STRING: err = set_string(d, val, &why); break;
	}
	if (!err)
		return 0;

	print_allowed(allowed, sizeof(allowed), d);
	if (d->secret)
		return complain(t, "%s: wrong value; %s", where,
				why ? why : allowed);

	return complain(t, "%s: wrong value \"%s\"; %s", where, val,
			why ? why : allowed);
}

/* ------------------------------------------------------------------- help */

static void print_left(char *buf, size_t size, const struct option_def *d)
{
	const char *metavar = d->metavar;

	if (!metavar)
		metavar = d->type == OPTION_UINT ? "N" :
			  d->type == OPTION_CHOICE ? d->choices : "TEXT";

	if (d->type == OPTION_FLAG)
		(void)snprintf(buf, size, "  --%s", d->name);
	else
		(void)snprintf(buf, size, "  --%s %s", d->name, metavar);
}

static int column(const struct table *t)
{
	size_t i, col = strlen("  --version") + 2;
	char left[256];

	for (i = 0; i < t->defc; i++) {
		print_left(left, sizeof(left), &t->defv[i]);
		if (strlen(left) + 2 > col &&
		    strlen(left) + 2 <= HELP_COLUMN_MAX)
			col = strlen(left) + 2;
	}

	return (int)col;
}

/* What is behind the help text: variable, bounds, default. */
static void print_notes(const struct option_def *d)
{
	char env[NAME_MAX_BYTES];

	env_name(env, d);
	(void)printf("[%s", env);
	if (d->type == OPTION_UINT && (d->min || d->max))
		(void)printf(", %u to %u", d->min, uint_max(d));
	if (d->required)
		(void)printf(", required");
	else if (d->def && d->def[0] && !d->secret && d->type != OPTION_FLAG)
		(void)printf(", default %s", d->def);
	(void)printf("]\n");
}

static void print_row(const char *left, int col, const char *help)
{
	if ((int)strlen(left) + 2 > col)
		(void)printf("%s\n%*s%s\n", left, col, "", help);
	else
		(void)printf("%-*s%s\n", col, left, help);
}

static void print_help(const struct table *t, const char *about)
{
	const int col = column(t);
	char left[256];
	size_t i;

	(void)printf("%s: %s\n\nusage: %s [options]\n\n", t->prog, about,
		     t->prog);
	for (i = 0; i < t->defc; i++) {
		const struct option_def *d = &t->defv[i];

		print_left(left, sizeof(left), d);
		print_row(left, col, d->help ? d->help : "");
		(void)printf("%*s", col, "");
		print_notes(d);
	}
	print_row("  --help", col, "print this");
	print_row("  --version", col, "print the version");
	(void)printf("\nAn option wins over its variable.\n");
}

/* ----------------------------------------------------------- command line */

static const struct option_def *find(const struct table *t, const char *name,
				     size_t len)
{
	size_t i;

	for (i = 0; i < t->defc; i++) {
		if (strlen(t->defv[i].name) == len &&
		    !strncmp(t->defv[i].name, name, len))
			return &t->defv[i];
	}

	return NULL;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits (Levenshtein) that make b of the first len characters of a. */
static size_t distance(const char *a, size_t len, const char *b)
{
	size_t row[NAME_MAX_BYTES + 1], i, j;
	const size_t n = strlen(b);

	if (len > NAME_MAX_BYTES || n > NAME_MAX_BYTES)
		return SIZE_MAX;

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; i <= len; i++) {
		size_t diag = row[0];

		row[0] = i;
		for (j = 1; j <= n; j++) {
			const size_t up = row[j];

			row[j] = least(diag + (a[i - 1] != b[j - 1]),
				       least(up, row[j - 1]) + 1);
			diag = up;
		}
	}

	return row[n];
}

static int unknown(const struct table *t, const char *arg, size_t len)
{
	const char *best = NULL;
	size_t i, d, bestd = CLOSE_ENOUGH + 1;

	for (i = 0; len > CLOSE_ENOUGH && i < t->defc; i++) {
		d = distance(arg, len, t->defv[i].name);
		if (d < bestd) {
			bestd = d;
			best = t->defv[i].name;
		}
	}

	if (best)
		return complain(t, "unknown option --%.*s, did you mean --%s?"
				" (see --help)", (int)len, arg, best);

	return complain(t, "unknown option --%.*s (see --help)", (int)len,
			arg);
}

/* One argument, and its value, which may be the next one.
 * @param ip  Index; moved on when the next one is taken. */
static int read_arg(const struct table *t, int argc, char **argv, int *ip)
{
	const char *arg = argv[*ip], *name, *val;
	const struct option_def *d;
	char where[NAME_MAX_BYTES + 4];
	size_t len;

	if (arg[0] == '-' && arg[1] && arg[1] != '-')
		return complain(t, "unknown option %s (see --help)", arg);
	if (arg[0] != '-' || !arg[1] || !arg[2])
		return complain(t, "unexpected argument \"%s\" (see --help)",
				arg);

	name = arg + 2;
	len = strcspn(name, "=");
	d = find(t, name, len);
	if (!d)
		return unknown(t, name, len);

	(void)snprintf(where, sizeof(where), "--%s", d->name);
	if (name[len] == '=')
		return set(t, d, where, name + len + 1);
	if (d->type == OPTION_FLAG)
		return set(t, d, where, "true");

	val = *ip + 1 < argc ? argv[*ip + 1] : NULL;
	if (!val || !strncmp(val, "--", 2)) {
		char allowed[256];

		print_allowed(allowed, sizeof(allowed), d);
		return complain(t, "%s needs a value; %s", where, allowed);
	}
	++*ip;

	return set(t, d, where, val);
}

static int read_args(const struct table *t, int argc, char **argv)
{
	int i, err;

	for (i = 1; i < argc; i++) {
		err = read_arg(t, argc, argv, &i);
		if (err)
			return err;
	}

	return 0;
}

/* ------------------------------------------------------------- the passes */

static int read_defaults(const struct table *t)
{
	size_t i;

	for (i = 0; i < t->defc; i++) {
		const struct option_def *d = &t->defv[i];
		char where[NAME_MAX_BYTES + 16];

		(void)snprintf(where, sizeof(where), "default of --%s",
			       d->name);
		if (d->def && set(t, d, where, d->def))
			return EINVAL;
	}

	return 0;
}

/* A variable that is set but empty counts as not set: that is how compose
 * files and unit files leave one out. */
static int read_environment(const struct table *t)
{
	size_t i;

	for (i = 0; i < t->defc; i++) {
		char name[NAME_MAX_BYTES];
		const char *val;

		env_name(name, &t->defv[i]);
		val = getenv(name);
		if (val && val[0] && set(t, &t->defv[i], name, val))
			return EINVAL;
	}

	return 0;
}

static int check_required(const struct table *t)
{
	size_t i;

	for (i = 0; i < t->defc; i++) {
		const struct option_def *d = &t->defv[i];
		char name[NAME_MAX_BYTES], allowed[256];

		if (!d->required || d->type == OPTION_FLAG ||
		    d->type == OPTION_UINT || *(const char **)d->value)
			continue;

		env_name(name, d);
		print_allowed(allowed, sizeof(allowed), d);
		return complain(t, "--%s (or %s) is required; %s", d->name,
				name, allowed);
	}

	return 0;
}

/* --help works also beside wrong options and a wrong environment. */
static bool has_arg(int argc, char **argv, const char *name, const char *alt)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], name) || (alt && !strcmp(argv[i], alt)))
			return true;
	}

	return false;
}

int option_read(const char *prog, const char *about,
		const struct option_def *defv, size_t defc, int argc,
		char **argv)
{
	const struct table t = {prog, defv, defc};

	if (!prog || (!defv && defc) || (argc && !argv))
		return EINVAL;

	if (has_arg(argc, argv, "--help", "-h")) {
		print_help(&t, about ? about : "");
		return 1;
	}
	if (has_arg(argc, argv, "--version", NULL)) {
		(void)printf("%s %s\n", prog, SY_VERSION);
		return 1;
	}

	if (read_defaults(&t) || read_environment(&t) ||
	    read_args(&t, argc, argv) || check_required(&t))
		return EINVAL;

	return 0;
}

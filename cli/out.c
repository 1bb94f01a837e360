/* SPDX-License-Identifier: MIT */
/* See out.h. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/out.h"

static bool muted;

void out_mute(bool on)
{
	muted = on;
}

void out_error(const char *fmt, ...)
{
	va_list ap;

	if (muted)
		return;

	(void)fflush(stdout);
	(void)fputs("switchyard: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}

/* ---------------------------------------------------------------------- JSON */

const char *out_text(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

double out_number(const json_t *j, const char *key)
{
	const json_t *v = json_object_get(j, key);

	return json_is_string(v) ? strtod(json_string_value(v), NULL)
				 : json_number_value(v);
}

bool out_true(const json_t *j, const char *key)
{
	return json_is_true(json_object_get(j, key));
}

void out_json(const json_t *j)
{
	(void)json_dumpf(j, stdout,
			 JSON_INDENT(2) | JSON_REAL_PRECISION(15) |
				 JSON_ENCODE_ANY);
	(void)putchar('\n');
}

/* ------------------------------------------------------------------ terminal */

bool out_is_terminal(void)
{
	static int is = -1;

	if (is < 0)
		is = isatty(STDOUT_FILENO);

	return is == 1;
}

unsigned out_width(void)
{
	struct winsize w;

	return out_is_terminal() && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &w)
		       ? w.ws_col
		       : 0;
}

static bool coloured(void)
{
	static int is = -1;
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (is < 0)
		is = out_is_terminal() && !(no && *no) &&
		     !(term && !strcmp(term, "dumb"));

	return is;
}

const char *out_on(enum out_colour c)
{
	static const char *const v[] = {
		[OUT_PLAIN] = "",	    [OUT_DIM] = "\033[2m",
		[OUT_BOLD] = "\033[1m",	    [OUT_GREEN] = "\033[32m",
		[OUT_YELLOW] = "\033[33m",  [OUT_RED] = "\033[31m",
		[OUT_CYAN] = "\033[36m",
	};

	return coloured() ? v[c] : "";
}

const char *out_off(enum out_colour c)
{
	return c != OUT_PLAIN && coloured() ? "\033[0m" : "";
}

void out_safe(const char *text, bool lines)
{
	for (; *text; text++) {
		const unsigned char ch = (unsigned char)*text;

		if (ch >= 0x20 && ch != 0x7f)
			(void)putchar(ch);
		else if (lines && (ch == '\n' || ch == '\t'))
			(void)putchar(ch);
		else if (!lines || ch != '\r')
			(void)putchar('?');
	}
}

size_t out_len(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;

	return n;
}

/* --------------------------------------------------------------------- table */

struct cell {
	char *text;
	enum out_colour colour;
};

struct out_table {
	char *heads;
	const char *headv[OUT_COLUMNS];
	bool right[OUT_COLUMNS];
	size_t widthv[OUT_COLUMNS];
	size_t columns;
	struct cell *v;
	size_t n;
};

struct out_table *out_table(const char *heads)
{
	struct out_table *t = calloc(1, sizeof(*t));
	char *p;

	if (!t)
		abort();
	t->heads = strdup(heads);
	if (!t->heads)
		abort();
	for (p = strtok(t->heads, "|"); p && t->columns < OUT_COLUMNS;
	     p = strtok(NULL, "|")) {
		t->right[t->columns] = *p == '>';
		p += *p == '>';
		t->headv[t->columns] = p;
		t->widthv[t->columns++] = out_len(p);
	}

	return t;
}

static void clean(char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
	}
}

void out_cell(struct out_table *t, enum out_colour colour, const char *fmt,
	      ...)
{
	struct cell *more = realloc(t->v, (t->n + 1) * sizeof(*more));
	size_t len, *width;
	va_list ap;

	if (!more)
		abort();
	t->v = more;
	va_start(ap, fmt);
	if (vasprintf(&t->v[t->n].text, fmt, ap) < 0)
		abort();
	va_end(ap);
	clean(t->v[t->n].text);
	t->v[t->n].colour = colour;
	len = out_len(t->v[t->n].text);
	width = &t->widthv[t->n % t->columns];
	*width = len > *width ? len : *width;
	t->n++;
}

static void print_cell(const struct out_table *t, size_t column,
		       const char *text, enum out_colour colour)
{
	const size_t pad = t->widthv[column] - out_len(text);
	const bool last = column + 1 == t->columns;

	(void)printf("%*s%s%s%s", t->right[column] ? (int)pad : 0, "",
		     out_on(colour), text, out_off(colour));
	if (!last)
		(void)printf("%*s  ", t->right[column] ? 0 : (int)pad, "");
	else
		(void)putchar('\n');
}

void out_table_end(struct out_table *t, const char *none)
{
	if (!t->n) {
		(void)printf("%s\n", none);
	} else {
		for (size_t i = 0; i < t->columns; i++)
			print_cell(t, i, t->headv[i], OUT_BOLD);
		for (size_t i = 0; i < t->n; i++)
			print_cell(t, i % t->columns, t->v[i].text,
				   t->v[i].colour);
	}
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].text);
	free(t->v);
	free(t->heads);
	free(t);
}

void out_pair(const char *name, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	clean(text);
	(void)printf("%s%-12s%s %s\n", out_on(OUT_BOLD), name,
		     out_off(OUT_BOLD), text);
	free(text);
}

/* ---------------------------------------------------------------------- time */

const char *out_duration(char *buf, double s)
{
	const unsigned n = s > 0 ? (unsigned)s : 0;

	if (n >= 86400)
		(void)snprintf(buf, 16, "%ud %u:%02u", n / 86400 % 10000,
			       n / 3600 % 24, n / 60 % 60);
	else if (n >= 3600)
		(void)snprintf(buf, 16, "%u:%02u:%02u", n / 3600, n / 60 % 60,
			       n % 60);
	else
		(void)snprintf(buf, 16, "%u:%02u", n / 60, n % 60);

	return buf;
}

double out_time(const char *text)
{
	struct tm tm = {.tm_isdst = 0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	double fraction = 0;

	if (!rest)
		return 0;
	if (*rest == '.')
		fraction = strtod(rest, NULL);

	return (double)timegm(&tm) + fraction;
}

const char *out_clock(char *buf, const char *text)
{
	const double t = out_time(text);
	const time_t s = (time_t)t;
	struct tm tm;
	char clock[12];

	if (t <= 0 || !localtime_r(&s, &tm) ||
	    !strftime(clock, sizeof(clock), "%H:%M:%S", &tm))
		(void)snprintf(buf, 16, "-");
	else
		(void)snprintf(buf, 16, "%.8s.%03u", clock,
			       (unsigned)((t - (double)s) * 1000) % 1000);

	return buf;
}

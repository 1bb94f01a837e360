/* SPDX-License-Identifier: MIT */
/* See ladder.h, and trace.c for what it looks like. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/ladder.h"
#include "cli/out.h"

enum {
	COLUMNS_MAX = 8,
	NAME_MAX_LEN = 48,
	TIME_LEN = 12,
	GAP_MIN = 24,       /* between two columns */
	GAP_MAX = 44,
	LABEL_MAX = 64,
};

struct ladder {
	char namev[COLUMNS_MAX][NAME_MAX_LEN];
	size_t n;
	int gap;
};

/* @return its place; a new one if need be and there is room, else the last */
static size_t column(struct ladder *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->namev[i], name))
			return i;
	}
	if (l->n == COLUMNS_MAX)
		return COLUMNS_MAX - 1;
	(void)snprintf(l->namev[l->n], NAME_MAX_LEN, "%s", name);

	return l->n++;
}

static void ends(struct ladder *l, const json_t *m, size_t *from, size_t *to)
{
	const bool in = !strcmp(out_text(m, "direction"), "in");
	const char *router = out_text(m, "router");

	if (in) {
		*from = column(l, out_text(m, "source"));
		*to = column(l, router);
	} else {
		*from = column(l, router);
		*to = column(l, out_text(m, "target"));
	}
}

static void print_heads(const struct ladder *l)
{
	(void)printf("%s%-*s", out_on(OUT_BOLD), TIME_LEN + 2, "TIME");
	for (size_t i = 0; i < l->n; i++) {
		const int len = (int)strlen(l->namev[i]);

		out_safe(l->namev[i], false);
		if (i + 1 < l->n)
			(void)printf("%*s", l->gap + 1 - len, "");
	}
	(void)printf("%s\n", out_off(OUT_BOLD));
}

/* As wide as the terminal lets it be. */
static int choose_gap(const struct ladder *l)
{
	const unsigned width = out_width();
	int gap = 32;

	if (width && l->n > 1)
		gap = ((int)width - TIME_LEN - 3 - NAME_MAX_LEN / 2) /
		      (int)(l->n - 1);

	return gap < GAP_MIN ? GAP_MIN : gap > GAP_MAX ? GAP_MAX : gap;
}

struct ladder *ladder_alloc(const json_t *messages)
{
	struct ladder *l = calloc(1, sizeof(*l));
	const json_t *m;
	size_t i, from, to;

	if (!l)
		abort();
	json_array_foreach(messages, i, m)
		ends(l, m, &from, &to);
	l->gap = choose_gap(l);
	if (l->n)
		print_heads(l);

	return l;
}

void ladder_free(struct ladder *l)
{
	free(l);
}

/* -------------------------------------------------------------------- labels */

/* A header's value. */
static void header(char *buf, size_t size, const char *text, const char *name)
{
	const size_t len = strlen(name);
	const char *p = text;

	buf[0] = '\0';
	while ((p = strchr(p, '\n'))) {
		p++;
		if (strncasecmp(p, name, len) || p[len] != ':')
			continue;
		p += len + 1;
		p += strspn(p, " \t");
		(void)snprintf(buf, size, "%.*s", (int)strcspn(p, "\r\n"), p);
		return;
	}
}

/* "200 OK to INVITE (SDP)", or "200 to INVITE" where that is too long. */
static void label_response(char *buf, const char *text, const char *sdp,
			   size_t max)
{
	const int len = (int)strcspn(text, "\r\n");
	char cseq[64];
	const char *method;

	header(cseq, sizeof(cseq), text, "CSeq");
	method = strchr(cseq, ' ');
	method = method ? method : " ?";
	(void)snprintf(buf, LABEL_MAX, "%.*s to%.20s%s", len < 40 ? len : 40,
		       text, method, sdp);
	if (out_len(buf) > max)
		(void)snprintf(buf, LABEL_MAX, "%.3s to%.20s%s", text, method,
			       sdp);
}

/* A browser page's: no line of SIP comes first, "phoneProgress 183". */
static bool is_of_page(const char *text)
{
	const size_t len = strcspn(text, "\r\n");

	return strncmp(text, "SIP/2.0 ", 8) &&
	       (len < 8 || strncmp(text + len - 8, " SIP/2.0", 8));
}

/* "INVITE (SDP)". @param max  Characters. @return its colour */
static enum out_colour label(char *buf, const json_t *m, size_t max)
{
	const char *text = out_text(m, "text"), *sdp;
	char type[64];

	header(type, sizeof(type), text, "Content-Type");
	sdp = !strncasecmp(type, "application/sdp", 15) ? " (SDP)" : "";
	if (is_of_page(text)) {
		(void)snprintf(buf, LABEL_MAX, "%.*s%s",
			       (int)strcspn(text, "\r\n"), text, sdp);
		return strncmp(text, "error", 5) ? OUT_CYAN : OUT_RED;
	}
	if (strncmp(text, "SIP/2.0 ", 8)) {
		(void)snprintf(buf, LABEL_MAX, "%.*s%s",
			       (int)strcspn(text, " \r\n"), text, sdp);
		return OUT_CYAN;
	}
	text += 8;
	label_response(buf, text, sdp, max);

	return *text == '1'   ? OUT_PLAIN
	       : *text == '2' ? OUT_GREEN
	       : *text == '3' ? OUT_YELLOW
				: OUT_RED;
}

/* -------------------------------------------------------------------- arrows */

static void repeat(char ch, int n)
{
	while (n-- > 0)
		(void)putchar(ch);
}

/* "---- INVITE ---->" between two columns that are `span` apart. */
static void print_shaft(const char *text, enum out_colour colour, int room,
			bool right)
{
	const int len = (int)out_len(text) + 2;
	const int before = (room - 1 - len) / 2;

	(void)printf("%s", out_on(colour));
	if (!right)
		(void)putchar('<');
	repeat('-', before);
	(void)putchar(' ');
	out_safe(text, false);
	(void)putchar(' ');
	repeat('-', room - 1 - len - before);
	if (right)
		(void)putchar('>');
	(void)printf("%s", out_off(colour));
}

static void print_bars(const struct ladder *l, size_t first, size_t last)
{
	for (size_t i = first; i < last; i++)
		(void)printf("|%*s", l->gap, "");
}

void ladder_arrow(struct ladder *l, const json_t *m)
{
	const size_t had = l->n;
	char text[LABEL_MAX], clock[16];
	enum out_colour colour;
	size_t from, to, left, right;
	int room;

	ends(l, m, &from, &to);
	if (l->n > had) /* somebody new */
		print_heads(l);
	left = from < to ? from : to;
	right = from < to ? to : from;
	room = (int)(right - left) * (l->gap + 1) - 1;
	colour = label(text, m, room > 8 ? (size_t)room - 8 : LABEL_MAX);
	if (room > 8 && (int)out_len(text) > room - 8)
		text[room - 8] = '\0';

	(void)printf("%s%-*s%s", out_on(OUT_DIM), TIME_LEN + 2,
		     out_clock(clock, out_text(m, "at")), out_off(OUT_DIM));
	print_bars(l, 0, left);
	(void)putchar('|');
	if (left == right)
		out_safe(text, false);
	else
		print_shaft(text, colour, room, from < to);
	if (right + 1 < l->n) {
		(void)printf("|%*s", l->gap, "");
		print_bars(l, right + 1, l->n - 1);
	}
	(void)printf("|\n");
}

/* SPDX-License-Identifier: MIT */
/*
 * Patterns of the dial plan, see Route.pattern in switchyard.proto.
 *
 * A plain pattern is a row of elements, each of which matches one character,
 * and of the wildcards . and !.  A wildcard takes as little as lets the rest
 * match; since all else is one character wide, trying the last wildcard one
 * longer is the only thing that is ever undone, so a match costs at most
 * pattern times number.
 *
 * A pattern with a leading ^ is a regular expression: dialplan_regex.c.
 */

#include <errno.h>
#include <string.h>

#include "proto/dialplan_impl.h"

enum {
	PATTERN_MAX = 128,   /* [bytes]                                  */
	NUMBER_MAX = 256,    /* [bytes]; longer numbers match nothing    */
};

/* --------------------------------------------------------- plain patterns */

/* Past a set's closing bracket, or NULL. */
static const char *set_end(const char *p)
{
	const char *end = strchr(p + 1, ']');

	return end && end > p + 1 ? end + 1 : NULL;
}

static const char *element_end(const char *p)
{
	return *p == '[' ? set_end(p) : p + 1;
}

/* @param p  At the bracket. */
static bool set_match(const char *p, const char *end, char c)
{
	for (p++; p < end - 1; p++) {
		if (p + 2 < end - 1 && p[1] == '-') {
			if (c >= p[0] && c <= p[2])
				return true;
			p += 2;
		} else if (*p == c) {
			return true;
		}
	}

	return false;
}

static bool element_match(const char *p, const char *end, char c)
{
	switch (*p) {
	case 'X': return c >= '0' && c <= '9';
	case 'Z': return c >= '1' && c <= '9';
	case 'N': return c >= '2' && c <= '9';
	case '[': return set_match(p, end, c);
	default:  return *p == c;
	}
}

/* The last wildcard, for the way back. */
struct wild {
	const char *pattern;  /* what follows it; NULL: none yet */
	const char *number;   /* where what follows it starts    */
	const char *from;     /* of the first one: $1            */
	size_t len;
	bool first;           /* this is the first one           */
};

static bool is_wild(char c)
{
	return c == '.' || c == '!';
}

/* @param s  Where the wildcard starts. @return where it ends at the least. */
static const char *wild_start(struct wild *w, const char *p, const char *s)
{
	w->first = !w->from;
	if (w->first)
		w->from = s;
	w->pattern = p + 1;
	w->number = *p == '.' ? s + 1 : s;

	return w->number;
}

static bool plain_match(const char *p, const char *number, const char **capp,
			size_t *caplen)
{
	struct wild w = {NULL, NULL, NULL, 0, false};
	const char *s = number, *end;

	for (;;) {
		if (is_wild(*p)) {
			if (*p == '.' && !*s)
				return false; /* taking more leaves less */
			s = wild_start(&w, p++, s);
		} else if (!*p && !*s) {
			break;
		} else if (*p && *s && (end = element_end(p)) &&
			   element_match(p, end, *s)) {
			p = end;
			s++;
			continue;
		} else {
			/* One more for the last wildcard. */
			if (!w.pattern || !*w.number)
				return false;
			p = w.pattern;
			s = ++w.number;
		}
		if (w.first)
			w.len = (size_t)(s - w.from);
	}

	if (w.from) {
		*capp = w.from;
		*caplen = w.len;
	}

	return true;
}

/* @param end  Past the closing bracket. */
static const char *set_wrong(const char *p, const char *end)
{
	for (p++; p < end - 1; p++) {
		if (*p == '^' || *p == '[')
			return "a set cannot contain ^ or [";
		if (p + 2 < end - 1 && p[1] == '-') {
			if (p[0] > p[2])
				return "a range in a set goes upwards: [0-9]";
			p += 2;
		}
	}

	return NULL;
}

static const char *plain_wrong(const char *p)
{
	const char *end, *why;

	for (; *p; p = end) {
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return "a pattern has no spaces";
		if (*p == ']')
			return "] without [";
		end = element_end(p);
		if (!end)
			return "a set is [ characters or ranges ]";
		why = *p == '[' ? set_wrong(p, end) : NULL;
		if (why)
			return why;
	}

	return NULL;
}

/* ------------------------------------------------------------ for callers */

int dialplan_pattern_check(const char *pattern, const char **errp)
{
	const char *why;

	if (!pattern || !*pattern)
		why = "a pattern is needed";
	else if (strlen(pattern) > PATTERN_MAX)
		why = "a pattern has at most 128 characters";
	else if (*pattern == '^')
		why = dialplan_regex_wrong(pattern);
	else
		why = plain_wrong(pattern);

	if (errp)
		*errp = why;

	return why ? EINVAL : 0;
}

bool dialplan_pattern_match(const char *pattern, const char *number,
			    const char **capp, size_t *caplen)
{
	const char *cap = number;
	size_t len = 0;
	bool match;

	if (!pattern || !*pattern || !number ||
	    strlen(number) > NUMBER_MAX)
		return false;

	match = *pattern == '^'
			? dialplan_regex_match(pattern, number, &cap, &len)
			: plain_match(pattern, number, &cap, &len);
	if (match && capp && caplen) {
		*capp = cap;
		*caplen = len;
	}

	return match;
}

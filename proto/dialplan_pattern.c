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
 * A pattern with a leading ^ is a POSIX extended regular expression.  Each
 * thread keeps the compiled forms of those that it used (compiling costs
 * 50 times the match).  What would make regcomp() or regexec() explode is
 * refused: back references, large or many counted repeats.
 */

#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "proto/dialplan.h"

enum {
	PATTERN_MAX = 128,   /* [bytes]                                  */
	NUMBER_MAX = 256,    /* [bytes]; longer numbers match nothing    */
	REPEAT_MAX = 64,     /* {n,m} of a regular expression            */
	REPEATS_MAX = 2,     /* how many of them                         */
	GROUP_MAX = 16,
	CACHE_SIZE = 64,     /* a power of two                           */
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

/* ---------------------------------------------------- regular expressions */

struct regex_entry {
	char *pattern;       /* NULL: free */
	regex_t re;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t cache_key;
static bool cache_ok;

static void entry_clear(struct regex_entry *e)
{
	if (!e->pattern)
		return;

	regfree(&e->re);
	free(e->pattern);
	e->pattern = NULL;
}

static void cache_free(void *arg)
{
	struct regex_entry *cache = arg;
	size_t i;

	for (i = 0; i < CACHE_SIZE; i++)
		entry_clear(&cache[i]);
	free(cache);
}

static void cache_init(void)
{
	cache_ok = !pthread_key_create(&cache_key, cache_free);
}

static struct regex_entry *cache_get(void)
{
	struct regex_entry *cache;

	(void)pthread_once(&once, cache_init);
	if (!cache_ok)
		return NULL;

	cache = pthread_getspecific(cache_key);
	if (cache)
		return cache;

	cache = calloc(CACHE_SIZE, sizeof(*cache));
	if (cache && pthread_setspecific(cache_key, cache)) {
		free(cache);
		cache = NULL;
	}

	return cache;
}

/* The compiled form, from the thread's cache or into it. */
static const regex_t *regex_get(const char *pattern)
{
	struct regex_entry *cache = cache_get(), *e;
	uint32_t hash = 2166136261u;
	const char *p;

	if (!cache)
		return NULL;

	for (p = pattern; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619u;
	e = &cache[(hash ^ hash >> 16) & (CACHE_SIZE - 1)];
	if (e->pattern && !strcmp(e->pattern, pattern))
		return &e->re;

	entry_clear(e);
	e->pattern = strdup(pattern);
	if (!e->pattern)
		return NULL;
	if (regcomp(&e->re, pattern, REG_EXTENDED)) {
		free(e->pattern);
		e->pattern = NULL;
		return NULL;
	}

	return &e->re;
}

static bool regex_match(const char *pattern, const char *number,
			const char **capp, size_t *caplen)
{
	const regex_t *re = regex_get(pattern);
	regmatch_t m[2];

	if (!re || regexec(re, number, 2, m, 0))
		return false;

	if (m[1].rm_so >= 0) {
		*capp = number + m[1].rm_so;
		*caplen = (size_t)(m[1].rm_eo - m[1].rm_so);
	}

	return true;
}

/* Is {n}, {n,} or {n,m} small? @param p  Past the brace. */
static bool repeat_small(const char *p)
{
	for (; *p && *p != '}'; p++) {
		if (isdigit((unsigned char)*p) &&
		    strtoul(p, (char **)&p, 10) > REPEAT_MAX)
			return false;
		if (*p == '}' || !*p)
			break;
	}

	return true;
}

static const char *regex_wrong(const char *pattern)
{
	int repeats = 0, groups = 0;
	const char *p;
	regex_t re;

	for (p = pattern; *p; p++) {
		if (*p == '\\' && isdigit((unsigned char)p[1]))
			return "no back references in a pattern";
		if (*p == '\\' && p[1]) {
			p++;
			continue;
		}
		repeats += *p == '{';
		groups += *p == '(';
		if (repeats > REPEATS_MAX || groups > GROUP_MAX ||
		    (*p == '{' && !repeat_small(p + 1)))
			return "at most 16 groups, and 2 repeats {n,m} of "
			       "up to 64";
	}

	if (regcomp(&re, pattern, REG_EXTENDED))
		return "not a POSIX extended regular expression";
	regfree(&re);

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
		why = regex_wrong(pattern);
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

	match = *pattern == '^' ? regex_match(pattern, number, &cap, &len) :
				  plain_match(pattern, number, &cap, &len);
	if (match && capp && caplen) {
		*capp = cap;
		*caplen = len;
	}

	return match;
}

/* SPDX-License-Identifier: MIT */
/*
 * Patterns of the dial plan that are POSIX extended regular expressions.  Each
 * thread keeps the compiled forms of those that it used (compiling costs
 * 50 times the match).  What would make regcomp() or regexec() explode is
 * refused: back references, large or many counted repeats, repeats of what may
 * match nothing.
 */

#include <ctype.h>
#include <pthread.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "proto/dialplan_impl.h"

enum {
	REPEAT_MAX = 64, /* {n,m} of a regular expression            */
	REPEATS_MAX = 2, /* how many of them                         */
	GROUP_MAX = 16,
	NODES_MAX = 2000, /* of a compiled expression                 */
	CACHE_SIZE = 64,  /* a power of two                           */
};

/* ------------------------------------------------------------------- match */

struct regex_entry {
	char *pattern; /* NULL: free */
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

bool dialplan_regex_match(const char *pattern, const char *number,
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

/* ------------------------------------------------------------------- check */

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

/* How often regcomp() copies what is before a repeat, 1 more for {n,m}.
 * @param pp  At the repeat; moved to its last character. */
static size_t repeat_times(const char **pp)
{
	const char *p = *pp;
	size_t n = 0, max = 1;

	if (*p != '{')
		return *p == '+' ? 2 : 1;

	for (p++; *p && *p != '}'; p++) {
		const bool digit = isdigit((unsigned char)*p);

		n = digit && n < NODES_MAX ? n * 10 + (size_t)(*p - '0') : 0;
		max = n > max ? n : max;
	}
	*pp = *p ? p : p - 1;

	return max + 1;
}

/* The end of a bracket expression. @param p  At its start. @return at its
 * last character. */
static const char *bracket_end(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	p += *p == ']';
	for (; *p && *p != ']'; p++) {
		const char kind = p[1];

		/* [:digit:], [.-.], [=a=] */
		if (*p != '[' || !kind || !strchr(":.=", kind))
			continue;
		for (p += 2; *p && (*p != kind || p[1] != ']'); p++)
			;
		p += *p ? 1 : -1;
	}

	return *p ? p : p - 1;
}

/* What the parts of an expression, or of a group, become. */
struct regex_part {
	size_t nodes;  /* that regcomp() makes of it                    */
	bool empty;    /* it may match nothing                          */
	bool or_empty; /* so may an alternative before                  */
	bool before;   /* so may what is before its last part           */
};

static const struct regex_part part_none = {0, true, false, true};

/* One part more behind the others. */
static void part_add(struct regex_part *sum, const struct regex_part *part)
{
	sum->before = sum->empty;
	sum->nodes += part->nodes;
	sum->empty = sum->before && part->empty;
}

/* The last part of a sum is repeated. @param pp  As of repeat_times(). */
static void part_repeat(struct regex_part *sum, struct regex_part *last,
			const char **pp)
{
	const char *p = *pp;

	sum->nodes -= last->nodes;
	last->nodes = last->nodes * repeat_times(pp) + 1;
	last->empty = *p != '+' && (*p != '{' || strtoul(p + 1, NULL, 10) < 1);
	sum->nodes += last->nodes;
	sum->empty = sum->before && last->empty;
}

/* One character, in whatever way, or a place. @param pp  Moved to its end. */
static struct regex_part part_atom(const char **pp)
{
	struct regex_part part = {1, false, false, true};
	const char *p = *pp;

	if (*p == '^' || *p == '$') {
		part.empty = true;
	} else if (*p == '[') {
		*pp = bracket_end(p);
	} else if (*p == '\\' && p[1]) {
		part.empty = strchr("bB<>`'", p[1]);
		++*pp;
	}

	return part;
}

static struct regex_part part_group(const struct regex_part *sum)
{
	return (struct regex_part){sum->nodes + 1, sum->empty || sum->or_empty,
				   false, true};
}

/*
 * Would regcomp() explode?  It copies the operand of + and of {n,m}, so
 * "a++++" doubles with each plus, and so do nested groups; and its time is
 * exponential when what may match nothing is repeated: "((a*)+){20}".
 *
 * @return what is wrong, or NULL.
 */
static const char *regex_explodes(const char *p)
{
	struct regex_part sumv[GROUP_MAX + 1] = {part_none}, last = part_none;
	size_t depth = 0;

	for (; *p; p++) {
		struct regex_part *sum = &sumv[depth];

		if (*p == '(' && depth < GROUP_MAX) {
			last = sumv[++depth] = part_none;
		} else if (*p == '|') {
			sum->or_empty |= sum->empty;
			sum->empty = true;
			last = part_none;
		} else if (strchr("+*?{", *p)) {
			if (last.empty && *p != '?') /* no loop */
				return "what may match nothing, as a* or a?, "
				       "cannot be repeated";
			part_repeat(sum, &last, &p);
		} else if (*p == ')' && depth) {
			last = part_group(sum);
			part_add(&sumv[--depth], &last);
		} else {
			last = part_atom(&p);
			part_add(sum, &last);
		}
		if (sumv[depth].nodes > NODES_MAX)
			return "too large: repeats within repeats may copy "
			       "2000 characters in all";
	}

	return NULL;
}

const char *dialplan_regex_wrong(const char *pattern)
{
	int repeats = 0, groups = 0;
	const char *p, *why;
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
	why = regex_explodes(pattern);
	if (why)
		return why;

	if (regcomp(&re, pattern, REG_EXTENDED))
		return "not a POSIX extended regular expression";
	regfree(&re);

	return NULL;
}

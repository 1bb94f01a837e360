/* sources: proto/dialplan.c proto/dialplan_pattern.c proto/dialplan_regex.c
 * proto/number.c
 * build/debug/proto/gen/switchyard.pb-c.c
 * build/debug/proto/gen/google/protobuf/timestamp.pb-c.c */
/* SPDX-License-Identifier: MIT */
/* libFuzzer target: a line is a pattern, what comes behind it a number.  A
 * plain pattern matches what a dull model says; what is captured lies within
 * the number, and a destination is never longer than it may be. */

#include <stdlib.h>
#include <string.h>
#include "proto/dialplan.h"

enum { PATTERN_MAX = 128, NUMBER_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char pattern[512], number[512];

/* ------------------------------------------------------------- the model */

/* 0: not yet known, 1: no, 2: yes */
static uint8_t known[PATTERN_MAX + 1][NUMBER_MAX + 1];

/* Set or single character. @return length of the element. */
static size_t element(const char *p, char c, bool *is)
{
	const char *end = p + 1;

	*is = (*p == 'X' && c >= '0' && c <= '9') ||
	      (*p == 'Z' && c >= '1' && c <= '9') ||
	      (*p == 'N' && c >= '2' && c <= '9') ||
	      (!strchr("XZN[", *p) && *p == c);
	if (*p != '[')
		return 1;
	while (*end != ']') {
		if (end[1] == '-' && end[2] != ']') {
			*is = *is || (c >= end[0] && c <= end[2]);
			end += 3;
		} else {
			*is = *is || c == *end;
			end++;
		}
	}

	return (size_t)(end + 1 - p);
}

static bool model(size_t p, size_t s)
{
	uint8_t *k = &known[p][s];
	bool is = false;

	if (*k)
		return *k == 2;
	if (!pattern[p]) {
		is = !number[s];
	} else if (pattern[p] == '.') {
		is = number[s] && (model(p + 1, s + 1) || model(p, s + 1));
	} else if (pattern[p] == '!') {
		is = model(p + 1, s) || (number[s] && model(p, s + 1));
	} else if (number[s]) {
		size_t n = element(pattern + p, number[s], &is);

		is = is && model(p + n, s + 1);
	}
	*k = is ? 2 : 1;

	return is;
}

/* ------------------------------------------------------------ a dial plan */

static void find(bool match)
{
	Sy__Destination dest = SY__DESTINATION__INIT;
	Sy__External ext = SY__EXTERNAL__INIT;
	Sy__Route route = SY__ROUTE__INIT, *routev[] = {&route};
	Sy__Config conf = SY__CONFIG__INIT;
	struct dialplan_match m;

	ext.trunk = "$1$0";
	ext.number = "00$1";
	dest.kind_case = SY__DESTINATION__KIND_EXTERNAL;
	dest.external = &ext;
	route.pattern = pattern;
	route.target = &dest;
	conf.n_routes = 1;
	conf.routes = routev;
	if (dialplan_find(&m, &conf, number, NULL))
		return;
	if (!match || strncmp(m.external.number, "00", 2) ||
	    strlen(m.external.number) >= sizeof(m.text[0]) ||
	    strlen(m.external.trunk) >= sizeof(m.text[0]))
		abort();
}

static void copy(char *dst, const uint8_t *p, size_t n)
{
	if (n > sizeof(pattern) - 1)
		n = sizeof(pattern) - 1;
	if (n)
		memcpy(dst, p, n);
	dst[n] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nl = size ? memchr(data, '\n', size) : NULL;
	const char *why = NULL, *cap = NULL;
	size_t caplen = 0;
	bool match;

	if (!nl)
		return 0;
	copy(pattern, data, (size_t)(nl - data));
	copy(number, nl + 1, size - (size_t)(nl + 1 - data));
	if (dialplan_pattern_check(pattern, &why)) {
		if (!why)
			abort();
		return 0;
	}

	match = dialplan_pattern_match(pattern, number, &cap, &caplen);
	if (match && (cap < number || cap + caplen > number + strlen(number)))
		abort();
	if (*pattern != '^' && strlen(number) <= NUMBER_MAX) {
		memset(known, 0, sizeof(known));
		if (match != model(0, 0))
			abort();
	}
	find(match);

	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Numbers as costly.c compares them; see costly_number.h. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proto/costly_number.h"

/* Fewer digits, as "112", are no number of the world (E.164 6). */
enum { PLAIN_MIN = 7 };

#define INTERNATIONAL "00" /* ITU-T's recommendation: E.164, E.123 */

static const char *after(const char *text, const char *prefix)
{
	const size_t n = strlen(prefix);

	return n && !strncmp(text, prefix, n) ? text + n : NULL;
}

/* Without visual separators (RFC 3966 5.1.1). */
static void squeeze(char out[NUMBER_SIZE], const char *text)
{
	size_t n = 0;

	for (; *text && n < NUMBER_SIZE - 1; text++) {
		if (!strchr("-.() ", *text))
			out[n++] = *text;
	}
	out[n] = '\0';
}

static bool is_plain(const Sy__Trunk *trunk, const char *text)
{
	return trunk && !strcmp(trunk->number_format, "plain") &&
	       text[0] != '0' && strspn(text, "0123456789") >= PLAIN_MIN;
}

/* In E.164, where the trunk tells how; else as it is. */
static void world(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		  const char *text)
{
	const char *international = INTERNATIONAL, *cc = "", *rest;

	if (trunk && trunk->international_prefix[0])
		international = trunk->international_prefix;
	rest = after(text, international);
	if (!rest && trunk && trunk->country_code[0] &&
	    (rest = after(text, trunk->national_prefix)))
		cc = trunk->country_code;
	if (!rest && is_plain(trunk, text))
		rest = text;

	(void)snprintf(out, NUMBER_SIZE, "%s%s%s", rest ? "+" : "", cc,
		       rest ? rest : text);
}

static void add(struct costly_number *num, const Sy__Trunk *trunk,
		const char *text)
{
	char *form = num->formv[num->formc++];

	squeeze(form, text);
	world(num->formv[num->formc++], trunk, form);
}

void costly_number_init(struct costly_number *num, const Sy__Trunk *trunk,
			const char *number)
{
	char out[NUMBER_SIZE];

	num->formc = 0;
	add(num, trunk, number);
	if (trunk && !number_called_out(out, trunk, number))
		add(num, trunk, out);
}

size_t costly_number_match(const struct costly_number *num,
			   const Sy__Trunk *trunk, const char *prefix)
{
	char e164[NUMBER_SIZE];

	world(e164, trunk, prefix);
	for (size_t i = 0; i < num->formc; i++) {
		if (after(num->formv[i], e164) || after(num->formv[i], prefix))
			return strlen(e164);
	}

	return 0;
}

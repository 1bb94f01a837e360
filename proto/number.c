/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/dialplan.h"
#include "proto/number.h"

/* E.164 6: fifteen digits; fewer than seven are no number of the world. */
enum { E164_MIN = 7, E164_MAX = 15 };

static size_t digits(const char *p)
{
	size_t n = 0;

	while (isdigit((unsigned char)p[n]))
		n++;

	return n;
}

bool number_is_digits(const char *number)
{
	const char *p = number + (*number == '+');
	const size_t n = digits(p);

	return n && !p[n];
}

static bool is_international(const char *p)
{
	const size_t n = digits(p);

	return !p[n] && n >= E164_MIN && n <= E164_MAX && p[0] != '0';
}

static int put(char out[NUMBER_SIZE], const char *a, const char *b,
	       const char *c)
{
	char buf[NUMBER_SIZE];
	const int n = snprintf(buf, sizeof(buf), "%s%s%s", a, b, c);

	if (n < 0 || (size_t)n >= sizeof(buf))
		return ENAMETOOLONG;
	memcpy(out, buf, (size_t)n + 1);

	return 0;
}

/* "+49 (30) 123-45" as people write it. */
static void pack(char *buf, const char *number)
{
	const bool plus = *number == '+';

	for (; *number; number++) {
		if (!plus || !strchr("-.() ", *number))
			*buf++ = *number;
	}
	*buf = '\0';
}

/* @return what follows the prefix; NULL: it does not begin with that. */
static const char *after(const char *number, const char *prefix)
{
	const size_t n = strlen(prefix);

	return n && !strncmp(number, prefix, n) ? number + n : NULL;
}

/* The digits of the E.164 number in two parts: country code, rest. */
static bool parse(const Sy__Trunk *t, const char *number, const char **ccp,
		  const char **restp)
{
	const bool plain = !strcmp(t->number_format, "plain");
	const char *p;

	*ccp = "";
	*restp = number + 1;
	if (*number == '+')
		return is_international(*restp);
	if (!t->country_code[0] || !number_is_digits(number))
		return false;

	*restp = after(number, t->international_prefix);
	if (*restp)
		return is_international(*restp);

	p = after(number, t->national_prefix);
	if (p) {
		*ccp = t->country_code;
		*restp = p;
		return digits(p) + strlen(t->country_code) >= E164_MIN &&
		       digits(p) + strlen(t->country_code) <= E164_MAX;
	}

	*restp = number;

	return plain && is_international(number);
}

int number_e164(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		const char *number)
{
	char buf[NUMBER_SIZE];
	const char *cc, *rest;
	int err;

	if (strlen(number) >= NUMBER_SIZE)
		return ENAMETOOLONG;

	pack(buf, number);
	if (!parse(trunk, buf, &cc, &rest)) {
		err = put(out, number, "", "");
		return err ? err : ENOENT;
	}

	return put(out, "+", cc, rest);
}

static const char *const formats[] = {"", "e164", "plain", "national",
				      "international"};

bool number_format_valid(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (!strcmp(name, formats[i]))
			return true;
	}

	return false;
}

int number_format(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		  const char *number)
{
	const char *format = trunk->number_format, *national;
	char e164[NUMBER_SIZE];
	int err;

	if (!format[0])
		return put(out, number, "", "");

	err = number_e164(e164, trunk, number);
	if (err)
		return err == ENOENT ? put(out, number, "", "") : err;
	if (!strcmp(format, "e164"))
		return put(out, e164, "", "");
	if (!strcmp(format, "plain"))
		return put(out, e164 + 1, "", "");

	national = after(e164 + 1, trunk->country_code);
	if (!strcmp(format, "national") && national)
		return put(out, trunk->national_prefix, national, "");

	return put(out, trunk->international_prefix, e164 + 1, "");
}

int number_rewrite(char number[NUMBER_SIZE], Sy__Rewrite *const *rulev,
		   size_t rulec)
{
	const size_t len = strlen(number);

	for (size_t i = 0; i < rulec; i++) {
		const Sy__Rewrite *r = rulev[i];
		const size_t strip = r->strip < len ? r->strip : len;

		if (r->pattern[0] &&
		    !dialplan_pattern_match(r->pattern, number, NULL, NULL))
			continue;

		return put(number, r->prefix, number + strip, "");
	}

	return 0;
}

static int in(char out[NUMBER_SIZE], const Sy__Trunk *trunk, const char *number,
	      Sy__Rewrite *const *rulev, size_t rulec)
{
	int err = number_e164(out, trunk, number);

	return err && err != ENOENT ? err : number_rewrite(out, rulev, rulec);
}

static int out_by(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		  const char *number, Sy__Rewrite *const *rulev, size_t rulec)
{
	int err = put(out, number, "", "");

	if (!err)
		err = number_rewrite(out, rulev, rulec);

	return err ? err : number_format(out, trunk, out);
}

int number_called_in(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		     const char *number)
{
	return in(out, trunk, number, trunk->called_in, trunk->n_called_in);
}

int number_caller_in(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		     const char *number)
{
	return in(out, trunk, number, trunk->caller_in, trunk->n_caller_in);
}

int number_called_out(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		      const char *number)
{
	return out_by(out, trunk, number, trunk->called_out,
		      trunk->n_called_out);
}

int number_caller_out(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		      const char *number)
{
	return out_by(out, trunk, number, trunk->caller_out,
		      trunk->n_caller_out);
}

/* ------------------------------------------------------ which of them are ours
 */

static const char *bare(const char *number)
{
	return number + (*number == '+');
}

bool number_in(const Sy__TrunkNumber *tn, const char *number)
{
	const char *n = bare(number), *first = bare(tn->first);

	if (tn->number[0])
		return !strcmp(bare(tn->number), n);

	/* of one length the order of texts is that of numbers */
	return first[0] && strlen(first) == strlen(n) && number_is_digits(n) &&
	       strcmp(first, n) <= 0 && strcmp(n, bare(tn->last)) <= 0;
}

const Sy__TrunkNumber *number_ours(const Sy__Trunk *trunk, const char *number)
{
	for (size_t i = 0; trunk && i < trunk->n_numbers; i++) {
		if (number_in(trunk->numbers[i], number))
			return trunk->numbers[i];
	}

	return NULL;
}

const char *number_extension(const Sy__TrunkNumber *tn, const char *number)
{
	const char *first = bare(tn->first), *last = bare(tn->last);
	const char *n = bare(number);
	size_t i = 0;

	if (tn->number[0])
		return n + strlen(n);

	while (first[i] && first[i] == last[i])
		i++;

	return n + (i < strlen(n) ? i : strlen(n));
}

bool number_may_show(const Sy__Trunk *trunk, const char *number)
{
	if (trunk->any_caller ||
	    (!trunk->n_numbers && !trunk->default_number[0]))
		return true;

	return number_ours(trunk, number) ||
	       !strcmp(bare(trunk->default_number), bare(number));
}

int number_shown(char out[NUMBER_SIZE], const Sy__Trunk *trunk,
		 const char *number)
{
	char e164[NUMBER_SIZE];
	int err;

	out[0] = '\0';
	if (number[0]) {
		err = number_e164(e164, trunk, number);
		if (err && err != ENOENT)
			return err;
		if (!number_may_show(trunk, e164))
			number = "";
	}
	if (!number[0])
		number = trunk->default_number;

	return number[0] ? number_caller_out(out, trunk, number) : 0;
}

/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>
#include <re.h>

#include "node/sip/infodigit.h"

enum { DUR_MAX_MS = 60000 };

static const char bad_signal[] = "Signal: one of 0-9 * # A-D is wanted";
static const char bad_duration[] = "Duration: milliseconds are wanted";

/* "5", "*", or the code of an event: 10 is *, 11 is #. @return false: none. */
static bool signal_read(char *digit, const struct pl *v)
{
	static const char digits[] = "0123456789*#ABCD";
	uint32_t code;

	if (v->l == 1 && v->p[0] && strchr(digits, toupper(v->p[0]))) {
		*digit = (char)toupper(v->p[0]);
		return true;
	}

	if (!pl_strcmp(v, "!") || !pl_strcmp(v, "16") ||
	    !pl_strcasecmp(v, "hf")) {
		*digit = '\0';
		return true;
	}

	code = pl_u32(v);
	if (v->l != 2 || !isdigit(v->p[0]) || !isdigit(v->p[1]) || code < 10 ||
	    code > 15)
		return false;

	*digit = digits[code];

	return true;
}

static void trim(struct pl *pl)
{
	while (pl->l && isspace((unsigned char)pl->p[0]))
		pl_advance(pl, 1);
	while (pl->l && isspace((unsigned char)pl->p[pl->l - 1]))
		--pl->l;
}

/* The value of a line "name = value"; false: there is none. */
static bool value_of(struct pl *v, const struct pl *body, const char *name)
{
	struct pl rest = *body;

	while (rest.l) {
		const char *nl = memchr(rest.p, '\n', rest.l);
		size_t n = nl ? (size_t)(nl - rest.p) + 1 : rest.l;
		struct pl line = {.p = rest.p, .l = n}, key;
		const char *eq = memchr(line.p, '=', n);

		pl_advance(&rest, (ssize_t)n);
		if (!eq)
			continue;

		key.p = line.p;
		key.l = (size_t)(eq - line.p);
		trim(&key);
		if (pl_strcasecmp(&key, name))
			continue;

		v->p = eq + 1;
		v->l = n - (size_t)(v->p - line.p);
		trim(v);

		return true;
	}

	return false;
}

static bool duration_read(uint32_t *ms, const struct pl *v)
{
	size_t i;

	if (!v->l || v->l > 6)
		return false;

	for (i = 0; i < v->l; i++) {
		if (!isdigit((unsigned char)v->p[i]))
			return false;
	}

	*ms = MIN(pl_u32(v), (uint32_t)DUR_MAX_MS);

	return true;
}

static uint16_t refuse(struct infodigit *d, uint16_t code, const char *cause)
{
	d->cause = cause;

	return code;
}

static uint16_t relay(struct infodigit *d, const struct pl *body)
{
	struct pl v;

	if (!value_of(&v, body, "Signal") || !signal_read(&d->digit, &v))
		return refuse(d, 400, bad_signal);

	if (value_of(&v, body, "Duration") && !duration_read(&d->dur_ms, &v))
		return refuse(d, 400, bad_duration);

	return 200;
}

static uint16_t plain(struct infodigit *d, const struct pl *body)
{
	struct pl v = *body;

	trim(&v);
	if (!signal_read(&d->digit, &v))
		return refuse(d, 400, "one of 0-9 * # A-D is wanted");

	return 200;
}

uint16_t infodigit_read(struct infodigit *d, const char *ctype,
			const char *body, size_t len)
{
	const struct pl pl = {.p = body, .l = len};

	d->digit = '\0';
	d->dur_ms = INFODIGIT_MS;
	d->cause = NULL;

	if (!str_casecmp(ctype, "application/dtmf-relay"))
		return relay(d, &pl);
	if (!str_casecmp(ctype, "application/dtmf"))
		return plain(d, &pl);

	return refuse(d, 415, "digits are all that INFO can bring");
}

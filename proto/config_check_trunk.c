/* SPDX-License-Identifier: MIT */
/* What is said of a trunk's calls: numbers, rules, who is shown, limits. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/config_check_impl.h"
#include "proto/config_net.h"
#include "proto/dialplan.h"
#include "proto/number.h"

enum { PREFIX_MAX = 8, CALLS_MAX = 1000000, ATTEMPT_MAX_S = 32 };

static bool all_digits(const char *s, size_t max)
{
	size_t n = 0;

	while (isdigit((unsigned char)s[n]))
		n++;

	return !s[n] && n <= max;
}

/* What may stand in a SIP URI's user part as it is. */
static bool number_valid(const char *s)
{
	const char *p;

	for (p = s; *p; p++) {
		if ((unsigned char)*p >= 0x80 ||
		    (!isalnum((unsigned char)*p) && !strchr("+*#-._", *p)))
			return false;
	}

	return p != s && p - s <= NAME_MAX_BYTES / 2;
}

int check_dialable(struct checker *c, const char *field, const char *s)
{
	return !s[0] || number_valid(s)
		   ? 0
		   : check_wrong(c, field,
				 "\"%.80s\" is no number; allowed: 1 to "
				 "%d letters, digits and +*#-._",
				 s, NAME_MAX_BYTES / 2);
}

/* ------------------------------------------------------------------ prefixes
 */

static int check_prefixes(struct checker *c, const Sy__Trunk *t)
{
	const struct {
		const char *field, *value;
	} v[] = {
	    {"countryCode", t->country_code},
	    {"nationalPrefix", t->national_prefix},
	    {"internationalPrefix", t->international_prefix},
	};
	int err = 0;

	for (size_t i = 0; i < 3; i++) {
		if (!all_digits(v[i].value, PREFIX_MAX))
			err |= check_wrong(c, v[i].field,
					   "\"%.40s\" is wrong; allowed: up to "
					   "%d digits",
					   v[i].value, PREFIX_MAX);
		else if (i && v[i].value[0] && !t->country_code[0])
			err |= check_wrong(c, v[i].field, "needs countryCode");
	}
	if (!number_format_valid(t->number_format))
		err |= check_wrong(c, "numberFormat",
				   "unknown name \"%.40s\"; allowed: e164, "
				   "plain, national, international, or \"\"",
				   t->number_format);
	if ((!strcmp(t->number_format, "national") ||
	     !strcmp(t->number_format, "international")) &&
	    !t->international_prefix[0])
		err |= check_wrong(c, "internationalPrefix",
				   "is needed for numberFormat %s",
				   t->number_format);

	return err;
}

/* --------------------------------------------------------------------- rules
 */

static int check_rules(struct checker *c, const char *list,
		       Sy__Rewrite *const *rulev, size_t rulec)
{
	char where[64];
	const char *why;
	int err = 0;

	for (size_t i = 0; i < rulec; i++) {
		const Sy__Rewrite *r = rulev[i];

		(void)snprintf(where, sizeof(where), "%s[%zu].pattern", list,
			       i);
		if (r->pattern[0] && dialplan_pattern_check(r->pattern, &why))
			err |= check_wrong(c, where, "\"%.80s\" is wrong; %s",
					   r->pattern, why);
		(void)snprintf(where, sizeof(where), "%s[%zu].strip", list, i);
		err |= check_max(c, where, r->strip, NUMBER_SIZE);
		(void)snprintf(where, sizeof(where), "%s[%zu].prefix", list, i);
		err |= check_dialable(c, where, r->prefix);
	}

	return err;
}

static int check_rewrites(struct checker *c, const Sy__Trunk *t)
{
	int err = check_rules(c, "calledIn", t->called_in, t->n_called_in);

	err |= check_rules(c, "callerIn", t->caller_in, t->n_caller_in);
	err |= check_rules(c, "calledOut", t->called_out, t->n_called_out);
	err |= check_rules(c, "callerOut", t->caller_out, t->n_caller_out);

	return err;
}

/* ------------------------------------------------------------------- numbers
 */

static const char *bare(const char *s)
{
	return s + (*s == '+');
}

static const char *low(const Sy__TrunkNumber *tn)
{
	return bare(tn->number[0] ? tn->number : tn->first);
}

static const char *high(const Sy__TrunkNumber *tn)
{
	return bare(tn->number[0] ? tn->number : tn->last);
}

/* Numbers of one length are in the order of their texts. */
static bool overlap(const Sy__TrunkNumber *a, const Sy__TrunkNumber *b)
{
	return strlen(low(a)) == strlen(low(b)) &&
	       strcmp(low(a), high(b)) <= 0 && strcmp(low(b), high(a)) <= 0;
}

static int check_entry(struct checker *c, const Sy__TrunkNumber *tn)
{
	const bool one = tn->number[0], range = tn->first[0] || tn->last[0];

	if (one == range)
		return check_wrong(c, "number",
				   "either a number, or first and last, is "
				   "needed");
	if (one && check_dialable(c, "number", tn->number))
		return EBADMSG;
	if (range && !number_is_digits(tn->first))
		return check_wrong(c, "first", "\"%.80s\" is not of digits",
				   tn->first);
	if (range && (!number_is_digits(tn->last) ||
		      strlen(low(tn)) != strlen(high(tn)) ||
		      strcmp(low(tn), high(tn)) > 0))
		return check_wrong(c, "last",
				   "\"%.80s\" is wrong; allowed: as many "
				   "digits as first has, and not less",
				   tn->last);
	if (strlen(low(tn)) > NAME_MAX_BYTES / 2)
		return check_wrong(c, "first", "is too long");
	if (!check_text_valid(tn->name, ""))
		return check_wrong(c, "name", "must be a name");

	return tn->target ? check_target(c, tn->target) : 0;
}

static int check_numbers(struct checker *c, const Sy__Trunk *t, size_t at)
{
	int err = 0;

	for (size_t i = 0; i < t->n_numbers; i++) {
		const Sy__TrunkNumber *tn = t->numbers[i];

		(void)snprintf(c->path, sizeof(c->path),
			       "trunks[%zu].numbers[%zu]", at, i);
		err |= check_entry(c, tn);
		for (size_t j = 0; j < i; j++) {
			if (!overlap(tn, t->numbers[j]))
				continue;
			err |= check_wrong(
			    c, tn->number[0] ? "number" : "first",
			    "%.80s is in numbers[%zu] already", low(tn), j);
			break;
		}
	}
	check_at(c, "trunks", at);

	return err;
}

/* --------------------------------------------------------------- what is shown
 */

static int check_identity(struct checker *c, const Sy__Trunk *t)
{
	const char *id = t->identity, *host = t->from_domain;
	const char *history = t->send_history;
	int err = 0;

	if (id[0] && strcmp(id, "from") && strcmp(id, "pai") &&
	    strcmp(id, "rpid"))
		err |= check_wrong(c, "identity",
				   "unknown name \"%.40s\"; allowed: from, "
				   "pai, rpid",
				   id);
	if (history[0] && strcmp(history, "none") &&
	    strcmp(history, "history") && strcmp(history, "diversion") &&
	    strcmp(history, "both"))
		err |= check_wrong(c, "sendHistory",
				   "unknown name \"%.40s\"; allowed: none, "
				   "history, diversion, both",
				   history);
	if (host[0] && !config_host_valid(host, strlen(host)))
		err |= check_wrong(c, "fromDomain", "\"%.80s\" is no host name",
				   host);

	return err | check_dialable(c, "defaultNumber", t->default_number);
}

static int check_codes(struct checker *c, const Sy__Trunk *t)
{
	char where[64];
	int err = 0;

	for (size_t i = 0; i < t->n_failover_codes; i++) {
		const uint32_t code = t->failover_codes[i];

		(void)snprintf(where, sizeof(where), "failoverCodes[%zu]", i);
		if (code < 400 || code > 699)
			err |= check_wrong(
			    c, where, "must be from 400 to 699, is %u", code);
	}

	return err;
}

int check_trunk_calls(struct checker *c, size_t at)
{
	const Sy__Trunk *t = c->conf->trunks[at];

	int err = check_prefixes(c, t);

	err |= check_rewrites(c, t);
	err |= check_identity(c, t);
	err |= check_codes(c, t);
	err |= check_max(c, "maxCalls", t->max_calls, CALLS_MAX);
	err |= check_max(c, "maxCallsPerSecond", t->max_calls_per_second,
			 CALLS_MAX);
	err |= check_max(c, "attemptSeconds", t->attempt_seconds,
			 ATTEMPT_MAX_S);
	err |= check_numbers(c, t, at);

	return err;
}

int check_device_calls(struct checker *c, const Sy__Device *d)
{
	int err = check_dialable(c, "callerId", d->caller_id);

	return err | check_max(c, "maxCalls", d->max_calls, CALLS_MAX);
}

int check_failover(struct checker *c, const Sy__External *e)
{
	char where[64];
	int err = 0;

	for (size_t i = 0; i < e->n_failover; i++) {
		(void)snprintf(where, sizeof(where),
			       "target.external.failover[%zu]", i);
		if (!check_refs_has(&c->trunks, e->failover[i]))
			err |= check_wrong(c, where,
					   "there is no trunk \"%.80s\"",
					   e->failover[i]);
	}

	return err;
}

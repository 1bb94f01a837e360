/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/dialplan.h"
#include "proto/number.h"

enum { RING_SECONDS = 60 };

/* What "$0" and "$1" stand for. */
struct capture {
	const char *number;
	const char *p;       /* of $1 */
	size_t len;
};

/* "device:1001" against the kind and id of the source.
 * @param word  Kind as it stands in a route. */
static bool source_is(const char *rule, const char *word, const char *id)
{
	const size_t n = strlen(word);

	if (strncmp(rule, word, n))
		return false;

	return !rule[n] || (rule[n] == ':' && id && !strcmp(rule + n + 1, id));
}

static bool source_match(const char *rule, const Sy__Source *src)
{
	if (!rule || !rule[0])
		return true;
	if (!src)
		return false;

	switch (src->kind_case) {
	case SY__SOURCE__KIND_DEVICE:
		return source_is(rule, "device", src->device);
	case SY__SOURCE__KIND_TRUNK:
		return source_is(rule, "trunk", src->trunk);
	case SY__SOURCE__KIND_API:
		return source_is(rule, "api", src->api);
	default:
		return false;
	}
}

/* Copy str with $0 and $1 filled in. */
static int fill(char *buf, size_t size, const char *str,
		const struct capture *c)
{
	size_t n = 0;

	for (; *str; str++) {
		const char *p = str;
		size_t len = 1;

		if (str[0] == '$' && str[1] == '0') {
			p = c->number;
			len = strlen(p);
			str++;
		} else if (str[0] == '$' && str[1] == '1') {
			p = c->p;
			len = c->len;
			str++;
		}
		if (n + len >= size)
			return ENAMETOOLONG;
		memcpy(buf + n, p, len);
		n += len;
	}
	buf[n] = '\0';

	return 0;
}

/* What a caller dialled must not lead out of the folder of sounds. */
static bool file_safe(const char *rule, const struct capture *c)
{
	const char *p;

	if (!strchr(rule, '$'))
		return true;

	for (p = c->number; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("+*#-_", *p))
			return false;
	}

	return true;
}

static int set_external(struct dialplan_match *m, const Sy__External *to,
			const struct capture *c)
{
	int err;

	sy__external__init(&m->external);
	err = fill(m->text[0], sizeof(m->text[0]), to->trunk, c);
	if (!err)
		err = fill(m->text[1], sizeof(m->text[1]), to->number, c);
	m->external.n_failover = to->n_failover;
	m->external.failover = to->failover;
	m->external.trunk = m->text[0];
	m->external.number = m->text[1];
	m->dest.external = &m->external;

	return err;
}

static int set_feature(struct dialplan_match *m, const Sy__Feature *to,
		       const struct capture *c)
{
	sy__feature__init(&m->feature);
	m->feature.code = to->code;
	m->feature.number = m->text[0];
	m->dest.feature = &m->feature;

	return fill(m->text[0], sizeof(m->text[0]), to->number, c);
}

/* A parking place is a room: who dials it while somebody waits there is with
 * that one. */
static int set_park(struct dialplan_match *m, const char *place,
		    const struct capture *c)
{
	static const char prefix[] = DIALPLAN_PARK;
	const size_t n = sizeof(prefix) - 1;

	memcpy(m->text[0], prefix, n);
	m->dest.kind_case = SY__DESTINATION__KIND_CONFERENCE;
	m->dest.conference = m->text[0];

	return fill(m->text[0] + n, sizeof(m->text[0]) - n, place, c);
}

/* @param dst  The string of m->dest that is set. */
static int set_text(struct dialplan_match *m, char **dst, const char *str,
		    const struct capture *c)
{
	*dst = m->text[0];

	return fill(m->text[0], sizeof(m->text[0]), str, c);
}

static int set_dest(struct dialplan_match *m, const Sy__Destination *to,
		    const struct capture *c)
{
	sy__destination__init(&m->dest);
	m->dest.kind_case = to->kind_case;

	switch (to->kind_case) {

	case SY__DESTINATION__KIND_DEVICE:
		return set_text(m, &m->dest.device, to->device, c);

	case SY__DESTINATION__KIND_CONFERENCE:
		return set_text(m, &m->dest.conference, to->conference, c);

	case SY__DESTINATION__KIND_FILE:
		return file_safe(to->file, c) ?
			       set_text(m, &m->dest.file, to->file, c) :
			       ENOENT;

	case SY__DESTINATION__KIND_ECHO:
		m->dest.echo = to->echo;
		return 0;

	case SY__DESTINATION__KIND_TONE:
		m->dest.tone = to->tone;
		return 0;

	case SY__DESTINATION__KIND_EXTERNAL:
		return to->external ? set_external(m, to->external, c) :
				      ENOENT;

	case SY__DESTINATION__KIND_FEATURE:
		return to->feature ? set_feature(m, to->feature, c) : ENOENT;

	case SY__DESTINATION__KIND_GROUP:
		return set_text(m, &m->dest.group, to->group, c);

	case SY__DESTINATION__KIND_PARK:
		return set_park(m, to->park, c);

	case SY__DESTINATION__KIND_PICKUP:
		return set_text(m, &m->dest.pickup, to->pickup, c);

	default:
		return ENOENT;
	}
}

static uint32_t ring_seconds(const Sy__Config *conf, const Sy__Route *r)
{
	if (r && r->ring_seconds)
		return r->ring_seconds;
	if (conf->settings && conf->settings->ring_seconds)
		return conf->settings->ring_seconds;

	return RING_SECONDS;
}

/* The numbers that a carrier has given us. */
static const Sy__TrunkNumber *find_number(const Sy__Config *conf,
					  const char *number,
					  const Sy__Source *src)
{
	if (!src || src->kind_case != SY__SOURCE__KIND_TRUNK)
		return NULL;

	for (size_t i = 0; i < conf->n_trunks; i++) {
		if (!strcmp(conf->trunks[i]->id, src->trunk))
			return number_ours(conf->trunks[i], number);
	}

	return NULL;
}

enum dialplan_say dialplan_try(const Sy__Route *r, const char *number,
			       const Sy__Source *src, const char **capp,
			       size_t *caplen)
{
	if (r->disabled || !r->target)
		return DIALPLAN_DISABLED;
	if (!source_match(r->source, src))
		return DIALPLAN_OTHER_SOURCE;

	return dialplan_pattern_match(r->pattern, number, capp, caplen)
		       ? DIALPLAN_MATCHES
		       : DIALPLAN_OTHER_NUMBER;
}

int dialplan_find(struct dialplan_match *m, const Sy__Config *conf,
		  const char *number, const Sy__Source *src)
{
	struct capture c = {.number = number};
	const Sy__TrunkNumber *tn;
	size_t i;

	if (!m || !conf || !number)
		return ENOENT;
	if (strlen(number) >= sizeof(m->text[0]))
		return ENAMETOOLONG;

	tn = find_number(conf, number, src);
	if (tn && tn->target) {
		c.p = number_extension(tn, number);
		c.len = strlen(c.p);
		m->route = NULL;
		m->ring_seconds = ring_seconds(conf, NULL);
		return set_dest(m, tn->target, &c);
	}

	for (i = 0; i < conf->n_routes; i++) {
		const Sy__Route *r = conf->routes[i];

		c.p = number;
		c.len = 0;
		if (dialplan_try(r, number, src, &c.p, &c.len) !=
		    DIALPLAN_MATCHES)
			continue;

		m->route = r;
		m->ring_seconds = ring_seconds(conf, r);
		return set_dest(m, r->target, &c);
	}

	return ENOENT;
}

bool dialplan_may_pick_up(const Sy__Config *conf, const char *device,
			  const char *rung)
{
	Sy__Source src = SY__SOURCE__INIT;

	src.kind_case = SY__SOURCE__KIND_DEVICE;
	src.device = (char *)device;
	for (size_t i = 0; conf && i < conf->n_routes; i++) {
		const Sy__Route *r = conf->routes[i];
		const Sy__Destination *d = r->target;

		if (!r->disabled && d &&
		    d->kind_case == SY__DESTINATION__KIND_PICKUP &&
		    source_match(r->source, &src) &&
		    (strchr(d->pickup, '$') || !strcmp(d->pickup, rung)))
			return true;
	}

	return false;
}

bool dialplan_room(char *buf, size_t size, const Sy__Destination *dest)
{
	const char *head = "", *name = NULL;

	if (dest && dest->kind_case == SY__DESTINATION__KIND_CONFERENCE)
		name = dest->conference;
	else if (dest && dest->kind_case == SY__DESTINATION__KIND_PICKUP) {
		head = DIALPLAN_RINGING;
		name = dest->pickup;
	}
	if (!name)
		return false;

	return snprintf(buf, size, "%s%s", head, name) < (int)size;
}

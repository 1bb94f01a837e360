/* SPDX-License-Identifier: MIT */
/* Groups, forwarding, music on hold, and the destinations of star codes. */

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "proto/config_check_impl.h"

enum {
	NUMBER_MAX = 64,
	MEMBERS_MAX = 100,
	NO_ANSWER_MAX_S = 300,
	PARK_MAX_S = 3600,
};

static int check_number(struct checker *c, const char *field, const char *nr)
{
	const char *p;

	for (p = nr; *p; p++) {
		if (!isalnum((unsigned char)*p) && !strchr("+*#-._$", *p))
			break;
	}
	if (*p || p - nr > NUMBER_MAX)
		return check_wrong(c, field,
				   "\"%.80s\" is no number; allowed: up to %d "
				   "letters, digits and +*#-._",
				   nr, NUMBER_MAX);

	return 0;
}

int check_forward(struct checker *c, const Sy__Forward *f)
{
	int err;

	if (!f)
		return 0;

	err = check_number(c, "forward.always", f->always);
	err |= check_number(c, "forward.busy", f->busy);
	err |= check_number(c, "forward.noAnswer", f->no_answer);
	err |= check_number(c, "forward.unreachable", f->unreachable);
	err |= check_max(c, "forward.noAnswerS", f->no_answer_s,
			 NO_ANSWER_MAX_S);

	return err;
}

int check_music(struct checker *c, const Sy__Destination *d)
{
	if (!d)
		return 0;

	switch (d->kind_case) {

	case SY__DESTINATION__KIND_FILE:
		return d->file[0] && !strstr(d->file, "..") ? 0 :
			check_wrong(c, "musicOnHold.file",
				    "must be a file below the folder of "
				    "sounds");

	case SY__DESTINATION__KIND_TONE:
		return d->tone->hz >= 0 && d->tone->hz <= 20000 ? 0 :
			check_wrong(c, "musicOnHold.tone.hz",
				    "must be from 20 to 20000, or 0: silence");

	default:
		return check_wrong(c, "musicOnHold",
				   "must be one of file, tone");
	}
}

int check_park(struct checker *c, const Sy__Settings *s)
{
	int err = check_max(c, "parkSeconds", s->park_seconds, PARK_MAX_S);

	return err | check_number(c, "parkOverflow", s->park_overflow);
}

int check_feature_target(struct checker *c, const Sy__Destination *d)
{
	switch (d->kind_case) {

	case SY__DESTINATION__KIND_GROUP:
		return check_ref(c, "target.group", &c->groups, "group",
				 d->group);

	case SY__DESTINATION__KIND_PARK:
		return d->park[0] && check_text_valid(d->park, "{}") ? 0 :
			check_wrong(c, "target.park", "must be a name");

	case SY__DESTINATION__KIND_PICKUP:
		return !strcmp(d->pickup, "group") ? 0 :
			check_ref(c, "target.pickup", &c->devices, "device",
				  d->pickup);

	case SY__DESTINATION__KIND_FEATURE:
		if (!d->feature->code)
			return check_wrong(c, "target.feature.code",
					   "is needed");
		return check_number(c, "target.feature.number",
				    d->feature->number);

	default:
		return check_wrong(c, "target", "is unknown");
	}
}

static int check_strategy(struct checker *c, const char *name)
{
	static const char *const namev[] = {"", "all", "order", "roundRobin",
					    "longestIdle"};

	for (size_t i = 0; i < sizeof(namev) / sizeof(namev[0]); i++) {
		if (!strcmp(name, namev[i]))
			return 0;
	}

	return check_wrong(c, "strategy",
			   "unknown name \"%.40s\"; allowed: all, order, "
			   "roundRobin, longestIdle", name);
}

static int check_members(struct checker *c, const Sy__Group *g)
{
	char where[32];
	int err = 0;

	if (!g->n_members || g->n_members > MEMBERS_MAX)
		return check_wrong(c, "members",
				   "1 to %d are allowed, there are %zu",
				   MEMBERS_MAX, g->n_members);

	for (size_t i = 0; i < g->n_members; i++) {
		(void)snprintf(where, sizeof(where), "members[%zu]", i);
		err |= check_ref(c, where, &c->devices, "device",
				 g->members[i]);
		for (size_t j = 0; j < i; j++) {
			if (strcmp(g->members[i], g->members[j]))
				continue;
			err |= check_wrong(c, where, "\"%s\" is there twice",
					   g->members[i]);
			break;
		}
	}

	return err;
}

int check_groups(struct checker *c)
{
	int err = check_ids(c, &c->groups, "groups",
			    (void *const *)c->conf->groups, c->conf->n_groups,
			    offsetof(Sy__Group, id));

	for (size_t i = 0; i < c->conf->n_groups; i++) {
		const Sy__Group *g = c->conf->groups[i];

		check_at(c, "groups", i);
		err |= check_strategy(c, g->strategy);
		err |= check_members(c, g);
		err |= check_max(c, "memberRingS", g->member_ring_s,
				 RING_MAX_S);
		err |= check_number(c, "overflow", g->overflow);
	}

	return err;
}

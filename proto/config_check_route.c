/* SPDX-License-Identifier: MIT */
/* Trunks and routes, which refer to what else there is. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/config_check_impl.h"
#include "proto/config_net.h"
#include "proto/dialplan.h"

/* One address, one trunk. @param t  Trunk, @param s  source up to which. */
static bool source_taken(const Sy__Config *conf, size_t t, size_t s,
			 const struct config_net *net)
{
	struct config_net other;
	size_t i, j;

	for (i = 0; i <= t; i++) {
		const size_t n = i < t ? conf->trunks[i]->n_sources : s;

		for (j = 0; j < n; j++) {
			if (!config_net_read(
				&other, conf->trunks[i]->sources[j], NULL) &&
			    !config_net_cmp(&other, net))
				return true;
		}
	}

	return false;
}

static int check_sources(struct checker *c, size_t t)
{
	const Sy__Trunk *tr = c->conf->trunks[t];
	struct config_net net;
	const char *why;
	char where[32];
	int err = 0;

	for (size_t i = 0; i < tr->n_sources; i++) {
		(void)snprintf(where, sizeof(where), "sources[%zu]", i);
		if (config_net_read(&net, tr->sources[i], &why))
			err |= check_wrong(c, where, "\"%.80s\" is wrong; %s",
					   tr->sources[i], why);
		else if (source_taken(c->conf, t, i, &net))
			err |= check_wrong(c, where,
					   "\"%s\" is a source of a trunk "
					   "already",
					   tr->sources[i]);
	}

	return err;
}

static int check_trunk(struct checker *c, size_t t)
{
	const Sy__Trunk *tr = c->conf->trunks[t];
	const char *why;
	int err = check_sources(c, t);

	if (!tr->n_sources && !tr->n_certificates && !tr->target[0] &&
	    !tr->registration)
		err |= check_wrong(c, "target", "is needed, or sources");
	if (tr->target[0] && config_target_check(tr->target, &why))
		err |= check_wrong(c, "target", "\"%.80s\" is wrong; %s",
				   tr->target, why);
	err |= check_srtp(c, tr->srtp);
	err |= check_trunk_account(c, tr);
	err |= check_trunk_calls(c, t);
	err |= check_dtmf(c, tr->dtmf);
	err |= check_permissions(c, tr->permissions, tr->n_permissions);
	err |= check_codecs(c, tr->codecs, tr->n_codecs);

	return err;
}

int check_trunks(struct checker *c)
{
	int err = check_ids(c, &c->trunks, "trunks",
			    (void *const *)c->conf->trunks, c->conf->n_trunks,
			    offsetof(Sy__Trunk, id));

	for (size_t i = 0; i < c->conf->n_trunks; i++) {
		check_at(c, "trunks", i);
		err |= check_trunk(c, i);
	}

	return err;
}

/* ----------------------------------------------------------------- routes */

int check_ref(struct checker *c, const char *field, const struct refs *refs,
	      const char *what, const char *id)
{
	if (!id[0])
		return check_wrong(c, field, "is empty");
	if (!strchr(id, '$') && !check_refs_has(refs, id))
		return check_wrong(c, field, "there is no %s \"%.80s\"", what,
				   id);

	return 0;
}

static int check_source(struct checker *c, const char *src)
{
	if (!src[0] || !strcmp(src, "device") || !strcmp(src, "trunk") ||
	    !strcmp(src, "api"))
		return 0;
	if (!strncmp(src, "device:", 7))
		return check_ref(c, "source", &c->devices, "device", src + 7);
	if (!strncmp(src, "trunk:", 6))
		return check_ref(c, "source", &c->trunks, "trunk", src + 6);

	return check_wrong(c, "source",
			   "\"%.80s\" is wrong; allowed: \"\" "
			   "(anyone), \"device\", \"device:ID\", \"trunk\", "
			   "\"trunk:ID\", \"api\"",
			   src);
}

static int check_external(struct checker *c, const Sy__External *e)
{
	int err = 0;

	if (!e->number[0])
		err = check_wrong(c, "target.external.number", "is empty");
	err |= check_ref(c, "target.external.trunk", &c->trunks, "trunk",
			 e->trunk);

	return err | check_failover(c, e);
}

static int check_tone(struct checker *c, const Sy__Tone *t)
{
	int err = 0;

	if (!(t->hz >= 20 && t->hz <= 20000))
		err = check_wrong(c, "target.tone.hz",
				  "must be from 20 to 20000");
	if (!(t->level_db >= -90 && t->level_db <= 0))
		err |= check_wrong(c, "target.tone.levelDb",
				   "must be from -90 to 0");

	return err;
}

static int check_file(struct checker *c, const char *file)
{
	if (!file[0])
		return check_wrong(c, "target.file", "is empty");
	if (strstr(file, ".."))
		return check_wrong(c, "target.file", "must not contain \"..\"");

	return 0;
}

int check_target(struct checker *c, const Sy__Destination *d)
{
	switch (d ? d->kind_case : SY__DESTINATION__KIND__NOT_SET) {

	case SY__DESTINATION__KIND_DEVICE:
		return check_ref(c, "target.device", &c->devices, "device",
				 d->device);

	case SY__DESTINATION__KIND_CONFERENCE:
		if (!d->conference[0] || !check_text_valid(d->conference, ""))
			return check_wrong(c, "target.conference",
					   "must be a name");
		return 0;

	case SY__DESTINATION__KIND_ECHO:
		return d->echo ? 0
			       : check_wrong(c, "target.echo", "must be true");

	case SY__DESTINATION__KIND_TONE:
		return check_tone(c, d->tone);

	case SY__DESTINATION__KIND_FILE:
		return check_file(c, d->file);

	case SY__DESTINATION__KIND_EXTERNAL:
		return check_external(c, d->external);

	case SY__DESTINATION__KIND_GROUP:
	case SY__DESTINATION__KIND_PARK:
	case SY__DESTINATION__KIND_PICKUP:
	case SY__DESTINATION__KIND_FEATURE:
		return check_feature_target(c, d);

	default:
		return check_wrong(c, "target",
				   "is needed; one of device, conference, "
				   "echo, tone, file, external, group, park, "
				   "pickup, feature");
	}
}

static int check_route(struct checker *c, const Sy__Route *r)
{
	const char *why;
	int err = 0;

	if (dialplan_pattern_check(r->pattern, &why))
		err = check_wrong(c, "pattern", "\"%.80s\" is wrong; %s",
				  r->pattern, why);
	err |= check_max(c, "ringSeconds", r->ring_seconds, RING_MAX_S);
	err |= check_source(c, r->source);

	return err | check_target(c, r->target);
}

/* Two rules with one order would be tried in an order that nobody chose. */
static int check_order(struct checker *c, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++) {
		if (c->conf->routes[j]->order == c->conf->routes[i]->order)
			return check_wrong(c, "order",
					   "%u is that of route \"%s\" "
					   "already",
					   c->conf->routes[i]->order,
					   c->conf->routes[j]->id);
	}

	return 0;
}

int check_routes(struct checker *c)
{
	struct refs refs = {NULL, 0};
	int err = check_ids(c, &refs, "routes",
			    (void *const *)c->conf->routes, c->conf->n_routes,
			    offsetof(Sy__Route, id));

	free(refs.v);
	for (size_t i = 0; i < c->conf->n_routes; i++) {
		check_at(c, "routes", i);
		err |= check_route(c, c->conf->routes[i]);
		err |= check_order(c, i);
	}

	return err;
}

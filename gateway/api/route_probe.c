/* SPDX-License-Identifier: MIT */
/*
 * GET /api/routes/probe: which rule a number would take, and what it would be
 * made of, as routers and nodes decide it.  Nobody is called.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/config.h"
#include "proto/callee.h"
#include "proto/costly.h"
#include "proto/number.h"

enum { TRUNKS_MAX = 16, FROM_SIZE = 80 };

struct probe {
	struct api_req *a;
	const Sy__Config *conf;
	const struct config *table;
	Sy__Source src;
	const Sy__Device *device;   /* that calls, or NULL */
	const Sy__Trunk *trunk;     /* likewise            */
	char number[NUMBER_SIZE], called[NUMBER_SIZE], from[FROM_SIZE];
	char rule[2 * NUMBER_SIZE], reason[2 * NUMBER_SIZE];
	struct dialplan_match m;
	Sy__RouteProbe out;
	Sy__RouteTried *triedv, **triedpv;
	Sy__TrunkProbe trunkv[TRUNKS_MAX], *trunkpv[TRUNKS_MAX];
	char sent[TRUNKS_MAX][2][NUMBER_SIZE];
};

static void wrong(const struct probe *p, const char *field, const char *cause,
		  const char *allowed)
{
	const struct problem_field bad = {.field = field, .cause = cause,
					 .allowed = allowed};

	(void)problem_fields(p->a->web, &bad, 1);
}

/* --------------------------------------------------------------- question */

/* @return true, or false: was answered. */
static bool read_from(struct probe *p)
{
	const int err = web_query(p->a->web, "from", p->from, FROM_SIZE);
	const char *id = strchr(p->from, ':');

	sy__source__init(&p->src);
	if (err == ENOENT || (!err && !strcmp(p->from, "api"))) {
		(void)strcpy(p->from, "api");
		p->src.kind_case = SY__SOURCE__KIND_API;
		p->src.api = "api";
		return true;
	}
	if (!err && id && !strncmp(p->from, "device:", 7)) {
		p->device = config_device(p->table, id + 1, strlen(id + 1));
		p->src.kind_case = SY__SOURCE__KIND_DEVICE;
		p->src.device = (char *)(uintptr_t)id + 1;
	} else if (!err && id && !strncmp(p->from, "trunk:", 6)) {
		p->trunk = config_trunk(p->table, id + 1);
		p->src.kind_case = SY__SOURCE__KIND_TRUNK;
		p->src.trunk = (char *)(uintptr_t)id + 1;
	} else {
		wrong(p, "from", "is nobody who calls",
		      "device:ID, trunk:ID, api");
		return false;
	}
	if (p->device || p->trunk)
		return true;
	wrong(p, "from", "there is no such device or trunk", NULL);

	return false;
}

static bool read_question(struct probe *p)
{
	const int err = web_query(p->a->web, "number", p->number, NUMBER_SIZE);

	if (err || !*p->number) {
		wrong(p, "number", err == EOVERFLOW ? "is too long"
						    : "is needed",
		      "up to 127 characters");
		return false;
	}

	return read_from(p);
}

/* ----------------------------------------------------------------- tried */

static const char *why_not(enum dialplan_say say)
{
	switch (say) {
	case DIALPLAN_DISABLED:
		return "it is disabled";
	case DIALPLAN_OTHER_SOURCE:
		return "it is for other callers";
	case DIALPLAN_OTHER_NUMBER:
		return "the number does not match its pattern";
	default:
		return "";
	}
}

static bool list_tried(struct probe *p)
{
	p->triedv = calloc(p->conf->n_routes + 1, sizeof(*p->triedv));
	p->triedpv = calloc(p->conf->n_routes + 1, sizeof(*p->triedpv));
	if (!p->triedv || !p->triedpv)
		return false;
	for (size_t i = 0; i < p->conf->n_routes; i++) {
		const Sy__Route *r = p->conf->routes[i];
		Sy__RouteTried *t = &p->triedv[p->out.n_tried];
		enum dialplan_say say;
		const char *cap;
		size_t caplen;

		say = dialplan_try(r, p->called, &p->src, &cap, &caplen);
		sy__route_tried__init(t);
		t->route = r->id;
		t->pattern = r->pattern;
		t->matched = say == DIALPLAN_MATCHES;
		t->why = (char *)(uintptr_t)why_not(say);
		p->triedpv[p->out.n_tried++] = t;
		if (t->matched)
			break;
	}
	p->out.tried = p->triedpv;

	return true;
}

/* --------------------------------------------------------------- outcome */

static const char *caller_of(const struct probe *p)
{
	if (p->device)
		return p->device->anonymous	? ""
		       : p->device->caller_id[0] ? p->device->caller_id
						 : p->device->id;

	return "";
}

static void add_trunk(struct probe *p, const char *id, const char *number)
{
	const Sy__Trunk *t = config_trunk(p->table, id);
	Sy__TrunkProbe *tp = &p->trunkv[p->out.n_trunks];
	char(*sent)[NUMBER_SIZE] = p->sent[p->out.n_trunks];

	if (p->out.n_trunks == TRUNKS_MAX)
		return;
	sy__trunk_probe__init(tp);
	tp->trunk = (char *)(uintptr_t)id;
	tp->usable = t && t->enabled;
	tp->why = !t ? "there is no such trunk"
		  : !t->enabled ? "it is disabled" : "";
	if (t && !number_called_out(sent[0], t, number))
		tp->called = sent[0];
	if (t && !(p->device && p->device->anonymous) &&
	    !number_shown(sent[1], t, caller_of(p)))
		tp->caller = sent[1];
	p->trunkpv[p->out.n_trunks++] = tp;
	p->out.trunks = p->trunkpv;
}

static void explain(struct probe *p, const char *fmt, const char *arg)
{
	(void)snprintf(p->reason, sizeof(p->reason), fmt, arg);
}

static void look_outside(struct probe *p)
{
	const Sy__External *e = p->m.dest.external;
	struct costly costly;
	size_t usable = 0;

	add_trunk(p, e->trunk, e->number);
	for (size_t i = 0; i < e->n_failover; i++)
		add_trunk(p, e->failover[i], e->number);
	for (size_t i = 0; i < p->out.n_trunks; i++)
		usable += p->trunkv[i].usable;
	if (!usable)
		explain(p, "no trunk can take it (503)%s", "");
	else if (costly_check(&costly, p->table, &p->m.dest, &p->src) ==
		 COSTLY_DENIED)
		explain(p, "it costs, and %s has no permission for it (403)",
			p->from);
	else
		explain(p, "it goes out by trunk %s", e->trunk);
}

static void look_at(struct probe *p)
{
	const Sy__Destination *d = &p->m.dest;

	switch (d->kind_case) {

	case SY__DESTINATION__KIND_DEVICE:
		if (config_device(p->table, d->device, strlen(d->device))) {
			explain(p, "it rings device %s", d->device);
			return;
		}
		p->out.matched = false;
		explain(p, "the rule leads to device \"%s\", which does not "
			"exist (404)", d->device);
		return;

	case SY__DESTINATION__KIND_EXTERNAL:
		look_outside(p);
		return;

	case SY__DESTINATION__KIND_GROUP:
		explain(p, "it rings group %s", d->group);
		return;

	case SY__DESTINATION__KIND_CONFERENCE:
		explain(p, "it joins conference %s", d->conference);
		return;

	default:
		explain(p, "it is answered by the node%s", "");
		return;
	}
}

static void find(struct probe *p)
{
	const int err = dialplan_find(&p->m, p->conf, p->called, &p->src);
	const Sy__Route *r;

	p->out.matched = !err;
	if (err == ENAMETOOLONG) {
		explain(p, "the number is too long (484)%s", "");
		return;
	}
	if (err && p->src.kind_case == SY__SOURCE__KIND_API &&
	    callee_device(&p->m, p->table, p->called)) {
		p->out.matched = true;
		p->m.route = NULL;
		(void)strcpy(p->rule, "a device of this name");
	} else if (err) {
		explain(p, "no rule matches (404)%s", "");
		return;
	}
	r = p->m.route;
	if (r) {
		p->out.route = r->id;
		(void)snprintf(p->rule, sizeof(p->rule), "%.200s",
			       r->pattern);
	} else if (p->trunk) {
		p->out.n_tried = 0; /* they were not asked */
		(void)snprintf(p->rule, sizeof(p->rule),
			       "a number of trunk %.100s", p->trunk->id);
	}
	p->out.destination = &p->m.dest;
	p->out.ring_seconds = p->m.ring_seconds;
	look_at(p);
}

void api_routes_probe(struct api_req *a)
{
	struct probe *p = calloc(1, sizeof(*p));

	if (!p) {
		api_reply_err(a, ENOMEM, "");
		return;
	}
	p->a = a;
	p->table = view_config_table(a->api->view);
	p->conf = config_now(a);
	sy__route_probe__init(&p->out);
	if (!p->conf || !read_question(p))
		goto out;

	(void)strcpy(p->called, p->number);
	if (p->trunk)
		(void)number_called_in(p->called, p->trunk, p->number);
	if (!list_tried(p)) {
		api_reply_err(a, ENOMEM, "");
		goto out;
	}
	find(p);
	p->out.number = p->number;
	p->out.from = p->from;
	p->out.called = p->called;
	p->out.rule = p->rule;
	p->out.reason = p->reason;
	api_reply(a, 200, &p->out.base);

out:
	free(p->triedv);
	free(p->triedpv);
	free(p);
}

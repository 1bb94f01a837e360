/* SPDX-License-Identifier: MIT */
/* /api/calls/{id}/legs: list, add, mute and hold, remove. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/command.h"
#include "gateway/api/target.h"

static const Sy__Leg *find_leg(const Sy__Result *res, const char *id)
{
	for (size_t i = 0; res->call && i < res->call->n_legs; i++) {
		if (!strcmp(res->call->legs[i]->id, id))
			return res->call->legs[i];
	}

	return NULL;
}

static void reply_leg(struct command *c, unsigned status, const Sy__Result *res,
		      const char *id)
{
	const Sy__Leg *leg = find_leg(res, id);

	if (leg)
		api_reply(c->a, status, &leg->base);
	else
		(void)problem(c->a->web, 404, "not-found",
			      "the leg has ended meanwhile");
}

/* ------------------------------------------------------------------- list */

static int by_id(const void *a, const void *b)
{
	return strcmp((*(Sy__Leg *const *)a)->id, (*(Sy__Leg *const *)b)->id);
}

/* By their ids: so a cursor stays right while legs come and go. */
static void on_list(struct command *c, const Sy__Result *res)
{
	Sy__Leg **legv = res->call->legs;
	size_t n = res->call->n_legs, first = 0, limit;
	char cursor[ROUTE_PARAM_SIZE];

	if (!api_page(c->a, &limit, cursor, sizeof(cursor)))
		return;

	if (n)
		qsort(legv, n, sizeof(*legv), by_id);
	while (first < n && strcmp(legv[first]->id, cursor) <= 0)
		++first;

	n -= first;
	limit = n < limit ? n : limit;
	api_reply_list(c->a, (const ProtobufCMessage *const *)legv + first,
		       limit, n > limit ? legv[first + limit - 1]->id : NULL);
}

void api_legs_list(struct api_req *a)
{
	char cursor[ROUTE_PARAM_SIZE];
	struct command *c;
	size_t limit;

	/* A wrong one is told before the owner is asked. */
	if (!api_page(a, &limit, cursor, sizeof(cursor)))
		return;

	c = command_for_call(a);
	if (!c)
		return;

	command_get(c);
	command_to_owner(c, on_list);
}

/* -------------------------------------------------------------------- add */

static bool check_new(struct command *c, const Sy__NewLeg *body)
{
	struct complaints bad = {.n = 0};
	bool device = !strcmp(body->kind, "device");
	int err = 0;

	if (!device && strcmp(body->kind, "external"))
		complaints_add(&bad, "kind",
			       *body->kind ? "is not known" : "is missing",
			       "device, external");
	check_number(&bad, "to", body->to);
	check_name(&bad, "callerName", body->caller_name);
	check_ring(&bad, body->ring_seconds);
	if (!bad.n) {
		err = target_party(&c->to, c->a, body->to);
		complaints_target(&bad, "to", err);
	}
	if (!bad.n && !err &&
	    device != (c->to.dest.kind_case == SY__DESTINATION__KIND_DEVICE))
		complaints_add(&bad, "to",
			       device ? "is not a device"
				      : "does not lead to a trunk",
			       device ? "a device"
				      : "a number that leads to a trunk");

	if (complaints_answer(&bad, c->a->web))
		return false;
	if (err == EAGAIN)
		api_unavailable(c->a, "no configuration was loaded yet");

	return !err;
}

static void on_added(struct command *c, const Sy__Result *res)
{
	(void)web_head(c->a->web, "location", "/api/calls/%s/legs/%s", c->call,
		       res->leg);
	reply_leg(c, 201, res, res->leg);
}

void api_legs_add(struct api_req *a)
{
	const Sy__NewLeg *body = (const Sy__NewLeg *)a->body;
	struct command *c = command_for_call(a);

	if (!c)
		return;
	if (!check_new(c, body)) {
		command_drop(c);
		return;
	}

	sy__add_leg__init(&c->u.add);
	c->u.add.call = c->call;
	c->u.add.destination = &c->to.dest;
	c->u.add.caller_name = body->caller_name;
	c->u.add.ring_seconds =
	    body->ring_seconds ? body->ring_seconds : c->to.ring_seconds;
	c->env.body_case = SY__ENVELOPE__BODY_ADD_LEG;
	c->env.add_leg = &c->u.add;
	command_to_owner(c, on_added);
}

/* ----------------------------------------------------------------- change */

static bool changes_voice(const Sy__UpdateLeg *body)
{
	return body->set_gain_in_case || body->set_gain_out_case ||
	       body->set_agc_case || body->set_denoise_case ||
	       body->set_comfort_noise_case;
}

static void check_gain(struct complaints *bad, const char *field, float db)
{
	if (!(db >= -40 && db <= 40))
		complaints_add(bad, field, "is out of range", "-40 to 40");
}

/* What is absent is 0, or empty. */
static void check_voice(struct complaints *bad, const Sy__UpdateLeg *body)
{
	static const char *const makers[] = {"off", "speex", "rnnoise",
					     "auto"};
	float noise_db = body->set_comfort_noise_case ?
				 body->comfort_noise_db : 0;
	bool known = !body->set_denoise_case;

	for (size_t i = 0; !known && i < ARRAY_SIZE(makers); i++)
		known = !strcmp(body->denoise, makers[i]);
	if (!known)
		complaints_add(bad, "denoise", "is not known",
			       "off, speex, rnnoise, auto");
	if (body->set_gain_in_case)
		check_gain(bad, "gainInDb", body->gain_in_db);
	if (body->set_gain_out_case)
		check_gain(bad, "gainOutDb", body->gain_out_db);
	if (noise_db != 0 && !(noise_db >= -90 && noise_db <= -30))
		complaints_add(bad, "comfortNoiseDb", "is out of range",
			       "-90 to -30; 0: off");
}

static bool check_update(const struct command *c, const Sy__UpdateLeg *body)
{
	struct complaints bad = {.n = 0};

	if (*body->call && strcasecmp(body->call, c->call))
		complaints_add(&bad, "call", "is not the one in the path",
			       "leave it out");
	if (*body->leg && strcasecmp(body->leg, c->leg))
		complaints_add(&bad, "leg", "is not the one in the path",
			       "leave it out");
	check_voice(&bad, body);
	if (!body->set_muted_case && !body->set_deaf_case &&
	    !body->set_held_case && !changes_voice(body))
		complaints_add(&bad, "", "nothing is to be changed",
			       "muted, deaf, held, gainInDb, gainOutDb, agc, "
			       "denoise, comfortNoiseDb");

	return !complaints_answer(&bad, c->a->web);
}

static void on_updated(struct command *c, const Sy__Result *res)
{
	reply_leg(c, 200, res, c->leg);
}

void api_legs_update(struct api_req *a)
{
	const Sy__UpdateLeg *body = (const Sy__UpdateLeg *)a->body;
	struct command *c = command_for_leg(a);

	if (!c)
		return;
	if (!check_update(c, body)) {
		command_drop(c);
		return;
	}

	/* A copy whose strings are borrowed: the body outlives the command. */
	c->u.update = *body;
	c->u.update.call = c->call;
	c->u.update.leg = c->leg;
	c->env.body_case = SY__ENVELOPE__BODY_UPDATE_LEG;
	c->env.update_leg = &c->u.update;
	command_to_owner(c, on_updated);
}

/* ----------------------------------------------------------------- remove */

static void on_removed(struct command *c, const Sy__Result *res)
{
	(void)res;
	api_reply_empty(c->a);
}

void api_legs_remove(struct api_req *a)
{
	struct command *c = command_for_leg(a);

	if (!c)
		return;

	sy__remove_leg__init(&c->u.remove);
	c->u.remove.call = c->call;
	c->u.remove.leg = c->leg;
	c->u.remove.reason = "removed by the API";
	c->env.body_case = SY__ENVELOPE__BODY_REMOVE_LEG;
	c->env.remove_leg = &c->u.remove;
	command_to_owner(c, on_removed);
}

/* SPDX-License-Identifier: MIT */
/*
 * POST /api/providers/test: a router tries a trunk out (router/trials.h): one
 * that is configured, named by its id alone, or one as it might be.  Nothing
 * of it is stored.
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/body.h"
#include "gateway/api/config.h"
#include "gateway/api/faults.h"

enum { TEST_MS = 28000 };

/* Id of one that has none yet. */
#define NEW_ID "new"

struct testing {
	struct api_req *a;       /* held */
	Sy__Trunk *trunk;
};

static void destructor(void *arg)
{
	struct testing *t = arg;

	if (t->trunk)
		sy__trunk__free_unpacked(t->trunk, NULL);
}

static void end(struct testing *t)
{
	struct api_req *a = t->a;

	mem_deref(t);
	api_release(a);
}

static void on_result(const Sy__Result *res, void *arg)
{
	struct testing *t = arg;

	if (!res->code && res->trunk_test)
		api_reply(t->a, 200, &res->trunk_test->base);
	else if (res->code == SY__RESULT_CODE__TIMED_OUT)
		(void)problem(t->a->web, 504, "timeout",
			      "the router did not answer in time");
	else
		api_reply_result(t->a, res);
	end(t);
}

static bool is_live(const Sy__Member *m, void *arg)
{
	if (m->state != SY__MEMBER_STATE__LIVE)
		return false;
	str_ncpy(arg, m->id, ROUTE_PARAM_SIZE);

	return true;
}

static bool has_only_id(const Sy__Trunk *t)
{
	Sy__Trunk bare = SY__TRUNK__INIT;

	bare.id = t->id;

	return t->id[0] && config_item_equal(&bare.base, &t->base);
}

/* As it might be. @return true, or false: was answered. */
static bool check(struct testing *t, const Sy__Config *conf)
{
	const ProtobufCMessage *old;
	struct faults own = {.n = 0};
	struct config_edit_error why;
	int err = 0;

	if (!t->trunk->id[0])
		t->trunk->id = strdup(NEW_ID);
	if (!t->trunk->id)
		err = ENOMEM;
	old = err ? NULL : config_item_find(conf, CONFIG_TRUNKS, t->trunk->id);
	if (!err)
		err = config_edit_keep(CONFIG_TRUNKS, &t->trunk->base, old);
	if (!err)
		err = config_edit_check(conf, CONFIG_TRUNKS, t->trunk->id,
					&t->trunk->base, &why, faults_add,
					&own);
	if (err == EBADMSG && why.own)
		faults_refuse(t->a->web, &own);
	else if (err && err != EBADMSG)
		api_reply_err(t->a, err, "provider");
	faults_reset(&own);

	/* What stands in the way of others does not matter here. */
	return (!err || (err == EBADMSG && !why.own)) &&
	       config_seal_item(t->a, conf, CONFIG_TRUNKS, &t->trunk->base);
}

/* @return true, or false: was answered. */
static bool make(struct testing *t, const Sy__Config *conf)
{
	static const struct problem_field nobody = {
		.field = "id",
		.cause = "there is no such provider",
		.allowed = "one that is configured, or all of a trunk to be "
			   "tried"};
	const Sy__Trunk *body = (const Sy__Trunk *)t->a->body;
	const bool stored = has_only_id(body);
	const ProtobufCMessage *from = &body->base;

	if (stored)
		from = config_item_find(conf, CONFIG_TRUNKS, body->id);
	if (!from) {
		(void)problem_fields(t->a->web, &nobody, 1);
		return false;
	}
	t->trunk = (Sy__Trunk *)config_item_copy(from);
	if (!t->trunk) {
		api_reply_err(t->a, ENOMEM, "provider");
		return false;
	}

	return stored || check(t, conf);
}

static void ask(struct testing *t)
{
	struct view *v = t->a->api->view;
	Sy__Envelope env = SY__ENVELOPE__INIT;
	char router[ROUTE_PARAM_SIZE] = "";

	member_apply(view_members(v), SY__MEMBER_KIND__ROUTER, is_live, router);
	if (!*router) {
		api_unavailable(t->a, "no router is there to try it");
		end(t);
		return;
	}
	env.body_case = SY__ENVELOPE__BODY_TEST_TRUNK;
	env.test_trunk = t->trunk;
	if (bus_request_member(view_bus(v), router, &env, TEST_MS, on_result,
			       t)) {
		api_reply_err(t->a, ENOMEM, "provider");
		end(t);
	}
}

void api_providers_test(struct api_req *a)
{
	const Sy__Config *conf = config_now(a);
	struct testing *t;

	if (!conf)
		return;
	t = mem_zalloc(sizeof(*t), destructor);
	if (!t) {
		api_reply_err(a, ENOMEM, "provider");
		return;
	}
	api_hold(a);
	t->a = a;
	if (make(t, conf))
		ask(t);
	else
		end(t);
}

/* SPDX-License-Identifier: MIT */
/*
 * POST, PUT, PATCH, DELETE of one item of the configuration.
 *
 *   as it is --preconditions--> as it shall be --checked, sealed--> stored if
 *      ^                                                            nothing else
 *      |                                                            changed since
 *      +---- somebody was faster: load what he stored --------------------+
 *
 * So two who change different items at once both succeed, and who named an
 * entity tag is told when that item is another one by now.  The answer comes
 * once this gateway has loaded the change.
 */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/api/body.h"
#include "gateway/api/config.h"
#include "gateway/api/etag.h"
#include "gateway/api/faults.h"
#include "gateway/config_wait.h"
#include "proto/config.h"
#include "proto/loop.h"

enum kind { MAKE, SET, PATCH, REMOVE };

struct edit {
	struct api_req *a;        /* held                                  */
	enum config_section s;
	enum kind kind;
	const char *id;           /* in the path, or the body              */
	ProtobufCMessage *item;   /* as it shall be; NULL: removed         */
	bool was;                 /* there before                          */
	uint64_t until_us;        /* then it is given up                  */
};

static void destructor(void *arg)
{
	struct edit *e = arg;

	if (e->item)
		protobuf_c_message_free_unpacked(e->item, NULL);
}

/* Answered. */
static void end(struct edit *e)
{
	struct api_req *a = e->a;

	mem_deref(e);
	api_release(a);
}

static const char *what(const struct edit *e)
{
	return config_section_def(e->s)->what;
}

/* ----------------------------------------------------------------- answer */

static const char *place_of(const struct edit *e)
{
	static const char *const v[CONFIG_SECTIONS] = {
		[CONFIG_DEVICES] = "devices",
		[CONFIG_TRUNKS] = "providers",
		[CONFIG_ROUTES] = "routes",
		[CONFIG_GROUPS] = "groups",
	};

	return v[e->s];
}

static void answer(struct edit *e)
{
	if (!e->item) {
		api_reply_empty(e->a);
	} else {
		if (!e->was)
			(void)web_head(e->a->web, "location",
				       "/api/config/%s/%s", place_of(e),
				       config_item_id(e->s, e->item));
		config_show(e->a, e->was ? 200 : 201, e->s, e->item);
	}
	end(e);
}

static void on_loaded(void *arg)
{
	answer(arg);
}

/* ------------------------------------------------------------------ store */

static void step(struct edit *e);

static void on_other(void *arg)
{
	step(arg);
}

static void on_stored(int err, uint64_t revision, void *arg)
{
	struct edit *e = arg;
	const bool faster = err == ESTALE;

	if (err && (!faster || loop_now_us() > e->until_us)) {
		if (faster)
			config_busy(e->a);
		else
			api_reply_err(e->a, err, what(e));
		end(e);
		return;
	}
	if (!err && e->kind == REMOVE && e->s == CONFIG_DEVICES)
		config_device_gone(e->a->api->view, e->id);
	if (config_wait(view_config_waits(e->a->api->view), revision,
			CONFIG_LOADED_MS, faster ? on_other : on_loaded, e))
		on_loaded(e);
}

static void store(struct edit *e, const Sy__Config *conf)
{
	struct redis *redis = view_redis(e->a->api->view);
	const char *id = e->s == CONFIG_SETTINGS ? "" : e->id;
	int err;

	err = config_item_put(redis, e->s, id, e->item, conf->revision,
			      on_stored, e);
	if (err) {
		api_reply_err(e->a, err, what(e));
		end(e);
	}
}

/* ------------------------------------------------------- as it shall be */

/* @return true, or false: was answered. */
static bool is_possible(struct edit *e, const ProtobufCMessage *old)
{
	char tag[ETAG_SIZE];

	etag_item(tag, e->a, e->s, old);
	if (!etag_check(e->a, tag))
		return false;
	if (e->kind == MAKE && old) {
		(void)problem(e->a->web, 409, "exists",
			      "there is a %s \"%s\" already: change it by PUT "
			      "or PATCH", what(e), e->id);
		return false;
	}
	if (e->kind >= PATCH && !old) {
		api_reply_err(e->a, ENOENT, what(e));
		return false;
	}

	return true;
}

static bool set_id(struct edit *e)
{
	const ProtobufCFieldDescriptor *f = &e->item->descriptor->fields[0];
	const char *id;
	char **idp;

	if (e->s == CONFIG_SETTINGS)
		return true;
	id = config_item_id(e->s, e->item);
	if (!strcmp(id, e->id))
		return true;
	if (*id) {
		struct problem_field bad = {
			.field = "id",
			.cause = "is not that of the path: an item keeps its "
				 "id",
			.allowed = e->id,
		};

		(void)problem_fields(e->a->web, &bad, 1);
		return false;
	}
	idp = (char **)(void *)((uint8_t *)e->item + f->offset);
	*idp = strdup(e->id);

	return *idp != NULL;
}

static bool make_item(struct edit *e, const ProtobufCMessage *old)
{
	union config_any shown;

	if (e->item)
		protobuf_c_message_free_unpacked(e->item, NULL);
	e->item = NULL;
	if (e->kind == PATCH) {
		config_edit_hide(e->s, &shown, old);
		return body_merge(e->a, &e->item, &shown.base) && set_id(e);
	}
	e->item = config_item_copy(e->a->body);
	if (!e->item) {
		api_reply_err(e->a, ENOMEM, what(e));
		return false;
	}

	return set_id(e);
}

/* What is wrong with the item is the client's; what would not hold any more
 * with it, is in its way. */
static void refuse(struct edit *e, struct config_edit_error *why,
		   struct faults *own)
{
	char *allowed;

	if (why->own) {
		faults_refuse(e->a->web, own);
		return;
	}
	allowed = strstr(why->text, "; allowed: ");
	if (allowed)
		*allowed = '\0';
	(void)problem(e->a->web, 409, "in-use",
		      "it is needed: of %s%s%s, %s", why->section,
		      *why->id ? " " : "", why->id, why->text);
}

static bool is_right(struct edit *e, const Sy__Config *conf,
		     const ProtobufCMessage *old)
{
	struct faults own = {.n = 0};
	struct config_edit_error why;
	int err;

	err = e->item ? config_edit_keep(e->s, e->item, old) : 0;
	if (!err)
		err = config_edit_check(conf, e->s, e->id, e->item, &why,
					faults_add, &own);
	if (err == EBADMSG)
		refuse(e, &why, &own);
	else if (err)
		api_reply_err(e->a, err, what(e));
	faults_reset(&own);

	return !err &&
	       (!e->item || config_seal_item(e->a, conf, e->s, e->item));
}

static void step(struct edit *e)
{
	const Sy__Config *conf = config_now(e->a);
	const ProtobufCMessage *old;

	if (!conf) {
		end(e);
		return;
	}
	old = config_item_find(conf, e->s, e->id);
	e->was = old != NULL;
	if (!is_possible(e, old) ||
	    (e->kind != REMOVE && !make_item(e, old)) ||
	    !is_right(e, conf, old)) {
		end(e);
		return;
	}
	if (old && e->item && config_item_equal(old, e->item))
		answer(e);
	else
		store(e, conf);
}

static void start(struct api_req *a, enum kind kind)
{
	struct edit *e;

	if (!view_has_redis(a->api->view)) {
		api_reply_err(a, ENOTCONN, "");
		return;
	}
	e = mem_zalloc(sizeof(*e), destructor);
	if (!e) {
		api_reply_err(a, ENOMEM, "");
		return;
	}
	api_hold(a);
	e->a = a;
	e->until_us = loop_now_us() + CONFIG_EDIT_MS * 1000ull;
	e->s = config_section_of(a);
	e->kind = kind;
	e->id = kind == MAKE ? config_item_id(e->s, a->body) : a->params.v[0];
	step(e);
}

void api_config_make(struct api_req *a)
{
	start(a, MAKE);
}

void api_config_set(struct api_req *a)
{
	start(a, SET);
}

void api_config_patch(struct api_req *a)
{
	start(a, PATCH);
}

void api_config_remove(struct api_req *a)
{
	start(a, REMOVE);
}

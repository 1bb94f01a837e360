/* SPDX-License-Identifier: MIT */
/*
 * The whole configuration as one document: GET and PUT /api/config, and POST
 * /api/config/check, which says what PUT would do.
 *
 * Secrets are left out of what is shown; who puts it back without them leaves
 * them as they are.  Tokens are given out by /api/tokens: here they stay as
 * they are where the document has none, and are changed only by who may make
 * them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>

#include "gateway/api/body.h"
#include "gateway/api/config.h"
#include "gateway/api/config_diff.h"
#include "gateway/api/etag.h"
#include "gateway/api/faults.h"
#include "gateway/config_wait.h"
#include "proto/config.h"
#include "proto/config_check.h"
#include "proto/config_index.h"
#include "proto/config_secret.h"
#include "proto/loop.h"

struct whole {
	struct api_req *a;       /* held                                  */
	Sy__Config *conf;        /* as it shall be                        */
	Sy__ConfigCheck *diff;   /* from what was                         */
	bool only_check;
	uint64_t until_us;        /* then it is given up                  */
};

static void destructor(void *arg)
{
	struct whole *w = arg;

	if (w->conf)
		sy__config__free_unpacked(w->conf, NULL);
	if (w->diff)
		sy__config_check__free_unpacked(w->diff, NULL);
}

static void end(struct whole *w)
{
	struct api_req *a = w->a;

	mem_deref(w);
	api_release(a);
}

/* ------------------------------------------------------------------- show */

static void hide(Sy__Config *conf)
{
	for (int s = CONFIG_SETTINGS; s < CONFIG_SECTIONS; s++) {
		size_t n;
		ProtobufCMessage **v =
			config_section_items(conf, (enum config_section)s, &n);

		for (size_t i = 0; i < n; i++)
			config_edit_forget((enum config_section)s, v[i]);
	}
}

static void show(struct api_req *a, const Sy__Config *conf)
{
	Sy__Config *copy = (Sy__Config *)config_item_copy(&conf->base);
	char tag[ETAG_SIZE];

	if (!copy) {
		api_reply_err(a, ENOMEM, "configuration");
	} else {
		hide(copy);
		etag_revision(tag, conf->revision);
		(void)web_head(a->web, "etag", "%s", tag);
		body_reply_brief(a, 200, &copy->base);
	}
	if (copy)
		sy__config__free_unpacked(copy, NULL);
}

void api_config_get(struct api_req *a)
{
	const Sy__Config *conf = config_now(a);
	char tag[ETAG_SIZE];

	if (!conf)
		return;
	etag_revision(tag, conf->revision);
	if (etag_check(a, tag))
		show(a, conf);
}

/* ------------------------------------------------------- as it shall be */

/* Whoever may change the configuration must not make himself a token that may
 * more. */
static int keep_tokens(struct whole *w, const Sy__Config *now)
{
	Sy__Config *conf = w->conf;

	if (conf->n_tokens || !now->n_tokens)
		return 0;
	conf->tokens = calloc(now->n_tokens, sizeof(*conf->tokens));
	if (!conf->tokens)
		return ENOMEM;
	for (size_t i = 0; i < now->n_tokens; i++) {
		conf->tokens[i] = (Sy__ApiToken *)config_item_copy(
			&now->tokens[i]->base);
		if (!conf->tokens[i])
			return ENOMEM;
		conf->n_tokens++;
	}

	return 0;
}

/* Devices by a table: there may be 10,000 of them. */
static int keep_section(Sy__Config *conf, const Sy__Config *now,
			const struct config_index *had, enum config_section s)
{
	size_t n;
	ProtobufCMessage **v = config_section_items(conf, s, &n);
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		const char *id = config_item_id(s, v[i]);
		const ProtobufCMessage *old;

		if (s == CONFIG_DEVICES) {
			const Sy__Device *d =
				config_index_device(had, id, strlen(id));

			old = d ? &d->base : NULL;
		} else {
			old = config_item_find(now, s, id);
		}
		err = config_edit_keep(s, v[i], old);
	}

	return err;
}

/* With another realm the hashes of devices are worth nothing. */
static bool same_realm(const Sy__Config *a, const Sy__Config *b)
{
	return a->settings && b->settings &&
	       !strcmp(a->settings->realm, b->settings->realm);
}

static int keep(struct whole *w, const Sy__Config *now)
{
	struct config_index *had = NULL;
	int err;

	err = config_index_alloc(&had, now);
	if (!err)
		err = keep_tokens(w, now);
	if (!err && same_realm(w->conf, now))
		err = keep_section(w->conf, now, had, CONFIG_DEVICES);
	if (!err)
		err = keep_section(w->conf, now, had, CONFIG_SETTINGS);
	if (!err)
		err = keep_section(w->conf, now, had, CONFIG_TRUNKS);
	if (!err)
		err = keep_section(w->conf, now, had, CONFIG_TOKENS);
	mem_deref(had);

	return err;
}

/* What the check found, as its answer. */
static void report(struct whole *w, const struct faults *faults)
{
	Sy__ConfigCheck out = SY__CONFIG_CHECK__INIT;
	Sy__FieldError bad[CONFIG_WRONG_MAX], *badv[CONFIG_WRONG_MAX];

	for (size_t i = 0; i < faults->n && i < CONFIG_WRONG_MAX; i++) {
		const struct problem_field *f = faults_field(faults, i);

		sy__field_error__init(&bad[i]);
		bad[i].field = (char *)(uintptr_t)f->field;
		bad[i].cause = (char *)(uintptr_t)f->cause;
		bad[i].allowed = (char *)(uintptr_t)(f->allowed ? f->allowed
								: "");
		badv[out.n_errors++] = &bad[i];
	}
	out.errors = badv;
	api_reply(w->a, 200, &out.base);
}

/* @return true, or false: was answered. */
static bool is_right(struct whole *w)
{
	struct faults faults = {.n = 0};

	if (!config_check_all(w->conf, faults_add, &faults))
		return true;
	if (w->only_check)
		report(w, &faults);
	else
		faults_refuse(w->a->web, &faults);
	faults_reset(&faults);

	return false;
}

/* @return true, or false: was answered. */
static bool seal(struct whole *w, const Sy__Config *now)
{
	struct api_req *a = w->a;
	int err = config_secret_hash(w->conf);

	if (!err && !config_has_key(a, w->conf))
		return false;
	if (!err && a->api->key)
		err = config_seal_again(a->api->key, w->conf, now);
	if (!err)
		err = config_secret_seal(w->conf, a->api->key);
	if (err)
		api_reply_err(a, err, "configuration");

	return !err;
}

static bool changes_tokens(const struct whole *w)
{
	for (size_t i = 0; i < w->diff->n_changes; i++) {
		if (!strcmp(w->diff->changes[i]->section, "tokens"))
			return true;
	}

	return false;
}

/* @return true, or false: was answered. */
static bool make(struct whole *w, const Sy__Config *now)
{
	int err;

	if (w->conf)
		sy__config__free_unpacked(w->conf, NULL);
	if (w->diff)
		sy__config_check__free_unpacked(w->diff, NULL);
	w->diff = malloc(sizeof(*w->diff));
	if (w->diff)
		sy__config_check__init(w->diff);
	w->conf = (Sy__Config *)config_item_copy(w->a->body);
	err = w->conf && w->diff ? keep(w, now) : ENOMEM;
	if (!err && (!is_right(w) || !seal(w, now)))
		return false;
	if (!err)
		err = config_diff(w->diff, now, w->conf);
	if (err) {
		api_reply_err(w->a, err, "configuration");
		return false;
	}
	if (changes_tokens(w) && !api_may(w->a, "tokens:write")) {
		(void)problem(w->a->web, 403, "forbidden",
			      "tokens are changed only with the scope "
			      "tokens:write: leave them out");
		return false;
	}
	w->diff->valid = true;
	w->diff->revision = now->revision;

	return true;
}

/* ------------------------------------------------------------------ store */

static void step(struct whole *w);

static void on_other(void *arg)
{
	step(arg);
}

static void on_loaded(void *arg)
{
	struct whole *w = arg;
	const Sy__Config *conf = config_now(w->a);

	if (conf)
		show(w->a, conf);
	end(w);
}

static void forget_devices(const struct whole *w)
{
	for (size_t i = 0; i < w->diff->n_changes; i++) {
		const Sy__ConfigChange *c = w->diff->changes[i];

		if (!strcmp(c->section, "devices") &&
		    !strcmp(c->change, "remove"))
			config_device_gone(w->a->api->view, c->id);
	}
}

static void on_stored(int err, uint64_t revision, void *arg)
{
	struct whole *w = arg;
	const bool faster = err == ESTALE;

	if (err && (!faster || loop_now_us() > w->until_us)) {
		if (faster)
			config_busy(w->a);
		else
			api_reply_err(w->a, err, "configuration");
		end(w);
		return;
	}
	if (!err)
		forget_devices(w);
	if (config_wait(view_config_waits(w->a->api->view), revision,
			CONFIG_LOADED_MS, faster ? on_other : on_loaded, w))
		on_loaded(w);
}

static void step(struct whole *w)
{
	struct redis *redis = view_redis(w->a->api->view);
	const Sy__Config *now = config_now(w->a);
	char tag[ETAG_SIZE];
	int err;

	if (now)
		etag_revision(tag, now->revision);
	if (!now || !etag_check(w->a, tag) || !make(w, now)) {
		end(w);
		return;
	}
	if (w->only_check) {
		api_reply(w->a, 200, &w->diff->base);
		end(w);
		return;
	}
	if (!w->diff->n_changes) {
		show(w->a, now);
		end(w);
		return;
	}
	err = config_put(redis, w->conf, now->revision, on_stored, w);
	if (err) {
		api_reply_err(w->a, err, "configuration");
		end(w);
	}
}

static void start(struct api_req *a, bool only_check)
{
	struct whole *w;

	if (!only_check && !view_has_redis(a->api->view)) {
		api_reply_err(a, ENOTCONN, "");
		return;
	}
	w = mem_zalloc(sizeof(*w), destructor);
	if (!w) {
		api_reply_err(a, ENOMEM, "");
		return;
	}
	api_hold(a);
	w->a = a;
	w->until_us = loop_now_us() + CONFIG_EDIT_MS * 1000ull;
	w->only_check = only_check;
	step(w);
}

void api_config_put(struct api_req *a)
{
	start(a, false);
}

void api_config_check(struct api_req *a)
{
	start(a, true);
}

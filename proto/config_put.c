/* SPDX-License-Identifier: MIT */
/*
 * One script replaces all, or one item; then the new revision is published, and
 * with it the item.
 * Should we die between the two, watchers find it at their next look
 * (config.c).
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "proto/config.h"
#include "proto/config_keys.h"
#include "proto/config_section.h"
#include "proto/script.h"

enum {
	PUT_DEADLINE_MS = 10000,
	TOLD_MAX_BYTES = 32768, /* of an item; a larger one is loaded      */
};

struct put {
	struct redis *redis;  /* borrowed: drops us when it goes */
	config_put_h *h;
	void *arg;
	uint64_t revision;
	/* Of one item, to be told with it; else NULL. */
	const char *section;
	char *id;
	uint8_t *record;
	size_t len;
};

static void put_destructor(void *arg)
{
	struct put *p = arg;

	mem_deref(p->id);
	mem_deref(p->record);
}

/* The arguments, and where the packed records lie. */
struct args {
	const char **argv;
	size_t *lenv;
	int argc;
	uint8_t *data;
	size_t used;
	char countv[5][16];
	char expected[32];
};

static void args_destructor(void *arg)
{
	struct args *a = arg;

	mem_deref(a->argv);
	mem_deref(a->lenv);
	mem_deref(a->data);
}

static void add(struct args *a, const void *p, size_t len)
{
	a->argv[a->argc] = p;
	a->lenv[a->argc++] = len;
}

static void add_message(struct args *a, const ProtobufCMessage *msg)
{
	uint8_t *p = a->data + a->used;
	const size_t len = protobuf_c_message_pack(msg, p);

	add(a, p, len);
	a->used += len;
}

/* A hash: every record has its id as its first field. */
static void add_section(struct args *a, int section, void *const *msgv,
			size_t n, size_t id_offset)
{
	char *count = a->countv[section], *id;
	size_t i;

	(void)snprintf(count, sizeof(a->countv[0]), "%zu", n);
	add(a, count, strlen(count));
	for (i = 0; i < n; i++) {
		memcpy(&id, (char *)msgv[i] + id_offset, sizeof(id));
		add(a, id, strlen(id));
		add_message(a, msgv[i]);
	}
}

static int args_alloc(struct args **ap, const Sy__Config *conf)
{
	/* Keys, expected, settings, five counts. */
	const size_t n = CONFIG_KEYC + 7 +
			 2 * (conf->n_devices + conf->n_trunks +
			      conf->n_routes + conf->n_tokens +
			      conf->n_groups);
	struct args *a;

	a = mem_zalloc(sizeof(*a), args_destructor);
	if (!a)
		return ENOMEM;

	a->argv = mem_zalloc(n * sizeof(*a->argv), NULL);
	a->lenv = mem_zalloc(n * sizeof(*a->lenv), NULL);
	/* The whole is no smaller than its parts. */
	a->data = mem_zalloc(sy__config__get_packed_size(conf) + 1, NULL);
	if (!a->argv || !a->lenv || !a->data) {
		mem_deref(a);
		return ENOMEM;
	}
	*ap = a;

	return 0;
}

/* @param expected  As the script has it. */
static void args_fill(struct args *a, const Sy__Config *conf,
		      const char *expected)
{
	static const char *const keyv[] = {CONFIG_KEYS};
	size_t i;

	for (i = 0; i < CONFIG_KEYC; i++)
		add(a, keyv[i], strlen(keyv[i]));

	(void)snprintf(a->expected, sizeof(a->expected), "%s", expected);
	add(a, a->expected, strlen(a->expected));
	if (conf->settings)
		add_message(a, &conf->settings->base);
	else
		add(a, "", 0);

	add_section(a, 0, (void *const *)conf->devices, conf->n_devices,
		    offsetof(Sy__Device, id));
	add_section(a, 1, (void *const *)conf->trunks, conf->n_trunks,
		    offsetof(Sy__Trunk, id));
	add_section(a, 2, (void *const *)conf->routes, conf->n_routes,
		    offsetof(Sy__Route, id));
	add_section(a, 3, (void *const *)conf->tokens, conf->n_tokens,
		    offsetof(Sy__ApiToken, id));
	add_section(a, 4, (void *const *)conf->groups, conf->n_groups,
		    offsetof(Sy__Group, id));
}

static void done(struct put *p, int err)
{
	if (p->h)
		p->h(err, p->revision, p->arg);
	mem_deref(p);
}

/* Whether or not it was published, it was put. */
static void publish_handler(int err, const redisReply *reply, void *arg)
{
	(void)err;
	(void)reply;
	done(arg, 0);
}

/* @param r  What the script answered. */
static int publish(struct put *p, const redisReply *r)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__ConfigChanged cc = SY__CONFIG_CHANGED__INIT;
	uint8_t *buf;
	size_t len;
	int err;

	cc.revision = p->revision;
	if (p->id && r->elements == 4 &&
	    r->element[2]->type == REDIS_REPLY_STRING &&
	    r->element[3]->type == REDIS_REPLY_STRING) {
		cc.before = r->element[2]->str;
		cc.stamp = r->element[3]->str;
		cc.section = (char *)(uintptr_t)p->section;
		cc.id = p->id;
		cc.record.data = p->record;
		cc.record.len = p->len;
	}
	env.body_case = SY__ENVELOPE__BODY_CONFIG_CHANGED;
	env.config_changed = &cc;
	buf = mem_alloc(sy__envelope__get_packed_size(&env), NULL);
	if (!buf)
		return ENOMEM;
	len = sy__envelope__pack(&env, buf);

	err = redis_command(p->redis, 0, publish_handler, p, "PUBLISH %s %b",
			    BUS_CHANNEL_CONFIG, buf, len);
	if (!err)
		redis_arg_owned(p->redis);
	mem_deref(buf);

	return err;
}

static void put_handler(int err, const redisReply *reply, void *arg)
{
	struct put *p = arg;
	bool ok;

	if (!err && (reply->type != REDIS_REPLY_ARRAY ||
		     reply->elements < 2 ||
		     reply->element[0]->type != REDIS_REPLY_INTEGER ||
		     reply->element[1]->type != REDIS_REPLY_STRING))
		err = EBADMSG;
	if (err) {
		done(p, err);
		return;
	}

	ok = reply->element[0]->integer == 1;
	p->revision = strtoull(reply->element[1]->str, NULL, 10);
	if (!ok)
		done(p, ESTALE);
	else if (publish(p, reply))
		done(p, 0);
}

/* The last gate before Redis: a plain password does not pass. */
static bool has_password(const Sy__Config *conf)
{
	size_t i;

	if (conf->settings && config_section_is_plain(CONFIG_SETTINGS,
						      &conf->settings->base))
		return true;
	for (i = 0; i < conf->n_devices; i++) {
		if (config_section_is_plain(CONFIG_DEVICES,
					    &conf->devices[i]->base))
			return true;
	}
	for (i = 0; i < conf->n_trunks; i++) {
		if (config_section_is_plain(CONFIG_TRUNKS,
					    &conf->trunks[i]->base))
			return true;
	}

	return false;
}

static struct put *put_alloc(struct redis *r, config_put_h *h, void *arg)
{
	struct put *p = mem_zalloc(sizeof(*p), put_destructor);

	if (p) {
		p->redis = r;
		p->h = h;
		p->arg = arg;
	}

	return p;
}

/* @param p  Taken; or NULL. */
static int run(struct put *p, enum script script, int keyc,
	       const struct args *a)
{
	int err;

	if (!p)
		return ENOMEM;
	err = script_run_owned(p->redis, script, PUT_DEADLINE_MS, put_handler, p,
			       keyc, a->argc, a->argv, a->lenv);
	if (err)
		mem_deref(p);

	return err;
}

static int put(struct redis *r, const Sy__Config *conf, const char *expected,
	       config_put_h *h, void *arg)
{
	struct args *a = NULL;
	int err;

	if (!r || !conf || has_password(conf))
		return EINVAL;

	err = args_alloc(&a, conf);
	if (!err) {
		args_fill(a, conf, expected);
		err = run(put_alloc(r, h, arg), SCRIPT_CONFIG_PUT, CONFIG_KEYC,
			  a);
	}
	mem_deref(a);

	return err;
}

int config_put(struct redis *r, const Sy__Config *conf, uint64_t expected,
	       config_put_h *h, void *arg)
{
	char text[24] = "*";

	if (expected != UINT64_MAX)
		(void)snprintf(text, sizeof(text), "%llu",
			       (unsigned long long)expected);

	return put(r, conf, text, h, arg);
}

int config_put_again(struct redis *r, const Sy__Config *conf)
{
	char text[32];

	if (!conf)
		return EINVAL;
	(void)snprintf(text, sizeof(text), "again:%llu",
		       (unsigned long long)conf->revision);

	return put(r, conf, text, NULL, NULL);
}

int config_item_put(struct redis *r, enum config_section section,
		    const char *id, const ProtobufCMessage *item,
		    uint64_t expected, config_put_h *h, void *arg)
{
	const struct config_section_def *def = config_section_def(section);
	const char *argv[5];
	size_t lenv[5];
	struct args a = {.argv = argv, .lenv = lenv};
	struct put *p;
	int err;

	if (!r || !id || !expected || config_section_is_plain(section, item))
		return EINVAL;

	a.data = mem_zalloc(item ? protobuf_c_message_get_packed_size(item) + 1
				 : 1, NULL);
	if (!a.data)
		return ENOMEM;
	(void)snprintf(a.expected, sizeof(a.expected), "%llu",
		       (unsigned long long)expected);
	add(&a, CONFIG_KEY, strlen(CONFIG_KEY));
	add(&a, def->key, strlen(def->key));
	add(&a, a.expected, strlen(a.expected));
	add(&a, id, strlen(id));
	if (item)
		add_message(&a, item);
	else
		add(&a, "", 0);
	p = put_alloc(r, h, arg);
	if (p && a.used <= TOLD_MAX_BYTES && !str_dup(&p->id, id)) {
		p->section = def->name;
		p->record = mem_ref(a.data);
		p->len = a.used;
	}
	err = run(p, SCRIPT_CONFIG_ITEM_PUT, 2, &a);
	mem_deref(a.data);

	return err;
}

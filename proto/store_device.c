/* SPDX-License-Identifier: MIT */
/* State of devices beside their configuration: see store_device.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/store_ask.h"
#include "proto/store_device.h"

enum { KEY_SIZE = 96, MEMBERS_MAX = 100 };

#define KEY_TURN "sy:turn"
#define KEY_IDLE "sy:idle"

const char *const store_forward_names[STORE_FORWARDS] = {
	"always", "busy", "no_answer", "unreachable",
};

/* ------------------------------------------------------------- one device */

static void field(struct store_device *st, const char *name, const char *value)
{
	for (size_t i = 0; i < STORE_FORWARDS; i++) {
		if (strcmp(name, store_forward_names[i]))
			continue;
		st->set[i] = true;
		str_ncpy(st->forward[i], value, sizeof(st->forward[i]));
	}
	if (!strcmp(name, "dnd")) {
		st->dnd_set = true;
		st->dnd = value[0] == '1';
	}
	else if (!strcmp(name, "no_answer_s")) {
		st->no_answer_s_set = true;
		st->no_answer_s = (uint32_t)strtoul(value, NULL, 10);
	}
}

static void device_handler(int err, const redisReply *reply, void *arg)
{
	struct store_device st = {0};
	struct ask *a = arg;

	if (!err && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	for (size_t i = 0; !err && i + 1 < reply->elements; i += 2) {
		if (reply->element[i]->type == REDIS_REPLY_STRING &&
		    reply->element[i + 1]->type == REDIS_REPLY_STRING)
			field(&st, reply->element[i]->str,
			      reply->element[i + 1]->str);
	}
	if (a->h)
		((store_device_h *)a->h)(err, err ? NULL : &st, a->arg);
	mem_deref(a);
}

int store_device_get(struct redis *r, const char *device, store_device_h *h,
		     void *arg)
{
	return ask_command(r, device_handler, ask_alloc((ask_h *)h, arg),
			   "HGETALL sy:device:{%s}", device);
}

int store_device_change(struct redis *r, const char *device,
			const struct store_device_change *change,
			store_device_h *h, void *arg)
{
	const char *argv[1 + 2 * (STORE_FORWARDS + 2)];
	char key[KEY_SIZE];
	int argc = 0;

	if (re_snprintf(key, sizeof(key), "sy:device:{%s}", device) < 0)
		return EINVAL;
	argv[argc++] = key;
	if (change->dnd) {
		argv[argc++] = "dnd";
		argv[argc++] = change->dnd;
	}
	for (size_t i = 0; i < STORE_FORWARDS; i++) {
		if (!change->forward[i])
			continue;
		argv[argc++] = store_forward_names[i];
		argv[argc++] = change->forward[i];
	}
	if (change->no_answer_s) {
		argv[argc++] = "no_answer_s";
		argv[argc++] = change->no_answer_s;
	}

	return ask_script(r, SCRIPT_DEVICE_STATE, device_handler,
			  ask_alloc((ask_h *)h, arg), 1, argc, argv, NULL);
}

void store_device_forward(Sy__Forward *f, const Sy__Device *dev,
			  const struct store_device *st)
{
	char **const v[STORE_FORWARDS] = {
		&f->always, &f->busy, &f->no_answer, &f->unreachable,
	};

	if (dev && dev->forward)
		*f = *dev->forward;
	else
		sy__forward__init(f);
	for (size_t i = 0; st && i < STORE_FORWARDS; i++) {
		if (st->set[i])
			*v[i] = (char *)(uintptr_t)st->forward[i];
	}
	if (st && st->no_answer_s_set)
		f->no_answer_s = st->no_answer_s;
}

bool store_device_dnd(const Sy__Device *dev, const struct store_device *st)
{
	return st && st->dnd_set ? st->dnd : dev && dev->do_not_disturb;
}

/* ----------------------------------------------------------------- groups */

static uint64_t number(const redisReply *r)
{
	if (r->type == REDIS_REPLY_INTEGER)
		return (uint64_t)r->integer;

	return r->type == REDIS_REPLY_STRING ? strtoull(r->str, NULL, 10) : 0;
}

static void group_handler(int err, const redisReply *reply, void *arg)
{
	uint64_t v[MEMBERS_MAX];
	struct ask *a = arg;
	size_t n = 0;

	if (!err && reply->type == REDIS_REPLY_INTEGER)
		v[n++] = number(reply);
	else if (!err && reply->type == REDIS_REPLY_ARRAY)
		for (; n < reply->elements && n < MEMBERS_MAX; n++)
			v[n] = number(reply->element[n]);
	else if (!err)
		err = EBADMSG;

	((store_group_h *)a->h)(err, v, n, a->arg);
	mem_deref(a);
}

int store_group_turn(struct redis *r, const char *group, store_group_h *h,
		     void *arg)
{
	return ask_command(r, group_handler, ask_alloc((ask_h *)h, arg),
			   "HINCRBY " KEY_TURN " %s 1", group);
}

int store_group_idle(struct redis *r, char *const *members, size_t n,
		     store_group_h *h, void *arg)
{
	const char *argv[MEMBERS_MAX + 2] = {"HMGET", KEY_IDLE};

	if (n > MEMBERS_MAX)
		return EINVAL;
	for (size_t i = 0; i < n; i++)
		argv[2 + i] = members[i];

	return ask_argv(r, group_handler, ask_alloc((ask_h *)h, arg),
			(int)n + 2, argv, NULL);
}

int store_device_idle(struct redis *r, const char *device, uint64_t now_ms)
{
	return redis_command(r, 0, NULL, NULL, "HSET " KEY_IDLE " %s %llu",
			     device, (unsigned long long)now_ms);
}

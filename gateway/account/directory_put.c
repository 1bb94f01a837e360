/* SPDX-License-Identifier: MIT */
/*
 * Changes of the directory.  Who made one hears of it when this gateway has
 * it: what he asks next must show it.
 *
 *   script -> published -> looked -> handler
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "gateway/account/directory_impl.h"
#include "proto/script.h"

enum {
	ARGS = 7,           /* of acct_put.lua, beside the keys           */
	DEADLINE_MS = 2000,
};

struct put {
	struct le le;
	struct directory *d;  /* NULL: it is gone                         */
	uint64_t look;        /* 0: the script has not answered yet       */
	directory_put_h *h;
	void *arg;
};

static const char *const keyv[DIRECTORY_KEYC] = {DIRECTORY_KEYS};

static void publish(struct directory *d, uint64_t revision, char *const *endv,
		    size_t n)
{
	Sy__Envelope env = SY__ENVELOPE__INIT;
	Sy__AccountsChanged c = SY__ACCOUNTS_CHANGED__INIT;

	c.revision = revision;
	c.ended = (char **)(uintptr_t)endv;
	c.n_ended = n;
	env.body_case = SY__ENVELOPE__BODY_ACCOUNTS_CHANGED;
	env.accounts_changed = &c;
	(void)bus_publish(d->bus, BUS_CHANNEL_ACCOUNTS, &env);
}

void directory_end(struct directory *d, char *const *idv, size_t n)
{
	for (size_t i = 0; d->conf.endedh && i < n; i++)
		d->conf.endedh(idv[i], d->conf.arg);
	publish(d, 0, idv, n);
}

/* ----------------------------------------------------------------- changes */

static void put_destructor(void *arg)
{
	struct put *p = arg;

	list_unlink(&p->le);
}

static void answer(struct put *p, int err)
{
	directory_put_h *h = p->h;
	void *arg = p->arg;

	mem_deref(p);
	h(err, arg);
}

static int outcome(const redisReply *r, uint64_t *revisionp)
{
	static const struct {
		const char *why;
		int err;
	} v[] = {
		{"exists", EEXIST}, {"none", ENOENT}, {"stale", ESTALE},
		{"full", ENOSPC},   {"last", EPERM},
	};

	if (r->type != REDIS_REPLY_ARRAY || !r->elements ||
	    r->element[0]->type != REDIS_REPLY_STRING)
		return EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (!strcmp(r->element[0]->str, v[i].why))
			return v[i].err;
	}
	if (r->elements < 2 || r->element[1]->type != REDIS_REPLY_STRING)
		return EBADMSG;
	*revisionp = strtoull(r->element[1]->str, NULL, 10);

	return 0;
}

static void put_handler(int err, const redisReply *reply, void *arg)
{
	struct put *p = arg;
	uint64_t revision = 0;

	if (!p->d) {
		mem_deref(p);
		return;
	}
	if (!err)
		err = outcome(reply, &revision);
	if (err) {
		answer(p, err);
		return;
	}
	publish(p->d, revision, NULL, 0);
	p->look = directory_look(p->d);
}

void directory_puts_looked(struct directory *d)
{
	struct le *le = d->putl.head;

	while (le) {
		struct put *p = le->data;

		le = le->next;
		if (p->look && p->look <= d->looks)
			answer(p, 0);
	}
}

void directory_puts_drop(struct directory *d)
{
	struct le *le = d->putl.head;

	while (le) {
		struct put *p = le->data;

		le = le->next;
		p->d = NULL;
		list_unlink(&p->le);
		if (p->look)
			mem_deref(p); /* else its reply has it */
	}
}

static char mark_of(const struct directory_put *put)
{
	const Sy__UserRecord *user = (const Sy__UserRecord *)put->msg;

	return put->section == DIRECTORY_USERS && user && !user->disabled &&
	       user->role == SY__USER_ROLE__ADMIN ? 'A' : '-';
}

static unsigned max_of(enum directory_section section)
{
	static const unsigned v[DIRECTORY_SECTIONS] = {
		[DIRECTORY_USERS] = DIRECTORY_USERS_MAX,
		[DIRECTORY_TOKENS] = DIRECTORY_TOKENS_MAX,
		[DIRECTORY_WEBHOOKS] = DIRECTORY_WEBHOOKS_MAX,
	};

	return v[section];
}

static int run(struct put *p, const struct directory_put *put,
	       const uint8_t *packed, size_t len)
{
	const char mark[2] = {mark_of(put), '\0'};
	char revision[24] = "", max[12];
	const char *argv[2 + ARGS] = {
		keyv[0], keyv[1 + put->section], put->id, revision, mark,
		max,
		put->section == DIRECTORY_USERS ? "1" : "0",
		put->first ? "1" : "0", (const char *)packed,
	};
	size_t lenv[ARRAY_SIZE(argv)];

	(void)re_snprintf(max, sizeof(max), "%u", max_of(put->section));
	if (put->revision)
		(void)re_snprintf(revision, sizeof(revision), "%llu",
				  put->revision);
	for (size_t i = 0; i + 1 < ARRAY_SIZE(argv); i++)
		lenv[i] = strlen(argv[i]);
	lenv[ARRAY_SIZE(argv) - 1] = len;

	return script_run_owned(bus_redis(p->d->bus), SCRIPT_ACCT_PUT,
				DEADLINE_MS, put_handler, p, 2,
				ARRAY_SIZE(argv), argv, lenv);
}

int directory_put(struct directory *d, const struct directory_put *put,
		  directory_put_h *h, void *arg)
{
	uint8_t *packed;
	struct put *p;
	size_t len;
	int err;

	if (!d || !put || !put->id || !*put->id || !h)
		return EINVAL;

	len = put->msg ? protobuf_c_message_get_packed_size(put->msg) : 0;
	packed = mem_alloc(len + 1, NULL);
	p = mem_zalloc(sizeof(*p), put_destructor);
	if (!packed || !p) {
		mem_deref(packed);
		mem_deref(p);
		return ENOMEM;
	}
	if (put->msg)
		(void)protobuf_c_message_pack(put->msg, packed);
	p->d = d;
	p->h = h;
	p->arg = arg;
	err = run(p, put, packed, len);
	if (err)
		mem_deref(p);
	else
		list_append(&d->putl, &p->le, p);
	explicit_bzero(packed, len);
	mem_deref(packed);

	return err;
}

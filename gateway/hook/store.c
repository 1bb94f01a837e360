/* SPDX-License-Identifier: MIT */
/* Deliveries in Redis: see store.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "gateway/hook/store.h"
#include "proto/script.h"

#define KEY_OWNER "sy:{acct}:hooks:owner"
#define KEY_AT "sy:{acct}:hooks:at"
#define KEY "sy:{acct}:hook:"

enum { KEY_SIZE = 64, NUMBER_SIZE = 24 };

/* What is asked, and by whom. */
struct asking {
	hook_due_h *dueh;
	hook_done_h *doneh;
	hook_list_h *listh;
	hook_stat_h *stath;
	void *arg;
};

static struct asking *asking(const struct asking *what)
{
	struct asking *q = mem_alloc(sizeof(*q), NULL);

	if (q)
		*q = *what;

	return q;
}

static int run(struct redis *r, enum script script, redis_reply_h *h,
	       const struct asking *what, int keyc, size_t n,
	       const char **argv, const size_t *lenv)
{
	struct asking *q = asking(what);
	int err;

	if (!q)
		return ENOMEM;
	err = script_run_owned(r, script, 0, h, q, keyc, (int)n, argv, lenv);
	if (err)
		mem_deref(q);

	return err;
}

static Sy__WebhookDelivery *unpack(const char *p, size_t len)
{
	return sy__webhook_delivery__unpack(NULL, len, (const uint8_t *)p);
}

static void free_all(Sy__WebhookDelivery **v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sy__webhook_delivery__free_unpacked(v[i], NULL);
	mem_deref(v);
}

/* ---------------------------------------------------------------------- due */

static void due_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;
	Sy__WebhookDelivery **v = NULL;
	const char *at = "";
	bool mine = false;
	size_t n = 0;

	if (!err && (r->type != REDIS_REPLY_ARRAY || !r->elements))
		err = EBADMSG;
	if (!err && r->elements > 1) {
		mine = true;
		at = r->element[1]->str;
		v = mem_zalloc(r->elements * sizeof(*v), NULL);
		err = v ? 0 : ENOMEM;
	}
	for (size_t i = 2; !err && i < r->elements; i++) {
		v[n] = unpack(r->element[i]->str, (size_t)r->element[i]->len);
		n += v[n] != NULL;
	}
	q->dueh(err, mine, at, v, n, q->arg);
	free_all(v, n);
	mem_deref(q);
}

int hook_due(struct redis *r, const char *me, const char *const *idv,
	     size_t n, size_t each, hook_due_h *h, void *arg)
{
	const struct asking what = {.dueh = h, .arg = arg};
	const char **argv = mem_zalloc((n + 5) * sizeof(*argv), NULL);
	char lease[NUMBER_SIZE], max[NUMBER_SIZE];
	int err;

	if (!argv)
		return ENOMEM;
	(void)re_snprintf(lease, sizeof(lease), "%u", HOOK_LEASE_MS);
	(void)re_snprintf(max, sizeof(max), "%zu", each);
	argv[0] = KEY_OWNER;
	argv[1] = KEY_AT;
	argv[2] = me;
	argv[3] = lease;
	argv[4] = max;
	for (size_t i = 0; i < n; i++)
		argv[5 + i] = idv[i];
	err = run(r, SCRIPT_HOOK_DUE, due_handler, &what, 2, n + 5, argv,
		  NULL);
	mem_deref(argv);

	return err;
}

/* -------------------------------------------------------------------- write */

static void put_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;

	if (!err && (r->type != REDIS_REPLY_INTEGER || !r->integer))
		err = EPERM;
	q->doneh(err, q->arg);
	mem_deref(q);
}

static void free_packed(uint8_t **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		mem_deref(v[i]);
	mem_deref(v);
}

int hook_put(struct redis *r, const char *me, const char *at,
	     Sy__WebhookDelivery *const *v, size_t n, hook_done_h *h,
	     void *arg)
{
	const struct asking what = {.doneh = h, .arg = arg};
	const size_t argc = 5 + 3 * n;
	const char **argv = mem_zalloc(argc * sizeof(*argv), NULL);
	size_t *lenv = mem_zalloc(argc * sizeof(*lenv), NULL);
	uint8_t **packedv = mem_zalloc((n + 1) * sizeof(*packedv), NULL);
	int err = argv && lenv && packedv ? 0 : ENOMEM;
	char max[NUMBER_SIZE];

	(void)re_snprintf(max, sizeof(max), "%u", HOOK_PENDING_MAX);
	if (!err) {
		argv[0] = KEY_OWNER;
		argv[1] = KEY_AT;
		argv[2] = me ? me : "";
		argv[3] = at ? at : "";
		argv[4] = max;
	}
	for (size_t i = 0; !err && i < n; i++) {
		const size_t len = sy__webhook_delivery__get_packed_size(v[i]);
		const size_t k = 5 + 3 * i;

		packedv[i] = mem_alloc(len + 1, NULL);
		if (!packedv[i]) {
			err = ENOMEM;
			break;
		}
		argv[k] = v[i]->webhook;
		argv[k + 1] = v[i]->id;
		argv[k + 2] = (const char *)packedv[i];
		lenv[k + 2] = sy__webhook_delivery__pack(v[i], packedv[i]);
	}
	for (size_t i = 0; !err && i < argc; i++) {
		if (i < 5 || (i - 5) % 3 != 2)
			lenv[i] = strlen(argv[i]);
	}
	if (!err)
		err = run(r, SCRIPT_HOOK_PUT, put_handler, &what, 2, argc,
			  argv, lenv);
	free_packed(packedv, n);
	mem_deref(argv);
	mem_deref(lenv);

	return err;
}

static void done_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;

	if (!err && (r->type != REDIS_REPLY_INTEGER || !r->integer))
		err = ENOENT;
	if (q->doneh)
		q->doneh(err, q->arg);
	mem_deref(q);
}

static const char *state_text(Sy__DeliveryState state)
{
	switch (state) {
	case SY__DELIVERY_STATE__DELIVERY_DONE:
		return "D";
	case SY__DELIVERY_STATE__DELIVERY_DEAD:
		return "X";
	default:
		return "P";
	}
}

int hook_done(struct redis *r, const Sy__WebhookDelivery *d, hook_done_h *h,
	      void *arg)
{
	static const char *const tailv[] = {"all", "due", "done", "stat"};
	const struct asking what = {.doneh = h, .arg = arg};
	char keyv[4][KEY_SIZE], next[NUMBER_SIZE], kept[NUMBER_SIZE],
		status[NUMBER_SIZE];
	const char *argv[11] = {
		keyv[0], keyv[1], keyv[2], keyv[3], d->id,
		state_text(d->state), next, kept, status, d->last_error, NULL,
	};
	size_t lenv[11], len = sy__webhook_delivery__get_packed_size(d);
	uint8_t *packed = mem_alloc(len + 1, NULL);
	int err;

	if (!packed)
		return ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(tailv); i++)
		(void)re_snprintf(keyv[i], KEY_SIZE, KEY "%s:%s", d->webhook,
				  tailv[i]);
	(void)re_snprintf(next, sizeof(next), "%llu",
			  timestamp_ms(d->next_attempt_at));
	(void)re_snprintf(kept, sizeof(kept), "%u", HOOK_KEPT);
	(void)re_snprintf(status, sizeof(status), "%u", d->last_status);
	argv[10] = (const char *)packed;
	for (size_t i = 0; i < 10; i++)
		lenv[i] = strlen(argv[i]);
	lenv[10] = sy__webhook_delivery__pack(d, packed);
	err = run(r, SCRIPT_HOOK_DONE, done_handler, &what, 4, 11, argv,
		  lenv);
	mem_deref(packed);

	return err;
}

void hook_drop(struct redis *r, const char *webhook)
{
	(void)redis_command(r, 0, NULL, NULL, "DEL " KEY "%s:all " KEY
			    "%s:due " KEY "%s:done " KEY "%s:stat", webhook,
			    webhook, webhook, webhook);
}

/* --------------------------------------------------------------------- read */

/* The state's letter, then the record. */
static Sy__WebhookDelivery *read_value(const redisReply *r)
{
	static const char letters[] = "?PDXO";
	Sy__WebhookDelivery *d;
	const char *at;

	if (r->type != REDIS_REPLY_STRING || !r->len)
		return NULL;
	d = unpack(r->str + 1, (size_t)r->len - 1);
	at = strchr(letters, r->str[0]);
	if (d && at)
		d->state = (Sy__DeliveryState)(at - letters);

	return d;
}

static void list_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;
	Sy__WebhookDelivery **v = NULL;
	size_t n = 0;
	bool more;

	if (!err && (r->type != REDIS_REPLY_ARRAY || !r->elements))
		err = EBADMSG;
	if (!err) {
		v = mem_zalloc(r->elements * sizeof(*v), NULL);
		err = v ? 0 : ENOMEM;
	}
	for (size_t i = 1; !err && i < r->elements; i++) {
		v[n] = read_value(r->element[i]);
		n += v[n] != NULL;
	}
	more = !err && n && r->element[0]->integer;
	q->listh(err, v, n, more ? v[n - 1]->id : NULL, q->arg);
	free_all(v, n);
	mem_deref(q);
}

int hook_list(struct redis *r, const char *webhook, const char *cursor,
	      size_t limit, hook_list_h *h, void *arg)
{
	const struct asking what = {.listh = h, .arg = arg};
	char key[KEY_SIZE], max[NUMBER_SIZE];
	const char *argv[] = {key, cursor, max};

	(void)re_snprintf(key, sizeof(key), KEY "%s:all", webhook);
	(void)re_snprintf(max, sizeof(max), "%zu", limit);

	return run(r, SCRIPT_HOOK_LIST, list_handler, &what, 1,
		   ARRAY_SIZE(argv), argv, NULL);
}

static void get_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;
	Sy__WebhookDelivery *d = err ? NULL : read_value(r);

	q->listh(err ? err : d ? 0 : ENOENT, &d, d ? 1 : 0, NULL, q->arg);
	if (d)
		sy__webhook_delivery__free_unpacked(d, NULL);
	mem_deref(q);
}

int hook_get(struct redis *r, const char *webhook, const char *id,
	     hook_list_h *h, void *arg)
{
	const struct asking what = {.listh = h, .arg = arg};
	struct asking *q = asking(&what);
	int err;

	if (!q)
		return ENOMEM;
	err = redis_command(r, 0, get_handler, q, "HGET " KEY "%s:all %s",
			    webhook, id);
	if (err)
		mem_deref(q);
	else
		redis_arg_owned(r);

	return err;
}

static void stat_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;
	struct hook_stat *v = NULL;
	size_t n = 0;

	if (!err && r->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	if (!err) {
		n = r->elements / 3;
		v = mem_zalloc((n + 1) * sizeof(*v), NULL);
		err = v ? 0 : ENOMEM;
	}
	for (size_t i = 0; !err && i < n; i++) {
		v[i].pending = (uint32_t)r->element[3 * i]->integer;
		v[i].status = (uint32_t)atoi(r->element[3 * i + 1]->str);
		v[i].error = r->element[3 * i + 2]->str;
	}
	q->stath(err, v, err ? 0 : n, q->arg);
	mem_deref(v);
	mem_deref(q);
}

int hook_stat(struct redis *r, const char *const *idv, size_t n,
	      hook_stat_h *h, void *arg)
{
	const struct asking what = {.stath = h, .arg = arg};
	const char **argv = mem_zalloc((n + 1) * sizeof(*argv), NULL);
	int err;

	if (!argv)
		return ENOMEM;
	argv[0] = KEY_OWNER;
	for (size_t i = 0; i < n; i++)
		argv[1 + i] = idv[i];
	err = run(r, SCRIPT_HOOK_STAT, stat_handler, &what, 1, n + 1, argv,
		  NULL);
	mem_deref(argv);

	return err;
}

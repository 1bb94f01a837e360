/* SPDX-License-Identifier: MIT */
/* Whether contacts are there: see store_qual.h. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>
#include "proto/script.h"
#include "proto/store_impl.h"
#include "proto/store_qual.h"

#define KEY_DUE "sy:{qual}:due"
#define KEY_ROUTERS "sy:{qual}:routers"

enum { QUEUE_SIZE = 128, NUM_SIZE = 24 };

struct asking {
	store_qual_taken_h *takenh;
	store_qual_put_h *puth;
	void *arg;
};

int store_qual_key(char key[STORE_REG_KEY_SIZE], const char *device)
{
	return re_snprintf(key, STORE_REG_KEY_SIZE, "sy:qual:{%s}", device) < 0
		       ? ENAMETOOLONG
		       : 0;
}

/* ----------------------------------------------------------------- reading */

static Google__Protobuf__Timestamp *timestamp(uint64_t ms)
{
	Google__Protobuf__Timestamp *ts = malloc(sizeof(*ts));

	if (ts)
		timestamp_set_ms(ts, ms);

	return ts;
}

void store_qual_merge(Sy__Binding *b, const char *text)
{
	unsigned long long checked, since;
	unsigned reachable, us, code;

	if (!text || sscanf(text, "%u %u %llu %llu %u", &reachable, &us,
			    &checked, &since, &code) != 5)
		return;

	b->reachable = reachable == 1;
	b->round_trip_ms = (float)us / 1000.0f;
	b->last_code = code;
	free(b->checked_at);
	free(b->since);
	b->checked_at = timestamp(checked);
	b->since = timestamp(since);
}

/* ------------------------------------------------------------------ queues */

/* "DEVICE\nFIELD"; no device's id has a line feed. @return mem_deref() it */
static char *print_contact(const struct store_contact *c)
{
	char *s = NULL;

	return re_sdprintf(&s, "%s\n%s", c->device, c->field) ? NULL : s;
}

int store_qual_due(struct redis *r, const char *router,
		   enum store_qual_how how, uint32_t delay_ms,
		   const struct store_contact *contact)
{
	static const char *const hows[] = {"new", "next", "drop"};
	char queue[QUEUE_SIZE], delay[NUM_SIZE];
	const char *argv[] = {queue,	 KEY_ROUTERS, router,
			      hows[how], delay,	      NULL};
	char *name;
	int err;

	if (re_snprintf(queue, sizeof(queue), "%s%s%s", KEY_DUE,
			router[0] ? ":" : "", router) < 0)
		return ENAMETOOLONG;
	(void)re_snprintf(delay, sizeof(delay), "%u", delay_ms);
	name = print_contact(contact);
	if (!name)
		return ENOMEM;
	argv[5] = name;
	err = script_run(r, SCRIPT_QUAL_DUE, 0, NULL, NULL, 2, 6, argv, NULL);
	mem_deref(name);

	return err;
}

/* @return false: it is none */
static bool read_taken(struct store_qual_taken *t, const redisReply *own,
		       const redisReply *name)
{
	char *feed;

	if (own->type != REDIS_REPLY_STRING ||
	    name->type != REDIS_REPLY_STRING)
		return false;
	feed = strchr(name->str, '\n');
	if (!feed)
		return false;

	*feed = '\0';
	t->own = own->str[0] == '1';
	t->contact.device = name->str;
	t->contact.field = feed + 1;

	return true;
}

static void taken_handler(int err, const redisReply *reply, void *arg)
{
	struct store_qual_taken v[STORE_QUAL_TAKE_MAX];
	struct asking *a = arg;
	size_t n = 0;

	if (!err && reply->type != REDIS_REPLY_ARRAY)
		err = EBADMSG;
	for (size_t i = 0; !err && i + 1 < reply->elements; i += 2) {
		if (n < STORE_QUAL_TAKE_MAX)
			n += read_taken(&v[n], reply->element[i],
					reply->element[i + 1]);
	}
	a->takenh(err, v, n, a->arg);
	mem_deref(a);
}

int store_qual_take(struct redis *r, unsigned max, const char *const *livev,
		    size_t livec, store_qual_taken_h *h, void *arg)
{
	const char *argv[4 + STORE_QUAL_ROUTERS_MAX] = {KEY_DUE, KEY_ROUTERS};
	char num[NUM_SIZE], hold[NUM_SIZE];
	struct asking *a;
	int err;

	if (!r || !h || !max || max > STORE_QUAL_TAKE_MAX || !livec ||
	    livec > STORE_QUAL_ROUTERS_MAX)
		return EINVAL;

	a = mem_zalloc(sizeof(*a), NULL);
	if (!a)
		return ENOMEM;
	a->takenh = h;
	a->arg = arg;
	(void)re_snprintf(num, sizeof(num), "%u", max);
	(void)re_snprintf(hold, sizeof(hold), "%u", STORE_QUAL_HOLD_MS);
	argv[2] = num;
	argv[3] = hold;
	memcpy(argv + 4, livev, livec * sizeof(*livev));
	err = script_run_owned(r, SCRIPT_QUAL_TAKE, 0, taken_handler, a, 2,
			       4 + (int)livec, argv, NULL);
	if (err)
		mem_deref(a);

	return err;
}

/* ----------------------------------------------------------------- results */

static void put_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *a = arg;

	if (!err && reply->type != REDIS_REPLY_INTEGER)
		err = EBADMSG;
	if (!err && reply->integer < 0)
		err = ENOENT;
	a->puth(err, !err && reply->integer == 1, a->arg);
	mem_deref(a);
}

int store_qual_put(struct redis *r, const struct store_contact *contact,
		   const struct store_qual *qual, store_qual_put_h *h,
		   void *arg)
{
	char key[STORE_REG_KEY_SIZE], reg[STORE_REG_KEY_SIZE];
	char us[NUM_SIZE], ms[NUM_SIZE], code[NUM_SIZE];
	const char *argv[] = {key, reg, contact->field,
			      qual->reachable ? "1" : "0", us, ms, code};
	struct asking *a;
	int err;

	if (!r || !h)
		return EINVAL;
	err = store_qual_key(key, contact->device);
	if (!err)
		err = store_reg_key(reg, contact->device);
	if (err)
		return err;

	a = mem_zalloc(sizeof(*a), NULL);
	if (!a)
		return ENOMEM;
	a->puth = h;
	a->arg = arg;
	(void)re_snprintf(us, sizeof(us), "%u", qual->round_trip_us);
	(void)re_snprintf(ms, sizeof(ms), "%llu", qual->checked_ms);
	(void)re_snprintf(code, sizeof(code), "%u", qual->code);
	err = script_run_owned(r, SCRIPT_QUAL_PUT, 0, put_handler, a, 2, 7,
			       argv, NULL);
	if (err)
		mem_deref(a);

	return err;
}

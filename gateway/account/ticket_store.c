/* SPDX-License-Identifier: MIT */
/* Tickets in Redis: written, ended, listed.  See ticket.h. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <re.h>

#include "gateway/account/ticket_impl.h"
#include "proto/script.h"

#define KEY_OF "sy:{acct}:of:"
#define KEY_LOGINS "sy:{acct}:logins"
#define KEY_PASSES "sy:{acct}:passes"

enum {
	LOGINS_MAX = 20,        /* of a user: the oldest gives way        */
	LOGINS_ALL_MAX = 50000,
	PASSES_MAX = 10000,     /* short-lived tokens of who makes them   */
	PASSES_ALL_MAX = 50000,
	KEY_SIZE = 128,
	PUT_ARGS = 10,
};

/* What is asked, and by whom. */
struct asking {
	ticket_put_h *puth;
	ticket_done_h *doneh;
	ticket_get_h *geth;
	ticket_list_h *listh;
	void *arg;
	struct tickets *t;      /* of a new one, as the next two          */
	uint8_t *packed;        /* owned                                  */
	size_t len;
};

static void destructor(void *arg)
{
	struct asking *q = arg;

	mem_deref(q->packed);
}

static bool is_login(const Sy__Ticket *tk)
{
	return *tk->user;
}

static void holder_key(char key[KEY_SIZE], const Sy__Ticket *tk)
{
	if (is_login(tk))
		(void)re_snprintf(key, KEY_SIZE, KEY_OF "user:%s", tk->user);
	else
		(void)re_snprintf(key, KEY_SIZE, KEY_OF "pass:%s",
				  tk->created_by);
}

/* How long it lives from now [ms]; 0: it is over. */
static uint64_t life_ms(const Sy__Ticket *tk)
{
	const uint64_t now = timestamp_now_ms(),
		end = timestamp_ms(tk->expires_at);
	const uint64_t idle = TICKET_IDLE_S * 1000ull;

	if (end <= now)
		return 0;

	return is_login(tk) && end - now > idle ? idle : end - now;
}

static struct asking *asking(const struct asking *what)
{
	struct asking *q = mem_zalloc(sizeof(*q), destructor);

	if (q)
		*q = *what;

	return q;
}

static uint8_t *pack(const Sy__Ticket *tk, size_t *lenp)
{
	uint8_t *p = mem_alloc(sy__ticket__get_packed_size(tk) + 1, NULL);

	if (p)
		*lenp = sy__ticket__pack(tk, p);

	return p;
}

/* ------------------------------------------------------------------ writing */

/* Who made it may be the only one who can give it back to a Redis that lost
 * it. */
static void keep(const struct asking *q)
{
	Sy__Ticket *tk = sy__ticket__unpack(NULL, q->len, q->packed);

	if (tk)
		ticket_remember(q->t, tk);
}

static void put_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;
	char *endv[LOGINS_MAX];
	size_t n = 0;

	if (!err && (r->type != REDIS_REPLY_ARRAY || !r->elements ||
		     r->element[0]->type != REDIS_REPLY_STRING))
		err = EBADMSG;
	if (!err && strcmp(r->element[0]->str, "ok"))
		err = ENOSPC;
	for (size_t i = 1; !err && i < r->elements && n < ARRAY_SIZE(endv);
	     i++) {
		if (r->element[i]->type == REDIS_REPLY_STRING)
			endv[n++] = r->element[i]->str;
	}
	if (!err && q->puth)
		keep(q);
	if (q->puth)
		q->puth(err, endv, n, q->arg);
	mem_deref(q);
}

static int put(struct tickets *t, const Sy__Ticket *tk,
	       const struct asking *what)
{
	const bool login = is_login(tk);
	char key[KEY_SIZE], holder[KEY_SIZE], end[24], life[24], max[12],
		all[12];
	const char *argv[PUT_ARGS] = {
		key, holder, login ? KEY_LOGINS : KEY_PASSES, tk->id, end,
		life, max, all, login ? "1" : "0", NULL,
	};
	size_t lenv[PUT_ARGS], len = 0;
	struct asking *q = asking(what);
	uint8_t *packed = q ? pack(tk, &len) : NULL;
	int err = packed ? 0 : ENOMEM;

	(void)re_snprintf(key, sizeof(key), TICKET_KEY "%s", tk->id);
	holder_key(holder, tk);
	(void)re_snprintf(end, sizeof(end), "%llu",
			  timestamp_ms(tk->expires_at));
	(void)re_snprintf(life, sizeof(life), "%llu", life_ms(tk));
	(void)re_snprintf(max, sizeof(max), "%u",
			  login ? LOGINS_MAX : PASSES_MAX);
	(void)re_snprintf(all, sizeof(all), "%u",
			  login ? LOGINS_ALL_MAX : PASSES_ALL_MAX);
	argv[PUT_ARGS - 1] = (const char *)packed;
	for (size_t i = 0; i + 1 < PUT_ARGS; i++)
		lenv[i] = strlen(argv[i]);
	lenv[PUT_ARGS - 1] = len;
	if (q) {
		q->t = t;
		q->packed = packed;
		q->len = len;
	}
	if (!err)
		err = life_ms(tk) ? 0 : EINVAL;
	if (!err)
		err = script_run_owned(bus_redis(t->bus), SCRIPT_TICKET_PUT,
				       0, put_handler, q, 3, PUT_ARGS, argv,
				       lenv);
	if (err)
		mem_deref(q);

	return err;
}

int ticket_put(struct tickets *t, const Sy__Ticket *tk, ticket_put_h *h,
	       void *arg)
{
	const struct asking what = {.puth = h, .arg = arg};

	if (!t || !tk || !h || !tk->expires_at)
		return EINVAL;

	return put(t, tk, &what);
}

int ticket_write_again(struct tickets *t, const Sy__Ticket *tk)
{
	const struct asking what = {.puth = NULL};

	return put(t, tk, &what);
}

int ticket_write(struct tickets *t, const Sy__Ticket *tk)
{
	const uint64_t life = life_ms(tk);
	size_t len = 0;
	uint8_t *packed = life ? pack(tk, &len) : NULL;
	int err;

	if (!packed)
		return life ? ENOMEM : EINVAL;
	/* XX: what was ended meanwhile stays so. */
	err = redis_command(bus_redis(t->bus), 0, NULL, NULL,
			    "SET " TICKET_KEY "%s %b PX %llu XX", tk->id,
			    packed, len, (unsigned long long)life);
	mem_deref(packed);

	return err;
}

/* ------------------------------------------------------------------- ending */

static void drop_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;

	if (!err && (r->type != REDIS_REPLY_INTEGER || !r->integer))
		err = ENOENT;
	q->doneh(err, q->arg);
	mem_deref(q);
}

int ticket_drop(struct tickets *t, const Sy__Ticket *tk, ticket_done_h *h,
		void *arg)
{
	const struct asking what = {.doneh = h, .arg = arg};
	struct redis *r = bus_redis(t->bus);
	struct asking *q = asking(&what);
	char holder[KEY_SIZE];
	int err;

	if (!q)
		return ENOMEM;
	/* What the sets name too much is cleared away by who reads them. */
	err = redis_command(r, 0, drop_handler, q, "DEL " TICKET_KEY "%s",
			    tk->id);
	if (err) {
		mem_deref(q);
		return err;
	}
	redis_arg_owned(r);
	holder_key(holder, tk);
	(void)redis_command(r, 0, NULL, NULL, "ZREM %s %s", holder, tk->id);
	(void)redis_command(r, 0, NULL, NULL, "ZREM %s %s",
			    is_login(tk) ? KEY_LOGINS : KEY_PASSES, tk->id);

	return 0;
}

/* ------------------------------------------------------------------ reading */

static Sy__Ticket *read_ticket(const redisReply *r)
{
	return r->type != REDIS_REPLY_STRING ? NULL :
		sy__ticket__unpack(NULL, (size_t)r->len,
				   (const uint8_t *)r->str);
}

static void get_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;
	Sy__Ticket *tk = err ? NULL : read_ticket(r);

	q->geth(err ? err : tk ? 0 : ENOENT, tk, q->arg);
	if (tk)
		sy__ticket__free_unpacked(tk, NULL);
	mem_deref(q);
}

int ticket_get(struct tickets *t, const char *id, ticket_get_h *h, void *arg)
{
	const struct asking what = {.geth = h, .arg = arg};
	struct redis *r = bus_redis(t->bus);
	struct asking *q = asking(&what);
	int err;

	if (!q)
		return ENOMEM;
	err = redis_command(r, 0, get_handler, q, "GET " TICKET_KEY "%s", id);
	if (err)
		mem_deref(q);
	else
		redis_arg_owned(r);

	return err;
}

static void list_handler(int err, const redisReply *r, void *arg)
{
	struct asking *q = arg;
	Sy__Ticket **v = NULL;
	size_t n = 0;
	bool more;

	if (!err && (r->type != REDIS_REPLY_ARRAY || !r->elements))
		err = EBADMSG;
	if (!err) {
		v = mem_zalloc(r->elements * sizeof(*v), NULL);
		err = v ? 0 : ENOMEM;
	}
	for (size_t i = 1; !err && i < r->elements; i++) {
		v[n] = read_ticket(r->element[i]);
		n += v[n] != NULL;
	}
	more = !err && n && r->element[0]->integer;
	q->listh(err, v, n, more ? v[n - 1]->id : NULL, q->arg);
	for (size_t i = 0; i < n; i++)
		sy__ticket__free_unpacked(v[i], NULL);
	mem_deref(v);
	mem_deref(q);
}

int ticket_list(struct tickets *t, const char *holder, const char *cursor,
		size_t limit, ticket_list_h *h, void *arg)
{
	const struct asking what = {.listh = h, .arg = arg};
	struct asking *q = asking(&what);
	char key[KEY_SIZE], text[24];
	const char *argv[] = {key, cursor, text};
	int err;

	if (!q)
		return ENOMEM;
	(void)re_snprintf(text, sizeof(text), "%zu", limit);
	if (holder)
		(void)re_snprintf(key, sizeof(key), KEY_OF "%s", holder);
	else
		str_ncpy(key, KEY_LOGINS, sizeof(key));
	err = script_run_owned(bus_redis(t->bus), SCRIPT_TICKET_LIST, 0,
			       list_handler, q, 1, ARRAY_SIZE(argv), argv,
			       NULL);
	if (err)
		mem_deref(q);

	return err;
}

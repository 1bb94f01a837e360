/* SPDX-License-Identifier: MIT */
/* Tickets as this gateway has seen them: see ticket.h. */

#include <errno.h>
#include <string.h>
#include <hiredis/hiredis.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <re.h>

#include "gateway/account/directory.h"
#include "gateway/account/ticket_impl.h"
#include "proto/log.h"
#include "proto/loop.h"
#include "proto/random.h"

enum {
	BUCKETS = 1024,
	SEEN_MAX = 25000,               /* tickets in memory              */
	FRESH_US = 5 * 1000000,
	AWAY_US = 60 * 1000000,
	TOUCH_MS = 10 * 60 * 1000,      /* between writes of seen_at      */
};

/* The handle of the one who asked. */
struct ticket_ask {
	struct asking *asking;   /* NULL: it was answered                 */
};

/* The reply's. */
struct asking {
	struct le le;
	struct tickets *t;       /* NULL: it is gone                      */
	struct ticket_ask *ask;  /* NULL: taken back, or nobody's         */
	ticket_h *h;
	void *arg;
	bool refresh;            /* nobody waits: for the table           */
	char id[ULID_LEN + 1];
	uint8_t hash[32];        /* of the secret                         */
};

/* ------------------------------------------------------------------- table */

static void seen_destructor(void *arg)
{
	struct ticket_seen *s = arg;

	hash_unlink(&s->he);
	list_unlink(&s->le);
	if (s->msg)
		sy__ticket__free_unpacked(s->msg, NULL);
}

static void tickets_destructor(void *arg)
{
	struct tickets *t = arg;
	struct le *le;

	while ((le = list_head(&t->askl))) {
		struct asking *q = le->data;

		list_unlink(&q->le);
		q->t = NULL;
	}
	list_flush(&t->seenl);
	mem_deref(t->table);
}

int tickets_alloc(struct tickets **tp, struct bus *bus,
		  const struct directory *directory)
{
	struct tickets *t;
	int err;

	if (!tp || !bus || !directory)
		return EINVAL;
	t = mem_zalloc(sizeof(*t), tickets_destructor);
	if (!t)
		return ENOMEM;
	t->bus = bus;
	t->directory = directory;
	err = hash_alloc(&t->table, BUCKETS);
	if (err)
		mem_deref(t);
	else
		*tp = t;

	return err;
}

static bool is_id(struct le *le, void *arg)
{
	const struct ticket_seen *s = le->data;

	return !strcmp(s->msg->id, arg);
}

static struct ticket_seen *find(const struct tickets *t, const char *id)
{
	return list_ledata(hash_lookup(t->table, hash_joaat_str(id), is_id,
				       (void *)(uintptr_t)id));
}

/* The table is bounded: who was not seen for the longest time is forgotten.
 * @param msg  Taken. */
static struct ticket_seen *remember(struct tickets *t, Sy__Ticket *msg)
{
	struct ticket_seen *s = find(t, msg->id);

	if (s) {
		sy__ticket__free_unpacked(s->msg, NULL);
		list_unlink(&s->le);
	}
	else {
		if (list_count(&t->seenl) >= SEEN_MAX)
			mem_deref(list_ledata(list_head(&t->seenl)));
		s = mem_zalloc(sizeof(*s), seen_destructor);
		if (!s) {
			sy__ticket__free_unpacked(msg, NULL);
			return NULL;
		}
		hash_append(t->table, hash_joaat_str(msg->id), &s->he, s);
	}
	s->msg = msg;
	s->doubt = false;
	s->checked_us = loop_now_us();
	list_append(&t->seenl, &s->le, s);

	return s;
}

void ticket_remember(struct tickets *t, Sy__Ticket *msg)
{
	(void)remember(t, msg);
}

static bool is_over(const Sy__Ticket *tk)
{
	return timestamp_ms(tk->expires_at) <= timestamp_now_ms();
}

static bool is_secret(const Sy__Ticket *tk, const uint8_t hash[32])
{
	return tk->hash.len == 32 && !CRYPTO_memcmp(tk->hash.data, hash, 32);
}

static bool is_younger(const struct ticket_seen *s, uint64_t us)
{
	return s && !s->doubt && loop_now_us() - s->checked_us < us;
}

/* ------------------------------------------------------------------ asking */

/* He who uses it is there: it lives on. */
static void touch(struct tickets *t, struct ticket_seen *s)
{
	const uint64_t now = timestamp_now_ms();

	if (!s->msg->seen_at ||
	    now - timestamp_ms(s->msg->seen_at) < TOUCH_MS)
		return;
	timestamp_set_ms(s->msg->seen_at, now);
	(void)ticket_write(t, s->msg);
}

/* What Redis said, or did not say. @param msg  NULL: no such ticket; taken. */
static enum ticket_out learn(struct tickets *t, const struct asking *q,
			     int err, Sy__Ticket *msg, const Sy__Ticket **tkp)
{
	struct ticket_seen *s = find(t, q->id);

	if (s)
		s->asked = false;
	/* A Redis that was emptied is about to get them back; of one that was
	 * ended we were told. */
	if (!err && !msg && !(s && s->doubt) &&
	    !directory_is_settled(t->directory))
		err = EAGAIN;
	if (err) {
		if (!is_younger(s, AWAY_US))
			return TICKET_AWAY;
	}
	else if (!msg) {
		mem_deref(s);
		return TICKET_GONE;
	}
	else {
		s = remember(t, msg);
		if (!s)
			return TICKET_AWAY;
		touch(t, s);
	}
	if (is_over(s->msg) || (!q->refresh && !is_secret(s->msg, q->hash)))
		return TICKET_GONE;
	*tkp = s->msg;

	return TICKET_OK;
}

static void asking_destructor(void *arg)
{
	struct asking *q = arg;

	list_unlink(&q->le);
	if (q->ask)
		q->ask->asking = NULL;
}

static void get_handler(int err, const redisReply *reply, void *arg)
{
	struct asking *q = arg;
	const Sy__Ticket *tk = NULL;
	Sy__Ticket *msg = NULL;
	enum ticket_out out;

	if (q->t && (q->ask || q->refresh)) {
		if (!err && reply->type == REDIS_REPLY_STRING)
			msg = sy__ticket__unpack(NULL, (size_t)reply->len,
						 (const uint8_t *)reply->str);
		out = learn(q->t, q, err, msg, &tk);
		if (q->ask) {
			q->ask->asking = NULL;
			q->ask = NULL;
			q->h(out, tk, q->arg);
		}
	}
	mem_deref(q);
}

static void ask_destructor(void *arg)
{
	struct ticket_ask *ask = arg;

	if (ask->asking)
		ask->asking->ask = NULL;
}

static int ask_redis(struct asking **qp, struct tickets *t, const char *id)
{
	struct redis *r = bus_redis(t->bus);
	struct asking *q = mem_zalloc(sizeof(*q), asking_destructor);
	int err;

	if (!q)
		return ENOMEM;
	q->t = t;
	str_ncpy(q->id, id, sizeof(q->id));
	err = redis_command(r, 0, get_handler, q, "GET " TICKET_KEY "%s", id);
	if (err) {
		mem_deref(q);
		return err;
	}
	redis_arg_owned(r);
	list_append(&t->askl, &q->le, q);
	*qp = q;

	return 0;
}

/* "ID.SECRET". @return 0 or EINVAL. */
static int read_text(char id[ULID_LEN + 1], uint8_t hash[32],
		     const char *text)
{
	uint8_t bytes[ULID_BYTES];

	if (strlen(text) != TICKET_TEXT_SIZE - 1 || text[ULID_LEN] != '.' ||
	    ulid_read(bytes, text, ULID_LEN))
		return EINVAL;
	ulid_print(id, bytes);

	return ticket_hash(hash, text + ULID_LEN + 1);
}

enum ticket_out ticket_find(struct tickets *t, const char *text,
			    const Sy__Ticket **tp, struct ticket_ask **askp,
			    ticket_h *h, void *arg)
{
	char id[ULID_LEN + 1];
	struct ticket_seen *s;
	struct ticket_ask *ask;
	struct asking *q;
	uint8_t hash[32];

	if (read_text(id, hash, text))
		return TICKET_GONE;
	s = find(t, id);
	if (s && (!is_secret(s->msg, hash) || is_over(s->msg)))
		return TICKET_GONE;
	if (is_younger(s, FRESH_US)) {
		*tp = s->msg;
		return TICKET_OK;
	}

	ask = mem_zalloc(sizeof(*ask), ask_destructor);
	if (!ask || ask_redis(&q, t, id)) {
		mem_deref(ask);
		if (!is_younger(s, AWAY_US))
			return TICKET_AWAY;
		*tp = s->msg;
		return TICKET_OK;
	}
	memcpy(q->hash, hash, sizeof(q->hash));
	q->h = h;
	q->arg = arg;
	q->ask = ask;
	ask->asking = q;
	*askp = ask;

	return TICKET_LATER;
}

const Sy__Ticket *ticket_holds(struct tickets *t, const char *id)
{
	struct ticket_seen *s = find(t, id);
	struct asking *q;

	if (!s || is_over(s->msg))
		return NULL;
	if (!is_younger(s, FRESH_US) && !s->asked &&
	    !ask_redis(&q, t, id)) {
		q->refresh = true;
		s->asked = true;
	}

	return s->doubt && !s->asked ? NULL : s->msg;
}

void ticket_renew(struct tickets *t, const char *id, uint32_t epoch)
{
	struct ticket_seen *s = find(t, id);

	if (!s || s->msg->epoch == epoch)
		return;
	s->msg->epoch = epoch;
	(void)ticket_write(t, s->msg);
}

void ticket_ended(struct tickets *t, const char *id)
{
	struct ticket_seen *s = find(t, id);

	if (s)
		s->doubt = true;
}

void tickets_give(struct tickets *t)
{
	struct le *le;
	unsigned n = 0;

	LIST_FOREACH(&t->seenl, le) {
		const struct ticket_seen *s = le->data;

		if (!s->doubt && !is_over(s->msg) &&
		    !ticket_write_again(t, s->msg))
			++n;
	}
	if (n)
		log_info("logins and tokens given back to Redis",
			 LOG_U("count", n));
}

/* ----------------------------------------------------------------- secrets */

void ticket_secret(char secret[TICKET_SECRET_LEN + 1])
{
	uint8_t bytes[2 * ULID_BYTES];

	random_bytes(bytes, sizeof(bytes));
	ulid_print(secret, bytes);
	ulid_print(secret + ULID_LEN, bytes + ULID_BYTES);
	explicit_bzero(bytes, sizeof(bytes));
}

int ticket_hash(uint8_t md[32], const char *text)
{
	return EVP_Digest(text, strlen(text), md, NULL, EVP_sha256(), NULL)
		== 1 ? 0 : ENOMEM;
}

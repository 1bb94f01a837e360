/* SPDX-License-Identifier: MIT */
/* The keys of a Redis, and as many of its commands as ours need. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/owner/sim.h"

struct field {
	char *name, *value; /* one block; value NULL: a member of a set */
	size_t len;	    /* of the value */
};

/* A string is a key with one field that has no name. */
struct key {
	struct le le;
	char *name;
	struct field *v;
	size_t c, max;
	uint64_t expires_us; /* 0: never */
};

struct db {
	struct hash *keys;
};

/* ------------------------------------------------------------------- values */

static void val_destructor(void *arg)
{
	struct val *v = arg;

	for (size_t i = 0; i < v->c; i++)
		mem_deref(v->v[i]);
	mem_deref(v->v);
	mem_deref(v->s);
}

static struct val *val_alloc(enum val_type type)
{
	struct val *v = mem_zalloc(sizeof(*v), val_destructor);

	if (!v)
		abort();
	v->type = type;

	return v;
}

struct val *val_nil(void)
{
	return val_alloc(VAL_NIL);
}

struct val *val_int(long long n)
{
	struct val *v = val_alloc(VAL_INT);

	v->n = n;

	return v;
}

struct val *val_str(const char *s, size_t len)
{
	struct val *v = val_alloc(VAL_STR);

	v->s = mem_alloc(len + 1, NULL);
	v->len = len;
	memcpy(v->s, s, len);
	v->s[len] = '\0';

	return v;
}

struct val *val_array(size_t max)
{
	struct val *v = val_alloc(VAL_ARRAY);

	v->v = mem_alloc((max + 1) * sizeof(*v->v), NULL);

	return v;
}

void val_push(struct val *array, struct val *el)
{
	array->v[array->c++] = el;
}

/* --------------------------------------------------------------------- keys */

static void key_destructor(void *arg)
{
	struct key *k = arg;

	hash_unlink(&k->le);
	for (size_t i = 0; i < k->c; i++)
		mem_deref(k->v[i].name);
	mem_deref(k->v);
	mem_deref(k->name);
}

static bool is_key(struct le *le, void *arg)
{
	return !strcmp(((struct key *)le->data)->name, arg);
}

static struct key *find(const struct db *db, const char *name)
{
	struct le *le =
	    hash_lookup(db->keys, hash_joaat_str(name), is_key, (void *)name);

	return le ? le->data : NULL;
}

/* One that has expired is not there. */
static struct key *live(struct db *db, const struct db_env *env,
			const char *name)
{
	struct key *k = find(db, name);

	if (k && k->expires_us && k->expires_us <= env->now_us) {
		mem_deref(k);
		return NULL;
	}

	return k;
}

static struct key *make(struct db *db, const struct db_env *env,
			const char *name)
{
	struct key *k = live(db, env, name);

	if (k)
		return k;

	k = mem_zalloc(sizeof(*k), key_destructor);
	(void)str_dup(&k->name, name);
	hash_append(db->keys, hash_joaat_str(name), &k->le, k);

	return k;
}

static struct field *get(const struct key *k, const char *name)
{
	for (size_t i = 0; k && i < k->c; i++) {
		if (!strcmp(k->v[i].name, name))
			return &k->v[i];
	}

	return NULL;
}

/* value NULL: a member.  @return true: it is new. */
static bool put(struct key *k, const char *name, const char *value, size_t len)
{
	struct field *f = get(k, name);
	const bool fresh = !f;
	const size_t nlen = strlen(name) + 1;

	if (fresh) {
		if (k->c == k->max) {
			k->max = k->max ? 2 * k->max : 4;
			k->v = mem_realloc(k->v, k->max * sizeof(*k->v));
		}
		if (!k->v) {
			k->v = mem_alloc(k->max * sizeof(*k->v), NULL);
		}
		f = &k->v[k->c++];
	} else {
		mem_deref(f->name);
	}
	f->name = mem_alloc(nlen + len + 1, NULL);
	memcpy(f->name, name, nlen);
	f->value = value ? f->name + nlen : NULL;
	f->len = len;
	if (value) {
		memcpy(f->value, value, len);
		f->value[len] = '\0';
	}

	return fresh;
}

static bool drop(struct key *k, const char *name)
{
	struct field *f = get(k, name);

	if (!f)
		return false;

	mem_deref(f->name);
	*f = k->v[--k->c];
	if (!k->c)
		mem_deref(k);

	return true;
}

static struct val *field_val(const struct field *f)
{
	return f ? val_str(f->value, f->len) : val_nil();
}

/* ----------------------------------------------------------------- commands */

/* What a command gets. */
struct exec {
	struct db *db;
	const struct db_env *env;
	int argc;
	const char *const *argv;
	const size_t *lenv;
};

static size_t arg_len(const struct exec *x, int i)
{
	return x->lenv ? x->lenv[i] : strlen(x->argv[i]);
}

static struct key *the_key(const struct exec *x)
{
	return live(x->db, x->env, x->argv[1]);
}

static struct val *cmd_exists(const struct exec *x)
{
	return val_int(the_key(x) != NULL);
}

static struct val *cmd_del(const struct exec *x)
{
	struct key *k = the_key(x);

	if (k)
		mem_deref(k);

	return val_int(k != NULL);
}

static struct val *cmd_get(const struct exec *x)
{
	return field_val(get(the_key(x), ""));
}

/* key value [EX seconds [NX]] */
static struct val *cmd_set(const struct exec *x)
{
	struct key *k;

	if (x->argc > 5 && the_key(x))
		return val_nil();

	k = make(x->db, x->env, x->argv[1]);

	(void)put(k, "", x->argv[2], arg_len(x, 2));
	k->expires_us = 0;
	if (x->argc > 4)
		k->expires_us =
		    x->env->now_us + strtoull(x->argv[4], NULL, 10) * SIM_S;

	return val_str("OK", 2);
}

static struct val *cmd_expire(const struct exec *x)
{
	struct key *k = the_key(x);

	if (k)
		k->expires_us =
		    x->env->now_us + strtoull(x->argv[2], NULL, 10) * SIM_S;

	return val_int(k != NULL);
}

static struct val *cmd_hget(const struct exec *x)
{
	return field_val(get(the_key(x), x->argv[2]));
}

static struct val *cmd_hmget(const struct exec *x)
{
	struct val *v = val_array((size_t)x->argc);
	const struct key *k = the_key(x);

	for (int i = 2; i < x->argc; i++)
		val_push(v, field_val(get(k, x->argv[i])));

	return v;
}

static struct val *cmd_hset(const struct exec *x)
{
	struct key *k = make(x->db, x->env, x->argv[1]);
	int n = 0;

	for (int i = 2; i + 1 < x->argc; i += 2)
		n += put(k, x->argv[i], x->argv[i + 1], arg_len(x, i + 1));

	return val_int(n);
}

/* HDEL, SREM, ZREM */
static struct val *cmd_remove(const struct exec *x)
{
	int n = 0;

	for (int i = 2; i < x->argc; i++) {
		struct key *k = the_key(x);

		n += k && drop(k, x->argv[i]);
	}

	return val_int(n);
}

static struct val *list(const struct key *k, bool names, bool values)
{
	struct val *v = val_array(k ? 2 * k->c : 0);

	for (size_t i = 0; k && i < k->c; i++) {
		if (names)
			val_push(v,
				 val_str(k->v[i].name, strlen(k->v[i].name)));
		if (values)
			val_push(v, field_val(&k->v[i]));
	}

	return v;
}

static struct val *cmd_hgetall(const struct exec *x)
{
	return list(the_key(x), true, true);
}

static struct val *cmd_hvals(const struct exec *x)
{
	return list(the_key(x), false, true);
}

static struct val *cmd_smembers(const struct exec *x)
{
	return list(the_key(x), true, false);
}

static struct val *cmd_sadd(const struct exec *x)
{
	struct key *k = make(x->db, x->env, x->argv[1]);

	return val_int(put(k, x->argv[2], NULL, 0));
}

/* key score member */
static struct val *cmd_zadd(const struct exec *x)
{
	struct key *k = make(x->db, x->env, x->argv[1]);

	return val_int(put(k, x->argv[3], x->argv[2], arg_len(x, 2)));
}

/* key -inf max: ZRANGEBYSCORE, ZREMRANGEBYSCORE */
static struct val *cmd_below(const struct exec *x)
{
	const bool removes = x->argv[0][1] == 'R' && x->argv[0][2] == 'E';
	const double max = strtod(x->argv[3], NULL);
	struct key *k = the_key(x);
	struct val *v = val_array(k ? k->c : 0);

	for (size_t i = 0; k && i < k->c; i++) {
		if (strtod(k->v[i].value, NULL) <= max)
			val_push(v,
				 val_str(k->v[i].name, strlen(k->v[i].name)));
	}
	for (size_t i = 0; removes && i < v->c; i++)
		(void)drop(find(x->db, x->argv[1]), v->v[i]->s);

	return v;
}

static struct val *cmd_publish(const struct exec *x)
{
	if (x->env->publish)
		x->env->publish(x->argv[1], x->argv[2], arg_len(x, 2),
				x->env->arg);

	return val_int(0);
}

/* PUBSUB NUMSUB channel ... */
static struct val *cmd_pubsub(const struct exec *x)
{
	struct val *v = val_array(2 * (size_t)x->argc);

	for (int i = 2; i < x->argc; i++) {
		val_push(v, val_str(x->argv[i], strlen(x->argv[i])));
		val_push(v,
			 val_int(x->env->listeners(x->argv[i], x->env->arg)));
	}

	return v;
}

static struct val *cmd_time(const struct exec *x)
{
	struct val *v = val_array(2);
	char text[32];

	/* the wall clock of the server: any day */
	snprintf(text, sizeof(text), "%llu",
		 1700000000ull + (unsigned long long)(x->env->now_us / SIM_S));
	val_push(v, val_str(text, strlen(text)));
	snprintf(text, sizeof(text), "%llu",
		 (unsigned long long)(x->env->now_us % SIM_S));
	val_push(v, val_str(text, strlen(text)));

	return v;
}

/* Streams are only counted, elsewhere. */
static struct val *cmd_xadd(const struct exec *x)
{
	(void)x;
	return val_str("1-0", 3);
}

static struct val *cmd_ping(const struct exec *x)
{
	(void)x;
	return val_str("PONG", 4);
}

static const struct command {
	const char *name;
	struct val *(*h)(const struct exec *x);
	int argc; /* at least */
	bool changes;
} commandv[] = {
    {"HMGET", cmd_hmget, 3, false},
    {"EXISTS", cmd_exists, 2, false},
    {"HSET", cmd_hset, 4, true},
    {"HGET", cmd_hget, 3, false},
    {"EXPIRE", cmd_expire, 3, true},
    {"SADD", cmd_sadd, 3, true},
    {"SREM", cmd_remove, 3, true},
    {"PUBLISH", cmd_publish, 3, false},
    {"PUBSUB", cmd_pubsub, 3, false},
    {"TIME", cmd_time, 1, false},
    {"GET", cmd_get, 2, false},
    {"SET", cmd_set, 3, true},
    {"DEL", cmd_del, 2, true},
    {"HDEL", cmd_remove, 3, true},
    {"HGETALL", cmd_hgetall, 2, false},
    {"HVALS", cmd_hvals, 2, false},
    {"SMEMBERS", cmd_smembers, 2, false},
    {"ZADD", cmd_zadd, 4, true},
    {"ZREM", cmd_remove, 3, true},
    {"ZSCORE", cmd_hget, 3, false},
    {"ZRANGEBYSCORE", cmd_below, 4, false},
    {"ZREMRANGEBYSCORE", cmd_below, 4, true},
    {"XADD", cmd_xadd, 5, true},
    {"PING", cmd_ping, 1, false},
};

struct val *db_exec(struct db *db, const struct db_env *env, int argc,
		    const char *const *argv, const size_t *lenv)
{
	const struct exec x = {db, env, argc, argv, lenv};

	for (size_t i = 0; i < ARRAY_SIZE(commandv); i++) {
		const struct command *c = &commandv[i];

		if (strcmp(c->name, argv[0]) || argc < c->argc)
			continue;
		if (c->changes && env->changed)
			env->changed(argc, argv, lenv, env->arg);

		return c->h(&x);
	}

	return val_nil();
}

/* --------------------------------------------------------------------- rest */

struct counted {
	const char *prefix;
	char *first;
	size_t size, n;
};

static bool count_key(struct le *le, void *arg)
{
	struct counted *c = arg;
	const struct key *k = le->data;

	if (strncmp(k->name, c->prefix, strlen(c->prefix)))
		return false;
	if (!c->n++ && c->size)
		str_ncpy(c->first, k->name, c->size);

	return false;
}

size_t db_count(const struct db *db, const char *prefix, char *first,
		size_t size)
{
	struct counted c = {.prefix = prefix, .first = first, .size = size};

	if (size)
		*first = '\0';

	(void)hash_apply(db->keys, count_key, &c);

	return c.n;
}

const char *db_field(const struct db *db, const char *key, const char *field)
{
	const struct field *f = get(find(db, key), field);

	return f ? f->value ? f->value : "" : NULL;
}

size_t db_size(const struct db *db, const char *key)
{
	const struct key *k = find(db, key);

	return k ? k->c : 0;
}

static void db_destructor(void *arg)
{
	struct db *db = arg;

	hash_flush(db->keys);
	mem_deref(db->keys);
}

struct db *db_alloc(unsigned buckets)
{
	struct db *db = mem_zalloc(sizeof(*db), db_destructor);

	if (!db || hash_alloc(&db->keys, buckets))
		abort();

	return db;
}

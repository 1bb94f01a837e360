/* SPDX-License-Identifier: MIT */
/* Giving Redis back what it has lost: all records, each with its head line,
 * by one script. */

#include <errno.h>
#include <string.h>
#include <re.h>

#include "gateway/account/directory_impl.h"
#include "proto/script.h"

enum { DEADLINE_MS = 10000 };

static const char *const keyv[DIRECTORY_KEYC] = {DIRECTORY_KEYS};

/* A record with its head line. @param p  NULL: no memory. */
static char *value_of(const struct directory_entry *e, size_t *lenp)
{
	size_t len = protobuf_c_message_get_packed_size(e->msg), head;
	char *p = mem_alloc(len + 32, NULL);

	if (!p)
		return NULL;
	head = (size_t)re_snprintf(p, 32, "%llu %c\n", e->revision, e->mark);
	*lenp = head + protobuf_c_message_pack(e->msg, (uint8_t *)p + head);

	return p;
}

struct args {
	const char **argv;
	size_t *lenv;
	char **ownv;          /* values, to be freed                      */
	size_t n, owned;
	char countv[DIRECTORY_SECTIONS + 1][24];
};

static void args_destructor(void *arg)
{
	struct args *a = arg;

	for (size_t i = 0; i < a->owned; i++)
		mem_deref(a->ownv[i]);
	mem_deref(a->ownv);
	mem_deref(a->argv);
	mem_deref(a->lenv);
}

static void add(struct args *a, const char *p, size_t len)
{
	a->argv[a->n] = p;
	a->lenv[a->n++] = len;
}

static int args_alloc(struct args **ap, const struct directory_state *s)
{
	size_t n = DIRECTORY_KEYC + 1 + DIRECTORY_SECTIONS, values = 0;
	struct args *a = mem_zalloc(sizeof(*a), args_destructor);

	if (!a)
		return ENOMEM;
	for (size_t k = 0; k < DIRECTORY_SECTIONS; k++)
		values += s->countv[k];
	n += 2 * values;
	a->argv = mem_zalloc(n * sizeof(*a->argv), NULL);
	a->lenv = mem_zalloc(n * sizeof(*a->lenv), NULL);
	a->ownv = mem_zalloc((values + 1) * sizeof(*a->ownv), NULL);
	if (!a->argv || !a->lenv || !a->ownv) {
		mem_deref(a);
		return ENOMEM;
	}
	*ap = a;

	return 0;
}

static int add_section(struct args *a, const struct directory_state *s,
		       size_t k)
{
	(void)re_snprintf(a->countv[k], sizeof(a->countv[k]), "%zu",
			  s->countv[k]);
	add(a, a->countv[k], strlen(a->countv[k]));
	for (size_t i = 0; i < s->countv[k]; i++) {
		const struct directory_entry *e = &s->entryv[k][i];
		size_t len = 0;
		char *value = value_of(e, &len);

		if (!value)
			return ENOMEM;
		a->ownv[a->owned++] = value;
		add(a, e->id, strlen(e->id));
		add(a, value, len);
	}

	return 0;
}

int directory_give(struct directory *d)
{
	char *revision;
	struct args *a;
	int err;

	err = args_alloc(&a, d->now);
	if (err)
		return err;

	for (size_t i = 0; i < DIRECTORY_KEYC; i++)
		add(a, keyv[i], strlen(keyv[i]));
	revision = a->countv[DIRECTORY_SECTIONS];
	(void)re_snprintf(revision, sizeof(a->countv[0]), "%llu",
			  d->now->revision);
	add(a, revision, strlen(revision));
	for (size_t k = 0; !err && k < DIRECTORY_SECTIONS; k++)
		err = add_section(a, d->now, k);
	if (!err)
		err = script_run(bus_redis(d->bus), SCRIPT_ACCT_AGAIN,
				 DEADLINE_MS, NULL, NULL, DIRECTORY_KEYC,
				 (int)a->n, a->argv, a->lenv);
	mem_deref(a);

	return err;
}
